"""OpenDocument texts and presentations (ODT, ODP) to headings, paragraphs, lists and tables.

Notes and comments follow the paragraph they belong to. What tracked changes deleted is gone;
sections and text that are set to be hidden are counted and left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.compose import Composer, Item, plain
from answerable.adapters.parsers.office import Package
from answerable.adapters.parsers.xmls import value, walk
from answerable.adapters.parsers.zips import Archive
from answerable.domain.documents import FindingKind, LandmarkKind, Text

REPEATS_MAX = 64

_ASIDE = frozenset({"note", "annotation", "text-box", "table"})
_GONE = frozenset({"tracked-changes", "annotation-end", "sequence-decls", "forms", "desc"})


def read(data: bytes) -> Text:
    """Return an OpenDocument text or presentation.

    Raises:
        Refused: ``malformed``, ``encrypted``, ``unsafe``, ``needs_ocr`` or ``empty``.
    """
    package = Package(Archive(data))
    if package.part_if("META-INF/manifest.xml").find(".//encryption-data") is not None:
        raise Refused("encrypted", "it is protected by a password")
    content = package.part("content.xml")
    reader = _Reader(package, content)
    body = content.find("body")
    for kind in body if body is not None else ():
        if kind.tag == "presentation":
            reader.slides(kind)
        else:
            reader.blocks(kind)
    if reader.composer.is_empty:
        if package.findings[FindingKind.NO_TEXT]:
            raise Refused("needs_ocr", "its slides are images without text: it needs OCR")
        raise Refused("empty", "it holds no text")
    title = plain(package.part_if("meta.xml").findtext(".//title") or "")[:300]
    return reader.composer.text(title or reader.title, package.findings)


@dataclass(slots=True)
class _Said:
    words: str = ""
    aside: list[Element] = field(default_factory=list)


class _Reader:
    """Walks the content of a document."""

    def __init__(self, package: Package, content: Element) -> None:
        self.composer = Composer()
        self.title = ""
        self._findings = package.findings
        styles = [*content.iter("style"), *package.part_if("styles.xml").iter("style")]
        self._hidden = frozenset(
            one.get("name", "")
            for one in styles
            if value(one, "text-properties", name="display") == "none"
        )
        self._parents = {one.get("name", ""): one.get("parent-style-name", "") for one in styles}
        parts = [*content.iter(), *package.part_if("styles.xml").iter()]
        self._numbered = {
            one.get("name", ""): one.find("list-level-style-number") is not None
            for one in parts
            if one.tag == "list-style"
        }

    def slides(self, presentation: Element) -> None:
        """Write the pages of a presentation."""
        for number, page in enumerate(presentation.findall("page"), start=1):
            before = len(self.composer)
            self.composer.mark(LandmarkKind.SLIDE, number)
            self.blocks(page)
            has_image = any(one.tag == "image" for one in walk(page))
            self._findings[FindingKind.NO_TEXT] += has_image and len(self.composer) == before

    def blocks(self, parent: Element) -> None:
        """Write the blocks below an element."""
        for one in parent:
            match one.tag:
                case "h":
                    self._heading(one)
                case "p":
                    self._paragraph(one)
                case "list":
                    self._list(one)
                case "table":
                    self.composer.table(self._rows(one))
                case "section" if one.get("display") == "none":
                    self._findings[FindingKind.HIDDEN] += len("".join(one.itertext()).split())
                case "notes":
                    words = " ".join(self._inside(one))
                    self.composer.paragraph(f"Notes: {words}" if words else "")
                case tag if tag not in _GONE:
                    self.blocks(one)
                case _:
                    pass

    def _heading(self, one: Element) -> None:
        level = one.get("outline-level", "1")
        said = self._said(one)
        self.composer.heading(said.words, int(level) if level.isdigit() else 1)
        self._beside(said)

    def _paragraph(self, one: Element) -> None:
        said = self._said(one)
        if self._style(one) == "Title" and not self.title:
            self.title = said.words
            self.composer.heading(said.words, 1)
        else:
            self.composer.paragraph(said.words)
        self._beside(said)

    def _style(self, one: Element) -> str:
        style = one.get("style-name", "")
        return self._parents.get(style) or style

    def _beside(self, said: _Said) -> None:
        for one in said.aside:
            match one.tag:
                case "note" | "annotation":
                    self.composer.paragraph(_note(one, " ".join(self._inside(one))))
                case "table":
                    self.composer.table(self._rows(one))
                case _:
                    self.blocks(one)

    def _list(self, one: Element) -> None:
        items, aside = [], []
        is_numbered = self._numbered.get(one.get("style-name", ""), False)
        for words, depth, number, said in self._items(one, 0):
            items.append(Item(words, depth, number if is_numbered else 0))
            aside.append(said)
        self.composer.items(items)
        for said in aside:
            self._beside(said)

    def _items(self, one: Element, depth: int) -> Iterator[tuple[str, int, int, _Said]]:
        number = 0
        for item in one:
            if item.tag not in ("list-item", "list-header"):
                continue
            number += item.tag == "list-item"
            own = [self._said(part) for part in item if part.tag in ("p", "h")]
            aside = [part for said in own for part in said.aside]
            words = " ".join(said.words for said in own)
            yield words, min(depth, 8), number, _Said(words=words, aside=aside)
            for below in item.findall("list"):
                yield from self._items(below, depth + 1)

    def _rows(self, table: Element) -> Iterator[list[str]]:
        rows = walk(table, skipped=_GONE, whole=frozenset({"table-row"}))
        for row in (one for one in rows if one.tag == "table-row"):
            cells: list[str] = []
            for cell in row:
                if cell.tag in ("table-cell", "covered-table-cell"):
                    repeats = cell.get("number-columns-repeated", "1")
                    count = min(int(repeats), REPEATS_MAX) if repeats.isdigit() else 1
                    cells += [" ".join(self._inside(cell))] * count
            yield cells

    def _inside(self, one: Element) -> Iterator[str]:
        """Give what the paragraphs below an element say."""
        for part in walk(one, skipped=_GONE):
            if part.tag in ("p", "h"):
                said = self._said(part)
                yield said.words

    def _said(self, one: Element) -> _Said:
        said = _Said()
        pieces: list[str] = []
        self._gather(one, said, pieces)
        said.words = "".join(pieces)
        return said

    def _gather(self, one: Element, said: _Said, pieces: list[str]) -> None:
        """Add the words of an element; what hangs on it is kept for later."""
        if one.get("style-name", "") in self._hidden:
            self._findings[FindingKind.HIDDEN] += len("".join(one.itertext()).replace(" ", ""))
            return
        pieces.append(one.text or "")
        for part in one:
            if part.tag in _ASIDE:
                said.aside.append(part)
            elif part.tag in ("s", "tab", "line-break"):
                pieces.append(" ")
            elif part.tag == "hidden-text":
                self._findings[FindingKind.HIDDEN] += len(part.get("string-value", ""))
            elif part.tag not in _GONE:
                self._gather(part, said, pieces)
            pieces.append(part.tail or "")


def _note(one: Element, words: str) -> str:
    if not words.strip():
        return ""
    if one.tag == "note":
        return f"[{'Endnote' if one.get('note-class') == 'endnote' else 'Footnote'}: {words}]"
    who = plain(one.findtext("creator") or "")
    return f"[Comment by {who}: {words}]" if who else f"[Comment: {words}]"
