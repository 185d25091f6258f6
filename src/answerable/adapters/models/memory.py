"""A model that says what it was told to say; for tests, drills and demonstrations."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall, Usage
from answerable.domain.cancel import Cancel
from answerable.domain.errors import ModelFailed

Reply = str | Sequence[str] | ModelFailed


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One reply to come.

    Attributes:
        deltas: What is said, bit by bit.
        failure: Raised after these instead of an end.
        reason: Of the end.
    """

    deltas: tuple[str, ...]
    failure: ModelFailed | None = None
    reason: str = "stop"


class ScriptedModel:
    """Says the replies of a script in turn, the last one for ever.

    Args:
        replies: A text, said word by word; a sequence of deltas; a failure; a `Told`; or a
            function of the call that gives one of these.
        name: As the ladder calls it.
        usage: What is reported at the end.

    Attributes:
        calls: What was asked, in order.
        opened, closed: Streams that were begun and that have ended, in whatever way.
    """

    def __init__(
        self,
        *replies: Reply | Told | Callable[[ModelCall], Reply | Told],
        name: str = "scripted",
        usage: Usage | None = None,
    ) -> None:
        self.name = name
        self.calls: list[ModelCall] = []
        self.opened = 0
        self.closed = 0
        self._replies = replies or ("",)
        self._usage = usage or Usage(tokens_in=0, tokens_out=0, is_estimated=True, method="script")
        self._turn = count()

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the next reply of the script."""
        self.calls.append(call)
        self.opened += 1
        try:
            told = self._told(call)
            for text in told.deltas:
                cancel.check()
                yield Delta(text=text)
            cancel.check()
            if told.failure is not None:
                raise told.failure
            yield Finished(reason=told.reason, usage=self._usage, model=self.name)
        finally:
            self.closed += 1

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _told(self, call: ModelCall) -> Told:
        reply = self._replies[min(next(self._turn), len(self._replies) - 1)]
        return told(reply(call) if callable(reply) else reply)


_: Callable[..., ChatModel] = ScriptedModel


def told(reply: Reply | Told) -> Told:
    """Return a reply in the form of deltas and an end."""
    if isinstance(reply, Told):
        return reply
    if isinstance(reply, ModelFailed):
        return Told(deltas=(), failure=reply)
    if isinstance(reply, str):
        return Told(deltas=tuple(words(reply)))
    return Told(deltas=tuple(text for text in reply if text))


def words(text: str) -> list[str]:
    """Return a text in bits, each a word with the white space before it, as models give it."""
    bits: list[str] = []
    start = 0
    for place, (character, following) in enumerate(pairwise(text), start=1):
        if following.isspace() and not character.isspace():
            bits.append(text[start:place])
            start = place
    return [*bits, text[start:]] if text else []
