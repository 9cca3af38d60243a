/** Starts the page, and switches between playing, the advisor and the rules. */

import { advisorPage } from "./advisor.js";
import { h, stored, store } from "./dom.js";
import { levels } from "./networks.js";
import { playPage } from "./play.js";
import { rulesPage } from "./rules_page.js";

const PAGES = { play: playPage, advisor: advisorPage, rules: rulesPage };

const main = document.getElementById("main");
let leavePage = () => {};

function openPage(name) {
  leavePage();
  for (const tab of document.querySelectorAll("[data-page]")) {
    if (tab.dataset.page === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  store("page", name);
  const element = h("div", { class: `page ${name}` });
  main.replaceChildren(element);
  leavePage = PAGES[name](element);
}

/** Read the networks and open the page that was open last. */
function start() {
  document
    .querySelector(".foot")
    .append(`Offline: this page asks no server for anything. Player: ${levels()[0].name}.`);
  for (const tab of document.querySelectorAll("[data-page]")) {
    tab.addEventListener("click", () => openPage(tab.dataset.page));
  }
  const last = stored("page");
  openPage(last in PAGES ? last : "play");
}

function startOrExplain() {
  try {
    start();
  } catch (error) {
    console.error(error);
    const text = "This file is damaged: get it again, or export it again.";
    main.replaceChildren(h("p", { class: "problem", role: "alert" }, text));
  }
}

// Chromium may run a script before its browser process knows of the document. A storage that is read
// so early is empty and saves nothing: on a busy machine one reload in a hundred lost the game
// (Chromium 150). The first frame comes from that process, so from then on it knows.
main.replaceChildren();
requestAnimationFrame(() => setTimeout(startOrExplain));
