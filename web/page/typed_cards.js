/** A field for typed cards. */

import { cardsFromText } from "./cards.js";
import { button, h } from "./dom.js";

/** What stands in the field: it survives a mistake, after which the page is drawn again. */
let typed = "";

/** Empty the field for the next cards. */
export function forgetTyped() {
  typed = "";
}

/** The field: `use(cards)` gets the cards, `refuse(message)` a mistake, also one that `use` throws. */
export function typedCards(label, use, refuse) {
  const read = () => {
    try {
      use(cardsFromText(typed));
    } catch (error) {
      refuse(error.message);
    }
  };
  const onEnter = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // a form around the field would be sent
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
