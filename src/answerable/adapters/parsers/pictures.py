"""A page of a PDF as a picture, drawn in the same kind of child that reads files."""

from __future__ import annotations

import struct
import zlib

import pypdfium2 as pdfium  # type: ignore[import-untyped] # it says nothing of types

from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import Read
from answerable.domain.documents import Text

_WIDTH_PX = 1_000
_RATIO_MAX = 3.0  # of height and width: longer ones are drawn narrower
_LEVEL = 6
_KINDS = {1: 0, 3: 2, 4: 6}  # colour types of PNG by bytes of a pixel


def digest() -> str:
    """Return what changes when the same page may give another picture."""
    return "pictures-1"


def read(path: str, data: bytes) -> Read:
    """Return a page as a file ``page.png``, 1,000 pixels wide unless it is very long.

    Args:
        path: Number of the page, from 1, and ``.pdf``; ``3x2000.pdf`` for a width of 2,000.
        data: The document.

    Raises:
        Refused: ``malformed`` when it is no PDF that can be read, or has no such page.
    """
    number, width_px = _wanted(path)
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError:
        raise Refused("malformed", "it is no PDF that can be read") from None
    try:
        if not 1 <= number <= len(document):
            raise Refused("malformed", f"it has no page {number}")
        return (
            "png",
            Text(text="", title="", blocks=()),
            [("page.png", _drawn(document[number - 1], width_px))],
        )
    finally:
        document.close()


def _wanted(path: str) -> tuple[int, int]:
    number, _, width_px = path.partition(".")[0].partition("x")
    return int(number), int(width_px or _WIDTH_PX)


def _drawn(page: pdfium.PdfPage, width_px: int) -> bytes:
    width, height = page.get_size()
    scale = width_px / max(width, height / _RATIO_MAX, 1.0)
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    pixels = bitmap.to_numpy()
    return _png(pixels.tobytes(), bitmap.width, bitmap.height, bitmap.n_channels)


def _png(pixels: bytes, width: int, height: int, channels: int) -> bytes:
    """Return a PNG of rows of bytes, without filters.

    Source: W3C, "Portable Network Graphics (PNG) Specification", third edition.
    """
    stride = width * channels
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, height * stride, stride))
    head = struct.pack("!IIBBBBB", width, height, 8, _KINDS[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, _LEVEL)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + name + body + struct.pack("!I", zlib.crc32(name + body))
