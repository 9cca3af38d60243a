/** Who holds the other seats of a game: the network, a player at random, or one of some style. */

import { act, legalActions, newRound, viewOf } from "./rules.js";
import { FIRST_STYLE, OPPONENT_KINDS } from "./features.js";
import { styleChances } from "./styles.js";

const RANDOM = 0;
const BY_NETWORK = 1;
const SHARE = 0.3; // the probability that a seat which has not chosen yet is not the network
const UNIFORM = 0.05; // of random play in the network's policy: its copies may draw their actions
const STRAY = 0.2; // of random play in every style: a person only resembles one
const MARGIN = 1; // a kind must explain a seat better than random play, by e to this power

const LOG_PRIOR = Array.from({ length: OPPONENT_KINDS }, (_, kind) =>
  Math.log(kind === BY_NETWORK ? 1 - SHARE : SHARE / (OPPONENT_KINDS - 1)),
);

/** Believes by Bayes' rule who holds each seat, from the finished rounds of a game. */
export class SeatBeliefs {
  #network;
  #likelihoods = new WeakMap(); // by finished round: every decision of a game asks for all of them

  /** `network` is the one whose copies may hold seats, and that may learn who does. */
  constructor(network) {
    this.#network = network;
  }

  /**
   * The kind of the opponent at each seat, as the acting seat of `round` may believe; null where the
   * network sits, or nobody that it knows.
   *
   * `earlier` holds the finished rounds of the game, in which everybody has seen all cards. Null if
   * they tell nothing, or if the network has not learned to use it.
   */
  kinds(round, earlier) {
    if (!this.#network.about.adapts || earlier.length === 0) return null;
    const likelihood = this.logLikelihood(round.players, earlier);
    const kinds = likelihood.map((logs) => largest(logs.map((log, kind) => log + LOG_PRIOR[kind])));
    const isExplained = likelihood.map((logs, seat) => logs[kinds[seat]] > logs[RANDOM] + MARGIN);
    const others = kinds.map((_, seat) => seat).filter((seat) => seat !== round.seat);
    const believed = kinds.map((kind, seat) =>
      seat !== round.seat && isExplained[seat] && kind !== BY_NETWORK ? kind : null,
    );
    const isNobodySeated = believed.every((kind) => kind === null);
    return isNobodySeated && !others.every((seat) => isExplained[seat]) ? null : believed;
  }

  /** The log probability of all that each seat did in finished rounds, by kind. */
  logLikelihood(players, earlier) {
    const total = Array.from({ length: players }, () => Array(OPPONENT_KINDS).fill(0));
    for (const end of earlier) {
      if (!this.#likelihoods.has(end)) this.#likelihoods.set(end, likelihoodOf(this.#network, end));
      this.#likelihoods
        .get(end)
        .forEach((logs, seat) => logs.forEach((log, kind) => (total[seat][kind] += log)));
    }
    return total;
  }
}

/** The log probability of all that each seat of a finished round did, by kind. */
function likelihoodOf(network, end) {
  const total = end.bids.map(() => Array(OPPONENT_KINDS).fill(0));
  const choices = choicesOf(end);
  const found = network.evaluate(choices.map(({ round }) => round));
  choices.forEach(({ round, action }, index) => {
    const { options } = found[index];
    const random = 1 / options.length;
    const prior = options.find((option) => option.action === action).prior;
    const logs = total[round.seat];
    logs[RANDOM] += Math.log(random);
    logs[BY_NETWORK] += Math.log((1 - UNIFORM) * prior + UNIFORM * random);
    styleChances(round, action).forEach((chance, style) => {
      logs[FIRST_STYLE + style] += Math.log((1 - STRAY) * chance + STRAY * random);
    });
  });
  return total;
}

/** Every real choice of a finished round, as its seat saw it, and the action that it took. */
function choicesOf(end) {
  const hands = end.bids.map((_, seat) =>
    end.plays.filter((play) => play.seat === seat).map(({ card }) => card),
  );
  const choices = [];
  let round = newRound({ ...end, hands });
  for (const action of end.actions) {
    if (legalActions(round).length > 1) choices.push({ round: viewOf(round, round.seat), action });
    round = act(round, action);
  }
  return choices;
}

const largest = (values) => values.indexOf(Math.max(...values));
