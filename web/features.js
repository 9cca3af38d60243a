/**
 * The features of a position: what its acting seat sees, as the network's input.
 *
 * Apart from trump and the led suit, suits are interchangeable in Blob. So suits have slots: slot 0
 * is trump, the others are sorted by what the observer knows of them. Seats are relative: 0 is the
 * observer, 1 the seat to its left.
 */

import {
  CARDS,
  MAX_CARDS,
  MAX_PLAYERS,
  MIN_PLAYERS,
  NO_TRUMP,
  RANKS,
  SUITS,
  ledSuit,
  rankOf,
  suitOf,
} from "./rules.js";
import { RANDOM_TRAITS, STYLES, TRAITS } from "./style_table.js";

const NEEDS = 8; // too many taken, 0, 1, .., 5, 6 or more
const BALANCE = 13; // bids minus cards dealt, -6 to 6
const LEFT_CLASSES = 12; // rounds left: 0, 1, .., 10, 11 or more
const DRIFT = 8; // points that two scores typically drift apart in a round

/** The kinds of opponents that have an input of their own: at random, by a network, and of a named style. */
const NAMED_KINDS = 10;

/** The first kind that is a style: `STYLES[kind - FIRST_STYLE]`. */
export const FIRST_STYLE = 2;

/** The kinds of opponents in self-play: at random (0), by a network (1), and by each of the styles. */
export const OPPONENT_KINDS = FIRST_STYLE + STYLES.length;

/** Start of each group of features, and of the features of a game behind them. */
export const FEATURE_INDEX = layOut({
  hand: CARDS,
  seen: CARDS,
  table: (MAX_PLAYERS - 1) * (SUITS + RANKS),
  winner: MAX_PLAYERS,
  led_suit: SUITS,
  has_trump: 1,
  players: MAX_PLAYERS - MIN_PLAYERS + 1,
  round: MAX_CARDS,
  hand_size: MAX_CARDS + 1,
  dealer: MAX_PLAYERS,
  leader: MAX_PLAYERS,
  playing: MAX_PLAYERS,
  has_bid: MAX_PLAYERS,
  bid: MAX_PLAYERS,
  tricks: MAX_PLAYERS,
  need: MAX_PLAYERS * NEEDS,
  voids: MAX_PLAYERS * SUITS,
  balance: BALANCE,
  outranked: CARDS,
  winner_outranked: RANKS,
  table_known: 1,
  known_kinds: NAMED_KINDS * MAX_PLAYERS,
  known_traits: TRAITS * MAX_PLAYERS,
  in_game: 1,
  seats: MAX_PLAYERS,
  deals: MAX_PLAYERS,
  most_cards: MAX_CARDS,
  left: LEFT_CLASSES,
  share_left: 1,
  score: MAX_PLAYERS,
  ahead: MAX_PLAYERS,
  pressure: MAX_PLAYERS,
  end: 0,
});

/** Width of the features of a single round. */
export const FEATURES = FEATURE_INDEX.in_game;

/** Width of the features with those of a game. */
export const GAME_FEATURES = FEATURE_INDEX.end;

function layOut(widths) {
  const index = {};
  let start = 0;
  for (const [name, width] of Object.entries(widths)) {
    index[name] = start;
    start += width;
  }
  return index;
}

/**
 * The features of the acting seat's view, and the slot of each suit.
 *
 * `row` has `FEATURES` numbers, or `GAME_FEATURES` if `seesGames`. Only the acting seat's hand is
 * read: the others may be null. `kinds` says who holds each seat, see `SeatBeliefs`; null if the
 * acting seat does not know.
 */
export function features(round, seesGames = false, kinds = null) {
  const row = new Float32Array(seesGames ? GAME_FEATURES : FEATURES);
  const slots = slotsOf(round);
  const at = FEATURE_INDEX;
  const relative = (seat) => (seat - round.seat + round.players) % round.players;
  markCards(round.hands[round.seat], slots, row, at.hand);
  markCards(
    round.plays.map((play) => play.card),
    slots,
    row,
    at.seen,
  );
  markTable(round, slots, row, relative);
  markOutranked(round, slots, row);
  row[at.has_trump] = round.trump === NO_TRUMP ? 0 : 1;
  row[at.players + round.players - MIN_PLAYERS] = 1;
  row[at.round + round.cards - 1] = 1;
  row[at.hand_size + round.hands[round.seat].length] = 1;
  row[at.dealer + relative(round.dealer)] = 1;
  row[at.leader + relative(round.leader)] = 1;
  markSeats(round, slots, row, relative);
  if (kinds !== null) markKinds(kinds, row, relative);
  if (seesGames && round.game !== null) markGame(round, row, relative);
  return { row, slots };
}

function markCards(cards, slots, row, start) {
  for (const card of cards) row[start + RANKS * slots[suitOf(card)] + rankOf(card)] = 1;
}

function markTable(round, slots, row, relative) {
  const led = ledSuit(round);
  if (led === null) return;
  const at = FEATURE_INDEX;
  round.table.forEach((card, seat) => {
    if (card === null) return;
    const base = at.table + (relative(seat) - 1) * (SUITS + RANKS);
    row[base + slots[suitOf(card)]] = 1;
    row[base + SUITS + rankOf(card)] = 1;
  });
  row[at.winner + relative(round.winner)] = 1;
  row[at.led_suit + slots[led]] = 1;
}

/** Mark by how many unseen cards of its suit each card of the hand, and the trick's winner, is outranked. */
function markOutranked(round, slots, row) {
  const at = FEATURE_INDEX;
  const hand = round.hands[round.seat];
  const seen = new Set([...hand, ...round.plays.map((play) => play.card)]);
  const outranking = (card) => {
    let count = 0;
    for (let other = card + 1; suitOf(other) === suitOf(card); other++)
      if (!seen.has(other)) count++;
    return count;
  };
  for (const card of hand) row[at.outranked + RANKS * slots[suitOf(card)] + outranking(card)] = 1;
  if (ledSuit(round) !== null) row[at.winner_outranked + outranking(round.table[round.winner])] = 1;
}

function markSeats(round, slots, row, relative) {
  const at = FEATURE_INDEX;
  let balance = -round.cards;
  for (let seat = 0; seat < round.players; seat++) {
    const place = relative(seat);
    const bid = round.bids[seat];
    row[at.playing + place] = 1;
    row[at.tricks + place] = round.tricks[seat] / round.cards;
    if (bid !== null) {
      balance += bid;
      row[at.has_bid + place] = 1;
      row[at.bid + place] = bid / round.cards;
      row[at.need + place * NEEDS + clip(bid - round.tricks[seat], -1, NEEDS - 2) + 1] = 1;
    }
    for (let suit = 0; suit < SUITS; suit++) {
      if ((round.voids[seat] >> suit) & 1) row[at.voids + place * SUITS + slots[suit]] = 1;
    }
  }
  const middle = (BALANCE - 1) / 2;
  row[at.balance + clip(balance, -middle, middle) + middle] = 1;
}

function markKinds(kinds, row, relative) {
  const at = FEATURE_INDEX;
  row[at.table_known] = 1;
  kinds.forEach((kind, seat) => {
    if (kind === null) return;
    const place = relative(seat);
    if (kind < NAMED_KINDS) row[at.known_kinds + MAX_PLAYERS * kind + place] = 1;
    kindTraits(kind).forEach(
      (trait, i) => (row[at.known_traits + MAX_PLAYERS * i + place] = trait),
    );
  });
}

function kindTraits(kind) {
  if (kind === 0) return RANDOM_TRAITS;
  return kind < FIRST_STYLE ? [] : STYLES[kind - FIRST_STYLE].traits;
}

function markGame(round, row, relative) {
  const at = FEATURE_INDEX;
  const { longest, left, scores } = round.game;
  const drift = DRIFT * Math.sqrt(left + 1);
  row[at.in_game] = 1;
  row[at.deals + relative(round.dealer)] = 1;
  row[at.most_cards + longest - 1] = 1;
  row[at.left + Math.min(left, LEFT_CLASSES - 1)] = 1;
  row[at.share_left] = (left + 1) / (2 * (longest - 1) + round.players);
  for (let seat = 0; seat < round.players; seat++) {
    const place = relative(seat);
    const ahead = scores[seat] - scores[round.seat];
    row[at.seats + place] = 1;
    row[at.score + place] = scores[seat] / 100;
    row[at.ahead + place] = ahead / 30;
    row[at.pressure + place] = ahead / drift;
  }
}

const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** The slot of each suit: 0 for trump, the others by what the acting seat knows of them. */
export function slotsOf(round) {
  const known = Array.from({ length: SUITS }, (_, suit) => knowledgeOf(round, suit));
  const others = [0, 1, 2, 3].filter((suit) => suit !== round.trump);
  // The sort is stable: interchangeable suits keep their order.
  others.sort((a, b) => compareDescending(known[a], known[b]));
  const order = round.trump === NO_TRUMP ? others : [round.trump, ...others];
  const slots = Array(SUITS);
  order.forEach((suit, slot) => (slots[suit] = slot));
  return slots;
}

/** All that the acting seat knows of a suit, most significant first. */
function knowledgeOf(round, suit) {
  const played = round.plays.map((play) => play.card);
  const led = ledSuit(round) === suit ? 1 : 0;
  let voids = 0;
  const shown = [];
  for (let place = 0; place < MAX_PLAYERS; place++) {
    const seat = (round.seat + place) % round.players;
    const isPlaying = place < round.players;
    voids = 2 * voids + (isPlaying ? (round.voids[seat] >> suit) & 1 : 0);
    const card = isPlaying && place > 0 ? round.table[seat] : null;
    shown.push(card !== null && suitOf(card) === suit ? rankOf(card) + 1 : 0);
  }
  return [ranksOf(round.hands[round.seat], suit), ranksOf(played, suit), voids, led, ...shown];
}

/** The ranks of a suit among some cards, as a mask of 13 bits. */
function ranksOf(cards, suit) {
  let mask = 0;
  for (const card of cards) if (suitOf(card) === suit) mask |= 1 << rankOf(card);
  return mask;
}

function compareDescending(a, b) {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return b[i] - a[i];
  return 0;
}
