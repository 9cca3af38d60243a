/** The styles of rule players, and what the network sees of them. */

/**
 * The styles, in the order of their kinds in the network's input.
 *
 * `bias` is added to the estimated tricks of a hand, and `noise` is the standard deviation of a normal
 * number that is added too. `untilMet` and `onceMet` are the aims of a card while tricks are missing
 * and once the bid is reached; `careless` is the share of uniformly random choices. Varied styles have no
 * name. `traits` is what the network sees.
 */
export const STYLES = [
  style("underbidder", "bids a trick too low", { bias: -1, noise: 0.25 }),
  style("overbidder", "bids a trick too high", { bias: 1, noise: 0.25 }),
  style("sandbagger", "bids too low and takes every trick", {
    bias: -1,
    untilMet: "take",
    onceMet: "take",
  }),
  style("ducker", "avoids every trick", { bias: -0.5, untilMet: "duck" }),
  style("grabber", "takes every trick", { bias: 0.5, untilMet: "take", onceMet: "take" }),
  style("rusher", "plays high cards first", { noise: 0.25, untilMet: "high first" }),
  style("hoarder", "plays low cards first", { noise: 0.25, untilMet: "low first" }),
  style("careless", "errs in every fourth choice", { noise: 1, careless: 0.25 }),
  ...variedStyles(),
];

function style(name, meaning, changes) {
  const usual = { bias: 0, noise: 0, untilMet: "exactly", onceMet: "duck", careless: 0 };
  const made = { name, meaning, ...usual, ...changes };
  return Object.freeze({ ...made, traits: traitsOf(made) });
}

/** All pairs of a way to bid and a way to play, with some noise: they stand for people. */
function variedStyles() {
  const biases = [-2, -1.25, -0.5, 0.25, 1, 1.75];
  const aims = [
    ["exactly", "duck"],
    ["exactly", "take"],
    ["exactly", "low first"],
    ["take", "duck"],
    ["take", "take"],
    ["high first", "duck"],
    ["low first", "duck"],
    ["low first", "low first"],
    ["duck", "duck"],
  ];
  return aims.flatMap(([untilMet, onceMet]) =>
    biases.map((bias) => style("", "", { bias, noise: 0.4, untilMet, onceMet, careless: 0.1 })),
  );
}

/** Traits of a style. */
export const TRAITS = 11;

/** The traits of a player at random. */
export const RANDOM_TRAITS = Object.freeze([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);

function traitsOf({ bias, noise, untilMet, onceMet, careless }) {
  const is = (aim) => (wanted) => Number(aim === wanted);
  return [
    Math.max(-bias, 0) / 2,
    Math.max(bias, 0) / 2,
    noise,
    careless,
    ...["duck", "take", "high first", "low first"].map(is(untilMet)),
    ...["take", "high first", "low first"].map(is(onceMet)),
  ];
}
