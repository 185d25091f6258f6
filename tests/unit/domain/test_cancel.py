"""Stop is said once, and heard everywhere."""

import threading

import pytest

from answerable.domain.cancel import Cancel, Cancelled


def test_nothing_is_cancelled_before_somebody_says_so() -> None:
    """A fresh one lets everybody go on."""
    cancel = Cancel()
    cancel.check()
    assert not cancel.cancelled
    assert cancel.because == ""


def test_the_first_word_counts() -> None:
    """Who comes later changes neither the reason nor calls anybody again."""
    cancel = Cancel()
    heard: list[str] = []
    cancel.on_cancel(lambda: heard.append(cancel.because))
    cancel.cancel("disconnect")
    cancel.cancel("deadline")
    assert (cancel.because, heard) == ("disconnect", ["disconnect"])
    with pytest.raises(Cancelled, match="disconnect") as caught:
        cancel.check()
    assert caught.value.because == "disconnect"


def test_who_registers_late_is_called_at_once() -> None:
    """A socket opened after the stop is closed all the same."""
    cancel = Cancel()
    cancel.cancel("deadline")
    heard: list[int] = []
    cancel.on_cancel(lambda: heard.append(1))()
    assert heard == [1]


def test_who_took_it_back_is_not_called() -> None:
    """A stream that ended is not closed twice; taking back twice does no harm."""
    cancel = Cancel()
    heard: list[str] = []
    take_back = cancel.on_cancel(lambda: heard.append("gone"))
    cancel.on_cancel(lambda: heard.append("stays"))
    take_back()
    take_back()
    cancel.cancel("disconnect")
    assert heard == ["stays"]


def test_a_callback_that_fails_keeps_nobody_from_hearing() -> None:
    """All are called, then the first failure is told."""
    cancel = Cancel()
    heard: list[int] = []

    def fail() -> None:
        raise OSError("no socket")

    cancel.on_cancel(fail)
    cancel.on_cancel(lambda: heard.append(1))
    with pytest.raises(OSError, match="no socket"):
        cancel.cancel("disconnect")
    assert heard == [1]


def test_a_callback_may_ask_and_register() -> None:
    """No lock is held while callbacks run."""
    cancel = Cancel()
    heard: list[str] = []

    def register() -> None:
        assert cancel.cancelled
        cancel.on_cancel(lambda: heard.append("inner"))()

    cancel.on_cancel(register)
    cancel.cancel("deadline")
    assert heard == ["inner"]


def test_many_threads_register_and_every_one_hears_once() -> None:
    """Whether before or after the stop, exactly once."""
    cancel = Cancel()
    heard: list[int] = []
    start = threading.Barrier(9)

    def register(n: int) -> None:
        start.wait()
        for m in range(50):
            cancel.on_cancel(lambda m=m: heard.append(n * 50 + m))  # type: ignore[misc]

    threads = [threading.Thread(target=register, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    cancel.cancel("disconnect")
    for thread in threads:
        thread.join()
    assert sorted(heard) == list(range(400))
