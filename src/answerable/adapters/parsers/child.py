"""The child process that reads files for `pool`, so that nobody has to trust a parser.

It reads requests from its standard input and writes replies to its standard output, each a
fixed header of lengths and then that many bytes. Nothing in either is ever executed:

- request: the path as JSON, then the bytes of the file;
- reply: a JSON head of plain strings and numbers, then the canonical text in UTF-8, then
  unsigned 32-bit numbers: two for each mask, then three for each landmark (offset, kind,
  number), then five for each block in the order in which blocks begin (kind, start, end, level,
  number of children), then the bytes of the files that lie in this one. Landmarks that have names,
  findings, and names and lengths of files stand in the head, for they are few.

The first reply has no request: it says that the child is ready, or why it cannot start.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from fcntl import F_GETFL, F_SETFL, F_SETOWN, fcntl
from select import POLLHUP, poll
from time import process_time
from typing import Any, BinaryIO

from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import Block, BlockKind, Landmark, LandmarkKind, Text

Part = tuple[str, bytes]
"""Name and bytes of a file that lies in another one."""

Read = tuple[str, Text] | tuple[str, Text, Sequence[Part]]
"""Name of the format, text, and what lies in the file, if anything."""

Reader = Callable[[str, bytes], Read]

REQUEST = struct.Struct("!IQ")  # lengths of path and data
REPLY = struct.Struct("!IQQ")  # lengths of head, text and numbers
KINDS = tuple(BlockKind)
BLOCK_NUMBERS = 5
LANDMARK_KINDS = tuple(LandmarkKind)
LANDMARK_NUMBERS = 3
FILES_MAX = 64  # open at once: pipes, and the modules of a parser while they are loaded

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # linux/sched.h


def load(reader: str) -> Reader:
    """Return the function that ``module:function`` names."""
    module, _, function = reader.partition(":")
    found: Reader = getattr(importlib.import_module(module), function)
    return found


def attempt(reader: Reader, path: str, data: bytes) -> Read | Refused:
    """Return what a reader made of a file, or why there is none; never raises.

    An unforeseen exception is known by the name of its class only: its message may hold
    text of the document.
    """
    try:
        return reader(path, data)
    except Refused as refused:
        return Refused(refused.code, refused.reason)
    except MemoryError:
        return Refused("memory", "reading it takes more memory than the limit")
    except RecursionError:
        return Refused("malformed", "it is nested too deeply")
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a file must not end the child
        return Refused("malformed", f"the parser failed with {type(error).__name__}")


def parts_of(read: Read) -> Sequence[Part]:
    """Return what lies in a file."""
    return read[2] if len(read) == 3 else ()  # noqa: PLR2004 - as `Read` says


def encode(result: Read | Refused, *, output_bytes_max: int) -> tuple[bytes, ...]:
    """Return a reply in pieces; too much output becomes a refusal."""
    if isinstance(result, Refused):
        return _frame({"code": result.code, "reason": result.reason})
    format_name, text = result[:2]
    parts = parts_of(result)
    numbers = array("I")
    for mask in text.masks:
        numbers.extend(mask)
    for mark in text.landmarks:
        numbers.extend((mark.offset, LANDMARK_KINDS.index(mark.kind), mark.number))
    _flatten(text.blocks, numbers)
    inside = b"".join(data for _, data in parts)
    body, tail = text.text.encode(), numbers.tobytes() + inside
    if len(body) + len(tail) > output_bytes_max:
        reason = f"its text takes more than {output_bytes_max // 2**20} MiB"
        return _frame({"code": "output_too_large", "reason": reason})
    head = {
        "format": format_name,
        "title": text.title,
        "masks": len(text.masks),
        "landmarks": len(text.landmarks),
        "names": _names(text.landmarks),
        "parts": [[name, len(data)] for name, data in parts],
        "findings": [[found.kind.value, found.count] for found in text.findings],
    }
    return _frame(head, body, tail)


def _names(landmarks: Iterable[Landmark]) -> list[tuple[int, str]]:
    """Return the names of those landmarks that have one, each with its place among them."""
    return [(place, mark.name) for place, mark in enumerate(landmarks) if mark.name]


def _frame(head: Mapping[str, object], body: bytes = b"", tail: bytes = b"") -> tuple[bytes, ...]:
    packed = json.dumps(head).encode()
    return REPLY.pack(len(packed), len(body), len(tail)), packed, body, tail


def _flatten(blocks: Iterable[Block], numbers: array[int]) -> None:
    for block in blocks:
        kind = KINDS.index(block.kind)
        numbers.extend((kind, block.start, block.end, block.level, len(block.children)))
        _flatten(block.children, numbers)


def main(order: str) -> None:
    """Read files until the requests end. `order` is JSON: `reader`, `lifeline` and limits."""
    wanted: dict[str, Any] = json.loads(order)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = _private_pipes()
    _end_with_parent(wanted["lifeline"])
    try:
        reader = load(wanted["reader"])
    except Exception as error:  # noqa: BLE001 - the parent says so; no document was read yet
        _send(replies, _frame({"code": "start", "reason": f"{type(error).__name__}: {error}"}))
        return
    leave_network()
    _limit(wanted["memory_bytes"])
    _send(replies, _frame({"code": "ready", "reason": ""}))
    _serve(requests, replies, reader, cpu_s=wanted["cpu_s"], output_bytes=wanted["output_bytes"])


def _serve(
    requests: BinaryIO, replies: BinaryIO, reader: Reader, *, cpu_s: int, output_bytes: int
) -> None:
    while len(header := requests.read(REQUEST.size)) == REQUEST.size:
        path_length, data_length = REQUEST.unpack(header)
        path = json.loads(requests.read(path_length))
        _limit_processor(cpu_s)
        reply, is_spent = _reply(reader, path, requests.read(data_length), output_bytes)
        _send(replies, reply)
        if is_spent:
            return


def _reply(
    reader: Reader, path: str, data: bytes, output_bytes: int
) -> tuple[tuple[bytes, ...], bool]:
    """Return the reply to one request, and whether this process should read no other.

    After a MemoryError nobody knows what it still holds, and the next file would pay for it.
    """
    result = attempt(reader, path, data)
    try:
        reply = encode(result, output_bytes_max=output_bytes)
    except MemoryError:
        result = Refused("memory", "its text takes more memory than the limit")
    except Exception as error:  # noqa: BLE001 - offsets below 0, text with surrogates, and the like
        result = Refused("malformed", f"its text cannot be sent: {type(error).__name__}")
    else:
        return reply, isinstance(result, Refused) and result.code == "memory"
    return encode(result, output_bytes_max=output_bytes), result.code == "memory"


def _send(replies: BinaryIO, pieces: Iterable[bytes]) -> None:
    replies.writelines(pieces)
    replies.flush()


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the protocol away from 0 and 1, where a parser that prints would corrupt it."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def _end_with_parent(lifeline: int) -> None:
    """Have the kernel end this process, whatever it does, when the parent is gone.

    Nobody writes to the lifeline, so its first event is that the last writer closed it: SIGIO,
    which ends a process by default, also inside a C extension that never returns to Python.
    PR_SET_PDEATHSIG would follow the thread that started us, not the process.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl(lifeline, F_SETOWN, os.getpid())
    fcntl(lifeline, F_SETFL, fcntl(lifeline, F_GETFL) | os.O_ASYNC)
    already = poll()
    already.register(lifeline, POLLHUP)
    if already.poll(0):
        sys.exit(1)


def leave_network() -> None:
    """Move to a network of our own without any device in it, where the system lets us.

    An ordinary user has to take a user namespace along for that, which changes no right to any
    file. Nothing here needs a network: this is for a parser that a file has taken over.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):  # not Linux
        if libc.unshare(_NEW_NETWORK) != 0:
            libc.unshare(_NEW_NETWORK | _NEW_USER)


def _limit(memory_bytes: int) -> None:
    """Give up what reading a file does not need: memory, files, processes, core dumps."""
    sys.dont_write_bytecode = True
    gc.freeze()
    os.nice(5)  # someone who asks goes before a file that is read
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, FILES_MAX),
    ):
        with suppress(ValueError, OSError):  # stricter already, or unknown to this system
            resource.setrlimit(limit, (most, most))


def _limit_processor(cpu_s: int) -> None:
    """Allow `cpu_s` more seconds of processor time: a backstop for the parent's clock."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(process_time()) + cpu_s + 1
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
