"""Websites on this machine, and networks and clocks that are none, for tests of sources."""

# ruff: noqa: ARG002 -- the signatures are those of httpcore2

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore2

from answerable.adapters.sources.reach import Policy, Reach


@dataclass
class Reply:
    """What a site says at one address. `body` may be pieces that are sent one by one."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = "text/html; charset=utf-8"
    has_etag: bool = True


def page(*links: str, text: str = "", head: str = "") -> Reply:
    """Return a page of HTML with links."""
    body = "".join(f'<a href="{link}">{link}</a>' for link in links)
    return Reply(body=f"<html><head>{head}</head><body><p>{text}</p>{body}</body></html>".encode())


def moved(location: str, status: int = 302) -> Reply:
    """Return a redirect."""
    return Reply(status=status, headers={"Location": location})


@dataclass
class Asked:
    """A request that came in."""

    target: str
    headers: Mapping[str, str]
    status: int


class Site:
    """What a server says, by path and query; 404 for anything else."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.says: dict[str, Reply] = {}
        self.otherwise: Callable[[str], Reply] = lambda _: Reply(status=404, body=b"not found")
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def policy(self) -> Policy:
        return Policy.of([f"{self.host}:{self.port}"])

    def reach(self, **more: Any) -> Reach:
        return Reach(self.policy, **more)

    def targets(self, status: int | None = None) -> list[str]:
        """Return what was asked for, apart from what every reading asks for; then forget it."""
        asked = [
            one.target
            for one in self.asked
            if one.target not in {"/robots.txt", "/sitemap.xml"} and status in {None, one.status}
        ]
        self.asked.clear()
        return asked


@contextmanager
def website(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve a website on 127.0.0.1 until the end of the block."""
    with served(_serve, tls=tls) as site:
        yield site


@contextmanager
def served(
    serve: Callable[[BaseHTTPRequestHandler, Site], None], *, tls: ssl.SSLContext | None = None
) -> Iterator[Site]:
    """Run a server whose every request goes to a function."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # it holds back every body until the headers are confirmed

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            try:
                serve(self, site)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def handle(self) -> None:
            with suppress(ssl.SSLError, ConnectionResetError):
                super().handle()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        # A handshake belongs to the thread of its connection, where a failed one ends only that.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    site = Site("127.0.0.1", server.server_address[1])
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _serve(handler: BaseHTTPRequestHandler, site: Site) -> None:
    reply = site.says.get(handler.path) or site.otherwise(handler.path)
    etag = ""
    if isinstance(reply.body, bytes) and reply.has_etag and reply.status == 200:
        etag = f'"{sha256(reply.body).hexdigest()[:12]}"'
    status = reply.status
    if etag and handler.headers.get("If-None-Match") == etag:
        status = 304
    site.asked.append(Asked(handler.path, dict(handler.headers), status))
    handler.send_response(status)
    headers = {"Content-Type": reply.type, **({"ETag": etag} if etag else {}), **reply.headers}
    if isinstance(reply.body, bytes) and "Content-Length" not in headers:
        headers["Content-Length"] = str(0 if status == 304 else len(reply.body))
    elif not isinstance(reply.body, bytes):
        headers["Connection"] = "close"
        handler.close_connection = True
    for name, value in headers.items():
        if value:
            handler.send_header(name, value)
    handler.end_headers()
    if status == 304:
        return
    for piece in [reply.body] if isinstance(reply.body, bytes) else reply.body:
        handler.wfile.write(piece)


class Ticking:
    """A clock that goes on by so many milliseconds whenever it is looked at, or waited for."""

    def __init__(self, step_ms: float = 0.0) -> None:
        self.step_ms = step_ms
        self.at_ms = 0.0
        self.waits: list[float] = []

    def now_ms(self) -> int:
        return int(self.monotonic_ms())

    def monotonic_ms(self) -> float:
        self.at_ms += self.step_ms
        return self.at_ms

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at_ms += seconds * 1000


class FakeStream(httpcore2.NetworkStream):
    """Gives bytes as they are asked for; remembers what was written and for whom TLS was."""

    def __init__(self, network: FakeNetwork, pieces: Iterator[bytes]) -> None:
        self._network = network
        self._pieces = pieces

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece = next(self._pieces, b"")
        assert len(piece) <= max_bytes
        self._network.read_bytes += len(piece)
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._network.written += buffer

    def close(self) -> None:
        self._network.closed += 1

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        self._network.tls_for.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        return None


class FakeNetwork(httpcore2.NetworkBackend):
    """No network: every connection gets the same bytes; remembers where it would have gone."""

    def __init__(self, answer: Callable[[], Iterator[bytes]], refuses: Sequence[str] = ()) -> None:
        self._answer = answer
        self._refuses = refuses
        self.connected: list[tuple[str, int]] = []
        self.tls_for: list[str | None] = []
        self.written = b""
        self.read_bytes = 0
        self.closed = 0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.NetworkStream:
        self.connected.append((host, port))
        if host in self._refuses:
            raise httpcore2.ConnectError("refused")
        return FakeStream(self, self._answer())


def plain(body: bytes = b"hello", head: str = "") -> Callable[[], Iterator[bytes]]:
    """Return a network's answer: one page, then the end."""
    text = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode()
    return lambda: iter([text + body])
