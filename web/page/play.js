/** The page to play on: set up a table, bid, play cards, and look back at a round. */

import {
  FIRST_BID,
  cardsLeft,
  isBidding,
  isOver,
  legalActions,
  mostCards,
  plural,
  problemWith,
  viewOf,
} from "../rules.js";
import { likeliest } from "../network.js";
import { adviceSentence, adviceView, adviseInSlices } from "./advice_view.js";
import { cardButton, cardFace, handOrder, trumpWords } from "./cards.js";
import { announce, button, h, refill, select, store, stored, withArrowKeys } from "./dom.js";
import { levelOf, levels, networkOf, sizeWarning, usualSize } from "./networks.js";
import {
  ME,
  currentRound,
  dealNext,
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
import { allHands, resultTable, scoreSheet } from "./sheet.js";
import { headlineView, tableView } from "./table.js";
import { askText, balanceText, dealText, moveText, seatNames, winnerText } from "./texts.js";

const PACES = [
  ["1200", "slow"],
  ["600", "normal"],
  ["200", "fast"],
  ["0", "at once"],
];
const AFTER_TRICK = 2.5; // times the pace, to look at a trick before the next lead

/** Everything that the page shows; changed by `change` alone. */
let shown = { game: null, advice: null, problem: "", pace: 600, setup: null };
let root = null;
let timer = null;
let stopWork = () => {};

/** Show the page in an element; return what to do when it is left. */
export function playPage(element) {
  root = element;
  const saved = stored("game");
  if (shown.game === null && isGame(saved)) shown.game = saved;
  const pace = String(stored("pace"));
  if (PACES.some(([value]) => value === pace)) shown.pace = Number(pace);
  shown.setup ??= savedSetup() ?? usualSetup();
  change({});
  return () => {
    stopAll();
    root = null;
  };
}

/** The setup of the last game, if what was saved is one. */
function savedSetup() {
  const saved = stored("setup");
  const players = saved?.players;
  const isPossible =
    players >= 3 && players <= 8 && saved.longest >= 1 && saved.longest <= mostCards(players);
  return isPossible ? saved : null;
}

function usualSetup() {
  const { players, cards } = usualSize();
  return { players, longest: cards, oneRound: false };
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
      take(network.choose(viewOf(round, round.seat)));
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

const namesOf = (game) => seatNames(game.players);

// ---------- Setting up

function setupView() {
  const { players, longest, oneRound } = shown.setup;
  const numbers = (low, high) =>
    Array.from({ length: high - low + 1 }, (_, i) => [String(low + i), String(low + i)]);
  const most = mostCards(players);
  const set = (key, read) => (value) => change({ setup: { ...shown.setup, [key]: read(value) } });
  const form = h(
    "form",
    { class: "card-box setup", on: { submit: (event) => (event.preventDefault(), start()) } },
    h("h2", {}, "A new game"),
    h(
      "div",
      { class: "fields" },
      select("Players, with you", "players", numbers(3, 8), String(players), (value) => {
        change({
          setup: {
            ...shown.setup,
            players: Number(value),
            longest: Math.min(longest, mostCards(Number(value))),
          },
        });
      }),
      select(
        "Most cards each",
        "longest",
        numbers(1, most),
        String(Math.min(longest, most)),
        set("longest", Number),
      ),
      select(
        "Length",
        "length",
        [
          ["game", gameLength(players, longest)],
          ["round", "one round"],
        ],
        oneRound ? "round" : "game",
        set("oneRound", (value) => value === "round"),
      ),
      select("Pace", "pace", PACES, String(shown.pace), setPace),
    ),
    levelField(),
    h(
      "p",
      { class: "note small", role: "status" },
      sizeWarning(shown.setup.level, players, longest),
    ),
    h("button", { type: "submit", class: "main", "data-first": true }, "Deal"),
  );
  return [
    form,
    h(
      "p",
      { class: "dim" },
      "Bid how many tricks you will take, and take exactly as many: that pays 10 points and the bid. Anything else pays nothing.",
    ),
  ];
}

const gameLength = (players, longest) => `a game, ${plural(2 * (longest - 1) + players, "round")}`;

function levelField() {
  const choices = levels().map(({ key, name }) => [key, name]);
  if (choices.length === 1) return h("p", { class: "dim" }, `Opponents: ${choices[0][1]}.`);
  const level = shown.setup.level ?? choices[0][0];
  return [
    select("Opponents", "level", choices, level, (value) =>
      change({ setup: { ...shown.setup, level: value } }),
    ),
    h("p", { class: "dim small" }, "Elo as measured in training; 1000 is the untrained network."),
  ];
}

function setPace(value) {
  store("pace", Number(value));
  change({ pace: Number(value) });
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
    isOver(round) ? overView(game, round) : turnView(game, round),
  ];
}

/** What stays under the table while the moves go on: a select that is open must not be replaced. */
function gameBar() {
  return h(
    "div",
    { class: "actions bar" },
    button("Score sheet", () => openSheet(shown.game)),
    select("Pace", "pace", PACES, String(shown.pace), setPace),
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
  return [
    h("p", { class: "ask", id: "ask" }, ask),
    h("p", { class: "problem", role: "alert" }, shown.problem),
    isMine && isBidding(round) ? bidButtons(round) : null,
    handView(round, isMine && !isBidding(round)),
    isMine && legalActions(round).length > 1 ? hintView(game, round) : null,
  ];
}

function bidButtons(round) {
  const legal = legalActions(round);
  const networks = networkChoice();
  const bids = Array.from({ length: round.cards + 1 }, (_, bid) => FIRST_BID + bid);
  const buttons = bids.map((action) =>
    button(String(action - FIRST_BID), () => tryAction(round, action), {
      class: `bid${legal.includes(action) ? "" : " off"}${action === networks ? " marked" : ""}`,
      "aria-label": `Bid ${action - FIRST_BID}`,
      "aria-disabled": legal.includes(action) ? null : "true",
      "data-action": action,
      "data-focus": `bid${action}`,
      "data-first": action === legal[0],
    }),
  );
  return withArrowKeys(
    h("div", { class: "bidrow", role: "group", "aria-labelledby": "ask" }, buttons),
  );
}

function handView(round, isPlaying) {
  const legal = isPlaying ? legalActions(round) : [];
  const networks = isPlaying ? networkChoice() : null;
  const cards = handOrder(round.hands[ME], round.trump);
  const first = cards.find((card) => legal.includes(card));
  const views = cards.map((card) => {
    if (!isPlaying) return cardFace(card);
    const view = cardButton(card, () => tryAction(round, card), {
      isOff: !legal.includes(card),
      isMarked: card === networks,
    });
    if (card === first) view.dataset.first = "";
    return view;
  });
  const label = `Your hand, ${plural(cardsLeft(round, ME), "card")}`;
  return withArrowKeys(h("div", { class: "hand", role: "group", "aria-label": label }, views));
}

const networkChoice = () => (shown.advice === null ? null : likeliest(shown.advice).action);

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
  stopWork = adviseInSlices(networkOf(game.level), viewOf(round, ME), (advice) => {
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
  });
}

// ---------- After a round

function overView(game, round) {
  const names = namesOf(game);
  const isEnd = isFinished(game);
  const number = game.rounds.length - 1;
  const place = h("div", { class: "review-place" });
  const look = button("Where points were lost", () => {
    stopWork();
    stopWork = review(place, networkOf(game.level), game, number);
    look.disabled = true;
  });
  return h(
    "section",
    { class: "card-box over", "aria-label": "Round over" },
    h("h3", {}, overTitle(game, round)),
    resultTable(round, names),
    h(
      "div",
      { class: "actions" },
      isEnd
        ? button("New game", leave, { class: "main", "data-first": true })
        : button("Next round", next, { class: "main", "data-first": true }),
      look,
    ),
    place,
    h(
      "details",
      { class: "open-hands" },
      h("summary", {}, "All hands and tricks"),
      allHands(game, number, names),
    ),
    isEnd && !game.oneRound ? [h("h3", {}, "Score sheet"), scoreSheet(game, names)] : null,
  );
}

function overTitle(game, round) {
  if (isFinished(game) && !game.oneRound) return winnerText(namesOf(game), scoresOf(game));
  const points = resultsOf(game).at(-1).points[ME];
  const made = round.bids[ME] === round.tricks[ME];
  return made
    ? `You made your bid: ${plural(points, "point")}.`
    : `You bid ${round.bids[ME]} and took ${round.tricks[ME]}: no points.`;
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

function showDialog(title, content, closing = "Close") {
  const dialog = h(
    "dialog",
    { "aria-label": title, on: { close: () => dialog.remove() } },
    h("h2", {}, title),
    content,
    h(
      "div",
      { class: "actions" },
      button(closing, () => dialog.close(), { autofocus: true }),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
