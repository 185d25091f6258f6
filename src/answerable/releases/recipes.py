"""A release as a file for Git, as names with values, and what differs between two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from difflib import unified_diff
from typing import Any

from answerable.domain.decoding import decode
from answerable.domain.errors import BadInput
from answerable.domain.releases import Proposal, Release

FORMAT = "answerable-release-1"
"""Stands in every file; raised when a reader of today could not read it."""

Value = str | float | int | bool | None

_ABSENT = object()
_LINES_AROUND = 2


def written(release: Release, proposal: Proposal | None) -> str:
    """Return a release as a file: JSON that Git shows line by line."""
    noted = asdict(proposal) if proposal else {}
    noted.pop("release_id", None)
    whole = {"format": FORMAT, "id": release.id, **noted, "recipe": asdict(release)}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def read(text: str, *, name: str) -> tuple[Release, Proposal]:
    """Return the release in a file, and who proposed it as far as it says.

    Args:
        text: As `written` gave it.
        name: What errors call the file.

    Raises:
        BadInput: It is none, or its recipe is not the one its id stands for.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise BadInput(
            f"{name} is no release", hint="answerable releases export RELEASE -o FILE writes one"
        )
    try:
        release = decode(Release, whole.get("recipe"))
        proposal = _proposal(whole, release)
    except ValueError as error:
        raise BadInput(
            f"{name} cannot be read by this version: {error}",
            hint="import it with the version that exported it",
        ) from None
    if whole.get("id") != release.id:
        raise BadInput(
            f"{name} was changed by hand: it holds {release.id}, not {whole.get('id')!s:.40}",
            hint="change a release with: answerable releases propose --set NAME=VALUE",
        )
    return release, proposal


def _proposal(whole: Mapping[str, Any], release: Release) -> Proposal:
    names = ("parent", "author", "message")
    said = {name: whole.get(name, "") for name in names}
    return decode(Proposal, {"release_id": release.id, **said, "at_ms": whole.get("at_ms", 0)})


def flat(release: Release) -> dict[str, Value]:
    """Return every value of a release by its name: ``retrieval.passages_max``.

    What has a name of its own in a list is called by it: ``models.main.model``,
    ``writing.prompts.answer``, ``abstaining.by_words.weights.unit``. The ladder is one value.
    """
    return dict(_named("", asdict(release)))


def _named(name: str, value: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _named(f"{name}.{key}" if name else key, one)
    elif isinstance(value, list | tuple):
        yield from _listed(name, value)
    else:
        yield name, value


def _listed(name: str, value: list[Any] | tuple[Any, ...]) -> Iterator[tuple[str, Value]]:
    if value and all(isinstance(one, dict) and "name" in one for one in value):
        for one in value:
            yield from _named(f"{name}.{one['name']}", one)
    elif value and all(isinstance(one, list | tuple) for one in value):
        for key, one in value:
            yield from _named(f"{name}.{key}", one)
    else:
        yield name, ", ".join(map(str, value))


def differences(before: Release, after: Release) -> dict[str, tuple[Value, Value]]:
    """Return the values that differ, before and after, by name; None where there is none."""
    ours, theirs = flat(before), flat(after)
    return {
        name: (ours.get(name), theirs.get(name))
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name, _ABSENT) != theirs.get(name, _ABSENT)
    }


def in_words(found: Mapping[str, tuple[Value, Value]]) -> Iterator[str]:
    """Give differences as lines: a value as ``name: before -> after``, a text line by line."""
    for name, (before, after) in found.items():
        if _is_text(before) or _is_text(after):
            yield f"{name}:"
            lines = unified_diff(
                str(before or "").splitlines(),
                str(after or "").splitlines(),
                lineterm="",
                n=_LINES_AROUND,
            )
            yield from (f"  {line}" for line in list(lines)[2:])
        else:
            yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and "\n" in value


def _shown(value: Value) -> str:
    if value is None:
        return "none"
    return (str(value) or "nothing") if not isinstance(value, bool) else str(value).lower()
