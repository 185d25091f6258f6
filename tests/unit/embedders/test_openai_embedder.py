"""A server for embeddings that is down, slow, wrong or hostile."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from answerable.adapters.embedders.openai import OpenAiConfig, OpenAiEmbedder
from answerable.adapters.embedders.openai_reply import read_vectors
from answerable.adapters.embedders.pooling import pool, unit, windows
from answerable.domain.errors import AnswerableError, BadConfiguration, EmbedderFailed

KEY = "sk-the-key-nobody-may-see"
TEXT = "the words of a document"
CONFIG = OpenAiConfig(
    base_url="http://127.0.0.1:9/v1", model="m", dimension=3, api_key=SecretStr(KEY)
)

Handler = Callable[[httpx2.Request], httpx2.Response]


class Machine:
    """Time that passes only when somebody sleeps or a handler says so."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        self.slept.append(seconds)
        self.now_s += seconds

    def monotonic_s(self) -> float:
        """Tell the time."""
        return self.now_s


class Server:
    """Answers with what it was told, one after the other; the last one for ever."""

    def __init__(self, *answers: httpx2.Response | Exception | None) -> None:
        self._answers = list(answers) or [None]
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer; None stands for what a good server would say."""
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return _good(request) if answer is None else answer

    @property
    def sent(self) -> list[Any]:
        """What was sent, request after request."""
        return [json.loads(request.content) for request in self.requests]


def test_one_row_for_each_text_in_order() -> None:
    """Rows have length 1 and the right type, whatever length the server gives them."""
    server = Server()
    rows = _embed(server, ["a", "bb", "ccc"])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, unit(np.array([_vector(t) for t in ("a", "bb", "ccc")])))
    assert server.sent == [{"model": "m", "input": ["a", "bb", "ccc"]}]
    assert str(server.requests[0].url) == "http://127.0.0.1:9/v1/embeddings"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    # Packed, a small answer could hold any amount of bytes.
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_no_text_asks_nobody() -> None:
    """No text gives no rows, a text without words a row, and neither needs the server."""
    server = Server(httpx2.ConnectError("down"))
    assert _embed(server, []).shape == (0, 3)
    np.testing.assert_allclose(_embed(server, ["", " \n"]), np.full((2, 3), 3**-0.5), rtol=1e-6)
    assert server.requests == []


def test_texts_go_in_batches() -> None:
    """At most `batch` in one request, and every text comes back at its place."""
    server = Server()
    texts = ["x" * n for n in range(1, 8)]
    rows = _embed(server, texts, batch=3)
    assert [len(one["input"]) for one in server.sent] == [3, 3, 1]
    np.testing.assert_allclose(rows, unit(np.array([_vector(text) for text in texts])))


def test_a_long_text_is_sent_in_windows_and_pooled() -> None:
    """Its vector is the mean of its windows, weighted by their lengths; nothing is cut off."""
    server = Server()
    rows = _embed(server, ["a", f"{'b' * 40} {'c' * 20}", "d"], tokens_max=16)
    sent = ["a", "b" * 40, "c" * 20, "d"]
    assert server.sent[0]["input"] == sent
    _, long, short, _ = (np.array(_vector(text)) for text in sent)
    np.testing.assert_allclose(rows[1], unit((40 * long + 20 * short)[None])[0], rtol=1e-6)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_too_large_is_sent_in_parts(status: int) -> None:
    """Many servers take only 10 or 32 texts, and say so in many ways; it is learned once."""
    sizes: list[int] = []

    def picky(request: httpx2.Request) -> httpx2.Response:
        sizes.append(len(json.loads(request.content)["input"]))
        return _good(request) if sizes[-1] <= 10 else httpx2.Response(status)

    texts = ["x" * n for n in range(1, 26)]
    with _opened(picky) as embedder:
        rows = embedder.embed(texts, purpose="passage")
        np.testing.assert_allclose(rows, unit(np.array([_vector(text) for text in texts])))
        assert sizes == [25, 12, 6, 6, 13, 6, 7]
        sizes.clear()
        embedder.embed(texts, purpose="passage")
        assert sizes == [6, 6, 6, 6, 1]


def test_one_text_that_is_refused_makes_no_batch_smaller() -> None:
    """It fails alone, and the next batch is as large as ever."""
    sizes: list[int] = []

    def squeamish(request: httpx2.Request) -> httpx2.Response:
        sizes.append(len(json.loads(request.content)["input"]))
        return httpx2.Response(400) if b"bad" in request.content else _good(request)

    with _opened(squeamish) as embedder:
        with pytest.raises(EmbedderFailed, match="400"):
            embedder.embed(["a", "b", "c", "bad"], purpose="passage")
        assert sizes == [4, 2, 2, 1, 1]
        embedder.embed(["a", "b", "c", "d"], purpose="passage")
        assert sizes[-1] == 4


def test_prefixes_stand_before_every_window() -> None:
    """Models such as e5 are told what a text is; a prefix makes windows shorter."""
    server = Server()
    prefixes = {"passage_prefix": "passage: ", "question_prefix": "query: "}
    _embed(server, [f"{'b' * 30} {'c' * 30}"], tokens_max=16, **prefixes)
    _embed(server, ["why?"], purpose="question", **prefixes)
    assert server.sent[0]["input"] == [f"passage: {'b' * 30}", f"passage: {'c' * 30}"]
    assert server.sent[1]["input"] == ["query: why?"]


def test_the_dimension_is_asked_for_when_told_so() -> None:
    """Only then: not every server takes it."""
    server = Server()
    _embed(server, ["a"], send_dimension=True)
    assert server.sent[0]["dimensions"] == 3


def test_what_is_no_unicode_is_sent_as_a_question_mark() -> None:
    """A lone surrogate stands for a byte that was no text; no server takes it."""
    server = Server()
    _embed(server, ["a\udc80b"])
    assert server.sent[0]["input"] == ["a?b"]


def test_the_digest_tells_spaces_apart() -> None:
    """By what changes a vector, and not by where the server is, who asks, or how patiently."""
    same: list[dict[str, Any]] = [
        {"base_url": "https://elsewhere.example/v1"},
        {"api_key": None},
        {"batch": 2},
        {"seconds_max": 1.0},
        {"send_dimension": True},
    ]
    other: list[dict[str, Any]] = [
        {"model": "n"},
        {"dimension": 4},
        {"passage_prefix": "p"},
        {"question_prefix": "p"},
        {"tokens_max": 99},
        {"bytes_per_token": 2.0},
    ]
    digest = _embedder(Server()).digest
    assert {_embedder(Server(), **change).digest for change in same} == {digest}
    assert len({digest, *(_embedder(Server(), **change).digest for change in other)}) == 7


def test_a_server_that_is_down_is_tried_again_and_told() -> None:
    """Four times, with growing pauses; the error says where, and what to look at."""
    machine, server = Machine(), Server(httpx2.ConnectError("[Errno 111] Connection refused"))
    error = _failure(server, machine=machine)
    assert "http://127.0.0.1:9/v1/embeddings cannot be reached" in error.message
    assert "refused, 4 times" in error.message
    assert "embedders.openai.base_url" in error.hint
    assert len(server.requests) == 4
    assert machine.slept == [0.375, 0.75, 1.5]


def test_a_server_that_comes_back_is_no_failure() -> None:
    """Whatever passes is asked again: a refused connection, a time-out, a 500, a 429."""
    passing: Sequence[httpx2.Response | Exception] = (
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut"),
        *(httpx2.Response(status) for status in (429, 500, 502, 503, 504)),
    )
    for trouble in passing:
        server = Server(trouble, None)
        assert _embed(server, ["a"]).shape == (1, 3)
        assert len(server.requests) == 2


def test_a_slow_server_is_left_when_the_time_is_over() -> None:
    """Attempts end with `seconds_max`, and each is given only the time that is left."""
    machine = Machine()
    waits: list[float] = []

    def slow(request: httpx2.Request) -> httpx2.Response:
        waits.append(request.extensions["timeout"]["read"])
        machine.now_s += waits[-1]
        raise httpx2.ReadTimeout("slow", request=request)

    error = _failure(slow, machine=machine, seconds_max=30.0)
    assert "took too long" in error.message
    assert "embedders.openai.seconds_max" in error.hint
    assert waits[0] == 20.0
    assert waits[1] < 10
    assert machine.now_s <= 30.1


def test_somebody_who_asks_waits_three_seconds() -> None:
    """Without patience, however much time the settings give."""
    machine, server = Machine(), Server(httpx2.Response(503))
    _failure(server, machine=machine, is_patient=False)
    assert machine.now_s < 3
    limits = [request.extensions["timeout"] for request in server.requests]
    assert all(max(limit["connect"], limit["read"]) <= 3 for limit in limits)


def test_an_answer_that_drips_is_left() -> None:
    """A server that sends a byte now and then holds nobody for longer than `seconds_max`."""
    machine = Machine()

    def drip() -> Iterator[bytes]:
        for _ in range(1_000):
            machine.now_s += 7
            yield b" "

    error = _failure(lambda _: httpx2.Response(200, content=drip()), machine=machine)
    assert "took too long" in error.message
    assert machine.now_s < 60


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.375),
        ({"Retry-After": "soon"}, 0.375),
        ({"Retry-After": "-3"}, 0.375),
        ({"Retry-After": "²"}, 0.375),
        (
            {
                "Date": "Mon, 23 Nov 2026 10:00:00 GMT",
                "Retry-After": "Mon, 23 Nov 2026 10:00:05 GMT",
            },
            5.0,
        ),
        (
            {
                "Date": "Mon, 23 Nov 2026 10:00:00 GMT",
                "Retry-After": "Mon, 23 Nov 2026 09:00:00 GMT",
            },
            0.375,
        ),
        ({"Retry-After": "Mon, 23 Nov 2026 10:00:05 GMT"}, 0.375),
        (
            {
                "Date": "Mon, 23 Nov 2026 10:00:00 -0000",
                "Retry-After": "Mon, 23 Nov 2026 10:00:05 GMT",
            },
            0.375,
        ),
    ],
)
def test_a_server_that_asks_to_wait_is_heard(headers: dict[str, str], expected: float) -> None:
    """In seconds or as a date; nonsense is passed over."""
    machine = Machine()
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    _embed(Server(httpx2.Response(429, headers=encoded), None), ["a"], machine=machine)
    assert machine.slept == [expected]


@pytest.mark.parametrize("asked", ["3600", "9" * 400])
def test_a_server_that_asks_to_wait_too_long_is_left_at_once(asked: str) -> None:
    """There is no point in trying before, and no time after."""
    machine, server = Machine(), Server(httpx2.Response(429, headers={"Retry-After": asked}))
    error = _failure(server, machine=machine)
    assert "answered 429 and asks to wait" in error.message
    assert "quota" in error.hint
    assert machine.slept == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_a_refusal_is_not_repeated(status: int) -> None:
    """What the server says of it is not repeated either: it may hold key and text."""
    server = Server(httpx2.Response(status, json={"error": {"message": f"{KEY} {TEXT}"}}))
    error = _failure(server)
    assert f"answered {status}" in error.message
    assert error.hint
    assert len(server.requests) == 1


def test_a_wrong_key_names_its_setting() -> None:
    """And never the key."""
    error = _failure(Server(httpx2.Response(401)))
    assert "embedders.openai.api_key" in error.hint
    assert "ANSWERABLE_EMBEDDERS__OPENAI__API_KEY" in error.hint


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """Neither key nor text goes to a place nobody named."""
    moved = httpx2.Response(status, headers={"Location": "https://thief.example/v1/embeddings"})
    server = Server(moved)
    error = _failure(server)
    assert "moved" in error.message
    assert "embedders.openai.base_url" in error.hint
    assert [request.url.host for request in server.requests] == ["127.0.0.1"]


def test_the_wrong_dimension_says_what_to_change() -> None:
    """Both numbers, and both settings that can mend it."""
    error = _failure(Server(_answer([[1.0, 2.0]])))
    assert "gave 2 numbers" in error.message
    assert "dimension is 3" in error.message
    assert "set embedders.openai.dimension to 2" in error.hint
    assert "send_dimension" in error.hint


def test_vectors_are_put_in_order() -> None:
    """Their index says which text they are of, not their place."""
    answer = {"data": [{"index": 1, "embedding": [0, 1, 0]}, {"index": 0, "embedding": [1, 0, 0]}]}
    rows = _embed(Server(httpx2.Response(200, json=answer)), ["a", "b"])
    np.testing.assert_array_equal(rows, [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!DOCTYPE html><title>Welcome</title>", "a web page that is not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"data": [', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "without vectors"),
        (b"7", "without vectors"),
        (b'{"error": "no"}', "without vectors"),
        (b'{"data": {}}', "without vectors"),
        (b'{"data": [[1, 2, 3]]}', "without vectors"),
        (b'{"data": []}', "0 vectors for 1 texts"),
        (b'{"data": [{"index": 0}, {"index": 1}]}', "2 vectors for 1 texts"),
        (b'{"data": [{"embedding": [1, 2, 3]}]}', "which text"),
        (b'{"data": [{"index": 1, "embedding": [1, 2, 3]}]}', "which text"),
        (b'{"data": [{"index": "0", "embedding": [1, 2, 3]}]}', "which text"),
        (b'{"data": [{"index": false, "embedding": [1, 2, 3]}]}', "which text"),
        (b'{"data": [{"index": [], "embedding": [1, 2, 3]}]}', "which text"),
        (b'{"data": [{"index": 0}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": null}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": "AACAPw=="}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": ["1", "2", "3"]}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, 2, "3"]}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, 2, null]}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": [true, true, false]}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": [[1, 2, 3]]}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, [2], 3]}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": {"0": 1}}]}', "no list of numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, 2, 1%s]}]}' % (b"0" * 400), "no list"),
        (b'{"data": [{"index": 0, "embedding": []}]}', "gave 0 numbers"),
        (b'{"data": [{"index": 0, "embedding": [1, 2, NaN]}]}', "not finite"),
        (b'{"data": [{"index": 0, "embedding": [1, 2, -Infinity]}]}', "not finite"),
        (b'{"data": [{"index": 0, "embedding": [1, 2, 1e999]}]}', "not finite"),
        (b'{"data": [{"index": 0, "embedding": [0, 0, -0.0]}]}', "nothing but zeros"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told(body: bytes, expected: str) -> None:
    """What is wrong with it, at once and without repeating it."""
    server = Server(httpx2.Response(200, content=body))
    error = _failure(server)
    assert expected in error.message
    assert "http://127.0.0.1:9/v1/embeddings" in error.message
    assert error.hint
    assert len(server.requests) == 1


def test_one_bad_vector_spoils_the_batch() -> None:
    """Nothing is returned in part; an index that comes twice is one that is missing."""
    good, bad = [1.0, 0.0, 0.0], [float("nan"), 0.0, 0.0]
    assert "not finite" in _failure(Server(_answer([good, bad])), ["a", "b"]).message
    assert "gave 2 numbers" in _failure(Server(_answer([good, [1.0, 2.0]])), ["a", "b"]).message
    twice = {"data": [{"index": 0, "embedding": good}] * 2}
    assert "which text" in _failure(Server(httpx2.Response(200, json=twice)), ["a", "b"]).message


def test_numbers_of_any_size_become_length_one() -> None:
    """Neither overflow nor underflow on the way to length 1."""
    for size in (1e300, 1e-300, 5e-324, 1e18):
        rows = _embed(Server(_answer([[size, -size, 0.0]])), ["a"])
        np.testing.assert_allclose(rows, [[2**-0.5, -(2**-0.5), 0]], rtol=1e-6)


def test_an_answer_without_end_is_left() -> None:
    """It is read only as far as vectors of this many texts could go."""
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        for _ in range(1_000):
            given += 1 << 16
            yield bytes(1 << 16)

    error = _failure(lambda _: httpx2.Response(200, content=endless()))
    assert "bytes" in error.message
    assert given < 1 << 22


def test_an_answer_in_a_broken_encoding_is_told() -> None:
    """As a failure of the server, not as one of ours."""
    headers = {"Content-Encoding": "gzip"}
    error = _failure(lambda _: httpx2.Response(200, headers=headers, content=iter([b"no gzip"])))
    assert "cannot be read" in error.message


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError(f"illegal line {KEY} {TEXT}"),
        httpx2.Response(401, text=f"{KEY} {TEXT}"),
        httpx2.Response(500, text=f"{KEY} {TEXT}"),
        httpx2.Response(200, text=f"{KEY} {TEXT}"),
        httpx2.Response(200, json={"data": [{"index": 0, "embedding": f"{KEY} {TEXT}"}]}),
    ],
    ids=lambda answer: f"{type(answer).__name__}-{getattr(answer, 'status_code', '')}",
)
def test_neither_key_nor_text_is_ever_shown(
    answer: httpx2.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the error, not in what caused it, not in a log, not when printed."""
    caplog.set_level(logging.DEBUG)
    base_url = f"http://user:{KEY}@127.0.0.1:9/v1"
    with _opened(Server(answer), base_url=base_url) as embedder:
        with pytest.raises(EmbedderFailed) as caught:
            embedder.embed([TEXT], purpose="passage")
        shown = [
            "".join(traceback.format_exception(caught.value)),
            caught.value.hint,
            caplog.text,
            f"{embedder!r} {vars(embedder)}",
        ]
    assert KEY not in "".join(shown)
    assert TEXT not in "".join(shown)


def test_name_and_password_of_the_address_are_used(caplog: pytest.LogCaptureFixture) -> None:
    """As HTTP means them; the rest of the address is kept, and a key goes before them."""
    caplog.set_level(logging.DEBUG)
    server = Server()
    base_url = "http://user:pass@127.0.0.1:9/openai/v1/?api-version=1"
    _embed(server, ["a"], base_url=base_url, api_key=None)
    _embed(server, ["a"], base_url=base_url)
    request, with_key = server.requests
    assert str(request.url) == "http://127.0.0.1:9/openai/v1/embeddings?api-version=1"
    assert request.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert with_key.headers["authorization"] == f"Bearer {KEY}"
    assert "pass" not in caplog.text


def test_without_a_key_none_is_sent() -> None:
    """Servers of one's own often want none; an empty one is none."""
    server = Server()
    _embed(server, ["a"], api_key=None)
    _embed(server, ["a"], api_key=SecretStr(" \n"))
    assert all("authorization" not in request.headers for request in server.requests)


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": ""},
        {"base_url": "127.0.0.1:9/v1"},
        {"base_url": "ftp://127.0.0.1/v1"},
        {"base_url": "http:///v1"},
        {"base_url": "http://secret-password@[::1"},
        {"base_url": "http://h\nx/v1"},
        {"base_url": "http://a..b/v1"},
        {"api_key": SecretStr("secret-password ä")},
        {"api_key": SecretStr("secret-password\r\nX-Other: 1")},
        {"tokens_max": 16, "passage_prefix": "p" * 30},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    """Before anything is sent, and without repeating what may be secret."""
    with pytest.raises(BadConfiguration, match=r"embedders\.openai\.") as caught:
        OpenAiEmbedder(replace(CONFIG, **changes))
    assert "secret-password" not in f"{traceback.format_exception(caught.value)}"
    assert caught.value.hint


def test_connections_are_kept_and_shared(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Many requests over a real socket use one connection; many threads get their own rows."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    caplog.set_level(logging.DEBUG)
    with _listening() as (url, peers):
        embedder = OpenAiEmbedder(replace(CONFIG, base_url=url, batch=1))
        with closing(embedder):
            embedder.embed(["a", "b", "c"], purpose="passage")
            assert len(set(peers)) == 1
            assert len(peers) == 3
            found: dict[int, Any] = {}

            def work(n: int) -> None:
                found[n] = embedder.embed(["x" * n], purpose="passage")

            threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(found) == 8
    for n, rows in found.items():
        np.testing.assert_allclose(rows, unit(np.array([_vector("x" * n)])))
    assert KEY not in caplog.text


def test_a_port_nobody_listens_on_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real network fails as the pretended one does."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with _listening() as (url, _):
        pass
    machine = Machine()
    embedder = OpenAiEmbedder(
        replace(CONFIG, base_url=url), sleep=machine.sleep, monotonic_s=machine.monotonic_s
    )
    with closing(embedder), pytest.raises(EmbedderFailed, match="cannot be reached"):
        embedder.embed(["a"], purpose="question")
    assert len(machine.slept) == 3


_TEXTS = st.text(st.sampled_from("ab \n\tä🚒"), max_size=80)


@settings(deadline=None)
@given(text=_TEXTS, bytes_max=st.integers(4, 30))
def test_windows_hold_everything_but_white_space(text: str, bytes_max: int) -> None:
    """In order, each within the limit, none of them blank, none for nothing."""
    made = windows(text, bytes_max)
    assert "".join("".join(made).split()) == "".join(text.split())
    assert all(len(window.encode()) <= bytes_max for window in made)
    assert all(window.strip() for window in made)


@settings(deadline=None)
@given(words=st.lists(st.text("ab", min_size=1, max_size=4), max_size=20))
def test_words_that_fit_are_not_cut(words: list[str]) -> None:
    """A window ends between two words."""
    made = windows(" ".join(words), 16)
    assert [word for window in made for word in window.split()] == words


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(rows=st.lists(st.lists(_NUMBERS, min_size=3, max_size=3), max_size=5))
def test_rows_of_any_numbers_get_length_one(rows: list[list[float]]) -> None:
    """Without a warning, also rows of zeros."""
    made = unit(np.array(rows, dtype=np.float64).reshape(-1, 3))
    assert made.shape == (len(rows), 3)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, rtol=1e-5)


def test_texts_without_windows_get_a_row() -> None:
    """Of equal numbers, between those of their neighbours."""
    rows = pool(np.array([[2.0, 0.0], [0.0, 3.0]]), [1, 1], [0, 1, 0, 1, 0])
    even = [2**-0.5, 2**-0.5]
    expected = np.array([even, [1.0, 0.0], even, [0.0, 1.0], even])
    np.testing.assert_allclose(rows, expected, rtol=1e-6)


@settings(deadline=None)
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_vectors_or_a_failure(body: bytes) -> None:
    """Reading an answer never ends in another error."""
    with pytest.raises(EmbedderFailed):
        read_vectors(body, "here", count=1, dimension=3)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(index=_JSON, embedding=_JSON)
def test_any_json_is_vectors_or_a_failure(index: object, embedding: object) -> None:
    """Whatever stands where index and vector belong."""
    body = json.dumps({"data": [{"index": index, "embedding": embedding}]}).encode()
    try:
        rows = read_vectors(body, "here", count=1, dimension=2)
    except EmbedderFailed:
        return
    assert rows.shape == (1, 2)
    assert np.isfinite(rows).all()


def _vector(text: str) -> list[float]:
    """Return what the good server gives for a text; its direction tells texts apart."""
    return [1.0, float(len(text)), float(ord(text[0]) % 7)]


def _answer(vectors: Iterable[Sequence[float]]) -> httpx2.Response:
    data = [{"index": n, "embedding": list(vector)} for n, vector in enumerate(vectors)]
    return httpx2.Response(200, content=json.dumps({"object": "list", "data": data}))


def _good(request: httpx2.Request) -> httpx2.Response:
    return _answer(map(_vector, json.loads(request.content)["input"]))


def _embedder(
    handler: Handler, *, machine: Machine | None = None, is_patient: bool = True, **changes: Any
) -> OpenAiEmbedder:
    machine = machine or Machine()
    return OpenAiEmbedder(
        replace(CONFIG, **changes),
        is_patient=is_patient,
        transport=httpx2.MockTransport(handler),
        sleep=machine.sleep,
        monotonic_s=machine.monotonic_s,
        chance=lambda: 0.5,
    )


@contextmanager
def _opened(handler: Handler, **changes: Any) -> Iterator[OpenAiEmbedder]:
    with closing(_embedder(handler, **changes)) as embedder:
        yield embedder


def _embed(
    handler: Handler, texts: Sequence[str], *, purpose: Any = "passage", **changes: Any
) -> Any:
    with _opened(handler, **changes) as embedder:
        return embedder.embed(texts, purpose=purpose)


def _failure(handler: Handler, texts: Sequence[str] = (TEXT,), **changes: Any) -> AnswerableError:
    """Return the failure of embedding; it shows neither key nor text."""
    with pytest.raises(EmbedderFailed) as caught:
        _embed(handler, texts, **changes)
    shown = f"{''.join(traceback.format_exception(caught.value))} {caught.value.hint}"
    assert KEY not in shown
    assert TEXT not in shown
    return caught.value


@contextmanager
def _listening() -> Iterator[tuple[str, list[Any]]]:
    """Give the address of a good server on this machine, and who has connected to it."""
    peers: list[Any] = []

    class Good(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            peers.append(self.client_address)
            length = int(self.headers["Content-Length"])
            request = httpx2.Request("POST", "http://x", content=self.rfile.read(length))
            body = _good(request).content
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Good)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", peers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
