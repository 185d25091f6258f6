"""Question sets: what is read, and that mistakes are named."""

import json

import pytest

from answerable.domain.errors import BadInput
from answerable.quality.questions import parse_corpus, parse_queries, parse_questions


def lines(*rows: object) -> list[str]:
    """Return rows as JSONL."""
    return [json.dumps(row) for row in rows]


def test_a_question_with_everything_is_read() -> None:
    """The gold document weighs 2 and others that say the same weigh 1."""
    row = {
        "id": "q1",
        "question": "how long?",
        "answerable": True,
        "gold_doc": "a.md",
        "acceptable_docs": ["b.md", "a.md"],
        "gold_quote": "30 seconds",
        "tags": ["low-overlap"],
        "split": "held",
        "unknown": {"ignored": 1},
    }
    (case,) = parse_questions(lines(row), name="set")
    assert dict(case.grades) == {"a.md": 2.0, "b.md": 1.0}
    assert (case.id, case.quotes, case.tags) == ("q1", ("30 seconds",), ("low-overlap",))
    assert case.split == "held"
    assert case.is_judged


def test_what_is_missing_has_a_default() -> None:
    """A bare question is answerable, plain, and known by its line."""
    (case,) = parse_questions(["", '{"question": "why?"}'], name="set")
    assert (case.id, case.answerable, case.tags, dict(case.grades)) == ("2", True, ("plain",), {})
    assert (case.split, case.is_judged) == ("", False)


def test_an_unanswerable_question_is_grouped_by_its_kind() -> None:
    """Null fields of an unanswerable row are no error."""
    row = {
        "id": "u",
        "question": "vault?",
        "answerable": False,
        "gold_doc": None,
        "gold_quote": None,
        "kind": "other-product",
        "tags": ["unanswerable", "other-product"],
    }
    (case,) = parse_questions(lines(row), name="set")
    assert case.tags == ("unanswerable", "other-product")
    assert not case.answerable
    assert not case.grades
    assert not case.is_judged


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 1: this is not JSON"),
        ("[" * 100_000, "line 1: this is not JSON"),
        ("[1]", "line 1: this is not a JSON object"),
        ("{}", "line 1: question"),
        ('{"question": "  "}', "line 1: question"),
        ('{"question": 5}', "line 1: question"),
        ('{"question": "a", "answerable": "yes"}', "line 1: answerable"),
        ('{"question": "a", "tags": "x"}', "line 1: tags"),
        ('{"question": "a", "acceptable_docs": [1]}', "line 1: acceptable_docs"),
        ('{"question": "a", "gold_doc": ["x"]}', "line 1: gold_doc"),
    ],
)
def test_a_mistake_is_named_by_line_and_field(line: str, named: str) -> None:
    """Whoever wrote the set can find the mistake."""
    with pytest.raises(BadInput) as caught:
        parse_questions([line], name="mine.jsonl")
    assert f"mine.jsonl, {named}" in caught.value.message


def test_an_id_is_used_once() -> None:
    """Two cases of one id could not be told apart in a comparison."""
    with pytest.raises(BadInput, match="line 2: id"):
        parse_questions(lines({"id": "a", "question": "x"}, {"id": "a", "question": "y"}), name="s")


def test_a_folder_gives_queries_with_their_relevant_documents() -> None:
    """Scores of 0 or less are not relevant; answers are quotes."""
    queries = lines(
        {"id": "1", "text": "when?", "answers": ["1973", " "], "answerable": True},
        {"id": "2", "text": "who?", "answers": [], "answerable": False},
    )
    qrels = ["query-id\tcorpus-id\tscore\n", "1\tp#0\t4\n", "1\tp#1\t0\n", "\n"]
    first, second = parse_queries(queries, qrels, name="squad2")
    assert dict(first.grades) == {"p#0": 4.0}
    assert first.quotes == ("1973",)
    assert second.tags == ("unanswerable",)


@pytest.mark.parametrize("row", ["1\tp", "1\tp\tx", "1 p 1"])
def test_a_broken_judgement_is_named(row: str) -> None:
    """A judgement that is not three columns is an error, not a miss."""
    with pytest.raises(BadInput, match="set/qrels, line 2"):
        parse_queries([], ["head", row], name="set")


def test_a_corpus_gives_pages() -> None:
    """A title may be missing, a text may be empty, an id may not."""
    first, second = parse_corpus(
        lines({"id": "1", "text": "x", "title": "T"}, {"id": "2"}), name="s"
    )
    assert (first.title, first.text, second.title, second.text) == ("T", "x", "", "")
    with pytest.raises(BadInput, match="line 1: id"):
        list(parse_corpus(lines({"text": "x"}), name="s"))
