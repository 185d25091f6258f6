"""Books (EPUB) to text: their chapters in order, each read as the web page it is."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from answerable.adapters.parsers import html, xmls
from answerable.adapters.parsers.canonical import Refused, decoded, normalised
from answerable.adapters.parsers.compose import Composer, plain
from answerable.adapters.parsers.zips import Archive
from answerable.domain.documents import FindingKind, LandmarkKind, Text

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
# A page of a book is no page among others, with links that stand on all of them.
_NAVIGATION = re.compile(r"(</?)nav\b", re.IGNORECASE)
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read(data: bytes) -> Text:
    """Return a book: what stands in its reading order, a table of contents there as well.

    Raises:
        Refused: ``malformed``, ``encrypted``, ``unsafe`` or ``empty``.
    """
    archive = Archive(data)
    _refuse_locked(archive)
    name = xmls.value(
        xmls.parse(archive.read(_CONTAINER)), "rootfiles", "rootfile", name="full-path"
    )
    package = xmls.parse(archive.read(name))
    composer = Composer()
    findings: Counter[FindingKind] = Counter()
    for number, chapter in enumerate(_chapters(package, name), start=1):
        if chapter not in archive:
            continue
        try:
            page = normalised(decoded(archive.read(chapter)))
            text = html.read(_NAVIGATION.sub(r"\1div", page))
        except Refused as refused:
            if refused.code == "empty":  # a cover, most often
                continue
            raise
        findings.update({one.kind: one.count for one in text.findings})
        composer.mark(LandmarkKind.CHAPTER, number, text.title[:100])
        composer.text_of(text)
    if composer.is_empty:
        raise Refused("empty", "its chapters hold no text")
    return composer.text(_title(package), findings)


def _refuse_locked(archive: Archive) -> None:
    """Refuse a book whose chapters are encrypted; fonts commonly are, and nobody reads them."""
    if _ENCRYPTION not in archive:
        return
    for one in xmls.parse(archive.read(_ENCRYPTION)).iter("EncryptionMethod"):
        if one.get("Algorithm") not in _FONTS:
            raise Refused("encrypted", "its chapters are protected against copying")


def _chapters(package: Element, name: str) -> list[str]:
    """Return the names of the chapters in the order they are read."""
    folder = posixpath.dirname(name)
    known = {one.get("id", ""): one for one in package.iter("item")}
    chapters = []
    for one in package.iter("itemref"):
        item = known.get(one.get("idref", ""))
        if item is not None and item.get("media-type") in _PAGES:
            path = posixpath.join(folder, unquote(item.get("href", "")))
            chapters.append(posixpath.normpath(path))
    return chapters


def _title(package: Element) -> str:
    return plain(package.findtext("metadata/title") or "")[:300]
