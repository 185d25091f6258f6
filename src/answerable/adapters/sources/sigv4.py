"""Signatures for S3: who asks, said in a way that cannot be altered or used again later. Pure.

Source: AWS Signature Version 4, "Authenticating Requests: Using the Authorization Header".
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

from answerable.adapters.sources.urls import Url

_ALGORITHM = "AWS4-HMAC-SHA256"
NO_BODY = sha256(b"").hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """What opens a bucket.

    Attributes:
        id: Access key id; no secret.
        secret: Secret access key.
        token: Of a session; empty for keys that stay.
    """

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def escape(text: str, *, safe: str = "") -> str:
    """Return a text escaped as signatures need it: all but letters, digits and ``-._~``."""
    return quote(text, safe=f"{safe}-._~")


def query_of(pairs: Mapping[str, str]) -> str:
    """Return a query in the order and spelling that is signed."""
    return "&".join(f"{escape(name)}={escape(pairs[name])}" for name in sorted(pairs))


def signed(
    url: Url, headers: Mapping[str, str], *, keys: Keys, region: str, when: datetime
) -> dict[str, str]:
    """Return the headers of a ``GET`` with its signature among them.

    Args:
        url: Path and query as `escape` and `query_of` spell them.
        headers: Further ones to sign, by name.
        keys: Who asks.
        region: Where the bucket is.
        when: Now, in UTC.
    """
    stamp = f"{when:%Y%m%dT%H%M%SZ}"
    sent = {
        **headers,
        "Host": url.authority,
        "x-amz-content-sha256": NO_BODY,
        "x-amz-date": stamp,
        **({"x-amz-security-token": keys.token} if keys.token else {}),
    }
    lowered = {name.lower(): value.strip() for name, value in sent.items()}
    names = ";".join(sorted(lowered))
    listed = "".join(f"{name}:{lowered[name]}\n" for name in sorted(lowered))
    request = f"GET\n{url.path}\n{url.query}\n{listed}\n{names}\n{NO_BODY}"
    scope = f"{when:%Y%m%d}/{region}/s3/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.new(_key(keys.secret, scope), text.encode(), sha256).hexdigest()
    return {
        **sent,
        "Authorization": f"{_ALGORITHM} Credential={keys.id}/{scope},"
        f"SignedHeaders={names},Signature={signature}",
    }


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key
