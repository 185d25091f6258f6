"""The one door through which sources reach other machines.

A name is resolved once, every address it has is judged, and the connection goes to one of those
very addresses: a name that points elsewhere a moment later changes nothing. What is sent and
checked there (``Host``, the name in TLS) stays the name. Every request comes through here again,
so a redirect is judged like any other address. Nothing follows redirects by itself, no proxy is
taken from the environment, no cookie is kept, and nothing is sent that the caller did not give.

Every answer has an end: so many bytes, so many seconds from the first to the last, whatever
trickles in meanwhile.
"""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import Any, Self

import httpcore2

from answerable.adapters.clock import SystemClock
from answerable.adapters.sources.addresses import Network, refusal
from answerable.adapters.sources.reading import SIZE_BYTES_MAX
from answerable.adapters.sources.urls import BadUrl, Url, host_and_port
from answerable.domain.clock import Clock
from answerable.domain.errors import BadConfiguration

SETTING = "sources.allow_hosts"
USUAL_PORTS = frozenset({80, 443})

_SOME_PUBLIC = "1.1.1.1"

# Names that mean this machine or give out secrets, whatever they resolve to.
_LOCAL_NAMES = frozenset({"localhost", "metadata", "instance-data", "metadata.google.internal"})
_LOCAL_SUFFIXES = (".localhost", ".metadata.google.internal", ".ec2.internal")

Resolve = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a name, for a port. Raises `OSError`."""

Headers = Mapping[str, str]


def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses the system has for a name.

    Raises:
        OSError: There is none, or nobody to ask.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class Unreached(Exception):  # noqa: N818 # named by what is wrong
    """No answer, or none that is taken.

    Attributes:
        code: One of `library.ports.Unreadable`: ``link_out`` for what may not be reached,
            ``timeout``, ``too_large``, ``malformed`` or ``unreadable``.
        reason: What is wrong, in words, without address or content.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What may be reached beside public addresses on the usual ports.

    Attributes:
        hosts: Names (``wiki.internal``) for the usual ports, or with a port
            (``wiki.internal:8080``). They may have private addresses; not ones that give out
            secrets of a cloud.
        networks: Networks whose addresses are taken like public ones.
        ports: The usual ports.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = USUAL_PORTS

    @classmethod
    def of(cls, allowed: Iterable[str], *, ports: frozenset[int] = USUAL_PORTS) -> Self:
        """Return the policy of what an operator allows: names, with or without port; networks.

        Raises:
            BadConfiguration: One of them is neither.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        for text in map(str.strip, allowed):
            network = _network(text)
            if network is None:
                hosts.add(_allowed_host(text))
            else:
                networks.append(network)
        return cls(hosts=frozenset(hosts), networks=tuple(networks), ports=ports)

    def check(
        self,
        host: str,
        port: int,
        addresses: Sequence[str],
        *,
        usual: frozenset[int] | None = None,
    ) -> None:
        """Judge where a connection would go.

        Args:
            host: The name, or a bare address.
            port: To which port.
            addresses: All that the name has.
            usual: The usual ports of what is spoken there, in place of those for the web.

        Raises:
            Unreached: By name, port or one of the addresses it may not; ``link_out``.
        """
        ports = self.ports if usual is None else usual
        is_named = f"{host}:{port}" in self.hosts or (host in self.hosts and port in ports)
        if not is_named and port not in ports:
            raise Unreached("link_out", f"port {port} is not allowed")
        if not is_named and (host in _LOCAL_NAMES or host.endswith(_LOCAL_SUFFIXES)):
            raise Unreached("link_out", "its host is this machine or a metadata service")
        for address in addresses:
            what = refusal(ip_address(address), networks=self.networks, is_named=is_named)
            if what:
                raise Unreached("link_out", f"the address of its host is {what}")
        if not addresses:
            raise Unreached("unreadable", "its host has no address")


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _allowed_host(text: str) -> str:
    try:
        host, port = host_and_port(text, usual=1)
    except BadUrl as error:
        raise BadConfiguration(
            f"{SETTING} holds {text!r}, which is neither a host nor a network: {error.reason}",
            hint='such as ["wiki.internal", "wiki.internal:8080", "10.1.0.0/16"]',
        ) from error
    return host if port == 1 else f"{host}:{port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What one answer may take.

    Attributes:
        body_bytes: Of its body, unpacked; and of what comes over the line.
        seconds: From asking to its last byte.
        idle_s: Without a single byte.
    """

    body_bytes: int = SIZE_BYTES_MAX
    seconds: float = 30.0
    idle_s: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        headers: By name in lower case; of several of one name, all, with commas between.
        body: Unpacked; None where it was not wanted.
    """

    status: int
    headers: Headers = field(repr=False)
    body: bytes | None = field(repr=False)


Wanted = Callable[[int, Headers], bool]
"""Says by status and headers whether a body is worth reading."""


def _always(_status: int, _headers: Headers) -> bool:
    return True


class Reach:
    """Asks other machines, within a policy. One thread at a time.

    Args:
        policy: What may be reached beside public addresses.
        resolve: Gives the addresses of a name. Asked once for each name.
        network: Opens connections to addresses.
        clock: Measures how long an answer takes.
        tls: Whom to trust; the system's authorities by default.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        resolve: Resolve = resolved,
        network: httpcore2.NetworkBackend | None = None,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy or Policy()
        self._resolve = resolve
        self._clock = clock or SystemClock()
        self._tls = tls
        self._pins: dict[str, tuple[str, ...]] = {}
        self._line = _Line(self, network or httpcore2.SyncBackend(), self._clock)
        self._pool: httpcore2.ConnectionPool | None = None

    def pin(self, host: str, port: int, *, usual: frozenset[int] | None = None) -> tuple[str, ...]:
        """Return the addresses at which a host is reached from now on: all of them allowed.

        Args:
            host: The name, or a bare address.
            port: To which port.
            usual: The usual ports of what is spoken there, in place of those for the web.

        Raises:
            Unreached: It has none, or it may not be reached.
        """
        if host not in self._pins:
            self._pins[host] = self._addresses(host, port, usual)
        self._policy.check(host, port, self._pins[host], usual=usual)
        return self._pins[host]

    def _addresses(self, host: str, port: int, usual: frozenset[int] | None) -> tuple[str, ...]:
        with suppress(ValueError):
            return (str(ip_address(host)),)
        # What name or port forbid is not even looked up.
        self._policy.check(host, port, (_SOME_PUBLIC,), usual=usual)
        try:
            return tuple(self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise Unreached("unreadable", "its host cannot be found") from error

    def get(
        self,
        url: Url,
        *,
        headers: Headers | None = None,
        bounds: Bounds | None = None,
        wanted: Wanted = _always,
    ) -> Answer:
        """Return what a server says at an address. A redirect is an answer like any other.

        Args:
            url: Where.
            headers: Sent as they are, beside ``Host`` and what asks for a packed answer.
            bounds: What the answer may take.
            wanted: Whether the body is worth reading; where not, the connection is closed.

        Raises:
            Unreached: It may not be reached, does not answer, or the answer is over its bounds.
        """
        bounds = bounds or Bounds()
        self.pin(url.host, url.port)
        self._line.until_ms = self._clock.monotonic_ms() + bounds.seconds * 1000
        sent = {"Host": url.authority, "Accept-Encoding": "gzip", **(headers or {})}
        try:
            return self._ask(url, sent, bounds, wanted)
        except httpcore2.TimeoutException as error:
            reason = f"it did not answer in full within {bounds.seconds:g} seconds"
            raise Unreached("timeout", reason) from error
        except (httpcore2.NetworkError, OSError) as error:
            raise Unreached("unreadable", "its server cannot be reached") from error
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
            raise Unreached("malformed", "its server does not speak HTTP") from error

    def _ask(self, url: Url, sent: Headers, bounds: Bounds, wanted: Wanted) -> Answer:
        place = httpcore2.URL(
            scheme=url.scheme.encode(),
            host=url.host.encode(),
            port=url.port,
            target=url.target.encode(),
        )
        idle = dict.fromkeys(("connect", "read", "write", "pool"), bounds.idle_s)
        packed = [(name.encode(), value.encode()) for name, value in sent.items()]
        with self._opened().stream(
            "GET", place, headers=packed, extensions={"timeout": idle}
        ) as answer:
            headers = _headers(answer.headers)
            body = None
            if wanted(answer.status, headers):
                body = _body(answer.iter_stream(), headers, bounds.body_bytes)
            return Answer(status=answer.status, headers=headers, body=body)

    def _opened(self) -> httpcore2.ConnectionPool:
        if self._pool is None:
            self._pool = httpcore2.ConnectionPool(
                ssl_context=self._tls or httpcore2.default_ssl_context(),
                max_connections=4,
                keepalive_expiry=30.0,
                network_backend=self._line,
            )
        return self._pool

    def close(self) -> None:
        """Close every connection and forget every name; it may be used again."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None
        self._pins.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Line(httpcore2.NetworkBackend):
    """Connects to pinned addresses only, and lets nothing go on after a moment in time.

    Attributes:
        until_ms: That moment, as the clock has it.
    """

    def __init__(self, reach: Reach, network: httpcore2.NetworkBackend, clock: Clock) -> None:
        self._reach = reach
        self._network = network
        self._clock = clock
        self.until_ms = 0.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Return a connection to the first pinned address of a host that takes one."""
        failure: Exception | None = None
        for address in self._reach.pin(host, port):
            try:
                stream = self._network.connect_tcp(
                    address, port, self.left_s(timeout), local_address, socket_options
                )
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                failure = error
            else:
                return _Timed(stream, self)
        raise failure or httpcore2.ConnectError("no address")

    def left_s(self, timeout: float | None) -> float:
        """Return how long one step may take.

        Raises:
            httpcore2.ReadTimeout: No longer at all.
        """
        left = (self.until_ms - self._clock.monotonic_ms()) / 1000
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for this answer is over")
        return left if timeout is None else min(left, timeout)


class _Timed(httpcore2.NetworkStream):
    """A connection whose every step has to end in time, however many steps there are."""

    def __init__(self, stream: httpcore2.NetworkStream, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._line.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._line.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._line.left_s(timeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._line)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    found: dict[str, str] = {}
    for packed_name, packed in raw:
        name, value = packed_name.decode("latin-1").lower(), packed.decode("latin-1").strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _body(pieces: Iterable[bytes], headers: Headers, bytes_max: int) -> bytes:
    """Return a body, unpacked; stop as soon as it is too large.

    Raises:
        Unreached: It is larger, says that it will be, or is packed in a way that was not asked for.
    """
    said = headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > bytes_max:
        raise _too_large(bytes_max)
    match headers.get("content-encoding", "identity").lower():
        case "identity" | "":
            return _whole(pieces, bytes_max)
        case "gzip" | "x-gzip":
            return gunzipped(pieces, bytes_max)
        case _:
            raise Unreached("malformed", "it is packed in a way that was not asked for")


def _whole(pieces: Iterable[bytes], bytes_max: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
    return bytes(body)


def gunzipped(pieces: Iterable[bytes], bytes_max: int) -> bytes:
    """Return what was packed with gzip; never more than the limit is in memory, packed or not.

    Raises:
        Unreached: It is larger, or no gzip.
    """
    body, packed = bytearray(), 0
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for piece in pieces:
            packed += len(piece)
            body += unpacking.decompress(piece, bytes_max + 1 - len(body))
            if len(body) > bytes_max or packed > bytes_max:
                raise _too_large(bytes_max)
    except zlib.error as error:
        raise Unreached("malformed", "it says that it is gzip and is not") from error
    if packed and not unpacking.eof:
        raise Unreached("malformed", "it ends in the middle")
    return bytes(body)


def _too_large(bytes_max: int) -> Unreached:
    limit = f"{bytes_max / 1_000_000:g} MB"
    return Unreached("too_large", f"it is larger than {limit} (setting ingest.size_mb_max)")
