"""Email, feeds and notebooks to text: what a reader sees, and nothing of how it was sent."""

from __future__ import annotations

import base64
import json

import pytest
from parser_laws import assert_lawful, blocks_of

from answerable.adapters.parsers import child, feed, formats, mail
from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import BlockKind, Finding, FindingKind, Text
from answerable.library.visible import shown

CODE, HEADING, QUOTE = BlockKind.CODE, BlockKind.HEADING, BlockKind.QUOTE
PARAGRAPH, ITEM = BlockKind.PARAGRAPH, BlockKind.ITEM


def message(*lines: str) -> bytes:
    """Return a message as it is sent."""
    return "\r\n".join(lines).encode()


def part(kind: str, body: str, *more: str) -> str:
    """Return a part of a message in base64."""
    coded = base64.b64encode(body.encode()).decode()
    head = [f"Content-Type: {kind}; charset=utf-8", "Content-Transfer-Encoding: base64", *more]
    return "\r\n".join(["--X", *head, "", coded])


HEAD = (
    "From: =?utf-8?q?J=C3=B6rg?= <j@example.org>",
    "To: a@example.org,",
    " b@example.org",
    "Subject: =?utf-8?b?U3TDtnJ1bmc=?= in",
    " room 3",
    "Date: Mon, 30 Nov 2026 08:00:00 +0000",
    "X-Secret: hidden",
    "MIME-Version: 1.0",
)
MIXED = 'Content-Type: multipart/mixed; boundary="X"'


def test_a_plain_message() -> None:
    """Head, paragraphs, and the trail of replies as a quote."""
    body = (
        "Hello,",
        "",
        "it runs.",
        "",
        "On Sunday A wrote:",
        "> is it",
        "> running?",
        ">",
        "> B",
        "Bye",
    )
    text = mail.read(message(*HEAD, "Content-Type: text/plain", "", *body))
    assert text.title == "Störung in room 3"
    assert blocks_of(text, HEADING) == ["Störung in room 3"]
    assert blocks_of(text, PARAGRAPH)[:3] == [
        "From: Jörg <j@example.org>",
        "To: a@example.org, b@example.org",
        "Date: Mon, 30 Nov 2026 08:00:00 +0000",
    ]
    assert blocks_of(text, QUOTE) == ["> is it\n> running?\n\n> B"]
    assert blocks_of(text, PARAGRAPH)[-1] == "Bye"
    assert "hidden" not in text.text
    assert_lawful(text)


def test_the_best_body() -> None:
    """Of two ways to say the same the plain one is read, once; attachments are named."""
    parts = [
        part("text/html", "<p>markup</p>"),
        part("text/plain", "Wörter."),
        part("application/pdf", "x", "Content-Disposition: attachment; filename=report.pdf"),
        part("text/plain", "in a file", "Content-Disposition: attachment; filename=notes.txt"),
        "--X--",
    ]
    text = mail.read(message(*HEAD, MIXED, "", *parts))
    assert "Wörter." in text.text
    assert "markup" not in text.text
    assert "in a file" not in text.text
    assert "Attachments: report.pdf, notes.txt" in blocks_of(text, PARAGRAPH)


def test_what_is_attached_comes_as_files() -> None:
    """Decoded, each by a name that is one, whatever the message says; bodies are none."""
    inner = message("Subject: inner", "Content-Type: text/plain", "", "Inside.")
    named = "Content-Disposition: attachment; filename="
    parts = [
        part("text/plain", "The body."),
        part("application/pdf", "x", f"{named}../../etc/report.pdf"),
        part("application/pdf", "y", f"{named}report.pdf"),
        "\r\n".join(
            [
                "--X",
                "Content-Type: text/plain; charset=latin-1",
                f"{named}'.no\x1btes.txt'",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Gr=F6=DFe",
            ]
        ),
        part("application/pgp-signature", "z", f"{named}sign.asc"),
        part("application/pdf", "", f"{named}empty.pdf"),
        f"--X\r\nContent-Type: message/rfc822\r\n\r\n{inner.decode()}",
        "--X--",
    ]
    text, files = mail.read_all(message(*HEAD, MIXED, "", *parts))
    assert [name for name, _ in files[:2]] == ["report.pdf", "report-2.pdf"]
    assert dict(files)["report-2.pdf"] == b"y"
    assert [data.decode() for name, data in files if name.endswith(".txt'")] == ["Größe"]
    assert all(name.isprintable() and not name.startswith(".") for name, _ in files)
    assert b"Inside." in dict(files)["attached.eml"]
    assert len(files) == 4
    assert "The body." in text.text


def test_a_body_in_html_alone() -> None:
    """It is read as a page: lists and tables stay, what a browser hides goes."""
    page = "<h1>News</h1><ul><li>one</li></ul><p style='display:none'>hidden</p>"
    text = mail.read(
        message(*HEAD, MIXED, "", part("text/plain", " "), part("text/html", page), "--X--")
    )
    assert blocks_of(text, ITEM) == ["- one"]
    assert "hidden" not in text.text
    assert [block.level for block in text.blocks if block.kind is HEADING] == [1, 2]
    assert_lawful(text)


def test_messages_that_are_broken() -> None:
    """Cut off, in an unknown encoding, with bad headers: what can be read is read."""
    cut = message(*HEAD, MIXED, "", part("text/plain", "Whole words here.")[:-3])
    assert "Whole words" in mail.read(cut).text
    odd = message("Subject: x", "Content-Type: text/plain; charset=no-such", "", "Größe")
    assert "Größe" in mail.read(odd).text
    bad = message("Subject: =?utf-8?b?!!!?= =?bogus?q?x?=", "Content-Type: ;;;", "", "body")
    assert "body" in mail.read(bad).text
    nul = b"Subject: a\0b\n\nbo\0dy\xff\n"
    assert_lawful(mail.read(nul))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"%PDF-1.4\n", "malformed"),
        (b"Just some words.\n", "malformed"),
        (b"", "malformed"),
        (b"Subject: x\nContent-Type: text/plain; " + b"a=b;" * 50_000 + b"\n\nx", "malformed"),
    ],
)
def test_what_is_no_message(data: bytes, code: str) -> None:
    """A file of another kind, or a header made to take for ever, is refused."""
    with pytest.raises(Refused) as caught:
        formats.read("a.eml", data)
    assert caught.value.code == code


RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="u" xmlns:dc="v"><channel>
<title>Status</title><description>What happens</description>
<item><title>Disk &amp; pump</title><pubDate>Mon, 30 Nov 2026</pubDate><dc:creator>Ann</dc:creator>
<link>https://example.org/1</link><description>short</description>
<content:encoded>
<![CDATA[<p>Long <b>story</b>.</p><ul><li>one</li></ul><script>x</script>]]>
</content:encoded>
</item><item><description>Only words</description></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Log</title><subtitle>all of it</subtitle>
<entry><title>First</title><updated>2026-11-30</updated><author><name>Bea</name></author>
<link href="https://example.org/2"/><summary>less</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>More <i>of</i> it.</p></div></content>
</entry></feed>"""


def test_feeds() -> None:
    """Every entry is a section with its date, its author and the longer of its texts."""
    name, text = formats.read("a.rss", RSS.encode())
    assert (name, text.title) == ("feed", "Status")
    assert blocks_of(text, HEADING) == ["Status", "Disk & pump", "Untitled"]
    assert blocks_of(text, PARAGRAPH) == [
        "What happens",
        "Published: Mon, 30 Nov 2026",
        "By: Ann",
        "Link: https://example.org/1",
        "Long story.",
        "- one",
        "Only words",
    ]
    assert_lawful(text)
    atom = formats.read("a.xml", ATOM.encode())[1]
    assert blocks_of(atom, HEADING) == ["Log", "First"]
    assert blocks_of(atom, PARAGRAPH)[-2:] == ["Link: https://example.org/2", "More of it."]
    assert "By: Bea" in atom.text


def test_a_broken_feed_is_xml() -> None:
    """One that is cut off is shown as it stands; entities are refused as in all XML."""
    assert formats.read("a.xml", RSS[:300].encode())[0] == "text"
    assert formats.read("a.xml", b"<rss><channel><title>x</title></channel></rss>")[0] == "text"
    assert feed.read("<rss></rss>") is None
    with pytest.raises(Refused):
        formats.read("a.rss", b'<!DOCTYPE rss [<!ENTITY x "y">]>' + RSS.encode())


def notebook(*cells: dict[str, object], **more: object) -> Text:
    """Return the text of a notebook with these cells."""
    return formats.read("a.ipynb", json.dumps({"cells": cells, **more}).encode())[1]


def test_a_notebook() -> None:
    """Markdown is read as Markdown, code and what it printed are code, pictures go."""
    outputs = [
        {"output_type": "stream", "text": ["1\n", "2\n"]},
        {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "<Figure>"}},
        {"output_type": "execute_result", "data": {"text/plain": "42", "text/html": "<b>42</b>"}},
        {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["\x1b[31mno"]},
    ]
    text = notebook(
        {"cell_type": "markdown", "source": ["# Title\n", "Words <!-- hidden -->\n", "\n", "- a"]},
        {"cell_type": "code", "source": "print(1)\n\nx", "outputs": outputs},
        {"cell_type": "markdown", "source": "## Sub\n\nEnd."},
        nbformat=4,
    )
    assert text.title == "Title"
    assert blocks_of(text, HEADING) == ["# Title", "## Sub"]
    assert blocks_of(text, CODE) == ["print(1)\n\nx", "1\n2\n42\nKeyError: 'x'"]
    assert len(text.masks) == 1
    assert_lawful(text)


def test_a_notebook_of_the_old_kind() -> None:
    """Worksheets, headings of their own and `input` are nbformat 3."""
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Part"},
        {
            "cell_type": "code",
            "input": ["a = 1"],
            "outputs": [{"output_type": "pyout", "text": "1"}],
        },
    ]
    old = {"worksheets": [{"cells": cells}]}
    text = formats.read("a.ipynb", json.dumps(old).encode())[1]
    assert blocks_of(text, HEADING) == ["Part"]
    assert blocks_of(text, CODE) == ["a = 1", "1"]


def test_long_output_is_cut_between_lines() -> None:
    """A progress bar does not drown what the notebook says."""
    printed = "".join(f"step {n}\n" for n in range(5_000))
    output = {"output_type": "stream", "text": printed}
    text = notebook({"cell_type": "code", "source": "run()", "outputs": [output]})
    kept = blocks_of(text, CODE)[1]
    assert len(kept) <= 2_000
    assert printed.startswith(kept + "\n")


def test_notebooks_that_are_none() -> None:
    """Cut off it is refused; other JSON under that name is JSON; odd cells are passed over."""
    with pytest.raises(Refused) as caught:
        formats.read("a.ipynb", b'{"cells": [{"cell_type": "code"')
    assert caught.value.code == "malformed"
    assert formats.read("a.ipynb", b'{"a": 1}')[0] == "json"
    assert formats.read("a.ipynb", b"[1]")[0] == "json"
    with pytest.raises(Refused) as caught:
        notebook({"cell_type": "code", "source": 7, "outputs": "x"}, worksheets=[3])
    assert caught.value.code == "empty"


def test_a_cell_has_no_front_matter() -> None:
    """A rule at its beginning is one; what follows is read."""
    text = notebook({"cell_type": "markdown", "source": "---\nimportant: words\n---\n\nEnd."})
    assert "important: words" in shown(text, 0, len(text.text))


def test_what_nobody_sees_is_counted_there_too() -> None:
    """In cells, in a body and in the page that a message is."""
    cell = notebook({"cell_type": "code", "source": "a\u200bb"})
    assert cell.findings == (Finding(kind=FindingKind.INVISIBLE, count=1),)
    plain = formats.read(
        "a.eml", "Subject: x\nContent-Type: text/plain; charset=utf-8\n\na\u200bb".encode()
    )[1]
    assert plain.findings == (Finding(kind=FindingKind.INVISIBLE, count=1),)
    page = b"Subject: x\nContent-Type: text/html\n\n<p>a&#8203;b<p hidden>gone"
    assert {one.kind for one in formats.read("a.eml", page)[1].findings} == {
        FindingKind.INVISIBLE,
        FindingKind.HIDDEN,
    }


def test_half_of_a_pair_is_a_character_nobody_can_show() -> None:
    """JSON may say one; the rest of the notebook is read."""
    data = b'{"cells": [{"cell_type": "code", "source": "before \\ud800 after"}]}'
    assert formats.read("a.ipynb", data)[1].text == "before \ufffd after\n"


def test_messages_in_messages_in_messages() -> None:
    """As deep as anybody can nest them they end in a text or a reason, never in a stuck child."""
    for depth in (100, 5_000):
        head = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
        )
        got = child.attempt(formats.read_all, "a.eml", b"Subject: deep\n" + head + b"\nwords")
        assert isinstance(got, tuple) or got.code in ("malformed", "empty")
