"""An app of real domain values with three documents, for tests of the doors alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import cast

from fastapi import FastAPI
from starlette.testclient import TestClient

from answerable.access.scopes import owner_scope
from answerable.answering.events import Done, Dropped, Event, Retrieved, Shown, SteppedDown
from answerable.answering.feedback import Complaint, Feedback, Thumb, counting, new_feedback
from answerable.answering.ports import TraceLine
from answerable.answering.standing import AnswerStanding, Given
from answerable.app import App, Check, DocumentView
from answerable.app.originals import Original
from answerable.app.quarantine import Ill
from answerable.app.rechecking import Look, recheck_given, recheck_trace
from answerable.domain.cancel import Cancel
from answerable.domain.documents import (
    Block,
    BlockKind,
    Chunk,
    Content,
    Document,
    Member,
    Purge,
    Revision,
    Span,
    Text,
    document_id,
)
from answerable.domain.errors import BadQuestion, Conflict, NotFound, NotReady
from answerable.domain.questions import (
    Abstained,
    Answered,
    Citation,
    Claim,
    Passage,
    Scope,
    Step,
    StepDown,
    Trace,
    Verdict,
    VerdictValue,
)
from answerable.domain.releases import Deployment, Line, Quoting, Release, Retrieval
from answerable.entrypoints.web.site import build
from answerable.library.ports import Quarantined
from answerable.library.purge import Plan
from answerable.library.search import Found
from answerable.library.visible import visible
from answerable.operations.ports import Job
from answerable.releases.flow import Serving
from answerable.settings import Settings

RUNBOOK = """\
---
title: KubeAPIDown
---
# KubeAPIDown

## Meaning

The Kubernetes API server is not reachable. <!-- internal: ask Ada --> Nothing can be deployed.

## Diagnosis

- Check the `kube-apiserver` pods.
- Look at the load balancer in front of them.

```shell
kubectl get pods -n kube-system
```

| Port | Used by |
|------|---------|
| 6443 | clients |
"""

RELEASE = Release(
    line=Line(parser="p1", splitter="s1", analyser="a1"),
    retrieval=Retrieval(),
    quoting=Quoting(),
    ladder=("quote", "search", "abstain"),
    software="0",
)

ILL = Quarantined(
    document_id="e" * 16,
    source="upload",
    path="scan.pdf",
    code="malformed",
    reason="it is not what its name says",
    format="pdf",
    size=7,
    bytes_hash="b" * 64,
    line="line",
    attempts=2,
    first_seen_ms=3,
    last_seen_ms=4,
)


@lru_cache
def parsed(text: str) -> Text:
    """Return a text with blocks and masks found in the plainest way that serves these tests."""
    masks = tuple(
        Span(*one.span()) for one in re.finditer(r"\A---\n.*?\n---\n|<!--.*?-->", text, re.DOTALL)
    )
    blocks: list[Block] = []
    at = masks[0].end if masks and masks[0].start == 0 else 0
    for match in re.finditer(r"```.*?```|[^\n](?:[^\n]|\n(?!\n))*", text[at:], re.DOTALL):
        start, end = match.start() + at, len(text[: match.end() + at].rstrip("\n"))
        blocks.append(_block(text[start:end], start, end))
    return Text(text=text, title=_title(text), blocks=tuple(blocks), masks=masks)


def _title(text: str) -> str:
    found = re.search(r"^(?:title: |# )(.+)$", text, re.MULTILINE)
    return found[1] if found else ""


def _block(body: str, start: int, end: int) -> Block:
    if body.startswith("#"):
        level = len(body) - len(body.lstrip("#"))
        return Block(kind=BlockKind.HEADING, start=start, end=end, level=level)
    if body.startswith("```"):
        return Block(kind=BlockKind.CODE, start=start, end=end)
    for mark, kind, part in (
        ("- ", BlockKind.LIST, BlockKind.ITEM),
        ("|", BlockKind.TABLE, BlockKind.ROW),
    ):
        if body.startswith(mark):
            lines = re.finditer(r"[^\n]+", body)
            parts = (Block(kind=part, start=start + m.start(), end=start + m.end()) for m in lines)
            return Block(kind=kind, start=start, end=end, children=tuple(parts))
    return Block(kind=BlockKind.PARAGRAPH, start=start, end=end)


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakeApp:
    """What the doors call of `App`, over three documents in memory."""

    texts: dict[str, str] = field(
        default_factory=lambda: {
            "runbooks/KubeAPIDown.md": RUNBOOK,
            "runbooks/etcdNoLeader.md": "# etcdNoLeader\n\nThe etcd cluster has no leader.\n",
            "upload/notes.md": "# Notes\n\nUploaded notes.\n",
        }
    )
    asked: list[Trace] = field(default_factory=list)
    rated: list[Feedback] = field(default_factory=list)
    submitted: dict[str, bytes] = field(default_factory=dict)
    is_ready: bool = True
    failure: Exception | None = None
    breaks: Exception | None = None
    how: list[dict[str, object]] = field(default_factory=list)
    waits: threading.Event = field(default_factory=_set)
    began: threading.Event = field(default_factory=threading.Event)
    dropped: tuple[Claim, ...] = ()
    step_downs: tuple[StepDown, ...] = ()
    settings: Settings = field(default_factory=Settings)
    rounds: int = 0
    keeps: bool = True
    removed: list[tuple[str, str, str]] = field(default_factory=list)
    purged: list[Purge] = field(default_factory=list)
    has_copy: bool = False
    named: str = "page.html"
    ill: Quarantined = field(default_factory=lambda: ILL)
    now: str = ""
    """What every document says now, if not the same as in revision 3."""

    def owner(self) -> Scope:
        """Return the owner of everything."""
        return owner_scope()

    def stream(
        self, text: str, scope: Scope, *, cancel: Cancel, **how: object
    ) -> Generator[Event, None, None]:
        """Tell what `ask` makes of a question; `dropped` is told before the end."""
        trace = self.ask(text, scope, **how)
        return self._told(trace, cancel)

    def _told(self, trace: Trace, cancel: Cancel) -> Generator[Event, None, None]:
        yield Retrieved(passages=trace.passages, revision=trace.revision)
        self.began.set()
        self.waits.wait()
        cancel.check()
        if isinstance(trace.outcome, Answered):
            for claim in trace.outcome.claims:
                yield Shown(claim=claim, rung="quote", revision=trace.revision)
        for claim in trace.dropped:
            yield Dropped(claim=claim, rung="model:main")
        for step in trace.step_downs:
            yield SteppedDown(step=step)
        if self.breaks:
            raise self.breaks
        yield Done(trace=trace)

    def ask(self, text: str, scope: Scope, **how: object) -> Trace:
        """Abstain when a phone is asked for, else answer; keep the trace and how it was asked."""
        self._check(text)
        self.how.append(how)
        trace = Trace(
            id=f"t{len(self.asked):04}",
            at_ms=1_700_000_000_000 + len(self.asked),
            principal=scope.principal,
            question=text,
            release=RELEASE.id,
            revision=3,
            overrides=(),
            passages=(self._passage(),),
            evidence=(("coverage", 0.9),),
            outcome=self._abstained() if "phone" in text else self._answered(),
            steps=(Step(name="retrieve", took_ms=0.4), Step(name="quote", took_ms=0.8)),
            took_ms=1.25,
            dropped=self.dropped,
            step_downs=self.step_downs,
        )
        if self.keeps:
            self.asked.append(trace)
        return trace

    def search(self, text: str, scope: Scope, *, limit: int) -> Found:
        """Find the one runbook."""
        assert scope.labels
        self._check(text)
        passage = self._passage()
        content = self._view(passage.path).content
        return Found(passages=(passage,)[:limit], contents={content.id: content})

    def traces(
        self, *, limit: int = 20, before: str | None = None, rated: Thumb | None = None
    ) -> Sequence[TraceLine]:
        """Return what was asked."""
        older = [one for one in reversed(self.asked) if before is None or one.id < before]
        lines = [self._line(one) for one in older]
        if rated is not None:
            lines = [one for one in lines if (one.ups if rated is Thumb.UP else one.downs)]
        return lines[:limit]

    def rate(
        self, trace_id: str, scope: Scope, thumb: Thumb, complaint: Complaint | None, comment: str
    ) -> Feedback:
        """Keep what somebody thinks of an answer."""
        given = new_feedback(
            trace_id=self.trace(trace_id).id,
            at_ms=1_700_000_000_000,
            principal=scope.principal,
            thumb=thumb,
            complaint=complaint,
            comment=comment,
        )
        self.rated.append(given)
        return given

    def feedback(self, trace_id: str) -> tuple[Feedback, ...]:
        """Return the last word on one of what was asked."""
        return counting(one for one in self.rated if one.trace_id == trace_id)

    def recheck_trace(self, trace_id: str, scope: Scope) -> AnswerStanding:
        """Compare a past answer with the documents, as `App` does."""
        return recheck_trace(self.trace(trace_id), self._look(scope), revision=4)

    def recheck(self, given: Given, scope: Scope) -> AnswerStanding:
        """Compare an answer with the documents, as `App` does."""
        return recheck_given(given, self._look(scope), self._find, scope, revision=4)

    def _look(self, scope: Scope) -> Look:
        return lambda document_id, revision: self.document(document_id, scope, revision=revision)

    def _find(self, trace_id: str) -> Trace | None:
        return next((one for one in self.asked if one.id == trace_id), None)

    def _line(self, trace: Trace) -> TraceLine:
        thumbs = [one.thumb for one in self.feedback(trace.id)]
        return replace(_line(trace), ups=thumbs.count(Thumb.UP), downs=thumbs.count(Thumb.DOWN))

    def trace(self, trace_id: str) -> Trace:
        """Return one of what was asked."""
        for trace in self.asked:
            if trace.id == trace_id:
                return trace
        raise NotFound("there is no such trace", hint="answerable traces list")

    def documents(self, scope: Scope) -> tuple[Member, ...]:
        """Return all documents."""
        assert scope.labels
        return tuple(self._view(path).member for path in sorted(self.texts))

    def document(
        self, document_id: str, scope: Scope, *, revision: int | None = None
    ) -> DocumentView:
        """Return a document; revision 3 is the only one."""
        assert scope.labels
        for path in self.texts if revision in (None, 3) else ():
            view = self._view(path)
            if view.member.document.id == document_id:
                is_old = revision == 3 or not self.now
                return view if is_old else self._view(path, self.now)
        raise NotFound("there is no such document", hint="answerable documents list")

    def remove(self, document_id: str, *, who: str, because: str) -> Member:
        """Note what is hidden."""
        member = self.document(document_id, self.owner()).member
        self.removed.append((document_id, who, because))
        return member

    def plan_purge(self, name: str) -> Plan:
        """Plan to purge one document; one with a copy has a second one."""
        document = self.document(name, self.owner()).member.document
        copies = (replace(document, id="c" * 16),) if self.has_copy else ()
        return Plan(
            documents=(document,), copies=copies, contents=frozenset({"f" * 64}), revisions=(3,)
        )

    def begin_purge(self, plan: Plan, *, who: str, because: str, with_copies: bool) -> Purge:
        """Note what is to be purged."""
        if plan.copies and not with_copies:
            raise Conflict("a copy", hint="with_copies=true")
        purge = Purge(
            number=len(self.purged) + 1,
            who=who,
            because=because,
            at_ms=7,
            documents=plan.tombstones,
            contents=plan.contents,
        )
        self.purged.append(purge)
        return purge

    def purges(self) -> tuple[Purge, ...]:
        """Return what is to be purged, newest first."""
        return tuple(reversed(self.purged))

    def quarantined(self) -> tuple[Ill, ...]:
        """Return the one file that could not be read."""
        return (Ill(document=self.ill, advice="save it again"),)

    def find_quarantined(self, name: str) -> Ill:
        """Return it."""
        if name != self.ill.document_id:
            raise NotFound(
                "nothing in quarantine is called so", hint="GET /v1/documents/quarantine"
            )
        return self.quarantined()[0]

    def ignore_quarantined(self, name: str, *, who: str, because: str) -> Ill:
        """Note that nobody wants to hear of it."""
        self.find_quarantined(name)
        self.ill = replace(self.ill, ignored_by=who, ignored_because=because)
        return self.quarantined()[0]

    def retry_quarantined(self, names: Sequence[str] = ()) -> tuple[Ill, ...]:
        """Note that it is to be tried again."""
        found = tuple(map(self.find_quarantined, names))
        self.ill = replace(self.ill, line="", ignored_by="", ignored_because="")
        return found

    def has_original(self, member: Member) -> bool:
        """Return that none was kept."""
        del member
        return False

    def original(self, document_id: str, scope: Scope, *, revision: int | None = None) -> Original:
        """Return what a document says, as bytes that a browser might take for a page."""
        member = self.document(document_id, scope, revision=revision).member
        return Original(member=member, name=self.named, data=b"<script>alert(1)</script>")

    def submit(self, path: str, data: bytes) -> Job:
        """Keep what is sent."""
        self._check("upload")
        self.submitted[path] = data
        return replace(self.job("j1"), payload={"path": path, "file": "x"})

    def job(self, job_id: str) -> Job:
        """Return the one job."""
        if job_id != "j1":
            raise NotFound("there is no such job", hint="GET /v1/jobs")
        return Job(id="j1", kind="upload", key="k", created_ms=1, updated_ms=2)

    def serving(self) -> Serving:
        """Return revision 3, or none when nothing is ready."""
        deployment = Deployment(
            number=0, release_id=RELEASE.id, pinned=None, who="x", because="y", at_ms=1
        )
        return Serving(
            deployment=deployment,
            release=RELEASE,
            revision=self.revisions()[0] if self.is_ready else None,
        )

    def revisions(self) -> tuple[Revision, ...]:
        """Return revision 3."""
        return (
            Revision(
                number=3,
                line=RELEASE.line.id,
                base=None,
                manifest="0" * 64,
                sealed_at_ms=5,
                documents=len(self.texts),
                chunks=9,
                because="ingest",
            ),
        )

    def readiness(self) -> tuple[Check, ...]:
        """Return two checks, the second one ready or not."""
        detail = "revision 3" if self.is_ready else "the library is empty; answerable ingest PATH"
        return (
            Check(name="state", ready=True, detail="open"),
            Check(name="library", ready=self.is_ready, detail=detail),
        )

    def work_once(self) -> bool:
        """Count rounds."""
        self.rounds += 1
        if self.failure:
            raise self.failure
        return False

    def close(self) -> None:
        """Stop being ready."""
        self.is_ready = False

    def _check(self, text: str) -> None:
        if self.failure:
            raise self.failure
        if not text.strip():
            raise BadQuestion("the question is empty", hint="write a question")
        if not self.is_ready:
            raise NotReady("the library is empty", hint="answerable ingest PATH")

    def _view(self, path: str, now: str = "") -> DocumentView:
        text = parsed(now or self.texts[path])
        source = "upload" if path.startswith("upload/") else "folder:/srv"
        document = Document(
            id=document_id(source, path),
            source=source,
            path=path,
            labels=frozenset({"local"}),
        )
        chunk = Chunk(ordinal=0, start=0, end=len(text.text), heading=("Meaning",))
        size = len(text.text.encode())
        content = Content(
            id=f"c-{document.id}",
            bytes_hash="ab" * 32,
            size=size,
            format="markdown",
            text=text,
            chunks=(chunk,),
        )
        member = Member(
            document=document,
            content_id=content.id,
            bytes_hash=content.bytes_hash,
            title=text.title,
            format="markdown",
            size=size,
            chunks=1,
        )
        return DocumentView(
            member=member,
            revision=3,
            content=content,
            content_hash=text.hash,
            pieces=visible(text, 0, len(text.text)),
        )

    def _passage(self) -> Passage:
        view = self._view("runbooks/KubeAPIDown.md")
        return Passage(
            rank=1,
            score=1.5,
            document_id=view.member.document.id,
            content_id=view.content.id,
            path=view.member.document.path,
            title=view.member.title,
            chunk=view.content.chunks[0],
            parts=(("bm25", 7.5),),
        )

    def _answered(self) -> Answered:
        said = ("The Kubernetes API server is not reachable. ", "Nothing can be deployed.")
        code = "```shell\nkubectl get pods -n kube-system\n```"
        items = "- Check the `kube-apiserver` pods.\n- Look at the load balancer in front of them."
        return Answered(
            rung="quote",
            claims=(
                self._claim("sentence", said),
                self._claim("list", (items,)),
                self._claim("code", (code,)),
            ),
            confidence=0.8,
        )

    def _abstained(self) -> Abstained:
        return Abstained(
            code="thin_evidence",
            because="No sentence covers what was asked.",
            confidence=0.1,
            closest=(self._passage(),),
        )

    def _claim(self, kind: str, quotes: Sequence[str]) -> Claim:
        verdict = Verdict(value=VerdictValue.SUPPORTED, judge="quote", score=1.0)
        citations = tuple(self.citation(quote) for quote in quotes)
        return Claim(text="".join(quotes), citations=citations, verdict=verdict, kind=kind)

    def citation(self, quote: str, path: str = "runbooks/KubeAPIDown.md") -> Citation:
        """Return the citation of words that stand in a document."""
        view = self._view(path)
        text = view.content.text.text
        start = text.index(quote)
        return Citation(
            document_id=view.member.document.id,
            path=path,
            title=view.member.title,
            heading=("Meaning",),
            line=text.count("\n", 0, start) + 1,
            start=start,
            end=start + len(quote),
            content_hash=view.content_hash,
            quote=quote,
        )


def _line(trace: Trace) -> TraceLine:
    is_answer = isinstance(trace.outcome, Answered)
    return TraceLine(
        id=trace.id,
        at_ms=trace.at_ms,
        principal=trace.principal,
        question=trace.question,
        outcome="answered" if is_answer else "abstained",
        rung="quote" if is_answer else "abstain",
        release=trace.release,
        revision=trace.revision,
        took_ms=trace.took_ms,
    )


def site_of(app: FakeApp) -> FastAPI:
    """Return the web application over a fake app."""
    return build(cast("App", app))


def client_of(app: FakeApp) -> TestClient:
    """Return a client of the site over a fake app."""
    return TestClient(site_of(app), base_url="http://localhost:8080")
