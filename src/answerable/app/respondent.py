"""The app as an evaluation asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from answerable.answering.verify import verify
from answerable.app.views import DocumentView
from answerable.domain.questions import Answered, Citation, Scope, Trace
from answerable.library.search import Found
from answerable.quality.flow import Respondent

_PASSAGES = 300


class Asked(Protocol):
    """What is needed of the app."""

    def search(self, text: str, scope: Scope, *, limit: int) -> Found:
        """Return passages for a text."""
        ...

    def document(
        self, document_id: str, scope: Scope, *, revision: int | None = None
    ) -> DocumentView:
        """Return a document in a revision."""
        ...


class AppRespondent:
    """Fits `quality.flow.Respondent`.

    Args:
        app: Who searches and shows documents.
        answer: Answers a question for a scope.
        scope: As whom it is asked.
        named: Turns a document's path into the name question sets use.
    """

    def __init__(
        self,
        app: Asked,
        answer: Callable[[str, Scope], Trace],
        scope: Scope,
        named: Callable[[str], str],
    ) -> None:
        self._app = app
        self._answer = answer
        self._scope = scope
        self._named = named

    def ask(self, question: str) -> Trace:
        """Return what is answered."""
        return self._answer(question, self._scope)

    def ranking(self, question: str, *, documents: int) -> tuple[str, ...]:
        """Return the documents that are found, best first."""
        found = self._app.search(question, self._scope, limit=_PASSAGES)
        paths = dict.fromkeys(self._named(passage.path) for passage in found.passages)
        return tuple(paths)[:documents]

    def verified(self, trace: Trace) -> int:
        """Return how many citations hold against the documents as they are stored."""
        if not isinstance(trace.outcome, Answered):
            return 0
        citations = [one for claim in trace.outcome.claims for one in claim.citations]
        return sum(self._holds(citation, trace.revision) for citation in citations)

    def _holds(self, citation: Citation, revision: int) -> bool:
        view = self._app.document(citation.document_id, self._scope, revision=revision)
        text = view.content.text
        return not verify(citation, text.text, spans=view.pieces, masks=text.masks)


_: Callable[..., Respondent] = AppRespondent
