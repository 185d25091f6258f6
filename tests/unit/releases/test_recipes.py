"""Releases as files and as names with values, and every value changed once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from answerable.answering.prompts import own_prompts
from answerable.domain.errors import BadInput
from answerable.domain.releases import (
    JudgeChoice,
    Line,
    ModelChoice,
    Proposal,
    Release,
    Retrieval,
    Sampling,
)
from answerable.releases.editing import checked, edited
from answerable.releases.flow import embedded_release
from answerable.releases.recipes import differences, flat, in_words, read, written

RELEASE = embedded_release(
    Line(parser="p", splitter="s", analyser="a"),
    software="1.0",
    retrieval=Retrieval(aliases=(("out of memory", ("OOM",)), ("k8s", ("kubernetes", "k.8.s")))),
    models=(ModelChoice(name="main", provider="openai", model="m-1"),),
    writers=("main",),
    judge=JudgeChoice(),
)
PROPOSAL = Proposal(release_id=RELEASE.id, parent="rel-0", author="ann", message="shörter", at_ms=7)


def test_a_release_survives_its_file() -> None:
    """With who proposed it, and without."""
    assert read(written(RELEASE, PROPOSAL), name="x") == (RELEASE, PROPOSAL)
    nobody = replace(PROPOSAL, parent="", author="", message="", at_ms=0)
    assert read(written(RELEASE, None), name="x") == (RELEASE, nobody)


def test_a_file_that_was_changed_by_hand_is_refused() -> None:
    """Its id stands for just one recipe."""
    whole = json.loads(written(RELEASE, PROPOSAL))
    whole["recipe"]["retrieval"]["passages_max"] = 3
    with pytest.raises(BadInput, match=r"r\.json was changed by hand: it holds rel-"):
        read(json.dumps(whole), name="r.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": "answerable-run-1"}', "[" * 100_000],
)
def test_a_file_that_is_no_release(text: str) -> None:
    """It says so, and how one is made."""
    with pytest.raises(BadInput, match="r is no release"):
        read(text, name="r")


@pytest.mark.parametrize("part", ["ladder", "line", "software"])
def test_a_file_that_lacks_a_part(part: str) -> None:
    """It was written by another version, or by nobody."""
    whole = json.loads(written(RELEASE, PROPOSAL))
    del whole["recipe"][part]
    with pytest.raises(BadInput, match="cannot be read by this version"):
        read(json.dumps(whole), name="r")


def test_values_have_names() -> None:
    """Those in lists the one they are called by."""
    named = flat(RELEASE)
    assert named["retrieval.passages_max"] == 6
    assert named["models.main.sampling.temperature"] == 0.0
    assert named["ladder"] == "model:main, quote, search, abstain"
    assert named["retrieval.aliases.k8s"] == "kubernetes, k.8.s"
    assert named["abstaining.by_words.weights.unit"] == 5.931
    assert set(dict(own_prompts())) == {
        name.removeprefix("writing.prompts.") for name in named if ".prompts." in name
    }


def other(value: object) -> str:
    """Return another value of the kind, in range."""
    if isinstance(value, str):
        return f"{value} more"
    if value is None:
        return "1"
    return str(value / 2) if isinstance(value, float) and value else str(int(value) + 1)  # type: ignore[call-overload]


EDITABLE = [
    name
    for name in flat(RELEASE)
    if not name.startswith(("line.", "software", "ladder", "models.main.name"))
]


@pytest.mark.parametrize("name", EDITABLE)
def test_every_value_of_a_release_moves_its_id(name: str) -> None:
    """And that value is all that differs."""
    before = flat(RELEASE)[name]
    after = edited(RELEASE, name, other(before))
    assert after.id != RELEASE.id
    found = differences(RELEASE, after)
    assert list(found) == [name]
    assert found[name] == (before, flat(after)[name])
    assert read(written(after, None), name="x")[0] == after


def test_the_ladder_is_one_value() -> None:
    """Its rungs have to be there, and it ends in silence."""
    after = edited(RELEASE, "ladder", "quote, abstain")
    assert after.ladder == ("quote", "abstain")
    assert list(in_words(differences(RELEASE, after))) == [
        "ladder: model:main, quote, search, abstain -> quote, abstain"
    ]
    with pytest.raises(BadInput, match="no rung 'model:other'"):
        edited(RELEASE, "ladder", "model:other,abstain")
    with pytest.raises(BadInput, match="ends with abstain"):
        edited(RELEASE, "ladder", "quote")
    with pytest.raises(BadInput, match="ends with abstain"):
        edited(RELEASE, "ladder", "")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("retrieval.passages_max", "0", "a number from 1, not 0"),
        ("retrieval.passages_max", "2.5", "takes a whole number, not '2.5'"),
        ("retrieval.lexical_weight", "1.5", "a number from 0 to 1, not 1.5"),
        ("retrieval.alias_weight", "-1", "a number from 0, not -1"),
        ("retrieval.alias_weight", "nan", "a number from 0, not nan"),
        ("retrieval.alias_weight", "many", "takes a number, not 'many'"),
        ("retrieval.alias_weight", "none", "cannot be 'none'"),
        ("writing.supported_min", "2", "from 0 to 1"),
        ("passages_max", "3", "there is retrieval.passages_max"),
        ("software", "2.0", "which software it is"),
        ("line.parser", "x", "which software it is"),
        ("models.other.model", "x", "no value 'models.other.model'; there is models.main.model"),
    ],
)
def test_what_cannot_be_a_value(name: str, given: str, says: str) -> None:
    """It is refused before anything is stored, and says what would be one."""
    with pytest.raises(BadInput) as refused:
        edited(RELEASE, name, given)
    assert says in refused.value.message


def test_none_is_a_value_where_there_may_be_none() -> None:
    """And a number again after it."""
    without = edited(RELEASE, "models.main.sampling.temperature", "none")
    assert without.models[0].sampling == Sampling(temperature=None)
    assert edited(without, "models.main.sampling.temperature", "0.5").models[
        0
    ].sampling == Sampling(temperature=0.5)


def test_prompts_differ_line_by_line() -> None:
    """As in Git."""
    name = f"writing.prompts.{own_prompts()[0][0]}"
    text = str(flat(RELEASE)[name])
    after = edited(RELEASE, name, text + "One line more.\n")
    lines = list(in_words(differences(RELEASE, after)))
    assert lines[0] == f"{name}:"
    assert lines[-1] == "  +One line more."


def test_a_release_of_another_file_is_checked_too() -> None:
    """What was exported elsewhere may hold what cannot answer here."""
    odd: Release = replace(RELEASE, retrieval=replace(RELEASE.retrieval, candidates=0))
    with pytest.raises(BadInput, match=r"retrieval\.candidates takes a number from 1"):
        checked(odd)
    assert checked(RELEASE) == RELEASE
