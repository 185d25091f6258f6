"""all-MiniLM-L6-v2 in whole numbers of eight bits, on the processor of this machine.

    folder/all-MiniLM-L6-v2/          the published files, where they were fetched
    folder/minilm-1f0c9a6e2b4d/       made from them; named by the digest of the embedder
        weights                       `minilm_recipe.TENSORS`, then SHA-256 of all before
        tokenizer.json                as published

What is made is made anew when it is damaged or half written, and is all that is needed later.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.resources import files
from os import cpu_count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from answerable.adapters.disk import translated
from answerable.adapters.embedders import minilm_recipe as recipe
from answerable.adapters.embedders.pooling import well_formed
from answerable.adapters.embedders.weights import (
    MODEL,
    TOKENIZER,
    Weights,
    find_weights,
    missing,
    writing,
)
from answerable.adapters.embedders.windows import pooled, spans
from answerable.domain.errors import EmbedderFailed, NotReady, StorageFailure
from answerable.library.ports import Embedder, Purpose, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from answerable.adapters.embedders.engine import Engine

TOKENS_MAX = 256
FETCHED = "all-MiniLM-L6-v2"
"""Name of the folder with the published files."""

_GRAPH = "minilm-int8.onnx"
_WEIGHTS = "weights"
_BATCH = 64
_BEGIN, _END = 101, 102
_HASH_IN_NAME = 12


class _Loaded(NamedTuple):
    """What embeds."""

    tokenizer: Tokenizer
    engine: Engine


class MiniLm:
    """Vectors of 384 numbers. Reads its weights when it is first needed.

    One is enough for asking and for filling: a call's threads begin and end with it and inherit
    the niceness of the caller. A text has the same vector whatever comes with it.

    Args:
        weights: Where to look first for the published files.
        folder: Where what is made of them is kept, and where they are when they were fetched;
            None keeps it in memory.
        threads: How many texts are computed at once; 0 for one on each processor.
    """

    def __init__(
        self, *, weights: Path | None = None, folder: Path | None = None, threads: int = 0
    ) -> None:
        self._weights = weights
        self._folder = folder
        self._threads = threads or cpu_count() or 1
        self._lock = Lock()
        self._loaded: _Loaded | None = None
        self.name = "minilm"
        self.digest = digest()
        self.dimension = recipe.HIDDEN
        self.batch = _BATCH
        self.tokens_max = TOKENS_MAX

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text; the purpose makes no difference.

        Raises:
            NotReady: The weights are missing or not the published ones.
            EmbedderFailed: onnxruntime failed.
        """
        del purpose
        loaded = self._load()
        windows = [windows_of(loaded.tokenizer, text) for text in texts]
        flat = [window for of_text in windows for window in of_text]
        if not flat:
            return np.zeros((0, self.dimension), np.float32)
        try:
            means = loaded.engine.means(flat, self._threads)
        except Exception as error:  # what onnxruntime raises has no class of its own to name
            raise _failed(type(error).__name__) from error
        rows = pooled(means, [len(window) for window in flat], [len(one) for one in windows])
        if not np.isfinite(rows).all():
            raise _failed("a vector is not finite")
        return rows

    def prepare(self) -> None:
        """Read everything now, and make what is made once.

        Raises:
            NotReady: The weights are missing or not the published ones.
        """
        self._load()

    def published(self) -> Weights | None:
        """Return where the published files are; None when they are nowhere."""
        return find_weights(self._weights, self._folder and self._folder / FETCHED)

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read()
            return self._loaded

    def _read(self) -> _Loaded:
        from answerable.adapters.embedders.engine import Engine  # noqa: PLC0415 # slow

        kept = self._folder and self._folder / f"minilm-{self.digest[:_HASH_IN_NAME]}"
        found = kept and _kept(kept)
        tokenizer, packed = found or self._made(kept)
        try:
            engine = Engine(graph(_GRAPH), recipe.unpacked(packed))
            return _Loaded(read_tokenizer(tokenizer), engine)
        except (NotReady, StorageFailure):
            raise
        except Exception as error:  # nor has what tokenizers raises
            raise _failed(type(error).__name__) from error

    def _made(self, kept: Path | None) -> tuple[bytes, bytes]:
        """Return the tokenizer and the weights, made from the published files, and keep them."""
        published = self.published()
        if published is None:
            raise missing()
        tokenizer = published.tokenizer_bytes()
        packed = recipe.packed(published.arrays())
        if kept is not None:
            # A disk that is full or cannot be written costs a second at the next start.
            with suppress(StorageFailure):
                _keep(kept, tokenizer, packed)
        return tokenizer, packed


_: Callable[..., Embedder] = MiniLm


@cache
def digest() -> str:
    """Return what changes when the same text may give another vector."""
    graph_digest = sha256(graph(_GRAPH)).hexdigest()
    told = f"minilm {recipe.RECIPE} {MODEL.digest} {TOKENIZER.digest} {graph_digest} {TOKENS_MAX}"
    return sha256(told.encode()).hexdigest()


def graph(name: str) -> bytes:
    """Return a graph that stands beside this module."""
    return files(__package__).joinpath(name).read_bytes()


def read_tokenizer(data: bytes) -> Tokenizer:
    """Return what cuts texts into tokens: all of them, without those at both ends."""
    from tokenizers import Tokenizer  # noqa: PLC0415 # slow

    tokenizer = Tokenizer.from_buffer(data)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def windows_of(tokenizer: Tokenizer, text: str) -> list[list[int]]:
    """Return the tokens of a text in windows of at most 256, each with those at both ends.

    Texts are cut one by one: that takes two hundredths of the time, and threads of the
    tokenizer would outlive the call.
    """
    tokens = tokenizer.encode(well_formed(text), add_special_tokens=False).ids
    cuts = spans(len(tokens), TOKENS_MAX - 2)
    return [[_BEGIN, *tokens[start:end], _END] for start, end in cuts]


def _failed(why: str) -> EmbedderFailed:
    return EmbedderFailed(f"minilm gave no vectors: {why}", hint="answerable embedders check")


def _kept(folder: Path) -> tuple[bytes, memoryview] | None:
    """Return what was kept, None when any of it is missing or damaged."""
    try:
        tokenizer = Weights(folder=folder).tokenizer_bytes()
        with (folder / _WEIGHTS).open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (NotReady, OSError, ValueError):  # ValueError: a file without bytes
        return None
    packed, told = data[: recipe.SIZE], data[recipe.SIZE :]
    return (tokenizer, packed) if sha256(packed).digest() == bytes(told) else None


def _keep(folder: Path, tokenizer: bytes, packed: bytes) -> None:
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder / TOKENIZER.name) as write:
            write(tokenizer)
        with writing(folder / _WEIGHTS) as write:
            write(packed)
            write(sha256(packed).digest())
