"""Judged shares: what a judge's mistakes are worth, and judges that are worth nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa  # type: ignore[import-untyped]

from answerable.domain.errors import NotReady
from answerable.quality.grades import Grade
from answerable.quality.judged import (
    Confusion,
    confusion,
    informed,
    prediction_powered,
    rogan_gladen,
    weighted,
)

COUNTS = st.integers(0, 60)
GOOD, BAD, UNDECIDED = Grade.GOOD, Grade.BAD, Grade.UNDECIDED


def test_a_judge_beside_people() -> None:
    """What one of them did not decide is counted apart."""
    people = [BAD, BAD, GOOD, GOOD, GOOD, UNDECIDED, BAD]
    judge = [BAD, GOOD, GOOD, BAD, GOOD, GOOD, UNDECIDED]
    found = confusion(people, judge)
    assert found == Confusion(bad_bad=1, bad_good=1, good_good=2, good_bad=1, undecided=2)
    assert found.sensitivity == 0.5
    assert found.specificity == pytest.approx(2 / 3)
    assert found.sensitivity_interval == pytest.approx((0.0945, 0.9055), abs=1e-4)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_kappa_is_that_of_statsmodels(a: int, b: int, c: int, d: int) -> None:
    """Where it is defined."""
    found = Confusion(bad_bad=a, bad_good=b, good_good=c, good_bad=d)
    if found.kappa is None:
        assert found.n == 0 or {a + b, a + d} in ({0}, {found.n})
        return
    theirs = cohens_kappa(np.array([[a, b], [d, c]]), return_results=False)
    assert found.kappa == pytest.approx(theirs, abs=1e-12)


def test_a_judge_that_guesses_is_refused() -> None:
    """Whatever it says of the rest; and so is one of whom nobody knows."""
    guesses = Confusion(bad_bad=50, bad_good=50, good_good=55, good_bad=45)
    with pytest.raises(NotReady, match="hardly better than chance"):
        rogan_gladen(10, 100, guesses)
    with pytest.raises(NotReady, match="labelled no bad answer"):
        informed(Confusion(bad_bad=0, bad_good=0, good_good=9, good_bad=1))
    with pytest.raises(NotReady, match="labelled no good answer"):
        informed(Confusion(bad_bad=9, bad_good=1, good_good=0, good_bad=0))


def test_a_perfect_judge_changes_nothing() -> None:
    """And the interval is that of the share."""
    perfect = Confusion(bad_bad=100, bad_good=0, good_good=100, good_bad=0)
    found = rogan_gladen(30, 200, perfect)
    assert found.value == pytest.approx(found.raw) == 0.15
    half = 1.959964 * np.sqrt(0.15 * 0.85 / 200)
    assert (found.low, found.high) == pytest.approx((0.15 - half, 0.15 + half), abs=1e-6)


def test_a_share_of_mistakes_is_no_share_of_bad_answers() -> None:
    """A judge that calls one good answer in ten bad finds as many where there are none."""
    strict = Confusion(bad_bad=95, bad_good=5, good_good=90, good_bad=10)
    found = rogan_gladen(100, 1_000, strict)
    assert found.raw == 0.1
    assert found.value == 0
    assert rogan_gladen(0, 1_000, strict).value == 0
    assert rogan_gladen(1_000, 1_000, strict).value == 1


def drawn(rng: np.random.Generator, truth: float, q1: float, q0: float, n: int) -> np.ndarray:
    """Return answers, shape (n, 2): whether each is bad, and whether the judge says so."""
    bad = rng.random(n) < truth
    said = np.where(bad, rng.random(n) < q1, rng.random(n) > q0)
    return np.column_stack((bad, said))


def test_both_corrections_hold_what_they_promise() -> None:
    """The true share lies in the interval as often as it says, and the raw one is far off."""
    rng = np.random.default_rng(20_261_206)
    truth, runs = 0.08, 400
    held = {"rogan_gladen": 0, "prediction_powered": 0, "raw": 0}
    for _ in range(runs):
        many, few = drawn(rng, truth, 0.85, 0.9, 2_000), drawn(rng, truth, 0.85, 0.9, 400)
        grades = [[BAD if one else GOOD for one in column] for column in few.T]
        found = confusion(grades[0], grades[1])
        one = rogan_gladen(int(many[:, 1].sum()), len(many), found)
        two = prediction_powered(
            [float(said) for said in many[:, 1]], [(float(a), float(b)) for a, b in few]
        )
        held["rogan_gladen"] += one.low <= truth <= one.high
        held["prediction_powered"] += two.low <= truth <= two.high
        held["raw"] += abs(one.raw - truth) < 0.02
    assert held["rogan_gladen"] / runs >= 0.92
    assert held["prediction_powered"] / runs >= 0.92
    assert held["raw"] / runs < 0.05


def test_too_few_labels() -> None:
    """Of one alone there is no spread."""
    with pytest.raises(NotReady, match="too few"):
        prediction_powered([0.0, 1.0], [(1.0, 1.0)])


def test_a_sample_by_risk_counts_each_for_those_it_stands_for() -> None:
    """And undecided ones bound the share from both sides."""
    sample = [(BAD, 1.0), (GOOD, 0.1), (GOOD, 0.1), (UNDECIDED, 0.5), (BAD, 0.5)]
    found = weighted(sample)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((3 / 25, 5 / 25))
    assert weighted([]) is None
