"""What counts as feedback, and which of it counts."""

from __future__ import annotations

import pytest

from answerable.answering.feedback import (
    COMMENT_CHARS_MAX,
    Complaint,
    Feedback,
    Thumb,
    because,
    counting,
    new_feedback,
)
from answerable.domain.errors import BadInput


def said(thumb: Thumb, complaint: Complaint | None = None, comment: str = "") -> Feedback:
    """Return what a caller says of a trace."""
    return new_feedback(
        trace_id="t1", at_ms=1, principal="ann", thumb=thumb, complaint=complaint, comment=comment
    )


@pytest.mark.parametrize(
    ("words", "complaint", "comment"),
    [
        ("", None, ""),
        ("  ", None, ""),
        ("wrong", Complaint.WRONG, ""),
        (" Off-Topic ", Complaint.OFF_TOPIC, ""),
        ("bad source", Complaint.BAD_SOURCE, ""),
        ("it is wrong", Complaint.OTHER, "it is wrong"),
    ],
)
def test_a_reason_is_a_known_one_or_words(
    words: str, complaint: Complaint | None, comment: str
) -> None:
    """A name from the list is that complaint, however it is spelled; all else is a comment."""
    assert because(words) == (complaint, comment)


@pytest.mark.parametrize("complaint", sorted(set(Complaint) - {Complaint.OTHER}))
def test_a_thumb_up_complains_of_nothing(complaint: Complaint) -> None:
    """Each complaint needs a thumb down; a comment does not."""
    assert said(Thumb.DOWN, complaint).complaint is complaint
    with pytest.raises(BadInput):
        said(Thumb.UP, complaint)
    assert said(Thumb.UP, Complaint.OTHER, " fine ").comment == "fine"


def test_comments_have_a_length() -> None:
    """The longest is taken, one more character is not, and neither is half a character."""
    assert len(said(Thumb.DOWN, comment="x" * COMMENT_CHARS_MAX).comment) == COMMENT_CHARS_MAX
    for comment in ("x" * (COMMENT_CHARS_MAX + 1), "\ud83d"):
        with pytest.raises(BadInput):
            said(Thumb.DOWN, comment=comment)


def test_the_last_word_counts() -> None:
    """Of one caller the last, whatever came before."""
    first, last = said(Thumb.UP), said(Thumb.DOWN)
    assert counting([first, last]) == (last,)
    assert counting([]) == ()


def test_every_complaint_has_words() -> None:
    """No complaint reaches people as a code alone."""
    assert all(one.sentence for one in Complaint)
