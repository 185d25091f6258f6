"""Frozen values from what JSON made of them, strictly by their type hints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

_T = TypeVar("_T")

Load = Callable[[int], str]


# In a union of dataclasses, the key that says which one it is.
TAG = "is"


class _Field(NamedTuple):
    hint: Any
    is_optional: bool


def decode(kind: type[_T], value: object, load: Load | None = None) -> _T:
    """Return the dataclass that a JSON object stands for.

    A field that is missing takes its default, so that newer code reads older data. What is
    too much or of the wrong type is refused.

    Args:
        kind: A dataclass of scalars, string enums, tuples, unions with None, and
            unions of dataclasses that are told apart by `TAG`.
        value: What `json.loads` gave.
        load: Given, a number in place of a string is a reference, and this its text.

    Raises:
        ValueError: The value does not fit; says where, not what.
    """
    decoded: _T = _dataclass(kind, value, load)
    return decoded


def tag(kind: type) -> str:
    """Return the name of a dataclass in a union: its own, in lower case."""
    return kind.__name__.lower()


def _decode(hint: Any, value: Any, load: Load | None) -> Any:
    if is_dataclass(hint):
        return _dataclass(hint, value, load)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, load)
    if get_origin(hint) is UnionType:
        return _union(get_args(hint), value, load)
    return _scalar(hint, value, load)


def _dataclass(kind: Any, value: Any, load: Load | None) -> Any:
    plan = _plan(kind)
    if not isinstance(value, dict) or not value.keys() <= plan.keys():
        raise ValueError(f"not a {kind.__name__}")
    for name, field in plan.items():
        if name not in value and not field.is_optional:
            raise ValueError(f"a {kind.__name__} without {name}")
    return kind(**{name: _decode(plan[name].hint, item, load) for name, item in value.items()})


def _tuple(hints: tuple[Any, ...], value: Any, load: Load | None) -> tuple[Any, ...]:
    if type(value) is not list:
        raise ValueError("not a list")
    if hints[-1] is Ellipsis:
        return tuple([_decode(hints[0], item, load) for item in value])
    if len(hints) != len(value):
        raise ValueError("a list of the wrong length")
    return tuple([_decode(hint, item, load) for hint, item in zip(hints, value, strict=True)])


def _union(hints: tuple[Any, ...], value: Any, load: Load | None) -> Any:
    if value is None and NoneType in hints:
        return None
    kinds = [hint for hint in hints if hint is not NoneType]
    if len(kinds) == 1:
        return _decode(kinds[0], value, load)
    for kind in kinds:
        if isinstance(value, dict) and value.get(TAG) == tag(kind):
            rest = {name: item for name, item in value.items() if name != TAG}
            return _dataclass(kind, rest, load)
    raise ValueError("none of " + ", ".join(map(tag, kinds)))


def _scalar(hint: Any, value: Any, load: Load | None) -> Any:
    kind = type(value)
    if kind is hint:
        return value
    if hint is float and kind is int:
        return value  # as it was written: a release's id is a digest of just that
    if hint is str and kind is int and load is not None:
        return load(value)
    if kind is str and isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    raise ValueError(f"a {kind.__name__} where a {hint.__name__} belongs")


@cache
def _plan(kind: Any) -> dict[str, _Field]:
    hints = get_type_hints(kind)
    return {
        field.name: _Field(
            hint=hints[field.name],
            is_optional=field.default is not MISSING or field.default_factory is not MISSING,
        )
        for field in fields(kind)
    }
