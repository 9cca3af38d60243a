/**
 * Compares the points of hints with what rounds bring: `node tests/web/hint_calibration.mjs player.json`.
 *
 * Four seats of the network play 400 rounds of 5 cards; seat 0 is advised before each real choice, and
 * takes the network's. A line for each decision of a round: what hints expected, and what came.
 */

import { readFileSync } from "node:fs";
import {
  Network,
  act,
  advise,
  isBidding,
  isOver,
  legalActions,
  likeliest,
  newRound,
  roundPoints,
  shuffled,
  viewOf,
} from "../../web/index.js";

const ROUNDS = 400;
const CARDS = 5;
const WORLDS = 8;

const network = Network.load(readFileSync(process.argv[2], "utf8"));
const kinds = ["the bid", "the first card", "the second", "the third", "the fourth"];
const found = kinds.map(() => []);
let seed = 1;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;

for (let number = 0; number < ROUNDS; number++) {
  const { hints, points } = playRound(number);
  for (const { kind, expected } of hints) found[kind].push({ expected, points });
}
kinds.forEach((kind, i) => {
  const mean = (name) =>
    (found[i].reduce((sum, one) => sum + one[name], 0) / found[i].length).toFixed(2);
  console.log(
    `${kind}: ${found[i].length} hints, expected ${mean("expected")}, came ${mean("points")}`,
  );
});

function playRound(number) {
  const deck = shuffled(
    Array.from({ length: 52 }, (_, card) => card),
    random,
  );
  const hands = [0, 1, 2, 3].map((seat) => deck.slice(CARDS * seat, CARDS * (seat + 1)));
  let round = newRound({ players: 4, cards: CARDS, trump: number % 5, dealer: number % 4, hands });
  const hints = [];
  while (!isOver(round)) {
    if (round.seat === 0 && legalActions(round).length > 1) {
      const advice = [...advise(network, viewOf(round, 0), { worlds: WORLDS, random })].at(-1);
      const kind = isBidding(round) ? 0 : 1 + CARDS - round.hands[0].length;
      hints.push({ kind, expected: likeliest(advice).points });
    }
    round = act(round, network.choose(round));
  }
  return { hints, points: roundPoints(round)[0] };
}
