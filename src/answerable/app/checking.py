"""The claim check alone: lines of JSON in, lines of JSON out, one at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from answerable.answering.checking import CheckedResponse, FeatureJudge
from answerable.answering.ports import Judge
from answerable.domain.errors import BadLine, PathMissing
from answerable.domain.releases import FEATURES, ONNX
from answerable.settings import find_workspace, load

STDIN = Path("-")
# A line is held in memory; nobody's context is longer.
LINE_MB_MAX = 16
_FIELDS = '{"id": "1", "context": "…", "question": "…", "response": "…"}'


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedLine:
    """The verdict on one line.

    Attributes:
        number: Of the line, from 1.
        id: As it was given; null where there was none.
    """

    number: int
    id: str | int | None
    response: str
    checked: CheckedResponse

    def as_json(self) -> dict[str, Any]:
        """Return what `check --json` prints of it."""
        return {
            "id": self.id,
            "p_supported": round(self.checked.p_supported, 6),
            "verdict": self.checked.verdict.value.upper(),
            "claims": [
                {
                    "start": one.claim.start,
                    "end": one.claim.end,
                    "kind": one.claim.kind,
                    "verdict": one.verdict.value.upper(),
                    "p": round(one.p_supported, 6),
                    "reasons": [{"code": why.code, "text": why.text} for why in one.reasons],
                    "evidence": [
                        {"passage": span.passage, "start": span.start, "end": span.end}
                        for span in one.evidence
                    ],
                }
                for one in self.checked.claims
            ],
        }


@contextmanager
def open_judge(name: str, workspace: Path | None) -> Iterator[Judge]:
    """Give a judge by name: ``features``, ``model:NAME``, ``onnx:NAME`` or ``onnx:FOLDER``.

    Only a name that the settings have to explain needs a workspace.

    Raises:
        BadInput, NotFound, NotReady, BadConfiguration: It cannot be had.
    """
    if name == FEATURES:
        yield FeatureJudge()
        return
    from answerable.adapters.clock import SystemClock
    from answerable.app.judges import Judges
    from answerable.app.models import Models

    needs_settings = not (name.startswith(ONNX) and Path(name.removeprefix(ONNX)).is_dir())
    settings = load(find_workspace(workspace or Path()) if needs_settings else None)
    with ExitStack() as stack:
        models = Models(settings, settings.data if needs_settings else None, SystemClock(), stack)
        yield Judges(settings, models).named(name)


def check_file(path: Path, judge: Judge | None = None) -> Iterator[CheckedLine | BadLine]:
    """Give the verdict on each line of a file, or of stdin for ``-``, as it is read.

    A line that cannot be understood gives its error and the next one is read; blank lines give
    nothing. One line is in memory at a time. Without a judge the one that ships judges.

    Raises:
        PathMissing: There is no such file.
        ModelFailed: The judge gave no verdict.
    """
    judge = judge or FeatureJudge()
    with _opened(path) as lines:
        for number, raw in enumerate(_lines(lines), start=1):
            try:
                if raw.strip():
                    yield check_line(number, raw, judge)
            except BadLine as error:
                yield error


def check_line(number: int, raw: bytes, judge: Judge) -> CheckedLine:
    """Return the verdict on one line.

    Raises:
        BadLine: It is no JSON object, or a field is missing or of the wrong kind.
        ModelFailed: The judge gave no verdict.
    """
    row = _object(number, raw)
    passages = _passages(number, row.get("context"))
    response = _text(number, row, "response", needed=True)
    question = _text(number, row, "question")
    checked = judge.prepare(passages, question=question).check_response(response)
    return CheckedLine(number=number, id=_id(number, row), response=response, checked=checked)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    if not path.is_file():
        raise PathMissing(f"{path} is no file", hint="check the spelling, or give - for stdin")
    with path.open("rb") as opened:
        yield opened


def _lines(opened: BinaryIO) -> Iterator[bytes]:
    """Give lines; of a line that is too long only its beginning, which is too long as well."""
    most = LINE_MB_MAX * 1_000_000
    while line := opened.readline(most + 1):
        yield line
        while len(line) > most and not line.endswith(b"\n"):
            line = opened.readline(most + 1)


def _object(number: int, raw: bytes) -> Mapping[str, Any]:
    if len(raw) > LINE_MB_MAX * 1_000_000:
        raise _bad(number, f"is longer than {LINE_MB_MAX} MB", hint="shorten its context")
    try:
        row = json.loads(raw)
    except UnicodeDecodeError as error:
        raise _bad(number, "is not UTF-8", hint="convert the file to UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _bad(number, "is no JSON") from error
    if not isinstance(row, dict):
        raise _bad(number, f"is a JSON {_kind(row)}, not an object")
    return row


def _passages(number: int, context: object) -> Sequence[str]:
    if isinstance(context, str):
        return (context,)
    if isinstance(context, list) and all(isinstance(one, str) for one in context):
        return tuple(context)
    if context is None:
        raise _bad(number, "has no context")
    raise _bad(number, f"has a context that is {_article(context)}, not a text or list of texts")


def _text(number: int, row: Mapping[str, Any], field: str, *, needed: bool = False) -> str:
    value = row.get(field)
    if isinstance(value, str):
        return value
    if value is None and not needed:
        return ""
    if value is None:
        raise _bad(number, f"has no {field}")
    raise _bad(number, f"has a {field} that is {_article(value)}, not a text")


def _id(number: int, row: Mapping[str, Any]) -> str | int | None:
    value = row.get("id")
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    raise _bad(number, f"has an id that is {_article(value)}, not a text or number")


def _kind(value: object) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _article(value: object) -> str:
    kind = _kind(value)
    return "null" if kind == "null" else f"an {kind}" if kind == "object" else f"a {kind}"


def _bad(number: int, what: str, *, hint: str = f"one object a line: {_FIELDS}") -> BadLine:
    return BadLine(f"line {number} {what}", hint=hint)
