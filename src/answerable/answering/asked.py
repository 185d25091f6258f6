"""What a question asks for: the words that matter, their weight, and the kind of answer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

Terms = Callable[[str], list[str]]
"""Turns text into stems in order, stop words left out: `Analyser.terms`."""

# Words an operator types that name nothing: function words, and verbs that fit any subject.
_CLOSED = frozenset(
    """
    a about after again against all also am an and any anyone anything are as ask at be because
    been before being but by came can cannot cant come could did do does doesnt doing done dont
    else ever for from get gets getting give go goes going gonna got had happen happened happens
    has hasnt have having he help her here him his how i id if ill im in into is isnt it its ive
    just know let lets like look looking make makes many may me might mine more most much must my
    need needs no nor not now of off ok on one only or other our ours out over own please put
    really say see seem set shall she should so some still such take tell than that the their
    them then there theres these they thing things this those to too up us use using very want
    wanted was way we well were what whats when where which while who whom whose why will with
    wont would yes yet you your
    """.split()
)
# Chunks of a world outside that hold none of the terms: in a library of a few pages every
# word is common, and would weigh nothing without them.
_ELSEWHERE_CHUNKS = 1000
_NOT_WORD = re.compile(r"[^\w]+")


class AnswerKind(StrEnum):
    """What the sentence that answers has to hold."""

    DURATION = "duration"
    NUMBER = "number"
    VERSION = "version"
    PATH = "path"
    FLAG = "flag"
    SETTING = "setting"
    COMMAND = "command"
    PORT = "port"
    CODE = "code"
    CAUSE = "cause"
    DEFAULT = "default"


# For each kind: what in a question asks for it, and what in a text is one.
_SIGNS: Mapping[AnswerKind, tuple[re.Pattern[str], re.Pattern[str]]] = {
    kind: (re.compile(asks, re.IGNORECASE), re.compile(gives, re.IGNORECASE | re.MULTILINE))
    for kind, asks, gives in (
        (
            AnswerKind.DURATION,
            r"how (?:long|often|soon|fast|quick|old)|time ?out|interval|\bperiod\b",
            (
                r"\d\s*(?:ms|s|m|h|d|sec\w*|min\w*|hours?|days?|weeks?|months?|years?)\b"
                r"|\b(?:one|two|three|five|ten|thirty|half an?)\s+(?:second|minute|hour|day|week)"
                r"|default\w* (?:to|is|of|value)[^.]{0,30}\d"
            ),
        ),
        (
            AnswerKind.NUMBER,
            (
                r"how (?:many|much|big|large|high|fast|often|far)|\bmax(?:imum)?\b|\bmin(?:imum)?\b"
                r"|highest|lowest|\blimit\b|\bsize\b|number|percent|at what|threshold|quota"
                r"|\bcount\b"
            ),
            (
                r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|majority|single"
                r"|only)\b"
            ),
        ),
        (AnswerKind.VERSION, r"\bversions?\b|\brelease\b", r"\bv?\d+\.\d+"),
        (
            AnswerKind.PATH,
            r"\bwhere\b|\bpath\b|\bfile\b|\bfolder\b|\bdirectory\b",
            (
                r"(?:^|[\s`\"'(])[~.]?/[\w.${}<-]"
                r"|\b[\w-]+\.(?:ya?ml|conf|json|toml|log|cfg|ini|service|d)\b|\.(?:crt|key)\b"
            ),
        ),
        (
            AnswerKind.FLAG,
            r"\bflags?\b|\boptions?\b|\bargument|\bparameter|\bswitch\b",
            r"(?:^|[\s`\"'(])--?[a-z]",
        ),
        (
            AnswerKind.SETTING,
            (
                r"\bsettings?\b|\bfields?\b|config\w* (?:field|key|option|value)|\bvariable"
                r"|what (?:do|should|must|can) i (?:set|change|configure|use)|what has to be set"
                r"|which (?:metric|label|type|mode|.*polic)"
            ),
            r"`[^`\s]+`|\b(?-i:[a-z]+[A-Z])\w+|\b[a-z]+_[a-z_]+",
        ),
        (
            AnswerKind.COMMAND,
            r"\bcommands?\b|how (?:do|can|to|should)|kubectl|\bcli\b",
            r"```|`[^`]+`|^\s*(?:\$ |kubectl|sudo|systemctl|journalctl)",
        ),
        (AnswerKind.PORT, r"\bports?\b", r"\b\d{2,5}\b"),
        (AnswerKind.CODE, r"(?:status|exit|error|http|return) codes?", r"\b\d{1,3}\b"),
        (
            AnswerKind.CAUSE,
            r"\bwhy\b|\bcauses?\b|\breasons?\b|suspect|how come",
            (
                r"\bbecause\b|\bdue to\b|\bcaus|\breason|\bsince\b|\bmeans? that\b|\bif\b"
                r"|\bso that\b"
                r"|result"
            ),
        ),
        (
            AnswerKind.DEFAULT,
            r"\bdefaults?\b|if i (?:don'?t|set nothing)|out of the box|leave it out",
            r"\bdefault|\bunless\b|if not specified|omitted|unspecified|not set",
        ),
    )
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question as the quote rung reads it.

    Attributes:
        terms: Stems of the words that matter, in order; repeats are kept.
        weights: For each term its inverse chunk frequency, above 0; a term that no chunk holds
            weighs most.
        known: Terms that some chunk holds.
        pairs: Terms that follow each other.
        kinds: What the answer should hold; usually none or one.
        heaviest: Weight of a term that no chunk holds.
    """

    terms: tuple[str, ...]
    weights: Mapping[str, float]
    known: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    kinds: tuple[AnswerKind, ...]
    heaviest: float

    @property
    def mass(self) -> float:
        """Sum of all weights; 0 only without terms."""
        return sum(self.weights.values())

    def share(self, words: Collection[str]) -> float:
        """Return the share of the weight that these terms carry."""
        held = sum(weight for term, weight in self.weights.items() if term in words)
        return held / (self.mass or 1.0)


def content_words(question: str) -> str:
    """Return the question without the words that name nothing, or whole if nothing were left."""
    words = question.split()
    kept = [word for word in words if _NOT_WORD.sub("", word.lower()) not in _CLOSED]
    return " ".join(kept) or question


def read_question(
    question: str, terms: Sequence[str], frequencies: Mapping[str, int], chunks: int
) -> Asked:
    """Return a question with its weights.

    Args:
        question: As it was asked.
        terms: Stems of its `content_words`: what is searched for.
        frequencies: For each term how many chunks hold it; one that is missing is in none.
        chunks: How many chunks there are.

    Source of the weight: Robertson, Zaragoza, "The Probabilistic Relevance Framework", 2009.
    """
    weights = {term: rarity(frequencies.get(term, 0), chunks) for term in terms}
    return Asked(
        terms=tuple(terms),
        weights=weights,
        known=frozenset(term for term in terms if frequencies.get(term, 0) > 0),
        pairs=frozenset(pairwise(terms)),
        kinds=tuple(kind for kind, (asks, _) in _SIGNS.items() if asks.search(question)),
        heaviest=rarity(0, chunks),
    )


def kinds_in(text: str, kinds: Sequence[AnswerKind]) -> float:
    """Return the share of these kinds of answer that the text holds; 0.5 when none is asked."""
    if not kinds:
        return 0.5
    return sum(1 for kind in kinds if _SIGNS[kind][1].search(text)) / len(kinds)


def rarity(frequency: int, chunks: int) -> float:
    """Return the weight of a term that so many of the chunks hold."""
    others = max(chunks - frequency, 0) + _ELSEWHERE_CHUNKS
    return math.log(1 + (others + 0.5) / (frequency + 0.5))
