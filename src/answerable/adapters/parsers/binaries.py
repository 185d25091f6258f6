"""Formats that are no text, told by their bytes: what a name says is believed only where bytes
leave it open.
"""  # noqa: D205 -- one sentence

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.zips import Archive
from answerable.domain.documents import Text

SUFFIXES = frozenset(
    {".pdf", ".docx", ".docm", ".dotx", ".dotm", ".doc", ".rtf", ".odt", ".ott", ".epub", ".msg"}
    | {".pptx", ".pptm", ".ppsx", ".potx", ".ppt", ".odp", ".otp"}
    | {".xlsx", ".xlsm", ".xlsb", ".xltx", ".xls", ".ods", ".ots"}
)
"""Names that promise one of these formats."""

_PDF_WITHIN = 1024
_ZIP = b"PK\x03\x04"
_ENTRY_BYTES = 128  # of a compound file's directory, in which names begin
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RTF = b"{\\rtf"

_FOLDERS = {"word/": "docx", "ppt/": "pptx", "xl/": "sheets"}
_TYPES = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odf",
    b"application/vnd.oasis.opendocument.presentation": "odf",
    b"application/vnd.oasis.opendocument.spreadsheet": "sheets",
}
# Streams of compound files, by what they say of it; the first that is there counts.
_STREAMS = (
    ("EncryptedPackage", "encrypted"),
    ("WordDocument", "word"),
    ("PowerPoint Document", "powerpoint"),
    ("__properties_version1.0", "outlook"),
    ("Workbook", "sheets"),
    ("Book", "sheets"),
)
_UNSUPPORTED = {
    "word": "it is an old Word document (.doc): save it as .docx",
    "powerpoint": "it is an old presentation (.ppt): save it as .pptx",
    "outlook": "it is an Outlook message (.msg): save it as .eml",
    "rtf": "it is rich text (.rtf): save it as .docx",
}


def kind_of(data: bytes, suffix: str) -> str | None:
    """Return which of these formats the bytes of a file are; None when they are none of them.

    Args:
        data: All of them.
        suffix: Of the file's name, lower case with its dot.

    Raises:
        Refused: An archive is damaged or unsafe, and named like a document.
    """
    if data.startswith(b"%PDF-") or (suffix == ".pdf" and b"%PDF-" in data[:_PDF_WITHIN]):
        return "pdf"
    if data.startswith(_ZIP):
        return _kind_of_zip(data, suffix)
    if data.startswith(_OLE):
        return next((kind for name, kind in _STREAMS if _has_stream(data, name)), None)
    return "rtf" if data.startswith(_RTF) else None


def read(kind: str, data: bytes) -> tuple[str, Text]:
    """Return the name of the parser and what it made of a file.

    Args:
        kind: From `kind_of`.
        data: The bytes of the file.

    Raises:
        Refused: It gives no text.
    """
    if kind == "encrypted":
        raise Refused("encrypted", "it is protected by a password")
    if kind in _UNSUPPORTED:
        raise Refused("unsupported", _UNSUPPORTED[kind])
    module = import_module(f"answerable.adapters.parsers.{kind}")
    reader: Callable[[bytes], Text] = module.read
    return kind, reader(data)


def _kind_of_zip(data: bytes, suffix: str) -> str | None:
    try:
        archive = Archive(data)
        if "mimetype" in archive:
            kind = archive.read("mimetype").strip().removesuffix(b"-template")
            return _TYPES.get(kind)
    except Refused:
        if suffix in SUFFIXES:
            raise
        return None
    if suffix in SUFFIXES or "[Content_Types].xml" in archive:
        for folder, name in _FOLDERS.items():
            if archive.below(folder):
                return name
    return "epub" if "META-INF/container.xml" in archive else None


def _has_stream(data: bytes, name: str) -> bool:
    """Return whether the directory of a compound file names a stream; its words may, too."""
    wanted = f"{name}\0".encode("utf-16-le")
    at = data.find(wanted)
    while at >= 0 and at % _ENTRY_BYTES:
        at = data.find(wanted, at + 1)
    return at >= 0
