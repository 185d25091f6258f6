"""Files to text: encodings, refusals, HTML, reStructuredText, plain text."""

from __future__ import annotations

import copy
import gzip
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parser_laws import assert_lawful, blocks_of, masked

from answerable.adapters.parsers import formats, html, plain, rst
from answerable.adapters.parsers.canonical import Refused, canonical, normalised
from answerable.domain.documents import BlockKind, FindingKind
from answerable.library.visible import shown


def refusal(path: str, data: bytes) -> str:
    """Return the code a file is refused with."""
    with pytest.raises(Refused) as caught:
        formats.read(path, data)
    assert path not in caught.value.reason
    return caught.value.code


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfa\r\nb\rc\n", "a\nb\nc\n"),
        ("\ufeffaé\U0001f642".encode("utf-16-le"), "aé\U0001f642"),
        ("\ufeffaé".encode("utf-16-be"), "aé"),
        ("\ufeffaé".encode("utf-32-le"), "aé"),
        ("\ufeffaé".encode("utf-32-be"), "aé"),
        ("Größe naïve, prüfe die Platte\n".encode("latin-1"), "Größe naïve, prüfe die Platte\n"),
        ("“smart” – x".encode("cp1252"), "“smart” – x"),  # noqa: RUF001 -- what is tested
        ("Проверьте журнал сервера и диск".encode("cp1251"), "Проверьте журнал сервера и диск"),
        ("<meta charset=iso-8859-2>ł".encode("iso-8859-2"), "<meta charset=iso-8859-2>ł"),
        (b"e\xcc\x81", "é"),
        (b"\x1b[31mred\x1b[0m\x07 \x1b]0;t\x07x\x08\x0c\x7f", "red x\n"),
    ],
)
def test_canonical_text(data, text):  # type: ignore[no-untyped-def]
    """Encodings are found; marks, colours and control characters go; NFC and one line end."""
    assert canonical(data) == text


@given(st.text())
def test_canonical_text_is_canonical(text: str) -> None:
    """Making canonical what is canonical changes nothing, and a UTF-8 file keeps its words."""
    once = normalised(text)
    assert normalised(once) == once
    assert not set(once) & {"\r", "\0", "\x1b", "\x0b"}


def test_what_is_no_text_is_refused() -> None:
    """A binary is passed over, unless its name promised text."""
    png = b"\x89PNG\r\n\x1a\n" + bytes(64)
    assert refusal("a.png", png) == "binary"
    assert refusal("a.md", png) == "malformed"
    assert refusal("a.md.gz", gzip.compress(b"x")) == "binary"
    assert refusal("notes.md", b"%PDF-1.4\n") == "malformed"
    assert refusal("blob", b"a\0b") == "binary"
    assert refusal("a.txt", bytes(range(128, 256)) * 4) == "encoding"
    assert refusal("a.txt", b"\xff\xfe\x00\xd8") == "encoding"
    assert refusal("a.md", b" \n\t\xc2\xa0\n") == "empty"
    assert refusal("a.html", b"<script>1</script>") == "empty"


def test_a_refusal_can_be_copied() -> None:
    """Code and reason survive the way an exception takes to another process."""
    again = copy.copy(Refused("binary", "why"))
    assert (again.code, again.reason) == ("binary", "why")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.md", "markdown"),
        ("B.MARKDOWN", "markdown"),
        ("x.mdx", "markdown"),
        ("x.rst", "rst"),
        ("x.HTM", "html"),
        ("x.yaml", "yaml"),
        ("x.JSON", "json"),
        ("x.toml", "config"),
        ("x.service", "config"),
        ("x.csv", "csv"),
        ("x.adoc", "asciidoc"),
        ("x.org", "org"),
        ("x.py", "code"),
        ("x.unknown", "code"),
        ("x.txt", "text"),
        ("x.jsonl", "text"),
        ("x.xml", "text"),
        ("README", "text"),
        ("dir.md/x", "text"),
    ],
)
def test_suffix_chooses_the_parser(path, name):  # type: ignore[no-untyped-def]
    """Only the last suffix counts, in any case."""
    assert formats.read(path, b"words")[0] == name


def test_names_and_first_lines_that_mislead() -> None:
    """A blank after the suffix, prose about a library, and a signature are what they look like."""
    assert formats.read("a.md ", b"# Title")[0] == "markdown"
    assert formats.read("notes", b".so files were missing\nand more")[0] != "man"
    assert formats.read("grep.1", b".so man1/grep.1\n")[0] == "man"
    assert formats.read("k.asc", b"-----BEGIN PGP MESSAGE-----\n\nab")[0] == "text"
    assert formats.read("k.asc", b"= Title\n\nab")[0] == "asciidoc"


def test_digest_names_parsers_and_libraries() -> None:
    """A new version of a parser or of what it stands on gives another digest."""
    digest = formats.digest()
    for part in ("canonical-", "markdown-", "shortcodes-", "markdown-it-py-", "selectolax-"):
        assert part in digest
    assert digest == formats.digest()


def test_reading_markdown_loads_no_other_parser() -> None:
    """Libraries of formats that are not read are not loaded."""
    program = (
        "import sys; from answerable.adapters.parsers import formats; formats.read('a.md', b'x');"
        "print([n for n in ('html_to_markdown', 'selectolax', 'charset_normalizer')"
        " if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


PAGE = """<!doctype html><html><head><title>The
 title</title><style>.x{}</style></head><body><nav>Menu</nav><header>Banner</header>
<main><h1>Head<a class="headerlink" href="#h">¶</a></h1>
<p>See <a href="https://example.org">the <b>guide</b></a> for snake_case &lt;pod&gt; *x*.</p>
<pre><code class="language-sh">kubectl get \\
  pods   # all
</code></pre>
<ol><li>One<ul><li>Sub</li></ul></li><li>Two<pre>cmd</pre></li></ol>
<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>
<p style="display : none">hid1</p><p hidden>hid2</p><span aria-hidden="true">hid3</span>
<p style="font-size:0">hid4</p><p style="font-size:0.9em">small</p><!-- hid5 -->
<template>hid6</template><noscript>hid7</noscript><script>hid8</script></main>
<footer>Foot</footer></body></html>"""


def test_html_keeps_what_a_reader_sees() -> None:
    """Words, code with its lines, lists and tables stay; chrome and hidden text go."""
    text = html.read(PAGE)
    assert text.title == "The title"
    for gone in ("Menu", "Banner", "Foot", "hid", "¶", "https", "**", "\\_"):
        assert gone not in text.text
    assert blocks_of(text, BlockKind.PARAGRAPH)[0] == "See the guide for snake_case <pod> *x*."
    assert blocks_of(text, BlockKind.CODE)[0] == "```sh\nkubectl get \\\n  pods   # all\n```"
    assert "cmd" in blocks_of(text, BlockKind.CODE)[1]
    assert [row.strip() for row in blocks_of(text, BlockKind.ROW)] == ["| A | B |", "| 1 | 2 |"]
    assert any("Sub" in item for item in blocks_of(text, BlockKind.ITEM)[1:])
    assert "small" in text.text
    assert text.masks == ()
    assert_lawful(text)


def test_html_title_falls_back_to_headings() -> None:
    """Without a title element the first heading names the page."""
    assert html.read("<h1>A <i>b</i></h1><p>x").title == "A b"
    assert html.read("<h2>Only</h2><p>x").title == "Only"


def test_deep_html_ends_well() -> None:
    """Moderate depth gives its text, absurd depth is refused, neither crashes or hangs."""
    deep = "<div>" * 3000 + "word" + "</div>" * 3000
    assert html.read(deep).text.strip() == "word"
    assert refusal("a.html", b"<div>" * 200_000) == "malformed"
    broken = "<html><body>" + "<div><p><b><td>words" * 500 + "<li>KEY"
    assert "KEY" in html.read(broken).text


def test_xml_entities_are_refused() -> None:
    """Nothing is expanded, so a document that needs it is not read at all."""
    assert (
        refusal("a.xml", b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>') == "malformed"
    )
    assert formats.read("a.xml", b"<r>text</r>")[1].text == "<r>text</r>"


def test_plain_text_is_cut_at_blank_lines() -> None:
    """XML also, as code, and lines of JSON at each line; prose is paragraphs."""
    code = BlockKind.CODE
    assert blocks_of(plain.read("<a>\n\n\n  <b/>\n", ".xml"), code) == ["<a>", "  <b/>"]
    assert blocks_of(plain.read("{}\n[]\n", ".jsonl"), code) == ["{}", "[]"]
    assert blocks_of(plain.read("One.\n\nTwo.\n", ".txt"), BlockKind.PARAGRAPH) == ["One.", "Two."]
    assert plain.read("One.", ".txt").title == ""


RST = """.. _top:

=======
 Guide
=======

Read :ref:`Install <inst>` first::

    $ apt install x

    # done

Sub
---

.. note:: Take care
   of this.

   - a

     more

.. code-block:: bash
   :caption: x

   kubectl get

.. hidden comment
   over lines

1. One::

      step

2. Two

term
   Meaning.

+---+---+
| a | b |
+===+===+
| 1 | 2 |
|   | 3 |
+---+---+

=== ===
c   d
=== ===
4   5
    6
7   8
=== ===

.. option:: --verbose

   Say more.

- .. note:: nested
"""


def test_rst_blocks_and_masks() -> None:
    """Sections, literal and code blocks, lists, both kinds of tables; markup is masked."""
    text = rst.read(RST)
    assert text.title == "Guide"
    assert [b.level for b in text.blocks if b.kind is BlockKind.HEADING] == [1, 2]
    assert blocks_of(text, BlockKind.CODE) == [
        "    $ apt install x\n\n    # done",
        "   kubectl get",
        "      step",
    ]
    assert blocks_of(text, BlockKind.ROW) == [
        "| a | b |",
        "| 1 | 2 |\n|   | 3 |",
        "c   d",
        "4   5\n    6",
        "7   8",
    ]
    assert "Read `Install <inst>` first:" in blocks_of(text, BlockKind.PARAGRAPH)
    assert "Take care\n   of this." in blocks_of(text, BlockKind.PARAGRAPH)
    assert "--verbose" in blocks_of(text, BlockKind.PARAGRAPH)
    seen = shown(text, 0, len(text.text))
    for gone in ("_top", "hidden comment", "over lines", "code-block", ":caption:", ":ref:"):
        assert gone not in seen
    assert ".. note:: " in masked(text)
    assert_lawful(text)


def test_rst_includes_nothing() -> None:
    """Directives that would read a file or run code are masked, never followed."""
    text = rst.read(
        "Words.\n\n.. include:: /etc/passwd\n\n.. raw:: html\n\n   <script>x</script>\n"
    )
    assert shown(text, 0, len(text.text)).strip() == "Words."


UNSEEN = [
    ('<p style="display:none">', FindingKind.HIDDEN),
    ("<p hidden>", FindingKind.HIDDEN),
    ('<p style="visibility: hidden">', FindingKind.HIDDEN),
    ('<p style="opacity: 0">', FindingKind.HIDDEN),
    ('<p style="font-size:0px">', FindingKind.TINY),
    ('<p style="FONT-SIZE: 0.05em">', FindingKind.TINY),
    ('<p style="height:0; overflow:hidden">', FindingKind.TINY),
    ('<p style="position:absolute; left:-9999px">', FindingKind.OFF_PAGE),
    ('<p style="text-indent: -9999px">', FindingKind.OFF_PAGE),
    ('<p style="color:#FFF">', FindingKind.SAME_COLOUR),
    ('<p style="color: rgb(255, 255, 255)">', FindingKind.SAME_COLOUR),
    ('<p><font color="white">', FindingKind.SAME_COLOUR),
    ('<p style="color:#123456; background:#123456">', FindingKind.SAME_COLOUR),
]


@pytest.mark.parametrize(("tag", "kind"), UNSEEN)
def test_html_counts_what_nobody_sees(tag: str, kind: FindingKind) -> None:
    """It is not in the text; how much of it there was is told, and nothing of what it said."""
    text = html.read(f"<body><p>Seen.</p>{tag}hid den</p></body>")
    assert text.text.strip() == "Seen."
    assert [(one.kind, one.count) for one in text.findings] == [(kind, 6)]


@pytest.mark.parametrize(
    "page",
    [
        '<div class="bar"><p style="color:#fff">kept</p></div>',
        '<div style="background:#000"><p style="color:#fff">kept</p></div>',
        '<table bgcolor="navy"><tr><td style="color:white">kept</td></tr></table>',
        '<style>p { background: black }</style><p style="color:white">kept</p>',
        '<link rel="stylesheet" href="x.css"><p style="color:white">kept</p>',
        '<p style="color:#fff; background:#000">kept</p>',
        '<p style="opacity:0.5">kept</p>',
        '<p style="font-size:0.9em">kept</p>',
        '<p style="height:0">kept</p>',
        '<p style="left:-9999px">kept</p>',
        '<p style="text-indent:-2em">kept</p>',
    ],
)
def test_html_keeps_what_may_be_seen(page: str) -> None:
    """Nothing is dropped that may stand on a ground of another colour, or be seen in part."""
    text = html.read(f"<body><p>Seen.</p>{page}</body>")
    assert "kept" in text.text
    assert text.findings == ()


def test_html_hidden_in_hidden() -> None:
    """What is hidden twice is counted once."""
    text = html.read(
        '<p>Seen.</p><div hidden>ab<p style="display:none">cd<b hidden>ef</b></p></div>'
    )
    assert [one.count for one in text.findings] == [6]
