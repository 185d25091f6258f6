"""The units of a chunk with their terms: what does not depend on the question, read once."""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Lock

from answerable.answering.asked import Terms
from answerable.answering.sentences import sentences
from answerable.answering.units import Unit, UnitKind, units
from answerable.domain.documents import Text
from answerable.domain.questions import Passage
from answerable.library.visible import shown

# About 15 kB each.
_CHUNKS_MAX = 4_000

# Three dental clicks: letters, so an analyser keeps them as one word, and in no text we know.
_BETWEEN = "\N{LATIN LETTER DENTAL CLICK}" * 3

_ELSEWHERE = re.compile(
    r"\W*(?:see|refer to|read|for (?:more|further|details|the full|additional)|to learn|learn"
    r"|check out|this (?:page|document|section|task|guide|tutorial)|the following|in this"
    r"|you need to have)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadUnit:
    """A unit as it is shown, with its terms.

    Attributes:
        body: What is shown of it, without its lead.
        words: Terms of the body in order; repeats are kept.
        lead: Distinct terms of the lead.
        is_elsewhere: Whether it only points to another page.
        sentences: How much of an answer it takes, without its lead: its sentences and list
            items; a code block is one.
    """

    unit: Unit
    body: str
    words: tuple[str, ...]
    lead: frozenset[str]
    terms: frozenset[str]
    is_elsewhere: bool
    sentences: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadChunk:
    """The units of a chunk.

    Attributes:
        headings: Distinct terms of the title and the heading path.
    """

    headings: frozenset[str]
    units: tuple[ReadUnit, ...]


class Reader:
    """Reads the chunks of passages and remembers those read last. Safe for many threads.

    A content never changes, so what was read of it once stays true.
    """

    def __init__(self, terms: Terms, *, chunks_max: int = _CHUNKS_MAX) -> None:
        self.terms = terms
        self._chunks_max = chunks_max
        self._known: OrderedDict[tuple[str, int, int], ReadChunk] = OrderedDict()
        self._lock = Lock()

    def read(self, passage: Passage, text: Text) -> ReadChunk:
        """Return the units of a passage's chunk.

        Args:
            passage: What was found.
            text: Canonical text of its content.
        """
        key = (passage.content_id, passage.chunk.start, passage.chunk.end)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        read = self._read(passage, text)
        with self._lock:
            self._known[key] = read
            if len(self._known) > self._chunks_max:
                self._known.popitem(last=False)
        return read

    def _read(self, passage: Passage, text: Text) -> ReadChunk:
        found = units(text, passage.chunk.start, passage.chunk.end)
        bodies = [shown(text, unit.start, unit.end) for unit in found]
        leads = [shown(text, *unit.lead) if unit.lead else "" for unit in found]
        title = " ".join((text.title, *passage.chunk.heading))
        words = terms_of_each([*bodies, *leads, title], self.terms)
        read = []
        for place, (unit, body) in enumerate(zip(found, bodies, strict=True)):
            lead = frozenset(words[len(found) + place])
            read.append(
                ReadUnit(
                    unit=unit,
                    body=body,
                    words=words[place],
                    lead=lead,
                    terms=lead.union(words[place]),
                    is_elsewhere=_ELSEWHERE.match(body) is not None,
                    sentences=_sentences(unit, text.text),
                )
            )
        return ReadChunk(headings=frozenset(words[-1]), units=tuple(read))


def _sentences(unit: Unit, text: str) -> int:
    if unit.kind is UnitKind.CODE:
        return 1
    return len(sentences(text, unit.start, unit.end))


def terms_of_each(texts: Sequence[str], terms: Terms) -> list[tuple[str, ...]]:
    """Return the terms of each text. One call for all is twice as fast as one for each."""
    together = terms(f" {_BETWEEN} ".join(texts))
    groups: list[tuple[str, ...]] = [()]
    for is_between, group in groupby(together, key=_BETWEEN.__eq__):
        if is_between:
            groups += [()] * sum(1 for _ in group)
        else:
            groups[-1] = tuple(map(sys.intern, group))
    if len(groups) == len(texts):
        return groups
    # Some text holds the mark itself, or the analyser does not keep it.
    return [tuple(terms(text)) for text in texts]
