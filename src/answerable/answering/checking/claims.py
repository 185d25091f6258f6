"""The statements of a draft, cut while it is still being written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from answerable.answering.checking.connectives import is_connective
from answerable.answering.checking.framing import is_remark, without_framing
from answerable.answering.checking.words import without_markers

SENTENCE, ITEM, ROW, CODE = "sentence", "item", "row", "code"
HEADING, CONNECTIVE, REMARK = "heading", "connective", "remark"

SAYS_NOTHING = frozenset({HEADING, CONNECTIVE, REMARK})
"""Kinds that state nothing of the subject: passed over in an answer, not counted against one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftClaim:
    """One statement of a draft.

    Attributes:
        start, end: Code points in the draft; ``text == draft[start:end]``.
        kind: ``sentence``, ``item``, ``row``, ``code``, ``heading``; ``connective``, which says
            nothing and comes from a closed list; ``remark``, that the passages lack something.
    """

    start: int
    end: int
    text: str
    kind: str


_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_ITEM = re.compile(r"[ \t]*(?:>[ \t]*)*(?:[-*+\u2022][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,3}[.)][ \t]+)")
_ROW = re.compile(r"[ \t]*\|")
_RULE = re.compile(r"[ \t]*(?:[-*_=][ \t]*){3,}$|[ \t]*\|?[ \t:|-]*-[ \t:|-]*$")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_END = re.compile(r"(?P<mark>[.!?\u2026]+)[\"'\u201d\u2019)\]*_]*(?:\[\^?\d{1,3}\])*(?=\s)")
# What can only be the beginning of prose, whatever follows on its line.
_PROSE = re.compile(r"[ \t]*(?:[*_\"'(]{0,3}|`)[^\W\d_][^\s|]*[ \t]+\S")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'\u201c\u2018*_]+$")
_WORD_CHARS = 40
# A sentence or line that goes on longer is cut here, so that no reply can make us hold it whole.
_PIECE_CHARS = 4_000
# A full stop after these ends nothing; in lower case, without it.
_NEVER_ENDS = frozenset(
    """
    e.g i.e cf vs approx resp viz ca dr mr mrs ms prof st fig figs eq sec nos vol ver rev dept
    eg ie incl excl esp
    """.split()
)
# These may stand last: only what follows tells.
_MAY_END = frozenset("etc al inc ltd co corp a.m p.m u.s u.k a.k.a no min max ed est".split())


def split_claims(draft: str) -> tuple[DraftClaim, ...]:
    """Return the claims of a whole draft, in order; the same as any feeding of it gives."""
    stream = ClaimStream()
    return (*stream.feed(draft), *stream.finish())


class ClaimStream:
    """Cuts a draft into claims while it arrives. One draft, one stream.

    A claim is given once nothing that may still come can change it: a sentence when the word
    after it has begun, a line when it has ended. List markers, number signs of headings and
    fences belong to no claim; sentences of an item are items.
    """

    def __init__(self) -> None:
        self._text = ""  # what is not given yet
        self._at = 0  # where it begins in the draft
        self._scan = 0  # where in it to look on for the end of a sentence
        self._kind = ""  # of the block we are in; empty at the beginning of a line
        self._fence = ""
        self._was_row = False

    def feed(self, delta: str) -> list[DraftClaim]:
        """Return the claims that have become whole."""
        self._text += delta
        return self._whole(is_last=False)

    def finish(self) -> list[DraftClaim]:
        """Return what is left: the draft has ended."""
        return self._whole(is_last=True)

    def _whole(self, *, is_last: bool) -> list[DraftClaim]:
        found: list[DraftClaim] = []
        while self._text and self._step(found, is_last=is_last):
            pass
        return found

    def _step(self, found: list[DraftClaim], *, is_last: bool) -> bool:
        """Take one claim or one line off the text; return whether there was enough of it."""
        if self._kind:
            return self._sentence(found, is_last=is_last)
        line_end = self._text.find("\n", 0, _PIECE_CHARS)
        if line_end < 0 and not is_last and len(self._text) < _PIECE_CHARS:
            return self._prose_begins()
        line = self._text[: line_end if line_end >= 0 else _PIECE_CHARS]
        if not self._whole_line(found, line):
            self._begin(line)
        return True

    def _prose_begins(self) -> bool:
        """Begin a sentence before its line has ended, when its first word shows what it is."""
        if self._fence:
            return False
        marker = _ITEM.match(self._text)
        body = self._text[marker.end() :] if marker else self._text
        if not _PROSE.match(body):
            return False
        self._begin(self._text)
        return True

    def _whole_line(self, found: list[DraftClaim], line: str) -> bool:
        """Take a line that is a claim, or none, as a whole; return False where prose begins."""
        fence = _FENCE.match(line)
        was_row, self._was_row = self._was_row, False
        if self._fence:
            if fence and line.strip().startswith(self._fence) and not line.strip().strip("`~"):
                self._fence = ""
            else:
                self._claim(found, 0, len(line), CODE)
        elif fence:
            self._fence = fence[1]
        elif not line.strip() or _RULE.match(line):
            self._was_row = was_row and bool(line.strip())
        elif heading := _HEADING.match(line):
            self._claim(found, heading.end(), len(line), HEADING)
        elif _ROW.match(line):
            self._was_row = True
            self._claim(found, 0, len(line), ROW if was_row else HEADING)
        else:
            return False
        self._drop(len(line))
        self._drop_line_break()
        return True

    def _begin(self, line: str) -> None:
        """Begin a paragraph or an item, behind its marker."""
        marker = _ITEM.match(line)
        quote = None if marker else _QUOTE.match(line)
        self._was_row = False
        self._kind = ITEM if marker else SENTENCE
        if start := (marker or quote):
            self._drop(start.end())

    def _sentence(self, found: list[DraftClaim], *, is_last: bool) -> bool:
        """Take a sentence off the text, up to a mark that ends it or the end of its line."""
        end = self._end_of_sentence(is_last=is_last)
        if end is None:
            return False
        cut, is_block_end = end
        self._claim(found, 0, cut, self._kind)
        self._drop(cut)
        if is_block_end:
            self._kind = ""
            self._drop(len(self._text) - len(self._text.lstrip(" \t\r")))
            self._drop_line_break()
        return True

    def _end_of_sentence(self, *, is_last: bool) -> tuple[int, bool] | None:
        """Return where the sentence ends and whether its block does too; None: not yet known."""
        text = self._text[:_PIECE_CHARS]
        is_last = is_last or len(text) == _PIECE_CHARS
        while True:
            line_end = text.find("\n", self._scan)
            mark = _END.search(text, self._scan, line_end + 1 if line_end >= 0 else len(text))
            if mark and not _in_code(text[: mark.start()]):
                ends = _mark_ends(text, mark, is_last=is_last)
                if ends is None:
                    return None
                if ends:
                    return mark.end(), not text[mark.end() :].lstrip(" \t\r")[:1].strip("\n")
                self._scan = mark.end()
            elif mark:
                self._scan = mark.end()
            elif line_end < 0:
                # A mark has no white space in it: what may become one begins behind the last.
                self._scan = max(self._scan, 1 + max(text.rfind(" "), text.rfind("\t")))
                return (len(text), True) if is_last else None
            else:
                ends = _line_ends(text, line_end, is_last=is_last)
                if ends is None:
                    return None
                if ends:
                    return line_end, True
                self._scan = line_end + 1

    def _claim(self, found: list[DraftClaim], start: int, end: int, kind: str) -> None:
        body = self._text[start:end]
        first = start + len(body) - len(body.lstrip())
        last = max(first, start + len(body.rstrip()))
        text = self._text[first:last]
        said = text if kind == CODE else without_markers(text)
        if not any(char.isalnum() for char in said):
            return
        if kind not in (CODE, ROW):
            kind = _kind(text, kind)
        found.append(DraftClaim(start=self._at + first, end=self._at + last, text=text, kind=kind))

    def _drop_line_break(self) -> None:
        self._drop(1 if self._text.startswith("\n") else 0)

    def _drop(self, count: int) -> None:
        count = min(count, len(self._text))
        self._text = self._text[count:]
        self._at += count
        self._scan = 0


def _kind(text: str, kind: str) -> str:
    """Return the kind of a claim in prose: its own, unless it states nothing of the subject."""
    states = any(char.isalnum() for char in without_framing(text))
    if not states or is_connective(text):
        return CONNECTIVE
    return REMARK if is_remark(text) else kind


def _in_code(before: str) -> bool:
    """Return whether inline code is open after this text."""
    return before.count("`") % 2 == 1


def _mark_ends(text: str, mark: re.Match[str], *, is_last: bool) -> bool | None:
    """Return whether a mark before white space ends the sentence; None: too early to say."""
    rest = text[mark.end() :].lstrip(" \t\r")
    if not rest and not is_last:
        return None
    after = rest[:1]
    if after in ("", "\n"):
        return True
    if mark["mark"] != ".":
        return not after.islower()
    begin = max(0, mark.start() - _WORD_CHARS)
    before = _WORD_BEFORE.search(text, begin, mark.start())
    word = before[0] if before else ""
    if word.lower() in _NEVER_ENDS:
        return False
    if word.lower() in _MAY_END:
        return not (after.islower() or after.isdigit() or after in ",;(")
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    is_marker = word.isdigit() and not text[: mark.start() - len(word)].strip()
    return not (is_initial or is_marker)


def _line_ends(text: str, line_end: int, *, is_last: bool) -> bool | None:
    """Return whether a line break ends the sentence: it does unless a small letter follows."""
    rest = text[line_end + 1 :]
    body = rest.lstrip(" \t\r")
    if not body and not is_last:
        return None
    if text[:line_end].rstrip().endswith((":", ";")):
        return True
    return not body[:1].islower()
