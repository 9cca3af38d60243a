/**
 * Rule players of several styles: how probable each of them makes a bid or a card.
 *
 * They are the training styles of `src/blobmaster/styles/`, whose estimates and rules these are.
 */

import {
  CARDS,
  FIRST_BID,
  NO_TRUMP,
  RANKS,
  beats,
  forbiddenBid,
  isBidding,
  ledSuit,
  legalActions,
  rankOf,
  suitOf,
} from "./rules.js";
import { slotsOf } from "./features.js";
import { STYLES } from "./style_table.js";

const MIN_TRUMP_VALUE = 0.4; // a trump can take a trick of a suit in which its holder is void
const BID_CAUTION = 0.1; // low bids are easier to make than high ones
const OVERBID_WEIGHT = 0.2; // per trick that the earlier bids exceed an even share
const FUTURE_TRICK_WEIGHT = 0.4; // of a later trick, relative to one now, once the bid is reached
const TOLERANCE = 1e-9; // smaller differences are ties: sums depend on the names of the suits

/** The probability that each of `STYLES` takes a legal action of the acting seat, whose hand is known. */
export function styleChances(round, action) {
  const legal = legalActions(round);
  const chances = isBidding(round)
    ? bidChances(round, action - FIRST_BID)
    : cardChances(round, action, legal);
  return STYLES.map(
    ({ careless }, index) => (1 - careless) * chances[index] + careless / legal.length,
  );
}

// ---------- Bids

function bidChances(round, bid) {
  const estimate = estimatedBid(round);
  const [low, high] = rangeOf(round, bid);
  return STYLES.map(({ bias, noise }) => {
    const wanted = estimate + bias;
    if (noise === 0) return bidNearestTo(round, wanted) === bid ? 1 : 0;
    return normalShare(high, wanted, noise) - normalShare(low, wanted, noise);
  });
}

/** The tricks that a hand is expected to take, cautiously, and with an eye on the earlier bids. */
function estimatedBid(round) {
  const made = round.bids.filter((bid) => bid !== null);
  const excess = sum(made) - (round.cards * made.length) / round.players;
  return expectedTricks(round) - BID_CAUTION - OVERBID_WEIGHT * excess;
}

function bidNearestTo(round, wanted) {
  const bid = Math.min(Math.max(Math.floor(wanted + 0.5 + TOLERANCE), 0), round.cards);
  if (bid !== forbiddenBid(round)) return bid;
  return bid === 0 || (wanted > bid && bid < round.cards) ? bid + 1 : bid - 1;
}

/** The numbers of wanted tricks that become a bid. A forbidden bid goes to its neighbours, half each. */
function rangeOf(round, bid) {
  const forbidden = forbiddenBid(round);
  let low = bid === 0 ? -Infinity : bid - 0.5;
  let high = bid === round.cards ? Infinity : bid + 0.5;
  if (forbidden !== null && forbidden === bid - 1) low = forbidden === 0 ? -Infinity : bid - 1;
  if (forbidden !== null && forbidden === bid + 1) {
    high = forbidden === round.cards ? Infinity : bid + 1;
  }
  return [low, high];
}

/** The share of a normal distribution below `end`. */
const normalShare = (end, mean, deviation) =>
  Number.isFinite(end) ? 0.5 * (1 + erf((end - mean) / (deviation * Math.SQRT2))) : Number(end > 0);

/** The error function, by its series (Abramowitz and Stegun 1964, 7.1.6); exact to some 1e-13. */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

// ---------- Cards

function cardChances(round, card, legal) {
  const need = round.bids[round.seat] - round.tricks[round.seat];
  const expected = expectedTricks(round);
  const slots = slotsOf(round);
  const chosen = {}; // by aim: many styles share one
  return STYLES.map(({ untilMet, onceMet }) => {
    const aim = need > 0 ? untilMet : onceMet;
    chosen[aim] ??= chosenCard(round, legal, aim, need, expected, slots);
    return chosen[aim] === card ? 1 : 0;
  });
}

function chosenCard(round, legal, aim, need, expected, slots) {
  // Ties go to the suit that comes last, and there to the lowest card.
  const order = (card) => rankOf(card) - RANKS * slots[suitOf(card)];
  let chosen = null;
  let lowest = Infinity;
  for (const card of legal) {
    const cost = costOf(round, card, aim, need, expected);
    const isTied = cost < lowest + TOLERANCE;
    if (cost < lowest - TOLERANCE || (isTied && order(card) < order(chosen))) {
      lowest = cost;
      chosen = card;
    }
  }
  return chosen;
}

/** The cost of a card, to a seat with `need` tricks missing that expects `expected` more. */
function costOf(round, card, aim, need, expected) {
  const height = rankOf(card) + (suitOf(card) === round.trump ? RANKS : 0);
  if (aim === "high first") return -height;
  if (aim === "low first") return height;
  const now = trickProbability(round, card);
  if (aim === "take") return -now;
  const later = expected - winProbability(round, card);
  return aim === "exactly" ? Math.abs(need - now - later) : now + FUTURE_TRICK_WEIGHT * later;
}

// ---------- Estimates

const expectedTricks = (round) =>
  sum(round.hands[round.seat].map((card) => winProbability(round, card)));

/** Estimate the probability that a card takes a trick in which its suit is led. */
function winProbability(round, card) {
  const probability = unbeatenProbability(round, card, suitOf(card), round.players - 1);
  return suitOf(card) === round.trump ? Math.max(probability, MIN_TRUMP_VALUE) : probability;
}

/** Estimate the probability that a card takes the trick on the table. */
function trickProbability(round, card) {
  const led = ledSuit(round);
  if (led === null) return unbeatenProbability(round, card, suitOf(card), round.players - 1);
  if (!beats(card, round.table[round.winner], round.trump)) return 0;
  const played = round.table.filter((other) => other !== null).length;
  return unbeatenProbability(round, card, led, round.players - 1 - played);
}

/**
 * Estimate the probability that none of the next `opponents` seats beats a card.
 *
 * Each unseen card is taken to be in a given hand independently, with one probability for all.
 */
function unbeatenProbability(round, card, led, opponents) {
  const { seat, trump, players } = round;
  const suit = suitOf(card);
  const unseen = unseenCards(round);
  // The probability that one unseen card is not in one given hand; to the power of n, none of n is.
  const absent = 1 - round.hands[seat].length / unseen.length;
  const inSuit = (wanted) => unseen.filter((other) => suitOf(other) === wanted).length;
  const higher = unseen.filter((other) => suitOf(other) === suit && other > card).length;
  const unbeaten = absent ** higher;
  const outOfLed = absent ** inSuit(led);
  const noTrumpCard = trump === NO_TRUMP ? 1 : absent ** inSuit(trump);
  let probability = 1;
  for (let step = 1; step <= opponents; step++) {
    const voids = round.voids[(seat + step) % players];
    const isVoidIn = (wanted) => (voids >> wanted) & 1;
    const isVoid = isVoidIn(led) ? 1 : outOfLed;
    if (suit !== led) {
      // A trump on another suit: only who is void can beat it, with a higher one.
      probability *= 1 - isVoid * (1 - unbeaten);
      continue;
    }
    if (!isVoidIn(led)) probability *= unbeaten;
    if (suit !== trump && !isVoidIn(trump)) probability *= 1 - isVoid * (1 - noTrumpCard);
  }
  return probability;
}

function unseenCards(round) {
  const seen = new Set([...round.hands[round.seat], ...round.plays.map(({ card }) => card)]);
  return Array.from({ length: CARDS }, (_, card) => card).filter((card) => !seen.has(card));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
