"""The search for a culprit among releases that are not always right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.releases.bisecting import (
    SURE,
    Rates,
    begun,
    learned,
    next_place,
    rates,
)


def searched(
    culprit: int, real: Rates, believed: Rates, rng: np.random.Generator, *, batch: int = 3
) -> tuple[int, int]:
    """Return who was found among sixteen, and after how many answers."""
    search, answers = begun(believed, [1.0] * 16), 0
    while not search.is_over:
        place = next_place(search)
        rate = real.after if place >= culprit else real.before
        search = learned(search, place, bad=int(rng.binomial(batch, rate)), of=batch)
        answers += batch
    return search.likeliest, answers


@pytest.mark.parametrize(
    ("real", "answers"),
    [
        (Rates(before=0.05, after=0.4), 48),
        (Rates(before=0.05, after=0.2), 120),
        (Rates(before=0.1, after=0.2), 296),
    ],
)
def test_the_numbers_of_the_reference(real: Rates, answers: int) -> None:
    """95 % right, in no more answers than published and a fifth."""
    rng = np.random.default_rng(20_261_205)
    runs = [
        (culprit, *searched(culprit, real, real, rng))
        for culprit in (int(one) for one in rng.integers(0, 16, 300))
    ]
    assert sum(found == culprit for culprit, found, _ in runs) / len(runs) >= 0.95
    assert float(np.median([taken for _, _, taken in runs])) <= 1.2 * answers


def test_an_answer_that_is_always_the_same_is_found_by_halves() -> None:
    """Four looks and no more, where the ends are as different as can be."""
    found = rates((0, 1), (1, 1))
    assert found is not None
    sharp = Rates(before=0.005, after=0.995)
    for culprit in range(16):
        search, looks = begun(sharp, [1.0] * 16), 0
        while not search.is_over:
            place = next_place(search)
            search = learned(search, place, bad=int(place >= culprit), of=1)
            looks += 1
        assert search.likeliest == culprit
        assert looks <= 5


def test_a_large_change_is_suspected_first() -> None:
    """What is known before counts."""
    search = begun(Rates(before=0.05, after=0.5), [1, 1, 1, 50, 1])
    assert next_place(search) in {2, 3}
    assert search.likeliest == 3


def test_ends_that_do_not_differ() -> None:
    """There is no culprit to find, and nothing asked is no rate."""
    assert rates((3, 20), (3, 20)) is None
    assert rates((4, 20), (3, 20)) is None
    assert rates((0, 0), (3, 20)) is None
    ends = rates((0, 20), (20, 20))
    assert ends is not None
    assert (ends.before, ends.after) == pytest.approx((0.5 / 21, 20.5 / 21))


@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 5), st.integers(5, 9)), max_size=20),
)
def test_probabilities_stay_what_they_are(
    weights: list[float], looks: list[tuple[int, int, int]]
) -> None:
    """They add up to one whatever is seen, and the order in which it is seen does not count."""
    there = [(place, bad, of) for place, bad, of in looks if place < len(weights)]
    search = backwards = begun(Rates(before=0.1, after=0.6), weights)
    for place, bad, of in there:
        search = learned(search, place, bad=bad, of=of)
    for place, bad, of in reversed(there):
        backwards = learned(backwards, place, bad=bad, of=of)
    assert sum(search.posterior) == pytest.approx(1)
    assert search.posterior == pytest.approx(backwards.posterior, abs=1e-9)
    assert 0 <= next_place(search) < len(weights)
    assert search.is_over == (max(search.posterior) >= SURE - 1e-12)


def test_nobody_to_suspect() -> None:
    """It is a mistake to search."""
    with pytest.raises(ValueError, match="candidates"):
        begun(Rates(before=0.1, after=0.2), [])
