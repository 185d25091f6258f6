"""The benchmark runs and says what it promises; how fast anything is, is not tested."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_tiny_benchmark_gives_every_number(tmp_path: Path) -> None:
    """Whatever machine it runs on, the benchmark ends with a number or a reason for each aim."""
    out = tmp_path / "result.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--quick", "--chunks", "40"]
    ended = subprocess.run(
        [*command, "--questions", "50", "--json", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads(out.read_text())

    (size,) = result["sizes"]
    assert size["chunks"] >= 40
    assert size["ingest"]["chunks"] == size["chunks"] == size["store"]["chunks"]
    sides = {"ask", "search", "http", "fts5", "bm25s", "lancedb"} - set(result["peers_missing"])
    assert set(size["queries"]) - {"load", "pace_ns"} == sides
    assert all(size["queries"][side]["found"] > 0 for side in sides)
    assert all(size["queries"][side]["rss_mb"] > 0 for side in sides)
    assert {one["what"]: one["met"] for one in result["aims"]}.keys() == {
        "ask, p50 at 100k chunks",
        "ask, p99 at 100k chunks",
        "ingest from files",
        "index and state alone",
        "ask p99 beside an ingest, by idle p99",
        "`answerable --help`",
        "ingest of 1,239 unchanged files",
        "memory of a server at 100k chunks",
    }
    for aim in result["aims"]:
        assert (aim["met"] is None) == (aim["measured"] is None)
        assert aim["what"].replace("`", "") in ended.stdout
    assert "not measured" in ended.stdout, "40 chunks say nothing about 100,000"
