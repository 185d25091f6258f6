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
from answerable.answering.checking import (
    REMARK,
    SAYS_NOTHING,
    CheckedClaim,
    ClaimStream,
    DraftClaim,
    EvidenceSpan,
)
from answerable.answering.cite import line_of
from answerable.answering.events import Dropped, Event, Shown
from answerable.answering.excerpt import Excerpt, excerpts
from answerable.answering.judges import judge_of
from answerable.answering.listening import Hearing
from answerable.answering.ports import (
    ChatModel,
    Judging,
    Message,
    ModelCall,
)
from answerable.answering.run import Run
from answerable.answering.rungs import BECAUSE, said_before
from answerable.answering.verify import verify_in
from answerable.domain.errors import BadConfiguration, ModelFailed, NotReady
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
from answerable.library.landmarks import whereabouts

# Numbers of passages behind a sentence, as models write them whatever they are told.
_MARKERS = re.compile(r"\s*(?:\[(?:passages?\s+)?\d{1,2}(?:\s*[,;-]\s*\d{1,2})*\]|【[^】]{0,12}】)")
_NOT_PROSE = re.compile(r"\s*(?:[{\[]\s*[\"{\[]|<[?!a-zA-Z]|```\s*(?:json|xml|html|yaml)\b)")
_NOT_WORD = re.compile(r"\W+")


def write(run: Run, rung: str, name: str) -> Generator[Event, None, Answered | StepDown]:
    """Give what a model says and holds; return the answer, or why there is none."""
    choice = next((one for one in run.release.models if one.name == name), None)
    if choice is None:
        return _left(rung, StepReason.POLICY, f"the release names no model {name}")
    draft = _Draft()
    try:
        yield from _written(_writer(run, rung, choice, draft))
    except ModelFailed as error:
        return _left(rung, error.kind, error.message)
    except (NotReady, BadConfiguration) as error:
        return _left(rung, StepReason.POLICY, error.message)
    finally:
        run.watch.steps.append(Step(name="check", took_ms=draft.check_ms))
    return _ended(run, rung, draft)


@dataclass(kw_only=True, slots=True)
class _Draft:
    """What a model has written by now.

    Attributes:
        kept, lost: Statements that hold, and that do not.
        remarks: Sentences that only say what the passages lack.
        declined: Whether it says that the passages do not hold the answer.
        check_ms: What all checks took.
    """

    parts: list[str] = field(default_factory=list)
    chars: int = 0
    kept: int = 0
    lost: int = 0
    remarks: int = 0
    declined: bool = False
    check_ms: float = 0.0

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.chars += len(text)

    def begin_again(self) -> None:
        self.parts, self.chars, self.lost, self.remarks = [], 0, 0, 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Writer:
    """A model at work on one question, and what its statements are checked with.

    Attributes:
        shown: The passages it is given.
        judge: Name of what checks its statements.
    """

    run: Run
    rung: str
    model: ChatModel
    choice: ModelChoice
    draft: _Draft
    shown: tuple[Excerpt, ...]
    judge: str
    context: Judging


def _writer(run: Run, rung: str, choice: ModelChoice, draft: _Draft) -> _Writer:
    shown = excerpts(run.passages, run.contents, chars_max=run.release.writing.passages_chars_max)
    judge = judge_of(run)
    return _Writer(
        run=run,
        rung=rung,
        model=run.desk.model(choice),
        choice=choice,
        draft=draft,
        shown=shown,
        judge=judge.name,
        context=judge.prepare([one.text for one in shown], question=run.searched),
    )


def _written(writer: _Writer) -> Iterator[Event]:
    """Let a model write; let it write once more where what came cannot be read."""
    run, draft, settings = writer.run, writer.draft, writer.run.release.writing
    texts = dict(settings.prompts)
    mark = prompts.boundary(run.trace_id)
    messages = prompts.to_answer(texts["answer"], run.searched, writer.shown, mark=mark)
    yield from _drafted(writer, messages, "answer")
    fault = _fault(draft)
    if fault:
        said = draft.text[: settings.repair_chars_max]
        again = prompts.to_repair(messages, said, texts["repair"], fault=fault)
        draft.begin_again()
        yield from _drafted(writer, again, "repair")
        if _fault(draft):
            raise ModelFailed(
                f"{writer.model.name} wrote nothing that can be read, twice",
                hint="answerable models check",
                kind=StepReason.MALFORMED,
            )


def _fault(draft: _Draft) -> str:
    """Return what is wrong with a draft of which nothing could be used; empty when nothing is."""
    if draft.kept or draft.declined or draft.remarks:
        return ""
    if not draft.text.strip():
        return "it is empty"
    if _NOT_PROSE.match(draft.text):
        return "it is data or markup, not sentences"
    return "" if draft.lost else "it says nothing"


def _drafted(writer: _Writer, messages: tuple[Message, ...], purpose: str) -> Iterator[Event]:
    """Give the checked statements of one call, each as soon as it is whole."""
    run, draft, choice = writer.run, writer.draft, writer.choice
    call = ModelCall(messages=messages, sampling=choice.sampling, limits=choice.limits)
    hearing = Hearing(run=run, model=writer.model, call=call, purpose=purpose)
    claims = ClaimStream()
    with closing(hearing.texts()) as texts:
        for text in texts:
            draft.add(text)
            for one in claims.feed(text):
                yield from _judged(writer, one)
            if _is_enough(run, draft):
                return
    rest = claims.finish()
    for place, one in enumerate(rest, start=1):
        if hearing.ended == "length" and place == len(rest):
            yield from _given(writer, _cut_off(writer, one))
        else:
            yield from _judged(writer, one)


def _is_enough(run: Run, draft: _Draft) -> bool:
    """Return whether reading on is pointless: it declined, never ends, or nothing of it holds."""
    writing = run.release.writing
    is_hopeless = draft.lost >= writing.lost_max and not draft.kept
    return draft.declined or is_hopeless or draft.chars > writing.draft_chars_max


def _judged(writer: _Writer, one: DraftClaim) -> Iterator[Event]:
    """Give a statement as shown or dropped; what says nothing is passed over."""
    run, draft = writer.run, writer.draft
    if _words(one.text) == _words(prompts.DECLINED):
        draft.declined = not draft.kept
    elif one.kind == REMARK:
        draft.remarks += 1
    elif _words(one.text) and one.kind not in SAYS_NOTHING:
        began_ms = run.desk.clock.monotonic_ms()
        checked = writer.context.check(one, before=run.shown[-1].text if run.shown else "")
        claim = _claim(writer, one, checked)
        draft.check_ms += run.desk.clock.monotonic_ms() - began_ms
        yield from _given(writer, claim)


def _given(writer: _Writer, claim: Claim) -> Iterator[Event]:
    """Show a claim that holds, drop another in sight of the reader; say nothing twice."""
    run, draft = writer.run, writer.draft
    if claim.verdict.value is not VerdictValue.SUPPORTED:
        draft.lost += 1
        run.dropped.append(claim)
        yield Dropped(claim=claim, rung=writer.rung)
        return
    draft.kept += 1
    if not said_before(claim, run.shown, same_words=True):
        run.shown.append(claim)
        yield Shown(claim=claim, rung=writer.rung, revision=run.revision)


def _cut_off(writer: _Writer, one: DraftClaim) -> Claim:
    verdict = Verdict(
        value=VerdictValue.UNDECIDED,
        judge=writer.judge,
        score=0.0,
        reasons=("it was cut off where the reply became too long",),
    )
    return Claim(text=unmarked(one.text), citations=(), verdict=verdict, kind=one.kind)


def _claim(writer: _Writer, one: DraftClaim, checked: CheckedClaim) -> Claim:
    """Return a statement with citations that were computed and verified, and its verdict."""
    citations = tuple(
        citation for span in checked.evidence for citation in _citations(writer.shown, span)
    )
    value, reasons = checked.verdict, tuple(reason.text for reason in checked.reasons)
    if value is VerdictValue.SUPPORTED and not (citations and _hold(citations, writer.shown)):
        value, reasons = VerdictValue.UNDECIDED, (*reasons, "no span of a document bears it out")
    return Claim(
        text=unmarked(one.text),
        citations=citations,
        verdict=Verdict(
            value=value, judge=writer.judge, score=checked.p_supported, reasons=reasons
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
                landmark=whereabouts(one.source.landmarks, start, end),
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
    statements = draft.kept + draft.lost
    if draft.declined or (draft.remarks and not statements):
        return _left(rung, StepReason.DECLINED, BECAUSE[StepReason.DECLINED])
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
