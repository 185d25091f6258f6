"""A stored answer against today's documents: what still stands, what moved, what is made up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from recheck_samples import DOCUMENT, check, cite, forged, given, page, stands

from answerable.answering.standing import Because, Given, Standing, worst

THEN = """\
# Ports

The server listens on port 8080. It needs no password.

- Timeout: 30 seconds
- Retries: 3

<!-- the password is swordfish --> Ask the team for access.

## Client

The server listens on port 8080. The client does not.
"""
QUOTE = "The server listens on port 8080."
COMMENT = "the password is swordfish"


def test_the_same_text_is_still_true() -> None:
    """A document that did not change needs no earlier text, and the place is given again."""
    found = stands(QUOTE, THEN, THEN)
    assert (found.standing, found.because) == (Standing.STILL_TRUE, Because.SAME_TEXT)
    assert found.now is not None
    assert (found.now.start, found.now.quote) == (THEN.index(QUOTE), QUOTE)


def test_a_document_that_changed_below_moves_nothing() -> None:
    """The quote stands where it stood; it is said that the document changed elsewhere."""
    found = stands(QUOTE, THEN, THEN + "\nMore.\n")
    assert (found.standing, found.because) == (Standing.STILL_TRUE, Because.CHANGED_ELSEWHERE)
    assert not found.is_moved


_LINES = st.lists(
    st.text(alphabet="ab .\u00e4\U0001f692-#", min_size=0, max_size=12), min_size=1, max_size=6
)


@settings(deadline=None)
@for_all(before=_LINES, after=_LINES)
def test_an_edit_elsewhere_keeps_a_citation_true(before: list[str], after: list[str]) -> None:
    """Whatever is written above and below, the new offsets give the very quote."""
    now_source = "\n".join([*before, "", THEN, "", *after])
    now = page(now_source)
    found = stands(QUOTE, THEN, now_source)
    assert found.standing is Standing.STILL_TRUE
    assert found.now is not None
    assert now.text.text[found.now.start : found.now.end] == QUOTE == found.now.quote
    assert found.now.line == now.text.text.count("\n", 0, found.now.start) + 1
    assert found.now.content_hash == now.content_hash
    # Of the two that stand there it is the one that was cited.
    assert found.now.start == now.text.text.index(QUOTE)
    assert found.is_moved


@settings(deadline=None)
@for_all(
    sentences=st.lists(
        st.sampled_from(
            ["Restart the pod.", "Wait a minute.", "Call the owner.", "Port 80 it is."]
        ),
        min_size=1,
        max_size=8,
    ),
    kept=st.lists(st.booleans(), min_size=8, max_size=8),
    cited=st.integers(0, 7),
)
def test_what_is_called_true_always_stands(
    sentences: list[str], kept: list[bool], cited: int
) -> None:
    """However a document is cut, `still true` gives a place where the quote is."""
    place = cited % len(sentences)
    then = "\n\n".join(sentences)
    now = "\n\n".join(one for one, keep in zip(sentences, kept, strict=False) if keep) or "Nothing."
    start = sum(len(one) + 2 for one in sentences[:place])
    found = stands(sentences[place], then, now, start=start)
    if sentences[place] not in now:
        assert found.standing is Standing.DOCUMENT_CHANGED
        return
    if found.now is not None:
        assert now[found.now.start : found.now.end] == sentences[place]
    assert (found.now is not None) is (found.standing is Standing.STILL_TRUE)
    if all(kept[: len(sentences)]):
        assert found.now is not None
        assert found.now.start == start


def test_of_two_equal_sentences_the_cited_one_counts() -> None:
    """When the one that was cited changed, its twin in another section does not save it."""
    now = THEN.replace("8080", "8443", 1)
    found = stands(QUOTE, THEN, now)
    assert (found.standing, found.because) == (Standing.DOCUMENT_CHANGED, Because.QUOTE_GONE)
    twin = stands(QUOTE, THEN, now, start=THEN.rindex(QUOTE))
    assert twin.standing is Standing.STILL_TRUE
    assert twin.now is not None
    assert twin.now.start == now.index(QUOTE)


def test_what_it_says_now_is_shown() -> None:
    """Of a quote that is gone, the sentence that took its place is given with its place."""
    now = THEN.replace("port 8080", "port 8443")
    found = stands(QUOTE, THEN, now)
    assert found.now is None
    assert found.closest is not None
    assert found.closest.quote == "The server listens on port 8443."
    assert now[found.closest.start : found.closest.end] == found.closest.quote
    assert found.closest.line == 3


def test_a_list_that_changed_is_shown_as_far_as_it_is_like_it() -> None:
    """Several items are given where several were quoted."""
    quote = "- Timeout: 30 seconds\n- Retries: 3"
    found = stands(quote, THEN, THEN.replace("Retries: 3", "Retries: 5"))
    assert found.closest is not None
    assert found.closest.quote == "- Timeout: 30 seconds\n- Retries: 5"


def test_nothing_alike_shows_nothing() -> None:
    """Where nothing is like the quote any more, nothing is passed off as its successor."""
    found = stands(QUOTE, THEN, "# Cats\n\nCats sleep a lot.\n")
    assert found.standing is Standing.DOCUMENT_CHANGED
    assert found.closest is None


@pytest.mark.parametrize(
    ("quote", "then", "now"),
    [
        ("- port: 80", "# A\n\n- port: 80\n", "# A\n\n- port: 8080\n"),
        ("- Timeout: 30", "# A\n\n- Timeout: 30\n", "# A\n\n- Timeout: 30 minutes\n"),
        ("Restart the pod.", "# A\n\nRestart the pod.\n", "# A\n\nNever Restart the pod.\n"),
        ("| a | 1 |", "x\n\n| k | v |\n|---|---|\n| a | 1 |\n",
         "x\n\n| k | v | n |\n|---|---|---|\n| a | 1 | no |\n"),
    ],
)  # fmt: skip
def test_words_that_were_joined_by_others_are_not_the_quote(
    quote: str, then: str, now: str
) -> None:
    """A quote inside of more is a change: what was added may turn it around."""
    found = stands(quote, then, now)
    assert (found.standing, found.because) == (Standing.DOCUMENT_CHANGED, Because.QUOTE_WITHIN)


def test_a_quote_that_was_commented_out_is_gone() -> None:
    """What is masked today does not stand, and is not shown as what comes closest."""
    found = stands("It needs no password.", THEN, THEN.replace(
        "It needs no password.", "<!-- It needs no password. -->"
    ))  # fmt: skip
    assert (found.standing, found.because) == (Standing.DOCUMENT_CHANGED, Because.QUOTE_GONE)
    assert found.closest is None or "password" not in found.closest.quote


@pytest.mark.parametrize("comment", ["<!-- old -->", "<!-- another one -->", ""])
def test_no_outcome_depends_on_what_is_masked(comment: str) -> None:
    """A comment beside a quote may come, go and change: it says nothing to anyone."""
    then = "# A\n\n- Timeout: 30 <!-- old -->\n\nB\n\n- Timeout: 30\n"
    found = stands("- Timeout: 30", then, f"# A\n\n- Timeout: 30 {comment}\n\nC\n")
    assert found.standing is Standing.STILL_TRUE
    assert found.now is not None
    assert found.now.start == 5


def test_gone_says_nothing_of_the_document() -> None:
    """A document that may not be read is one that is not there, whatever is cited of it."""
    old = page(THEN)
    for citation in (cite(QUOTE, old), replace(cite(QUOTE, old), quote="wrong", start=-1)):
        (found,) = check(given(citation), [], [old]).claims[0].citations
        assert found.standing is Standing.DOCUMENT_GONE
        assert (found.path, found.title, found.now, found.closest) == ("", "", None, None)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"quote": "The server listens on port 8443."}, Because.NEVER_STOOD),
        ({"start": THEN.index(QUOTE) + 1}, Because.NEVER_STOOD),
        ({"start": -5}, Because.OUTSIDE),
        ({"end": 10**9}, Because.OUTSIDE),
        ({"end": 0}, Because.OUTSIDE),
        ({"line": 4}, Because.ANOTHER_LINE),
        ({"path": "official.md"}, Because.ANOTHER_PATH),
        ({"content_hash": "0" * 64}, Because.UNKNOWN_TEXT),
    ],
)
@pytest.mark.parametrize("now", [THEN, THEN.replace("3", "4")], ids=["same", "changed"])
def test_what_was_altered_is_not_as_given(
    changes: dict[str, object], because: Because, now: str
) -> None:
    """An altered citation is refused for what it is; nothing of the document is shown."""
    old = page(THEN)
    answer = forged(cite(QUOTE, old), **changes)
    (found,) = check(answer, [page(now)], [old]).claims[0].citations
    assert (found.standing, found.because) == (Standing.NOT_AS_GIVEN, because)
    assert found.now is None
    assert found.closest is None


@pytest.mark.parametrize("now", [THEN, THEN + "\nMore.\n"], ids=["same", "changed"])
def test_a_right_guess_at_masked_text_looks_like_a_wrong_one(now: str) -> None:
    """A made-up answer that guesses a comment word for word learns nothing."""
    old = page(THEN)
    right = cite(COMMENT, old)
    wrong = replace(right, quote="the password is sardines!")
    assert len(wrong.quote) == len(right.quote)
    assert check(given(right), [page(now)], [old]) == check(given(wrong), [page(now)], [old])
    # Nor by a quote that was true once and is a comment of today.
    once = page("# Ports\n\n" + COMMENT + ".\n")
    (hit,) = check(given(cite(COMMENT + ".", once)), [page(THEN)], [once]).claims[0].citations
    assert hit.because is Because.QUOTE_GONE


def test_a_sentence_that_is_not_its_quotes() -> None:
    """Good citations do not carry another sentence, on whichever rung it says it was given."""
    citation = cite(QUOTE, page(THEN))
    quoted = check(given(citation, text="There is no password."), [page(THEN)], [])
    assert (quoted.standing, quoted.claims[0].because) == (
        Standing.NOT_AS_GIVEN,
        Because.NOT_ITS_QUOTES,
    )
    written = check(given(citation, text="There is none.", rung="model:x"), [page(THEN)], [])
    assert (written.standing, written.claims[0].because) == (
        Standing.NOT_AS_GIVEN,
        Because.UNPROVEN,
    )


def test_what_was_recorded_proves_a_sentence() -> None:
    """A sentence a model wrote stands when the ledger has it so, and not when it was altered."""
    answer = given(cite(QUOTE, page(THEN)), text="It listens on 8080.", rung="model:x")
    assert check(answer, [page(THEN)], [], recorded=answer).standing is Standing.STILL_TRUE
    other = replace(answer, claims=(replace(answer.claims[0], text="It listens on 80."),))
    found = check(other, [page(THEN)], [], recorded=answer)
    assert (found.standing, found.claims[0].because) == (
        Standing.NOT_AS_GIVEN,
        Because.NOT_RECORDED,
    )


def test_an_expired_record_is_checked_by_its_text() -> None:
    """Without its quotes, a record is compared through the text it counts in, or says it cannot."""
    old, now = page(THEN), page("Above.\n\n" + THEN)
    bare = given(replace(cite(QUOTE, old), quote="", title=""), text="")
    (found,) = check(bare, [now], [old], recorded=bare).claims[0].citations
    assert found.because is Because.MOVED
    assert found.now is not None
    assert found.now.quote == QUOTE
    (lost,) = check(bare, [now], [], recorded=bare).claims[0].citations
    assert (lost.standing, lost.because) == (Standing.DOCUMENT_CHANGED, Because.QUOTE_NOT_KEPT)


def test_an_empty_quote_of_a_stranger_is_not_filled_in() -> None:
    """Only the ledger's own records are read by their offsets."""
    old = page(THEN)
    answer = forged(cite(QUOTE, old), quote="")
    (found,) = check(answer, [page(THEN + "x")], [old]).claims[0].citations
    assert (found.standing, found.because) == (Standing.NOT_AS_GIVEN, Because.NEVER_STOOD)


def test_an_answer_stands_as_its_worst_citation() -> None:
    """One that is gone outweighs any number that are true; an abstention cites nothing."""
    old, other = page(THEN), page("# B\n\nAll is well.\n", "d2")
    answer = given(cite(QUOTE, old), cite("All is well.", other))
    found = check(answer, [old], [])
    assert found.standing is Standing.DOCUMENT_GONE
    assert [one.standing for one in found.claims[0].citations] == [
        Standing.STILL_TRUE,
        Standing.DOCUMENT_GONE,
    ]
    silent = Given(trace_id="t1", revision=7, rung="", claims=())
    assert check(silent, [], []).standing is Standing.NOTHING_CITED
    uncited = given(text="Trust me.")
    assert check(uncited, [], []).standing is Standing.NOT_AS_GIVEN
    assert worst(Standing) is Standing.NOT_AS_GIVEN


def test_every_reason_has_words() -> None:
    """No reason reaches people as a code alone."""
    assert all(one.sentence for one in Because)


def test_a_quote_that_stands_everywhere_is_found_quickly() -> None:
    """Thousands of occurrences of a short quote are looked at near where it stood."""
    then = "- a\n" * 3_000
    found = stands("- a", then, "- b\n" + then, start=4_000)
    assert found.standing is Standing.STILL_TRUE
    assert found.document_id == DOCUMENT
