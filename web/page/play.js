/** The page to play on: set up a table, bid, play cards, and look back at a round. */

import { isBidding, isOver, legalActions, plural, problemWith, viewOf } from "../rules.js";
import { FIRST_STYLE } from "../features.js";
import { likeliest } from "../network.js";
import { STYLES } from "../style_table.js";
import { adviceSentence, adviceView, adviseInSlices } from "./advice_view.js";
import { trumpWords } from "./cards.js";
import { choiceButtons, handView } from "./choices.js";
import { announce, button, h, refill, showDialog, store, stored } from "./dom.js";
import { kindsAt, levelOf, networkOf } from "./networks.js";
import { overView } from "./over.js";
import {
  ME,
  currentRound,
  dealNext,
  finishedRounds,
  isFinished,
  isGame,
  newGame,
  plansOf,
  resultsOf,
  scoresOf,
  withAction,
  withHint,
} from "./record.js";
import { review } from "./review.js";
import { paceSelect, savedPace, savedSetup, setupForm } from "./setup.js";
import { scoreSheet } from "./sheet.js";
import { headlineView, tableView } from "./table.js";
import { askText, balanceText, dealText, moveText, seatNames } from "./texts.js";

const AFTER_TRICK = 2.5; // times the pace, to look at a trick before the next lead

/** Everything that the page shows; changed by `change` alone. */
let shown = { game: null, advice: null, problem: "", pace: null, setup: null };
let root = null;
let timer = null;
let stopWork = () => {};

/** Show the page in an element; return what to do when it is left. */
export function playPage(element) {
  root = element;
  const saved = stored("game");
  if (shown.game === null && isGame(saved)) shown.game = saved;
  shown.pace ??= savedPace();
  shown.setup ??= savedSetup();
  change({});
  return () => {
    stopAll();
    root = null;
  };
}

function stopAll() {
  clearTimeout(timer);
  stopWork();
  stopWork = () => {};
}

function change(changes) {
  shown = { ...shown, ...changes };
  if (root === null) return;
  root.dataset.phase = phase();
  render();
  continueGame();
}

function render() {
  if (shown.game === null) {
    refill(root, setupView(), "[data-first]");
    return;
  }
  if (root.querySelector(".round") === null)
    root.replaceChildren(h("div", { class: "round" }), gameBar());
  refill(root.querySelector(".round"), roundViews(), "[data-first]");
}

function phase() {
  if (shown.game === null) return "setup";
  const round = currentRound(shown.game);
  if (isOver(round)) return isFinished(shown.game) ? "game over" : "round over";
  if (round.seat !== ME) return "waiting";
  return isBidding(round) ? "bidding" : "playing";
}

/** Let a network make the next move, if it is its turn. */
function continueGame() {
  clearTimeout(timer);
  if (phase() !== "waiting") return;
  const round = currentRound(shown.game);
  const isNewTrick = round.plays.length > 0 && round.plays.length % round.players === 0;
  timer = setTimeout(
    () => {
      const network = networkOf(shown.game.level);
      take(network.choose(viewOf(round, round.seat), kindsAt(network, round, earlier())));
    },
    shown.pace * (isNewTrick ? AFTER_TRICK : 1),
  );
}

/** Take an action of the acting seat, and say it. */
function take(action) {
  stopAll();
  const game = withAction(shown.game, action);
  const round = currentRound(game);
  store("game", game);
  announce(moveText(round, namesOf(game)));
  change({ game, advice: null, problem: "" });
  if (root === null) return;
  if (isOver(round)) {
    const points = resultsOf(game).at(-1).points[ME];
    announce(`The round is over. You get ${plural(points, "point")}.`);
    root.querySelector("[data-first]")?.focus();
  } else if (round.seat === ME) {
    announce(askText(round));
    if (document.activeElement === document.body || root.contains(document.activeElement)) {
      root.querySelector("[data-first]")?.focus({ preventScroll: true });
    }
  }
}

/** The rounds before the one that is played: the networks adapt to what the players did in them. */
const earlier = () => finishedRounds(shown.game).slice(0, shown.game.rounds.length - 1);

/** The style in which the networks believe that the person plays, or null. */
function styleOfMine() {
  const { game } = shown;
  const other = { ...currentRound(game), seat: ME + 1 };
  const kind = kindsAt(networkOf(game.level), other, finishedRounds(game))?.[ME] ?? null;
  return kind === null || kind < FIRST_STYLE ? null : STYLES[kind - FIRST_STYLE];
}

const namesOf = (game) => seatNames(game.players);

// ---------- Setting up

const setupView = () => [
  setupForm(shown.setup, shown.pace, { change: (setup) => change({ setup }), setPace, start }),
  h(
    "p",
    { class: "dim" },
    "Bid how many tricks you will take, and take exactly as many: that pays 10 points and the bid. " +
      "Anything else pays nothing.",
  ),
];

function setPace(pace) {
  store("pace", pace);
  shown.pace = pace; // nothing that is shown depends on it
  if (root !== null) continueGame();
}

function start() {
  const level = levelOf(shown.setup.level);
  store("setup", shown.setup);
  const game = newGame({ ...shown.setup, level: level.key });
  store("game", game);
  change({ game, advice: null, problem: "" });
  announce(headline(game));
  if (phase() !== "waiting") announce(askText(currentRound(game)));
  root.querySelector("[data-first]")?.focus({ preventScroll: true });
}

// ---------- The table

function roundViews() {
  const { game } = shown;
  const round = currentRound(game);
  return [
    headlineView(game.rounds.at(-1), namesOf(game), roundNumber(game)),
    tableView(round, namesOf(game), game.oneRound ? null : scoresOf(game)),
    h("p", { class: "balance dim" }, balanceText(round)),
    isOver(round)
      ? overView(game, round, namesOf(game), styleOfMine(), { next, leave, look })
      : turnView(game, round),
  ];
}

/** What stays under the table while the moves go on: a select that is open must not be replaced. */
function gameBar() {
  return h(
    "div",
    { class: "actions bar" },
    button("Score sheet", () => openSheet(shown.game)),
    paceSelect(shown.pace, setPace),
    button("Leave game", () => askToLeave(), { class: "quiet" }),
  );
}

const roundNumber = (game) =>
  game.oneRound ? "One round" : `Round ${game.rounds.length} of ${plansOf(game).length}`;

/** `Round 3 of 12: 5 cards each, trump hearts, Ben deals.` */
function headline(game) {
  const { cards, trump, dealer } = game.rounds.at(-1);
  return `${roundNumber(game)}: ${plural(cards, "card")} each, ${trumpWords(trump)}, ${dealText(namesOf(game), dealer)}.`;
}

function turnView(game, round) {
  const isMine = round.seat === ME;
  const ask = isMine ? askText(round) : `${namesOf(game)[round.seat]} is thinking …`;
  const marked = shown.advice === null ? null : likeliest(shown.advice).action;
  const choice = isMine ? choiceButtons(round, (action) => tryAction(round, action), marked) : null;
  return [
    h("p", { class: "ask", id: "ask" }, ask),
    h("p", { class: "problem", role: "alert" }, shown.problem),
    choice,
    isMine && !isBidding(round) ? null : handView(round, ME),
    isMine && legalActions(round).length > 1 ? hintView(game, round) : null,
  ];
}

function tryAction(round, action) {
  const problem = problemWith(round, action);
  if (problem === null) take(action);
  else change({ problem });
}

function hintView(game, round) {
  const isOpen = shown.advice !== null;
  return h(
    "section",
    { class: "hint", "aria-label": "Hint" },
    button(isOpen ? "Hide the hint" : "Hint", isOpen ? hideHint : () => showHint(game, round), {
      "data-focus": "hint",
      "aria-expanded": String(isOpen),
    }),
    isOpen ? h("div", { class: "card-box" }, adviceView(shown.advice, round)) : null,
  );
}

function hideHint() {
  stopAll();
  change({ advice: null });
}

function showHint(game, round) {
  const noted = withHint(game);
  store("game", noted);
  shown.game = noted;
  stopWork();
  const network = networkOf(game.level);
  const kinds = kindsAt(network, round, earlier());
  const show = (advice) => {
    if (shown.advice === null) {
      change({ advice });
      announce(adviceSentence(advice));
      return;
    }
    // Only the numbers: the rest of the page stays, and whatever is open or chosen in it.
    shown.advice = advice;
    root
      .querySelector(".hint .card-box")
      .replaceChildren(...adviceView(advice, round).filter(Boolean));
  };
  stopWork = adviseInSlices(network, viewOf(round, ME), show, { kinds });
}

// ---------- After a round

function look(place) {
  const { game } = shown;
  stopWork();
  stopWork = review(place, networkOf(game.level), game, game.rounds.length - 1);
}

function next() {
  stopAll();
  const game = dealNext(shown.game);
  store("game", game);
  announce(headline(game));
  change({ game, advice: null, problem: "" });
  const round = currentRound(game);
  if (round.seat === ME) announce(askText(round));
  root.querySelector("[data-first]")?.focus({ preventScroll: true });
}

function leave() {
  stopAll();
  store("game", null);
  change({ game: null, advice: null, problem: "" });
  root.querySelector("[data-first]")?.focus();
}

// ---------- Dialogs

function openSheet(game) {
  const isEmpty = resultsOf(game).length === 0;
  showDialog(
    "Score sheet",
    isEmpty ? h("p", {}, "No round is over yet.") : scoreSheet(game, namesOf(game)),
  );
}

function askToLeave() {
  if (isFinished(shown.game)) {
    leave();
    return;
  }
  const dialog = showDialog(
    "Leave this game?",
    [
      h("p", {}, "The game is not over, and it is not kept."),
      button("Leave it", () => (dialog.close(), leave()), { class: "main" }),
    ],
    "Play on",
  );
}
