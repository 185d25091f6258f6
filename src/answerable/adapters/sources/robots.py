"""What a site asks robots to leave alone: ``robots.txt``, read as RFC 9309 says.

The longest pattern that matches decides, and of two equally long ones the kinder. Wildcards are
matched piece by piece, first place first, which is enough because ``*`` can only give what follows
more room, and takes no longer on ``*a*a*a*a`` than on anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from answerable.adapters.sources.urls import escaped

BYTES_MAX = 500 << 10
"""What has to be read of one at least, and is read of one at most (RFC 9309, section 2.5)."""

_SITEMAPS_MAX = 100
_NAME = re.compile(r"\*|[A-Za-z_-]+")
_DECIMAL = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line ``allow`` or ``disallow``, its pattern in the spelling of `Url.target`."""

    pattern: str
    allows: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Robots:
    """What one robot may do.

    Attributes:
        delay_s: Seconds to wait between two requests, as the site asks; 0 where it does not.
        sitemaps: Addresses, as they are written.
    """

    rules: tuple[Rule, ...] = ()
    delay_s: float = 0.0
    sitemaps: tuple[str, ...] = ()

    def allows(self, target: str) -> bool:
        """Return whether path and query of a page may be fetched."""
        if target == "/robots.txt":
            return True
        best = Rule(pattern="", allows=True)
        for rule in self.rules:
            weight = (len(rule.pattern), rule.allows)
            if weight > (len(best.pattern), best.allows) and matches(rule.pattern, target):
                best = rule
        return best.allows


ANYTHING = Robots()


def parse(data: bytes, agent: str) -> Robots:
    """Return what a ``robots.txt`` lets a robot do. Never fails: what is no rule says nothing.

    Args:
        data: The file; what is over `BYTES_MAX` is not looked at.
        agent: The robot's name: letters, hyphens and underscores.
    """
    text = data[:BYTES_MAX].decode("utf-8", "replace").removeprefix("\ufeff")
    own: list[tuple[str, str]] = []
    everyone: list[tuple[str, str]] = []
    sitemaps: dict[str, None] = {}
    has_own = False
    names: set[str] = set()
    is_naming = False
    for key, value in _lines(text):
        if key == "user-agent":
            names = names if is_naming else set()
            names.add(_token(value))
            has_own = has_own or agent.lower() in names
            is_naming = True
        elif key == "sitemap":
            sitemaps[value] = None
        else:
            is_naming = False
            if agent.lower() in names:
                own.append((key, value))
            if "*" in names:
                everyone.append((key, value))
    lines = own if has_own else everyone
    return Robots(
        rules=tuple(_rules(lines)),
        delay_s=max((_seconds(value) for key, value in lines if key == "crawl-delay"), default=0.0),
        sitemaps=tuple(sitemaps)[:_SITEMAPS_MAX],
    )


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Give keys and values of the lines that mean something to us, in order."""
    for line in text.splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key = key.strip().lower()
        if colon and key in {"user-agent", "allow", "disallow", "crawl-delay", "sitemap"}:
            yield key, value.strip()


def _token(value: str) -> str:
    """Return the name in a ``user-agent`` line: ``answerable`` of ``Answerable/1.0``."""
    found = _NAME.match(value)
    return found[0].lower() if found else ""


def _rules(lines: Iterable[tuple[str, str]]) -> Iterator[Rule]:
    for key, value in lines:
        if key in {"allow", "disallow"} and value:
            is_ended = value.endswith("$")
            pattern = escaped(value.removesuffix("$")) + "$" * is_ended
            yield Rule(pattern=pattern, allows=key == "allow")


def _seconds(value: str) -> float:
    return float(value) if _DECIMAL.fullmatch(value) else 0.0


def matches(pattern: str, target: str) -> bool:
    """Return whether a pattern with ``*``, and ``$`` at its end, matches a path from its start."""
    is_ended = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    if not others:
        return not is_ended or len(target) == len(first)
    *between, last = others
    at = len(first)
    for piece in between:
        at = target.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    if is_ended:
        return len(target) - len(last) >= at and target.endswith(last)
    return target.find(last, at) >= 0
