"""Which pages belong to a site, and what each is called below it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from posixpath import splitext
from urllib.parse import unquote_to_bytes

from answerable.adapters.sources.reading import is_plain
from answerable.adapters.sources.urls import Url

PARTS_MAX = 24
REPEATS_MAX = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """The part of a site that is read: one origin, and what lies below one path of it.

    Attributes:
        root: Its address. Ends in a slash, or is one page and what lies below it.
    """

    root: Url

    @classmethod
    def of(cls, start: Url) -> Extent:
        """Return what is meant by an address: ``/docs/`` and ``/docs/index.html`` mean ``/docs/``.

        ``/docs``, which may be a page or a folder, means both: itself and ``/docs/...``.
        """
        folder, _, name = start.path.rpartition("/")
        path = f"{folder}/" if "." in name else start.path
        return cls(root=replace(start, path=path, query=""))

    def holds(self, url: Url) -> bool:
        """Return whether a page belongs to it: ``/docs2`` is not below ``/docs``."""
        if url.origin != self.root.origin:
            return False
        path = self.root.path
        return url.path.startswith(path if path.endswith("/") else f"{path}/") or url.path == path

    def below(self, url: Url) -> str:
        """Return path and query of a page below the root, as they are in the address."""
        rest = url.path.removeprefix(self.root.path).removeprefix("/")
        return f"{rest}?{url.query}" if url.query else rest


def is_trap(url: Url) -> bool:
    """Return whether an address looks like a place where links lead round in circles.

    ``/a/b/a/b/a/b/a/b`` does: a relative link on a page that is served at every depth.
    """
    parts = [part for part in url.path.split("/") if part]
    if len(parts) > PARTS_MAX:
        return True
    return any(parts.count(part) > REPEATS_MAX for part in set(parts))


def path_of(below: str, suffix: str) -> str:
    """Return what a page is called: its path below the root, with a suffix that says what it is.

    ``guide`` is ``guide.html``, ``guide/`` is ``guide/index.html``, ``list?page=2`` is
    ``list?page=2.html``. The result is relative, has no empty part and no ``.`` or ``..``.

    Args:
        below: `Extent.below`.
        suffix: Such as ``.html``.
    """
    path, mark, query = below.partition("?")
    parts = [_readable(part) for part in path.split("/") if part]
    if not parts or path.endswith("/"):
        parts.append("index")
    if query:
        parts[-1] += mark + _readable(query.replace("/", "%2F"))
    if splitext(parts[-1])[1].lower() != suffix:
        parts[-1] += suffix
    return "/".join(parts)


def told_apart(path: str, url: Url) -> str:
    """Return another path for a page whose own is taken: ``guide~1f2e3d4c.html``."""
    stem, suffix = splitext(path)
    return f"{stem}~{sha256(str(url).encode()).hexdigest()[:8]}{suffix}"


def _readable(part: str) -> str:
    """Return a part with its escapes undone, if it then still is one plain part of a path."""
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return part
    is_part = is_plain(text) and not {"/", "\\"} & set(text) and text not in {".", ".."}
    return text if is_part and text == text.strip() else part
