"""What people think of an answer: a thumb, a reason, and words of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from answerable.domain.errors import BadInput

COMMENT_CHARS_MAX = 2_000
PER_PRINCIPAL_MAX = 50
"""How often one caller may rate one answer; only the last time counts anyway."""


class Thumb(StrEnum):
    """Whether an answer helped."""

    UP = "up"
    DOWN = "down"


class Complaint(StrEnum):
    """What was wrong with an answer. OTHER says that the comment has it, for either thumb."""

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"
    OFF_TOPIC = "off_topic"
    BAD_SOURCE = "bad_source"
    UNCLEAR = "unclear"
    SHOULD_ANSWER = "should_answer"
    OTHER = "other"

    @property
    def sentence(self) -> str:
        """The complaint as people make it."""
        return _SENTENCES[self]


_SENTENCES = {
    Complaint.WRONG: "what it says is wrong",
    Complaint.INCOMPLETE: "something is missing",
    Complaint.OUTDATED: "it is no longer true",
    Complaint.OFF_TOPIC: "it answers another question",
    Complaint.BAD_SOURCE: "it quotes a document that should not be asked",
    Complaint.UNCLEAR: "it cannot be understood",
    Complaint.SHOULD_ANSWER: "the documents do say, and it did not",
    Complaint.OTHER: "something else",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What one caller thought of one answer at one moment.

    Attributes:
        complaint: None when no reason was given.
        comment: In words; empty when there are none, or retention has taken them.
    """

    trace_id: str
    at_ms: int
    principal: str
    thumb: Thumb
    complaint: Complaint | None = None
    comment: str = ""


def new_feedback(
    *,
    trace_id: str,
    at_ms: int,
    principal: str,
    thumb: Thumb,
    complaint: Complaint | None,
    comment: str,
) -> Feedback:
    """Return a feedback that makes sense.

    Raises:
        BadInput: The comment is too long or no Unicode, or a thumb up complains.
    """
    said = comment.strip()
    if len(said) > COMMENT_CHARS_MAX:
        raise BadInput(
            f"the comment has {len(said):,} characters; at most {COMMENT_CHARS_MAX:,}",
            hint="say it shorter; what belongs into the documents goes there",
        )
    if not _is_unicode(said):
        raise BadInput("the comment is not valid Unicode", hint="send it as UTF-8")
    if thumb is Thumb.UP and complaint not in (None, Complaint.OTHER):
        raise BadInput(
            f"“{complaint}” is a reason for a thumb down", hint="leave it out, or rate it down"
        )
    return Feedback(
        trace_id=trace_id,
        at_ms=at_ms,
        principal=principal,
        thumb=thumb,
        complaint=complaint,
        comment=said,
    )


def because(words: str) -> tuple[Complaint | None, str]:
    """Return the complaint and the comment that a reason in words stands for."""
    said = words.strip()
    if not said:
        return None, ""
    name = said.lower().replace("-", "_").replace(" ", "_")
    return (Complaint(name), "") if name in set(Complaint) else (Complaint.OTHER, said)


def counting(given: Iterable[Feedback]) -> tuple[Feedback, ...]:
    """Return what counts: of each caller the last on each answer.

    Args:
        given: In the order it was given.
    """
    return tuple({(one.trace_id, one.principal): one for one in given}.values())


def says_the_same(one: Feedback, other: Feedback) -> bool:
    """Return whether two say the same of an answer, whenever they were given."""
    return replace(one, at_ms=0) == replace(other, at_ms=0)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
