"""The rungs that need no model: verbatim quotes, what came closest, and honest silence."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from answerable.answering.cite import claim
from answerable.answering.events import Event, Shown
from answerable.answering.quote import Candidate, choose
from answerable.answering.run import Run
from answerable.answering.verify import judged, verify_claim
from answerable.domain.documents import Content, Text
from answerable.domain.questions import (
    Abstained,
    Answered,
    Claim,
    Outcome,
    Passage,
    StepDown,
    StepReason,
    VerdictValue,
)
from answerable.domain.releases import Release
from answerable.library.search import Found

QUOTE = "quote"
SEARCH = "search"
ABSTAIN = "abstain"

_CLOSEST_DOCUMENTS = 3

BECAUSE = {
    StepReason.NOTHING_FOUND: "No document holds any of the words that matter.",
    StepReason.THIN_EVIDENCE: "What was found is too far from the question.",
    StepReason.CHECK_FAILED: "No quote could be verified against its document.",
    StepReason.DECLINED: "The model read what was found and says that the answer is not in it.",
}
"""Why nothing was answered, in one sentence for people."""

_NO_RUNG = "No rung of the ladder could answer."


def quote(run: Run, rung: str) -> Generator[Event, None, Outcome | StepDown]:
    """Give what answers, word for word; return the outcome, or why there is none."""
    with run.watch.step("quote"):
        claims = _claims(run.ranked, run.texts, run.release)
    with run.watch.step("verify"):
        kept = _verified(claims, run.found) if run.found else []
    for one in kept:
        if not said_before(one, run.shown):
            run.shown.append(one)
            yield Shown(claim=one, rung=rung, revision=run.revision)
    if not kept:
        return _left(rung, bool(claims))
    return Answered(rung=rung, claims=tuple(run.shown), confidence=run.sure)


def _left(rung: str, was_chosen: bool) -> StepDown:
    reason = StepReason.CHECK_FAILED if was_chosen else StepReason.THIN_EVIDENCE
    return StepDown(rung=rung, reason=reason, detail=BECAUSE[reason])


def search(run: Run) -> Outcome:
    """Return the documents that come closest, or what was shown before the last rung failed."""
    return _silent(run, SEARCH, _closest(run.passages)) if run.passages else abstain(run)


def abstain(run: Run) -> Outcome:
    """Return that the documents do not say."""
    return _silent(run, ABSTAIN, ())


def _silent(run: Run, rung: str, closest: tuple[Passage, ...]) -> Outcome:
    if run.shown:
        # Shown is shown: what a model said and was checked stands, though it went no further.
        return Answered(rung=run.rung, claims=tuple(run.shown), confidence=run.sure)
    last = run.step_downs[-1].reason if run.step_downs else StepReason.POLICY
    return Abstained(
        code=last.value,
        because=BECAUSE.get(last, _NO_RUNG),
        confidence=run.sure,
        closest=closest,
        rung=rung,
    )


def said_before(one: Claim, shown: Sequence[Claim], *, same_words: bool = False) -> bool:
    """Return whether a claim adds nothing: the same words, or the same spans, were shown.

    Args:
        one: The claim.
        shown: Those before it.
        same_words: Whether only words count: one span may bear out two statements.
    """
    if any(_plain(one.text) == _plain(other.text) for other in shown):
        return True
    if same_words:
        return False
    cited = {
        (span.document_id, span.start, span.end) for other in shown for span in other.citations
    }
    own = {(span.document_id, span.start, span.end) for span in one.citations}
    return bool(own) and own <= cited


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _claims(
    ranked: Sequence[Candidate], texts: Mapping[str, Text], release: Release
) -> list[Claim]:
    quotes = choose(ranked, texts, release.quoting)
    return [claim(one, texts[one.passage.content_id]) for one in quotes]


def _verified(claims: Sequence[Claim], found: Found) -> list[Claim]:
    """Return the claims that hold, each with its verdict. Only what was found may be cited."""
    contents: dict[str, Content] = {
        passage.document_id: found.contents[passage.content_id] for passage in found.passages
    }
    texts = {name: content.text.text for name, content in contents.items()}
    masks = {name: content.text.masks for name, content in contents.items()}
    checked = [judged(one, verify_claim(one, texts, masks=masks)) for one in claims]
    return [one for one in checked if one.verdict.value is VerdictValue.SUPPORTED]


def _closest(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return the best passage of each of the first few documents."""
    best: dict[str, Passage] = {}
    for passage in passages:
        best.setdefault(passage.document_id, passage)
    return tuple(best.values())[:_CLOSEST_DOCUMENTS]
