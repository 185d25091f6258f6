"""Quoting: the right words, in order, unbroken, few."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from answering_samples import shelf

from answerable.domain.releases import Quoting

__all__ = ["shelf"]

MakeShelf = Callable[..., Any]
SETTINGS = Quoting()

GRACE = """# Termination

## Grace

A Pod gets time to terminate gracefully, which defaults to 30 seconds. Logs are kept.

## Other

Nodes have names. See [the page](x.md) about how long a Pod gets to terminate gracefully.
"""


def test_the_sentence_with_the_fact_comes_first(shelf: MakeShelf) -> None:
    """The kind of answer that is asked for decides between sentences alike."""
    claims = shelf(GRACE).quote("how long does a pod get to terminate gracefully?", SETTINGS)
    assert "defaults to 30 seconds" in claims[0].text
    assert claims[0].citations[0].heading == ("Grace",)


def test_quotes_of_one_document_stand_in_its_order(shelf: MakeShelf) -> None:
    """What is chosen is read as the author wrote it."""
    page = "# Backup\n\nFirst stop the daemon.\n\nColours are nice.\n\nThen copy backup files.\n"
    claims = shelf(page).quote("copy backup files stop daemon", replace(SETTINGS, gap_max=9.0))
    starts = [claim.citations[0].start for claim in claims]
    assert len(starts) > 1
    assert starts == sorted(starts)


def test_sentences_that_follow_each_other_become_one_claim(shelf: MakeShelf) -> None:
    """Two neighbours are shown as the paragraph they are."""
    page = "# Disk\n\nThe disk alert fires at 80 percent. The disk alert pages at 90 percent.\n"
    claims = shelf(page).quote("disk alert fires pages percent", replace(SETTINGS, gap_max=9.0))
    assert [claim.text for claim in claims] == [
        "The disk alert fires at 80 percent. The disk alert pages at 90 percent."
    ]


def test_steps_and_code_are_quoted_whole(shelf: MakeShelf) -> None:
    """A procedure is of use only with all of its commands."""
    code = "```sh\nkubectl cordon node1\nkubectl drain node1\n```"
    page = f"# Drain\n\nTo drain a node:\n\n{code}\n"
    claims = shelf(page).quote("command to drain a node", SETTINGS)
    assert claims[0].text == f"To drain a node:\n\n{code}"
    assert claims[0].kind == "code"


def test_a_long_single_unit_is_not_cut_to_size(shelf: MakeShelf) -> None:
    """`chars_max` limits how many units there are, never one of them."""
    code = "```\n" + "drain node\n" * 200 + "```"
    claims = shelf(f"# Drain\n\n{code}\n").quote("drain node", replace(SETTINGS, chars_max=100))
    assert claims[0].text == code


def test_there_are_never_more_units_and_code_points_than_allowed(shelf: MakeShelf) -> None:
    """The answer stays short in a page that says the same thing everywhere."""
    page = "# Pod\n\n" + "\n\n".join(f"The pod rule number {n} is here." for n in range(50))
    claims = shelf(page).quote("pod rule number", replace(SETTINGS, gap_max=9.0, chars_max=70))
    assert 1 <= len(claims) <= SETTINGS.units_max
    assert sum(len(claim.text) for claim in claims) <= 70


def test_a_far_worse_unit_is_left_out(shelf: MakeShelf) -> None:
    """One good sentence is not padded."""
    page = "# Etcd\n\nThe etcd quota is 2 gigabytes by default.\n\nBananas are yellow.\n"
    claims = shelf(page).quote("etcd default quota", SETTINGS)
    assert [claim.text for claim in claims] == ["The etcd quota is 2 gigabytes by default."]


def test_a_sentence_that_only_points_elsewhere_loses(shelf: MakeShelf) -> None:
    """The reader wants the answer, not where it may be."""
    page = "# Taint\n\nSee there how to remove a taint.\n\nYou may remove a taint by minus.\n"
    claims = shelf(page).quote("remove a taint", replace(SETTINGS, units_max=1))
    assert "minus" in claims[0].text


def test_the_same_text_in_two_places_is_quoted_once(shelf: MakeShelf) -> None:
    """Copies of a page do not fill the answer."""
    page = "# Quota\n\nThe etcd quota is 2 gigabytes.\n"
    claims = shelf(page, page).quote("etcd quota", replace(SETTINGS, repeat=5.0))
    assert len(claims) == 1


def test_every_part_of_a_score_is_a_share_and_sums_up(shelf: MakeShelf) -> None:
    """`--explain` shows numbers that add up to the score."""
    signs = {"elsewhere": -1.0}
    for one in shelf(GRACE).rank("how long does a pod get to terminate?", SETTINGS):
        total = 0.0
        for name, value in one.parts:
            assert -0.5 <= value <= 2.2
            total += signs.get(name, 1.0) * getattr(SETTINGS, name) * value
        assert abs(total - one.score) < 1e-9


def test_ranking_does_not_depend_on_luck(shelf: MakeShelf) -> None:
    """The same question gives the same order, best first."""
    some = shelf(GRACE)
    once = some.rank("pod terminate", SETTINGS)
    assert once == some.rank("pod terminate", SETTINGS)
    assert [one.score for one in once] == sorted((one.score for one in once), reverse=True)


def test_nothing_found_gives_nothing(shelf: MakeShelf) -> None:
    """No passages, no quote, no error."""
    assert shelf().quote("anything", SETTINGS) == []
