/** Deals of the hidden cards that agree with what the acting seat knows. */

import { cardsLeft, possibleCards, suitOf } from "./rules.js";

const ATTEMPTS = 60;

/**
 * Draw a world: the round with a hand for every seat, or null if no deal agrees with the round.
 *
 * All hands but the acting seat's are dealt again. Cards of a suit in which a seat has shown a void
 * do not go to it. `random` returns a number from 0 up to 1.
 */
export function drawWorld(round, random) {
  const own = round.hands.map((hand, seat) => (seat === round.seat ? hand : null));
  const seen = { ...round, hands: own };
  const seats = own.flatMap((hand, seat) => (hand === null ? [seat] : []));
  const needs = seats.map((seat) => cardsLeft(round, seat));
  const hidden = hiddenCards(seen);
  const hands =
    rejectionDeal(seen, seats, needs, hidden, random) ??
    matchingDeal(seen, seats, needs, hidden, random);
  if (hands === null) return null;
  return { ...round, hands: own.map((hand, seat) => hand ?? hands[seats.indexOf(seat)]) };
}

/** The cards that the acting seat does not see, in whatever hand or out of play. */
function hiddenCards(seen) {
  return possibleCards({ ...seen, voids: seen.voids.map(() => 0) }, seen.seat);
}

/** Deal at random until no void is broken: every deal that agrees is equally likely. */
function rejectionDeal(seen, seats, needs, hidden, random) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const cards = shuffled(hidden, random);
    let start = 0;
    const hands = needs.map((count) => cards.slice(start, (start += count)));
    if (hands.every((hand, i) => hand.every((card) => mayHold(seen, seats[i], card)))) return hands;
  }
  return null;
}

/**
 * Deal where voids leave few ways: place by place, moving earlier cards where needed (Kuhn 1955).
 *
 * It finds a deal whenever there is one. Deals are not equally likely.
 */
function matchingDeal(seen, seats, needs, hidden, random) {
  const cards = shuffled(hidden, random);
  const places = shuffled(
    seats.flatMap((_, i) => Array(needs[i]).fill(i)),
    random,
  );
  const placeOf = new Map(); // card: its place
  const settle = (place, tried) => {
    for (const card of cards) {
      if (tried.has(card) || !mayHold(seen, seats[places[place]], card)) continue;
      tried.add(card);
      if (!placeOf.has(card) || settle(placeOf.get(card), tried)) {
        placeOf.set(card, place);
        return true;
      }
    }
    return false;
  };
  for (let place = 0; place < places.length; place++) if (!settle(place, new Set())) return null;
  const hands = seats.map(() => []);
  for (const [card, place] of placeOf) hands[places[place]].push(card);
  return hands;
}

const mayHold = (seen, seat, card) => !((seen.voids[seat] >> suitOf(card)) & 1);

/** A shuffled copy (Fisher and Yates). */
export function shuffled(items, random) {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}
