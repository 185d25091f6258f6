"""Looking up what a diagnosis of an answer stands on: its passages then, the library now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from answerable.answering.checking import DraftClaim, is_contradiction, split_claims
from answerable.answering.cite import line_of
from answerable.answering.confidence import bar
from answerable.answering.feedback import Feedback, Thumb
from answerable.answering.ports import Judge, Judging
from answerable.answering.standing import Standing
from answerable.app.views import DocumentView
from answerable.domain.documents import Member, Span, Text
from answerable.domain.errors import BadInput, NotFound
from answerable.domain.questions import Abstained, Claim, Passage, Scope, Trace, VerdictValue
from answerable.domain.releases import Release, Retrieval
from answerable.library.search import Found
from answerable.library.visible import shown, visible
from answerable.quality.diagnosis import Rejected, Said, Seen, Sighting

EXPECTED_CHARS_MAX = 4_000

_WIDE = 300
# What holds the very words of a text is among the first of these.
_NEAR = 100
_READ = 8
# Between two words of a text that is looked for: white space, marks of Markdown, a line's mark.
_BETWEEN = r"[\W_]{1,20}"


class Library(Protocol):
    """What is needed of the app."""

    def search(
        self, text: str, scope: Scope, *, limit: int, retrieval: Retrieval | None = None
    ) -> Found:
        """Return passages for a text, as the release finds them."""
        ...

    def document(
        self, document_id: str, scope: Scope, *, revision: int | None = None
    ) -> DocumentView:
        """Return a document in a revision."""
        ...

    def documents(self, scope: Scope) -> tuple[Member, ...]:
        """Return the documents that serve now."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where what was expected stands in one document, in one of its texts.

    Attributes:
        spans: None when the whole document was expected.
    """

    view: DocumentView
    spans: tuple[Span, ...] | None

    def meets(self, passage: Passage) -> bool:
        """Return whether a passage of this document holds any of it."""
        chunk = passage.chunk
        return self.spans is None or any(
            span.start < chunk.end and chunk.start < span.end for span in self.spans
        )

    def is_within(self, passage: Passage) -> bool:
        """Return whether a passage of this document holds it whole."""
        chunk = passage.chunk
        return self.spans is None or any(
            chunk.start <= span.start and span.end <= chunk.end for span in self.spans
        )


Places = Mapping[str, Place]
"""By the id of the document."""


def look_into(
    library: Library,
    scope: Scope,
    trace: Trace,
    *,
    expected: str,
    judge: Judge,
    release: Release | None,
    standing: Standing,
    feedback: Sequence[Feedback],
) -> Seen:
    """Return what is known about an answer, for `quality.why`.

    Args:
        library: As it is now.
        scope: As whom.
        trace: Of the answer.
        expected: What should have been answered: a text, or the path or id of a document. May
            be empty.
        judge: Compares texts.
        release: Which answered; None where it is not known any more.
        standing: How what the answer cites stands today.
        feedback: What counts of it.

    Raises:
        BadInput: What was expected is too long, or has no words.
    """
    question = trace.searched or trace.question
    wide = library.search(question, scope, limit=_WIDE) if question else None
    downs = [one for one in feedback if one.thumb is Thumb.DOWN]
    looking = _Looking(library=library, scope=scope, trace=trace, judge=judge, wide=wide)
    return Seen(
        trace=trace,
        expected=looking.sighting(checked_expected(expected)) if expected.strip() else None,
        standing=standing,
        complaints=tuple(dict.fromkeys(one.complaint for one in downs if one.complaint)),
        downs=len(downs),
        rejected=looking.rejected(),
        needed=None if release is None else bar(trace.evidence, release.abstaining).confidence_min,
        found_now=None if wide is None else len(wide.passages),
    )


def checked_expected(text: str) -> str:
    """Return what was expected without white space around it.

    Raises:
        BadInput: It is too long, or has no words.
    """
    expected = text.strip()
    if len(expected) > EXPECTED_CHARS_MAX:
        raise BadInput(
            f"what was expected has more than {EXPECTED_CHARS_MAX:,} characters",
            hint="give the sentence that matters, or the path of its document",
        )
    if not re.search(r"\w", expected):
        raise BadInput("what was expected has no words", hint="give a text or a path")
    return expected


def occurrences(expected: str, text: Text) -> tuple[Span, ...]:
    """Return where a text stands in a document: its words in their order, whatever is between.

    Case and marks of Markdown count for nothing; what is masked is not looked at.
    """
    words = map(re.escape, re.findall(r"[^\W_]+", expected))
    pattern = re.compile(rf"(?<!\w){_BETWEEN.join(words)}(?!\w)", re.IGNORECASE)
    pieces = visible(text, 0, len(text.text))
    return tuple(
        Span(*found.span())
        for piece in pieces
        for found in pattern.finditer(text.text, piece.start, piece.end)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Looking:
    """One answer that is looked into."""

    library: Library
    scope: Scope
    trace: Trace
    judge: Judge
    wide: Found | None

    # What was expected

    def sighting(self, expected: str) -> Sighting:
        """Return where what was expected stands, and how far it came."""
        pages = self._pages(expected)
        if pages:
            return self._sighted(expected, self._whole(pages), is_page=True)
        places = self._verbatim(expected)
        if places:
            return self._sighted(expected, places)
        return self._sighted(expected, self._in_own_words(expected), in_own_words=True)

    def _pages(self, name: str) -> list[str]:
        """Return the documents of this id or path, or whose path ends so."""
        paths = {one.document_id: one.path for one in self.trace.passages}
        for one in self.library.documents(self.scope):
            paths[one.document.id] = one.document.path
        whole = [key for key, path in paths.items() if name in (key, path)]
        return whole or [key for key, path in paths.items() if path.endswith(f"/{name}")]

    def _whole(self, pages: Sequence[str]) -> tuple[Places, Places]:
        then = {
            name: Place(view=view, spans=None)
            for name in pages
            if (view := self._view(name, self.trace.revision)) is not None
        }
        now = {
            name: Place(view=view, spans=None)
            for name in pages
            if (view := self._view(name, None)) is not None
        }
        return then, now

    def _verbatim(self, expected: str) -> tuple[Places, Places] | None:
        """Return where a text stands word for word, then and now; None when nowhere."""
        near = self.library.search(expected, self.scope, limit=_NEAR).passages
        known = dict.fromkeys(one.document_id for one in (*self.trace.passages, *near))
        then = dict(self._holding(expected, known, self.trace.revision))
        now = dict(self._holding(expected, known, None))
        return (then, now) if then or now else None

    def _holding(
        self, expected: str, documents: Mapping[str, None], revision: int | None
    ) -> Iterator[tuple[str, Place]]:
        for name in documents:
            view = self._view(name, revision)
            spans = occurrences(expected, view.content.text) if view is not None else ()
            if view is not None and spans:
                yield name, Place(view=view, spans=spans)

    def _in_own_words(self, expected: str) -> tuple[Places, Places]:
        """Return the passage that bears out what was expected, as the judge finds; or nothing."""
        then = self._borne_out(expected, self.trace.passages, self.trace.revision)
        near = self.library.search(expected, self.scope, limit=_READ).passages
        now = self._borne_out(expected, near, None)
        if not then:
            then = self._borne_out(expected, near, self.trace.revision)
        return then, now

    def _borne_out(
        self, expected: str, passages: Sequence[Passage], revision: int | None
    ) -> Places:
        for passage in passages[:_READ]:
            view = self._view(passage.document_id, revision)
            if view is None or view.member.content_id != passage.content_id:
                continue
            text = shown(view.content.text, passage.chunk.start, passage.chunk.end)
            if says(self._prepared(text), expected):
                span = Span(passage.chunk.start, passage.chunk.end)
                return {passage.document_id: Place(view=view, spans=(span,))}
        return {}

    def _sighted(
        self,
        expected: str,
        places: tuple[Places, Places],
        *,
        is_page: bool = False,
        in_own_words: bool = False,
    ) -> Sighting:
        then, now = places
        passages = self.trace.passages
        wide = () if self.wide is None else self.wide.passages
        rank = _first(passages, then)
        path, line = _where(passages, then or now)
        claims = () if isinstance(self.trace.outcome, Abstained) else self.trace.outcome.claims
        return Sighting(
            is_page=is_page,
            in_own_words=in_own_words and bool(then or now),
            path=path,
            line=0 if is_page else line,
            is_there=bool(now),
            was_there=bool(then),
            rank=rank,
            page_rank=_first(passages, then, whole_page=True),
            is_cut=rank is not None and not in_own_words and not _is_whole(passages, then),
            rank_now=_first(wide, now),
            page_rank_now=_first(wide, now, whole_page=True),
            looked_at=len(wide),
            said=self._said(expected, claims, then, is_page=is_page),
            against=() if is_page else self._against(expected, claims),
        )

    def _said(self, expected: str, claims: Sequence[Claim], then: Places, *, is_page: bool) -> Said:
        cited = [one for claim in claims for one in claim.citations]
        if is_page:
            return Said.WHOLE if any(one.document_id in then for one in cited) else Said.NOT
        text = "\n".join(claim.text for claim in claims)
        if occurrences(expected, Text(text=text, title="", blocks=(), masks=())):
            return Said.WHOLE
        if text.strip() and says(self._prepared(text), expected):
            return Said.WHOLE
        spans = {name: one.spans or () for name, one in then.items()}
        is_part = any(
            one.start < span.end and span.start < one.end
            for one in cited
            for span in spans.get(one.document_id, ())
        )
        return Said.PART if is_part and not self._is_loose(expected, then) else Said.NOT

    def _is_loose(self, expected: str, then: Places) -> bool:
        """Return whether the spans are whole passages, which an answer meets by chance."""
        return not any(occurrences(expected, one.view.content.text) for one in then.values())

    def _against(self, expected: str, claims: Sequence[Claim]) -> tuple[str, ...]:
        against = self._prepared(expected)
        return tuple(
            f"“{claim.text}” {reason.text.replace('the document', 'what was expected')}"
            for claim in claims
            for reason in against.check(_draft(claim)).reasons
            if is_contradiction(reason.code)
        )

    # What was dropped

    def rejected(self) -> tuple[Rejected, ...]:
        """Return what was dropped, compared once more with the passages it was made from."""
        if not self.trace.dropped:
            return ()
        texts = [self._text(one) for one in self.trace.passages]
        judging = self.judge.prepare(
            [text for text in texts if text], question=self.trace.searched or self.trace.question
        )
        return tuple(_rejected(one, judging) for one in self.trace.dropped)

    def _text(self, passage: Passage) -> str:
        view = self._view(passage.document_id, self.trace.revision)
        if view is None:
            return ""
        return shown(view.content.text, passage.chunk.start, passage.chunk.end)

    def _prepared(self, text: str) -> Judging:
        return self.judge.prepare([text], question="")

    def _view(self, document_id: str, revision: int | None) -> DocumentView | None:
        try:
            return self.library.document(document_id, self.scope, revision=revision)
        except NotFound:
            return None


def says(judging: Judging, text: str) -> bool:
    """Return whether passages bear out every statement of a text."""
    claims = [one for one in split_claims(text) if one.kind not in {"connective", "heading"}]
    return bool(claims) and all(
        judging.check(one).verdict is VerdictValue.SUPPORTED for one in claims
    )


def _rejected(claim: Claim, judging: Judging) -> Rejected:
    found = judging.check(_draft(claim)).reasons if claim.text else ()
    return Rejected(
        text=claim.text,
        reasons=claim.verdict.reasons,
        contradicts=any(is_contradiction(one.code) for one in found),
    )


def _draft(claim: Claim) -> DraftClaim:
    return DraftClaim(start=0, end=len(claim.text), text=claim.text, kind=claim.kind)


def _first(passages: Sequence[Passage], places: Places, *, whole_page: bool = False) -> int | None:
    """Return the rank of the first passage that holds any of what was expected."""
    for place, one in enumerate(passages, start=1):
        held = places.get(one.document_id)
        if held is not None and (whole_page or held.meets(one)):
            return place
    return None


def _is_whole(passages: Sequence[Passage], places: Places) -> bool:
    return any(
        one.document_id in places and places[one.document_id].is_within(one) for one in passages
    )


def _where(passages: Sequence[Passage], places: Places) -> tuple[str, int]:
    """Return path and line of the place that came furthest; empty and 0 without any."""
    ranked = [one.document_id for one in passages if one.document_id in places]
    for name in (*ranked, *places):
        view, spans = places[name].view, places[name].spans
        start = spans[0].start if spans else 0
        return view.member.document.path, line_of(view.content.text.text, start)
    return "", 0
