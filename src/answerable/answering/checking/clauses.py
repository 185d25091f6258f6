"""Clauses: what is said together, and whether it is denied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from answerable.answering.checking.words import Word, stem

_BREAK_WORDS = frozenset(
    """
    but while whereas unless if when because although though so which until otherwise and then
    where whenever since whether that
    """.split()
)
_BREAK_MARK = re.compile(r"[,;:()\u2013\u2014|]|\s-\s|\.\s|\n\s*\n|\n\s*[-*+]\s")
_NEGATIONS = frozenset(
    """
    not no never none neither nor cannot nothing nobody nowhere unless unable isn't aren't
    wasn't weren't don't doesn't didn't won't wouldn't shouldn't couldn't can't hasn't haven't
    hadn't mustn't needn't isnt dont doesnt cant wont fails failed
    hardly rarely seldom
    """.split()
)
DIRECTED = frozenset(stem(word) for word in "before after under over more less few".split())
"""Stems of function words that have an opposite; clauses keep them."""
# A negation before these denies nothing.
_NOT_DENIED = frozenset("only more less fewer later matter just including necessarily".split())
_MODALS = {
    "must": 3, "required": 3, "requires": 3, "require": 3, "need": 3, "needs": 3, "have_to": 3,
    "mandatory": 3, "shall": 3, "always": 3, "guaranteed": 3, "should": 2, "recommended": 2,
    "ought": 2, "usually": 2, "typically": 2, "generally": 2, "often": 2, "likely": 2,
    "may": 1, "might": 1, "can": 1, "could": 1, "optional": 1, "optionally": 1,
    "sometimes": 1, "possible": 1, "possibly": 1,
}  # fmt: skip
_QUANTIFIERS = {
    "all": "all", "every": "all", "each": "all", "always": "all", "any": "any", "both": "all",
    "entire": "all", "whole": "all", "some": "some", "several": "some", "few": "some",
    "most": "most", "many": "some", "sometimes": "some", "only": "only", "solely": "only",
    "exclusively": "only", "none": "none", "never": "none", "no": "none",
}  # fmt: skip
_OPPOSED = frozenset(
    {
        frozenset(pair)
        for pair in (
            ("all", "some"), ("all", "none"), ("some", "none"), ("all", "most"), ("any", "none"),
            ("all", "only"), ("any", "only"), ("most", "none"),
        )
    }
)  # fmt: skip

_ANTONYMS = """
    enable disable|enabled disabled|allow deny|allow forbid|allow prevent|allow block|permit deny
    permit forbid|accept reject|accept refuse|increase decrease|increase reduce|raise lower
    before after|above below|over under|start stop|begin end|start end|first last|minimum maximum
    min max|open close|open closed|up down|add remove|add delete|create delete|create destroy
    attach detach|connect disconnect|mount unmount|lock unlock|include exclude|inside outside
    internal external|public private|success failure|succeed fail|successful unsuccessful
    true false|on off|high low|higher lower|highest lowest|more fewer|more less|most least
    greater smaller|larger smaller|large small|big small|bigger smaller|longer shorter|long short
    faster slower|fast slow|early late|earlier later|new old|newer older|newest oldest
    same different|equal different|safe unsafe|safe dangerous|optional required|optional mandatory
    automatic manual|automatically manually|static dynamic|temporary permanent|sync async
    synchronous asynchronous|read write|send receive|push pull|upload download|import export
    encrypt decrypt|encrypted unencrypted|encrypted plaintext|compress decompress|present absent
    available unavailable|healthy unhealthy|ready unready|known unknown|valid invalid
    visible hidden|show hide|keep discard|keep delete|retain delete|preserve delete
    persistent ephemeral|survive lost|stateful stateless|online offline|active inactive
    active passive|local remote|global local|upper lower|top bottom|front back|left right
    north south|east west|northern southern|eastern western|win lose|victory defeat
    support oppose|for against|agree disagree|ally enemy|buy sell|buyer seller|teacher student
    male female|man woman|men women|father mother|son daughter|brother sister|husband wife
    hot cold|warm cool|dry wet|hard soft|heavy light|strong weak|rich poor|easy difficult
    easy hard|simple complex|good bad|better worse|best worst|positive negative|major minor
    majority minority|ascending descending|forward backward|horizontal vertical|wide narrow
    full empty|fill empty|rise fall|gain loss|grow shrink|expand contract|import export
    alive dead|birth death|born died|ancient modern|past future|urban rural|rural city
    always never|never sometimes|everyone nobody|all none|with without|scale_up scale_down
    exceed below|within outside|immediately eventually|immediately later|once repeatedly
    synchronously asynchronously|critical warning|critical informative|harmless dangerous
    harmful beneficial|benefit harm|advantage disadvantage|advantages disadvantages
    gracefully forcibly|soft hard|primary secondary|leader follower|master slave|parent child
    client server|source destination|ingress egress|inbound outbound|incoming outgoing
    necessary unnecessary|needed unneeded|recommend discourage|recommended discouraged
    stable unstable|stable alpha|alpha beta|deprecated supported|supported unsupported
    possible impossible|legal illegal|formal informal|direct indirect|directly indirectly
    complete incomplete|correct incorrect|consistent inconsistent|mutable immutable|exists missing
    running stopped|skipped started|evicted kept|restart continue|resume pause|stop continue
"""


def _antonym_table() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in _ANTONYMS.replace("\n", "|").split("|"):
        if pair.strip():
            one, other = (stem(word) for word in pair.split())
            if one != other:
                table.setdefault(one, set()).add(other)
                table.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in table.items()}


ANTONYMS = _antonym_table()
"""For a stem the stems that say the opposite."""
_PREFIXES = ("un", "in", "non", "dis", "im", "ir", "de")


@lru_cache(maxsize=20_000)
def opposites(word: str) -> tuple[str, ...]:
    """Return the stems that may say the opposite of a stem."""
    return tuple(_opposites(word))


def _opposites(word: str) -> Iterator[str]:
    yield from ANTONYMS.get(word, ())
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) > 3:  # noqa: PLR2004 - not "in"+"put"
            yield word[len(prefix) :]
        elif len(word) > 3:  # noqa: PLR2004
            yield prefix + word


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence that says one thing.

    Attributes:
        start, end: Code points in the text.
        stems: Of its content words.
        is_denied: Whether an odd number of words negate it.
        modal: 3 "must", 2 "should", 1 "may", 0 nothing said.
        quantifiers: Of ``all``, ``any``, ``most``, ``some``, ``only``, ``none``.
    """

    start: int
    end: int
    stems: frozenset[str]
    is_denied: bool
    modal: int
    quantifiers: frozenset[str]


def clauses_of(text: str, words: Sequence[Word]) -> list[Clause]:
    """Return the clauses of a text in order; short ones join the one before."""
    groups: list[list[Word]] = []
    last_end = 0
    for word in words:
        is_broken = word.low in _BREAK_WORDS or _BREAK_MARK.search(text, last_end, word.start)
        if not groups or (is_broken and _says_enough(groups[-1])):
            groups.append([])
        groups[-1].append(word)
        last_end = word.end
    if len(groups) > 1 and not _says_enough(groups[-1]):
        last = groups.pop()
        groups[-1].extend(last)
    return [_clause(group) for group in groups]


_LEAST_WORDS = 2


def _says_enough(words: Sequence[Word]) -> bool:
    content = [word for word in words if word.is_content]
    return len(content) >= _LEAST_WORDS or any(word.low[0].isdigit() for word in content)


def _clause(words: Sequence[Word]) -> Clause:
    lows = [word.low for word in words]
    denied = sum(
        1
        for place, low in enumerate(lows)
        if low in _NEGATIONS and not (place + 1 < len(lows) and lows[place + 1] in _NOT_DENIED)
    )
    return Clause(
        start=words[0].start,
        end=words[-1].end,
        stems=frozenset(word.stem for word in words if word.is_content or word.stem in DIRECTED),
        is_denied=denied % 2 == 1,
        modal=max((_MODALS.get(low, 0) for low in lows), default=0),
        quantifiers=frozenset(_QUANTIFIERS[low] for low in lows if low in _QUANTIFIERS),
    )


def are_opposed(some: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether two sets of quantifiers contradict each other."""
    if some & others:
        return False
    return any(frozenset((one, other)) in _OPPOSED for one in some for other in others)
