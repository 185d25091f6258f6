"""Files as they come over HTTP: a part of a form, or text in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from answerable.domain.errors import BadInput
from answerable.entrypoints.web.schemas import ContentIn, DocumentIn

Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file that was sent, and the path it shall have."""

    path: str
    data: bytes


async def new_document(request: Request) -> Upload:
    """Return the document in a request.

    Raises:
        BadInput: The form has no file.
        RequestValidationError: The JSON has another shape.
    """
    if _is_json(request):
        sent = _checked(DocumentIn, await request.body())
        return Upload(path=sent.path, data=sent.content.encode())
    return await _of_form(request)


async def new_content(request: Request) -> bytes:
    """Return the new content in a request.

    Raises:
        BadInput: The form has no file.
        RequestValidationError: The JSON has another shape.
    """
    if _is_json(request):
        return _checked(ContentIn, await request.body()).content.encode()
    return (await _of_form(request)).data


def request_body(shape: type[BaseModel], *, with_path: bool) -> dict[str, Any]:
    """Return what OpenAPI says of an upload: a form or JSON."""
    fields: dict[str, Any] = {"file": {"type": "string", "format": "binary"}}
    if with_path:
        fields["path"] = {"type": "string", "description": "Instead of the name of the file."}
    form = {"type": "object", "properties": fields, "required": ["file"]}
    content = {
        "multipart/form-data": {"schema": form},
        "application/json": {"schema": shape.model_json_schema()},
    }
    return {"requestBody": {"required": True, "content": content}}


async def _of_form(request: Request) -> Upload:
    async with request.form(max_files=1, max_fields=1) as form:
        file, path = form.get("file"), form.get("path")
        if not isinstance(file, UploadFile):
            raise BadInput("file: the form has no such part", hint="curl -F file=@runbook.md")
        name = path if isinstance(path, str) and path else file.filename
        return Upload(path=name or "", data=await file.read())


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("application/json")


def _checked(shape: type[Shape], body: bytes) -> Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error
