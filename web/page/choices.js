/** The buttons of a decision: bids in a row, or the cards of a hand. */

import { FIRST_BID, cardsLeft, isBidding, legalActions, plural } from "../rules.js";
import { cardButton, cardFace, handOrder } from "./cards.js";
import { button, h, withArrowKeys } from "./dom.js";

/**
 * The bids or the hand of the acting seat, to press: `use(action)` gets the action, legal or not.
 *
 * `marked` is an action to mark as the network's, or null. The first legal button has `data-first`.
 */
export const choiceButtons = (round, use, marked = null) =>
  isBidding(round) ? bidButtons(round, use, marked) : handButtons(round, use, marked);

function bidButtons(round, use, marked) {
  const legal = legalActions(round);
  const bids = Array.from({ length: round.cards + 1 }, (_, bid) => FIRST_BID + bid);
  const buttons = bids.map((action) =>
    button(String(action - FIRST_BID), () => use(action), {
      class: `bid${legal.includes(action) ? "" : " off"}${action === marked ? " marked" : ""}`,
      "aria-label": `Bid ${action - FIRST_BID}${action === marked ? ", the network's choice" : ""}`,
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

function handButtons(round, use, marked) {
  const legal = legalActions(round);
  const cards = handOrder(round.hands[round.seat], round.trump);
  const first = cards.find((card) => legal.includes(card));
  const buttons = cards.map((card) => {
    const view = cardButton(card, use, { isOff: !legal.includes(card), isMarked: card === marked });
    if (card === first) view.dataset.first = "";
    return view;
  });
  return withArrowKeys(handGroup(round, round.seat, buttons));
}

/** The hand of a seat, to look at. */
export const handView = (round, seat) =>
  handGroup(
    round,
    seat,
    handOrder(round.hands[seat], round.trump).map((card) => cardFace(card)),
  );

function handGroup(round, seat, cards) {
  const label = `Your hand, ${plural(cardsLeft(round, seat), "card")}`;
  return h("div", { class: "hand", role: "group", "aria-label": label }, cards);
}
