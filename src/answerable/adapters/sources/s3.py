"""Buckets that speak S3: Amazon's, MinIO, Ceph, R2 and others.

Spoken directly (decision 0017): two requests, one signature, through the same door as all that
leaves this machine. Nothing asks a metadata service for credentials, ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from re import fullmatch
from urllib.parse import unquote

from answerable.adapters.clock import SystemClock
from answerable.adapters.sources.bucket import Got, Listed, NotGot, Store
from answerable.adapters.sources.reach import SETTING, Answer, Bounds, Reach, Unreached
from answerable.adapters.sources.sigv4 import Keys, escape, query_of, signed
from answerable.adapters.sources.urls import BadUrl, Url, parse
from answerable.adapters.sources.xmltexts import BadXml, texts
from answerable.domain.clock import Clock
from answerable.domain.errors import BadInput, NotAllowed, SourceFailed

AMAZON = "https://s3.{region}.amazonaws.com"

_TRIES_MAX = 3
_PAGE_KEYS = 1_000
_PAGE_BYTES = 16_000_000
_ETAG_CHARS_MAX = 200
_OK, _MOVED, _FORBIDDEN, _NOT_FOUND = 200, 301, 403, 404
_TOO_MANY, _SERVER_ERROR = 429, 500
_CONTENTS = "Contents"
_RESULT = "ListBucketResult"
_LISTED = frozenset(
    {
        (_CONTENTS, "Key"),
        (_CONTENTS, "Size"),
        (_CONTENTS, "ETag"),
        (_RESULT, "IsTruncated"),
        (_RESULT, "NextContinuationToken"),
        (_RESULT, "EncodingType"),
    }
)
_ERROR = frozenset({("Error", "Code"), ("Error", "Region")})
_CREDENTIALS = frozenset(
    "InvalidAccessKeyId SignatureDoesNotMatch AccessDenied ExpiredToken InvalidToken"
    " TokenRefreshRequired AllAccessDisabled AccountProblem InvalidSecurity".split()
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of a list of objects.

    Attributes:
        next: What asks for the next part; empty at the end.
    """

    objects: tuple[Listed, ...]
    next: str = ""


class S3Store:
    """A bucket that speaks S3.

    Args:
        bucket: Its name.
        endpoint: Address of the service; by default Amazon's in the region.
        region: Where the bucket is.
        keys: What opens it; without, it has to be open to everybody.
        reach: The way out.
        clock: What time it is: a signature holds a few minutes.
        wait: Waits some seconds before it asks again.
        seconds: For one object.

    Raises:
        BadInput: Bucket, endpoint, region or keys cannot be ones.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str = "",
        region: str = "us-east-1",
        keys: Keys | None = None,
        reach: Reach | None = None,
        clock: Clock | None = None,
        wait: Callable[[float], None] = time.sleep,
        seconds: float = 120.0,
    ) -> None:
        if not fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}", bucket) or ".." in bucket:
            raise _bad("its name is none of a bucket")
        if not fullmatch(r"[A-Za-z0-9-]{1,64}", region):
            raise _bad("its region is none")
        self._root = _root(endpoint or AMAZON.format(region=region), bucket)
        self._region = region
        self._keys = _whole(keys)
        self._reach = reach or Reach()
        self._clock = clock or SystemClock()
        self._wait = wait
        self._seconds = seconds

    @property
    def name(self) -> str:
        """Address of the service and name of the bucket."""
        return str(self._root)

    def objects(self, prefix: str) -> Iterator[Listed]:
        """Give every object whose key begins so, in the order of keys.

        Raises:
            SourceFailed: The bucket cannot be read.
            NotAllowed: Its host may not be reached.
        """
        token = ""
        seen: set[str] = set()
        while True:
            page = self._page(prefix, token)
            yield from page.objects
            token = page.next
            if not token:
                return
            if token in seen:
                raise self._failed("its list of objects does not end")
            seen.add(token)

    def read(self, key: str, *, bytes_max: int) -> Got | None:
        """Return an object; None when it is gone.

        Raises:
            NotGot: It cannot be read, or is larger.
        """
        url = replace(self._root, path=f"{self._root.path}/{escape(key, safe='/')}")
        try:
            answer = self._ask(url, Bounds(body_bytes=bytes_max, seconds=self._seconds))
        except Unreached as error:
            is_down = error.code in {"timeout", "unreadable"}
            raise NotGot(error.code, error.reason, is_down=is_down) from error
        if answer.status == _OK:
            return Got(data=answer.body or b"", etag=_etag(answer.headers.get("etag", "")))
        code = _error(answer)[0]
        if answer.status == _NOT_FOUND and code != "NoSuchBucket":
            return None
        if code == "InvalidObjectState":
            raise NotGot("ignored", "it is archived and cannot be read at once", skipped=True)
        reason = (
            "permission denied" if answer.status == _FORBIDDEN else "its bucket does not give it"
        )
        raise NotGot("unreadable", reason, is_down=True)

    def close(self) -> None:
        """Close every connection."""
        self._reach.close()

    def _page(self, prefix: str, token: str) -> Page:
        query = {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": str(_PAGE_KEYS),
            "prefix": prefix,
            **({"continuation-token": token} if token else {}),
        }
        try:
            answer = self._ask(
                replace(self._root, query=query_of(query)),
                Bounds(body_bytes=_PAGE_BYTES, seconds=self._seconds),
            )
        except Unreached as error:
            raise self._unreached(error) from error
        if answer.status != _OK:
            raise self._refused(answer)
        try:
            return listed(answer.body or b"")
        except BadXml as error:
            raise self._failed("what it answers is no list of objects") from error

    def _ask(self, url: Url, bounds: Bounds) -> Answer:
        """Return what the service says; ask again where it says that it is busy.

        Raises:
            Unreached: It says nothing.
        """
        for attempt in range(1, _TRIES_MAX + 1):
            try:
                answer = self._reach.get(url, headers=self._headers(url), bounds=bounds)
            except Unreached as error:
                if attempt == _TRIES_MAX or error.code != "unreadable":
                    raise
            else:
                is_busy = answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR
                if attempt == _TRIES_MAX or not is_busy:
                    return answer
            self._wait(float(attempt))
        raise AssertionError

    def _headers(self, url: Url) -> dict[str, str]:
        # Objects are bytes: one that is kept packed has to come as it is.
        plain = {"Accept-Encoding": "identity"}
        if self._keys is None:
            return plain
        when = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        return signed(url, plain, keys=self._keys, region=self._region, when=when)

    def _unreached(self, error: Unreached) -> NotAllowed | SourceFailed:
        if error.code == "link_out":
            return NotAllowed(
                f"the bucket {self.name} may not be reached: {error.reason}",
                hint=f"if it is meant, allow its host by name: setting {SETTING}",
            )
        return self._failed(error.reason, is_passing=error.code in {"timeout", "unreadable"})

    def _refused(self, answer: Answer) -> SourceFailed:
        code, region = _error(answer)
        region = region or answer.headers.get("x-amz-bucket-region", "")
        if region and region != self._region and fullmatch(r"[A-Za-z0-9-]{1,64}", region):
            return self._failed("it is in another region", hint=f"its region is {region}")
        if code == "NoSuchBucket" or (answer.status == _NOT_FOUND and not code):
            return self._failed("there is no such bucket", hint="check its name and its service")
        if code == "RequestTimeTooSkewed":
            return self._failed(
                "the clock of this machine differs from that of the service",
                hint="set the clock of this machine",
            )
        if code in _CREDENTIALS or answer.status in {401, _FORBIDDEN}:
            return self._failed(
                "it does not accept the credentials, or they may not list it",
                hint="check key and secret of this source, and that they may list and read: "
                "s3:ListBucket, s3:GetObject",
            )
        is_passing = answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR
        return self._failed(f"it answers {answer.status}", is_passing=is_passing)

    def _failed(
        self, reason: str, *, hint: str = "look whether it is up", is_passing: bool = False
    ) -> SourceFailed:
        return SourceFailed(
            f"the bucket {self.name} cannot be read: {reason}",
            hint=f"{hint}; its documents stay as they were",
            is_passing=is_passing,
        )


_: Callable[..., Store] = S3Store


def _root(endpoint: str, bucket: str) -> Url:
    try:
        url = parse(endpoint)
    except BadUrl as error:
        raise _bad(error.reason) from error
    if url.query:
        raise _bad("its address has a question mark")
    return replace(url, path=f"{url.path.rstrip('/')}/{bucket}")


def _whole(keys: Keys | None) -> Keys | None:
    if keys is None:
        return None
    values = {"id": keys.id.strip(), "secret": keys.secret.strip(), "token": keys.token.strip()}
    if not values["id"] or not values["secret"]:
        raise _bad("of key and secret one is missing")
    if not all("!" <= char <= "~" for value in values.values() for char in value):
        raise _bad("key, secret or token hold white space or letters that are not ASCII")
    return Keys(**values)


def _bad(reason: str) -> BadInput:
    return BadInput(
        f"this is no bucket that can be read: {reason}",
        hint="such as bucket docs, endpoint https://minio.example.org, region us-east-1",
    )


def listed(data: bytes) -> Page:
    """Return the objects in a part of a list.

    Raises:
        BadXml: It is none.
    """
    objects: list[dict[str, str]] = []
    about: dict[str, str] = {}
    for (parent, name), text in texts(data, _LISTED):
        if parent == _RESULT:
            about[name] = text
        elif name == "Key":
            objects.append({"Key": text})
        elif objects:
            objects[-1][name] = text
    if "IsTruncated" not in about:
        raise BadXml("it is no list of objects")
    is_escaped = about.get("EncodingType") == "url"
    is_cut = about["IsTruncated"] == "true"
    return Page(
        objects=tuple(_object(one, is_escaped=is_escaped) for one in objects),
        next=about.get("NextContinuationToken", "") if is_cut else "",
    )


def _object(about: Mapping[str, str], *, is_escaped: bool) -> Listed:
    key, size = about["Key"], about.get("Size", "")
    if not (size.isascii() and size.isdigit()):
        raise BadXml("an object has no size")
    if is_escaped:
        key = unquote(key.replace("+", " "), errors="surrogateescape")
    return Listed(key=key, size=int(size[:20]), etag=_etag(about.get("ETag", "")))


def _etag(text: str) -> str:
    text = text.strip().strip('"')
    return text if len(text) <= _ETAG_CHARS_MAX and text.isascii() and text.isprintable() else ""


def _error(answer: Answer) -> tuple[str, str]:
    """Return the code of an error, and the region it names; empty where there is none."""
    try:
        found = dict(texts(answer.body or b"", _ERROR))
    except BadXml:
        return "", ""
    return found.get(("Error", "Code"), ""), found.get(("Error", "Region"), "")
