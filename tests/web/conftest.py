"""Fixtures of the page tests: checkpoints, the exported page, and a browser that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import Browser, Page
from page_games import show
from repeatable import make_repeatable
from saved_networks import SMALL, SMALL_GAMES, save_network

from blobmaster.config.compose import compose
from blobmaster.export.web_command import run_web_export

OTHER_SEED = compose({"run": {"seed": 1}}, base=SMALL)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A network for rounds and one for games, both untrained."""
    return [
        save_network(tmp_path_factory.mktemp("rounds"), OTHER_SEED),
        save_network(tmp_path_factory.mktemp("games"), SMALL_GAMES, run_id="games"),
    ]


@pytest.fixture(scope="module")
def address(checkpoints: list[Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("page") / "blob.html"
    assert run_web_export(checkpoints[1], checkpoints[:1], page) == 0
    return page.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    shown = browser.page()
    make_repeatable(shown, 1)
    show(shown, address)
    shown.choose("pace", "0")
    yield shown
    assert shown.complaints() == []
    shown.close()
