// Shows what the server sends: HTML by element, over server-sent events. It holds no state of the run.
"use strict";

const { run, interval, control } = document.body.dataset;
const query = run ? `?run=${encodeURIComponent(run)}` : "";
const patienceMs = (2 * Number(interval) + 6) * 1000; // two readings and a slow network
const contact = document.getElementById("contact");
let heardAt = Date.now();

// The token has become a cookie: keep it out of the history and of copied addresses.
history.replaceState(null, "", "/" + query);

// All HTML comes from this server, escaped there. The policy names the one place that inserts it,
// where the browser enforces trusted types; scripts in it would be refused by the page's policy.
const policy = window.trustedTypes?.createPolicy("parts", { createHTML: (html) => html });

function insert(element, html) {
  const opened = [...element.querySelectorAll("details")].map((each) => each.open);
  const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 30;
  element.innerHTML = policy ? policy.createHTML(html) : html;
  element.querySelectorAll("details").forEach((each, n) => (each.open = opened[n] ?? false));
  element.closest("section").hidden = html === "";
  if (atEnd) element.scrollTop = element.scrollHeight;
}

function show(parts) {
  for (const [id, html] of Object.entries(parts)) {
    if (id === "title") document.title = html;
    else insert(document.getElementById(id), html);
  }
}

// A page that gets no news must not look like a run that is fine.
function tell(message) {
  const isLost = message !== "";
  if (contact.textContent !== message) contact.textContent = message;
  contact.hidden = !isLost;
  document.body.classList.toggle("lost", isLost);
  if (isLost && !document.title.startsWith("? ")) document.title = "? " + document.title;
}

function age() {
  const seconds = Math.round((Date.now() - heardAt) / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function listen() {
  const events = new EventSource("/events" + query);
  events.onmessage = (event) => {
    heardAt = Date.now();
    const parts = JSON.parse(event.data);
    tell("");
    show(parts);
    if (!("title" in parts)) document.title = document.title.replace(/^\? /, "");
  };
  events.onerror = () => {
    if (events.readyState !== EventSource.CLOSED) return check(); // it tries again by itself
    tell("The monitor refuses this page: it was started anew. Open the address that it printed.");
    setTimeout(listen, 10000);
  };
}

function check() {
  if (Date.now() - heardAt > patienceMs || !navigator.onLine)
    tell(`No contact with the monitor for ${age()}: what is shown is that old.`);
}

async function send(request) {
  const answer = await fetch("/request" + query, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Blobmaster-Control": control },
    body: JSON.stringify({ request }),
  }).catch(() => null);
  if (answer?.ok) return;
  const why = answer ? await answer.text() : "the monitor does not answer";
  const line = document.createElement("p");
  line.className = "error";
  line.textContent = `${request} was not sent: ${why}`;
  document.getElementById("controls").append(line);
}

function ask(question, request) {
  const dialog = document.querySelector("dialog");
  dialog.querySelector("p").textContent = question;
  dialog.returnValue = "no";
  dialog.onclose = () => dialog.returnValue === "yes" && send(request);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const { request, question } = event.target.dataset ?? {};
  if (!request) return;
  if (question) ask(question, request);
  else send(request);
});

document.getElementById("levels")?.addEventListener("change", (event) => {
  document.getElementById("log").dataset.least = event.target.value;
});

listen();
setInterval(check, 2000);
