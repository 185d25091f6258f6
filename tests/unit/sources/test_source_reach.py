"""The way out: T-SSRF, as far as it needs connections."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path

import pytest

from answerable.adapters.sources.reach import Bounds, Policy, Reach, Unreached
from answerable.adapters.sources.urls import parse
from answerable.domain.errors import BadConfiguration
from fake_sources.sites import FakeNetwork, Reply, Ticking, plain, website

PUBLIC = "93.184.216.34"


def names(**hosts: str | Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """Return a resolver that knows these names; `_` stands for a dot. It counts its calls."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        found = hosts.get(host.replace(".", "_"))
        if found is None:
            raise OSError("no such name")
        return [found] if isinstance(found, str) else found

    asked: list[str] = []
    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


def refused(reach: Reach, url: str, *, bounds: Bounds | None = None) -> Unreached:
    with pytest.raises(Unreached) as caught:
        reach.get(parse(url), bounds=bounds)
    return caught.value


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fd00:ec2::254",  # noqa: S104
     "100.64.0.1", "10.0.0.8", "172.16.3.4", "192.168.0.1", "64:ff9b::a00:1", "2002:a00:1::",
     "224.0.0.1", "fe80::1", "255.255.255.255"],
)  # fmt: skip
def test_a_name_that_leads_inside(address: str) -> None:
    """A name with an address that is closed is never connected to, also among good ones."""
    network = FakeNetwork(plain())
    for addresses in (address, [PUBLIC, address]):
        reach = Reach(resolve=names(evil_example=addresses), network=network)
        assert refused(reach, "http://evil.example/").code == "link_out"
    bare = f"[{address}]" if ":" in address else address
    assert refused(Reach(network=network), f"http://{bare}/").code == "link_out"
    assert network.connected == []


@pytest.mark.parametrize(
    "url",
    ["http://localhost/", "http://LOCALHOST./", "http://app.localhost/",
     "http://metadata.google.internal/", "http://metadata/", "http://x.ec2.internal/",
     "http://instance-data/latest/"],
)  # fmt: skip
def test_names_that_mean_this_machine(url: str) -> None:
    """Names of this machine and of metadata services are not even looked up."""
    resolve = names()
    assert refused(Reach(resolve=resolve), url).code == "link_out"
    assert resolve.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8080, 9200, 65535])
def test_odd_ports(port: int) -> None:
    """Other services of a host are not spoken to."""
    network = FakeNetwork(plain())
    reach = Reach(resolve=names(ok_example=PUBLIC), network=network)
    assert refused(reach, f"http://ok.example:{port}/").code == "link_out"
    assert network.connected == []


def test_rebinding() -> None:
    """A name is looked up once; that it points inside a moment later changes nothing."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    network = FakeNetwork(plain(head="Connection: close\r\n"))
    reach = Reach(resolve=lambda _host, _port: next(answers), network=network)
    for _ in range(3):
        assert reach.get(parse("http://rebind.example/")).body == b"hello"
    assert network.connected == [(PUBLIC, 80)] * 3
    reach.close()
    assert refused(reach, "http://rebind.example/").code == "link_out"


def test_the_name_stays_the_name() -> None:
    """The connection goes to the address; `Host` and TLS speak of the name."""
    network = FakeNetwork(plain())
    reach = Reach(resolve=names(docs_example=PUBLIC), network=network)
    reach.get(parse("https://docs.example/a?b=c#d"))
    assert network.connected == [(PUBLIC, 443)]
    assert network.tls_for == ["docs.example"]
    assert network.written.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"\r\nHost: docs.example\r\n" in network.written


def test_an_address_that_is_public() -> None:
    """A public address may be named itself; one of version 6 keeps its brackets in `Host`."""
    network = FakeNetwork(plain())
    Reach(network=network).get(parse("http://[2606:4700:0::1]/"))
    assert network.connected == [("2606:4700::1", 80)]
    assert b"\r\nHost: [2606:4700::1]\r\n" in network.written


def test_the_next_address_is_tried() -> None:
    """A host with two addresses is reached at the one that answers."""
    network = FakeNetwork(plain(), refuses=[PUBLIC])
    reach = Reach(resolve=names(two_example=[PUBLIC, "2606:4700::1"]), network=network)
    assert reach.get(parse("http://two.example/")).status == 200
    assert [address for address, _ in network.connected] == [PUBLIC, "2606:4700::1"]


def test_allowed_by_the_operator() -> None:
    """What an operator names is reached, and nothing beside it."""
    hosts = {
        "wiki_internal": "10.1.2.3",
        "other_internal": "10.2.2.3",
        "meta_internal": "169.254.169.254",
    }
    network = FakeNetwork(plain(head="Connection: close\r\n"))
    policy = Policy.of(["Wiki.internal", "wiki.internal:8080", "meta.internal", "10.2.0.0/16"])
    reach = Reach(policy, resolve=names(**hosts), network=network)
    for url in ("http://wiki.internal/", "http://wiki.internal:8080/", "http://other.internal/"):
        assert reach.get(parse(url)).status == 200
    for url in ("http://meta.internal/", "http://wiki.internal:9090/", "http://10.1.2.3/"):
        assert refused(reach, url).code == "link_out"


@pytest.mark.parametrize("text", ["", "http://wiki/", "a b", "wiki:99999", "10.0.0.1/8", "127.1"])
def test_what_cannot_be_allowed(text: str) -> None:
    """A setting that is neither host nor network is said, with an example."""
    with pytest.raises(BadConfiguration, match="neither a host nor a network") as caught:
        Policy.of([text])
    assert "wiki.internal" in caught.value.hint


def test_names_that_are_none() -> None:
    """A name nobody knows, or a host that refuses, is unreachable, not a crash."""
    assert refused(Reach(resolve=names()), "http://nowhere.example/").code == "unreadable"
    assert refused(Reach(resolve=names(a_example=[])), "http://a.example/").code == "unreadable"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        reach = Reach(Policy.of([f"127.0.0.1:{port}"]))
        assert refused(reach, f"http://127.0.0.1:{port}/").code == "unreadable"


def test_ten_gigabytes_said() -> None:
    """A body that says it is too large is not read."""
    network = FakeNetwork(
        lambda: chain(
            [b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"], repeat(b"x" * 60_000)
        )
    )
    reach = Reach(resolve=names(a_example=PUBLIC), network=network)
    assert refused(reach, "http://a.example/").code == "too_large"
    assert network.read_bytes < 200_000
    assert network.closed == 1


@pytest.mark.parametrize("packed", [False, True])
def test_ten_gigabytes_unsaid(*, packed: bool) -> None:
    """A body without end is left at the limit, packed or not; the connection is closed."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    body: Iterator[bytes] = repeat(b"x" * 60_000)
    if packed:
        head += b"Content-Encoding: gzip\r\n"
        bomb = gzip.compress(b"\0" * 40_000_000)
        body = iter([bomb[at : at + 60_000] for at in range(0, len(bomb), 60_000)])
    network = FakeNetwork(lambda: chain([head + b"\r\n"], body))
    reach = Reach(resolve=names(a_example=PUBLIC), network=network)
    failure = refused(reach, "http://a.example/", bounds=Bounds(body_bytes=1_000_000))
    assert failure.code == "too_large"
    assert network.read_bytes < 1_200_000
    assert network.closed == 1


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: chain([b"HTTP/1.1 200 OK\r\n\r\n"], repeat(b"x")),
        lambda: chain([b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"], repeat(b"x")),
        lambda: chain([b"HTTP/1.1 200 OK\r\n"], (b"X-%d: y\r\n" % n for n in range(10**9))),
        lambda: repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        lambda: chain([b"HTTP/1.1 200 OK\r\nX: "], repeat(b"y")),
    ],
    ids=["body", "said-body", "headers", "hints", "one-header"],
)
def test_a_byte_a_second(pieces: Callable[[], Iterator[bytes]]) -> None:
    """However an answer trickles in, it ends when its time is over."""
    clock = Ticking(step_ms=1_000)
    network = FakeNetwork(pieces)
    reach = Reach(resolve=names(a_example=PUBLIC), network=network, clock=clock)
    failure = refused(reach, "http://a.example/", bounds=Bounds(seconds=30))
    assert failure.code in {"timeout", "malformed"}
    assert clock.at_ms <= 34_000
    assert network.closed == 1


def test_a_server_that_says_nothing() -> None:
    """A connection without a byte is given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        reach = Reach(Policy.of([f"127.0.0.1:{port}"]))
        bounds = Bounds(seconds=0.2, idle_s=0.05)
        assert refused(reach, f"http://127.0.0.1:{port}/", bounds=bounds).code == "timeout"


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nX\r\n\r\n", b"", b"HTTP/9"]
)
def test_no_http(answer: bytes) -> None:
    """What does not speak HTTP is said to, and closed."""
    network = FakeNetwork(lambda: iter([answer]))
    reach = Reach(resolve=names(a_example=PUBLIC), network=network)
    assert refused(reach, "http://a.example/").code == "malformed"


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_codings_that_were_not_asked_for(coding: str) -> None:
    """Only what was asked for is unpacked."""
    network = FakeNetwork(plain(head=f"Content-Encoding: {coding}\r\n"))
    reach = Reach(resolve=names(a_example=PUBLIC), network=network)
    assert refused(reach, "http://a.example/").code == "malformed"


def test_no_proxy_no_cookie_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor an earlier answer changes what is asked where."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with website() as site, site.reach() as reach:
        site.says["/a"] = Reply(body=b"a", headers={"Set-Cookie": "session=1"})
        for _ in range(2):
            assert reach.get(parse(f"{site.url}/a")).body == b"a"
        for one in site.asked:
            assert set(one.headers) == {"Host", "Accept-Encoding"}


def test_a_redirect_is_only_an_answer() -> None:
    """Nothing follows a redirect by itself, so nothing is forwarded."""
    with website() as site, site.reach() as reach:
        site.says["/a"] = Reply(status=302, headers={"Location": "http://169.254.169.254/"})
        answer = reach.get(parse(f"{site.url}/a"), headers={"Authorization": "Bearer secret"})
        assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/")
        assert len(site.asked) == 1
        assert "secret" not in repr(answer)


def test_a_body_that_is_not_wanted() -> None:
    """A body nobody wants is not read."""
    with website() as site, site.reach() as reach:
        site.says["/a.png"] = Reply(body=b"x" * 10_000_000, type="image/png")
        answer = reach.get(
            parse(f"{site.url}/a.png"), wanted=lambda _, headers: "html" in headers["content-type"]
        )
        assert answer.body is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_tls_checks_the_name(tmp_path: Path) -> None:
    """A certificate is checked against the name, though the connection goes to an address."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "2"),
            *("-subj", "/CN=docs.example", "-addext", "subjectAltName=DNS:docs.example"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with website(tls=context) as site:
        site.says["/"] = Reply(body=b"safe")
        hosts = ("docs.example", "other.example")
        policy = Policy.of([f"{host}:{site.port}" for host in hosts])
        resolve = names(docs_example="127.0.0.1", other_example="127.0.0.1")
        with Reach(policy, resolve=resolve, tls=trusting) as reach:
            assert reach.get(parse(f"https://docs.example:{site.port}/")).body == b"safe"
            assert refused(reach, f"https://other.example:{site.port}/").code == "unreadable"
        with Reach(policy, resolve=resolve) as reach:
            assert refused(reach, f"https://docs.example:{site.port}/").code == "unreadable"
