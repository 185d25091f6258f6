"""Vectors for a sealed revision: embed what is new, write it, seal the same documents with it.

A revision can be searched by words the moment it is sealed. This comes after, as slowly as it
must, and stops and goes on anywhere: what was embedded is in the cache, by what was embedded.
Embedding and writing need no lock, so nobody waits for them. Only sealing does, and takes no time:
what was written is linked. When other documents have been sealed in between, it is linked to those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from typing import NamedTuple

from answerable.domain.clock import Clock
from answerable.domain.documents import Chunk, Content, Member, Revision, Text
from answerable.library.meaning import VERSION, fingerprint, meaning, sentences
from answerable.library.packing import hashes, pack
from answerable.library.ports import (
    Analyser,
    Check,
    Embedder,
    Index,
    Prepared,
    State,
    VectorCache,
    Vectored,
    unchecked,
)
from answerable.library.trust import terms_of

_CONTENTS_AT_ONCE = 256
_KEY_DIGITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How much of a revision can be found by meaning.

    Attributes:
        space: From `space`; empty when no vectors are asked for.
        covered: Chunks with a vector.
        chunks: All chunks.
    """

    space: str
    covered: int
    chunks: int

    @property
    def is_full(self) -> bool:
        """Whether no chunk lacks a vector."""
        return self.covered >= self.chunks

    @property
    def share(self) -> float:
        """Covered of all, in [0, 1]; 1 of nothing."""
        return self.covered / self.chunks if self.chunks else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Where the vectors of one space are kept that were computed before, and what tells which.

    Attributes:
        space: From `space`.
    """

    space: str
    state: State
    cache: VectorCache
    analyser: Analyser


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The tools vectors need."""

    state: State
    index: Index
    cache: VectorCache
    embedder: Embedder
    analyser: Analyser
    clock: Clock

    @property
    def kept(self) -> Kept:
        """What was computed before."""
        return Kept(
            space=space(self.embedder),
            state=self.state,
            cache=self.cache,
            analyser=self.analyser,
        )


def space(embedder: Embedder) -> str:
    """Return the digest of an embedder and of what it is given: 64 hexadecimal digits.

    Only vectors of one space can be compared.
    """
    return sha256(f"{embedder.digest}\n{VERSION}".encode()).hexdigest()


def coverage(revision: Revision, wanted: str, *, index: Index, state: State) -> Coverage:
    """Return how much of a revision can be found by meaning.

    A document that a person removed cannot be found at all: it counts only if it has its
    vectors, and never as lacking them.
    """
    searcher = index.open(revision.number, revision.manifest)
    covered, chunks = searcher.covered.get(wanted, 0), searcher.chunks
    removed = state.removed() if covered < chunks else {}
    if removed:
        hidden = [state.member(revision.number, one) for one in removed]
        known = {one.content_id: 0 for one in hidden if one is not None and one.chunks}
        bare = searcher.without_vectors(wanted, known)
        chunks -= sum(one.chunks for one in hidden if one is not None and one.content_id in bare)
    return Coverage(space=wanted, covered=covered, chunks=chunks)


def fill(
    revision: Revision, *, desk: Desk, only: Collection[str] | None = None
) -> Iterator[tuple[int, int]]:
    """Embed what a revision lacks, a little at a time; seals nothing.

    Give it time by asking for the next step, end it by not asking again. Every step is kept.

    Args:
        revision: Sealed.
        desk: The tools.
        only: Ids of the documents that are embedded; None for all.

    Yields:
        How many chunks have their vectors, and how many there are.

    Raises:
        NotReady, EmbedderFailed: The embedder cannot work now.
        StorageFailure: What was embedded cannot be kept.
    """
    lacking = _lacking(revision, desk)
    done = revision.chunks - sum(member.chunks for member in lacking)
    yield done, revision.chunks
    wanted = [one for one in lacking if only is None or one.document.id in only]
    for group in _groups(wanted):
        contents = desk.state.contents([member.content_id for member in group])
        for _ in _embed(list(contents.values()), desk):
            yield done, revision.chunks
        done += sum(member.chunks for member in group)
        yield done, revision.chunks


def prepare(revision: Revision, *, desk: Desk, check: Check = unchecked) -> Prepared | None:
    """Write what a successor of a revision needs, beside it; None when it would gain nothing.

    That is the vectors which are at hand, and anew what lies in too many places. A document
    whose vectors are not in the cache, because someone emptied it, stays without.

    Args:
        revision: Sealed.
        desk: The tools.
        check: Called several times a second; what it raises ends this.
    """
    at_hand = vectored(_lacking(revision, desk), desk.kept)
    first = next(at_hand, None)
    if first is None and desk.index.is_settled(revision.number, revision.manifest):
        return None
    vectors = {} if first is None else {desk.kept.space: chain((first,), at_hand)}
    return desk.index.prepare(revision, vectors, check=check)


def seal(
    revision: Revision,
    prepared: Prepared,
    *,
    of: Revision,
    desk: Desk,
    revisions: Sequence[Revision],
) -> Revision | None:
    """Seal the documents of a revision again with the vectors that were prepared.

    The caller holds `State.writer`.

    Args:
        revision: The newest.
        prepared: From `prepare`.
        of: The revision it was prepared for. What has changed since then is left out.
        desk: The tools.
        revisions: All.

    Returns:
        The successor; None when nothing of what was prepared is of use any more.
    """
    outdated = changed(of, revision, desk.state).lost
    if outdated and not prepared.documents - outdated:
        return None
    number = next_number(revisions)
    manifest = desk.index.build(
        number, base=revision, gone=(), added=(), prepared=prepared, outdated=outdated
    )
    successor = Revision(
        number=number,
        line=revision.line,
        base=revision.number,
        manifest=manifest,
        sealed_at_ms=desk.clock.now_ms(),
        documents=revision.documents,
        chunks=revision.chunks,
        because=f"vectors of {desk.embedder.name}",
    )
    desk.state.seal(successor, added=(), gone=())
    return successor


class Changed(NamedTuple):
    """Ids of documents that differ between two revisions.

    Attributes:
        lost: In the first, and not as they are there in the second.
        new: In the second, and not as they are there in the first.
    """

    lost: frozenset[str]
    new: frozenset[str]


def changed(before: Revision, after: Revision, state: State) -> Changed:
    """Return which documents differ between two revisions."""
    if before.number == after.number:
        return Changed(frozenset(), frozenset())
    was, now = state.members(before.number), state.members(after.number)
    return Changed(
        lost=frozenset(name for name, one in was.items() if now.get(name) != one),
        new=frozenset(name for name, one in now.items() if was.get(name) != one),
    )


def next_number(revisions: Sequence[Revision]) -> int:
    """Return the number of the revision that is sealed next."""
    return max((known.number for known in revisions), default=0) + 1


def keys(content: Content) -> list[str]:
    """Return the names under which the vectors of a content's chunks are cached, in order."""
    return [key for key, _ in _chunks(content)]


def vectored(members: Sequence[Member], of: Kept) -> Iterator[Vectored]:
    """Give the vectors of those documents of which the cache holds every chunk."""
    for group in _groups(members):
        contents = of.state.contents([member.content_id for member in group])
        keys = {name: [key for key, _ in _chunks(content)] for name, content in contents.items()}
        wanted = {key for chunks in keys.values() for key in chunks}
        kept = of.cache.get(of.space, wanted)
        for member in group:
            chunks = keys.get(member.content_id)  # None: it was purged a moment ago
            if chunks is not None and all(key in kept for key in chunks):
                yield Vectored(
                    document=member.document,
                    content_id=member.content_id,
                    packed=[kept[key] for key in chunks],
                    terms=_terms(contents[member.content_id], of.analyser),
                )


def _lacking(revision: Revision, desk: Desk) -> list[Member]:
    """Return the documents of a revision of which a chunk has no vector.

    Not those that a person removed: nobody is to be sent their text.
    """
    removed = desk.state.removed()
    known = desk.state.members(revision.number)
    members = [one for name, one in known.items() if one.chunks and name not in removed]
    searcher = desk.index.open(revision.number, revision.manifest)
    contents = {member.content_id for member in members}
    bare = searcher.without_vectors(space(desk.embedder), contents)
    return [member for member in members if member.content_id in bare]


def _embed(contents: Sequence[Content], desk: Desk) -> Iterator[None]:
    """Embed what the cache does not hold of these contents; gives after every step."""
    wanted = {key: one for content in contents for key, one in _chunks(content)}
    known = desk.cache.get(space(desk.embedder), wanted)
    fresh = [(key, *_texts(*one)) for key, one in wanted.items() if key not in known]
    # Texts of a length fill a batch without padding.
    fresh.sort(key=lambda texts: len(texts[1]))
    for step in _batches(fresh, desk.embedder.batch):
        desk.cache.put(space(desk.embedder), _packed(step, desk.embedder))
        yield


def _packed(chunks: Sequence[Sequence[str]], embedder: Embedder) -> Mapping[str, bytes]:
    """Return the packed vectors of chunks by key; each is a key, its text and its sentences."""
    texts = list(dict.fromkeys(text for _, *its in chunks for text in its))
    vectors = embedder.embed(texts, purpose="passage")
    rows = {text: row for row, text in enumerate(texts)}
    packed = {}
    for key, *its in chunks:
        found = vectors[[rows[text] for text in its]]
        packed[key] = pack(found[0], found[1:])
    return packed


def _chunks(content: Content) -> Iterator[tuple[str, tuple[Text, Chunk]]]:
    """Give the chunks of a content by the name under which their vectors are kept."""
    for chunk in content.chunks:
        made_from = fingerprint(content.text, chunk).encode("utf-8", "surrogateescape")
        yield sha256(made_from).hexdigest()[:_KEY_DIGITS], (content.text, chunk)


def _terms(content: Content, analyser: Analyser) -> list[bytes]:
    return [hashes(terms_of(analyser, content.text, chunk)) for chunk in content.chunks]


def _texts(text: Text, chunk: Chunk) -> tuple[str, ...]:
    """Return what is embedded of a chunk: all of it, then its sentences."""
    return (meaning(text, chunk), *(one.text for one in sentences(text, chunk)))


def _groups(members: Sequence[Member]) -> Iterator[list[Member]]:
    queue = iter(members)
    while group := list(islice(queue, _CONTENTS_AT_ONCE)):
        yield group


def _batches(chunks: Sequence[Sequence[str]], texts: int) -> Iterator[list[Sequence[str]]]:
    """Give chunks in groups of about so many texts."""
    batch: list[Sequence[str]] = []
    size = 0
    for one in chunks:
        batch.append(one)
        size += len(one) - 1
        if size >= texts:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
