"""Files made to break a parser: each gives a text or a reason, in time, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from time import process_time

import pytest
from parser_laws import assert_lawful, assert_split

from answerable.adapters.parsers import formats
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import attempt
from answerable.adapters.parsers.reply import CODES, DEPTH_MAX
from answerable.domain.documents import Block
from answerable.library.split import split

SUFFIXES = (
    *(".csv", ".tsv", ".ipynb", ".1", ".adoc", ".org", ".yaml", ".json", ".toml", ".ini", ".conf"),
    *(".py", ".sh", ".go", ".log", ".eml", ".rss", ".xml", ".jsonl"),
)
ROFF = ".TH X 1\n"
DEEP = 200_000
SECONDS_MAX = 8.0


def read(path: str, data: bytes) -> str:
    """Return the format or the code of a file, after checking that it is lawful and in time."""
    began = process_time()
    result = attempt(formats.read, path, data)
    took = process_time() - began
    assert took < SECONDS_MAX, (path, took)
    if isinstance(result, Refused):
        assert result.code in CODES
        assert "parser failed" not in result.reason, (path, result.reason)
        return result.code
    assert_lawful(result[1])
    assert depth(result[1].blocks) <= DEPTH_MAX
    if len(data) < 20_000:
        assert_split(result[1], split(result[1]), 1200)
    return result[0]


def depth(blocks: Sequence[Block]) -> int:
    """Return how deep blocks are nested."""
    return 1 + max((depth(block.children) for block in blocks), default=0)


def _deep() -> Iterator[tuple[str, str]]:
    yield ".json", "[" * DEEP
    yield ".json", '{"a":' * DEEP + "1" + "}" * DEEP
    yield ".json", "\n".join("[" * 1 for _ in range(DEEP))
    yield ".ipynb", '{"cells": ' + "[" * DEEP
    yield ".yaml", "\n".join(f"{' ' * min(n, 900)}k{n}:" for n in range(4_000))
    yield ".yaml", "- " * DEEP + "x"
    yield ".toml", "a = " + "[" * DEEP
    yield ".py", "x = " + "(" * DEEP
    yield ".py", "\n".join(f"{' ' * n}if x:" for n in range(900))
    yield ".go", "{\n" * DEEP
    yield ".org", "\n".join("#+BEGIN_QUOTE" for _ in range(DEEP // 10))
    yield ".org", "\n".join(f"{' ' * min(n, 500)}- x" for n in range(4_000))
    yield ".adoc", "\n".join("=" * (4 + n) for n in range(900))
    yield ".adoc", "\n".join("*" * (1 + n % 6) + " x\n" for n in range(DEEP // 10))
    yield ".1", ROFF + ".RS\n.IP a\nx\n" * (DEEP // 10)
    yield ".1", ROFF + ".if n \\{\\\n" * DEEP + "x\n"
    yield ".1", ".Dd x\n" + ".Bl -tag\n.It a\n" * (DEEP // 10)
    yield ".1", ROFF + "\\f[" * DEEP
    yield ".rss", "<rss>" + "<item>" * DEEP
    yield ".rss", "<rss><item><description>" + "&lt;div&gt;" * DEEP + "</description></item></rss>"
    yield ".xml", "<a>" * DEEP
    yield ".eml", "Subject: x\nTo: " + "(" * DEEP + "\n\nx"
    yield (
        ".eml",
        "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(3_000))
        + "\nx",
    )
    yield ".csv", '"' * DEEP


@pytest.mark.parametrize("case", list(_deep()), ids=lambda case: f"{case[0]} {case[1][:16]!r}")
def test_deep_nesting(case: tuple[str, str]) -> None:
    """What is nested without end is read as far as it makes sense, or refused."""
    read(f"a{case[0]}", case[1].encode())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("unit", ["x ", "[", '"a", ', "\\f[", "a::", "\t "])
def test_a_line_without_end(suffix: str, unit: str) -> None:
    """A long line takes no longer than many short ones."""
    heads = {".1": ROFF, ".eml": "Subject: x\n\n", ".rss": "<rss>", ".org": "* a", ".adoc": "== a"}
    line = heads.get(suffix, "") + "a" + unit * (200_000 // len(unit)) + "b"
    read(f"a{suffix}", line.encode())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_many_lines_of_one_kind(suffix: str) -> None:
    """Time grows with the file, not faster, whatever its lines begin with."""
    lines = (
        *(
            "",
            " ",
            "a",
            "-",
            "- a",
            "* a",
            "a:",
            "a: |",
            "# a",
            "[a]",
            "|",
            "| a | b",
            "+",
            "=" * 5,
        ),
        *(
            "----",
            ":a:",
            "#+begin_src",
            ".TP",
            ".RS",
            '"',
            '"a',
            ">",
            "<<EOF",
            '"""',
            "/*",
            "{",
            "}",
        ),
        *("2026-11-30 a", "From: a", "--x", "[NOTE]", "a::", ".a", "'''", "def a():", " a", "\ta"),
    )
    head = {".1": ROFF, ".eml": "Subject: x\n\n"}.get(suffix, "")
    for line in lines:
        read(f"a{suffix}", (head + f"{line}\n" * 4_000).encode())


def _real() -> dict[str, str]:
    cells = [{"cell_type": "markdown", "source": "# a\n- b"}, {"cell_type": "code", "source": "c"}]
    feed = (
        "<rss><channel><title>a</title><item><title>b</title><description>&lt;p&gt;c</description>"
    )
    return {
        ".csv": 'a;b\n1;"x\ny"\n3;4\n' * 20,
        ".ipynb": json.dumps({"cells": cells * 9, "nbformat": 4}),
        ".1": ROFF + ".SH NAME\nx \\- y\n.TP\n.B a\nb\n.nf\nc\n.fi\n.TS\nl l.\na\tb\n.TE\n" * 9,
        ".3": ".Dd x\n.Sh NAME\n.Nm x\n.Nd y\n.Bl -tag\n.It Fl a Ar b\nc\n.El\n" * 9,
        ".adoc": "= A\n:x: y\n\n[NOTE]\n====\nb\n====\n* c\n+\n----\nd\n----\n|===\n|e |f\n|===\n"
        * 9,
        ".org": "* A :t:\n:P:\n:END:\n- b\n  c\n#+BEGIN_SRC\nd\n#+END_SRC\n| e | f |\n" * 9,
        ".yaml": "a:\n  b: |\n    c\n  d:\n  - e\n  # f\n---\n" * 99,
        ".json": json.dumps({f"k{n}": [{"a": n, "b": "c" * 99}] for n in range(30)}),
        ".toml": "[a]\nb = [\n  1,\n]\nc = '''\nd\n'''\n" * 60,
        ".py": "class A:\n    def b(self):\n        return '''\nc\n'''\n\n    x = 1\n" * 60,
        ".log": "2026-11-30 08:00:00 a\n  b\n\nc\n" * 60,
        ".eml": "Subject: =?utf-8?q?a?=\nContent-Type: multipart/mixed; boundary=X\n\n--X\n\nb\n> "
        "c\n--X\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\nPHA+YQ==\n--X--\n",
        ".rss": feed + "</item></channel></rss>",
    }


@pytest.mark.parametrize("suffix", list(_real()))
def test_truncated_and_damaged(suffix: str) -> None:
    """Cut off anywhere, with bytes changed, left out or in another encoding: a text or a reason."""
    data = _real()[suffix].encode()
    chance = random.Random(suffix)  # noqa: S311 -- no secret
    for cut in range(0, len(data), max(1, len(data) // 25)):
        read(f"a{suffix}", data[:cut])
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randint(0, 9)] = chance.choice(
                [b"", b"\0", b"\xff", b"\n", b'"', b"\\", b"\xe2\x80\x8b", b"\n\n", b"<", b"|"]
            )
        read(f"a{suffix}", bytes(damaged))
    for encoding in ("utf-16", "utf-32", "latin-1"):
        read(f"a{suffix}", f"{data.decode()}\u00e9".encode(encoding))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "data", [b"%PDF-1.4\n", b"PK\x03\x04", b"\x7fELF\0\0", b"a\0b", bytes(300)]
)
def test_another_type_behind_the_name(suffix: str, data: bytes) -> None:
    """Its name promised text: that is an error, unless the name promises nothing."""
    assert read(f"a{suffix}", data) in ("malformed", "binary", "text")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("data", [b"", b" \n\t\n", b"\n" * 100_000, b"\xef\xbb\xbf"])
def test_nothing_in_it(suffix: str, data: bytes) -> None:
    """A file without words is empty; a message without a header is none."""
    assert read(f"a{suffix}", data) in ("empty", "malformed")
