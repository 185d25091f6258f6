"""A model that is written down, and one that says what was written down."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Protocol

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall, Usage
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import BadInput, ModelFailed
from answerable.domain.questions import StepReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One reply of a model, whole.

    Attributes:
        model: Name of the model that was asked.
        call: Digest of what was asked.
        deltas: As they came.
        end: How it ended well; None where it did not.
        failure: Kind and message of how it failed; empty where it did not.
        left: Whether the reader left before the end.
    """

    model: str
    call: str
    deltas: tuple[str, ...]
    end: Finished | None = None
    failure: tuple[str, str] | None = None
    left: bool = False


class Tape(Protocol):
    """Keeps what is recorded."""

    def add(self, recorded: Recorded) -> None:
        """Keep one reply. Called from many threads."""
        ...


class MemoryTape:
    """Keeps replies in a list.

    Attributes:
        replies: In the order in which they ended.
    """

    def __init__(self, replies: Iterable[Recorded] = ()) -> None:
        self.replies = list(replies)

    def add(self, recorded: Recorded) -> None:
        """Keep one reply."""
        self.replies.append(recorded)


_: Callable[..., Tape] = MemoryTape


def digest(name: str, call: ModelCall) -> str:
    """Return what tells calls apart: whom, what and how; not how long it may take."""
    told = [name, [[one.role, one.text] for one in call.messages], asdict(call.sampling)]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Recording:
    """Writes down each reply, however it ends.

    Args:
        inner: The model.
        tape: Where it is written.
    """

    def __init__(self, inner: ChatModel, tape: Tape) -> None:
        self.name = inner.name
        self._inner = inner
        self._tape = tape

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply.

        Raises:
            ModelFailed, Cancelled: As the model inside.
        """
        deltas: list[str] = []
        end: Finished | None = None
        failure: tuple[str, str] | None = None
        try:
            with closing(self._inner.stream(call, cancel)) as inner:
                for item in inner:
                    if isinstance(item, Finished):
                        end = item
                    else:
                        deltas.append(item.text)
                    yield item
        except ModelFailed as failed:
            failure = failed.kind, failed.message
            raise
        finally:
            recorded = Recorded(
                model=self.name,
                call=digest(self.name, call),
                deltas=tuple(deltas),
                end=end,
                failure=failure,
                left=end is None and failure is None,
            )
            self._tape.add(recorded)

    def close(self) -> None:
        """Close the model."""
        self._inner.close()


class Replaying:
    """Says what was recorded for the same call, in the same bits and with the same end.

    Replies to equal calls come in their order; the last one stays. A call that was never
    recorded fails. Safe for many threads.

    Args:
        name: Of the model that was recorded.
        replies: Of this model and of others.
    """

    def __init__(self, name: str, replies: Iterable[Recorded]) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._replies: dict[str, deque[Recorded]] = {}
        for one in replies:
            if one.model == name:
                self._replies.setdefault(one.call, deque()).append(one)

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the recorded reply.

        Raises:
            ModelFailed: As recorded, or because nothing was.
            Cancelled: `cancel` was called, or the reader left when it was recorded.
        """
        cancel.check()
        recorded = self._next(digest(self.name, call))
        for text in recorded.deltas:
            yield Delta(text=text)
            cancel.check()
        if recorded.failure is not None:
            kind, message = recorded.failure
            raise ModelFailed(message, hint="this is a recording", kind=StepReason(kind))
        if recorded.end is None:
            raise Cancelled("the recording ends here")
        yield recorded.end

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _next(self, call: str) -> Recorded:
        with self._lock:
            replies = self._replies.get(call)
            if not replies:
                raise ModelFailed(
                    f"no reply of {self.name} to this call was recorded",
                    hint="the prompt, the passages or the sampling differ from the recorded ones",
                    kind=StepReason.OUTAGE,
                )
            return replies.popleft() if len(replies) > 1 else replies[0]


_1: Callable[..., ChatModel] = Recording
_2: Callable[..., ChatModel] = Replaying


def to_json(recorded: Recorded) -> str:
    """Return a recorded reply as one line of JSON."""
    return json.dumps(asdict(recorded), default=str, ensure_ascii=False, sort_keys=True)


def from_json(line: str) -> Recorded:
    """Return a recorded reply from what `to_json` made of it.

    Raises:
        BadInput: It is none.
    """
    try:
        told = json.loads(line)
        failure = told["failure"]
        return Recorded(
            model=told["model"],
            call=told["call"],
            deltas=tuple(told["deltas"]),
            end=_end(told["end"]),
            failure=None if failure is None else (failure[0], failure[1]),
            left=told["left"],
        )
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise BadInput("this is no recorded reply", hint="record it again") from error


def _end(told: dict[str, Any] | None) -> Finished | None:
    if told is None:
        return None
    usage = dict(told["usage"])
    cost = usage.pop("cost_usd")
    return Finished(
        reason=told["reason"],
        usage=Usage(**usage, cost_usd=None if cost is None else Decimal(cost)),
        model=told["model"],
    )
