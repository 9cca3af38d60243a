/** The networks that travel in the page, each decoded when it is first asked. */

import { Network } from "../network.js";

const described = [];
const loaded = new Map();

/** Read the networks in the page; return their levels: `{ key, name, elo }`, in the file's order. */
export function levels() {
  if (described.length === 0) {
    for (const element of document.querySelectorAll("script.network")) {
      const file = JSON.parse(element.textContent);
      described.push({ key: `${file.run_id}/${file.iteration}`, name: levelName(file), elo: file.elo, file });
      element.remove(); // megabytes of text that nobody reads again
    }
  }
  return described;
}

/** `Iteration 60, Elo 1407`; without a rating `Iteration 3, not rated`. */
const levelName = ({ iteration, elo }) => `Iteration ${iteration}, ${elo === null ? "not rated" : `Elo ${elo}`}`;

/** The network of a level; of the first one if the page has no such level. */
export function networkOf(key) {
  const level = levels().find((other) => other.key === key) ?? levels()[0];
  if (!loaded.has(level.key)) {
    loaded.set(level.key, Network.load(level.file));
    level.file = null;
  }
  return loaded.get(level.key);
}
