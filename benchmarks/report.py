"""What was measured, as a table for the terminal and as a page of the guide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_LARGEST = 100_000
_SHARE_REACHED = 0.95
_QUIET = 0.5

_SIDES = {
    "ask": "Answerable `ask`, in process",
    "http": "Answerable `POST /v1/ask`",
    "search": "Answerable search, in process",
    "fts5": "SQLite FTS5",
    "bm25s": "bm25s",
    "lancedb": "LanceDB full-text",
}

Result = Mapping[str, Any]


def aims(result: Result) -> list[dict[str, object]]:
    """Return each aim with what was measured; `met` is None where it could not be."""
    sizes: Sequence[Result] = result["sizes"]
    large = [one for one in sizes if one["chunks"] >= _LARGEST * _SHARE_REACHED]
    at = large[-1] if large else None
    ask = at["queries"]["ask"] if at else None
    change = result["no_change"]
    busy = [one["busy"]["busy"]["p99_ms"] / one["busy"]["idle"]["p99_ms"] for one in sizes]
    return [
        _most("ask, p50 at 100k chunks", 3, ask and ask["p50_ms"], "ms"),
        _most("ask, p99 at 100k chunks", 10, ask and ask["p99_ms"], "ms"),
        _least("ingest from files", 2_500, min(one["ingest"]["chunks_per_s"] for one in sizes)),
        _least("index and state alone", 10_000, min(one["store"]["chunks_per_s"] for one in sizes)),
        _most("ask p99 beside an ingest, by idle p99", 2, max(busy), "times"),
        _most("`answerable --help`", 0.3, result["help"]["seconds"], "s"),
        _most(
            "ingest of 1,239 unchanged files",
            2,
            change["seconds"] if change["is_ops_docs"] else None,
            "s",
        ),
        _most(
            "memory of a server at 100k chunks", 250, at and at["queries"]["http"]["rss_mb"], "MB"
        ),
    ]


def _most(what: str, limit: float, measured: float | None, unit: str) -> dict[str, object]:
    met = None if measured is None else measured <= limit
    return {
        "what": what,
        "aim": f"at most {limit:g} {unit}",
        "measured": measured,
        "unit": unit,
        "met": met,
    }


def _least(what: str, limit: float, measured: float) -> dict[str, object]:
    return {
        "what": what,
        "aim": f"at least {limit:,} chunks/s",
        "measured": measured,
        "unit": "chunks/s",
        "met": measured >= limit,
    }


def terminal(result: Result) -> str:
    """Return everything as plain text tables."""
    return "\n".join(line for table in _tables(result) for line in (*_plain(table), ""))


def page(result: Result) -> str:
    """Return the page of the guide."""
    machine = result["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    sync = "{p50_ms:.2g} ms at the median, {p99_ms:.2g} ms at the 99th percentile"
    tables = {table[0]: "\n".join(_markdown(table)) for table in _tables(result)}
    missing = ", ".join(result["peers_missing"])
    return _PAGE.format(
        at=result["at"],
        command=result["command"],
        processor=machine["processor"],
        cores=machine["cores"],
        memory=machine["memory_gb"],
        kernel=machine["kernel"],
        python=machine["python"],
        libraries=libraries,
        sync=sync.format(**machine["disk_sync"]),
        questions=result["questions"],
        others=_OTHERS.format(load=result["load_before"]) if result["load_before"] > _QUIET else "",
        missing=f"\nMissing in this run: {missing}.\n" if missing else "",
        sources=", ".join(result["sizes"][-1]["sources"]),
        aims=tables.pop("Aims"),
        tables="\n\n".join(f"## {name}\n\n{table}" for name, table in tables.items()),
    )


Table = tuple[str, Sequence[str], list[Sequence[str]]]


def _tables(result: Result) -> Iterator[Table]:
    yield "Aims", ("what", "aim", "measured", "met"), [_aim(one) for one in result["aims"]]
    for size in result["sizes"]:
        yield _queries(size)
    yield _ingest(result["sizes"])
    yield _builds(result["sizes"])
    yield _others(result)


def _aim(one: Result) -> tuple[str, ...]:
    if one["met"] is None:
        return one["what"], one["aim"], "not measured", ""
    measured = f"{_number(one['measured'])} {one['unit']}"
    return one["what"], one["aim"], measured, "met" if one["met"] else "**not met**"


def _queries(size: Result) -> Table:
    queries = size["queries"]
    base = queries["search"]["p50_ms"]
    head = ("side", "p50 ms", "p99 ms", "CPU ms", "p50 by our search", "memory MB", "of it files")
    rows = [
        (
            title,
            *(_number(queries[name][key]) for key in ("p50_ms", "p99_ms", "cpu_ms")),
            f"{queries[name]['p50_ms'] / base:.2g}",
            f"{queries[name]['rss_mb']:.0f}",
            f"{queries[name]['file_mb']:.0f}",
        )
        for name, title in _SIDES.items()
        if name in queries
    ]
    return f"Questions at {size['chunks']:,} chunks{_around(queries)}", head, rows


def _ingest(sizes: Iterable[Result]) -> Table:
    head = ("chunks", "files", "of them real", "from files, chunks/s", "CPU s", "peak MB", "load",
            "index and state alone, chunks/s", "on disk MB")  # fmt: skip
    rows = [
        (
            f"{one['chunks']:,}",
            f"{one['files']:,}",
            f"{one['real_files']:,}",
            " / ".join(f"{rate:,.0f}" for rate in one["ingest"]["runs"]),
            _number(one["ingest"]["cpu_s"]),
            f"{one['ingest']['peak_mb']:.0f}",
            f"{one['ingest']['load']}",
            f"{one['store']['chunks_per_s']:,.0f}",
            f"{one['disk_mb']:.0f}",
        )
        for one in sizes
    ]
    return "Ingesting", head, rows


def _builds(sizes: Iterable[Result]) -> Table:
    head = ("chunks", "engine", "index, chunks/s", "peak MB", "on disk MB", "load")
    rows = [
        (
            f"{size['chunks']:,}",
            _SIDES[name],
            f"{one['chunks_per_s']:,.0f}",
            f"{one['peak_mb']:.0f}",
            f"{one['disk_mb']:.0f}",
            f"{one['load']}",
        )
        for size in sizes
        for name, one in size["builds"].items()
    ]
    return "Indexing by the others, chunks given", head, rows


def _others(result: Result) -> Table:
    change = result["no_change"]
    head = ("what", "measured", "load")
    rows: list[Sequence[str]] = [
        ("`answerable --help`", f"{result['help']['seconds']:.2f} s", f"{result['help']['load']}"),
        (
            f"ingest of {change['files']:,} unchanged files",
            f"{change['seconds']:.2f} s",
            f"{change['load']}",
        ),
    ]
    for size in result["sizes"]:
        start, busy = size["start"], size["busy"]
        at = f"at {size['chunks']:,} chunks"
        beside = (
            f"{_number(busy['idle']['p50_ms'])} / {_number(busy['idle']['p99_ms'])} ms idle, "
            f"{_number(busy['busy']['p50_ms'])} / {_number(busy['busy']['p99_ms'])} ms beside it"
        )
        rows += [
            (f"server ready {at}", f"{start['ready_s']:.2f} s", f"{start['load']}"),
            (f"`answerable ask` {at}", f"{start['ask_s']:.2f} s", f"{start['load']}"),
            (f"ask p50 / p99 beside an ingest {at}", beside, f"{busy['load']}"),
        ]
    return "Starting, and asking beside an ingest", head, rows


def _around(measured: Result) -> str:
    return f", load {measured['load']}, {measured['pace_ns']} ns a loop"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _plain(table: Table) -> Iterator[str]:
    name, head, rows = table
    cells = [
        tuple(cell.replace("**", "").replace("`", "") for cell in row) for row in (head, *rows)
    ]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    yield name
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))


def _markdown(table: Table) -> Iterator[str]:
    _, head, rows = table
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"


_OTHERS = """\
The machine was doing other work too: its load was {load:.1f} before the first measurement, and
stands beside the others. Times here are longer than on a machine of its own, so an aim not met here
may be met there, and "idle" was not: how much an ingest delays questions has to be measured again.
The sides met the same conditions and can be compared with each other.
"""

_PAGE = """\
# Benchmarks

`benchmarks/run.py --write` wrote this page. Run `make bench` to measure your own machine: numbers
of another one say little about it. It takes some minutes and leaves nothing behind but the
environment `.venv-bench`.

Measured {at} with `{command}`.
{others}
| | |
|---|---|
| processor | {processor}, {cores} cores |
| memory | {memory} GB |
| system | {kernel}, Python {python} |
| libraries | {libraries} |
| one synced write of 4 KB | {sync} |

## Aims

{aims}

{tables}

## What was measured

**Documents.** Real ones first ({sources}), then recombined ones up to the size: headings, lists,
tables and code of a real page, its sentences replaced by sentences of any other page, one word in
fifty made a new numbered name. The seed is fixed, so every run reads the same files. Ingesting is
end to end: `answerable ingest` as a command, process start, parsing and every sync included.

**Questions.** {questions} different ones about the real documents, from ops-qa, SQuAD 2.0 and the
shipped set, in a fixed random order. The first 120 warm every side up and do not count; after them
no side is asked a question twice.

**Sides.** Each runs in a process of its own, and all get the same questions, fifty at a time in
turn, so that whatever else the machine does meets all of them. The peers index the very chunks
Answerable made (visible text, title, headings), search for the same words with stems and without
stop words, and return the ten best with their text. They quote nothing and check nothing, so
compare them with *Answerable search*; *ask* goes on to choose quotes, verify each against its
document and commit a trace to disk. FTS5 has three fields with Answerable's weights, one segment,
WAL and synced commits; bm25s holds everything in memory and takes its stems from Answerable's
analyser; LanceDB indexes one column. None of them removes, relabels or goes back to an earlier
state here, which Answerable can at any moment.
{missing}
**CPU ms** is processor time a question, all threads of the process; for HTTP, of the server alone.
**Memory** is what is resident after these questions; of it, *files* is page cache that the kernel
takes back when it needs to. **Load** is the average over a minute around the measurement, and **ns
a loop** how long an empty loop of Python takes once around: on an idle machine it is at its lowest,
and a second process on the same core raises every number on this page.

**Beside an ingest.** One question every 20 ms: idle, then while another process ingests a fifth
more documents into the same library, then idle again; the quieter idle time is what the aim
compares with. A question that starts late because the last one took long counts from when it was
due.
"""
