"""Words of claims and passages: where they stand, their stems, and how much each one tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\d+(?:[.,]\d+)*")
# Nothing in them is said: shortcodes, tags, comments, anchors and addresses of links.
_MUTE = re.compile(
    r"<!--.*?-->|\{\{[<%].{0,300}?[%>]\}\}|</?[A-Za-z][^<>\n]{0,200}>|\{#[\w-]+\}|\]\([^)\s]*\)",
    re.DOTALL,
)
_SHOWN_IN_MUTE = re.compile(r"text=\"([^\"]*)\"")
_MARKER = re.compile(
    r"(?<![\w`\]])\[\^?\d{1,3}(?:\s*[,;\u2013-]\s*\d{1,3})*\]"
    r"|(?<=[\w.,;:!?)\"'\]])\[\^?\d{1,3}(?:\s*[,;\u2013-]\s*\d{1,3})*\](?=[\s.,;:!?)\[]|$)"
    r"|\u3010[^\u3011\n]{1,40}\u3011"
)
_CODE = re.compile(r"`[^`\n]*`")

STOP = frozenset(
    """
    a about after again against all also am an and any are as at be because been before being
    between both but by can cannot could did do does doing done down during each either else
    few for from further get gets had has have having he her here hers him his how i if in into
    is it its itself just like may me might more most much must my need no nor not now of off on
    once one only or other our ours out over own per rather same shall she should so some such
    than that the their theirs them then there therefore these they this those through to too
    under until up upon us very was we well were what when where whether which while who whom
    whose why will with within without would yes yet you your yours s t don isn doesn didn aren
    wasn weren won can't it's that's there's let's however thus hence e g i.e etc
    """.split()
)

# Words that stand for each other in operations text; whole words, in lower case.
_GROUPS = """
    delete remove erase drop|start launch boot|stop halt terminate kill|begin start commence
    show display print list|use utilize employ|restart reboot|config configuration setting
    k8s kubernetes|repo repository|dir directory folder|env environment|db database
    auth authentication|info information|app application|error failure fault|create make
    modify change alter edit|verify check confirm|allow permit let|deny forbid refuse reject
    require need|purchase buy|big large|small little|fast quick rapid|help assist|obtain get
    find locate|job task|fix repair resolve solve|pick choose select|happen occur|end finish
    default standard|limit cap maximum max|minimum min|seconds secs sec|minutes mins min
    hours hrs hour|doc document page|machine host node server|namespace ns|pod pods
    increase raise grow rise|decrease lower reduce drop shrink|show reveal|keep retain
    ensure guarantee|connect attach|send transmit|get fetch retrieve|build construct
    doctor physician|car automobile vehicle|film movie|author writer|country nation
    kid child children|woman female|man male|job profession occupation|born birth|die death dead
    located situated|several multiple many|about approximately roughly around nearly
    usually typically generally commonly often|main primary chief major|usa us america american
    uk britain british|yearly annual annually|monthly month|daily day|weekly week
    aid help|whole entire|quantity amount|near close|over above|below under
"""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: as it stands in lower case, its stem, and where."""

    low: str
    stem: str
    start: int
    end: int

    @property
    def is_content(self) -> bool:
        """Whether it names something, as function words do not."""
        return self.low not in STOP


def words_of(text: str) -> list[Word]:
    """Return the words of a text in order; offsets are code points."""
    return list(_words(text))


def _words(text: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        low = match[0].lower().replace("\u2019", "'")
        yield Word(low, stem(low), match.start(), match.end())


def blanked(text: str) -> str:
    """Return the text, as long as it was, with spaces where markup says nothing."""
    if "<" not in text and "{" not in text and "](" not in text:
        return text
    return _MUTE.sub(_blank, text)


def without_markers(text: str) -> str:
    """Return the text, as long as it was, with spaces where it cites: ``[1]`` is no number."""
    if "[" not in text and "\u3010" not in text:
        return text
    code = [match.span() for match in _CODE.finditer(text)]

    def hide(match: re.Match[str]) -> str:
        inside = any(start < match.start() < end for start, end in code)
        return match[0] if inside else " " * len(match[0])

    return _MARKER.sub(hide, text)


def _blank(match: re.Match[str]) -> str:
    kept = [" "] * len(match[0])
    for shown in _SHOWN_IN_MUTE.finditer(match[0]):
        kept[shown.start(1) : shown.end(1)] = shown[1]
    return "".join(kept)


_VOWEL = re.compile(r"[aeiouy]")
_IRREGULAR = {
    "began": "begin", "begun": "begin", "wrote": "write", "written": "write", "ran": "run",
    "made": "make", "built": "build", "sent": "send", "kept": "keep", "held": "hold",
    "lost": "lose", "left": "leave", "led": "lead", "won": "win", "gave": "give",
    "given": "give", "took": "take", "taken": "take", "chose": "choose", "chosen": "choose",
    "known": "know", "knew": "know", "shown": "show", "grew": "grow", "grown": "grow",
    "rose": "rise", "risen": "rise", "fell": "fall", "fallen": "fall", "found": "find",
    "bought": "buy", "brought": "bring", "thought": "think", "taught": "teach",
    "became": "become", "came": "come", "went": "go", "gone": "go", "saw": "see", "seen": "see",
    "said": "say", "told": "tell", "sold": "sell", "spent": "spend", "stood": "stand",
    "understood": "understand", "felt": "feel", "met": "meet", "paid": "pay", "broke": "break",
    "broken": "break", "spoke": "speak", "spoken": "speak", "drove": "drive", "driven": "drive",
    "children": "child", "men": "man", "women": "woman", "people": "person", "lives": "life",
    "indices": "index", "better": "good", "best": "good", "worse": "bad", "worst": "bad",
}  # fmt: skip


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the part of a lower-case English word that its forms share; others come back."""
    word = word.removesuffix("'s").replace("'", "")
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or not word.isalpha():  # noqa: PLR2004 - too short to have an ending
        return word
    return _without_derivation(_without_inflection(word))


def _without_inflection(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]  # noqa: PLR2004
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        body = word.removesuffix(ending)
        if body != word and len(body) >= 3 and _VOWEL.search(body):  # noqa: PLR2004
            is_doubled = body[-1] == body[-2] and body[-1] not in "lsz"
            return body[:-1] if is_doubled else body
    return word


# Ending, what takes its place, how long the rest has to be.
_DERIVED = (
    ("ization", "iz", 3), ("isation", "iz", 3), ("ation", "", 5), ("ation", "at", 2),
    ("ition", "it", 2), ("sion", "s", 3), ("tion", "t", 3), ("ment", "", 4), ("ness", "", 4),
    ("ility", "l", 3), ("able", "", 4), ("ally", "", 4), ("ly", "", 4), ("ise", "iz", 3),
    ("ize", "iz", 3), ("ate", "", 5), ("ate", "at", 2), ("ive", "", 4), ("or", "", 5),
    ("er", "", 5), ("al", "", 5), ("e", "", 3), ("y", "i", 3), ("at", "", 5),
)  # fmt: skip


def _without_derivation(word: str) -> str:
    for ending, instead, least in _DERIVED:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: len(word) - len(ending)] + instead
    return word


def _alias_groups() -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for line in _GROUPS.replace("\n", "|").split("|"):
        stems = {stem(word) for word in line.split()}
        for one in stems:
            groups.setdefault(one, set()).update(stems - {one})
    return {one: frozenset(others) for one, others in groups.items()}


ALIASES = _alias_groups()
"""For a stem the stems that may stand for it."""
