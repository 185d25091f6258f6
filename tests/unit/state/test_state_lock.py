"""The write lock, between processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
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


def test_a_lock_needs_its_folder(tmp_path: Path) -> None:
    """A missing folder is a storage failure that names the file."""
    with pytest.raises(StorageFailure, match=r"state\.db\.lock"):
        _take(tmp_path / "missing" / "state.db.lock")


def _take(path: Path) -> None:
    with exclusive(path):
        pass
