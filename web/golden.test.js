/** The modules agree with the golden files: `npm test`. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import {
  FEATURE_INDEX,
  FIRST_BID,
  Network,
  RuleError,
  SeatBeliefs,
  act,
  advise,
  drawWorld,
  features,
  forbiddenBid,
  gameRounds,
  isOver,
  legalActions,
  newRound,
  problemWith,
  roundPoints,
  styleChances,
  viewOf,
} from "./index.js";

const read = (name) => JSON.parse(readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8"));
const rounds = read("rounds.json");
const network = Network.load(read("network.json"));

test("rounds have the legal actions, turns, tricks and points of the golden files", () => {
  for (const record of rounds) {
    let round = newRound(record);
    record.actions.forEach((action, step) => {
      assert.equal(round.seat, record.seats[step]);
      assert.deepEqual(legalActions(round), record.legal[step]);
      round = act(round, action);
    });
    assert.ok(isOver(round));
    assert.deepEqual(round.tricks, record.tricks);
    assert.deepEqual(roundPoints(round), record.points);
  }
});

test("features and priors are those of the golden files, from the seat's own view", () => {
  for (const record of rounds) {
    for (const { step, ones, values, priors } of record.positions) {
      const whole = record.actions
        .slice(0, step)
        .reduce((round, action) => act(round, action), newRound(record));
      const round = viewOf(whole, whole.seat);
      const { row } = features(round, true);
      const wanted = new Float32Array(row.length);
      for (const place of ones) wanted[place] = 1;
      for (const [place, value] of Object.entries(values)) wanted[place] = value;
      assert.deepEqual(row, wanted);
      const found = network.evaluate([round])[0].options.map(({ prior }) => prior);
      found.forEach((prior, i) => assert.ok(Math.abs(prior - priors[i]) < 2e-3));
    }
  }
});

test("the styles take each action with the probability of the golden files", () => {
  for (const record of rounds) {
    for (const { step, chances } of record.positions) {
      const before = record.actions.slice(0, step);
      const whole = before.reduce((round, action) => act(round, action), newRound(record));
      const found = styleChances(viewOf(whole, whole.seat), record.actions[step]);
      found.forEach((chance, i) => assert.ok(Math.abs(chance - chances[i]) < 1e-4));
    }
  }
});

test("finished rounds show who holds the seats, as in the golden files", () => {
  for (const { rounds, likelihood, kinds } of read("beliefs.json").tables) {
    const ends = rounds.map((record) =>
      record.actions.reduce((round, action) => act(round, action), newRound(record)),
    );
    const beliefs = new SeatBeliefs(network);
    const { players } = rounds[0];
    beliefs.logLikelihood(players, ends).forEach((logs, seat) =>
      // The weights are rounded to fp16, so what the network would have done differs a little.
      logs.forEach((log, kind) =>
        assert.ok(Math.abs(log - likelihood[seat][kind]) < (kind === 1 ? 0.05 : 1e-5)),
      ),
    );
    for (let seat = 0; seat < players; seat++) {
      const round = { ...newRound(rounds[0]), seat };
      assert.deepEqual(beliefs.kinds(round, ends), kinds[seat]);
      assert.equal(beliefs.kinds(round, []), null);
    }
  }
});

test("a network that has not learned to use it is not told who holds the seats", () => {
  const file = { ...read("network.json"), adapts: false };
  const { rounds } = read("beliefs.json").tables[0];
  const ends = rounds.map((record) =>
    record.actions.reduce((round, action) => act(round, action), newRound(record)),
  );
  assert.equal(new SeatBeliefs(Network.load(file)).kinds(newRound(rounds[0]), ends), null);
});

test("the kinds of known seats are marked relative to the acting seat", () => {
  const round = newRound(rounds.find(({ players }) => players === 4));
  const kinds = [null, 4, 10, 0].map((kind, i, all) => all[(i + 4 - round.seat) % 4]);
  const plain = features(round).row;
  const { row } = features(round, false, kinds);
  const { table_known: known, known_kinds: start, known_traits: traits } = FEATURE_INDEX;
  const changed = [...row.keys()].filter((place) => row[place] !== plain[place]);
  // A sandbagger bids a trick too low and takes all; a varied style has traits only.
  const ones = [known, start + 3, start + 8 * 4 + 1];
  const others = { [traits + 1]: 0.5, [traits + 2]: 1, [traits + 8 * 2 + 2]: 0.4 };
  Object.assign(others, { [traits + 8 * 3 + 2]: 0.1, [traits + 8 * 3 + 3]: 1 });
  Object.assign(others, { [traits + 8 * 5 + 1]: 1, [traits + 8 * 8 + 1]: 1 });
  const wanted = { ...Object.fromEntries(ones.map((place) => [place, 1])), ...others };
  assert.deepEqual(changed.map(String), Object.keys(wanted));
  for (const place of changed) assert.ok(Math.abs(row[place] - wanted[place]) < 1e-6);
});

test("every illegal action is refused with a reason, and no legal one", () => {
  for (const record of rounds.slice(0, 4)) {
    let round = newRound(record);
    for (const taken of record.actions) {
      const legal = legalActions(round);
      for (let action = -1; action <= 70; action++) {
        const problem = problemWith(round, action);
        assert.equal(problem === null, legal.includes(action), `${action}: ${problem}`);
        if (problem !== null) assert.throws(() => act(round, action), RuleError);
      }
      round = act(round, taken);
    }
  }
});

test("worlds agree with hands, counts and voids, and are told apart from impossible ones", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (const record of rounds) {
    let round = newRound(record);
    for (const action of record.actions) {
      const world = drawWorld(viewOf(round, round.seat), random);
      const held = world.hands.flat();
      assert.deepEqual(world.hands[round.seat], round.hands[round.seat]);
      assert.equal(
        new Set([...held, ...round.plays.map(({ card }) => card)]).size,
        record.players * record.cards,
      );
      world.hands.forEach((hand, seat) => {
        assert.equal(hand.length, round.hands[seat].length);
        for (const card of hand) assert.ok(!((round.voids[seat] >> Math.floor(card / 13)) & 1));
      });
      round = act(round, action);
    }
  }
  const impossible = { ...newRound(rounds[3]), voids: [15, 15, 15, 15] };
  assert.equal(drawWorld(impossible, random), null);
});

test("advice has priors that sum to one, and points that a round can bring", () => {
  const record = rounds.find(({ cards }) => cards === 4);
  let round = newRound(record);
  for (const action of record.actions) {
    if (legalActions(round).length > 1) {
      const advice = [
        ...advise(network, viewOf(round, round.seat), { worlds: 3, random: () => 0.5 }),
      ].at(-1);
      const total = advice.options.reduce((sum, { prior }) => sum + prior, 0);
      assert.ok(Math.abs(total - 1) < 1e-9);
      assert.ok(advice.options.every(({ points }) => points >= 0 && points <= 10 + record.cards));
      if (advice.tricks) assert.ok(Math.abs(advice.tricks.reduce((a, b) => a + b) - 1) < 1e-9);
    }
    round = act(round, action);
  }
});

test("the dealer may bid anything once the others have bid more than the cards", () => {
  const deal = { players: 3, cards: 2, trump: 4, dealer: 2, hands: [[0, 1], [2, 3], null] };
  const bids = (...tricks) =>
    tricks.reduce((round, bid) => act(round, FIRST_BID + bid), newRound(deal));
  assert.equal(forbiddenBid(bids(0, 1)), 1);
  assert.equal(forbiddenBid(bids(1, 1)), 0);
  assert.equal(forbiddenBid(bids(2, 1)), null);
  assert.equal(forbiddenBid(bids(0)), null);
});

test("a game gets shorter, is played once a seat with one card, and grows again", () => {
  const rounds = gameRounds(3, 3, 1);
  assert.deepEqual(
    rounds.map(({ cards, trump, dealer }) => [cards, trump, dealer]),
    [
      [3, 0, 1],
      [2, 1, 2],
      [1, 2, 0],
      [1, 3, 1],
      [1, 4, 2],
      [2, 0, 0],
      [3, 1, 1],
    ],
  );
  assert.throws(() => gameRounds(9, 2), RuleError);
  assert.throws(() => gameRounds(4, 14), RuleError);
});

test("the only deal that agrees is found, though hardly any drawn one does", () => {
  const suit = (first) => Array.from({ length: 13 }, (_, rank) => first + rank);
  const hands = [suit(0), null, null, null];
  const round = newRound({ players: 4, cards: 13, trump: 4, dealer: 3, hands });
  // Seat 1 may hold hearts and clubs, seat 2 only hearts, seat 3 only diamonds.
  const world = drawWorld({ ...round, voids: [0, 9, 13, 7] }, Math.random);
  const held = world.hands.map((hand) => [...hand].sort((a, b) => a - b));
  assert.deepEqual(held, [suit(0), suit(26), suit(13), suit(39)]);
});

test("the points of a card are the average over the worlds that are drawn", () => {
  const record = rounds.find(({ cards, players }) => cards === 4 && players === 3);
  const dealt = newRound(record);
  const whole = record.actions.slice(0, 4).reduce((round, action) => act(round, action), dealt);
  const round = viewOf(whole, whole.seat);
  const generator = () => {
    let seed = 7;
    return () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  };
  const advice = [...advise(network, round, { worlds: 5, random: generator() })].at(-1);
  const random = generator();
  const worlds = Array.from({ length: 5 }, () => drawWorld(round, random));
  for (const { action, points } of advice.options) {
    const each = worlds.map((world) => pointsIn(act(world, action), round.seat));
    assert.ok(Math.abs(points - each.reduce((a, b) => a + b) / 5) < 1e-9);
  }
});

/** Points that a seat expects at its next real choice, the network playing until then. */
function pointsIn(start, seat) {
  let round = start;
  while (!isOver(round) && (round.seat !== seat || legalActions(round).length === 1)) {
    round = act(round, network.choose(round));
  }
  if (isOver(round)) return roundPoints(round)[seat];
  return network.evaluate([round])[0].tricks[round.bids[seat]] * (10 + round.bids[seat]);
}

test("weights are decoded as IEEE 754 says, the smallest too", () => {
  const bytes = Buffer.from(read("network.json").weights, "base64");
  const { weight } = network.layers[0];
  let small = 0;
  weight.forEach((value, i) => {
    const half = bytes.readUInt16LE(2 * i);
    const [exponent, mantissa] = [(half >> 10) & 31, half & 1023];
    const size = exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24;
    if (exponent === 0 && mantissa > 0) small++;
    assert.equal(value, half >> 15 ? -size : size);
  });
  assert.ok(small > 0);
});

test("what is no network file is refused in a line", () => {
  const other = { ...read("network.json"), weights: read("network.json").weights.slice(0, 400) };
  assert.throws(() => Network.load("not JSON"), /blobmaster export CHECKPOINT --web player.json/);
  assert.throws(() => Network.load({ layers: [] }), /format 1/);
  assert.throws(() => Network.load(other), /damaged/);
});

test("the package holds every module", () => {
  const { files } = read("../package.json");
  const modules = readdirSync(new URL(".", import.meta.url)).filter((name) =>
    /^[a-z]+\.js$/.test(name),
  );
  assert.ok(modules.length > 8);
  assert.deepEqual(
    modules.filter((name) => !files.includes(name)),
    [],
  );
});

test("the types name every export, and nothing else", async () => {
  const declared = readFileSync(new URL("index.d.ts", import.meta.url), "utf8");
  const names = [...declared.matchAll(/^export (?:const|function|class) (\w+)/gm)].map(
    (match) => match[1],
  );
  assert.deepEqual(names.sort(), Object.keys(await import("./index.js")).sort());
});
