"""Whether a question set fits its documents: quotes that went, and questions that disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from answerable.quality.evaluation import comparable
from answerable.quality.questions import Case

ALIKE_MIN = 0.6
"""So alike a text has to be to a quote that went, to be offered in its place."""

_PARTS = re.compile(r"(?<=[.!?:])\s+|\n+")
_WORDS = re.compile(r"\w+")
_CANDIDATES_MAX = 40


class Fault(StrEnum):
    """What is wrong with a question of a set."""

    NO_DOCUMENT = "no_document"
    QUOTE_GONE = "quote_gone"
    QUOTE_ELSEWHERE = "quote_elsewhere"
    CONTRADICTION = "contradiction"
    TWICE = "twice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """Something in a question set that does not fit.

    Attributes:
        case: Id of the question.
        because: What it is, in words.
        document, quote: What to write instead; empty where nothing can be offered.
    """

    case: str
    fault: Fault
    because: str
    document: str = ""
    quote: str = ""


def flaws(cases: Sequence[Case], texts: Mapping[str, str]) -> tuple[Flaw, ...]:
    """Return what does not fit, in the order of the questions.

    Args:
        cases: The questions.
        texts: Of the documents that serve, by path.
    """
    plain = {path: comparable(text) for path, text in texts.items()}
    found = [flaw for case in cases for flaw in _of_case(case, texts, plain)]
    return (*found, *among(cases))


def _of_case(case: Case, texts: Mapping[str, str], plain: Mapping[str, str]) -> Iterator[Flaw]:
    missing = [path for path in case.grades if path not in texts]
    if case.grades and len(missing) == len(case.grades):
        yield Flaw(
            case=case.id,
            fault=Fault.NO_DOCUMENT,
            because=f"none of its documents is in the library: {missing[0]}",
        )
    for quote in case.quotes:
        wanted = comparable(quote)
        named = [path for path in case.grades if path in plain]
        if any(wanted in plain[path] for path in named or plain):
            continue
        elsewhere = next((path for path, text in plain.items() if wanted in text), "")
        if elsewhere:
            yield Flaw(
                case=case.id,
                fault=Fault.QUOTE_ELSEWHERE,
                because=f"its quote is not where it was, but in {elsewhere}",
                document=elsewhere,
                quote=quote,
            )
            continue
        path, near = _nearest(wanted, {path: texts[path] for path in named or texts})
        because = "its quote is in no document any more"
        yield Flaw(
            case=case.id,
            fault=Fault.QUOTE_GONE,
            because=f"{because}; the nearest is in {path}" if near else because,
            document=path if near else "",
            quote=near,
        )


def _nearest(wanted: str, texts: Mapping[str, str]) -> tuple[str, str]:
    """Return the document and the text most like a quote; empty where none is like it."""
    words = set(_WORDS.findall(wanted.casefold()))
    found: list[tuple[float, str, str]] = []
    for path, text in texts.items():
        for part in _PARTS.split(text):
            theirs = set(_WORDS.findall(part.casefold()))
            if shared := len(words & theirs):
                found.append((shared / len(words | theirs), path, part.strip()))
    best, path, near = 0.0, "", ""
    for _, where, part in sorted(found, reverse=True)[:_CANDIDATES_MAX]:
        alike = SequenceMatcher(None, wanted, comparable(part), autojunk=False).ratio()
        if alike > best:
            best, path, near = alike, where, part
    return (path, near) if best >= ALIKE_MIN else ("", "")


def among(cases: Sequence[Case]) -> Iterator[Flaw]:
    """Give the questions that are asked twice, and those that contradict each other."""
    first: dict[str, Case] = {}
    for case in cases:
        said = " ".join(case.question.casefold().split())
        other = first.setdefault(said, case)
        if other is case:
            continue
        if other.answerable != case.answerable:
            because = f"{other.id} asks the same, and says the opposite about having an answer"
            yield Flaw(case=case.id, fault=Fault.CONTRADICTION, because=because)
        else:
            because = f"{other.id} asks the same: it counts twice"
            yield Flaw(case=case.id, fault=Fault.TWICE, because=because)
