/** The networks that travel in the page, each decoded when it is first asked. */

import { plural } from "../rules.js";
import { SeatBeliefs } from "../beliefs.js";
import { Network } from "../network.js";

const described = [];
const loaded = new Map();
const believing = new WeakMap(); // by network

/** Read the networks in the page; return their levels: `{ key, name, trainedOn }`, in the file's order. */
export function levels() {
  if (described.length === 0) {
    for (const element of document.querySelectorAll("script.network")) {
      const file = JSON.parse(element.textContent);
      const { run_id: run, iteration, trained_on: trainedOn } = file;
      described.push({ key: `${run}/${iteration}`, name: levelName(file), trainedOn, file });
      element.remove(); // megabytes of text that nobody reads again
    }
  }
  return described;
}

/** `Iteration 60, Elo 1407`; without a rating `Iteration 3, not rated`. */
const levelName = ({ iteration, elo }) =>
  `Iteration ${iteration}, ${elo === null ? "not rated" : `Elo ${elo}`}`;

/** The level of that key; the first one if the page has no such level. */
export const levelOf = (key) => levels().find((level) => level.key === key) ?? levels()[0];

/** The size of rounds that the page proposes: one that the first network learned from. */
export function usualSize() {
  const { trainedOn } = levels()[0];
  const players = "4" in trainedOn ? 4 : Number(Object.keys(trainedOn)[0]);
  return { players, cards: trainedOn[players] };
}

/** Say that a network never met rounds of such a size; empty if it did. */
export function sizeWarning(key, players, cards) {
  const { trainedOn } = levelOf(key);
  if (cards <= (trainedOn[players] ?? 0)) return "";
  const known = Object.entries(trainedOn).map(
    ([count, most]) => `${count} players with up to ${plural(most, "card")}`,
  );
  return `The network learned from ${known.join(", ")}. At other tables it plays worse, and its figures are guesses.`;
}

/** The network of a level; of the first one if the page has no such level. */
export function networkOf(key) {
  const level = levelOf(key);
  if (!loaded.has(level.key)) {
    loaded.set(level.key, Network.load(level.file));
    level.file = null;
  }
  return loaded.get(level.key);
}

/** Who holds the other seats, as the acting seat believes after the earlier rounds of a game, or null. */
export function kindsAt(network, round, earlier) {
  if (!believing.has(network)) believing.set(network, new SeatBeliefs(network));
  return believing.get(network).kinds(round, earlier);
}
