"""Children and parents of the parser pool that are killed at a bad moment."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerable.adapters.parsers.pool import ParserPool
from answerable.library.ports import Parsed, Raw, Unreadable

READERS = Path(__file__).parent.parent / "unit" / "pool"


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ParserPool]:
    """Give a pool of one child that is closed afterwards."""
    monkeypatch.syspath_prepend(str(READERS))
    with ParserPool(children=1, reader="pool_readers:read") as made:
        yield made


def test_child_killed_in_the_middle_of_a_file(pool: ParserPool) -> None:
    """SIGKILL from outside condemns the file that was being read and no other."""
    files = [Raw(path=word, data=word.encode()) for word in ("a", "sleep", "b", "c")]
    results = {}
    for result in pool.read(files):
        results[result.path] = result
        if result.path == "a":
            (child,) = pool._busy
            os.kill(child.process.pid, signal.SIGKILL)
    assert {path for path, result in results.items() if isinstance(result, Parsed)} == set("abc")
    killed = results["sleep"]
    assert isinstance(killed, Unreadable)
    assert (killed.code, killed.reason) == ("crashed", "its parser was ended by SIGKILL")


def test_child_killed_while_idle(pool: ParserPool) -> None:
    """A child that died between two calls is replaced, and no file is blamed."""
    assert [type(result) for result in pool.read([Raw(path="a", data=b"a")])] == [Parsed]
    (child,) = pool._idle
    os.kill(child.process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.process.pid, os.WEXITED | os.WNOWAIT)
    assert [type(result) for result in pool.read([Raw(path="b", data=b"b")])] == [Parsed]


@pytest.mark.parametrize("deed", ["spin", "sleep", "stuck"])
def test_no_orphan_when_the_parent_is_killed(deed: str) -> None:
    """SIGKILL of the parent ends its children too, whatever they are doing."""
    script = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from answerable.adapters.parsers.pool import ParserPool\n"
        "from answerable.library.ports import Raw\n"
        "pool = ParserPool(children=2, reader='pool_readers:read')\n"
        "words = ['a', 'b', sys.argv[2], sys.argv[2]]\n"
        "for count, _ in enumerate(pool.read(Raw(path=w, data=w.encode()) for w in words), 1):\n"
        "    if count == 2:\n"
        "        print(*(child.process.pid for child in pool._busy), flush=True)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(READERS), deed], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    watched = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(watched) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for child in watched:
        assert select.select([child], [], [], 20)[0], "a child lives on"
        os.close(child)


def test_no_child_is_left_by_an_ordinary_end() -> None:
    """A program that forgets to close its pool leaves no child either."""
    script = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from answerable.adapters.parsers.pool import ParserPool\n"
        "from answerable.library.ports import Raw\n"
        "pool = ParserPool(children=1, reader='pool_readers:read')\n"
        "print(next(pool.read([Raw(path='a', data=b'pid')])).text.text)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(READERS)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
