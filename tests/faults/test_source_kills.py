"""A worker that is killed while it reads a source leaves nothing half-done behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fake_sources.buckets import KEY_ID, SECRET, s3_server
from fake_sources.repositories import Repository
from fake_sources.sites import page, website

DRIVER = Path(__file__).with_name("source_driver.py")
TEXTS = {f"{name}.html": f"text of {name}" for name in "abc"}


def drive(about: dict[str, Any]) -> dict[str, str] | None:
    """Read a source in a process of its own; return what it gave, None when it was killed."""
    done = subprocess.run(
        [sys.executable, str(DRIVER), json.dumps(about)], capture_output=True, check=False
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, str] = json.loads(done.stdout)
    return found


def kill_everywhere(about: dict[str, Any]) -> None:
    """Kill a reading at some places, each from what the last one left; then read it whole."""
    for moment in ({"moves": 1}, {"files": 1}, {"moves": 2}, {"files": 2}, {"moves": 1}):
        assert drive(about | moment) is None
        for path in Path(about["cache"]).rglob("*.json"):
            json.loads(path.read_bytes())
    whole = drive(about)
    assert whole is not None
    assert {path: text for path, text in whole.items() if path in TEXTS} == TEXTS
    assert not list(Path(about["cache"]).rglob("*.part"))
    assert drive(about) == whole


def test_a_website(tmp_path: Path) -> None:
    """Killed between any two pages, or before any file is in place, the next reading is whole."""
    with website() as site:
        site.says["/"] = page(*TEXTS)
        for path, text in TEXTS.items():
            site.says[f"/{path}"] = page()
            site.says[f"/{path}"].body = text.encode()
        kill_everywhere(
            {
                "kind": "website",
                "url": f"{site.url}/",
                "cache": str(tmp_path),
                "allow": [f"127.0.0.1:{site.port}"],
            }
        )


def test_a_bucket(tmp_path: Path) -> None:
    """Killed between any two objects, or before any file is in its place, nothing is lost."""
    with s3_server() as service:
        service.objects = {path: text.encode() for path, text in TEXTS.items()}
        kill_everywhere(
            {
                "kind": "bucket",
                "url": service.site.url,
                "cache": str(tmp_path),
                "allow": [f"127.0.0.1:{service.site.port}"],
                "id": KEY_ID,
                "secret": SECRET,
            }
        )


def test_a_repository(tmp_path: Path) -> None:
    """Killed while git fetches, or between two files, the next reading is whole."""
    repository = Repository(tmp_path / "origin")
    (repository.root / "ballast.bin").write_bytes(os.urandom(20_000_000))
    for path, text in TEXTS.items():
        (repository.root / path).write_text(text)
    repository.commit()
    about = {"kind": "git", "url": str(repository.root), "cache": str(tmp_path / "cache")}
    for delay_s in (0.2, 0.3, 0.4, 0.5):
        worker = subprocess.Popen(
            [sys.executable, str(DRIVER), json.dumps(about)], stdout=subprocess.DEVNULL
        )
        try:
            worker.wait(delay_s)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    assert drive(about | {"files": 2}) is None
    whole = drive(about)
    assert whole is not None
    assert {path: text for path, text in whole.items() if path in TEXTS} == TEXTS
    repository.git("rm", "--quiet", "a.html")
    repository.commit()
    assert drive(about | {"files": 1}) is None
    after = drive(about)
    assert after is not None
    assert set(whole) - set(after) == {"a.html"}


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes in /proc")
def test_what_a_killed_worker_started_ends() -> None:
    """A program ends with the process that started it, however that ends, with all of its own."""
    script = (
        "import sys; from pathlib import Path\n"
        "from answerable.adapters.sources.running import Child\n"
        "child = Child(['sh', '-c', 'sleep 600 & echo $! $$; wait'], env={'PATH': sys.argv[1]},"
        " cwd=Path('/'), file_bytes_max=1000)\n"
        "print(child.line(30).decode(), flush=True); import time; time.sleep(600)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", script, os.environ["PATH"]], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    started = [int(pid) for pid in worker.stdout.readline().split()]
    assert all(map(lives, started))
    worker.kill()
    worker.wait()
    worker.stdout.close()
    until = time.monotonic() + 10
    while any(map(lives, started)):
        assert time.monotonic() < until
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Return whether a process runs; one that ended and waits to be noticed does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
