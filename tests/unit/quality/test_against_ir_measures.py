"""Ranking metrics: the same numbers as the reference tools give on the same rankings.

`ir_measures` asks trec_eval (through pytrec_eval) for Success, R and nDCG, and MS MARCO's own
script for RR with a cut-off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, R, Success, nDCG

from answerable.quality.evaluation import Ranked, evaluate_rankings
from answerable.quality.questions import Case

DOCUMENTS = [f"d{number:03}" for number in range(130)]
OURS = {
    Success @ 1: "hit@1",
    Success @ 5: "hit@5",
    Success @ 10: "hit@10",
    R @ 100: "recall@100",
    nDCG @ 10: "ndcg@10",
    RR @ 10: "mrr@10",
}

Scored = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Query:
    """What was found, with scores, and what is relevant."""

    found: Scored
    grades: Mapping[str, int]


def listed(found: Scored, measure: ir_measures.Measure) -> tuple[str, ...]:
    """Return a ranking as the tool behind a measure orders ties: trec_eval puts Z before A."""
    names = sorted(found, reverse=measure.NAME != "RR")
    return tuple(sorted(names, key=lambda name: -found[name]))


# Ranks on either side of every cut-off.
EDGES = (1, 2, 5, 6, 10, 11, 100, 101)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Give a query whose few scores tie often, with relevant documents around the cut-offs.

    Some of them were not found, and some judged documents are not relevant.
    """
    number = draw(st.sampled_from([0, 1, 3, 12, 110]))
    scores = draw(st.lists(st.integers(0, 3), min_size=number, max_size=number))
    found = dict(zip(DOCUMENTS, map(float, scores), strict=False))
    ranked = listed(found, draw(st.sampled_from([RR @ 10, nDCG @ 10])))
    places = draw(st.sets(st.sampled_from(EDGES), max_size=2))
    judged = [ranked[place - 1] for place in places if place <= number]
    judged += draw(st.lists(st.sampled_from(DOCUMENTS), max_size=2))
    highest = draw(st.sampled_from([1, 4]))
    return Query(
        found=found,
        grades={name: draw(st.integers(0, highest)) for name in judged},
    )


sets = st.lists(queries(), min_size=1, max_size=4)


def ours(asked: list[Query], measure: ir_measures.Measure) -> tuple[float | None, int]:
    """Return our mean, and over how many questions."""
    cases = [
        Ranked(
            case=Case(
                id=str(number),
                question="?",
                answerable=True,
                # As question sets are read: what gains nothing is not among the grades.
                grades={name: float(gain) for name, gain in one.grades.items() if gain > 0},
                tags=("plain",),
            ),
            ranked=listed(one.found, measure),
        )
        for number, one in enumerate(asked)
    ]
    scores = evaluate_rankings(cases).overall
    value, count = scores[OURS[measure]], scores["ranked"]
    assert isinstance(count, int)
    assert value is None or isinstance(value, float)
    return value, count


def theirs(asked: list[Query], measure: ir_measures.Measure) -> dict[str, float]:
    """Return what the tool says of each query that has judgements."""
    qrels = {str(number): dict(one.grades) for number, one in enumerate(asked) if one.grades}
    run = {str(number): dict(one.found) for number, one in enumerate(asked)}
    if not qrels:
        return {}
    return {one.query_id: one.value for one in ir_measures.iter_calc([measure], qrels, run)}


@pytest.mark.parametrize("measure", OURS, ids=str)
@given(asked=sets)
def test_the_mean_is_that_of_the_reference(
    measure: ir_measures.Measure, asked: list[Query]
) -> None:
    """Ties, what was not found and what was not judged included.

    They count a query with judgements of which none is relevant as 0; we leave it out.
    """
    expected = theirs(asked, measure)
    relevant = [str(place) for place, one in enumerate(asked) if any(one.grades.values())]
    value, count = ours(asked, measure)
    assert count == len(relevant)
    if not relevant:
        assert value is None
    else:
        assert value == pytest.approx(fmean(expected[name] for name in relevant))


@pytest.mark.parametrize("measure", OURS, ids=str)
def test_a_query_nothing_was_found_for_counts(measure: ir_measures.Measure) -> None:
    """A search that comes back empty is a miss, not a gap in the data."""
    asked = [
        Query(found={"d001": 1.0}, grades={"d001": 1}),
        Query(found={}, grades={"d001": 1}),
    ]
    assert ours(asked, measure) == (0.5, 2)
    assert fmean(theirs(asked, measure).values()) == 0.5


@pytest.mark.parametrize("measure", OURS, ids=str)
def test_a_query_without_a_relevant_document_is_left_out(measure: ir_measures.Measure) -> None:
    """It cannot be answered well or badly: the reference says 0, we say nothing."""
    asked = [
        Query(found={"d001": 1.0}, grades={"d001": 1}),
        Query(found={"d001": 1.0}, grades={"d001": 0}),
        Query(found={"d001": 1.0}, grades={}),
    ]
    assert ours(asked, measure) == (1.0, 1)
    assert theirs(asked, measure) == {"0": 1.0, "1": 0.0}


@pytest.mark.parametrize("measure", OURS, ids=str)
@pytest.mark.parametrize("place", EDGES)
def test_the_cut_off_is_theirs(measure: ir_measures.Measure, place: int) -> None:
    """The last rank that counts and the first that does not are the same for both."""
    found = {name: -float(rank) for rank, name in enumerate(DOCUMENTS, start=1)}
    asked = [Query(found=found, grades={DOCUMENTS[place - 1]: 3, "d129": 1})]
    value, _ = ours(asked, measure)
    assert value == pytest.approx(theirs(asked, measure)["0"])
