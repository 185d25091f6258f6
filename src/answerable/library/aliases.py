"""What people on call say, and what manuals say for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from answerable.domain.errors import BadConfiguration

Aliases = tuple[tuple[str, tuple[str, ...]], ...]
"""Phrases in lower case with what else is said for them, sorted; as a release holds them."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_WORDS_MAX = 5


def parse(lines: Iterable[str], *, name: str) -> dict[str, tuple[str, ...]]:
    """Return a table of aliases: ``phrase = this; or that`` on each line, ``#`` starts a comment.

    A phrase with nothing on its right side is there with no expansion: it takes one away when
    laid over another table.

    Args:
        lines: Of the table.
        name: What errors call it.

    Raises:
        BadConfiguration: A line is no alias; it is named.
    """
    table: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, start=1):
        text = _COMMENT.sub("", line).strip()
        if not text:
            continue
        left, equals, right = text.partition("=")
        phrase = _said(left)
        if not equals or not phrase:
            raise BadConfiguration(
                f"{name}, line {number}: this is no alias",
                hint="write one a line: phrase = what the documents say; another way",
            )
        if phrase.count(" ") >= _WORDS_MAX:
            raise BadConfiguration(
                f"{name}, line {number}: the phrase has more than {_WORDS_MAX} words",
                hint="shorten it to what people say",
            )
        others = (" ".join(one.split()) for one in right.split(";"))
        table[phrase] = (*table.get(phrase, ()), *(one for one in others if one))
    return table


def combined(*tables: Mapping[str, tuple[str, ...]]) -> Aliases:
    """Return tables laid one over the other: a phrase of a later one replaces an earlier."""
    over: dict[str, tuple[str, ...]] = {}
    for table in tables:
        over.update(table)
    return tuple(sorted((phrase, others) for phrase, others in over.items() if others))


@cache
def own() -> Mapping[str, tuple[str, ...]]:
    """Return the table Answerable brings."""
    text = files("answerable.library").joinpath("aliases.txt").read_text(encoding="utf-8")
    return parse(text.splitlines(), name="aliases.txt")


def expansions(question: str, aliases: Aliases) -> tuple[str, ...]:
    """Return what else is said for phrases of a question, in order, each once.

    The longest phrase at a place counts; what the question says already is left out.
    """
    said = _said(question)
    found = dict.fromkeys(other for one in _phrases(said, _table(aliases)) for other in one)
    padded = f" {said} "
    return tuple(other for other in found if f" {_said(other)} " not in padded)


@cache
def _table(aliases: Aliases) -> Mapping[str, tuple[str, ...]]:
    return dict(aliases)


def _phrases(said: str, table: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    words = said.split()
    at = 0
    while at < len(words):
        for length in range(min(_WORDS_MAX, len(words) - at), 0, -1):
            others = table.get(" ".join(words[at : at + length]))
            if others:
                yield others
                at += length
                break
        else:
            at += 1


def _said(text: str) -> str:
    """Return a text as phrases are compared: words in lower case with one space between."""
    return " ".join(_WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))
