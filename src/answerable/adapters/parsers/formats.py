"""Which parser reads which file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import PurePosixPath

from answerable.adapters.parsers import binaries, canonical
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import Read
from answerable.domain.documents import Finding, FindingKind, Text

_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx"})
_RST = frozenset({".rst", ".rest"})
_HTML = frozenset({".html", ".htm", ".xhtml"})
_ASCIIDOC = frozenset({".adoc", ".asciidoc", ".asc"})
_ORG = frozenset({".org"})
_DELIMITED = frozenset({".csv", ".tsv", ".tab"})
_YAML = frozenset({".yaml", ".yml"})
_JSON = frozenset({".json", ".jsonc", ".json5", ".geojson", ".webmanifest"})
_SECTIONS = frozenset(
    {".toml", ".ini", ".cfg", ".conf", ".cnf", ".properties", ".env", ".desktop", ".editorconfig"}
    | {".service", ".timer", ".socket", ".mount", ".target", ".path", ".slice", ".network"}
)
_PAGE = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_FEEDS = frozenset({".xml", ".rss", ".atom"})
# Names that promise text: bytes that are none are an error there, not something to pass over.
_TEXT = (
    _MARKDOWN
    | _RST
    | _HTML
    | _ASCIIDOC
    | _ORG
    | _DELIMITED
    | _YAML
    | _JSON
    | _SECTIONS
    | _FEEDS
    | {".txt", ".text", ".log", ".eml", ".ipynb", ".jsonl", ".ndjson", ".man", ".mdoc"}
    | {".sh", ".bash", ".py", ".js", ".ts", ".go", ".rs", ".rb", ".java", ".sql", ".tf", ".pl"}
    | {".c", ".h", ".cc", ".cpp", ".cs", ".kt", ".php", ".lua", ".ps1", ".bat", ".css"}
)
# Raise the number of a module here when the same bytes give another text by it. They stand here,
# not there, because every start needs them and each module pulls in its library.
_VERSIONS = {
    "asciidoc": 1,
    "binaries": 2,
    "canonical": 3,
    "code": 1,
    "compose": 2,
    "config": 2,
    "delimited": 1,
    "docx": 1,
    "draft": 2,
    "epub": 1,
    "feed": 2,
    "hidden": 2,
    "html": 4,
    "html_hidden": 2,
    "lines": 1,
    "logs": 2,
    "mail": 3,
    "man": 1,
    "manual": 1,
    "markdown": 1,
    "mdoc": 1,
    "notebook": 2,
    "odf": 1,
    "office": 1,
    "org": 1,
    "outline": 1,
    "pdf": 1,
    "pdf_layout": 1,
    "pdf_pages": 1,
    "plain": 2,
    "pptx": 1,
    "roff": 2,
    "rst": 1,
    "sheets": 1,
    "shortcodes": 1,
    "tbl": 1,
    "xmls": 1,
    "zips": 1,
}

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
    """Return the name of the parser and the text it made of a file, as `read_all` does."""
    return read_all(path, data)[:2]


def read_all(path: str, data: bytes) -> Read:
    """Return the name of the parser and what it made of a file; of a message, what is attached.

    Args:
        path: With ``/`` between parts; only its suffix counts.
        data: The bytes of the file.

    Raises:
        Refused: It gives no text: ``binary``, ``malformed``, ``encoding`` or ``empty``; of
            formats that are no text also ``encrypted``, ``needs_ocr``, ``unsafe`` or
            ``unsupported``.
    """
    suffix = PurePosixPath(path).suffix.strip().lower()
    if kind := binaries.kind_of(data, suffix):
        return binaries.read(kind, data)
    try:
        if suffix == ".eml":
            return _message(data)
        source, unseen = canonical.read(data)
    except Refused as refused:
        if refused.code == "binary" and suffix in _TEXT | binaries.SUFFIXES:
            raise Refused("malformed", f"it is not what its name says: {refused.reason}") from None
        raise
    name, text = _read(source, _of_text(source, suffix))
    return name, _noted(text, unseen)


def _noted(text: Text, unseen: int) -> Text:
    """Return a text with the number of its characters that nobody would have seen."""
    if not unseen:
        return text
    counts = {one.kind: one.count for one in text.findings}
    counts[FindingKind.INVISIBLE] = counts.get(FindingKind.INVISIBLE, 0) + unseen
    found = (Finding(kind=kind, count=counts[kind]) for kind in FindingKind if kind in counts)
    return replace(text, findings=tuple(found))


def _of_text(source: str, suffix: str) -> str:
    """Return the suffix that tells how to read a text; pages are often saved as documents.

    Raises:
        Refused: ``malformed`` when the name says that it is no text, and it is no page.
    """
    if suffix == ".asc" and source.startswith("-----BEGIN PGP"):
        return ".txt"
    if suffix not in binaries.SUFFIXES:
        return suffix
    if _PAGE.match(source):
        return ".html"
    raise Refused("malformed", "it is not what its name says: it is text")


def _message(data: bytes) -> Read:
    """Read an email, whose parts are each written in an encoding of its own."""
    from answerable.adapters.parsers import mail  # noqa: PLC0415

    return "email", *mail.read_all(data)


def _read(source: str, suffix: str) -> tuple[str, Text]:
    """Read canonical text with the parser of its suffix; a parser is loaded when first used."""
    name = _named(suffix) or _recognised(source, suffix)
    return _READERS[name](source, suffix)


def _named(suffix: str) -> str:
    """Return the name of the reader that a suffix alone decides, empty if none does."""
    return next((name for name, suffixes in _SUFFIXES.items() if suffix in suffixes), "")


def _recognised(source: str, suffix: str) -> str:
    """Return the name of the reader of text that says itself what it is."""
    from answerable.adapters.parsers import logs, plain, roff  # noqa: PLC0415

    if roff.is_roff(source):
        return "man"
    if (suffix == ".log" or suffix[1:].isdigit()) and logs.is_log(source):
        return "log"
    if suffix in plain.SOURCES or (suffix in plain.PROSE and not source.startswith("#!")):
        return "text"
    return "text" if suffix[1:].isdigit() else "code"


def _markdown(source: str, suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import markdown  # noqa: PLC0415

    return "markdown", markdown.read(source, jsx=suffix == ".mdx")


def _rst(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import rst  # noqa: PLC0415

    return "rst", rst.read(source)


def _html(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import html  # noqa: PLC0415

    return "html", html.read(source)


def _asciidoc(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import asciidoc  # noqa: PLC0415

    return "asciidoc", asciidoc.read(source)


def _org(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import org  # noqa: PLC0415

    return "org", org.read(source)


def _csv(source: str, suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import delimited  # noqa: PLC0415

    return "csv", delimited.read(source, suffix)


def _yaml(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import config  # noqa: PLC0415

    return "yaml", config.yaml(source)


def _json(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import config  # noqa: PLC0415

    return "json", config.json(source)


def _config(source: str, suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import code, config  # noqa: PLC0415

    if config.has_sections(source):
        return "config", config.sections(source)
    return "config", code.read(source, suffix)


def _notebook(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import notebook  # noqa: PLC0415

    return notebook.read(source)


def _xml(source: str, suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import feed, plain  # noqa: PLC0415

    text = plain.read(source, suffix)
    if feed.is_feed(source) and (read := feed.read(source)):
        return "feed", read
    return "text", text


def _man(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import man  # noqa: PLC0415

    return "man", man.read(source)


def _log(source: str, _suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import logs  # noqa: PLC0415

    return "log", logs.read(source)


def _code(source: str, suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import code  # noqa: PLC0415

    return "code", code.read(source, suffix)


def _text(source: str, suffix: str) -> tuple[str, Text]:
    from answerable.adapters.parsers import plain  # noqa: PLC0415

    return "text", plain.read(source, suffix)


_SUFFIXES: Mapping[str, Collection[str]] = {
    "markdown": _MARKDOWN,
    "rst": _RST,
    "html": _HTML,
    "asciidoc": _ASCIIDOC,
    "org": _ORG,
    "csv": _DELIMITED,
    "yaml": _YAML,
    "json": _JSON,
    "config": _SECTIONS,
    "notebook": {".ipynb"},
    "xml": _FEEDS,
}
_READERS: Mapping[str, Callable[[str, str], tuple[str, Text]]] = {
    "markdown": _markdown,
    "rst": _rst,
    "html": _html,
    "asciidoc": _asciidoc,
    "org": _org,
    "csv": _csv,
    "yaml": _yaml,
    "json": _json,
    "config": _config,
    "notebook": _notebook,
    "xml": _xml,
    "man": _man,
    "log": _log,
    "code": _code,
    "text": _text,
}
