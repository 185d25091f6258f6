"""What a run over a question set says about retrieval, quotes and abstention."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from answerable.domain.questions import Answered, Claim, Outcome, Trace
from answerable.quality.metrics import (
    auroc,
    hit,
    mean,
    ndcg,
    recall,
    reciprocal_rank,
    share,
    wilson,
)
from answerable.quality.questions import UNANSWERABLE, Case

KS = (1, 5, 10)

Scores = Mapping[str, float | int | Mapping[str, tuple[float, float]] | None]
"""Numbers by name; what cannot be measured is None. ``intervals`` holds those of the shares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A case and what was found for it.

    Attributes:
        ranked: Distinct documents that were found, best first, by the names the case's grades
            use. At least 10 for hit@10 and 100 for recall@100 where the library has as many.
    """

    case: Case
    ranked: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran(Ranked):
    """A case and what came of it.

    Attributes:
        verified: How many of the answer's citations held when they were recomputed.
    """

    trace: Trace
    verified: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Scores of all cases, and of each tag by name."""

    overall: Scores
    tags: Mapping[str, Scores]

    def as_json(self) -> dict[str, object]:
        """Return one object: the overall scores by name, then ``tags``."""
        return {**self.overall, "tags": {tag: dict(scores) for tag, scores in self.tags.items()}}


def evaluate(ran: Sequence[Ran], *, ks: Sequence[int] = KS) -> Report:
    """Return the scores of a run.

    - ``questions``, ``answerable``, ``unanswerable``: how many there are;
    - ``hit@k``, ``mrr@10``, ``ndcg@10``, ``recall@100``: means over the questions that are
      judged (``ranked`` of them), as `evaluate_rankings` counts them;
    - ``quote_contained``: share of answerable questions that name a quote (``quotable``) whose
      answer contains it, as `comparable` text; an abstention contains nothing.
      ``quote_contained_when_answered``: the same over those that were answered;
    - ``citations``, ``citations_verified``: how many there are, and the share that held;
    - ``abstention_auroc``: how often an answerable question has more confidence than an
      unanswerable one. For a tag: its questions against all of the other sort;
    - ``answerable_withheld``, ``unanswerable_answered``, ``abstention_error``: at the release's
      threshold, the share of answerable questions that were not answered, of unanswerable ones
      that were, and of all questions that were one or the other.

    Questions without an answer count for abstention only, and for ``citations``.

    Args:
        ran: Every case once.
        ks: Cut-offs of ``hit@k``.
    """
    tags = list(dict.fromkeys(tag for one in ran for tag in one.case.tags))
    # What has an answer first; within either sort as the set names them.
    tags.sort(key=lambda tag: not any(tag in one.case.tags for one in ran if one.case.answerable))
    return Report(
        overall=_scores(ran, ran, ks),
        tags={
            tag: _scores([one for one in ran if tag in one.case.tags], ran, ks)
            for tag in tags
            if tag != UNANSWERABLE
        },
    )


def evaluate_rankings(found: Sequence[Ranked], *, ks: Sequence[int] = KS) -> Report:
    """Return how well documents are found: ``ranked``, ``hit@k`` and the means of `evaluate`.

    Args:
        found: Every case once. Only those that are judged count: an answerable question that
            names no relevant document is left out of every mean, and one whose documents were
            not found counts 0.
        ks: Cut-offs of ``hit@k``.
    """
    judged = [one for one in found if one.case.is_judged]
    tags = dict.fromkeys(tag for one in judged for tag in one.case.tags)
    return Report(
        overall=_ranking_scores(judged, ks),
        tags={
            tag: _ranking_scores([one for one in judged if tag in one.case.tags], ks)
            for tag in tags
        },
    )


def _ranking_scores(judged: Sequence[Ranked], ks: Sequence[int]) -> Scores:
    hits = _hits(judged, ks)
    return {
        "ranked": len(judged),
        **_shares(hits),
        **_ranking(judged),
        "intervals": _intervals(hits),
    }


def _scores(group: Sequence[Ran], everyone: Sequence[Ran], ks: Sequence[int]) -> Scores:
    answerable = [one for one in group if one.case.answerable]
    unanswerable = [one for one in group if not one.case.answerable]
    judged = [one for one in group if one.case.is_judged]
    counts = {
        **_hits(judged, ks),
        **_quoting(answerable),
        **_abstention(answerable, unanswerable),
        "citations_verified": (sum(one.verified for one in group), _citations(group)),
    }
    return {
        "questions": len(group),
        "answerable": len(answerable),
        "unanswerable": len(unanswerable),
        "citations": _citations(group),
        "ranked": len(judged),
        "quotable": sum(1 for one in answerable if one.case.quotes),
        **_ranking(judged),
        **_shares(counts),
        "abstention_auroc": auroc(
            [_confidence(one) for one in answerable or everyone if one.case.answerable],
            [_confidence(one) for one in unanswerable or everyone if not one.case.answerable],
        ),
        "intervals": _intervals(counts),
    }


_Counts = Mapping[str, tuple[int, int]]
"""How many did, and of how many, by the name of the share."""


def _shares(counts: _Counts) -> dict[str, float | None]:
    return {name: share(count, of) for name, (count, of) in counts.items()}


def _intervals(counts: _Counts) -> dict[str, tuple[float, float]]:
    return {
        name: interval
        for name, (count, of) in counts.items()
        if (interval := wilson(count, of)) is not None
    }


def _hits(judged: Sequence[Ranked], ks: Sequence[int]) -> dict[str, tuple[int, int]]:
    return {
        f"hit@{k}": (sum(hit(one.ranked, one.case.grades, k=k) for one in judged), len(judged))
        for k in ks
    }


def _ranking(judged: Sequence[Ranked]) -> dict[str, float | None]:
    gains = [ndcg(one.ranked, one.case.grades, k=10) or 0.0 for one in judged]
    recalls = [recall(one.ranked, one.case.grades, k=100) or 0.0 for one in judged]
    return {
        "mrr@10": mean([reciprocal_rank(one.ranked, one.case.grades, k=10) for one in judged]),
        "ndcg@10": mean(gains),
        "recall@100": mean(recalls),
    }


def _quoting(answerable: Sequence[Ran]) -> dict[str, tuple[int, int]]:
    quotable = [one for one in answerable if one.case.quotes]
    contained = sum(1 for one in quotable if contains_quote(one.case, one.trace.outcome))
    answered = sum(1 for one in quotable if _is_answered(one))
    return {
        "quote_contained": (contained, len(quotable)),
        "quote_contained_when_answered": (contained, answered),
    }


def _abstention(
    answerable: Sequence[Ran], unanswerable: Sequence[Ran]
) -> dict[str, tuple[int, int]]:
    withheld = sum(1 for one in answerable if not _is_answered(one))
    answered = sum(1 for one in unanswerable if _is_answered(one))
    return {
        "answerable_withheld": (withheld, len(answerable)),
        "unanswerable_answered": (answered, len(unanswerable)),
        "abstention_error": (withheld + answered, len(answerable) + len(unanswerable)),
    }


def _is_answered(one: Ran) -> bool:
    return isinstance(one.trace.outcome, Answered)


def _confidence(one: Ran) -> float:
    return one.trace.outcome.confidence


def _citations(group: Sequence[Ran]) -> int:
    return sum(len(claim.citations) for one in group for claim in _claims(one))


def _claims(one: Ran) -> Sequence[Claim]:
    return one.trace.outcome.claims if isinstance(one.trace.outcome, Answered) else ()


def contains_quote(case: Case, outcome: Outcome) -> bool:
    """Return whether an answer holds one of the quotes a case names, as `comparable` text."""
    claims = outcome.claims if isinstance(outcome, Answered) else ()
    quoted = comparable("\n\n".join(claim.text for claim in claims))
    wanted = (comparable(quote) for quote in case.quotes)
    return any(quote in quoted for quote in wanted if quote)


def holds(text: str, outcome: Outcome) -> bool:
    """Return whether an answer holds a text, as `comparable` text in whatever case."""
    claims = outcome.claims if isinstance(outcome, Answered) else ()
    said = comparable("\n\n".join(claim.text for claim in claims)).casefold()
    return comparable(text).casefold() in said


# In this order: each works on what those before it left.
_MARKERS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    # A shortcode says no more than its text, if it has one.
    (re.compile(r"\{\{[<%][^}]*?\btext=\"([^\"]*)\"[^}]*\}\}"), r"\1"),
    (re.compile(r"\{\{[<%].*?[>%]\}\}", re.DOTALL), " "),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (
        re.compile(
            r"^(?:[ \t]*(?:>|#{1,6}(?=\s)|[-*+](?=\s)|\d{1,3}[.)](?=\s)|```\w*))+", re.MULTILINE
        ),
        "",
    ),
    (re.compile(r"[`*_|~\\]"), ""),
    (re.compile(r"\s+"), " "),
)


def comparable(text: str) -> str:
    r"""Return a text as quotes are compared: white space collapsed, Markdown markers dropped.

    Markers are comments, shortcodes (their ``text`` stays), the address of a link, what marks
    a line as heading, quote, list item or fence, and the characters ````*_|~\`` anywhere.
    Case and all other characters stay.
    """
    for pattern, left in _MARKERS:
        text = pattern.sub(left, text)
    return text.strip()
