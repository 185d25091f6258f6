"""Vectors from any server that speaks OpenAI's protocol: ``POST {base_url}/embeddings``."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice

import httpx2
import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr

from answerable.adapters.embedders.openai_reply import SETTINGS, read_vectors
from answerable.adapters.embedders.pooling import pool, well_formed, windows
from answerable.adapters.http import authorization, base_address, retry_after_s
from answerable.domain.errors import BadConfiguration, EmbedderFailed
from answerable.library.ports import Embedder, Purpose, Vectors

# Raised when the same text may come out as another vector.
_RECIPE = 1

# An answer may take this much, for one vector and beside them. In JSON a number takes about
# twenty bytes; the largest models give about eight thousand.
_VECTOR_BYTES_MAX = 512 << 10
_OTHER_BYTES_MAX = 1 << 20

_ATTEMPTS_MAX = 4
_FIRST_PAUSE_S = 0.5
_PAUSE_S_MAX = 8.0
_CONNECT_S = 5.0
_READ_S = 20.0
# However little time is left, an attempt that was begun is given this much.
_WAIT_S_MIN = 0.05
# For those who do not wait patiently, because somebody has asked.
_HURRY_S = 3.0

_WINDOW_BYTES_MIN = 32
_TOO_MUCH = {400, 413, 422}
_TOO_MANY = 429
_SERVER_ERROR = 500

_LOG = "look in the log of that server"
_KEY = f"check {SETTINGS}.api_key (ANSWERABLE_EMBEDDERS__OPENAI__API_KEY)"
_HINTS = {
    401: _KEY,
    403: f"{_KEY} and what it may do",
    404: f"check {SETTINGS}.base_url, which ends in /v1 on most servers, and {SETTINGS}.model",
    429: "wait, or raise the limit or the quota of this key",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAiConfig:
    """Where the server is and how it is asked.

    Attributes:
        base_url: Up to and with ``/v1``; may hold a name and a password.
        model: As the server calls it.
        dimension: How many numbers a vector has.
        api_key: Sent as a bearer token, in place of name and password.
        send_dimension: Whether to ask for that dimension; not every server understands it.
        passage_prefix, question_prefix: What the model wants before a text, such as
            ``passage: ``; before every window of a long one.
        batch: Windows in one request.
        tokens_max: Tokens of one window.
        bytes_per_token: What a token is taken for, in UTF-8. English has about 4, code about 3.
        seconds_max: How long a batch may take with all its attempts and pauses.
    """

    base_url: str = field(repr=False)
    model: str
    dimension: int
    api_key: SecretStr | None = None
    send_dimension: bool = False
    passage_prefix: str = ""
    question_prefix: str = ""
    batch: int = 64
    tokens_max: int = 512
    bytes_per_token: float = 3.0
    seconds_max: float = 20.0


class OpenAiEmbedder:
    """A server for embeddings. Keeps its connections, and is safe for many threads.

    Args:
        config: Where it is.
        is_patient: Without patience, every batch has three seconds at most.
        transport: What sends requests; without it, the network.
        sleep, monotonic_s, chance: Of the machine; `chance` gives numbers in [0, 1).

    Raises:
        BadConfiguration: The configuration cannot be used.
    """

    def __init__(
        self,
        config: OpenAiConfig,
        *,
        is_patient: bool = True,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._seconds_max = config.seconds_max if is_patient else min(_HURRY_S, config.seconds_max)
        self._batch_max = config.batch
        self._sleep = sleep
        self._monotonic_s = monotonic_s
        self._chance = chance
        base = base_address(
            config.base_url,
            setting=f"{SETTINGS}.base_url",
            example="https://api.openai.com/v1",
        )
        self._url = base.copy_with(
            username=None, password=None, path=f"{base.path.rstrip('/')}/embeddings", fragment=None
        )
        self._where = str(self._url.copy_with(query=None))
        self._window_bytes = {
            "passage": _window_bytes(config, config.passage_prefix),
            "question": _window_bytes(config, config.question_prefix),
        }
        key = authorization(
            config.api_key, setting=f"{SETTINGS}.api_key", hint="copy the key again, alone"
        )
        self._client = httpx2.Client(
            transport=transport,
            auth=(base.username, base.password) if base.username and not key else None,
            headers={"Accept-Encoding": "identity"} | key,
        )
        self.name = f"openai:{config.model}"
        self.digest = _digest(config)
        self.dimension = config.dimension
        self.batch = config.batch
        self.tokens_max = config.tokens_max

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text: its windows, weighted by their lengths.

        A text without words is not sent: its vector is one of equal numbers.

        Raises:
            EmbedderFailed: The server is down, slow, or gave what cannot be used.
        """
        config, bytes_max = self._config, self._window_bytes[purpose]
        prefix = config.passage_prefix if purpose == "passage" else config.question_prefix
        split = [windows(well_formed(text), bytes_max) for text in texts]
        flat = [window for parts in split for window in parts]
        found = [
            self._vectors([prefix + window for window in batch])
            for batch in _batches(flat, self._batch_max)
        ]
        vectors = np.concatenate([np.empty((0, config.dimension)), *found])
        return pool(vectors, [len(window) for window in flat], [len(parts) for parts in split])

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the vectors of one request, as the server gave them."""
        wanted: dict[str, object] = {"model": self._config.model, "input": texts}
        if self._config.send_dimension:
            wanted["dimensions"] = self._config.dimension
        try:
            body = self._patiently(json.dumps(wanted).encode(), len(texts))
        except _Refused as refused:
            if len(texts) == 1:
                raise EmbedderFailed(refused.message, hint=refused.hint) from None
            return self._halves(texts)
        return read_vectors(body, self._where, count=len(texts), dimension=self._config.dimension)

    def _halves(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the vectors of a batch that was refused as a whole.

        Many servers take only so many texts at once, 10 or 32, and refuse more in many ways.
        """
        half = len(texts) // 2
        vectors = np.concatenate([self._vectors(texts[:half]), self._vectors(texts[half:])])
        # Only now is it known that the size was what was wrong.
        self._batch_max = min(self._batch_max, half)
        return vectors

    def _patiently(self, wanted: bytes, texts: int) -> bytes:
        """Return the answer of the first attempt that has one, while attempts and time are left."""
        ends_s = self._monotonic_s() + self._seconds_max
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(wanted, texts, ends_s)
            except _Passing as passing:
                wait_s = max(passing.wait_s, self._pause_s(attempt))
                if attempt == _ATTEMPTS_MAX or self._monotonic_s() + wait_s >= ends_s:
                    raise _given_up(passing, attempt) from passing.__cause__
                self._sleep(wait_s)

    def _pause_s(self, attempt: int) -> float:
        """Return how long to wait after an attempt: twice as long each time, and never in step.

        Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        """
        longest = min(math.ldexp(_FIRST_PAUSE_S, attempt - 1), _PAUSE_S_MAX)
        return longest * (1 + self._chance()) / 2

    def _once(self, wanted: bytes, texts: int, ends_s: float) -> bytes:
        left_s = max(ends_s - self._monotonic_s(), _WAIT_S_MIN)
        timeout = httpx2.Timeout(min(_READ_S, left_s), connect=min(_CONNECT_S, left_s))
        with (
            _transport_failures(self._where),
            self._client.stream("POST", self._url, content=wanted, timeout=timeout) as response,
        ):
            if not response.is_success:
                raise _refusal(response, self._where)
            return self._body(response, _OTHER_BYTES_MAX + texts * _VECTOR_BYTES_MAX, ends_s)

    def _body(self, response: httpx2.Response, bytes_max: int, ends_s: float) -> bytes:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > bytes_max:
                raise EmbedderFailed(f"{self._where} gave over {bytes_max} bytes", hint=_LOG)
            if self._monotonic_s() > ends_s:
                raise _too_slow(self._where)
        return bytes(body)


_: Callable[..., Embedder] = OpenAiEmbedder


class _Refused(Exception):  # noqa: N818 # not an error yet
    """What may go well with fewer texts."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class _Passing(Exception):  # noqa: N818 # not an error yet
    """What may be over when it is tried again, in `wait_s` seconds at the earliest."""

    def __init__(self, message: str, *, hint: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.wait_s = wait_s


def _given_up(passing: _Passing, attempts: int) -> EmbedderFailed:
    times = "" if attempts == 1 else f", {attempts} times in a row"
    return EmbedderFailed(f"{passing.message}{times}", hint=passing.hint)


def _too_slow(where: str) -> _Passing:
    return _Passing(
        f"{where} took too long", hint=f"{_LOG}, or raise {SETTINGS}.seconds_max if it is only slow"
    )


@contextmanager
def _transport_failures(where: str) -> Iterator[None]:
    """Say in our words what the network did. What came from the other side is not repeated."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise _too_slow(where) from error
    except httpx2.ConnectError as error:
        raise _Passing(
            f"{where} cannot be reached: {error}",
            hint=f"start that server, or check {SETTINGS}.base_url",
        ) from error
    except httpx2.TransportError as error:
        kind = type(error).__name__
        raise _Passing(
            f"{where} broke off ({kind})", hint=f"{_LOG} and of what is between"
        ) from None
    except httpx2.HTTPError as error:
        kind = type(error).__name__
        raise EmbedderFailed(f"{where} gave what cannot be read ({kind})", hint=_LOG) from None


def _refusal(response: httpx2.Response, where: str) -> EmbedderFailed | _Refused | _Passing:
    """Return what a status other than success means. The answer's text may repeat the key."""
    status = response.status_code
    if response.is_redirect:
        return EmbedderFailed(
            f"{where} answered {status}: it has moved",
            hint=f"set {SETTINGS}.base_url to where it is now; the key is sent nowhere else",
        )
    message, hint = f"{where} answered {status}", _HINTS.get(status, _LOG)
    if status in _TOO_MUCH:
        return _Refused(
            message, hint=f"{_LOG}; for texts that are too long, lower {SETTINGS}.tokens_max"
        )
    if status != _TOO_MANY and status < _SERVER_ERROR:
        return EmbedderFailed(message, hint=hint)
    wait_s = retry_after_s(response.headers)
    if wait_s > 0:
        message += f" and asks to wait {math.ceil(wait_s)} s"
    return _Passing(message, hint=hint, wait_s=wait_s)


def _window_bytes(config: OpenAiConfig, prefix: str) -> int:
    """Return how many bytes of a text go into a window beside the prefix."""
    left = math.floor(config.tokens_max * config.bytes_per_token) - len(prefix.encode())
    if left < _WINDOW_BYTES_MIN:
        raise BadConfiguration(
            f"{SETTINGS}.tokens_max of {config.tokens_max} leaves no room for a text",
            hint=f"raise {SETTINGS}.tokens_max to what the model takes",
        )
    return left


def _digest(config: OpenAiConfig) -> str:
    """Return what tells one space of vectors from another; not where the server is."""
    told = {
        "embedder": "openai",
        "recipe": _RECIPE,
        "model": config.model,
        "dimension": config.dimension,
        "prefixes": [config.passage_prefix, config.question_prefix],
        "window": [config.tokens_max, config.bytes_per_token],
    }
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _batches(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    rest = iter(texts)
    while batch := list(islice(rest, size)):
        yield batch
