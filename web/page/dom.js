/** Makes elements, and says things to screen readers. */

/**
 * Make an element: `h("button", { class: "card", on: { click } }, "text")`.
 *
 * Attributes that are null or false are left out. `on` holds listeners, `set` CSS variables.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value))
        element.addEventListener(event, listener);
    } else if (name === "set") {
      // Through the object model: the page's policy forbids style attributes in markup.
      for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    } else if (value !== null && value !== false && value !== undefined) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined),
  );
  return element;
}

/** A button with a text. */
export const button = (text, click, attributes = {}) =>
  h("button", { type: "button", on: { click }, ...attributes }, text);

/** A labelled select: `options` are pairs of value and text. */
export function select(label, name, options, value, change = null) {
  const choices = options.map(([key, text]) =>
    h("option", { value: key, selected: key === value }, text),
  );
  const listeners = change ? { change: (event) => change(event.target.value) } : {};
  return h(
    "label",
    { class: "field" },
    h("span", {}, label),
    h("select", { name, on: listeners }, choices),
  );
}

/** The numbers of a range, as options of a select. */
export const numbers = (low, high) =>
  Array.from({ length: high - low + 1 }, (_, i) => [String(low + i), String(low + i)]);

/** Show a dialog with a button that closes it; return it. */
export function showDialog(title, content, closing = "Close") {
  const dialog = h(
    "dialog",
    { "aria-label": title, on: { close: () => dialog.remove() } },
    h("h2", {}, title),
    content,
    h(
      "div",
      { class: "actions" },
      button(closing, () => dialog.close(), { autofocus: true }),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const LINES_KEPT = 30;

/** Append a line to the live region, which a screen reader reads out. */
export function announce(text) {
  const log = document.getElementById("log");
  log.append(h("p", {}, text));
  while (log.childElementCount > LINES_KEPT) log.firstElementChild.remove();
}

/**
 * Replace the content of an element, and keep the keyboard where it was.
 *
 * The element with the same `data-focus` as the focused one gets the focus; without one, `fallback`,
 * a selector, if the focus was inside.
 */
export function refill(parent, children, fallback = null) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset.focus;
  const isTyping = focused !== null && "selectionStart" in focused;
  parent.replaceChildren(
    ...[children].flat(Infinity).filter((child) => child !== null && child !== undefined),
  );
  if (focused === null) return;
  const same = key ? parent.querySelector(`[data-focus="${key}"]`) : null;
  const next = same ?? (fallback && !isTyping ? parent.querySelector(fallback) : null);
  next?.focus({ preventScroll: true });
}

/**
 * Let the arrow keys move between the buttons of a group, up and down by `perRow`.
 *
 * With `isOneStop` the Tab key stops at the group once, as at a list, and not at each of 52 cards.
 */
export function withArrowKeys(group, { perRow = 1, isOneStop = false } = {}) {
  const buttons = [...group.querySelectorAll("button")];
  const makeStop = (stop) => buttons.forEach((other) => (other.tabIndex = other === stop ? 0 : -1));
  if (isOneStop) {
    makeStop(buttons[0]);
    group.addEventListener("focusin", (event) => makeStop(event.target));
  }
  const steps = { ArrowRight: 1, ArrowDown: perRow, ArrowLeft: -1, ArrowUp: -perRow };
  group.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const at = buttons.indexOf(document.activeElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[(at + step + buttons.length) % buttons.length].focus();
  });
  return group;
}

/** A number with one decimal and a true minus sign. */
export const decimal = (value) => value.toFixed(1).replace("-", "−");

/** A share as a percentage. */
export const percent = (share) => `${Math.round(100 * share)} %`;

/** Read what was saved under a name; null if there is nothing, or no storage. */
export function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(`blob.${name}`));
  } catch {
    return null; // private windows and some browsers on file:// have no storage
  }
}

/** Save a value under a name, or forget it if it is null. */
export function store(name, value) {
  try {
    if (value === null) localStorage.removeItem(`blob.${name}`);
    else localStorage.setItem(`blob.${name}`, JSON.stringify(value));
  } catch {
    // The page works without a memory.
  }
}
