"""Slides (PPTX, PPTM, PPSX) to text: a landmark and a heading for each, notes and comments below.

Slides that are hidden are counted and left out. Shapes come in the order they stand in the
file, the title first; tables stay tables, diagrams give their words.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.compose import Composer, Item
from answerable.adapters.parsers.office import Package
from answerable.adapters.parsers.xmls import first, value, walk
from answerable.adapters.parsers.zips import Archive
from answerable.domain.documents import FindingKind, LandmarkKind, Text

_TITLES = frozenset({"title", "ctrTitle"})
_RUNNING = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})
_DRAWN = frozenset({"sp", "tbl", "pic"})


def read(data: bytes) -> Text:
    """Return a presentation.

    Raises:
        Refused: ``malformed``, ``encrypted``, ``unsafe``, ``needs_ocr`` when its slides are
            images without text, or ``empty``.
    """
    package = Package(Archive(data))
    main = package.main()
    package.look_around()
    composer = Composer()
    slides = [target for kind, target in _ordered(package, main) if kind == "slide"]
    for number, name in enumerate(slides, start=1):
        slide = package.part(name)
        if slide.get("show", "1") in ("0", "false"):
            package.findings[FindingKind.HIDDEN_PART] += 1
            continue
        composer.mark(LandmarkKind.SLIDE, number)
        _slide(package, name, slide, composer)
    if composer.is_empty:
        if package.findings[FindingKind.NO_TEXT]:
            raise Refused("needs_ocr", "its slides are images without text: it needs OCR")
        raise Refused("empty", "its slides hold no text")
    return composer.text(package.title(), package.findings)


def _ordered(package: Package, main: str) -> Iterator[tuple[str, str]]:
    """Give kind and name of the slides in the order they are shown."""
    related = package.related(main)
    for one in package.part(main).iter("sldId"):
        kind, target = related.get(one.get("r:id", ""), ("", ""))
        if target in package.archive:
            yield kind, target


def _slide(package: Package, name: str, slide: Element, composer: Composer) -> None:
    shapes = [one for one in walk(slide, skipped=frozenset({"Fallback"})) if one.tag in _DRAWN]
    titles = [one for one in shapes if one.tag == "sp" and _role(one) in _TITLES]
    title = " ".join(" ".join(_lines(one)) for one in titles)
    composer.heading(title, 1)
    has_words = bool(title.strip())
    for one in shapes:
        if one in titles or (one.tag == "sp" and _role(one) in _RUNNING):
            continue
        has_words = _shape(one, composer) or has_words
    has_words = _beside(package, name, composer) or has_words
    if not has_words and any(one.tag == "pic" for one in shapes):
        package.findings[FindingKind.NO_TEXT] += 1


def _role(shape: Element) -> str:
    return value(shape, "nvSpPr", "nvPr", "ph", name="type")


def _shape(shape: Element, composer: Composer) -> bool:
    """Write a shape; return whether it holds words."""
    if shape.tag == "tbl":
        rows = [[" ".join(_lines(cell)) for cell in row.findall("tc")] for row in shape.iter("tr")]
        composer.table(rows)
        return any(any(row) for row in rows)
    body = shape.find("txBody")
    if body is None:
        return False
    paragraphs = [(_words(one), _depth(one)) for one in body.findall("p")]
    paragraphs = [(words, depth) for words, depth in paragraphs if words.strip()]
    is_list = _role(shape) in ("body", "") and first(shape, "nvSpPr", "nvPr", "ph") is not None
    if is_list and len(paragraphs) > 1:
        composer.items([Item(words, depth) for words, depth in paragraphs])
    else:
        for words, _ in paragraphs:
            composer.paragraph(words)
    return bool(paragraphs)


def _depth(paragraph: Element) -> int:
    level = value(paragraph, "pPr", name="lvl", default="0")
    return min(int(level), 8) if level.isdigit() else 0


def _lines(shape: Element) -> list[str]:
    return [words for one in shape.iter("p") if (words := _words(one)).strip()]


def _words(paragraph: Element) -> str:
    parts = (
        (one.text or "") if one.tag == "t" else " " if one.tag == "br" else ""
        for one in walk(paragraph)
    )
    return "".join(parts)


def _beside(package: Package, name: str, composer: Composer) -> bool:
    """Write what belongs to a slide and lies elsewhere: diagrams, notes, comments."""
    has_words = False
    for kind, target in package.related(name).values():
        if target not in package.archive:
            continue
        if kind == "diagramData":
            words = _lines(package.part(target))
            composer.items([Item(one) for one in words])
        elif kind == "notesSlide":
            words = _notes(package.part(target))
            composer.paragraph(f"Notes: {' '.join(words)}" if words else "")
        elif kind == "comments":
            words = [_comment(one) for one in package.part(target).iter("cm")]
            for one in words:
                composer.paragraph(one)
        else:
            continue
        has_words = has_words or bool(words)
    return has_words


def _notes(part: Element) -> list[str]:
    shapes = [one for one in part.iter("sp") if _role(one) not in _RUNNING]
    return [line for shape in shapes for line in _lines(shape)]


def _comment(one: Element) -> str:
    words = " ".join([one.findtext("text") or "", *_lines(one)]).strip()
    return f"[Comment: {words}]" if words else ""
