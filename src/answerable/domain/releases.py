"""Whatever can change an answer, pinned under one id, and the record of what serves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256

MODEL = "model:"
"""What the name of a rung or a judge begins with that is a model; its own name follows."""

ONNX = "onnx:"
"""What the name of a judge begins with that is a cross-encoder; its own name follows."""

FEATURES = "features"
"""The judge that ships: it measures, and needs no model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """How documents become revisions: revisions of one line can follow each other."""

    parser: str
    splitter: str
    analyser: str

    @property
    def id(self) -> str:
        """12 hexadecimal digits."""
        return _digest(asdict(self))[:12]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """How passages are found. Nothing else may change what is found.

    Attributes:
        embedder: Digest of the embedder whose vectors are searched and of what it is given:
            `answerable.library.vectors.space`; empty for words only.
        vector_candidates: Chunks taken from the index for their vectors before fusion.
        lexical_weight: Share of the words in the fused score, where they can be trusted; the
            vectors have the rest.
        sentence_weight: Share of the best sentence in the vectors' part; the chunk has the rest.
        page_vectors: Weight of the meaning of the whole page beside the chunk's.
        aliases: What people say and what manuals say for it: `answerable.library.aliases`.
        alias_weight: Weight of a term that an alias added, beside those that were asked.
        candidates: Chunks taken from the index for their words before fusion.
        pages_opened, page_candidates: Of so many best pages, so many chunks are candidates too.
        passages_max: Passages handed on.
        per_document_max: Of these, at most so many from one document.
        title_boost, heading_boost: Weight of these fields; the body weighs 1.
        whole_boost: Weight of what is written as one: paths, flags, codes.
        page_weight: Weight of the whole page's words beside the chunk's, by words alone.
        fused_page_weight: The same where vectors take part, which see to the page too.
    """

    embedder: str = ""
    vector_candidates: int = 50
    lexical_weight: float = 0.27
    sentence_weight: float = 0.5
    page_vectors: float = 0.8
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    alias_weight: float = 0.3
    candidates: int = 100
    pages_opened: int = 3
    page_candidates: int = 20
    passages_max: int = 6
    per_document_max: int = 4
    title_boost: float = 0.4
    heading_boost: float = 0.2
    whole_boost: float = 0.5
    page_weight: float = 1.0
    fused_page_weight: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Quoting:
    """How sentences, lists, rows and code blocks are chosen for quoting.

    A unit's score is the weighted sum of its parts, each in [0, 1]; see
    `answerable.answering.quote.rank` for what they are.

    Attributes:
        units_max: Quoted units in one answer.
        sentences_max: Sentences and list items in one answer, unless its one unit alone has
            more: steps are never cut. A code block counts as one.
        chars_max: Code points in one answer, unless its one unit alone is longer.
        gap_max: A further unit scores at most so much less than the best one.
        join: Given to a unit that stands next to one chosen before.
        repeat: Taken from a unit that has all its terms in common with one chosen before.
        stray: Taken from a unit of another document than that of the best one.
        match, lead, heading, pairs, passage, page, kind, meaning, elsewhere: Weights of the
            parts; `elsewhere` counts against.
    """

    units_max: int = 8
    sentences_max: int = 8
    chars_max: int = 1_600
    gap_max: float = 0.85
    join: float = 0.17
    repeat: float = 0.11
    stray: float = 0.11
    match: float = 1.0
    lead: float = 1.13
    heading: float = 1.18
    pairs: float = 0.14
    passage: float = 0.85
    page: float = 0.12
    kind: float = 0.3
    meaning: float = 0.47
    elsewhere: float = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """How much evidence an answer needs.

    Attributes:
        weights: Of each feature of `answerable.answering.confidence.evidence`, and ``bias``.
            A feature that is not named weighs nothing.
        confidence_min: Below it the answer is withheld.
    """

    weights: tuple[tuple[str, float], ...]
    confidence_min: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Abstaining:
    """When the evidence is too thin to answer; numbers of `benchmarks/fit_abstention.py`.

    Attributes:
        by_meaning: Where passages were found by their meaning too.
        by_words: Where they were found by words alone: their meaning is no evidence then.
    """

    by_meaning: Bar = Bar(
        weights=(("bias", -5.12), ("found", 0.927), ("meaning", 4.959), ("unit", 3.995)),
        confidence_min=0.6,
    )
    by_words: Bar = Bar(
        weights=(("bias", -3.833), ("found", 1.603), ("unit", 5.931)), confidence_min=0.54
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How a model chooses its words.

    Attributes:
        temperature: 0 for the likeliest word every time; None for what the model takes.
        tokens_max: Of the reply; None leaves it to the provider.
    """

    temperature: float | None = 0.0
    top_p: float | None = None
    seed: int | None = None
    tokens_max: int | None = 700


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    """How long a model may take before the ladder steps down."""

    first_token_ms: int = 10_000
    between_tokens_ms: int = 5_000
    whole_ms: int = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """What a rung ``model:NAME`` asks. Where the provider is and its key are settings.

    Attributes:
        name: In the ladder and in the settings.
        provider: Which protocol is spoken: ``openai``, ``anthropic``, ``google`` and so on.
        model: As the provider calls it.
        digest: Of the weights, where somebody vouches for one; empty for what a hosted
            provider calls by that name today.
    """

    name: str
    provider: str
    model: str
    digest: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    limits: TimeLimits = field(default_factory=TimeLimits)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeChoice:
    """What says whether passages support a statement.

    Attributes:
        name: ``features``, ``model:NAME`` of one of the release's models, or ``onnx:NAME``.
        digest: Of its numbers, its weights or its prompt: verdicts change with it.
    """

    name: str = FEATURES
    digest: str = ""


class _Named:
    """Room for an id beside the fields it is computed from: no part of a value or its copies."""

    __slots__ = ("_id",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """How a model is asked, and how much of what it writes has to hold.

    Attributes:
        prompts: What it is told, by task: `answerable.answering.prompts`.
        passages_chars_max: Code points of passages it is given.
        draft_chars_max: Code points of a draft that are read; more is no answer.
        repair_chars_max: Of a draft that cannot be used, code points it is shown again.
        supported_min: Share of its statements that have to hold; else the ladder steps down.
        lost_max: After so many statements of which none holds, it is not listened to further.
        declined_min: Confidence that quotes need once a model found no answer in the passages.
        turns_max: Earlier questions of a conversation that count.
        turn_chars_max: Code points kept of each of them, and of its answer.
    """

    prompts: tuple[tuple[str, str], ...] = ()
    passages_chars_max: int = 12_000
    draft_chars_max: int = 12_000
    repair_chars_max: int = 2_000
    supported_min: float = 0.5
    lost_max: int = 4
    declined_min: float = 0.8
    turns_max: int = 6
    turn_chars_max: int = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Release(_Named):
    """A content-addressed recipe for answers.

    Attributes:
        models: What the rungs ``model:NAME`` of the ladder ask.
        judge: What compares what a model wrote with the passages.
    """

    line: Line
    retrieval: Retrieval
    quoting: Quoting
    abstaining: Abstaining = field(default_factory=Abstaining)
    ladder: tuple[str, ...]
    models: tuple[ModelChoice, ...] = ()
    writing: Writing = field(default_factory=Writing)
    judge: JudgeChoice = field(default_factory=JudgeChoice)
    software: str

    @property
    def id(self) -> str:
        """``rel-`` and 12 hexadecimal digits of the recipe's SHA-256; computed once."""
        known: str | None = getattr(self, "_id", None)
        if known is None:
            known = f"rel-{_digest(asdict(self))[:12]}"
            object.__setattr__(self, "_id", known)  # every trace asks, and it takes milliseconds
        return known


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """Which release and revision serve, from when, who said so and why.

    Attributes:
        number: From 0, rising; the highest one counts.
        pinned: A revision number, or None to follow the release's line.
        chosen: Whether somebody chose the release; else it is the one the workspace says, and
            changes with it.
    """

    number: int
    release_id: str
    pinned: int | None
    who: str
    because: str
    at_ms: int
    chosen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Who wanted a release, and what for. The recipe alone makes its id.

    Attributes:
        parent: The release it was made from.
    """

    release_id: str
    parent: str
    author: str
    message: str
    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What a gate said of a release, and why.

    Attributes:
        number: From 0, rising.
        candidate: The release it is about.
        against: The release it was compared with.
        questions: Names of the question sets, with the first digits of their hashes.
        decision: ``pass``, ``fail`` or ``inconclusive``.
        because: Why, a reason a line.
    """

    number: int
    candidate: str
    against: str
    questions: str
    decision: str
    because: str
    who: str
    at_ms: int


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()
