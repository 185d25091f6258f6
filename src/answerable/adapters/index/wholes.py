"""What operations text writes as one: paths, flags, addresses, versions, codes, metric names.

Taken apart into words they are hard to tell from each other. Left out is what is one term
already, such as ``CrashLoopBackOff``; words with hyphens or slashes but no digit, dot or
underscore, such as ``day-to-day``, ``and/or`` and ``cert-manager``, because prose is full of
them; and flags of one letter, which every command understands otherwise.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Only scripts that put spaces between words: a version stands right among Chinese letters.
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏͰ-ӿ"
_WORD = f"[0-9{_LETTER}]+"
_NAME = f"{_WORD}(?:[-._@]+{_WORD})*"
_START = f"(?<![_0-9{_LETTER}])"
_END = f"(?![_0-9{_LETTER}])"

PATTERN = rf"""
    (?<![-\w]) --{_WORD} (?:[-._]+{_WORD})*                         # --dry-run
  | (?<![-\w]) -[{_LETTER}][0-9{_LETTER}]{{2,}} (?:[-._]+{_WORD})*  # -Xmx512m
  | (?<![{_LETTER}_/<.~]) (?:~|\.\.?)? (?:/\.?{_NAME})+             # ~/.kube/config
  | {_START} [A-Za-z]: (?:\\{_NAME})+                               # C:\Windows\System32
  | {_START} {_NAME} (?::+{_NAME})+                                 # 10.0.0.1:9090, nginx:1.25
  | {_START} {_NAME} (?:/\.?{_NAME}){{2,}} (?::{_NAME})?            # ghcr.io/team/image:1.2
  | {_START} (?=[-/0-9{_LETTER}]*(?:[0-9]|[._@]+{_WORD}))
    {_NAME} /\.?{_NAME} (?::{_NAME})?                               # apps/v1, 10.0.0.0/8
  | {_START} (?=[-0-9{_LETTER}]*[._@]+{_WORD}) {_NAME}              # kube_pod_status, v1.31.2
  | {_START} (?=[{_LETTER}][-{_LETTER}]*[0-9]) {_WORD} (?:-+{_NAME})+  # ORA-00942, x86-64
  | {_START} [0-9][0-9{_LETTER}]* (?:-{_WORD}){{2,}}                # 2024-01-15, not 24-hour
  | {_START} (?:0[xX][0-9a-fA-F]+|[A-Za-z]{{1,4}}[0-9]{{3,}}) {_END}   # 0x80070005, E1234
"""
"""What is one, in a word between white space; the first alternative that fits counts."""

ABBREVIATIONS = frozenset({"a.m", "e.g", "i.e", "p.m", "u.s"})
"""What looks like a name with a dot and is none."""

_WHOLE = re.compile(PATTERN, re.VERBOSE)
# Around letters alone none of these makes a whole.
_PUNCTUATION = ".,:;!?()[]{}\"'`*"
# A longer word is a blob, or code without spaces: what lies between its brackets and quotes
# may be one still. The bracket tells a closing tag from a path.
_LONGEST = 255
_RUN = re.compile(r"[-\w./:@~\\<]+")


def wholes(text: str) -> list[str]:
    """Return in order and in lower case what a text writes as one; repeats are kept.

    None holds white space, or is longer than 255 code points before it is in lower case.
    """
    return [
        whole
        for word in text.split()
        if not word.isalpha() and not word.strip(_PUNCTUATION).isalpha()
        for whole in _in_word(word)
    ]


def _in_word(word: str) -> tuple[str, ...]:
    if len(word) <= _LONGEST:
        return _in_short(word)
    runs = (run for run in _RUN.findall(word) if len(run) <= _LONGEST)
    return tuple(whole for run in runs for whole in _in_short(run))


# A library repeats its words: this is ten times as fast as the pattern.
@lru_cache(maxsize=65_536)
def _in_short(word: str) -> tuple[str, ...]:
    found = (whole.lower() for whole in _WHOLE.findall(word))
    return tuple(whole for whole in found if whole not in ABBREVIATIONS)
