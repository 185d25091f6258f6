"""Texts of some elements of an XML file that nobody vouches for."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat


class BadXml(Exception):  # noqa: N818 # named by what is wrong
    """It is no XML, or XML with definitions of its own, which nobody needs here."""


Place = tuple[str, str]
"""Name of an element, and of the one it stands in first, both without prefix."""


def texts(data: bytes, wanted: frozenset[Place]) -> list[tuple[Place, str]]:
    """Return the texts of some elements of an XML file, in order.

    Entities and document types of a file's own are refused: no bomb, no file of this machine.

    Args:
        data: The whole file.
        wanted: Which elements, each as (its parent's name, its name).

    Raises:
        BadXml: It cannot be read.
    """
    reading = _Reading(wanted)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 # positional only
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadXml("it is no XML") from error
    return reading.found


def _refuse(*_: object) -> NoReturn:
    raise BadXml("it defines entities or a document type")


_DEPTH_MAX = 64


class _Reading:
    def __init__(self, wanted: frozenset[Place]) -> None:
        self._wanted = wanted
        self._open: list[str] = []
        self._text: list[str] | None = None
        self.found: list[tuple[Place, str]] = []

    def start(self, name: str, _attributes: object) -> None:
        self._open.append(name.rpartition(":")[2])
        if len(self._open) > _DEPTH_MAX:
            raise BadXml("it is nested too deeply")
        self._text = [] if self._place() in self._wanted else None

    def end(self, _name: str) -> None:
        if self._text is not None:
            self.found.append((self._place(), "".join(self._text).strip()))
        self._text = None
        self._open.pop()

    def text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _place(self) -> Place:
        parent = self._open[-2] if len(self._open) > 1 else ""
        return parent, self._open[-1]
