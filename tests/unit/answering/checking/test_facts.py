"""Hard facts are read the same however they are written."""

from __future__ import annotations

import pytest

from answerable.answering.checking.context import Context
from answerable.answering.checking.facts import Fact, FactKind, facts_of
from answerable.answering.checking.matching import (
    Found,
    commands_in,
    has_command,
    match_facts,
)
from answerable.answering.checking.words import stem, without_markers


def one(text: str, kind: FactKind) -> Fact:
    return next(fact for fact in facts_of(text) if fact.kind is kind)


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("it takes 15 minutes", FactKind.NUMBER, "900time"),
        ("it takes 900s", FactKind.NUMBER, "900time"),
        ("1,000,000 rows", FactKind.NUMBER, "1000000"),
        ("1 million rows", FactKind.NUMBER, "1000000"),
        ("memory.available<500Mi", FactKind.NUMBER, "524288000bytes"),
        ("80 %", FactKind.NUMBER, "80percent"),
        ("eighty percent", FactKind.NUMBER, "80percent"),
        ("$12 billion", FactKind.NUMBER, "12000000000money"),
        ("from version 1.20 on", FactKind.VERSION, "1.20"),
        ("v1.21.3-rc1", FactKind.VERSION, "1.21.3-rc1"),
        ("on March 5, 2020", FactKind.DATE, "2020-03-05"),
        ("on 5th of March 2020", FactKind.DATE, "2020-03-05"),
        ("on 2020-03-05", FactKind.DATE, "2020-03-05"),
        ("at 10:30 pm", FactKind.TIME, "10:30pm"),
        ("at 10.0.0.1", FactKind.ADDRESS, "10.0.0.1"),
        ("at db.example.com.", FactKind.ADDRESS, "db.example.com"),
        ("in /etc/app/config.yaml.", FactKind.PATH, "/etc/app/config.yaml"),
        ("in values.yaml", FactKind.PATH, "values.yaml"),
        ("with --dry-run", FactKind.FLAG, "--dry-run"),
        ("with -n prod", FactKind.FLAG, "-n"),
        ("set concurrencyPolicy", FactKind.IDENTIFIER, "concurrencypolicy"),
        ("set max_connections", FactKind.IDENTIFIER, "max_connections"),
        ("on web-01", FactKind.IDENTIFIER, "web-01"),
        ("run `kubectl`", FactKind.CODE, "kubectl"),
        ("and then Kubernetes stops", FactKind.NAME, "kubernetes"),
    ],
)
def test_a_fact_has_one_key(text: str, kind: FactKind, key: str) -> None:
    """Units, separators, words and months do not matter; what is meant does."""
    assert one(text, kind).key == key


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("at least 3 pods", 1), ("3 or more pods", 1), ("above 70%", 1), (">= 5", 1),
        ("at most 3 pods", -1), ("up to 3", -1), ("below 24h", -1), ("fewer than 5", -1),
        ("no more than 5", -1), ("exactly 3", 0), ("3.4.22+", 1),
    ],
)  # fmt: skip
def test_comparators_are_read(text: str, bound: int) -> None:
    """A value is a lower bound, an upper bound, or neither."""
    assert next(fact for fact in facts_of(text) if fact.key[0].isdigit()).bound == bound


def test_markers_and_ordinary_words_are_no_facts() -> None:
    """Citation markers, e.g., and/or and hyphens hold no fact."""
    text = without_markers("It waits [1], e.g. for a node and/or a well-known pod [2, 3].")
    assert facts_of(text) == []
    assert len(text) == len("It waits [1], e.g. for a node and/or a well-known pod [2, 3].")


def test_an_index_in_code_is_no_marker() -> None:
    """`items[0]` keeps its index."""
    assert without_markers("see `items[0]`") == "see `items[0]`"
    assert without_markers("see items[0]") != ""


@pytest.mark.parametrize(
    ("passage", "claim", "found"),
    [
        ("It takes 15 minutes.", "It takes 900 seconds.", Found.PRESENT),
        ("It takes 15 minutes.", "It takes 15 hours.", Found.ABSENT),
        ("It takes 15 minutes.", "It uses 15 MB.", Found.OTHER_UNIT),
        ("Memory of 400Mi.", "Memory of 400 megabytes.", Found.ABSENT),
        ("It is 58 degrees Fahrenheit.", "It is 14 °C.", Found.CONVERTED),
        ("It is 5 miles away.", "It is 8 km away.", Found.CONVERTED),
        ("Codes 200-399 are fine.", "From 200 to 399.", Found.PRESENT),
        ("There are three pods.", "There are 3 pods.", Found.PRESENT),
        ("In October 1973.", "In 1973.", Found.PRESENT),
        ("On March 5, 2020.", "In March 2020.", Found.PRESENT),
        ("In March 2020.", "On March 6, 2020.", Found.ABSENT),
        ("Use v1.20.", "Use version 1.20.", Found.PRESENT),
        ("Use v1.20.", "Use version 1.2.", Found.ABSENT),
        ("Use 1.20.3.", "Use version 1.20.", Found.ABSENT),
        ("In /etc/foo/bar.", "In /etc/foo.", Found.ABSENT),
        ("Add --force-all.", "Add --force.", Found.ABSENT),
        ("Add --force.", "Add --force.", Found.PRESENT),
        ("Port 8080.", "Port 808.", Found.ABSENT),
    ],
)
def test_facts_match_exactly_or_not(passage: str, claim: str, found: Found) -> None:
    """A conversion is the same fact; a longer, shorter or other one is not."""
    matches = match_facts(facts_of(claim), Context([passage], "", {}))
    assert min(match.found for match in matches) == found


def test_the_question_may_name_a_fact() -> None:
    """What the asker said needs no passage."""
    (match,) = match_facts(facts_of("It is 8080."), Context(["A port."], "Why is it 8080?", {}))
    assert match.found is Found.ASKED


@pytest.mark.parametrize(
    ("passage", "question", "command", "found"),
    [
        ("Run `kubectl delete pod foo`.", "", "kubectl delete pod foo", True),
        ("Run `kubectl delete pod foo`.", "", "kubectl delete node foo", False),
        ("Run kubectl get pods. Then delete foo.", "", "kubectl delete foo", False),
        ("kubectl logs ${POD}", "logs of web-1?", "kubectl logs web-1", True),
        ("kubectl logs ${POD}", "logs?", "kubectl logs web-2", False),
    ],
)
def test_commands_stand_as_they_are(
    passage: str, question: str, command: str, found: object
) -> None:
    """Words of two commands make no third; the asker's names may fill placeholders."""
    (tokens,) = commands_in(f"Use `{command}`.", is_code=False)
    assert has_command(tokens, Context([passage], question, {})) is found


@pytest.mark.parametrize(
    ("one_form", "other"),
    [
        ("deletes", "deletion"), ("allocates", "allocation"), ("running", "runs"),
        ("policies", "policy"), ("configured", "configure"), ("began", "begin"),
        ("stopped", "stop"), ("creation", "create"), ("rotated", "rotate"),
    ],
)  # fmt: skip
def test_forms_of_a_word_share_a_stem(one_form: str, other: str) -> None:
    """Endings do not keep two forms of a word apart."""
    assert stem(one_form) == stem(other)
