"""Jupyter notebooks to text: Markdown as it is read elsewhere, code, and what it printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from answerable.adapters.parsers import config, markdown
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.draft import Draft
from answerable.domain.documents import BlockKind, Text

_MATTER = ("---", "+++")  # begins the front matter of a file, and a cell is none
OUTPUT_CHARS_MAX = 2_000
"""What one cell printed is kept up to here, whole lines: progress bars say nothing."""


def read(source: str) -> tuple[str, Text]:
    """Return the name of the format and the text of a notebook of nbformat 3 or 4.

    Images and other output that is no text are left out. JSON that is no notebook is JSON.

    Args:
        source: Canonical text.

    Raises:
        Refused: ``malformed`` when it is no JSON, ``empty`` when no cell holds anything.
    """
    try:
        loaded = json.loads(source)
    except ValueError:
        raise Refused("malformed", "it is no notebook: its JSON is cut off or broken") from None
    cells = list(_cells(loaded))
    if not cells and not _is_notebook(loaded):
        return "json", config.json(source)
    draft = Draft()
    for cell in cells:
        _write(draft, cell)
    return "notebook", draft.text()


def _is_notebook(loaded: object) -> bool:
    return isinstance(loaded, dict) and ("cells" in loaded or "worksheets" in loaded)


def _cells(loaded: object) -> Iterator[Mapping[str, Any]]:
    """Give the cells of a notebook, whichever of the two ways it keeps them."""
    if not isinstance(loaded, dict):
        return
    sheets = [loaded, *_mappings(loaded.get("worksheets"))]
    for sheet in sheets:
        yield from _mappings(sheet.get("cells"))


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _write(draft: Draft, cell: Mapping[str, Any]) -> None:
    words = _words(cell.get("source", cell.get("input")))
    kind = cell.get("cell_type")
    if kind == "markdown":
        lead = "\n" if words.startswith(_MATTER) else ""
        draft.adopt(markdown.read(lead + draft.seen(words)))
    elif kind == "heading":
        level = cell.get("level")
        level = level if isinstance(level, int) and 1 <= level <= 6 else 1  # noqa: PLR2004 -- as in HTML
        draft.add(BlockKind.HEADING, " ".join(words.split()), level)
    elif kind == "code":
        draft.add(BlockKind.CODE, words)
        draft.add(BlockKind.CODE, _printed(_mappings(cell.get("outputs"))))
    elif kind == "raw":
        draft.add(BlockKind.PARAGRAPH, words)


def _printed(outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return what a cell printed, cut between lines where it is long."""
    printed = "\n".join(words.strip("\n") for one in outputs if (words := _output(one)))
    if len(printed) <= OUTPUT_CHARS_MAX:
        return printed
    return printed[: printed.rfind("\n", 0, OUTPUT_CHARS_MAX)] if "\n" in printed else ""


def _output(output: Mapping[str, Any]) -> str:
    """Return the text of one output; none of one that is a picture."""
    kind = output.get("output_type")
    if kind in ("error", "pyerr"):
        return f"{_words(output.get('ename'))}: {_words(output.get('evalue'))}"
    data = output.get("data")
    data = data if isinstance(data, dict) else output
    if any(name.startswith("image/") or name in ("png", "jpeg", "svg") for name in data):
        return ""
    return _words(data.get("text/plain", data.get("text")))


def _words(value: object) -> str:
    """Return text that is kept as one string or as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(one for one in value if isinstance(one, str))
    return ""
