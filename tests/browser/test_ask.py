"""The pages in a real browser: ask, follow a citation, see the very words lit."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from answerable.app import init_workspace, open_app
from answerable.app.connecting import add_model
from fake_openai import FakeOpenAi

RUNBOOKS = Path(__file__).parents[2] / "examples" / "prometheus-operator-runbooks"
CHROMIUM = shutil.which("chromium")
PATIENCE_S = 60.0
QUESTION = "What should I check when KubeAPIDown fires?"
UNANSWERABLE = "Which xylophone suits a zucchini lasagna?"

TRUE = "The alert is triggered when all Kubernetes API servers have not been reachable."
FALSE = "The API server listens on port 9999."
TRUE_TOO = "Check the status of the API server targets in the Prometheus UI."

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
    pytest.mark.skipif(not RUNBOOKS.is_dir(), reason="the example runbooks are not vendored here"),
]

# The full round is a long one: `make accept`.
LOOKS = [
    "light",
    pytest.param("dark", marks=pytest.mark.accept),
    pytest.param("phone", marks=pytest.mark.accept),
    "no script",
]

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# Adds up every layout shift, also those right after a key, which browsers would forgive.
WATCH = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


# Notes what is added to an answer while it is on its way, in order.
NOTED = """
window.noted = [];
new MutationObserver((records) => {
  for (const { target, addedNodes } of records)
    for (const node of target.dataset?.at ? addedNodes : [])
      if (node.nodeType === 1) window.noted.push([target.dataset.at, node.textContent]);
}).observe(document, { childList: true, subtree: true });
"""


def test_a_browser_can_be_driven() -> None:
    """Playwright is there; without it the other tests would be skipped unseen."""
    assert pytest.importorskip("playwright.sync_api", reason="pip install playwright")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server over the example runbooks."""
    workspace = tmp_path_factory.mktemp("ops")
    init_workspace(workspace, data_dir="data")
    with open_app(workspace) as app:
        app.ingest(RUNBOOKS)
    with served(workspace) as address:
        yield address


@pytest.fixture(scope="module")
def writer() -> Iterator[FakeOpenAi]:
    """Give a model that writes a few words a second, one statement of three made up."""
    with FakeOpenAi(text=f"{TRUE} {FALSE} {TRUE_TOO}", tokens_s=12.0) as model:
        yield model


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, writer: FakeOpenAi) -> Iterator[str]:
    """Give the address of a server whose answers a model writes."""
    workspace = tmp_path_factory.mktemp("written")
    init_workspace(workspace, data_dir="data")
    add_model(workspace, writer.base_url, name="main")
    with open_app(workspace) as app:
        app.ingest(RUNBOOKS / "runbooks" / "kubernetes")
    with served(workspace) as address:
        yield address


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """Serve a workspace; give its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "answerable", "serve", "--workspace", workspace, "--port", "0"],
        stderr=subprocess.PIPE,
    ) as server:
        try:
            yield announced(server)
        finally:
            server.terminate()
            assert server.wait(PATIENCE_S) == 0


def announced(server: subprocess.Popen[bytes]) -> str:
    """Return the address a server announces on stderr."""
    assert server.stderr is not None
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while not said.endswith(b"\n"):
        readable, _, _ = select.select([server.stderr], [], [], 0.5)
        more = os.read(server.stderr.fileno(), 4096) if readable else None
        assert more != b"", said.decode()
        assert time.monotonic() < deadline
        said += more or b""
    return said.decode().split()[-1]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Give Debian's browser, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        except playwright.Error as error:
            pytest.skip(f"chromium does not start here: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@dataclass
class Tab:
    """A page, and everything it complained about."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        """Type a question, press Enter and wait for the outcome."""
        self.begin(question)
        self.page.wait_for_selector(".outcome:not(.live)")

    def begin(self, question: str) -> None:
        """Type a question and press Enter."""
        self.page.keyboard.type(question)
        self.page.keyboard.press("Enter")


@pytest.fixture(params=LOOKS)
def tab(request: pytest.FixtureRequest, chromium: Any, address: str) -> Iterator[Tab]:
    """Give the Ask page in each look."""
    with opened(chromium, address, request.param) as tab:
        yield tab


@contextmanager
def opened(chromium: Any, address: str, look: str) -> Iterator[Tab]:
    """Give the Ask page of a server; a test passes only if it never complained."""
    is_phone = look == "phone"
    context = chromium.new_context(
        base_url=address,
        viewport={"width": 360, "height": 740} if is_phone else {"width": 1100, "height": 800},
        color_scheme="dark" if look == "dark" else "light",
        java_script_enabled=look != "no script",
    )
    context.add_init_script(WATCH + NOTED)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    tab = Tab(page)
    # Violations of the content policy are console errors too.
    page.on("console", lambda said: tab.complaints.append(said.text))
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("requestfailed", lambda failed: tab.complaints.extend(failures(failed)))
    page.goto("/")
    yield tab
    context.close()
    assert tab.complaints == []


def failures(request: Any) -> list[str]:
    """Return why a request failed; one that its page did not wait for has not."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"{request.failure} {request.url}"]


def lit(page: Any) -> str:
    """Return the text that is highlighted."""
    return "".join(page.locator("mark").all_text_contents())


def bare(text: str) -> str:
    """Return a text without white space, which lies between blocks unmarked."""
    return "".join(text.split())


def in_viewport(page: Any) -> bool:
    """Return whether the highlight can be seen without scrolling."""
    box = page.locator("#cite").bounding_box()
    height = page.viewport_size["height"]
    return bool(box["y"] >= 0 and box["y"] + min(box["height"], 100) <= height)


def has_script(page: Any) -> bool:
    """Return whether htmx runs there."""
    try:
        return bool(page.evaluate("typeof htmx === 'object'"))
    except Exception:  # noqa: BLE001  whatever a browser without script says
        return False


def test_a_citation_leads_to_the_very_words(tab: Tab, address: str, tmp_path: Path) -> None:
    """Ask with the keyboard, click a number, and the quote is lit in the viewport."""
    page = tab.page
    tab.ask(QUESTION)
    assert "KubeAPIDown" not in page.url
    page.screenshot(path=tmp_path / "answer.png", full_page=True)
    quotes = page.locator(".quote")
    assert quotes.count() >= 1
    for number in range(quotes.count()):
        quote = quotes.nth(number)
        words = quote.locator(".words").inner_text()
        quote.locator(".cite").first.click()
        page.wait_for_selector("#cite")
        assert bare(lit(page)) == bare(words)
        assert in_viewport(page)
        assert "#cite" in page.url
        page.screenshot(path=tmp_path / f"document-{number}.png")
        page.go_back()
        page.wait_for_selector(".outcome")
    assert page.url.startswith(f"{address}/traces/")


def test_the_documents_do_not_say(tab: Tab, tmp_path: Path) -> None:
    """An unanswerable question is said to be one, in so many words."""
    tab.ask(UNANSWERABLE)
    assert "The documents do not say." in tab.page.locator("#answer").inner_text()
    assert tab.page.locator(".quote").count() == 0
    tab.page.screenshot(path=tmp_path / "abstained.png")


def test_nothing_moves_and_nothing_overflows(tab: Tab) -> None:
    """An answer that arrives moves nothing that was there; no page is wider than its window."""
    page = tab.page
    tab.ask(UNANSWERABLE)
    page.goto("/")
    tab.ask(QUESTION)
    page.wait_for_timeout(300)
    if has_script(page):
        assert page.evaluate("window.shifted") < 0.001
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".past a").count() >= 2


@pytest.mark.parametrize("tab", ["light"], indirect=True)
def test_the_keyboard_alone_is_enough(tab: Tab) -> None:
    """Slash, type, Enter, Tab to a number, Enter: the quote is lit and has the focus."""
    page = tab.page
    page.locator(".brand").focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "question"
    tab.ask(QUESTION)
    assert page.evaluate("document.activeElement.id") == "question"
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "cite":
            break
    words = page.evaluate(
        "document.activeElement.closest('.quote').querySelector('.words').innerText"
    )
    page.keyboard.press("Enter")
    page.wait_for_selector("#cite")
    assert bare(lit(page)) == bare(words)
    page.wait_for_function("document.activeElement.id === 'cite'")


@pytest.mark.parametrize("tab", ["light"], indirect=True)
def test_a_past_question_is_seen_again(tab: Tab, address: str) -> None:
    """The newest past question leads to its recorded answer; no address holds its words."""
    page = tab.page
    tab.ask(QUESTION)
    answer = page.locator(".claims").inner_text()
    page.locator(".past a").first.click()
    page.wait_for_selector(".recorded")
    assert page.locator(".claims").inner_text() == answer
    assert page.url.startswith(f"{address}/traces/")
    assert "KubeAPIDown" not in page.url


@pytest.mark.parametrize("tab", ["light"], indirect=True)
def test_a_server_that_is_gone_is_said_to_be(tab: Tab) -> None:
    """When no answer comes back, the page says so where the answer would stand."""
    page = tab.page
    page.route("**/", lambda route: route.abort())
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .problem")
    assert "answerable serve" in page.locator("#answer").inner_text()
    tab.complaints.clear()


@pytest.fixture(params=LOOKS)
def watched(request: pytest.FixtureRequest, chromium: Any, written: str) -> Iterator[Tab]:
    """Give the Ask page of the server whose answers a model writes."""
    with opened(chromium, written, request.param) as tab:
        yield tab


def test_a_statement_that_does_not_hold_is_dropped_in_sight(watched: Tab, tmp_path: Path) -> None:
    """Statements appear one by one while the model writes; a wrong one is struck, with why.

    A source says on the spot what it says, to the keyboard too; the next question follows.
    """
    page = watched.page
    is_live = has_script(page)
    watched.begin(QUESTION)
    if is_live:
        page.wait_for_selector(".live .claim")
        page.screenshot(path=tmp_path / "live.png", full_page=True)
    page.wait_for_selector(".outcome:not(.live)")
    page.screenshot(path=tmp_path / "written.png", full_page=True)
    assert page.locator(".claim .words").all_inner_texts() == [TRUE, TRUE_TOO]
    assert page.locator(".left-out del").all_inner_texts() == [FALSE]
    assert page.locator(".left-out .reason").inner_text().strip()
    assert "9999" not in page.locator(".claims").inner_text()
    assert page.locator(".verdict.supported").count() == 2
    facts = page.locator(".facts").inner_text()
    assert "written by main" in facts
    assert "unpriced" in facts
    if is_live:
        told = page.evaluate("window.noted")
        assert [name for name, _ in told] == ["claim", "dropped", "claim"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(CONTRAST) == []
    cite, peek = page.locator(".cite").first, page.locator(".peek").first
    assert not peek.is_visible()
    cite.hover()
    peek.wait_for(state="visible")
    page.screenshot(path=tmp_path / "peek.png", full_page=True)
    assert "KubeAPIDown.md" in peek.inner_text()
    page.mouse.move(0, 0)
    peek.wait_for(state="hidden")
    page.locator(".why-it summary").click()
    assert "found, not cited" in page.locator(".why-it").inner_text()
    page.screenshot(path=tmp_path / "why.png", full_page=True)
    page.locator("#further").fill("And what does KubeAPIDown mean?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".outcome:not(.live) .follows")
    assert QUESTION in page.locator(".follows").inner_text()
    page.screenshot(path=tmp_path / "follows.png", full_page=True)


@pytest.mark.parametrize("watched", ["light"], indirect=True)
def test_a_source_is_read_and_dismissed_with_the_keyboard(watched: Tab) -> None:
    """Its quote is there while its number has the focus, until Escape."""
    page = watched.page
    watched.ask(QUESTION)
    while page.evaluate("document.activeElement.className") != "cite":
        page.keyboard.press("Tab")
    peek = page.locator(".peek").first
    peek.wait_for(state="visible")
    page.keyboard.press("Escape")
    peek.wait_for(state="hidden")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cite")
    assert lit(page)


@pytest.mark.parametrize("watched", ["light"], indirect=True)
def test_an_answer_can_be_stopped(watched: Tab, writer: FakeOpenAi) -> None:
    """What was checked by then stands, the page says so, and the model is let go of."""
    page, whole = watched.page, writer.text
    writer.text = f"{TRUE} {'and so on ' * 400}"
    try:
        watched.begin(QUESTION)
        page.wait_for_selector(".live .claim")
        page.locator(".stop").click()
        page.wait_for_selector(".live.stopped")
        writer.wait_until(lambda model: model.disconnects == 1)
    finally:
        writer.text = whole
    assert "Stopped." in page.locator(".status").inner_text()
    assert page.locator(".claim .words").all_inner_texts() == [TRUE]


@pytest.mark.parametrize("tab", LOOKS[:3], indirect=True)
def test_text_can_be_read(tab: Tab) -> None:
    """Every text has the contrast WCAG AA asks for, on both pages, in both schemes."""
    page = tab.page
    tab.ask(QUESTION)
    assert page.evaluate(CONTRAST) == []
    page.locator(".cite").first.click()
    page.wait_for_selector("#cite")
    assert page.evaluate(CONTRAST) == []


# Contrast of every text against the first opaque background behind it.
# Source: WCAG 2.2, "relative luminance" and success criterion 1.4.3.
CONTRAST = """
() => {
  const rgba = (css) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba(matchMedia("(prefers-color-scheme: dark)").matches ? "black" : "white");
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("template, .hidden, .skip")) continue;
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= getComputedStyle(one).opacity;
    const back = behind(element);
    const ink = rgba(getComputedStyle(element).color);
    const seen = ink.map((part, at) => part * opacity + back[at] * (1 - opacity));
    const both = [luminance(seen.slice(0, 3)), luminance(back.slice(0, 3))];
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${element.className} ${node.data.slice(0, 30)}`);
  }
  return bad;
}
"""
