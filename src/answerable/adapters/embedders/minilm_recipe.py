"""How the numbers of all-MiniLM-L6-v2 become eight bits, and where each stands in a file.

BERT with six layers. What multiplies is kept as whole numbers of eight bits, with a scale for
each column, or for each row of the table of words; all else as float32. Nothing here depends on
the machine: only additions, divisions and roundings that IEEE 754 fixes to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RECIPE = 1
"""Raised when the same weights give other bytes, or the same bytes another vector."""

LAYERS = 6
HEADS = 12
HIDDEN = 384
INNER = 1536
WORDS = 30522
POSITIONS = 512
EPSILON = 1e-12

LINEARS = {
    "attention.qkv": (HIDDEN, 3 * HIDDEN),
    "attention.output": (HIDDEN, HIDDEN),
    "inner": (HIDDEN, INNER),
    "output": (INNER, HIDDEN),
}
"""The four products of a layer: numbers in, numbers out."""

_PUBLISHED = {
    "attention.qkv": tuple(f"attention.self.{part}" for part in ("query", "key", "value")),
    "attention.output": ("attention.output.dense",),
    "inner": ("intermediate.dense",),
    "output": ("output.dense",),
}
NORMS = {"attention.norm": "attention.output.LayerNorm", "norm": "output.LayerNorm"}
"""The two normalisations of a layer: our name, and the published one."""

_STEPS = 127
# Processors without VNNI add two products in sixteen signed bits: 255 * 128 is the most that fits.
_PAIR_STEPS = 127.5
_ALIGNED = 64

Array = NDArray[np.float32] | NDArray[np.int8]
Published = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """Where one array stands.

    Attributes:
        offset: In bytes, a multiple of 64.
    """

    name: str
    type: Literal["f4", "i1"]
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return prod(self.shape) * int(self.type[1])


def _shapes() -> dict[str, tuple[Literal["f4", "i1"], tuple[int, ...]]]:
    shapes: dict[str, tuple[Literal["f4", "i1"], tuple[int, ...]]] = {
        "words": ("i1", (WORDS, HIDDEN)),
        "words.scale": ("f4", (WORDS, 1)),
        "positions": ("f4", (POSITIONS, HIDDEN)),
        "norm.weight": ("f4", (HIDDEN,)),
        "norm.bias": ("f4", (HIDDEN,)),
    }
    for layer in range(LAYERS):
        for name, (inputs, outputs) in LINEARS.items():
            shapes[f"{layer}.{name}.weight"] = "i1", (inputs, outputs)
            shapes[f"{layer}.{name}.scale"] = "f4", (outputs,)
            shapes[f"{layer}.{name}.bias"] = "f4", (outputs,)
        for name in NORMS:
            shapes[f"{layer}.{name}.weight"] = "f4", (HIDDEN,)
            shapes[f"{layer}.{name}.bias"] = "f4", (HIDDEN,)
    return shapes


def _layout() -> tuple[Tensor, ...]:
    tensors: list[Tensor] = []
    offset = 0
    for name, (kind, shape) in _shapes().items():
        tensors.append(Tensor(name=name, type=kind, shape=shape, offset=offset))
        offset += -(-tensors[-1].size // _ALIGNED) * _ALIGNED
    return tuple(tensors)


TENSORS = _layout()
"""All arrays of the graph of eight bits, in the order of the file."""

SIZE = TENSORS[-1].offset + TENSORS[-1].size
"""How many bytes all of them take."""


def packed(published: Published) -> bytes:
    """Return all arrays as `TENSORS` says, little-endian.

    Args:
        published: The arrays of ``model.safetensors`` by their names.
    """
    made = _quantised(published)
    data = bytearray(SIZE)
    for tensor in TENSORS:
        array = made[tensor.name].astype(f"<{tensor.type}").reshape(tensor.shape)
        data[tensor.offset : tensor.offset + tensor.size] = array.tobytes()
    return bytes(data)


def unpacked(data: bytes | memoryview) -> dict[str, Array]:
    """Return the arrays that `packed` has put into bytes, without copying them."""
    return {
        tensor.name: np.frombuffer(
            data, f"<{tensor.type}", prod(tensor.shape), tensor.offset
        ).reshape(tensor.shape)
        for tensor in TENSORS
    }


def _quantised(published: Published) -> dict[str, Array]:
    words, scale = by_rows(published["embeddings.word_embeddings.weight"])
    # Every token is of the first type: its vector belongs to every position.
    positions = published["embeddings.position_embeddings.weight"]
    made: dict[str, Array] = {
        "words": words,
        "words.scale": scale,
        "positions": positions + published["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": published["embeddings.LayerNorm.weight"],
        "norm.bias": published["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        source = f"encoder.layer.{layer}"
        for name, parts in _PUBLISHED.items():
            weight = np.concatenate([published[f"{source}.{part}.weight"] for part in parts])
            target = f"{layer}.{name}"
            made[f"{target}.weight"], made[f"{target}.scale"] = by_columns(weight.T)
            made[f"{target}.bias"] = np.concatenate(
                [published[f"{source}.{part}.bias"] for part in parts]
            )
        for name, norm in NORMS.items():
            for part in ("weight", "bias"):
                made[f"{layer}.{name}.{part}"] = published[f"{source}.{norm}.{part}"]
    return made


def by_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return ``[n, d]`` in whole numbers from -127 to 127, and the scale of each row ``[n, 1]``."""
    scale = _safe(np.abs(table).max(axis=1, keepdims=True) / np.float32(_STEPS))
    return np.rint(table / scale).astype(np.int8), scale


def by_columns(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return ``[n, m]`` in whole numbers from -127 to 127, and the scale of each column ``[m]``.

    Processors without instructions for sums of eight-bit products multiply two neighbours of a
    column by numbers of up to 255, and add them in sixteen bits, where too much is cut off. The
    scale is such that it never is too much; so the sums are the same on every processor.

    Args:
        weight: `n` is even.

    Source: onnxruntime, "Quantize ONNX models", on saturation of U8S8 on AVX2 and AVX512.
    """
    pairs = weight.reshape(-1, 2, weight.shape[1])
    largest = np.abs(weight).max(axis=0) / np.float32(_STEPS)
    for side in (np.maximum(pairs, 0), np.minimum(pairs, 0)):
        together = np.abs(side[:, 0] + side[:, 1]).max(axis=0)
        largest = np.maximum(largest, together / np.float32(_PAIR_STEPS))
    scale = _safe(largest)
    return np.rint(weight / scale).astype(np.int8), scale


def _safe(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(scale > 0, scale, np.float32(1))
