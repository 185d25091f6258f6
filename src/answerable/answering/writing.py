"""The rung of a model: what it writes is held until a statement is whole, checked, then shown.

Nothing a model says reaches anyone unchecked, and none of its citations is believed: each is
computed anew from the passages. What does not hold is dropped in sight of the reader.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from answerable.answering import prompts
from answerable.answering.checking.claims import ClaimStream, DraftClaim
from answerable.answering.cite import line_of
from answerable.answering.events import Dropped, Event, Shown
from answerable.answering.excerpt import Excerpt, excerpts
from answerable.answering.ports import (
    ChatModel,
    CheckedClaim,
    Delta,
    EvidenceSpan,
    Finished,
    JudgedContext,
    Message,
    ModelCall,
)
from answerable.answering.rungs import BECAUSE, said_before
from answerable.answering.run import Run
from answerable.answering.spending import used
from answerable.answering.verify import verify_in
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import (
    Answered,
    Citation,
    Claim,
    Step,
    StepDown,
    StepReason,
    Verdict,
    VerdictValue,
)
from answerable.domain.releases import ModelChoice

_SAYS_NOTHING = frozenset({"connective", "heading"})
# Numbers of passages behind a sentence, as models write them whatever they are told.
_MARKERS = re.compile(r"\s*(?:\[(?:passages?\s+)?\d{1,2}(?:\s*[,;-]\s*\d{1,2})*\]|【[^】]{0,12}】)")
_NOT_PROSE = re.compile(r"\s*(?:[{\[]\s*[\"{\[]|<[?!a-zA-Z]|```\s*(?:json|xml|html|yaml)\b)")
_NOT_WORD = re.compile(r"\W+")


def write(
    run: Run, rung: str, name: str
) -> Generator[Event, None, Answered | StepDown]:
    """Give what a model says and holds; return the answer, or why there is none."""
    choice = next((one for one in run.release.models if one.name == name), None)
    if choice is None:
        return StepDown(
            rung=rung, reason=StepReason.POLICY, detail=f"the release names no model {name}"
        )
    draft = _Draft()
    try:
        yield from _written(run, rung, run.desk.model(name), choice, draft)
    except ModelFailed as error:
        return StepDown(rung=rung, reason=error.kind, detail=error.message)
    finally:
        run.watch.steps.append(Step(name="check", took_ms=draft.check_ms))
    return _ended(run, rung, draft)


@dataclass(kw_only=True, slots=True)
class _Draft:
    """What a model has written by now.

    Attributes:
        kept, lost: Statements that hold, and that do not.
        declined: Whether it says that the passages do not hold the answer.
        is_cut: Whether it was ended before its end.
        check_ms: What all checks took.
    """

    parts: list[str] = field(default_factory=list)
    chars: int = 0
    kept: int = 0
    lost: int = 0
    declined: bool = False
    is_cut: bool = False
    check_ms: float = 0.0

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.chars += len(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Desk:
    """What the statements of one draft are checked with."""

    shown: Sequence[Excerpt]
    context: JudgedContext
    judge: str
    rung: str


def _written(
    run: Run, rung: str, model: ChatModel, choice: ModelChoice, draft: _Draft
) -> Iterator[Event]:
    """Let a model write; let it write once more where what came cannot be read."""
    texts = dict(run.release.writing.prompts)
    shown = excerpts(
        run.passages, run.contents, chars_max=run.release.writing.passages_chars_max
    )
    context = run.desk.judge.prepare([one.text for one in shown], question=run.searched)
    desk = _Desk(shown=shown, context=context, judge=run.desk.judge.name, rung=rung)
    messages = prompts.to_answer(
        texts["answer"], run.searched, shown, mark=prompts.boundary(run.trace_id)
    )
    yield from _drafted(run, desk, model, _call(choice, messages), "answer", draft)
    fault = _fault(draft)
    if fault:
        again = prompts.to_repair(
            messages, draft.text[: run.release.writing.repair_chars_max], texts["repair"], fault=fault
        )
        draft.parts, draft.chars, draft.lost = [], 0, 0
        yield from _drafted(run, desk, model, _call(choice, again), "repair", draft)
        if _fault(draft):
            raise ModelFailed(
                f"{model.name} wrote nothing that can be read, twice",
                hint="answerable models check",
                kind=StepReason.MALFORMED,
            )


def _call(choice: ModelChoice, messages: tuple[Message, ...]) -> ModelCall:
    return ModelCall(messages=messages, sampling=choice.sampling, limits=choice.limits)


def _fault(draft: _Draft) -> str:
    """Return what is wrong with a draft of which nothing could be used; empty when nothing is."""
    if draft.kept or draft.declined:
        return ""
    if not draft.text.strip():
        return "it is empty"
    if _NOT_PROSE.match(draft.text):
        return "it is data or markup, not sentences"
    return "" if draft.lost else "it says nothing"


def _drafted(
    run: Run, desk: _Desk, model: ChatModel, call: ModelCall, purpose: str, draft: _Draft
) -> Iterator[Event]:
    """Give the checked statements of one call, each as soon as it is whole."""
    clock, began_ms, first_ms = run.desk.clock, run.desk.clock.monotonic_ms(), None
    finished: Finished | None = None
    ended = "cancelled"
    claims = ClaimStream()
    try:
        with closing(model.stream(call, run.cancel)) as pieces:  # type: ignore[type-var] # a generator
            for piece in pieces:
                match piece:
                    case Delta():
                        if first_ms is None:
                            first_ms = clock.monotonic_ms() - began_ms
                        draft.add(piece.text)
                        for one in claims.feed(piece.text):
                            yield from _judged(run, desk, one, draft)
                    case Finished():
                        finished = piece
                if _is_enough(run, draft):
                    draft.is_cut = True
                    break
        ended = finished.reason if finished else "given up"
    except ModelFailed as error:
        ended = error.kind.value
        raise
    finally:
        took_ms = clock.monotonic_ms() - began_ms
        run.calls.append(
            used(model.name, purpose, call, draft.text, finished, first_ms, took_ms, ended)
        )
    rest = claims.finish() if not draft.is_cut else []
    for place, one in enumerate(rest, start=1):
        if ended == "length" and place == len(rest):
            yield from _lost(run, desk, one, draft, "cut off where the reply became too long")
        else:
            yield from _judged(run, desk, one, draft)


def _is_enough(run: Run, draft: _Draft) -> bool:
    """Return whether reading on is pointless: it declined, never ends, or nothing of it holds."""
    writing = run.release.writing
    is_hopeless = draft.lost >= writing.lost_max and not draft.kept
    return draft.declined or is_hopeless or draft.chars > writing.draft_chars_max


def _judged(run: Run, desk: _Desk, one: DraftClaim, draft: _Draft) -> Iterator[Event]:
    """Give a statement as shown or dropped; what says nothing is passed over."""
    if one.kind in _SAYS_NOTHING:
        return
    if _words(one.text) == _words(prompts.DECLINED):
        draft.declined = not draft.kept
        return
    began_ms = run.desk.clock.monotonic_ms()
    checked = desk.context.check(one, before=run.shown[-1].text if run.shown else "")
    claim = _claim(desk, one, checked)
    draft.check_ms += run.desk.clock.monotonic_ms() - began_ms
    if claim.verdict.value is not VerdictValue.SUPPORTED:
        draft.lost += 1
        run.dropped.append(claim)
        yield Dropped(claim=claim, rung=desk.rung)
        return
    draft.kept += 1
    if not said_before(claim, run.shown, same_words=True):
        run.shown.append(claim)
        yield Shown(claim=claim, rung=desk.rung)


def _lost(
    run: Run, desk: _Desk, one: DraftClaim, draft: _Draft, reason: str
) -> Iterator[Event]:
    if one.kind in _SAYS_NOTHING:
        return
    verdict = Verdict(
        value=VerdictValue.UNDECIDED, judge=desk.judge, score=0.0, reasons=(reason,)
    )
    claim = Claim(text=unmarked(one.text), citations=(), verdict=verdict, kind=one.kind)
    draft.lost += 1
    run.dropped.append(claim)
    yield Dropped(claim=claim, rung=desk.rung)


def _claim(desk: _Desk, one: DraftClaim, checked: CheckedClaim) -> Claim:
    """Return a statement with citations that were computed and verified, and its verdict."""
    citations = tuple(
        citation for span in checked.evidence for citation in _citations(desk.shown, span)
    )
    value, reasons = checked.verdict, tuple(reason.text for reason in checked.reasons)
    if value is VerdictValue.SUPPORTED and not (citations and _hold(citations, desk.shown)):
        value, reasons = VerdictValue.UNDECIDED, (*reasons, "no span of a document bears it out")
    return Claim(
        text=unmarked(one.text),
        citations=citations,
        verdict=Verdict(
            value=value, judge=desk.judge, score=checked.p_supported, reasons=reasons
        ),
        kind=one.kind,
    )


def _citations(shown: Sequence[Excerpt], span: EvidenceSpan) -> Iterator[Citation]:
    one = shown[span.passage]
    text = one.source.text
    for start, end in one.spans(span.start, span.end):
        if text[start:end].strip():
            yield Citation(
                document_id=one.passage.document_id,
                path=one.passage.path,
                title=one.passage.title,
                heading=one.passage.chunk.heading,
                line=line_of(text, start),
                start=start,
                end=end,
                content_hash=one.content_hash,
                quote=text[start:end],
            )


def _hold(citations: Sequence[Citation], shown: Sequence[Excerpt]) -> bool:
    """Return whether each citation is, letter for letter, inside what the model was given."""
    return all(any(_holds(citation, one) for one in shown) for citation in citations)


def _holds(citation: Citation, one: Excerpt) -> bool:
    return citation.document_id == one.passage.document_id and not verify_in(
        citation,
        one.source.text,
        content_hash=one.content_hash,
        spans=one.pieces,
        masks=one.source.masks,
    )


def _ended(run: Run, rung: str, draft: _Draft) -> Answered | StepDown:
    """Return the answer, or that too little of what was written holds."""
    if draft.declined:
        return _left(rung, StepReason.DECLINED, BECAUSE[StepReason.DECLINED])
    statements = draft.kept + draft.lost
    if draft.kept and draft.kept >= run.release.writing.supported_min * statements:
        return Answered(rung=rung, claims=tuple(run.shown), confidence=run.sure)
    return _left(
        rung,
        StepReason.CHECK_FAILED,
        f"{draft.kept} of {statements} statements of the model hold against the documents",
    )


def _left(rung: str, reason: StepReason, detail: str) -> StepDown:
    return StepDown(rung=rung, reason=reason, detail=detail)


def unmarked(text: str) -> str:
    """Return a statement without the numbers of passages that the model put behind it."""
    return _MARKERS.sub("", text).strip()


def _words(text: str) -> str:
    return _NOT_WORD.sub(" ", unmarked(text)).strip().casefold()


