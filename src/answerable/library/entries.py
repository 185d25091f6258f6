"""Documents with their contents, to be put into an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from answerable.domain.documents import Member
from answerable.library.ports import Entry, State

_LOAD_AT_ONCE = 256


def entries(members: Iterable[Member], state: State) -> Iterator[Entry]:
    """Give the documents with their contents, a few in memory at a time."""
    queue = iter(members)
    while batch := list(islice(queue, _LOAD_AT_ONCE)):
        contents = state.contents([member.content_id for member in batch])
        for member in batch:
            yield Entry(document=member.document, content=contents[member.content_id])
