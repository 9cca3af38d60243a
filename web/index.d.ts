/** A card is `13 * suit + rank`: spades, hearts, clubs, diamonds; the two (0) to the ace (12). */
export type Card = number;

/** A card (0 to 51), or a bid: `FIRST_BID + tricks`. */
export type Action = number;

/** A seat, numbered from 0 in order of play. */
export type Seat = number;

/** Where a round stands in its game. */
export interface Standing {
  /** Cards of the game's longest rounds. */
  longest: number;
  /** Rounds after this one. */
  left: number;
  /** Points of each seat before this round. */
  scores: number[];
}

/** What is dealt. */
export interface Deal {
  players: number;
  cards: number;
  /** 0 to 3, or `NO_TRUMP`. */
  trump: number;
  dealer: Seat;
  /** Each seat's cards, or null where they are not known. */
  hands: (readonly Card[] | null)[];
  /** Null for a single round. */
  game?: Standing | null;
}

/** A round: frozen, made by `newRound` and `act` alone. */
export interface Round {
  readonly players: number;
  readonly cards: number;
  readonly trump: number;
  readonly dealer: Seat;
  readonly game: Standing | null;
  /** Cards that each seat still holds, ascending; null where they are not known. */
  readonly hands: readonly (readonly Card[] | null)[];
  /** The seat that acts. */
  readonly seat: Seat;
  /** The seat that led, or will lead, the current trick. */
  readonly leader: Seat;
  /** Null before a seat has bid. */
  readonly bids: readonly (number | null)[];
  readonly tricks: readonly number[];
  /** Each seat's card in the current trick, or null. */
  readonly table: readonly (Card | null)[];
  /** Shown voids of each seat: bit `suit` is set. */
  readonly voids: readonly number[];
  /** The seat that wins the current trick so far; null before its lead. */
  readonly winner: Seat | null;
  /** All cards played, in order. */
  readonly plays: readonly { readonly seat: Seat; readonly card: Card }[];
  /** All actions, in order: the bids, then the cards. */
  readonly actions: readonly Action[];
}

export const CARDS: 52;
export const SUITS: 4;
export const RANKS: 13;
export const NO_TRUMP: 4;
export const MIN_PLAYERS: 3;
export const MAX_PLAYERS: 8;
export const MAX_CARDS: 17;
export const FIRST_BID: 52;
export const ACTION_COUNT: 70;
export const EXACT_BONUS: 10;
export const RANK_SYMBOLS: string;
export const SUIT_SYMBOLS: string;
export const SUIT_NAMES: readonly string[];

/** An action or a deal that the rules do not allow; the message explains the rule in one line. */
export class RuleError extends Error {}

export function suitOf(card: Card): number;
export function rankOf(card: Card): number;
/** A card as rank and suit, such as `10♥`. */
export function cardName(card: Card): string;
/** The most cards that each of so many players can get. */
export function mostCards(players: number): number;
/** `1 card`, `2 cards`. */
export function plural(count: number, noun: string): string;
/** A text with its first letter in upper case. */
export function capital(text: string): string;

/** Deal a round. Throws a `RuleError` if it cannot be dealt. */
export function newRound(deal: Deal): Round;
/** Take an action of the acting seat; return the round after it. Throws a `RuleError`. */
export function act(round: Round, action: Action, nameOf?: (seat: Seat) => string): Round;
/** The actions of the acting seat, ascending; with an unknown hand, all that are possible. */
export function legalActions(round: Round): Action[];
/** Say in one line why an action is not legal; null if it is. */
export function problemWith(
  round: Round,
  action: Action,
  nameOf?: (seat: Seat) => string,
): string | null;
/** The cards that a seat with an unknown hand may hold. */
export function possibleCards(round: Round, seat: Seat): Card[];
/** The bid that the acting seat may not make, or null. */
export function forbiddenBid(round: Round): number | null;
export function isBidding(round: Round): boolean;
export function isOver(round: Round): boolean;
/** The suit to follow, or null before a lead. */
export function ledSuit(round: Round): number | null;
export function cardsLeft(round: Round, seat: Seat): number;
/** True if `card`, played after the winning card `best`, takes the trick from it. */
export function beats(card: Card, best: Card, trump: number): boolean;
/** Points for a bid and the tricks taken. */
export function score(bid: number, tricks: number): number;
/** Points of each seat in a round that is over. */
export function roundPoints(round: Round): number[];
/** The tricks of a round in order, the last one perhaps unfinished. */
export function tricksOf(round: Round): { plays: { seat: Seat; card: Card }[]; winner: Seat }[];
/** The round as a seat sees it: without the hands of the others. */
export function viewOf(round: Round, seat: Seat): Round;

/** The rounds of a game, in order. */
export function gameRounds(
  players: number,
  longest: number,
  firstDealer?: Seat,
): { cards: number; trump: number; dealer: Seat }[];

/** The kinds of opponents in self-play: at random (0), by a network (1), and by each style (from 2 on). */
export const OPPONENT_KINDS: 64;
/** The first kind that is a style: `STYLES[kind - FIRST_STYLE]`. */
export const FIRST_STYLE: 2;
/** The kind of the opponent at each seat; null where the network sits, or nobody that it knows. */
export type Kinds = readonly (number | null)[];
/** Start of each group of features. */
export const FEATURE_INDEX: Readonly<Record<string, number>>;
/** Width of the features of a single round. */
export const FEATURES: number;
/** Width of the features with those of a game. */
export const GAME_FEATURES: number;
/** The features of what the acting seat sees, and the slot of each suit. */
export function features(
  round: Round,
  seesGames?: boolean,
  kinds?: Kinds | null,
): { row: Float32Array; slots: number[] };
/** The slot of each suit. */
export function slotsOf(round: Round): number[];

/** A legal action as the network judges it. */
export interface Option {
  action: Action;
  /** The network's preference; those of all options sum to one. */
  prior: number;
  /** Of a bid: the probability that it is made if it is bid. */
  exact?: number;
  /** What it brings on average. */
  points?: number;
}

export interface Evaluation<O = Option> {
  /** In the order of `legalActions`. */
  options: O[];
  /** For a seat that has bid: the probability of each number of tricks at the end. */
  tricks: number[] | null;
}

/** The content of a network file, as `blobmaster export CHECKPOINT --web player.json` writes it. */
export interface NetworkFile {
  blobmaster_network: 1;
  blobmaster: string;
  run_id: string;
  iteration: number;
  /** As measured in training; null if this iteration was not rated. */
  elo: number | null;
  sees_games: boolean;
  /** It has learned to play against opponents that it knows; missing in files of older versions. */
  adapts?: boolean;
  /** By number of players, the most cards of the rounds that it learned from. */
  trained_on: Record<string, number>;
  layers: object[];
  /** Little-endian fp16, as base64. */
  weights: string;
}

export class Network {
  /** Load a network file: its text, or the object parsed from it. Throws an Error of one line. */
  static load(file: string | NetworkFile): Network;
  /** The file without layers and weights. */
  readonly about: Omit<NetworkFile, "layers" | "weights">;
  readonly seesGames: boolean;
  /** The action that the network takes for the acting seat. It reads no other hand. */
  choose(round: Round, kinds?: Kinds | null): Action;
  /** Evaluate the decisions of the acting seats of some rounds. */
  evaluate(rounds: Round[], kinds?: Kinds | null): Evaluation[];
  /** Compute `[count, features]` to `[count, OUTPUTS]` logits. */
  forward(rows: Float32Array, count?: number): Float32Array;
}

export const NETWORK_FORMAT: 1;
/** Outputs of a network: 70 actions, 8 × 18 tricks of each seat, 18 bids. */
export const OUTPUTS: 232;
/** The option of highest prior. */
export function likeliest<O extends { prior: number }>(evaluation: { options: O[] }): O;
/** Decode a row of logits. */
export function decode(round: Round, slots: number[], logits: Float32Array): Evaluation;
/** The index of an action's logit. */
export function actionOutput(action: Action, slots: number[]): number;

/** An option with what it brings. */
export interface JudgedOption extends Omit<Option, "points"> {
  /** Null until it is known. */
  points: number | null;
  /** Standard error of the difference in points from the network's own choice. */
  error: number | null;
}

export interface Advice extends Evaluation<JudgedOption> {
  /** Deals of the hidden cards that the points are the average of. */
  worlds: number;
}

/** Advise the acting seat, better and better; yields often, so that a page stays responsive. */
export function advise(
  network: Network,
  round: Round,
  settings?: {
    worlds?: number;
    random?: () => number;
    actions?: readonly Action[];
    kinds?: Kinds | null;
  },
): Generator<Advice, void, void>;

/** A rule player: its bids and the aims of its cards are those of `src/blobmaster/styles/`. */
export interface Style {
  /** Empty for the varied styles. */
  readonly name: string;
  /** What it does, in a few words after its name. */
  readonly meaning: string;
  readonly bias: number;
  readonly noise: number;
  readonly untilMet: string;
  readonly onceMet: string;
  readonly careless: number;
  /** What the network sees, from 0 to 1. */
  readonly traits: readonly number[];
}

/** Traits of a style. */
export const TRAITS: 11;
/** The traits of a player at random. */
export const RANDOM_TRAITS: readonly number[];

/** The styles, in the order of their kinds. */
export const STYLES: readonly Style[];
/** The probability that each style takes a legal action of the acting seat, whose hand is known. */
export function styleChances(round: Round, action: Action): number[];

/** Believes by Bayes' rule who holds each seat, from the finished rounds of a game. */
export class SeatBeliefs {
  constructor(network: Network);
  /** What the acting seat may believe after those rounds, or null; for `choose` and `evaluate`. */
  kinds(round: Round, earlier: readonly Round[]): Kinds | null;
  /** The log probability of all that each seat did, by kind. */
  logLikelihood(players: number, earlier: readonly Round[]): number[][];
}

/** A round with a hand for every seat that agrees with what the acting seat knows; null if none does. */
export function drawWorld(round: Round, random: () => number): Round | null;
/** A shuffled copy. */
export function shuffled<T>(items: readonly T[], random: () => number): T[];
