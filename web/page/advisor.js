/** The advisor: a real game is entered as it happens, and the network says what it would do. */

import { FIRST_BID, capital, isBidding, isOver, legalActions } from "../rules.js";
import { adviceSentence, adviceView, adviseInSlices } from "./advice_view.js";
import { cardPicker, inlineCard } from "./cards.js";
import { choiceButtons } from "./choices.js";
import { announce, button, h, refill, store, stored } from "./dom.js";
import { networkOf } from "./networks.js";
import {
  entryProblem,
  entryText,
  freshTable,
  handProblem,
  isTable,
  namesAt,
  nextTable,
  replayed,
} from "./real_table.js";
import { realTableForm } from "./real_table_form.js";
import { ME } from "./record.js";
import { resultTable } from "./sheet.js";
import { headlineView, tableView } from "./table.js";
import { askText, balanceText, does } from "./texts.js";
import { forgetTyped, typedCards } from "./typed_cards.js";

/** What the page shows; `table` is what was entered, and is saved; `changing` is an entry's index. */
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

function change(changes) {
  shown = { ...shown, ...changes };
  if (root === null) return;
  if (changes.table) store("advisor", shown.table);
  const state = shown.table.isBegun ? replayed(shown.table) : null;
  root.dataset.phase = phaseOf(state);
  refill(root, state === null ? formView() : roundView(state), "[data-first]");
  if (state !== null && shown.advice === null && isMyChoice(state)) startAdvice(state.round);
}

const setTable = (changes) => change({ table: { ...shown.table, ...changes }, problem: "" });
const refuse = (problem) => change({ problem });

function phaseOf(state) {
  if (state === null) return "advisor setup";
  if (state.problem !== null) return "advisor problem";
  if (isOver(state.round)) return "advisor over";
  return state.round.seat === ME ? "advisor turn" : "advisor entry";
}

/** True if it is the person's turn, with more than one legal action. */
const isMyChoice = ({ round, problem }) =>
  problem === null && !isOver(round) && round.seat === ME && legalActions(round).length > 1;

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

/** Why the last entry was refused: above the choice, where a phone shows it. */
const problemView = () => h("p", { class: "problem", role: "alert" }, shown.problem);

const formView = () => realTableForm(shown.table, problemView(), { set: setTable, refuse, begin });

function begin() {
  const problem = handProblem(shown.table);
  if (problem !== null) {
    refuse(problem);
    return;
  }
  change({ table: { ...shown.table, isBegun: true }, problem: "", advice: null, changing: null });
  focusChoice();
}

const focusChoice = () => root.querySelector("[data-first]")?.focus({ preventScroll: true });

// ---------- A round

function roundView(state) {
  const { table } = shown;
  return [
    headlineView(table, namesAt(table)),
    tableView(state.round, namesAt(table)),
    h("p", { class: "balance dim" }, balanceText(state.round)),
    state.problem === null ? null : impossibleView(state),
    shown.changing === null ? nextView(state) : correctionView(state),
    entriesView(state),
    h(
      "div",
      { class: "actions" },
      button("Take back the last entry", takeBack, {
        "data-focus": "back",
        disabled: table.entries.length === 0,
      }),
      button("Change the deal", () => setTable({ isBegun: false }), { "data-focus": "deal" }),
      button("New round", startNext, { "data-focus": "new", class: "quiet" }),
    ),
  ];
}

function impossibleView({ problem, at }) {
  const what = `Entry ${at + 1} (${entryText(shown.table.entries[at])}) cannot be. `;
  return h(
    "div",
    { class: "card-box impossible", role: "alert" },
    h("p", {}, h("b", {}, what), problem),
    h("p", {}, "Change it below, or an entry before it; what comes after is kept."),
  );
}

/** What comes next: the person's choice with advice, or the entry of another's. */
function nextView({ round, problem }) {
  if (problem !== null) return null;
  const names = namesAt(shown.table);
  const isMine = round.seat === ME;
  if (isOver(round)) {
    const title = h("h3", {}, "The round is over");
    return h("section", { class: "card-box" }, title, resultTable(round, names));
  }
  const asked = capital(does(names, round.seat, isBidding(round) ? "bid" : "play"));
  return h(
    "section",
    { class: "card-box", "aria-label": "Next entry" },
    h("h3", { id: "ask" }, isMine ? askText(round) : `${asked} …`),
    problemView(),
    choiceView(round, enter),
    isMine ? h("div", { class: "advice-place" }, myAdvice(round)) : null,
  );
}

function myAdvice(round) {
  if (legalActions(round).length === 1) {
    return h("p", { class: "dim" }, "There is only one move here.");
  }
  if (shown.advice === null) return h("p", { class: "dim" }, "Thinking …");
  return adviceView(shown.advice, round);
}

/** What the acting seat may have done; `use(action)` gets it. */
function choiceView(round, use) {
  if (isBidding(round) || round.hands[round.seat] !== null) return choiceButtons(round, use);
  const possible = new Set(legalActions(round));
  const useTyped = (cards) => {
    if (cards.length !== 1) throw new Error("Type one card.");
    use(cards[0]);
  };
  return [
    typedCards("Type the card, such as QH", useTyped, refuse),
    cardPicker("The card", use, (card) => ({ isOff: !possible.has(card) })),
  ];
}

function enter(action) {
  const { table } = shown;
  const { round } = replayed(table);
  if (isRefused(round, action)) return;
  announce(`${namesAt(table)[round.seat]}: ${entryText(action)}.`);
  setEntries([...table.entries, action]);
  focusChoice();
}

/** Explain an action that cannot be, and return true; return false if it can. */
function isRefused(round, action) {
  const problem = entryProblem(shown.table, round, action);
  if (problem !== null) refuse(problem);
  return problem !== null;
}

function setEntries(entries) {
  stopWork();
  forgetTyped();
  change({ table: { ...shown.table, entries }, problem: "", advice: null, changing: null });
}

const takeBack = () => setEntries(shown.table.entries.slice(0, -1));

function startNext() {
  stopWork();
  change({ table: nextTable(shown.table), problem: "", advice: null, changing: null });
}

// ---------- Correcting

/** All entries, to press and correct. */
function entriesView(state) {
  if (shown.table.entries.length === 0) return null;
  const items = shown.table.entries.map((action, index) =>
    h("li", {}, entryButton(state, action, index)),
  );
  return h(
    "section",
    { "aria-label": "Entries" },
    h("h3", {}, "So far; press an entry to correct it"),
    h("ol", { class: "entries" }, items),
  );
}

function entryButton(state, action, index) {
  const isWrong = index === state.at;
  const seat = isWrong ? state.round.seat : state.seats[index];
  // After an entry that cannot be, nobody knows whose turn it was.
  const who = seat === undefined ? "?" : namesAt(shown.table)[seat];
  const what = action >= FIRST_BID ? entryText(action) : inlineCard(action);
  return button([`${who} `, what], () => change({ changing: index, problem: "" }), {
    class: `entry${isWrong ? " wrong" : ""}`,
    "aria-label": `Correct entry ${index + 1}: ${who} ${entryText(action)}`,
    "data-focus": `entry${index}`,
    "data-entry": index,
  });
}

/** The state before the entry that is corrected. */
const beforeCorrection = () =>
  replayed({ ...shown.table, entries: shown.table.entries.slice(0, shown.changing) });

function correctionView(state) {
  const { table, changing } = shown;
  const { round, problem } = beforeCorrection();
  const name = problem === null ? namesAt(table)[round.seat] : "?";
  const cancel = () => change({ changing: null, problem: "" });
  return h(
    "section",
    { class: "card-box", "aria-label": "Correction" },
    h(
      "h3",
      { id: "ask" },
      `Entry ${changing + 1}, ${name}: ${entryText(table.entries[changing])}. What was it?`,
    ),
    problemView(),
    problem === null
      ? choiceView(round, correct)
      : h("p", {}, `Entry ${state.at + 1} comes first: correct that one.`),
    h("div", { class: "actions" }, button("Leave it as it is", cancel, { "data-focus": "cancel" })),
  );
}

function correct(action) {
  const { table, changing } = shown;
  if (isRefused(beforeCorrection().round, action)) return;
  announce(`Entry ${changing + 1} is now ${entryText(action)}.`);
  setEntries(table.entries.map((old, index) => (index === changing ? action : old)));
}
