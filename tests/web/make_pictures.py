"""Draw the pictures of `docs/web.md` from an exported page.

`PYTHONPATH=tests/shared python tests/web/make_pictures.py blob.html docs`; the page has a trained
network.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path

from browsers import Browser, Page
from page_games import show
from repeatable import make_repeatable

CARD = ".hand [data-action]:not(.off)"
HAS_HINT = "Boolean(document.querySelector('[data-focus=hint]'))"
PHASE = "document.querySelector('.page').dataset.phase"


def draw(source: Path, folder: Path) -> None:
    """Save the pictures in `folder`."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        closing(Browser(Path(profile))) as browser,
    ):
        page = browser.page()
        make_repeatable(page, 11)
        show(page, source.resolve().as_uri())
        page.choose("pace", "0")
        page.click("button.main")
        hint(page, "bidding")
        page.picture(folder / "web-bidding.webp")
        page.click(".bid.marked")
        while play_on(page) and not page.value(HAS_HINT):
            page.click(CARD)
        hint(page, "playing")
        page.prefer(color_scheme="dark", reduced_motion="reduce")
        page.picture(folder / "web-playing.webp")
        page.prefer(color_scheme="light", reduced_motion="reduce")
        while play_on(page):
            page.click(CARD)
        page.value("[...document.querySelectorAll('.over button')].at(-1).click()")
        page.wait("document.querySelector('.review-place')?.innerText.match(/Judged|no choice/)")
        page.picture(folder / "web-round-over.webp")
        page.click("[data-page=advisor]")
        advise(page)
        page.picture(folder / "web-advisor.webp")


def hint(page: Page, phase: str) -> None:
    page.wait(f"{PHASE} === '{phase}'")
    page.click("[data-focus=hint]")
    done = "64 deals" if phase == "playing" else "times what it pays"
    page.wait("document.querySelector('.hint .card-box')")
    page.wait(f"document.querySelector('.hint').innerText.includes('{done}')")


def play_on(page: Page) -> bool:
    """Return True if there is another card to play."""
    page.wait(f"{PHASE} !== 'waiting'")
    return bool(page.value(PHASE) == "playing")


def advise(page: Page) -> None:
    """Enter a real round up to a card of the person's."""
    page.choose("dealer", "1")
    page.value("document.querySelector('.typed input').focus()")
    page.call("Input.insertText", text="AS 9S KH 5H 3C")
    page.key("Enter", "\r")
    page.click("button.main")
    for action in (53, 52, 54, 53, 13 + 8, 13 + 9):  # four bids, the ten and the jack of hearts
        page.click(f'[data-action="{action}"]')
    page.wait("document.querySelector('.advice-place').innerText.match(/64 deals|only one/)")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
