/** Compares the modules with golden data; runs in Node and in a browser. */

import { OUTPUTS, Network, decode, likeliest } from "../../web/network.js";
import { act, isOver, legalActions, newRound, roundPoints } from "../../web/rules.js";
import { FEATURES, features } from "../../web/features.js";
import { styleChances } from "../../web/styles.js";

/** Compare everything; return counts, the largest difference of a logit, and what was wrong. */
export function check(golden) {
  const problems = [];
  const histories = golden.rounds.map((record, number) => replay(record, number, problems));
  const rounds = golden.places.map(([number, step]) => histories[number][step]);
  rounds.forEach((round, i) => {
    const { row } = features(round, true);
    const first = features(round).row;
    if (crc32(row) !== golden.features[i]) problems.push(`features of position ${i}`);
    const [number, step] = golden.places[i];
    const chances = styleChances(round, golden.rounds[number].actions[step]);
    const isOff = (chance, style) => !(Math.abs(chance - golden.chances[i][style]) < 1e-9);
    if (chances.some(isOff)) problems.push(`chances of the styles at position ${i}`);
    if (crc32(first) !== crc32(row.slice(0, FEATURES))) problems.push(`short features of ${i}`);
  });
  const networks = golden.networks.map((wanted) => compareNetwork(wanted, rounds));
  return {
    rounds: histories.length,
    positions: rounds.length,
    networks,
    problems: problems.slice(0, 5),
  };
}

function replay(record, number, problems) {
  const wrong = (what, step) => problems.push(`${what} of round ${number} at action ${step}`);
  let round = newRound(record);
  const history = [];
  record.actions.forEach((action, step) => {
    history.push(round);
    if (round.seat !== record.seats[step]) wrong("turn", step);
    if (String(legalActions(round)) !== String(record.legal[step])) wrong("legal actions", step);
    round = act(round, action);
  });
  if (!isOver(round)) wrong("end", record.actions.length);
  if (String(round.tricks) !== String(record.tricks)) wrong("tricks", record.actions.length);
  if (String(roundPoints(round)) !== String(record.points)) wrong("points", record.actions.length);
  return history;
}

function compareNetwork(wanted, rounds) {
  const network = Network.load(JSON.stringify(wanted.file));
  const bytes = Uint8Array.from(atob(wanted.logits), (letter) => letter.charCodeAt(0));
  const logits = new Float32Array(bytes.buffer);
  let difference = 0;
  let same = 0;
  wanted.choices.forEach((choice, i) => {
    const round = rounds[wanted.first + i];
    const { row, slots } = features(round, network.seesGames);
    const found = network.forward(row);
    for (let j = 0; j < OUTPUTS; j++) {
      // Written so that a NaN is kept.
      const gap = Math.abs(found[j] - logits[i * OUTPUTS + j]);
      if (!(gap <= difference)) difference = gap;
    }
    if (likeliest(decode(round, slots, found)).action === choice) same++;
  });
  return { difference, same, positions: wanted.choices.length };
}

function crc32(row) {
  const bytes = new Uint8Array(row.buffer);
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 255];
  return (crc ^ -1) >>> 0;
}

const crcTable = Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});
