"""Which release and revision serve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from answerable.adapters.clock import SystemClock
from answerable.adapters.state.memory import MemoryRegister
from answerable.domain.documents import Revision
from answerable.domain.errors import Conflict, NotFound
from answerable.domain.releases import (
    Deployment,
    JudgeChoice,
    Line,
    Release,
    Retrieval,
    Ruling,
)
from answerable.releases.flow import (
    Serving,
    base,
    earlier,
    embedded_release,
    pinned_since,
    promote,
    rebased,
    refusal,
    revision_then,
    settle,
    switch,
)
from answerable.releases.flow import serving as _serving

LINE = Line(parser="p", splitter="s", analyser="a")
OTHER = Line(parser="p2", splitter="s", analyser="a")
RELEASE = embedded_release(LINE, software="1.0", retrieval=Retrieval(), judge=JudgeChoice())
CLOCK = SystemClock()


def revision(number: int, line: Line = LINE) -> Revision:
    return Revision(
        number=number,
        line=line.id,
        base=None,
        manifest="",
        sealed_at_ms=0,
        documents=0,
        chunks=0,
        because="",
    )


def deployment(*, pinned: int | None = None, release: Release = RELEASE) -> Deployment:
    return Deployment(number=0, release_id=release.id, pinned=pinned, who="", because="", at_ms=0)


def serving(now: Deployment, release: Release, revisions: list[Revision]) -> Serving:
    """Return what serves with the software of the release."""
    return _serving(now, release, revisions, software=release.software)


def test_the_first_start_records_release_0() -> None:
    """Deployment 0 is the embedded release, and a second start adds nothing."""
    register = MemoryRegister()
    first = settle(register, RELEASE, clock=CLOCK)
    assert (first.number, first.release_id, first.pinned) == (0, RELEASE.id, None)
    assert settle(register, RELEASE, clock=CLOCK) == first
    assert len(register.deployments()) == 1


def test_new_software_is_a_new_release_and_keeps_the_pin() -> None:
    """What answers differently never answers under the old name."""
    register = MemoryRegister()
    settle(register, RELEASE, clock=CLOCK)
    switch(register, [revision(3)], pinned=3, who="a", because="b", clock=CLOCK)
    newer = replace(RELEASE, software="1.1")
    after = settle(register, newer, clock=CLOCK)
    assert (after.release_id, after.pinned) == (newer.id, 3)
    assert after.because == "software is now 1.1; still pinned: b"


def test_two_versions_side_by_side_do_not_deploy_against_each_other() -> None:
    """During an upgrade the record grows by one, however often either version looks."""
    register = MemoryRegister()
    newer = replace(RELEASE, software="1.1")
    for release in (RELEASE, newer, RELEASE, newer, RELEASE):
        assert settle(register, release, clock=CLOCK).release_id in {RELEASE.id, newer.id}
    assert len(register.deployments()) == 2
    now = _serving(register.deployments()[0], newer, [revision(1)], software="1.0")
    assert now.overrides == ("answered by software 1.0, not 1.1",)


def test_a_changed_workspace_is_a_new_release_and_so_is_going_back() -> None:
    """Each change of aliases or embedder is on record with what changed."""
    register = MemoryRegister()
    aliases = Retrieval(aliases=(("box", ("node",)),))
    changed = replace(RELEASE, retrieval=aliases)
    said = []
    for release in (RELEASE, changed, RELEASE):
        deployed = settle(register, release, clock=CLOCK)
        assert deployed.release_id == release.id
        said.append(deployed.because)
    assert said == ["first start", *["the workspace changed: aliases"] * 2]


def test_anything_that_changes_an_answer_changes_the_id() -> None:
    """A release is known by its content."""
    retrieval = replace(RELEASE, retrieval=replace(RELEASE.retrieval, page_weight=0.1))
    quoting = replace(RELEASE, quoting=replace(RELEASE.quoting, units_max=9))
    assert len({RELEASE.id, retrieval.id, quoting.id, replace(RELEASE, line=OTHER).id}) == 4


def test_following_serves_the_newest_of_the_line() -> None:
    """A revision of another line is not served by accident."""
    now = serving(deployment(), RELEASE, [revision(3, OTHER), revision(2), revision(1)])
    assert now.revision == revision(2)
    assert now.overrides == ()


def test_without_a_revision_of_the_line_the_newest_serves_and_says_so() -> None:
    """After an upgrade the old documents still answer, recorded as an override."""
    now = serving(deployment(), RELEASE, [revision(2, OTHER), revision(1, OTHER)])
    assert now.revision == revision(2, OTHER)
    assert now.overrides


def test_a_pin_holds_while_newer_revisions_come() -> None:
    """After going back, a new revision does not take over."""
    assert serving(deployment(pinned=1), RELEASE, [revision(2), revision(1)]).revision == revision(
        1
    )


def test_a_pin_to_another_line_says_so() -> None:
    """What other software read is never passed off as read by this release's line."""
    assert serving(deployment(pinned=1), RELEASE, [revision(1, OTHER)]).overrides


def test_the_next_revision_is_made_from_what_serves() -> None:
    """Without a pin it follows the one that serves."""
    revisions = [revision(2), revision(1)]
    assert base(serving(deployment(), RELEASE, revisions), revisions) == revision(2)


def test_while_pinned_revisions_build_on_each_other() -> None:
    """What was undone stays undone; what came after the pin is kept for when it is taken away."""
    undone, pinned = replace(revision(2), sealed_at_ms=5), replace(revision(1), sealed_at_ms=1)
    since = replace(revision(3), sealed_at_ms=20)
    at_10 = replace(deployment(pinned=1), at_ms=10)
    assert base(serving(at_10, RELEASE, [undone, pinned]), [undone, pinned]) == pinned
    revisions = [since, undone, pinned]
    assert base(serving(at_10, RELEASE, revisions), revisions) == since


def test_nothing_sealed_serves_nothing() -> None:
    """An empty library is no error here."""
    assert serving(deployment(), RELEASE, []).revision is None


def test_switching_to_a_revision_that_is_not_there_changes_nothing() -> None:
    """The record holds only what could serve."""
    register = MemoryRegister()
    settle(register, RELEASE, clock=CLOCK)
    with pytest.raises(NotFound):
        switch(register, [revision(1)], pinned=2, who="a", because="b", clock=CLOCK)
    assert len(register.deployments()) == 1


def test_the_id_of_a_release_is_its_own() -> None:
    """It is remembered with a release, never with one made from it, and equals know nothing."""
    same, other = replace(RELEASE), replace(RELEASE, software="another")
    assert RELEASE.id == same.id != other.id
    assert replace(other, software=RELEASE.software).id == RELEASE.id
    assert replace(RELEASE) == RELEASE


CHOSEN = replace(RELEASE, retrieval=Retrieval(passages_max=4))


def chosen(register: MemoryRegister) -> Deployment:
    """Promote a release that somebody chose."""
    current = settle(register, RELEASE, clock=CLOCK)
    return promote(register, CHOSEN, current=current, who="ann", because="it passed", clock=CLOCK)


def test_what_was_chosen_stays_whatever_the_workspace_says() -> None:
    """Also when the process starts again."""
    register = MemoryRegister()
    now = chosen(register)
    assert now.chosen
    other = replace(RELEASE, retrieval=Retrieval(alias_weight=0.9))
    assert settle(register, other, clock=CLOCK) == now
    assert settle(register, RELEASE, clock=CLOCK) == now


def test_new_software_answers_by_what_was_chosen() -> None:
    """Under another name, once; an older version that still runs does not deploy against it."""
    register = MemoryRegister()
    now = chosen(register)
    newer = replace(RELEASE, software="2.0", line=OTHER)
    after = settle(register, newer, clock=CLOCK)
    assert after.chosen
    assert register.release(after.release_id) == replace(CHOSEN, software="2.0", line=OTHER)
    assert after.because == "software is now 2.0; still chosen: it passed"
    assert settle(register, newer, clock=CLOCK) == after
    assert settle(register, RELEASE, clock=CLOCK) == after
    assert rebased(CHOSEN, RELEASE) is CHOSEN
    assert now.number == after.number - 1


def test_whoever_promotes_the_workspace_follows_it_again() -> None:
    """And the next change of it is deployed as before."""
    register = MemoryRegister()
    now = chosen(register)
    back = promote(
        register, RELEASE, current=now, chosen=False, who="ann", because="back", clock=CLOCK
    )
    assert not back.chosen
    other = replace(RELEASE, retrieval=Retrieval(alias_weight=0.9))
    assert settle(register, other, clock=CLOCK).release_id == other.id


def test_two_people_who_promote_at_once() -> None:
    """The second saw what does not serve any more, and is told; and so is who changes nothing."""
    register = MemoryRegister()
    seen = settle(register, RELEASE, clock=CLOCK)
    promote(register, CHOSEN, current=seen, who="ann", because="", clock=CLOCK)
    other = replace(RELEASE, retrieval=Retrieval(alias_weight=0.9))
    with pytest.raises(Conflict, match="meanwhile"):
        promote(register, other, current=seen, who="bob", because="", clock=CLOCK)
    now = register.current()
    assert now is not None
    with pytest.raises(Conflict, match="serves already"):
        promote(register, CHOSEN, current=now, who="bob", because="", clock=CLOCK)
    assert register.current() == now


def test_a_promotion_keeps_the_pin_and_since_when() -> None:
    """What was sealed since then is built on, whatever release serves."""
    register = MemoryRegister()
    settle(register, RELEASE, clock=CLOCK)
    pin = switch(register, [revision(3)], pinned=3, who="a", because="b", clock=CLOCK)
    now = promote(register, CHOSEN, current=pin, who="ann", because="", clock=CLOCK)
    assert (now.pinned, now.chosen) == (3, True)
    stamped = [replace(one, at_ms=10 * one.number) for one in register.deployments()]
    assert pinned_since(stamped) == 10
    again = switch(register, [revision(3)], pinned=3, who="a", because="b", clock=CLOCK)
    assert again.chosen
    stamped = [replace(one, at_ms=10 * one.number) for one in register.deployments()]
    assert pinned_since(stamped) == 30


def ruled(candidate: str, against: str, decision: str, *, number: int = 0) -> Ruling:
    return Ruling(
        number=number,
        candidate=candidate,
        against=against,
        questions="ops",
        decision=decision,
        because="ops: 3 lost\nmore",
        who="ann",
        at_ms=0,
    )


def test_who_may_be_promoted() -> None:
    """Who passed against what serves now; the last ruling counts."""
    assert refusal("b", "a", []) == "no gate has looked at it"
    assert refusal("b", "a", [ruled("c", "a", "pass")]) == "no gate has looked at it"
    failed, passed = ruled("b", "a", "fail"), ruled("b", "a", "pass", number=1)
    assert refusal("b", "a", [failed, passed]) == "its gate said fail: ops: 3 lost"
    assert refusal("b", "a", [passed, failed]) == ""
    assert refusal("b", "c", [passed]) == "it passed against a, and c serves now"


def deployed(*names: str) -> list[Deployment]:
    """Return these deployments, newest first."""
    return [
        Deployment(number=n, release_id=name, pinned=None, who="", because="", at_ms=n)
        for n, name in reversed(list(enumerate(names)))
    ]


def test_going_back_again_and_again_goes_further_back() -> None:
    """Never to what was left by going back."""
    assert [one.release_id for one in earlier(deployed("a", "b", "c"))] == ["b", "a"]
    assert [one.release_id for one in earlier(deployed("a", "b", "c", "b"))] == ["a"]
    assert earlier(deployed("a", "b", "a")) == ()
    assert [one.release_id for one in earlier(deployed("a", "a", "b", "b"))] == ["a"]
    assert earlier([]) == ()


def test_the_documents_of_a_deployment_are_those_it_served_last() -> None:
    """The newest of its line until another was deployed, or those that were pinned."""
    sealed = [replace(revision(n), sealed_at_ms=n) for n in (4, 3, 2, 1)]
    all_of_them = deployed("a", "b", "c")
    a, b, c = reversed(all_of_them)
    assert [
        found.number if (found := revision_then(one, all_of_them, RELEASE, sealed)) else None
        for one in (a, b, c)
    ] == [1, 2, 4]
    pinned = replace(b, pinned=1)
    assert revision_then(pinned, all_of_them, RELEASE, sealed) == sealed[-1]
    assert revision_then(replace(b, pinned=9), all_of_them, RELEASE, sealed) is None
    assert revision_then(a, all_of_them, RELEASE, []) is None
