"""What served when, and what two states share."""

from __future__ import annotations

from dataclasses import replace

from answerable.domain.documents import Revision
from answerable.domain.releases import Deployment, JudgeChoice, Line, Release, Retrieval
from answerable.releases.flow import embedded_release
from answerable.releases.history import PARTS, State, differing, states, swapped

LINE = Line(parser="p", splitter="s", analyser="a")
A = embedded_release(LINE, software="1", retrieval=Retrieval(), judge=JudgeChoice())
B = replace(A, retrieval=Retrieval(passages_max=3))
RELEASED = {A.id: A, B.id: B}


def revision(number: int, at_ms: int, line: Line = LINE) -> Revision:
    return Revision(
        number=number,
        line=line.id,
        base=None,
        manifest=str(number),
        sealed_at_ms=at_ms,
        documents=0,
        chunks=0,
        because="",
    )


def deployment(number: int, release: Release, at_ms: int, pinned: int | None = None) -> Deployment:
    return Deployment(
        number=number, release_id=release.id, pinned=pinned, who="", because="", at_ms=at_ms
    )


REVISIONS = [revision(4, 40), revision(3, 30), revision(2, 20), revision(1, 10)]


def told(found: tuple[State, ...]) -> list[tuple[int, str, int, int]]:
    names = {A.id: "A", B.id: "B"}
    return [
        (one.deployment, names[one.release.id], one.revision.number, one.since_ms) for one in found
    ]


def test_every_revision_a_deployment_followed_is_a_state() -> None:
    """With the time it began to serve; what was sealed before it counts from its beginning."""
    found = states([deployment(1, B, 25), deployment(0, A, 5)], RELEASED, REVISIONS)
    assert told(found) == [
        (0, "A", 1, 10),
        (0, "A", 2, 20),
        (1, "B", 2, 25),
        (1, "B", 3, 30),
        (1, "B", 4, 40),
    ]


def test_a_pin_is_one_state_and_nothing_twice() -> None:
    """What was sealed meanwhile did not serve; a deployment that changed nothing is none."""
    found = states(
        [
            deployment(3, A, 45),
            deployment(2, A, 35, pinned=1),
            deployment(1, A, 12),
            deployment(0, A, 11),
        ],
        RELEASED,
        REVISIONS,
    )
    assert told(found) == [
        (0, "A", 1, 11),
        (1, "A", 2, 20),
        (1, "A", 3, 30),
        (2, "A", 1, 35),
        (3, "A", 4, 45),
    ]


def test_what_cannot_be_asked_again_is_left_out() -> None:
    """A release that cannot be read, a revision that was retired, one of another line."""
    other = revision(5, 22, Line(parser="q", splitter="s", analyser="a"))
    found = states(
        [deployment(2, A, 35), deployment(1, B, 25), deployment(0, A, 15)],
        {A.id: A},
        [REVISIONS[0], other, REVISIONS[2]],
    )
    assert told(found) == [(0, "A", 2, 20), (2, "A", 4, 40)]
    assert states([], {}, REVISIONS) == ()


def test_parts_are_swapped_one_by_one() -> None:
    """All of them together make the one state of the other."""
    changed = replace(
        B,
        ladder=("abstain",),
        quoting=replace(B.quoting, join=0.5),
        writing=replace(B.writing, turns_max=3),
    )
    one = State(deployment=0, release=A, revision=REVISIONS[3], since_ms=0)
    two = State(deployment=1, release=changed, revision=REVISIONS[0], since_ms=9)
    assert differing(one, two) == PARTS
    assert differing(one, one) == ()
    mixed = one
    for count, part in enumerate(PARTS, start=1):
        mixed = swapped(mixed, part, two)
        assert differing(mixed, two) == PARTS[count:]
    assert (mixed.release, mixed.revision) == (two.release, two.revision)
