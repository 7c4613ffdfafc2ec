// Loaded first and on its own: show unexpected errors of the other scripts, and scripts that do not load.
// @ts-check
"use strict";

(() => {
  /** @param {string} detail */
  function tell(detail) {
    const place = document.getElementById("page-problem");
    if (!place) {
      document.addEventListener("DOMContentLoaded", () => tell(detail), { once: true });
      return;
    }
    const notice = document.createElement("div");
    notice.className = "notice bad";
    const title = document.createElement("strong");
    title.textContent = "Something unexpected happened on this page";
    const text = document.createElement("p");
    text.textContent = `${detail.slice(0, 200)}.`;
    const hint = document.createElement("p");
    hint.textContent = "The last step may not have been done. Save what is finished, reload the page and try again.";
    notice.append(title, text, hint);
    place.replaceChildren(notice);
    notice.scrollIntoView({ block: "nearest" });
  }

  /** @param {unknown} reason */
  const words = (reason) => (reason instanceof Error ? `${reason.name}: ${reason.message}` : "an unexpected value");

  // Errors of scripts that do not load arrive only in the capture phase.
  addEventListener("error", (/** @type {Event} */ event) => {
    if (event instanceof ErrorEvent) tell(event.error ? words(event.error) : event.message);
    else if (event.target instanceof HTMLScriptElement) tell("A part of the page could not be loaded");
  }, true);
  addEventListener("unhandledrejection", (event) => tell(words(event.reason)));
})();
