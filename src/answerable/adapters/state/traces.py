"""A trace in two parts: structure, which stays, and texts, which retention may delete."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, NamedTuple

from answerable.domain.decoding import TAG, decode, tag
from answerable.domain.documents import Chunk
from answerable.domain.questions import (
    Abstained,
    Citation,
    Claim,
    Passage,
    Trace,
    Verdict,
)

# What was asked, what was said, and what was copied from documents. Ids, hashes, offsets,
# scores and paths are structure.
_TEXTS: dict[Any, frozenset[str]] = {
    Trace: frozenset({"question", "searched", "replies"}),
    Passage: frozenset({"title"}),
    Chunk: frozenset({"heading"}),
    Abstained: frozenset({"because"}),
    Claim: frozenset({"text"}),
    Citation: frozenset({"title", "heading", "quote", "landmark"}),
    Verdict: frozenset({"reasons"}),
}

PURGED_PATH = "(purged)"
"""What a redacted trace says in place of the path of a document that was purged."""

# Told by where a trace is kept, not by the trace.
_NOT_KEPT: dict[Any, frozenset[str]] = {Trace: frozenset({"is_redacted"})}

# As `_dump` writes it; a quotation mark inside a string has a backslash before it.
_FOLLOWS = re.compile(r'"follows":"([^"]+)"')

_SCALARS = frozenset({str, int, float, bool, NoneType})


class Parts(NamedTuple):
    """A trace in two parts, each a line of JSON."""

    structure: str
    texts: str


class _Texts(dict[str, int]):
    """Texts in the order they were met, each once; asked for one, it gives its place."""

    def __missing__(self, text: str) -> int:
        place = self[text] = len(self)
        return place


def split_trace(trace: Trace) -> Parts:
    """Return structure and texts. In the structure, the place of a text stands for it."""
    texts = _Texts({trace.question: 0})
    structure = _encode(trace, texts)
    structure["outcome"][TAG] = outcome_name(trace)
    return Parts(structure=_dump(structure), texts=_dump(list(texts)))


def join_trace(structure: str, texts: str | None) -> Trace:
    """Return the trace of two parts; without the second, every text is empty.

    Raises:
        ValueError: They are not what `split_trace` gives.
    """
    stored: list[str] | None = None if texts is None else json.loads(texts)

    def load(place: int) -> str:
        return "" if stored is None else stored[place]

    try:
        return decode(Trace, json.loads(structure), load)
    except LookupError as error:
        raise ValueError("a text is missing") from error


def documents_of(trace: Trace) -> frozenset[str]:
    """Return the ids of all documents a trace names: what was found, cited, said or left out."""
    outcome = trace.outcome
    closest = outcome.closest if isinstance(outcome, Abstained) else ()
    claims = () if isinstance(outcome, Abstained) else outcome.claims
    found = {one.document_id for one in (*trace.passages, *closest)}
    cited = {one.document_id for claim in (*claims, *trace.dropped) for one in claim.citations}
    return frozenset(found | cited)


def names_any(structure: str, document_ids: Collection[str]) -> bool:
    """Return whether a structure names any of these documents."""
    return any(f'"{document_id}"' in structure for document_id in document_ids)


def followed_in(structure: str) -> str:
    """Return the id of the trace that a structure follows, without decoding the rest."""
    found = _FOLLOWS.search(structure)
    return found[1] if found else ""


def nameless(structure: str, document_ids: Collection[str]) -> str:
    """Return a structure without the paths of these documents."""
    return _dump(_nameless(json.loads(structure), document_ids))


def _nameless(value: Any, document_ids: Collection[str]) -> Any:
    if isinstance(value, list):
        return [_nameless(item, document_ids) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _nameless(item, document_ids) for name, item in value.items()}
    if kept.get("document_id") in document_ids and "path" in kept:
        kept["path"] = PURGED_PATH
    return kept


def question_of(texts: str) -> str:
    """Return the question, which is the first text, without decoding the rest."""
    question: str = json.loads(texts)[0]
    return question


def outcome_name(trace: Trace) -> str:
    """Return ``answered`` or ``abstained``."""
    return tag(type(trace.outcome))


def _encode(value: Any, texts: _Texts) -> Any:
    kind: Any = type(value)
    if kind is tuple:
        # Most of a trace are numbers and names, and for them a call costs more than it does.
        return [item if type(item) in _SCALARS else _encode(item, texts) for item in value]
    plan = _plan(kind)
    if plan is None:
        return str(value)
    encoded: dict[str, Any] = {}
    for name, is_text in plan:
        item = getattr(value, name)
        if is_text:
            item = _keep(item, texts)
        elif type(item) not in _SCALARS:
            item = _encode(item, texts)
        encoded[name] = item
    return encoded


def _keep(text: str | tuple[str, ...], texts: _Texts) -> int | list[int]:
    return texts[text] if isinstance(text, str) else [texts[part] for part in text]


@cache
def _plan(kind: Any) -> tuple[tuple[str, bool], ...] | None:
    """Return the fields of a class and whether they are texts; None when it is no dataclass."""
    if not is_dataclass(kind):
        return None
    text_fields = _TEXTS.get(kind, frozenset())
    not_kept = _NOT_KEPT.get(kind, frozenset())
    names = [field.name for field in fields(kind) if field.name not in not_kept]
    return tuple((name, name in text_fields) for name in names)


def _dump(value: object) -> str:
    # ASCII: a question may hold bytes that were no UTF-8, which no database column takes.
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
