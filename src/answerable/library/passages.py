"""Which of the chunks that were found become passages, and how they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from answerable.domain.documents import Chunk, Content, Document
from answerable.domain.questions import Passage, Scope
from answerable.library.fusion import Numbers, Ranked

Parts = tuple[tuple[str, float], ...]
"""As in `Passage`."""

_BY_WORDS = frozenset({"bm25", "chunk", "page", "words", "words_rank"})


def cap(ranked: Ranked, *, per_document: int, limit: int) -> list[int]:
    """Return the places of the first `limit`, at most `per_document` of any one document.

    Of a file that lies in two places each chunk is kept once: its copy would only push out
    what says something else.
    """
    taken: Counter[str] = Counter()
    said: set[tuple[str, int]] = set()
    kept: list[int] = []
    for place in ranked.order:
        if len(kept) == limit:
            break
        hit = ranked.candidates[place]
        chunk = (hit.content_id, hit.ordinal)
        if taken[hit.document_id] < per_document and chunk not in said:
            said.add(chunk)
            taken[hit.document_id] += 1
            kept.append(place)
    return kept


def passages(
    kept: Sequence[int],
    ranked: Ranked,
    contents: Mapping[str, Content],
    documents: Mapping[str, Document],
    scope: Scope,
) -> tuple[Passage, ...]:
    """Return passages of candidates, best first; a section that was cut reads whole again.

    What today's labels forbid is left out, whatever the index said.

    Args:
        kept: Places of what becomes passages, best first.
        ranked: All candidates.
        contents: By content id.
        documents: By document id, with today's labels.
        scope: As whom.
    """
    made: list[Passage] = []
    for place, parts in zip(kept, _parts(kept, ranked), strict=True):
        hit = ranked.candidates[place]
        document = documents.get(hit.document_id)
        content = contents.get(hit.content_id)
        if document is None or content is None or not scope.allows(document.labels):
            continue
        passage = Passage(
            rank=len(made) + 1,
            score=float(ranked.score[place]),
            document_id=document.id,
            content_id=content.id,
            path=document.path,
            title=content.text.title,
            chunk=content.chunks[hit.ordinal],
            parts=parts,
        )
        _add(made, passage, content.chunks)
    return tuple(made)


def _parts(kept: Sequence[int], ranked: Ranked) -> list[Parts]:
    """Return what each score is made of, and the places it would have by one kind alone."""
    words, meaning = ranked.words, ranked.meaning
    parts = {"bm25": words.bm25, "chunk": words.chunk, "page": words.page, "words": words.score}
    ranks = {"words_rank": words.score}
    if meaning is not None:
        parts |= {
            "cosine": meaning.chunk,
            "sentence": meaning.sentence,
            "vectors": ranked.vectors,
            "trust": ranked.trust,
        }
        ranks["vectors_rank"] = ranked.vectors
    columns = {
        **{name: its[kept] for name, its in parts.items()},
        **{name: _ranks(its, kept) for name, its in ranks.items()},
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    whole = [tuple(zip(columns, row, strict=True)) for row in rows]
    if meaning is None:
        return whole
    far = np.isnan(meaning.chunk[kept]).tolist()
    return [_of_words(its) if is_far else its for its, is_far in zip(whole, far, strict=True)]


def _ranks(values: Numbers, kept: Sequence[int]) -> Numbers:
    """Return the place of each of some values among all: 1 for the highest."""
    up_to = np.searchsorted(np.sort(values), values[kept], side="right")
    return np.asarray(1.0 + len(values) - up_to)


def _of_words(parts: Parts) -> Parts:
    """Return what is known of a chunk without a vector."""
    return tuple((name, value) for name, value in parts if name in _BY_WORDS)


def _add(made: list[Passage], passage: Passage, chunks: Sequence[Chunk]) -> None:
    """Put a passage at the end, or into the better one that it goes on or leads up to."""
    for place, better in enumerate(made):
        if better.content_id == passage.content_id and better.document_id == passage.document_id:
            joined = _joined(better.chunk, passage.chunk, chunks)
            if joined is not None:
                made[place] = replace(better, chunk=joined)
                return
    made.append(passage)


def _joined(first: Chunk, second: Chunk, chunks: Sequence[Chunk]) -> Chunk | None:
    """Return two chunks as one where nothing lies between them and they share their section."""
    low, high = sorted((first, second), key=lambda one: one.start)
    following = next((one for one in chunks if one.start >= low.end), None)
    if low.heading != high.heading or following is None or following.start != high.start:
        return None
    return replace(low, end=high.end)
