"""Where a page of HTML leads to, without building a tree of it.

A crawler meets every page of a site, also those that are made to break parsers. So tags are
walked from one to the next, each looked at once, in time that grows with the length of the page
and no faster; nothing is nested, so nothing can be nested too deeply.

Source: HTML Standard, section 13.2.5 (tokenization), as far as tags, comments and raw text go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape

LINKS_MAX = 5_000

_TAG = re.compile(r"<(?:!--|([a-zA-Z][^\s/>]*+))")
_NAME = re.compile(r"[\s/]*+([^\s/>=][^\s/>=]*+)?")
_EQUALS = re.compile(r"\s*+=\s*+")
_BARE = re.compile(r"[^\s>]*+")
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "noembed", "template"})
_LEADING = {"a": "href", "area": "href", "iframe": "src", "frame": "src"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What a page says about addresses, as it is written.

    Attributes:
        links: Where it leads, each once, in order.
        base: What links are relative to; empty for the page itself.
        canonical: Where it says it lives; empty when it does not say.
    """

    links: tuple[str, ...] = ()
    base: str = ""
    canonical: str = ""


def look(data: bytes) -> Page:
    """Return what a page of HTML says about addresses. Never fails."""
    text = data.decode("utf-8", "replace")
    links: dict[str, None] = {}
    base = canonical = ""
    for name, attributes in _tags(text):
        if name == "base":
            base = base or attributes.get("href", "")
        elif name == "link":
            if "canonical" in attributes.get("rel", "").lower().split():
                canonical = canonical or attributes.get("href", "")
        elif len(links) < LINKS_MAX and (link := attributes.get(_LEADING[name], "")):
            links[link] = None
    return Page(links=tuple(links), base=base.strip(), canonical=canonical.strip())


def _tags(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give name and attributes of the tags that can hold an address."""
    at = 0
    while found := _TAG.search(text, at):
        name = (found[1] or "").lower()
        if not name:
            at = _after(text, "-->", found.end())
            continue
        attributes, at = _attributes(text, found.end())
        if at < 0:
            return
        if name in _LEADING or name in {"base", "link"}:
            yield name, attributes
        if name in _RAW:
            at = _after_raw(text, name, at)
        if at < 0:
            return


def _after(text: str, mark: str, at: int) -> int:
    """Return the place after a mark; the end of the text when it does not come."""
    end = text.find(mark, at)
    return len(text) if end < 0 else end + len(mark)


def _after_raw(text: str, name: str, at: int) -> int:
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, at)
    return len(text) if end is None else end.end()


def _attributes(text: str, at: int) -> tuple[Mapping[str, str], int]:
    """Return the attributes of a tag and the place after it; -1 when it never ends."""
    found: dict[str, str] = {}
    while True:
        name = _NAME.match(text, at)
        at = name.end() if name else at
        if at >= len(text):
            return found, -1
        if name is None or not name[1]:
            # What cannot begin a name is the end of the tag, or a stray sign that is passed over.
            if text[at] == ">":
                return found, at + 1
            at += 1
            continue
        value, at = _value(text, at)
        if at < 0:
            return found, -1
        found.setdefault(name[1].lower(), value)


def _value(text: str, at: int) -> tuple[str, int]:
    """Return the value of an attribute, empty when it has none, and the place after it."""
    equals = _EQUALS.match(text, at)
    if equals is None:
        return "", at
    at = equals.end()
    quote = text[at : at + 1]
    if quote in {'"', "'"}:
        end = text.find(quote, at + 1)
        return ("", -1) if end < 0 else (unescape(text[at + 1 : end]), end + 1)
    bare = _BARE.match(text, at)
    end = bare.end() if bare else at
    return unescape(text[at:end]), end
