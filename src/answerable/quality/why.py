"""Why an answer is poor: rules in the order of how well they settle it; the first that fits does.

Pure: everything that had to be looked up is in `Seen`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from answerable.answering.feedback import Complaint
from answerable.answering.standing import Standing
from answerable.domain.questions import Abstained, Answered, Cancelled, StepReason
from answerable.quality.diagnosis import (
    Diagnosis,
    FailurePoint,
    Finding,
    Remedy,
    Said,
    Seen,
    Sighting,
    Sureness,
)

_PROVIDER = frozenset(
    {
        StepReason.OUTAGE,
        StepReason.TIMEOUT,
        StepReason.BREAKER,
        StepReason.BUDGET,
        StepReason.OVERLOAD,
        StepReason.POLICY,
        StepReason.MALFORMED,
    }
)
_NO_LONGER = (Standing.DOCUMENT_CHANGED, Standing.DOCUMENT_GONE)
# Share of the question's weight that no document holds, from which on its topic seems foreign.
_FOREIGN = 0.3
# Part of the confidence that was needed, from which on a refusal was a close call.
_CLOSE = 0.75

Verdict = tuple[FailurePoint, Sureness, str]


def why(seen: Seen) -> Diagnosis:
    """Return what went wrong with an answer, how sure that is, and what to try."""
    fitting = [found for found in _verdicts(seen) if found is not None]
    point, sure, because = fitting[0]
    others = dict.fromkeys(one for one, _, _ in fitting if one is not FailurePoint.NOTHING_WRONG)
    return Diagnosis(
        trace_id=seen.trace.id,
        point=point,
        sure=sure,
        because=because,
        also=tuple(one for one in others if one is not point),
        evidence=tuple(_evidence(seen)),
        remedies=tuple(_remedies(point, seen)),
    )


def _verdicts(seen: Seen) -> Iterator[Verdict | None]:
    outcome, expected = seen.trace.outcome, seen.expected
    if isinstance(outcome, Cancelled):
        yield _cut_off(outcome)
    elif expected is not None and expected.said is not Said.WHOLE:
        yield from (rule(seen, expected) for rule in _EXPECTED)
    elif expected is not None and not expected.is_page:
        yield from (_stale(seen), _fine(seen))
    else:
        yield from (rule(seen) for rule in _FROM_THE_TRACE)


# What was expected is known, and the answer does not say all of it.


def _came_later(seen: Seen, one: Sighting) -> Verdict | None:
    if one.was_there or not one.is_there:
        return None
    if seen.standing in _NO_LONGER:
        because = "it was made from a text that has changed since; what is there now says it"
        return FailurePoint.STALE, Sureness.CERTAIN, because
    because = "no document held it when the question was answered; one does now"
    return FailurePoint.NOT_IN_DOCUMENTS, Sureness.CERTAIN, because


def _nowhere(_seen: Seen, one: Sighting) -> Verdict | None:
    if one.was_there or one.is_there:
        return None
    if one.is_page:
        because = "there is no such document"
        return FailurePoint.NOT_IN_DOCUMENTS, Sureness.CERTAIN, because
    because = "no document that resembles it says so, in these words or in others"
    return FailurePoint.NOT_IN_DOCUMENTS, Sureness.LIKELY, because


def _not_retrieved(_seen: Seen, one: Sighting) -> Verdict | None:
    if not one.was_there or one.page_rank is not None:
        return None
    because = f"{_place(one)} was there, and none of its passages was retrieved"
    return FailurePoint.NOT_RETRIEVED, Sureness.CERTAIN, because


def _another_passage(_seen: Seen, one: Sighting) -> Verdict | None:
    if one.rank is not None or one.page_rank is None:
        return None
    because = f"the page was retrieved, and not its passage that holds it: {_place(one)}"
    return FailurePoint.WRONG_GRANULARITY, Sureness.CERTAIN, because


def _cut(_seen: Seen, one: Sighting) -> Verdict | None:
    if not one.is_cut:
        return None
    because = "it goes across the border of a passage, and only part of it was retrieved"
    return FailurePoint.WRONG_GRANULARITY, Sureness.CERTAIN, because


def _provider_with_it(seen: Seen, one: Sighting) -> Verdict | None:
    if one.rank is None:
        return None
    return _provider(seen)


def _refused(seen: Seen, one: Sighting) -> Verdict | None:
    outcome = seen.trace.outcome
    if one.rank is None or not isinstance(outcome, Abstained):
        return None
    because = f"passage {one.rank} of what was found holds it, and nothing was answered"
    return FailurePoint.REFUSED_WRONGLY, Sureness.CERTAIN, because


def _against(_seen: Seen, one: Sighting) -> Verdict | None:
    against = one.against
    if not against:
        return None
    because = f"what was shown contradicts what was expected: {against[0]}"
    return FailurePoint.CONTRADICTED, Sureness.LIKELY, because


def _contradicted_with_it(seen: Seen, one: Sighting) -> Verdict | None:
    if one.rank is None:
        return None
    return _contradicted(seen)


def _part(_seen: Seen, one: Sighting) -> Verdict | None:
    if one.said is not Said.PART:
        return None
    because = "the answer says part of what was expected"
    return FailurePoint.INCOMPLETE, Sureness.CERTAIN, because


def _unused(seen: Seen, one: Sighting) -> Verdict | None:
    if one.rank is None or not isinstance(seen.trace.outcome, Answered):
        return None
    because = f"passage {one.rank} of what was found holds it, and the answer was made of others"
    return FailurePoint.NOT_USED, Sureness.CERTAIN, because


# What only the trace, today's documents and feedback tell.


def _cut_off(outcome: Cancelled) -> Verdict:
    because = f"it has no outcome: {outcome.because}"
    return FailurePoint.NOTHING_WRONG, Sureness.CERTAIN, because


def _stale(seen: Seen) -> Verdict | None:
    if seen.standing not in _NO_LONGER:
        return None
    is_named = Complaint.OUTDATED in seen.complaints
    because = "what it quotes does not stand in the documents any more"
    return FailurePoint.STALE, Sureness.CERTAIN if is_named else Sureness.LIKELY, because


def _provider(seen: Seen) -> Verdict | None:
    failed = [one for one in seen.trace.step_downs if one.reason in _PROVIDER]
    if not failed:
        return None
    outcome = seen.trace.outcome
    is_end = isinstance(outcome, Abstained) and outcome.code == failed[-1].reason.value
    because = f"{failed[0].rung} was left ({failed[0].reason.value}): {failed[0].detail}"
    return FailurePoint.PROVIDER_FAULT, Sureness.CERTAIN if is_end else Sureness.LIKELY, because


def _contradicted(seen: Seen) -> Verdict | None:
    wrong = [one for one in seen.rejected if one.contradicts]
    if not wrong:
        return None
    has_left = any(one.reason is StepReason.CHECK_FAILED for one in seen.trace.step_downs)
    count = f"{len(wrong)} of {len(seen.rejected)}"
    because = f"{count} dropped statements say otherwise than the passages do"
    return FailurePoint.CONTRADICTED, Sureness.LIKELY if has_left else Sureness.GUESS, because


def _nothing_found(seen: Seen) -> Verdict | None:
    if not isinstance(seen.trace.outcome, Abstained) or seen.trace.passages:
        return None
    if seen.found_now:
        because = f"nothing was found then; {seen.found_now} passages would be today"
        return FailurePoint.NOT_IN_DOCUMENTS, Sureness.LIKELY, because
    because = "no document holds any of the words that matter"
    return FailurePoint.NOT_IN_DOCUMENTS, Sureness.LIKELY, because


def _should_answer(seen: Seen) -> Verdict | None:
    if not isinstance(seen.trace.outcome, Abstained) or not seen.trace.passages:
        return None
    if Complaint.SHOULD_ANSWER in seen.complaints:
        because = "passages were found, nothing was answered, and somebody says the documents do"
        return FailurePoint.REFUSED_WRONGLY, Sureness.LIKELY, because
    return None


def _silenced(seen: Seen) -> Verdict | None:
    outcome = seen.trace.outcome
    is_free = not isinstance(outcome, Abstained) or outcome.code != StepReason.POLICY.value
    if is_free or seen.trace.step_downs or not seen.trace.passages:
        return None
    because = "only rungs that never answer were asked for"
    return FailurePoint.REFUSED_WRONGLY, Sureness.CERTAIN, because


def _withheld(seen: Seen) -> Verdict | None:
    """Return what a refusal points to: a foreign topic, a close call, or a missing detail."""
    outcome = seen.trace.outcome
    if not isinstance(outcome, Abstained) or not seen.trace.passages:
        return None
    foreign = dict(seen.trace.evidence).get("unknown", 0.0)
    if foreign >= _FOREIGN:
        because = f"no document holds {foreign:.0%} of the weight of its words"
        return FailurePoint.NOT_IN_DOCUMENTS, Sureness.LIKELY, because
    is_thin = outcome.code == StepReason.THIN_EVIDENCE.value
    if is_thin and seen.needed is not None and outcome.confidence >= _CLOSE * seen.needed:
        because = "it was a close call: little was lacking in confidence"
        return FailurePoint.REFUSED_WRONGLY, Sureness.GUESS, because
    because = "the topic is there, and its detail seems to be missing"
    return FailurePoint.NOT_IN_DOCUMENTS, Sureness.GUESS, because


def _too_short(seen: Seen) -> Verdict | None:
    if any(one.ended == "length" for one in seen.trace.calls):
        because = "a reply of the model was cut off where it became too long"
        return FailurePoint.INCOMPLETE, Sureness.CERTAIN, because
    if Complaint.INCOMPLETE in seen.complaints:
        return FailurePoint.INCOMPLETE, Sureness.LIKELY, "somebody says that something is missing"
    if isinstance(seen.trace.outcome, Answered) and seen.rejected:
        because = f"{len(seen.rejected)} statements of the model were dropped"
        return FailurePoint.INCOMPLETE, Sureness.GUESS, because
    return None


def _complained(seen: Seen) -> Verdict | None:
    for complaint in seen.complaints:
        if complaint in _COMPLAINTS:
            because = f"somebody says: {complaint.sentence}"
            return _COMPLAINTS[complaint], Sureness.GUESS, because
    return None


def _fine(seen: Seen) -> Verdict:
    if seen.expected is not None:
        is_page = seen.expected.is_page
        because = f"the answer {'cites' if is_page else 'says'} what was expected"
        return FailurePoint.NOTHING_WRONG, Sureness.CERTAIN, because
    because = "all of it was found, used, checked and still stands"
    return FailurePoint.NOTHING_WRONG, Sureness.GUESS if seen.downs else Sureness.LIKELY, because


_COMPLAINTS = {
    Complaint.OUTDATED: FailurePoint.NOT_IN_DOCUMENTS,
    Complaint.OFF_TOPIC: FailurePoint.NOT_RETRIEVED,
    Complaint.BAD_SOURCE: FailurePoint.NOT_RETRIEVED,
    Complaint.WRONG: FailurePoint.NOT_USED,
    Complaint.SHOULD_ANSWER: FailurePoint.NOT_USED,
    Complaint.UNCLEAR: FailurePoint.WRONG_GRANULARITY,
}

_EXPECTED: tuple[Callable[[Seen, Sighting], Verdict | None], ...] = (
    _came_later,
    _nowhere,
    _not_retrieved,
    _another_passage,
    _cut,
    _provider_with_it,
    _refused,
    _against,
    _contradicted_with_it,
    _part,
    _unused,
)
"""Together they fit every sighting: it is nowhere, was not retrieved, or was."""

_FROM_THE_TRACE: tuple[Callable[[Seen], Verdict | None], ...] = (
    _stale,
    _provider,
    _nothing_found,
    _silenced,
    _should_answer,
    _contradicted,
    _withheld,
    _too_short,
    _complained,
    _fine,
)


def _place(one: Sighting) -> str:
    return f"{one.path}, line {one.line}" if one.line else one.path


# What was looked at.


def _evidence(seen: Seen) -> Iterator[Finding]:
    yield Finding(code="outcome", text=_ended(seen))
    if seen.expected is not None:
        yield from _sighted(seen.expected)
    yield Finding(code="found", text=_found(seen))
    for step in seen.trace.step_downs:
        text = f"{step.rung} was left ({step.reason.value}): {step.detail}"
        yield Finding(code="step_down", text=text)
    for one in seen.rejected:
        text = f"dropped: {one.text or '(its text has expired)'} ({'; '.join(one.reasons)})"
        yield Finding(code="dropped", text=text)
    for call in seen.trace.calls:
        text = f"{call.model} was asked to {call.purpose}: {call.ended}, {call.took_ms:.0f} ms"
        yield Finding(code="call", text=text)
    if seen.standing is not Standing.NOTHING_CITED:
        text = f"what it cites today: {seen.standing.value.replace('_', ' ')}"
        yield Finding(code="standing", text=text)
    for override in seen.trace.overrides:
        yield Finding(code="override", text=override)
    for complaint in seen.complaints:
        yield Finding(code="feedback", text=f"rated down: {complaint.sentence}")


def _ended(seen: Seen) -> str:
    outcome = seen.trace.outcome
    needed = "" if seen.needed is None else f", {seen.needed:.2f} needed"
    sure = f"confidence {outcome.confidence:.2f}{needed}"
    match outcome:
        case Answered():
            return f"answered on {outcome.rung} with {len(outcome.claims)} statements; {sure}"
        case Abstained():
            return f"nothing was answered ({outcome.code}); {sure}"
        case Cancelled():
            return f"cut off: {outcome.because}"


def _found(seen: Seen) -> str:
    passages = seen.trace.passages
    pages = len({one.document_id for one in passages})
    now = "" if seen.found_now is None else f"; a wider search finds {seen.found_now} today"
    return f"{len(passages)} passages of {pages} documents were found{now}"


def _sighted(one: Sighting) -> Iterator[Finding]:
    how = " in other words" if one.in_own_words else ""
    if one.path:
        then = "" if one.was_there else ", which did not when this was answered"
        now = "holds" if one.is_there else "held"
        yield Finding(code="expected", text=f"{_place(one)} {now} what was expected{how}{then}")
    else:
        yield Finding(code="expected", text="no document holds what was expected")
    if one.rank is not None:
        yield Finding(code="rank", text=f"it was in passage {one.rank} of what was found")
    elif one.page_rank is not None:
        text = f"its page was in passage {one.page_rank} of what was found, with another passage"
        yield Finding(code="rank", text=text)
    if one.rank_now is not None:
        text = f"a wider search finds it today at {one.rank_now} of {one.looked_at}"
        yield Finding(code="rank_now", text=text)
    elif one.looked_at and one.is_there:
        text = f"a wider search does not find it today among {one.looked_at} passages"
        yield Finding(code="rank_now", text=text)
    yield from (Finding(code="against", text=text) for text in one.against)


# What to try.


def _remedies(point: FailurePoint, seen: Seen) -> Iterator[Remedy]:
    trace = seen.trace
    is_by_words = any(one.startswith("found by words only") for one in trace.overrides)
    if point is FailurePoint.NOT_RETRIEVED and is_by_words:
        yield Remedy(text="find by meaning as well", command="answerable embedders fill")
    if point is FailurePoint.NOT_IN_DOCUMENTS and _is_there_now(seen):
        yield Remedy(text="ask again: it is there now", command='answerable ask "…"')
        return
    if point is FailurePoint.PROVIDER_FAULT:
        yield from _mended_models(seen)
    if point is FailurePoint.NOTHING_WRONG and seen.expected is None:
        text = "say what you expected: a text, or the path of a document"
        yield Remedy(text=text, command=f"answerable why {trace.id} --expected …")
    for one in _TRY[point]:
        yield Remedy(text=one.text, command=one.command.replace("TRACE", trace.id))


def _is_there_now(seen: Seen) -> bool:
    return seen.expected.is_there if seen.expected is not None else bool(seen.found_now)


def _mended_models(seen: Seen) -> Iterator[Remedy]:
    failed = (one.rung for one in seen.trace.step_downs if one.reason in _PROVIDER)
    for rung in dict.fromkeys(failed):
        name = rung.removeprefix("model:")
        yield Remedy(text=f"ask {name} for a few words", command=f"answerable models check {name}")


_TRY: dict[FailurePoint, tuple[Remedy, ...]] = {
    FailurePoint.NOT_IN_DOCUMENTS: (
        Remedy(text="take in the document that says it", command="answerable ingest PATH"),
        Remedy(
            text="see whether somebody removed it", command="answerable documents list --removed"
        ),
    ),
    FailurePoint.NOT_RETRIEVED: (
        Remedy(
            text="ask with the words of the document, and see what each passage was ranked by",
            command='answerable ask "…" --explain',
        ),
        Remedy(text="where people call it otherwise, put both names into aliases.txt"),
        Remedy(
            text="measure retrieval on questions like this one",
            command="answerable eval run QUESTIONS --mode retrieval",
        ),
    ),
    FailurePoint.NOT_USED: (
        Remedy(
            text="see which passages stood above it, and what was dropped",
            command="answerable traces show TRACE",
        ),
        Remedy(text="let only quotes answer", command='answerable ask "…" --rung quote'),
    ),
    FailurePoint.CONTRADICTED: (
        Remedy(
            text="see what was dropped and for what reason", command="answerable traces show TRACE"
        ),
        Remedy(text="let only quotes answer", command='answerable ask "…" --rung quote'),
        Remedy(text="where two documents disagree, correct one and ingest it"),
    ),
    FailurePoint.WRONG_GRANULARITY: (
        Remedy(text="name the section in the question, or the thing it is about"),
        Remedy(text="give the place a heading of its own in the document, and ingest it again"),
    ),
    FailurePoint.INCOMPLETE: (
        Remedy(text="ask for the rest as a question of its own"),
        Remedy(text="let the model write more: tokens_max in [release.models.NAME]"),
    ),
    FailurePoint.REFUSED_WRONGLY: (
        Remedy(
            text="choose the threshold by questions of yours",
            command="answerable calibrate QUESTIONS",
        ),
        Remedy(text="ask with the words of the document"),
    ),
    FailurePoint.PROVIDER_FAULT: (Remedy(text="look at everything", command="answerable doctor"),),
    FailurePoint.STALE: (
        Remedy(text="see what the documents say instead", command="answerable verify TRACE"),
        Remedy(text="ask again", command='answerable ask "…"'),
    ),
    FailurePoint.NOTHING_WRONG: (),
}
