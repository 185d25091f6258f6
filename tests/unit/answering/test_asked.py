"""Questions: the words that matter and the kind of answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.answering.asked import (
    AnswerKind,
    content_words,
    kinds_in,
    rarity,
    read_question,
)


def test_words_that_name_nothing_are_left_out() -> None:
    """Function words do not decide what is found."""
    assert content_words("how do I drain a node, please?") == "drain node,"
    assert content_words("what\u2019s draining it") == "draining"


def test_a_question_of_nothing_but_small_words_stays_whole() -> None:
    """Something is always searched for."""
    assert content_words("what is it?") == "what is it?"


@pytest.mark.parametrize(
    ("question", "kind", "answer"),
    [
        ("how long does a pod get", AnswerKind.DURATION, "It waits 30 seconds."),
        ("how many replicas are kept", AnswerKind.NUMBER, "There are 10 of them."),
        ("which file holds it", AnswerKind.PATH, "It is in `/etc/crictl.yaml`."),
        ("which flag turns it on", AnswerKind.FLAG, "Use `--force` then."),
        ("which setting is it", AnswerKind.SETTING, "Set `failSwapOn` there."),
        ("command to drain", AnswerKind.COMMAND, "Run `kubectl drain`."),
        ("which port is it", AnswerKind.PORT, "It listens on 6443."),
        ("why is it pending", AnswerKind.CAUSE, "Generally this is because of the disk."),
        ("which version do we need", AnswerKind.VERSION, "At least 3.4.22."),
        ("what exit code is it", AnswerKind.CODE, "It ends with 137."),
        ("what is the default", AnswerKind.DEFAULT, "By default it is off."),
    ],
)
def test_a_question_says_what_kind_of_answer_it_wants(
    question: str, kind: AnswerKind, answer: str
) -> None:
    """A sentence that holds the kind is told from one that does not."""
    asked = read_question(question, ["x"], {}, 10)
    assert kind in asked.kinds
    assert kinds_in(answer, [kind]) == 1.0
    assert kinds_in("Nothing of the sort", [kind]) == 0.0


def test_no_kind_asked_is_neither_good_nor_bad() -> None:
    """A question of no known kind favours no sentence."""
    assert kinds_in("whatever 1", ()) == 0.5


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_rarer_terms_weigh_more(frequency: int, others: int) -> None:
    """Weights are above 0 and fall with frequency, in a library of any size."""
    chunks = frequency + others
    assert rarity(frequency, chunks) > 0
    assert rarity(frequency, chunks + 1) < rarity(0, chunks + 1) or frequency == 0


def test_common_words_of_a_tiny_library_still_weigh() -> None:
    """In a library of one page every word is in every chunk, and the question still means it."""
    assert rarity(2, 2) > 0.6 * rarity(0, 2)


def test_shares_are_of_the_weight() -> None:
    """All terms together carry everything; none carry nothing, also of nothing."""
    asked = read_question("drain node", ["drain", "node"], {"node": 90}, 100)
    assert asked.share({"drain", "node", "x"}) == pytest.approx(1)
    assert asked.share({"drain"}) > 0.5 > asked.share({"node"})
    assert asked.known == {"node"}
    assert read_question("", [], {}, 0).share({"x"}) == 0.0
