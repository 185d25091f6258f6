"""Documents that could not be read: listed, tried again, or left in peace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from answerable.app.tools import Tools
from answerable.domain.errors import BadInput, NotFound
from answerable.library.bundles import around
from answerable.library.ports import Quarantine, Quarantined, Source, is_sent
from answerable.library.quarantine import advice, named

_FOLDER = "folder:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ill:
    """A document in quarantine, and what to do about it."""

    document: Quarantined
    advice: str


def listed(quarantine: Quarantine) -> tuple[Ill, ...]:
    """Return all that is in quarantine, by path."""
    return tuple(Ill(document=one, advice=advice(one.code)) for one in quarantine.all())


def found(quarantine: Quarantine, name: str) -> Ill:
    """Return the one of this id or path.

    Raises:
        NotFound: None is called so, or several are.
    """
    known = named(quarantine.all(), {name})
    if len(known) == 1:
        return Ill(document=known[0], advice=advice(known[0].code))
    hint = "answerable documents quarantine list"
    if known:
        ids = ", ".join(one.document_id for one in known)
        raise NotFound(f"{len(known)} files in quarantine have this path: {ids}", hint=hint)
    raise NotFound("nothing in quarantine is called so", hint=hint)


def ignored(quarantine: Quarantine, name: str, *, who: str, because: str) -> Ill:
    """Leave one in peace, and return it.

    Raises:
        BadInput: There is no reason.
        NotFound: None is called so, or several are.
    """
    if not because.strip():
        raise BadInput("why it is ignored is not said", hint="say it with --because")
    identity = found(quarantine, name).document.document_id
    quarantine.ignore(identity, who=who, because=because)
    return found(quarantine, identity)


def sources(some: Iterable[Ill], tools: Tools, *, size_max_bytes: int) -> Iterator[Source]:
    """Give what reads these documents alone, for each source.

    What was sent is read from the originals that were kept. What has vanished is in no source, nor
    is what was sent and has no original, or what lies on another machine.
    """
    from answerable.adapters.sources.kept_originals import Kept
    from answerable.adapters.sources.several import Several

    found: dict[str, set[str]] = {}
    sent: dict[str, dict[str, str]] = {}
    for one in some:
        if is_sent(one.document.source):
            sent.setdefault(one.document.source, {})[one.document.path] = one.document.bytes_hash
        elif one.document.source.startswith(_FOLDER):
            # What is attached to a message is read with that, once.
            within = next(around(one.document.path), one.document.path.rstrip("/"))
            found.setdefault(one.document.source, set()).add(within)
    parts: list[Source] = []
    for source, paths in found.items():
        there = [part for path in sorted(paths) if (part := _alone(source, path, size_max_bytes))]
        parts += [Several(there)] if there else []
    parts += [Kept(name, files, tools.originals) for name, files in sent.items()]
    yield from (source for source in parts if source.count())


def _alone(source: str, within: str, size_max_bytes: int) -> Source | None:
    from answerable.adapters.sources.folder import Folder

    try:
        return Folder(
            Path(source.removeprefix(_FOLDER)), within=within, size_max_bytes=size_max_bytes
        )
    except BadInput:
        return None


def retried(quarantine: Quarantine, names: Sequence[str]) -> tuple[Ill, ...]:
    """Let some be tried again when they are next met, or all; return them.

    Raises:
        NotFound: None is called so, or several are.
    """
    wanted = [found(quarantine, name) for name in names] if names else list(listed(quarantine))
    quarantine.retry([one.document.document_id for one in wanted])
    return tuple(wanted)
