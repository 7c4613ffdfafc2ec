// Start the page: ask the service what it can do, and show the view named in the address.
// @ts-check

import { byId, showProblem } from "./dom.js";
import { ProtectView } from "./protect.js";
import { RecoverView } from "./recover.js";
import { ask, prepare } from "./service.js";

const VIEWS = ["protect", "recover", "about"];

function show(name, focus) {
  const view = VIEWS.includes(name) ? name : VIEWS[0];
  for (const each of VIEWS) byId(`view-${each}`).hidden = each !== view;
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav a"))) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${byId(`${view}-title`).textContent} · PRO-Face S`;
  if (focus) { scrollTo(0, 0); byId(`${view}-title`).focus({ preventScroll: true }); }
}

function askForToken() {
  const dialog = byId("token-dialog");
  byId("token").value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(byId("token").value.trim()), { once: true });
  });
}

async function start() {
  await prepare(askForToken).catch(() => {}); // a service that does not answer is spoken of below
  if (!["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) {
    byId("where").textContent = `Photos go to ${location.hostname}, and nowhere else.`;
  }
  show(location.hash.slice(1), false);
  addEventListener("hashchange", () => { // the link that skips to the content is no view
    if (VIEWS.includes(location.hash.slice(1))) show(location.hash.slice(1), true);
  });
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
  try {
    const about = await ask("GET", "/api/about");
    byId("version").textContent = `Version ${about.version}.`;
    if (about.clips) {
      byId("protect-title").textContent = "Protect a photo or a clip";
      byId("recover-title").textContent = "Recover a photo or a clip";
    }
    const recovering = new RecoverView(about);
    const opened = (files) => { location.hash = "recover"; recovering.take(files); };
    new ProtectView(about, { recover: opened });
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    showProblem(byId("protect-problem"), error);
  }
}

start();
