"""The tools behind the official SDK: what it lists, calls, and how a call fails."""

from __future__ import annotations

import logging
import secrets
import traceback
from itertools import count
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Listed
from pydantic import ValidationError

from answerable import __version__
from answerable.app import App
from answerable.domain.errors import AnswerableError, BadInput
from answerable.entrypoints.mcp.tools import INSTRUCTIONS, Told, Tool, tools
from answerable.entrypoints.web.happening import Answers

_COMPLAINTS_MAX = 5
_NAME_CHARS = 60

_log = logging.getLogger("answerable.mcp")


def new_server(app: App, answers: Answers) -> Server[Any]:
    """Return a server of the tools over one app; it keeps nothing between calls."""
    known = {tool.name: tool for tool in tools(app, answers)}

    async def listed(_ctx: ServerRequestContext, _page: PaginatedRequestParams | None) -> Any:
        return ListToolsResult(tools=[_listed(tool) for tool in known.values()])

    async def called(ctx: ServerRequestContext, params: CallToolRequestParams) -> Any:
        tool = known.get(params.name)
        if tool is None:
            raise MCPError(code=INVALID_PARAMS, message="there is no such tool; list them")
        return await _called(tool, params.arguments or {}, _telling(ctx))

    return Server(
        "answerable",
        version=__version__,
        title="Answerable",
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )


def _listed(tool: Tool) -> Listed:
    return Listed(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.takes.model_json_schema(),
        output_schema=tool.gives.model_json_schema(),
        annotations=ToolAnnotations(
            title=tool.title, read_only_hint=True, destructive_hint=False, open_world_hint=False
        ),
    )


def _telling(ctx: ServerRequestContext) -> Told:
    """Return what keeps a patient client waiting; nothing where it did not ask for progress."""
    steps = count(1)

    async def told() -> None:
        await ctx.session.report_progress(next(steps), message="the answer is on its way")

    return told


async def _called(tool: Tool, arguments: dict[str, Any], told: Told) -> CallToolResult:
    """Return what a tool gives, or its failure in a shape that a model can read."""
    try:
        said = await tool.run(_fitting(tool, arguments), told)
    except AnswerableError as error:
        return _failed(error.code, error.message, error.hint)
    except Exception as error:  # noqa: BLE001  the last one who can answer
        return _internal(error)
    return CallToolResult(content=[_text(said.text)], structured_content=said.value)


def _fitting(tool: Tool, arguments: dict[str, Any]) -> Any:
    """Return the arguments of a tool.

    Raises:
        BadInput: They do not fit; it names fields, not values.
    """
    try:
        return tool.takes.model_validate(arguments)
    except ValidationError as error:
        said = "; ".join(_complaint(one) for one in error.errors()[:_COMPLAINTS_MAX])
        raise BadInput(said, hint="tools/list has the schema of every tool") from None


def _complaint(found: Any) -> str:
    name = ".".join(map(str, found["loc"]))[:_NAME_CHARS]
    plain = "".join(char if char.isprintable() else "?" for char in name) or "the arguments"
    said = found["msg"]
    return f"{plain}: {said[:1].lower()}{said[1:]}"


def _internal(error: Exception) -> CallToolResult:
    """Return the failure that is our mistake; what happened is in the log under its id."""
    name = secrets.token_hex(13)
    # Frames only: the message of an exception may hold text of a document.
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("internal %s: %s\n%s", name, type(error).__name__, frames)
    return _failed(
        "internal", "Answerable failed in a way it should not.", f"look for {name} in the log"
    )


def _failed(code: str, message: str, hint: str) -> CallToolResult:
    return CallToolResult(
        content=[_text(f"error[{code}]: {message}\n  hint: {hint}")],
        is_error=True,
        _meta={"answerable/code": code, "answerable/hint": hint},
    )


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)
