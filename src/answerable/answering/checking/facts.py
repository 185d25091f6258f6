"""Hard facts of a text: what is either there exactly or is not there at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from answerable.answering.checking.words import STOP


class FactKind(StrEnum):
    """What a fact is; the word that a reason uses for it."""

    NUMBER = "number"
    VERSION = "version"
    DATE = "date"
    TIME = "time"
    ADDRESS = "address"
    PATH = "path"
    FLAG = "flag"
    IDENTIFIER = "identifier"
    CODE = "code"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a text.

    Attributes:
        text: As it stands there.
        key: Written the one way all its spellings are compared in.
        value: A number in the base unit of its dimension; None for facts that are no number.
        plain: The number as it was written, whatever its unit.
        dimension: ``time``, ``bytes``, ``percent`` and so on; empty without a unit.
        bound: +1 for "at least" and "above", -1 for "at most" and "below", else 0.
        is_word: Whether the number is written as a word.
    """

    kind: FactKind
    text: str
    key: str
    start: int
    end: int
    value: float | None = None
    plain: float | None = None
    dimension: str = ""
    bound: int = 0
    is_word: bool = False

    @property
    def is_hard(self) -> bool:
        """Whether a claim that states it, and no passage does, is never supported."""
        return self.kind is not FactKind.NAME and not self.is_word


def _units(*rows: tuple[str, float, str]) -> dict[str, tuple[str, float]]:
    return {name: (kind, factor) for kind, factor, names in rows for name in names.split()}


# In their case where it tells: M and m, B and b.
_CASED = _units(
    ("time", 1, "s"), ("time", 60, "m"), ("time", 3600, "h"), ("time", 86400, "d"),
    ("time", 0.001, "ms"), ("bytes", 1, "B"), ("bytes", 1e3, "kB KB"), ("bytes", 1e6, "MB"),
    ("bytes", 1e9, "GB"), ("bytes", 1e12, "TB"), ("bytes", 2**10, "Ki KiB"),
    ("bytes", 2**20, "Mi MiB"), ("bytes", 2**30, "Gi GiB"), ("bytes", 2**40, "Ti TiB"),
    ("", 1e3, "k K"), ("", 1e6, "M"), ("", 1e9, "G bn"), ("", 1e12, "T"), ("percent", 1, "%"),
    ("celsius", 1, "\u00b0C C"), ("fahrenheit", 1, "\u00b0F F"), ("length", 1000, "km"),
    ("length", 0.01, "cm"), ("length", 0.001, "mm"), ("length", 0.3048, "ft"),
    ("length", 1609.344, "mi"), ("mass", 1000, "kg"), ("mass", 1, "g"), ("mass", 0.001, "mg"),
    ("mass", 453.592, "lb lbs"), ("mass", 28.3495, "oz"), ("core", 0.001, "mcores"),
)  # fmt: skip
_WORDS = _units(
    ("time", 0.001, "millisecond milliseconds msec"), ("time", 1, "second seconds sec secs"),
    ("time", 60, "minute minutes min mins"), ("time", 3600, "hour hours hr hrs"),
    ("time", 86400, "day days"), ("time", 604800, "week weeks"),
    ("time", 2629746, "month months"), ("time", 31556952, "year years yr yrs"),
    ("bytes", 1, "byte bytes"), ("bytes", 1e3, "kilobyte kilobytes"),
    ("bytes", 1e6, "megabyte megabytes"), ("bytes", 1e9, "gigabyte gigabytes"),
    ("bytes", 1e12, "terabyte terabytes"), ("bytes", 2**10, "kibibyte kibibytes"),
    ("bytes", 2**20, "mebibyte mebibytes"), ("bytes", 2**30, "gibibyte gibibytes"),
    ("percent", 1, "percent percentage pct"), ("", 1e2, "hundred"), ("", 1e3, "thousand"),
    ("", 1e6, "million"), ("", 1e9, "billion"), ("", 1e12, "trillion"),
    ("length", 1, "meter meters metre metres"), ("length", 0.3048, "foot feet"),
    ("length", 0.0254, "inch inches"), ("length", 1609.344, "mile miles"),
    ("length", 1000, "kilometer kilometers kilometre kilometres"),
    ("mass", 453.592, "pound pounds"), ("mass", 28.3495, "ounce ounces"),
    ("mass", 1000, "kilogram kilograms"), ("mass", 1, "gram grams"),
    ("core", 0.001, "millicpu millicores millicore"), ("celsius", 1, "celsius"),
    ("fahrenheit", 1, "fahrenheit"),
)  # fmt: skip
_SMALL = {
    word: float(number)
    for number, word in enumerate(
        """
        two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty
        """.split(),
        start=2,
    )
} | {
    "zero": 0.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0,
    "eighty": 80.0, "ninety": 90.0, "half": 0.5, "first": 1.0, "second": 2.0, "third": 3.0,
    "fourth": 4.0, "fifth": 5.0, "twice": 2.0, "double": 2.0, "triple": 3.0, "dozen": 12.0,
    "quarter": 0.25,
}  # fmt: skip
_MONTHS = {
    name[:length]: number
    for number, name in enumerate(
        """
        january february march april may june july august september october november december
        """.split(),
        start=1,
    )
    for length in (3, len(name))
} | {"sept": 9}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"

_FILE = (
    r"[\w-]+(?:\.[\w-]+)*\.(?:ya?ml|conf|json|toml|log|cfg|ini|service|crt|key|pem|sh|py|go|txt|md"
    r"|sock|db|env|xml|html|properties|tf|gz|tar|zip)"
)
# None of them begins inside a word: said once, in front, it saves most of the time.
_FACT = re.compile(
    r"(?<![A-Za-z])(?:"
    + "|".join(
        (
            r"(?P<url>\bhttps?://[^\s<>\"'`)\]]+)",
            r"(?P<ip>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.]*\d))",
            (
                r"(?P<date>(?<![\w.-])\d{4}-\d\d-\d\d(?![\d-])"
                rf"|(?i:\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?(?!\d))"
                rf"|(?i:\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}})?(?!\d))"
                rf"|(?i:\b{_MONTH},?\s+(?:of\s+)?\d{{4}}(?!\d)))"
            ),
            r"(?P<time>(?<![\w:.])\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?(?![\w:]))",
            (
                r"(?P<path>(?<![\w/.:>}\])])(?:~|\.{1,2}|\$\{?\w+\}?)?/[A-Za-z0-9_.*<{$-]"
                r"[\w.${}<>*@+-]*(?:/[\w.${}<>*@+:-]*)*"
                rf"|(?<![\w./-]){_FILE}(?![\w/-]))"
            ),
            r"(?P<flag>(?<![\w-])--[A-Za-z][\w-]*|(?<![\w-])(?<=[\s`(\[\"'])-[A-Za-z]{1,3}(?![\w-]))",
            (
                r"(?P<version>(?<![\w.])v\d+(?:\.\d+)*(?:(?:alpha|beta|rc)\d+)?(?:-[a-z]+\.?\d+)?\+?"
                r"(?!\w)|(?<![\w.])\d+(?:\.\d+){2,}(?:-[a-z]+\.?\d*)?\+?(?!\w))"
            ),
            (
                r"(?P<host>(?<![\w.-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|local|internal|svc|cluster"
                r"|lan|example|test|gov|edu)(?![\w-])(?::\d+)?)"
            ),
            (
                r"(?P<number>(?<![\w.])(?:[$\u20ac\u00a3]\s?)?(?:(?<![\w)])-)?"
                r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<unit>(?:\s?(?:%|\u00b0\s?[CF]\b)"
                r"|[A-Za-z]{1,4}\b)?)"
            ),
            (
                r"(?P<ident>\b[A-Za-z]\w*(?:_\w+)+|\b[a-z]+(?:[A-Z][a-z0-9]*)+\b"
                r"|\b(?:[A-Z][a-z0-9]+){2,}[A-Z]*\b|\b[a-z][\w]*(?:\.[a-z]\w+)+\b"
                r"|\b[A-Za-z]+(?:-[A-Za-z]+)*-?\d+[\w-]*)"
            ),
        )
    )
    + ")"
)
_TICKS = re.compile(r"(`+)([^`\n]+)\1")
_CODE_TOKEN = re.compile(r"[^\s,;|()\"'`]+")
_NAME = re.compile(r"\b[A-Z][A-Za-z0-9\u00c0-\u024f'\u2019-]+")
_WORDY = re.compile(r"\b(?:" + "|".join(_SMALL) + r")\b", re.IGNORECASE)
_UNIT_AFTER = re.compile(
    r"(?:\s|-)?\s?(?:degrees?\s+)?(?P<unit>" + "|".join(sorted(_WORDS, key=len, reverse=True))
    + r"|%|\u00b0[CF]|(?:" + "|".join(sorted(_CASED, key=len, reverse=True)) + r")(?!\w))(?!\w)",
    re.IGNORECASE,
)  # fmt: skip
_VERSION_BEFORE = re.compile(r"(?:version|release|v|kubernetes|k8s)\s*$", re.IGNORECASE)
_UP = re.compile(
    r"(?:above|over|(?:more|greater|larger|higher|longer|bigger|older) than(?: or equal to)?"
    r"|exceed\w*|at least|minimum(?: of| is)?|from|beyond|no (?:less|fewer) than"
    r"|not (?:less|fewer) than|>=?|\u2265|starting (?:at|with)|after|since|upwards of)"
    r"\s*(?:the |a |an |about )?[`*]?$",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"(?:below|under|(?:less|fewer|smaller|lower|shorter|younger) than(?: or equal to)?|up to"
    r"|at most|maximum(?: of| is)?|no more than|not more than|not exceed\w*|within|<=?|\u2264|until"
    r"|before|as (?:many|much) as|down to)\s*(?:the |a |an |about )?[`*]?$",
    re.IGNORECASE,
)
_UP_AFTER = re.compile(
    r"\s*(?:\w+\s+)?(?:or (?:more|higher|later|newer|above|greater|older)"
    r"|and (?:above|later|higher|up|newer))\b|\+",
    re.IGNORECASE,
)
_DOWN_AFTER = re.compile(
    r"\s*(?:\w+\s+)?(?:or (?:less|fewer|lower|below|earlier|older)|and (?:below|under|earlier))\b",
    re.IGNORECASE,
)
_NEAR_CHARS = 32


def facts_of(text: str, *, is_code: bool = False) -> list[Fact]:
    """Return the facts of a text in order of their start; they do not overlap, names aside.

    Args:
        text: Without citation markers.
        is_code: Whether all of it is code, so that each of its words counts.
    """
    found = [fact for match in _FACT.finditer(text) if (fact := _fact(text, match))]
    taken = [(fact.start, fact.end) for fact in found]
    found += _number_words(text, taken)
    found += _code(text, is_code=is_code)
    found += _names(text, taken)
    found.sort(key=lambda fact: (fact.start, fact.end))
    return found


# What may not end such a fact, though it may stand in it.
_TAILS = {"ip": ".,;:!?", "host": ".,;:!?", "url": ".,;:!?", "path": ".,:;"}


def _fact(text: str, match: re.Match[str]) -> Fact | None:
    start, end = match.span()
    kind = match.lastgroup or ""
    whole = match[0].rstrip(_TAILS.get(kind, ""))
    if kind in ("number", "unit"):
        return _number(text, match)
    if re.fullmatch(r"(?:e\.g|i\.e|a\.m|p\.m)", whole):
        return None
    bound = 0
    if kind == "version":
        bound = 1 if whole.endswith("+") else _bound(text, start, end)
    return _plain(_KINDS[kind], whole, _key(kind, whole), start, bound=bound)


_KINDS = {
    "url": FactKind.ADDRESS, "ip": FactKind.ADDRESS, "host": FactKind.ADDRESS,
    "date": FactKind.DATE, "time": FactKind.TIME, "path": FactKind.PATH, "flag": FactKind.FLAG,
    "version": FactKind.VERSION, "ident": FactKind.IDENTIFIER,
}  # fmt: skip


def _key(kind: str, whole: str) -> str:
    """Return the one way in which all spellings of a fact are compared."""
    if kind == "version":
        return whole.lower().strip("v+")
    if kind == "date":
        return _date(whole)
    if kind == "time":
        return re.sub(r"[\s.]", "", whole.lower())
    if kind in ("path", "url"):
        return whole.rstrip("/") or whole
    return whole if kind == "flag" else whole.lower()


def _plain(kind: FactKind, text: str, key: str, start: int, *, bound: int = 0) -> Fact:
    return Fact(kind, text, key, start, start + len(text), bound=bound)


def _number(text: str, match: re.Match[str]) -> Fact | None:
    start, end = match.start("number"), match.end("number")
    digits = match["number"].lstrip("$\u20ac\u00a3 ")
    if _VERSION_BEFORE.search(text, max(0, start - 12), start) and "." in digits:
        bound = _bound(text, start, end)
        return Fact(FactKind.VERSION, digits, digits, end - len(digits), end, bound=bound)
    plain = float(digits.replace(",", ""))
    dimension, factor, end = _unit(text, end, match["unit"])
    if digits != match["number"]:
        dimension = dimension or "money"
    shown = text[start:end]
    return Fact(
        FactKind.NUMBER, shown, f"{plain * factor:.12g}{dimension}", start, end,
        value=plain * factor, plain=plain, dimension=dimension, bound=_bound(text, start, end),
    )  # fmt: skip


def _unit(text: str, end: int, glued: str) -> tuple[str, float, int]:
    """Return dimension, factor and where the number with its unit ends."""
    factor = 1.0
    for _ in range(2):  # "3 million bytes"
        match = _UNIT_AFTER.match(text, end)
        if match is None:
            break
        name = match["unit"].strip()
        known = _CASED.get(name) or _WORDS.get(name.lower())
        spaced = match.start("unit") > end
        if known is None or (spaced and len(name) == 1 and name not in "%BCF"):
            break
        end, factor = match.end(), factor * known[1]
        if known[0]:
            return known[0], factor, end
    if glued.strip() and text.startswith(glued, end) and glued.strip() in ("st", "nd", "rd", "th"):
        end += len(glued)
    return "", factor, end


def _bound(text: str, start: int, end: int) -> int:
    before = text[max(0, start - _NEAR_CHARS) : start]
    if _UP_AFTER.match(text, end):
        return 1
    if _DOWN_AFTER.match(text, end):
        return -1
    if _DOWN.search(before):
        return -1
    return 1 if _UP.search(before) else 0


def _date(text: str) -> str:
    """Return a date as ``year-month-day`` with gaps for what is not said."""
    if re.match(r"\d{4}-", text):
        return text
    month = day = year = ""
    for part in re.findall(r"[A-Za-z]+|\d+", text):
        if part.lower() in _MONTHS:
            month = f"{_MONTHS[part.lower()]:02d}"
        elif part.isdigit() and len(part) == 4:  # noqa: PLR2004 - a year
            year = part
        elif part.isdigit():
            day = f"{int(part):02d}"
    return f"{year}-{month}-{day}"


def _number_words(text: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    for match in _WORDY.finditer(text):
        if any(start <= match.start() < end for start, end in taken):
            continue
        if match[0].lower() == "second" and re.search(r"\d\s*$", text[: match.start()]):
            continue
        plain = _SMALL[match[0].lower()]
        dimension, factor, end = _unit(text, match.end(), "")
        yield Fact(
            FactKind.NUMBER, text[match.start() : end], f"{plain * factor:.12g}{dimension}",
            match.start(), end, value=plain * factor, plain=plain, dimension=dimension,
            bound=_bound(text, match.start(), end), is_word=True,
        )  # fmt: skip


def _code(text: str, *, is_code: bool) -> Iterator[Fact]:
    """Give the words of inline code: each has to stand in a passage as it is."""
    spans = [(0, text)] if is_code else [(m.start(2), m[2]) for m in _TICKS.finditer(text)]
    for offset, code in spans:
        if is_code and code.lstrip().startswith(("#", "//")):
            continue
        for token in _CODE_TOKEN.finditer(code):
            body = token[0].strip(".,:;!?")
            if body and any(char.isalnum() for char in body):
                start = offset + token.start() + token[0].index(body)
                yield _plain(FactKind.CODE, body, body, start)


def _names(text: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    """Give capitalised words inside sentences; the first of a sentence shows nothing."""
    for match in _NAME.finditer(text):
        low = match[0].lower()
        if low in STOP or any(start <= match.start() < end for start, end in taken):
            continue
        before = text[: match.start()].rstrip(" *_\"'(`")
        if before and before[-1] not in ".!?:\n#|>-\u2022":
            yield _plain(FactKind.NAME, match[0], low.removesuffix("'s"), match.start())
