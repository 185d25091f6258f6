"""An answer as somebody hands it back, in either shape it was given in, checked by its schema.

It comes as `POST /v1/ask` gave it, or as `answerable ask --json` did. What re-checking does not
need is passed over, so that answers of other versions can be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from answerable.answering.standing import Given, GivenClaim
from answerable.domain.errors import BadInput
from answerable.domain.questions import Citation

CITATIONS_MAX = 500
"""In one answer; the page and the API give a few dozen at most."""

_NUMBER_MAX = 2**53
_COMPLAINTS_MAX = 3
_NAME_CHARS = 80


def _encodable(text: str) -> str:
    """Return a name that can be looked up; JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("string_unicode", "is not valid Unicode") from None
    return text


Name = Annotated[str, Field(max_length=64), AfterValidator(_encodable)]
Number = Annotated[int, Field(ge=-_NUMBER_MAX, le=_NUMBER_MAX)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class GivenCitationIn(_Shape):
    """A citation of an answer."""

    document_id: Name
    path: str
    title: str = ""
    heading: list[str] = []
    line: Number
    start: Number
    end: Number
    content_hash: Annotated[str, Field(max_length=64)]
    quote: str


class GivenClaimIn(_Shape):
    """A claim of an answer."""

    text: str
    citations: Annotated[list[GivenCitationIn], Field(max_length=CITATIONS_MAX)]


class GivenIn(_Shape):
    """An answer that was given: `claims` as `POST /v1/ask` gave them, or a `trace_id` alone."""

    trace_id: Annotated[Name, Field(description="Under which the answer was recorded.")] = ""
    revision: Annotated[int | None, Field(ge=0, le=_NUMBER_MAX)] = None
    rung: Annotated[str, Field(max_length=200)] = ""
    claims: Annotated[
        list[GivenClaimIn] | None,
        Field(max_length=CITATIONS_MAX, description="Left out: those recorded under `trace_id`."),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _flattened(cls, value: object) -> object:
        """Return the shape of the API for that of the command line: a trace with its outcome."""
        if not isinstance(value, Mapping) or not isinstance(value.get("outcome"), Mapping):
            return value
        outcome = value["outcome"]
        return {
            "trace_id": value.get("id", ""),
            "revision": value.get("revision"),
            "rung": outcome.get("rung", ""),
            "claims": outcome.get("claims", []),
        }

    @model_validator(mode="after")
    def _names_something(self) -> GivenIn:
        if self.claims is None and not self.trace_id:
            raise PydanticCustomError("nothing_given", "needs a trace_id or claims")
        if sum(len(one.citations) for one in self.claims or ()) > CITATIONS_MAX:
            raise PydanticCustomError("too_many", "has too many citations")
        return self

    def value(self) -> Given | None:
        """Return what is to be re-checked; None when only a trace is named."""
        if self.claims is None:
            return None
        return Given(
            trace_id=self.trace_id,
            revision=self.revision,
            rung=self.rung,
            claims=tuple(
                GivenClaim(text=one.text, citations=tuple(map(_citation, one.citations)))
                for one in self.claims
            ),
        )


def read_answers(text: str) -> Iterator[GivenIn]:
    """Give the answers in a text: JSON objects one after the other, one a line or over several.

    Raises:
        BadInput: One is no answer; it is named by its line, and nothing of it is repeated.
    """
    decoder, at = json.JSONDecoder(), 0
    while (at := _skipped(text, at)) < len(text):
        began = at
        try:
            value, at = decoder.raw_decode(text, began)
        except (ValueError, RecursionError) as error:
            raise _bad(text, began, "is not valid JSON") from error
        try:
            yield GivenIn.model_validate(value)
        except ValidationError as error:
            found = [_complaint(one["loc"], one["msg"]) for one in error.errors()]
            raise _bad(text, began, "; ".join(found[:_COMPLAINTS_MAX])) from error


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _complaint(place: Sequence[int | str], message: str) -> str:
    name = ".".join(map(str, place))[:_NAME_CHARS]
    said = f"{message[:1].lower()}{message[1:]}"
    return f"{name}: {said}" if name else said


def _bad(text: str, began: int, complaint: str) -> BadInput:
    line = text.count("\n", 0, began) + 1
    return BadInput(
        f"the answer in line {line}: {complaint}",
        hint="give it as `answerable ask --json` or POST /v1/ask gave it",
    )


def _citation(given: GivenCitationIn) -> Citation:
    values: dict[str, Any] = {name: getattr(given, name) for name in GivenCitationIn.model_fields}
    return Citation(**values | {"heading": tuple(given.heading)})
