"""The pages show what the app said, safely, and say so when something is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from fake_app import RUNBOOK, FakeApp, client_of
from starlette.testclient import TestClient

from answerable.domain.documents import text_hash
from answerable.domain.errors import StorageFailure
from answerable.domain.questions import Citation

HTML = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def app() -> FakeApp:
    """Return an app with three documents."""
    return FakeApp()


@pytest.fixture
def client(app: FakeApp) -> Iterator[TestClient]:
    """Give a client of the site over it."""
    with client_of(app) as client:
        yield client


def link(citation: Citation, **changes: object) -> str:
    """Return the address of a citation's page, with some parameters changed."""
    where = {
        "revision": 3,
        "start": citation.start,
        "end": citation.end,
        "hash": citation.content_hash,
    } | changes
    return f"/documents/{citation.document_id}?{urlencode(where)}"


def marks(html: str) -> list[str]:
    """Return what is marked."""
    return re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.DOTALL)


def test_a_form_without_script_gets_a_whole_page(client: TestClient) -> None:
    """Posting the form leads to a page of the answer, the question still in its box."""
    posted = client.post("/", data={"question": "API down?"}, follow_redirects=False)
    assert (posted.status_code, posted.headers["location"]) == (303, "/traces/t0000")
    page = client.get(posted.headers["location"]).text
    assert page.startswith("<!doctype html>")
    assert 'value="API down?"' in page
    assert "kubectl get pods" in page
    assert "quoted verbatim, no model" in page


def test_every_citation_leads_to_its_highlight(client: TestClient) -> None:
    """Each link of an answer opens a page that marks the very words that were quoted."""
    page = client.post("/", data={"question": "API down?"}).text
    links = re.findall(r'class="cite" href="([^"]+)"', page)
    assert len(links) == 4
    for address in links:
        assert address.endswith("#cite")
        read = client.get(address.replace("&amp;", "&").removesuffix("#cite"))
        assert read.status_code == 200
        assert marks(read.text)
        assert read.text.count('id="cite"') == 1


def test_an_answer_that_is_not_kept_is_shown_at_once(app: FakeApp, client: TestClient) -> None:
    """Where no trace is kept the answer still comes, without an address of its own."""
    app.keeps = False
    posted = client.post("/", data={"question": "API down?"})
    assert posted.status_code == 200
    assert not posted.history
    assert "kubectl get pods" in posted.text


def test_abstaining_is_said_plainly(client: TestClient) -> None:
    """No answer is dressed up: the page says that the documents do not say, and what is near."""
    page = client.post("/", data={"question": "the phone number?"}).text
    assert "The documents do not say." in page
    assert "No sentence covers what was asked." in page
    assert "Closest documents" in page


def test_past_questions_can_be_seen_again(app: FakeApp, client: TestClient) -> None:
    """A past question leads to its recorded answer, also after its text was forgotten."""
    client.post("/", data={"question": "API down?"})
    assert '<a href="/traces/t0000">' in client.get("/").text
    page = client.get("/traces/t0000").text
    assert "Asked 2023-11-14 22:13 UTC" in page
    assert "kubectl get pods" in page
    object.__setattr__(app.asked[0], "question", "")
    assert "no longer kept" in client.get("/traces/t0000").text
    assert "(text no longer kept)" in client.get("/").text


def test_an_empty_library_says_what_to_do(app: FakeApp, client: TestClient) -> None:
    """The first page of all names the one command."""
    app.is_ready = False
    assert "<code>answerable ingest PATH</code>" in client.get("/").text
    response = client.post("/", data={"question": "x"})
    assert response.status_code == 503
    assert "answerable ingest PATH" in response.text


def test_a_failure_is_shown_in_place(app: FakeApp, client: TestClient) -> None:
    """What went wrong stands where the answer would, with what to do."""
    response = client.post("/", data={"question": " "})
    assert response.status_code == 422
    assert "The question is empty" in response.text
    assert "write a question" in response.text
    app.failure = StorageFailure("the index cannot be read", hint="answerable revisions verify")
    part = client.post("/", data={"question": "x"}, headers={"accept": "text/event-stream"})
    assert part.status_code == 503
    assert "<html" not in part.text
    assert "answerable revisions verify" in part.text


def test_a_missing_page_is_a_page(client: TestClient) -> None:
    """Browsers get a page, programs a problem."""
    for path in ("/documents/nope", "/traces/nope", "/nothing", "/documents/x?start=-1"):
        page = client.get(path, headers=HTML)
        assert page.status_code in (404, 422)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert client.get(path).headers["content-type"] == "application/problem+json"
    assert client.get("/v1/nothing", headers=HTML).headers["content-type"].endswith("problem+json")


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def test_hostile_names_and_words_stay_words(app: FakeApp, client: TestClient) -> None:
    """Names, questions and texts are never markup."""
    app.texts[f"upload/{HOSTILE}.md"] = f"# {HOSTILE}\n\n{HOSTILE}\n"
    citation = app.citation(HOSTILE, f"upload/{HOSTILE}.md")
    pages = [
        client.post("/", data={"question": HOSTILE}).text,
        client.get("/").text,
        client.get(link(citation)).text,
        client.get(f"/documents/{citation.document_id}").text,
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_names_that_are_no_unicode_do_not_break_the_page(app: FakeApp, client: TestClient) -> None:
    """A file name with stray bytes is shown with a replacement."""
    app.texts["upload/\udcff.md"] = "# Odd\n\nOdd words.\n"
    citation = app.citation("Odd words.", "upload/\udcff.md")
    assert client.get(link(citation)).status_code == 200
    assert client.get("/v1/documents").status_code == 200


def test_the_quote_is_marked_across_what_is_masked(app: FakeApp, client: TestClient) -> None:
    """A comment in the middle of a quoted span stays hidden."""
    first = app.citation("The Kubernetes API server is not reachable.")
    end = RUNBOOK.index("deployed.") + len("deployed.")
    page = client.get(link(first, end=end)).text
    assert "".join(marks(page)) == (
        "The Kubernetes API server is not reachable.  Nothing can be deployed."
    )
    assert "Ada" not in page
    assert "Go to the quote, line 8" in page


def test_a_changed_document_is_shown_as_it_was(app: FakeApp, client: TestClient) -> None:
    """The link's own revision is shown while it is there, and the page says it is old."""
    citation = app.citation("Nothing can be deployed.")
    app.now = RUNBOOK.replace("deployed", "changed")
    page = client.get(link(citation)).text
    assert marks(page) == ["Nothing can be deployed."]
    assert "It has changed since" in page
    gone = client.get(link(citation, revision=1)).text
    assert "the text of that time is no longer kept" in gone
    assert not marks(gone)
    assert "Nothing can be changed." in gone


def test_a_hash_of_no_text_marks_nothing(app: FakeApp, client: TestClient) -> None:
    """Offsets count in one text only; in another one they would light the wrong words."""
    page = client.get(link(app.citation("Nothing can be deployed."), hash="0" * 64)).text
    assert not marks(page)
    assert "the text of that time is no longer kept" in page


def test_an_unchanged_document_needs_no_old_revision(app: FakeApp, client: TestClient) -> None:
    """A link outlives its revision as long as the text is the same."""
    page = client.get(link(app.citation("Nothing can be deployed."), revision=1)).text
    assert marks(page) == ["Nothing can be deployed."]
    assert "notice" not in page


@pytest.mark.parametrize("span", [(5, 5), (9, 3), (0, 10**9), (10**8, 10**9)])
def test_a_made_up_span_is_harmless(
    app: FakeApp, client: TestClient, span: tuple[int, int]
) -> None:
    """Offsets that nobody cited mark what there is of them, or nothing."""
    citation = app.citation("Nothing can be deployed.")
    response = client.get(link(citation, start=span[0], end=span[1]))
    assert response.status_code == 200
    assert bool(marks(response.text)) == (span == (0, 10**9))


def test_a_large_document_comes_in_pages(app: FakeApp, client: TestClient) -> None:
    """Following the links reads on, and the mark is on the page that holds it alone."""
    path = "upload/big.md"
    app.texts[path] = "# Big\n\n" + "A line of words.\n\n" * 10_000 + "The end is near.\n"
    page = client.get(f"/documents/{app.citation('The end is near.', path).document_id}").text
    assert len(page) < 400_000
    seen = 1
    while match := re.search(r'<a href="([^"]+)">Show what comes after', page):
        page = client.get(match[1].replace("&amp;", "&")).text
        seen += 1
    assert "The end is near." in page
    assert seen == 4
    cited = client.get(link(app.citation("The end is near.", path))).text
    assert marks(cited) == ["The end is near."]
    before = re.search(r'<a href="([^"]+)">Show what comes before', cited)
    assert before is not None
    assert text_hash(app.texts[path]) in before[1]
    earlier = client.get(before[1].replace("&amp;", "&")).text
    assert not marks(earlier)
    assert "Go to the quote" not in earlier
