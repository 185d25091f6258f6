"""Bad input, on the command line: one sentence each, and what was there still answers."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Ran, Shell, library, shell

from answerable.adapters.index.local import LocalIndex
from answerable.adapters.state.lock import exclusive

__all__ = ["library", "shell"]  # pytest finds fixtures by their names here

_DAC_OVERRIDE = 1 << 1 | 1 << 2


def still_answers(library: Shell) -> None:
    """Make sure that the first revision serves as if nothing had happened."""
    asked = library.done("ask", "At how many degrees does water boil?")
    assert "100 degrees" in asked.out
    assert "revision 1 " in asked.out


def failures(ran: Ran) -> dict[str, str]:
    """Return the codes of files that failed, by path."""
    found = {}
    for line in ran.out.splitlines():
        if line.startswith("  failed: "):
            path, _, rest = line.removeprefix("  failed: ").partition(": ")
            found[path] = rest.rpartition("[")[2].rstrip("]")
    return found


# Paths


def test_a_path_that_does_not_exist(library: Shell) -> None:
    """It is named, with exit 2, before anything else that was named is read."""
    library.write("more/new.md")
    said = library.run("ingest", "more", "nowhere").check_error("path_missing", status=2)
    assert str(library.home / "nowhere") in said
    assert len(library.done("documents", "list", "--json").data) == 2


def test_an_empty_folder(library: Shell) -> None:
    """A folder without files was surely mistyped: exit 2; `--allow-empty` thinks otherwise."""
    (library.home / "empty").mkdir()
    said = library.run("ingest", "empty").check_error("bad_input", status=2)
    assert f"there is nothing to read in {library.home / 'empty'}: it holds no files" in said
    assert "nothing changed" in library.done("ingest", "--allow-empty", "empty").out
    still_answers(library)


def test_only_files_that_are_skipped(library: Shell) -> None:
    """The reasons are counted, or given when it is one file."""
    library.write("pictures/a.png", b"\x89PNG\r\n\x1a\n\0\0")
    library.write("pictures/.hidden")
    said = library.run("ingest", "pictures").check_error("bad_input", status=2)
    assert "all 2 files in it are skipped" in said
    assert "binary 1" in said
    said = library.run("ingest", "pictures/a.png").check_error("bad_input", status=2)
    assert f"{library.home / 'pictures/a.png'}: " in said
    library.run("try", "pictures", "what is it?").check_error("bad_input", status=2)


def test_a_folder_that_lost_everything(library: Shell) -> None:
    """A share that is not mounted does not empty the library, unless one insists."""
    for file in (library.home / "docs").iterdir():
        file.unlink()
    said = library.run("ingest", "docs").check_error("conflict", status=1)
    assert "documents of it are in the library: 2" in said
    assert "--allow-empty" in said
    still_answers(library)
    assert "removed         2" in library.done("ingest", "--allow-empty", "docs").out
    asked = library.done("ask", "At how many degrees does water boil?")
    assert "100 degrees" not in asked.out


def test_one_good_path_and_one_bad(library: Shell) -> None:
    """What was done before the failure is reported, not forgotten."""
    library.write("more/new.md")
    (library.home / "empty").mkdir()
    ran = library.run("ingest", "more", "empty")
    ran.check_error("bad_input", status=2)
    assert "revision 2 sealed" in ran.out


def test_links_in_circles(library: Shell) -> None:
    """Links to themselves, to their folder and to each other end the walk nowhere."""
    docs = library.home / "docs"
    (docs / "self").symlink_to("self")
    (docs / "up").symlink_to("..")
    (docs / "here").symlink_to(".")
    (docs / "a").symlink_to("b")
    (docs / "b").symlink_to("a")
    ran = library.done("ingest", "docs", "--verbose")
    assert "unchanged       2" in ran.out
    assert "link_loop" in ran.out


@pytest.mark.parametrize("named", [False, True])
def test_a_fifo(library: Shell, *, named: bool) -> None:
    """It is skipped, at once: nobody waits for a writer that never comes."""
    os.mkfifo(library.home / "docs" / "pipe.md")
    if named:
        library.run("ingest", "docs/pipe.md").check_error("bad_input", status=2)
    else:
        assert "not_a_file 1" in library.done("ingest", "docs").out


def test_names_nobody_should_use(library: Shell) -> None:
    """A line break in a name is told of, not printed; names like `..` are only names."""
    library.write("docs/two\nlines.md")
    library.write("docs/\x1b[31mred.md")
    library.write(os.fsdecode(b"docs/\xff.md"))
    library.write("docs/a..%2f..%2fetc.md", "Percent signs are only text.\n")
    ran = library.run("ingest", "docs")
    assert ran.status == 3
    codes = failures(ran)
    assert set(codes.values()) == {"bad_name"}
    assert len(codes) == 3
    assert "\x1b" not in ran.out
    assert "two\\nlines.md" in ran.out
    assert "added           1" in ran.out


def test_dots_in_a_path(library: Shell) -> None:
    """`docs/../docs` is `docs`: no document comes twice."""
    ran = library.done("ingest", "docs/../docs")
    assert "nothing changed, 2 documents" in ran.out


@pytest.fixture
def no_override() -> Iterator[None]:
    """Let permissions hold for this thread even where tests run as root."""
    libc = ctypes.CDLL(None)
    if os.geteuid() != 0:
        yield
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    effective = data[0]
    data[0] = effective & ~_DAC_OVERRIDE
    assert libc.capset(header, data) == 0
    yield
    data[0] = effective
    assert libc.capset(header, data) == 0


@pytest.mark.usefixtures("no_override")
def test_a_file_one_may_not_read(library: Shell) -> None:
    """It fails by name with exit 3; what it said before stays, and all else is taken."""
    library.write("docs/air.md", "Air is a gas.\n")
    (library.home / "docs" / "water.md").chmod(0)
    ran = library.run("ingest", "docs")
    assert ran.status == 3
    assert failures(ran) == {"water.md": "unreadable"}
    assert "permission denied" in ran.out
    assert "added           1" in ran.out
    assert "100 degrees" in library.done("ask", "At how many degrees does water boil?").out


@pytest.mark.usefixtures("no_override")
def test_a_folder_one_may_not_read(library: Shell) -> None:
    """The folder itself: exit 1. A folder in it: exit 3, and nothing in it seems gone."""
    library.write("docs/deep/air.md", "Air is a gas.\n")
    library.done("ingest", "docs")
    (library.home / "docs" / "deep").chmod(0)
    ran = library.run("ingest", "docs")
    assert ran.status == 3
    assert failures(ran) == {"deep/": "unreadable"}
    assert len(library.done("documents", "list", "--json").data) == 3
    (library.home / "docs").chmod(0)
    library.run("ingest", "docs").check_error("not_allowed", status=1)
    for folder in ("docs", "docs/deep"):
        (library.home / folder).chmod(0o755)


# Contents


def test_files_that_are_not_what_they_are_called(library: Shell) -> None:
    """A picture called Markdown is refused and told of; text called anything is read."""
    library.write("docs/picture.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    library.write("docs/program.txt", b"\x7fELF\2\1\1\0\0\0\0\0")
    library.write("docs/packed.html", b"\x1f\x8b\x08\0\0\0\0\0\0\3")
    library.write("docs/page.md", "<html><body><p>Glass is brittle.</p></body></html>")
    library.write("docs/broken.json", "{]: Iron rusts.")
    library.write("docs/none", "Gold never rusts.\n")
    ran = library.run("ingest", "docs")
    assert ran.status == 3
    assert "added           3" in ran.out
    assert failures(ran).keys() == {"packed.html", "picture.md", "program.txt"}
    assert "it is not what its name says" in ran.out


def test_encodings(library: Shell) -> None:
    """Marked UTF-16 and plain Latin text are read; noise is refused by name, never garbled."""
    library.write("docs/utf16.md", "Käse schmeckt gut.\n".encode("utf-16"))
    library.write("docs/bom.md", "\ufeffÄpfel sind rund.\n".encode())
    library.write("docs/latin.md", ("Überall fällt Schnee im Frühling. " * 20).encode("latin-1"))
    ran = library.run("ingest", "docs")
    assert ran.status in {0, 3}
    texts = {
        one["document"]["path"]: library.done(
            "documents", "show", one["document"]["id"], "--text"
        ).out
        for one in library.done("documents", "list", "--json").data
    }
    assert "Käse schmeckt gut." in texts["utf16.md"]
    assert texts["bom.md"].startswith("Äpfel")
    assert ("Überall fällt Schnee" in texts["latin.md"]) if "latin.md" in texts else failures(ran)
    assert not any("\ufffd" in text for text in texts.values())


def test_a_huge_text(library: Shell) -> None:
    """200 MB are refused without being read; the limit and its setting are named."""
    file = library.write("docs/huge.log", "a line of text\n" * 1000)
    os.truncate(file, 200_000_000)
    began = time.monotonic()
    ran = library.run("ingest", "docs")
    assert time.monotonic() - began < 20
    assert ran.status == 3
    assert failures(ran) == {"huge.log": "too_large"}
    assert "larger than 50 MB (setting ingest.size_mb_max)" in ran.out


@pytest.mark.parametrize("files", [3_000, pytest.param(100_000, marks=pytest.mark.accept)])
def test_many_tiny_files(shell: Shell, files: int) -> None:
    """All are taken, and a second run finds nothing to do."""
    shell.done("init")
    for number in range(files):
        shell.write(f"docs/{number % 100}/{number}.txt", f"Number {number} is zq{number}.\n")
    ran = shell.done("ingest", "docs")
    assert f"revision 1 sealed, {files} documents" in ran.out
    assert len(ran.out.splitlines()) < 10, "nobody reads thousands of lines"
    assert f"nothing changed, {files} documents" in shell.done("ingest", "docs").out
    assert f"zq{files - 1}" in shell.done("ask", f"what is zq{files - 1}?").out


# Questions


def test_questions_too_short_or_too_long(library: Shell) -> None:
    """Exit 2, and a long question is not printed back."""
    for question in ("", "   ", "\n\t", "?" * 100_000, "water " * 20_000):
        ran = library.run("ask", question)
        said = ran.check_error("bad_question", status=2)
        assert len(said) < 300
        assert ran.out == ""


def test_operators_in_a_question_are_only_words(library: Shell) -> None:
    """No question is a query language: it is answered or abstained from."""
    for question in (
        '" OR NEAR( *',
        "title:water AND NOT body:fire",
        "(((water",
        "water^9 ~3 [a TO b} +-&&||!\\/",
        "'; DROP TABLE contents; --",
        "?!...",
        "\x1b[2J\x07",
        "\U0001d534ater \u202e water",
    ):
        ran = library.run("ask", question)
        assert ran.status in {0, 2}, ran
        assert "\x1b" not in ran.out + ran.err
        still_answers(library)


# Configuration


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 'red'", "unknown setting colour"),
        ("[serve]\nprot = 80", "unknown setting serve.prot"),
        ("[serve]\nport = 'http'", "setting serve.port"),
        ("[serve]\nport = 70000", "setting serve.port"),
        ("serve = 8080", "setting serve"),
        ("data_dir = 7", "setting data_dir"),
        ("[serve\nport = 80", "is not TOML"),
        ("\x00", "is not TOML"),
    ],
)
def test_a_broken_configuration(shell: Shell, text: str, named: str) -> None:
    """The key or the line is named, and the file; exit 2."""
    file = shell.write("answerable.toml", text)
    said = shell.run("ask", "what is water?").check_error("bad_configuration", status=2)
    assert named in said
    assert str(file) in said


def test_a_configuration_that_is_not_unicode(shell: Shell) -> None:
    """The file is named; exit 2."""
    file = shell.write("answerable.toml", b"data_dir = '\xff'")
    said = shell.run("ask", "what is water?").check_error("bad_configuration", status=2)
    assert str(file) in said


def test_a_broken_environment(library: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's setting is named; exit 2."""
    monkeypatch.setenv("ANSWERABLE_INGEST__CHILDREN", "many")
    said = library.run("ask", "what is water?").check_error("bad_configuration", status=2)
    assert "ingest.children" in said


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("ANSWERABLE_PROT", ""),
        ("ANSWERABLE_SERVE", "ANSWERABLE_SERVE__PORT"),
        ("ANSWERABLE_SERVE_PORT", "ANSWERABLE_SERVE__PORT"),
        ("ANSWERABLE_SERVE__PROT", "ANSWERABLE_SERVE__PORT"),
        ("ANSWERABLE_PORT", "ANSWERABLE_SERVE__PORT"),
        ("answerable_data_dirs", "ANSWERABLE_DATA_DIR"),
    ],
)
def test_a_variable_that_sets_nothing(
    library: Shell, monkeypatch: pytest.MonkeyPatch, name: str, similar: str
) -> None:
    """It is refused by its name, not passed over; what was meant is guessed. Exit 2."""
    monkeypatch.setenv(name, "x3x3x")
    said = library.run("ask", "what is water?").check_error("bad_configuration", status=2)
    assert f": {name.upper()}\n" in said
    assert similar in said
    assert "x3x3x" not in said


def test_variables_of_others(library: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Kubernetes tells about a service called `answerable` is no setting and no mistake."""
    for name, value in (
        ("ANSWERABLE_SERVICE_HOST", "10.0.0.7"),
        ("ANSWERABLE_SERVICE_PORT", "8080"),
        ("ANSWERABLE_SERVICE_PORT_HTTP", "8080"),
        ("ANSWERABLE_PORT", "tcp://10.0.0.7:8080"),
        ("ANSWERABLE_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("ANSWERABLE_PORT_8080_TCP_PROTO", "tcp"),
        ("ANSWERABLE_WEB_SERVICE_HOST", "10.0.0.8"),
        ("ANSWERABLE_WEB_PORT", "tcp://10.0.0.8:8080"),
    ):
        monkeypatch.setenv(name, value)
    still_answers(library)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[serve]\nport = 'x3x3x'", "setting serve.port must be a whole number"),
        ("[serve]\nhost = 30303", "setting serve.host must be a text"),
        ("[ingest]\nseconds_max = 'x3x3x'", "setting ingest.seconds_max must be a number"),
        ("[ingest]\nseconds_max = inf", "setting ingest.seconds_max must be a finite number"),
        ("[traces]\nsync = 'x3x3x'", "setting traces.sync must be 'full' or 'normal'"),
        ("[serve]\nport = 30303303", "setting serve.port must be less than or equal to 65535"),
        ("data_dir = 30303", "setting data_dir must be a path"),
        ("serve = 30303", "setting serve must be a table"),
    ],
)
def test_a_value_of_the_wrong_kind(shell: Shell, text: str, expected: str) -> None:
    """What is expected is said; the value, which might be a secret, is not."""
    shell.write("answerable.toml", text)
    said = shell.run("settings", "show").check_error("bad_configuration", status=2)
    assert expected in said
    assert "x3x3x" not in said
    assert "30303" not in said


# The library itself


def test_another_process_is_writing(library: Shell) -> None:
    """The process is named, exit 1; asking goes on, and afterwards ingesting too."""
    library.write("docs/air.md", "Air is a gas.\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from answerable.adapters.state.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    lock = library.home / "data" / "state.db.lock"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        said = library.run("ingest", "docs").check_error("locked", status=1)
        assert f"process {other.pid} " in said
        assert f"kill {other.pid}" in said
        still_answers(library)
    assert "added           1" in library.done("ingest", "docs").out


def test_the_server_is_writing(library: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to kill the server because it takes in an upload."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/answerable", "serve", "--port", "0"])
    with exclusive(library.home / "data" / "state.db.lock"):
        said = library.run("ingest", "docs").check_error("locked", status=1)
    assert "(answerable serve)" in said
    assert "run it again in a moment" in said
    assert "kill" not in said


@pytest.mark.usefixtures("no_override")
def test_a_data_directory_that_turns_read_only(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of ingest: exit 1, the old revision answers, the next run completes."""
    library.write("docs/air.md", "Air is a gas.\n")
    index = library.home / "data" / "index"
    build = LocalIndex.build

    def late(*arguments: object, **parts: object) -> str:
        index.chmod(0o555)
        return build(*arguments, **parts)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(LocalIndex, "build", late)
    said = library.run("ingest", "docs").check_error("read_only", status=1)
    assert str(index) in said
    still_answers(library)
    monkeypatch.setattr(LocalIndex, "build", build)
    index.chmod(0o755)
    assert "added           1" in library.done("ingest", "docs").out


def test_a_database_that_is_none(library: Shell) -> None:
    """Damage is named with its file; nothing is made over it."""
    state = library.home / "data" / "state.db"
    state.write_bytes(b"this is no database" * 500)
    said = library.run("ask", "what is water?").check_error("corrupt", status=1)
    assert str(state) in said
    assert state.read_bytes().startswith(b"this is no database")


def test_a_data_directory_that_is_a_file(shell: Shell) -> None:
    """It is named, and what to do about it."""
    shell.write("data", "not a folder")
    shell.write("answerable.toml", 'data_dir = "data"')
    ran = shell.run("ask", "what is water?")
    assert str(shell.home / "data") in ran.check_error("storage_failure", status=1)


@pytest.mark.parametrize("sink", ["/dev/full"])
def test_an_output_that_takes_nothing(library: Shell, sink: str) -> None:
    """A full disk behind `>` is said in one sentence, also at the very end of Python."""
    if not Path(sink).exists():
        pytest.skip(f"this machine has no {sink}")
    with Path(sink).open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "answerable", "documents", "list"],
            cwd=library.home,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    Ran(status=done.returncode, out="", err=done.stderr).check_error("storage_failure", status=1)
    assert len(done.stderr.splitlines()) == 2


def test_the_real_program(library: Shell) -> None:
    """Outside of the tests' process, errors look the same and parsers run apart."""
    library.write("docs/air.md", "Air is a gas.\n")
    arguments = [sys.executable, "-m", "answerable"]
    done = subprocess.run(
        [*arguments, "ingest", "docs", "--json"],
        cwd=library.home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Ran(status=0, out=done.stdout, err="").data[0]["revision"] == 2
    done = subprocess.run(
        [*arguments, "ask", ""], cwd=library.home, capture_output=True, text=True, check=False
    )
    ran = Ran(status=done.returncode, out=done.stdout, err=done.stderr)
    ran.check_error("bad_question", status=2)
