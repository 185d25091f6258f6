"""Cells: they find what looking at everything finds, as often as they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.adapters.index.shelves import MemoryStore
from answerable.adapters.vectors import clustering
from answerable.adapters.vectors.building import Limits, joined, prepared, to_merge
from answerable.adapters.vectors.clustering import RECALL_MIN, chosen, trained
from answerable.adapters.vectors.kernels import Products, by_numkong, by_numpy
from answerable.adapters.vectors.parts import Part
from answerable.adapters.vectors.searching import Found, VectorSearcher
from answerable.domain.documents import Document
from answerable.library.packing import Plane, hashes, pack
from answerable.library.ports import Hit, Vectored, Vectors

DIMENSION = 24
CHUNKS = 3
ALL = frozenset({"all"})
NOBODY: frozenset[str] = frozenset()
NONE = np.empty((0, DIMENSION), np.float32)

Labels = Callable[[int], Iterable[str]]


def clustered(rows: int, seed: int = 0, groups: int = 40) -> Vectors:
    """Return rows around some middles, of length 1."""
    chance = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(size=(groups, DIMENSION))
    drawn = middles[chance.integers(groups, size=rows)]
    drawn = drawn + 0.4 * chance.normal(size=(rows, DIMENSION))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def documents(rows: Vectors, labels: Labels = lambda _: ("all",), first: int = 0) -> list[Vectored]:
    """Return documents of a few chunks each."""
    return [
        Vectored(
            document=Document(
                id=f"{first + number:016x}",
                source="upload",
                path="a",
                labels=frozenset(labels(number)),
            ),
            content_id=f"{number:032x}",
            packed=[pack(row, NONE) for row in rows[start : start + CHUNKS]],
            terms=[hashes(["alpha", f"word{number}"]) for _ in rows[start : start + CHUNKS]],
        )
        for number, start in enumerate(range(0, len(rows), CHUNKS))
    ]


def parts_of(
    vectored: Iterable[Vectored],
    exact_max: int,
    base: Iterable[Part] = (),
    gone: Iterable[str] = (),
    batch_bytes: int = 1 << 30,
) -> tuple[Part, ...]:
    """Build in memory."""
    limits = Limits(exact_max=exact_max, batch_bytes=batch_bytes)
    kept = joined([*base], (), gone={*gone}, outdated=())
    fresh = prepared(kept, vectored, MemoryStore(), limits)
    return joined(kept, fresh, gone=(), outdated=())


def with_probes(parts: Iterable[Part], probes: int) -> list[Part]:
    """Return the parts, searched with another number of cells."""
    return [replace(part, probes=probes) for part in parts]


def places(found: Found) -> list[tuple[int, int]]:
    """Return who was found."""
    return list(zip(found.documents, found.ordinals, strict=True))


def hits_of(found: Found) -> list[Hit]:
    """Return what was found as hits."""
    return [
        Hit(document_id=f"{document:016x}", content_id="", ordinal=ordinal, score=score)
        for document, ordinal, score in zip(
            found.documents, found.ordinals, found.scores, strict=True
        )
    ]


def recall(tested: VectorSearcher, exact: VectorSearcher, labels: frozenset[str]) -> float:
    """Return which share of the ten nearest is found, over questions like the rows."""
    shares = []
    for question in clustered(60, seed=7):
        want = set(places(exact.nearest(question, labels, NOBODY, 10)))
        found = set(places(tested.nearest(question, labels, NOBODY, 10)))
        shares.append(len(want & found) / len(want))
    return float(np.mean(shares))


@pytest.fixture(scope="module")
def cells() -> Part:
    """Six thousand rows in cells; a third are labelled by what they are near to."""
    rows = clustered(6000)
    side = rows @ clustered(1, seed=3)[0] > 0.2

    def labels(number: int) -> list[str]:
        of = side[number * CHUNKS]
        return ["all", *["topic"] * int(of), *["tenth"] * (number % 10 == 0), f"l{number % 2}"]

    (part,) = parts_of(documents(rows, labels), exact_max=1000)
    return part


def test_cells_find_as_much_as_they_say(cells: Part) -> None:
    """Fewer than all cells are read, and what was measured holds for questions nobody knew."""
    assert 0 < cells.probes < cells.segment.counts.cells
    assert cells.recall is not None
    assert cells.recall >= RECALL_MIN
    few = VectorSearcher([cells], gather_max=0)
    exact = VectorSearcher(with_probes([cells], 0), gather_max=0)
    assert recall(few, exact, ALL) >= RECALL_MIN


@pytest.mark.parametrize("label", ["topic", "tenth", "l1"])
def test_a_scope_costs_no_recall(cells: Part, label: str) -> None:
    """With what a scope leaves, by topic or at random, no less is found; gathered, everything."""
    exact = VectorSearcher(with_probes([cells], 0), gather_max=0)
    assert recall(VectorSearcher([cells], gather_max=0), exact, frozenset({label})) >= RECALL_MIN
    assert recall(VectorSearcher([cells], gather_max=5000), exact, frozenset({label})) == 1.0


def test_a_scope_is_searched_as_widely_as_everything(cells: Part) -> None:
    """Where a tenth of each cell may be read, ten times the cells are looked into."""
    looked_at: list[int] = []

    def counting(query: Plane, rows: Plane) -> Products:
        looked_at.append(len(rows))
        return by_numpy(query, rows)

    tested = VectorSearcher(with_probes([cells], 20), gather_max=0, kernel=counting)
    rows = []
    for label in ("all", "tenth"):
        looked_at.clear()
        tested.nearest(clustered(1)[0], frozenset({label}), NOBODY, 1)
        rows.append(sum(looked_at) - cells.segment.counts.cells)
    assert rows[1] >= 20 * cells.rows // cells.segment.counts.cells
    assert rows[1] < 2 * rows[0]


@pytest.mark.parametrize("labels", [ALL, frozenset({"tenth"}), frozenset({"l0", "topic"})])
def test_reading_all_cells_is_exact(cells: Part, labels: frozenset[str]) -> None:
    """All cells, a gathered scope and a masked scan find the same, with the same scores."""
    hidden = frozenset(f"{number:016x}" for number in range(0, 2000, 7))
    exact = VectorSearcher(with_probes([cells], 0), gather_max=0)
    everything = with_probes([cells], cells.segment.counts.cells)
    for question in clustered(10, seed=8):
        want = exact.nearest(question, labels, hidden, 20)
        assert (
            VectorSearcher(everything, gather_max=0).nearest(question, labels, hidden, 20) == want
        )
        gathered = VectorSearcher([cells], gather_max=10_000)
        assert gathered.nearest(question, labels, hidden, 20) == want
        assert not {f"{one:016x}" for one in want.documents} & hidden


def test_a_limit_beyond_the_probed_cells_is_filled(cells: Part) -> None:
    """More cells are read when more is asked for than the nearest ones hold."""
    one = VectorSearcher(with_probes([cells], 1), gather_max=0)
    assert len(one.nearest(clustered(1)[0], ALL, NOBODY, 2000).scores) == 2000


def test_both_kernels_find_the_same(cells: Part) -> None:
    """What is found does not depend on the machine."""
    left, right = (
        VectorSearcher([cells], gather_max=0, kernel=kernel) for kernel in (by_numpy, by_numkong)
    )
    for question in clustered(20, seed=9):
        assert left.nearest(question, ALL, NOBODY, 50) == right.nearest(question, ALL, NOBODY, 50)


def test_what_is_dead_in_a_cell_is_not_found_and_not_missed(cells: Part) -> None:
    """Documents that are gone leave recall as it was."""
    gone = {f"{number:016x}" for number in range(0, 2000, 5)}
    (part,) = parts_of((), 1000, base=[cells], gone=gone)
    assert part.segment is cells.segment
    tested = VectorSearcher([part], gather_max=0)
    exact = VectorSearcher(with_probes([part], 0), gather_max=0)
    assert recall(tested, exact, ALL) >= RECALL_MIN
    found = tested.nearest(clustered(1)[0], ALL, NOBODY, 6000)
    assert tested.rows == 4800
    assert not {f"{one:016x}" for one in found.documents} & gone


def test_rows_without_any_order_are_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even many cells would miss too much, looking at everything is what is done."""
    monkeypatch.setattr(clustering, "_PROBES_MAX", 0.05)
    chance = np.random.default_rng(5)
    rows = chance.normal(size=(3000, DIMENSION))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    (part,) = parts_of(documents(rows.astype(np.float32)), exact_max=1000)
    assert (part.probes, part.recall) == (0, None)
    assert part.segment.counts.cells > 0
    assert not to_merge([part], Limits(exact_max=1000))
    (nearest, *_) = (
        VectorSearcher([part], gather_max=0)
        .nearest(rows[30].astype(np.float32), ALL, NOBODY, 1)
        .documents
    )
    assert nearest == 10


def test_probes_are_measured_by_other_questions() -> None:
    """The number is chosen by one half of the questions; the other may show it to be too small."""
    easy, hard = np.zeros((8, 10), np.int64), np.full((8, 10), 7, np.int64)
    assert chosen(np.concatenate([easy, easy]), 10) == (2, 1.0), "with as many to spare"
    assert chosen(np.concatenate([easy, hard]), 20) == (16, 1.0)
    assert chosen(np.concatenate([easy, hard + 93]), 200) == (117, 1.0), "or sixteen"
    assert chosen(np.concatenate([hard, easy]), 7) == (0, None)
    misleading = easy.copy()
    misleading[1::2] = 5
    assert chosen(np.concatenate([misleading, easy]), 10) == (8, 1.0), "not all: twice, and twice"
    assert chosen(np.concatenate([misleading, easy]), 7) == (0, None)


def test_every_cell_has_a_middle_of_length_1() -> None:
    """More cells than there are different rows do no harm."""
    sample = np.repeat(clustered(3), 20, axis=0)
    middles = trained(sample, 10, np.random.default_rng(0))
    assert np.linalg.norm(middles, axis=1) == pytest.approx(1, abs=1e-5)


histories = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 50)), max_size=12),
        st.sets(st.integers(0, 30), max_size=4),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(history=histories, exact_max=st.sampled_from([5, 1000]), batch=st.sampled_from([1, 1 << 30]))
def test_any_history_is_as_good_as_a_fresh_build(
    history: list[tuple[list[tuple[int, int]], set[int]]], exact_max: int, batch: int
) -> None:
    """Segments, dead rows and merging change nothing of what is found.

    With every cell read, so that nothing is left to chance.
    """
    rows = clustered(200)
    parts: tuple[Part, ...] = ()
    living: dict[int, Vectored] = {}
    for added, gone in history:
        vectored = [
            replace(one, document=replace(one.document, id=f"{number:016x}"))
            for number, seed in added
            for one in documents(rows[seed * CHUNKS : seed * CHUNKS + 1 + seed % CHUNKS])
        ]
        names = [f"{number:016x}" for number in gone]
        parts = parts_of(vectored, exact_max, parts, names, batch)
        living = {number: one for number, one in living.items() if number not in gone}
        living.update((number, one) for (number, _), one in zip(added, vectored, strict=True))
    fresh = parts_of(living.values(), 1 << 30)
    assert sum(part.rows for part in parts) == sum(len(one.packed) for one in living.values())
    if living:
        left = VectorSearcher([replace(part, probes=0) for part in parts], gather_max=0)
        right = VectorSearcher(fresh, gather_max=0)
        for question in clustered(3, seed=4):
            for limit in (3, 100):
                want = right.nearest(question, ALL, NOBODY, limit)
                assert left.nearest(question, ALL, NOBODY, limit) == want
                hits = hits_of(want)
                near = (one.nearness(question, {}, hits) for one in (left, right))
                for some, same in zip(*near, strict=True):
                    np.testing.assert_array_equal(some, same)
    else:
        assert parts == fresh == ()


def test_small_segments_are_merged() -> None:
    """Nine segments become one; eight stay, and a sealed one is not written again."""
    many = documents(clustered(27 * CHUNKS))
    parts: tuple[Part, ...] = ()
    for number in range(8):
        parts = parts_of(many[number : number + 1], 1000, parts)
    assert len(parts) == 8
    assert len(parts_of(many[8:9], 1000, parts)) == 1


def test_dead_rows_are_cleared_away() -> None:
    """When more than a quarter is dead, what lives is written anew; before that it is not."""
    base = parts_of(documents(clustered(20 * CHUNKS)), 1000)
    few, many = ([f"{number:016x}" for number in range(count)] for count in (5, 6))
    (kept,) = parts_of((), 1000, base, few)
    assert kept.segment is base[0].segment
    (fresh,) = parts_of((), 1000, base, many)
    assert fresh.segment.counts.rows == fresh.rows == 14 * CHUNKS


def test_a_growing_tail_is_divided_too() -> None:
    """What came after the cells is scanned until it is more than an eighth; then all is divided."""
    base = parts_of(documents(clustered(1200)), 1000)
    assert base[0].segment.counts.cells
    small = parts_of(documents(clustered(90, 5), first=5000), 1000, base)
    assert [bool(part.segment.counts.cells) for part in small] == [True, False]
    (large,) = parts_of(documents(clustered(90, 6), first=9000), 1000, small)
    assert large.segment.counts.cells
    assert large.rows == 1380


def test_a_document_without_chunks_has_nothing_to_find() -> None:
    """It is taken and forgotten; what an older content had goes with that."""
    (empty,) = documents(clustered(CHUNKS))
    base = parts_of([empty], 1000)
    gone = {empty.document.id}
    assert parts_of([replace(empty, packed=(), terms=())], 1000, base, gone) == ()
    assert parts_of([replace(empty, packed=(), terms=())], 1000) == ()
