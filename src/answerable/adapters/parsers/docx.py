"""Word documents (DOCX, DOCM, DOTX) to headings, paragraphs, lists, tables and code.

Text boxes, footnotes and comments follow the paragraph they belong to. What was deleted while
changes were tracked is gone; what is formatted as hidden is counted and left out. Headers and
footers run along the pages and are left out; pages are not known before Word lays them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.compose import Composer, Item
from answerable.adapters.parsers.office import Package
from answerable.adapters.parsers.xmls import first, value, walk
from answerable.adapters.parsers.zips import Archive
from answerable.domain.documents import FindingKind, Text

_HEADING = re.compile(r"(?i)^heading\s*([1-9])$")
_CODE_STYLE = re.compile(r"(?i)\bcode\b|preformatted|verbatim")
_MONOSPACED = re.compile(r"(?i)courier|consolas|mono|menlo|lucida console|cascadia|fixed")
_GONE = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "delInstrText"})
_OFF = frozenset({"0", "false", "off", "none"})
_TINY_HALF_POINTS = 2
_WHITE = "FFFFFF"


@dataclass(slots=True)
class _Style:
    name: str = ""
    level: int = 0
    is_hidden: bool = False
    is_shaded: bool = False
    font: str = ""
    number: str = ""


@dataclass(slots=True)
class _Said:
    """What a paragraph says, and what hangs on it."""

    words: str = ""
    lettered: int = 0
    monospaced: int = 0
    boxes: list[Element] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(data: bytes) -> Text:
    """Return a Word document.

    Raises:
        Refused: ``malformed``, ``encrypted``, ``unsafe`` or ``empty``.
    """
    package = Package(Archive(data))
    main = package.main()
    package.look_around()
    document = package.part(main)
    body = first(document, "body")
    if body is None:
        raise Refused("malformed", "it holds no document")
    reader = _Reader(package, main)
    reader.is_on_white = first(document, "background") is None
    reader.blocks(body)
    reader.flush()
    if reader.composer.is_empty:
        raise Refused("empty", "it holds no text")
    return reader.composer.text(package.title() or reader.title, package.findings)


class _Reader:
    """Walks the body of a document.

    Attributes:
        is_on_white: Whether what is being read lies on a page that is white, for sure.
    """

    def __init__(self, package: Package, main: str) -> None:
        parts = dict(package.related(main).values())
        self.composer = Composer()
        self.title = ""
        self.is_on_white = False
        self._findings = package.findings
        self._styles = _styles(package.part_if(parts.get("styles", "")))
        self._numbered = _numbering(package.part_if(parts.get("numbering", "")))
        self._notes = {
            kind: _by_id(package.part_if(parts.get(f"{kind}s", "")), kind)
            for kind in ("footnote", "endnote", "comment")
        }
        self._items: list[Item] = []
        self._code: list[str] = []
        self._counts: dict[tuple[str, int], int] = {}

    def blocks(self, parent: Element) -> None:
        """Write the blocks below an element."""
        for one in parent:
            match one.tag:
                case "p":
                    self._paragraph(one)
                case "tbl":
                    self.flush()
                    with self._on_any_ground():
                        self.composer.table(self._rows(one))
                case "sdt" | "sdtContent" | "customXml" | "ins" | "moveTo" | "smartTag":
                    self.blocks(one)
                case _:
                    pass

    def flush(self) -> None:
        """Write the list or code that was being gathered."""
        items, self._items = self._items, []
        code, self._code = self._code, []
        self.composer.items(items)
        self.composer.code(code)

    def _paragraph(self, one: Element) -> None:
        style = self._style(one)
        said = self._said(one, style)
        self._own(one, style, said)
        if said.boxes or said.notes:
            self.flush()
        for box in said.boxes:
            with self._on_any_ground():
                self.blocks(box)
            self.flush()
        for note in said.notes:
            self.composer.paragraph(note)

    @contextmanager
    def _on_any_ground(self) -> Iterator[None]:
        """Read what a cell or box holds, which may be painted."""
        before, self.is_on_white = self.is_on_white, False
        yield
        self.is_on_white = before

    def _own(self, one: Element, style: _Style, said: _Said) -> None:
        """Write what a paragraph itself says, as what it is."""
        level, words = self._level(one, style), said.words
        if words.strip() and style.name.casefold() == "title":
            self.title = self.title or words
        if self._is_code(said, style) and not level:
            self._write_code(words)
        elif level:
            self.flush()
            self.composer.heading(words, level)
        elif item := self._item(one, style, words):
            if self._code:
                self.flush()
            self._items.append(item)
        elif words.strip():
            self.flush()
            self.composer.paragraph(words)
        elif self._code:
            self._code.append("")

    def _write_code(self, words: str) -> None:
        if self._items:
            self.flush()
        self._code += words.split("\n")

    def _style(self, one: Element) -> _Style:
        return self._styles.get(value(one, "pPr", "pStyle"), _Style())

    def _level(self, one: Element, style: _Style) -> int:
        outline = value(one, "pPr", "outlineLvl")
        if outline.isdigit() and int(outline) < 9:  # noqa: PLR2004 -- 9 is body text
            return int(outline) + 1
        return 1 if style.name.casefold() == "title" else style.level

    def _is_code(self, said: _Said, style: _Style) -> bool:
        if not said.words.strip():
            return False
        if _CODE_STYLE.search(style.name):
            return True
        font = bool(_MONOSPACED.search(style.font))
        return said.lettered > 0 and (font or said.monospaced == said.lettered)

    def _item(self, one: Element, style: _Style, words: str) -> Item | None:
        number = value(one, "pPr", "numPr", "numId") or style.number
        if not words.strip() or number in ("", "0"):
            return None
        level = value(one, "pPr", "numPr", "ilvl", default="0")
        depth = min(int(level), 8) if level.isdigit() else 0
        if not self._numbered.get((number, depth), False):
            return Item(words, depth)
        place = self._counts[number, depth] = self._counts.get((number, depth), 0) + 1
        for deeper in range(depth + 1, 9):
            self._counts.pop((number, deeper), None)
        return Item(words, depth, place)

    def _rows(self, table: Element) -> Iterator[list[str]]:
        for row in walk(table, skipped=_GONE, whole=frozenset({"tr"})):
            if row.tag == "tr":
                cells = walk(row, skipped=_GONE, whole=frozenset({"tc"}))
                yield [words for cell in cells if cell.tag == "tc" for words in self._cell(cell)]

    def _cell(self, cell: Element) -> list[str]:
        """Return the words of a cell, and an empty one for each further column it spans."""
        span = value(cell, "tcPr", "gridSpan", default="1")
        merged = first(cell, "tcPr", "vMerge")
        is_below = merged is not None and merged.get("val", "continue") == "continue"
        words = "" if is_below else " ".join(self._inside(cell))
        return [words, *([""] * (min(int(span), 64) - 1 if span.isdigit() else 0))]

    def _inside(self, cell: Element) -> Iterator[str]:
        """Give what the paragraphs in a cell say, those of tables and boxes in it as well."""
        for one in walk(cell, skipped=_GONE | {"txbxContent"}):
            if one.tag == "p":
                said = self._said(one, self._style(one))
                yield said.words
                for box in said.boxes:
                    yield from self._inside(box)
                yield from said.notes

    def _said(self, one: Element, style: _Style) -> _Said:
        said = _Said()
        pieces: list[str] = []
        for part in _parts(one):
            match part.tag:
                case "r":
                    is_shaded = first(one, "pPr", "shd") is not None
                    self._run(part, style, said, pieces, is_shaded=is_shaded)
                case "txbxContent":
                    said.boxes.append(part)
                case "footnoteReference" | "endnoteReference" | "commentReference":
                    kind = part.tag.removesuffix("Reference")
                    said.notes += self._notes[kind].get(part.get("id", ""), ())
                case _:
                    pass
        said.words = "".join(pieces)
        return said

    def _run(
        self, run: Element, style: _Style, said: _Said, pieces: list[str], *, is_shaded: bool
    ) -> None:
        words = "".join(map(_letter, run))
        letters = len(words.replace(" ", ""))
        if kind := self._hidden(run, style, is_shaded=is_shaded):
            self._findings[kind] += letters
            return
        fonts = first(run, "rPr", "rFonts")
        font = "" if fonts is None else fonts.get("ascii", "")
        said.lettered += letters
        if _MONOSPACED.search(font):
            said.monospaced += letters
        pieces.append(words)

    def _hidden(self, run: Element, style: _Style, *, is_shaded: bool) -> FindingKind | None:
        """Return why a run is not seen; None when it is, or when that is not sure."""
        of_run = self._styles.get(value(run, "rPr", "rStyle"), _Style())
        vanish = first(run, "rPr", "vanish")
        is_hidden = style.is_hidden or of_run.is_hidden
        if vanish is not None:
            is_hidden = _is_on(vanish)
        if is_hidden:
            return FindingKind.HIDDEN
        size = value(run, "rPr", "sz")
        if size.isdigit() and int(size) <= _TINY_HALF_POINTS:
            return FindingKind.TINY
        is_white = value(run, "rPr", "color").upper() == _WHITE
        is_shaded = is_shaded or style.is_shaded or of_run.is_shaded
        own = [first(run, "rPr", name) for name in ("shd", "highlight")]
        if is_white and self.is_on_white and not is_shaded and own == [None, None]:
            return FindingKind.SAME_COLOUR
        return None


def _parts(one: Element) -> Iterator[Element]:
    """Give runs, text boxes and references of a paragraph in order; not what is in the boxes."""
    stack = list(reversed(one))
    while stack:
        part = stack.pop()
        if part.tag in _GONE:
            continue
        yield part
        if part.tag != "txbxContent":
            stack.extend(reversed(part))


def _letter(part: Element) -> str:
    match part.tag:
        case "t":
            return part.text or ""
        case "tab" | "ptab":
            return "\t"
        case "br" | "cr":
            return "\n"
        case "noBreakHyphen":
            return "-"
        case "sym":
            code = part.get("char", "")
            return chr(int(code, 16) & 0xFFFF) if re.fullmatch("[0-9A-Fa-f]{4}", code) else ""
        case _:
            return ""


def _is_on(switch: Element | None) -> bool:
    return switch is not None and switch.get("val", "1").lower() not in _OFF


def _styles(part: Element) -> dict[str, _Style]:
    """Return the styles by id, each with what it takes from the one it is based on."""
    elements = {one.get("styleId", ""): one for one in part.iter("style")}
    known: dict[str, _Style] = {}
    for name in elements:
        chain: list[Element] = []
        at = name
        while at in elements and elements[at] not in chain and len(chain) < 20:  # noqa: PLR2004
            chain.append(elements[at])
            at = value(elements[at], "basedOn")
        known[name] = _style(chain)
    return known


def _style(chain: Iterable[Element]) -> _Style:
    """Return a style; what it does not say itself, the ones behind it do."""
    style = _Style()
    for one in chain:
        name = value(one, "name")
        style.name = style.name or name
        heading = _HEADING.match(name)
        outline = value(one, "pPr", "outlineLvl")
        if not style.level and (heading or (outline.isdigit() and int(outline) < 9)):  # noqa: PLR2004
            style.level = int(heading[1]) if heading else int(outline) + 1
        style.is_shaded = style.is_shaded or any(True for _ in one.iter("shd"))
        style.is_hidden = style.is_hidden or _is_on(first(one, "rPr", "vanish"))
        style.font = style.font or value(one, "rPr", "rFonts", name="ascii")
        style.number = style.number or value(one, "pPr", "numPr", "numId")
    return style


def _numbering(part: Element) -> dict[tuple[str, int], bool]:
    """Return whether the items of a list are numbered, by the list and the depth."""
    formats: dict[str, dict[int, str]] = {}
    for abstract in part.iter("abstractNum"):
        formats[abstract.get("abstractNumId", "")] = {
            int(level.get("ilvl", "0")): value(level, "numFmt")
            for level in abstract.iter("lvl")
            if level.get("ilvl", "0").isdigit()
        }
    numbered = {}
    for one in part.iter("num"):
        for depth, shape in formats.get(value(one, "abstractNumId"), {}).items():
            numbered[one.get("numId", ""), depth] = shape not in ("bullet", "none", "")
    return numbered


def _by_id(part: Element, kind: str) -> dict[str, list[str]]:
    """Return what each note or comment says, by id."""
    return {
        one.get("id", ""): [words]
        for one in part.iter(kind)
        if (words := _note(one, kind)) and one.get("type", "normal") == "normal"
    }


def _note(one: Element, kind: str) -> str:
    texts = (
        "".join(t.text or "" for t in walk(p, skipped=_GONE) if t.tag == "t") for p in one.iter("p")
    )
    words = " ".join(text for text in texts if text.strip())
    who = one.get("author", "")
    label = f"Comment by {who}" if who else kind.capitalize()
    return f"[{label}: {words}]" if words else ""
