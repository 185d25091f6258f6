"""Pairs: published intervals, exact tests, and a gate that errs as seldom as it says."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from statsmodels.stats.contingency_tables import mcnemar  # type: ignore[import-untyped]
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]
from statsmodels.stats.proportion import (  # type: ignore[import-untyped]
    confint_proportions_2indep,
)

from answerable.quality.grades import Grade
from answerable.quality.paired import (
    Decision,
    Pairs,
    Table,
    better_p,
    changed_p,
    compare,
    holm,
    margin_min,
    needed,
    newcombe,
    newcombe_bounds,
    non_inferior,
    pairs,
    worse_p,
)

GOOD, BAD, UNDECIDED = Grade.GOOD, Grade.BAD, Grade.UNDECIDED
GRADES = st.lists(
    st.tuples(st.sampled_from(Grade), st.sampled_from(Grade)), min_size=1, max_size=60
)
TABLES = st.builds(
    Table,
    both_good=st.integers(0, 400),
    gained=st.integers(0, 40),
    lost=st.integers(0, 40),
    both_bad=st.integers(0, 100),
).filter(lambda table: table.n > 0)


def table_of(a: int, b: int, c: int, e: int) -> Table:
    """Return a table in the order of the literature."""
    return Table(both_good=a, gained=b, lost=c, both_bad=e)


def sure(table: Table) -> Pairs:
    """Return pairs without anything undecided."""
    return Pairs(decided=table, undecided=0, worst=table, best=table)


def swapped(table: Table) -> Table:
    """Return the table of the same releases the other way round."""
    return dataclasses.replace(table, gained=table.lost, lost=table.gained)


def test_undecided_ones_are_kept_apart() -> None:
    """They are in no cell of what was decided, and in the worst cell when it matters."""
    found = pairs(
        [GOOD, GOOD, BAD, BAD, GOOD, BAD, UNDECIDED, UNDECIDED],
        [GOOD, BAD, GOOD, BAD, UNDECIDED, UNDECIDED, GOOD, UNDECIDED],
    )
    assert found.decided == table_of(1, 1, 1, 1)
    assert found.undecided == 4
    assert found.worst == table_of(2, 1, 3, 2)
    assert found.best == table_of(2, 4, 1, 1)


def test_releases_answer_the_same_questions() -> None:
    """Lists of different lengths are no pairs."""
    with pytest.raises(ValueError, match="longer"):
        pairs([GOOD], [GOOD, BAD])


@given(TABLES)
def test_mcnemar_is_that_of_the_reference_tools(table: Table) -> None:
    """Two-sided as statsmodels says, one-sided as SciPy; below six discordant ones, nothing."""
    if table.discordant < 6:
        assert changed_p(table) is worse_p(table) is better_p(table) is None
        return
    cells = [[table.both_good, table.lost], [table.gained, table.both_bad]]
    assert changed_p(table) == pytest.approx(mcnemar(cells, exact=True).pvalue)
    test = stats.binomtest(table.lost, table.discordant, 0.5, alternative="greater")
    assert worse_p(table) == pytest.approx(test.pvalue)
    assert better_p(table) == worse_p(swapped(table))


@pytest.mark.parametrize(("discordant", "p"), [(6, 0.031), (7, 0.016)])
def test_six_discordant_ones_are_the_fewest(discordant: int, p: float) -> None:
    """All in one direction: p as in the tables; five could not be significant."""
    assert changed_p(table_of(90, 0, discordant, 3)) == pytest.approx(p, abs=5e-4)
    assert changed_p(table_of(90, 0, 5, 3)) is None


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Fagerland, Lydersen, Laake, "Statistical Analysis of Contingency Tables", 2017,
        # chapter 8: airway hyper-responsiveness before and after transplantation.
        (table_of(1, 7, 1, 12), 0.026, 0.507),
        # Newcombe 1998, table III.
        (table_of(36, 12, 2, 0), 0.0569, 0.3404),
    ],
)
def test_newcombe_is_as_published(table: Table, low: float, high: float) -> None:
    """Two worked examples of the literature."""
    assert newcombe(table) == pytest.approx((low, high), abs=5e-4)


@given(TABLES)
def test_newcombe_without_correlation_is_that_of_apart(table: Table) -> None:
    """Where the correlation is 0, statsmodels' interval of independent shares."""
    n = 2 * table.n
    even = table_of(n, n, n, n)
    theirs = confint_proportions_2indep(2 * n, 4 * n, 2 * n, 4 * n, method="newcomb")
    assert newcombe(even) == pytest.approx(theirs, abs=1e-9)


@given(TABLES, st.sampled_from([0.8, 0.95, 0.99]))
def test_newcombe_is_symmetric(table: Table, level: float) -> None:
    """The other way round, the same interval with the other sign; it holds the difference."""
    there, back = newcombe(table, level=level), newcombe(swapped(table), level=level)
    assert there is not None
    assert back is not None
    assert there == pytest.approx((-back[1], -back[0]), abs=1e-12)
    assert table.difference is not None
    assert -1 <= there[0] <= table.difference <= there[1] <= 1
    narrower = newcombe_bounds(table, level=level)
    assert narrower is not None
    assert there[0] <= narrower[0] <= narrower[1] <= there[1]


@pytest.mark.parametrize(
    ("discordance", "sizes"),
    [(0.05, (773, 344, 124, 31)), (0.10, (1546, 687, 248, 62)), (0.20, (3092, 1374, 495, 124))],
)
def test_sizes_are_those_of_the_table(discordance: float, sizes: tuple[int, ...]) -> None:
    """For margins of 2, 3, 5 and 10 points."""
    margins = (0.02, 0.03, 0.05, 0.10)
    assert tuple(needed(discordance, margin) for margin in margins) == sizes


def test_a_hundred_questions_defend_eight_points() -> None:
    """The smallest margin is 2.487 * sqrt(discordance / n); with none discordant, unknown."""
    assert margin_min(table_of(85, 5, 5, 5)) == pytest.approx(
        2.487 * math.sqrt(0.1 / 100), rel=1e-3
    )
    assert margin_min(table_of(100, 0, 0, 0)) is None


def test_equal_answers_pass() -> None:
    """A thousand equal answers need no discordant one to pass; ten do not suffice."""
    assert non_inferior(sure(table_of(950, 0, 0, 50)), margin=0.02).decision is Decision.PASS
    few = non_inferior(sure(table_of(10, 0, 0, 0)), margin=0.02)
    assert few.decision is Decision.INCONCLUSIVE
    assert few.more is not None
    assert few.more > 100


def test_worse_fails() -> None:
    """Thirty lost of a hundred; and five alone cannot decide, whatever the interval says."""
    verdict = non_inferior(sure(table_of(60, 2, 30, 8)), margin=0.05)
    assert verdict.decision is Decision.FAIL
    assert "30 lost of 100" in verdict.because
    five = non_inferior(sure(table_of(3, 0, 5, 0)), margin=0.05)
    assert five.decision is Decision.INCONCLUSIVE
    assert "cannot decide" in five.because


def test_a_little_worse_within_the_margin_passes_and_says_so() -> None:
    """Significantly worse by one point, where three may be lost."""
    verdict = non_inferior(sure(table_of(4_900, 10, 60, 30)), margin=0.03)
    assert verdict.decision is Decision.PASS
    assert "worse, but within the margin" in verdict.because


def test_inconclusive_says_how_many_more() -> None:
    """With so many more of the same kind it passes."""
    table = table_of(44, 3, 2, 1)
    verdict = non_inferior(sure(table), margin=0.05)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert verdict.more == needed(0.1, 0.05) - 50 == 198
    assert "198 further questions" in verdict.because
    times = 5
    larger = table_of(44 * times, 3 * times, 2 * times, times)
    assert non_inferior(sure(larger), margin=0.05).decision is Decision.PASS


def test_nothing_asked_is_inconclusive() -> None:
    """No questions, no verdict and no number."""
    verdict = non_inferior(pairs([], []), margin=0.05)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert verdict.low is verdict.high is verdict.more is None
    only = non_inferior(pairs([GOOD], [UNDECIDED]), margin=0.05)
    assert only.decision is Decision.INCONCLUSIVE


def test_a_judge_that_stops_judging_cannot_pass_or_fail() -> None:
    """What would pass without a tenth of the answers does not, and does not fail either."""
    before = [GOOD] * 950 + [BAD] * 50
    verdict = non_inferior(pairs(before, [UNDECIDED] * 100 + before[100:]), margin=0.05)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "decide the undecided ones first" in verdict.because


@given(GRADES, st.sampled_from([0.01, 0.05, 0.2]))
def test_undecided_answers_never_help(both: list[tuple[Grade, Grade]], margin: float) -> None:
    """PASS and FAIL hold for whatever the undecided would have been; never both."""
    before, after = zip(*both, strict=True)
    verdict = non_inferior(pairs(before, after), margin=margin)
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low <= verdict.high
    for one, two in ((GOOD, BAD), (BAD, GOOD), (GOOD, GOOD), (BAD, BAD)):
        known = non_inferior(
            pairs(
                [one if grade is UNDECIDED else grade for grade in before],
                [two if grade is UNDECIDED else grade for grade in after],
            ),
            margin=margin,
        )
        if verdict.decision is Decision.PASS:
            assert known.decision is Decision.PASS
        if verdict.decision is Decision.FAIL:
            assert known.decision is not Decision.PASS


def drawn(rng: np.random.Generator, n: int, gained: float, lost: float, runs: int) -> list[Table]:
    """Return tables of `runs` suites of `n` questions."""
    cells = rng.multinomial(n, [0.8, gained, lost, 0.2 - gained - lost], size=runs)
    return [table_of(*map(int, row)) for row in cells]


@pytest.mark.parametrize(("n", "gained", "lost"), [(500, 0.05, 0.10), (1000, 0.025, 0.075)])
def test_at_the_margin_one_in_twenty_passes(n: int, gained: float, lost: float) -> None:
    """Five points worse, five may be lost: 3.6 to 6 % of 4,000 suites pass."""
    tables = drawn(np.random.default_rng(17), n, gained, lost, 4_000)
    verdicts = [non_inferior(sure(table), margin=0.05).decision for table in tables]
    assert 0.036 <= verdicts.count(Decision.PASS) / 4_000 <= 0.060


def test_the_promised_size_has_the_promised_power() -> None:
    """248 questions, a tenth discordant, five points: .77 pass when nothing got worse."""
    tables = drawn(np.random.default_rng(19), 248, 0.05, 0.05, 3_000)
    verdicts = [non_inferior(sure(table), margin=0.05).decision for table in tables]
    assert verdicts.count(Decision.PASS) / 3_000 == pytest.approx(0.77, abs=0.03)
    assert verdicts.count(Decision.FAIL) / 3_000 < 0.07


def test_comparing_is_the_bootstrap_of_scipy() -> None:
    """The mean difference, d_z, and the BCa interval of the differences."""
    rng = np.random.default_rng(23)
    before = rng.beta(5, 2, size=80)
    after = np.clip(before + rng.normal(0.03, 0.1, size=80), 0, 1)
    ours = compare(before.tolist(), after.tolist(), rng=np.random.default_rng(1))
    theirs = stats.bootstrap(
        (after - before,), np.mean, n_resamples=10_000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours is not None
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)
    t = stats.ttest_rel(after, before).statistic
    assert ours.effect == pytest.approx(t / math.sqrt(80))
    assert (ours.n, ours.clusters) == (80, 80)


def test_comparing_draws_clusters() -> None:
    """Questions of one document that change together count once."""
    before, after = [0.0] * 100, [float(number // 10 % 2) for number in range(100)]
    rng = np.random.default_rng(1)
    apart = compare(before, after, rng=rng)
    together = compare(before, after, clusters=[number // 10 for number in range(100)], rng=rng)
    assert apart is not None
    assert together is not None
    assert together.clusters == 10
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_comparing_what_is_equal() -> None:
    """No difference has no width and no effect; one question is no comparison."""
    found = compare([0.2, 0.7], [0.2, 0.7], rng=np.random.default_rng(1))
    assert found is not None
    assert (found.difference, found.low, found.high, found.effect) == (0.0, 0.0, 0.0, None)
    assert compare([0.2], [0.3], rng=np.random.default_rng(1)) is None


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    """The same adjusted values, under the same names."""
    named = {str(place): p for place, p in enumerate(p_values)}
    assert list(holm(named)) == list(named)
    theirs = multipletests(p_values, method="holm")[1]
    assert list(holm(named).values()) == pytest.approx(list(theirs))
