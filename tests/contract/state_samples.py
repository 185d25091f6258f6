"""Values the contract suites of state, register and ledger are fed with."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from answerable.adapters.state.engine import Database, Synchronous
from answerable.adapters.state.schema import Schema, migrate
from answerable.domain.documents import (
    Block,
    BlockKind,
    Chunk,
    Content,
    Document,
    Finding,
    FindingKind,
    Landmark,
    LandmarkKind,
    Member,
    Revision,
    Span,
    Text,
    content_id,
    document_id,
)
from answerable.domain.questions import (
    Abstained,
    Answered,
    Citation,
    Claim,
    ModelUse,
    Outcome,
    Passage,
    Step,
    StepDown,
    StepReason,
    Trace,
    Verdict,
    VerdictValue,
)
from answerable.domain.releases import Line, Quoting, Release, Retrieval

LINE = "line-a"
PRIVATE = "Rotate the xyzzy valve"


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000

    def now(self) -> int:
        """Return milliseconds since the epoch."""
        return self.now_ms

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += round(seconds * 1000)


class Databases:
    """Migrated databases in one folder, closed together."""

    def __init__(self, folder: Path, *, synchronous: Synchronous = "FULL") -> None:
        self._folder = folder
        self._synchronous = synchronous
        self._opened: list[Database] = []

    def open(self, schema: Schema) -> Database:
        """Return the database of a schema."""
        path = self._folder / f"{schema.name}.db"
        database = Database(path, synchronous=self._synchronous)
        self._opened.append(database)
        migrate(database, schema)
        return database

    def close(self) -> None:
        """Close all that were opened."""
        for database in self._opened:
            database.close()


def content(name: str, line: str = LINE) -> Content:
    """Return a content with a list, a mask and two chunks, told apart by name."""
    text = f"<!-- x -->\n# {name}\n\n- one ä\n- two 🚒\n"
    start = text.index("- one")
    first = Block(kind=BlockKind.ITEM, start=start, end=start + 7)
    second = Block(kind=BlockKind.ITEM, start=start + 8, end=start + 15)
    blocks = (
        Block(kind=BlockKind.HEADING, start=11, end=13 + len(name), level=1),
        Block(kind=BlockKind.LIST, start=start, end=start + 15, children=(first, second)),
    )
    bytes_hash = sha256(name.encode()).hexdigest()
    return Content(
        id=content_id(bytes_hash, line, ".md"),
        bytes_hash=bytes_hash,
        size=len(text.encode()),
        format="markdown",
        text=Text(
            text=text,
            title=name,
            blocks=blocks,
            masks=(Span(0, 10),),
            landmarks=(
                Landmark(11, LandmarkKind.SHEET, 1, "Ünten"),
                Landmark(start, LandmarkKind.ROW, 14),
            ),
            findings=(Finding(kind=FindingKind.TINY, count=3),),
        ),
        chunks=(
            Chunk(ordinal=0, start=11, end=start, heading=()),
            Chunk(ordinal=1, start=start, end=start + 15, heading=(name, "Ünten")),
        ),
    )


def document(path: str, *labels: str) -> Document:
    """Return a document of one source; labelled ``local`` unless told otherwise."""
    return Document(
        id=document_id("folder:/srv", path),
        source="folder:/srv",
        path=path,
        labels=frozenset(labels or {"local"}),
    )


def member(path: str, of: Content, *labels: str) -> Member:
    """Return a document with this content."""
    return Member(
        document=document(path, *labels),
        content_id=of.id,
        bytes_hash=of.bytes_hash,
        title=of.text.title,
        format=of.format,
        size=of.size,
        chunks=len(of.chunks),
    )


def revision(number: int, base: int | None, line: str = LINE) -> Revision:
    """Return a revision; its counts are not looked at by any adapter."""
    return Revision(
        number=number,
        line=line,
        base=base,
        manifest=f"{number:064x}",
        sealed_at_ms=1_700_000_000_000 + number,
        documents=1,
        chunks=2,
        because="ingest",
    )


def release(software: str = "0.1.0") -> Release:
    """Return a release, told apart by the software it names."""
    return Release(
        line=Line(parser="p1", splitter="s1", analyser="a1"),
        retrieval=Retrieval(title_boost=1, page_weight=0.25),
        quoting=Quoting(units_max=7),
        ladder=("quote", "abstain"),
        software=software,
    )


def answered() -> Answered:
    """Return an answer whose texts all hold `PRIVATE`."""
    citation = Citation(
        document_id="d" * 16,
        path="keys.md",
        title=f"{PRIVATE} title",
        heading=(f"{PRIVATE} heading", "b"),
        line=3,
        start=10,
        end=30,
        content_hash="f" * 64,
        quote=f"{PRIVATE} quote",
        landmark=f"{PRIVATE}, row 3",
    )
    verdict = Verdict(
        value=VerdictValue.SUPPORTED, judge="span", score=1.0, reasons=(f"{PRIVATE} reason",)
    )
    claim = Claim(text=f"{PRIVATE} claim", citations=(citation,), verdict=verdict)
    return Answered(rung="quote", claims=(claim, claim), confidence=0.8)


def abstained() -> Abstained:
    """Return an abstention whose texts all hold `PRIVATE`."""
    return Abstained(
        code="thin_evidence",
        because=f"{PRIVATE} because",
        confidence=0.1,
        closest=(passage(),),
        rung="search",
    )


def passage() -> Passage:
    """Return a passage whose texts hold `PRIVATE`."""
    return Passage(
        rank=1,
        score=2.5,
        document_id="d" * 16,
        content_id="c" * 32,
        path="keys.md",
        title=f"{PRIVATE} title",
        chunk=Chunk(ordinal=4, start=0, end=40, heading=(f"{PRIVATE} heading",)),
        parts=(("bm25", 2.0), ("page", 0.5)),
    )


def dropped() -> Claim:
    """Return a statement of a model that was not shown."""
    verdict = Verdict(
        value=VerdictValue.UNSUPPORTED,
        judge="features",
        score=0.25,
        reasons=(f"{PRIVATE} reason",),
    )
    return Claim(text=f"{PRIVATE} draft", citations=(), verdict=verdict)


def use(cost_usd: str | None) -> ModelUse:
    """Return a call of a model."""
    return ModelUse(
        model="main",
        purpose="answer",
        tokens_in=900,
        tokens_out=80,
        is_estimated=cost_usd is None,
        method="",
        cost_usd=cost_usd,
        first_token_ms=None if cost_usd is None else 210.5,
        took_ms=1_900.0,
        ended="stop",
    )


def trace(number: int, *, principal: str = "local", outcome: Outcome | None = None) -> Trace:
    """Return the trace of a question asked at millisecond `number`."""
    return Trace(
        id=f"t{number:08d}",
        at_ms=number,
        principal=principal,
        question=f"{PRIVATE} question \udcff {number}?",
        release="rel-1",
        revision=7,
        overrides=("step_down: timeout",),
        passages=(passage(),),
        evidence=(("coverage", 0.5),),
        outcome=outcome or answered(),
        steps=(Step(name="find", took_ms=1.5),),
        took_ms=2.5,
        searched=f"{PRIVATE} searched",
        follows="t0",
        step_downs=(
            StepDown(rung="model:main", reason=StepReason.TIMEOUT, detail="no word for 5 s"),
        ),
        dropped=(dropped(),),
        calls=(use("0.0012"), use(None)),
    )
