"""Readers that behave badly, for children to run. What to do stands in the file itself."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import Block, BlockKind, Span, Text


def digest() -> str:
    """Return what a digest would be."""
    return "badly-behaved-1"


def read(_path: str, data: bytes) -> tuple[str, Text]:
    """Do what the first word of the file says; anything else is taken as text."""
    text = data.decode()
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    return DEEDS.get(word, _plain)(text)


def _plain(text: str) -> tuple[str, Text]:
    blocks = (Block(kind=BlockKind.PARAGRAPH, start=0, end=len(text)),)
    return "plain", Text(text=text, title="A title", blocks=blocks)


def _sleep(text: str) -> tuple[str, Text]:
    time.sleep(3600)
    return _plain(text)


def _nap(text: str) -> tuple[str, Text]:
    time.sleep(0.2)
    return _plain(text)


def _spin(_text: str) -> tuple[str, Text]:
    while True:
        pass


def _stuck(text: str) -> tuple[str, Text]:
    """Stay inside one call of C for minutes, out of reach of any Python handler."""
    re.fullmatch("(a*)*b", "a" * 40)
    return _plain(text)


def _recurse(_text: str) -> tuple[str, Text]:
    return _recurse(_text)


def _allocate(_text: str) -> tuple[str, Text]:
    held = []
    while True:
        held.append(bytearray(2**24))


def _abort(_text: str) -> tuple[str, Text]:
    os.abort()


def _segfault(text: str) -> tuple[str, Text]:
    ctypes.string_at(0)
    return _plain(text)


def _leave(_text: str) -> tuple[str, Text]:
    os._exit(7)


def _exit(_text: str) -> tuple[str, Text]:
    sys.exit(3)


def _raise(text: str) -> tuple[str, Text]:
    raise LookupError(text)


def _refuse(_text: str) -> tuple[str, Text]:
    raise Refused("binary", "it is a program")


def _invent(_text: str) -> tuple[str, Text]:
    raise Refused("nonsense", "no such code")


def _huge(_text: str) -> tuple[str, Text]:
    return _plain("x" * 2**21)


def _outside(text: str) -> tuple[str, Text]:
    return "plain", Text(
        text=text, title="", blocks=(Block(kind=BlockKind.CODE, start=0, end=10_000),)
    )


def _masks(text: str) -> tuple[str, Text]:
    return "plain", Text(text=text, title="", blocks=(), masks=(Span(2, 4), Span(0, 1)))


def _negative(text: str) -> tuple[str, Text]:
    return "plain", Text(text=text, title="", blocks=(Block(kind=BlockKind.CODE, start=-1, end=1),))


def _surrogate(_text: str) -> tuple[str, Text]:
    return _plain("\ud800")


def _print(text: str) -> tuple[str, Text]:
    sys.stdout.write("noise " * 1000)
    sys.stderr.write("noise " * 1000)
    os.write(1, b"\0" * 4096)
    return _plain(text)


def _facts(_text: str) -> tuple[str, Text]:
    """Tell what this process holds."""
    targets = []
    for fd in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # the listing's own
            targets.append(str(fd.readlink()))
    lines = [
        f"environment {','.join(sorted(os.environ))}",
        f"session {os.getsid(0) == os.getpid()}",
        f"interrupt {signal.getsignal(signal.SIGINT) == signal.SIG_IGN}",
        f"pipes {sum(t.startswith('pipe:') for t in targets)}",
        f"others {sorted({t for t in targets if not t.startswith('pipe:')} - {'/dev/null'})}",
        f"folder {Path.cwd()}",
        f"nice {os.nice(0)}",
    ]
    return _plain("\n".join(lines))


def _write(text: str) -> tuple[str, Text]:
    Path(text.split()[1]).write_text("x" * 10)
    return _plain(text)


def _files(text: str) -> tuple[str, Text]:
    """Open one file after the other and keep them."""
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1000)]
    return _plain(f"{text} {len(held)}")


def _connect(text: str) -> tuple[str, Text]:
    """Call home, at a port of this machine that listens."""
    with socket.create_connection(("127.0.0.1", int(text.split()[1])), timeout=5):
        return _plain("connected")


def _network(_text: str) -> tuple[str, Text]:
    """Tell which network devices are to be seen, and whether any of them is up."""
    return _plain(" ".join(sorted(name for _, name in socket.if_nameindex())))


def _pid(_text: str) -> tuple[str, Text]:
    return _plain(str(os.getpid()))


DEEDS: dict[str, Callable[[str], tuple[str, Text]]] = {
    name.strip("_"): deed
    for name, deed in list(globals().items())
    if name.startswith("_") and callable(deed) and name != "_plain"
}
