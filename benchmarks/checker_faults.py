"""Claims made from openly licensed text: true ones reworded by rule, and false ones.

Everything here is drawn with a seed. A true claim is a sentence, or a question with its answer,
said otherwise; a false one differs from what its passages say in one place, or is not in them.
The label of a made claim can be wrong now and then: a swap may say the same, an alias be true.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerable.answering.checking import clauses
from answerable.answering.checking.facts import Fact, FactKind, facts_of
from answerable.answering.checking.words import STOP, blanked
from answerable.answering.sentences import sentences

# Passages of a source: from one to so many, as many small sources as large ones.
LARGEST = 16


@dataclass(frozen=True, kw_only=True)
class Made:
    """A claim with its passages and its label.

    Attributes:
        group: What may not stand on both sides of a fold.
        how: The rule that made it.
    """

    group: str
    passages: tuple[str, ...]
    question: str
    claim: str
    is_bad: bool
    how: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text to make claims from: its passages, and other sentences of its document.

    Attributes:
        own: The passage whose sentences are told; all of them if empty.
    """

    group: str
    passages: tuple[str, ...]
    elsewhere: tuple[str, ...]
    own: str = ""
    questions: tuple[dict[str, Any], ...] = ()


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSONL file, packed or not."""
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in content.splitlines()]


def operations_sources(data: Path, rng: random.Random, count: int) -> list[Source]:
    """Return passages of operations pages, but of none that ops-groundedness was written from."""
    withheld = {row["doc"] for row in rows_of(data / "ops-groundedness/responses.jsonl.gz")}
    root = data / "ops-docs"
    pages = [
        path
        for path in sorted(root.rglob("*.md"))
        if str(path.relative_to(root)) not in withheld and "_includes" not in path.parts
    ]
    rng.shuffle(pages)
    found: list[Source] = []
    for path in pages:
        blocks = _blocks(path)
        for _ in range(1 + len(blocks) // 8):
            if len(blocks) < 4:
                continue
            at, size = rng.randrange(len(blocks)), rng.randint(3, 9)
            inside = blocks[at : at + size]
            outside = "\n\n".join(blocks[:at] + blocks[at + size :])
            beside = [
                _window(rng.choice(pages), rng) for _ in range(round(LARGEST ** rng.random()) - 1)
            ]
            passages = [one for one in ("\n\n".join(inside), *beside) if one]
            rng.shuffle(passages)
            found.append(
                Source(
                    group=str(path),
                    passages=tuple(passages),
                    own="\n\n".join(inside),
                    elsewhere=tuple(_good_sentences(outside)),
                )
            )
    rng.shuffle(found)
    return found[:count]


def _blocks(path: Path) -> list[str]:
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(), flags=re.DOTALL)
    return [block for block in re.split(r"\n\s*\n", text) if len(block.strip()) > 30]


def _window(path: Path, rng: random.Random) -> str:
    """Return a few paragraphs of a page; nothing of one without any."""
    blocks = _blocks(path)
    if not blocks:
        return ""
    at = rng.randrange(len(blocks))
    return "\n\n".join(blocks[at : at + rng.randint(3, 9)])


def squad_sources(data: Path, rng: random.Random, count: int) -> list[Source]:
    """Return paragraphs of SQuAD 2.0 with the questions people wrote about them."""
    questions: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(data / "squad2/queries.jsonl.gz"):
        questions.setdefault(row["gold_passage"], []).append(row)
    pages: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(data / "squad2/corpus.jsonl.gz"):
        pages.setdefault(row["title"], []).append(row)
    found = []
    for title, rows in pages.items():
        for place, row in enumerate(rows):
            size = min(len(rows), round(LARGEST ** rng.random()))
            more = [rows[(place + step) % len(rows)]["text"] for step in range(1, size)]
            passages = [row["text"], *more]
            rng.shuffle(passages)
            others = " ".join(one["text"] for one in rows if one["text"] not in passages)
            found.append(
                Source(
                    group=title,
                    passages=tuple(passages),
                    elsewhere=tuple(_good_sentences(others)[:40]),
                    questions=tuple(questions.get(row["id"], ())),
                )
            )
    rng.shuffle(found)
    return found[:count]


def _good_sentences(text: str) -> list[str]:
    shown = blanked(text)
    found = []
    for span in sentences(shown, 0, len(shown)):
        one = " ".join(shown[span.start : span.end].split())
        one = re.sub(r"^(?:[-*+>#]+|\d+[.)])\s+", "", one)
        one = re.sub(r"\[([^\]]*)\]?", r"\1", one)
        if 35 <= len(one) <= 260 and "```" not in one and "|" not in one and " " in one:
            found.append(one)
    return found


def make(sources: Sequence[Source], rng: random.Random, *, each: int) -> Iterator[Made]:
    """Give claims about each source, true and false."""
    pool = [one for source in sources for one in source.elsewhere[:5]]
    words = sorted({word for one in pool for word in re.findall(r"\b[a-z]{4,}\b", one)} - STOP)
    names = sorted(
        {fact.text for one in pool[:4000] for fact in facts_of(one) if fact.kind is FactKind.NAME}
    )
    for source in sources:
        own = (source.own,) if source.own else source.passages
        inside = [one for passage in own for one in _good_sentences(passage)]
        if not inside:
            continue
        maker = _Maker(source, inside=inside, pool=pool, words=words, names=names, rng=rng)
        yield from maker.of_sentences(each)
        yield from maker.of_questions()


class _Maker:
    def __init__(
        self,
        source: Source,
        *,
        inside: list[str],
        pool: list[str],
        words: list[str],
        names: list[str],
        rng: random.Random,
    ) -> None:
        self.source, self.inside, self.pool, self.rng = source, inside, pool, rng
        self.words, self.names = words, names
        self.whole = " ".join(source.passages)
        self.facts = [fact for passage in source.passages for fact in facts_of(blanked(passage))]
        self.bad: tuple[tuple[str, Callable[[str], str | None], float], ...] = (
            ("number", self.number, 2.5),
            ("rival value", self.rival, 2.5),
            ("identifier", self.identifier, 1.0),
            ("negation", self.negation, 2.0),
            ("antonym", self.antonym, 2.0),
            ("modality", self.modality, 1.0),
            ("quantifier", self.quantifier, 1.2),
            ("comparator", self.comparator, 3.0),
            ("entity", self.entity, 0.7),
            ("absent word", self.absent_word, 1.0),
            ("word from elsewhere", self.misplaced_word, 0.8),
            ("swap", self.swap, 0.6),
            ("absent clause", self.clause, 1.4),
            ("same document", self.same_document, 1.2),
            ("other document", self.other_document, 0.3),
        )

    def of_sentences(self, each: int) -> Iterator[Made]:
        for _ in range(each):
            one = self.rng.choice(self.inside)
            yield from self._good(one)
            yield from self._bad(one)
        yield from self._short_values()

    def _good(self, one: str) -> Iterator[Made]:
        kind = self.rng.random()
        if kind < 0.12:
            yield self._made(one, how="verbatim")
        elif kind < 0.27 and len(self.inside) > 1:
            at = self.rng.randrange(len(self.inside) - 1)
            yield self._made(self.fused(self.inside[at], self.inside[at + 1]), how="fusion")
        else:
            yield self._made(self.reworded(one, self.rng.randint(1, 5)), how="reworded")

    def _bad(self, one: str) -> Iterator[Made]:
        ways = list(self.bad)
        while ways:
            way = self.rng.choices(ways, weights=[weight for *_, weight in ways])[0]
            ways.remove(way)
            # Half of the false ones are reworded too: rewording must not be what tells.
            base = self.reworded(one, self.rng.randint(1, 4)) if self.rng.random() < 0.5 else one
            made = way[1](base)
            if made and made.lower() != base.lower() and made.lower() not in self.whole.lower():
                yield self._made(made, how=way[0], is_bad=True)
                return

    def _made(self, claim: str, *, how: str, is_bad: bool = False, question: str = "") -> Made:
        claim = claim[:1].upper() + claim[1:] if self.rng.random() < 0.9 else claim
        return Made(
            group=self.source.group, passages=self.source.passages, question=question,
            claim=claim, is_bad=is_bad, how=how,
        )  # fmt: skip

    # What is true, said otherwise.

    def reworded(self, one: str, steps: int) -> str:
        rules = self.rng.sample(_REWORDINGS, k=min(len(_REWORDINGS), 3 * steps))
        done = 0
        for rule in rules:
            said = rule(one, self.rng)
            if said and said != one:
                one, done = said, done + 1
            if done == steps:
                break
        return one

    def fused(self, one: str, other: str) -> str:
        one, other = self.reworded(one, 1), self.reworded(other, 1)
        joint = self.rng.choice((", and ", "; ", " and ", ", while ", ". "))
        first = other[:1].lower() + other[1:] if joint != ". " else other
        return one.rstrip(".:;") + joint + first

    # What is false.

    def number(self, one: str) -> str | None:
        fact = self._pick(one, (FactKind.NUMBER, FactKind.VERSION, FactKind.DATE, FactKind.TIME))
        if fact is None or fact.is_word:
            return None
        digits = list(re.finditer(r"\d+", fact.text))
        part = self.rng.choice(digits)
        value = int(part[0])
        new = self.rng.choice((value + 1, max(0, value - 1), value * 10, value * 2, value // 2,
                               int(self._digit_changed(part[0]))))  # fmt: skip
        return _replaced(one, fact, fact.text[: part.start()] + str(new) + fact.text[part.end() :])

    def _digit_changed(self, digits: str) -> str:
        at = self.rng.randrange(len(digits))
        return digits[:at] + self.rng.choice("123456789") + digits[at + 1 :]

    def rival(self, one: str) -> str | None:
        """Put another value of the passages in the place of one."""
        fact = self._pick(one, tuple(FactKind))
        if fact is None:
            return None
        others = [
            other.text
            for other in self.facts
            if other.kind is fact.kind and other.key != fact.key and other.text not in one
            and (other.dimension == fact.dimension or self.rng.random() < 0.1)
        ]  # fmt: skip
        return _replaced(one, fact, self.rng.choice(others)) if others else None

    def identifier(self, one: str) -> str | None:
        kinds = (FactKind.IDENTIFIER, FactKind.CODE, FactKind.FLAG, FactKind.PATH, FactKind.ADDRESS)
        fact = self._pick(one, kinds)
        if fact is None:
            return None
        parts = list(re.finditer(r"[A-Z]?[a-z]{3,}", fact.text))
        if not parts:
            return None
        part = self.rng.choice(parts)
        word = self.rng.choice(self.words)
        new = word.capitalize() if part[0][0].isupper() else word
        return _replaced(one, fact, fact.text[: part.start()] + new + fact.text[part.end() :])

    def negation(self, one: str) -> str | None:
        dropped = _DENIAL.sub(lambda match: match["verb"] or "", one, count=1)
        if dropped != one:
            return " ".join(dropped.split())
        return _put_denial(one, self.rng)

    def antonym(self, one: str) -> str | None:
        found = [
            (match, against)
            for match in re.finditer(r"[A-Za-z]+", one)
            for against in ANTONYM_WORDS.get(match[0].lower(), ())
        ]
        if not found:
            return None
        match, against = self.rng.choice(found)
        return one[: match.start()] + against + one[match.end() :]

    def modality(self, one: str) -> str | None:
        return _rule(one, self.rng, _MODALITY)

    def quantifier(self, one: str) -> str | None:
        return _rule(one, self.rng, _QUANTIFIER)

    def comparator(self, one: str) -> str | None:
        return _rule(one, self.rng, _COMPARATOR)

    def entity(self, one: str) -> str | None:
        fact = self._pick(one, (FactKind.NAME,))
        return _replaced(one, fact, self.rng.choice(self.names)) if fact else None

    def absent_word(self, one: str) -> str | None:
        match = self._content_word(one)
        return (
            one[: match.start()] + self.rng.choice(self.words) + one[match.end() :]
            if match
            else None
        )

    def misplaced_word(self, one: str) -> str | None:
        match = self._content_word(one)
        others = [
            word
            for word in re.findall(r"\b[a-z]{4,}\b", self.whole)
            if word not in STOP and word not in one
        ]
        return (
            one[: match.start()] + self.rng.choice(others) + one[match.end() :]
            if match and others
            else None
        )

    def _content_word(self, one: str) -> re.Match[str] | None:
        found = [m for m in re.finditer(r"\b[a-z]{4,}\b", one) if m[0] not in STOP]
        return self.rng.choice(found) if found else None

    def swap(self, one: str) -> str | None:
        verb = re.search(
            r"\b(?:is|are|was|were|than|of|to|by|from|before|after|over|with|uses?|has|have)\b", one
        )
        found = [m for m in re.finditer(r"\b[A-Za-z][a-z]{3,}\b", one) if m[0].lower() not in STOP]
        if verb is None:
            return None
        before = [m for m in found if m.end() <= verb.start()]
        after = [m for m in found if m.start() >= verb.end()]
        if not before or not after or before[-1][0].lower() == after[0][0].lower():
            return None
        first, second = before[-1], self.rng.choice(after[:3])
        return (
            one[: first.start()]
            + second[0]
            + one[first.end() : second.start()]
            + first[0]
            + one[second.end() :]
        )

    def clause(self, one: str) -> str | None:
        other = self.rng.choice(self.source.elsewhere or self.pool)
        parts = [
            p
            for p in re.split(r"[,;:]| which | because | so that | when | and ", other)
            if 12 < len(p) < 90
        ]
        if not parts:
            return None
        joint = self.rng.choice((", and ", ", which ", " because ", ", so that ", " and "))
        part = self.rng.choice(parts).strip(" .")
        return one.rstrip(" .:;") + joint + part[:1].lower() + part[1:] + "."

    def same_document(self, one: str) -> str | None:
        del one
        others = [other for other in self.source.elsewhere if other not in self.whole]
        return self.rng.choice(others) if others else None

    def other_document(self, one: str) -> str | None:
        del one
        return self.rng.choice(self.pool)

    def _pick(self, one: str, kinds: Sequence[FactKind]) -> Fact | None:
        found = [fact for fact in facts_of(one) if fact.kind in kinds]
        return self.rng.choice(found) if found else None

    # Short answers, and questions with their answers.

    def _short_values(self) -> Iterator[Made]:
        """Give a value alone, asked for by its sentence without it; and another value."""
        kinds = (FactKind.NUMBER, FactKind.CODE, FactKind.PATH, FactKind.FLAG, FactKind.IDENTIFIER)
        for one in self.rng.sample(self.inside, k=min(3, len(self.inside))):
            fact = self._pick(one, kinds)
            if fact is None:
                continue
            rest = _dropped(one[: fact.start] + " what " + one[fact.end :], self.rng)
            others = [
                other
                for other in self.facts
                if other.kind is fact.kind and other.key != fact.key and other.text not in one
                and other.dimension == fact.dimension
            ]  # fmt: skip
            lead = self.rng.choice(("", "", "It is ", "The answer is ", "Use ", "By default "))
            yield self._made(f"{lead}{fact.text}.", how="short", question=f"{rest.rstrip('.')}?")
            if others:
                other = self.rng.choice(others)
                yield self._made(
                    f"{lead}{other.text}.", how="short rival", is_bad=True,
                    question=f"{rest.rstrip('.')}?",
                )  # fmt: skip

    def of_questions(self) -> Iterator[Made]:
        """Give statements that people's questions become with an answer in their place."""
        asked = list(self.source.questions)
        self.rng.shuffle(asked)
        answers = [row for row in asked if row["answers"]]
        for row in asked[:10]:
            question = row["text"]
            own = row["answers"][0] if row["answers"] else ""
            same = [
                other["answers"][0] for other in answers if _asks(other["text"]) == _asks(question)
            ]
            others = same or [other["answers"][0] for other in answers]
            others = [
                other for other in others if not own or (other not in own and own not in other)
            ]
            is_short = self.rng.random() < 0.25
            if own:
                yield self._asked(question, own, is_bad=False, how="question", is_short=is_short)
                if others and self.rng.random() < 0.5:
                    yield self._asked(
                        question,
                        self.rng.choice(others),
                        is_bad=True,
                        how="wrong answer",
                        is_short=is_short,
                    )
            elif others:
                yield self._asked(
                    question,
                    self.rng.choice(others),
                    is_bad=True,
                    how="unanswerable",
                    is_short=is_short,
                )

    def _asked(self, question: str, answer: str, *, is_bad: bool, how: str, is_short: bool) -> Made:
        claim = f"{answer}." if is_short else stated(question, answer)
        shown = question if is_short or self.rng.random() < 0.3 else ""
        return self._made(
            claim, how=f"{how}, short" if is_short else how, is_bad=is_bad, question=shown
        )


def _asks(question: str) -> str:
    match = re.search(
        r"\b(who|whom|whose|when|where|why|which|what|how many|how much|how long|how)\b",
        question.lower(),
    )
    return match[1] if match else ""


def stated(question: str, answer: str) -> str:
    """Return a question as a statement with its answer in it; its grammar may suffer."""
    body = " ".join(question.strip().rstrip("?").split())
    match = re.search(
        r"\b(?:(?:in|on|at|by|to|from|for|of) )?(?:who|whom|whose|when|where|why|which(?: \w+)?"
        r"|how (?:many|much|long|old|far)|how|what(?: (?!is|are|was|were|did|do|does|has|have|had"
        r"|can|could|would|will|should)\w+)?)\b",
        body,
        re.IGNORECASE,
    )
    if match is None:
        return f"{body}: {answer}."
    before, after = body[: match.start()], body[match.end() :].strip()
    helper = re.match(r"(?:did|do|does)\s+", after)
    if helper:
        return " ".join(f"{before} {after[helper.end() :]} {answer}.".split())
    return " ".join(f"{before} {answer} {after}.".split())


def _replaced(one: str, fact: Fact, new: str) -> str:
    return one[: fact.start] + new + one[fact.end :]


def _rule(one: str, rng: random.Random, rules: Sequence[tuple[str, str]]) -> str | None:
    for pattern, new in rng.sample(rules, k=len(rules)):
        said = re.sub(pattern, new, one, count=1)
        if said != one:
            return " ".join(said.split())
    return None


_DENIAL = re.compile(
    r"(?P<verb>\b(?:is|are|was|were|does|do|did|can|could|will|would|should|must|may|has|have|had))"
    r"(?: not\b|n't\b)|\bnot |\bnever |\bno longer |\bcannot\b|\bwithout\b"
)
_BE = re.compile(
    r"\b(is|are|was|were|can|could|will|would|should|must|may|has been|have been)\b(?! not)"
)
_VERB_S = re.compile(r"\b([a-z]{3,})s\b(?= (?:the|a|an|all|it|its|this|that|to|in|on|by|for)\b)")
_MODALITY = (
    (r"\bmay\b", "must"), (r"\bcan\b", "must"), (r"\bmight\b", "will always"),
    (r"\bshould\b", "must not"), (r"\bmust\b", "may optionally"), (r"\boptional\b", "mandatory"),
    (r"\brequired\b", "optional"), (r"\busually\b", "always"), (r"\boften\b", "never"),
    (r"\bneed to\b", "need not"), (r"\brecommended\b", "required"),
)  # fmt: skip
_QUANTIFIER = (
    (r"\b[Aa]ll\b", "only some"), (r"\b[Ee]very\b", "no"), (r"\b[Ee]ach\b", "only one"),
    (r"\bany\b", "no"), (r"\bsome\b", "all"), (r"\bonly\b", "not only"), (r"\bmost\b", "few"),
    (r"\bmany\b", "no"), (r"\balways\b", "sometimes"), (r"\bnever\b", "always"),
    (r"\bboth\b", "neither"), (r"\bat least one\b", "every"),
)  # fmt: skip
_COMPARATOR = (
    (r"\bat least\b", "at most"), (r"\bmore than\b", "less than"), (r"\bless than\b", "more than"),
    (r"\bgreater than\b", "less than"), (r"\bfewer than\b", "more than"), (r"\babove\b", "below"),
    (r"\bbelow\b", "above"), (r"\bup to\b", "more than"), (r"\bat most\b", "at least"),
    (r"\bbefore\b", "after"), (r"\bafter\b", "before"), (r"\bhigher\b", "lower"),
    (r"\blower\b", "higher"), (r"\bminimum\b", "maximum"), (r"\bmaximum\b", "minimum"),
    (r"\bover\b", "under"), (r"\bwithin\b", "after more than"), (r"\blonger\b", "shorter"),
    (r"\blarger\b", "smaller"), (r"\bfirst\b", "last"), (r"\bolder\b", "newer"),
)  # fmt: skip


def _put_denial(one: str, rng: random.Random) -> str | None:
    found = list(_BE.finditer(one))
    if found:
        match = rng.choice(found)
        no = rng.choice((" not", " not", " never"))
        return one[: match.end()] + no + one[match.end() :]
    verb = _VERB_S.search(one)
    if verb and verb[1] not in ("thi", "doe", "ha", "wa"):
        return one[: verb.start()] + f"does not {verb[1]}" + one[verb.end() :]
    return None


def _antonym_words() -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for pair in clauses._ANTONYMS.replace("\n", "|").split("|"):  # noqa: SLF001 - its words, not stems
        words = pair.split()
        if len(words) == 2 and "_" not in pair:
            one, other = words
            for a, b in ((one, other), (other, one)):
                table.setdefault(a, []).append(b)
                for end in ("s", "d" if a.endswith("e") else "ed", "ing"):
                    new = b[:-1] if b.endswith("e") and end == "ing" else b
                    tail = end if end not in ("d", "ed") else ("d" if b.endswith("e") else "ed")
                    table.setdefault(a + end, []).append(new + tail)
    return {
        word: others for word, others in table.items() if word not in ("on", "for", "with", "under")
    }


ANTONYM_WORDS = _antonym_words()


# Rewordings. Each returns the text said otherwise, or as it was.

Rewording = Callable[[str, random.Random], str | None]

_SAME = """
    use utilize employ|show display|create make|remove delete|start launch|stop halt|begin start
    big large|small little|important crucial|need require|help assist|obtain get|change modify
    check verify|ensure guarantee|allow permit|also additionally|however but|because since
    often frequently|usually typically|about around|many numerous|several multiple|quickly rapidly
    method approach|problem issue|error failure|begin commence|run execute|called named
    known called|provide offer supply|contain include|build construct|buy purchase|choose select
    different distinct|each every|end finish|enough sufficient|main primary|near close|new recent
    part portion|possible feasible|same identical|set configure|specify define|send transmit
    keep retain|find locate|fix repair|happen occur|idea concept|increase raise|give provide
    large huge|look appear|move transfer|main major|people individuals|place location
    write compose|work operate|war conflict|country nation|city town|famous renowned|live reside
    year twelvemonth|big sizable|cause trigger|describe explain|example instance|goal aim
    important significant|make produce|manage administer|name title|order sequence|page document
    pick choose|ready prepared|rule regulation|see view|simple easy|speed rate|store save
    true correct|type kind|update refresh|wait pause|want wish|whole entire|wide broad
    difficult hard|fast quick|job task|value setting|machine host|node server|result outcome
"""
_SAME_WORDS: dict[str, list[str]] = {}
for _group in _SAME.replace("\n", "|").split("|"):
    for _word in _group.split():
        _SAME_WORDS.setdefault(_word, []).extend(w for w in _group.split() if w != _word)


def _synonym(one: str, rng: random.Random) -> str | None:
    found = []
    for match in re.finditer(r"\b[a-z]+\b", one):
        low = match[0]
        for end in ("", "s", "d", "ed"):
            base = low.removesuffix(end) if end else low
            if base in _SAME_WORDS and (not end or base != low):
                new = rng.choice(_SAME_WORDS[base])
                found.append(
                    (match, new + ("d" if end in ("d", "ed") and new.endswith("e") else end))
                )
    if not found:
        return None
    match, new = rng.choice(found)
    return one[: match.start()] + new + one[match.end() :]


def _by_its_opposite(one: str, rng: random.Random) -> str | None:
    """Return the same said by the opposite and one negation more, or less: open, not closed."""
    found = [
        (match, against)
        for match in re.finditer(
            r"\b(is|are|was|were|be|been|stays?|remains?) (not )?([a-z]{3,})\b", one
        )
        for against in ANTONYM_WORDS.get(match[3], ())
    ]
    if not found:
        return None
    match, against = rng.choice(found)
    said = f"{match[1]} {against}" if match[2] else f"{match[1]} not {against}"
    return one[: match.start()] + said + one[match.end() :]


def _dropped(one: str, rng: random.Random) -> str:
    words = one.split()
    drop = {n for n, word in enumerate(words) if word.lower() in STOP and rng.random() < 0.25}
    drop -= {
        n
        for n, word in enumerate(words)
        if re.search(
            r"\bno[tr]?\b|n't|never|without|only|un?less|than|all|any|below|above|under|over|before|after|up|down|more|most|less|few|must|should|may|can|what",
            word.lower(),
        )
    }
    return " ".join(word for n, word in enumerate(words) if n not in drop)


def _without_brackets(one: str, rng: random.Random) -> str:
    del rng
    return " ".join(re.sub(r"\s*\([^()]{3,80}\)", "", one).split())


def _if_last(one: str, rng: random.Random) -> str:
    del rng
    match = re.fullmatch(
        r"((?:If|When|After|Before|While|Because|Although|In|For|During|By) [^,]{8,100}),"
        r" (.{10,}?)\.?",
        one,
    )
    return (
        f"{match[2][:1].upper()}{match[2][1:]} {match[1][:1].lower()}{match[1][1:]}."
        if match
        else one
    )


def _if_first(one: str, rng: random.Random) -> str:
    del rng
    match = re.fullmatch(
        r"(.{12,}?),? ((?:if|when|because|after|before|while|unless) .{8,})\.", one
    )
    return (
        f"{match[2][:1].upper()}{match[2][1:]}, {match[1][:1].lower()}{match[1][1:]}."
        if match
        else one
    )


def _tail_cut(one: str, rng: random.Random) -> str:
    cuts = [
        m.start()
        for m in re.finditer(r", (?:which|and|such as|including|for example|so|where)\b", one)
    ]
    cuts = [at for at in cuts if at > 30]
    return one[: rng.choice(cuts)] + "." if cuts else one


def _filler(one: str, rng: random.Random) -> str:
    lead = rng.choice(
        ("According to the documentation, ", "In short, ", "Basically, ", "Note that ",
         "In this case, ", "You should know that ", "As described, ", "To be precise, ",
         "The passage says that ",
         "It is stated that ", "Yes, ", "In general, ", "Here, ", "As mentioned above, ")
    )  # fmt: skip
    return lead + one[:1].lower() + one[1:]


def _you(one: str, rng: random.Random) -> str:
    del rng
    if re.match(
        r"(?:Use|Run|Set|Create|Check|Add|Make|Open|Delete|Configure|Install|Specify|Apply)\b", one
    ):
        return f"You can {one[:1].lower()}{one[1:]}"
    return one


_NUMERALS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def _numeral(one: str, rng: random.Random) -> str:
    del rng

    def spoken(match: re.Match[str]) -> str:
        return _NUMERALS[int(match[0])] if 1 < int(match[0]) <= 12 else match[0]

    said = re.sub(r"(?<![\w.:/-])\d{1,2}(?= [a-z]{3,})(?!\.\d)", spoken, one, count=1)
    if said != one:
        return said
    return re.sub(
        r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?= [a-z])",
        lambda match: str(_NUMERALS.index(match[0])),
        one,
        count=1,
    )


def _rewriting(*rules: tuple[str, str]) -> Rewording:
    def apply(one: str, rng: random.Random) -> str:
        return _rule(one, rng, rules) or one

    return apply


_CONTRACTED = _rewriting(
    (r"\bis not\b", "isn't"), (r"\bare not\b", "aren't"), (r"\bdoes not\b", "doesn't"),
    (r"\bdo not\b", "don't"), (r"\bcannot\b", "can't"), (r"\bcan't\b", "cannot"),
    (r"\bisn't\b", "is not"), (r"\bdoesn't\b", "does not"), (r"\bdon't\b", "do not"),
    (r"\bwill not\b", "won't"), (r"\bit is\b", "it's"), (r"\byou are\b", "you're"),
    (r"\bwas not\b", "wasn't"), (r"\bdid not\b", "didn't"),
)  # fmt: skip
_UNITS_SAID = _rewriting(
    (r"\b(\d+) seconds\b", r"\1s"), (r"\b(\d+) minutes\b", r"\1m"), (r"\b(\d+) hours\b", r"\1h"),
    (r"\b(\d+) hours?\b", r"\1 hrs"), (r"\b(\d+)s\b", r"\1 seconds"), (r"\b(\d+)h\b", r"\1 hours"),
    (r"\b(\d+) percent\b", r"\1%"), (r"\b(\d+)%", r"\1 percent"), (r"\b(\d+)Mi\b", r"\1 mebibytes"),
    (r"\b(\d+)Gi\b", r"\1 GiB"), (r"\b(\d+),000\b", r"\g<1>000"), (r"\b60 seconds\b", "one minute"),
    (r"\b(\d+) million\b", r"\1,000,000"),
)  # fmt: skip
_BOUNDS_SAID = _rewriting(
    (r"\bat least (\w+)\b", r"\1 or more"), (r"\bmore than\b", "over"), (r"\bless than\b", "below"),
    (r"\bgreater than\b", "above"), (r"\bfewer than\b", "less than"), (r"\bup to\b", "at most"),
    (r"\bat most\b", "no more than"), (r"\bat least\b", "no less than"), (r"\bbelow\b", "under"),
    (r"\babove\b", "over"), (r"\bmaximum of\b", "up to"), (r"\bminimum of\b", "at least"),
    (r"\bwithin\b", "in less than"), (r"\bexceeds\b", "is above"),
)  # fmt: skip
# The same said with the negation elsewhere, so that a negation alone does not mean a fault.
_DENIED_OTHERWISE = _rewriting(
    (r"\bis not (\w+ed)\b", r"is never \1"),
    (r"\bare not (\w+ed)\b", r"are never \1"),
    (r"\b(?:is|are) not enabled\b", "is disabled"),
    (r"\bis disabled\b", "is not enabled"),
    (r"\bare disabled\b", "are not enabled"),
    (r"\bis not allowed\b", "is forbidden"),
    (r"\bare not allowed\b", "are forbidden"),
    (r"\bis not possible\b", "is impossible"),
    (r"\bis not available\b", "is unavailable"),
    (r"\bis unavailable\b", "is not available"),
    (r"\bare unavailable\b", "are not available"),
    (r"\bis not supported\b", "is unsupported"),
    (r"\bare not supported\b", "are unsupported"),
    (r"\bis not required\b", "is optional"),
    (r"\bis optional\b", "is not required"),
    (r"\bunless\b", "if not"),
    (r"\bif .{0,20}not\b", "unless"),
    (r"\bdoes not have\b", "has no"),
    (r"\bhas no\b", "does not have"),
    (r"\bdo not have\b", "have no"),
    (r"\bhave no\b", "don't have"),
    (r"\bdoes not (\w+)\b", r"will not \1"),
    (r"\bnever\b", "not ever"),
    (r"\bis not running\b", "has stopped"),
    (r"\bremains?\b", "does not stop being"),
    (r"\bwithout\b", "with no"),
    (r"\bfails?\b", "does not succeed"),
    (r"\bprevents\b", "does not allow"),
    (r"\bprevent\b", "do not let"),
    (r"\bremain\b", "stay"),
    (r"\bkeeps\b", "does not lose"),
    (r"\bunhealthy\b", "not healthy"),
    (r"\binvalid\b", "not valid"),
    (r"\bis deprecated\b", "should no longer be used"),
    (r"\bonly if\b", "not unless"),
    (r"\bonly when\b", "not unless"),
    (r"\bmissing\b", "not present"),
    (r"\bis down\b", "is not up"),
    (r"\bcannot\b", "is unable to"),
    (r"\bunable to\b", "not able to"),
    (r"\bfalse\b", "not true"),
    (r"\bavoid\b", "do not do"),
    (r"\blacks\b", "does not have"),
    (r"\bdiffers from\b", "is not the same as"),
    (r"\brarely\b", "not often"),
    (r"\bwas not\b", "was never"),
)
_MODAL_SAID = _rewriting(
    (r"\bmust\b", "has to"),
    (r"\bmust\b", "needs to"),
    (r"\bshould\b", "ought to"),
    (r"\bmay\b", "can"),
    (r"\bcan\b", "is able to"),
    (r"\bneed to\b", "have to"),
    (r"\brequired\b", "necessary"),
    (r"\bhave to\b", "must"),
    (r"\bneeds to\b", "must"),
    (r"\brecommended\b", "advised"),
)
_KEY_VALUE = _rewriting(
    (r"^(\w[\w ]{2,30}): (.{2,60})$", r"The \1 is \2"),
    (r"\b(\w+)=(\w+)\b", r"\1 set to \2"),
    (r"\bdefaults to\b", "has the default"),
    (r"\bdefault value is\b", "default is"),
    (r"\bthe default is\b", "by default it is"),
)

_REWORDINGS: tuple[Rewording, ...] = (
    _synonym, _synonym, _synonym, _dropped, _dropped, _without_brackets, _if_last,
    _if_first, _tail_cut, _filler, _you, _numeral, _CONTRACTED, _UNITS_SAID, _BOUNDS_SAID,
    _DENIED_OTHERWISE, _DENIED_OTHERWISE, _by_its_opposite, _by_its_opposite,
    _MODAL_SAID, _KEY_VALUE,
)  # fmt: skip
