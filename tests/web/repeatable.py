"""Makes the deals of an exported page the same each time."""

from __future__ import annotations

from browsers import Page

# Deals draw from `crypto`, and hints from `Math.random`, as many numbers as there is time for. Each
# has a stream of its own, so that hints do not change the deals.
SCRIPT = """
const generator = (seed) => () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const deal = generator(SEED);
crypto.getRandomValues = (array) => array.map((_, i) => (array[i] = deal() * 2 ** 32));
Math.random = generator(SEED);
"""


def make_repeatable(page: Page, seed: int) -> None:
    """Seed the random numbers of every document that the tab opens from now on."""
    page.call("Page.addScriptToEvaluateOnNewDocument", source=SCRIPT.replace("SEED", str(seed)))
