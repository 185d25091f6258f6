"""Source code and logs to blocks: definitions with their comments, entries with their traces."""

from __future__ import annotations

import pytest
from parser_laws import assert_lawful, blocks_of

from answerable.adapters.parsers import code, formats, logs
from answerable.domain.documents import BlockKind
from answerable.library.split import split

CODE, HEADING = BlockKind.CODE, BlockKind.HEADING

PYTHON = '''"""What it is for.

More of it.
"""
import os
import sys

X = """
text at the margin

more
"""


# Says hello.
@cache
def hello(
    name: str,
) -> str:
    """Return it."""
    first = name

    return first
def bye():
    pass
'''


SHELL = """#!/bin/sh
set -e

# does it
run() {
  a

  b
}
cat <<EOF
x

y
EOF

if x; then
  y

else
  z
fi
"""


def test_python_is_cut_between_definitions() -> None:
    """Comments and decorators go with what they stand above; a string is no statement."""
    text = code.read(PYTHON, ".py")
    assert text.text == PYTHON
    assert blocks_of(text, CODE) == [
        '"""What it is for.\n\nMore of it.\n"""',
        "import os\nimport sys",
        'X = """\ntext at the margin\n\nmore\n"""',
        PYTHON[PYTHON.index("# Says") : PYTHON.index("def bye")].rstrip(),
        "def bye():\n    pass",
    ]


def test_a_long_class_is_a_section() -> None:
    """Whoever finds a method is told its class; a long method is named itself."""
    body = "".join(f"        x{n} = {'1' * 40}\n\n" for n in range(40))
    source = (
        f"class Pump:\n    def short(self):\n        pass\n\n    def long(self):\n{body}"
        "\ndef after():\n    pass\n"
    )
    text = code.read(source, ".py")
    assert_lawful(text)
    paths = [chunk.heading for chunk in split(text)]
    assert paths[0] == ("class Pump:",)
    assert paths[1] == ("class Pump:", "def long(self):")
    assert paths[-1] == ()


@pytest.mark.parametrize(
    ("suffix", "source", "blocks"),
    [
        (
            ".sh",
            SHELL,
            [
                "#!/bin/sh\nset -e",
                "# does it\nrun() {\n  a\n\n  b\n}",
                "cat <<EOF\nx\n\ny\nEOF",
                "if x; then\n  y\n\nelse\n  z\nfi",
            ],
        ),
        (
            ".go",
            'package main\n\nimport (\n\t"os"\n)\n\n// F does.\nfunc F() {\n\ta()\n\n\tb()\n}\n',
            ["package main", 'import (\n\t"os"\n)', "// F does.\nfunc F() {\n\ta()\n\n\tb()\n}"],
        ),
        (
            ".c",
            "#include <a.h>\n\n/*\n * What it does.\n */\nint f(void)\n{\n  a;\n\n  b;\n}\n",
            ["#include <a.h>", "/*\n * What it does.\n */\nint f(void)\n{\n  a;\n\n  b;\n}"],
        ),
        (".sql", "-- all\nSELECT 1;\n\nSELECT 2;\n", ["-- all\nSELECT 1;", "SELECT 2;"]),
    ],
)
def test_other_languages(suffix: str, source: str, blocks: list[str]) -> None:
    """Brackets and indentation tell what belongs together, and comments stay with it."""
    assert blocks_of(code.read(source, suffix), CODE) == blocks


def test_broken_python_is_read_by_its_indentation() -> None:
    """A file that does not compile is still a text."""
    source = "def f(:\n    a\n\n    b\n\ndef g():\n    c\n"
    assert blocks_of(code.read(source, ".py"), CODE) == [
        "def f(:\n    a\n\n    b",
        "def g():\n    c",
    ]
    assert code.read("x = " + "(" * 5_000, ".py").text
    assert code.read("\\d = '\\d'\n", ".py").text


def test_a_script_without_suffix_is_code() -> None:
    """Its first line says what it is; other text without a suffix is prose."""
    assert formats.read("run", b"#!/bin/sh\nx\n")[0] == "code"
    assert formats.read("README", b"Words.\n")[0] == "text"


LOG = """2026-11-30T08:00:00Z INFO start
2026-11-30T08:00:01Z ERROR it failed
Traceback (most recent call last):
  File "x.py", line 1

ValueError: bad
2026-11-30T08:00:02Z INFO end
"""


def test_an_entry_of_a_log_keeps_its_trace() -> None:
    """Lines that begin no entry belong to the one before, blank ones too."""
    text = logs.read(LOG)
    assert text.text == LOG
    first, second, third = blocks_of(text, CODE)
    assert first.endswith("start")
    assert second.startswith("2026-11-30T08:00:01Z ERROR")
    assert second.endswith("\nValueError: bad")
    assert third.endswith("end")


@pytest.mark.parametrize(
    "line",
    [
        "Nov 30 08:00:00 host kernel: x",
        "<34>1 2026-11-30T08:00:00Z host app - x",
        "[2026-11-30 08:00:00,123] WARN x",
        "30/Nov/2026:08:00:00 x",
        "10.0.0.1 - - [30/Nov/2026:08:00:00 +0000] GET",
        "E1130 08:00:00.000000       1 main.go:1] x",
        "[    0.000000] Linux",
        "1764489600.123 x",
        'time="2026-11-30" level=info',
        '{"level":"info"}',
        "WARNING: x",
    ],
)
def test_logs_of_many_kinds(line: str) -> None:
    """Each way to begin an entry is known."""
    source = f"{line}\n  more\n{line}\n"
    assert logs.is_log(source)
    assert blocks_of(logs.read(source), CODE) == [f"{line}\n  more", line]


def test_what_is_no_log_is_prose() -> None:
    """Its name alone makes nothing a log, and a rotated one needs no name."""
    assert not logs.is_log("Dear diary.\nIt rained.\n")
    assert formats.read("a.log", b"Dear diary.\n\nIt rained.\n")[0] == "text"
    assert formats.read("a.log.1", LOG.encode())[0] == "log"
