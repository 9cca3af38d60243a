/** Cards as elements, and cards from typed text. */

import {
  CARDS,
  NO_TRUMP,
  RANKS,
  RANK_SYMBOLS,
  SUIT_NAMES,
  SUIT_SYMBOLS,
  rankOf,
  suitOf,
} from "../rules.js";
import { h, withArrowKeys } from "./dom.js";

const RANK_NAMES = [
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "jack",
  "queen",
  "king",
  "ace",
];
const TEXT_STYLE = "\uFE0E"; // draws a suit as text where phones would draw an emoji

/** A card in words: `queen of hearts`. */
export const cardWords = (card) => `${RANK_NAMES[rankOf(card)]} of ${SUIT_NAMES[suitOf(card)]}`;

/** A trump in words: `hearts`, or `no trump`. */
export const trumpWords = (trump) =>
  trump === NO_TRUMP ? "no trump" : `trump ${SUIT_NAMES[trump]}`;

/** A suit's symbol in its colour. */
export const suitMark = (suit) =>
  h("span", { class: `suit s${suit}`, "aria-hidden": "true" }, SUIT_SYMBOLS[suit] + TEXT_STYLE);

const rankText = (card) => (RANK_SYMBOLS[rankOf(card)] === "T" ? "10" : RANK_SYMBOLS[rankOf(card)]);

const faceOf = (card) => [h("span", { class: "rank" }, rankText(card)), suitMark(suitOf(card))];

/** A card that lies on the table. */
export const cardFace = (card, extra = "") =>
  h(
    "span",
    { class: `card s${suitOf(card)} ${extra}`, role: "img", "aria-label": cardWords(card) },
    faceOf(card),
  );

/** A card within a line of text. */
export const inlineCard = (card) =>
  h(
    "span",
    { class: `inline s${suitOf(card)}`, role: "img", "aria-label": cardWords(card) },
    rankText(card),
    suitMark(suitOf(card)),
  );

/** A card to press. One that cannot be chosen stays reachable, so that pressing it explains why. */
export function cardButton(
  card,
  click,
  { isOff = false, isMarked = false, isPressed = null } = {},
) {
  const attributes = {
    type: "button",
    class: `card s${suitOf(card)}${isOff ? " off" : ""}${isMarked ? " marked" : ""}`,
    "aria-label": cardWords(card) + (isMarked ? ", the network's choice" : ""),
    "aria-disabled": isOff ? "true" : null,
    "aria-pressed": isPressed === null ? null : String(isPressed),
    "data-focus": `card${card}`,
    "data-action": card,
    on: { click: () => click(card) },
  };
  return h("button", attributes, faceOf(card));
}

/** Cards sorted as people hold them: by suit, high to low, trump first. */
export function handOrder(cards, trump) {
  const place = (card) => (suitOf(card) === trump ? -1 : suitOf(card));
  return [...cards].sort((a, b) => place(a) - place(b) || b - a);
}

/** All 52 cards to press, a row for each suit; `describe` gives the options of `cardButton`. */
export function cardPicker(label, click, describe) {
  const rows = SUIT_NAMES.map((name, suit) => {
    const cards = Array.from({ length: RANKS }, (_, i) => RANKS * suit + RANKS - 1 - i);
    const buttons = cards.map((card) => cardButton(card, click, describe(card)));
    return h("div", { class: "suitrow", role: "group", "aria-label": name }, buttons);
  });
  const picker = h("div", { class: "picker", role: "group", "aria-label": label }, rows);
  return withArrowKeys(picker, { perRow: RANKS, isOneStop: true });
}

const SUIT_LETTERS = { s: 0, h: 1, c: 2, d: 3, "♠": 0, "♥": 1, "♣": 2, "♦": 3 };

/** Read cards such as `AS 10h Q♥`. Throws an Error of one line if a word is no card. */
export function cardsFromText(text) {
  const words = text
    .replaceAll(TEXT_STYLE, "")
    .split(/[\s,;]+/)
    .filter(Boolean);
  return words.map((word) => {
    const suit = SUIT_LETTERS[word.slice(-1).toLowerCase()];
    const symbol = word.slice(0, -1).toUpperCase().replace("10", "T");
    const rank = symbol.length === 1 ? RANK_SYMBOLS.indexOf(symbol) : -1;
    if (suit === undefined || rank < 0) {
      throw new Error(`“${word}” is not a card. Type rank and suit, such as QH, 10S or A♦.`);
    }
    return RANKS * suit + rank;
  });
}

/** A deck of cards. */
export const wholeDeck = () => Array.from({ length: CARDS }, (_, card) => card);
