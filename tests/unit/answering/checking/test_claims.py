"""A draft is cut into claims, whole or while it arrives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.answering.checking import ClaimStream, split_claims

DRAFT = """## Restart the ingester

Based on the passages, here are the steps:

1. Stop it with `systemctl stop ingester. Then wait` e.g. for 30 s. It takes v1.2.3 or newer.
2. Run:

```shell
kubectl get pods -n prod
# a comment
kubectl delete pod ingester-0
```

| level | below |
|---|---|
| warning | 24h |
| critical | 4h |

- **Port:** 8443 [1]. Nothing else!
> It is quoted, and
goes on here. I hope this helps!
"""

PIECES = (
    "A claim. ", "Another one? ", "e.g. this", "\n", "\n\n", "- item", "1. ", "| a | b |\n",
    "|---|\n", "```\n", "`code. `", "# Title\n", "v1.2.3", " [1]", "lower ", "Upper ", "...",
    "!", ".", " ", "  ", "\t", "> ", "**bold** ", "Dr. ", "etc. ", "\u2026", "\r\n", "x" * 50,
    "12) ", "---\n", "I. ",
)  # fmt: skip


def texts(draft: str) -> list[tuple[str, str]]:
    return [(claim.kind, claim.text) for claim in split_claims(draft)]


def test_a_draft_becomes_its_statements() -> None:
    """Sentences, items, rows, code lines and headings are told apart; markers belong to none."""
    assert texts(DRAFT) == [
        ("heading", "Restart the ingester"),
        ("connective", "Based on the passages, here are the steps:"),
        ("item", "Stop it with `systemctl stop ingester. Then wait` e.g. for 30 s."),
        ("item", "It takes v1.2.3 or newer."),
        ("item", "Run:"),
        ("code", "kubectl get pods -n prod"),
        ("code", "# a comment"),
        ("code", "kubectl delete pod ingester-0"),
        ("heading", "| level | below |"),
        ("row", "| warning | 24h |"),
        ("row", "| critical | 4h |"),
        ("item", "**Port:** 8443 [1]."),
        ("item", "Nothing else!"),
        ("sentence", "It is quoted, and\ngoes on here."),
        ("connective", "I hope this helps!"),
    ]


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("See Dr. Smith. He knows.", ["See Dr. Smith.", "He knows."]),
        ("Use nodes, pods, etc. for this. Done.", ["Use nodes, pods, etc. for this.", "Done."]),
        ("It ended.[2] Then more.", ["It ended.[2]", "Then more."]),
        ("Warning: 24h\nCritical: 4h", ["Warning: 24h", "Critical: 4h"]),
        ("Is it? yes it is.", ["Is it? yes it is."]),
        ("", []),
        ("...", []),
        ("```\nunfinished", ["unfinished"]),
    ],
)
def test_where_sentences_end(draft: str, expected: list[str]) -> None:
    """Abbreviations end nothing, markers stay with their sentence, lines of their own stand."""
    assert [claim.text for claim in split_claims(draft)] == expected


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.data())
def test_any_partition_gives_the_same_claims(pieces: list[str], data: st.DataObject) -> None:
    """However a draft arrives, letter by letter or at once, the claims are the same."""
    draft = "".join(pieces)
    stream, found, at = ClaimStream(), [], 0
    while at < len(draft):
        step = data.draw(st.integers(1, 20))
        found += stream.feed(draft[at : at + step])
        at += step
    found += stream.finish()
    assert tuple(found) == split_claims(draft)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_offsets_are_exact_and_nothing_is_said_twice(draft: str) -> None:
    """Each claim is text of the draft, in order, apart from the others."""
    end = 0
    for claim in split_claims(draft):
        assert draft[claim.start : claim.end] == claim.text
        assert claim.text == claim.text.strip()
        assert claim.start >= end
        end = claim.end


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_every_word_is_in_some_claim(draft: str) -> None:
    """Nothing that could be shown escapes the check: letters outside claims are markers only."""
    covered = {at for claim in split_claims(draft) for at in range(claim.start, claim.end)}
    outside = "".join(char for at, char in enumerate(draft) if at not in covered)
    assert not any(char.isalpha() for char in outside)


def test_a_sentence_is_given_when_the_next_word_begins() -> None:
    """Streaming waits for one letter after the full stop, not for the end of the line."""
    stream = ClaimStream()
    assert stream.feed("The port is 8443. ") == []
    assert [claim.text for claim in stream.feed("T")] == ["The port is 8443."]


def test_a_draft_without_any_end_is_cut() -> None:
    """A megabyte without a full stop is not held until it ends."""
    stream = ClaimStream()
    assert stream.feed("word " * 5_000)
    assert split_claims("word " * 5_000) == (
        *(s := ClaimStream()).feed("word " * 5_000),
        *s.finish(),
    )


def test_a_number_of_a_passage_is_no_claim() -> None:
    """It stands behind the full stop in most replies; in code it may be a line."""
    assert [text for _, text in texts("The port is 80. [1]\n\nIt is open. [2][3]")] == [
        "The port is 80.",
        "It is open.",
    ]
    assert texts("```\n[1]\n```") == [("code", "[1]")]


@pytest.mark.parametrize(
    "text",
    [
        "Here are the steps:", "Based on the provided context, here is a summary:", "In summary,",
        "To do this:", "I hope this helps!", "However,", "**Note:**", "Follow these steps:",
    ],
)  # fmt: skip
def test_connectives_say_nothing(text: str) -> None:
    """What only connects is no claim."""
    assert [kind for kind, _ in texts(text)] == ["connective"]


@pytest.mark.parametrize(
    "text",
    [
        "Here are the 3 steps:", "Based on the passages, the port is 8080.", "Note that it fails:",
        "Follow these steps to delete the node:", "To delete everything:", "No.", "Yes.",
        "The following port is open:",
    ],
)  # fmt: skip
def test_what_says_something_is_no_connective(text: str) -> None:
    """The list is closed: nothing can be said inside it."""
    assert "connective" not in [kind for kind, _ in texts(text)]
