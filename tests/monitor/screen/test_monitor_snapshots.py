"""Snapshots of the screen in its states and sizes; a change must be reviewed and kept."""

from __future__ import annotations

import pytest
from snapshots import FOLDER, SNAPSHOTS, draw


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_screen_looks_as_it_did_when_it_was_looked_at(name: str):
    expected = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert draw(name) == expected, "look at it: python tests/monitor/snapshots.py draws it anew"


def test_no_picture_is_kept_that_nothing_draws():
    assert sorted(file.stem for file in FOLDER.glob("*")) == sorted(SNAPSHOTS)
