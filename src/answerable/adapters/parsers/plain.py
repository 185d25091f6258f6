"""Text that is not markup to blocks: what lies between blank lines stays together.

Configuration, data and scripts are code, quoted as they stand; prose is paragraphs. Nothing
is masked: a comment in a script is part of what it says.
"""

from __future__ import annotations

import re

from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import Block, BlockKind, Text

PROSE = frozenset({"", ".txt", ".text", ".log", ".adoc", ".asciidoc", ".org", ".textile", ".wiki"})
_ROWS = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_YAML = frozenset({".yaml", ".yml"})
_XML = frozenset({".xml", ".rss", ".atom", ".svg", ".xsd", ".xsl", ".plist"})

_BETWEEN = re.compile(r"\n(?:[^\S\n]*\n)+")
_BETWEEN_YAML = re.compile(r"\n(?:[^\S\n]*\n)+|\n(?=---(?:\s|\Z))")
_LINES = re.compile(r"\n+")
_ENTITY = re.compile(r"<!ENTITY\s", re.IGNORECASE)


def read(source: str, suffix: str) -> Text:
    """Return plain text as blocks, without a title.

    Args:
        source: Canonical text.
        suffix: Of the file, lower case with its dot; says whether it is prose.

    Raises:
        Refused: ``malformed`` when XML declares entities: they are never expanded, so what
            it means is not what it says.
    """
    if suffix in _XML and _ENTITY.search(source):
        raise Refused("malformed", "it declares XML entities, which are never expanded")
    kind = BlockKind.PARAGRAPH if suffix in PROSE else BlockKind.CODE
    between = _LINES if suffix in _ROWS else _BETWEEN_YAML if suffix in _YAML else _BETWEEN
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
