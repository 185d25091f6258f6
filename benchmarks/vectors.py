"""The vectors, labels and exact neighbours of the hybrid benchmark, made once for all sides.

A real chunk has the vector MiniLM gives it; these are kept below the user's cache folder, so only
the first run embeds. Beyond the real ones a chunk has the vector of some real chunk plus noise:
`perturbed`. Where the embedder or its weights are missing, vectors are made from the words of a
text instead, and the page says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import measuring
from answerable.domain.errors import AnswerableError
from answerable.library.ports import Embedder, Purpose, Vectors
from answerable.settings import load as load_settings
from corpus import SEED

NOISE = 0.5
"""Length of the noise added to a real vector of length 1; their cosine is about 0.89."""

FILTERS = {"all": 1.0, "10 %": 0.1, "1 %": 0.01, "0.1 %": 0.001}
"""What a filter is called, which share of the chunks it keeps; each is a label of documents."""

NEIGHBOURS = 10
# Answerable rounds cosines to four decimals: closer ones are equal, and either may come first.
_SAME = 1e-4
_ROWS_AT_ONCE = 50_000
_KEPT_AT_ONCE = 1_024
_SPEED_TEXTS = 384
_SPEED_QUESTIONS = 100

Ids = Sequence[int]


class StandIn:
    """Vectors made from the words of a text: the sum of a fixed random one for each word."""

    name = "stand-in"
    digest = sha256(b"a fixed random vector for each word").hexdigest()
    dimension = 384
    batch = 256
    tokens_max = 1_000_000

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text."""
        del purpose
        return np.array([self._one(text) for text in texts], np.float32)

    def _one(self, text: str) -> Vectors:
        words = text.lower().split() or [""]
        return unit(np.sum([_of_word(word) for word in words], axis=0, dtype=np.float32))


_: Callable[..., Embedder] = StandIn


@lru_cache(maxsize=100_000)
def _of_word(word: str) -> Vectors:
    seed = int.from_bytes(sha256(word.encode("utf-8", "replace")).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(StandIn.dimension, np.float32)


def embedder() -> Embedder:
    """Return MiniLM, ready to embed, or the stand-in where it or its weights are missing."""
    try:
        return _minilm()
    except (ImportError, PackageNotFoundError, AnswerableError):
        return StandIn()


def _minilm() -> Embedder:
    from answerable.adapters.embedders.minilm import MiniLm  # noqa: PLC0415 - may be missing

    settings = load_settings(None).embedders
    made = MiniLm(weights=settings.weights, folder=cache_folder())
    made.embed(["ready"], purpose="question")
    return made


def unit(rows: Vectors) -> Vectors:
    """Return the rows with length 1."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)


def perturbed(real: Vectors, seed: Sequence[int]) -> Vectors:
    """Return a real vector, chosen by the seed, plus Gaussian noise of length `NOISE`."""
    random = np.random.default_rng([SEED, *seed])
    base = real[random.integers(len(real))]
    return unit(base + NOISE * unit(random.standard_normal(real.shape[1], np.float32)))


class Kept:
    """Vectors of texts, kept in a file of the user's cache folder."""

    def __init__(self, embedder: Embedder, purpose: Purpose) -> None:
        self._embedder = embedder
        self._purpose: Purpose = purpose
        self._file = cache_folder() / f"{embedder.digest[:16]}-{purpose}.npz"
        self._rows: dict[bytes, Vectors] = {}
        if self._file.is_file():
            with np.load(self._file) as kept:
                self._rows = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))

    def of(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text; what was never embedded is now, and kept as it comes."""
        keys = [sha256(text.encode("utf-8", "replace")).hexdigest().encode() for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        missing = sorted(
            (key for key in wanted if key not in self._rows), key=lambda key: len(wanted[key])
        )
        for start in range(0, len(missing), _KEPT_AT_ONCE):
            some = missing[start : start + _KEPT_AT_ONCE]
            rows = self._embedder.embed([wanted[key] for key in some], purpose=self._purpose)
            self._rows.update(zip(some, rows, strict=True))
            self._write()
        return np.array([self._rows[key] for key in keys], np.float32)

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        whole = self._file.with_suffix(f".{os.getpid()}.npz")
        np.savez(whole, keys=np.array(list(self._rows)), rows=np.array(list(self._rows.values())))
        whole.replace(self._file)


def cache_folder() -> Path:
    """Return where vectors are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "answerable-benchmarks"


def speed(embedder: Embedder, texts: Sequence[str], questions: Sequence[str]) -> dict[str, object]:
    """Return how fast texts and single questions are embedded, nothing taken from the cache."""
    random = np.random.default_rng(SEED)
    some = [texts[at] for at in random.permutation(len(texts))[:_SPEED_TEXTS]]
    began = perf_counter()
    embedder.embed(some, purpose="passage")
    took_s = perf_counter() - began
    single = []
    for question in questions[:_SPEED_QUESTIONS]:
        began = perf_counter()
        embedder.embed([question], purpose="question")
        single.append((perf_counter() - began) * 1000)
    return {
        "name": embedder.name,
        "texts": len(some),
        "characters": sum(map(len, some)) / len(some),
        "chunks_per_s": len(some) / took_s,
        "question": measuring.spread(single),
        "load": round(measuring.load(), 1),
    }


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What every side is given, in files below one folder.

    Attributes:
        questions: Words to look for and the question as it was asked.
        asked: ``[questions, dimension]``.
        kept: For each filter which rows it keeps, ``[rows]``.
        vectors: ``[rows, dimension]``, mapped from the file.
    """

    folder: Path
    questions: Sequence[dict[str, str]]
    asked: Vectors
    kept: dict[str, NDArray[np.bool_]]
    vectors: Vectors


def exact(data: Dataset, some: Collection[int]) -> dict[str, NDArray[np.float32]]:
    """Return for each filter the cosine of each question's tenth neighbour, by float32.

    Where a filter keeps fewer rows it is that of the last.
    """
    asked = data.asked[list(some)]
    best = {name: np.full((len(asked), NEIGHBOURS), -2.0, np.float32) for name in FILTERS}
    for start in range(0, len(data.vectors), _ROWS_AT_ONCE):
        near = asked @ np.asarray(data.vectors[start : start + _ROWS_AT_ONCE]).T
        for name, kept in data.kept.items():
            these = near[:, kept[start : start + _ROWS_AT_ONCE]]
            joined = np.concatenate([best[name], these], axis=1)
            best[name] = -np.partition(-joined, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    return {name: -np.sort(-rows, axis=1)[:, wanted(data, name) - 1] for name, rows in best.items()}


def wanted(data: Dataset, name: str) -> int:
    """Return how many neighbours there are to find: ten, or as many as the filter keeps."""
    return min(NEIGHBOURS, int(data.kept[name].sum()))


def recall(
    data: Dataset, name: str, some: Sequence[int], found: Sequence[Ids], limits: Vectors
) -> float:
    """Return which share of the neighbours was found; those as near as the tenth count as it."""
    shares = []
    for question, ids, limit in zip(some, found, limits, strict=True):
        rows = list(dict.fromkeys(ids))[:NEIGHBOURS]
        if not data.kept[name][rows].all():
            raise RuntimeError(f"the filter {name} let something else through")
        near = np.asarray(data.vectors[rows]) @ data.asked[question]
        shares.append(float((near >= limit - _SAME).sum()) / wanted(data, name))
    return float(np.mean(shares))


def labelled(sizes: Sequence[int], share: float, seed: int) -> Iterator[bool]:
    """Give for each document, of so many chunks, whether it is among those that make a share."""
    room = max(1, round(share * sum(sizes)))
    taken = np.zeros(len(sizes), bool)
    for at in np.random.default_rng([SEED, seed]).permutation(len(sizes)):
        if sizes[at] <= room:
            taken[at] = True
            room -= sizes[at]
    return iter(taken.tolist())


def load(folder: Path) -> Dataset:
    """Return the dataset that `hybrid_prepare` wrote."""
    import json  # noqa: PLC0415

    kept: Any = np.load(folder / "kept.npy")
    return Dataset(
        folder=folder,
        questions=json.loads((folder / "questions.json").read_text()),
        asked=np.load(folder / "questions.npy"),
        kept=dict(zip(FILTERS, kept, strict=True)),
        vectors=np.load(folder / "vectors.npy", mmap_mode="r"),
    )
