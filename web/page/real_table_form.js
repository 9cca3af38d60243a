/** The form of the advisor: the deal of a real table, and the person's hand. */

import { MAX_PLAYERS, MIN_PLAYERS, SUIT_NAMES, mostCards, plural } from "../rules.js";
import { cardPicker } from "./cards.js";
import { h, numbers, select } from "./dom.js";
import { levels, sizeWarning } from "./networks.js";
import { checkHand, namesAt } from "./real_table.js";
import { seatNames } from "./texts.js";
import { forgetTyped, typedCards } from "./typed_cards.js";

/**
 * The form: `set(changes)` changes the table, `refuse(message)` explains a mistake, `begin()` starts
 * the round; `problem` is the element of the last mistake.
 */
export function realTableForm(table, problem, { set, refuse, begin }) {
  const onSubmit = (event) => {
    event.preventDefault();
    begin();
  };
  return h(
    "form",
    { class: "card-box setup", on: { submit: onSubmit } },
    h("h2", {}, "Advice for a game at a real table"),
    h("p", { class: "dim" }, "Enter your hand, then each bid and each card as it falls."),
    h("div", { class: "fields" }, dealFields(table, set)),
    namesField(table, set),
    levelField(table, set),
    h(
      "p",
      { class: "note small", role: "status" },
      sizeWarning(table.level, table.players, table.cards),
    ),
    h("h3", {}, `Your hand: ${table.hand.length} of ${plural(table.cards, "card")}`),
    typedCards("Type cards, such as QH 10S A♦", (cards) => setHand(table, cards, set), refuse),
    cardPicker(
      "Your hand",
      (card) => toggle(table, card, set, refuse),
      (card) => ({
        isPressed: table.hand.includes(card),
      }),
    ),
    problem,
    h(
      "button",
      { type: "submit", class: "main", "data-focus": "begin" },
      table.entries.length > 0 ? "Go on" : "Begin",
    ),
  );
}

function dealFields(table, set) {
  const { players, cards, trump, dealer } = table;
  const trumps = [...SUIT_NAMES, "none"].map((name, suit) => [String(suit), name]);
  const dealers = namesAt(table).map((name, seat) => [String(seat), name]);
  const number = (label, name, options, value) =>
    select(label, name, options, String(value), (text) => set({ [name]: Number(text) }));
  return [
    select(
      "Players, with you",
      "players",
      numbers(MIN_PLAYERS, MAX_PLAYERS),
      String(players),
      (value) => setPlayers(table, Number(value), set),
    ),
    number("Cards each", "cards", numbers(1, mostCards(players)), cards),
    number("Trump", "trump", trumps, trump),
    number("Dealer", "dealer", dealers, dealer),
  ];
}

function setPlayers({ cards, dealer, others }, players, set) {
  set({
    players,
    cards: Math.min(cards, mostCards(players)),
    dealer: Math.min(dealer, players - 1),
    others: seatNames(players, others).slice(1),
  });
}

function namesField(table, set) {
  const onChange = (event) => {
    const names = event.target.value.split(",").map((name) => name.trim().slice(0, 20));
    set({ others: seatNames(table.players, names).slice(1) });
  };
  return h(
    "label",
    { class: "field" },
    h("span", {}, "The others, clockwise from your left"),
    h("input", {
      name: "others",
      autocomplete: "off",
      value: namesAt(table).slice(1).join(", "),
      on: { change: onChange },
    }),
  );
}

function levelField(table, set) {
  const choices = levels().map(({ key, name }) => [key, name]);
  if (choices.length === 1) return null;
  return select("Adviser", "level", choices, table.level ?? choices[0][0], (level) =>
    set({ level }),
  );
}

function toggle({ hand, cards }, card, set, refuse) {
  if (hand.includes(card)) set({ hand: hand.filter((other) => other !== card) });
  else if (hand.length < cards) set({ hand: [...hand, card] });
  else refuse(`You have ${plural(cards, "card")} already. Press one of them to put it back.`);
}

function setHand(table, cards, set) {
  checkHand(table, cards);
  forgetTyped();
  set({ hand: cards });
}
