/** Advice for a decision, from what its seat may see: priors, chances, and what each card brings. */

import { act, isBidding, isOver, legalActions, score } from "./rules.js";
import { likeliest } from "./network.js";
import { drawWorld } from "./worlds.js";

/**
 * Advise the acting seat, better and better: a generator that yields after every bit of work.
 *
 * Each value is `{ options, tricks, worlds }`. An option has its `action`, the network's `prior`, and
 * `points`, what it brings on average (null until it is known), and `error`, the standard error of the
 * difference from the network's own choice. A bid also has `exact`. For cards the points come from
 * `worlds` deals of the hidden cards: in each, the card is played, the network plays the other seats up
 * to the next decision of this one, and says there how likely the bid is to be made. `tricks` holds the
 * probability of each number of tricks now, for a seat that has bid.
 *
 * `settings`: `worlds`, how many to draw; `random`, a source of numbers from 0 up to 1; `actions`, the
 * cards to judge beside the network's own choice, all if it is left out; `kinds`, who holds the seats
 * (see `SeatBeliefs`).
 */
export function* advise(network, round, settings = {}) {
  const { worlds = 16, random = Math.random, kinds = null } = settings;
  const { actions = legalActions(round) } = settings;
  const found = network.evaluate([round], kinds)[0];
  const { options, tricks } = found;
  if (isBidding(round)) {
    yield { options: options.map((option) => ({ ...option, error: 0 })), tricks, worlds: 0 };
    return;
  }
  const chosen = options.indexOf(likeliest(found));
  const isJudged = (option) => option === options[chosen] || actions.includes(option.action);
  const samples = options.map(() => []);
  let advice = {
    options: options.map((option) => ({ ...option, points: null, error: null })),
    tricks,
    worlds: 0,
  };
  yield advice;
  while (advice.worlds < worlds) {
    const world = drawWorld(round, random);
    if (world === null) return;
    for (const [index, option] of options.entries()) {
      if (!isJudged(option)) continue;
      samples[index].push(pointsAfter(network, world, option.action, kinds));
      yield advice; // a breath after each card: a slow phone stays responsive
    }
    const judged = (option, index) => {
      if (!isJudged(option)) return { ...option, points: null, error: null };
      const lead = samples[index].map((points, world) => points - samples[chosen][world]);
      return { ...option, points: mean(samples[index]), error: errorOfMean(lead) };
    };
    advice = { options: options.map(judged), tricks, worlds: advice.worlds + 1 };
    yield advice;
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function errorOfMean(values) {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return values.length < 2 ? Infinity : Math.sqrt(squares / (values.length - 1) / values.length);
}

/** Points that the acting seat expects after a card, in a world; only this seat knows the `kinds`. */
function pointsAfter(network, world, card, kinds) {
  const seat = world.seat;
  const bid = world.bids[seat];
  let round = act(world, card);
  while (!isOver(round)) {
    const legal = legalActions(round);
    if (legal.length === 1) {
      round = act(round, legal[0]);
      continue;
    }
    const isOwn = round.seat === seat;
    const found = network.evaluate([round], isOwn ? kinds : null)[0];
    if (isOwn) return (found.tricks[bid] ?? 0) * score(bid, bid);
    round = act(round, likeliest(found).action);
  }
  return score(bid, round.tricks[seat]);
}
