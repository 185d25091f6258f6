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

document.addEventListener("htmx:error", () => {
  const message = document.getElementById("offline");
  const place = document.getElementById("answer");
  if (message && place) place.replaceChildren(message.content.cloneNode(true));
});

// The link has scrolled there already; focus follows so that the keyboard goes on from it.
const cited = document.getElementById("cite");
if (cited && location.hash === "#cite") cited.focus({ preventScroll: true });
