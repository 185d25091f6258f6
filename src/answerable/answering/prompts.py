"""What a model is told: one file for each task, with what comes from outside marked as data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from answerable.answering.excerpt import Excerpt
from answerable.answering.ports import Message
from answerable.domain.questions import Turn
from answerable.library.visible import headline

TASKS = ("answer", "repair", "rewrite")
DECLINED = "NOT IN THE PASSAGES"

_MARK_DIGITS = 16


@cache
def own_prompts() -> tuple[tuple[str, str], ...]:
    """Return the prompts this version ships, by task: what a release pins."""
    folder = files(__package__) / "prompts"
    return tuple((task, (folder / f"{task}.md").read_text(encoding="utf-8")) for task in TASKS)


def boundary(trace_id: str) -> str:
    """Return what marks data in the prompts of one question.

    No document was written by somebody who knew it: ids of traces hold random bits.
    """
    return sha256(f"boundary {trace_id}".encode()).hexdigest()[:_MARK_DIGITS]


def to_answer(
    prompt: str, question: str, shown: Sequence[Excerpt], *, mark: str
) -> tuple[Message, ...]:
    """Return the messages that ask for an answer from these passages, numbered from 1."""
    passages = "\n\n".join(
        _data(f"passage {number}", f"{_where(one)}\n\n{one.text.strip()}", mark)
        for number, one in enumerate(shown, start=1)
    )
    asked = _data("question", question, mark)
    return (
        Message(role="system", text=prompt),
        Message(
            role="user",
            text=f"{passages}\n\n{asked}\n\nAnswer the question from the passages above.",
        ),
    )


def to_repair(
    messages: Sequence[Message], draft: str, prompt: str, *, fault: str
) -> tuple[Message, ...]:
    """Return the messages that ask once more, with what was wrong."""
    said = (Message(role="assistant", text=draft),) if draft.strip() else ()
    return (*messages, *said, Message(role="user", text=prompt.replace("{fault}", fault)))


def to_rewrite(
    prompt: str, question: str, turns: Sequence[Turn], *, mark: str
) -> tuple[Message, ...]:
    """Return the messages that ask for a question that can stand alone."""
    earlier = "\n\n".join(
        _data("question", turn.question, mark) + "\n" + _data("answer", turn.answer, mark)
        for turn in turns
    )
    return (
        Message(role="system", text=prompt),
        Message(
            role="user", text=f"{earlier}\n\nThe new question:\n{_data('new', question, mark)}"
        ),
    )


def _where(one: Excerpt) -> str:
    """Return the title and headings a passage stands under."""
    passage = one.passage
    trail = dict.fromkeys((passage.title or passage.path, *passage.chunk.heading))
    return " > ".join(headline(part) for part in trail if part.strip())


def _data(name: str, text: str, mark: str) -> str:
    return f"<{name} {mark}>\n{text.replace(mark, '')}\n</{name} {mark}>"
