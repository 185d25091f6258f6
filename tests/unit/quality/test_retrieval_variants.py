"""Variants: what differs from the release is what was asked for, and nothing is ignored."""

from dataclasses import replace

import pytest

from answerable.app.variants import VARIANTS, differences, uses_vectors, vary
from answerable.domain.errors import BadInput, NotReady
from answerable.domain.releases import Retrieval

RELEASE = Retrieval(embedder="e" * 64, aliases=(("boils", ("seethes",)),))
BY_WORDS = replace(RELEASE, embedder="")


def test_the_default_is_the_release_as_it_is() -> None:
    """Without a flag nothing differs."""
    assert vary(RELEASE) == vary(RELEASE, by="full") == RELEASE
    assert differences(RELEASE, vary(RELEASE)) == {}


FUSED = {"sentence_weight", "page_vectors", "fused_page_weight", "aliases", "alias_weight"}


@pytest.mark.parametrize(
    ("by", "changed"),
    [
        ("words", {"embedder"}),
        (
            "vectors",
            {"lexical_weight", *FUSED},
        ),
        ("fused", FUSED),
        ("full", set()),
    ],
)
def test_a_variant_changes_what_it_says(by: str, changed: set[str]) -> None:
    """Each leaves everything else to the release, so what differs in score is due to it."""
    assert set(differences(RELEASE, vary(RELEASE, by=by))) == changed


def test_each_variant_searches_what_its_name_says() -> None:
    """Words search no vectors; vectors leave nothing to the words; fused has both."""
    assert not uses_vectors(vary(RELEASE, by="words"))
    assert vary(RELEASE, by="vectors").lexical_weight == 0
    assert 0 < vary(RELEASE, by="fused").lexical_weight < 1
    assert set(VARIANTS) == {"words", "vectors", "fused", "full"}


def test_a_setting_is_changed_for_the_run() -> None:
    """Whole numbers stay whole; the last of a name counts; a list shows how long it is."""
    run = vary(RELEASE, settings=["lexical_weight=0.25", "candidates=10", "candidates=7"])
    assert run == replace(RELEASE, lexical_weight=0.25, candidates=7)
    assert differences(RELEASE, run)["candidates"] == {"release": 100, "run": 7}
    fused = differences(RELEASE, vary(RELEASE, by="fused"))
    assert fused["aliases"] == {"release": 1, "run": 0}


def test_an_unknown_setting_lists_those_there_are() -> None:
    """Texts and lists are none of them, nor is what has no say in a ranking."""
    for wrong in ("nonsense=1", "embedder=1", "aliases=1", "passages_max=3", "=1", ""):
        with pytest.raises(BadInput) as caught:
            vary(RELEASE, settings=[wrong])
        listed = caught.value.message.partition("; there are ")[2].split(", ")
        assert {"lexical_weight", "page_weight", "candidates"} <= set(listed)
        assert not {"embedder", "aliases", "passages_max"} & set(listed)


@pytest.mark.parametrize(
    "setting",
    [
        "lexical_weight",
        "lexical_weight=",
        "lexical_weight=much",
        "lexical_weight=1.1",
        "lexical_weight=-0.1",
        "page_weight=nan",
        "page_weight=inf",
        "candidates=0",
        "candidates=1.5",
    ],
)
def test_a_value_that_is_none_is_refused(setting: str) -> None:
    """The message says what the setting takes."""
    with pytest.raises(BadInput, match=r"takes a (whole )?number from [01]"):
        vary(RELEASE, settings=[setting])


@pytest.mark.parametrize(
    ("release", "by", "setting"),
    [
        (RELEASE, "words", "lexical_weight=0.5"),
        (RELEASE, "words", "sentence_weight=0.2"),
        (RELEASE, "vectors", "lexical_weight=0.5"),
        (RELEASE, "vectors", "page_weight=0.5"),
        (RELEASE, "fused", "alias_weight=0.5"),
        (BY_WORDS, "full", "vector_candidates=50"),
        (replace(RELEASE, aliases=()), "full", "alias_weight=0.5"),
    ],
)
def test_a_setting_without_an_effect_is_refused(release: Retrieval, by: str, setting: str) -> None:
    """Nobody takes the same number twice for a finding."""
    with pytest.raises(BadInput, match="changes nothing here"):
        vary(release, by=by, settings=[setting])


def test_a_variant_that_is_none_is_refused() -> None:
    """The message lists those there are."""
    with pytest.raises(BadInput, match="words, vectors, fused, full"):
        vary(RELEASE, by="hybrid")


@pytest.mark.parametrize("by", ["vectors", "fused"])
def test_vectors_need_a_release_with_an_embedder(by: str) -> None:
    """A release that searches by words has no vectors to compare."""
    with pytest.raises(NotReady, match="by words only"):
        vary(BY_WORDS, by=by)
    assert vary(BY_WORDS, by="words") == BY_WORDS
