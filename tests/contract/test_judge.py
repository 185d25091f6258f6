"""What every judge keeps to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from answerable.adapters.judges.onnx import OnnxPairs
from answerable.adapters.models.memory import ScriptedModel
from answerable.answering.checking import FeatureJudge, split_claims
from answerable.answering.judges import ModelJudge, PairJudge
from answerable.answering.ports import Judge, PairScorer
from answerable.domain.questions import VerdictValue
from tiny_encoder import write_encoder

_: Callable[[], Judge] = FeatureJudge

PASSAGES = (
    "The ingester listens on port 8443. Restart it with `systemctl restart ingester`.",
    "- Warning below 24h\n- Critical below 4h\n",
)
QUESTION = "Which port does the ingester use?"


class Sure:
    """Scores every pair alike."""

    name, digest, supported_min, unsupported_below = "sure", "1", 0.5, 0.25

    def scores(self, texts: Sequence[str], claim: str) -> Sequence[float]:
        """Give all it has to everything."""
        del claim
        return [1.0 for _ in texts]


_SURE: Callable[[], PairScorer] = Sure


def gullible(_: Path) -> Judge:
    """Return a judge whose model supports everything."""
    return ModelJudge(model=ScriptedModel("SUPPORTED: of course"))


def sure(_: Path) -> Judge:
    """Return a judge whose encoder supports everything."""
    return PairJudge(scorer=Sure())


def encoder(folder: Path) -> Judge:
    """Return a judge with an encoder from files."""
    return PairJudge(scorer=OnnxPairs("tiny", write_encoder(folder)))


@pytest.fixture(params=[lambda _: FeatureJudge(), gullible, sure, encoder])
def judge(request: pytest.FixtureRequest, tmp_path: Path) -> Judge:
    made: Judge = request.param(tmp_path)
    return made


def verdict(judge: Judge, text: str) -> VerdictValue:
    (claim,) = split_claims(text)
    return judge.prepare(PASSAGES, question=QUESTION).check(claim).verdict


@pytest.mark.parametrize("text", ["The ingester listens on port 8443.", "- Critical below 4h"])
def test_what_a_passage_says_word_for_word_is_supported(judge: Judge, text: str) -> None:
    """Quotes pass every judge."""
    assert verdict(judge, text) is VerdictValue.SUPPORTED


@pytest.mark.parametrize(
    "text",
    [
        "The ingester listens on port 8080.",
        "Restart it with `systemctl restart querier`.",
        "Critical below 5h.",
        "See /etc/ingester.yaml.",
        "Use --force.",
    ],
)
def test_a_hard_fact_from_nowhere_is_never_supported(judge: Judge, text: str) -> None:
    """No judge lets a number, command, path or flag pass that stands nowhere."""
    assert verdict(judge, text) is not VerdictValue.SUPPORTED


def test_a_verdict_has_reasons_and_evidence_inside_the_passages(judge: Judge) -> None:
    """Whoever judged, a person can look it up."""
    judging = judge.prepare(PASSAGES, question=QUESTION)
    for claim in split_claims("The ingester uses port 8443. It is green. Critical is below 4h."):
        found = judging.check(claim, before="")
        assert found.claim == claim
        assert found.reasons
        for span in found.evidence:
            assert 0 <= span.start < span.end <= len(PASSAGES[span.passage])


def test_the_same_call_gives_the_same_verdict(judge: Judge) -> None:
    """Replay depends on it."""
    judging = judge.prepare(PASSAGES, question=QUESTION)
    (claim,) = split_claims("It may listen on some port or other.")
    assert judging.check(claim) == judging.check(claim)


def test_a_response_is_judged_by_its_claims(judge: Judge) -> None:
    """The same verdicts as one by one, and not supported where one is unsupported."""
    judging = judge.prepare(PASSAGES, question=QUESTION)
    text = "The ingester listens on port 8443. It uses port 8080. Critical below 4h."
    found = judging.check_response(text)
    before = ""
    for one in found.claims:
        assert judging.check(one.claim, before=before) == one
        before = one.claim.text
    assert found.verdict is not VerdictValue.SUPPORTED
    assert 0 <= found.p_supported <= 1
    assert judging.check_response("").verdict is VerdictValue.UNDECIDED


def test_a_judge_says_who_it_is(judge: Judge) -> None:
    """Name and digest stand in releases and traces."""
    assert judge.name
    assert judge.digest
