/** The table: each seat with its bid, its tricks and its card, and the headline above. */

import { NO_TRUMP, isOver, plural, tricksOf } from "../rules.js";
import { cardFace, suitMark } from "./cards.js";
import { h } from "./dom.js";
import { ME } from "./record.js";
import { dealText, trumpName } from "./texts.js";

/** `Round 3 of 12 · 5 cards each · Trump ♥ hearts · Ben deals`; `number` may be left out. */
export function headlineView({ cards, trump, dealer }, names, number = null) {
  const trumpParts =
    trump === NO_TRUMP ? "No trump" : ["Trump ", suitMark(trump), ` ${trumpName(trump)}`];
  return h(
    "h2",
    { class: "headline" },
    number === null ? null : h("span", {}, number),
    h("span", { class: "trump" }, trumpParts),
    h("span", { class: "dim" }, `${plural(cards, "card")} each, ${dealText(names, dealer)}`),
  );
}

/** All seats; `scores` is null outside a game. */
export function tableView(round, names, scores = null) {
  const { plays, isLast } = playsToShow(round);
  // Clockwise from the person's left, so that the order of play reads from left to right.
  const seats = Array.from({ length: round.players }, (_, i) => (ME + 1 + i) % round.players);
  const across = round.players <= 5 ? round.players : Math.ceil(round.players / 2);
  return h(
    "ul",
    {
      class: `table${isLast ? " lasttrick" : ""}`,
      "aria-label": "Table",
      set: { "--across": across, "--players": round.players },
    },
    seats.map((seat) => seatView(round, seat, names[seat], scores, plays)),
  );
}

/** The cards on the table: the trick that is played, or the last one until the next lead. */
function playsToShow(round) {
  const trick = tricksOf(round).at(-1);
  if (trick === undefined) return { plays: [], isLast: false };
  const isLast = trick.plays.length === round.players;
  return {
    plays: trick.plays.map((play) => ({ ...play, isBest: play.seat === trick.winner })),
    isLast,
  };
}

function seatView(round, seat, name, scores, plays) {
  const play = plays.find((other) => other.seat === seat);
  const isActing = !isOver(round) && round.seat === seat;
  return h(
    "li",
    { class: `seat${isActing ? " acting" : ""}`, "aria-current": isActing ? "true" : null },
    h("div", { class: "name" }, h("span", {}, name), seat === round.dealer ? dealerMark() : null),
    h("div", { class: "state" }, stateParts(round, seat)),
    h(
      "div",
      { class: "slot" },
      play ? cardFace(play.card, play.isBest ? "best" : "") : null,
      play?.isBest ? h("span", { class: "unseen" }, bestNote(round)) : null,
    ),
    scores === null ? null : h("div", { class: "points dim" }, plural(scores[seat], "point")),
  );
}

const dealerMark = () =>
  h("span", { class: "mark", role: "img", "aria-label": "dealer", title: "dealer" }, "D");

function stateParts(round, seat) {
  const bid = round.bids[seat];
  if (bid === null) return h("span", { class: "dim" }, "no bid yet");
  return [
    h("span", {}, "bid ", h("b", {}, String(bid))),
    " ",
    h("span", { class: needClass(round, seat) }, "took ", h("b", {}, String(round.tricks[seat]))),
  ];
}

/** A seat that has taken too many tricks, or has exactly its bid. */
function needClass(round, seat) {
  if (round.tricks[seat] > round.bids[seat]) return "over";
  return round.tricks[seat] === round.bids[seat] ? "exact" : "";
}

const bestNote = (round) =>
  round.plays.length % round.players === 0 ? ", took the trick" : ", wins so far";
