"""What was heard of a reply so far, and whether it is one."""

from __future__ import annotations

from dataclasses import dataclass, field

from answerable.adapters.models import refusals
from answerable.adapters.models.refusals import Where
from answerable.adapters.models.tokens import counted
from answerable.answering.ports import Finished, ModelCall
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason

# A token of any vocabulary in use is shorter; more is no reply but a flood.
_CHARS_PER_TOKEN_MAX = 64
_CHARS_MAX = 256 << 10


@dataclass(kw_only=True, slots=True)
class Heard:
    """One reply.

    Attributes:
        model: Which one answers, as the provider calls it.
        reason: Why it ended; empty while it has not.
        tokens_in, tokens_out: As the provider counts; None or 0 where it does not.
    """

    call: ModelCall
    where: Where
    model: str
    texts: list[str] = field(default_factory=list)
    chars: int = 0
    reason: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None

    def add(self, text: str) -> None:
        """Note what was said.

        Raises:
            ModelFailed: It is far more than was asked for.
        """
        self.texts.append(text)
        self.chars += len(text)
        tokens_max = self.call.sampling.tokens_max
        chars_max = tokens_max * _CHARS_PER_TOKEN_MAX if tokens_max else _CHARS_MAX
        if self.chars > chars_max:
            raise refusals.malformed(self.where, f"gave over {chars_max} characters")

    def end(self) -> Finished:
        """Return how it ended.

        Raises:
            ModelFailed: It did not, or nothing was said.
        """
        if not self.reason:
            raise refusals.broke_off(self.where, "the reply has no end")
        text = "".join(self.texts)
        if not text.strip():
            raise self._nothing()
        usage = counted(self.tokens_in, self.tokens_out, self.call, text)
        return Finished(reason=self.reason, usage=usage, model=self.model)

    def _nothing(self) -> ModelFailed:
        if self.reason == "filtered":
            return filtered(self.where)
        if self.reason == "length":
            return ModelFailed(
                f"{self.where.address} used all its tokens before it said anything",
                hint=f"raise tokens_max of release.{self.where.settings}: a reasoning model "
                "thinks before it speaks",
                kind=StepReason.MALFORMED,
            )
        return refusals.malformed(self.where, "gave an empty reply")


def filtered(where: Where) -> ModelFailed:
    """Return that the provider will not answer."""
    return ModelFailed(
        f"{where.address} filtered the reply",
        hint="the provider will not answer this; another model may",
        kind=StepReason.POLICY,
    )
