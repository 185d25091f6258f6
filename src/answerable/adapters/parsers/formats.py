"""Which parser reads which file."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import PurePosixPath

from answerable.adapters.parsers import binaries, canonical
from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import Text

_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx"})
_RST = frozenset({".rst", ".rest"})
_HTML = frozenset({".html", ".htm", ".xhtml"})
# Names that promise text: bytes that are none are an error there, not something to pass over.
_TEXT = (
    _MARKDOWN
    | _RST
    | _HTML
    | {".txt", ".text", ".log", ".adoc", ".org", ".csv", ".tsv", ".json", ".jsonl", ".xml"}
    | {".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".env"}
    | {".sh", ".bash", ".py", ".js", ".ts", ".go", ".rs", ".rb", ".java", ".sql", ".tf"}
)
# Raise the number of a module here when the same bytes give another text by it. They stand here,
# not there, because every start needs them and each module pulls in its library.
_VERSIONS = {"canonical": 1, "html": 2, "markdown": 1, "plain": 1, "rst": 1, "shortcodes": 1}
_VERSIONS |= {"binaries": 1, "compose": 1, "docx": 1, "epub": 1, "html_hidden": 1, "odf": 1}
_VERSIONS |= {"office": 1, "pdf": 1, "pdf_layout": 1, "pdf_pages": 1, "pptx": 1, "sheets": 1}
_VERSIONS |= {"xmls": 1, "zips": 1}

# The libraries that decide where a block begins or what a page says.
_LIBRARIES = (
    *("charset-normalizer", "html-to-markdown", "markdown-it-py", "selectolax"),
    *("pypdfium2", "python-calamine"),
)


def digest() -> str:
    """Return what changes when the same bytes may give another text: parsers and libraries."""
    own = (f"{name}-{number}" for name, number in _VERSIONS.items())
    return " ".join((*own, *(f"{name}-{version(name)}" for name in _LIBRARIES)))


def read(path: str, data: bytes) -> tuple[str, Text]:
    """Return the name of the parser and what it made of a file.

    Args:
        path: With ``/`` between parts; only its suffix counts.
        data: The bytes of the file.

    Raises:
        Refused: It gives no text: ``binary``, ``malformed``, ``encoding`` or ``empty``; of
            formats that are no text also ``encrypted``, ``needs_ocr``, ``unsafe`` or
            ``unsupported``.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if kind := binaries.kind_of(data, suffix):
        return binaries.read(kind, data)
    try:
        source = canonical.canonical(data)
    except Refused as refused:
        if refused.code == "binary" and suffix in _TEXT | binaries.SUFFIXES:
            raise Refused("malformed", f"it is not what its name says: {refused.reason}") from None
        raise
    return _read(source, _of_text(source, suffix))


def _of_text(source: str, suffix: str) -> str:
    """Return the suffix that tells how to read a text; pages are often saved as documents.

    Raises:
        Refused: ``malformed`` when the name says that it is no text, and it is no page.
    """
    if suffix not in binaries.SUFFIXES:
        return suffix
    if source[:1024].lstrip().lower().startswith(("<!doctype html", "<html")):
        return ".html"
    raise Refused("malformed", "it is not what its name says: it is text")


def _read(source: str, suffix: str) -> tuple[str, Text]:
    """Read canonical text with the parser of its suffix; a parser is loaded when first used."""
    if suffix in _MARKDOWN:
        from answerable.adapters.parsers import markdown  # noqa: PLC0415

        return "markdown", markdown.read(source, jsx=suffix == ".mdx")
    if suffix in _RST:
        from answerable.adapters.parsers import rst  # noqa: PLC0415

        return "rst", rst.read(source)
    if suffix in _HTML:
        from answerable.adapters.parsers import html  # noqa: PLC0415

        return "html", html.read(source)
    from answerable.adapters.parsers import plain  # noqa: PLC0415

    return "text", plain.read(source, suffix)
