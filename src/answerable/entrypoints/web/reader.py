"""The Document page: a document as it is, or as it was when it was cited, with the span lit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from answerable.app import App, DocumentView
from answerable.domain.documents import LandmarkKind, Span, Text
from answerable.domain.errors import NotFound
from answerable.domain.questions import Scope
from answerable.entrypoints.web import paper
from answerable.entrypoints.web.schemas import NUMBER_MAX
from answerable.library.landmarks import begins, in_words, whereabouts


class Link(BaseModel):
    """What a link to a document says about where it leads.

    Attributes:
        start, end: What was cited; empty for the document as a whole.
        hash: Of the text the span counts in; empty when the link cites nothing.
        begin: Where the page begins; None for the page that holds what is cited.
    """

    revision: Annotated[int | None, Field(ge=0, le=NUMBER_MAX)] = None
    start: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    end: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    hash: Annotated[str, Field(max_length=64)] = ""
    begin: Annotated[int | None, Field(alias="from", ge=0, le=NUMBER_MAX)] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """The document a link leads to, and whether its span can be trusted there.

    Attributes:
        notice: What the reader should know first: ``changed``, ``vanished``, ``gone`` or empty.
    """

    view: DocumentView
    is_exact: bool
    notice: str = ""


def locate(app: App, document: str, scope: Scope, link: Link) -> Located:
    """Return the document as it is now if its text is still the cited one, else as it was.

    Raises:
        NotFound: There is no such document, now or then.
    """
    now = _view(app, document, scope, None)
    if now and (now.content_hash == link.hash or not (link.hash or link.revision)):
        return Located(view=now, is_exact=now.content_hash == link.hash)
    then = _view(app, document, scope, link.revision) if link.revision is not None else None
    if then and link.hash in ("", then.content_hash):
        is_same = now is not None and now.content_hash == then.content_hash
        changed = "" if is_same else "changed" if now else "vanished"
        return Located(view=then, is_exact=bool(link.hash), notice=changed)
    if now:
        return Located(view=now, is_exact=False, notice="gone")
    raise NotFound("there is no such document", hint="ask again, or GET /v1/documents")


def _view(app: App, document: str, scope: Scope, revision: int | None) -> DocumentView | None:
    try:
        return app.document(document, scope, revision=revision)
    except NotFound:
        return None


def reading(app: App, document: str, link: Link) -> dict[str, object]:
    """Return what the Document page is made of."""
    located = locate(app, document, app.owner(), link)
    view = located.view
    cited = Span(link.start, link.end) if located.is_exact and link.start < link.end else None
    return {
        "view": view,
        "member": view.member,
        "notice": located.notice,
        "link": link,
        "chars": len(view.content.text.text),
        "spot": _spot(view.content.text, link),
        "has_original": app.has_original(view.member),
        "page_number": _page(view, link) if cited else 0,
        "findings": in_words(view.content.text.findings),
        "sheet": paper.sheet(view.content.text, view.pieces, begin=link.begin, cited=cited),
    }


def _page(view: DocumentView, link: Link) -> int:
    """Return on which page of a PDF a link leads to; 0 where there is none to be shown."""
    if view.member.format != "pdf":
        return 0
    before = begins(view.content.text.landmarks, 0, link.start + 1)
    return next((one.number for one in reversed(before) if one.kind is LandmarkKind.PAGE), 0)


def _spot(text: Text, link: Link) -> str:
    """Return where a link leads to, in words."""
    line = text.text.count("\n", 0, link.start) + 1
    return whereabouts(text.landmarks, link.start, link.end) or f"line {line}"
