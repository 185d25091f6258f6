"""A cross-encoder of a few numbers, in the files that published ones have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = ("the", "ingester", "listens", "on", "port", "querier", "burns", "it", "uses", "and")
_SPECIAL = ("[UNK]", "[CLS]", "[SEP]")
_NEEDED = 1.5


def write_encoder(
    folder: Path,
    *,
    labels: Sequence[str] = ("contradiction", "entailment"),
    flipped: bool = False,
    weight: float = 4.0,
) -> Path:
    """Write the files of a model that counts which known words text and claim share.

    Args:
        folder: Where to.
        labels: One makes a model of a single number.
        flipped: Whether the first number is the one that grows.
        weight: How much each shared word counts.
    """
    (folder / "tokenizer.json").write_text(_tokenizer().to_str())
    (folder / "config.json").write_text(json.dumps({"id2label": dict(enumerate(labels))}))
    signs = [weight] if len(labels) == 1 else [-weight, weight]
    (folder / "model.onnx").write_bytes(_graph(signs[::-1] if flipped else signs))
    return folder


def _tokenizer() -> Tokenizer:
    vocabulary = {word: number for number, word in enumerate((*_SPECIAL, *WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=_SPECIAL[0]))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    return made


def _graph(signs: Sequence[float]) -> bytes:
    """Return a graph that gives ``signs * (shared words - 1.5)``."""
    size = len(_SPECIAL) + len(WORDS)
    known = np.eye(size, dtype=np.float32)
    known[: len(_SPECIAL)] = 0
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "known": known,
        "one": np.array(1, np.float32),
        "needed": np.array(_NEEDED, np.float32),
        "signs": np.array([signs], np.float32),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["known", "input_ids"], ["hot"]),  # [1, tokens, words]
        helper.make_node("Cast", ["token_type_ids"], ["type"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["type", "last"], ["of_claim"]),
        helper.make_node("Sub", ["one", "of_claim"], ["of_text"]),
        helper.make_node("Mul", ["hot", "of_claim"], ["claim"]),
        helper.make_node("Mul", ["hot", "of_text"], ["text"]),
        helper.make_node("ReduceMax", ["claim", "axis"], ["in_claim"], keepdims=0),
        helper.make_node("ReduceMax", ["text", "axis"], ["in_text"], keepdims=0),
        helper.make_node("Mul", ["in_claim", "in_text"], ["both"]),
        helper.make_node("ReduceSum", ["both", "axis"], ["shared"], keepdims=1),
        helper.make_node("Sub", ["shared", "needed"], ["enough"]),
        helper.make_node("Mul", ["enough", "signs"], ["logits"]),
    ]
    arrays["last"] = np.array([2], np.int64)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(signs)])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    serialised: bytes = model.SerializeToString()
    return serialised
