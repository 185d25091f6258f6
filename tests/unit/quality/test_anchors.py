"""Question sets that no longer fit their documents, or themselves."""

from __future__ import annotations

import pytest

from answerable.domain.errors import BadInput
from answerable.quality.anchors import Fault, flaws
from answerable.quality.questions import Case, parse_questions, parse_table, written_case

TEXTS = {
    "a.md": "# A\n\nRestart the *ingester* twice a day. Then wait.\n",
    "b.md": "# B\n\nThe pump is checked every other Monday by the keeper.\n",
}


def case(name: str, *, quote: str = "", doc: str = "a.md", text: str = "", **how: bool) -> Case:
    return Case(
        id=name,
        question=text or name,
        grades={doc: 2.0} if doc else {},
        quotes=(quote,) if quote else (),
        answerable=how.get("answerable", True),
    )


def test_a_set_that_fits() -> None:
    """Marks of Markdown and white space do not count."""
    assert flaws([case("1", quote="Restart the ingester\n twice"), case("2", doc="")], TEXTS) == ()


def test_a_quote_that_moved_to_another_document() -> None:
    """It is offered there."""
    (found,) = flaws([case("1", quote="checked every other Monday")], TEXTS)
    assert (found.fault, found.document) == (Fault.QUOTE_ELSEWHERE, "b.md")


def test_a_quote_that_was_written_anew() -> None:
    """The nearest text of its document is offered; where none is near, nothing is."""
    (found,) = flaws([case("1", quote="Restart the ingester three times a day.")], TEXTS)
    assert (found.fault, found.document) == (Fault.QUOTE_GONE, "a.md")
    assert found.quote == "Restart the *ingester* twice a day."
    (found,) = flaws([case("1", quote="Nothing of the kind was ever written")], TEXTS)
    assert (found.document, found.quote) == ("", "")


def test_a_document_that_is_not_there() -> None:
    """One of several is enough."""
    (found,) = flaws([case("1", doc="gone.md")], TEXTS)
    assert found.fault is Fault.NO_DOCUMENT
    both = Case(id="1", question="q", answerable=True, grades={"gone.md": 1.0, "a.md": 2.0})
    assert flaws([both], TEXTS) == ()


def test_questions_that_are_asked_twice() -> None:
    """The same, or the opposite."""
    found = flaws(
        [
            case("1", text="How often?"),
            case("2", text="how  OFTEN?"),
            case("3", text="How often?", answerable=False),
        ],
        TEXTS,
    )
    assert [one.fault for one in found] == [Fault.TWICE, Fault.CONTRADICTION]


def test_a_table_is_read_as_its_lines_are() -> None:
    """Commas or semicolons, cells over several lines, lists, and empty cells that say nothing."""
    table = [
        "id;question;answerable;gold_doc;gold_quote;tags;forbidden;acceptable_docs",
        '1;"How often?";yes;a.md;"Restart the',
        'ingester";daily | slow;SECRET;b.md',
        "2;And why?;FALSE;;;;;",
        ";Where?;;;;;;",
    ]
    one, two, three = parse_table(table, name="t.csv")
    assert (one.question, one.quotes) == ("How often?", ("Restart the\ningester",))
    assert (one.tags, one.forbidden) == (("daily", "slow"), ("SECRET",))
    assert one.grades == {"b.md": 1.0, "a.md": 2.0}
    assert (two.answerable, two.quotes, three.id) == (False, (), "5")
    assert parse_table(["question,id", "a,1"], name="t")[0].question == "a"


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([], "no column is called question"),
        (["id,text", "1,a"], "no column is called question"),
        (["id,question", "1,a,b"], "line 2: it has more or fewer cells"),
        (["id,question", "1"], "line 2: it has more or fewer cells"),
        (["question,answerable", "a,maybe"], "line 2: answerable has to be true or false"),
        (["question,id", "a,1", "b,1"], "line 3: id was used by an earlier line"),
        (["question", '"a'], "this is not CSV"),
    ],
)
def test_a_table_that_cannot_be_read(table: list[str], says: str) -> None:
    """It says where."""
    with pytest.raises(BadInput, match=says):
        parse_table(table, name="t.csv")


def test_a_case_survives_its_line() -> None:
    """As far as a line can say it."""
    lines = [
        '{"id": "1", "question": "q", "answerable": false, "kind": "other"}',
        '{"id": "2", "question": "q2", "gold_doc": "a", "gold_quote": "b", "facts": ["c"]}',
    ]
    cases = parse_questions(lines, name="x")
    again = parse_questions(map(written_case, cases), name="x")
    assert again == cases
