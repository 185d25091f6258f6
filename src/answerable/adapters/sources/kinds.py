"""What a web server says an answer is, and whether it is that."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import splitext

from answerable.adapters.sources.reading import SNIFF_BYTES

HTML = frozenset({"text/html", "application/xhtml+xml"})

_OPENXML = "application/vnd.openxmlformats-officedocument."
_ZIP = b"PK\x03\x04"
# Suffixes that mean the type, the first where the address has none of them; what it begins with.
_TYPES: dict[str, tuple[tuple[str, ...], bytes]] = {
    "text/html": ((".html", ".htm", ".xhtml"), b""),
    "application/xhtml+xml": ((".xhtml", ".html", ".htm"), b""),
    "text/markdown": ((".md", ".markdown", ".mdx"), b""),
    "text/x-markdown": ((".md", ".markdown", ".mdx"), b""),
    "text/x-rst": ((".rst",), b""),
    "text/prs.fallenstein.rst": ((".rst",), b""),
    "text/asciidoc": ((".adoc",), b""),
    "text/csv": ((".csv",), b""),
    "application/json": ((".json", ".ipynb"), b""),
    "application/yaml": ((".yaml", ".yml"), b""),
    "text/yaml": ((".yaml", ".yml"), b""),
    "application/pdf": ((".pdf",), b"%PDF-"),
    f"{_OPENXML}wordprocessingml.document": ((".docx",), _ZIP),
    f"{_OPENXML}presentationml.presentation": ((".pptx",), _ZIP),
    f"{_OPENXML}spreadsheetml.sheet": ((".xlsx",), _ZIP),
    "application/vnd.oasis.opendocument.text": ((".odt",), _ZIP),
    "application/epub+zip": ((".epub",), _ZIP),
}
# Types that say little: the suffix of the address says more.
_VAGUE = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})
_PLAIN = (
    ".txt .text .log .md .markdown .mdx .rst .adoc .org .csv .tsv .json .yaml .yml .toml .ini .cfg"
    " .conf .sh .py .js .ts .go .rs .rb .java .sql .tf .xml .eml .ipynb .html .htm"
).split()
_BINARY = (".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".epub")
_PAGE_BYTES = 1_024


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What an answer is taken as.

    Attributes:
        suffix: What its path has to end in, so that the right parser reads it.
        is_page: Whether it is HTML, with links to follow.
    """

    suffix: str
    is_page: bool = False


def media_type(header: str) -> str:
    """Return the type in a header ``Content-Type``, without what follows it."""
    return header.partition(";")[0].strip().lower()


def kind(header: str, path: str) -> Kind | None:
    """Return what an answer is taken as, by its type and its address; None: it is no document.

    Args:
        header: ``Content-Type``, as it was sent; empty when it was not.
        path: Of the address, decoded or not.
    """
    said = media_type(header)
    suffix = splitext(path)[1].lower()
    if said in _TYPES:
        suffixes, _ = _TYPES[said]
        return Kind(suffix=suffix if suffix in suffixes else suffixes[0], is_page=said in HTML)
    if said not in _VAGUE:
        return None
    if suffix in _PLAIN or (suffix in _BINARY and said != "text/plain"):
        return Kind(suffix=suffix, is_page=suffix in {".html", ".htm"})
    return Kind(suffix=".txt") if said == "text/plain" else None


def guess(path: str) -> str:
    """Return the suffix a page most likely has, by its address alone."""
    suffix = splitext(path)[1].lower()
    return suffix if suffix in _PLAIN or suffix in _BINARY else ".html"


def lie(header: str, suffix: str, data: bytes) -> str:
    """Return how an answer is not what its type says; nothing when it is.

    Args:
        header: ``Content-Type``, as it was sent.
        suffix: What it is taken as.
        data: Its bytes.
    """
    magic = next(
        (begin for suffixes, begin in _TYPES.values() if suffix in suffixes and begin), b""
    )
    if magic:
        if magic in data[:_PAGE_BYTES]:
            return ""
        return f"its content is not what its type says: {_shown(header)}"
    if data.startswith((b"%PDF-", _ZIP, b"\x7fELF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff")):
        return f"its content is not what its type says: {_shown(header)}"
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data[:SNIFF_BYTES] and not is_wide and "utf-16" not in header.lower():
        return f"its content is no text, and its type says so: {_shown(header)}"
    return ""


def _shown(header: str) -> str:
    said = media_type(header)
    return said if said in _TYPES or said in _VAGUE - {""} else "none"
