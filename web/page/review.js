/** Where points were lost: the person's choices in a finished round beside the network's. */

import { FIRST_BID, isBidding, legalActions, viewOf } from "../rules.js";
import { likeliest } from "../network.js";
import { adviseInSlices } from "./advice_view.js";
import { inlineCard } from "./cards.js";
import { decimal, h } from "./dom.js";
import { ME, roundAt } from "./record.js";

const NOTABLE = 0.3; // points

/** The person's real choices in a round: the state before each, as the person saw it. */
export function choicesOf(game, number) {
  const steps = game.rounds[number].actions.map((action, step) => ({ action, step }));
  return steps.flatMap(({ action, step }) => {
    const round = roundAt(game, number, step);
    const isChoice = round.seat === ME && legalActions(round).length > 1;
    return isChoice ? [{ action, round: viewOf(round, ME) }] : [];
  });
}

/**
 * Fill `place` with the review, choice by choice; return a function that stops it.
 *
 * Every choice is judged by what the person saw then, not by the hands that are open now.
 */
export function review(place, network, game, number) {
  const choices = choicesOf(game, number);
  const body = h("tbody", {});
  const note = h("p", { class: "dim small", role: "status" }, "Looking at your choices …");
  const head = ["You", "Network", "Your points", "Its points", "Lost"];
  const columns = h(
    "tr",
    {},
    head.map((name) => h("th", { scope: "col" }, name)),
  );
  const table = h("table", { class: "review" }, h("thead", {}, columns), body);
  place.replaceChildren(
    h("h3", {}, "Where points were lost"),
    h("div", { class: "scroll" }, table),
    note,
  );
  let stop = () => {};
  let total = 0;
  const next = (index) => {
    if (index === choices.length) {
      note.textContent = verdict(total, choices.length);
      return;
    }
    const { action, round } = choices[index];
    const row = h("tr", {});
    body.append(row);
    stop = adviseInSlices(
      network,
      round,
      (advice, isDone) => {
        refillRow(row, advice, action, round);
        if (!isDone) return;
        total += Number(row.dataset.lost);
        next(index + 1);
      },
      { actions: [action] },
    );
  };
  next(0);
  return () => stop();
}

function refillRow(row, advice, action, round) {
  const yours = advice.options.find((option) => option.action === action);
  const networks = likeliest(advice);
  const lost = yours.points === null ? 0 : networks.points - yours.points;
  // Two standard errors: else the chance of the sampled deals would look like a mistake.
  const isNotable = lost >= Math.max(NOTABLE, 2 * yours.error);
  const shown = (points) => (points === null ? "…" : decimal(points));
  row.className = isNotable ? "lost" : "";
  row.dataset.lost = isNotable ? lost : 0;
  row.replaceChildren(
    h("th", { scope: "row" }, isBidding(round) ? "bid " : "", shortAction(action)),
    h("td", {}, shortAction(networks.action)),
    h("td", {}, shown(yours.points)),
    h("td", {}, shown(networks.points)),
    h("td", {}, isNotable ? decimal(lost) : "–"),
  );
}

const shortAction = (action) =>
  action >= FIRST_BID ? String(action - FIRST_BID) : inlineCard(action);

function verdict(total, count) {
  if (count === 0) return "You had no choice in this round.";
  const method =
    "Judged by what you could see then. A dash is no difference, or one that may be chance.";
  if (total === 0) return `The network would not have expected more than you. ${method}`;
  return `By choices you gave away about ${decimal(total)} points on average; the rest was luck. ${method}`;
}
