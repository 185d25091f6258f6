"""A cross-encoder from a folder: what it reads, what it gives, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from answerable.adapters.judges.onnx import OnnxPairs
from answerable.domain.errors import BadConfiguration, ModelFailed
from tiny_encoder import write_encoder

TEXT = "The ingester listens on port 8443."
SAID = "ingester listens"
NOT_SAID = "querier burns"


def test_what_stands_there_scores_higher(tmp_path: Path) -> None:
    """The tiny encoder counts words of the claim in the text."""
    pairs = OnnxPairs("tiny", write_encoder(tmp_path))
    (said,) = pairs.scores([TEXT], SAID)
    (not_said,) = pairs.scores([TEXT], NOT_SAID)
    assert 0 <= not_said < 0.5 < said <= 1


def test_each_text_has_its_score_whatever_comes_with_it(tmp_path: Path) -> None:
    """Nothing is padded, so neighbours change nothing; no text is no score."""
    pairs = OnnxPairs("tiny", write_encoder(tmp_path))
    texts = [TEXT, "Nothing of the kind, at great length, is told here.", "listens"]
    together = pairs.scores(texts, SAID)
    assert [pairs.scores([text], SAID)[0] for text in texts] == list(together)
    assert pairs.scores([], SAID) == ()


def test_labels_say_which_number_counts(tmp_path: Path) -> None:
    """Published labels name it; judge.json has the last word; an unnamed one is refused."""
    folder = write_encoder(tmp_path, labels=["entailment", "not_entailment"], flipped=True)
    assert OnnxPairs("tiny", folder).scores([TEXT], SAID)[0] > 0.5
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}))
    with pytest.raises(BadConfiguration, match="means entailment"):
        OnnxPairs("tiny", folder).scores([TEXT], SAID)
    (folder / "judge.json").write_text('{"entailment": 1, "supported_min": 0.9}')
    told = OnnxPairs("tiny", folder)
    assert told.scores([TEXT], SAID)[0] < 0.5, "the other number"
    assert told.supported_min == 0.9


def test_a_single_number_is_a_logit(tmp_path: Path) -> None:
    """Models that give one number have its sigmoid taken."""
    pairs = OnnxPairs("tiny", write_encoder(tmp_path, labels=["score"]))
    assert pairs.scores([TEXT], SAID)[0] > 0.5 > pairs.scores([TEXT], NOT_SAID)[0]


def test_a_long_text_is_cut_and_the_claim_is_not(tmp_path: Path) -> None:
    """What the claim says is always read whole; of the text the end is lost."""
    folder = write_encoder(tmp_path)
    (folder / "judge.json").write_text('{"tokens_max": 16}')
    pairs = OnnxPairs("tiny", folder)
    filler = "and " * 500
    assert pairs.scores([f"ingester listens {filler}"], SAID)[0] > 0.5
    assert pairs.scores([f"{filler} ingester listens"], SAID)[0] < 0.5
    with pytest.raises(ModelFailed, match="longer than the judge reads"):
        pairs.scores([TEXT], "listens " * 50)


def test_the_digest_changes_with_any_file(tmp_path: Path) -> None:
    """Other weights or other bounds are another judge."""
    folder = write_encoder(tmp_path)
    before = OnnxPairs("tiny", folder).digest
    assert OnnxPairs("tiny", folder).digest == before
    (folder / "judge.json").write_text('{"supported_min": 0.7}')
    assert OnnxPairs("tiny", folder).digest != before


def test_no_number_is_no_verdict(tmp_path: Path) -> None:
    """NaN never counts for or against anything."""
    pairs = OnnxPairs("tiny", write_encoder(tmp_path, weight=float("nan")))
    with pytest.raises(ModelFailed, match="no number"):
        pairs.scores([TEXT], SAID)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("model.onnx", None, "holds no model.onnx"),
        ("tokenizer.json", None, "holds no tokenizer.json"),
        ("model.onnx", "nonsense", "model.onnx that cannot be loaded"),
        ("tokenizer.json", "{}", "tokenizer.json that cannot be read"),
        ("config.json", "[]", "config.json that is no object"),
        ("judge.json", "{", "judge.json that is no JSON"),
        ("judge.json", '{"entailment": "yes"}', "'entailment' as it cannot be"),
        ("judge.json", '{"threshold": 1}', "'threshold' as it cannot be"),
        ("judge.json", '{"supported_min": 0.1}', "bounds make no sense"),
    ],
)
def test_a_folder_that_is_none_is_named(
    tmp_path: Path, file: str, content: str | None, said: str
) -> None:
    """Each fault says which file, and what to do."""
    folder = write_encoder(tmp_path)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(BadConfiguration, match=said) as caught:
        OnnxPairs("tiny", folder).scores([TEXT], SAID)
    assert caught.value.hint
