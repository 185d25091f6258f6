"""Where sentences begin and end, in prose as operators write it."""

from __future__ import annotations

import re
from collections import deque
from itertools import pairwise

from answerable.domain.documents import Span

# Inline code, titles of links, shortcodes and HTML tags hold full stops that end nothing.
# Addresses and file names need no mention: no white space follows theirs.
_OPAQUE = re.compile(
    r"(?P<ticks>`+)[^`\n]*(?:\n[^`\n]*)?(?P=ticks)(?!`)"
    r"|\]\([^)\s]*(?:\s+\"[^\"\n]*\")?\)"
    r"|\{\{.{0,300}?\}\}"
    r"|</?[A-Za-z][^<>\n]{0,300}>",
    re.DOTALL,
)

_END = re.compile(
    r"(?P<mark>[.!?…]+)[\"'\u201d\u2019)\]*_`]*(?=\s)|\n[ \t]*\n\s*"
    r"|\n(?=[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t])"
)

# Words whose full stop does not end a sentence, in lower case, without that full stop.
_NEVER_ENDS = frozenset(
    """
    e.g i.e cf vs approx resp viz ca dr mr mrs ms prof st fig figs eq eqs sec nos vol ver rev
    dept eg ie incl excl esp
    """.split()
)
# These may stand last in a sentence: only a lower-case word shows that they do not.
_MAY_END = frozenset(
    """
    etc al inc ltd co corp a.m p.m u.s u.k a.k.a no min max ed est
    """.split()
)

_WORD_BEFORE = re.compile(r"[^\s(\[\"'\u201c\u2018*_]+$")
_WORD_CHARS = 40


def sentences(text: str, start: int, end: int) -> tuple[Span, ...]:
    """Return the sentences of ``text[start:end]``, in order, without white space around them.

    Together they hold everything in the range but white space. A line break ends a sentence
    only before a blank line or a list marker; full stops in inline code, links, addresses,
    versions, file names, initials and abbreviations end none. A sentence may begin with a
    small letter, as ``kubeadm`` does.
    """
    opaque = deque(match.span() for match in _OPAQUE.finditer(text, start, end))
    cuts = [start]
    for match in _END.finditer(text, start, end):
        while opaque and opaque[0][1] <= match.start():
            opaque.popleft()
        if opaque and opaque[0][0] < match.start():
            continue
        if match["mark"] is None or _ends(text, match, cuts[-1], end):
            cuts.append(match.end())
    cuts.append(end)
    pieces = (trimmed(text, first, last) for first, last in pairwise(cuts))
    return tuple(piece for piece in pieces if piece.start < piece.end)


def trimmed(text: str, start: int, end: int) -> Span:
    """Return the range without the white space at its two ends; may be empty."""
    body = text[start:end]
    first = start + len(body) - len(body.lstrip())
    return Span(first, max(first, start + len(body.rstrip())))


def _ends(text: str, match: re.Match[str], begin: int, end: int) -> bool:
    """Return whether a mark followed by white space ends the sentence that began at `begin`."""
    following = text[match.end() : min(end, match.end() + _WORD_CHARS)].lstrip()[:1]
    if match["mark"] != ".":
        return not following.islower()
    found = _WORD_BEFORE.search(text, max(begin, match.start() - _WORD_CHARS), match.start())
    word = found[0] if found else ""
    if word.lower() in _NEVER_ENDS:
        return False
    if word.lower() in _MAY_END:
        return not (following.islower() or following.isdigit() or following in ",;(")
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    is_marker = word.isdigit() and not text[begin : match.start() - len(word)].strip()
    return not (is_initial or is_marker)
