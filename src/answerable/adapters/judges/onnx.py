"""A cross-encoder from a folder: passage and claim are read together, one number comes out.

    folder/model.onnx        takes ``input_ids``, ``attention_mask``, perhaps ``token_type_ids``
           tokenizer.json    of the tokenizers library
           config.json       as published: ``id2label`` says which number means entailment
           judge.json        may be missing; `Told` in JSON

Files beside the graph that hold its weights are read too, and count for the digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.disk import translated
from answerable.answering.ports import PairScorer
from answerable.domain.errors import BadConfiguration, ModelFailed

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

GRAPH, TOKENIZER, CONFIG, TOLD = "model.onnx", "tokenizer.json", "config.json", "judge.json"
_NEEDED = (GRAPH, TOKENIZER)
_DIGITS = 12
_ENTAILS = ("entail", "support", "consistent", "faithful")
_DENIES = ("not", "non", "un", "in")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What `judge.json` says of a model.

    Attributes:
        entailment: Which of its numbers means that the passage says it, from 0; None to take it
            from the labels of ``config.json``. A single number is taken for its logit.
        tokens_max: Of passage and claim together.
        supported_min, unsupported_below: Where its verdicts change.
    """

    entailment: int | None = None
    tokens_max: int = 512
    supported_min: float = 0.5
    unsupported_below: float = 0.25


class OnnxPairs:
    """Scores pairs of texts by a cross-encoder. Reads it when it is first needed.

    Args:
        name: As the settings call it.
        folder: Where its files are.
        threads: Of each call; 0 for one on each processor.

    Raises:
        BadConfiguration: A file is missing or says what cannot be understood.
    """

    def __init__(self, name: str, folder: Path, *, threads: int = 1) -> None:
        self.name = name
        self._folder = folder
        self._threads = threads
        self._lock = Lock()
        for file in _NEEDED:
            if not (folder / file).is_file():
                raise _bad(folder, f"holds no {file}", "name the folder of an exported model")
        self._told = _told(folder)

    @property
    def supported_min(self) -> float:
        """As told."""
        return self._told.supported_min

    @property
    def unsupported_below(self) -> float:
        """As told."""
        return self._told.unsupported_below

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the names and bytes of all files, first 12 hex digits."""
        whole = sha256()
        with translated(self._folder):
            for file in sorted(one for one in self._folder.iterdir() if one.is_file()):
                with file.open("rb") as opened:
                    each = file_digest(opened, "sha256").hexdigest()
                whole.update(f"{file.name}\0{each}\n".encode("utf-8", "surrogateescape"))
        return whole.hexdigest()[:_DIGITS]

    def scores(self, texts: Sequence[str], claim: str) -> Sequence[float]:
        """Return how surely each text says the claim.

        Raises:
            BadConfiguration: The model cannot be loaded, or is none of this kind.
            ModelFailed: It gave no number.
        """
        if not texts:
            return ()
        model = self._model
        logits = model.logits(texts, claim)
        if not np.isfinite(logits).all():
            raise ModelFailed(f"the judge {self.name} gave no number", hint="try another judge")
        return tuple(float(one) for one in _entailed(logits, model.entailment))

    @property
    def _model(self) -> _Model:
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> _Model:
        return _Model(self._folder, self._told, self._threads)


_: Callable[..., PairScorer] = OnnxPairs


class _Model:
    """Tokenizer and session, loaded."""

    def __init__(self, folder: Path, told: Told, threads: int) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - slow to load, rarely needed

        from answerable.adapters.onnx import ERRORS_ONLY, onnxruntime  # noqa: PLC0415

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:
            raise _bad(
                folder, f"has a {TOKENIZER} that cannot be read", "export it anew"
            ) from error
        self._tokenizer.enable_truncation(told.tokens_max, strategy="only_first")
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / GRAPH), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise _bad(folder, f"has a {GRAPH} that cannot be loaded", "export it anew") from error
        self._inputs = {one.name for one in self._session.get_inputs()}
        self.entailment = _entailment(folder, told)

    def logits(self, texts: Sequence[str], claim: str) -> NDArray[np.float32]:
        """Return what the model gives for each text, one row each."""
        rows = [self._row(self._encoded(text, claim)) for text in texts]
        widths = {row.shape for row in rows}
        if len(widths) != 1:
            raise ModelFailed("the judge gave rows of different lengths", hint="export it anew")
        return np.stack(rows)

    def _encoded(self, text: str, claim: str) -> Encoding:
        try:
            return self._tokenizer.encode(text, claim)
        except Exception as error:
            raise ModelFailed(
                "a claim is longer than the judge reads", hint="raise tokens_max in judge.json"
            ) from error

    def _row(self, one: Encoding) -> NDArray[np.float32]:
        given = {
            "input_ids": one.ids,
            "attention_mask": one.attention_mask,
            "token_type_ids": one.type_ids,
        }
        feed = {name: np.array([given[name]], np.int64) for name in self._inputs & given.keys()}
        try:
            (first, *_) = self._session.run(None, feed)
        except Exception as error:
            raise ModelFailed(
                f"the judge's model failed with {type(error).__name__}", hint="try another judge"
            ) from error
        row: NDArray[np.float32] = np.asarray(first, np.float32).reshape(-1)
        return row


def _entailed(logits: NDArray[np.float32], which: int | None) -> NDArray[np.float64]:
    """Return the probability of entailment in each row: a softmax, or of one number its sigmoid."""
    rows = logits.astype(np.float64)
    if rows.shape[1] == 1:
        answer: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(rows[:, 0], -50, 50)))
        return answer
    if which is None or not 0 <= which < rows.shape[1]:
        raise BadConfiguration(
            f"which of the judge's {rows.shape[1]} numbers means entailment is not told",
            hint=f'say so in {TOLD}: {{"entailment": 1}}',
        )
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers[:, which] / powers.sum(axis=1)
    return shares


def _told(folder: Path) -> Told:
    given = _json(folder, TOLD)
    kinds: dict[str, type | tuple[type, ...]] = {
        one.name: int if one.name in ("entailment", "tokens_max") else (int, float)
        for one in fields(Told)
    }
    for name, value in given.items():
        if name not in kinds or isinstance(value, bool) or not isinstance(value, kinds[name]):
            raise _bad(folder, f"has a {TOLD} with {name!r} as it cannot be", f"edit {TOLD}")
    told = Told(**given)
    if not 0 <= told.unsupported_below <= told.supported_min <= 1 or told.tokens_max < 8:  # noqa: PLR2004
        raise _bad(folder, f"has a {TOLD} whose bounds make no sense", f"edit {TOLD}")
    return told


def _entailment(folder: Path, told: Told) -> int | None:
    """Return which number means entailment: as told, or by the published labels."""
    if told.entailment is not None:
        return told.entailment
    labels = _json(folder, CONFIG).get("id2label")
    if not isinstance(labels, dict):
        return None
    found = [int(at) for at, label in labels.items() if at.isdigit() and _entails(str(label))]
    return found[0] if len(found) == 1 else None


def _entails(label: str) -> bool:
    low = label.lower().replace("-", "_").replace(" ", "_")
    return low.startswith(_ENTAILS) and not low.startswith(tuple(f"{one}_" for one in _DENIES))


def _json(folder: Path, name: str) -> dict[str, Any]:
    file = folder / name
    if not file.exists():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _bad(folder, f"has a {name} that is no JSON", f"edit {file}") from error
    if not isinstance(value, dict):
        raise _bad(folder, f"has a {name} that is no object", f"edit {file}")
    return value


def _bad(folder: Path, what: str, hint: str) -> BadConfiguration:
    return BadConfiguration(f"the judge's folder {folder} {what}", hint=hint)
