"""Characters that nobody sees: they are taken out of a text, and what was there is counted.

A word that hides a zero-width space is not found by who types it, text written in tag
characters is read by a language model and by nobody else, and bidi controls show a reader
another order than the one that is stored. Joiners that shape what is seen stay: between the
letters of Persian or an Indic script, and in an emoji.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

_ZERO_WIDTH = (
    "\u034f\u061c\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
)
_BIDI = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_OTHERS = "\ufff9-\ufffb\U0001d173-\U0001d17a"
_RUN = re.compile(f"[\u00ad{_ZERO_WIDTH}{_BIDI}{_TAGS}{_SELECTORS}{_OTHERS}]+")

_KINDS = (
    ("tag", re.compile(f"[{_TAGS}]")),
    ("bidi", re.compile(f"[{_BIDI}]")),
    ("variation_selector", re.compile(f"[{_SELECTORS}]")),
    ("soft_hyphen", re.compile("\u00ad")),
    ("zero_width", re.compile(f"[{_ZERO_WIDTH}{_OTHERS}]")),
)
# Scripts whose letters a joiner or non-joiner shapes: Arabic, Syriac, N'Ko, those of India and
# their neighbours, Mongolian.
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1900-\u1aff\ua840-\ua8ff\ua980-\ua9ff"
    "\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U00011fff]"
)
_EMOJI = re.compile("[#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]")
_MARKS_MAX = 32  # on one letter: no writing has more, and Unicode's stream-safe format neither
_JOINERS = ("\u200c", "\u200d")
_EMOJI_JOINS = ("\u200d", "\ufe0f\u200d")
_FLAG = "\U0001f3f4"
_FLAGS = frozenset(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)


class Finding(NamedTuple):
    """How many characters of one kind nobody would have seen.

    Attributes:
        kind: ``tag``, ``bidi``, ``variation_selector``, ``soft_hyphen`` or ``zero_width``.
    """

    kind: str
    characters: int


def separated(text: str) -> tuple[str, tuple[Finding, ...]]:
    """Return what of a text is seen, and what was hidden in it, by kind.

    A soft hyphen by itself, and a mark at the very beginning that tells the byte order, are
    taken out as the others but are no finding: typesetting leaves them everywhere.

    Args:
        text: Any; of ASCII nothing is hidden.
    """
    if text.isascii():
        return text, ()
    counts: Counter[str] = Counter()
    pieces: list[str] = []
    at = 0
    for match in _RUN.finditer(text):
        if _is_seen(text, match):
            continue
        pieces.append(text[at : match.start()])
        at = match.end()
        if match[0] != "\u00ad" and not (match.start() == 0 and match[0] == "\ufeff"):
            for kind, pattern in _KINDS:
                counts[kind] += len(pattern.findall(match[0]))
    if not at:
        return text, ()
    pieces.append(text[at:])
    found = tuple(Finding(kind, counts[kind]) for kind, _ in _KINDS if counts[kind])
    return "".join(pieces), found


def count(text: str) -> int:
    """Return how many characters of a text nobody would have seen."""
    return sum(found.characters for found in separated(text)[1])


def _is_seen(text: str, match: re.Match[str]) -> bool:
    """Return whether a run of characters without a width changes how its neighbours look."""
    run, before = match[0], text[match.start() - 1 : match.start()]
    after = text[match.end() : match.end() + 1]
    if not before or before.isspace():
        return False
    if len(run) == 1 and _is_selector(run):
        return True
    if run in _EMOJI_JOINS and _EMOJI.match(before) and _EMOJI.match(after):
        return True
    if run in _JOINERS:
        return _joins(text, match.start()) and not after.isspace()
    return before == _FLAG and run in _FLAGS


def _joins(text: str, end: int) -> bool:
    """Return whether the letter before a place is of a script that joins, or a mark on it is.

    All of its marks are looked at, since their order is not kept: composing sorts them.
    """
    for at in range(end - 1, max(end - 1 - _MARKS_MAX, -1), -1):
        if _JOINING.match(text[at]):
            return True
        if not unicodedata.combining(text[at]):
            break
    return False


def _is_selector(character: str) -> bool:
    return bool(_KINDS[2][1].match(character))
