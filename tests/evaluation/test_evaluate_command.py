"""`blobmaster evaluate` as a user sees it: real processes, a real terminal."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import forked
import pexpect
import pytest
from saved_networks import save_network

from blobmaster.agents.names import parse_player
from blobmaster.evaluation.request import parse_request

PATIENCE_S = 300
CURSOR_SHOWN = "\x1b[?25h"
FIXED = ("untrained", "random", "heuristic")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("run"))


def command(checkpoint: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "blobmaster", "evaluate", str(checkpoint), *map(str, arguments)]


def run(checkpoint: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return forked.run(command(checkpoint, *arguments)[1:], timeout=PATIENCE_S)


def test_the_same_seed_gives_the_same_figures_on_any_number_of_workers(checkpoint: Path):
    found = []
    for workers in (1, 3):
        done = run(
            checkpoint, "--search", "2x4", "--against", "random", "ismcts-20",
            f"{checkpoint}:2x4:bf16", "--deals", 40, "--workers", workers, "--json", "--seed", 5,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
        assert found[-1].pop("seconds") > 0
    assert found[0] == found[1]
    players = [row["player"] for row in found[0]["against"]]
    assert players[:3] == ["untrained", "random", "ismcts-20"]
    assert players[3] == f"{found[0]['player']} bf16"
    for row in found[0]["against"]:
        assert row["deals"] == 40
        for measure in ("points", "exact", "wins", "lead", "elo"):
            assert row[measure]["low"] <= row[measure]["value"] <= row[measure]["high"]
    assert found[0]["against"][0]["elo"]["value"] == 1000
    calibration = found[0]["calibration"]
    assert 0 < calibration["at_bid"]["chance"] < calibration["at_bid"]["error"] < 1
    assert [row["cards"] for row in calibration["by_cards"]] == [1, 2, 3, 4, 5]


def test_the_table_has_a_line_per_opponent_and_stderr_plain_lines(checkpoint: Path):
    done = run(checkpoint, "--deals", 20, "--against", "random", "--against", "heuristic")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["untrained", "random", "heuristic"]
    assert re.match(r"Elo \d+ \(\d+ to \d+\), 1000 is its network before training", lines[5])
    assert re.search(r"error \d+\.\d % when it bids .* \d+\.\d % at its first card", lines[6])
    assert [line.split()[0] for line in lines[8:13]] == ["1", "2", "3", "4", "5"]
    told = [line.split(":")[0] for line in done.stderr.splitlines()]  # and how far, if it is slow
    assert [line for line in told if line.startswith("against")] == [
        f"against {name}" for name in FIXED
    ]
    assert "\x1b" not in done.stdout + done.stderr


def test_after_earlier_rounds_players_without_a_memory_play_as_ever(checkpoint: Path):
    plain, later = (
        json.loads(run(checkpoint, "--deals", 20, *after, "--search", "1x2", "--json").stdout)
        for after in ([], ["--after", 2])
    )
    assert (plain.pop("after"), later.pop("after")) == (0, 2)
    assert plain.pop("seconds") + later.pop("seconds") > 0
    assert later == plain


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_terminal_shows_a_bar_and_a_signal_prints_the_results_so_far(
    checkpoint: Path, number: signal.Signals, status: int
):
    arguments = command(
        checkpoint, "--deals", 100_000, "--workers", 1, "--against", "random", "ismcts-20"
    )[1:]
    with pexpect.spawn(sys.executable, arguments, dimensions=(30, 150), timeout=PATIENCE_S) as seen:
        seen.expect(r"deals.* (\d{3,})/1100000")  # a block of 20 is done by then
        if number == signal.SIGINT:
            seen.sendintr()
        else:
            seen.kill(number)
        seen.expect(re.escape(CURSOR_SHOWN))
        seen.expect("interrupted")
        seen.expect("untrained")
        seen.expect(pexpect.EOF)
        seen.close()
        assert seen.exitstatus == status


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "wizard"], ["wizard", "heuristic", "ismcts-N"]),
        (["--against", "nowhere.pth"], ["nowhere.pth", "No such file"]),
        (["random"], ["--against random"]),
        (["--device", "cuda"], ["CUDA"]),
        (["--seed", "-1"], ["--seed"]),
        (["--workers", "100000"], ["--workers", "1024"]),
        (["--deals", "100000000000"], ["--deals is 100000000000: choose at most 1000000"]),
        (["--after", "51"], ["--after", "50"]),
        (["--after", "2", "--games"], ["--after", "leave out --games"]),
        (["--after", "2", "--matrix"], ["leave out --after"]),
    ],
)
def test_invalid_arguments_are_rejected_in_one_line(checkpoint: Path, arguments, words):
    done = run(checkpoint, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def request(*against: str, **changes):
    defaults = {"search": None, "players": 4, "cards": 5, "deals": 300, "seed": 0, "workers": 0}
    rest = {"device": "cpu", "games": False, "until_sure": False, "as_json": False}
    return parse_request(Path("runs/a.pth"), against, **{**defaults, **rest, **changes})


@pytest.mark.parametrize(
    ("against", "changes", "words"),
    [
        ("ismcts-1", {}, ["2 to 100000"]),
        ("./runs/a.pth", {}, ["runs/a is named twice", "leave one out"]),
        ("b.pth:0x5", {}, ["search 0x5", ">= 1"]),
        ("random", {"search": "lots"}, ["3x35", "lots"]),
        ("random", {"deals": 3}, ["--deals is 3", "at least 10"]),
        ("random", {"deals": 10**11}, ["--deals is 100000000000", "at most 1000000"]),
        ("random", {"cards": 14}, ["4 players × 14 cards"]),
        ("random", {"players": 9}, ["--players is 9", "at most 8"]),
    ],
)
def test_invalid_values_are_rejected_before_anything_is_loaded(against, changes, words):
    with pytest.raises(ValueError) as refused:
        request(against, **changes)
    assert all(word in str(refused.value) for word in words)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_a_checkpoint_is_rejected_in_one_line(tmp_path: Path):
    foreign = tmp_path / "holiday.pth"
    foreign.write_bytes(b"a picture of the sea" * 1000)
    done = run(foreign)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "holiday.pth" in done.stderr


@pytest.mark.parametrize(
    ("text", "shown", "kind", "search"),
    [
        ("random", "random", "random", None),
        ("rollout-100", "rollout-100", "rollout", None),
        ("peeking-ismcts-9", "peeking-ismcts-9", "peeking-ismcts", None),
        ("runs/a.pth", "a", "checkpoint", None),
        ("runs/a.pth:3x35", "a 3×35", "checkpoint", "3×35"),
        ("runs/a.pth:5×50", "a 5×50", "checkpoint", "5×50"),
        ("a.pth:3x35:gumbel:solved", "a 3×35:gumbel:solved", "checkpoint", "3×35:gumbel:solved"),
        ("./c:d.pth:1x9:settle=1", "c:d 1×9:settle=1", "checkpoint", "1×9:settle=1"),
        ("./c:d.pth", "c:d", "checkpoint", None),
    ],
)
def test_a_player_name_is_parsed(text, shown, kind, search):
    name = parse_player(text)
    assert (name.text, name.kind) == (shown, kind)
    assert (name.search and name.search.text) == search
    assert name.number_format == "fp32"


def test_a_checkpoint_can_have_a_number_format():
    plain, searching = parse_player("runs/a.pth:bf16"), parse_player("runs/a.pth:3x35:int8")
    assert (plain.text, plain.path.name, plain.search) == ("a bf16", "a.pth", None)
    assert plain.number_format == "bf16"
    assert (searching.text, searching.search.text) == ("a 3×35 int8", "3×35")
    assert searching.number_format == "int8"
    with pytest.raises(ValueError, match="only a checkpoint"):
        parse_player("heuristic:bf16")


def test_without_names_the_opponents_are_the_defaults_after_the_untrained_network():
    names = [opponent.text for opponent in request().opponents]
    assert names == ["untrained", "random", "heuristic", "ismcts-100"]


def test_an_opponent_named_twice_is_played_once():
    names = [opponent.text for opponent in request("random", "untrained", "random").opponents]
    assert names == ["untrained", "random"]


def test_checkpoints_of_two_runs_with_one_file_name_are_played(checkpoint: Path, tmp_path: Path):
    other = tmp_path / "seed2" / "permanent" / checkpoint.name
    other.parent.mkdir(parents=True)
    other.write_bytes(checkpoint.read_bytes())
    done = run(checkpoint, "--deals", 10, "--cards", 1, "--against", other, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["player"] == f"{checkpoint.parent.parent.name}/…/{checkpoint.stem}"
    assert [row["player"] for row in found["against"]] == [
        "untrained", f"seed2/…/{checkpoint.stem}"
    ]  # fmt: skip
