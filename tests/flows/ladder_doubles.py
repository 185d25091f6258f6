"""A library in memory whose models keep to a script, and a judge that takes words literally."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

import answerable.app.tools as app_tools
from answerable.adapters.models.memory import ScriptedModel
from answerable.adapters.parsers.pool import InlineParser
from answerable.answering.checking import (
    CheckedClaim,
    CheckedResponse,
    DraftClaim,
    EvidenceSpan,
    Reason,
)
from answerable.answering.judges.rules import worst_of
from answerable.answering.ports import Judge
from answerable.app import App
from answerable.app.judges import Judges
from answerable.app.models import Models
from answerable.domain.questions import VerdictValue
from answerable.domain.releases import JudgeChoice, ModelChoice
from answerable.settings import load

PAGES = {
    "nodes/drain.md": """# Draining a node

Draining moves every pod away from a node before maintenance.

## Before you begin

Check that no PodDisruptionBudget blocks the <!-- never shown --> eviction of a pod.
The drain waits 30 seconds for each pod.

## Steps

1. Cordon the node: `kubectl cordon NODE`.
2. Drain it: `kubectl drain NODE --ignore-daemonsets`.
3. Do the maintenance, then run `kubectl uncordon NODE`.
""",
    "etcd/quorum.md": """# etcd quorum

A cluster of three members goes on working when one member is lost. When two are lost there is
no quorum and every write fails.
""",
}
QUESTION = "how long does the drain wait for each pod?"
_NOT_WORD = re.compile(r"[\s`*_.]+")


class LiteralJudge:
    """Holds a claim to be true when its words stand in a passage, in this order."""

    name = "literal"
    digest = "1"

    def prepare(self, passages: Sequence[str], *, question: str) -> LiteralContext:
        """Return the passages."""
        del question
        return LiteralContext(passages)


class LiteralContext:
    """Passages to look into."""

    def __init__(self, passages: Sequence[str]) -> None:
        self._passages = passages

    def check(self, claim: DraftClaim, *, before: str = "") -> CheckedClaim:
        """Return whether the words of a claim are somewhere."""
        del before
        words = [re.escape(word) for word in _NOT_WORD.split(_bare(claim.text)) if word]
        pattern = re.compile(r"[\s`*_.]+".join(words))
        for number, passage in enumerate(self._passages):
            if found := pattern.search(passage):
                span = EvidenceSpan(passage=number, start=found.start(), end=found.end())
                return CheckedClaim(
                    claim=claim,
                    verdict=VerdictValue.SUPPORTED,
                    p_supported=1.0,
                    reasons=(Reason(code="literal", text="it stands there"),),
                    evidence=(span,),
                )
        reason = Reason(code="absent", text="no passage says so")
        return CheckedClaim(
            claim=claim,
            verdict=VerdictValue.UNSUPPORTED,
            p_supported=0.0,
            reasons=(reason,),
            evidence=(),
        )

    def check_response(self, response: str) -> CheckedResponse:
        """Return the verdict of its worst statement."""
        return worst_of(response, self.check)


def _bare(text: str) -> str:
    return re.sub(r"\[\d+\]", "", text)


class Scripts:
    """What the settings of a machine would set up."""

    def __init__(self, models: Sequence[ScriptedModel]) -> None:
        self._models = {one.name: one for one in models}
        self.writers = tuple(self._models)
        self.choices = tuple(
            ModelChoice(name=one.name, provider="script", model=one.name) for one in models
        )

    def asking(self, chosen: ModelChoice) -> ScriptedModel:
        """Return the model of a rung."""
        return self._models[chosen.name]

    judging = asking


class OneJudge:
    """What the settings would set up: one judge, whatever a release names."""

    choice = JudgeChoice()

    def __init__(self, judge: Judge) -> None:
        self.own = judge

    def of(self, choice: JudgeChoice) -> Judge:
        """Return it."""
        del choice
        return self.own


def opened(
    folder: Path,
    stack: ExitStack,
    *models: ScriptedModel,
    pages: dict[str, str] = PAGES,
    judge: Judge | None = None,
) -> App:
    """Return a library in memory with these pages; its ladder begins with these models."""
    for path, text in pages.items():
        file = folder / "docs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return opened_on(folder / "docs", stack, *models, judge=judge or LiteralJudge())


def opened_on(
    docs: Path, stack: ExitStack, *models: ScriptedModel, judge: Judge | None = None
) -> App:
    """Return a library in memory of a folder; its judge is the one that ships unless given."""
    settings = load(None)
    own = ExitStack()
    tools = app_tools.memory_tools(settings, own)
    tools = replace(
        tools,
        judges=cast("Judges", OneJudge(judge)) if judge else tools.judges,
        models=cast("Models", Scripts(models)),
        parser=InlineParser(),
    )
    app = stack.enter_context(App(settings, tools, on_close=own))
    app.ingest(docs)
    return app
