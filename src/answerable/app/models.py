"""The language models of this machine: which there are, and one wrapped for asking."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from answerable.answering.ports import ChatModel, Finished, Message, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.clock import Clock
from answerable.domain.errors import AnswerableError, NotFound, NotReady
from answerable.domain.releases import ModelChoice, Sampling, TimeLimits
from answerable.settings import Model, ReleaseModel, Settings

if TYPE_CHECKING:
    from answerable.adapters.models.alarms import Alarms
    from answerable.adapters.models.breaking import Breaker
    from answerable.adapters.models.limited import Slots
    from answerable.adapters.models.priced import Price
    from answerable.adapters.models.providers import Key, Provider
    from answerable.adapters.models.recording import Tape
    from answerable.adapters.models.retrying import RetryBudget
    from answerable.adapters.models.spending import Purse

_CHECK = ModelCall(
    messages=(
        Message(role="system", text="You answer in plain words, without comment."),
        Message(role="user", text="Write the numbers from one to thirty as words."),
    ),
    sampling=Sampling(tokens_max=120),
    # A local server may have to read its weights first; that is what is measured.
    limits=TimeLimits(first_token_ms=120_000, between_tokens_ms=30_000, whole_ms=300_000),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelView:
    """A model as it is set up here.

    Attributes:
        model: As the provider calls it; empty where no release would ask it.
        address: Without name and password; empty for the provider's own.
        key: Where its key comes from, or which variable is missing; never the key.
        has_key: None where none is needed.
        is_priced: Whether its price is configured or published.
        trouble: Why it could not be asked; empty where it could.
    """

    name: str
    provider: str
    model: str
    address: str
    key: str
    has_key: bool | None
    is_priced: bool
    trouble: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelReport:
    """How fast a model answered just now.

    Attributes:
        tokens_s: After the first token; None where there was only one delta.
        is_estimated: Whether the tokens were counted by us.
        cost_usd: Of this check; None where the price is not known.
    """

    name: str
    model: str
    first_token_ms: float
    tokens_s: float | None
    tokens_in: int
    tokens_out: int
    is_estimated: bool
    cost_usd: Decimal | None


class Models:
    """What the settings set up; each is made when it is first asked. Safe for many threads.

    Args:
        settings: Which there are.
        folder: Where it is counted what was spent; None counts in memory.
        clock: For limits, rests and days.
        stack: Closes them; it must live as long as they do.
    """

    def __init__(
        self, settings: Settings, folder: Path | None, clock: Clock, stack: ExitStack
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._stack = stack
        self._lock = Lock()
        self._made: dict[tuple[ModelChoice, bool], ChatModel] = {}
        self._shared: dict[str, _Shared] = {}
        self._alarms: Alarms | None = None
        self._purse: Purse | None = None

    @property
    def choices(self) -> tuple[ModelChoice, ...]:
        """What the rungs of a new release ask, in the order of the settings."""
        return tuple(
            choice(name, self._settings.models.get(name), told)
            for name, told in self._settings.release.models.items()
        )

    @property
    def writers(self) -> tuple[str, ...]:
        """Names of those that stand in the ladder, in this order."""
        return tuple(name for name, one in self._settings.release.models.items() if one.writes)

    def asking(self, chosen: ModelChoice) -> ChatModel:
        """Return the model of a rung, in all its wrappers; the same one every time.

        Raises:
            NotReady: No model of this name is set up here, or its extra is not installed.
            BadConfiguration: It is set up wrongly.
        """
        return self._asked(chosen, is_judge=False)

    def judging(self, chosen: ModelChoice) -> ChatModel:
        """Return the same model for a judge: its calls wait for places of their own.

        Raises:
            NotReady, BadConfiguration: As `asking`.
        """
        return self._asked(chosen, is_judge=True)

    def _asked(self, chosen: ModelChoice, *, is_judge: bool) -> ChatModel:
        known = (chosen, is_judge)
        with self._lock:
            if known not in self._made:
                self._made[known] = self._wrapped(chosen, is_judge=is_judge)
            return self._made[known]

    def recorded(self, chosen: ModelChoice, tape: Tape) -> ChatModel:
        """Return the model of a rung, whose replies are written down."""
        from answerable.adapters.models.recording import Recording

        return Recording(self.asking(chosen), tape)

    def named(self, name: str) -> ModelChoice:
        """Return what a new release would ask by this name.

        Raises:
            NotFound: Nothing.
        """
        for one in self.choices:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in self.choices) or "none yet"
        raise NotFound(
            f"there is no model {name}; there are: {names}",
            hint="answerable models add ollama:llama3.2",
        )

    def views(self) -> tuple[ModelView, ...]:
        """Return every model that is set up or that a release would ask; nobody is asked."""
        names = [*self._settings.release.models, *self._settings.models]
        return tuple(self._view(name) for name in dict.fromkeys(names))

    def check(self, name: str) -> ModelReport:
        """Ask a model for a few words and measure it. It costs what the words cost.

        Raises:
            NotFound, NotReady, BadConfiguration, ModelFailed: It does not work; says why.
        """
        chosen = self.named(name)
        began_ms = self._clock.monotonic_ms()
        moments: list[float] = []
        with closing(self._bare(chosen)) as model, closing(model.stream(_CHECK, Cancel())) as items:
            for item in items:
                if isinstance(item, Finished):
                    return _report(name, moments, item)
                moments.append(self._clock.monotonic_ms() - began_ms)
        raise AssertionError("a stream ends with Finished, or raises")

    def _view(self, name: str) -> ModelView:
        from answerable.adapters.models.openai import shown_address

        set_up = self._settings.models.get(name)
        told = self._settings.release.models.get(name)
        told_model = told.model if told else ""
        trouble = ""
        key = None
        try:
            key = self._key(self._of(name))
            if told is None:
                trouble = f"no release asks it; name its model below [release.models.{name}]"
            elif key.value is None and key.origin:
                trouble = f"its key is missing; set {key.origin}"
        except AnswerableError as error:
            trouble = f"{error.message}; {error.hint}"
        needs_key = key is not None and bool(key.origin)
        return ModelView(
            name=name,
            provider=set_up.provider if set_up else "",
            model=told_model,
            address=shown_address(_base_url(set_up)) if set_up else "",
            key=key.origin if key else "",
            has_key=(key is not None and key.value is not None) if needs_key else None,
            is_priced=set_up is not None and self._price(set_up, told_model)(1, 1) is not None,
            trouble=trouble,
        )

    def _of(self, name: str) -> Model:
        if name not in self._settings.models:
            raise NotReady(
                f"the model {name} is not set up here",
                hint=f"say where it is, below [models.{name}] in answerable.toml",
            )
        return self._settings.models[name]

    def _wrapped(self, chosen: ModelChoice, *, is_judge: bool) -> ChatModel:
        """Return a model as it is asked.

        From the outside in: a provider that rests is not asked at all; then a place is waited
        for, then the money is reserved; limits of time run from there, over all attempts.
        """
        from answerable.adapters.models.breaking import Breaking
        from answerable.adapters.models.limited import Limited
        from answerable.adapters.models.retrying import Retrying
        from answerable.adapters.models.timed import Timed

        set_up = self._of(chosen.name)
        shared = self._shared_by(chosen.name, set_up)
        inner = self._bare(chosen)
        self._stack.callback(inner.close)
        inner = Retrying(inner, self._clock, shared.retries)
        inner = Timed(inner, self._clock, self._ringing())
        inner = self._within_limits(inner, set_up, chosen.model)
        inner = Limited(inner, shared.judge_slots if is_judge else shared.slots)
        return Breaking(inner, shared.breaker)

    def _bare(self, chosen: ModelChoice) -> ChatModel:
        """Return the adapter with its prices, and no patience."""
        from answerable.adapters.models.priced import Priced

        set_up = self._of(chosen.name)
        return Priced(self._adapter(chosen, set_up), self._price(set_up, chosen.model))

    def _adapter(self, chosen: ModelChoice, set_up: Model) -> ChatModel:
        key = self._key(set_up)
        if key.value is None and key.origin:
            raise NotReady(
                f"the key of the model {chosen.name} is missing",
                hint=f"set {key.origin}, or name another variable in "
                f"models.{chosen.name}.api_key_env",
            )
        if set_up.provider == "openai":
            from answerable.adapters.models.openai import OpenAiChatConfig, OpenAiModel

            config = OpenAiChatConfig(
                name=chosen.name,
                base_url=_base_url(set_up),
                model=chosen.model,
                api_key=key.value,
                key_variable=key.origin,
            )
            return OpenAiModel(config)
        from answerable.adapters.models.native import NativeConfig, NativeModel

        return NativeModel(
            NativeConfig(
                name=chosen.name,
                provider=set_up.provider,
                base_url=set_up.base_url,
                model=chosen.model,
                api_key=key.value,
                key_variable=key.origin,
            )
        )

    def _key(self, set_up: Model) -> Key:
        from answerable.adapters.models.providers import find_key

        file = set_up.api_key_file
        return find_key(
            _known(set_up),
            variable=set_up.api_key_env,
            file=file and (self._settings.workspace / file.expanduser()).absolute(),
            environment=os.environ,
        )

    def _price(self, set_up: Model, model: str) -> Price:
        from answerable.adapters.models.priced import fixed, listed, unpriced

        if set_up.usd_per_million_in is not None or set_up.usd_per_million_out is not None:
            return fixed(_exact(set_up.usd_per_million_in), _exact(set_up.usd_per_million_out))
        prices = _known(set_up).prices
        return listed(prices, model) if prices else unpriced

    def _within_limits(self, inner: ChatModel, set_up: Model, model: str) -> ChatModel:
        from answerable.adapters.models.spending import ALL, Spending, nano

        told = {inner.name: set_up.spend_usd_day_max, ALL: self._settings.spending.usd_day_max}
        limits = {name: nano(_exact(usd)) for name, usd in told.items() if usd is not None}
        price = self._price(set_up, model)
        # One that needs no key charges nobody: it has no place in what all together may cost.
        is_free = not self._key(set_up).origin and price(1, 1) is None
        if not limits or (is_free and set_up.spend_usd_day_max is None):
            return inner
        return Spending(inner, price, self._purse_of_all(), limits, self._clock)

    def _purse_of_all(self) -> Purse:
        if self._purse is None:
            if self._folder is None:
                from answerable.adapters.models.spending import MemoryPurse

                self._purse = MemoryPurse()
            else:
                from answerable.adapters.state.spend import SqlitePurse

                purse = SqlitePurse(self._folder / "spend.db")
                self._stack.callback(purse.close)
                self._purse = purse
        return self._purse

    def _ringing(self) -> Alarms:
        if self._alarms is None:
            from answerable.adapters.models.alarms import ThreadAlarms

            self._alarms = ThreadAlarms(self._clock)
        return self._alarms

    def _shared_by(self, name: str, set_up: Model) -> _Shared:
        """Return what all rungs share that ask the same table of the settings."""
        from answerable.adapters.models.breaking import Breaker
        from answerable.adapters.models.retrying import RetryBudget

        if name not in self._shared:
            self._shared[name] = _Shared(
                breaker=Breaker(self._clock),
                retries=RetryBudget(),
                slots=self._slots(set_up),
                judge_slots=self._slots(set_up),
            )
        return self._shared[name]

    def _slots(self, set_up: Model) -> Slots:
        from answerable.adapters.models.limited import Slots

        return Slots(
            self._clock,
            self._ringing(),
            calls_max=set_up.concurrency,
            waiting_max=set_up.waiting,
            wait_ms_max=set_up.wait_ms_max,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    breaker: Breaker
    retries: RetryBudget
    slots: Slots
    judge_slots: Slots


def choice(name: str, set_up: Model | None, told: ReleaseModel) -> ModelChoice:
    """Return what a rung asks, in the words of a release."""
    return ModelChoice(
        name=name,
        provider=set_up.provider if set_up else "openai",
        model=told.model,
        sampling=Sampling(
            temperature=told.temperature,
            top_p=told.top_p,
            seed=told.seed,
            tokens_max=told.tokens_max,
        ),
        limits=TimeLimits(
            first_token_ms=told.first_token_ms,
            between_tokens_ms=told.between_tokens_ms,
            whole_ms=told.whole_ms,
        ),
    )


def _known(set_up: Model) -> Provider:
    from answerable.adapters.models.providers import known

    return known(set_up.provider, _base_url(set_up))


def _base_url(set_up: Model) -> str:
    from answerable.adapters.models.providers import PROVIDERS

    return set_up.base_url or PROVIDERS[set_up.provider].base_url


def _exact(usd: float | None) -> Decimal:
    return Decimal(str(usd or 0))


def _report(name: str, moments: list[float], end: Finished) -> ModelReport:
    usage = end.usage
    took_ms = moments[-1] - moments[0]
    return ModelReport(
        name=name,
        model=end.model,
        first_token_ms=moments[0],
        tokens_s=(usage.tokens_out - 1) / took_ms * 1000 if took_ms > 0 else None,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        is_estimated=usage.is_estimated,
        cost_usd=usage.cost_usd,
    )
