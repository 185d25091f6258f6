"""What every judge keeps to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from answerable.adapters.models.memory import ScriptedModel
from answerable.answering.checking import FeatureJudge, split_claims
from answerable.answering.model_judge import ModelJudge
from answerable.answering.ports import Judge
from answerable.domain.questions import VerdictValue

_: Callable[[], Judge] = FeatureJudge

PASSAGES = (
    "The ingester listens on port 8443. Restart it with `systemctl restart ingester`.",
    "- Warning below 24h\n- Critical below 4h\n",
)
QUESTION = "Which port does the ingester use?"


def gullible() -> Judge:
    """Return a judge whose model supports everything."""
    return ModelJudge(model=ScriptedModel("SUPPORTED: of course"))


@pytest.fixture(params=[FeatureJudge, gullible])
def judge(request: pytest.FixtureRequest) -> Judge:
    made: Judge = request.param()
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


def test_a_judge_says_who_it_is(judge: Judge) -> None:
    """Name and digest stand in releases and traces."""
    assert judge.name
    assert judge.digest
