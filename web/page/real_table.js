/** A round at a real table as plain data: the deal, the person's hand, and what was entered. */

import {
  FIRST_BID,
  NO_TRUMP,
  RuleError,
  act,
  cardName,
  newRound,
  plural,
  problemWith,
} from "../rules.js";
import { drawWorld } from "../worlds.js";
import { usualSize } from "./networks.js";
import { ME } from "./record.js";
import { NAMES, seatNames } from "./texts.js";

/** A table before anything is entered. */
export function freshTable() {
  const { players, cards } = usualSize();
  const others = NAMES.slice(0, players - 1);
  const deal = { players, cards, trump: 0, dealer: players - 1 };
  return { ...deal, others, hand: [], entries: [], isBegun: false };
}

/** The next round of a game: the deal moves on, and the trump. */
export const nextTable = (table) => ({
  ...table,
  hand: [],
  entries: [],
  isBegun: false,
  dealer: (table.dealer + 1) % table.players,
  trump: (table.trump + 1) % (NO_TRUMP + 1),
});

/** True if a value, such as one that was saved, is a table of this version. */
export function isTable(value) {
  try {
    const isList = (list) => Array.isArray(list) && list.every(Number.isInteger);
    newRound({ ...value, hands: Array(value.players).fill(null) });
    if (value.isBegun) replayed(value);
    const areSeats = value.others.length === value.players - 1;
    return areSeats && isList(value.hand) && isList(value.entries);
  } catch {
    return false;
  }
}

export const namesAt = (table) => seatNames(table.players, table.others);

/** Name a seat within a sentence. */
const naming = (table) => (seat) => (seat === ME ? "you" : namesAt(table)[seat]);

/** Say why a table's round cannot begin; null if it can. */
export function handProblem(table) {
  const missing = table.cards - table.hand.length;
  if (missing > 0) return `Choose ${plural(missing, "more card")} for your hand.`;
  if (missing < 0) return `Take ${plural(-missing, "card")} out of your hand.`;
  return null;
}

const firstRound = ({ players, cards, trump, dealer, hand }) =>
  newRound({
    players,
    cards,
    trump,
    dealer,
    hands: Array.from({ length: players }, (_, seat) => (seat === ME ? hand : null)),
  });

/**
 * Replay the entries up to the first that cannot be: `{ round, problem, at, seats }`.
 *
 * `at` is the index of the impossible entry, or null; `seats` says who made each entry before it.
 */
export function replayed(table) {
  let round = firstRound(table);
  const seats = [];
  for (const [at, action] of table.entries.entries()) {
    const problem = entryProblem(table, round, action);
    if (problem !== null) return { round, problem, at, seats };
    seats.push(round.seat);
    round = act(round, action);
  }
  return { round, problem: null, at: null, seats };
}

/** Say in one line why an action cannot be the next entry; null if it can. */
export function entryProblem(table, round, action) {
  const problem = problemWith(round, action, naming(table));
  if (problem !== null) return problem;
  // Each card may be possible for its seat, and all of them together not.
  const isPossible = drawWorld({ ...act(round, action), seat: ME }, Math.random) !== null;
  if (isPossible) return null;
  return (
    `With ${cardName(action)} there, no deal agrees with who could not follow which suit. ` +
    "Check the cards before it."
  );
}

/** Check typed cards of a hand. Throws a `RuleError` of one line. */
export function checkHand(table, cards) {
  const twice = cards.find((card, index) => cards.indexOf(card) !== index);
  if (twice !== undefined) throw new RuleError(`${cardName(twice)} is there twice.`);
  if (cards.length > table.cards) {
    throw new RuleError(`A hand has ${plural(table.cards, "card")}, not ${cards.length}.`);
  }
}

/** An entry in words: `bid 2`, `Q♥`. */
export const entryText = (action) =>
  action >= FIRST_BID ? `bid ${action - FIRST_BID}` : cardName(action);
