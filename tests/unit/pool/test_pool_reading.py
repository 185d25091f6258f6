"""The parser pool with children that do as they are told by the file they read."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerable.adapters.parsers.pool import InlineParser, Limits, ParserPool
from answerable.domain.errors import NotReady
from answerable.library.ports import Parsed, Raw, Unreadable

READER = "pool_readers:read"


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    """Give a pool that is closed afterwards."""
    with ParserPool(children=2, reader=READER) as made:
        yield made


def raws(*words: str) -> list[Raw]:
    """Return one file for each word, which tells the reader what to do."""
    return [Raw(path=f"{place}.txt", data=word.encode()) for place, word in enumerate(words)]


def said(pool: ParserPool, *words: str) -> list[str]:
    """Return code or text of each file, in the order of the files."""
    results = {result.path: result for result in pool.read(raws(*words))}
    assert len(results) == len(words)
    return [_word(results[f"{place}.txt"]) for place in range(len(words))]


def _word(result: Parsed | Unreadable) -> str:
    return result.code if isinstance(result, Unreadable) else result.text.text


def test_every_file_gets_one_result(pool: ParserPool) -> None:
    """Five hundred files give five hundred results, each its own."""
    words = [f"hello {number} ÄöÜ 漢字 🙂" for number in range(500)]
    assert said(pool, *words) == words


def test_result_is_whole(pool: ParserPool) -> None:
    """Format, title, blocks and text arrive as the reader made them."""
    (result,) = pool.read(raws("plain words"))
    (inline,) = InlineParser(reader=READER).read(raws("plain words"))
    assert isinstance(result, Parsed)
    assert result == inline
    assert result.text.blocks[0].end == 11


def test_nothing_is_started_without_a_file(pool: ParserPool) -> None:
    """A pool without files has no children."""
    assert list(pool.read([])) == []
    assert not pool._idle


def test_children_stay_warm(pool: ParserPool) -> None:
    """The next call is read by a child of the last one."""
    first = said(pool, "pid")
    assert said(pool, "pid") == first


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("recurse", "malformed"),
        ("raise", "malformed"),
        ("exit", "malformed"),
        ("surrogate", "malformed"),
        ("negative", "malformed"),
        ("outside", "malformed"),
        ("masks", "malformed"),
        ("invent", "malformed"),
        ("refuse", "binary"),
        ("abort", "crashed"),
        ("segfault", "crashed"),
        ("leave", "crashed"),
    ],
)
def test_bad_file_condemns_itself(pool: ParserPool, word: str, code: str) -> None:
    """A reader that fails in any way costs its own file, never one before or behind it."""
    assert said(pool, "a", "b", word, "c", "d", "e") == ["a", "b", code, "c", "d", "e"]


def test_many_crashes(pool: ParserPool) -> None:
    """Crashing files among good ones: each good one is read."""
    words = ["abort" if number % 7 == 3 else f"good {number}" for number in range(60)]
    expected = ["crashed" if word == "abort" else word for word in words]
    assert said(pool, *words) == expected


def test_class_of_an_exception_is_all_that_is_told(pool: ParserPool) -> None:
    """No text of a document gets into a reason."""
    (result,) = pool.read(raws("raise secret words"))
    assert isinstance(result, Unreadable)
    assert result.reason == "the parser failed with LookupError"


def test_refusals_that_are_no_fault_are_skipped(pool: ParserPool) -> None:
    """A binary file is passed over, a malformed one is a failure."""
    skipped, failed = sorted(pool.read(raws("refuse", "raise")), key=lambda one: one.path)
    assert isinstance(skipped, Unreadable)
    assert isinstance(failed, Unreadable)
    assert (skipped.skipped, failed.skipped) == (True, False)


@pytest.mark.parametrize("word", ["sleep", "spin"])
def test_deadline(word: str) -> None:
    """A file that never ends is a time-out, and those queued behind it are read elsewhere."""
    with ParserPool(children=1, reader=READER, limits=Limits(wall_s=0.3)) as pool:
        assert said(pool, "a", word, "b", "c") == ["a", "timeout", "b", "c"]


def test_slow_caller_costs_no_file_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the caller works on a result, no clock runs."""
    clock = [0.0]
    monkeypatch.setattr("answerable.adapters.parsers.pool.monotonic", lambda: clock[0])
    with ParserPool(children=1, reader=READER) as pool:
        read = []
        for result in pool.read(raws("a", "nap", "nap", "b")):
            clock[0] += 3600
            read.append(_word(result))
    assert read == ["a", "nap", "nap", "b"]


def test_slow_source_costs_no_file_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the next file is fetched, no clock runs."""
    clock = [0.0]
    monkeypatch.setattr("answerable.adapters.parsers.pool.monotonic", lambda: clock[0])

    def slow() -> Iterator[Raw]:
        for raw in raws("a", "nap", "nap", "b"):
            yield raw
            clock[0] += 3600

    with ParserPool(children=1, reader=READER) as pool:
        said(pool, "a")  # a child that is ready: its clock is that of a file, not of its start
        assert [_word(result) for result in pool.read(slow())] == ["a", "nap", "nap", "b"]


def test_memory() -> None:
    """A file that takes all memory is refused, and the next gets a fresh child."""
    limits = Limits(memory_bytes=2**28)
    with ParserPool(children=1, reader=READER, limits=limits) as pool:
        before, refused, after = said(pool, "pid", "allocate", "pid")
    assert refused == "memory"
    assert before != after


def test_output_of_an_honest_child() -> None:
    """Too much text is refused by the child and costs it nothing."""
    with ParserPool(children=1, reader=READER, limits=Limits(output_bytes=2**20)) as pool:
        before, refused, after = said(pool, "pid", "huge", "pid")
    assert (refused, before) == ("output_too_large", after)


def test_large_file_and_large_text(pool: ParserPool) -> None:
    """A file larger than any pipe goes through in both directions."""
    word = "words " * 1_500_000
    assert said(pool, "a", word, "huge", "b") == ["a", word, "x" * 2**21, "b"]


def test_noise_does_not_reach_the_protocol(
    pool: ParserPool, capfd: pytest.CaptureFixture[str]
) -> None:
    """A reader that prints corrupts nothing and shows nothing."""
    assert said(pool, "print", "a") == ["print", "a"]
    assert capfd.readouterr() == ("", "")


def test_what_a_child_holds(pool: ParserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret of the environment, no open file, its own session, deaf to Ctrl-C, polite."""
    monkeypatch.setenv("API_KEY", "secret")
    (facts,) = said(pool, "facts")
    told = dict(line.split(" ", 1) for line in facts.splitlines())
    assert told.pop("environment") in {"LC_ALL", "LC_ALL,LD_LIBRARY_PATH"}
    assert int(told.pop("nice")) >= 5
    assert told == {
        "session": "True",
        "interrupt": "True",
        "pipes": "3",
        "others": "[]",
        "folder": "/",
    }


def test_child_cannot_write(pool: ParserPool, tmp_path: Path) -> None:
    """Nothing that a child writes to a file arrives."""
    place = tmp_path / "written"
    assert said(pool, f"write {place}") == ["malformed"]
    assert not place.exists() or place.read_bytes() == b""


def test_child_opens_few_files(pool: ParserPool) -> None:
    """A parser that opens file after file fails, and only it."""
    assert said(pool, "a", "files", "b") == ["a", "malformed", "b"]


def test_child_has_no_network(pool: ParserPool) -> None:
    """A parser that calls home finds nobody there, though somebody listens on this machine."""
    if not _mayleave_network():
        pytest.skip("this system lets no process leave its network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert said(pool, "a", f"connect {port}", "b") == ["a", "malformed", "b"]
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert said(pool, "network") in (["lo"], [""])


def _mayleave_network() -> bool:
    """Return whether `unshare` works here, asked of the program of that name."""
    tried = (["unshare", "-n", "true"], ["unshare", "-rn", "true"])
    if shutil.which("unshare") is None:
        return False
    return any(
        subprocess.run(one, check=False, capture_output=True).returncode == 0 for one in tried
    )


def test_module_of_a_document_folder_is_not_imported(
    pool: ParserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `json.py` or `answerable.py` among the documents is a document."""
    for name in ("json", "answerable", "pool_readers"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert said(pool, "a") == ["a"]


def test_leaving_early_leaves_nobody(pool: ParserPool) -> None:
    """A caller that stops in the middle leaves no child, and the pool works again."""
    reading = pool.read(raws("a", "sleep", "sleep", "b"))
    next(reading)
    children = [child.process for child in pool._busy]
    assert children
    reading.close()
    assert all(child.returncode is not None for child in children)
    assert said(pool, "a") == ["a"]


def test_interrupt_leaves_nobody(pool: ParserPool) -> None:
    """Ctrl-C while the source gives a file leaves no child, and the pool works again."""

    def interrupted() -> Iterator[Raw]:
        yield from raws("sleep", "sleep")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(pool.read(interrupted()))
    assert not pool._busy
    assert not pool._idle
    assert said(pool, "a") == ["a"]


def test_close_twice_and_go_on(pool: ParserPool) -> None:
    """Closing ends all children, may be repeated, and the pool may be used again."""
    said(pool, "a")
    children = [child.process for child in pool._idle]
    pool.close()
    pool.close()
    assert all(child.returncode is not None for child in children)
    assert said(pool, "b") == ["b"]


def test_close_while_reading(pool: ParserPool) -> None:
    """Closing from elsewhere ends a reading with a clear error, and blames no file."""
    reading = pool.read(raws("a", "sleep", "sleep"))
    next(reading)
    closing = threading.Thread(target=pool.close)
    closing.start()
    with pytest.raises(NotReady, match="closed"):
        list(reading)
    closing.join()
    assert said(pool, "b") == ["b"]


def test_two_threads(pool: ParserPool) -> None:
    """Two threads read at once and each gets its own results."""
    results: dict[str, list[str]] = {}

    def read(mark: str) -> None:
        results[mark] = said(pool, *(f"{mark} {number}" for number in range(200)))

    threads = [threading.Thread(target=read, args=(mark,)) for mark in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mark in "ab":
        assert results[mark] == [f"{mark} {number}" for number in range(200)]
    assert len(pool._idle) == 2


def test_reader_that_cannot_be_loaded() -> None:
    """A broken installation is said at once, and no file is blamed."""
    with (
        ParserPool(children=1, reader="no_such_module:read") as pool,
        pytest.raises(NotReady, match="ModuleNotFoundError"),
    ):
        list(pool.read(raws("a")))


def test_interpreter_that_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing interpreter is said as what it is."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with ParserPool(children=1, reader=READER) as pool, pytest.raises(NotReady, match="No such"):
        list(pool.read(raws("a")))


def test_interpreter_that_ends_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Children that die before they are ready are given up after a few, with no file blamed."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 5\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with ParserPool(children=1, reader=READER) as pool, pytest.raises(NotReady, match="status 5"):
        list(pool.read(raws("a", "b")))


def test_digest_is_the_readers(pool: ParserPool) -> None:
    """The pool and the inline parser name the same reading."""
    assert pool.digest == InlineParser(reader=READER).digest == "badly-behaved-1"


def test_inline_parser_refuses_alike() -> None:
    """Without isolation a refusal reads the same."""
    results = list(InlineParser(reader=READER).read(raws("refuse", "raise", "recurse", "a")))
    assert [_word(result) for result in results] == ["binary", "malformed", "malformed", "a"]


def test_real_formats() -> None:
    """The parsers of the product run in children."""
    with ParserPool(children=1) as pool:
        (result,) = pool.read([Raw(path="a.md", data=b"# Title\n\nSome words.\n")])
    assert isinstance(result, Parsed)
    assert (result.format, result.text.title) == ("markdown", "Title")
