"""Laws of parsing and splitting, on generated documents and on all real ones there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parser_laws import assert_lawful, assert_split, markdown_sources

from answerable.adapters.parsers import formats, markdown, plain, rst
from answerable.adapters.parsers.canonical import Refused, normalised
from answerable.domain.documents import BlockKind, Text
from answerable.library.split import split

DATA = Path(__file__).parents[4] / "shared" / "data"


@given(markdown_sources())
@settings(max_examples=400, deadline=None)
def test_markdown_is_lawful(source: str) -> None:
    """Whatever the document, offsets are exact, nesting holds, and only masks lie between."""
    text = markdown.read(normalised(source))
    assert_lawful(text)
    for chars in (40, 1200):
        assert_split(text, split(text, chars=chars), chars)


@given(markdown_sources())
@settings(max_examples=200, deadline=None)
def test_generated_markdown_and_mdx_are_lawful(source: str) -> None:
    """The two other ways to read Markdown keep the same promises."""
    assert_lawful(markdown.read_generated(normalised(source), "T"))
    assert_lawful(markdown.read(normalised(source), jsx=True))


@given(markdown_sources())
@settings(max_examples=200, deadline=None)
def test_code_begins_with_its_fence(source: str) -> None:
    """A top-level code block begins with its fence, is indented, or stands between shortcodes."""
    text = markdown.read(normalised(source))
    for block in text.blocks:
        if block.kind is BlockKind.CODE:
            line = text.text[block.start : block.end].split("\n", 1)[0]
            fenced = line.lstrip(" ").startswith(("```", "~~~"))
            railed = any(
                mask.start < block.end and mask.end >= block.start - 1 for mask in text.masks
            )
            assert fenced or line.expandtabs(4).startswith("    ") or railed


RST_PIECES = st.sampled_from(
    [
        "Title\n=====",
        "=====\nOver\n=====",
        "Sub\n---",
        "A paragraph with :ref:`role <x>` and ``code``.",
        "Run::\n\n    $ code\n\n    more",
        "::\n\n    only code",
        ".. note:: Words\n   more\n\n   - item",
        ".. code-block:: bash\n   :linenos:\n\n   kubectl get\n\n   # x",
        ".. comment\n   hidden",
        "..",
        ".. _target:",
        ".. [1] Footnote words",
        "- a\n\n  b\n- c::\n\n      code",
        "1. one\n2. two",
        "term\n   definition\n\n   more",
        ":field: value\n   more",
        "+---+---+\n| a | b |\n+===+===+\n| c | d |\n+---+---+",
        "=== ===\na   b\n=== ===\nc   d\n    e\n=== ===",
        "=== ===\nnever closed",
        "----",
        ">>> 1\n1",
        "| line\n| block",
        "    quoted\n\n  less",
        "🙂 \U0001d4b3 e\u0301\t-",
        ".. py:function:: f(x)\n\n   Words.",
        ".. toctree::\n\n   a\n   b",
    ]
)


@given(st.lists(st.tuples(RST_PIECES, st.sampled_from(["\n", "\n\n", "\n\n   ", "\n\n- "]))))
@settings(max_examples=400, deadline=None)
def test_rst_is_lawful(pieces: list[tuple[str, str]]) -> None:
    """Every reStructuredText, in any order and indentation keeps the same promises."""
    source = normalised("".join(piece + join for piece, join in pieces))
    text = rst.read(source)
    assert_lawful(text)
    assert_split(text, split(text, chars=40), 40)


@given(
    st.lists(st.sampled_from(["a: 1", "  ", "", "---", "  - b", "\t", "é", "🙂", "\u00a0"])),
    st.sampled_from([".xml", ".txt", ".jsonl"]),
)
def test_plain_text_is_lawful(lines: list[str], suffix: str) -> None:
    """Text that is no markup keeps the same promises."""
    text = plain.read("\n".join(lines), suffix)
    assert_lawful(text)
    assert_split(text, split(text, chars=5), 5)


# What lines of these formats begin with and hold, good and bad, for every order of them.
LINES = {
    ".yaml": ["a: 1", "b:", "  c: |", "    text", "- d", "  - e: f", "# g", "---", "  # h", "]"],
    ".json": ["{", '  "a": [', "    1,", "  ],", '  "b": {', "}", "[", "// c", '"open', "x" * 90],
    ".toml": ["[a]", "b = 1", "# c", "[[d.e]]", "f = [", "  1,", "]", "g = '''", "  h = 2"],
    ".py": [
        "def a():",
        "    b",
        "class C:",
        "    @d",
        "    def e(self):",
        "        f",
        "# g",
        '"""',
    ],
    ".go": [
        "func a() {",
        "\tb",
        "}",
        "/*",
        " * c",
        "*/",
        "{",
        "\t\td",
        "} else {",
        "// e",
        "<<EOF",
    ],
    ".log": ["2026-11-30 08:00:00 a", "  b", "INFO c", "Caused by: d", "{}", "Nov 30 08:00:00 e"],
    ".csv": ["a,b", '1,"2', '3"', ",,", "4;5;6", "# c", '"', "sep=;", "7,8,9,10", "a\tb"],
    ".adoc": [
        *("= A", "== B", "C", "-", "---", "----", "====", "--", "|===", "|d |e", "* f", "** g"),
        *(
            ". h",
            "+",
            "[NOTE]",
            "[source]",
            ":i: j",
            "// k",
            "////",
            ".L",
            "m::",
            " n",
            "'''",
            "____",
        ),
    ],
    ".org": [
        *("* A", "** TODO [#B] c :d:", "#+TITLE: e", "#+BEGIN_SRC", "#+END_SRC", ":F:", ":END:"),
        *("- g", "  - h", "  i", "1. j", "| k |", "|---|", ": l", "# m", "#+BEGIN_QUOTE", ",* n"),
        *("#+END_QUOTE", "-----", "o"),
    ],
    ".1": [
        *(".TH A 1", ".SH B", ".SS C", ".TP", ".IP d 4", ".IP \\(bu", ".RS", ".RE", ".PP", ".nf"),
        *(
            ".fi",
            ".EX",
            ".EE",
            "e f",
            ".B g",
            ".TS",
            "l l.",
            "h\ti",
            ".TE",
            ".br",
            ".TQ",
            ".ie n \\{\\",
        ),
        *(
            ".\\}",
            ".el j",
            "T{",
            "T}",
            " k",
            ".UR l",
            ".UE",
            ".so m",
            "\\fBn\\fP\\c",
            ".de o",
            "..",
        ),
    ],
    ".3": [
        *(".Dd A", ".Dt B 3", ".Sh C", ".Ss D", ".Nm e", ".Nd f", ".Bl -tag", ".Bl -bullet", ".El"),
        *(
            ".It Fl g Ar h",
            ".It",
            ".Bd -literal",
            ".Ed",
            "i j",
            ".Op Fl k , l .",
            ".Oo m Oc ,",
            ".Pp",
        ),
        *(".Bl -column", ".It n Ta o", ".Dl p", ".Ex -std", ".Xr q 1", ".Pq Sq r s ."),
    ],
    ".eml": [
        "Subject: a",
        "From: b",
        "",
        "c",
        "> d",
        ">",
        "--X",
        "Content-Type: text/html",
        "<p>e",
    ],
}


@pytest.mark.parametrize("suffix", LINES)
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_every_format_is_lawful(suffix: str, data: st.DataObject) -> None:
    """Lines of a format in any order, blank ones between, keep the promises of all parsers."""
    line = st.sampled_from([*LINES[suffix], "", "", "é \u200b🙂", "word " * 30])
    head = {".1": ".TH X 1\n", ".3": ".Dd x\n", ".eml": "To: x\n"}.get(suffix, "")
    source = head + "\n".join(data.draw(st.lists(line, max_size=25)))
    try:
        text = formats.read(f"a{suffix}", source.encode())[1]
    except Refused as refused:
        assert refused.code in ("empty", "malformed")  # noqa: PT017 -- which one is the point
        return
    assert_lawful(text)
    assert_split(text, split(text, chars=40), 40)


@given(st.lists(st.sampled_from(["x: " + "a" * 200, "  y:", "    z: " + "b" * 300, "- c", ""])))
@settings(max_examples=60, deadline=None)
def test_long_stanzas_are_lawful(lines: list[str]) -> None:
    """Also where stanzas become sections."""
    for suffix in (".yaml", ".sh", ".ini", ".json"):
        text = formats.read(f"a{suffix}", ("k:\n" + "\n".join(lines)).encode())[1]
        assert_lawful(text)
        assert_split(text, split(text), 1200)


def _files(folder: str, suffixes: tuple[str, ...]) -> list[Path]:
    root = DATA / folder
    if not root.is_dir():
        pytest.skip(f"no {folder} beside this checkout")
    return sorted(path for path in root.rglob("*") if path.suffix in suffixes)


@pytest.mark.parametrize(
    ("folder", "suffixes"),
    [
        ("ops-docs", (".md", ".yaml", ".yml", ".json", ".conf", ".sh", ".py", ".go", ".txt")),
        ("ingest-samples", (".html", ".csv", ".xml", ".5", ".eml")),
    ],
)
def test_real_documents_are_lawful(folder: str, suffixes: tuple[str, ...]) -> None:
    """Every page of the real corpora keeps the promises of parser and splitter."""
    for path in _files(folder, suffixes):
        text = _read(path)
        if text:
            assert_lawful(text)
            assert_split(text, split(text), 1200)


def _read(path: Path) -> Text | None:
    try:
        return formats.read(path.name, path.read_bytes())[1]
    except Refused as refused:
        assert refused.code == "empty", path  # noqa: PT017 -- names the file
        return None
