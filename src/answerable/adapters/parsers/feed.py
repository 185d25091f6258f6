"""RSS and Atom to text: each entry a section with its date, its author and its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, tostring

from answerable.adapters.parsers import html, xmls
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.draft import Draft
from answerable.domain.documents import BlockKind, Text

_FEED = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]")
_HEAD_CHARS = 5_000
_BODIES = ("encoded", "content", "description", "summary")
_DATES = ("pubDate", "published", "updated", "date")


def is_feed(source: str) -> bool:
    """Return whether XML says at its beginning that it is a feed."""
    return bool(_FEED.search(source, 0, _HEAD_CHARS))


def read(source: str) -> Text | None:
    """Return a feed as text; None when it is broken, or has no entries.

    Args:
        source: Canonical text that declares no entities.

    Raises:
        Refused: ``empty``.
    """
    try:
        root = xmls.parse(source)
    except Refused:
        return None
    entries = [one for one in root.iter() if one.tag in ("item", "entry")]
    if not entries:
        return None
    about = next((one for one in root.iter() if one.tag == "channel"), root)
    draft = Draft()
    title = _said(about, "title")
    draft.add(BlockKind.HEADING, title, 1)
    for name in ("description", "subtitle"):
        draft.add(BlockKind.PARAGRAPH, _said(about, name))
    for entry in entries:
        _write(draft, entry)
    return draft.text(title)


def _write(draft: Draft, entry: Element) -> None:
    draft.add(BlockKind.HEADING, _said(entry, "title") or "Untitled", 2)
    dates = [date for name in _DATES if (date := _said(entry, name))]
    lines = (
        ("Published", dates[0] if dates else ""),
        ("By", _author(entry)),
        ("Link", _link(entry)),
    )
    for name, value in lines:
        if value:
            draft.add(BlockKind.PARAGRAPH, f"{name}: {value}", is_tight=True)
    for child in _children(entry, *_BODIES):
        if _write_body(draft, child):
            return


def _write_body(draft: Draft, element: Element) -> bool:
    """Write what an entry says, if it says anything; its markup is that of HTML."""
    source = _markup(element)
    if not source.strip():
        return False
    try:
        draft.adopt(html.read(source), deeper=2)
    except Refused:
        return False
    return True


def _markup(element: Element) -> str:
    """Return the HTML of an element: escaped inside it, or, in Atom, as elements of its own."""
    return (element.text or "") + "".join(tostring(one, "unicode", "html") for one in element)


def _author(entry: Element) -> str:
    for child in _children(entry, "creator", "author"):
        return _said(child, "name") or _line(child.text)
    return ""


def _link(entry: Element) -> str:
    for child in _children(entry, "link"):
        return _line(child.text) or _line(child.get("href"))
    return ""


def _said(element: Element, name: str) -> str:
    """Return the text of the first child of a name, on one line."""
    return next((_line("".join(child.itertext())) for child in _children(element, name)), "")


def _children(element: Element, *names: str) -> Iterator[Element]:
    """Give the children of these names, in the order of the names."""
    for name in names:
        yield from (child for child in element if child.tag == name)


def _line(words: str | None) -> str:
    return " ".join((words or "").split())
