"""A judge that reads claim and passage together: a cross-encoder, behind the same rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from answerable.answering.checking import (
    CheckedClaim,
    CheckedResponse,
    Context,
    DraftClaim,
    EvidenceSpan,
    Reason,
    check,
    prepare,
)
from answerable.answering.judges.rules import is_settled, ruled, worst_of
from answerable.answering.ports import Judge, PairScorer
from answerable.domain.questions import VerdictValue

# A window is some neighbouring sentences: encoders of 512 tokens read so much and a claim whole.
_WINDOW_CHARS = 1_200
# Of a long context only the windows that share most words with a claim are read with it.
_WINDOWS_MAX = 6
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Window:
    """Neighbouring sentences of one passage, read as one.

    Attributes:
        passage: Which passage, from 0.
        start, end: Code points in it.
    """

    passage: int
    start: int
    end: int
    text: str

    @cached_property
    def words(self) -> frozenset[str]:
        """Its distinct words in lower case."""
        return frozenset(_WORD.findall(self.text.lower()))


class PairJudging:
    """Checks claims against passages by scoring each claim with the windows it may rest on."""

    def __init__(self, scorer: PairScorer, context: Context) -> None:
        self._scorer = scorer
        self._context = context
        self._windows = tuple(windows(context))

    def check(self, claim: DraftClaim, *, before: str = "") -> CheckedClaim:
        """Return the scorer's verdict, but for what rules settle: quotes, facts from nowhere."""
        own = check(claim, self._context, before=before)
        if is_settled(own):
            return own
        read = nearest(claim.text, self._windows)
        if not read:
            return own
        scores = self._scorer.scores([one.text for one in read], claim.text)
        p, best = max(zip(scores, read, strict=True), key=lambda pair: pair[0])
        value = verdict_of(p, self._scorer)
        span = EvidenceSpan(passage=best.passage, start=best.start, end=best.end)
        reason = Reason(code="encoder_says", text=f"the encoder gives {p:.2f} to {value.value}")
        return ruled(own, value, p=p, why=reason, evidence=(span,))

    def check_response(self, response: str) -> CheckedResponse:
        """Return the verdict on a whole response: that of its worst claim."""
        return worst_of(response, self.check)


@dataclass(frozen=True, kw_only=True)
class PairJudge:
    """Judges by a cross-encoder. As safe for threads as its scorer."""

    scorer: PairScorer

    @property
    def name(self) -> str:
        """The scorer's, marked as a judge."""
        return f"onnx:{self.scorer.name}"

    @property
    def digest(self) -> str:
        """The scorer's."""
        return self.scorer.digest

    def prepare(self, passages: Sequence[str], *, question: str) -> PairJudging:
        """Return what checks claims against these passages."""
        return PairJudging(self.scorer, prepare(passages, question=question))


_: Callable[..., Judge] = PairJudge


def verdict_of(p: float, scorer: PairScorer) -> VerdictValue:
    """Return what a probability means to this scorer; NaN is UNDECIDED."""
    if p >= scorer.supported_min:
        return VerdictValue.SUPPORTED
    return VerdictValue.UNSUPPORTED if p < scorer.unsupported_below else VerdictValue.UNDECIDED


def windows(context: Context) -> Iterator[Window]:
    """Give each passage in windows of whole pieces, each but the first with the piece before it.

    What stands on both sides of a cut is so read together once.
    """
    for passage, group in groupby(context.pieces, key=lambda piece: piece.passage):
        text = context.passages[passage]
        start = end = before = -1
        for piece in group:
            if start >= 0 and piece.end - start > _WINDOW_CHARS:
                yield Window(passage=passage, start=start, end=end, text=text[start:end])
                start = before if piece.end - before <= _WINDOW_CHARS else piece.start
            start = piece.start if start < 0 else start
            before, end = piece.start, piece.end
        if start >= 0:
            yield Window(passage=passage, start=start, end=end, text=text[start:end])


def nearest(claim: str, among: Sequence[Window]) -> tuple[Window, ...]:
    """Return the windows that share most words with a claim, in their order."""
    if len(among) <= _WINDOWS_MAX:
        return tuple(among)
    words = frozenset(_WORD.findall(claim.lower()))
    order = sorted(range(len(among)), key=lambda place: -len(words & among[place].words))
    return tuple(among[place] for place in sorted(order[:_WINDOWS_MAX]))
