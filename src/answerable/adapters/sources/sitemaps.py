"""Sitemaps: which pages a site says it has.

Source: https://www.sitemaps.org/protocol.html.
"""

from __future__ import annotations

from dataclasses import dataclass

from answerable.adapters.sources.xmltexts import texts

LOCATIONS_MAX = 50_000
"""Of one file, by the protocol."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitemap:
    """What one file names, as it is written.

    Attributes:
        pages: Addresses of pages.
        nested: Addresses of further sitemaps.
    """

    pages: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()


def is_packed(data: bytes) -> bool:
    """Return whether a sitemap is gzip and has to be unpacked, by its first bytes."""
    return data.startswith(_GZIP)


def parse(data: bytes) -> Sitemap:
    """Return what a sitemap names: one in XML, an index in XML, or a text with a line for each.

    Raises:
        BadXml: It cannot be read.
    """
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = data.decode("utf-8", "replace").removeprefix("\ufeff").split()
        pages = [line for line in lines if line.startswith(("http://", "https://"))]
        return Sitemap(pages=tuple(pages[:LOCATIONS_MAX]))
    found = texts(data, frozenset({("url", "loc"), ("sitemap", "loc")}))
    return Sitemap(
        pages=tuple(text for (parent, _), text in found if parent == "url")[:LOCATIONS_MAX],
        nested=tuple(text for (parent, _), text in found if parent == "sitemap")[:LOCATIONS_MAX],
    )
