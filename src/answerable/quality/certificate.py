"""What a calibration certifies, of which release, and whether that still holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from answerable.domain.errors import BadConfiguration
from answerable.domain.releases import Abstaining, Release
from answerable.quality.calibration import Measured, Promise, tail, upper_bound
from answerable.quality.losses import Loss
from answerable.quality.questions import Case

FORMAT = 1
_DIGITS = 12


class Mode(StrEnum):
    """Which bar of `Abstaining` a threshold is for: how the passages were found."""

    BY_MEANING = "by_meaning"
    BY_WORDS = "by_words"


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """A promise that held on a question set, with all it depends on.

    Attributes:
        mode: How passages were found; what is found otherwise is not covered.
        measured: What happened at the threshold.
        question_set: Name of the set.
        set_digest: Of its questions, answers and judgements: `set_digest`.
        parts: Digest of every part of the release but its thresholds: `parts`.
        revision: Number of the revision the questions were asked of.
        documents: How many it held.
        at_ms: When.
    """

    mode: Mode
    loss: Loss
    promise: Promise
    measured: Measured
    question_set: str
    set_digest: str
    parts: Mapping[str, str]
    revision: int
    documents: int
    at_ms: int


class State(StrEnum):
    """Whether there is a promise."""

    NONE = "none"
    HOLDS = "holds"
    VOID = "void"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a certificate is worth for the release that answers.

    Attributes:
        certificate: None when there is none.
        changed: Parts of the release that are not what was measured.
        threshold: Of the certificate's mode in the release that answers; None without one.
        revision: Number of the revision that answers; None of an empty library.
    """

    state: State
    certificate: Certificate | None = None
    changed: tuple[str, ...] = ()
    threshold: float | None = None
    revision: int | None = None


def parts(release: Release) -> dict[str, str]:
    """Return a digest of every part of a release that can change an answer, by name.

    Thresholds are left out: they decide which answers are given, not what they say, and a
    certificate is about them. A field that is added to `Release` is a part by itself.
    """
    bare = opened(release)
    found = {one.name: getattr(bare, one.name) for one in fields(bare)}
    retrieval = found.pop("retrieval")
    found |= {
        "embedder": retrieval.embedder,
        "aliases": retrieval.aliases,
        "retrieval": replace(retrieval, embedder="", aliases=()),
    }
    return {name: _digest(value) for name, value in sorted(found.items())}


def opened(release: Release) -> Release:
    """Return a release that answers whenever it has something to say, however little evidence."""
    bars = {
        mode.value: replace(getattr(release.abstaining, mode.value), confidence_min=0.0)
        for mode in Mode
    }
    return replace(release, abstaining=replace(release.abstaining, **bars))


def applied(release: Release, certificate: Certificate | None) -> Release:
    """Return a release with the threshold of a certificate.

    Where anything but the threshold is not what was measured, the certificate is void and the
    stricter of both thresholds counts: that it is void must never make more answers.
    """
    if certificate is None:
        return release
    threshold = certificate.measured.threshold
    if changed(release, certificate):
        threshold = max(threshold, threshold_of(release.abstaining, certificate.mode))
    mode = certificate.mode.value
    bar = replace(getattr(release.abstaining, mode), confidence_min=threshold)
    return replace(release, abstaining=replace(release.abstaining, **{mode: bar}))


def threshold_of(abstaining: Abstaining, mode: Mode) -> float:
    """Return the confidence below which nothing is answered in a mode."""
    bar = abstaining.by_meaning if mode is Mode.BY_MEANING else abstaining.by_words
    return bar.confidence_min


def changed(release: Release, certificate: Certificate) -> tuple[str, ...]:
    """Return the parts of a release that are not what a certificate was measured on."""
    now, then = parts(release), certificate.parts
    return tuple(
        sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    )


def standing(
    release: Release, certificate: Certificate | None, *, revision: int | None
) -> Standing:
    """Return what a certificate is worth for a release that answers from a revision.

    A release whose threshold is another one, for instance because it was deployed before the
    certificate, keeps no promise either.
    """
    if certificate is None:
        return Standing(state=State.NONE, revision=revision)
    found = changed(release, certificate)
    threshold = threshold_of(release.abstaining, certificate.mode)
    if not found and threshold != certificate.measured.threshold:
        found = ("threshold",)
    return Standing(
        state=State.VOID if found else State.HOLDS,
        certificate=certificate,
        changed=found,
        threshold=threshold,
        revision=revision,
    )


def set_digest(cases: Sequence[Case]) -> str:
    """Return 12 hexadecimal digits of a question set; its order and layout do not matter."""
    return _digest(sorted(json.dumps(asdict(case), sort_keys=True) for case in cases))


def dumps(certificate: Certificate) -> str:
    """Return a certificate as the text of a file for people and Git, with its seal."""
    body = {"format": FORMAT, **as_object(certificate)}
    return json.dumps(body | {"seal": _digest(body)}, indent=2, ensure_ascii=False) + "\n"


def as_object(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as JSON shows it."""
    found = certificate.measured
    return {
        "mode": certificate.mode.value,
        "threshold": found.threshold,
        "loss": certificate.loss.value,
        "alpha": certificate.promise.alpha,
        "delta": certificate.promise.delta,
        "n": found.n,
        "k": found.k,
        "bound": found.bound,
        "questions": found.questions,
        "answerable": found.answerable,
        "n_answerable": found.n_answerable,
        "k_answerable": found.k_answerable,
        "question_set": certificate.question_set,
        "set_digest": certificate.set_digest,
        "parts": dict(certificate.parts),
        "revision": certificate.revision,
        "documents": certificate.documents,
        "at_ms": certificate.at_ms,
    }


def loads(text: str, *, name: str) -> Certificate:
    """Return the certificate a file holds.

    Args:
        text: What is in the file.
        name: What errors call it.

    Raises:
        BadConfiguration: It is half of a file, none of ours, changed by hand, or its numbers
            do not certify what it says.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad(f"{name} is not JSON: it was cut off, or a merge left its marks") from None
    if not isinstance(body, dict) or "format" not in body or "seal" not in body:
        raise _bad(f"{name} is no calibration of Answerable")
    if body["format"] != FORMAT:
        raise _bad(f"{name} has format {body['format']}, and this software reads {FORMAT}")
    seal = body.pop("seal")
    if seal != _digest(body):
        raise _bad(f"{name} was changed by hand: its seal does not fit")
    try:
        certificate = _certificate(body)
    except (KeyError, TypeError, ValueError):
        raise _bad(f"{name} lacks a field, or one has the wrong type") from None
    if not _is_kept(certificate):
        raise _bad(f"{name} does not certify what it says")
    return certificate


def _certificate(body: Mapping[str, Any]) -> Certificate:
    promise = Promise(alpha=float(body["alpha"]), delta=float(body["delta"]))
    n, k = int(body["n"]), int(body["k"])
    return Certificate(
        mode=Mode(body["mode"]),
        loss=Loss(body["loss"]),
        promise=promise,
        measured=Measured(
            threshold=float(body["threshold"]),
            n=n,
            k=k,
            bound=upper_bound(k, n, promise.delta),
            questions=int(body["questions"]),
            answerable=int(body["answerable"]),
            n_answerable=int(body["n_answerable"]),
            k_answerable=int(body["k_answerable"]),
        ),
        question_set=str(body["question_set"]),
        set_digest=str(body["set_digest"]),
        parts={str(name): str(value) for name, value in dict(body["parts"]).items()},
        revision=int(body["revision"]),
        documents=int(body["documents"]),
        at_ms=int(body["at_ms"]),
    )


def _is_kept(certificate: Certificate) -> bool:
    found, promise = certificate.measured, certificate.promise
    return (
        0 < promise.alpha < 1
        and 0 < promise.delta < 1
        and 0 <= found.threshold <= 1
        and 0 <= found.k <= found.n <= found.questions
        and tail(found.k, found.n, promise.alpha) <= promise.delta
    )


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return sha256(canonical.encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> dict[str, Any]:
    return asdict(value)


def _bad(message: str) -> BadConfiguration:
    return BadConfiguration(
        message, hint="take it back from Git, or answerable calibrate --clear and calibrate again"
    )
