/** The form that sets up a game. */

import { MAX_PLAYERS, MIN_PLAYERS, mostCards, plural } from "../rules.js";
import { h, numbers, select, stored } from "./dom.js";
import { levels, sizeWarning, usualSize } from "./networks.js";

const PACES = [
  ["1200", "slow"],
  ["600", "normal"],
  ["200", "fast"],
  ["0", "at once"],
];
const USUAL_PACE = 600; // milliseconds for which a move is shown

/** The choice of the pace; `setPace` gets milliseconds. */
export const paceSelect = (pace, setPace) =>
  select("Pace", "pace", PACES, String(pace), (value) => setPace(Number(value)));

/** The pace that was chosen last. */
export function savedPace() {
  const saved = String(stored("pace"));
  return PACES.some(([value]) => value === saved) ? Number(saved) : USUAL_PACE;
}

/** The setup of the last game; a usual one if there is none: `{ players, longest, oneRound, level }`. */
export function savedSetup() {
  const saved = stored("setup");
  const players = saved?.players;
  const isPossible =
    players >= MIN_PLAYERS &&
    players <= MAX_PLAYERS &&
    saved.longest >= 1 &&
    saved.longest <= mostCards(players);
  return isPossible ? saved : usualSetup();
}

function usualSetup() {
  const { players, cards } = usualSize();
  return { players, longest: cards, oneRound: false };
}

/** The form: `change(setup)` gets a changed setup, `start()` begins the game. */
export function setupForm(setup, pace, { change, setPace, start }) {
  const { players, longest, oneRound } = setup;
  const onSubmit = (event) => {
    event.preventDefault();
    start();
  };
  const setPlayers = (value) => {
    const most = mostCards(Number(value));
    change({ ...setup, players: Number(value), longest: Math.min(longest, most) });
  };
  const lengths = [
    ["game", plural(2 * (longest - 1) + players, "round")],
    ["round", "one round"],
  ];
  return h(
    "form",
    { class: "card-box setup", on: { submit: onSubmit } },
    h("h2", {}, "A new game"),
    h(
      "div",
      { class: "fields" },
      select(
        "Players, with you",
        "players",
        numbers(MIN_PLAYERS, MAX_PLAYERS),
        String(players),
        setPlayers,
      ),
      select(
        "Most cards each",
        "longest",
        numbers(1, mostCards(players)),
        String(longest),
        (value) => change({ ...setup, longest: Number(value) }),
      ),
      select("Length", "length", lengths, oneRound ? "round" : "game", (value) =>
        change({ ...setup, oneRound: value === "round" }),
      ),
      paceSelect(pace, setPace),
    ),
    levelField(setup, change),
    h("p", { class: "note small", role: "status" }, sizeWarning(setup.level, players, longest)),
    h("button", { type: "submit", class: "main", "data-first": true }, "Deal"),
  );
}

function levelField(setup, change) {
  const choices = levels().map(({ key, name }) => [key, name]);
  if (choices.length === 1) return h("p", { class: "dim" }, `Opponents: ${choices[0][1]}.`);
  return [
    select("Opponents", "level", choices, setup.level ?? choices[0][0], (level) =>
      change({ ...setup, level }),
    ),
    h("p", { class: "dim small" }, "Elo as measured in training; 1000 is the untrained network."),
  ];
}
