"""The documentation: complete where it must be, and no link leads nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerable.domain import errors
from answerable.library.ports import Unreadable

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "README.md"])


ERRORS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, errors.AnswerableError)
]


def prose(page: Path) -> str:
    """Return a page without its code blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """Return what `#…` can point at in a page, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def links(page: Path) -> Iterator[str]:
    """Give the targets of all links that stay in the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_every_error_has_its_row(error: type[errors.AnswerableError]) -> None:
    """A code that a user can meet is explained, with the exit code and status it really has."""
    row = f"| `{error.code}` | {error.exit_code} | {error.status} | "
    assert row in (GUIDE / "errors.md").read_text()


def test_no_row_without_error() -> None:
    """The page of errors explains no code that has gone."""
    text = (GUIDE / "errors.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \| \d+ \| \d+ \|", text, flags=re.MULTILINE))
    assert rows == {error.code for error in ERRORS}


def test_every_reason_for_leaving_a_file_has_its_row() -> None:
    """A code beside a path in the report of an ingest is explained."""
    described = (Unreadable.__doc__ or "").partition("code:")[2].partition("reason:")[0]
    text = (GUIDE / "errors.md").read_text()
    codes = re.findall(r"``(\w+)``", described)
    assert codes
    assert [code for code in codes if f"\n| `{code}` | " not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """Every link inside the repository leads to a file, and to a heading where it names one."""
    dead = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_the_index_lists_every_guide_page() -> None:
    """No page of the guide is hidden from who starts at its index."""
    listed = set(links(GUIDE / "index.md"))
    assert {page.name for page in GUIDE.glob("*.md")} - {"index.md"} <= listed


def test_decisions_are_numbered_and_whole() -> None:
    """Decisions count up from 0001 and say what was given up and what would change our mind."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:5] for page in pages] == [f"{n:04}-" for n in range(1, len(pages) + 1)]
    for page in pages:
        sections = re.findall(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)
        assert sections == ["Context", "Decision", "What we gave up", "What would change our mind"]
