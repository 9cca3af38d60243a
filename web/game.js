/** The schedule of a game of many rounds: cards dealt, trump and dealer of each. */

import { MAX_PLAYERS, MIN_PLAYERS, NO_TRUMP, RuleError, mostCards } from "./rules.js";

/** The rounds of a game, in order: `{ cards, trump, dealer }`. */
export function gameRounds(players, longest, firstDealer = 0) {
  if (!(players >= MIN_PLAYERS && players <= MAX_PLAYERS)) {
    throw new RuleError(`Blob is for ${MIN_PLAYERS} to ${MAX_PLAYERS} players, not ${players}.`);
  }
  if (!(longest >= 1 && longest <= mostCards(players))) {
    throw new RuleError(
      `${players} players can get 1 to ${mostCards(players)} cards each, not ${longest}.`,
    );
  }
  const down = Array.from({ length: longest - 1 }, (_, index) => longest - index);
  // As many one-card rounds as players, so that each of them deals one.
  const sizes = [...down, ...Array(players).fill(1), ...down.reverse()];
  return sizes.map((cards, index) => ({
    cards,
    trump: index % (NO_TRUMP + 1), // spades, hearts, clubs, diamonds, none, and again
    dealer: (firstDealer + index) % players,
  }));
}
