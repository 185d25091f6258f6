"""What a bucket gives, and what it refuses."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped] # it says nothing of its types
import pytest

from answerable.adapters.sources.bucket import MISSES_MAX, Bucket
from answerable.adapters.sources.clouds import FsspecStore, filesystem
from answerable.adapters.sources.reach import Policy, Reach
from answerable.adapters.sources.s3 import S3Store, listed
from answerable.adapters.sources.sigv4 import Keys, query_of, signed
from answerable.adapters.sources.urls import Url
from answerable.adapters.sources.xmltexts import BadXml
from answerable.domain.errors import BadInput, Locked, NotAllowed, NotReady, SourceFailed
from answerable.library.ports import Raw
from fake_sources.buckets import KEY_ID, SECRET, FakeS3, s3_server
from fake_sources.sites import FakeNetwork, Ticking, plain
from fake_sources.synced import ADDED, CHANGED, FAILED, REMOVED, Synced, given, reasons

KEYS = Keys(id=KEY_ID, secret=SECRET)
NO_SIZE = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated>"
    b"<Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>"
)


@pytest.fixture
def service() -> Iterator[FakeS3]:
    with s3_server() as found:
        yield found


def store(service: FakeS3, **more: Any) -> S3Store:
    return S3Store(
        more.pop("bucket", service.bucket),
        endpoint=service.site.url,
        keys=more.pop("keys", KEYS),
        reach=more.pop("reach", None) or service.site.reach(),
        wait=more.pop("wait", lambda _: None),
        **more,
    )


def source(service: FakeS3, tmp_path: Path, *, prefix: str = "", **more: Any) -> Bucket:
    bounds = {name: more.pop(name) for name in list(more) if name in {
        "includes", "excludes", "size_max_bytes", "objects_max"}}  # fmt: skip
    return Bucket(store(service, **more), prefix=prefix, cache=tmp_path, **bounds)


def test_reads_a_prefix(service: FakeS3, tmp_path: Path) -> None:
    """Every object below a prefix is given, page after page, called by its key below it."""
    service.objects = {f"docs/{n}.md": f"{n}".encode() for n in range(8)}
    service.objects |= {"docs2/x.md": b"x", "other.md": b"y", "docs/": b"", "docs/sub/": b""}
    found = given(source(service, tmp_path, prefix="/docs/"))
    assert found == {f"{n}.md": f"{n}" for n in range(8)}
    assert list(found) == sorted(found)
    everything = source(service, tmp_path)
    assert len(given(everything)) == 10
    assert everything.count() == 10


def test_name(service: FakeS3, tmp_path: Path) -> None:
    """A bucket is called by service, name and prefix, never by what opens it."""
    found = source(service, tmp_path, prefix="a/b")
    assert found.name == f"bucket:{service.site.url}/docs/a/b/"
    amazon = S3Store("docs", region="eu-central-1", keys=KEYS)
    assert amazon.name == "https://s3.eu-central-1.amazonaws.com/docs"
    assert SECRET not in repr(KEYS) + repr(vars(amazon))


def test_library_follows(service: FakeS3, tmp_path: Path) -> None:
    """Added, changed, moved and deleted objects are so in the library; the rest is not sent."""
    library = Synced()
    service.objects = {"a.md": b"alpha", "b.md": b"beta", "c.md": b"gamma"}
    assert library.sync(source(service, tmp_path)) == dict.fromkeys(("a.md", "b.md", "c.md"), ADDED)
    assert service.sent == ["a.md", "b.md", "c.md"]
    assert library.sync(source(service, tmp_path)) == {}
    assert service.sent == []
    service.objects = {"a.md": b"alpha 2", "x/b.md": b"beta", "d.md": b"delta"}
    assert library.sync(source(service, tmp_path)) == {
        "a.md": CHANGED, "b.md": REMOVED, "c.md": REMOVED, "d.md": ADDED, "x/b.md": ADDED,
    }  # fmt: skip
    assert library.holds() == {"a.md": "alpha 2", "x/b.md": "beta", "d.md": "delta"}
    assert len(list(tmp_path.rglob("*.json"))) == 3


def test_resumed_after_a_kill(service: FakeS3, tmp_path: Path) -> None:
    """Stopped in the middle, the next reading is sent only what the first did not get."""
    service.objects = {f"{n}.md": b"x" for n in range(5)}
    reading = source(service, tmp_path).files()
    for _ in range(3):
        next(reading)
    with pytest.raises(Locked):
        next(iter(source(service, tmp_path).files()))
    reading.close()  # type: ignore[attr-defined]
    assert service.sent == ["0.md", "1.md", "2.md"]
    assert len(given(source(service, tmp_path))) == 5
    assert service.sent == ["3.md", "4.md"]


@pytest.mark.parametrize(
    ("more", "says", "match"),
    [
        ({"keys": Keys(id="AKIDOTHER", secret=SECRET)}, None, "credentials"),
        ({"keys": Keys(id=KEY_ID, secret="wrong")}, None, "credentials"),  # noqa: S106
        ({"keys": None}, None, "credentials"),
        ({"bucket": "elsewhere"}, None, "no such bucket"),
        ({}, (403, "ExpiredToken", {}), "credentials"),
        ({}, (403, "RequestTimeTooSkewed", {}), "clock"),
        ({}, (301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"}), "region"),
        ({}, (307, "x", {"Location": "http://169.254.169.254/"}), "answers 307"),
        ({}, (500, "InternalError", {}), "answers 500"),
        ({}, (503, "SlowDown", {}), "answers 503"),
        ({}, (200, "not a list", {}), "no list"),
    ],
)
def test_a_bucket_that_cannot_be_read(
    service: FakeS3, tmp_path: Path, more: dict[str, Any], says: Any, match: str
) -> None:
    """A bucket that refuses, is gone or is down fails as a whole: nothing vanishes."""
    service.objects = {"a.md": b"alpha"}
    service.says = says
    with pytest.raises(SourceFailed, match=match) as caught:
        given(source(service, tmp_path, **more))
    assert caught.value.hint
    assert caught.value.is_passing is (says is not None and says[0] >= 500)
    assert SECRET not in f"{caught.value} {caught.value.hint}"
    if match == "region":
        assert "eu-west-1" in caught.value.hint


def test_a_bucket_that_goes_down_meanwhile(service: FakeS3, tmp_path: Path) -> None:
    """After some objects in a row that are not given the reading ends, and nothing vanishes."""
    service.objects = {f"{n:02}.md": b"x" for n in range(40)}
    service.denies = dict.fromkeys(service.objects, (503, "SlowDown"))
    with pytest.raises(SourceFailed, match="stopped answering"):
        given(source(service, tmp_path))
    assert len(set(service.sent)) == MISSES_MAX


def test_an_object_that_cannot_be_read(service: FakeS3, tmp_path: Path) -> None:
    """One object that is not given stays as it was; one that is gone meanwhile is gone."""
    library = Synced()
    service.objects = {"a.md": b"alpha", "b.md": b"beta", "c.md": b"gamma", "d.md": b"delta"}
    library.sync(source(service, tmp_path))
    service.objects |= dict.fromkeys(service.objects, b"changed")
    service.denies = {
        "a.md": (403, "AccessDenied"),
        "b.md": (404, "NoSuchKey"),
        "c.md": (403, "InvalidObjectState"),
    }
    assert library.sync(source(service, tmp_path)) == {
        "a.md": FAILED, "b.md": REMOVED, "c.md": REMOVED, "d.md": CHANGED,
    } | {"c.md": REMOVED}  # fmt: skip
    assert library.holds() == {"a.md": "alpha", "d.md": "changed"}


def test_a_busy_service_is_asked_again(service: FakeS3, tmp_path: Path) -> None:
    """A service that is busy for a moment is asked again, a little later."""
    service.objects = {"a.md": b"alpha"}
    service.says = (503, "SlowDown", {})
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        service.says = None

    assert given(source(service, tmp_path, wait=wait)) == {"a.md": "alpha"}
    assert waited == [1.0]


def test_odd_keys(service: FakeS3, tmp_path: Path) -> None:
    """Keys that lead out, are empty in part or hold control characters are refused, unread."""
    odd = [
        "../x",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "a/../../b",
        "a\nb",
        "a\x1b[2Jb",
        "\u202eb",
        "c/",
    ]
    good = ["r\u00e9sum\u00e9 1+1&2.md", "a b.md", "q?x=1#y.md", "%41.md", "~'()*!.md"]
    service.objects = {key: key.encode() for key in (*odd, *good, ".hidden/a")}
    service.page_keys = 100
    found = given(source(service, tmp_path))
    for key in good:
        assert found.pop(key) == key
    assert found.pop(".hidden/") == "ignored"
    assert set(found.values()) == {"bad_name"}
    assert len(found) == len(odd)
    assert sorted(service.sent) == sorted(good)
    for path in found:
        assert path.isprintable()
        assert not path.startswith("/")
        assert ".." not in path.split("/")


def test_limits(service: FakeS3, tmp_path: Path) -> None:
    """Large objects are not asked for; one that is larger than it was listed is not kept."""
    service.objects = {
        "large.md": b"x" * 101, "film.mp4": b"x" * 101, "edge.md": b"x" * 100,
        "liar.md": b"x" * 5_000_000, "empty.md": b"",
    }  # fmt: skip
    service.lies_of_size = {"liar.md": 5}
    found = given(source(service, tmp_path, size_max_bytes=100))
    assert found == {
        "edge.md": "x" * 100, "empty.md": "empty", "film.mp4": "binary", "large.md": "too_large",
        "liar.md": "too_large",
    }  # fmt: skip
    assert not {"large.md", "film.mp4"} & set(service.sent)
    with pytest.raises(SourceFailed, match="more than 3 objects"):
        given(source(service, tmp_path, objects_max=3))


def test_an_object_that_changes_meanwhile(service: FakeS3, tmp_path: Path) -> None:
    """What is given is what was read, and is known by the tag it was read with."""
    service.objects = {"a.md": b"alpha", "b.md": b"beta"}
    reading = source(service, tmp_path).files()
    next(reading)
    service.objects["b.md"] = b"BETA"
    (item,) = reading
    assert isinstance(item, Raw)
    assert item.data == b"BETA"
    assert service.sent == ["a.md", "b.md"]
    assert given(source(service, tmp_path))["b.md"] == "BETA"
    assert service.sent == []


def test_packed_objects(service: FakeS3, tmp_path: Path) -> None:
    """An object that is kept packed is read as what it is, and not sent twice either."""
    service.objects = {"a.md": gzip.compress(b"alpha"), "bomb.md": gzip.compress(b"x" * 9_000_000)}
    service.packed = set(service.objects)
    for _ in range(2):
        found = given(source(service, tmp_path, size_max_bytes=1_000_000))
        assert found == {"a.md": "alpha", "bomb.md": "too_large"}
    assert service.sent == ["a.md", "bomb.md", "bomb.md"]


def test_patterns(service: FakeS3, tmp_path: Path) -> None:
    """What is excluded is said, what is not included is left out; neither is asked for."""
    service.objects = {"docs/a.md": b"a", "docs/old/b.md": b"b", "src/c.md": b"c"}
    found = given(source(service, tmp_path, includes=["docs/"], excludes=["old/"]))
    assert found == {"docs/a.md": "a", "docs/old/": "ignored"}
    assert service.sent == ["docs/a.md"]


def test_damaged_cache_is_fetched_anew(service: FakeS3, tmp_path: Path) -> None:
    """What was kept and is damaged is asked for again."""
    service.objects = {"a.md": b"alpha"}
    given(source(service, tmp_path))
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix not in {".json", ""}:
            path.write_bytes(b"damaged")
    assert given(source(service, tmp_path)) == {"a.md": "alpha"}
    assert service.sent == ["a.md", "a.md"]


def test_hosts_are_judged(tmp_path: Path) -> None:
    """A bucket on a closed address is not asked, and its keys are not sent there."""
    network = FakeNetwork(plain())
    for endpoint, addresses in (
        ("http://169.254.169.254", []),
        ("http://localhost", []),
        ("https://minio.example", ["10.0.0.1"]),
        ("https://minio.example:9000", ["93.184.216.34"]),
    ):
        reach = Reach(resolve=lambda _host, _port: addresses, network=network)  # noqa: B023
        bucket = Bucket(S3Store("docs", endpoint=endpoint, keys=KEYS, reach=reach), cache=tmp_path)
        with pytest.raises(NotAllowed) as caught:
            given(bucket)
        assert "sources.allow_hosts" in caught.value.hint
    assert network.connected == []


def test_a_list_without_end(tmp_path: Path) -> None:
    """A list that leads back to itself ends."""
    body = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated>"
        b"<NextContinuationToken>again</NextContinuationToken></ListBucketResult>"
    )
    network = FakeNetwork(plain(body, "Connection: close\r\n"))
    reach = Reach(resolve=lambda _host, _port: ["93.184.216.34"], network=network)
    with pytest.raises(SourceFailed, match="does not end"):
        given(Bucket(S3Store("docs", keys=KEYS, reach=reach), cache=tmp_path))
    assert len(network.connected) == 2


def test_a_service_that_drips(tmp_path: Path) -> None:
    """A service that sends a byte a second is given up at the deadline."""
    network = FakeNetwork(lambda: iter([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 10_000]))
    clock = Ticking(step_ms=1_000)
    reach = Reach(resolve=lambda _h, _p: ["93.184.216.34"], network=network, clock=clock)
    with pytest.raises(SourceFailed, match="within 120 seconds"):
        given(Bucket(S3Store("docs", keys=KEYS, reach=reach, clock=clock), cache=tmp_path))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"<ListBucketResult/>",
        NO_SIZE,
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult/>",
    ],
)
def test_what_is_no_list(data: bytes) -> None:
    """What is no list of objects is refused as a whole, so that nothing seems gone."""
    with pytest.raises(BadXml):
        listed(data)


@pytest.mark.parametrize(
    "more",
    [
        {"bucket": "../x"}, {"bucket": "a/b"}, {"bucket": ""}, {"bucket": "a..b"},
        {"endpoint": "http://user:secret@h"}, {"endpoint": "ftp://h"}, {"endpoint": "http://h/?x"},
        {"region": "a/b"}, {"keys": Keys(id="", secret="x")}, {"keys": Keys(id="x", secret=" ")},  # noqa: S106
        {"keys": Keys(id="x", secret="secret\nX: y")},  # noqa: S106
    ],
)  # fmt: skip
def test_what_is_no_bucket(more: dict[str, Any]) -> None:
    """Names, addresses and keys that cannot be ones are refused, and not repeated."""
    with pytest.raises(BadInput) as caught:
        S3Store(**({"bucket": "docs"} | more))
    assert "secret" not in f"{caught.value}".replace("key, secret or", "").replace("and secret", "")


@pytest.mark.parametrize("prefix", ["..", "a/../b", "a//b", "a\nb"])
def test_what_is_no_prefix(service: FakeS3, tmp_path: Path, prefix: str) -> None:
    """A prefix that leads elsewhere is refused."""
    with pytest.raises(BadInput):
        source(service, tmp_path, prefix=prefix)


AMAZON_KEYS = Keys(id="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")  # noqa: S106


@pytest.mark.parametrize(
    ("path", "query", "headers", "signature"),
    [
        ("/test.txt", {}, {"range": "bytes=0-9"},
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/", {"lifecycle": ""}, {},
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/", {"prefix": "J", "max-keys": "2"}, {},
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)  # fmt: skip
def test_signatures_of_the_documentation(
    path: str, query: dict[str, str], headers: dict[str, str], signature: str
) -> None:
    """The examples of Amazon's documentation come out as they stand there."""
    found = signed(
        Url(
            scheme="https",
            host="examplebucket.s3.amazonaws.com",
            port=443,
            path=path,
            query=query_of(query),
        ),
        headers,
        keys=AMAZON_KEYS,
        region="us-east-1",
        when=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert found["Authorization"].endswith(f"Signature={signature}")


def test_a_session(service: FakeS3, tmp_path: Path) -> None:
    """The token of a session is sent and signed."""
    service.objects = {"a.md": b"alpha"}
    keys = Keys(id=KEY_ID, secret=SECRET, token="session/token==")  # noqa: S106
    assert given(source(service, tmp_path, keys=keys)) == {"a.md": "alpha"}
    for one in service.site.asked:
        assert one.headers["x-amz-security-token"] == "session/token=="
        assert "x-amz-security-token" in one.headers["Authorization"]


def test_other_clouds(tmp_path: Path) -> None:
    """What fsspec reads is read the same way: limits, odd names, and nothing twice."""
    files = fsspec.filesystem("memory", skip_instance_cache=True)
    files.store = {}
    for key, data in {"docs/a.md": b"alpha", "docs/b/c.md": b"gamma", "x.md": b"x"}.items():
        files.pipe_file(f"/bucket/{key}", data)
    files.pipe_file("/bucket/docs/large.md", b"x" * 200)

    def bucket(prefix: str = "docs") -> Bucket:
        return Bucket(
            FsspecStore("gs", "bucket", files), prefix=prefix, cache=tmp_path, size_max_bytes=100
        )

    assert bucket().name == "bucket:gs://bucket/docs/"
    assert given(bucket()) == {"a.md": "alpha", "b/c.md": "gamma", "large.md": "too_large"}
    assert len(given(bucket(""))) == 4

    class Broken(FsspecStore):
        def __init__(self, error: Exception) -> None:
            super().__init__("gs", "bucket", files)
            self._files = self  # type: ignore[assignment]
            self._error = error

        def find(self, *_: Any, **__: Any) -> Any:
            raise self._error

    for error, match in (
        (PermissionError(), "credentials"),
        (FileNotFoundError(), "nothing there"),
        (RuntimeError("secret"), "RuntimeError"),
    ):
        with pytest.raises(SourceFailed, match=match) as caught:
            given(Bucket(Broken(error), cache=tmp_path))
        assert "secret" not in str(caught.value)


def test_clouds_that_cannot_be_read() -> None:
    """Protocols that lead elsewhere are refused; a missing package is named."""
    for protocol in ("file", "local", "http", "sftp", "s3", "memory", "simplecache::gs", ""):
        with pytest.raises(BadInput):
            filesystem(protocol, {})
    for option in ("endpoint_url", "host", "account_host", "session_kwargs", "proxy"):
        with pytest.raises(BadInput, match="another host"):
            filesystem("gs", {option: "http://127.0.0.1"})
    with pytest.raises(NotReady) as caught:
        filesystem("gs", {"project": "x"})
    assert "pip install gcsfs" in caught.value.hint


def test_reasons(service: FakeS3, tmp_path: Path) -> None:
    """Reasons name no key and no content."""
    service.objects = {"a.md": b"alpha"}
    service.denies = {"a.md": (403, "AccessDenied")}
    assert reasons(source(service, tmp_path)) == {"a.md": "permission denied"}


def test_policy_allows_by_name(service: FakeS3, tmp_path: Path) -> None:
    """A service of one's own is reached once it is allowed by name."""
    service.objects = {"a.md": b"alpha"}
    where = f"minio.internal:{service.site.port}"
    reach = Reach(Policy.of([where]), resolve=lambda _host, _port: ["127.0.0.1"])
    bucket = Bucket(
        S3Store("docs", endpoint=f"http://{where}", keys=KEYS, reach=reach), cache=tmp_path
    )
    assert given(bucket) == {"a.md": "alpha"}
