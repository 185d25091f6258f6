"""The sixty low-overlap questions: complete, split as their README says, and true to the pages."""

import json
import re
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from answerable.quality.questions import parse_questions

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "benchmarks" / "questions" / "low-overlap.jsonl"
DATA = ROOT.parent / "shared" / "data"
LINES = QUESTIONS.read_text(encoding="utf-8").splitlines()
ITEMS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
KINDS = {
    "id": str,
    "question": str,
    "answerable": bool,
    "answer": str,
    "gold_doc": str,
    "gold_quote": str,
    "quote_start": int,
    "acceptable_docs": list,
    "corpus": str,
    "tags": list,
    "quote_overlap": float,
    "heading_overlap": float,
    "split": str,
}
FUNCTION_WORDS = {"before", "should", "those", "without"}

needs_pages = pytest.mark.skipif(
    not (DATA / "ops-docs").is_dir(), reason="the ops-docs pages are not beside this checkout"
)
needs_earlier_set = pytest.mark.skipif(
    not (DATA / "ops-qa").is_dir(), reason="the ops-qa questions are not beside this checkout"
)


def page(path: str) -> str:
    """Return the text of a page of the corpus."""
    return (DATA / "ops-docs" / path).read_text(encoding="utf-8")


def long_words(text: str) -> set[str]:
    """Return the words of five or more characters that carry meaning, in lower case."""
    return set(re.findall(r"[a-z0-9]{5,}", text.lower())) - FUNCTION_WORDS


def test_every_question_has_its_fields() -> None:
    """Each item has exactly the fields the README lists, of the right kind, none empty."""
    for item in ITEMS:
        assert {name: type(value) for name, value in item.items()} == KINDS, item["id"]
        assert all(item[name] for name, kind in KINDS.items() if kind in {str, list}), item["id"]
        assert item["answerable"]
        assert item["tags"] == ["low-overlap"]


def test_there_are_sixty_of_different_pages() -> None:
    """Ids, questions and gold pages are each sixty different ones, from both sources."""
    assert len(ITEMS) == 60
    for name in ("id", "question", "gold_doc"):
        assert len({item[name] for item in ITEMS}) == 60
    sources = Counter(item["gold_doc"].split("/")[0] for item in ITEMS)
    assert sources == {"kubernetes": 45, "prometheus-operator-runbooks": 15}


def test_the_halves_follow_the_rule() -> None:
    """The thirty ids with the smallest SHA-256 are for tuning, the others are held."""
    ordered = sorted(ITEMS, key=lambda item: sha256(item["id"].encode()).hexdigest())
    assert [item["split"] for item in ordered] == ["tune"] * 30 + ["held"] * 30


def test_the_gold_page_is_acceptable() -> None:
    """A gold page is always among the acceptable ones, which are sorted and named once."""
    for item in ITEMS:
        assert item["gold_doc"] in item["acceptable_docs"]
        assert item["acceptable_docs"] == sorted(set(item["acceptable_docs"]))


def test_questions_share_no_long_word_with_what_answers_them() -> None:
    """The overlap stated is low, and no longer word of a question is in its quote or answer."""
    for item in ITEMS:
        assert 0 <= item["quote_overlap"] <= 0.2
        assert 0 <= item["heading_overlap"] <= 0.2
        said = long_words(f"{item['gold_quote']} {item['answer']}")
        assert not long_words(item["question"]) & said, item["id"]


def test_the_set_can_be_evaluated() -> None:
    """The file is a question set as `answerable eval run` reads it."""
    cases = parse_questions(LINES, name="low-overlap")
    assert len(cases) == 60
    assert all(case.is_judged and case.quotes for case in cases)


@needs_pages
def test_every_quote_is_in_its_page() -> None:
    """Each quote stands in its gold page at the offset given, and acceptable pages exist."""
    for item in ITEMS:
        begin, quote = item["quote_start"], item["gold_quote"]
        assert page(item["gold_doc"])[begin : begin + len(quote)] == quote, item["id"]
        assert all((DATA / "ops-docs" / path).is_file() for path in item["acceptable_docs"])


@needs_earlier_set
def test_no_gold_page_is_one_of_the_earlier_set() -> None:
    """No gold page is a gold page of ops-qa, so neither set is tuned on by tuning on the other."""
    lines = (DATA / "ops-qa" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    earlier = {json.loads(line).get("gold_doc") for line in lines}
    assert not earlier & {item["gold_doc"] for item in ITEMS}
