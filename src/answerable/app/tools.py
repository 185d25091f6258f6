"""Adapters plugged together: on disk, or in memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from answerable.adapters.clock import SystemClock
from answerable.answering.ports import Ledger
from answerable.app.embedders import Embedders
from answerable.app.judges import Judges
from answerable.app.models import Models
from answerable.domain.clock import Clock
from answerable.domain.errors import Corrupt
from answerable.library.ports import (
    Analyser,
    Beside,
    Index,
    Originals,
    Parser,
    Purges,
    Quarantine,
    State,
    VectorCache,
)
from answerable.operations.ports import Leases, SourceRegistry
from answerable.releases.ports import Canaries, Register
from answerable.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """Adapters, fitted to the rooms' ports."""

    state: State
    purges: Purges
    quarantine: Quarantine
    originals: Originals
    index: Index
    register: Register
    canaries: Canaries
    leases: Leases
    sources: SourceRegistry
    ledger: Ledger
    parser: Parser
    pictures: Parser
    analyser: Analyser
    vectors: VectorCache
    embedders: Embedders
    judges: Judges
    models: Models
    beside: Beside
    clock: Clock


def disk_tools(settings: Settings, stack: ExitStack) -> Tools:
    """Return adapters over the data directory; the stack closes them."""
    from answerable.adapters.disk import translated
    from answerable.adapters.index.analyser import TantivyAnalyser
    from answerable.adapters.index.local import LocalIndex
    from answerable.adapters.state.engine import Database
    from answerable.adapters.state.schema import LEDGER, STATE, migrate
    from answerable.adapters.state.sql_canaries import SqlCanaries
    from answerable.adapters.state.sql_leases import SqlLeases
    from answerable.adapters.state.sql_ledger import SqlLedger
    from answerable.adapters.state.sql_purges import SqlPurges
    from answerable.adapters.state.sql_quarantine import SqlQuarantine
    from answerable.adapters.state.sql_register import SqlRegister
    from answerable.adapters.state.sql_sources import SqlSources
    from answerable.adapters.state.sql_state import SqlState

    data = settings.data
    with translated(data):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(data / "state.db")
    stack.callback(database.close)
    migrate(database, STATE)
    traces = Database(
        data / "ledger.db", synchronous="FULL" if settings.traces.sync == "full" else "NORMAL"
    )
    stack.callback(traces.close)
    migrate(traces, LEDGER)
    ledger = SqlLedger(traces, keep_texts=settings.traces.text_days > 0)
    stack.callback(ledger.close)
    analyser, clock = TantivyAnalyser(), SystemClock()
    models = Models(settings, data, clock, stack.enter_context(ExitStack()))
    state = SqlState(database)
    pictures = new_pictures(settings, stack)
    return Tools(
        state=state,
        purges=SqlPurges(database, state.let_go),
        quarantine=SqlQuarantine(database),
        originals=file_originals(settings),
        index=LocalIndex(data / "index", analyser=analyser),
        register=SqlRegister(database),
        canaries=SqlCanaries(database),
        leases=SqlLeases(database),
        sources=SqlSources(database),
        ledger=ledger,
        parser=new_parser(settings, stack, pictures),
        pictures=pictures,
        analyser=analyser,
        vectors=vector_cache(data, stack),
        embedders=Embedders(settings, data / "embedders", clock, stack.enter_context(ExitStack())),
        judges=Judges(settings, models),
        models=models,
        beside=threads(stack),
        clock=clock,
    )


def file_originals(settings: Settings) -> Originals:
    """Return what keeps the bytes of documents; where that is not wanted it has no room."""
    from answerable.adapters.originals import FileOriginals

    limits = settings.ingest
    return FileOriginals(
        settings.data / "originals",
        file_bytes_max=limits.originals_mb_max * 1_000_000,
        bytes_max=round(limits.originals_gb_max * 1e9) if limits.keep_originals else 0,
    )


def vector_cache(folder: Path, stack: ExitStack) -> VectorCache:
    """Return the cache of vectors in a folder; the stack closes it.

    A damaged one is put aside: all it held can be computed again, and nobody waits for it.
    """
    from answerable.adapters.disk import translated
    from answerable.adapters.state.engine import Database
    from answerable.adapters.state.schema import VECTORS, migrate
    from answerable.adapters.state.vectors import SqlVectorCache

    file = folder / "vectors.db"
    database = Database(file)
    try:
        migrate(database, VECTORS)
    except Corrupt:
        database.close()
        with translated(file):
            file.replace(file.with_suffix(".damaged"))
            for beside in ("-wal", "-shm"):
                file.with_name(f"{file.name}{beside}").unlink(missing_ok=True)
        database = Database(file)
        migrate(database, VECTORS)
    stack.callback(database.close)
    return SqlVectorCache(database)


def memory_tools(settings: Settings, stack: ExitStack, *, kept: Path | None = None) -> Tools:
    """Return adapters that leave nothing behind; the stack closes them.

    Args:
        settings: Of embedders and parsers.
        stack: Closes them.
        kept: A folder where vectors are kept all the same, so that none is computed twice.
    """
    from answerable.adapters.disk import translated
    from answerable.adapters.index.analyser import TantivyAnalyser
    from answerable.adapters.index.ram import RamIndex
    from answerable.adapters.state.memory import (
        MemoryLeases,
        MemoryLedger,
        MemoryRegister,
        MemoryState,
        MemoryVectorCache,
        Pulse,
    )
    from answerable.adapters.state.memory_canaries import MemoryCanaries
    from answerable.adapters.state.memory_purges import MemoryPurges
    from answerable.adapters.state.memory_quarantine import MemoryQuarantine
    from answerable.adapters.state.memory_sources import MemorySources
    from answerable.library.originals import NoOriginals

    if kept is not None:
        with translated(kept):
            kept.mkdir(parents=True, exist_ok=True)

    pulse = Pulse()
    analyser, clock = TantivyAnalyser(), SystemClock()
    models = Models(settings, None, clock, stack.enter_context(ExitStack()))
    state, register = MemoryState(pulse), MemoryRegister(pulse)
    pictures = new_pictures(settings, stack)
    return Tools(
        state=state,
        purges=MemoryPurges(state),
        quarantine=MemoryQuarantine(),
        originals=NoOriginals(),
        index=RamIndex(analyser=analyser),
        register=register,
        canaries=MemoryCanaries(register, pulse.beat),
        leases=MemoryLeases(),
        sources=MemorySources(),
        ledger=MemoryLedger(),
        parser=new_parser(settings, stack, pictures),
        pictures=pictures,
        analyser=analyser,
        vectors=MemoryVectorCache() if kept is None else vector_cache(kept, stack),
        embedders=Embedders(settings, kept, clock, stack.enter_context(ExitStack())),
        judges=Judges(settings, models),
        models=models,
        beside=threads(stack),
        clock=clock,
    )


def threads(stack: ExitStack) -> Beside:
    """Return what searches by words and by meaning at once; the stack closes it."""
    from answerable.adapters.beside import Threads

    made = Threads()
    stack.callback(made.close)
    return made


def new_parser(settings: Settings, stack: ExitStack, pictures: Parser) -> Parser:
    """Return the parser pool; its children start with the first file.

    Args:
        settings: Of parsers.
        stack: Ends its children.
        pictures: Draws the pages of scans.
    """
    from answerable.adapters.parsers.pool import FORMATS
    from answerable.adapters.parsers.recognising import Reading, Recognising

    rules = settings.ingest
    pool = _pool(settings, stack, reader=FORMATS, children=rules.children)
    if rules.ocr == "never":
        return pool
    reading = Reading(
        languages=rules.ocr_languages,
        page_s=rules.seconds_max,
        whole_s=rules.seconds_max * _OCR_TIMES,
        memory_bytes=rules.memory_mb_max * 2**20,
    )
    return Recognising(pool, pictures, reading)


def new_pictures(settings: Settings, stack: ExitStack) -> Parser:
    """Return what draws pages of originals, one after the other."""
    return _pool(settings, stack, reader=_PICTURES, children=1)


def _pool(settings: Settings, stack: ExitStack, *, reader: str, children: int | None) -> Parser:
    from answerable.adapters.parsers.pool import Limits, ParserPool

    pool = ParserPool(
        children=children,
        reader=reader,
        limits=Limits(
            wall_s=settings.ingest.seconds_max,
            memory_bytes=settings.ingest.memory_mb_max * 2**20,
        ),
    )
    stack.callback(pool.close)
    return pool


_OCR_TIMES = 15
_PICTURES = "answerable.adapters.parsers.pictures:read"
