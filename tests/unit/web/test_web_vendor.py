"""What we ship of others is what they published."""

from __future__ import annotations

import base64
import hashlib
import json

from answerable.entrypoints.web.printing import HERE

VENDOR = HERE / "static" / "vendor"


def test_vendored_files_are_what_their_record_says() -> None:
    """Every vendored script has the recorded hash and its licence beside it."""
    record = json.loads((VENDOR / "vendor.json").read_text())
    for one in record:
        digest = hashlib.sha384((VENDOR / one["file"]).read_bytes()).digest()
        assert one["integrity"] == f"sha384-{base64.b64encode(digest).decode()}"
        assert (VENDOR / one["license_file"]).read_text().strip()
    scripts = {path.name for path in VENDOR.glob("*.js")}
    assert scripts == {one["file"] for one in record}


def test_pages_hold_nothing_inline() -> None:
    """No template has an inline script, style or handler, nor an address of another host."""
    for template in (HERE / "templates").glob("*.html"):
        text = template.read_text()
        assert "style=" not in text
        assert "<style" not in text
        assert " on" + "click" not in text
        assert "://" not in text
        assert "|safe" not in text
        assert "<script>" not in text
