"""`eval run --mode retrieval`: documents are ranked, and the report says how it was done."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from command_line import Shell, shell

from answerable.answering import flow as answering
from answerable.app.embedders import Embedders
from answerable.domain.errors import EmbedderFailed
from answerable.domain.releases import Retrieval
from answerable.library.ports import Purpose, Vectors
from answerable.library.search import search

__all__ = ["shell"]

WATER = {"id": "w", "question": "When does water boil?", "gold_doc": "water.md"}
FIRE = {"id": "f", "question": "What do flames want?", "gold_doc": "fire.md", "tags": ["other"]}
NOBODY = {"id": "u", "question": "Who?", "answerable": False, "kind": "private-info"}
MEANT = (("water", "liquid", "celsius"), ("fire", "flames", "oxygen"))


class Meaning:
    """Knows two topics by the words said about them."""

    name = "topics"
    digest = "7" * 64
    dimension = 8
    batch = 4
    tokens_max = 512

    def __init__(self) -> None:
        self.fails_on: Purpose | None = None

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return the topic of each text, or that it has none."""
        if purpose == self.fails_on:
            raise EmbedderFailed("the embedder is down", hint="answerable embedders check")
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            said = set(re.findall(r"\w+", text.lower()))
            topics = [number for number, words in enumerate(MEANT) if said & set(words)]
            row[topics or [self.dimension - 1]] = 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


@pytest.fixture(autouse=True)
def meaning(monkeypatch: pytest.MonkeyPatch) -> Meaning:
    """Give the only embedder there is."""
    embedder = Meaning()

    def makers(_self: Embedders) -> dict[str, Any]:
        return {"minilm": lambda _use: embedder}

    monkeypatch.setattr(Embedders, "_makers", makers)
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "minilm")
    return embedder


@pytest.fixture
def asked(shell: Shell) -> Shell:
    """Give a terminal in a folder with two documents and a question set about them."""
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("docs/fire.md", "# Fire\n\nFire needs oxygen to burn.\n")
    rows = map(json.dumps, (WATER, FIRE, NOBODY))
    shell.write("set.jsonl", "\n".join(rows))
    return shell


RETRIEVAL = ("eval", "run", "set.jsonl", "--docs", "docs", "--mode", "retrieval")


@pytest.fixture
def folder(shell: Shell) -> Shell:
    """Give a terminal beside a set that brings its corpus and grades some documents higher."""
    corpus = [
        {"id": "a", "title": "Water", "text": "Water boils when it is hot."},
        {"id": "b", "title": "Water", "text": "Water boils, boils, boils at 100 degrees."},
        {"id": "c", "title": "Fire", "text": "Fire needs oxygen."},
    ]
    queries = [{"id": "1", "text": "when is water hot"}, {"id": "2", "text": "fire"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        shell.write(
            f"mine/{name}.jsonl.gz", gzip.compress("\n".join(map(json.dumps, rows)).encode())
        )
    shell.write("mine/qrels.tsv", "query-id\tcorpus-id\tscore\n1\ta\t1\n1\tb\t4\n1\tc\t0\n")
    return shell


def test_documents_are_ranked_and_scored_overall_and_by_tag(asked: Shell) -> None:
    """Only questions that name their documents count; all of the release is measured."""
    found = asked.done(*RETRIEVAL, "--json").data
    assert (found["mode"], found["by"], found["settings"]) == ("retrieval", "full", {})
    assert found["vectors"] == {"embedder": "topics", "covered": 1.0}
    assert (found["ranked"], found["hit@1"], found["mrr@10"]) == (2, 1.0, 1.0)
    assert (found["ndcg@10"], found["recall@100"]) == (1.0, 1.0)
    assert list(found["tags"]) == ["plain", "other"]
    assert found["tags"]["other"]["ranked"] == 1
    assert "abstention_auroc" not in found


def test_ranking_asks_once_and_answers_nothing(
    asked: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One search a question, so large sets can be ranked in minutes."""
    searched = []

    def counted(*arguments: Any, **named: Any) -> Any:
        searched.append(arguments)
        return search(*arguments, **named)

    monkeypatch.setattr("answerable.app.facade.search", counted)
    monkeypatch.setattr(answering, "answer", None)
    asked.done(*RETRIEVAL)
    assert len(searched) == 2


def test_variants_differ_in_what_they_find(asked: Shell) -> None:
    """Words miss what is said in other words; vectors find it; the report says what was varied."""
    by_words = asked.done(*RETRIEVAL, "--by", "words", "--json").data
    assert by_words["tags"]["other"]["hit@1"] == 0.0
    assert by_words["tags"]["plain"]["hit@1"] == 1.0
    assert by_words["vectors"] is None
    assert set(by_words["settings"]) == {"embedder"}
    for by in ("vectors", "fused", "full"):
        found = asked.done(*RETRIEVAL, "--by", by, "--json").data
        assert (found["hit@1"], found["by"]) == (1.0, by)
    changed = asked.done(*RETRIEVAL, "--by", "vectors", "--json").data["settings"]
    assert changed["lexical_weight"]["run"] == 0.0


def test_by_words_needs_no_vectors(asked: Shell, meaning: Meaning) -> None:
    """Nothing is embedded for a run that looks at no vectors."""
    meaning.fails_on = "passage"
    ran = asked.done(*RETRIEVAL, "--by", "words")
    assert "vectors: none were used" in ran.out
    assert "embedder" not in ran.err


def test_a_folder_with_graded_documents(folder: Shell) -> None:
    """The gain is linear, as trec_eval counts it; a query nobody judged is left out."""
    run = ("eval", "run", "mine", "--mode", "retrieval", "--by", "words", "--k", "1,2", "--json")
    found = folder.done(*run).data
    assert (found["ranked"], found["hit@2"], found["recall@100"]) == (1, 1.0, 1.0)
    second = 1 / math.log2(3)
    assert found["ndcg@10"] == pytest.approx((1 + 4 * second) / (4 + second))
    assert "hit@5" not in found


def test_a_setting_is_changed_for_one_run(asked: Shell) -> None:
    """The report says which settings differ from the release, and how."""
    run = (*RETRIEVAL, "--set", "lexical_weight=1", "--set", "page_weight=0.125")
    found = asked.done(*run, "--json").data
    assert found["settings"]["lexical_weight"]["run"] == 1.0
    assert set(found["settings"]) == {"lexical_weight", "page_weight"}
    assert found["tags"]["other"]["hit@1"] == 0.0, "all to the words"
    released = Retrieval().page_weight
    said = f"page_weight: 0.125 in this run, {released} in the release"
    assert said in asked.done(*run).out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--mode", "retrieval", "--set", "nonsense=1"), "lexical_weight"),
        (("--mode", "retrieval", "--set", "lexical_weight=2"), "from 0 to 1"),
        (("--mode", "retrieval", "--by", "magic"), "words, vectors, fused, full"),
        (("--mode", "retrieval", "--by", "vectors", "--set", "page_weight=1"), "changes nothing"),
        (("--by", "words"), "--mode retrieval"),
        (("--set", "lexical_weight=0.5"), "--mode retrieval"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Shell, flags: tuple[str, ...], said: str) -> None:
    """Before anything is read, with what to do instead."""
    ran = asked.run("eval", "run", "set.jsonl", "--docs", "docs", *flags)
    assert said in ran.check_error("bad_input", status=2)


def test_a_library_that_lacks_vectors_is_not_measured_by_accident(asked: Shell) -> None:
    """Half a release would pass for the whole; `--partial` says what share there is."""
    asked.done("init", "--data-dir", "data")
    asked.done("ingest", "docs", "--no-wait")
    live = ("eval", "run", "set.jsonl", "--mode", "retrieval")
    for run in (live, live[:3]):
        said = asked.run(*run).check_error("not_ready", status=10)
        assert "0 of 2 chunks have vectors" in said
        assert "answerable embedders fill" in said
    assert asked.done(*live, "--by", "words", "--json").data["vectors"] is None
    found = asked.done(*live, "--partial", "--json").data
    assert found["vectors"] == {"embedder": "topics", "covered": 0.0}
    assert "of 0.0% of the chunks" in asked.done(*live, "--partial").out
    asked.done("embedders", "fill")
    found = asked.done(*live, "--json").data
    assert (found["vectors"]["covered"], found["hit@1"]) == (1.0, 1.0)


def test_a_measurement_does_not_fall_back_to_words(asked: Shell, meaning: Meaning) -> None:
    """An embedder that fails meanwhile ends the run; it does not make the release look worse."""
    meaning.fails_on = "question"
    said = asked.run(*RETRIEVAL).check_error("not_ready", status=10)
    assert "ranked by words only: the embedder is down" in said


def test_in_memory_without_an_embedder(asked: Shell, meaning: Meaning) -> None:
    """The release is measured as this machine can have it, and says so; vectors alone are not."""
    meaning.fails_on = "passage"
    ran = asked.done(*RETRIEVAL, "--json")
    assert ran.data["vectors"] == {"embedder": "topics", "covered": 0.0}
    assert "found by words only: the embedder is down" in ran.err
    asked.run(*RETRIEVAL, "--by", "vectors").check_error("embedder_failed", status=1)


def test_ranking_changes_nothing(asked: Shell) -> None:
    """No trace is left, and no release is deployed, whatever was set for a run."""
    asked.done("init", "--data-dir", "data")
    asked.done("ingest", "docs")
    before = asked.done("revisions", "deployments", "--json").data
    asked.done("eval", "run", "set.jsonl", "--mode", "retrieval", "--set", "candidates=50")
    assert asked.done("revisions", "deployments", "--json").data == before
    assert asked.done("traces", "list", "--json").data == []


def test_answers_are_reported_by_kind_of_unanswerable_question(asked: Shell) -> None:
    """Each kind is told from the answerable ones, in the table and in JSON."""
    run = ("eval", "run", "set.jsonl", "--docs", "docs")
    found = asked.done(*run, "--json").data
    assert found["mode"] == "answers"
    assert 0 <= found["tags"]["private-info"]["abstention_auroc"] <= 1
    out = asked.done(*run).out.splitlines()
    assert out[0].split() == ["all", "plain", "other", "private-info"]
    (row,) = (line for line in out if line.startswith("abstention_auroc"))
    assert re.fullmatch(r"abstention_auroc( +\d\.\d{3}){4}", row)
