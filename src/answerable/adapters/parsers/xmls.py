"""XML of documents to elements, by an expat that expands and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from answerable.adapters.parsers.canonical import Refused

DEPTH_MAX = 400
"""Whoever walks elements by recursion must not meet Python's limit."""


def parse(data: bytes | str) -> Element:
    """Return the root element, tags and attributes without their namespaces.

    Of text, what it says of its encoding does not count.

    What names a relation to another part keeps an ``r:``, since it stands beside its like.

    Raises:
        Refused: ``malformed`` when it is no XML, declares entities, or is nested deeper than
            any document is.
    """
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = _entity
    try:
        parser.Parse(data, True)  # noqa: FBT003 -- it has no name there
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Refused("malformed", "a part of it is not well-formed XML") from error
    return builder.tree.close()


def first(element: Element | None, *path: str) -> Element | None:
    """Return the first element at a path of child tags; None where there is none."""
    for tag in path:
        element = element.find(tag) if element is not None else None
    return element


def value(element: Element | None, *path: str, name: str = "val", default: str = "") -> str:
    """Return an attribute of the element at a path; the default where there is none."""
    found = first(element, *path)
    return default if found is None else found.get(name, default)


def walk(
    element: Element,
    *,
    skipped: frozenset[str] = frozenset(),
    whole: frozenset[str] = frozenset(),
) -> Iterator[Element]:
    """Give an element and all below it in order.

    Args:
        element: Where to begin.
        skipped: Tags that are passed over with all below them.
        whole: Tags that are given, but nothing below them.
    """
    stack = [element]
    while stack:
        one = stack.pop()
        if one.tag in skipped:
            continue
        yield one
        if one.tag not in whole:
            stack.extend(reversed(one))


class _Builder:
    """Builds the tree and counts how deep it is."""

    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Refused("malformed", f"it is nested more than {DEPTH_MAX} deep")
        self.tree.start(_local(name), {_local(key): text for key, text in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self.tree.end(_local(name))


def _local(name: str) -> str:
    space, _, plain = name.rpartition(" ")
    return f"r:{plain}" if space.endswith("/relationships") and plain != "Relationship" else plain


def _doctype(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
    if has_subset:
        raise Refused("malformed", "it declares XML entities, which are never expanded")


def _entity(*_declared: object) -> None:
    raise Refused("malformed", "it declares XML entities, which are never expanded")
