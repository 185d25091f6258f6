"""What a server for embeddings answered, checked before it is believed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from answerable.domain.errors import EmbedderFailed

SETTINGS = "embedders.openai"
"""The table of the settings that errors name."""

_PROTOCOL = f"point {SETTINGS}.base_url at a server with OpenAI's /v1/embeddings"


def read_vectors(body: bytes, where: str, *, count: int, dimension: int) -> NDArray[np.float64]:
    """Return the vectors of an answer in the order of the texts: ``[count, dimension]``.

    All are finite, none is all zero; their length is as the server gave it.

    Args:
        body: What came.
        where: The address, for errors.
        count: How many texts were sent.
        dimension: How many numbers a vector must have.

    Raises:
        EmbedderFailed: It is anything else.
    """
    rows = [_row(item, where) for item in _items(body, where, count)]
    sizes = {len(row) for row in rows} - {dimension}
    if sizes:
        raise _wrong_dimension(where, given=min(sizes), wanted=dimension)
    vectors = np.stack(rows).astype(np.float64)
    if not np.isfinite(vectors).all():
        raise _unusable(where, "vectors with numbers that are not finite")
    if not vectors.any(axis=1).all():
        raise _unusable(where, "a vector of nothing but zeros")
    return vectors


def _items(body: bytes, where: str, count: int) -> list[Any]:
    """Return the members of ``data``, by their index."""
    answer = _json(body, where)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise EmbedderFailed(f"{where} gave JSON without vectors", hint=_PROTOCOL)
    if len(data) != count:
        raise _unusable(where, f"{len(data)} vectors for {count} texts")
    items = {item.get("index"): item for item in data if type(item.get("index")) is int}
    if items.keys() != set(range(count)):
        raise _unusable(where, "vectors that do not say which text they are of")
    return [items[index] for index in range(count)]


def _json(body: bytes, where: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        kind = "a web page" if body.lstrip()[:1] == b"<" else "something"
        # Not chained: the cause would repeat what came.
        raise EmbedderFailed(f"{where} gave {kind} that is not JSON", hint=_PROTOCOL) from None


def _row(item: dict[str, Any], where: str) -> NDArray[Any]:
    embedding = item.get("embedding")
    try:
        row = np.asarray(embedding)
    except ValueError:
        row = np.asarray(None)
    if row.ndim != 1 or row.dtype.kind not in "fiu":
        raise _unusable(where, "a vector that is no list of numbers")
    return row


def _unusable(where: str, what: str) -> EmbedderFailed:
    return EmbedderFailed(
        f"{where} gave {what}",
        hint=f"look in the log of that server, and whether {SETTINGS}.model makes embeddings",
    )


def _wrong_dimension(where: str, *, given: int, wanted: int) -> EmbedderFailed:
    return EmbedderFailed(
        f"{where} gave {given} numbers a vector, and {SETTINGS}.dimension is {wanted}",
        hint=f"set {SETTINGS}.dimension to {given}, or {SETTINGS}.send_dimension to true where "
        "the model can give another number",
    )
