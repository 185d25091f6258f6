"""Text that no other parser knows to blocks: what lies between blank lines stays together.

XML and lines of JSON are code, quoted as they stand; prose is paragraphs. Nothing is masked.
"""

from __future__ import annotations

import re

from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import Block, BlockKind, Text

PROSE = frozenset({"", ".txt", ".text", ".log", ".textile", ".wiki"})
_ROWS = frozenset({".jsonl", ".ndjson"})
_XML = frozenset({".xml", ".rss", ".atom", ".svg", ".xsd", ".xsl", ".xslt", ".plist", ".wsdl"})
SOURCES = _ROWS | _XML

_BETWEEN = re.compile(r"\n(?:[^\S\n]*\n)+")
_LINES = re.compile(r"\n+")
_ENTITY = re.compile(r"<!ENTITY\s", re.IGNORECASE)


def read(source: str, suffix: str) -> Text:
    """Return plain text as blocks, without a title.

    Args:
        source: Canonical text.
        suffix: Of the file, lower case with its dot; says whether it is code.

    Raises:
        Refused: ``malformed`` when XML declares entities: they are never expanded, so what
            it means is not what it says.
    """
    if suffix in _XML and _ENTITY.search(source):
        raise Refused("malformed", "it declares XML entities, which are never expanded")
    kind = BlockKind.CODE if suffix in SOURCES else BlockKind.PARAGRAPH
    between = _LINES if suffix in _ROWS else _BETWEEN
    blocks: list[Block] = []
    at = 0
    for match in between.finditer(source):
        blocks += _block(source, at, match.start(), kind)
        at = match.end()
    blocks += _block(source, at, len(source), kind)
    return Text(text=source, title="", blocks=tuple(blocks))


def _block(source: str, start: int, end: int, kind: BlockKind) -> tuple[Block, ...]:
    """Return the block of these lines, none if they are blank."""
    piece = source[start:end]
    if not piece.strip():
        return ()
    lead = len(piece) - len(piece.lstrip())
    first = piece.rfind("\n", 0, lead) + 1
    last = piece.find("\n", len(piece.rstrip()))
    end = start + last if last >= 0 else end
    return (Block(kind=kind, start=start + first, end=end),)
