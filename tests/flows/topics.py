"""Embedders that know two topics, and a library of a page on each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from command_line import Shell, shell

from answerable.adapters.embedders.breaking import Breaking
from answerable.app.embedders import Embedders, Use
from answerable.domain.errors import EmbedderFailed, NotReady
from answerable.library.ports import Embedder, Purpose, Vectors

__all__ = ["LOW", "Topics", "library", "listed", "shell", "topics"]

TOPICS = (("water", "boils", "liquid", "celsius"), ("fire", "flames", "oxygen", "burn"))
LOW = "what heat turns the wet stuff into steam, liquid?"


class Topics:
    """Knows two topics by the words said about them; can be told to fail."""

    dimension = 8
    batch = 2
    tokens_max = 512

    def __init__(self, name: str) -> None:
        self.name = name
        self.digest = sha256(name.encode()).hexdigest()
        self.fails: EmbedderFailed | NotReady | None = None
        self.given: list[str] = []

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return the topic of each text, or that it has none."""
        if self.fails is not None:
            raise self.fails
        if purpose == "passage":
            self.given.extend(texts)
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            said = set(re.findall(r"\w+", text.lower()))
            topics = [number for number, words in enumerate(TOPICS) if said & set(words)]
            row[topics or [self.dimension - 1]] = 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


@pytest.fixture(autouse=True)
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Topics]:
    """Give two embedders by the names of real ones, the first of them wanted."""
    made = {name: Topics(name) for name in ("minilm", "openai")}

    def makers(self: Embedders) -> dict[str, Any]:
        def make(embedder: Topics, use: Use) -> Embedder:
            return Breaking(embedder, self._clock) if use is Use.ASKING else embedder

        return {name: lambda use, one=one: make(one, use) for name, one in made.items()}

    monkeypatch.setattr(Embedders, "_makers", makers)
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "minilm")
    return made


@pytest.fixture
def library(shell: Shell) -> Shell:
    """Give a terminal in a workspace with two documents beside it."""
    assert shell.run("init").status == 0
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("docs/fire.md", "# Fire\n\nFire needs oxygen to burn.\n")
    return shell


def listed(shell: Shell) -> dict[str, Any]:
    """Return what `embedders list` says."""
    found: dict[str, Any] = shell.run("embedders", "list", "--json").data
    return found
