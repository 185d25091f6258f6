"""Canaries in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from answerable.adapters.state.failures import canary_open, no_release
from answerable.releases.ports import OPEN, Canaries, CanaryRecord, Register, Stage


class MemoryCanaries:
    """Canaries in a list.

    Args:
        register: Knows which releases there are.
        beat: Called after every change.
    """

    def __init__(self, register: Register, beat: Callable[[], None] = lambda: None) -> None:
        self._register = register
        self._beat = beat
        self._lock = Lock()
        self._canaries: list[CanaryRecord] = []

    def begin(
        self, *, candidate: str, baseline: str, watch: str, who: str, because: str, now_ms: int
    ) -> CanaryRecord:
        """Store a new one.

        Raises:
            NotFound: The candidate is not stored.
            Conflict: Another one is open.
        """
        if self._register.release(candidate) is None:
            raise no_release(candidate)
        with self._lock:
            if any(one.stage in OPEN for one in self._canaries):
                raise canary_open()
            made = CanaryRecord(
                number=len(self._canaries),
                candidate=candidate,
                baseline=baseline,
                watch=watch,
                held="",
                stage=Stage.RUNNING,
                because=because,
                who=who,
                began_ms=now_ms,
                ended_ms=None,
            )
            self._canaries.append(made)
        self._beat()
        return made

    def all(self) -> Sequence[CanaryRecord]:
        """Return all canaries, newest first."""
        with self._lock:
            return tuple(reversed(self._canaries))

    def open(self) -> CanaryRecord | None:
        """Return the one that is open."""
        return next((one for one in self.all() if one.stage in OPEN), None)

    def save(self, number: int, watch: str) -> bool:
        """Store what was seen."""
        return self._change(number, {Stage.RUNNING}, watch=watch)

    def hold(self, number: int, because: str) -> bool:
        """Note why a person holds it."""
        return self._change(number, {Stage.RUNNING}, held=because)

    def move(
        self,
        number: int,
        stage: Stage,
        *,
        of: Collection[Stage],
        because: str,
        now_ms: int,
    ) -> bool:
        """Bring it to a stage."""
        ended_ms = None if stage in OPEN else now_ms
        return self._change(number, of, stage=stage, because=because, ended_ms=ended_ms)

    def _change(self, number: int, of: Collection[Stage], **values: Any) -> bool:
        with self._lock:
            if number >= len(self._canaries) or self._canaries[number].stage not in of:
                return False
            self._canaries[number] = replace(self._canaries[number], **values)
        self._beat()
        return True


_: Callable[..., Canaries] = MemoryCanaries
