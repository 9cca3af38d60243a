/** What is shown after a round: results, hands, tricks, and where points were lost. */

import { plural } from "../rules.js";
import { button, h } from "./dom.js";
import { ME, isFinished, resultsOf, scoresOf } from "./record.js";
import { allHands, resultTable, scoreSheet } from "./sheet.js";
import { styleText, winnerText } from "./texts.js";

/**
 * The panel under the table: `next()` deals the next round, `leave()` ends the game, and
 * `look(place)` fills an element with the review. `style` is the style in which the networks believe
 * that the person plays, or null.
 */
export function overView(game, round, names, style, { next, leave, look }) {
  const isEnd = isFinished(game);
  const place = h("div", { class: "review-place" });
  const lookButton = button("Where points were lost", () => {
    lookButton.disabled = true;
    look(place);
  });
  const attributes = { class: "main", "data-first": true };
  const onward = isEnd
    ? button("New game", leave, attributes)
    : button("Next round", next, attributes);
  return h(
    "section",
    { class: "card-box over", "aria-label": "Round over" },
    h("h3", {}, title(game, round, names)),
    resultTable(round, names),
    style === null || isEnd
      ? null
      : h("p", { class: "dim style" }, `${styleText(style)} The networks have noticed, and adapt.`),
    h("div", { class: "actions" }, onward, lookButton),
    place,
    h(
      "details",
      { class: "open-hands" },
      h("summary", {}, "All hands and tricks"),
      allHands(game, game.rounds.length - 1, names),
    ),
    isEnd && !game.oneRound ? [h("h3", {}, "Score sheet"), scoreSheet(game, names)] : null,
  );
}

function title(game, round, names) {
  if (isFinished(game) && !game.oneRound) return winnerText(names, scoresOf(game));
  const points = resultsOf(game).at(-1).points[ME];
  return round.bids[ME] === round.tricks[ME]
    ? `You made your bid: ${plural(points, "point")}.`
    : `You bid ${round.bids[ME]} and took ${round.tricks[ME]}: no points.`;
}
