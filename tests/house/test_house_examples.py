"""The shipped example: licensed, and its questions true to its documents."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
RUNBOOKS = EXAMPLES / "prometheus-operator-runbooks"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (EXAMPLES / "questions" / "runbooks.jsonl").read_text("utf-8").splitlines()
]
ANSWERABLE = [one for one in QUESTIONS if one["answerable"]]
UNANSWERABLE = [one for one in QUESTIONS if not one["answerable"]]
KINDS = {"other-product", "missing-detail", "empty-section", "private-info", "false-premise"}


def collapsed(text: str) -> str:
    """Return a text with every run of white space as one space."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every vendored page by its path below the example."""
    return {
        page.relative_to(RUNBOOKS).as_posix(): page.read_text(encoding="utf-8")
        for page in RUNBOOKS.rglob("*.md")
    }


def test_the_example_carries_its_licence() -> None:
    """The vendored runbooks keep their licence, and a notice says where they are from."""
    assert "Apache License" in (RUNBOOKS / "LICENSE").read_text()
    assert "a685d14cf5128bb30e2bf935c3983decd772d885" in (RUNBOOKS / "NOTICE").read_text()


def test_the_set_is_what_the_guide_says() -> None:
    """60 questions can be answered, ten of them in other words; 25 cannot; no id twice."""
    assert (len(ANSWERABLE), len(UNANSWERABLE)) == (60, 25)
    assert sum("low-overlap" in one["tags"] for one in ANSWERABLE) == 10
    assert {one["kind"] for one in UNANSWERABLE} == KINDS
    assert max(Counter(one["id"] for one in QUESTIONS).values()) == 1
    assert max(Counter(one["question"] for one in QUESTIONS).values()) == 1


@pytest.mark.parametrize("one", ANSWERABLE, ids=lambda one: one["id"])
def test_gold_quotes_are_exact(one: dict[str, Any], texts: dict[str, str]) -> None:
    """A gold quote stands where the question says, and every acceptable page exists."""
    quote, start = one["gold_quote"], one["quote_start"]
    assert quote
    assert texts[one["gold_doc"]][start : start + len(quote)] == quote
    assert one["gold_doc"] in one["acceptable_docs"]
    assert set(one["acceptable_docs"]) <= texts.keys()


@pytest.mark.parametrize("one", ANSWERABLE, ids=lambda one: one["id"])
def test_every_page_with_the_quote_is_acceptable(
    one: dict[str, Any], texts: dict[str, str]
) -> None:
    """A page that says the gold quote too is not counted as a miss."""
    quote = collapsed(one["gold_quote"])
    saying = {path for path, text in texts.items() if quote in collapsed(text)}
    assert saying <= set(one["acceptable_docs"])


@pytest.mark.parametrize("one", UNANSWERABLE, ids=lambda one: one["id"])
def test_unanswerable_questions_have_no_answer_here(
    one: dict[str, Any], texts: dict[str, str]
) -> None:
    """The near page exists, and what would be the answer occurs on no page."""
    assert one["near_doc"] in texts
    assert one["tags"] == ["unanswerable", one["kind"]]
    if one["absent_pattern"] is not None:
        pattern = re.compile(one["absent_pattern"])
        assert [path for path, text in texts.items() if pattern.search(text)] == []


def test_the_split_is_by_document_and_even() -> None:
    """No document has questions on both sides, so the held half measures unseen pages."""
    sides: defaultdict[str, set[str]] = defaultdict(set)
    for one in QUESTIONS:
        for path in one["acceptable_docs"] if one["answerable"] else [one["near_doc"]]:
            sides[path].add(one["split"])
    assert [path for path, split in sides.items() if len(split) > 1] == []
    assert Counter(one["split"] for one in ANSWERABLE) == {"tune": 30, "held": 30}
