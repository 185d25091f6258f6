"""PDF to text: pages, paragraphs, headings, and what is not seen."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from office_samples import lines, pdf
from parser_laws import assert_lawful, assert_split, blocks_of

from answerable.adapters.parsers import formats
from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import BlockKind, FindingKind, LandmarkKind, Text
from answerable.library.landmarks import whereabouts
from answerable.library.split import split


def read(data: bytes, name: str = "a.pdf") -> Text:
    """Return what is read of a PDF, after looking at the promises of `Text`."""
    kind, text = formats.read(name, data)
    assert kind == "pdf"
    assert_lawful(text)
    assert_split(text, split(text), 1200)
    offsets = [mark.offset for mark in text.landmarks]
    assert offsets == sorted(offsets)
    return text


def refusal(data: bytes) -> str:
    """Return the code a PDF is refused with."""
    with pytest.raises(Refused) as caught:
        formats.read("a.pdf", data)
    return caught.value.code


def counts(text: Text) -> dict[FindingKind, int]:
    """Return the findings as a dictionary."""
    return {one.kind: one.count for one in text.findings}


BODY = (
    "The replica lags behind when its disk is slow and the",
    "queue of writes grows faster than it can be drained by it.",
    "Look at the lag first, then at the disk.",
)


def test_lines_become_paragraphs_and_pages_landmarks() -> None:
    """A paragraph is one line; a citation of it can name its page."""
    text = read(pdf(lines(*BODY), lines("Restart the second one only when the first is back.")))
    first, second = blocks_of(text, BlockKind.PARAGRAPH)
    assert first == " ".join(BODY)
    assert [(mark.kind, mark.number) for mark in text.landmarks] == [
        (LandmarkKind.PAGE, 1),
        (LandmarkKind.PAGE, 2),
    ]
    at = text.text.index(second)
    assert whereabouts(text.landmarks, at, at + 5) == "page 2"
    assert whereabouts(text.landmarks, 0, 5) == "page 1"


def test_a_sentence_over_two_pages_stays_whole() -> None:
    """It is one paragraph with the landmark of the second page inside."""
    text = read(
        pdf(
            lines("The operator restarts the first replica and waits until it", top=60),
            lines("has caught up with the leader. Then comes the second."),
        )
    )
    (one,) = blocks_of(text, BlockKind.PARAGRAPH)
    assert "until it has caught up" in one
    assert whereabouts(text.landmarks, text.text.index("has"), text.text.index("up")) == "page 2"
    assert whereabouts(text.landmarks, 0, len(text.text)) == "pages 1-2"


def test_headings_by_size_and_title_by_the_first() -> None:
    """What is set larger heads what follows."""
    page = lines("Storage guide", size=20, top=740) + "\n" + lines(*BODY, top=690)
    page += "\n" + lines("Failover", size=14, top=600) + "\n" + lines(*BODY, top=570)
    text = read(pdf(page))
    headings = [(b.level, text.text[b.start : b.end]) for b in text.blocks if b.level]
    assert headings == [(1, "# Storage guide"), (2, "## Failover")]
    assert text.title == "Storage guide"
    assert read(pdf(page, info="/Title(Given)")).title == "Given"
    assert read(pdf(page, info="/Title(Microsoft Word - x.doc)")).title == "Storage guide"


def test_bold_lines_of_the_same_size_are_headings() -> None:
    """A short line in bold that ends no sentence."""
    text = read(pdf(lines("Alerts", font="F2", top=720) + "\n" + lines(*BODY)))
    assert blocks_of(text, BlockKind.HEADING) == ["# Alerts"]


def test_what_runs_along_the_pages_is_said_once() -> None:
    """Running heads stay where they stand first; page numbers go."""
    pages = [
        lines("Acme storage manual", top=770)
        + "\n"
        + lines(f"Chapter text {n} is here.", *BODY)
        + "\n"
        + lines(f"Page {n} of 4", top=30)
        for n in range(1, 5)
    ]
    text = read(pdf(*pages))
    assert text.text.count("Acme storage manual") == 1
    assert "of 4" not in text.text
    assert "Chapter text 4" in text.text


def test_lists_and_figures() -> None:
    """Items are a list, with what goes on below them; rows of figures under years a table."""
    page = lines("1. Stop the writer.", "2. Copy the segment, which takes", "some time.", "3. Go.")
    page += "\n" + lines("Revenue grew as follows in thousands of dollars.", top=600)
    page += "\n" + lines(
        "2022 2021 2020", "Sales 17,606 15,785 12,868", "Cost 2,165 1,865", top=570
    )
    text = read(pdf(page))
    assert blocks_of(text, BlockKind.ITEM) == [
        "1. Stop the writer.",
        "2. Copy the segment, which takes some time.",
        "3. Go.",
    ]
    assert blocks_of(text, BlockKind.ROW) == [
        "2022 2021 2020",
        "Sales 17,606 15,785 12,868",
        "Cost 2,165 1,865",
    ]


def test_labels_and_heads_of_figures() -> None:
    """Lines that name years head the table; those that name what is below them are its rows."""
    page = lines(*BODY) + "\n"
    page += lines("Years ended", "May 2, 2022", "May 3, 2021", top=640, gap=20)
    page += "\n" + lines("Revenue:", "Sales 17,606 15,785", top=570)
    page += "\n" + lines("Total 17,606 15,785", "Costs:", "Staff $ 35 $ 41", "Rent 1 2", top=540)
    page += "\n" + lines("See the notes.", top=400)
    text = read(pdf(page))
    assert blocks_of(text, BlockKind.ROW) == [
        *("May 2, 2022 May 3, 2021", "Revenue:", "Sales 17,606 15,785", "Total 17,606 15,785"),
        *("Costs:", "Staff $ 35 $ 41", "Rent 1 2"),
    ]
    assert "See the notes." in blocks_of(text, BlockKind.PARAGRAPH)


SEEN = lines(*BODY)


@pytest.mark.parametrize(
    ("drawn", "kind"),
    [
        ("BT 3 Tr /F1 11 Tf 72 500 Td (secret words) Tj ET", FindingKind.INVISIBLE),
        ("BT 1 g /F1 11 Tf 72 500 Td (secret words) Tj ET", FindingKind.SAME_COLOUR),
        ("BT /F1 11 Tf 72 900 Td (secret words) Tj ET", FindingKind.OFF_PAGE),
        ("BT /F1 11 Tf -900 500 Td (secret words) Tj ET", FindingKind.OFF_PAGE),
        ("BT /F1 0.2 Tf 72 500 Td (secret words) Tj ET", FindingKind.TINY),
        ("q .01 0 0 .01 0 0 cm BT /F1 11 Tf 72 500 Td (secret words) Tj ET Q", FindingKind.TINY),
    ],
)
def test_hidden_text_is_counted_and_left_out(drawn: str, kind: FindingKind) -> None:
    """What no reader of the page sees is not in the text."""
    text = read(pdf(f"{SEEN}\n{drawn}"))
    assert "secret" not in text.text
    assert "Look at the lag first" in text.text
    assert counts(text) == {kind: len("secretwords")}


def test_white_on_a_dark_ground_is_seen() -> None:
    """The head of a table is often white on a dark bar."""
    bar = "0 g 60 490 300 30 re f\nBT 1 g /F1 11 Tf 72 500 Td (heads of columns) Tj ET"
    text = read(pdf(f"{SEEN}\n{bar}"))
    assert "heads of columns" in text.text
    assert text.findings == ()


IMAGE = "/XObject<</I 7 0 R>>"
SCAN = "q 612 0 0 792 0 0 cm /I Do Q"


def test_images_alone_need_ocr() -> None:
    """A scan is refused with a reason, never indexed empty; an empty page is just empty."""
    assert refusal(pdf(SCAN, SCAN, extra=IMAGE)) == "needs_ocr"
    assert refusal(pdf("")) == "empty"
    text = read(pdf(SEEN, SCAN, extra=IMAGE))
    assert counts(text) == {FindingKind.NO_TEXT: 1}


def test_the_text_layer_of_a_scan_is_read() -> None:
    """What a scanner recognised lies invisibly over the image: it is what the image shows."""
    layer = "BT 3 Tr /F1 11 Tf 72 500 Td (recognised words) Tj ET"
    text = read(pdf(f"{SCAN}\n{layer}", extra=IMAGE))
    assert text.text.strip() == "recognised words"
    assert counts(text) == {FindingKind.SCAN_TEXT: 1}


def test_other_names_and_damage() -> None:
    """A PDF is one whatever its name; a broken one is refused in words."""
    assert "lag" in read(pdf(SEEN), "notes.docx").text
    assert "lag" in read(pdf(SEEN), "blob").text
    assert "lag" in read(b"\n\n" + pdf(SEEN)).text
    assert refusal(pdf(SEEN)[:60]) == "malformed"
    assert refusal(b"%PDF-1.7\n") == "malformed"


def test_words_broken_at_line_ends() -> None:
    """They are made whole; a compound of two words of the document keeps its hyphen."""
    text = read(
        pdf(
            lines(
                "The daemon reports every failed replica to its super-",
                "visor, and high avail-",
                "ability is what that is for; the read-",
                "only mode is a mode to read only.",
            )
        )
    )
    assert "supervisor" in text.text
    assert "availability" in text.text
    assert "read-only" in text.text


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_refused_or_read(data: st.DataObject) -> None:
    """Whatever bytes are changed or lost: a text that keeps the promises, or a refusal."""
    whole = bytearray(pdf(SEEN, lines("Second page."), extra=IMAGE))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(9, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(20, len(whole)))
    with suppress(Refused):
        assert_lawful(formats.read("a.pdf", bytes(whole[:cut]))[1])
