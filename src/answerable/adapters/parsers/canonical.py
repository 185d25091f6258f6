"""Bytes to canonical text: Unicode in NFC, line feeds, no control characters.

Dropped: a byte order mark, terminal colour sequences, NUL and every other C0 control
character but tab and line break, DEL, and what `hidden` knows that nobody sees. A form feed or
vertical tab counts as a line break, half of a surrogate pair as a character nobody can show.
Everything else stands as it was written.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from answerable.adapters.parsers import hidden

_MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF87a", "an image"),
    (b"GIF89a", "an image"),
    (b"\x1f\x8b", "compressed data"),
    (b"BZh", "compressed data"),
    (b"\xfd7zXZ\x00", "compressed data"),
    (b"\x28\xb5\x2f\xfd", "compressed data"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!\x1a\x07", "an archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old office document"),
    (b"SQLite format 3\x00", "a database"),
)
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"(?:charset|encoding)\s*=\s*[\"']?"
    rb"(iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|shift_jis|euc-(?:jp|kr)|gb(?:k|2312|18030)"
    rb"|big5|koi8-[ru])\b",
    re.IGNORECASE,
)
_LIKELY = ("cp1252", "cp1250", "cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "euc_kr")
_WIDE = frozenset({"cp932", "euc_jp", "gb18030", "big5", "euc_kr"})
_SAMPLE_BYTES = 32_768
_COLOURS = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)|[@-Z\\\\^_])")
_BREAKS = re.compile("\r\n?|[\f\v]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_HALVES = re.compile("[\ud800-\udfff]")  # of a pair that stands for one character


class Refused(Exception):  # noqa: N818 -- a result that ends reading, not a mistake
    """This file gives no text.

    Attributes:
        code: One of the codes of `library.ports.Unreadable`.
        reason: What is wrong, in words, without path or content.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str]]:
        """Let it cross a process boundary with both arguments."""
        return Refused, (self.code, self.reason)


def canonical(data: bytes) -> str:
    """Return the canonical text of a file.

    Raises:
        Refused: As `read`.
    """
    return read(data)[0]


def read(data: bytes) -> tuple[str, int]:
    """Return the canonical text of a file, and of how many characters nobody would see them.

    Raises:
        Refused: ``binary`` when it is no text, ``encoding`` when nobody can tell how its
            characters are written, ``empty`` when it holds nothing but white space.
    """
    source = decoded(data)
    text = normalised(source)
    if not text or text.isspace():
        raise Refused("empty", "it holds no text")
    return text, hidden.count(source)


def decoded(data: bytes) -> str:
    """Return bytes as text: by byte order mark, as UTF-8, as declared, or by a sure guess.

    Raises:
        Refused: ``binary`` or ``encoding``.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding)
    _refuse_binary(data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _strict(data, _declared(data) or _guessed(data))


def normalised(text: str) -> str:
    """Return text in NFC, its lines ended by line feeds, without what nobody sees of it."""
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    text = _CONTROLS.sub("", _BREAKS.sub("\n", text))
    if text.isascii():
        return text
    seen, _findings = hidden.separated(_HALVES.sub("\ufffd", text))
    return unicodedata.normalize("NFC", seen)


def refuse_magic(data: bytes) -> None:
    """Refuse what begins as only a file of another kind does."""
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise Refused("binary", f"it is {what}, not text")


def _refuse_binary(data: bytes) -> None:
    refuse_magic(data)
    if b"\0" in data:
        raise Refused("binary", "it holds NUL bytes, so it is not text")


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        reason = f"its characters are not valid {encoding.upper()}"
        raise Refused("encoding", reason) from None


def _declared(data: bytes) -> str | None:
    match = _DECLARED.search(data[:2048])
    return match[1].decode() if match else None


def _guessed(data: bytes) -> str:
    """Return the encoding of bytes that are not UTF-8.

    Short texts in one-byte encodings look alike: what fits Western European as well as
    anything else is read as that. An East Asian encoding is believed only when much of the
    text is written in it, for any two odd bytes make some rare character.
    """
    from charset_normalizer import from_bytes  # noqa: PLC0415 -- slow to load, rarely needed

    sample = data[:_SAMPLE_BYTES]
    matches = list(from_bytes(sample, cp_isolation=list(_LIKELY)))
    odd = sum(byte > 127 for byte in sample) / len(sample)  # noqa: PLR2004 -- not ASCII
    fits = [m for m in matches if m.encoding not in _WIDE or odd > 0.15]  # noqa: PLR2004
    if not fits:
        raise Refused("encoding", "its characters are not UTF-8 and no other encoding fits surely")
    best = fits[0]
    ties = {m.encoding for m in fits if (m.chaos, m.coherence) == (best.chaos, best.coherence)}
    return "cp1252" if "cp1252" in ties else best.encoding
