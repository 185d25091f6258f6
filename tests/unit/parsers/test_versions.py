"""The digest of the parsers names every module that decides what a text is."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerable.adapters.parsers import formats

# They move bytes and results about, and decide nothing about a text.
# They carry bytes, or make of a page what no index holds; OCR stands outside the digest on purpose.
_CARRIERS = {"__init__", "child", "formats", "pool", "reply", "confined", "pictures", "recognising"}


def test_every_parser_has_a_version() -> None:
    """A new parser module cannot be forgotten in the digest that names a line."""
    modules = {path.stem for path in Path(formats.__file__).parent.glob("*.py")}
    assert set(formats._VERSIONS) == modules - _CARRIERS


def test_raising_a_version_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are read again after a parser has changed."""
    before = formats.digest()
    monkeypatch.setitem(formats._VERSIONS, "markdown", 99)
    assert formats.digest() != before
