"""The embedders of this machine: which there are, and one for questions and one for documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Protocol

from answerable.adapters.embedders.breaking import Breaking
from answerable.domain.clock import Clock
from answerable.domain.errors import AnswerableError, BadConfiguration, BadInput, NotFound
from answerable.library.ports import Embedder
from answerable.library.vectors import space
from answerable.settings import Settings

NONE = "none"


class Use(Enum):
    """What an embedder is for: questions, documents in the background, or at once."""

    ASKING = "asking"
    FILLING = "filling"
    WAITED_FOR = "waited for"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderView:
    """An embedder that is set up here.

    Attributes:
        space: Digest of it and of what it is given.
        is_ready: Whether it could embed a word just now.
        is_used: Whether the release that serves asks for it.
        detail: What is missing and what to do, or that it works.
    """

    name: str
    space: str
    dimension: int
    is_ready: bool
    is_used: bool
    detail: str


class Finding(Protocol):
    """One thing that was looked at, in words; `is_well` is None when it could not be."""

    @property
    def is_well(self) -> bool | None:
        """Whether it is as it should be."""
        ...

    @property
    def said(self) -> str:
        """What was found."""
        ...


class CheckReport(Protocol):
    """What a check of an embedder found."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Each thing."""
        ...

    @property
    def is_well(self) -> bool:
        """Whether nothing was found wrong."""
        ...


class Embedders:
    """What the settings set up; opened when it is first used. Safe for many threads.

    Args:
        settings: Which there are.
        folder: Where what is fetched or made from it is kept; None keeps it in memory.
        clock: For those that rest after a failure.
        stack: Closes them; it must live as long as they do, for they are made when needed.
    """

    def __init__(
        self, settings: Settings, folder: Path | None, clock: Clock, stack: ExitStack
    ) -> None:
        self._settings = settings.embedders
        self._workspace = settings.workspace
        self._wanted = settings.release.embedder
        self._folder = folder
        self._clock = clock
        self._stack = stack
        self._lock = Lock()
        self._made: dict[tuple[str, Use], Embedder] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are set up."""
        return tuple(self._makers())

    @property
    def wanted(self) -> str:
        """The space of the one a new release names; empty for words only."""
        if self._wanted == NONE:
            return ""
        if self._wanted not in self._makers():
            raise BadConfiguration(
                f"the embedder {self._wanted} is not set up",
                hint="name its model below [embedders.openai] in answerable.toml",
            )
        return space(self.named(self._wanted))

    def asking(self, wanted: str) -> Embedder | None:
        """Return the embedder of a space for questions; None when it is not set up here."""
        return self._of(wanted, Use.ASKING)

    def trouble(self, wanted: str) -> str:
        """Return how the embedder of a space failed when it was last asked; empty if it works."""
        embedder = self.asking(wanted)
        return embedder.trouble if isinstance(embedder, Breaking) else ""

    def filling(self, wanted: str, *, waited_for: bool = False) -> Embedder | None:
        """Return the embedder of a space for documents: it gives way to everything else.

        Args:
            wanted: The space.
            waited_for: Whether a person waits, so that all processors may be used.
        """
        return self._of(wanted, Use.WAITED_FOR if waited_for else Use.FILLING)

    def named(self, name: str, *, use: Use = Use.ASKING) -> Embedder:
        """Return an embedder by its name.

        Raises:
            NotFound: None of this name is set up.
        """
        makers = self._makers()
        if name not in makers:
            raise NotFound(
                f"there is no embedder {name}; there are: {', '.join(makers)}",
                hint="answerable embedders list",
            )
        with self._lock:
            if (name, use) not in self._made:
                self._made[name, use] = makers[name](use)
            return self._made[name, use]

    def fetch(self, name: str, heard: Callable[[int, int], None]) -> str:
        """Get the weights of an embedder from where they were published; return where they are.

        Raises:
            BadInput: This one has no weights that are fetched.
            NotReady: They cannot be reached, or are not the published ones.
        """
        self.named(name)
        if name != "minilm" or self._folder is None:
            raise BadInput(
                f"{name} has no weights that are fetched", hint="answerable embedders list"
            )
        from answerable.adapters.embedders.minilm import FETCHED
        from answerable.adapters.embedders.weights import fetch

        fetch(self._folder / FETCHED, heard)
        return str(self._folder / FETCHED)

    def check(self, name: str) -> CheckReport:
        """Compare what an embedder gives with what is known, and measure it.

        Raises:
            NotReady, EmbedderFailed: It does not work.
        """
        if name == "minilm":
            from answerable.adapters.embedders.minilm import MiniLm
            from answerable.adapters.embedders.minilm_check import check

            return check(MiniLm(weights=self._path(self._settings.weights), folder=self._folder))
        from answerable.adapters.embedders.sanity import sane

        return sane(self.named(name))

    def _of(self, wanted: str, use: Use) -> Embedder | None:
        for name in self._makers() if wanted else ():
            # One that is set up wrongly is no reason not to use another.
            with suppress(BadConfiguration):
                if space(self.named(name)) == wanted:
                    return self.named(name, use=use)
        return None

    def _makers(self) -> Mapping[str, Callable[[Use], Embedder]]:
        makers: dict[str, Callable[[Use], Embedder]] = {"minilm": self._minilm}
        if self._settings.openai.model:
            makers["openai"] = self._openai
        makers["wordllama"] = self._wordllama
        return makers

    def _minilm(self, use: Use) -> Embedder:
        from answerable.adapters.embedders.minilm import MiniLm

        make = partial(MiniLm, weights=self._path(self._settings.weights), folder=self._folder)
        if use is Use.ASKING:
            return self._rested(make(threads=1))
        return self._niced(make(threads=self._threads(use)))

    def _openai(self, use: Use) -> Embedder:
        from answerable.adapters.embedders.openai import OpenAiConfig, OpenAiEmbedder

        settings = dict(self._settings.openai)
        embedder = OpenAiEmbedder(OpenAiConfig(**settings), is_patient=use is not Use.ASKING)
        self._stack.callback(embedder.close)
        return self._rested(embedder) if use is Use.ASKING else embedder

    def _wordllama(self, use: Use) -> Embedder:
        from answerable.adapters.embedders.wordllama import WordLlama

        embedder = WordLlama(self._path(self._settings.wordllama))
        return self._rested(embedder) if use is Use.ASKING else embedder

    def _path(self, folder: Path | None) -> Path | None:
        """Return a folder of the settings: below the workspace when it is relative."""
        return None if folder is None else (self._workspace / folder.expanduser()).absolute()

    def _rested(self, embedder: Embedder) -> Embedder:
        return Breaking(embedder, self._clock)

    def _niced(self, embedder: Embedder) -> Embedder:
        from answerable.adapters.embedders.niced import Niced

        niced = Niced(embedder)
        self._stack.callback(niced.close)
        return niced

    def _threads(self, use: Use) -> int:
        cores = os.cpu_count() or 1
        return self._settings.threads or (cores if use is Use.WAITED_FOR else max(1, cores - 1))


def view(name: str, embedders: Embedders, serves: str) -> EmbedderView:
    """Return how an embedder is, having tried it."""
    detail = "works"
    try:
        embedder = embedders.named(name)
    except BadConfiguration as error:
        detail = f"{error.message}; {error.hint}"
        return EmbedderView(
            name=name, space="", dimension=0, is_ready=False, is_used=False, detail=detail
        )
    try:
        embedder.embed(["a word"], purpose="question")
    except AnswerableError as error:
        detail = f"{error.message}; {error.hint}"
    return EmbedderView(
        name=embedder.name,
        space=space(embedder),
        dimension=embedder.dimension,
        is_ready=detail == "works",
        is_used=space(embedder) == serves,
        detail=detail,
    )
