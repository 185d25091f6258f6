"""Listening to a model: what it says, and a record of what the call took however it ended."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall, Usage
from answerable.answering.run import Run
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import ModelUse

_CHARS_A_TOKEN = 4


@dataclass(kw_only=True, slots=True)
class Hearing:
    """One call of a model.

    Attributes:
        purpose: ``answer``, ``repair``, ``rewrite`` or ``check``.
        ended: How it ended: what the model gives as reason, the value of a `StepReason`,
            ``given up`` when nobody listened to the end, ``cancelled``.
    """

    run: Run
    model: ChatModel
    call: ModelCall
    purpose: str
    ended: str = "given up"

    def texts(self) -> Generator[str, None, None]:
        """Give what the model says, bit by bit; its record is among the run's calls at the end.

        Raises:
            ModelFailed: No reply, or only the beginning of one.
            Cancelled: Nobody waits any more.
        """
        clock = self.run.desk.clock
        began_ms, first_ms, chars = clock.monotonic_ms(), None, 0
        usage: Usage | None = None
        try:
            with closing(self.model.stream(self.call, self.run.cancel)) as pieces:
                for piece in pieces:
                    match piece:
                        case Delta():
                            if first_ms is None:
                                first_ms = clock.monotonic_ms() - began_ms
                            chars += len(piece.text)
                            yield piece.text
                        case Finished():
                            self.ended, usage = piece.reason, piece.usage
        except ModelFailed as error:
            self.ended = error.kind.value
            raise
        finally:
            if self.run.cancel.cancelled:
                self.ended = "cancelled"
            took_ms = clock.monotonic_ms() - began_ms
            self.run.calls.append(self._use(usage or self._estimate(chars), first_ms, took_ms))

    def _use(self, usage: Usage, first_ms: float | None, took_ms: float) -> ModelUse:
        return ModelUse(
            model=self.model.name,
            purpose=self.purpose,
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            is_estimated=usage.is_estimated,
            method=usage.method,
            cost_usd=None if usage.cost_usd is None else str(usage.cost_usd),
            first_token_ms=first_ms,
            took_ms=took_ms,
            ended=self.ended,
        )

    def _estimate(self, chars: int) -> Usage:
        """Return the usage of a call that was cut off: nobody reports it, nobody prices it."""
        asked = sum(len(message.text) for message in self.call.messages)
        return Usage(
            tokens_in=-(-asked // _CHARS_A_TOKEN),
            tokens_out=-(-chars // _CHARS_A_TOKEN),
            is_estimated=True,
            method=f"characters/{_CHARS_A_TOKEN}",
        )
