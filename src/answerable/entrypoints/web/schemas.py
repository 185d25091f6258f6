"""The shapes of the HTTP API: what OpenAPI says, and what requests are checked against."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from answerable.answering.feedback import COMMENT_CHARS_MAX, Complaint, Thumb
from answerable.answering.standing import Because, Standing
from answerable.quality.diagnosis import FailurePoint, Sureness

EXPECTED_MAX = 4_000
NUMBER_MAX = 2**53
"""JSON numbers are exact up to here, and databases hold them."""


def _encodable(text: str) -> str:
    """Return a text that can be stored; JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("string_unicode", "is not valid Unicode") from None
    return text


Words = Annotated[str, AfterValidator(_encodable)]


Verdict = Literal["supported", "unsupported", "undecided"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AskIn(_Shape):
    """A question."""

    question: Annotated[Words, Field(description="In plain words.")]
    top: Annotated[
        int, Field(ge=0, le=50, description="Closest documents to name when abstaining.")
    ] = 5
    rung: Annotated[
        Words, Field(max_length=200, description="The one rung that may answer: `quote`, `search`")
    ] = ""
    follows: Annotated[
        Words, Field(max_length=64, description="`trace_id` of what was asked before this")
    ] = ""
    stream: Annotated[
        bool, Field(description="Tell what happens as server-sent events while it happens")
    ] = False


class SearchIn(_Shape):
    """Words to search for."""

    query: Words
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class DocumentIn(_Shape):
    """A text file as JSON; use multipart for anything else."""

    path: Annotated[Words, Field(min_length=1, max_length=1024)]
    content: Words


class ContentIn(_Shape):
    """New content of an uploaded document."""

    content: Words


class FeedbackIn(_Shape):
    """What you think of an answer that you were given."""

    trace_id: Annotated[Words, Field(max_length=64)]
    verdict: Thumb
    reason: Annotated[
        Complaint | None,
        Field(description="What was wrong; `other` says that the comment has it."),
    ] = None
    comment: Annotated[Words, Field(max_length=COMMENT_CHARS_MAX)] = ""


class CitationOut(_Shape):
    """An exact span: `quote` is ``text[start:end]`` of the text with this hash."""

    document_id: str
    path: str
    title: str
    heading: list[str]
    line: Annotated[int, Field(description="From 1.")]
    start: Annotated[int, Field(description="Code points from the start of the text.")]
    end: int
    content_hash: Annotated[str, Field(description="SHA-256 of the canonical text.")]
    landmark: Annotated[
        str, Field(description="Page, slide or row in the original; empty where lines say it.")
    ]
    quote: str
    url: Annotated[str, Field(description="The page that shows it highlighted.")]


class ClaimOut(_Shape):
    """One statement of an answer and the spans it rests on."""

    text: str
    kind: str
    verdict: Verdict
    score: Annotated[float, Field(description="How well it is borne out, from 0 to 1.")]
    reasons: list[str]
    citations: list[CitationOut]


class DroppedOut(_Shape):
    """A statement a model made that does not hold, or may not: no part of the answer."""

    text: str
    kind: str
    verdict: Verdict
    score: float
    reasons: list[str]


class StepDownOut(_Shape):
    """A rung of the ladder that was left, and why."""

    rung: str
    reason: str
    detail: str


class CallOut(_Shape):
    """A call of a model. `cost_usd` is null when no price is known."""

    model: str
    purpose: Literal["answer", "repair", "rewrite"]
    tokens_in: int
    tokens_out: int
    is_estimated: Annotated[bool, Field(description="The provider did not say how many.")]
    method: str
    cost_usd: str | None
    first_token_ms: float | None
    took_ms: float
    ended: str


class ClosestOut(_Shape):
    """A place that came close."""

    document_id: str
    path: str
    title: str
    heading: list[str]
    url: str


class StepOut(_Shape):
    """How long one step took."""

    name: str
    took_ms: float


class AnswerOut(_Shape):
    """What came of a question. Abstaining is a result: `because` says why."""

    trace_id: str
    outcome: Literal["answered", "abstained", "cancelled"]
    rung: str
    answer: Annotated[str, Field(description="Empty when abstaining.")]
    confidence: float
    claims: list[ClaimOut]
    because: str
    code: Annotated[str, Field(description="Why it abstained; empty when answered.")]
    closest: list[ClosestOut]
    release: str
    revision: int
    overrides: list[str]
    searched: Annotated[
        str, Field(description="What a question that leans on an earlier one was taken to mean.")
    ]
    follows: Annotated[str, Field(description="The trace before it in a conversation.")]
    step_downs: list[StepDownOut]
    dropped: list[DroppedOut]
    calls: list[CallOut]
    took_ms: float
    steps: list[StepOut]


class PassageOut(_Shape):
    """A chunk that was found; `text` leaves out what is never shown."""

    rank: int
    score: float
    parts: dict[str, float]
    document_id: str
    path: str
    title: str
    heading: list[str]
    ordinal: int
    start: int
    end: int
    content_hash: str
    text: str
    url: str


class FoundOut(_Shape):
    """Passages, best first."""

    passages: list[PassageOut]


class DocumentOut(_Shape):
    """A document of the revision that serves."""

    id: str
    path: str
    source: str
    title: str
    format: str
    size: int
    chunks: int
    bytes_hash: str
    url: str


class DocumentsOut(_Shape):
    """One page of documents, by path; `next` is the `after` of the next page, if any."""

    documents: list[DocumentOut]
    total: int
    next: str | None


class PieceOut(_Shape):
    """A span that may be shown."""

    start: int
    end: int
    text: str


class NoticedOut(_Shape):
    """What is not in the text of a document, though it is in the original."""

    kind: str
    count: int
    text: Annotated[str, Field(description="In words; never holds text of the document.")]


class DocumentViewOut(DocumentOut):
    """A document in one revision; `pieces` when `text=true` was asked for."""

    revision: int
    content_hash: str
    findings: list[NoticedOut]
    pieces: list[PieceOut] | None


class AcceptedOut(_Shape):
    """An upload that is stored and will be read in the background."""

    job_id: str
    document_id: str
    status_url: str


class JobOut(_Shape):
    """A background job."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed"]
    attempts: int
    attempts_max: int
    progress: str
    result: str
    created_ms: int
    updated_ms: int


class JobsOut(_Shape):
    """Background jobs, newest first."""

    jobs: list[JobOut]


class SourceIn(_Shape):
    """What is said of a source to register it."""

    name: Annotated[Words, Field(description="Lower-case letters, digits, `-`; 40 at most.")]
    place: Annotated[Words, Field(max_length=4096, description="A folder, an address, or `push`.")]
    kind: Annotated[Words, Field(description="Left out, seen from the place.")] = ""
    options: Annotated[
        dict[Words, Words], Field(description="What only its kind knows, such as `branch`.")
    ] = {}
    include: Annotated[list[Words], Field(description="Patterns, as in .gitignore.")] = []
    exclude: list[Words] = []
    labels: Annotated[list[Words], Field(description="Who may read, beside the owner.")] = []
    schedule: Annotated[
        Words, Field(description="`15m`, cron in UTC, or `never`; left out, by its kind.")
    ] = ""
    watch: Annotated[bool, Field(description="Follow changes of a folder at once.")] = True
    loss_max: Annotated[
        float, Field(ge=0, le=1, description="Share that may vanish at once unasked.")
    ] = 0.3


class SourceHealthOut(_Shape):
    """What was seen of a source; times are 0 for never."""

    paused: bool
    withheld: Annotated[
        int, Field(description="Documents that seem lost and are kept until a person says so.")
    ]
    may_lose: bool
    started_ms: int
    succeeded_ms: int
    changed_ms: int
    failed_ms: int
    failures: Annotated[int, Field(description="In a row.")]
    error: str
    documents: int
    counts: Annotated[dict[str, int], Field(description="Files by what became of them.")]
    took_ms: float


class SourceOut(_Shape):
    """A source and how it is."""

    name: str
    kind: Literal["folder", "git", "web", "bucket", "push"]
    place: str
    source: str
    options: dict[str, str]
    include: list[str]
    exclude: list[str]
    labels: list[str]
    schedule: str
    watch: bool
    loss_max: float
    state: Literal["paused", "held", "failing", "new", "ok"]
    health: SourceHealthOut
    added_ms: int
    who: str
    due_ms: int | None
    lag_ms: Annotated[int | None, Field(description="Since it was last read well.")]


class SourcesOut(_Shape):
    """All sources by name."""

    sources: list[SourceOut]


class SourceGoneOut(_Shape):
    """What went with a source."""

    removed: str
    documents: int
    revision: int | None


class RemovedOut(_Shape):
    """Documents that are hidden from now on, and whether they are also erased."""

    documents: Annotated[list[str], Field(description="Their ids.")]
    purge: Annotated[int | None, Field(description="Number of the purge; null when only hidden.")]
    status_url: str | None


class PurgeOut(_Shape):
    """What is left of documents that were purged."""

    number: int
    who: str
    because: str
    at_ms: int
    done_at_ms: Annotated[int | None, Field(description="Null until nothing is left of them.")]
    documents: Annotated[list[str], Field(description="The ids they had.")]


class PurgesOut(_Shape):
    """All purges, newest first."""

    purges: list[PurgeOut]


class IgnoreIn(_Shape):
    """Why nobody wants to hear of a file that cannot be read."""

    because: Annotated[Words, Field(min_length=1, max_length=1_000)]


class QuarantinedOut(_Shape):
    """A file that could not be read."""

    document_id: str
    source: str
    path: str
    code: Annotated[str, Field(description="What is wrong; the guide lists the codes.")]
    reason: str
    advice: Annotated[str, Field(description="What to do about it.")]
    format: Annotated[str, Field(description="Suffix of the file, which chooses the parser.")]
    size: int | None
    attempts: int
    first_seen_ms: int
    last_seen_ms: int
    retry: Annotated[bool, Field(description="It is tried again when it is next met.")]
    ignored_by: str
    ignored_because: str


class QuarantineOut(_Shape):
    """All files that could not be read, by path."""

    quarantine: list[QuarantinedOut]


class TraceLineOut(_Shape):
    """A trace in a list; `question` is empty once its text has expired."""

    id: str
    at_ms: int
    question: str
    outcome: Literal["answered", "abstained", "cancelled"]
    rung: str
    release: str
    revision: int
    took_ms: float
    ups: Annotated[int, Field(description="Callers whose last feedback is a thumb up.")]
    downs: int
    redacted: Annotated[bool, Field(description="A document in it was purged: no texts are left.")]


class TracesOut(_Shape):
    """Traces, newest first; `next` is the `before` of the next page, if any."""

    traces: list[TraceLineOut]
    next: str | None


class LookedAtOut(_Shape):
    """A passage an answer was made from."""

    rank: int
    score: float
    document_id: str
    path: str
    title: str
    heading: list[str]
    start: int
    end: int


class FeedbackOut(_Shape):
    """What somebody thinks of an answer; of each caller the last that they said."""

    trace_id: str
    at_ms: int
    principal: str
    verdict: Thumb
    reason: Complaint | None
    comment: Annotated[str, Field(description="Empty once its text has expired.")]


class PlaceOut(_Shape):
    """A span of a document as it is now: `quote` is ``text[start:end]``."""

    start: int
    end: int
    line: int
    landmark: str
    content_hash: str
    quote: str
    url: str


class CitationStandingOut(_Shape):
    """How a citation stands today. Of a document that is gone nothing is said."""

    standing: Standing
    code: Because
    because: str
    moved: bool
    document_id: str
    path: str
    title: str
    now: Annotated[PlaceOut | None, Field(description="Where the quote stands now.")]
    closest: Annotated[
        PlaceOut | None, Field(description="What stands there instead, if anything is like it.")
    ]


class ClaimStandingOut(_Shape):
    """How a claim stands today: as its worst citation."""

    standing: Standing
    code: Because
    because: str
    citations: list[CitationStandingOut]


class AnswerStandingOut(_Shape):
    """How an answer stands today: as its worst claim."""

    trace_id: str
    revision: Annotated[int, Field(description="The revision it was compared with.")]
    standing: Standing
    claims: list[ClaimStandingOut]


class TraceOut(AnswerOut):
    """Everything kept of one question."""

    at_ms: int
    principal: str
    question: str
    evidence: dict[str, float]
    passages: list[LookedAtOut]
    redacted: Annotated[bool, Field(description="A document in it was purged: no texts are left.")]
    feedback: list[FeedbackOut]


class FindingOut(_Shape):
    """One thing that was looked at."""

    code: str
    text: str


class RemedyOut(_Shape):
    """What to try."""

    text: str
    command: Annotated[str, Field(description="That does it; empty where none does.")]


class DiagnosisOut(_Shape):
    """Where an answer went wrong."""

    trace_id: str
    point: FailurePoint
    sentence: str
    sure: Sureness
    because: str
    also: Annotated[list[FailurePoint], Field(description="What else fits.")]
    evidence: list[FindingOut]
    remedies: list[RemedyOut]


class RevisionOut(_Shape):
    """A sealed set of documents."""

    number: int
    line: str
    base: int | None
    manifest: str
    sealed_at_ms: int
    documents: int
    chunks: int
    because: str
    serving: bool


class RevisionsOut(_Shape):
    """All revisions, newest first."""

    revisions: list[RevisionOut]


class ProposeIn(_Shape):
    """A release made from another one."""

    base: Annotated[
        Words, Field(max_length=80, description="`workspace`, `live`, an id, or `d3`")
    ] = "workspace"
    changes: Annotated[
        dict[Words, Words], Field(description="Names of values, and what they become, as texts")
    ] = {}
    message: Annotated[Words, Field(max_length=500)] = ""


class PromoteIn(_Shape):
    """Why a release shall serve."""

    because: Annotated[Words, Field(max_length=500)] = ""
    override: Annotated[
        Words, Field(max_length=500, description="Why it may, though no gate let it pass")
    ] = ""


class RollbackIn(_Shape):
    """Why, and to what."""

    because: Annotated[Words, Field(min_length=1, max_length=500)]
    to: Annotated[Words, Field(max_length=80, description="A release, or `d3`; else the last")] = ""
    with_index: Annotated[bool, Field(description="With the documents of then, pinned")] = False


class CanaryIn(_Shape):
    """How a release is tried."""

    percent: Annotated[int, Field(ge=1, le=50)] = 10
    shadow: bool = False
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.05
    minutes: Annotated[int, Field(ge=0, le=100_000)] = 15
    override: Annotated[
        Words, Field(max_length=500, description="Why it may, though no gate let it pass")
    ] = ""


class BecauseIn(_Shape):
    """Why."""

    because: Annotated[Words, Field(max_length=500)] = ""


class RulingOut(_Shape):
    """What a gate said."""

    number: int
    candidate: str
    against: str
    questions: str
    decision: Literal["pass", "fail", "inconclusive"]
    because: str
    who: str
    at_ms: int


class ProposalOut(_Shape):
    """Who wanted a release, and what for."""

    release_id: str
    parent: str
    author: str
    message: str
    at_ms: int


class DeploymentOut(_Shape):
    """What was put to serve."""

    number: int
    release_id: str
    pinned: int | None
    who: str
    because: str
    at_ms: int
    chosen: bool


class ReleaseOut(_Shape):
    """A release with its history; `values` only where one is asked for."""

    id: str
    is_live: bool
    at_ms: int
    proposal: ProposalOut | None
    ruling: RulingOut | None
    deployed: list[DeploymentOut]
    values: dict[str, str | float | int | bool | None] | None = None


class ReleasesOut(_Shape):
    """Releases, newest first."""

    releases: list[ReleaseOut]


class DifferenceOut(_Shape):
    """What differs: values before and after, and documents where deployments were named."""

    before: str
    after: str
    values: dict[str, list[str | float | int | bool | None]]
    added: list[str] | None
    changed: list[str] | None
    gone: list[str] | None


class GuardOut(_Shape):
    """What was counted of one thing that may get worse."""

    name: str
    bad_live: int
    bad_canary: int
    compared: int
    worse_p: float
    no_worse_p: float


class CanaryOut(_Shape):
    """A canary: what was seen, and what would be done now."""

    number: int
    candidate: str
    baseline: str
    stage: Literal["running", "promoting", "promoted", "rolled_back", "undecided", "stopped"]
    held: str
    because: str
    who: str
    began_ms: int
    ended_ms: int | None
    percent: int
    shadow: bool
    live: int
    canary: int
    guards: list[GuardOut]
    advice: str


class CanariesOut(_Shape):
    """Canaries, newest first."""

    canaries: list[CanaryOut]


class CheckOut(_Shape):
    """One thing readiness depends on."""

    name: str
    ready: bool
    detail: str


class ReadinessOut(_Shape):
    """Whether questions can be answered, and what is missing if not."""

    ready: bool
    checks: list[CheckOut]


class HealthOut(_Shape):
    """The process is alive."""

    alive: bool


class ProblemOut(_Shape):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    trace_id: str
