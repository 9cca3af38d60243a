/**
 * The rules of one round of Blob, as frozen data and pure functions.
 *
 * A card is `13 * suit + rank`: suits spades, hearts, clubs, diamonds; ranks from the two (0) to the
 * ace (12). An action is a card (0 to 51) or a bid (`FIRST_BID + tricks`). Seats are numbered in
 * order of play.
 */

export const CARDS = 52;
export const SUITS = 4;
export const RANKS = 13;
export const NO_TRUMP = 4;
export const MIN_PLAYERS = 3;
export const MAX_PLAYERS = 8;
export const MAX_CARDS = 17;
export const FIRST_BID = CARDS;
export const ACTION_COUNT = CARDS + MAX_CARDS + 1;
export const EXACT_BONUS = 10;

export const RANK_SYMBOLS = "23456789TJQKA";
export const SUIT_SYMBOLS = "♠♥♣♦";
export const SUIT_NAMES = ["spades", "hearts", "clubs", "diamonds"];

/** An action or a deal that the rules do not allow; the message explains the rule in one line. */
export class RuleError extends Error {}

export const suitOf = (card) => Math.floor(card / RANKS);
export const rankOf = (card) => card % RANKS;

/** A card as rank and suit, such as `10♥`. */
export function cardName(card) {
  const rank = RANK_SYMBOLS[rankOf(card)];
  return (rank === "T" ? "10" : rank) + SUIT_SYMBOLS[suitOf(card)];
}

/** The most cards that each of so many players can get. */
export const mostCards = (players) => Math.floor(CARDS / players);

/** Points for a bid and the tricks taken: 10 and the bid if it is exact, else none. */
export const score = (bid, tricks) => (bid === tricks ? EXACT_BONUS + bid : 0);

/**
 * Deal a round.
 *
 * `hands` has an entry per seat: its cards, or null if they are not known. `game` is null for a
 * single round; else `{ longest, left, scores }`: the cards of the game's longest rounds, the rounds
 * after this one, and each seat's points so far.
 */
export function newRound({ players, cards, trump, dealer, hands, game = null }) {
  checkRound(players, cards, trump, dealer);
  checkHands(players, cards, hands);
  const first = (dealer + 1) % players;
  const perSeat = (value) => Array.from({ length: players }, () => value);
  return Object.freeze({
    players,
    cards,
    trump,
    dealer,
    game,
    hands: hands.map((hand) => (hand === null ? null : [...hand].sort((a, b) => a - b))),
    seat: first,
    leader: first,
    bids: perSeat(null),
    tricks: perSeat(0),
    table: perSeat(null),
    voids: perSeat(0),
    winner: null,
    plays: [],
    actions: [],
  });
}

function checkRound(players, cards, trump, dealer) {
  if (!isWithin(players, MIN_PLAYERS, MAX_PLAYERS)) {
    throw new RuleError(`Blob is for ${MIN_PLAYERS} to ${MAX_PLAYERS} players, not ${players}.`);
  }
  if (!isWithin(cards, 1, mostCards(players))) {
    throw new RuleError(
      `${players} players can get 1 to ${mostCards(players)} cards each, not ${cards}.`,
    );
  }
  if (!isWithin(trump, 0, NO_TRUMP)) {
    throw new RuleError(`Trump is a suit 0 to 3, or ${NO_TRUMP} for none, not ${trump}.`);
  }
  if (!isWithin(dealer, 0, players - 1)) {
    throw new RuleError(`The dealer is one of seats 0 to ${players - 1}, not ${dealer}.`);
  }
}

function checkHands(players, cards, hands) {
  if (hands.length !== players) {
    throw new RuleError(`There is one hand for each of ${players} seats, not ${hands.length}.`);
  }
  const dealt = new Set();
  for (const hand of hands) {
    if (hand === null) continue;
    if (hand.length !== cards) {
      throw new RuleError(`A hand has ${plural(cards, "card")}, not ${hand.length}.`);
    }
    for (const card of hand) {
      if (!isWithin(card, 0, CARDS - 1)) throw new RuleError(`${card} is not a card.`);
      if (dealt.has(card)) throw new RuleError(`${cardName(card)} is in the deal twice.`);
      dealt.add(card);
    }
  }
}

const isWithin = (value, low, high) => Number.isInteger(value) && value >= low && value <= high;

/** `1 card`, `2 cards`. */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

export const isBidding = (round) => round.actions.length < round.players;

export const isOver = (round) => round.actions.length === round.players * (1 + round.cards);

/** The suit to follow, or null before a lead. */
export const ledSuit = (round) =>
  round.table[round.leader] === null ? null : suitOf(round.table[round.leader]);

/** The number of cards that a seat still holds. */
export const cardsLeft = (round, seat) =>
  round.cards - round.plays.filter((play) => play.seat === seat).length;

/** The bid that the acting seat may not make, or null: the dealer's, if the bids came to the cards. */
export function forbiddenBid(round) {
  if (round.actions.length !== round.players - 1) return null;
  const total = round.bids.reduce((sum, bid) => sum + (bid ?? 0), 0);
  return total <= round.cards ? round.cards - total : null;
}

/** The actions of the acting seat, ascending. With an unknown hand: all that it may turn out to do. */
export function legalActions(round) {
  if (isOver(round)) return [];
  if (isBidding(round)) {
    const bids = Array.from({ length: round.cards + 1 }, (_, bid) => FIRST_BID + bid);
    const forbidden = forbiddenBid(round);
    return bids.filter((action) => action - FIRST_BID !== forbidden);
  }
  const hand = round.hands[round.seat];
  if (hand === null) return possibleCards(round, round.seat);
  const led = ledSuit(round);
  const following = hand.filter((card) => suitOf(card) === led);
  return following.length > 0 ? following : hand;
}

/** The cards that a seat with an unknown hand may hold: unplayed, in no known hand, of no shown void. */
export function possibleCards(round, seat) {
  const gone = new Set(round.plays.map((play) => play.card));
  for (const hand of round.hands) for (const card of hand ?? []) gone.add(card);
  const isPossible = (card) => !gone.has(card) && !((round.voids[seat] >> suitOf(card)) & 1);
  return Array.from({ length: CARDS }, (_, card) => card).filter(isPossible);
}

/** Say in one line why an action is not legal; null if it is. `nameOf` names a seat. */
export function problemWith(round, action, nameOf = (seat) => `seat ${seat}`) {
  if (isOver(round)) return "The round is over.";
  if (legalActions(round).includes(action)) return null;
  return isBidding(round) ? bidProblem(round, action) : cardProblem(round, action, nameOf);
}

function bidProblem(round, action) {
  if (action < FIRST_BID) return "Everybody bids before the first card is played.";
  if (action - FIRST_BID === forbiddenBid(round)) {
    return (
      `The dealer may not bid ${action - FIRST_BID}: the bids would add up to the ` +
      `${plural(round.cards, "card")} dealt.`
    );
  }
  return `A bid is 0 to ${round.cards}.`;
}

function cardProblem(round, action, nameOf) {
  if (action >= FIRST_BID) return "The bidding is over; play a card.";
  const name = cardName(action);
  const played = round.plays.find((play) => play.card === action);
  if (played) return `${name} was played already, by ${nameOf(played.seat)}.`;
  const suit = SUIT_NAMES[suitOf(action)];
  const hand = round.hands[round.seat];
  if (hand?.includes(action)) {
    const led = SUIT_NAMES[ledSuit(round)];
    return `${capital(led)} were led: follow suit while the hand has ${led}.`;
  }
  if (hand !== null) return `${name} is not in this hand.`;
  const owner = round.hands.findIndex((other) => other?.includes(action));
  if (owner >= 0) return `${name} is held by ${nameOf(owner)}.`;
  return `${name} cannot be: ${nameOf(round.seat)} did not follow ${suit} earlier in this round.`;
}

/** A text with its first letter in upper case. */
export const capital = (text) => text[0].toUpperCase() + text.slice(1);

/**
 * Take an action of the acting seat; return the round after it.
 *
 * Throws a `RuleError` if it is not legal.
 */
export function act(round, action, nameOf) {
  const problem = problemWith(round, action, nameOf);
  if (problem !== null) throw new RuleError(problem);
  const actions = [...round.actions, action];
  return Object.freeze({
    ...round,
    ...(action >= FIRST_BID ? bid(round, action) : play(round, action)),
    actions,
  });
}

function bid(round, action) {
  const bids = replaced(round.bids, round.seat, action - FIRST_BID);
  return { bids, seat: (round.seat + 1) % round.players };
}

function play(round, card) {
  const { seat, players } = round;
  const led = ledSuit(round);
  const hand = round.hands[seat];
  const isBest = led === null || beats(card, round.table[round.winner], round.trump);
  const winner = isBest ? seat : round.winner;
  const isVoid = led !== null && suitOf(card) !== led;
  const after = {
    hands: replaced(round.hands, seat, hand === null ? null : hand.filter((own) => own !== card)),
    // Nobody draws cards in Blob, so a void that was shown holds to the end of the round.
    voids: isVoid ? replaced(round.voids, seat, round.voids[seat] | (1 << led)) : round.voids,
    table: replaced(round.table, seat, card),
    plays: [...round.plays, { seat, card }],
    seat: (seat + 1) % players,
    winner,
  };
  return after.plays.length % players === 0 ? { ...after, ...takeTrick(round, winner) } : after;
}

function takeTrick(round, winner) {
  return {
    tricks: replaced(round.tricks, winner, round.tricks[winner] + 1),
    table: round.table.map(() => null),
    leader: winner,
    seat: winner,
    winner: null,
  };
}

/** True if `card`, played after the winning card `best`, takes the trick from it. */
export function beats(card, best, trump) {
  if (suitOf(card) === suitOf(best)) return card > best;
  return suitOf(card) === trump;
}

const replaced = (list, at, value) => list.map((old, index) => (index === at ? value : old));

/** Points of each seat in a round that is over. */
export const roundPoints = (round) =>
  round.bids.map((made, seat) => score(made, round.tricks[seat]));

/** The tricks of a round, in order, the last one perhaps unfinished: `{ plays, winner }`. */
export function tricksOf(round) {
  const tricks = [];
  for (let start = 0; start < round.plays.length; start += round.players) {
    const plays = round.plays.slice(start, start + round.players);
    let best = plays[0];
    for (const other of plays) if (beats(other.card, best.card, round.trump)) best = other;
    tricks.push({ plays, winner: best.seat });
  }
  return tricks;
}

/** The round as a seat sees it: without the hands of the others. */
export const viewOf = (round, seat) =>
  Object.freeze({
    ...round,
    hands: round.hands.map((hand, other) => (other === seat ? hand : null)),
  });
