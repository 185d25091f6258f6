"""What was measured, as a table for the terminal and as a page of the guide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hybrid import ASK, OURS, RECALL_AIM
from hybrid_peers import HYBRID_PEERS
from vectors import FILTERS, NOISE

_LARGEST = 100_000
_MILLION = 1_000_000
_SHARE_REACHED = 0.95
_QUIET = 0.5
_TELLS_P99 = 300
_NONE = "-"

_SIDES = {
    "ask": "Answerable `ask`, in process",
    "http": "Answerable `POST /v1/ask`",
    "search": "Answerable search, in process",
    "fts5": "SQLite FTS5",
    "bm25s": "bm25s",
    "lancedb": "LanceDB full-text",
}
_HYBRID_SIDES = {
    OURS: "Answerable hybrid search",
    ASK: "Answerable `ask`, hybrid",
    **{name: about.title for name, about in HYBRID_PEERS.items()},
}

Result = Mapping[str, Any]


def joined(results: Sequence[Result]) -> dict[str, Any]:
    """Return what several runs measured as one; what two of them did is that of the last."""
    sizes: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for result in results:
        whole |= result
        for size in result["sizes"]:
            sizes[size["wanted"]] = sizes.get(size["wanted"], {}) | size
    whole |= {
        "runs": [run for result in results for run in _runs(result)],
        "load_before": max(result["load_before"] for result in results),
        "peers_missing": sorted({name for result in results for name in result["peers_missing"]}),
        "sizes": [sizes[wanted] for wanted in sorted(sizes)],
    }
    return whole | {"aims": aims(whole)}


def _runs(result: Result) -> Sequence[Mapping[str, str]]:
    """Return when and how it was measured, one run after the other."""
    alone = [{"at": result["at"], "command": result["command"]}]
    runs: Sequence[Mapping[str, str]] = result.get("runs", alone)
    return runs


def aims(result: Result) -> list[dict[str, object]]:
    """Return each aim with what was measured; `met` is None where it could not be."""
    return [*_aims_of_words(result), *_aims_of_hybrid(result)]


def _aims_of_words(result: Result) -> list[dict[str, object]]:
    sizes = _worded(result)
    if not sizes:
        return []
    at = _about(sizes, _LARGEST)
    ask = at["queries"]["ask"] if at else None
    change = result["no_change"]
    busy = [one["busy"]["busy"]["p99_ms"] / one["busy"]["idle"]["p99_ms"] for one in sizes]
    rate = "chunks/s"
    return [
        _most("ask, p50 at 100k chunks", 3, ask and ask["p50_ms"], "ms"),
        _most("ask, p99 at 100k chunks", 10, ask and ask["p99_ms"], "ms"),
        _least(
            "ingest from files", 2_500, min(one["ingest"]["chunks_per_s"] for one in sizes), rate
        ),
        _least(
            "index and state alone",
            10_000,
            min(one["store"]["chunks_per_s"] for one in sizes),
            rate,
        ),
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


def _aims_of_hybrid(result: Result) -> list[dict[str, object]]:
    sizes = _hybrids(result)
    if not sizes:
        return []
    at, million = _about(sizes, _LARGEST), _about(sizes, _MILLION)
    ours, large = (one and one["queries"][OURS] for one in (at, million))
    found = [one["filters"][OURS] for one in sizes]
    whole = min(one["all"]["recall"] for one in found)
    filtered = min(one[name]["recall"] for one in found for name in FILTERS if name != "all")
    speed = sizes[0]["speed"]
    is_real = speed["name"] == "minilm"
    return [
        _most("hybrid search, p50 at 100k chunks", 3, ours and ours["p50_ms"], "ms"),
        _most("hybrid search, p99 at 100k chunks", 6, ours and ours["p99_ms"], "ms"),
        _most("hybrid search, p50 at 1M chunks", 6, large and large["p50_ms"], "ms"),
        _most("hybrid search, p99 at 1M chunks", 12, large and large["p99_ms"], "ms"),
        _least("recall@10 by meaning, no filter", RECALL_AIM, whole, ""),
        _least("recall@10 by meaning, filtered", 1.0, filtered, ""),
        _least("MiniLM", 100, speed["chunks_per_s"] if is_real else None, "chunks/s"),
        _most(
            "hybrid p50 at 100k chunks, by the fastest peer's that finds as much",
            1,
            at and _by_fastest(at),
            "times",
        ),
    ]


def _by_fastest(size: Result) -> float | None:
    """Return our median time by that of the fastest peer whose recall is enough."""
    peers = [
        queries["p50_ms"]
        for name, queries in size["queries"].items()
        if name != OURS
        and size["filters"].get(name, {}).get("all", {}).get("recall", 0) >= RECALL_AIM
    ]
    ours: float = size["queries"][OURS]["p50_ms"]
    return ours / min(peers) if peers else None


def _worded(result: Result) -> list[Result]:
    return [one for one in result["sizes"] if "queries" in one]


def _hybrids(result: Result) -> list[Result]:
    sizes = [*result["sizes"], *([result["large"]] if "large" in result else [])]
    return [one["hybrid"] for one in sizes if "hybrid" in one]


def _about(sizes: Iterable[Result], chunks: int) -> Result | None:
    """Return the last of the sizes that is about this large."""
    near = [one for one in sizes if _SHARE_REACHED <= one["chunks"] / chunks <= 1 / _SHARE_REACHED]
    return near[-1] if near else None


def _most(what: str, limit: float, measured: float | None, unit: str) -> dict[str, object]:
    met = None if measured is None else measured <= limit
    aim = f"at most {limit:g} {unit}"
    return {"what": what, "aim": aim, "measured": measured, "unit": unit, "met": met}


def _least(what: str, limit: float, measured: float | None, unit: str) -> dict[str, object]:
    met = None if measured is None else measured >= limit
    aim = f"at least {limit:,} {unit}".rstrip()
    return {"what": what, "aim": aim, "measured": measured, "unit": unit, "met": met}


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
        runs="; ".join(f"{run['at']} with `{run['command']}`" for run in _runs(result)),
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
        notes="".join(f"\n{note}\n" for note in result.get("notes", ())),
        aims=tables.pop("Aims"),
        noise=NOISE,
        checked=hybrids[0]["checked"] if (hybrids := _hybrids(result)) else 0,
        left_out=_reasons(result),
        tables="\n\n".join(f"## {name}\n\n{table}" for name, table in tables.items()),
    )


Table = tuple[str, Sequence[str], list[Sequence[str]]]


def _tables(result: Result) -> Iterator[Table]:
    yield "Aims", ("what", "aim", "measured", "met"), [_aim(one) for one in result["aims"]]
    for size in _hybrids(result):
        yield _hybrid_times(size)
        yield _hybrid_filters(size)
    if hybrids := _hybrids(result):
        yield _embedding(hybrids[0])
    if sizes := _worded(result):
        for size in sizes:
            yield _queries(size)
        yield _ingest(sizes)
        yield _builds(sizes)
        yield _others(result)


def _aim(one: Result) -> tuple[str, ...]:
    if one["met"] is None:
        return one["what"], one["aim"], "not measured", ""
    measured = f"{_number(one['measured'])} {one['unit']}".rstrip()
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


def _hybrid_times(size: Result) -> Table:
    base = size["queries"][OURS]["p50_ms"]
    head = ("side", "p50 ms", "p99 ms", "CPU ms", "p50 by ours", "anonymous MB", "mapped MB",
            "build s", "of it vectors s", "rebuild s", "on disk MB", "dial")  # fmt: skip
    rows = [
        (title, *_hybrid_row(size["queries"][name], size["builds"].get(name, {}), base))
        if name in size["queries"]
        else (title, *[_NONE] * (len(head) - 1))
        for name, title in _HYBRID_SIDES.items()
        if name in size["queries"] or name in size["left_out"]
    ]
    what = f"Hybrid search of {size['chunks']:,} chunks, {size['real']:,} of them real"
    return f"{what}, load {size['queries_load']}", head, rows


def _hybrid_row(asked: Result, built: Result, base: float) -> tuple[str, ...]:
    return (
        _number(asked["p50_ms"]),
        _number(asked["p99_ms"]) if asked["n"] >= _TELLS_P99 else _NONE,
        _number(asked["cpu_ms"]),
        f"{asked['p50_ms'] / base:.2g}",
        f"{asked['anonymous_mb']:.0f}",
        f"{asked['file_mb']:.0f}",
        *(_maybe(built.get(key)) for key in ("seconds", "seal_s", "rebuild_s", "disk_mb")),
        _maybe(asked["setting"]),
    )


def _hybrid_filters(size: Result) -> Table:
    head = ("side", *(f"{name}: recall / hybrid p50 ms" for name in FILTERS))
    rows = [
        (
            _HYBRID_SIDES[name],
            *(
                f"{found[kept]['recall']:.3f} / {_number(found[kept]['p50_ms'])}"
                for kept in FILTERS
            ),
        )
        for name, found in size["filters"].items()
        if name != ASK
    ]
    return f"What filters leave to be found in {size['chunks']:,} chunks", head, rows


def _embedding(size: Result) -> Table:
    speed = size["speed"]
    head = ("what", "measured")
    rows = [
        (
            f"{speed['name']}: {speed['texts']} chunks of {speed['characters']:.0f} characters",
            f"{speed['chunks_per_s']:.0f} chunks/s",
        ),
        (
            "one question, p50 / p99",
            f"{_number(speed['question']['p50_ms'])} / {_number(speed['question']['p99_ms'])} ms",
        ),
    ]
    return f"Embedding, load {speed['load']}", head, rows


def _reasons(result: Result) -> str:
    """Return why sides are missing from the tables of hybrid search, a line each."""
    lines = [
        f"- {_HYBRID_SIDES[name]} at {size['chunks']:,} chunks: {because}."
        for size in _hybrids(result)
        for name, because in size["left_out"].items()
    ]
    if any(size["embedder"] != "minilm" for size in _hybrids(result)):
        lines.append("- MiniLM: its weights were not there. All vectors are made from words.")
    return "\n".join(("\nLeft out:\n", *lines, "")) if lines else ""


def _maybe(value: float | None) -> str:
    return _NONE if value is None else _number(value)


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
    for size in _worded(result):
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
of another one say little about it. It takes a quarter of an hour and leaves nothing behind but the
environment `.venv-bench` and the vectors of real texts in your cache folder.

Measured {runs}.
{others}{notes}
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

**Hybrid search** is by words and by meaning at once, in the same libraries. Every side gets the
same chunks, the same vectors and the vector of each question: embedding is measured apart. Real
chunks have the vector MiniLM gives them (up to 20,000; the first run embeds them and keeps them).
Any other chunk has the vector of some real one, chosen by its content's hash, plus Gaussian noise
of length {noise:g}, scaled back to length 1. Labels of documents make filters that keep 10 %, 1 %
and 0.1 % of the chunks.

Answerable is measured from the question's words and vector to ten passages with their text: words
in chunks and in pages, vectors, fusion, the cap for each document; *ask* goes on to quote, verify
and commit a trace. Its vectors are sealed onto a revision sealed by words (*of it vectors*), as in
the background; *rebuild* makes words and vectors anew from the database. Its filter is the scope of
who asks, and it also leaves out what the labels of today forbid. A chunk's sentences have vectors
too, near the chunk's own. The others get one text of title, headings and body:

- LanceDB: full text and vectors fused by its RRF; IVF-PQ with refinement above 50,000 chunks, an
  exact search below; bitmap indexes for the labels, which filter before the search.
- Qdrant Edge: HNSW and its own BM25, twenty of each fused by its RRF; a keyword index on labels.
- pgvector: HNSW with iterative scans in strict order, `ts_rank_cd` over a GIN index, twenty of each
  fused by rank in one statement, as its documentation shows; a chunk counts that holds any of the
  words. PostgreSQL with its own defaults; memory is of all its processes, what they share once.
- Chroma: HNSW only; it has no ranking by words, so compare it with what the others do by meaning.
- Haystack: its in-memory store, BM25 and vectors by their retrievers, joined by rank.
- txtai is not here: it cannot be installed without PyTorch.

*Dial* is how hard an approximate index looks (probes, `ef`): the fastest of a few settings that
finds 0.98 of the neighbours without a filter, so that times are compared at equal recall. *Recall*
compares the ten nearest by meaning with an exact search in float32 over what the filter keeps, for
{checked} questions, or as many as a slow side answers in ten seconds; a chunk whose cosine is
within 0.0001 of the tenth's counts as it.
{left_out}
**Sides by words.** Each runs in a process of its own, and all get the same questions, fifty at a
time in turn, so that whatever else the machine does meets all of them. The peers index the chunks
Answerable made (visible text, title, headings), search for the same words with stems and without
stop words, and return the ten best with their text. They quote nothing and check nothing, so
compare them with *Answerable search*; *ask* goes on to choose quotes, verify each against its
document and commit a trace to disk. FTS5 has three fields with Answerable's weights, one segment,
WAL and synced commits; bm25s holds everything in memory and takes its stems from Answerable's
analyser; LanceDB indexes one column. None of them removes, relabels or goes back to an earlier
state here, which Answerable can at any moment.
{missing}
**CPU ms** is processor time a question, all threads of the process; for HTTP, of the server alone.
**Memory** by words is what is resident after these questions; of it, *files* is page cache that the
kernel takes back when it needs to; for hybrid search *mapped*, and the rest is *anonymous*.
**Load** is the average over a minute around the measurement, and **ns a loop** how long an empty
loop of Python takes once around: on an idle machine it is at its lowest, and a second process on
the same core raises every number on this page.

**Beside an ingest.** One question every 20 ms: idle, then while another process ingests a fifth
more documents into the same library, then idle again; the quieter idle time is what the aim
compares with. A question that starts late because the last one took long counts from when it was
due.
"""
