"""Read real, messy documents: CPU seconds, memory, and which phrases that must be found are.

    python benchmarks/bench_formats.py ../shared/data/ingest-samples --write

Each file is read by each engine in a process of its own, several times; the fastest counts. Time is
that of the processor, so that a busy machine does not change it much; memory is the peak of the
process, engine included. Engines that are not installed are left out: `pip install
markitdown[pdf,docx,pptx,xlsx] pypdf pdfplumber`.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guide" / "formats.md"
BEGIN, END = "<!-- formats table: begin -->", "<!-- formats table: end -->"
ENGINES = ("answerable", "markitdown", "pypdf", "pdfplumber")
SUFFIXES = (".pdf", ".docx", ".pptx", ".xlsx", ".epub", ".html")
ONLY_PDF = frozenset({"pypdf", "pdfplumber"})
TIMEOUT_S = 120
_MARKS = re.compile(r"(?m)^[ \t]*(?:#{1,6} |[-*+] |\d+[.)] |[\u2022] )|[|`#*]+|-{3,}")


@dataclass(frozen=True, kw_only=True)
class Read:
    """What one engine made of one file.

    Attributes:
        error: Why there is no text; empty when there is.
        found: How many of the phrases that must be in it are.
    """

    seconds: float
    peak_mb: float
    found: int
    error: str


def main() -> None:
    """Measure, print the table, and with ``--write`` put it into the guide."""
    arguments = _arguments()
    if arguments.engine:
        print(json.dumps(_measured(arguments.engine, arguments.folder, arguments.repeats)))
        return
    rows = [
        row
        for line in (arguments.folder / "manifest.jsonl").read_text().splitlines()
        if (row := json.loads(line))["file"].endswith(SUFFIXES)
    ]
    engines = [one for one in ENGINES if one == "answerable" or find_spec(one)]
    table = list(_table(rows, engines, arguments))
    print("\n".join(table))
    if arguments.write:
        _write(table, engines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    return parser.parse_args()


def _table(
    rows: Sequence[dict[str, Any]], engines: Sequence[str], arguments: argparse.Namespace
) -> Iterator[str]:
    yield "| file | pages | " + " | ".join(f"{one}: CPU s / MB / found" for one in engines) + " |"
    yield "| --- | --- |" + " --- |" * len(engines)
    totals = dict.fromkeys(engines, (0.0, 0, 0))
    for row in rows:
        cells = []
        for engine in engines:
            if engine in ONLY_PDF and not row["file"].endswith(".pdf"):
                cells.append("")
                continue
            read = _read(engine, arguments.folder / row["file"], row, arguments.repeats)
            wanted = len(row["must_contain"])
            seconds, found, of = totals[engine]
            totals[engine] = (seconds + read.seconds, found + read.found, of + wanted)
            cells.append(_cell(read, wanted))
        pages = row["info"].removesuffix(" pages") if "pages" in row["info"] else ""
        yield f"| {Path(row['file']).name} | {pages} | " + " | ".join(cells) + " |"
    sums = (f"{s:.1f} s, {f} of {o}" for s, f, o in totals.values())
    yield "| **all** | | " + " | ".join(sums) + " |"


def _cell(read: Read, wanted: int) -> str:
    if read.error:
        return read.error
    return f"{read.seconds:.2f} / {read.peak_mb:.0f} / {read.found} of {wanted}"


def _read(engine: str, path: Path, row: dict[str, Any], repeats: int) -> Read:
    command = [sys.executable, __file__, str(path), "--engine", engine, "--repeats", str(repeats)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Read(seconds=TIMEOUT_S, peak_mb=0, found=0, error=f"over {TIMEOUT_S} s")
    if done.returncode != 0:
        return Read(seconds=0, peak_mb=0, found=0, error="crashed")
    said = json.loads(done.stdout.splitlines()[-1])
    text = _words(said["text"])
    found = sum(_words(one) in text for one in row["must_contain"])
    return Read(seconds=said["seconds"], peak_mb=said["peak_mb"], found=found, error=said["error"])


def _words(text: str) -> str:
    return " ".join(_MARKS.sub(" ", text).split())


def _measured(engine: str, path: Path, repeats: int) -> dict[str, Any]:
    read = _ENGINES[engine]()
    text, error, best = "", "", float("inf")
    for _ in range(repeats):
        began = process_time()
        try:
            text = read(path)
        except Exception as failure:  # noqa: BLE001 -- whatever an engine does is its result
            error = getattr(failure, "code", type(failure).__name__)
        best = min(best, process_time() - began)
    if not error and not text.strip():
        error = "no text"
    return {"seconds": best, "peak_mb": _peak_mb(), "text": text, "error": error}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _answerable() -> Callable[[Path], str]:
    from answerable.adapters.parsers import formats  # noqa: PLC0415
    from answerable.library.visible import shown  # noqa: PLC0415

    def read(path: Path) -> str:
        text = formats.read(path.name, path.read_bytes())[1]
        return f"{text.title}\n{shown(text, 0, len(text.text))}"

    return read


def _markitdown() -> Callable[[Path], str]:
    from markitdown import MarkItDown  # noqa: PLC0415

    converter = MarkItDown()
    return lambda path: str(converter.convert(str(path)).text_content)


def _pypdf() -> Callable[[Path], str]:
    from pypdf import PdfReader  # noqa: PLC0415

    return lambda path: "\n".join(page.extract_text() for page in PdfReader(path).pages)


def _pdfplumber() -> Callable[[Path], str]:
    import pdfplumber  # noqa: PLC0415

    def read(path: Path) -> str:
        with pdfplumber.open(path) as document:
            return "\n".join(page.extract_text() or "" for page in document.pages)

    return read


_ENGINES: dict[str, Callable[[], Callable[[Path], str]]] = {
    "answerable": _answerable,
    "markitdown": _markitdown,
    "pypdf": _pypdf,
    "pdfplumber": _pdfplumber,
}


def _write(table: Sequence[str], engines: Sequence[str]) -> None:
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    names = ", ".join(f"{one} {_version(one)}" for one in engines)
    day = datetime.now(tz=UTC).date().isoformat()
    told = f"Measured on {day} with `python benchmarks/bench_formats.py DATA --write`: {names}."
    PAGE.write_text("\n".join([f"{before}{BEGIN}", *table, "", told, f"{END}{after}"]))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    main()
