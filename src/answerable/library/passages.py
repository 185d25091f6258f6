"""Which of the chunks that were found become passages, and how they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from answerable.domain.documents import Chunk, Content, Document
from answerable.domain.questions import Passage, Scope
from answerable.library.fusion import Scored


def cap(ranked: Sequence[Scored], *, per_document: int, limit: int) -> list[Scored]:
    """Return the first `limit`, at most `per_document` of any one document.

    Of a file that lies in two places each chunk is kept once: its copy would only push out
    what says something else.
    """
    taken: Counter[str] = Counter()
    said: set[tuple[str, int]] = set()
    kept: list[Scored] = []
    for one in ranked:
        if len(kept) == limit:
            break
        chunk = (one.hit.content_id, one.hit.ordinal)
        if taken[one.hit.document_id] < per_document and chunk not in said:
            said.add(chunk)
            taken[one.hit.document_id] += 1
            kept.append(one)
    return kept


def passages(
    kept: Sequence[Scored],
    ranked: Sequence[Scored],
    contents: Mapping[str, Content],
    documents: Mapping[str, Document],
    scope: Scope,
) -> tuple[Passage, ...]:
    """Return passages of hits, best first; a section that was cut reads whole again.

    What today's labels forbid is left out, whatever the index said.

    Args:
        kept: What becomes passages, best first.
        ranked: All candidates, for the places it would have by one kind of evidence alone.
        contents: By content id.
        documents: By document id, with today's labels.
        scope: As whom.
    """
    made: list[Passage] = []
    for one in kept:
        document = documents.get(one.hit.document_id)
        content = contents.get(one.hit.content_id)
        if document is None or content is None or not scope.allows(document.labels):
            continue
        passage = Passage(
            rank=len(made) + 1,
            score=one.score,
            document_id=document.id,
            content_id=content.id,
            path=document.path,
            title=content.text.title,
            chunk=content.chunks[one.hit.ordinal],
            parts=_parts(one, ranked),
        )
        _add(made, passage, content.chunks)
    return tuple(made)


def _parts(one: Scored, ranked: Sequence[Scored]) -> tuple[tuple[str, float], ...]:
    words = one.words
    parts = (
        ("bm25", words.bm25),
        ("chunk", words.chunk),
        ("page", words.page),
        ("words", words.score),
        ("words_rank", 1.0 + sum(other.words.score > words.score for other in ranked)),
    )
    if one.near is None:
        return parts
    return (
        *parts,
        ("cosine", one.near.chunk),
        ("sentence", one.near.sentence),
        ("vectors", one.vectors),
        ("trust", one.trust),
        ("vectors_rank", 1.0 + sum(other.vectors > one.vectors for other in ranked)),
    )


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
