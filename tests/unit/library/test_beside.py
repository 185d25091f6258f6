"""Doing one thing beside another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Event, get_ident

import pytest

from answerable.adapters.beside import Threads
from answerable.library.ports import Beside
from answerable.library.search import in_turn


@contextmanager
def _threads(count: int) -> Iterator[Threads]:
    made = Threads(count)
    yield made
    made.close()


@pytest.fixture(params=["threads", "in turn"])
def beside(request: pytest.FixtureRequest) -> Iterator[Beside]:
    """Give every way there is."""
    if request.param == "in turn":
        yield in_turn
    else:
        with _threads(2) as made:
            yield made


def test_a_job_gives_its_result(beside: Beside) -> None:
    """Whoever does it, it is done once."""
    done: list[int] = []

    def noted(number: int) -> int:
        done.append(number)
        return number

    waits = [beside(partial(noted, number)) for number in range(9)]
    assert [wait() for wait in waits] == list(range(9))
    assert sorted(done) == list(range(9))


def test_a_job_that_fails_raises_where_it_is_waited_for(beside: Beside) -> None:
    """The very error, so that it can be acted on."""

    def fail() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        beside(fail)()


def test_a_job_runs_while_the_caller_goes_on() -> None:
    """The two meet at a barrier that neither passes alone."""
    meeting = Barrier(2, timeout=30)
    with _threads(1) as beside:
        wait = beside(meeting.wait)
        meeting.wait()
        assert wait() in {0, 1}


def test_nobody_waits_in_a_queue() -> None:
    """When all threads are taken, who wants a result does the job."""
    free = Event()
    with _threads(1) as beside:
        taken: Callable[[], bool] = beside(lambda: free.wait(30))
        assert beside(get_ident)() == get_ident()
        free.set()
        assert taken()
