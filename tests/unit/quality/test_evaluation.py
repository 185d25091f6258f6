"""Evaluation: counts first, None where nothing was measured, tags like the whole."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from answerable.domain.questions import (
    Abstained,
    Answered,
    Citation,
    Claim,
    Trace,
    Verdict,
    VerdictValue,
)
from answerable.quality.evaluation import Ran, Ranked, comparable, evaluate, evaluate_rankings
from answerable.quality.flow import RANKED_DOCUMENTS, rankings
from answerable.quality.grades import Grade
from answerable.quality.questions import Case, parse_questions
from answerable.quality.records import hash_of, record

OPS_QA = Path(__file__).parents[4] / "shared/data/ops-qa/questions.jsonl"
SUPPORTED = Verdict(value=VerdictValue.SUPPORTED, judge="verbatim", score=1.0)


def case(name: str, *, tags: tuple[str, ...] = ("plain",), quotes: tuple[str, ...] = ()) -> Case:
    """Return a case; one with the tag ``unanswerable`` has no answer."""
    is_answerable = "unanswerable" not in tags
    return Case(
        id=name,
        question=name,
        answerable=is_answerable,
        grades={"gold.md": 2.0} if is_answerable else {},
        quotes=quotes,
        tags=tags,
    )


def ran(of: Case, said: str | None, sure: float, *, ranked: tuple[str, ...] = ()) -> Ran:
    """Return a case with an answer of one claim, or with an abstention."""
    citation = Citation(
        document_id="d",
        path="gold.md",
        title="",
        heading=(),
        line=1,
        start=0,
        end=1,
        content_hash="",
        quote=said or "",
    )
    claim = Claim(text=said or "", citations=(citation,), verdict=SUPPORTED)
    outcome = (
        Abstained(code="thin_evidence", because="", confidence=sure)
        if said is None
        else Answered(rung="quote", claims=(claim,), confidence=sure)
    )
    trace = Trace(
        id=of.id,
        at_ms=0,
        principal="me",
        question=of.question,
        release="rel",
        revision=1,
        overrides=(),
        passages=(),
        evidence=(),
        outcome=outcome,
        steps=(),
        took_ms=0.0,
    )
    return Ran(case=of, trace=trace, ranked=ranked, verified=int(said is not None))


RUN = (
    ran(case("a", quotes=("30 seconds",)), "It waits `30\nseconds`.", 0.9, ranked=("gold.md",)),
    ran(case("b", quotes=("never",)), "Often.", 0.4, ranked=("x.md", "gold.md")),
    ran(case("c", tags=("low-overlap",), quotes=("yes",)), None, 0.2, ranked=("x.md",)),
    ran(case("u", tags=("unanswerable", "other-product")), None, 0.1),
    ran(case("v", tags=("unanswerable", "missing-detail")), "Wrong.", 0.6),
)


def test_the_overall_numbers_are_counted_right() -> None:
    """Unanswerable questions count for abstention and citations only."""
    scores = evaluate(RUN).overall
    assert (scores["questions"], scores["answerable"], scores["unanswerable"]) == (5, 3, 2)
    assert scores["hit@1"] == pytest.approx(1 / 3)
    assert scores["hit@5"] == pytest.approx(2 / 3)
    assert scores["mrr@10"] == pytest.approx(0.5)
    assert scores["recall@100"] == pytest.approx(2 / 3)
    assert scores["quote_contained"] == pytest.approx(1 / 3)
    assert scores["quote_contained_when_answered"] == pytest.approx(1 / 2)
    assert (scores["citations"], scores["citations_verified"]) == (3, 1.0)
    assert scores["abstention_auroc"] == pytest.approx(4 / 6)
    assert scores["answerable_withheld"] == pytest.approx(1 / 3)
    assert scores["unanswerable_answered"] == pytest.approx(1 / 2)
    assert scores["abstention_error"] == pytest.approx(2 / 5)


def test_tags_come_answerable_first_and_are_scored_against_the_other_sort() -> None:
    """A kind of unanswerable question is told from all answerable ones."""
    report = evaluate(RUN)
    assert list(report.tags) == ["plain", "low-overlap", "other-product", "missing-detail"]
    assert report.tags["plain"]["questions"] == 2
    assert report.tags["other-product"]["abstention_auroc"] == 1.0
    assert report.tags["missing-detail"]["abstention_auroc"] == pytest.approx(1 / 3)
    assert report.tags["plain"]["abstention_auroc"] == pytest.approx(3 / 4)


def test_what_was_not_measured_is_null() -> None:
    """No data is not zero: an unanswerable kind has no hits, an empty run has nothing."""
    kind = evaluate(RUN).tags["other-product"]
    assert kind["hit@1"] is None
    assert kind["mrr@10"] is None
    assert kind["quote_contained"] is None
    assert kind["citations_verified"] is None
    assert evaluate(()).overall["abstention_auroc"] is None
    assert evaluate(()).overall["abstention_error"] is None


def test_the_json_has_the_promised_keys_overall_first() -> None:
    """CI reads these names; `tags` comes last."""
    found = json.loads(json.dumps(evaluate(RUN, ks=(1, 5, 10)).as_json()))
    assert {
        "hit@1",
        "hit@5",
        "hit@10",
        "mrr@10",
        "quote_contained",
        "citations_verified",
        "abstention_auroc",
    } <= set(found)
    assert list(found)[-1] == "tags"
    assert set(found["tags"]["plain"]) == set(found) - {"tags"}


def test_shares_come_with_an_interval() -> None:
    """One of three is anything between 0.06 and 0.79."""
    intervals = evaluate(RUN).as_json()["intervals"]
    assert isinstance(intervals, dict)
    low, high = intervals["quote_contained"]
    assert (round(low, 2), round(high, 2)) == (0.06, 0.79)


def test_a_wrong_citation_shows() -> None:
    """One citation that did not hold is visible in the share."""
    broken = Ran(case=RUN[0].case, trace=RUN[0].trace, ranked=(), verified=0)
    assert evaluate([broken]).overall["citations_verified"] == 0.0


def test_rankings_alone_are_scored_as_with_answers() -> None:
    """Retrieval has the same numbers whether or not the questions were answered."""
    whole = evaluate(RUN)
    ranked = evaluate_rankings([Ranked(case=one.case, ranked=one.ranked) for one in RUN])
    assert ranked.overall["ranked"] == 3
    assert list(ranked.tags) == ["plain", "low-overlap"]
    for name in ("ranked", "hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10", "recall@100"):
        assert ranked.overall[name] == whole.overall[name]
        assert ranked.tags["plain"][name] == whole.tags["plain"][name]
    intervals, with_answers = ranked.overall["intervals"], whole.overall["intervals"]
    assert isinstance(intervals, dict)
    assert isinstance(with_answers, dict)
    assert intervals.items() <= with_answers.items()


def test_nothing_ranked_is_nothing_measured() -> None:
    """A set that names no documents has no scores, and a tag of it none either."""
    unjudged = Ranked(case=replace(case("a"), grades={}), ranked=("x.md",))
    report = evaluate_rankings([unjudged])
    assert report.overall["ranked"] == 0
    assert report.overall["hit@1"] is None
    assert report.overall["ndcg@10"] is None
    assert report.tags == {}


class Counting:
    """Finds one document and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ranking(self, question: str, *, documents: int) -> tuple[str, ...]:
        assert documents == RANKED_DOCUMENTS
        self.asked.append(question)
        return ("gold.md",)


def test_each_judged_question_is_asked_once() -> None:
    """One search a question, and none for those that say nothing about retrieval."""
    ranker, heard = Counting(), list[int]()
    cases = [case("a"), case("u", tags=("unanswerable",)), replace(case("n"), grades={}), case("b")]
    found = rankings(cases, ranker, asked=heard.append)
    assert ranker.asked == [one.case.id for one in found] == ["a", "b"]
    assert heard == [1, 2]
    assert evaluate_rankings(found).overall["hit@1"] == 1.0


@pytest.mark.parametrize(
    ("some", "same"),
    [
        ("a  b\n c", "a b c"),
        ("**By default**, `x`", "By default, x"),
        ("- one\n- two", "one two"),
        ("1. one\n2) two", "one two"),
        ("> quoted\n> twice", "quoted twice"),
        ("## Heading\ntext", "Heading text"),
        ("[TCP](/docs/#tcp) is", "TCP is"),
        ("![alt](x.png)", "alt"),
        ("| a | b |", "a b"),
        ("```sh\nls\n```", "ls"),
        ("a <!-- b --> c", "a c"),
        ('{{< glossary_tooltip text="Pod" term_id="pod" >}}s', "Pods"),
        ("{{< note >}}Mind.{{< /note >}}", "Mind."),
        (r"a \* b", "a b"),
        ("minus -1 and a-b", "minus -1 and a-b"),
    ],
)
def test_markers_and_white_space_do_not_count(some: str, same: str) -> None:
    """Quotes are compared by their words."""
    assert comparable(some) == comparable(same)
    assert comparable(comparable(some)) == comparable(some)


def test_case_and_numbers_count() -> None:
    """`Never` is not `never`, and 30 is not 300."""
    assert comparable("Never 30") != comparable("never 30")
    assert comparable("30") != comparable("300")


def test_the_shared_set_is_read_whole() -> None:
    """The public development set has 124 answerable and 40 unanswerable questions."""
    if not OPS_QA.exists():
        pytest.skip("ops-qa is not beside this checkout")
    cases = parse_questions(OPS_QA.read_text().splitlines(), name="ops-qa")
    assert sum(one.answerable for one in cases) == 124
    assert len(cases) == 164
    assert all(one.grades and one.quotes for one in cases if one.answerable)


def test_what_a_set_says_decides_whether_an_answer_is_good() -> None:
    """A quote, else a document, else nobody can tell; no answer is good where there is none."""
    grades = [record(one).grade for one in RUN]
    assert grades == [Grade.GOOD, Grade.BAD, Grade.BAD, Grade.GOOD, Grade.BAD]
    by_document = ran(case("d"), "anything", 0.9)
    assert record(by_document).grade is Grade.GOOD
    elsewhere = replace(by_document.case, grades={"other.md": 1.0})
    assert record(replace(by_document, case=elsewhere)).grade is Grade.BAD
    nothing = replace(by_document.case, grades={})
    assert record(replace(by_document, case=nothing)).grade is Grade.UNDECIDED
    assert record(ran(nothing, None, 0.1)).grade is Grade.BAD


def test_a_record_holds_what_can_be_measured() -> None:
    """Nothing of retrieval where the set says nothing of documents; the best one is its cluster."""
    kept = record(RUN[1])
    assert (kept.measures["mrr@10"], kept.measures["hit@1"]) == (0.5, 0.0)
    assert (kept.rung, kept.answer) == ("quote", "Often.")
    assert "gold" not in kept.cluster
    assert "mrr@10" not in record(RUN[3]).measures


def test_a_set_is_known_by_its_questions_not_by_their_order() -> None:
    """Any change of one is another set."""
    cases = [one.case for one in RUN]
    assert hash_of(cases) == hash_of(cases[::-1])
    assert hash_of(cases) != hash_of([*cases[:-1], replace(cases[-1], question="other")])
