"""Scans: drawn, recognised where OCR is installed, and named where it is not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import compress

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from office_samples import lines, pdf

from answerable.adapters.parsers.pool import InlineParser, ParserPool
from answerable.adapters.parsers.recognising import Reading, Recognising, program
from answerable.domain.documents import FindingKind, LandmarkKind
from answerable.library.ports import Parsed, Raw, Unreadable

PICTURES = "answerable.adapters.parsers.pictures:read"
WORDS = "The standby pump starts when the pressure falls below four bar."


def scan(*pages: str) -> bytes:
    """Return a PDF whose pages are pictures of lines of text."""
    drawn = pdfium.PdfDocument(pdf(*(lines(one) for one in pages)))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    for page in drawn:
        bitmap = page.render(scale=300 / 72, grayscale=True)
        pixels = compress(bitmap.to_numpy().tobytes())
        at = len(objects) + 1
        kids.append(f"{at} 0 R")
        content = b"q 612 0 0 792 0 0 cm /I Do Q"
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {at + 1} 0 R"
            f"/Resources<</XObject<</I {at + 2} 0 R>>>>>>".encode(),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            f"<</Type/XObject/Subtype/Image/Width {bitmap.width}/Height {bitmap.height}"
            f"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
            f"/Length {len(pixels)}>>stream\n".encode()
            + pixels
            + b"\nendstream",
        ]
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in enumerate(objects, start=1))
    return b"%PDF-1.7\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF"


@pytest.fixture(scope="module")
def pools() -> Iterator[tuple[ParserPool, ParserPool]]:
    """Give what reads and what draws."""
    with ExitStack() as stack:
        yield (
            stack.enter_context(ParserPool(children=1)),
            stack.enter_context(ParserPool(children=1, reader=PICTURES)),
        )


@pytest.fixture
def told(tmp_path: Path) -> Callable[[str], Callable[[], str]]:
    """Return what writes a program in the place of tesseract."""

    def write(body: str) -> Callable[[], str]:
        path = tmp_path / "tesseract"
        path.write_text(f"#!{sys.executable} -IS\nimport sys\n{body}\n")
        path.chmod(0o755)
        return lambda: str(path)

    return write


def read(
    pools: tuple[ParserPool, ParserPool],
    command: Callable[[], str],
    *files: Raw,
    page_s: float = 20.0,
    whole_s: float = 60.0,
) -> list[Parsed | Unreadable]:
    reading = Reading(languages="eng", page_s=page_s, whole_s=whole_s, memory_bytes=2**30)
    return list(Recognising(*pools, reading, command=command).read(files))


SCAN = Raw(path="a.pdf", data=scan("first", "second"))


def test_pages_are_recognised_one_by_one(
    pools: tuple[ParserPool, ParserPool], told: Callable[[str], Callable[[], str]]
) -> None:
    """Each is a picture on standard input; the text says on which page it stands, and how read."""
    command = told(
        "data = sys.stdin.buffer.read()\n"
        "assert data.startswith(b'\\x89PNG') and sys.argv[1:] == ['stdin', 'stdout', '-l', 'eng']\n"
        "print('First line\\nof a paragraph.\\n\\n', len(data) > 1000, '\\f')"
    )
    (found,) = read(pools, command, SCAN)
    assert isinstance(found, Parsed)
    assert found.text.text.count("First line of a paragraph.") == 2
    assert [(one.kind, one.number) for one in found.text.landmarks] == [
        (LandmarkKind.PAGE, 1),
        (LandmarkKind.PAGE, 2),
    ]
    (finding,) = found.text.findings
    assert (finding.kind, finding.count) == (FindingKind.RECOGNISED, 2)


def test_without_ocr_a_scan_is_named(pools: tuple[ParserPool, ParserPool]) -> None:
    """Never indexed empty; everything else is read."""
    words = Raw(path="b.pdf", data=pdf(lines("words")))
    found = {one.path: one for one in read(pools, lambda: "", SCAN, words)}
    assert isinstance(found["b.pdf"], Parsed)
    assert isinstance(found["a.pdf"], Unreadable)
    assert found["a.pdf"].code == "needs_ocr"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("print(' \\n')", "needs_ocr"),
        ("sys.exit(1)", "crashed"),
        ("import time\ntime.sleep(60)", "crashed"),
        ("x = [bytes(10**9) for _ in range(9)]", "crashed"),
        ("open(__file__ + '.leak', 'wb', 0).write(b'x' * 9)", "crashed"),
    ],
)
def test_what_goes_wrong_condemns_the_file(
    pools: tuple[ParserPool, ParserPool],
    told: Callable[[str], Callable[[], str]],
    body: str,
    code: str,
) -> None:
    """No text, a failure, no end, too much memory, a file it wants to write."""
    words = Raw(path="b.pdf", data=pdf(lines("words")))
    found = {one.path: one for one in read(pools, told(body), SCAN, words, page_s=2.0)}
    assert isinstance(found["b.pdf"], Parsed)
    assert isinstance(found["a.pdf"], Unreadable)
    assert found["a.pdf"].code == code


def test_a_long_scan_ends(
    pools: tuple[ParserPool, ParserPool], told: Callable[[str], Callable[[], str]]
) -> None:
    """A thousand pages must not hold up everything else."""
    (found,) = read(pools, told("print('words')"), SCAN, whole_s=0.0)
    assert isinstance(found, Unreadable)
    assert found.code == "timeout"


class Torn(InlineParser):
    """Draws the first page only."""

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        for raw in files:
            if raw.path.startswith("1."):
                yield from super().read([raw])
            else:
                yield Unreadable(path=raw.path, code="memory", reason="it is too large")


def test_half_of_a_scan_is_not_passed_off_as_all_of_it(
    pools: tuple[ParserPool, ParserPool], told: Callable[[str], Callable[[], str]]
) -> None:
    """A page that cannot be drawn condemns the file, with its number."""
    reading = Reading(languages="eng", page_s=20.0, whole_s=60.0, memory_bytes=2**30)
    torn = Torn(reader=PICTURES)
    parser = Recognising(pools[0], torn, reading, command=told("print('words')"))
    (found,) = parser.read([SCAN])
    assert isinstance(found, Unreadable)
    assert (found.code, found.reason.partition(":")[0]) == (
        "memory",
        "page 2 cannot be drawn for OCR",
    )


@pytest.mark.skipif(not program(), reason="tesseract is not installed")
def test_real_recognition(pools: tuple[ParserPool, ParserPool]) -> None:
    """By the real program, within its limits."""
    assert shutil.which("tesseract")
    (found,) = read(pools, program, Raw(path="a.pdf", data=scan(WORDS, "Second page.")))
    assert isinstance(found, Parsed), found
    assert WORDS in found.text.text
    assert "Second page." in found.text.text
