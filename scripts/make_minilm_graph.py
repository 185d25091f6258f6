"""Write the structure of all-MiniLM-L6-v2 as two ONNX files, without its weights.

    .venv/bin/python scripts/make_minilm_graph.py [FOLDER]

``minilm-int8.onnx`` is what embeds: its arrays are those of `minilm_recipe.TENSORS`.
``minilm-float32.onnx`` is what it is compared with: plain operators, and the arrays under the
names and in the shapes of the published ``model.safetensors``.

Both take ``ids``, the tokens of one window, ``int64 [1, tokens]``, and give ``mean``, the mean of
the last layer over the tokens, ``float32 [1, 384]``. One window at a time: nothing is padded, so
nothing is masked, and what is computed for a text does not depend on what comes with it.
"""
# ruff: noqa: INP001

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from answerable.adapters.embedders import minilm_recipe as recipe

FOLDER = Path(recipe.__file__).parent
INT8 = "minilm-int8.onnx"
FLOAT32 = "minilm-float32.onnx"

_MICROSOFT = "com.microsoft"
_OPSETS = (helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1))
_IR_VERSION = 10
_TYPES = {"f4": TensorProto.FLOAT, "i1": TensorProto.INT8}
_HEAD = recipe.HIDDEN // recipe.HEADS
# Below any row's largest number that is worth a scale of its own.
_LEAST = 0.2


class Graph:
    """Nodes and arrays as they are added; a node's output is named by its number."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._arrays: dict[str, TensorProto] = {}

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return its name."""
        return self.nodes(operator, inputs, 1, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, inputs: Sequence[str], outputs: int, *, domain: str = "", **more: Any
    ) -> list[str]:
        """Add a node with some outputs and return their names."""
        number = len(self._nodes)
        names = [f"{operator}.{number}.{output}" for output in range(outputs)]
        name = f"{operator}.{number}"
        self._nodes.append(
            helper.make_node(operator, inputs, names, name=name, domain=domain, **more)
        )
        return names

    def constant(self, value: Sequence[int] | float) -> str:
        """Add a small array that is part of the structure, and return its name."""
        array = np.asarray(value, np.float32 if isinstance(value, float) else np.int64)
        name = f"constant.{array.tolist()}"
        self._arrays[name] = numpy_helper.from_array(array, name)
        return name

    def external(self, name: str, data_type: int, shape: Iterable[int], place: range) -> str:
        """Add an array that is given when the graph is loaded, and return its name."""
        tensor = TensorProto(name=name, data_type=data_type, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        told = {"location": "weights", "offset": place.start, "length": len(place)}
        for key, value in told.items():
            tensor.external_data.add(key=key, value=str(value))
        self._arrays[name] = tensor
        return name

    def published(self, name: str, *shape: int) -> str:
        """Add an array of the published file, float32."""
        size = 4 * int(np.prod(shape))
        return self.external(name, TensorProto.FLOAT, shape, range(size))

    def finished(self, mean: str) -> bytes:
        """Return the model, serialised."""
        self._nodes.append(helper.make_node("Identity", [mean], ["mean"], name="mean"))
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, recipe.HIDDEN])],
            list(self._arrays.values()),
        )
        model: ModelProto = helper.make_model(
            graph, opset_imports=_OPSETS, ir_version=_IR_VERSION, producer_name="answerable"
        )
        serialised: bytes = model.SerializeToString(deterministic=True)
        return serialised


def int8_graph() -> bytes:
    """Return the graph that embeds.

    Of the operators of onnxruntime the fastest were chosen by measuring: MultiHeadAttention for
    attention, but an addition and LayerNormalization in place of SkipLayerNormalization, which
    took five times as long.
    """
    graph = Graph()
    for tensor in recipe.TENSORS:
        place = range(tensor.offset, tensor.offset + tensor.size)
        graph.external(tensor.name, _TYPES[tensor.type], tensor.shape, place)
    words = graph.node("Cast", graph.node("Gather", "words", "ids"), to=TensorProto.FLOAT)
    words = graph.node("Mul", words, graph.node("Gather", "words.scale", "ids"))
    x = _norm(graph, words, _positions(graph, "positions"), "norm")
    for layer in range(recipe.LAYERS):
        x = _int8_layer(graph, x, str(layer))
    return graph.finished(_mean(graph, x))


def _int8_layer(graph: Graph, x: str, layer: str) -> str:
    qkv = _product(graph, x, f"{layer}.attention.qkv")
    parts = graph.nodes("Split", [qkv], 3, axis=2, num_outputs=3)
    seen = graph.node("MultiHeadAttention", *parts, domain=_MICROSOFT, num_heads=recipe.HEADS)
    told = _product(graph, seen, f"{layer}.attention.output")
    x = _norm(graph, told, x, f"{layer}.attention.norm")
    inner = _product_by_rows(graph, x, graph.node("Abs", x), f"{layer}.inner")
    inner = graph.node("Gelu", inner, domain=_MICROSOFT)
    # What Gelu gives is never far below zero.
    told = _product_by_rows(graph, inner, inner, f"{layer}.output")
    return _norm(graph, told, x, f"{layer}.norm")


def _product(graph: Graph, x: str, name: str) -> str:
    """Add a product in eight bits; its input gets one scale for all tokens."""
    given = (x, f"{name}.weight", f"{name}.scale", "", f"{name}.bias")
    return graph.node("DynamicQuantizeMatMul", *given, domain=_MICROSOFT)


def _product_by_rows(graph: Graph, x: str, sizes: str, name: str) -> str:
    """Add a product in eight bits whose input gets a scale for each token.

    A few tokens have numbers ten times as large as all others. With one scale for all, the others
    would keep few bits. Around both products of the inner layer that was most of what eight bits
    cost; around those of attention it was nothing.
    """
    largest = graph.node("ReduceMax", sizes, graph.constant([-1]))
    largest = graph.node("Max", largest, graph.constant(_LEAST))
    given = (graph.node("Div", x, largest), f"{name}.weight", f"{name}.scale")
    y = graph.node("DynamicQuantizeMatMul", *given, domain=_MICROSOFT)
    return graph.node("Add", graph.node("Mul", y, largest), f"{name}.bias")


def float32_graph() -> bytes:
    """Return the graph that is compared with: what the paper says, operator by operator.

    Source: Devlin et al., "BERT", 2018; Vaswani et al., "Attention is all you need", 2017.
    """
    graph = Graph()
    table, hidden = "embeddings.word_embeddings.weight", recipe.HIDDEN
    words = graph.node("Gather", graph.published(table, recipe.WORDS, hidden), "ids")
    at = graph.published("embeddings.position_embeddings.weight", recipe.POSITIONS, hidden)
    types = graph.published("embeddings.token_type_embeddings.weight", 2, hidden)
    words = graph.node("Add", words, graph.node("Gather", types, graph.constant([0])))
    x = _published_norm(graph, words, _positions(graph, at), "embeddings.LayerNorm")
    for layer in range(recipe.LAYERS):
        x = _float32_layer(graph, x, f"encoder.layer.{layer}")
    return graph.finished(_mean(graph, x))


def _float32_layer(graph: Graph, x: str, layer: str) -> str:
    seen = _attention(graph, x, f"{layer}.attention.self")
    told = _linear(graph, seen, f"{layer}.attention.output.dense", recipe.HIDDEN, recipe.HIDDEN)
    x = _published_norm(graph, told, x, f"{layer}.attention.output.LayerNorm")
    inner = _linear(graph, x, f"{layer}.intermediate.dense", recipe.HIDDEN, recipe.INNER)
    inner = graph.node("Gelu", inner)
    told = _linear(graph, inner, f"{layer}.output.dense", recipe.INNER, recipe.HIDDEN)
    return _published_norm(graph, told, x, f"{layer}.output.LayerNorm")


def _attention(graph: Graph, x: str, name: str) -> str:
    def heads(part: str, order: list[int]) -> str:
        y = _linear(graph, x, f"{name}.{part}", recipe.HIDDEN, recipe.HIDDEN)
        y = graph.node("Reshape", y, graph.constant([0, 0, recipe.HEADS, _HEAD]))
        return graph.node("Transpose", y, perm=order)

    near = graph.node("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
    near = graph.node("Div", near, graph.constant(_HEAD**0.5))
    seen = graph.node("MatMul", graph.node("Softmax", near, axis=-1), heads("value", [0, 2, 1, 3]))
    seen = graph.node("Transpose", seen, perm=[0, 2, 1, 3])
    return graph.node("Reshape", seen, graph.constant([0, 0, recipe.HIDDEN]))


def _linear(graph: Graph, x: str, name: str, inputs: int, outputs: int) -> str:
    weight = graph.published(f"{name}.weight", outputs, inputs)
    y = graph.node("MatMul", x, graph.node("Transpose", weight, perm=[1, 0]))
    return graph.node("Add", y, graph.published(f"{name}.bias", outputs))


def _published_norm(graph: Graph, x: str, y: str, name: str) -> str:
    for part in ("weight", "bias"):
        graph.published(f"{name}.{part}", recipe.HIDDEN)
    return _norm(graph, x, y, name)


def _norm(graph: Graph, x: str, y: str, name: str) -> str:
    given = (graph.node("Add", x, y), f"{name}.weight", f"{name}.bias")
    return graph.node("LayerNormalization", *given, axis=-1, epsilon=recipe.EPSILON)


def _positions(graph: Graph, table: str) -> str:
    zero = graph.constant([0])
    tokens = graph.node("Shape", "ids", start=1, end=2)
    return graph.node("Unsqueeze", graph.node("Slice", table, zero, tokens, zero), zero)


def _mean(graph: Graph, x: str) -> str:
    return graph.node("ReduceMean", x, graph.constant([1]), keepdims=0)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    (target / INT8).write_bytes(int8_graph())
    (target / FLOAT32).write_bytes(float32_graph())
