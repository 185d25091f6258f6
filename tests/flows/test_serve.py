"""`answerable serve` as the operator runs it: real processes, real signals, a clean end."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from answerable.app import init_workspace, open_app

PATIENCE_S = 60.0
TEXT = "# Quokka duty\n\nThe quokka shift begins at 07:45 in the north hangar.\n"

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a workspace with one document."""
    folder = tmp_path / "ops"
    init_workspace(folder, data_dir="data")
    documents = tmp_path / "docs"
    documents.mkdir()
    (documents / "quokka.md").write_text(TEXT)
    with open_app(folder) as app:
        app.ingest(documents)
    return folder


class Serving:
    """A running `answerable serve`."""

    def __init__(self, workspace: Path, *more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "answerable", "serve", "--workspace", workspace, *more],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.said = b""
        self.port = self._port()

    def _port(self) -> int:
        """Wait for the announcement."""
        deadline = time.monotonic() + PATIENCE_S
        assert self.process.stderr is not None
        while b"Answerable is at http://127.0.0.1:" not in self.said or self.said[-1:] != b"\n":
            readable, _, _ = select.select([self.process.stderr], [], [], 0.5)
            more = os.read(self.process.stderr.fileno(), 4096) if readable else None
            assert more != b"", f"ended early: {self.said.decode()}"
            assert time.monotonic() < deadline, f"not serving: {self.said.decode()}"
            self.said += more or b""
        return int(self.said.rsplit(b":", 1)[1])

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return status and JSON of one request over its own connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"content-type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def ask(self) -> tuple[int, Any]:
        """Return what comes of the one question that has an answer."""
        question = {"question": "When does the quokka shift begin?"}
        return self.request("POST", "/v1/ask", question)

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit code and all that was said on stderr."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, (self.said + rest).decode()


@contextmanager
def serving(workspace: Path, *more: str) -> Iterator[Serving]:
    """Give a running server; nothing of it is left afterwards."""
    server = Serving(workspace, "--port", "0", *more)
    family = descendants(server.process.pid)
    try:
        yield server
    finally:
        family |= descendants(server.process.pid)
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate(timeout=PATIENCE_S)
        wait_until(lambda: not any(is_alive(one) for one in family))


def descendants(pid: int) -> set[int]:
    """Return the processes below one, by /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found: set[int] = set()
    while more := {one for one, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def workers(server: Serving) -> list[int]:
    """Return the processes that answer."""
    found = []
    for pid in sorted(descendants(server.process.pid)):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"spawn_main" in command and server.process.pid == parent_of(pid):
            found.append(pid)
    return found


def parent_of(pid: int) -> int:
    """Return who started a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(is_so: Any) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.05)


@pytest.mark.parametrize(
    ("number", "count"), [(signal.SIGTERM, "1"), (signal.SIGINT, "1"), (signal.SIGINT, "2")]
)
def test_a_stop_is_clean(workspace: Path, number: signal.Signals, count: str) -> None:
    """SIGTERM and Ctrl-C end with 0, leave no process, and nobody's question in the log."""
    with serving(workspace, "--workers", count) as server:
        status, answer = server.ask()
        assert status == 200
        assert "07:45" in answer["answer"]
        family = descendants(server.process.pid)
        code, said = server.stop(number)
        assert code == 0
        assert said.startswith("Answerable is at http://127.0.0.1:")
        assert len(said.splitlines()) == 1, said
        wait_until(lambda: not any(is_alive(one) for one in family))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_dead_worker_is_replaced(workspace: Path) -> None:
    """Killing one worker leaves the other one answering and brings a third."""
    with serving(workspace, "--workers", "2") as server:
        first, second = workers(server)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(set(workers(server)) - {first, second}) == 1)
        assert server.ask()[0] == 200
        assert server.stop(signal.SIGTERM)[0] == 0


def test_workers_do_not_outlive_their_parent(workspace: Path) -> None:
    """When the parent is killed, its workers end by themselves."""
    with serving(workspace, "--workers", "2") as server:
        family = descendants(server.process.pid)
        assert len(family) >= 2
        server.process.kill()
        server.process.wait(timeout=PATIENCE_S)
        wait_until(lambda: not any(is_alive(one) for one in family))


def test_an_upload_reaches_every_worker(workspace: Path) -> None:
    """What one took is ingested in the background; each alone then answers from it."""
    with serving(workspace, "--workers", "2") as server:
        pids = workers(server)
        assert len(pids) == 2
        body = {"path": "wombat.md", "content": "# Wombats\n\nThe wombat alarm is number 4711.\n"}
        status, accepted = server.request("POST", "/v1/documents", body)
        assert status == 202
        address = accepted["status_url"]
        wait_until(lambda: server.request("GET", address)[1]["state"] == "done")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            try:
                question = {"question": "What is the number of the wombat alarm?"}
                assert "4711" in server.request("POST", "/v1/ask", question)[1]["answer"]
            finally:
                os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_running_upload_is_drained(workspace: Path, count: str) -> None:
    """A request that is under way when the stop comes is answered, and kept."""
    body = json.dumps({"path": "late.md", "content": TEXT * 2000}).encode()
    head = (
        "POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with serving(workspace, "--workers", count) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as upload:
            upload.sendall(head.encode())
            # Only a request that has begun to be read is under way.
            assert upload.recv(1000).startswith(b"HTTP/1.1 100")
            upload.sendall(body[:1000])
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not is_open(server.port))
            upload.sendall(body[1000:])
            answer = b""
            while more := upload.recv(65536):
                answer += more
        assert answer.startswith(b"HTTP/1.1 202"), answer
        assert server.process.wait(timeout=PATIENCE_S) == 0
    with open_app(workspace) as app:
        assert len(app.jobs()) == 1


def is_open(port: int) -> bool:
    """Return whether anybody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_an_endless_upload_is_refused_early(workspace: Path) -> None:
    """The refusal comes while the body is still being sent, and the server goes on."""
    head = (
        "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with serving(workspace) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as endless:
            endless.sendall(head.encode())
            for _ in range(8):
                endless.sendall(chunk)
            assert b" 413 " in endless.recv(1000).split(b"\r\n")[0]
        assert server.ask()[0] == 200


def run(workspace: Path, *more: str) -> tuple[int, str]:
    """Return exit code and stderr of a server that does not come up."""
    done = subprocess.run(
        [sys.executable, "-m", "answerable", "serve", "--workspace", workspace, *more],
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_taken_port_is_one_clear_sentence(workspace: Path, count: str) -> None:
    """The second server says which port is taken and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = run(workspace, "--port", str(port), "--workers", count)
    assert code == 1
    assert f"port {port} on 127.0.0.1 is taken" in said
    assert "conflict" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org"])  # noqa: S104  refused
def test_only_this_machine_is_listened_on(workspace: Path, host: str) -> None:
    """Any other address is refused, with the reason."""
    code, said = run(workspace, "--host", host, "--port", "0")
    assert code == 1
    assert "not_allowed" in said
    assert "access control" in said
