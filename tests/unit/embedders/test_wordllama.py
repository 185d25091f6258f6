"""WordLlama's table: read, verified, averaged."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from answerable.adapters.embedders import wordllama
from answerable.adapters.embedders.pooling import unit
from answerable.adapters.embedders.wordllama import PUBLISHED, Pinned, WordLlama
from answerable.domain.errors import NotReady

WORDS = ("<unk>", "red", "blue", "green")
TABLE = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], dtype="<f2")


@pytest.fixture
def pinned(tmp_path: Path) -> Pinned:
    """Files of four words in three numbers, laid out as the package does."""
    return write_tiny(tmp_path)


def test_a_text_is_the_mean_of_its_tokens(tmp_path: Path, pinned: Pinned) -> None:
    """At length 1; also of tokens the table does not know."""
    rows = WordLlama(tmp_path, pinned=pinned).embed(
        ["red", "red blue", "red red blue", "strange"], purpose="passage"
    )
    assert rows.dtype == np.float32
    expected = np.array([[1.0, 0, 0], [1, 1, 0], [2, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(rows, unit(expected), rtol=1e-6)


def test_a_text_without_tokens_gets_a_row(tmp_path: Path, pinned: Pinned) -> None:
    """Of equal numbers; and no text gives no rows, of the right width."""
    embedder = WordLlama(tmp_path, pinned=pinned)
    np.testing.assert_allclose(embedder.embed([""], purpose="question"), [[3**-0.5] * 3], rtol=1e-6)
    assert embedder.embed([], purpose="question").shape == (0, 3)


def test_long_texts_do_not_lose_precision(tmp_path: Path, pinned: Pinned) -> None:
    """Sixteen bits hold no sum of a hundred thousand; and nothing is cut off."""
    text = "red " * 99_999 + "blue"
    rows = WordLlama(tmp_path, pinned=pinned).embed([text], purpose="passage")
    np.testing.assert_allclose(rows[0, :2], [1, 1 / 99_999], rtol=1e-4)


def test_files_may_lie_side_by_side(tmp_path: Path, pinned: Pinned) -> None:
    """A folder of the operator need not be built like the package."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in (pinned.table, pinned.tokenizer):
        (tmp_path / name).rename(flat / Path(name).name)
    rows = WordLlama(flat, pinned=pinned).embed(["red"], purpose="question")
    np.testing.assert_allclose(rows, [[1, 0, 0]])


@pytest.mark.parametrize("name", ["table", "tokenizer"])
def test_a_missing_file_is_told(tmp_path: Path, pinned: Pinned, name: str) -> None:
    """With the command that gets it; and when it is there, all is well."""
    path = tmp_path / getattr(pinned, name)
    path.rename(tmp_path / "away")
    embedder = WordLlama(tmp_path, pinned=pinned)
    with pytest.raises(NotReady, match="missing: not in") as caught:
        embedder.embed(["red"], purpose="question")
    assert caught.value.hint == "pip install --no-deps wordllama==0.4.0.post1"
    (tmp_path / "away").rename(path)
    assert embedder.embed(["red"], purpose="question").shape == (1, 3)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, in one line."""
    monkeypatch.setattr(wordllama, "find_spec", lambda _: None)
    with pytest.raises(NotReady, match="not installed") as caught:
        WordLlama().embed(["red"], purpose="question")
    assert caught.value.hint == "pip install --no-deps wordllama==0.4.0.post1"


@pytest.mark.parametrize("name", ["table", "tokenizer"])
def test_a_file_with_other_bytes_is_refused(tmp_path: Path, pinned: Pinned, name: str) -> None:
    """One flipped bit, or one byte less; before any of it is used."""
    path = tmp_path / getattr(pinned, name)
    data = path.read_bytes()
    for damaged in (data[:-1] + bytes([data[-1] ^ 1]), data[:-1], b""):
        path.write_bytes(damaged)
        with pytest.raises(NotReady, match="not the file that was published") as caught:
            WordLlama(tmp_path, pinned=pinned).embed(["red"], purpose="question")
        assert path.name in caught.value.message
        assert "reinstall" in caught.value.hint


def test_the_digest_is_known_without_the_files(tmp_path: Path, pinned: Pinned) -> None:
    """It is that of both files; where they lie does not matter."""
    here = WordLlama(tmp_path, pinned=pinned)
    nowhere = WordLlama(tmp_path / "nowhere", pinned=pinned)
    assert here.digest == nowhere.digest
    others = replace(pinned, table_hash="0" * 64), replace(pinned, tokenizer_hash="0" * 64)
    digests = {WordLlama(pinned=other).digest for other in (pinned, *others, PUBLISHED)}
    assert len(digests) == 4


def test_no_code_of_the_package_is_run(tmp_path: Path) -> None:
    """Its files are found without importing it, and nothing heavy waits behind the import."""
    package = tmp_path / "wordllama"
    pinned = write_tiny(package)
    (package / "__init__.py").write_text("raise SystemExit('its code was run')\n")
    program = textwrap.dedent(f"""
        import sys
        from answerable.adapters.embedders.wordllama import Pinned, WordLlama
        assert "tokenizers" not in sys.modules
        rows = WordLlama(pinned={pinned!r}).embed(["red"], purpose="question")
        print(rows.tolist(), "wordllama" in sys.modules)
    """)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.stdout == "[[1.0, 0.0, 0.0]] False\n"


def test_many_threads_read_the_files_once(
    tmp_path: Path, pinned: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask first at once, all get their rows."""
    are_locked: list[bool] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        are_locked.append(embedder._lock.locked())
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    embedder = WordLlama(tmp_path, pinned=pinned)
    shapes: list[tuple[int, ...]] = []
    threads = [
        threading.Thread(
            target=lambda: shapes.append(embedder.embed(["red"], purpose="question").shape)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(1, 3)] * 8
    assert are_locked == [True, True]


@pytest.mark.skipif(find_spec("wordllama") is None, reason="the package wordllama is missing")
def test_the_published_table_knows_what_belongs_together() -> None:
    """The files of the package are those that were pinned, and mean something."""
    rows = WordLlama().embed(
        ["out of memory", "the container used too much RAM", "a cat on a mat"], purpose="passage"
    )
    assert rows.shape == (3, PUBLISHED.dimension)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def write_tiny(folder: Path) -> Pinned:
    """Write table and tokenizer of a few words into a folder, and return what they are."""
    header = {
        "embedding.weight": {
            "dtype": "F16",
            "shape": list(TABLE.shape),
            "data_offsets": [0, TABLE.nbytes],
        }
    }
    named = json.dumps(header).encode()
    table = len(named).to_bytes(8, "little") + named + TABLE.tobytes()
    tokenizer = json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "WordLevel",
                "vocab": {word: number for number, word in enumerate(WORDS)},
                "unk_token": "<unk>",
            },
        }
    ).encode()
    for name, data in ((PUBLISHED.table, table), (PUBLISHED.tokenizer, tokenizer)):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    return replace(
        PUBLISHED,
        table_hash=sha256(table).hexdigest(),
        tokenizer_hash=sha256(tokenizer).hexdigest(),
        dimension=TABLE.shape[1],
    )
