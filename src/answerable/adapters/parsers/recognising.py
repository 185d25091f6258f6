"""Scans, read by OCR where this machine has tesseract: pages drawn in a child, then recognised.

Only documents that have no text at all come here; what has some is read as it is.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic

from answerable.adapters.parsers.compose import Composer
from answerable.adapters.parsers.pool import confined
from answerable.domain.documents import FindingKind, LandmarkKind, Text
from answerable.library.ports import Parsed, Parser, Raw, Unreadable

PROGRAM = "tesseract"
NEEDS_OCR = "needs_ocr"

_PDF = b"%PDF-"
_LOOK_BYTES = 1_024
_PARAGRAPH = re.compile(r"\n\s*\n")


def program() -> str:
    """Return where tesseract is, empty where it is not."""
    return shutil.which(PROGRAM) or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How pages are recognised.

    Attributes:
        languages: As tesseract calls them: ``eng``, ``eng+deu``.
        page_s: So long may one page take.
        whole_s: So long may a document take.
        memory_bytes: That one page may take.
    """

    languages: str
    page_s: float
    whole_s: float
    memory_bytes: int


class Recognising:
    """A parser that reads scans too.

    Args:
        parser: Reads everything else, and says what has no text.
        pictures: Draws pages: `pictures.read` in children of its own.
        reading: How they are recognised.
        command: Says where tesseract is, for each scan anew, so that it is found once it is
            installed; empty where it is not.
    """

    def __init__(
        self,
        parser: Parser,
        pictures: Parser,
        reading: Reading,
        *,
        command: Callable[[], str] = program,
    ) -> None:
        self._parser = parser
        self._pictures = pictures
        self._reading = reading
        self._command = command

    @property
    def digest(self) -> str:
        """The parser's: a machine without OCR reads the same text of all that has some."""
        return self._parser.digest

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        """Give one result for each file; pages of scans are recognised as their turn comes."""
        scans: dict[str, Raw] = {}
        for result in self._parser.read(_remembered(files, scans)):
            raw = scans.pop(result.path, None)
            is_scan = isinstance(result, Unreadable) and result.code == NEEDS_OCR
            command = self._command() if raw is not None and is_scan else ""
            yield self._recognised(raw, command) if raw is not None and command else result

    def close(self) -> None:
        """End all children."""
        self._parser.close()

    def _recognised(self, raw: Raw, command: str) -> Parsed | Unreadable:
        """Return what the pages of a scan say: all of them, or why not."""
        until = monotonic() + self._reading.whole_s
        pages: list[str] = []
        try:
            for drawn in self._drawn(raw):
                if isinstance(drawn, Unreadable):
                    reason = f"page {len(pages) + 1} cannot be drawn for OCR: {drawn.reason}"
                    return _refused(raw, drawn.code, reason)
                if monotonic() > until:
                    reason = f"recognising it takes more than {self._reading.whole_s:g} s"
                    return _refused(raw, "timeout", reason)
                pages.append(self._words(drawn, command))
        except (subprocess.SubprocessError, OSError) as error:
            return _refused(raw, "crashed", f"OCR failed with {type(error).__name__}")
        text = _composed(pages)
        if text is None:
            return _refused(raw, NEEDS_OCR, "its pages are images in which OCR finds no text")
        return Parsed(path=raw.path, format="pdf", text=text)

    def _drawn(self, raw: Raw) -> Iterator[bytes | Unreadable]:
        """Give every page as a picture, until one cannot be drawn."""
        number, last = 1, 1
        while number <= last:
            wanted = Raw(path=f"{number}.ocr.pdf", data=raw.data)
            (drawn,) = self._pictures.read([wanted])
            if isinstance(drawn, Unreadable):
                yield drawn
                return
            yield drawn.parts[0].data
            number, last = number + 1, int(drawn.text.text)

    def _words(self, picture: bytes, command: str) -> str:
        reading = self._reading
        order = [command, "stdin", "stdout", "-l", reading.languages]
        ran = confined(order, picture, memory_bytes=reading.memory_bytes, wall_s=reading.page_s)
        return ran.decode("utf-8", "replace")


def _remembered(files: Iterable[Raw], scans: dict[str, Raw]) -> Iterator[Raw]:
    """Give the same; note what may be a scan, for as long as it is being read."""
    for raw in files:
        if _PDF in raw.data[:_LOOK_BYTES]:
            scans[raw.path] = raw
        yield raw


def _refused(raw: Raw, code: str, reason: str) -> Unreadable:
    return Unreadable(path=raw.path, code=code, reason=reason)


def _composed(pages: Iterable[str]) -> Text | None:
    """Return paragraphs with the page each begins on; None where there are none."""
    composer = Composer()
    recognised = 0
    for number, page in enumerate(pages, start=1):
        composer.mark(LandmarkKind.PAGE, number)
        paragraphs = [one for one in _PARAGRAPH.split(page.replace("\f", "")) if one.strip()]
        recognised += bool(paragraphs)
        for paragraph in paragraphs:
            composer.paragraph(paragraph)
    if composer.is_empty:
        return None
    return composer.text("", Counter({FindingKind.RECOGNISED: recognised}))


_: Callable[..., Parser] = Recognising
