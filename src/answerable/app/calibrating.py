"""Calibration: a threshold that keeps a promise, and whether the promise still holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from answerable.adapters.sources.question_set import QuestionSet
from answerable.domain.documents import Revision
from answerable.domain.errors import Conflict, NotReady
from answerable.domain.questions import Trace
from answerable.domain.releases import Release
from answerable.quality import flow as quality
from answerable.quality.calibration import (
    Certified,
    Insufficient,
    Measured,
    Promise,
    learn_then_test,
    measure,
)
from answerable.quality.certificate import (
    Certificate,
    Mode,
    Standing,
    State,
    parts,
    set_digest,
    standing,
)
from answerable.quality.losses import Loss, check_judges
from answerable.quality.ports import Certificates


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """What is calibrated: who answers, and from what.

    Attributes:
        ask: Answers with the threshold at 0, and leaves no trace.
        release: The one that serves.
        revision: The one that serves.
    """

    ask: Callable[[str], Trace]
    release: Release
    revision: Revision
    now_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """What a calibration found.

    Attributes:
        certificate: None when the set certifies nothing.
        lacking: What it would take then.
    """

    about: About
    certificate: Certificate | None = None
    lacking: Insufficient | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What was asked, and of what."""

    mode: Mode
    loss: Loss
    promise: Promise
    question_set: str
    set_digest: str
    questions: int
    answerable: int
    revision: int
    documents: int
    release: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What was measured at one threshold."""

    about: About
    measured: Measured


def calibrate(
    questions: QuestionSet,
    asking: Asking,
    promise: Promise,
    *,
    loss: Loss,
    asked: Callable[[int], None],
) -> Calibrated:
    """Return a certificate, or what is lacking; keeps nothing.

    Raises:
        BadInput: A case does not say what the loss needs.
        NotReady: Not every question was answered by the release as it is.
        Conflict: The documents changed meanwhile.
    """
    about, scores = _score(questions, asking, promise, loss=loss, asked=asked)
    outcome = learn_then_test(scores.scored, promise)
    if not isinstance(outcome, Certified):
        return Calibrated(about=about, lacking=outcome)
    certificate = Certificate(
        mode=about.mode,
        loss=loss,
        promise=promise,
        measured=outcome.measured,
        question_set=about.question_set,
        set_digest=about.set_digest,
        parts=parts(asking.release),
        revision=about.revision,
        documents=about.documents,
        at_ms=asking.now_ms,
    )
    return Calibrated(about=about, certificate=certificate)


def check(
    questions: QuestionSet,
    asking: Asking,
    promise: Promise,
    *,
    threshold: float,
    loss: Loss,
    asked: Callable[[int], None],
) -> Checked:
    """Return what happens at a threshold that was chosen elsewhere.

    Raises:
        BadInput, NotReady, Conflict: As for `calibrate`.
    """
    about, scores = _score(questions, asking, promise, loss=loss, asked=asked)
    return Checked(about=about, measured=measure(scores.scored, threshold, promise.delta))


def _score(
    questions: QuestionSet,
    asking: Asking,
    promise: Promise,
    *,
    loss: Loss,
    asked: Callable[[int], None],
) -> tuple[About, quality.Scores]:
    check_judges(loss, questions.cases, name=questions.name)
    scores = quality.score(questions.cases, asking.ask, loss=loss, asked=asked)
    about = About(
        mode=_mode(scores, asking.release),
        loss=loss,
        promise=promise,
        question_set=questions.name,
        set_digest=set_digest(questions.cases),
        questions=len(questions.cases),
        answerable=sum(case.answerable for case in questions.cases),
        revision=asking.revision.number,
        documents=asking.revision.documents,
        release=asking.release.id,
    )
    if scores.revisions != {asking.revision.number}:
        raise Conflict(
            "the documents changed while questions were asked",
            hint="run it again when nothing is ingested",
        )
    return about, scores


def _mode(scores: quality.Scores, release: Release) -> Mode:
    wanted = Mode.BY_MEANING if release.retrieval.embedder else Mode.BY_WORDS
    if scores.modes - {wanted}:
        because = "; ".join(scores.overrides) or "some passages were found by words only"
        raise NotReady(
            f"not every question was answered by the release as it is: {because}",
            hint="answerable embedders fill, then run it again",
        )
    return wanted


class Calibration:
    """The certificate of a workspace and what it is worth.

    Args:
        certificates: Where it is kept; None in memory, where there is none.

    Raises:
        BadConfiguration: What is kept cannot be understood.
    """

    def __init__(self, certificates: Certificates | None = None) -> None:
        self._certificates = certificates
        self.certificate = self._read()

    def standing(self, release: Release, revision: Revision | None) -> Standing:
        """Return what the certificate that is kept now is worth for what answers."""
        number = revision.number if revision else None
        return standing(release, self._read(), revision=number)

    def _read(self) -> Certificate | None:
        return self._certificates.read() if self._certificates else None


def said(found: Standing) -> str:
    """Return what a certificate is worth, in one line for people."""
    certificate = found.certificate
    if certificate is None:
        return "not calibrated: the release's own threshold, nothing is certified"
    if found.state is State.VOID:
        return (
            f"the certificate is void: {_listed(found.changed)} changed since; nothing is answered "
            f"below {found.threshold}; answerable calibrate {certificate.question_set}"
        )
    measured, promise = certificate.measured, certificate.promise
    return (
        f"at most {promise.alpha:g} of answers wrong with confidence {1 - promise.delta:g} "
        f"({measured.k} of {measured.n} were), {measured.coverage:.0%} of questions answered; "
        f"{_measured_on(certificate, found.revision)}"
    )


def _measured_on(certificate: Certificate, now: int | None) -> str:
    then = f"measured on revision {certificate.revision}"
    return then if now == certificate.revision else f"{then}, now {now}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
