/** Sentences about a game: names, moves, results. */

import {
  FIRST_BID,
  NO_TRUMP,
  SUIT_NAMES,
  capital,
  forbiddenBid,
  isBidding,
  ledSuit,
  plural,
  suitOf,
  tricksOf,
} from "../rules.js";
import { cardWords } from "./cards.js";

/** The networks' names, clockwise from the person's left. */
export const NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus"];

/** The names of all seats; the person has seat 0. */
export const seatNames = (players, others = NAMES) => [
  "You",
  ...Array.from({ length: players - 1 }, (_, i) => others[i] || NAMES[i]),
];

/** A name with its verb: `You take`, `Ada takes`. */
export const does = (names, seat, verb) => `${names[seat]} ${seat === 0 ? verb : `${verb}s`}`;

/** Who deals, within a sentence: `you deal`, `Ada deals`. */
export const dealText = (names, dealer) => (dealer === 0 ? "you deal" : `${names[dealer]} deals`);

/** An action in words: `2`, `queen of hearts`. */
export const actionWords = (action) =>
  action >= FIRST_BID ? String(action - FIRST_BID) : cardWords(action);

/** The last action of a round, in a sentence. */
export function moveText(round, names) {
  const action = round.actions.at(-1);
  if (action >= FIRST_BID) {
    const seat = (round.dealer + round.actions.length) % round.players;
    return `${does(names, seat, "bid")} ${action - FIRST_BID}.`;
  }
  const { seat } = round.plays.at(-1);
  const played = `${does(names, seat, "play")} the ${cardWords(action)}`;
  if (round.plays.length % round.players !== 0) return `${played}.`;
  const { winner } = tricksOf(round).at(-1);
  if (seat === winner) return `${played} and ${winner === 0 ? "take" : "takes"} the trick.`;
  return `${played}. ${does(names, winner, "take")} the trick.`;
}

/** Compare the bids with the tricks: `Bids: 4 of 5 tricks, 1 too few.` */
export function balanceText(round) {
  const made = round.bids.filter((bid) => bid !== null);
  const total = made.reduce((sum, bid) => sum + bid, 0);
  if (made.length < round.players)
    return `Bids so far: ${total} of ${plural(round.cards, "trick")}.`;
  const over = total - round.cards;
  return `Bids: ${total} of ${plural(round.cards, "trick")}, ${Math.abs(over)} too ${over > 0 ? "many" : "few"}.`;
}

/** What the person is asked for. */
export function askText(round) {
  if (isBidding(round)) {
    const forbidden = forbiddenBid(round);
    const but =
      forbidden === null ? "" : `, but not ${forbidden}: the bids may not add up to ${round.cards}`;
    return `Your bid, 0 to ${round.cards}${but}.`;
  }
  const led = ledSuit(round);
  if (led === null) return "You lead: play any card.";
  const suit = SUIT_NAMES[led];
  const follows = round.hands[round.seat].some((card) => suitOf(card) === led);
  return follows
    ? `${capital(suit)} were led: follow suit.`
    : `${capital(suit)} were led and you have none: play any card.`;
}

/** The trump of a round in words, for a headline. */
export const trumpName = (trump) => (trump === NO_TRUMP ? "no trump" : SUIT_NAMES[trump]);

/** Name the winner, or all who share the win. */
export function winnerText(names, scores) {
  const best = Math.max(...scores);
  const first = names.filter((_, seat) => scores[seat] === best);
  if (first.length > 1) {
    return `${first.slice(0, -1).join(", ")} and ${first.at(-1)} share the win with ${plural(best, "point")}.`;
  }
  return `${does(names, scores.indexOf(best), "win")} with ${plural(best, "point")}.`;
}

/** Say to a person how they play: `You play like the underbidder, who bids a trick too low.` */
export function styleText(style) {
  if (style.name !== "") return `You play like the ${style.name}, who ${style.meaning}.`;
  return `You seem to ${bidWords(style)} and to ${playWords(style)}.`;
}

function bidWords({ bias }) {
  if (bias < -0.9) return "bid too low";
  if (bias < 0) return "bid a little too low";
  return bias < 0.9 ? "bid about right" : "bid too high";
}

function playWords({ untilMet, onceMet }) {
  if (untilMet === "duck") return "avoid every trick";
  if (untilMet === "high first") return "play high cards first";
  if (untilMet === "low first") return "play low cards first";
  if (untilMet === "take")
    return onceMet === "take" ? "take every trick" : "take your tricks early";
  return onceMet === "take" ? "go on taking tricks once your bid is made" : "play for your bid";
}
