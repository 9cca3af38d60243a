/** Blob for web games: the rules, the features of a position, and a trained player. */

export * from "./rules.js";
export * from "./game.js";
export * from "./features.js";
export * from "./network.js";
export * from "./worlds.js";
export * from "./style_table.js";
export * from "./styles.js";
export * from "./beliefs.js";
export * from "./advice.js";
