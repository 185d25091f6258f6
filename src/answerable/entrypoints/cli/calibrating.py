"""`calibrate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from answerable.domain.errors import BadInput
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    is_terminal,
    line,
    print_json,
    talk,
    when,
)

if TYPE_CHECKING:
    from answerable.app import App
    from answerable.app.calibrating import About, Calibrated, Checked
    from answerable.quality.calibration import Insufficient, Measured, Promise
    from answerable.quality.certificate import Certificate, Standing

EXIT_INSUFFICIENT = 21


class WhichLoss(StrEnum):
    """When an answer is wrong."""

    QUOTE = "quote"
    ANSWERABLE = "answerable"


def calibrate(
    questions: Annotated[
        str | None, typer.Argument(help="JSONL file, folder with corpus, or name of a set.")
    ] = None,
    *,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Of the answers given, at most this share is wrong.")
    ] = 0.1,
    delta: Annotated[
        float, typer.Option("--delta", help="How likely that promise may fail.")
    ] = 0.1,
    loss: Annotated[
        WhichLoss,
        typer.Option("--loss", help="Wrong is: no gold quote, or only no answerable question."),
    ] = WhichLoss.QUOTE,
    docs: Annotated[
        list[Path] | None,
        typer.Option("--docs", help="Ask these documents, in memory; nothing is kept."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, keep nothing.")] = False,
    at: Annotated[
        float | None,
        typer.Option("--at", help="Measure this threshold; choose none, keep nothing."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Show the certificate and whether it holds.")
    ] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the certificate.")] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Choose the threshold below which nothing is answered, so that few answers are wrong.

    Learn-Then-Test: with confidence 1 - delta at most alpha of the answers are wrong, for
    questions like those of the set. The certificate is kept in the workspace, in
    calibration.json, with all it depends on; when that changes, it says that it is void. Exits
    with 21 when the questions certify nothing, and says how many more it would take.

    Example:  answerable calibrate questions.jsonl --alpha 0.1 --delta 0.1
    """
    if sum((show, clear, questions is not None)) != 1:
        raise BadInput(
            "calibrate takes a question set, or --show, or --clear",
            hint="answerable calibrate questions.jsonl",
        )
    if show:
        _show(workspace, as_json=as_json)
    elif clear:
        _clear(workspace)
    elif questions is not None:
        from answerable.quality.calibration import Promise

        promise = Promise(alpha=_share("--alpha", alpha), delta=_share("--delta", delta))
        job = _Job(
            questions=questions,
            docs=docs or [],
            promise=promise,
            loss=loss,
            workspace=workspace,
        )
        if at is not None:
            _check(job, _threshold(at), as_json=as_json)
        else:
            _calibrate(job, keep=not dry_run, as_json=as_json)


class _Job:
    """A run over a question set, in the workspace or in memory."""

    def __init__(
        self,
        *,
        questions: str,
        docs: Sequence[Path],
        promise: Promise,
        loss: WhichLoss,
        workspace: Path | None,
    ) -> None:
        from answerable.app import load_question_set
        from answerable.quality.losses import Loss

        self.set = load_question_set(questions, workspace)
        self.promise = promise
        self.loss = Loss(loss.value)
        self.workspace = workspace
        self._docs = docs

    @property
    def in_memory(self) -> bool:
        return bool(self._docs) or self.set.corpus is not None

    @contextmanager
    def library(self) -> Iterator[App]:
        from answerable.app import open_app, open_memory
        from answerable.entrypoints.cli.evaluating import library_of, read_documents

        opened = open_memory(keep_vectors=True) if self.in_memory else open_app(self.workspace)
        with opened as app:
            if self.in_memory:
                read_documents(app, self._docs, self.set.corpus)
            _cover(app, fill=self.in_memory)
            talk(f"{self.set.name}: {len(self.set.cases)} questions, {library_of(app)}")
            yield app

    @contextmanager
    def bar(self) -> Iterator[Callable[[int], None]]:
        with _bar(len(self.set.cases)) as heard:
            yield heard


def _cover(app: App, *, fill: bool) -> None:
    """Make sure that what is measured is the release, with its vectors."""
    from answerable.app.respondent import check_covered
    from answerable.entrypoints.cli.embedding import fill_vectors

    if not app.serving().release.retrieval.embedder:
        return
    if fill:
        fill_vectors(app)
    check_covered(app.served_coverage(), app.mending())


def _calibrate(job: _Job, *, keep: bool, as_json: bool) -> None:
    from answerable.app import keep_certificate

    with job.library() as app, job.bar() as asked:
        found = app.calibrate(job.set, job.promise, loss=job.loss, asked=asked)
    kept = None
    if found.certificate is not None and keep and not job.in_memory:
        kept, _ = keep_certificate(found.certificate, job.workspace)
    if as_json:
        print_json(_as_object(found, kept))
    else:
        for text in _lines(found):
            line(text)
        _tell_kept(found, kept, in_memory=job.in_memory)
    if found.certificate is None:
        raise typer.Exit(EXIT_INSUFFICIENT)


def _tell_kept(found: Calibrated, kept: Path | None, *, in_memory: bool) -> None:
    if found.certificate is None:
        talk("nothing was kept; a certificate from before stays as it is")
    elif kept is not None:
        talk(f"kept in {kept}; answers are given by it from now on")
    elif in_memory:
        talk(
            "nothing was kept: it is of documents in memory; ingest them, calibrate without --docs"
        )
    else:
        talk("nothing was kept")


def _check(job: _Job, threshold: float, *, as_json: bool) -> None:
    with job.library() as app, job.bar() as asked:
        found = app.check_threshold(
            job.set, job.promise, threshold=threshold, loss=job.loss, asked=asked
        )
    if as_json:
        print_json({"outcome": "measured", **_about(found.about), **_measured(found.measured)})
        return
    for text in _check_lines(found):
        line(text)


def _show(workspace: Path | None, *, as_json: bool) -> None:
    from answerable.app import open_app
    from answerable.app.calibrating import said

    with open_app(workspace) as app:
        found = app.calibration()
    if as_json:
        print_json(_standing(found))
        return
    line(f"{found.state.value}: {said(found)}")
    if found.certificate is not None:
        for text in _certificate_lines(found.certificate):
            line(text)


def _clear(workspace: Path | None) -> None:
    from answerable.app import clear_certificate

    was_there = clear_certificate(workspace)
    talk("forgotten; the release's own threshold counts" if was_there else "there was none")


def _share(flag: str, value: float) -> float:
    if not 0 < value <= 0.5:  # noqa: PLR2004 (a half; more would be no promise)
        raise BadInput(
            f"{flag} takes a share above 0 and up to 0.5, not {value}", hint=f"{flag} 0.1"
        )
    return value


def _threshold(value: float) -> float:
    if not 0 <= value <= 1:
        raise BadInput(f"--at takes a confidence from 0 to 1, not {value}", hint="--at 0.6")
    return value


def _lines(found: Calibrated) -> Iterator[str]:
    """Give what a calibration found, for people."""
    if found.certificate is not None:
        promise = found.about.promise
        yield (
            f"certified: answering from confidence {found.certificate.measured.threshold:g} on, "
            f"at most {promise.alpha:g} of the answers are wrong, with confidence "
            f"{1 - promise.delta:g}"
        )
        yield from _measured_lines(found.certificate.measured)
    elif found.lacking is not None:
        yield from _lacking_lines(found.lacking, found.about)
    yield from _about_lines(found.about)


def _lacking_lines(lacking: Insufficient, about: About) -> Iterator[str]:
    measured = lacking.measured
    if lacking.at_observed:
        yield f"insufficient: {lacking.more} more answers like these would certify it"
    else:
        yield f"insufficient: {lacking.more} more answers, if every one of them were right"
    if measured is None:
        yield "too few questions were answered at any threshold"
        return
    if not lacking.at_observed:
        yield (
            f"at the error observed there no number of questions would do: "
            f"{_risk(measured)} is not below {about.promise.alpha:g}"
        )
    asked = round(lacking.more * measured.questions / measured.n)
    yield f"that is about {asked} more questions, of which as many are answered as of these"
    yield f"measured at confidence {measured.threshold:g}, the strictest that is tested:"
    yield from _measured_lines(measured)


def _check_lines(found: Checked) -> Iterator[str]:
    yield f"answering from confidence {found.measured.threshold:g} on:"
    yield from _measured_lines(found.measured)
    yield from _about_lines(found.about)


def _measured_lines(found: Measured) -> Iterator[str]:
    unanswerable = found.n - found.n_answerable
    yield (
        f"  risk       {_risk(found)}: {found.k} of {found.n} answers were wrong, "
        f"{found.k - found.k_answerable} without an answer in the documents, "
        f"{found.k_answerable} not the right one"
    )
    yield f"  bound      {found.bound:.4f}"
    yield (
        f"  coverage   {found.coverage:.3f} of all {found.questions} questions, "
        f"{_or_none(found.coverage_answerable)} of the {found.answerable} answerable ones"
        f" ({found.n_answerable} answered, and {unanswerable} others)"
    )


def _about_lines(about: About) -> Iterator[str]:
    yield (
        f"{about.question_set} ({about.set_digest}), revision {about.revision} with "
        f"{about.documents} documents, {about.release}, {about.mode.value}"
    )
    yield f"loss {about.loss.value}: {_LOSSES[about.loss.value]}"
    if about.answerable == about.questions:
        yield "no question without an answer: nothing is said of those that people will ask"


_LOSSES = {
    "quote": "wrong is what the documents do not answer, and what lacks the gold quote",
    "answerable": "wrong is only what the documents do not answer",
}


def _certificate_lines(certificate: Certificate) -> Iterator[str]:
    promise = certificate.promise
    yield f"threshold {certificate.measured.threshold:g}, {certificate.mode.value}"
    yield f"alpha {promise.alpha:g}, delta {promise.delta:g}, loss {certificate.loss.value}"
    yield from _measured_lines(certificate.measured)
    yield (
        f"{certificate.question_set} ({certificate.set_digest}), revision {certificate.revision} "
        f"with {certificate.documents} documents, {when(certificate.at_ms)}"
    )


def _risk(found: Measured) -> str:
    return _or_none(found.risk)


def _or_none(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _as_object(found: Calibrated, kept: Path | None) -> dict[str, Any]:
    """Return what a calibration found as JSON."""
    about = _about(found.about)
    if found.certificate is not None:
        measured = _measured(found.certificate.measured)
        kept_in = None if kept is None else str(kept)
        return {"outcome": "certified", **about, **measured, "kept": kept_in}
    lacking = found.lacking
    return {
        "outcome": "insufficient",
        **about,
        "more": lacking.more if lacking else None,
        "more_at_observed_error": lacking.at_observed if lacking else None,
        "measured": _measured(lacking.measured) if lacking and lacking.measured else None,
        "kept": None,
    }


def _about(about: About) -> dict[str, Any]:
    return {
        "alpha": about.promise.alpha,
        "delta": about.promise.delta,
        "loss": about.loss.value,
        "mode": about.mode.value,
        "question_set": about.question_set,
        "set_digest": about.set_digest,
        "questions": about.questions,
        "answerable": about.answerable,
        "revision": about.revision,
        "documents": about.documents,
        "release": about.release,
    }


def _measured(found: Measured) -> dict[str, Any]:
    return {
        "threshold": found.threshold,
        "n": found.n,
        "k": found.k,
        "risk": found.risk,
        "bound": found.bound,
        "coverage": found.coverage,
        "coverage_answerable": found.coverage_answerable,
        "n_answerable": found.n_answerable,
        "k_answerable": found.k_answerable,
    }


def _standing(found: Standing) -> dict[str, Any]:
    from answerable.quality.certificate import as_object

    return {
        "state": found.state.value,
        "changed": list(found.changed),
        "threshold": found.threshold,
        "revision": found.revision,
        "certificate": as_object(found.certificate) if found.certificate else None,
    }


@contextmanager
def _bar(questions: int) -> Iterator[Callable[[int], None]]:
    """Give a bar with rate and time left on a terminal, nothing elsewhere."""
    if not is_terminal():
        yield lambda _done: None
        return
    from answerable.entrypoints.cli.progress import counting

    with counting("asking", "questions") as heard:
        yield lambda done: heard(done, questions)
