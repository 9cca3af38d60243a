/** The advisor: a real game is entered as it happens, and the network says what it would do. */

import {
  FIRST_BID,
  NO_TRUMP,
  RuleError,
  SUIT_NAMES,
  act,
  capital,
  cardName,
  isBidding,
  isOver,
  legalActions,
  mostCards,
  newRound,
  plural,
  problemWith,
} from "../rules.js";
import { drawWorld } from "../worlds.js";
import { adviceSentence, adviceView, adviseInSlices } from "./advice_view.js";
import { cardButton, cardPicker, cardsFromText, handOrder, inlineCard } from "./cards.js";
import { announce, button, h, refill, select, store, stored, withArrowKeys } from "./dom.js";
import { levels, networkOf, sizeWarning, usualSize } from "./networks.js";
import { ME } from "./record.js";
import { resultTable } from "./sheet.js";
import { headlineView, tableView } from "./table.js";
import { NAMES, askText, balanceText, does, seatNames } from "./texts.js";

/** What the page shows; `table` is what was entered, and is saved. */
let shown = { table: null, problem: "", advice: null, changing: null };
let root = null;
let stopWork = () => {};

/** Show the page in an element; return what to do when it is left. */
export function advisorPage(element) {
  root = element;
  const saved = stored("advisor");
  shown.table ??= isTable(saved) ? saved : freshTable();
  change({ advice: null });
  return () => {
    stopWork();
    root = null;
  };
}

function freshTable() {
  const { players, cards } = usualSize();
  const others = NAMES.slice(0, players - 1);
  return {
    players,
    cards,
    trump: 0,
    dealer: players - 1,
    others,
    hand: [],
    entries: [],
    isBegun: false,
  };
}

/** True if a value that was saved is a table of this version. */
function isTable(value) {
  try {
    const { players, cards, dealer, others, hand, entries } = value;
    newRound({ ...value, hands: Array(players).fill(null) });
    const isList = (list) => Array.isArray(list) && list.every(Number.isInteger);
    return (
      dealer < players &&
      cards > 0 &&
      others.length === players - 1 &&
      isList(hand) &&
      isList(entries)
    );
  } catch {
    return false;
  }
}

function change(changes) {
  shown = { ...shown, ...changes };
  if (root === null) return;
  const { table } = shown;
  if (changes.table) store("advisor", table);
  const state = table.isBegun ? replayed(table) : null;
  root.dataset.phase = phaseOf(state);
  refill(root, state === null ? setupView() : roundView(state), "[data-first]");
  if (
    state !== null &&
    shown.advice === null &&
    isMyChoice(state) &&
    legalActions(state.round).length > 1
  )
    startAdvice(state.round);
}

function phaseOf(state) {
  if (state === null) return "advisor setup";
  if (state.problem !== null) return "advisor problem";
  if (isOver(state.round)) return "advisor over";
  return isMyChoice(state) ? "advisor turn" : "advisor entry";
}

const isMyChoice = ({ round, problem }) => problem === null && !isOver(round) && round.seat === ME;

function startAdvice(round) {
  stopWork();
  stopWork = adviseInSlices(networkOf(shown.table.level), round, (advice) => {
    if (shown.advice === null) announce(adviceSentence(advice));
    shown.advice = advice;
    root
      .querySelector(".advice-place")
      ?.replaceChildren(...adviceView(advice, round).filter(Boolean));
  });
}

const namesOf = (table) => seatNames(table.players, table.others);

/** Name a seat within a sentence. */
const naming = (table) => (seat) => (seat === ME ? "you" : namesOf(table)[seat]);

/**
 * Replay the entries up to the first that cannot be: `{ round, problem, at, seats }`.
 *
 * `at` is the index of the impossible entry, or null; `seats` says who made each entry before it.
 */
function replayed(table) {
  const { players, cards, trump, dealer, hand, entries } = table;
  const hands = Array.from({ length: players }, (_, seat) => (seat === ME ? hand : null));
  let round = newRound({ players, cards, trump, dealer, hands });
  const seats = [];
  for (const [at, action] of entries.entries()) {
    try {
      const after = act(round, action, naming(table));
      if (!hasDeal(after)) throw new RuleError(noDeal(action));
      seats.push(round.seat);
      round = after;
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      return { round, problem: error.message, at, seats };
    }
  }
  return { round, problem: null, at: null, seats };
}

/** True if the cards that are not seen can still be dealt to the others. */
const hasDeal = (round) => drawWorld({ ...round, seat: ME }, Math.random) !== null;

const noDeal = (action) =>
  `With ${cardName(action)} there, no deal agrees with who could not follow which suit. Check the cards before it.`;

// ---------- Setting up

function setupView() {
  const { table } = shown;
  const numbers = (low, high) =>
    Array.from({ length: high - low + 1 }, (_, i) => [String(low + i), String(low + i)]);
  const names = namesOf(table);
  const trumps = [...SUIT_NAMES, "none"].map((name, trump) => [String(trump), name]);
  const form = h(
    "form",
    { class: "card-box setup", on: { submit: (event) => (event.preventDefault(), begin()) } },
    h("h2", {}, "Advice for a game at a real table"),
    h("p", { class: "dim" }, "Enter your hand, then each bid and each card as it falls."),
    h(
      "div",
      { class: "fields" },
      select("Players, with you", "players", numbers(3, 8), String(table.players), setPlayers),
      select(
        "Cards each",
        "cards",
        numbers(1, mostCards(table.players)),
        String(table.cards),
        (value) => setTable({ cards: Number(value) }),
      ),
      select("Trump", "trump", trumps, String(table.trump), (value) =>
        setTable({ trump: Number(value) }),
      ),
      select(
        "Dealer",
        "dealer",
        names.map((name, seat) => [String(seat), name]),
        String(table.dealer),
        (value) => setTable({ dealer: Number(value) }),
      ),
    ),
    h(
      "label",
      { class: "field" },
      h("span", {}, "The others, clockwise from your left"),
      h("input", {
        name: "others",
        autocomplete: "off",
        value: names.slice(1).join(", "),
        on: { change: (event) => setOthers(event.target.value) },
      }),
    ),
    levels().length > 1
      ? select(
          "Adviser",
          "level",
          levels().map(({ key, name }) => [key, name]),
          table.level ?? levels()[0].key,
          (level) => setTable({ level }),
        )
      : null,
    h(
      "p",
      { class: "note small", role: "status" },
      sizeWarning(table.level, table.players, table.cards),
    ),
    h("h3", {}, `Your hand: ${table.hand.length} of ${plural(table.cards, "card")}`),
    typedCards("Type cards, such as QH 10S A♦", (cards) => setHand(cards)),
    cardPicker("Your hand", toggle, (card) => ({ isPressed: table.hand.includes(card) })),
    problemView(),
    h(
      "button",
      { type: "submit", class: "main", "data-focus": "begin" },
      table.entries.length > 0 ? "Go on" : "Begin",
    ),
  );
  return form;
}

const setTable = (changes) => change({ table: { ...shown.table, ...changes }, problem: "" });

function setPlayers(value) {
  const players = Number(value);
  const { cards, dealer, others } = shown.table;
  setTable({
    players,
    cards: Math.min(cards, mostCards(players)),
    dealer: Math.min(dealer, players - 1),
    others: seatNames(players, others).slice(1),
  });
}

function setOthers(text) {
  const names = text.split(",").map((name) => name.trim().slice(0, 20));
  setTable({ others: seatNames(shown.table.players, names).slice(1) });
}

function toggle(card) {
  const { hand, cards } = shown.table;
  if (hand.includes(card)) setTable({ hand: hand.filter((other) => other !== card) });
  else if (hand.length < cards) setTable({ hand: [...hand, card] });
  else
    change({
      problem: `You have ${plural(cards, "card")} already. Press one of them to put it back.`,
    });
}

function setHand(cards) {
  const twice = cards.find((card, index) => cards.indexOf(card) !== index);
  if (twice !== undefined) throw new RuleError(`${cardName(twice)} is there twice.`);
  if (cards.length > shown.table.cards) {
    throw new RuleError(`A hand has ${plural(shown.table.cards, "card")}, not ${cards.length}.`);
  }
  typed = "";
  setTable({ hand: cards });
}

/** What stands in the field for typed cards: it survives a mistake. */
let typed = "";

/** A field for typed cards; a mistake is explained below it. */
function typedCards(label, use) {
  const read = () => {
    try {
      use(cardsFromText(typed));
    } catch (error) {
      change({ problem: error.message });
    }
  };
  const onEnter = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the form would begin the round
    read();
  };
  const input = h("input", {
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    value: typed,
    "data-focus": "typed",
    on: { keydown: onEnter, input: () => (typed = input.value) },
  });
  return h(
    "div",
    { class: "typed" },
    h("label", { class: "field" }, h("span", {}, label), input),
    button("Enter", read),
  );
}

function begin() {
  const { table } = shown;
  try {
    newRound({
      ...table,
      hands: Array.from({ length: table.players }, (_, seat) => (seat === ME ? table.hand : null)),
    });
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    const missing = table.cards - table.hand.length;
    change({
      problem:
        missing > 0 ? `Choose ${plural(missing, "more card")} for your hand.` : error.message,
    });
    return;
  }
  change({ table: { ...table, isBegun: true }, problem: "", advice: null, changing: null });
  root.querySelector("[data-first]")?.focus({ preventScroll: true });
}

// ---------- A round

function roundView(state) {
  const { table } = shown;
  return [
    headlineView(table, namesOf(table)),
    tableView(state.round, namesOf(table)),
    h("p", { class: "balance dim" }, balanceText(state.round)),
    state.problem === null ? null : impossibleView(state),
    shown.changing === null ? nextView(state) : changeView(state),
    entriesView(state),
    h(
      "div",
      { class: "actions" },
      button("Take back the last entry", takeBack, {
        "data-focus": "back",
        disabled: table.entries.length === 0,
      }),
      button("Change the deal", () => setTable({ isBegun: false }), { "data-focus": "deal" }),
      button("New round", nextRound, { "data-focus": "new", class: "quiet" }),
    ),
  ];
}

function impossibleView({ problem, at }) {
  const { table } = shown;
  return h(
    "div",
    { class: "card-box impossible", role: "alert" },
    h(
      "p",
      {},
      h("b", {}, `Entry ${at + 1} (${entryText(table.entries[at])}) cannot be. `),
      problem,
    ),
    h("p", {}, "Change it below, or an entry before it; what comes after is kept."),
  );
}

const entryText = (action) =>
  action >= FIRST_BID ? `bid ${action - FIRST_BID}` : cardName(action);

/** Why the last entry was refused: above the choice, where a phone shows it. */
const problemView = () => h("p", { class: "problem", role: "alert" }, shown.problem);

/** What comes next: my choice with advice, or the entry of another's. */
function nextView(state) {
  const { round, problem } = state;
  const names = namesOf(shown.table);
  if (problem !== null) return null;
  if (isOver(round))
    return h(
      "section",
      { class: "card-box" },
      h("h3", {}, "The round is over"),
      resultTable(round, names),
    );
  const isMine = round.seat === ME;
  const title = isMine
    ? askText(round)
    : `${capital(does(names, round.seat, isBidding(round) ? "bid" : "play"))} …`;
  return h(
    "section",
    { class: "card-box", "aria-label": "Next entry" },
    h("h3", { id: "next" }, title),
    problemView(),
    choiceView(round, enter),
    isMine ? h("div", { class: "advice-place" }, myAdvice(round)) : null,
  );
}

function myAdvice(round) {
  if (legalActions(round).length === 1)
    return h("p", { class: "dim" }, "There is only one move here.");
  return shown.advice === null
    ? h("p", { class: "dim" }, "Thinking …")
    : adviceView(shown.advice, round);
}

/** Buttons for a bid or a card of the acting seat; `use(action)` gets it. */
function choiceView(round, use) {
  const legal = new Set(legalActions(round));
  const focusOf = (action) => action === Math.min(...legal);
  if (isBidding(round)) {
    const bids = Array.from({ length: round.cards + 1 }, (_, bid) => FIRST_BID + bid);
    return withArrowKeys(
      h(
        "div",
        { class: "bidrow", role: "group", "aria-labelledby": "next" },
        bids.map((action) =>
          button(String(action - FIRST_BID), () => use(action), {
            class: legal.has(action) ? "bid" : "bid off",
            "aria-disabled": legal.has(action) ? null : "true",
            "data-action": action,
            "data-focus": `bid${action}`,
            "data-first": focusOf(action),
          }),
        ),
      ),
    );
  }
  const hand = round.hands[round.seat];
  if (hand !== null) {
    const cards = handOrder(hand, round.trump).map((card) =>
      cardButton(card, use, { isOff: !legal.has(card) }),
    );
    cards.find((view) => !view.classList.contains("off")).dataset.first = "";
    return withArrowKeys(
      h("div", { class: "hand", role: "group", "aria-labelledby": "next" }, cards),
    );
  }
  return [
    typedCards("Type the card, such as QH", (cards) =>
      cards.length === 1 ? use(cards[0]) : change({ problem: "Type one card." }),
    ),
    cardPicker("The card", use, (card) => ({ isOff: !legal.has(card) })),
  ];
}

function enter(action) {
  const { table } = shown;
  const state = replayed(table);
  const problem =
    problemWith(state.round, action, naming(table)) ?? dealProblem(state.round, action);
  if (problem !== null) {
    change({ problem });
    return;
  }
  stopWork();
  typed = "";
  announce(`${namesOf(table)[state.round.seat]}: ${entryText(action)}.`);
  change({ table: { ...table, entries: [...table.entries, action] }, problem: "", advice: null });
  root.querySelector("[data-first]")?.focus({ preventScroll: true });
}

const dealProblem = (round, action) => (hasDeal(act(round, action)) ? null : noDeal(action));

// ---------- Correcting

/** All entries, to press and change. */
function entriesView(state) {
  const { table } = shown;
  if (table.entries.length === 0) return null;
  const names = namesOf(table);
  const items = table.entries.map((action, index) => {
    const isWrong = index === state.at;
    const seat = isWrong ? state.round.seat : state.seats[index];
    // After an entry that cannot be, nobody knows whose turn it was.
    const who = seat === undefined ? "?" : names[seat];
    const what = action >= FIRST_BID ? `bid ${action - FIRST_BID}` : inlineCard(action);
    const attributes = {
      class: `entry${isWrong ? " wrong" : ""}`,
      "aria-label": `Change entry ${index + 1}: ${who} ${entryText(action)}`,
      "data-focus": `entry${index}`,
      "data-entry": index,
    };
    return h(
      "li",
      {},
      button([`${who} `, what], () => change({ changing: index, problem: "" }), attributes),
    );
  });
  return h(
    "section",
    { "aria-label": "Entries" },
    h("h3", {}, "So far; press an entry to correct it"),
    h("ol", { class: "entries" }, items),
  );
}

function changeView(state) {
  const { table, changing } = shown;
  const before = replayed({ ...table, entries: table.entries.slice(0, changing) });
  const name = before.problem === null ? namesOf(table)[before.round.seat] : "?";
  const cancel = button("Leave it as it is", () => change({ changing: null, problem: "" }), {
    "data-focus": "cancel",
  });
  const isEarlierWrong = before.problem !== null;
  return h(
    "section",
    { class: "card-box", "aria-label": "Correction" },
    h(
      "h3",
      { id: "next" },
      `Entry ${changing + 1}, ${name}: ${entryText(table.entries[changing])}. What was it?`,
    ),
    problemView(),
    isEarlierWrong
      ? h("p", {}, `Entry ${state.at + 1} comes first: correct that one.`)
      : choiceView(before.round, correct),
    h("div", { class: "actions" }, cancel),
  );
}

function correct(action) {
  const { table, changing } = shown;
  const before = replayed({ ...table, entries: table.entries.slice(0, changing) });
  const problem =
    problemWith(before.round, action, naming(table)) ?? dealProblem(before.round, action);
  if (problem !== null) {
    change({ problem });
    return;
  }
  stopWork();
  typed = "";
  const entries = table.entries.map((old, index) => (index === changing ? action : old));
  announce(`Entry ${changing + 1} is now ${entryText(action)}.`);
  change({ table: { ...table, entries }, changing: null, problem: "", advice: null });
}

function takeBack() {
  stopWork();
  change({
    table: { ...shown.table, entries: shown.table.entries.slice(0, -1) },
    problem: "",
    advice: null,
    changing: null,
  });
}

/** The next round of a game: the deal moves on, and the trump. */
function nextRound() {
  stopWork();
  const { table } = shown;
  const next = { ...table, hand: [], entries: [], isBegun: false };
  next.dealer = (table.dealer + 1) % table.players;
  next.trump = (table.trump + 1) % (NO_TRUMP + 1);
  change({ table: next, problem: "", advice: null, changing: null });
}
