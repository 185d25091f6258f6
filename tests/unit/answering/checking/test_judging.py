"""Verdicts: what no score can overrule, reasons people understand, evidence that is minimal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.answering.checking import (
    CheckedClaim,
    DraftClaim,
    check,
    check_response,
    prepare,
    split_claims,
)
from answerable.answering.checking.features import measure
from answerable.answering.checking.reasons import reasons_against
from answerable.domain.questions import VerdictValue

EXAMPLES = Path(__file__).parents[4] / "examples"
SUPPORTED = VerdictValue.SUPPORTED
RUNBOOK = """# Ingester

The ingester listens on port 8443. It is restarted with `systemctl restart ingester`, which takes
15 minutes. Pods are not evicted by NoSchedule.

- Warning: the certificate expires in less than 24h
- Critical: the certificate expires in less than 4h

| setting | default |
|---|---|
| retries | 5 |
| timeout | 30s |

Set `concurrencyPolicy: Forbid` in /etc/ingester/config.yaml from version 2.7.1 on. At least 3
members must be available. The address is 10.1.2.3. See --dry-run=server.

```
kubectl delete pod ingester-0 --force
```
"""


def only(claim: str, *passages: str, question: str = "") -> CheckedClaim:
    """Return the verdict on one claim."""
    (found,) = split_claims(claim)
    return check(found, prepare(passages or (RUNBOOK,), question=question))


def codes(claim: str, *passages: str, question: str = "") -> list[str]:
    return [reason.code for reason in only(claim, *passages, question=question).reasons]


VERBATIM = (
    "The ingester listens on port 8443.",
    "Pods are not evicted by NoSchedule.",
    "Warning: the certificate expires in less than 24h",
    "| retries | 5 |",
    "At least 3\nmembers must be available.",
    "At least 3 members must be available.",
    "The address is 10.1.2.3 [2].",
    "See --dry-run=server.",
)


@pytest.mark.parametrize("claim", VERBATIM)
def test_text_of_a_passage_is_supported(claim: str) -> None:
    """A whole sentence, item or row, whatever its white space and markers, is SUPPORTED."""
    found = only(claim)
    assert found.verdict is SUPPORTED
    assert [reason.code for reason in found.reasons] == ["quoted"]


def test_a_line_of_code_is_supported_as_it_stands() -> None:
    """So is a whole line of a code block, and no part of another one."""
    claim = DraftClaim(start=0, end=3, text="kubectl delete pod ingester-0 --force", kind="code")
    assert check(claim, prepare([RUNBOOK], question="")).verdict is SUPPORTED


@settings(deadline=None)
@given(st.lists(st.sampled_from(VERBATIM), min_size=1, max_size=4))
def test_a_response_of_quotes_is_supported(quotes: list[str]) -> None:
    """The quote rung never contradicts itself."""
    found = check_response("\n\n".join(quotes), prepare([RUNBOOK], question=""))
    assert {one.verdict for one in found.claims} == {SUPPORTED}
    assert found.verdict is SUPPORTED


def test_part_of_a_sentence_is_no_quote_where_the_rest_turns_it() -> None:
    """Words that stand inside a denial are no quote of it."""
    passage = "It is not true that all the pods of the node are evicted at once."
    assert "quoted" not in codes("All the pods of the node are evicted at once.", passage)
    assert "quoted" not in codes("the pods of the node are evicted at once.", passage)
    assert "quoted" not in codes("Pods are evicted.", "It is false: Pods are evicted. Read on.")
    assert "quoted" not in codes("Pods are evicted", "Pods are evicted; but only when asked to.")


HARD = (
    "The ingester listens on port 8443.",
    "It takes 15 minutes to restart the ingester.",
    "The address is 10.1.2.3.",
    "Set it from version 2.7.1 on.",
    "The certificate is critical below 4h.",
    "At least 3 members must be available.",
)


@settings(deadline=None)
@given(st.sampled_from(HARD), st.data())
def test_a_changed_digit_is_never_supported(claim: str, data: st.DataObject) -> None:
    """Change one digit of a fact to what no passage says, and it is not SUPPORTED."""
    at = data.draw(st.sampled_from([m.start() for m in re.finditer(r"\d", claim)]))
    digit = data.draw(st.sampled_from("123456789".replace(claim[at], "")))
    changed = claim[:at] + digit + claim[at + 1 :]
    number = next(n for n in re.findall(r"\d+(?:\.\d+)*", changed) if n not in claim)
    if number in re.findall(r"\d+(?:\.\d+)*", RUNBOOK):
        return
    assert only(changed).verdict is not SUPPORTED


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("The ingester listens on port 8080.", "number_differs"),
        ("It takes 15 hours.", "number_differs"),
        ("Use --dry-run=server and --wipe.", "flag_differs"),
        ("Set it in /etc/ingester/other.yaml.", "path_differs"),
        ("The address is 10.1.2.4.", "address_differs"),
        ("Set it from version 2.7.2 on.", "version_differs"),
        ("Set `concurrencyPolicy: Allow` in /etc/ingester/config.yaml.", "code_differs"),
        ("Run `kubectl delete node ingester-0`.", "command_not_found"),
        ("It listens on example.com.", "address_not_found"),
    ],
)
def test_a_hard_fact_that_is_nowhere_is_never_supported(claim: str, code: str) -> None:
    """Numbers, flags, paths, addresses, versions and commands are there or they are not."""
    found = only(claim)
    assert found.verdict is not SUPPORTED
    assert code in [reason.code for reason in found.reasons]


def test_reasons_name_what_the_document_says() -> None:
    """A person reads what was said and what stands there."""
    texts = [reason.text for reason in only("The ingester listens on port 8080.").reasons]
    assert "says 8080, the document says 8443" in texts


@pytest.mark.parametrize(
    ("claim", "passage", "code"),
    [
        ("Pods are evicted.", "Pods are not evicted.", "denial_dropped"),
        ("Swap is not enabled by default.", "Swap is enabled by default.", "denied"),
        ("Swap is disabled by default.", "Swap is enabled by default.", "opposite"),
        ("At most 3 members must vote.", "At least 3 members must vote.", "bound_differs"),
        ("The server is critical below 24h.", "Warning below 24h, critical below 4h.",
         "value_of_another"),
        ("The probe runs after the sync.", "The probe runs before the sync.", "opposite"),
    ],
)  # fmt: skip
def test_contradictions_are_named(claim: str, passage: str, code: str) -> None:
    """Negation, opposites, comparators and values of something else have their own reasons."""
    found = only(claim, passage)
    context = prepare([passage], question="")
    assert code in [reason.code for reason in reasons_against(measure(claim, context))]
    assert found.reasons


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Swap is disabled by default.", "Swap is not enabled by default."),
        ("The feature isn't available.", "The feature is unavailable."),
        ("You need not only a key but a lock.", "You need a key and a lock."),
    ],
)
def test_a_denial_said_otherwise_contradicts_nothing(claim: str, passage: str) -> None:
    """What is not enabled is disabled."""
    wrong = {"denied", "denial_dropped", "opposite"}
    assert not wrong.intersection(codes(claim, passage))


def test_a_short_answer_is_read_with_its_question() -> None:
    """Fifteen minutes answers how long a restart takes, not which port is used."""
    right = only("15 minutes.", question="How long does a restart of the ingester take?")
    wrong = only("8443.", question="How long does a restart of the ingester take?")
    assert right.p_supported > wrong.p_supported


@pytest.mark.parametrize("claim", ["Yes.", "No", "True."])
def test_a_bare_yes_is_never_supported(claim: str) -> None:
    """It could be looked up nowhere."""
    found = only(claim, question="Are pods evicted?")
    assert found.verdict is not SUPPORTED
    assert "bare_answer" in [reason.code for reason in found.reasons]


@settings(deadline=None)
@given(st.text(max_size=200), st.lists(st.text(max_size=300), max_size=3), st.text(max_size=50))
def test_anything_gets_a_verdict(draft: str, passages: list[str], question: str) -> None:
    """Whatever the words, there is a verdict with a reason, and evidence inside the passages."""
    found = check_response(draft, prepare(passages, question=question))
    assert 0 <= found.p_supported <= 1
    for one in found.claims:
        assert 0 <= one.p_supported <= 1
        assert one.reasons
        for span in one.evidence:
            assert 0 <= span.start < span.end <= len(passages[span.passage])


def test_evidence_is_minimal() -> None:
    """One sentence that says it all is all the evidence there is."""
    found = only("The ingester uses port 8443 to listen.")
    (span,) = found.evidence
    assert RUNBOOK[span.start : span.end] == "The ingester listens on port 8443."


def test_several_sentences_are_cited_when_one_is_not_enough() -> None:
    """A claim put together from two places has both."""
    found = only("The ingester listens on port 8443 and its address is 10.1.2.3.")
    shown = [RUNBOOK[span.start : span.end] for span in found.evidence]
    assert shown == ["The ingester listens on port 8443.", "The address is 10.1.2.3."]


def test_nothing_said_is_undecided() -> None:
    """A response that only connects is neither supported nor not."""
    context = prepare([RUNBOOK], question="")
    assert check_response("", context).verdict is VerdictValue.UNDECIDED
    assert check_response("Here are the steps:", context).verdict is VerdictValue.UNDECIDED


def test_no_passages_support_nothing() -> None:
    """Without passages no claim is SUPPORTED."""
    found = check_response("The port is open.", prepare([], question=""))
    assert found.verdict is VerdictValue.UNSUPPORTED
    assert found.claims[0].evidence == ()


def test_the_same_claim_gets_the_same_verdict() -> None:
    """Order of calls and threads do not matter."""
    context = prepare([RUNBOOK], question="")
    (claim,) = split_claims("The ingester listens on port 8443 or 8080.")
    assert check(claim, context) == check(claim, context)


_SAID_TWICE = """
import json, sys
from answerable.answering.checking import split_claims
from answerable.answering.checking.context import Context
from answerable.answering.checking.features import measure
text, question, claims = json.load(sys.stdin)
context = Context([text], question, {})
found = [measure(one, context) for one in claims]
print(json.dumps([(one.values, one.best, [m.low for m in one.missing]) for one in found]))
"""


def test_every_process_measures_the_same() -> None:
    """Nothing depends on the order of sets, which differs from process to process.

    Else a release would not say what is supported, and the table could not be made again.
    """
    paragraphs = (EXAMPLES / "prometheus-operator-runbooks").rglob("*.md")
    text = "\n\n".join(path.read_text() for path in sorted(paragraphs)[:12])
    claims = [one.text for one in split_claims(text)[::3]]
    reworded = [f"Always {one} and 17 never restart the kubelet before" for one in claims]
    given = json.dumps([text, "Which 5 pods restart before the kubelet?", claims + reworded])
    said = {
        subprocess.run(
            [sys.executable, "-c", _SAID_TWICE], input=given, text=True, check=True,
            capture_output=True, env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2, 3)
    }  # fmt: skip
    assert len(said) == 1
