"""Answerable in the hybrid benchmark: the app, with an embedder that is given the vectors."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.local import LocalIndex
from answerable.adapters.state.engine import Database
from answerable.adapters.state.sql_state import SqlState
from answerable.app import tools
from answerable.app.embedders import Embedders
from answerable.app.facade import App
from answerable.app.opening import init_workspace, read_aliases
from answerable.domain.documents import Revision
from answerable.domain.questions import Scope
from answerable.entrypoints.web.server import settle
from answerable.library.flow import entries
from answerable.library.ports import Embedder, Purpose, Vectors
from answerable.library.vectors import space
from answerable.settings import load
from hybrid_peer import TOP
from packed import Packed

_FAR_AWAY = 10_000
_NO_ALIASES = Path("no aliases of a workspace")


class _Knowing:
    """Fits `Embedder`: gives the vector of the question that is asked now, in no time."""

    name = "given"
    digest = sha256(b"the vectors of the benchmark").hexdigest()
    batch = 1
    tokens_max = 1_000_000

    def __init__(self) -> None:
        self.vector: Vectors | None = None

    @property
    def dimension(self) -> int:
        return 0 if self.vector is None else len(self.vector)

    def embed(self, texts: object, *, purpose: Purpose) -> Vectors:
        """Return the one vector that was given."""
        del texts, purpose
        if self.vector is None:
            raise TypeError("no vector was given")
        return self.vector[None, :]


class _Given:
    """Stands in for the app's embedders: there is one, and it knows every question."""

    names = ("given",)

    def __init__(self, knowing: _Knowing) -> None:
        self._knowing = knowing
        self.wanted = space(cast("Embedder", knowing))

    def asking(self, wanted: str) -> Embedder | None:
        """Return it for its own space."""
        return cast("Embedder", self._knowing) if wanted == self.wanted else None

    def filling(self, wanted: str, *, waited_for: bool = False) -> None:
        """Return nothing: nothing is to be embedded."""
        del wanted, waited_for

    def trouble(self, wanted: str) -> str:
        """Return that there is none."""
        del wanted
        return ""


def build(data: Path, folder: Path) -> dict[str, float]:
    """Seal words, then vectors as a successor; then all of it anew. Seconds of each."""
    made = init_workspace(folder, data_dir=str(folder / "data"))
    shutil.copy(data / "state.db", made.data / "state.db")
    state = SqlState(Database(made.data / "state.db"))
    analyser = TantivyAnalyser()
    index = LocalIndex(made.data / "index", analyser=analyser)
    base = state.revisions()[0]
    members = list(state.members(base.number).values())
    wanted = space(cast("Embedder", _Knowing()))

    began = perf_counter()
    words = index.build(base.number, base=None, gone=(), added=entries(members, state))
    state.rebuilt(base.number, words)
    worded = perf_counter()
    base = replace(base, manifest=words)
    vectors = {wanted: Packed(data).of(members, state, analyser)}
    with closing(index.prepare(base, vectors)) as prepared:
        both = index.build(base.number + 1, base=base, gone=(), added=(), prepared=prepared)
    successor = replace(base, number=base.number + 1, base=base.number, manifest=both)
    state.seal(successor, added=(), gone=())
    sealed = perf_counter()
    _rebuild(index, state, successor, {wanted: Packed(data).of(members, state, analyser)})
    rebuilt = perf_counter()
    index.sweep([(base.number, words), (successor.number, both)])
    return {
        "seconds": sealed - began,
        "words_s": worded - began,
        "seal_s": sealed - worded,
        "rebuild_s": rebuilt - sealed,
    }


def _rebuild(index: LocalIndex, state: SqlState, revision: Revision, vectors: Any) -> None:
    """Build everything of a revision anew, under a number that nothing has."""
    members = state.members(revision.number).values()
    number = revision.number + _FAR_AWAY
    with closing(index.prepare(None, vectors)) as prepared:
        index.build(number, base=None, gone=(), added=entries(members, state), prepared=prepared)


class Ours:
    """`App.search` and `App.ask`, the vector of the question given."""

    def __init__(self, folder: Path) -> None:
        settings = load(folder)
        self._knowing = _Knowing()
        self._stack = ExitStack()
        given = cast("Embedders", _Given(self._knowing))
        fitted = replace(tools.disk_tools(settings, self._stack), embedders=given)
        self._space = given.wanted
        self._app = App(
            settings, fitted, aliases=read_aliases(_NO_ALIASES), on_close=self._stack.pop_all()
        )
        self._scopes: dict[str, Scope] = {}
        settle()

    def search(self, question: str, vector: Vectors, kept: str) -> list[tuple[str, int]]:
        """Return the ten best chunks that a scope allows, with their text read."""
        self._knowing.vector = vector
        found = self._app.search(question, self._scope(kept), limit=TOP)
        if found.words_only:
            raise RuntimeError(found.words_only)
        texts = [
            found.contents[one.content_id].text.text[one.chunk.start : one.chunk.end]
            for one in found.passages
        ]
        return [
            (one.document_id, one.chunk.ordinal)
            for one, text in zip(found.passages, texts, strict=True)
            if text
        ]

    def ask(self, question: str, vector: Vectors, kept: str) -> list[tuple[str, int]]:
        """Answer: search, quote, verify, trace committed."""
        self._knowing.vector = vector
        trace = self._app.ask(question, self._scope(kept))
        return [(one.document_id, one.chunk.ordinal) for one in trace.passages]

    def nearest(self, vector: Vectors, kept: str) -> list[tuple[str, int]]:
        """Return the ten nearest chunks that a scope allows, by meaning alone."""
        searcher = self._app._current.open().shelf.searcher  # noqa: SLF001 - no door leads there
        hits = searcher.nearest(
            self._space, vector, self._scope(kept), hidden=frozenset(), limit=TOP
        )
        return [(hit.document_id, hit.ordinal) for hit in hits]

    def close(self) -> None:
        """Close the app."""
        self._app.close()

    def _scope(self, kept: str) -> Scope:
        if kept not in self._scopes:
            self._scopes[kept] = Scope(
                principal="benchmark", labels=frozenset({kept}), because="a filter"
            )
        return self._scopes[kept]
