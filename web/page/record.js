/** A game as plain data: who plays, and the deal and the actions of every round so far. */

import {
  MAX_PLAYERS,
  MIN_PLAYERS,
  NO_TRUMP,
  act,
  isOver,
  mostCards,
  newRound,
  roundPoints,
} from "../rules.js";
import { gameRounds } from "../game.js";
import { shuffled } from "../worlds.js";
import { wholeDeck } from "./cards.js";

/** The person's seat. */
export const ME = 0;

/** Random numbers from 0 up to 1 from the system's own source, so that nobody can foresee a deal. */
export function fairRandom() {
  return crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32;
}

/** Begin a game: `setup` has `players`, `longest`, `oneRound` and `level`, the name of the network. */
export function newGame(setup, random = fairRandom) {
  const firstDealer = Math.floor(random() * setup.players);
  const trump = Math.floor(random() * (NO_TRUMP + 1));
  return dealNext({ ...setup, firstDealer, trump, rounds: [] }, random);
}

/** The rounds of the game, in order. */
export const plansOf = (game) =>
  game.oneRound
    ? [{ cards: game.longest, trump: game.trump, dealer: game.firstDealer }]
    : gameRounds(game.players, game.longest, game.firstDealer);

/** The game with its next round dealt. */
export function dealNext(game, random = fairRandom) {
  const plan = plansOf(game)[game.rounds.length];
  const deck = shuffled(wholeDeck(), random);
  const hands = Array.from({ length: game.players }, (_, seat) =>
    deck.slice(seat * plan.cards, (seat + 1) * plan.cards),
  );
  return { ...game, rounds: [...game.rounds, { ...plan, hands, actions: [], hints: [] }] };
}

/** The state of a round after its first `steps` actions; all of them if it is left out. */
export function roundAt(game, number, steps = Infinity) {
  const { cards, trump, dealer, hands, actions } = game.rounds[number];
  const standing = game.oneRound
    ? null
    : {
        longest: game.longest,
        left: plansOf(game).length - 1 - number,
        scores: scoresBefore(game, number),
      };
  const dealt = newRound({ players: game.players, cards, trump, dealer, hands, game: standing });
  return actions.slice(0, steps).reduce((round, action) => act(round, action), dealt);
}

/** The state of the round that is played. */
export const currentRound = (game) => roundAt(game, game.rounds.length - 1);

/** The game after an action of the acting seat, which must be legal. */
export function withAction(game, action) {
  act(currentRound(game), action);
  return withLast(game, (last) => ({ ...last, actions: [...last.actions, action] }));
}

/** The game, with the note that the person saw a hint for the next action. */
export const withHint = (game) =>
  withLast(game, (last) => ({
    ...last,
    hints: [...new Set([...last.hints, last.actions.length])],
  }));

const withLast = (game, change) => ({
  ...game,
  rounds: [...game.rounds.slice(0, -1), change(game.rounds.at(-1))],
});

/** Points of each seat in the rounds before a round. */
export function scoresBefore(game, number) {
  const zeros = Array(game.players).fill(0);
  return resultsOf(game)
    .slice(0, number)
    .reduce((sums, { points }) => sums.map((sum, seat) => sum + points[seat]), zeros);
}

const ends = new WeakMap();

/** The finished rounds as they ended, each the same object at every call. */
export function finishedRounds(game) {
  return game.rounds.flatMap((played, number) => {
    if (resultOf(played) === null) return [];
    if (!ends.has(played)) ends.set(played, roundAt(game, number));
    return [ends.get(played)];
  });
}

const finished = new WeakMap();

/** The finished rounds: `{ cards, trump, dealer, bids, tricks, points, hints }` each. */
export function resultsOf(game) {
  return game.rounds.map(resultOf).filter((result) => result !== null);
}

function resultOf(played) {
  // A view asks for all rounds at every move: each is replayed once.
  if (finished.has(played)) return finished.get(played);
  const players = played.hands.length;
  if (played.actions.length < players * (1 + played.cards)) return null;
  const end = played.actions.reduce(
    (round, action) => act(round, action),
    newRound({ ...played, players }),
  );
  const { cards, trump, dealer, hints } = played;
  const result = {
    cards,
    trump,
    dealer,
    hints,
    bids: end.bids,
    tricks: end.tricks,
    points: roundPoints(end),
  };
  finished.set(played, result);
  return result;
}

/** Points of each seat in all finished rounds. */
export const scoresOf = (game) => scoresBefore(game, Infinity);

export const isLastRound = (game) => game.rounds.length === plansOf(game).length;

export const isFinished = (game) => isLastRound(game) && isOver(currentRound(game));

/** True if a value, such as one that was saved, is a game of this version. */
export function isGame(value) {
  try {
    const sizes = [
      value.players >= MIN_PLAYERS,
      value.players <= MAX_PLAYERS,
      value.longest <= mostCards(value.players),
    ];
    currentRound(value);
    return sizes.every(Boolean);
  } catch {
    return false;
  }
}
