"""Certificates: bound to everything that changes answers, and read back whole or not at all."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from answerable.adapters.calibration import CalibrationFile
from answerable.domain.errors import BadConfiguration, BadInput, DiskFull, StorageFailure
from answerable.domain.questions import Abstained, Answered, Claim, Verdict, VerdictValue
from answerable.domain.releases import Bar, Line, Quoting, Release, Retrieval
from answerable.quality.calibration import Measured, Promise, upper_bound
from answerable.quality.certificate import (
    Certificate,
    Mode,
    State,
    applied,
    changed,
    dumps,
    loads,
    opened,
    parts,
    set_digest,
    standing,
)
from answerable.quality.losses import Loss, check_judges, is_wrong
from answerable.quality.questions import Case

RELEASE = Release(
    line=Line(parser="p", splitter="s", analyser="a"),
    retrieval=Retrieval(embedder="e", aliases=(("drive", ("volume",)),)),
    quoting=Quoting(),
    ladder=("quote", "abstain"),
    software="1",
)


def certificate(threshold: float = 0.9, *, release: Release = RELEASE) -> Certificate:
    """Return what was measured of a release."""
    return Certificate(
        mode=Mode.BY_MEANING,
        loss=Loss.QUOTE,
        promise=Promise(alpha=0.1, delta=0.1),
        measured=Measured(
            threshold=threshold,
            n=52,
            k=2,
            bound=upper_bound(2, 52, 0.1),
            questions=100,
            answerable=60,
            n_answerable=51,
            k_answerable=1,
        ),
        question_set="ours",
        set_digest="0" * 12,
        parts=parts(release),
        revision=3,
        documents=7,
        at_ms=1,
    )


def resealed(**other: Any) -> str:
    """Return a file whose seal fits although some fields are others than were written."""
    kept = json.loads(dumps(certificate()))
    kept.pop("seal")
    from answerable.quality.certificate import _digest  # noqa: PLC0415 (who forges must seal)

    body = kept | other
    return json.dumps(body | {"seal": _digest(body)})


def test_a_certificate_comes_back_as_it_was() -> None:
    """What is written is what is read."""
    assert loads(dumps(certificate()), name="x") == certificate()


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (replace(RELEASE, software="2"), "software"),
        (replace(RELEASE, quoting=Quoting(units_max=9)), "quoting"),
        (replace(RELEASE, ladder=("abstain",)), "ladder"),
        (replace(RELEASE, line=Line(parser="q", splitter="s", analyser="a")), "line"),
        (replace(RELEASE, retrieval=replace(RELEASE.retrieval, embedder="f")), "embedder"),
        (replace(RELEASE, retrieval=replace(RELEASE.retrieval, aliases=())), "aliases"),
        (replace(RELEASE, retrieval=replace(RELEASE.retrieval, candidates=5)), "retrieval"),
        (
            replace(
                RELEASE,
                abstaining=replace(
                    RELEASE.abstaining, by_words=Bar(weights=(), confidence_min=0.5)
                ),
            ),
            "abstaining",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_whatever_changes_answers_voids_it(other: Release, named: str) -> None:
    """Each part of a release is named when it is not what was measured."""
    assert changed(other, certificate()) == (named,)
    found = standing(applied(other, certificate()), certificate(), revision=3)
    assert (found.state, found.changed) == (State.VOID, (named,))


def test_every_field_of_a_release_is_a_part() -> None:
    """A field that is added to releases binds certificates without anybody thinking of it."""
    assert {one.name for one in fields(Release)} <= parts(RELEASE).keys()


def test_the_threshold_itself_voids_nothing() -> None:
    """Another threshold says the same of fewer questions: it is what is certified."""
    release = applied(RELEASE, certificate(0.77))
    assert release.abstaining.by_meaning.confidence_min == 0.77
    assert release.abstaining.by_words == RELEASE.abstaining.by_words
    assert release.id != RELEASE.id
    found = standing(release, certificate(0.77), revision=4)
    assert (found.state, found.changed, found.revision) == (State.HOLDS, (), 4)


@pytest.mark.parametrize(("certified", "counts"), [(0.9, 0.9), (0.2, 0.6)])
def test_a_void_certificate_never_answers_more(certified: float, counts: float) -> None:
    """The stricter one of its threshold and the release's own counts."""
    newer = replace(RELEASE, software="2")
    assert newer.abstaining.by_meaning.confidence_min == 0.6
    found = applied(newer, certificate(certified))
    assert found.abstaining.by_meaning.confidence_min == counts


def test_a_release_from_before_keeps_no_promise() -> None:
    """A certificate that no release carries yet is not said to hold."""
    found = standing(RELEASE, certificate(0.9), revision=3)
    assert (found.state, found.changed) == (State.VOID, ("threshold",))
    assert standing(RELEASE, None, revision=None).state is State.NONE


def test_an_open_release_withholds_nothing() -> None:
    """Both bars are down, and nothing else is different."""
    found = opened(RELEASE)
    assert found.abstaining.by_words.confidence_min == 0
    assert found.abstaining.by_meaning.confidence_min == 0
    assert parts(found) == parts(RELEASE)


def test_a_half_written_file_is_found() -> None:
    """However much of it is there, it is never taken for a certificate."""
    whole = dumps(certificate())
    for end in range(len(whole.rstrip())):
        with pytest.raises(BadConfiguration, match=r"ours\.json"):
            loads(whole[:end], name="ours.json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"threshold": 0.1}', "is no calibration"),
        ("[]", "is no calibration"),
        ("<<<<<<< HEAD\n{}", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (dumps(certificate()).replace("0.9", "0.2", 1), "changed by hand"),
        (resealed(format=2), "has format 2"),
        (resealed(threshold=1.5), "does not certify"),
        (resealed(k=30), "does not certify"),
        (resealed(n=500), "does not certify"),
        (resealed(alpha="much"), "lacks a field"),
        (resealed(alpha=0), "does not certify"),
        (resealed(mode="by_luck"), "lacks a field"),
        (resealed(parts=None), "lacks a field"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, why: str) -> None:
    """A foreign, edited or impossible file says what is wrong and what to do."""
    with pytest.raises(BadConfiguration, match=why) as refused:
        loads(text, name="calibration.json")
    assert "--clear" in refused.value.hint


def test_a_question_set_is_known_by_what_it_asks() -> None:
    """Its order does not matter; a label does."""
    one = Case(id="1", question="a", answerable=True, grades={}, quotes=("x",))
    two = Case(id="2", question="b", answerable=False, grades={})
    assert set_digest([one, two]) == set_digest([two, one])
    assert set_digest([one, two]) != set_digest([replace(one, quotes=("y",)), two])


ANSWER = Answered(
    rung="quote",
    claims=(
        Claim(
            text="Wait `30`\nseconds.",
            citations=(),
            verdict=Verdict(value=VerdictValue.SUPPORTED, judge="", score=1.0),
        ),
    ),
    confidence=0.9,
)
ASKED = Case(id="1", question="?", answerable=True, grades={}, quotes=("Wait 30 seconds.",))


def test_what_is_wrong_is_said_by_the_loss() -> None:
    """No answer in the documents is always wrong; another than the gold one only by quote."""
    other = replace(ASKED, quotes=("Never.",))
    nobody = replace(ASKED, answerable=False, quotes=())
    by = {loss: [is_wrong(loss, case, ANSWER) for case in (ASKED, other, nobody)] for loss in Loss}
    assert by == {Loss.QUOTE: [False, True, True], Loss.ANSWERABLE: [False, False, True]}
    withheld = Abstained(code="thin_evidence", because="", confidence=0.1)
    assert not any(is_wrong(loss, nobody, withheld) for loss in Loss)


def test_what_nobody_judged_is_not_right() -> None:
    """A set that does not say what is right is refused, by how many and which is the first."""
    silent = replace(ASKED, id="q7", quotes=())
    check_judges(Loss.ANSWERABLE, [silent], name="set")
    with pytest.raises(BadInput, match=r"1 of 2 answerable questions.*q7"):
        check_judges(Loss.QUOTE, [ASKED, silent], name="set")
    with pytest.raises(BadInput, match="no answerable question"):
        check_judges(Loss.ANSWERABLE, [replace(ASKED, answerable=False)], name="set")


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    """It is there or not; a second one takes its place; nothing is left beside it."""
    file = CalibrationFile(tmp_path / "calibration.json")
    assert file.read() is None
    assert not file.clear()
    file.keep(certificate(0.8))
    file.keep(certificate(0.9))
    assert file.read() == certificate(0.9)
    assert [one.name for one in tmp_path.iterdir()] == ["calibration.json"]
    assert file.clear()
    assert file.read() is None


def test_a_failed_write_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs the new certificate, not the old one."""
    file = CalibrationFile(tmp_path / "calibration.json")
    file.keep(certificate(0.8))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("answerable.adapters.disk.os.fsync", full)
    with pytest.raises(DiskFull):
        file.keep(certificate(0.9))
    assert file.read() == certificate(0.8)
    assert [one.name for one in tmp_path.iterdir()] == ["calibration.json"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Neither a folder nor bytes that are no text pass for nothing being there."""
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(StorageFailure, match=r"folder\.json"):
        CalibrationFile(tmp_path / "folder.json").read()
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfiguration, match=r"bytes\.json"):
        CalibrationFile(tmp_path / "bytes.json").read()
