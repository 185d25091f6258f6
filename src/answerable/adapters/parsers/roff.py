"""The lines of a roff source: requests and text, with what sets type taken out.

No request is ever run: nothing is included, no macro is defined, and a string may stand for
words only, so that none can grow by naming another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

_NAME = r"(?:\((?P<two{0}>..)|\[(?P<long{0}>[^\]\n]{{0,80}})\]|(?P<one{0}>.))"
_SIZE = r"(?:[-+]?\(..|[-+]?\[[^\]\n]{0,80}\]|'[^'\n]{0,80}'|[-+]?\d\d?)"
_ESCAPE = re.compile(  # everything that looks for its end is bounded
    r"\\(?:"
    r"(?P<comment>[\"#].*)"
    r"|f(?:\(..|\[[^\]\n]{0,80}\]|.)"
    r"|s"
    + _SIZE
    + r"|\*"
    + _NAME.format("_string")
    + r"|[nmMgkFVYO](?:[-+]?\(..|[-+]?\[[^\]\n]{0,80}\]|[-+]?.)"
    r"|N'(?P<code>\d{1,9})'"
    r"|[hvwlLoZbBDHSRxXA](?P<quote>['|])[^'|\n]{0,200}(?P=quote)"
    r"|\((?P<two>..)|\[(?P<long>[^\]\n]{0,80})\]"
    r"|(?P<one>.)|$)"
)
_CHARACTERS = {
    "-": "-",
    "e": "\\",
    "\\": "\\",
    " ": " ",
    "~": " ",
    "0": " ",
    "t": "\t",
    "'": "'",
    "`": "`",
    ".": ".",
    "aq": "'",
    "dq": '"',
    "oq": "\u2018",
    "cq": "\u2019",
    "lq": "\u201c",
    "rq": "\u201d",
    "em": "\u2014",
    "en": "\u2013",
    "hy": "-",
    "mi": "-",
    "bu": "\u2022",
    "co": "\u00a9",
    "rg": "\u00ae",
    "tm": "\u2122",
    "ha": "^",
    "ti": "~",
    "rs": "\\",
    "ga": "`",
    "aa": "\u00b4",
    "at": "@",
    "sh": "#",
    "Do": "$",
    "sl": "/",
    "ba": "|",
    "or": "|",
    "bv": "|",
    "br": "|",
    "lB": "[",
    "rB": "]",
    "lC": "{",
    "rC": "}",
    "la": "<",
    "ra": ">",
    "<=": "\u2264",
    ">=": "\u2265",
    "!=": "\u2260",
    "==": "\u2261",
    "+-": "\u00b1",
    "mu": "\u00d7",
    "di": "\u00f7",
    "->": "\u2192",
    "<-": "\u2190",
    "ua": "\u2191",
    "da": "\u2193",
    "rA": "\u21d2",
    "de": "\u00b0",
    "sc": "\u00a7",
    "ps": "\u00b6",
    "dg": "\u2020",
    "ss": "\u00df",
    "12": "\u00bd",
    "14": "\u00bc",
    "34": "\u00be",
    "Fo": "\u00ab",
    "Fc": "\u00bb",
    "fo": "\u2039",
    "fc": "\u203a",
    "*m": "\u03bc",
    "mc": "\u00b5",
    "Eu": "\u20ac",
    "eu": "\u20ac",
    "Po": "\u00a3",
    "if": "\u221e",
    "no": "\u00ac",
    "OK": "\u2713",
    "ci": "\u25cb",
    "sq": "\u25a1",
    "lh": "\u261c",
    "rh": "\u261e",
    "tf": "\u2234",
    "ul": "_",
    "ru": "_",
    "nl": "",
}
_ACCENTS = {
    ":": "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    ",": "\u0327",
}
_STRINGS = {
    'L"': '"',
    'R"': '"',
    "--": "--",
    "C+": "C++",
    "PI": "\u03c0",
    "R": "\u00ae",
    "Tm": "\u2122",
    "lq": "\u201c",
    "rq": "\u201d",
    "Aq": "'",
    "q": '"',
}
_NOT_SHOWN = frozenset("acduprz&)/,|^%:{}!?E")
_ARGUMENT = re.compile(r'"(?P<quoted>(?:[^"]|"")*+)"?|(?P<bare>(?:[^ \t\\]|\\.|\\$)++)', re.DOTALL)
_REQUEST = re.compile(r"[.'][ \t]*(?P<name>[^ \t\\]*)[ \t]*(?P<rest>.*)", re.DOTALL)
_CONDITION = re.compile(r"!?(?:[a-zA-Z](?=[ \t]|\\\{)|'[^'\n]*'[^'\n]*'|\S+)")
_DEFINE = frozenset({"de", "de1", "am", "am1", "ig"})
_CONDITIONS = frozenset({"if", "ie", "el", "while"})
_LINES_JOINED_MAX = 50
# A page that is another one is nothing but the place of that: ``.so man1/grep.1``.
_FIRST = re.compile(r"\.(?:TH[ \t]|Dd(?:[ \t]|$)|so[ \t]+\S+\.\d\w*[ \t]*$)|'\\\" t")
_HEAD_CHARS = 40_000


class Request(NamedTuple):
    """A line of a roff source.

    Attributes:
        name: Of the request or macro, without its dot; empty for a line of text.
        rest: What follows the name, or the line of text; escapes are still in it.
    """

    name: str
    rest: str


def is_roff(source: str) -> bool:
    """Return whether a source is a manual page: its first request says so."""
    for row in source[:_HEAD_CHARS].split("\n"):
        if _FIRST.match(row):
            return True
        if row and not row.startswith((".", "'", "\\")):
            return False
    return False


def requests(source: str) -> Iterator[Request]:
    """Give the lines of a source in order: without comments, definitions and what is not shown.

    Of two alternatives, the one for terminals is given. A name that a request defines is left
    out with what it stands for.
    """
    branches = _Branches()
    until = ""
    for row in _joined(source):
        if until:
            if row.rstrip() in (until, f".{until}"):
                until = ""
            continue
        shown = branches.taken(row)
        if shown is None:
            continue
        match = _REQUEST.fullmatch(shown) if shown[:1] in (".", "'") else None
        if match is None:
            yield Request("", shown)
        elif match["name"] in _DEFINE:
            until = _end_of(match["name"], match["rest"])
        elif match["name"]:
            yield Request(match["name"], match["rest"])


def _end_of(name: str, rest: str) -> str:
    """Return the line that ends a definition, or what is to be ignored."""
    given = rest.split()
    return given[-1] if len(given) > (name != "ig") else ".."


class _Branches:
    """The conditions that are open where a line stands."""

    def __init__(self) -> None:
        self._open: list[tuple[bool, bool]] = []  # whether it holds, and whether its `el` would
        self._failed = 0
        self._otherwise = False

    def taken(self, row: str) -> str | None:
        """Return what of a line is shown; None when nothing is."""
        holds, is_shown = True, not self._failed
        match = _REQUEST.fullmatch(row) if row[:1] in (".", "'") else None
        if match and match["name"] in _CONDITIONS:
            holds, row, opens = _decided(match["name"], match["rest"], otherwise=self._otherwise)
            self._otherwise = match["name"] == "ie" and not holds
            if opens:
                self._open.append((holds, self._otherwise))
                self._failed += not holds
        closed = row.count("\\}")
        for _ in range(min(closed, len(self._open))):
            held, self._otherwise = self._open.pop()
            self._failed -= not held
        if closed:
            row = row.replace("\\}", "")
        if not holds or not is_shown or (match and row.strip() in ("", ".")):
            return None
        return row


def _decided(name: str, rest: str, *, otherwise: bool) -> tuple[bool, str, bool]:
    """Return whether a condition holds, what it governs, and whether that goes on."""
    holds = otherwise
    if name != "el":
        condition = _CONDITION.match(rest)
        word = condition[0] if condition else ""
        rest = rest[len(word) :].lstrip(" \t")
        holds = word in ("n", "!t", "o")
    opens = rest.startswith("\\{")
    body = rest[2:].lstrip(" \t") if opens else rest
    if opens and "\\}" in body:
        return holds, body.replace("\\}", ""), False
    return holds, "" if body == "\\" else body, opens


def _joined(source: str) -> Iterator[str]:
    """Give the lines of a source, those that end in a backslash with the next one."""
    held: list[str] = []
    for row in source.split("\n"):
        if row.startswith(('.\\"', "'\\\"", ".\\#")) or row in (".", "'"):
            continue
        ends = row.endswith("\\") and not row.endswith("\\\\")
        is_open = row.endswith("\\{\\")
        if ends and not is_open and len(held) < _LINES_JOINED_MAX:
            held.append(row[:-1])
            continue
        yield "".join((*held, row))
        held.clear()
    if held:
        yield "".join(held)


def arguments(rest: str) -> list[str]:
    """Return the arguments of a request; escapes are still in them."""
    found: list[str] = []
    for match in _ARGUMENT.finditer(rest):
        if (bare := match["bare"]) is not None:
            if bare.startswith(('\\"', "\\#")):
                break
            found.append(bare)
        else:
            found.append(match["quoted"].replace('""', '"'))
    return found


def plain(text: str, strings: Mapping[str, str] = _STRINGS) -> str:
    """Return text with its escapes made characters or left out.

    Args:
        text: Part of a line.
        strings: What the names of strings stand for.
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_replacement(strings), text)


def _replacement(strings: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def replaced(match: re.Match[str]) -> str:
        groups = match.groupdict()
        for kind in ("two_string", "long_string", "one_string"):
            if (name := groups[kind]) is not None:
                return strings.get(name, "")
        if (code := groups["code"]) is not None:
            return _character(int(code))
        name = groups["two"] or groups["long"] or ""
        if name:
            return _named(name)
        one = groups["one"] or ""
        return _CHARACTERS.get(one, "" if one in _NOT_SHOWN else one)

    return replaced


def _named(name: str) -> str:
    if name in _CHARACTERS and len(name) > 1:
        return _CHARACTERS[name]
    if name.startswith("u") and (hexadecimal := re.fullmatch(r"u([0-9A-F]{4,6})", name)):
        return _character(int(hexadecimal[1], 16))
    if len(name) == 2 and name[0] in _ACCENTS:  # noqa: PLR2004 -- an accent and its letter
        return name[1] + _ACCENTS[name[0]]
    return ""


def _character(code: int) -> str:
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""  # noqa: PLR2004
