/** The score sheet, the hands of a finished round, and its tricks. */

import { NO_TRUMP, SUIT_NAMES, plural, roundPoints, tricksOf } from "../rules.js";
import { handOrder, inlineCard, suitMark } from "./cards.js";
import { h } from "./dom.js";
import { resultsOf, roundAt, scoresOf } from "./record.js";

/** The table of points, a row for each finished round. */
export function scoreSheet(game, names) {
  const results = resultsOf(game);
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, "Round"),
    names.map((name) => h("th", { scope: "col" }, name)),
  );
  const rows = results.map((result, number) =>
    h(
      "tr",
      {},
      roundHeading(result, number),
      names.map((_, seat) => scoreCell(result, seat)),
    ),
  );
  const sums = scoresOf(game).map((sum) => h("td", {}, String(sum)));
  return [
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Score sheet" },
      h(
        "table",
        { class: "sheet" },
        h("thead", {}, head),
        h("tbody", {}, rows),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "Sum"), sums)),
      ),
    ),
    h(
      "p",
      { class: "dim small" },
      "Points, and below them the bid and the tricks taken.",
      hintNote(results),
    ),
  ];
}

function roundHeading({ cards, trump }, number) {
  const words = h("span", { class: "unseen" }, trump === NO_TRUMP ? "no trump" : SUIT_NAMES[trump]);
  const suit = [
    trump === NO_TRUMP ? h("span", { "aria-hidden": "true" }, "–") : suitMark(trump),
    words,
  ];
  return h(
    "th",
    { scope: "row" },
    `${number + 1} `,
    h("span", { class: "dim" }, `${cards} `, suit),
  );
}

function scoreCell({ bids, tricks, points }, seat) {
  const isExact = bids[seat] === tricks[seat];
  return h(
    "td",
    { class: isExact ? "made" : "missed" },
    h("span", {}, String(points[seat])),
    h("small", {}, `${bids[seat]} / ${tricks[seat]}`),
  );
}

function hintNote(results) {
  const count = results.reduce((sum, { hints }) => sum + hints.length, 0);
  return count === 0 ? "" : ` You asked for ${plural(count, "hint")}.`;
}

/** What each seat bid, took and got in a round that is over. */
export function resultTable(round, names) {
  const points = roundPoints(round);
  const head = ["Player", "Bid", "Took", "Points"].map((name) => h("th", { scope: "col" }, name));
  const rows = names.map((name, seat) => {
    const isExact = round.bids[seat] === round.tricks[seat];
    const cells = [round.bids[seat], round.tricks[seat], points[seat]].map((value) =>
      h("td", {}, String(value)),
    );
    return h("tr", { class: isExact ? "made" : "missed" }, h("th", { scope: "row" }, name), cells);
  });
  return h("table", { class: "result" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
}

/** All hands as they were dealt, and the tricks in order. */
export function allHands(game, number, names) {
  const dealt = roundAt(game, number, 0);
  const end = roundAt(game, number);
  const hands = names.map((name, seat) => [
    h("dt", {}, name),
    h(
      "dd",
      {},
      handOrder(dealt.hands[seat], dealt.trump).map((card) => inlineCard(card)),
    ),
  ]);
  const rows = tricksOf(end).map(({ plays, winner }) =>
    h(
      "li",
      {},
      plays.map(({ seat, card }) =>
        h(
          "span",
          { class: seat === winner ? "laid took" : "laid" },
          `${names[seat]} `,
          inlineCard(card),
        ),
      ),
      h("span", { class: "unseen" }, `, taken by ${names[winner]}`),
    ),
  );
  return [
    h("h3", {}, "The hands"),
    h("dl", { class: "hands" }, hands),
    h("h3", {}, "The tricks"),
    h("ol", { class: "tricks" }, rows),
    h("p", { class: "dim small" }, "The marked card took the trick."),
  ];
}
