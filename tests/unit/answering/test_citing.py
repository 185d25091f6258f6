"""Citations and their check: exact, around masks, and no change goes unseen."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from answerable.answering.cite import claim, pieces
from answerable.answering.quote import Quote
from answerable.answering.units import UnitKind
from answerable.answering.verify import judged, verify, verify_claim
from answerable.domain.documents import Chunk, Landmark, LandmarkKind, Span, Text
from answerable.domain.questions import Citation, Claim, Passage, VerdictValue

SOURCE = "Use {{x}} `drain` <!-- no --> now.\n\nThen {{y}} wait.\n"
MASKS = (Span(4, 9), Span(18, 29), Span(42, 47))


def made(text: Text, *spans: tuple[int, int]) -> Claim:
    """Quote these spans of a text."""
    chunk = Chunk(ordinal=0, start=0, end=len(text.text), heading=("Drain",))
    passage = Passage(
        rank=1, score=1.0, document_id="d", content_id="c", path="a.md", title="T", chunk=chunk
    )
    spans_ = tuple(Span(*span) for span in spans)
    quote = Quote(passage=passage, kind=UnitKind.SENTENCE, spans=spans_, score=1.0)
    return claim(quote, text)


@pytest.fixture
def text() -> Text:
    """Return a page with three masks."""
    return Text(text=SOURCE, title="T", blocks=(), masks=MASKS)


def test_a_citation_is_split_around_what_is_masked(text: Text) -> None:
    """What is never shown is in no quote, and words stay apart."""
    assert SOURCE[4:9] == "{{x}}"
    found = made(text, (0, 34))
    assert [one.quote for one in found.citations] == ["Use ", " `drain` ", " now."]
    assert found.text == "Use  `drain`  now."
    assert verify_claim(found, {"d": SOURCE}, masks={"d": MASKS}) == ()


def test_spans_apart_keep_the_line_break_between_them(text: Text) -> None:
    """A lead and its unit do not run into each other."""
    found = made(text, (0, 34), (36, 53))
    assert "now.\n\nThen" in found.text
    assert [one.line for one in found.citations] == [1, 1, 1, 3, 3]


def test_white_space_is_cited_only_where_it_keeps_words_apart() -> None:
    """Between two masks one space stays if there is no other."""
    source = "one[m] [m]two"
    masks = (Span(3, 6), Span(7, 10))
    apart = Text(text=source, title="", blocks=(), masks=masks)
    assert made(apart, (0, 13)).text == "one two"
    wide = Text(text="one [m] [m]two", title="", blocks=(), masks=(Span(4, 7), Span(8, 11)))
    assert made(wide, (0, 14)).text == "one two"


def test_indented_code_keeps_its_indentation() -> None:
    """The first line of a block in a list still lines up with the second."""
    source = "- run\n\n      a\n      b\n"
    code = Text(text=source, title="", blocks=())
    assert made(code, (7, 22)).text == "      a\n      b"


def test_what_is_wholly_masked_cannot_be_cited() -> None:
    """Nothing visible gives a claim without citations, and that does not hold."""
    hidden = Text(text="secret", title="", blocks=(), masks=(Span(0, 6),))
    found = made(hidden, (0, 6))
    assert found.citations == ()
    assert verify_claim(found, {"d": "secret"}) == ("nothing is cited",)


words = st.text(alphabet="ab \n`é", min_size=5, max_size=60)


@st.composite
def masked(draw: st.DrawFn) -> tuple[Text, tuple[Span, ...]]:
    """Draw a text with masks, and spans of it."""
    body = draw(words)
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=8, unique=True)))
    masks = tuple(Span(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
    bounds = sorted(draw(st.lists(st.integers(0, len(body)), min_size=2, max_size=4, unique=True)))
    spans = tuple(Span(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=False))
    return Text(text=body, title="", blocks=(), masks=masks), spans


@given(masked())
def test_every_citation_made_holds(pair: tuple[Text, tuple[Span, ...]]) -> None:
    """Whatever is masked and quoted, all citations verify and the claim is their sum."""
    text, spans = pair
    found = made(text, *spans)
    reasons = verify_claim(found, {"d": text.text}, masks={"d": text.masks})
    assert reasons in ((), ("nothing is cited",))
    assert found.text == "".join(one.quote for one in found.citations)
    assert found.text == found.text.rstrip()


@given(masked())
def test_no_visible_word_of_a_span_is_lost(pair: tuple[Text, tuple[Span, ...]]) -> None:
    """Splitting and trimming drop white space and masks only, and join no two words."""
    text, spans = pair
    shown = "".join(
        text.text[at]
        for span in spans
        for at in range(*span)
        if not any(mask.start <= at < mask.end for mask in text.masks)
    )
    kept = "".join(text.text[piece.start : piece.end] for piece in pieces(text, spans))
    assert "".join(kept.split()) == "".join(shown.split())


@given(masked(), st.data())
def test_any_change_is_caught(pair: tuple[Text, tuple[Span, ...]], data: st.DataObject) -> None:
    """A changed quote, offset, line, hash or document never verifies."""
    text, spans = pair
    assume(spans)
    found = made(text, *spans)
    assume(found.citations)
    one = data.draw(st.sampled_from(found.citations))
    assert verify(one, text.text, spans=None, masks=text.masks) == ()
    for wrong in _damaged(one):
        assert verify(wrong, text.text, spans=None, masks=text.masks)
    place = data.draw(st.integers(0, len(text.text) - 1))
    other = text.text[:place] + "X" + text.text[place + 1 :]
    assert verify(one, other, spans=None, masks=text.masks)
    assert verify(one, text.text + "x", spans=None, masks=text.masks)


def _damaged(one: Citation) -> list[Citation]:
    return [
        replace(one, quote=one.quote + "x"),
        replace(one, quote=one.quote[:-1]),
        replace(one, quote="X" + one.quote[1:]),
        replace(one, start=one.start - 1),
        replace(one, end=one.end + 1),
        replace(one, start=one.end, end=one.start),
        replace(one, start=one.start + 10**9, end=one.end + 10**9),
        replace(one, line=one.line + 1),
        replace(one, content_hash="0" * 64),
    ]


def test_a_citation_has_to_lie_in_what_may_be_shown(text: Text) -> None:
    """A span the caller may not see is refused although the quote is right."""
    one = made(text, (36, 40)).citations[0]
    assert verify(one, SOURCE, spans=[Span(30, 41)]) == ()
    assert verify(one, SOURCE, spans=[Span(0, 38), Span(38, 50)]) == (
        "the quote lies outside what may be shown",
    )
    assert verify(one, SOURCE, spans=[]) == ("the quote lies outside what may be shown",)


def test_a_citation_that_meets_a_mask_is_refused(text: Text) -> None:
    """A quote of hidden text does not hold even where it is exact."""
    one = replace(made(text, (0, 3)).citations[0], end=8, quote=SOURCE[:8])
    assert verify(one, SOURCE, spans=None, masks=MASKS) == (
        "the quote meets text that is never shown",
    )


def test_a_claim_may_not_say_more_than_its_quotes(text: Text) -> None:
    """A word added to the claim is caught although every citation holds."""
    found = made(text, (36, 53))
    assert verify_claim(replace(found, text=found.text + "!"), {"d": SOURCE}) == (
        "the claim says something else than its quotes",
    )


def test_a_document_that_was_not_given_may_not_be_cited(text: Text) -> None:
    """What the caller may not read cannot be checked, so it does not hold."""
    found = made(text, (36, 53))
    assert verify_claim(found, {}) == ("the cited document may not be shown",)
    assert verify_claim(found, {"d": SOURCE}, spans={}) == (
        "the quote lies outside what may be shown",
    )


def test_a_verdict_says_why() -> None:
    """No reason against it supports a claim; any reason does not."""
    bare = made(Text(text="Wait.", title="", blocks=()), (0, 5))
    assert bare.verdict.value is VerdictValue.UNDECIDED
    assert judged(bare, ()).verdict.value is VerdictValue.SUPPORTED
    refused = judged(bare, ("hash",)).verdict
    assert (refused.value, refused.reasons) == (VerdictValue.UNSUPPORTED, ("hash",))


def test_a_citation_names_the_page_it_stands_on(text: Text) -> None:
    """Where the original has pages, each piece says on which it is; elsewhere nothing."""
    pages = tuple(Landmark(at, LandmarkKind.PAGE, n) for n, at in enumerate((0, 36), start=1))
    found = made(replace(text, landmarks=pages), (0, 34), (36, 53))
    assert [one.landmark for one in found.citations] == ["page 1"] * 3 + ["page 2"] * 2
    assert {one.landmark for one in made(text, (0, 34)).citations} == {""}
