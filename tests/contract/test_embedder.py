"""What every `Embedder` promises."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from pathlib import Path

import httpx2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answerable.adapters.embedders.memory import HashingEmbedder
from answerable.adapters.embedders.minilm import MiniLm
from answerable.adapters.embedders.openai import OpenAiConfig, OpenAiEmbedder
from answerable.adapters.embedders.wordllama import Pinned, WordLlama
from answerable.domain.errors import NotReady
from answerable.library.ports import Embedder, Purpose, Vectors

Make = Callable[[], Embedder]
Adapter = Callable[[Path, ExitStack], Make]

# How much a row may turn with its neighbours in a batch: eight bits of MiniLM.
_COSINE_MIN = 0.99

_PURPOSES: tuple[Purpose, ...] = ("passage", "question")
_TEXTS = (
    "The pod was evicted because its node ran out of memory.",
    "kubectl delete pod --force",
    "a",
    "Ein Knoten ist ausgefallen: 节点故障 🚒",
    "one two three four five six seven eight nine ten " * 8,
)


def _openai(_: Path, stack: ExitStack) -> Make:
    """A server that hashes words."""
    inside = HashingEmbedder(24)

    def answer(request: httpx2.Request) -> httpx2.Response:
        rows = inside.embed(json.loads(request.content)["input"], purpose="passage")
        data = [{"index": n, "embedding": row} for n, row in enumerate(rows.tolist())]
        return httpx2.Response(200, json={"data": data[::-1]})

    def make() -> Embedder:
        config = OpenAiConfig(
            base_url="http://127.0.0.1:9/v1", model="m", dimension=24, batch=3, tokens_max=20
        )
        embedder = OpenAiEmbedder(config, transport=httpx2.MockTransport(answer))
        stack.callback(embedder.close)
        return embedder

    return make


def _wordllama(folder: Path, _: ExitStack) -> Make:
    """Random rows for all bytes."""
    rows = np.random.default_rng(7).normal(size=(256, 16)).astype("<f2")
    header = json.dumps(
        {
            "embedding.weight": {
                "dtype": "F16",
                "shape": rows.shape,
                "data_offsets": [0, rows.nbytes],
            }
        }
    ).encode()
    table = len(header).to_bytes(8, "little") + header + rows.tobytes()
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)}
    model = {"type": "BPE", "byte_fallback": True, "vocab": vocabulary, "merges": []}
    tokenizer = json.dumps({"version": "1.0", "added_tokens": [], "model": model}).encode()
    (folder / "table").write_bytes(table)
    (folder / "tokenizer").write_bytes(tokenizer)
    pinned = Pinned(
        table="table",
        table_hash=sha256(table).hexdigest(),
        tokenizer="tokenizer",
        tokenizer_hash=sha256(tokenizer).hexdigest(),
        dimension=16,
    )
    return partial(WordLlama, folder, pinned=pinned)


def _minilm(folder: Path, _: ExitStack) -> Make:
    """The real weights, where they are installed."""
    return partial(MiniLm, folder=folder)


# Joining is one line.
_ADAPTERS: dict[str, Adapter] = {
    "hashing": lambda _, __: HashingEmbedder,
    "openai": _openai,
    "wordllama": _wordllama,
    "minilm": _minilm,
}


@pytest.fixture(scope="module", params=_ADAPTERS)
def make(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Make]:
    """Every `Embedder`, ready to work; skipped where its weights are missing."""
    with ExitStack() as stack:
        maker = _ADAPTERS[request.param](tmp_path_factory.mktemp("embedder"), stack)
        try:
            maker().embed(["ready?"], purpose="question")
        except NotReady as error:
            pytest.skip(f"{error.message}: {error.hint}")
        yield maker


@pytest.fixture(scope="module")
def embedder(make: Make) -> Embedder:
    """One of them, for all tests: opening takes longer than what is tested."""
    return make()


def test_it_says_what_it_is(make: Make) -> None:
    """Before it has embedded anything, and every one of its kind the same."""
    one, other = make(), make()
    assert one.name
    assert re.fullmatch("[0-9a-f]{64}", one.digest)
    assert min(one.dimension, one.batch, one.tokens_max) >= 1
    for name in ("name", "digest", "dimension", "batch", "tokens_max"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.parametrize("purpose", _PURPOSES)
def test_a_row_of_length_one_for_each_text(embedder: Embedder, purpose: Purpose) -> None:
    """Of 32 bit numbers, in the dimension it told."""
    rows = embedder.embed(_TEXTS, purpose=purpose)
    _check(rows, len(_TEXTS), embedder)


@pytest.mark.parametrize("purpose", _PURPOSES)
def test_no_text_gives_no_rows(embedder: Embedder, purpose: Purpose) -> None:
    """But as wide as ever."""
    _check(embedder.embed([], purpose=purpose), 0, embedder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t\u00a0",
        "\0",
        "a\udc80b",
        "\ufeff",
        "\u202e",
        "🚒" * 50,
        "<s>[CLS]<|endoftext|>",
    ],
    ids=ascii,
)
def test_any_text_gets_a_row(embedder: Embedder, text: str) -> None:
    """Empty, blank, of no language, or no Unicode: a vector like any other."""
    for purpose in _PURPOSES:
        _check(embedder.embed([text], purpose=purpose), 1, embedder)
    _check(embedder.embed(["a word", text, "another"], purpose="passage"), 3, embedder)


def test_rows_are_in_the_order_of_the_texts(embedder: Embedder) -> None:
    """Turned around, they come turned around; and a text that is there twice has two rows."""
    texts = [*_TEXTS, _TEXTS[0]]
    rows = embedder.embed(texts, purpose="passage")
    _alike(rows[::-1], embedder.embed(texts[::-1], purpose="passage"))
    _alike(rows[:1], rows[-1:])
    assert float(rows[0] @ rows[1]) < _COSINE_MIN


def test_a_batch_says_what_single_texts_say(embedder: Embedder) -> None:
    """Also of more texts than are worth one call, of any lengths."""
    texts = [f"{_TEXTS[n % len(_TEXTS)]} {n}" for n in range(min(embedder.batch, 16) + 3)]
    single = np.concatenate([embedder.embed([text], purpose="passage") for text in texts])
    _alike(embedder.embed(texts, purpose="passage"), single)


def test_more_texts_than_a_batch(embedder: Embedder) -> None:
    """Nobody has to count."""
    texts = [f"number {n}" for n in range(2 * embedder.batch + 1)]
    _check(embedder.embed(texts, purpose="passage"), len(texts), embedder)


def test_the_end_of_a_long_text_counts(embedder: Embedder) -> None:
    """It is not cut: texts that differ only at their ends have different vectors."""
    start = "the disk of the database is full and nothing can be written " * 60
    ends = ["", "apples and pears in the garden " * 20]
    rows = embedder.embed([start + end for end in ends], purpose="passage")
    _check(rows, 2, embedder)
    assert float(rows[0] @ rows[1]) < 0.9999


def test_the_same_text_gives_the_same_row(make: Make) -> None:
    """Today, tomorrow, and from another of its kind."""
    rows = [make().embed(_TEXTS, purpose="question") for _ in range(2)]
    _alike(rows[0], rows[1], cosine_min=0.9999)


def test_many_threads_get_their_own_rows(embedder: Embedder) -> None:
    """All at once, each what it would get alone."""
    texts = [f"{_TEXTS[0]} Thread {n} of many." for n in range(6)]
    alone = [embedder.embed([text], purpose="question") for text in texts]
    found: dict[int, Vectors] = {}

    def work(n: int) -> None:
        for _ in range(3):
            found[n] = embedder.embed([texts[n]], purpose="question")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(texts)
    for n, rows in found.items():
        _alike(rows, alone[n])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.text(max_size=40), max_size=4))
def test_any_texts_get_their_rows(embedder: Embedder, texts: Sequence[str]) -> None:
    """Whatever they hold."""
    _check(embedder.embed(texts, purpose="passage"), len(texts), embedder)


def _check(rows: Vectors, count: int, embedder: Embedder) -> None:
    """Assert shape, type and length."""
    assert rows.shape == (count, embedder.dimension)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def _alike(one: Vectors, other: Vectors, *, cosine_min: float = _COSINE_MIN) -> None:
    assert one.shape == other.shape
    assert (one * other).sum(axis=1).min(initial=1.0) >= cosine_min
