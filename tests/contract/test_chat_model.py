"""What every `ChatModel` promises, alone and in every wrapper."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal

import pytest
from pydantic import SecretStr

from answerable.adapters.models.breaking import Breaker, Breaking
from answerable.adapters.models.faulty import Faulty
from answerable.adapters.models.limited import Limited, Slots
from answerable.adapters.models.memory import ScriptedModel, Told
from answerable.adapters.models.native import NativeConfig, NativeModel
from answerable.adapters.models.openai import OpenAiChatConfig, OpenAiModel
from answerable.adapters.models.priced import Priced, fixed
from answerable.adapters.models.recording import MemoryTape, Recording, Replaying
from answerable.adapters.models.retrying import RetryBudget, Retrying
from answerable.adapters.models.spending import MemoryPurse, Spending
from answerable.adapters.models.timed import Timed
from answerable.answering.ports import ChatModel, Delta, Finished, Message, ModelCall
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from fake_openai import FakeOpenAi, Mode
from models_fakes import FakeAlarms, FakeClock

TEXT = "The API listens on port 8443.\nRestart it with `systemctl restart api`. Grüße 🚒"
CALL = ModelCall(
    messages=(
        Message(role="system", text="Answer from the passages."),
        Message(role="user", text="Which port? 🚒 \ud800"),
    )
)
PRICE = fixed(Decimal(1), Decimal(2))


class Stage:
    """A model that says `TEXT`, and one that is cut off after its beginning."""

    def __init__(self, model: ChatModel, cut: ChatModel, fake: FakeOpenAi | None = None) -> None:
        self.model = model
        self.cut = cut
        self.fake = fake


def _bare(inner: ChatModel) -> ChatModel:
    return inner


def _scripted() -> ScriptedModel:
    return ScriptedModel(TEXT)


def _cut() -> ScriptedModel:
    failure = ModelFailed("cut", hint="wait", kind=StepReason.OUTAGE, is_passing=True)
    return ScriptedModel(Told(deltas=("The", " po"), failure=failure))


def _replayed(inner: ScriptedModel) -> ChatModel:
    """Say what was recorded of a model."""
    tape = MemoryTape()
    recording = Recording(inner, tape)
    try:
        list(recording.stream(CALL, Cancel()))
    except ModelFailed:
        assert inner.closed == 1
    return Replaying(inner.name, tape.replies)


def _limits(inner: ChatModel) -> ChatModel:
    clock = FakeClock()
    slots = Slots(clock, FakeAlarms(clock), calls_max=64, waiting_max=0, wait_ms_max=10)
    return Limited(inner, slots)


def _timed(inner: ChatModel) -> ChatModel:
    clock = FakeClock()
    return Timed(inner, clock, FakeAlarms(clock))


def _stack(inner: ChatModel) -> ChatModel:
    """Wrap as the app does."""
    for wrap in _WRAPPERS.values():
        inner = wrap(inner)
    return inner


_WRAPPERS: dict[str, Callable[[ChatModel], ChatModel]] = {
    "priced": lambda inner: Priced(inner, PRICE),
    "retrying": lambda inner: Retrying(inner, FakeClock(), RetryBudget(), pause=_no_pause),
    "timed": _timed,
    "spending": lambda inner: Spending(
        inner, PRICE, MemoryPurse(), {inner.name: 10**12}, FakeClock()
    ),
    "limited": _limits,
    "breaking": lambda inner: Breaking(inner, Breaker(FakeClock(), failures_max=10**6)),
    "recording": lambda inner: Recording(inner, MemoryTape()),
    "faulty": Faulty,
}

# Joining is one line.
_WIRED = ["openai", "stack over openai", "anthropic", "google"]
_KINDS = ["scripted", "replaying", *_WRAPPERS, "stack", *_WIRED]


def _no_pause(_: float, cancel: Cancel) -> None:
    cancel.check()


def _http(fake: FakeOpenAi, model: str, _: str) -> ChatModel:
    config = OpenAiChatConfig(name="fake", base_url=fake.base_url, model=model)
    return OpenAiModel(config)


def _native(fake: FakeOpenAi, model: str, provider: str) -> ChatModel:
    base_url = fake.base_url.removesuffix("/v1")
    config = NativeConfig(
        name="fake",
        provider="anthropic" if provider == "anthropic" else "google",
        base_url=base_url,
        model=model,
        api_key=SecretStr("a-key"),
    )
    return NativeModel(config)


@pytest.fixture(params=_KINDS)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Every `ChatModel`."""
    if request.param in _WIRED:
        with FakeOpenAi(text=TEXT) as fake, _over_http(fake, request.param) as stage:
            yield stage
        return
    makers = {"scripted": _bare, "stack": _stack, "replaying": _replayed} | _WRAPPERS
    made = makers[request.param]
    yield Stage(made(_scripted()), made(_cut()))


@pytest.fixture(params=_WIRED)
def wired(request: pytest.FixtureRequest) -> Iterator[tuple[Stage, FakeOpenAi]]:
    """Every `ChatModel` that has a socket, and the server at its other end."""
    with FakeOpenAi(text=TEXT) as fake, _over_http(fake, request.param) as stage:
        yield stage, fake


@contextmanager
def _over_http(fake: FakeOpenAi, kind: str) -> Iterator[Stage]:
    make = _native if kind in {"anthropic", "google"} else _http
    wrapped = _stack if "stack" in kind else _bare
    with (
        closing(make(fake, "fake-1", kind)) as whole,
        closing(make(fake, f"mode:{Mode.CUT}", kind)) as cut,
    ):
        yield Stage(wrapped(whole), wrapped(cut), fake)


def test_a_reply_is_deltas_and_one_end(stage: Stage) -> None:
    """Nothing is lost or added, no delta is empty, and nothing comes after the end."""
    *deltas, end = stage.model.stream(CALL, Cancel())
    assert all(isinstance(one, Delta) and one.text for one in deltas)
    assert "".join(one.text for one in deltas if isinstance(one, Delta)) == TEXT
    assert isinstance(end, Finished)
    assert end.reason == "stop"


def test_usage_is_counted_or_marked(stage: Stage) -> None:
    """What nobody counted is said to be estimated, and how."""
    *_, end = stage.model.stream(CALL, Cancel())
    assert isinstance(end, Finished)
    assert min(end.usage.tokens_in, end.usage.tokens_out) >= 0
    assert end.usage.is_estimated == bool(end.usage.method)
    assert end.usage.is_estimated or min(end.usage.tokens_in, end.usage.tokens_out) > 0


def test_it_has_a_name(stage: Stage) -> None:
    """The one of what is inside."""
    assert stage.model.name == stage.cut.name != ""


def test_nothing_happens_before_the_first_item(stage: Stage) -> None:
    """A stream nobody reads costs nothing."""
    stage.model.stream(CALL, Cancel()).close()
    if stage.fake is not None:
        assert stage.fake.requests == []


def test_a_reply_that_is_cut_off_is_no_reply(stage: Stage) -> None:
    """What came is given, then it fails; it never ends as if it were whole."""
    stream = stage.cut.stream(CALL, Cancel())
    said: list[Delta | Finished] = []
    with pytest.raises(ModelFailed) as caught:
        said.extend(stream)
    assert said
    assert all(isinstance(one, Delta) for one in said)
    assert caught.value.kind in {StepReason.OUTAGE, StepReason.MALFORMED}
    assert caught.value.hint


def test_cancelled_before_it_begins(stage: Stage) -> None:
    """Nobody is asked."""
    cancel = Cancel()
    cancel.cancel("disconnect")
    with pytest.raises(Cancelled, match="disconnect"):
        next(stage.model.stream(CALL, cancel))
    if stage.fake is not None:
        assert stage.fake.requests == []


def test_cancelled_between_two_items(stage: Stage) -> None:
    """Nothing more comes."""
    cancel = Cancel()
    stream = stage.model.stream(CALL, cancel)
    next(stream)
    cancel.cancel("deadline")
    with pytest.raises(Cancelled, match="deadline"):
        list(stream)


def test_a_stream_that_is_left_can_be_followed_by_another(stage: Stage) -> None:
    """Whatever it held is free again."""
    for _ in range(3):
        with closing(stage.model.stream(CALL, Cancel())) as stream:
            next(stream)
    *_, end = stage.model.stream(CALL, Cancel())
    assert isinstance(end, Finished)


def test_many_at_once_get_each_their_own(stage: Stage) -> None:
    """Eight threads, none hears of another."""
    said: dict[int, str] = {}

    def read(n: int) -> None:
        stream = stage.model.stream(CALL, Cancel())
        said[n] = "".join(one.text for one in stream if isinstance(one, Delta))

    threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == dict.fromkeys(range(8), TEXT)


@pytest.mark.parametrize("mode", [Mode.HANG_FIRST, Mode.HANG_LATER])
def test_cancel_from_another_thread_closes_the_socket(
    wired: tuple[Stage, FakeOpenAi], mode: Mode
) -> None:
    """While it waits for a provider that says nothing, before or after its first token."""
    stage, fake = wired
    fake.mode = mode
    cancel = Cancel()
    caught: list[BaseException] = []

    def read() -> None:
        try:
            list(stage.model.stream(CALL, cancel))
        except Cancelled as cancelled:
            caught.append(cancelled)

    thread = threading.Thread(target=read)
    thread.start()
    fake.wait_until(lambda seen: bool(seen.requests))
    cancel.cancel("disconnect")
    fake.wait_until(lambda seen: seen.disconnects == 1 and seen.open_connections == 0)
    thread.join(20)
    assert len(caught) == 1


def test_closing_the_stream_closes_the_socket(wired: tuple[Stage, FakeOpenAi]) -> None:
    """At once: the provider sees it, and stops."""
    stage, fake = wired
    fake.mode = Mode.HANG_LATER
    with closing(stage.model.stream(CALL, Cancel())) as stream:
        next(stream)
    fake.wait_until(lambda seen: seen.disconnects == 1 and seen.open_connections == 0)
    assert (fake.disconnects, fake.open_connections) == (1, 0)
