"""A model that is broken on purpose."""

from __future__ import annotations

import threading

import pytest
from wrapped import CALL, said

from answerable.adapters.models.faulty import Fault, Faulty
from answerable.adapters.models.memory import ScriptedModel
from answerable.answering.ports import Delta, Finished
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason

TEXT = "Port 8443 is open."


def broken(fault: Fault) -> Faulty:
    return Faulty(ScriptedModel(TEXT), lambda _: fault)


@pytest.mark.parametrize(
    ("fault", "kind", "came"),
    [
        (Fault.OUTAGE, StepReason.OUTAGE, ""),
        (Fault.ERROR, StepReason.OUTAGE, ""),
        (Fault.WRONG_KEY, StepReason.OUTAGE, ""),
        (Fault.STORM, StepReason.OVERLOAD, ""),
        (Fault.EMPTY, StepReason.MALFORMED, ""),
        (Fault.CUT, StepReason.OUTAGE, "Po"),
    ],
)
def test_it_fails_as_planned(fault: Fault, kind: StepReason, came: str) -> None:
    """With the reason a real provider would give."""
    got: list[Delta | Finished] = []
    with pytest.raises(ModelFailed) as caught:
        got.extend(broken(fault).stream(CALL, Cancel()))
    assert caught.value.kind is kind
    assert "".join(one.text for one in got if isinstance(one, Delta)) == came


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (Fault.LYING, "Port 9554 is open."),
        (Fault.ABRUPT, "Port"),
        (
            Fault.INVENTING,
            f"{TEXT} It was introduced in version 42.7.1 [17] and listens on port 31999 [1].",
        ),
    ],
)
def test_it_says_what_is_not_so(fault: Fault, reply: str) -> None:
    """And ends as if all were well."""
    assert said(broken(fault)) == reply


def test_it_floods_and_babbles() -> None:
    """A megabyte; and no word of any language."""
    assert len(said(broken(Fault.HUGE))) > 1 << 20
    assert "Port" not in said(broken(Fault.GARBAGE))


@pytest.mark.parametrize(("fault", "came"), [(Fault.HANG_FIRST, 0), (Fault.HANG_LATER, 1)])
def test_it_hangs_until_it_is_given_up(fault: Fault, came: int) -> None:
    """By another thread."""
    cancel = Cancel()
    got: list[Delta | Finished] = []
    threading.Timer(0.01, cancel.cancel, ["deadline"]).start()
    with pytest.raises(Cancelled):
        got.extend(broken(fault).stream(CALL, cancel))
    assert len(got) == came


def test_a_plan_knows_the_number_of_the_call() -> None:
    """The second call fails; a drill may change the plan in the middle of a run."""
    model = Faulty(ScriptedModel(TEXT), lambda number: Fault.ERROR if number == 1 else None)
    assert said(model) == TEXT
    with pytest.raises(ModelFailed):
        said(model)
    assert said(model) == TEXT
    model.plan = lambda _: Fault.OUTAGE
    with pytest.raises(ModelFailed):
        said(model)
