"""What the tools take and give, where it is not what the HTTP API takes and gives."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from answerable.entrypoints.web.schemas import NUMBER_MAX, DocumentViewOut, Words

CHARS_MAX = 100_000
"""Of a document in one call; what an agent cannot hold it had better not get at once."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AskIn(_Shape):
    """A question."""

    question: Annotated[Words, Field(description="In plain words, one question at a time.")]
    rung: Annotated[
        Words,
        Field(
            max_length=200,
            description="Let only this rung answer: `quote`, `search` or `model:NAME`. "
            "Left out: the whole ladder.",
        ),
    ] = ""
    follows: Annotated[
        Words,
        Field(max_length=64, description="`trace_id` of the answer this question goes on from."),
    ] = ""


class GetDocumentIn(_Shape):
    """A document, or a part of it."""

    document: Annotated[
        Words,
        Field(min_length=1, max_length=4096, description="Its `document_id`, or its path."),
    ]
    revision: Annotated[
        int | None,
        Field(ge=0, le=NUMBER_MAX, description="Left out: the one that serves. Needs an id."),
    ] = None
    start: Annotated[
        int, Field(ge=0, le=NUMBER_MAX, description="Code points from the start of its text.")
    ] = 0
    chars: Annotated[
        int, Field(ge=1, le=CHARS_MAX, description="At most so many code points of its text.")
    ] = 20_000


class DocumentPartOut(DocumentViewOut):
    """A part of a document. `next` is the `start` of the next part, null at the end."""

    next: int | None
