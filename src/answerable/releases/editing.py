"""Changing one thing of a release, by its name, into another release."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from answerable.domain.decoding import decode
from answerable.domain.errors import BadInput
from answerable.domain.releases import MODEL, Release
from answerable.releases.flow import LADDER
from answerable.releases.recipes import flat

_SHARES = (
    "lexical_weight",
    "sentence_weight",
    "confidence_min",
    "supported_min",
    "declined_min",
    "top_p",
)
_FROM_ZERO = ("seed", "lost_max")
_OF_SOFTWARE = ("line.", "software")
_LIST = "ladder"
_NONE = "none"


def edited(release: Release, name: str, given: str) -> Release:
    """Return a release with one value changed.

    Args:
        release: That it is made from.
        name: As `answerable.releases.recipes.flat` calls it.
        given: The value as a person writes it: a number, a text, ``none`` where there may be
            none, or names with commas for the ladder.

    Raises:
        BadInput: There is no such value, it cannot be that, or software alone decides it.
    """
    known = flat(release)
    if name not in known and name != _LIST:
        raise BadInput(
            f"a release has no value {name[:80]!r}{_like(name, known)}",
            hint="answerable releases show RELEASE names all of them",
        )
    if name.startswith(_OF_SOFTWARE):
        raise BadInput(
            f"{name} says which software it is: it cannot be chosen", hint="install that version"
        )
    recipe = _plain(asdict(release))
    _put(recipe, name.split("."), given, name=name)
    return checked(_decoded(recipe, name, given))


def checked(release: Release) -> Release:
    """Return a release that can answer.

    Raises:
        BadInput: A value is out of its range, or the ladder names a rung that is not there.
    """
    for name, value in flat(release).items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            _check_number(name, value)
    models = {f"{MODEL}{one.name}" for one in release.models}
    for rung in release.ladder:
        if rung not in models and rung not in LADDER:
            there = ", ".join((*sorted(models), *LADDER))
            raise BadInput(f"there is no rung {rung!r}", hint=f"there are: {there}")
    if release.ladder[-1:] != LADDER[-1:]:
        raise BadInput(
            "a ladder ends with abstain, which needs nothing and cannot fail",
            hint=f"--set {_LIST}={','.join((*release.ladder, LADDER[-1]))}",
        )
    return release


def _check_number(name: str, value: float) -> None:
    last = name.rpartition(".")[2]
    if ".weights." in name:
        lowest = -math.inf
    else:
        lowest = 1 if isinstance(value, int) and last not in _FROM_ZERO else 0
    highest = 1.0 if last in _SHARES else math.inf
    if not (math.isfinite(value) and lowest <= value <= highest):
        upto = f" to {highest:g}" if last in _SHARES else ""
        raise BadInput(
            f"{name} takes a number from {lowest}{upto}, not {value}",
            hint="answerable releases show live tells what it is now",
        )


def _plain(value: Any) -> Any:
    """Return values as JSON has them, so that they can be changed in place."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _put(inside: Any, parts: Sequence[str], given: str, *, name: str) -> None:
    """Write a value where its name leads: through tables, and lists of what has a name."""
    first, rest = parts[0], parts[1:]
    if isinstance(inside, list):
        found = {_name_of(one): one for one in inside}
        ends = range(len(parts), 0, -1)  # a name may have points in it
        end = next(end for end in ends if ".".join(parts[:end]) in found)
        one = found[".".join(parts[:end])]
        if isinstance(one, list):
            one[1] = _value(one[1], given, name)
        else:
            _put(one, parts[end:], given, name=name)
    elif not rest:
        inside[first] = _value(inside[first], given, name)
    else:
        _put(inside[first], rest, given, name=name)


def _name_of(one: Any) -> Any:
    return one["name"] if isinstance(one, dict) else one[0]


def _value(now: object, given: str, name: str) -> Any:
    """Return what a person wrote as the kind of value that stands there now."""
    if isinstance(now, list):
        return [one.strip() for one in given.split(",") if one.strip()]
    if isinstance(now, str):
        return given
    if given == _NONE:
        return None
    kinds: tuple[Callable[[str], Any], ...] = (int, float) if now is None else (type(now),)
    for kind in kinds:
        with suppress(ValueError):
            return kind(given)
    whole = "a whole number" if isinstance(now, int) else "a number"
    raise BadInput(f"{name} takes {whole}, not {given[:40]!r}", hint=f"it is {now} now")


def _decoded(recipe: object, name: str, given: str) -> Release:
    try:
        return decode(Release, recipe)
    except ValueError as error:
        raise BadInput(
            f"{name} cannot be {given[:40]!r}: {error}",
            hint="answerable releases show live tells what it is now",
        ) from None


def _like(name: str, known: Sequence[str] | dict[str, Any]) -> str:
    last = name.rpartition(".")[2]
    near = [one for one in known if one.rpartition(".")[2] == last]
    return f"; there is {', '.join(near[:3])}" if near else ""
