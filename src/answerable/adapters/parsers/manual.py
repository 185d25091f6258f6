"""A manual page while it is set: paragraphs that are filled, lists inside lists, code."""

from __future__ import annotations

import re

from answerable.adapters.parsers.draft import Draft
from answerable.domain.documents import BlockKind, Text

_DEPTH_MAX = 12
_INDENT = "    "
_NUMBER = re.compile(r"[\[(]?(?:\d{1,3}|[a-z])[.)\]]\)?")
_BULLET = re.compile(r"[\u2022\u25cb\u25a1*o+\u00b7\u2013\u2014-]")
_SPACES = re.compile(r"[ \t]+")


class Manual:
    """Takes words and what happens between them; gives a text.

    Attributes:
        is_code: Lines keep their breaks.
    """

    def __init__(self) -> None:
        self._draft = Draft()
        self._words: list[str] = []
        self._code: list[str] = []
        self._lists: list[int | None] = [None]  # of each indentation: the level of its open list
        self._mark = ""
        self._is_first = False
        self._dropped = 0
        self.is_code = False
        self._glued = False

    def say(self, words: str, *, glue: bool = False) -> None:
        """Go on with a paragraph, or with code by one line.

        Args:
            words: Without escapes.
            glue: What comes next follows without a space.
        """
        if self.is_code:
            self._code.append(words.rstrip())
        elif self._glued and self._words:
            self._words[-1] += words.strip()
        elif words.strip():
            self._words.append(words.strip())
        self._glued = glue

    def turn(self) -> None:
        """Begin a new line."""
        if self._words and not self.is_code:
            self._words.append("\n")

    def part(self) -> None:
        """End a paragraph, or part code by a blank line."""
        self._glued = False
        if self.is_code:
            self._code.append("")
            return
        self._flush()

    def code(self, *, is_code: bool) -> None:
        """Begin or end what keeps its line breaks."""
        self._flush()
        self.is_code = is_code

    def heading(self, words: str, level: int) -> None:
        """Begin a section; whatever is open ends."""
        self.code(is_code=False)
        self._dropped = 0
        while len(self._lists) > 1:
            self.shallower()
        self.end_list()
        self._draft.add(BlockKind.HEADING, words, level)

    def item(self, tag: str) -> None:
        """Begin an item of a list; a bullet or number stands before its first words."""
        self._flush()
        level = int(bool(_NUMBER.fullmatch(tag)))
        if self._lists[-1] is not None and self._lists[-1] != level:
            self.end_list()
        if self._lists[-1] is None:
            self._draft.open()
            self._lists[-1] = level
        else:
            self._draft.close(BlockKind.ITEM)
        self._draft.open()
        self._is_first = True
        if level or _BULLET.fullmatch(tag):
            self._mark = f"{tag if level else '-'} "
        elif tag:
            self.tag(tag)

    def tag(self, words: str) -> None:
        """Write what an item is about on a line before it."""
        self._flush()
        lead = _INDENT * (self._depth - 1)
        self._draft.add(BlockKind.PARAGRAPH, lead + _SPACES.sub(" ", words.strip()))

    def tag_or_mark(self, words: str) -> None:
        """Say what the item that was begun is about; a bullet goes before its first words."""
        if _BULLET.fullmatch(words.strip()):
            self._mark = "- "
        else:
            self.tag(words)

    def more_tag(self, words: str) -> None:
        """Write one more thing that an item is about."""
        self._flush()
        lead = _INDENT * max(0, self._depth - 1)
        self._draft.add(BlockKind.PARAGRAPH, lead + words.strip(), is_tight=self._is_first)

    def end_list(self) -> None:
        """End the list at this indentation."""
        self._flush()
        level = self._lists[-1]
        if level is not None:
            self._draft.close(BlockKind.ITEM)
            self._draft.close(BlockKind.LIST, level)
            self._lists[-1] = None
        self._is_first = False

    def deeper(self) -> None:
        """Begin what is indented more."""
        self._flush()
        if len(self._lists) < _DEPTH_MAX:
            self._lists.append(None)
        else:
            self._dropped += 1

    def shallower(self) -> None:
        """End what is indented more."""
        self._flush()
        if self._dropped:
            self._dropped -= 1
        elif len(self._lists) > 1:
            self.end_list()
            self._lists.pop()

    def table(self, rows: list[str]) -> None:
        """Write a table."""
        self._flush()
        self._draft.table(rows)

    def text(self, title: str) -> Text:
        """Return the page.

        Raises:
            Refused: ``empty``.
        """
        self.code(is_code=False)
        while len(self._lists) > 1:
            self.shallower()
        self.end_list()
        return self._draft.text(title)

    @property
    def _depth(self) -> int:
        """How many items are open."""
        return sum(level is not None for level in self._lists)

    def _flush(self) -> None:
        """Write what was said since the last time."""
        lead = _INDENT * self._depth
        if self._words:
            lines = " ".join(self._words).split("\n")
            body = [_SPACES.sub(" ", line.strip()) for line in lines if line.strip()]
            hanging = lead
            if self._mark:
                lead = _INDENT * (self._depth - 1) + self._mark
                hanging = " " * len(lead)
            self._draft.add(
                BlockKind.PARAGRAPH, lead + f"\n{hanging}".join(body), is_tight=self._is_tight()
            )
        if any(self._code):
            body = [lead + line if line else "" for line in self._code]
            self._draft.add(BlockKind.CODE, "\n".join(body), is_tight=self._is_tight())
        self._words.clear()
        self._code.clear()
        self._glued = False

    def _is_tight(self) -> bool:
        tight = self._is_first and not self._mark
        self._is_first, self._mark = False, ""
        return tight
