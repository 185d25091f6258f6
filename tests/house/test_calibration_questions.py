"""The shipped calibration set: true to its pages, licensed, and nobody's questions again."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from answerable.quality.evaluation import comparable
from answerable.quality.losses import Loss, check_judges
from answerable.quality.questions import parse_questions

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
OPS_QA = ROOT.parent / "shared/data/ops-qa/questions.jsonl"
FOLDERS = ("prometheus-operator-runbooks", "kubernetes-docs")
LINES = (EXAMPLES / "questions/calibration.jsonl").read_text("utf-8").splitlines()
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
ANSWERABLE = [one for one in QUESTIONS if one["answerable"]]
UNANSWERABLE = [one for one in QUESTIONS if not one["answerable"]]
KINDS = {"other-product", "missing-detail", "empty-section", "private-info", "false-premise"}
SMALL = set(
    "a an and are as at be by can do does for from how i if in is it my of on or our".split()
)
SMALL |= set("the this to was we what when where which who why with".split())


def read_set(path: Path) -> list[dict[str, Any]]:
    """Return the rows of another question set."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def telling(question: str) -> frozenset[str]:
    """Return the words of a question that are not on every lip."""
    return frozenset(re.findall(r"[a-z0-9]+", question.lower())) - SMALL


def near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether two questions share most of their words."""
    return len(one & other) > 0.6 * len(one | other)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every vendored page by its path below its folder."""
    return {
        page.relative_to(EXAMPLES / folder).as_posix(): page.read_text(encoding="utf-8")
        for folder in FOLDERS
        for page in (EXAMPLES / folder).rglob("*.md")
    }


def test_the_pages_carry_their_licence() -> None:
    """The vendored pages keep their licence, and both notices say where they are from."""
    folder = EXAMPLES / "kubernetes-docs"
    assert "Attribution 4.0 International" in (folder / "LICENSE").read_text()
    for notice in (folder / "NOTICE", ROOT / "NOTICE"):
        assert "27e0c56e57545e2871baf0f2672eae99bddc681d" in notice.read_text()
    assert len(list(folder.rglob("*.md"))) == 78


def test_the_set_is_what_the_guide_says() -> None:
    """246 can be answered, 24 of them in other words; 162 cannot, of every kind; nothing twice."""
    assert (len(ANSWERABLE), len(UNANSWERABLE)) == (246, 162)
    assert sum("low-overlap" in one["tags"] for one in ANSWERABLE) == 24
    kinds = Counter(one["kind"] for one in UNANSWERABLE)
    assert kinds.keys() == KINDS
    assert min(kinds.values()) >= 18
    assert max(Counter(one["id"] for one in QUESTIONS).values()) == 1
    for folder in FOLDERS:
        assert sum(one["corpus"] == folder for one in QUESTIONS) >= 100


def test_the_set_can_be_calibrated_on() -> None:
    """Every answerable question names a quote, so the loss by quote can judge it."""
    cases = parse_questions(LINES, name="calibration")
    check_judges(Loss.QUOTE, cases, name="calibration")


def test_gold_quotes_are_exact(texts: dict[str, str]) -> None:
    """A gold quote stands where the question says, on every page that is acceptable."""
    for one in ANSWERABLE:
        quote, start = one["gold_quote"], one["quote_start"]
        assert quote.strip(), one["id"]
        assert texts[one["gold_doc"]][start : start + len(quote)] == quote, one["id"]
        wanted = " ".join(quote.split())
        saying = {path for path, text in texts.items() if wanted in " ".join(text.split())}
        assert saying == set(one["acceptable_docs"]), one["id"]
        assert one["gold_doc"] in saying, one["id"]


def test_gold_quotes_can_be_quoted() -> None:
    """None holds markup that is never shown: a tag, or half of a link."""
    for one in ANSWERABLE:
        assert not re.search(r"</?(?:td|tr|br|sub|sup|a)\b", one["gold_quote"]), one["id"]
        assert one["gold_quote"].count("](") == len(
            re.findall(r"\]\([^)]*\)", one["gold_quote"])
        ), one["id"]
        assert comparable(one["gold_quote"]), one["id"]


def test_low_overlap_is_low() -> None:
    """What is tagged so shares at most a quarter of its words with quote and answer."""
    for one in ANSWERABLE:
        if "low-overlap" in one["tags"]:
            assert one["quote_overlap"] <= 0.25, one["id"]


def test_unanswerable_questions_have_no_answer_here(texts: dict[str, str]) -> None:
    """The near page exists, the reason is given, and the pattern occurs on no page."""
    for one in UNANSWERABLE:
        assert one["near_doc"] in texts, one["id"]
        assert one["why"], one["id"]
        assert one["tags"] == ["unanswerable", one["kind"]]
        if one["absent_pattern"] is not None:
            pattern = re.compile(one["absent_pattern"])
            assert [path for path, text in texts.items() if pattern.search(text)] == [], one["id"]


def test_no_two_questions_are_nearly_the_same() -> None:
    """Neither within the set nor with those of the other sets, so that all count."""
    ours = [(one["id"], telling(one["question"])) for one in QUESTIONS]
    others = [
        EXAMPLES / "questions/runbooks.jsonl",
        ROOT / "benchmarks/questions/low-overlap.jsonl",
    ]
    others += [OPS_QA] if OPS_QA.is_file() else []
    theirs = [(one["id"], telling(one["question"])) for path in others for one in read_set(path)]
    pairs = [
        (mine, other)
        for place, (mine, words) in enumerate(ours)
        for other, said in (*ours[:place], *theirs)
        if near(words, said)
    ]
    assert pairs == []


def test_no_kubernetes_page_is_one_of_another_set() -> None:
    """No gold page is one of the sets that answers are tuned or measured on."""
    paths = [ROOT / "benchmarks/questions/low-overlap.jsonl"]
    paths += [OPS_QA] if OPS_QA.is_file() else []
    taken = {one.get("gold_doc") for path in paths for one in read_set(path)}
    ours = {f"kubernetes/{one['gold_doc']}" for one in ANSWERABLE}
    assert not ours & taken
