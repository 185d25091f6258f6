"""The app as an evaluation asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from answerable.answering.verify import verify
from answerable.app.current import Open
from answerable.app.views import DocumentView
from answerable.domain.errors import NotReady
from answerable.domain.questions import Answered, Citation, Scope, Trace
from answerable.domain.releases import Retrieval
from answerable.library.search import Found
from answerable.library.vectors import Coverage
from answerable.quality.flow import Respondent

_PASSAGES = 300


class Asked(Protocol):
    """What is needed of the app."""

    def search(
        self,
        text: str,
        scope: Scope,
        *,
        limit: int,
        retrieval: Retrieval | None = None,
        on: Open | None = None,
    ) -> Found:
        """Return passages for a text, as a release finds them or as a retrieval says."""
        ...

    def document(
        self, document_id: str, scope: Scope, *, revision: int | None = None
    ) -> DocumentView:
        """Return a document in a revision."""
        ...


def check_covered(coverage: Coverage, mend: str) -> None:
    """Make sure that what is measured is the release and not a half of it.

    Args:
        coverage: Of what answers.
        mend: What to do where vectors are lacking.

    Raises:
        NotReady: A chunk has no vector yet.
    """
    if not coverage.is_full:
        raise NotReady(
            f"{coverage.covered} of {coverage.chunks} chunks have vectors: "
            "a measurement now would not be of this release",
            hint=f"{mend}; or measure it as it is with --partial",
        )


class AppRespondent:
    """Fits `quality.flow.Respondent`.

    Args:
        app: Who searches and shows documents.
        answer: Answers a question for a scope.
        scope: As whom it is asked.
        named: Turns a document's path into the name question sets use.
        retrieval: How documents are ranked; None for the release as it is.
        partial: Whether a question may be ranked by words alone where vectors are missing.
        on: The release that is asked, with what it answers from; None for what serves.
    """

    def __init__(
        self,
        app: Asked,
        answer: Callable[[str, Scope], Trace],
        scope: Scope,
        named: Callable[[str], str],
        *,
        retrieval: Retrieval | None = None,
        partial: bool = False,
        on: Open | None = None,
    ) -> None:
        self._app = app
        self._answer = answer
        self._scope = scope
        self._named = named
        self._retrieval = retrieval
        self._partial = partial
        self._on = on

    def ask(self, question: str) -> Trace:
        """Return what is answered."""
        return self._answer(question, self._scope)

    def ranking(self, question: str, *, documents: int) -> tuple[str, ...]:
        """Return the documents that are found, best first.

        Raises:
            NotReady: They could be ranked by words only, and that would not be the release.
        """
        # A document has so many passages at most, so these are of as many documents as wanted.
        how = self._retrieval or (self._on.serving.release.retrieval if self._on else None)
        limit = documents * how.per_document_max if how else _PASSAGES
        found = self._app.search(
            question,
            self._scope,
            limit=min(limit, _PASSAGES),
            retrieval=self._retrieval,
            on=self._on,
        )
        if found.words_only and not self._partial:
            raise NotReady(
                f"a question was ranked by words only: {found.words_only}",
                hint="answerable embedders list; or measure it as it is with --partial",
            )
        paths = dict.fromkeys(self._named(passage.path) for passage in found.passages)
        return tuple(paths)[:documents]

    def verified(self, trace: Trace) -> int:
        """Return how many citations hold against the documents as they are stored."""
        if not isinstance(trace.outcome, Answered):
            return 0
        citations = [one for claim in trace.outcome.claims for one in claim.citations]
        views = {
            one: self._app.document(one, self._scope, revision=trace.revision)
            for one in {citation.document_id for citation in citations}
        }
        return sum(_holds(citation, views[citation.document_id]) for citation in citations)


def _holds(citation: Citation, view: DocumentView) -> bool:
    text = view.content.text
    return not verify(citation, text.text, spans=view.pieces, masks=text.masks)


_: Callable[..., Respondent] = AppRespondent
