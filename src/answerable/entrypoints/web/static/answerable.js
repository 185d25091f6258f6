// Keys and focus. Every page works without this file.
"use strict";

document.addEventListener("keydown", (event) => {
  const box = document.getElementById("question");
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || !box || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// What a source says is shown while it is pointed at or has the focus, until Escape.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.body.classList.add("no-peek");
});
for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest?.(".cite")) document.body.classList.remove("no-peek");
  });
}

// What was refused is said in a place of its own, where a page has one.
document.addEventListener("htmx:response:error", async (event) => {
  const place = document.getElementById("notice");
  const said = event.detail?.ctx?.text;
  if (place && said) place.innerHTML = said;
});

document.addEventListener("htmx:error", () => {
  const message = document.getElementById("offline");
  const place = document.getElementById("answer");
  if (message && place) place.replaceChildren(message.content.cloneNode(true));
});

// The link has scrolled there already; focus follows so that the keyboard goes on from it.
const cited = document.getElementById("cite");
if (cited && location.hash === "#cite") cited.focus({ preventScroll: true });

// One key for one button, where a page says which: labels are given by the hundred.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select")) return;
  document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`)?.click();
});
