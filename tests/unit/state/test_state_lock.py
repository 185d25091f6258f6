"""The write lock, between processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from answerable.adapters.state.lock import exclusive
from answerable.domain.errors import Locked, StorageFailure

_HOLD = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from answerable.adapters.state.lock import exclusive
    with exclusive(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
""")


def test_another_process_is_named_and_its_death_frees_the_lock(tmp_path: Path) -> None:
    """The error says who and what to do; a killed holder leaves nothing locked."""
    path = tmp_path / "state.db.lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Locked, match=rf"process {holder.pid} \(-c .*since 20") as caught:
            _take(path)
        assert caught.value.hint.endswith(f"kill {holder.pid}")
        holder.send_signal(signal.SIGKILL)
    _take(path)


def test_a_holder_that_has_not_signed_is_no_riddle(tmp_path: Path) -> None:
    """Between locking and signing there is no name to give, and the error does without."""
    path = tmp_path / "state.db.lock"
    with exclusive(path):
        path.write_text("")
        with pytest.raises(Locked, match="another process"):
            _take(path)


_HOLD_BRIEFLY = """
import sys
from pathlib import Path
from answerable.adapters.state.lock import exclusive
with exclusive(Path(sys.argv[1]), is_brief=True):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_who_holds_it_briefly_is_waited_for(tmp_path: Path) -> None:
    """An ingest does not fail because vectors are being sealed in this very moment."""
    path = tmp_path / "state.db.lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_BRIEFLY, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with ThreadPoolExecutor(1) as other:
            taken = other.submit(_take, path)
            assert not wait([taken], 0.1).done
            holder.stdin.write("\n")
            holder.stdin.flush()
            taken.result()


def test_who_holds_it_briefly_and_hangs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting ends."""
    path = tmp_path / "state.db.lock"
    monkeypatch.setattr("answerable.adapters.state.lock.BRIEF_S", 0.05)
    with exclusive(path, is_brief=True), pytest.raises(Locked, match="has been writing"):
        _take(path)


def test_a_lock_needs_its_folder(tmp_path: Path) -> None:
    """A missing folder is a storage failure that names the file."""
    with pytest.raises(StorageFailure, match=r"state\.db\.lock"):
        _take(tmp_path / "missing" / "state.db.lock")


def _take(path: Path) -> None:
    with exclusive(path):
        pass
