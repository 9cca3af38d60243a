/** The rules of the game, and what the page is. */

import { h } from "./dom.js";
import { levels } from "./networks.js";

const RULES = [
  [
    "The aim",
    "Say before each round how many tricks you will take, and take exactly as many. That pays 10 points and your bid; any other number pays nothing.",
  ],
  [
    "The deal",
    "3 to 8 players get the same number of cards each. The other cards stay hidden. Trump is known beforehand: spades, hearts, clubs, diamonds, none, and again from spades, one step a round.",
  ],
  [
    "The bids",
    "From the dealer's left, each player bids 0 up to the number of cards. The dealer bids last, and may not make the bids add up to the cards dealt: so somebody always fails.",
  ],
  [
    "The tricks",
    "The dealer's left leads the first trick, then whoever took the last one. Follow the suit that was led if you can; otherwise play any card. The highest trump takes the trick, and without a trump the highest card of the suit that was led. The ace is high.",
  ],
  [
    "A game",
    "Rounds get shorter by a card down to one card each, are played once for every player there, and grow again to the first size. The deal moves to the left after each round. Most points win.",
  ],
];

/** Show the page in an element. */
export function rulesPage(element) {
  const names = levels().map(({ name }) => name);
  element.dataset.phase = "rules";
  element.replaceChildren(
    h("h2", {}, "The rules of Blob"),
    h(
      "div",
      { class: "card-box prose" },
      RULES.map(([title, text]) => [h("h3", {}, title), h("p", {}, text)]),
    ),
    h("h2", {}, "About this page"),
    h(
      "div",
      { class: "card-box prose" },
      h(
        "p",
        {},
        "The other players are a neural network that taught itself by playing. It sees what a person in its seat would see: its own cards, the bids, and the cards that were played.",
      ),
      h(
        "p",
        {},
        `In this file: ${names.join("; ")}. The Elo was measured in training, where the untrained network has 1000.`,
      ),
      h(
        "p",
        {},
        "Everything runs in this page. It asks no server for anything, and sends nothing. A game that is not finished stays in this browser.",
      ),
    ),
  );
  return () => {};
}
