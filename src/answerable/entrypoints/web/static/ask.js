// Questions: what was checked is shown while the rest is still on its way.
// Without this file the forms do the same, all at once.
let asking = null;
let shownAt = location.pathname;
const GONE = Symbol("the reader stopped it");

const answer = () => document.getElementById("answer");

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-live]");
  if (!form || !answer()) return;
  event.preventDefault();
  ask(form);
});

document.addEventListener("click", (event) => {
  if (event.target.closest(".live .stop")) asking?.abort(GONE);
});

// Going back to an earlier answer of this page: its own address knows it.
window.addEventListener("popstate", () => {
  if (location.pathname !== shownAt) location.reload();
});

async function ask(form) {
  asking?.abort();
  const mine = (asking = new AbortController());
  const further = form.classList.contains("further");
  form.classList.add("asking");
  try {
    const response = await fetch("/", {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { accept: "text/event-stream" },
      signal: mine.signal,
    });
    if (further) document.getElementById("question").value = form.elements.question.value;
    await told(response, further);
  } catch {
    // Browsers differ in what a reader of the stream is told of an abort.
    if (mine.signal.reason === GONE) stopped();
    else if (asking === mine) offline();
  } finally {
    form.classList.remove("asking");
  }
}

async function told(response, further) {
  const kind = response.headers.get("content-type") ?? "";
  if (kind.startsWith("text/html")) return put(await response.text());
  if (!kind.startsWith("text/event-stream")) return refused(await response.json());
  const words = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let isOver = false;
  for (let bit = await words.read(); !bit.done; bit = await words.read()) {
    const events = (rest + bit.value).split("\n\n");
    rest = events.pop();
    for (const [, name, data] of events.map((one) => one.match(/^event: (\w+)\ndata: (.*)$/) ?? [])) {
      if (!name) continue;
      show(name, JSON.parse(data), further);
      isOver ||= name === "done" || name === "error";
    }
  }
  if (!isOver) offline();
}

function show(name, { html, past, address, said }, further) {
  if (name === "begun") begin(html, further);
  else if (name === "error") put(html);
  else if (name === "done") finish(html, past, address, said, further);
  else answer().querySelector(`[data-at="${name}"]`)?.insertAdjacentHTML("beforeend", html);
}

function begin(html, further) {
  put(html);
  // What stands below would be pushed down by every statement.
  document.getElementById("past").hidden = true;
  if (!further) return;
  answer().focus({ preventScroll: true });
  answer().scrollIntoView({ block: "nearest" });
}

function finish(html, past, address, said, further) {
  // Whoever looks at a source now goes on looking at it.
  const held = answer().contains(document.activeElement) && document.activeElement.getAttribute("href");
  put(html);
  document.getElementById("past").outerHTML = past;
  document.getElementById("said").textContent = said;
  if (held) answer().querySelector(`.cite[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  else if (further) document.getElementById("further")?.focus({ preventScroll: true });
  if (!address) return;
  history.pushState(null, "", address);
  shownAt = address;
}

function put(html) {
  answer().innerHTML = html;
  document.getElementById("past").hidden = false;
  window.htmx?.process(answer());
}

function stopped() {
  const status = answer().querySelector(".live .pulse");
  if (!status) return;
  status.textContent = status.dataset.stopped;
  status.closest(".live").classList.add("stopped");
  document.getElementById("past").hidden = false;
}

function offline() {
  answer().replaceChildren(document.getElementById("offline").content.cloneNode(true));
  document.getElementById("past").hidden = false;
}

function refused({ detail, hint }) {
  offline();
  answer().querySelector("h2").textContent = detail;
  answer().querySelector(".do span").textContent = hint;
  answer().querySelector("h2 + p:not(.do)")?.remove();
}
