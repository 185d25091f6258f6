"""The benchmark runs and says what it promises; how fast anything is, is not tested."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.accept
def test_a_tiny_benchmark_gives_every_number(tmp_path: Path) -> None:
    """Whatever machine it runs on, the benchmark ends with a number or a reason for each aim."""
    out = tmp_path / "result.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--quick", "--chunks", "40"]
    ended = subprocess.run(
        [*command, "--questions", "50", "--json", str(out)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
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
    _assert_hybrid(size["hybrid"], chunks=size["chunks"])
    assert {one["what"]: one["met"] for one in result["aims"]}.keys() == {
        "ask, p50 at 100k chunks",
        "ask, p99 at 100k chunks",
        "ingest from files",
        "index and state alone",
        "ask p99 beside an ingest, by idle p99",
        "`answerable --help`",
        "ingest of 1,239 unchanged files",
        "memory of a server at 100k chunks",
        "hybrid search, p50 at 100k chunks",
        "hybrid search, p99 at 100k chunks",
        "hybrid search, p50 at 1M chunks",
        "hybrid search, p99 at 1M chunks",
        "recall@10 by meaning, no filter",
        "recall@10 by meaning, filtered",
        "MiniLM",
        "hybrid p50 at 100k chunks, by the fastest peer's that finds as much",
    }
    for aim in result["aims"]:
        assert (aim["met"] is None) == (aim["measured"] is None)
        assert aim["what"].replace("`", "") in ended.stdout
    assert "not measured" in ended.stdout, "40 chunks say nothing about 100,000"
    _assert_parts_are_put_together(out, result)


def _assert_parts_are_put_together(part: Path, result: dict[str, Any]) -> None:
    """What was measured in parts is one result, which says of what runs it is made, and notes."""
    whole = part.with_name("whole.json")
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--from", str(part)]
    command += ["--from", str(part), "--note", "It was a busy day.", "--json", str(whole)]
    subprocess.run(command, capture_output=True, check=True)
    joined = json.loads(whole.read_text())
    assert joined["sizes"] == result["sizes"]
    assert joined["aims"] == result["aims"]
    run = {"at": result["at"], "command": result["command"]}
    assert (joined["runs"], joined["notes"]) == ([run, run], ["It was a busy day."])


def _assert_hybrid(measured: dict[str, Any], *, chunks: int) -> None:
    """Every peer was measured or has a reason; so few chunks are searched exactly."""
    assert measured["chunks"] == chunks
    peers = {"lance-hybrid", "qdrant", "pgvector", "chroma", "haystack"}
    assert set(measured["queries"]) == {"ours", "ask"} | peers - set(measured["left_out"])
    assert all(measured["left_out"].values())
    assert all(side["cpu_ms"] >= 0 < side["anonymous_mb"] for side in measured["queries"].values())
    assert measured["builds"]["ours"]["rebuild_s"] > 0
    ours = measured["filters"]["ours"]
    assert list(ours) == ["all", "10 %", "1 %", "0.1 %"]
    assert [one["recall"] >= 0.98 for one in ours.values()] == [True] * 4
