"""Real, messy files and hostile ones, read in the child as an ingest reads them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parser_laws import assert_lawful

from answerable.adapters.parsers.pool import Limits, ParserPool
from answerable.library.ports import Parsed, Raw, Unreadable
from answerable.library.visible import shown

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "ingest-samples"
OFFICE = frozenset({".pdf", ".docx", ".pptx", ".xlsx", ".epub", ".doc", ".msg", ".html"})
TYPED = frozenset(
    {"binary", "empty", "encoding", "malformed", "memory", "output_too_large", "timeout"}
    | {"encrypted", "needs_ocr", "unsafe", "unsupported"}
)

# Marks of structure that are ours: two extractors that agree on a phrase do not write them.
_OURS = re.compile(
    r"(?m)^[ \t]*(?:#{1,6} |[-*+] |\d+[.)] |[\u2022] )|[|`#*]+|(?<=\|)---+(?=\|)|-{3,}"
)


def words(text: str) -> str:
    """Return a text without our marks and with single spaces."""
    return " ".join(_OURS.sub(" ", text).split())


def manifest() -> list[dict[str, Any]]:
    """Return what is known of the real samples; none where they are not beside this checkout."""
    path = SAMPLES / "manifest.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    """Give a pool that ends with these tests."""
    with ParserPool(children=2, limits=Limits(wall_s=60.0)) as made:
        yield made


def test_real_samples(pool: ParserPool) -> None:
    """Each is read or refused as it should be; nearly all phrases that must be found are."""
    rows = [row for row in manifest() if Path(row["file"]).suffix in OFFICE]
    if not rows:
        pytest.skip("no ingest-samples beside this checkout")
    raws = [Raw(path=row["file"], data=(SAMPLES / row["file"]).read_bytes()) for row in rows]
    results = {result.path: result for result in pool.read(raws)}
    missing, wanted = [], 0
    for row in rows:
        result = results[row["file"]]
        if isinstance(result, Unreadable):
            assert row["expect"] != "text", (row["file"], result.code)
            assert result.code in TYPED
            continue
        assert row["expect"] != "reject", row["file"]
        assert_lawful(result.text)
        said = words(f"{result.text.title} {shown(result.text, 0, len(result.text.text))}")
        wanted += len(row["must_contain"])
        missing += [(row["file"], one) for one in row["must_contain"] if words(one) not in said]
    assert len(missing) <= 0.03 * wanted, missing


@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_files(pool: ParserPool, tmp_path: Path, seed: int) -> None:
    """No crash, no hang: each is read or refused in words, and the parsers go on."""
    script = SAMPLES / "make_malformed.py"
    if not script.exists():
        pytest.skip("no ingest-samples beside this checkout")
    made = tmp_path / "made"
    command = [sys.executable, str(script), str(made), "--seed", str(seed)]
    subprocess.run(command, check=True, capture_output=True)
    rows = [json.loads(line) for line in (made / "expected.jsonl").read_text().splitlines()]
    assert len(rows) >= 46
    raws = [Raw(path=row["file"], data=(made / row["file"]).read_bytes()) for row in rows]
    results = {result.path: result for result in pool.read(raws)}
    for row in rows:
        result = results[row["file"]]
        if isinstance(result, Unreadable):
            assert result.code in TYPED, (row["file"], result.code)
            assert row["expect"] != "text", (row["file"], result.code)
        else:
            assert row["expect"] != "reject", row["file"]
            assert_lawful(result.text)
            _assert_holds(result, row)


def _assert_holds(result: Parsed, row: dict[str, Any]) -> None:
    text = result.text.text
    for one in row["must_contain"] if row["expect"] == "text" else ():
        assert one in text, row["file"]
    for one in row["must_not_contain"]:
        assert one not in text, row["file"]
    if "hidden text carries" in row["note"]:
        assert row["note"].split()[3] not in text


# Every file is read once before, so that all modules are loaded: they may lie where only root
# may read.
_AS_NOBODY = """
import os, sys
sys.path.append(sys.argv[1])
from office_samples import docx, epub, lines, p, pdf, pptx, slide, xlsx
from answerable.adapters.parsers import child, formats
files = {
    "a.pdf": pdf(lines("words")), "a.docx": docx(p("words")), "a.xlsx": xlsx({"A": [["x", 1]]}),
    "a.pptx": pptx(slide("words")), "a.epub": epub("<p>words</p>"),
}
for path, data in files.items():
    formats.read(path, data)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
child.leave_network()
child._limit(2**30)
for path, data in files.items():
    result = child.attempt(formats.read, path, data)
    print(result[0] if isinstance(result, tuple) else result.reason)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_reads_the_same() -> None:
    """Limits that do not bind root bind others: what reads files needs no thread, no process."""
    command = [sys.executable, "-c", _AS_NOBODY, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pdf", "docx", "sheets", "pptx", "epub"]
