"""Players whose files share a name are told apart by the folders in which they differ."""

from __future__ import annotations

import pytest

from blobmaster.agents.names import parse_player
from blobmaster.evaluation.labels import LONGEST, with_distinct_texts


def labels(*names: str) -> list[str]:
    return [player.text for player in with_distinct_texts([parse_player(name) for name in names])]


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["runs/a.pth", "runs/b.pth", "random"], ["a", "b", "random"]),
        (["runs/a.pth", "other/a.pth"], ["runs/a", "other/a"]),
        (["x/r1/permanent/a.pth", "x/r2/permanent/a.pth"], ["r1/…/a", "r2/…/a"]),
        (["x/r1/cache/a.pth", "x/r2/permanent/a.pth"], ["r1/…/a", "r2/…/a"]),
        (["r/cache/a.pth", "r/permanent/a.pth"], ["cache/a", "permanent/a"]),
        (["r/permanent/a.pth", "copied/a.pth"], ["r/…/a", "copied/a"]),
        (["one/r/permanent/a.pth", "two/r/permanent/a.pth"], ["one/…/a", "two/…/a"]),
        (["one/r/a.pth", "one/s/a.pth", "two/r/a.pth"], ["one/r/a", "one/s/a", "two/r/a"]),
        (["/a.pth", "/b/a.pth"], ["/a", "b/a"]),
        (["one/bot.py", "two/bot.py"], ["one/bot", "two/bot"]),
        (["random", "mine/random.pth"], ["random", "mine/random"]),
        (["r/a.pth:1x9:bf16", "s/a.pth:1x9:bf16"], ["r/a 1×9 bf16", "s/a 1×9 bf16"]),
        (["r\x1b/a.pth", "s/a.pth"], ["r?/a", "s/a"]),
    ],
)  # fmt: skip
def test_texts_are_made_distinct_by_the_shortest_part_of_the_path(names, texts):
    assert labels(*names) == texts


def test_a_long_folder_is_shortened():
    first, _ = labels(f"{'long' * 60}/a.pth", "s/a.pth")
    assert len(first) <= LONGEST + len("…/a")


@pytest.mark.parametrize("again", ["r/a.pth", "./r/a.pth", "x/../r/a.pth"])
def test_one_file_named_twice_is_refused(again: str):
    with pytest.raises(ValueError, match=r"^r/a is named twice: leave one out"):
        labels("r/a.pth", again)
