/** The modules agree with the golden files: `npm test`. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  Network,
  RuleError,
  act,
  advise,
  drawWorld,
  features,
  isOver,
  legalActions,
  newRound,
  problemWith,
  roundPoints,
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

test("what is no network file is refused in a line", () => {
  const other = { ...read("network.json"), weights: read("network.json").weights.slice(0, 400) };
  assert.throws(() => Network.load("not JSON"), /blobmaster export CHECKPOINT --web player.json/);
  assert.throws(() => Network.load({ layers: [] }), /format 1/);
  assert.throws(() => Network.load(other), /damaged/);
});

test("the types name every export, and nothing else", async () => {
  const declared = readFileSync(new URL("index.d.ts", import.meta.url), "utf8");
  const names = [...declared.matchAll(/^export (?:const|function|class) (\w+)/gm)].map(
    (match) => match[1],
  );
  assert.deepEqual(names.sort(), Object.keys(await import("./index.js")).sort());
});
