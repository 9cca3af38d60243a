/** The player: a residual network that maps features to logits, in float32 and without a library. */

import {
  ACTION_COUNT,
  FIRST_BID,
  MAX_CARDS,
  MAX_PLAYERS,
  RANKS,
  isBidding,
  legalActions,
  rankOf,
  score,
  suitOf,
} from "./rules.js";
import { FEATURES, GAME_FEATURES, features } from "./features.js";

/** The format of network files that this code reads. */
export const NETWORK_FORMAT = 1;

const TRICK_COUNTS = MAX_CARDS + 1;
const TRICK_OUTPUTS = MAX_PLAYERS * TRICK_COUNTS;

/** Outputs of a network: a logit per action, the tricks of each seat, the success of each bid. */
export const OUTPUTS = ACTION_COUNT + TRICK_OUTPUTS + TRICK_COUNTS;

export class Network {
  /**
   * Load a network file: its JSON text, or the object parsed from it.
   *
   * Throws an Error of one line if it is not such a file.
   */
  static load(file) {
    const described = typeof file === "string" ? parsed(file) : file;
    if (described?.blobmaster_network !== NETWORK_FORMAT) {
      throw new Error(
        `This is not a network of format ${NETWORK_FORMAT}: write one with ` +
          "`blobmaster export CHECKPOINT --web player.json`.",
      );
    }
    return new Network(described);
  }

  /** See `load`. */
  constructor(described) {
    const { weights, layers, ...about } = described;
    /** Origin and strength: `name`, `iteration`, `elo` (null if not rated), `sees_games`, `adapts` … */
    this.about = about;
    this.seesGames = Boolean(about.sees_games);
    const reader = { values: halfFloats(bytesOf(weights)), at: 0 };
    this.layers = layers.map((layer) => readLayer(layer, reader));
    const inputs = this.seesGames ? GAME_FEATURES : FEATURES;
    if (reader.at !== reader.values.length || this.layers[0].inputs !== inputs) {
      throw new Error("This network file is damaged: its weights do not fit its layers.");
    }
  }

  /** Compute `[count, inputs]` rows of features to `[count, OUTPUTS]` logits. */
  forward(rows, count = 1) {
    return applyLayers(this.layers, rows, count);
  }

  /** Evaluate the decisions of the acting seats of some rounds; see `decode`, and `features` for `kinds`. */
  evaluate(rounds, kinds = null) {
    const encoded = rounds.map((round) => features(round, this.seesGames, kinds));
    const width = this.layers[0].inputs;
    const rows = new Float32Array(rounds.length * width);
    encoded.forEach(({ row }, index) => rows.set(row, index * width));
    const logits = this.forward(rows, rounds.length);
    return rounds.map((round, index) =>
      decode(round, encoded[index].slots, logits.subarray(index * OUTPUTS, (index + 1) * OUTPUTS)),
    );
  }

  /** The action that the network takes: the legal one of highest prior. For `kinds` see `features`. */
  choose(round, kinds = null) {
    const legal = legalActions(round);
    return legal.length === 1 ? legal[0] : likeliest(this.evaluate([round], kinds)[0]).action;
  }
}

/** The option of highest prior, the first of equals. */
export const likeliest = ({ options }) =>
  options.reduce((best, option) => (option.prior > best.prior ? option : best));

/**
 * Decode logits: `{ options, tricks }`.
 *
 * `options` holds each legal action with its `prior`; a bid also has `exact`, the probability that it
 * is made if it is bid, and `points`, what it brings on average. `tricks` is, for a seat that has
 * bid, the probability of each number of tricks at the end of the round.
 */
export function decode(round, slots, logits) {
  const legal = legalActions(round);
  const prior = softmax(legal.map((action) => logits[actionOutput(action, slots)]));
  const options = legal.map((action, index) => ({ action, prior: prior[index] }));
  if (!isBidding(round)) return { options, tricks: trickChances(round, logits) };
  for (const option of options) {
    const bid = option.action - FIRST_BID;
    option.exact = 1 / (1 + Math.exp(-logits[ACTION_COUNT + TRICK_OUTPUTS + bid]));
    option.points = option.exact * score(bid, bid);
  }
  return { options, tricks: null };
}

/** The index of an action's logit. */
export const actionOutput = (action, slots) =>
  action >= FIRST_BID ? action : RANKS * slots[suitOf(action)] + rankOf(action);

function trickChances(round, logits) {
  const taken = round.tricks.reduce((sum, tricks) => sum + tricks, 0);
  const low = round.tricks[round.seat];
  const high = low + round.cards - taken;
  // Other numbers of tricks are impossible by now, whatever their logits say.
  const possible = softmax(logits.subarray(ACTION_COUNT + low, ACTION_COUNT + high + 1));
  const chances = Array(round.cards + 1).fill(0);
  possible.forEach((chance, index) => (chances[low + index] = chance));
  return chances;
}

function softmax(logits) {
  const peak = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp(logit - peak));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Decode little-endian 16-bit floats (IEEE 754). */
function halfFloats(bytes) {
  // By bits, without a branch for each kind of number but the rare ones: 2.4 million in a few
  // hundredths of a second. Float16Array would do it, but is in no browser older than 2025.
  const values = new Float32Array(bytes.length >> 1);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) {
    const half = bytes[2 * i] | (bytes[2 * i + 1] << 8);
    const exponent = (half >> 10) & 31;
    const sign = (half & 0x8000) << 16;
    if (exponent !== 0) bits[i] = sign | ((exponent + 112) << 23) | ((half & 0x3ff) << 13);
    else values[i] = (sign ? -1 : 1) * (half & 0x3ff) * 2 ** -24; // zero, or subnormal
  }
  return values;
}

function readLayer(layer, reader) {
  const take = (count) => reader.values.subarray(reader.at, (reader.at += count));
  switch (layer.kind) {
    case "linear": {
      const { inputs, outputs } = layer;
      return {
        kind: "linear",
        inputs,
        outputs,
        weight: take(inputs * outputs),
        bias: take(outputs),
      };
    }
    case "norm":
      return { ...layer, weight: take(layer.width), bias: take(layer.width) };
    case "relu":
      return layer;
    case "residual":
      return { ...layer, layers: layer.layers.map((inner) => readLayer(inner, reader)) };
    default:
      throw new Error(`This network has a layer of kind ${layer.kind}: get the newer modules.`);
  }
}

function applyLayers(layers, x, count) {
  return layers.reduce((value, layer) => applyLayer(layer, value, count), x);
}

function applyLayer(layer, x, count) {
  switch (layer.kind) {
    case "linear":
      return linear(layer, x, count);
    case "norm":
      return normalized(layer, x, count);
    case "relu":
      return x.map((value) => (value > 0 ? value : 0));
    default: {
      const y = applyLayers(layer.layers, x, count);
      for (let i = 0; i < y.length; i++) y[i] += x[i];
      return y;
    }
  }
}

/**
 * Compute `x @ weight.T + bias`, with the weights as `[outputs, inputs]`.
 *
 * Most inputs are 0 in the first layer and after a ReLU, and only others are multiplied. That is
 * faster than several rows at once, which share the loads of the weights but not their zeros.
 */
function linear(layer, x, count) {
  const y = new Float32Array(count * layer.outputs);
  for (let row = 0; row < count; row++) oneRow(layer, x, y, row);
  return y;
}

function oneRow({ inputs, outputs, weight, bias }, x, y, row) {
  const places = new Int32Array(inputs);
  const values = new Float32Array(inputs);
  let filled = 0;
  for (let i = 0; i < inputs; i++) {
    const value = x[row * inputs + i];
    if (value !== 0) {
      places[filled] = i;
      values[filled++] = value;
    }
  }
  for (let j = 0; j < outputs; j++) {
    const start = j * inputs;
    // Four sums: each addition of one would wait for the one before it.
    let a = bias[j];
    let b = 0;
    let c = 0;
    let d = 0;
    let i = 0;
    for (; i + 4 <= filled; i += 4) {
      a += weight[start + places[i]] * values[i];
      b += weight[start + places[i + 1]] * values[i + 1];
      c += weight[start + places[i + 2]] * values[i + 2];
      d += weight[start + places[i + 3]] * values[i + 3];
    }
    for (; i < filled; i++) a += weight[start + places[i]] * values[i];
    y[row * outputs + j] = a + b + (c + d);
  }
}

function normalized({ width, epsilon, weight, bias }, x, count) {
  const y = new Float32Array(x.length);
  for (let start = 0; start < count * width; start += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += x[start + i];
    const mean = sum / width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[start + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / width + epsilon);
    for (let i = 0; i < width; i++)
      y[start + i] = (x[start + i] - mean) * scale * weight[i] + bias[i];
  }
  return y;
}
