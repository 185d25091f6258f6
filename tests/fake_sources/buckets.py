"""A service on this machine that speaks S3 and checks signatures, for tests of sources."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from fake_sources.sites import Asked, Site, served

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@dataclass
class FakeS3:
    """One bucket. Objects by key; `packed` ones are kept with gzip; `denies` are not given."""

    site: Site
    bucket: str = "docs"
    objects: dict[str, bytes] = field(default_factory=dict)
    packed: set[str] = field(default_factory=set)
    denies: dict[str, tuple[int, str]] = field(default_factory=dict)
    says: tuple[int, str, Mapping[str, str]] | None = None
    page_keys: int = 3
    lies_of_size: dict[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> list[str]:
        """The keys that were asked for; then forget them."""
        prefix = f"/{self.bucket}/"
        asked = [unquote(one.target) for one in self.site.asked]
        self.site.asked.clear()
        return [target.removeprefix(prefix) for target in asked if target.startswith(prefix)]


@contextmanager
def s3_server() -> Iterator[FakeS3]:
    """Serve a bucket until the end of the block."""

    def serve(handler: BaseHTTPRequestHandler, site: Site) -> None:
        site.asked.append(Asked(handler.path, dict(handler.headers), 0))
        status, headers, body = _answer(handler, service)
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    with served(serve) as site:
        service = FakeS3(site=site)
        yield service


Said = tuple[int, Mapping[str, str], bytes]


def _answer(handler: BaseHTTPRequestHandler, service: FakeS3) -> Said:
    if service.says:
        return _error(*service.says)
    if wrong := _signature_is_wrong(handler):
        return _error(403, wrong)
    target = urlsplit(handler.path)
    bucket, _, key = unquote(target.path.removeprefix("/")).partition("/")
    if bucket != service.bucket:
        return _error(404, "NoSuchBucket")
    if not key:
        return _list(service, dict(parse_qsl(target.query, keep_blank_values=True)))
    if key in service.denies or key not in service.objects:
        return _error(*service.denies.get(key, (404, "NoSuchKey")))
    data = service.objects[key]
    coding = {"Content-Encoding": "gzip"} if key in service.packed else {}
    return 200, {"ETag": f'"{_etag(data)}"', **coding}, data


def _list(service: FakeS3, query: Mapping[str, str]) -> Said:
    assert (query["list-type"], query["encoding-type"]) == ("2", "url")
    keys = sorted(key for key in service.objects if key.startswith(query["prefix"]))
    start = int(query.get("continuation-token", "0"))
    page, end = keys[start : start + service.page_keys], start + service.page_keys
    listed = "".join(
        f"<Contents><Key>{escape(quote(key).replace('%20', '+'))}</Key>"
        f"<ETag>&quot;{_etag(service.objects[key])}&quot;</ETag>"
        f"<Size>{service.lies_of_size.get(key, len(service.objects[key]))}</Size>"
        "<Owner><ID>x</ID></Owner></Contents>"
        for key in page
    )
    more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < len(keys) else ""
    text = (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<EncodingType>url</EncodingType><IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        f"{more}{listed}</ListBucketResult>"
    )
    return 200, {"Content-Type": "application/xml"}, text.encode()


def _error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Said:
    return status, headers or {}, f"<Error><Code>{code}</Code></Error>".encode()


def _etag(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


def _signature_is_wrong(handler: BaseHTTPRequestHandler) -> str:
    """Check a signature as the service does, from what came over the line; return what is wrong."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request,"
        r"SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
        handler.headers.get("Authorization", ""),
    )
    if found is None:
        return "AccessDenied"
    key_id, day, region, names, signature = found.groups()
    if key_id != KEY_ID:
        return "InvalidAccessKeyId"
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names.split(";"))
    path, _, query = handler.path.partition("?")
    query = "&".join(sorted(query.split("&"))) if query else ""
    headers = "".join(f"{name}:{handler.headers[name].strip()}\n" for name in names.split(";"))
    request = "\n".join(
        [handler.command, path, query, headers, names, handler.headers["x-amz-content-sha256"]]
    )
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            handler.headers["x-amz-date"],
            f"{day}/{region}/s3/aws4_request",
            sha256(request.encode()).hexdigest(),
        ]
    )
    key = b"AWS4" + SECRET.encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    is_right = hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), signature)
    return "" if is_right else "SignatureDoesNotMatch"
