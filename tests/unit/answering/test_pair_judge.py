"""Claims read together with passages: in windows, by the nearest of them, behind the rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.answering.checking import CheckedClaim, prepare, split_claims
from answerable.answering.judges.pairs import PairJudge, nearest, windows
from answerable.domain.questions import VerdictValue

PASSAGE = "The ingester listens on port 8443. It is restarted by hand."
CLAIM = "It is the ingester that listens there."


class Scorer:
    """Gives the scores it was told, and keeps what it read."""

    name, digest, supported_min, unsupported_below = "told", "1", 0.5, 0.25

    def __init__(self, *scores: float) -> None:
        self._scores = scores
        self.read: list[str] = []

    def scores(self, texts: Sequence[str], claim: str) -> Sequence[float]:
        """Return the next scores, the last one for what is beyond."""
        del claim
        self.read = list(texts)
        return [self._scores[min(at, len(self._scores) - 1)] for at in range(len(texts))]


def judged(scorer: Scorer, claim: str, *passages: str) -> CheckedClaim:
    (found,) = split_claims(claim)
    return PairJudge(scorer=scorer).prepare(passages or [PASSAGE], question="").check(found)


@pytest.mark.parametrize(
    ("score", "value"),
    [
        (0.5, VerdictValue.SUPPORTED),
        (0.49, VerdictValue.UNDECIDED),
        (0.25, VerdictValue.UNDECIDED),
        (0.24, VerdictValue.UNSUPPORTED),
    ],
)
def test_bounds_turn_a_score_into_a_verdict(score: float, value: VerdictValue) -> None:
    """The scorer's own bounds count, and its score is the probability."""
    found = judged(Scorer(score), CLAIM)
    assert (found.verdict, found.p_supported) == (value, score)
    assert found.reasons[0].code == "encoder_says"


def test_one_passage_that_says_it_is_enough() -> None:
    """The best window counts, and is the evidence where features find none."""
    found = judged(Scorer(0.1, 0.9), "Wombats dig.", "Nothing.", "Elsewhere animals burrow.")
    assert found.verdict is VerdictValue.SUPPORTED
    assert [span.passage for span in found.evidence] == [1]


def test_no_encoder_overrules_a_hard_fact_and_none_reads_a_quote() -> None:
    """A number from nowhere is not supported; a quote costs no call."""
    assert judged(Scorer(1.0), "It listens on port 8080.").verdict is not VerdictValue.SUPPORTED
    scorer = Scorer(0.0)
    assert judged(scorer, "The ingester listens on port 8443.").verdict is VerdictValue.SUPPORTED
    assert scorer.read == []


def test_without_passages_nothing_is_read() -> None:
    """Then features say what they say of nothing."""
    scorer = Scorer(1.0)
    (claim,) = split_claims(CLAIM)
    found = PairJudge(scorer=scorer).prepare([], question="").check(claim)
    assert found.verdict is not VerdictValue.SUPPORTED
    assert scorer.read == []


def test_of_a_long_page_only_the_nearest_windows_are_read() -> None:
    """What shares no word with the claim is left out first."""
    page = "\n\n".join(
        f"Chapter {at} tells of other things. " + "Words. " * 150 for at in range(30)
    )
    scorer = Scorer(0.9)
    judged(scorer, CLAIM, f"{page}\n\n{PASSAGE}")
    assert len(scorer.read) == 6
    assert any(PASSAGE[:33] in one for one in scorer.read)


@given(st.lists(st.text("ab. \n", max_size=400), max_size=4))
def test_windows_hold_every_piece_and_overlap_by_one(texts: list[str]) -> None:
    """No piece is lost, none is cut, and neighbours share at most what stands before the cut."""
    context = prepare(texts, question="")
    found = list(windows(context))
    for piece in context.pieces:
        assert any(
            one.passage == piece.passage and one.start <= piece.start and piece.end <= one.end
            for one in found
        )
    for one in found:
        assert one.text == context.passages[one.passage][one.start : one.end]
    for one, other in pairwise(found):
        if one.passage == other.passage:
            assert one.start < other.start
            assert one.end < other.end
    assert nearest("ab", found[:6]) == tuple(found[:6])
