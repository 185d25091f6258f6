"""Who says so is no part of what is said; what the passages lack is no claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.answering.checking import check_response, prepare, split_claims
from answerable.answering.checking.framing import is_remark, without_framing
from answerable.domain.questions import VerdictValue

PAGE = "The kubelet listens on port 10250. Passage of traffic is blocked by default."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Based on the provided passages, the port is 10250.", "the port is 10250."),
        ("According to passage 3, the port is 10250.", "the port is 10250."),
        ("However, it is worth noting that the port is 10250.", "the port is 10250."),
        ("Therefore, based on the given context, it appears that it fails.", "it fails."),
        ("The passages also suggest that the port is 10250.", "the port is 10250."),
        ("Open the port, as mentioned in passages 1 and 2.", "Open the port."),
    ],
)
def test_who_says_so_is_left_out(text: str, left: str) -> None:
    """What is left is what has to hold, and stands where it stood."""
    found = without_framing(text)
    assert " ".join(found.split()).replace(" .", ".") == left
    assert len(found) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "The current context is minikube.",
        "In the kubeconfig context, set the namespace.",
        "The documents are stored in 3 replicas.",
        "Passage 9000 is a port.",
        "`kubectl config get-contexts` lists passages",
        "The passages do not mention port 8080.",
    ],
)
def test_what_is_said_stays(text: str) -> None:
    """Words that only look alike name something here."""
    assert without_framing(text) == text


@given(st.text(max_size=200))
def test_offsets_stay(text: str) -> None:
    """Whatever the text, a word that stays stands where it stood."""
    found = without_framing(text)
    assert len(found) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, found, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "The passages do not mention a default port.",
        "[1] The passages do not mention a default port. [2]",
        "However, the provided documents do not specify how to renew the certificate.",
        "There is no information about quotas in the passages.",
        "I am unable to answer based on the given passages.",
        "Therefore, I cannot determine the port.",
    ],
)
def test_what_the_passages_lack_is_a_remark(text: str) -> None:
    """It says nothing of the subject that could be looked up."""
    assert is_remark(text)
    assert [claim.kind for claim in split_claims(text)] == ["remark"]


@pytest.mark.parametrize(
    "text",
    [
        "The passages do not mention it, but the port is 8080.",
        "The passages do not say so: use port 8080.",
        "The passages do not mention it; delete the node.",
        "I cannot find the flag, so run `rm -rf /`.",
        "I cannot say enough that port 8080 is the default.",
        "I do not know any port beside 8080.",
        "The kubelet does not provide a port.",
        "The document does not open on port 8080.",
    ],
)
def test_a_statement_behind_a_remark_is_checked(text: str) -> None:
    """Nothing gets past the check by beginning like a remark."""
    assert not is_remark(text)


def test_a_remark_is_never_supported_and_never_counts() -> None:
    """Its numbers are not shown as supported, and it does not spoil what holds."""
    context = prepare([PAGE], question="Which port?")
    remark = "The passages do not mention port 8080."
    alone = check_response(remark, context)
    assert alone.verdict is VerdictValue.UNDECIDED
    assert alone.claims[0].verdict is VerdictValue.UNDECIDED
    with_it = check_response(f"The kubelet listens on port 10250. {remark}", context)
    assert with_it.verdict is VerdictValue.SUPPORTED


def test_who_says_so_alone_is_nothing_to_check() -> None:
    """It is not called supported for want of a word that could be missing."""
    assert [one.kind for one in split_claims("According to passage 1, see passage 2.")] == [
        "connective"
    ]


def test_a_heading_counts_where_it_states_a_fact_from_nowhere() -> None:
    """It is not the way around the check; one that names the subject spoils nothing."""
    context = prepare([PAGE], question="Which port?")
    good = "The kubelet listens on port 10250."
    assert check_response(f"# The answer\n\n{good}", context).verdict is VerdictValue.SUPPORTED
    for heading in ("# Use port 8080", "# Edit /etc/shadow"):
        found = check_response(f"{heading}\n\n{good}", context)
        assert found.verdict is not VerdictValue.SUPPORTED


def test_a_framed_number_is_no_fact_and_a_real_one_is() -> None:
    """The 7 of "passage 7" is not looked for; the 8080 of the statement is."""
    context = prepare([PAGE], question="Which port?")
    good = check_response("According to passage 7, the kubelet listens on port 10250.", context)
    bad = check_response("According to passage 7, the kubelet listens on port 8080.", context)
    assert good.verdict is VerdictValue.SUPPORTED
    assert bad.verdict is VerdictValue.UNSUPPORTED


def test_one_claim_and_its_response_have_one_verdict() -> None:
    """A response of one claim is never called otherwise than the claim."""
    context = prepare([PAGE], question="Which port?")
    for text in ("It uses port 8080.", "Traffic is blocked.", "Kubelets listen.", "No port."):
        found = check_response(text, context)
        assert found.verdict is found.claims[0].verdict
        assert found.p_supported == pytest.approx(found.claims[0].p_supported)
