/** Leaves a function in the page that measures loading, a decision, and the advice for a card. */

import { Network } from "../../web/network.js";
import { act, isBidding, newRound } from "../../web/rules.js";
import { advise } from "../../web/advice.js";

const REPEATED = 100;

globalThis.measure = () => {
  const file = JSON.parse(document.getElementById("network").textContent);
  const network = timed(() => Network.load(file));
  const round = secondLead(network.value);
  const times = Array.from(
    { length: REPEATED },
    () => timed(() => network.value.evaluate([round])).taken,
  );
  times.sort((a, b) => a - b);
  const advice = timed(() => [...advise(network.value, round, { worlds: 24 })]);
  return {
    "loading the network": network.taken,
    "a decision, median": times[REPEATED / 2],
    "95th percentile": times[Math.floor(0.95 * REPEATED)],
    "advice for a card, 24 worlds": advice.taken,
  };
};

/** A round of five players with seven cards each, when the second trick is led. */
function secondLead(network) {
  const hands = Array.from({ length: 5 }, (_, seat) =>
    Array.from({ length: 7 }, (_, i) => (seat + 5 * i) % 52),
  );
  let round = newRound({ players: 5, cards: 7, trump: 1, dealer: 0, hands });
  while (isBidding(round) || round.plays.length < 5) round = act(round, network.choose(round));
  return round;
}

function timed(work) {
  const since = performance.now();
  const value = work();
  return { value, taken: performance.now() - since };
}
