"""Questions that lean on earlier ones: what they mean by themselves, before anything is searched.

Works without a model; a model, where the ladder has one, words it better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from answerable.answering.asked import content_words
from answerable.domain.questions import Turn

_CUT = "…"
_NOT_WORD = re.compile(r"[^\w'-]+")
_LEANING = frozenset(
    """
    it its this that these those they them their there then here he she him her one ones such
    same other others another again also instead else both either neither
    """.split()
)
_OPENERS = re.compile(
    r"(?:and|but|so|or|what about|how about|what if|and if|ok|okay|also|then|why not|otherwise)\b",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"(?:what|who)(?:'s|\s+(?:is|are|was|were|does|do))\b", re.IGNORECASE)


def remembered(turns: Sequence[Turn], *, turns_max: int, chars_max: int) -> tuple[Turn, ...]:
    """Return the last turns, their answers cut, so that a long conversation costs no more.

    Args:
        turns: Oldest first.
        turns_max: At most so many are kept.
        chars_max: Code points that are kept of each question and of each answer.
    """
    kept = turns[-turns_max:] if turns_max > 0 else ()
    return tuple(
        Turn(question=_shortened(one.question, chars_max), answer=_shortened(one.answer, chars_max))
        for one in kept
    )


def leans(question: str) -> bool:
    """Return whether a question can hardly be understood without the one before it."""
    words = [word for word in _NOT_WORD.split(question.lower()) if word]
    if _OPENERS.match(question.strip()) or not _LEANING.isdisjoint(words):
        return True
    names_little = len(content_words(question).split()) <= 1
    return names_little and not _DEFINES.match(question.strip())


def standalone(question: str, turns: Sequence[Turn]) -> str:
    """Return a question together with the last one that stood by itself, when it leans on it.

    Of a chain of leaning questions, those back to the first are taken along: that one names
    what all of them are about.
    """
    if not turns or not leans(question):
        return question
    chain = [question]
    for turn in reversed(turns):
        chain.insert(0, turn.question)
        if not leans(turn.question):
            break
    first, *rest = chain
    return " ".join((first, *rest[-1:])) if len(chain) > 2 else " ".join(chain)  # noqa: PLR2004


def usable_rewrite(written: str, question: str, *, chars_max: int) -> str:
    """Return the question a model wrote; empty when it is none.

    A model may answer, explain or refuse instead. What is used is one line of a sensible length
    that shares a word with what was asked.
    """
    lines = [line.strip().strip("\"'") for line in written.strip().splitlines() if line.strip()]
    if len(lines) != 1 or not 0 < len(lines[0]) <= chars_max:
        return ""
    own = {word for word in _NOT_WORD.split(question.lower()) if word}
    new = {word for word in _NOT_WORD.split(lines[0].lower()) if word}
    return lines[0] if own & new else ""


def _shortened(text: str, chars_max: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= chars_max else plain[: chars_max - 1] + _CUT
