/** Shows advice: for each bid its chance and points, for each card its prior and points. */

import { FIRST_BID, plural } from "../rules.js";
import { likeliest } from "../network.js";
import { advise } from "../advice.js";
import { inlineCard } from "./cards.js";
import { decimal, h, percent } from "./dom.js";
import { actionWords } from "./texts.js";

const WORLDS = 64;
const ENOUGH = 6; // worlds, on a device that is slower than the patience
const PATIENCE = 4000; // milliseconds
const SLICE = 30; // milliseconds of work before the page may answer a key again

/**
 * Work out advice in slices and show it: `show(advice, isDone)`; return a function that stops it.
 *
 * It ends with `WORLDS` deals of the hidden cards, or with fewer where they take too long. `settings`
 * may hold `actions` and `kinds`, see `advise`.
 */
export function adviseInSlices(network, round, show, settings = {}) {
  const steps = advise(network, round, { worlds: WORLDS, ...settings });
  const patience = performance.now() + PATIENCE;
  let timer = null;
  let advice = null;
  const work = () => {
    const end = performance.now() + SLICE;
    let isDone = false;
    do {
      const step = steps.next();
      advice = step.value ?? advice;
      isDone = step.done || (performance.now() > patience && advice.worlds >= ENOUGH);
    } while (!isDone && performance.now() < end);
    if (!isDone) timer = setTimeout(work, 0);
    show(advice, isDone);
  };
  timer = setTimeout(work, 0);
  return () => clearTimeout(timer);
}

/** The options of a piece of advice, best of the network first. */
const ranked = (advice) =>
  [...advice.options].sort((a, b) => b.prior - a.prior || a.action - b.action);

/** One sentence: what the network would do. */
export function adviceSentence(advice) {
  const { action, prior } = likeliest(advice);
  const verb = action >= FIRST_BID ? "bid" : "play the";
  return `The network would ${verb} ${actionWords(action)} (${percent(prior)}).`;
}

/** The panel with all options. */
export function adviceView(advice, round) {
  const isBid = advice.tricks === null;
  const columns = isBid
    ? ["Bid", "Network bids", "Made exactly", "Points"]
    : ["Card", "Network plays", "Points"];
  const best = mostPoints(advice);
  const head = h(
    "tr",
    {},
    columns.map((name) => h("th", { scope: "col" }, name)),
  );
  const rows = ranked(advice).map((option) => optionRow(option, isBid, best));
  return [
    h("p", { class: "lead" }, adviceSentence(advice)),
    h(
      "table",
      { class: isBid ? "advice bids" : "advice" },
      h("thead", {}, head),
      h("tbody", {}, rows),
    ),
    isBid ? null : trickChances(advice, round),
    h("p", { class: "dim small" }, method(advice, round)),
  ];
}

/** The most points of an option, or null if they are not known, or are the same for all. */
function mostPoints({ options }) {
  const points = options.map((option) => option.points);
  if (points.includes(null)) return null;
  const most = Math.max(...points);
  return most - Math.min(...points) < 0.1 ? null : most;
}

function optionRow(option, isBid, best) {
  const what = isBid ? String(option.action - FIRST_BID) : inlineCard(option.action);
  const points = option.points === null ? "…" : decimal(option.points);
  const isBest = best !== null && option.points >= best - 0.05;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, what),
    h("td", {}, shareBar(option.prior)),
    isBid ? h("td", {}, shareBar(option.exact)) : null,
    h(
      "td",
      { class: isBest ? "best" : "" },
      points,
      isBest ? h("span", { class: "unseen" }, " (the most)") : null,
    ),
  );
}

const shareBar = (share) =>
  h(
    "span",
    { class: "share", set: { "--share": share.toFixed(3) } },
    h("span", {}, percent(share)),
  );

function trickChances(advice, round) {
  const bid = round.bids[round.seat];
  const likely = advice.tricks.flatMap((chance, tricks) =>
    chance >= 0.005 ? [[tricks, chance]] : [],
  );
  const texts = likely.map(([tricks, chance]) =>
    h(
      "span",
      { class: tricks === bid ? "chip hit" : "chip" },
      `${plural(tricks, "trick")}: ${percent(chance)}`,
    ),
  );
  return h(
    "p",
    { class: "chips" },
    h("span", { class: "dim" }, `At the end, with a bid of ${bid}: `),
    texts,
  );
}

function method(advice, round) {
  if (advice.tricks === null) return "Points: the chance that the bid is made, times what it pays.";
  const bid = round.bids[round.seat];
  if (!advice.tricks[bid])
    return `Your bid of ${bid} can no longer be made: no card brings points.`;
  if (advice.worlds < 2) return "Working out the points …";
  const chance = 2 * Math.max(...advice.options.map((option) => option.error));
  return (
    `Points: the average of ${plural(advice.worlds, "deal")} of the cards that you cannot see, ` +
    `each played by the network up to your next choice. Differences under ${decimal(chance)} may be chance.`
  );
}
