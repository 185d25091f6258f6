"""The verdict on a claim: a score, and rules that no score can overrule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answerable.answering.checking import reasons
from answerable.answering.checking.claims import (
    CODE,
    CONNECTIVE,
    HEADING,
    REMARK,
    SAYS_NOTHING,
    DraftClaim,
    split_claims,
)
from answerable.answering.checking.context import Context, is_edge
from answerable.answering.checking.features import Measured, hard_absent, measure
from answerable.answering.checking.framing import stated
from answerable.answering.checking.reasons import Reason, is_plain_fact, reasons_against
from answerable.answering.checking.table import Calibration, Table, packaged
from answerable.domain.questions import VerdictValue


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceSpan:
    """Where in the passages a claim's evidence stands.

    Attributes:
        passage: Which passage, from 0.
        start, end: Code points in it.
    """

    passage: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedClaim:
    """A claim with its verdict.

    Attributes:
        p_supported: Calibrated probability that the passages say it.
        reasons: The most telling first; never empty.
        evidence: The least that says it, or comes closest; empty where nothing does.
    """

    claim: DraftClaim
    verdict: VerdictValue
    p_supported: float
    reasons: tuple[Reason, ...]
    evidence: tuple[EvidenceSpan, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedResponse:
    """A whole response with the verdict on it and on each of its claims."""

    verdict: VerdictValue
    p_supported: float
    claims: tuple[CheckedClaim, ...]


# A fact that stands letter for letter or not at all adds so much to the risk when it does not.
_ABSENT_RISK = 2.0
_SURE = 0.99
# What is taken to be likely of a claim before it is read: all there is to say of one that says
# nothing which could be looked up.
_UNREAD = 0.8
_REASONS_MAX = 4
# Part of a sentence is a quote from so many words on: shorter ones depend on what surrounds them.
_QUOTED_WORDS_MIN = 5
_EVIDENCE_ENOUGH = 0.95

# Left out around a quote they turn its meaning.
_TURNS = re.compile(
    r"\b(?:not|never|no|none|neither|nor|without|unless|if|except|only|false|untrue|wrong|avoid"
    r"|cannot|instead|rather|until|deny|denies|denied|myth|should|may|might|could|would)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"\W*(?:yes|no|true|false|correct|incorrect)\W*", re.IGNORECASE)
_AROUND = " \t\r\n.,;:!?*_>"


def prepare(passages: Sequence[str], *, question: str) -> Context:
    """Return the passages of a question, read once, for `check`."""
    return Context(passages, question, packaged().words)


def check(claim: DraftClaim, context: Context, *, before: str = "") -> CheckedClaim:
    """Return the verdict on one claim.

    A claim that is text of a passage is SUPPORTED. One with a number, version, date, address,
    path, flag, identifier or command that neither passages nor question hold never is.

    `before` is the claim shown before it: what its pronouns may mean.
    """
    if claim.kind == CONNECTIVE:
        return _checked(claim, VerdictValue.SUPPORTED, 1.0, [reasons.CONNECTS], ())
    if claim.kind == REMARK:
        return _checked(claim, VerdictValue.UNDECIDED, _UNREAD, [reasons.REMARKS], ())
    quoted = _quoted(claim, context)
    if quoted:
        return _checked(claim, VerdictValue.SUPPORTED, _SURE, [reasons.QUOTED], (quoted,))
    found = measure(claim.text, context, is_code=claim.kind == CODE, before=before)
    return _judged(claim, found, context, packaged())


def check_response(response: str, context: Context) -> CheckedResponse:
    """Return the verdict on a whole response and on its claims.

    One that says nothing that could be checked is UNDECIDED.
    """
    checked: list[CheckedClaim] = []
    before = ""
    for claim in split_claims(response):
        checked.append(check(claim, context, before=before))
        before = claim.text
    judged = counted(checked)
    if not judged:
        return CheckedResponse(
            verdict=VerdictValue.UNDECIDED, p_supported=_UNREAD, claims=tuple(checked)
        )
    how = packaged().calibration
    p = how.p_supported([how.risk(one.p_supported) for one in judged])
    verdict = _cut(p, how, is_one=len(judged) == 1)
    if verdict is VerdictValue.SUPPORTED and any(map(is_held_back, judged)):
        verdict = VerdictValue.UNDECIDED
    return CheckedResponse(verdict=verdict, p_supported=p, claims=tuple(checked))


def counted(checked: Sequence[CheckedClaim]) -> list[CheckedClaim]:
    """Return the claims that a response is judged by; none where it says nothing.

    A heading counts where it is all that is said, or states a fact from nowhere.
    """
    found = [one for one in checked if one.claim.kind not in SAYS_NOTHING]
    headings = [one for one in checked if one.claim.kind == HEADING]
    return found + [one for one in headings if not found or is_held_back(one)]


_HELD_BACK = ("_not_found", "_differs", "other_unit", "bare_answer")
_SOFT = ("words_not_found", "name_not_found")


def is_held_back(one: CheckedClaim) -> bool:
    """Return whether a rule, not the score, keeps a claim from being SUPPORTED."""
    return one.verdict is not VerdictValue.SUPPORTED and any(
        reason.code.endswith(_HELD_BACK) and reason.code not in _SOFT for reason in one.reasons
    )


def _judged(claim: DraftClaim, found: Measured, context: Context, table: Table) -> CheckedClaim:
    absent = hard_absent(found.matches)
    risk = table.raw(found.values) + _ABSENT_RISK * any(map(is_plain_fact, absent))
    how = table.calibration
    p = how.p_supported([risk])
    against = list(reasons_against(found))
    is_bare = _BARE.fullmatch(claim.text) is not None
    if absent or found.commands or is_bare:
        p = min(p, how.supported_min - 1e-6)
        against += [reasons.BARE] if is_bare else []
    verdict = _cut(p, how, is_one=True)
    if verdict is VerdictValue.SUPPORTED:
        return _checked(claim, verdict, p, [reasons.COVERED], _spans(found, context))
    return _checked(claim, verdict, p, against or [reasons.WEAK], _spans(found, context))


def _checked(
    claim: DraftClaim,
    verdict: VerdictValue,
    p: float,
    why: Sequence[Reason],
    evidence: tuple[EvidenceSpan, ...],
) -> CheckedClaim:
    shown = tuple(dict.fromkeys(why))[:_REASONS_MAX]
    return CheckedClaim(
        claim=claim, verdict=verdict, p_supported=p, reasons=shown, evidence=evidence
    )


def _cut(p: float, how: Calibration, *, is_one: bool) -> VerdictValue:
    if p < (how.unsupported_below if is_one else how.unsupported_below_many):
        return VerdictValue.UNSUPPORTED
    return VerdictValue.SUPPORTED if p >= how.supported_min else VerdictValue.UNDECIDED


def _quoted(claim: DraftClaim, context: Context) -> EvidenceSpan | None:
    """Return where a passage holds the claim word for word, spaces and markers aside."""
    words = stated(claim.text, is_code=claim.kind == CODE).strip(_AROUND).split()
    if not words:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    for number, passage in enumerate(context.passages):
        for match in pattern.finditer(passage):
            if is_edge(passage, match.start(), match.end()) and (
                _is_whole(passage, match.start(), match.end())
                or (len(words) >= _QUOTED_WORDS_MIN and _stands_alone(match, number, context))
            ):
                return EvidenceSpan(passage=number, start=match.start(), end=match.end())
    return None


_BEGINS = re.compile(r"(?:^|\n|[.!?]\s)[\s>#*_\"'(`|-]*(?:\d{1,3}[.)]\s+)?[*_\"'(`]*\Z")
_ENDS = re.compile(
    r"[*_\"')`|]*(?:[.!?][*_\"')`]*(?:\s|$)"
    r"|[ \t|]*(?:\n\s*(?:\n|[-*+>#|`]|\d{1,3}[.)]\s)|$))"
)
_BEGINS_CHARS = 24


def _is_whole(passage: str, start: int, end: int) -> bool:
    """Return whether a range begins and ends where sentences, items or lines do."""
    before = passage[max(0, start - _BEGINS_CHARS) : start]
    if not _BEGINS.search(before if start > _BEGINS_CHARS else "\n" + before):
        return False
    return _ENDS.match(passage, end) is not None


def _stands_alone(match: re.Match[str], number: int, context: Context) -> bool:
    """Return whether what surrounds a part of a sentence cannot turn its meaning."""
    for piece in context.pieces:
        if piece.passage == number and piece.start < match.end() and match.start() < piece.end:
            before = context.passages[number][piece.start : max(piece.start, match.start())]
            after = context.passages[number][match.end() : max(match.end(), piece.end)]
            if _TURNS.search(before) or _TURNS.search(after):
                return False
    return True


def _spans(found: Measured, context: Context) -> tuple[EvidenceSpan, ...]:
    """Return the fewest pieces that say what all of the best ones say, in their order."""
    chosen: list[int] = []
    held: set[str] = set()
    best = [context.pieces[number] for number in found.best]
    whole = found.stems & frozenset().union(*(piece.stems for piece in best))
    enough = _EVIDENCE_ENOUGH * context.span_weight(whole)
    for number, piece in zip(found.best, best, strict=True):
        if chosen and context.span_weight(frozenset(held)) >= enough:
            break
        chosen.append(number)
        held |= piece.stems & found.stems
    for match in found.matches:
        if match.fact.is_hard and match.pieces and not set(chosen).intersection(match.pieces):
            chosen.append(match.pieces[0])
    return tuple(_span(number, context) for number in sorted(chosen))


def _span(number: int, context: Context) -> EvidenceSpan:
    piece = context.pieces[number]
    return EvidenceSpan(passage=piece.passage, start=piece.start, end=piece.end)
