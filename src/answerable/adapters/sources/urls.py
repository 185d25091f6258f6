"""Addresses of the web, read strictly: one spelling, one meaning, or refused.

Two programs that read one address differently are how a request ends where it must not. So
whatever could be read in two ways (a backslash, a user name, an IP address written as one number)
is refused, and what is left is brought to one spelling that is used for everything after.

Source: RFC 3986; WHATWG URL Standard, where browsers and the RFC differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from unicodedata import category
from urllib.parse import unquote_to_bytes

import idna

URL_CHARS_MAX = 2_000
PORTS = {"http": 80, "https": 443}

_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~!$&'()*+,;=:@/?-]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORT_MAX = 65_535
_HOST_CHARS_MAX = 253

# What says who came from where, never what is shown.
_TRACKING = re.compile(
    r"utm_\w+|gclid|fbclid|msclkid|dclid|yclid|mc_[ce]id|igshid|_ga|_gl|ref_src"
    r"|phpsessid|jsessionid|sid|sessionid|session_id",
    re.IGNORECASE,
)


class BadUrl(Exception):  # noqa: N818 # named by what is wrong
    """This is no address that can be fetched.

    Attributes:
        reason: What is wrong, in words, without the address: it may hold a password.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Url:
    """An address in its one spelling; made by `parse`.

    Attributes:
        scheme: ``http`` or ``https``.
        host: A name in ASCII and lower case without a dot at its end, or an IP address, bare.
        path: Begins with a slash; escapes only where they must be, no ``.`` or ``..``.
        query: Without its question mark; empty when there is none.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def authority(self) -> str:
        """Host, and port where it is not the usual one; what the header ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Everything before the path."""
        return f"{self.scheme}://{self.authority}"

    @property
    def target(self) -> str:
        """Path and query, as they stand in the first line of a request."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def __str__(self) -> str:
        return self.origin + self.target


def parse(text: str) -> Url:
    """Return an address of the web in its one spelling, without its fragment.

    Raises:
        BadUrl: It is none, or can be read in two ways.
    """
    if len(text) > URL_CHARS_MAX:
        raise BadUrl(f"it is longer than {URL_CHARS_MAX} characters")
    if any(char in " \\" or category(char) in {"Cc", "Cs", "Cf", "Zl", "Zp"} for char in text):
        raise BadUrl("it holds a space, a backslash or an invisible character")
    found = _PARTS.fullmatch(text)
    if found is None:
        raise BadUrl("it is no address such as https://docs.example.org/")
    scheme, authority, path, query = found.groups()
    scheme = scheme.lower()
    if scheme not in PORTS:
        raise BadUrl("it begins with neither http:// nor https://")
    host, port = host_and_port(authority, PORTS[scheme])
    return Url(
        scheme=scheme,
        host=host,
        port=port,
        path=normal_path(path),
        query=escaped(query or ""),
    )


def host_and_port(authority: str, usual: int) -> tuple[str, int]:
    """Return the host in its one spelling, and the port.

    Raises:
        BadUrl: There is a user name, the host is none, or the port is out of range.
    """
    if "@" in authority:
        raise BadUrl("it carries a user name or a password")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise BadUrl("its host or port cannot be read")
    host, port = found.groups()
    number = int(port) if port else usual
    if not 0 < number <= _PORT_MAX:
        raise BadUrl("its port is out of range")
    return host_of(host), number


def host_of(text: str) -> str:
    """Return a host in its one spelling: a name in ASCII and lower case, or a bare IP address.

    Raises:
        BadUrl: It is none, or an IP address that is not written as four numbers or in brackets.
    """
    if text.startswith("["):
        return _address_6(text[1:-1])
    name = _ascii(text).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        if name != text.removesuffix("."):
            raise BadUrl("its host is an IP address in a spelling that hides it")
        return _address_4(name)
    if len(name) > _HOST_CHARS_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise BadUrl("its host is no name")
    return name


def _ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        # What looks like a name but is an address is said as such, whichever way it fails.
        raise BadUrl("its host is no name that can be written in ASCII") from error


def _address_4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise BadUrl("its host is an IP address in an odd spelling") from error


def _address_6(text: str) -> str:
    if "%" in text:
        raise BadUrl("its host names an interface of this machine")
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise BadUrl("its host is no IPv6 address") from error


def joined(base: Url, link: str) -> Url | None:
    """Return where a link on a page leads, or None when it leads to no page of the web.

    Args:
        base: The address of the page, or what its ``<base>`` says.
        link: As it stands in the page.
    """
    link = link.strip("\t\n\f\r ").translate({9: None, 10: None, 13: None}).replace(" ", "%20")
    if not link or link.startswith("#"):
        return None
    try:
        return parse(_absolute(base, link))
    except BadUrl:
        return None


def _absolute(base: Url, link: str) -> str:
    if _SCHEME.match(link):
        return link
    if link.startswith("//"):
        return f"{base.scheme}:{link}"
    if link.startswith("/"):
        return base.origin + link
    if link.startswith("?"):
        return base.origin + base.path + link
    return f"{base.origin}{base.path.rpartition('/')[0]}/{link}"


def normal_path(path: str) -> str:
    """Return a path in its one spelling, with a slash before it and no ``.`` or ``..``."""
    kept: list[str] = []
    parts = escaped(path).removeprefix("/").split("/")
    for at, part in enumerate(parts):
        is_last = at == len(parts) - 1
        if part == "..":
            del kept[-1:]
        if part not in {".", ".."}:
            kept.append(part)
        elif is_last:
            kept.append("")
    return "/" + "/".join(kept)


def escaped(text: str) -> str:
    """Return path or query with escapes exactly where they must be, in capitals."""
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) > 1:
        (byte,) = unquote_to_bytes(text)
        return chr(byte) if byte in _UNRESERVED else text.upper()
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def tidied(url: Url) -> Url:
    """Return the address of a page with its query in order and without what tracks visitors."""
    if not url.query:
        return url
    return replace(url, query="&".join(sorted(set(_telling(url.query.split("&"))))))


def _telling(pairs: Iterable[str]) -> Iterable[str]:
    return (pair for pair in pairs if pair and not _TRACKING.fullmatch(pair.partition("=")[0]))
