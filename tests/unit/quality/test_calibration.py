"""Learn-Then-Test: exact tails, a sequence nobody's labels choose, and a promise that is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.quality.calibration import (
    SHARE_MIN,
    Certified,
    Insufficient,
    Promise,
    Scored,
    learn_then_test,
    measure,
    more_at_observed,
    more_right,
    needed,
    sequence,
    tail,
    upper_bound,
)

TENTHS = Promise(alpha=0.1, delta=0.1)

shares = st.floats(0.01, 0.5)
promises = st.builds(lambda a, d: Promise(alpha=a, delta=d), shares, shares)
scored = st.lists(
    st.builds(
        lambda sure, wrong, answerable: Scored(
            confidence=sure, is_wrong=wrong or not answerable, is_answerable=answerable
        ),
        st.none() | st.floats(0, 1),
        st.booleans(),
        st.booleans(),
    ),
    max_size=80,
)


def answers(right: int, wrong: int, confidence: float = 0.9) -> list[Scored]:
    """Return so many answerable questions, all of the same confidence."""
    return [
        Scored(confidence=confidence, is_wrong=number >= right, is_answerable=True)
        for number in range(right + wrong)
    ]


@pytest.mark.parametrize(
    ("alpha", "delta", "least"),
    [
        (0.10, 0.10, (22, 38, 52, 91, 152)),
        (0.05, 0.10, (45, 77, 105, 184, 306)),
        (0.05, 0.05, (59, 93, 124, 208, 336)),
        (0.02, 0.10, (114, 194, 265, 462, 768)),
        (0.01, 0.05, (299, 473, 628, 1049, 1693)),
    ],
)
def test_so_many_answers_are_needed(alpha: float, delta: float, least: tuple[int, ...]) -> None:
    """With 0, 1, 2, 5 and 10 wrong ones: the table of the literature, exactly."""
    promise = Promise(alpha=alpha, delta=delta)
    assert tuple(needed(k, promise) for k in (0, 1, 2, 5, 10)) == least


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 200), k=st.integers(0, 200), hundredths=st.integers(1, 99))
def test_the_tail_is_exact(n: int, k: int, hundredths: int) -> None:
    """It equals the sum in whole fractions to the last digits."""
    p = Fraction(hundredths, 100)
    exact = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(min(k, n) + 1))
    assert tail(k, n, hundredths / 100) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(0, 150), k=st.integers(0, 150), promise=promises)
def test_bound_and_test_say_the_same(n: int, k: int, promise: Promise) -> None:
    """The Clopper-Pearson bound is at most alpha exactly where the test rejects."""
    bound = upper_bound(k, n, promise.delta)
    if abs(bound - promise.alpha) > 1e-9:
        assert (bound < promise.alpha) == (tail(k, n, promise.alpha) <= promise.delta)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 500), delta=shares)
def test_the_bound_of_none_wrong_is_known(n: int, delta: float) -> None:
    """Without a wrong answer it is 1 - delta ** (1 / n)."""
    assert upper_bound(0, n, delta) == pytest.approx(1 - delta ** (1 / n))


@settings(deadline=None, max_examples=60)
@given(k=st.integers(0, 30), promise=promises, from_n=st.integers(1, 300))
def test_needed_is_the_least(k: int, promise: Promise, from_n: int) -> None:
    """One answer fewer would not do, unless so many were asked for."""
    n = needed(k, promise, from_n=from_n)
    assert tail(k, n, promise.alpha) <= promise.delta
    assert n == max(from_n, k + 1) or tail(k, n - 1, promise.alpha) > promise.delta


@settings(deadline=None, max_examples=60)
@given(given=scored, promise=promises)
def test_no_label_has_a_say_in_what_is_tested(given: list[Scored], promise: Promise) -> None:
    """Which thresholds are tested depends on confidences alone; else the tests would not hold."""
    turned = [replace(one, is_wrong=not one.is_wrong, is_answerable=True) for one in given]
    assert list(sequence(given, promise)) == list(sequence(turned, promise))


@settings(deadline=None, max_examples=60)
@given(given=scored, promise=promises)
def test_thresholds_are_tested_from_strict_to_loose(given: list[Scored], promise: Promise) -> None:
    """Each answers more than the one before, and enough to be certified with none wrong."""
    tested = [measure(given, threshold, promise.delta).n for threshold in sequence(given, promise)]
    assert tested == sorted(set(tested))
    assert all(n >= max(needed(0, promise), SHARE_MIN * len(given)) for n in tested)


@settings(deadline=None, max_examples=60)
@given(given=scored, promise=promises)
def test_what_is_certified_passes_its_test(given: list[Scored], promise: Promise) -> None:
    """The bound is kept, and what is reported is what happens at that threshold."""
    outcome = learn_then_test(given, promise)
    if isinstance(outcome, Certified):
        assert outcome.measured.bound <= promise.alpha + 1e-9
        assert outcome.measured == measure(given, outcome.measured.threshold, promise.delta)


@settings(deadline=None, max_examples=60)
@given(given=scored, promise=promises)
def test_what_is_lacking_would_do(given: list[Scored], promise: Promise) -> None:
    """So many more answers, as good as those so far, would be certified; or all of them right."""
    outcome = learn_then_test(given, promise)
    if isinstance(outcome, Certified) or outcome.measured is None:
        return
    found = outcome.measured
    assert outcome.more > 0
    n = found.n + outcome.more
    wrong = math.ceil(found.k * n / found.n) if outcome.at_observed else found.k
    assert tail(wrong, n, promise.alpha) <= promise.delta
    if not outcome.at_observed:
        assert found.k >= promise.alpha * found.n or more_at_observed(found, promise) is None


def test_too_few_answers_say_how_many_more() -> None:
    """Ten right answers need twelve more like them; so says the table."""
    outcome = learn_then_test(answers(10, 0), TENTHS)
    assert isinstance(outcome, Insufficient)
    assert (outcome.more, outcome.at_observed) == (12, True)


def test_an_error_above_alpha_is_never_talked_small() -> None:
    """Where no number of questions like these would do, that is said, and what right ones would."""
    outcome = learn_then_test(answers(40, 10), TENTHS)
    assert isinstance(outcome, Insufficient)
    assert not outcome.at_observed
    assert outcome.measured is not None
    assert outcome.more == more_right(outcome.measured, TENTHS) == 152 - 50


def test_without_answers_there_is_nothing_to_measure() -> None:
    """A set nobody could answer lacks as many answers as a certificate takes."""
    silent = [Scored(confidence=None, is_wrong=False, is_answerable=True)] * 30
    outcome = learn_then_test(silent, TENTHS)
    assert outcome == Insufficient(more=22, at_observed=False, measured=None)


def test_the_loosest_threshold_that_passes_is_chosen() -> None:
    """Right answers of high confidence are certified without the wrong ones below."""
    outcome = learn_then_test(answers(60, 0, 0.9) + answers(0, 60, 0.2), TENTHS)
    assert isinstance(outcome, Certified)
    assert (outcome.measured.n, outcome.measured.k) == (60, 0)
    assert 0.2 < outcome.measured.threshold <= 0.9
    assert outcome.measured.coverage == 0.5


def test_the_first_failure_ends_the_sequence() -> None:
    """What comes after a threshold that failed is not tested, however good it looks."""
    given = answers(0, 22, 0.95) + answers(400, 0, 0.5)
    assert tail(22, 422, 0.1) <= 0.1
    found = learn_then_test(given, TENTHS)
    assert isinstance(found, Certified), "the first 22 are below the least share: not tested"
    few = answers(15, 7, 0.95) + answers(80, 0, 0.5)
    assert tail(7, 102, 0.1) > 0.1
    more = answers(19, 3, 0.95) + answers(78, 0, 0.5)
    assert tail(3, 100, 0.1) <= 0.1
    assert isinstance(learn_then_test(few, TENTHS), Insufficient)
    assert isinstance(learn_then_test(more, TENTHS), Insufficient)


def test_ties_are_answered_together() -> None:
    """A threshold lets all questions of one confidence pass, so all of them are counted."""
    outcome = learn_then_test(answers(100, 3), TENTHS)
    assert isinstance(outcome, Certified)
    assert outcome.measured.n == 103


def right_with(confidence: float) -> float:
    """Return how likely an answer of this confidence is right: surer is never worse."""
    return 0.55 + 0.43 * confidence


def barely(confidence: float) -> float:
    """Return the same where every threshold above 0.5 risks just what is not allowed."""
    return 0.899 if confidence >= 0.5 else 0.4


def upside_down(confidence: float) -> float:
    """Return the same where confidence misleads, which the theory does not allow for."""
    return 0.95 - 0.15 * confidence


@pytest.mark.parametrize("right", [right_with, barely, upside_down])
@pytest.mark.parametrize("questions", [120, 240])
def test_the_promise_is_kept(right: Callable[[float], float], questions: int) -> None:
    """Of 500 calibrations no more than delta, and two standard errors, promise too much."""
    rng = np.random.default_rng(20261128)
    grid = np.linspace(0, 1, 20_001)
    wrong = 1 - np.vectorize(right)(grid)
    # Risk of all that is at least so sure, confidence being uniform.
    risk = np.cumsum(wrong[::-1])[::-1] / np.arange(len(grid), 0, -1)
    broken = 0
    for _ in range(_ROUNDS):
        confidences = rng.random(questions)
        misses = rng.random(questions) > np.vectorize(right)(confidences)
        outcome = learn_then_test(
            [
                Scored(confidence=float(sure), is_wrong=bool(missed), is_answerable=True)
                for sure, missed in zip(confidences, misses, strict=True)
            ],
            TENTHS,
        )
        if isinstance(outcome, Certified):
            place = int(outcome.measured.threshold * (len(grid) - 1))
            broken += bool(risk[place] > TENTHS.alpha)
    assert broken / _ROUNDS <= _TOLERATED


def test_the_promise_is_kept_on_a_real_run() -> None:
    """The same, drawing questions from a run over the shipped set, with what came of each."""
    rows = json.loads((Path(__file__).parent / "calibration_run.json").read_text())
    population = [
        Scored(confidence=sure, is_wrong=wrong, is_answerable=answerable)
        for sure, wrong, answerable in rows
    ]
    # At 0.1 the answers of that run certify nothing, and then nothing is tested.
    promise = Promise(alpha=0.3, delta=0.1)
    rng = np.random.default_rng(20261128)
    broken = certified = 0
    for _ in range(_ROUNDS):
        drawn = [population[place] for place in rng.integers(len(population), size=len(rows))]
        outcome = learn_then_test(drawn, promise)
        if isinstance(outcome, Certified):
            certified += 1
            true = measure(population, outcome.measured.threshold, promise.delta)
            broken += (true.risk or 0.0) > promise.alpha
    assert certified > _ROUNDS / 10
    assert broken / _ROUNDS <= _TOLERATED


_ROUNDS = 500
_TOLERATED = TENTHS.delta + 2 * math.sqrt(TENTHS.delta * (1 - TENTHS.delta) / _ROUNDS)
