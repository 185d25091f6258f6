"""WordLlama: a vector for every token, read from a table. Instant, and the least that helps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.embedders.pooling import unit, well_formed
from answerable.domain.errors import NotReady
from answerable.library.ports import Embedder, Purpose, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PACKAGE = "wordllama"
_INSTALL = "pip install --no-deps wordllama==0.4.0.post1"
_TENSOR = "embedding.weight"

# Raised when the same files may give another vector.
_RECIPE = 1

# A mean has no window; this is more than any text has.
_TOKENS_MAX = 1 << 30
_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """The two files that make the vectors, known by their content.

    Attributes:
        table, tokenizer: Their names below the folder of the package; a folder of the
            operator may also hold them without the folder between.
        table_hash, tokenizer_hash: SHA-256, hexadecimal.
        dimension: How many numbers a row of the table has.
    """

    table: str
    table_hash: str
    tokenizer: str
    tokenizer_hash: str
    dimension: int


PUBLISHED = Pinned(
    table="weights/l2_supercat_256.safetensors",
    table_hash="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    tokenizer="tokenizers/l2_supercat_tokenizer_config.json",
    tokenizer_hash="93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
    dimension=256,
)
"""Of the package wordllama 0.4.0.post1: 32,000 tokens. MIT licence, Lee Miller."""


class _Loaded(NamedTuple):
    """The table, ``[tokens, dimension]``, and what finds its rows."""

    table: NDArray[np.float32]
    tokenizer: Tokenizer


class WordLlama:
    """The mean of the rows of a text's tokens. Reads its files when it is first needed.

    Only their data is used; no code of the package is run.

    Args:
        folder: Where the files are; without it, in the installed package.
        pinned: Which files they must be.
    """

    def __init__(self, folder: Path | None = None, *, pinned: Pinned = PUBLISHED) -> None:
        self._folder = folder
        self._pinned = pinned
        self._lock = Lock()
        self._loaded: _Loaded | None = None
        self.name = "wordllama"
        self.digest = _digest(pinned)
        self.dimension = pinned.dimension
        self.batch = _BATCH
        self.tokens_max = _TOKENS_MAX

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text; the purpose makes no difference.

        A text without tokens gets a row of equal numbers.

        Raises:
            NotReady: The files are not there, or are not those that were published.
        """
        del purpose
        loaded = self._load()
        rows = np.zeros((len(texts), self.dimension))
        for row, text in zip(rows, texts, strict=True):
            # One by one: threads of the tokenizer would outlive the call.
            tokens = loaded.tokenizer.encode(well_formed(text), add_special_tokens=False).ids
            row[:] = loaded.table.take(tokens, axis=0).sum(axis=0)
        return unit(rows)

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read()
            return self._loaded

    def _read(self) -> _Loaded:
        from tokenizers import Tokenizer  # noqa: PLC0415 # slow, rarely needed

        pinned = self._pinned
        table = _verified(self._path(pinned.table), pinned.table_hash)
        tokenizer = Tokenizer.from_buffer(
            _verified(self._path(pinned.tokenizer), pinned.tokenizer_hash)
        )
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return _Loaded(_tensor(table), tokenizer)

    def _path(self, name: str) -> Path:
        """Return where a file is.

        Raises:
            NotReady: Nowhere.
        """
        folder = self._folder or _package_folder()
        for path in () if folder is None else (folder / name, folder / Path(name).name):
            if path.is_file():
                return path
        where = f"the package {_PACKAGE} is not installed" if folder is None else f"not in {folder}"
        raise NotReady(f"the files of WordLlama are missing: {where}", hint=_INSTALL)


_: Callable[..., Embedder] = WordLlama


def _package_folder() -> Path | None:
    """Return the folder of the installed package, without importing it."""
    spec = find_spec(_PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    return Path(places[0]) if places else None


def _verified(path: Path, expected: str) -> bytes:
    """Return the bytes of a file, after they were found to be the right ones."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotReady(
            f"{path} cannot be read: {error.strerror}", hint=f"check the permissions of {path}"
        ) from error
    if sha256(data).hexdigest() != expected:
        raise NotReady(
            f"{path} is not the file that was published", hint=f"{_INSTALL} --force-reinstall"
        )
    return data


def _tensor(data: bytes) -> NDArray[np.float32]:
    """Return the table of a safetensors file: ``[tokens, dimension]``.

    It holds numbers of sixteen bits; sums of them are four times as fast in thirty-two.

    Source: https://huggingface.co/docs/safetensors, "Format".
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])[_TENSOR]
    begin, end = header["data_offsets"]
    table = np.frombuffer(data[start + begin : start + end], "<f2")
    return table.reshape(header["shape"]).astype(np.float32)


def _digest(pinned: Pinned) -> str:
    told = f"wordllama {_RECIPE} {pinned.table_hash} {pinned.tokenizer_hash}"
    return sha256(told.encode()).hexdigest()
