"""Email to text: who wrote what to whom and when, and the best of its bodies."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from itertools import chain, count
from mimetypes import guess_extension

from answerable.adapters.parsers import canonical, html
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import Part
from answerable.adapters.parsers.draft import Draft
from answerable.domain.documents import BlockKind, Text

_SHOWN = ("From", "To", "Cc", "Date")
_KNOWN = ("From", "To", "Subject", "Date", "Message-ID", "Received", "MIME-Version")
_HEADER_CHARS = 1_000
_CONTENT = re.compile(
    rb"^content-[a-z-]{1,40}:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE
)
_CONTENT_BYTES_MAX = 20_000
_PARTS_MAX = 1_000
_STEM_CHARS, _SUFFIX_CHARS = 100, 20
_SIGNATURES = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")
_QUOTED = re.compile(r"[ \t]{0,3}>")


def read(data: bytes) -> Text:
    """Return a message as text, as `read_all` does."""
    return read_all(data)[0]


def read_all(data: bytes) -> tuple[Text, list[Part]]:
    """Return a message as text, and what is attached to it as files.

    The text is its head, its body and the names of what is attached.

    The plain body is taken, or else the one in HTML; a trail of quoted replies is a quote.

    Args:
        data: The message as it was sent.

    Raises:
        Refused: ``binary`` or ``malformed`` when it is no message, ``empty`` when it says
            nothing.
    """
    canonical.refuse_magic(data)
    if any(len(match[0]) > _CONTENT_BYTES_MAX for match in _CONTENT.finditer(data)):
        raise Refused("malformed", "a header of it is longer than any mail program writes")
    message = message_from_bytes(data)
    if not any(name in message for name in _KNOWN):
        raise Refused("malformed", "it has no header of a message")
    draft = Draft()
    subject = _header(message, "Subject")
    draft.add(BlockKind.HEADING, subject, 1)
    parts = _parts(message)
    attached = [name for part in parts if (name := _attached(part))]
    for name in _SHOWN:
        if value := _header(message, name):
            draft.add(BlockKind.PARAGRAPH, f"{name}: {value}", is_tight=True)
    if attached:
        draft.add(BlockKind.PARAGRAPH, f"Attachments: {', '.join(attached)}", is_tight=True)
    bodies = [part for part in parts if not _attached(part)]
    _write_body(draft, bodies)
    return draft.text(subject), _files(part for part in parts if _attached(part))


def _files(parts: Iterable[Message]) -> list[Part]:
    """Return what is attached, each under a name of its own; signatures say nothing."""
    found: dict[str, bytes] = {}
    for part in parts:
        data = _bytes(part)
        if data and part.get_content_type() not in _SIGNATURES:
            found[_free(_file_name(part), found)] = data
    return list(found.items())


def _bytes(part: Message) -> bytes:
    """Return what is attached as it would be saved; text in UTF-8, for no file says its charset."""
    inside = part.get_payload()
    if isinstance(inside, list):
        messages = [one for one in inside if isinstance(one, Message)]
        return messages[0].as_bytes() if messages else b""
    if part.get_content_maintype() == "text":
        return _content(part).encode("utf-8", "replace")
    return _decoded_bytes(part)


def _file_name(part: Message) -> str:
    """Return a name that is one: of what a message says, only its last part, and printable."""
    said = _decoded(str(part.get_filename() or "")).replace("\\", "/").rpartition("/")[2]
    name = "".join(one if one.isprintable() else "_" for one in said).strip(". ")
    stem, dot, suffix = name.rpartition(".")
    if name:
        return f"{stem[:_STEM_CHARS]}{dot}{suffix[:_SUFFIX_CHARS]}"
    kind = part.get_content_type()
    return f"attached{'.eml' if kind == 'message/rfc822' else guess_extension(kind) or ''}"


def _free(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken, numbered where it would be."""
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    numbered = (f"{stem}-{number}{dot}{suffix}" for number in count(2))
    return next(one for one in chain((name,), numbered) if one not in taken)


def _parts(message: Message) -> list[Message]:
    """Return the parts that hold something themselves; what is in an attached message is not
    looked at.
    """  # noqa: D205 -- one sentence
    found: list[Message] = []
    waiting = [message]
    while waiting and len(found) < _PARTS_MAX:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            inside = part.get_payload()
            if isinstance(inside, list):
                waiting += [one for one in reversed(inside) if isinstance(one, Message)]
        else:
            found.append(part)
    return found


def _attached(part: Message) -> str:
    """Return the name of a part that is no body, empty for a body."""
    name = _decoded(str(part.get_filename() or ""))
    kind = part.get_content_type()
    if part.get_content_disposition() == "attachment" or name:
        return name or kind
    return "" if kind in ("text/plain", "text/html") else kind


def _write_body(draft: Draft, bodies: list[Message]) -> None:
    """Write the first kind of body there is; several parts of it follow each other."""
    for wanted in ("text/plain", "text/html"):
        texts = [_content(part) for part in bodies if part.get_content_type() == wanted]
        written = False
        for text in texts:
            if not text.strip():
                continue
            if wanted == "text/plain":
                _write_plain(draft, text)
                written = True
            else:
                written = _write_html(draft, text) or written
        if written:
            return


def _write_html(draft: Draft, source: str) -> bool:
    try:
        page = html.read(source)
    except Refused as refused:
        if refused.code != "empty":
            raise
        return False
    draft.adopt(page, deeper=1)
    return True


def _write_plain(draft: Draft, body: str) -> None:
    for is_quoted, paragraphs in _trails(draft.seen(body)):
        if not is_quoted:
            for paragraph in paragraphs:
                draft.add(BlockKind.PARAGRAPH, paragraph)
            continue
        with draft.within(BlockKind.QUOTE):
            for paragraph in paragraphs:
                draft.add(BlockKind.PARAGRAPH, paragraph)


def _trails(body: str) -> Iterator[tuple[bool, list[str]]]:
    """Give what follows each other: own paragraphs, and those quoted from earlier messages."""
    paragraphs: list[str] = []
    lines: list[str] = []
    was_quoted = False
    for row in [*body.split("\n"), ""]:
        is_quoted = bool(_QUOTED.match(row))
        is_blank = not row.strip("> \t")
        if lines and (is_blank or is_quoted != was_quoted):
            paragraphs.append("\n".join(lines))
            lines = []
        if not is_blank:
            if is_quoted != was_quoted and paragraphs:
                yield was_quoted, paragraphs
                paragraphs = []
            was_quoted = is_quoted
            lines.append(row)
    if paragraphs:
        yield was_quoted, paragraphs


def _content(part: Message) -> str:
    """Return the text of a part."""
    data = _decoded_bytes(part)
    charset = part.get_content_charset() or ""
    try:
        return data.decode(charset)
    except (LookupError, ValueError):
        pass
    try:
        return canonical.decoded(data)
    except Refused:
        return data.decode("latin-1")


def _decoded_bytes(part: Message) -> bytes:
    """Return the bytes of a part; of base64 that is cut off, as much as there is."""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
        coded = _NOT_BASE64.sub("", str(part.get_payload()))
        return b64decode(coded + "A" * (-len(coded) % 4))[: len(coded) * 3 // 4]
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _header(message: Message, name: str) -> str:
    return _decoded(str(message.get(name, "")))


def _decoded(value: str) -> str:
    """Return a header as it is read, on one line."""
    value = value[:_HEADER_CHARS]
    with suppress(HeaderParseError, LookupError, ValueError):
        value = str(make_header(decode_header(value)))
    return " ".join(canonical.normalised(value).split())
