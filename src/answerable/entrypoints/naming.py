"""How places are called, in the terminal and on pages."""

from __future__ import annotations

from collections.abc import Sequence

from answerable.answering.standing import Place
from answerable.domain.questions import Citation


def trail(heading: Sequence[str], title: str) -> list[str]:
    """Return the sections a quote stands in, less a first one that repeats the title."""
    is_title = bool(heading) and _plain(heading[0]) == _plain(title)
    return list(heading[1:] if is_title else heading)


def spot(cited: Citation | Place) -> str:
    """Return where a quote begins: its page, slide or row; else the line of the text."""
    return cited.landmark or f"line {cited.line}"


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())
