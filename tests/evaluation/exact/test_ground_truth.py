"""`blobmaster ground-truth` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from saved_networks import save_network

from blobmaster.cli.main import main
from blobmaster.evaluation.exact import command

ROUNDS = 3
"""Rows per table size: trump, no trump, and the mean over the trump cycle."""


def ground_truth(*arguments: object) -> int | str | None:
    """Run the command and return its exit status."""
    with pytest.raises(SystemExit) as end:
        main(["ground-truth", *map(str, arguments)])
    return end.value.code


def test_nash_conv_of_a_network_is_printed_for_every_round(tmp_path: Path, capsys):
    path = save_network(tmp_path)
    assert ground_truth(path, "--players", 3, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checkpoint"] == str(path)
    assert len(found["one_card"]) == ROUNDS
    trump, none, mean = (row["drawn"] for row in found["one_card"])
    assert mean == pytest.approx(0.8 * trump + 0.2 * none)
    for row in [*found["one_card"], *found["tiny"]]:
        assert row["likeliest"] >= 0
        assert row["drawn"] >= 0
        assert row["uniform"] > 5
    assert found["tiny"][0]["uniform"] == pytest.approx(9.5625)
    assert found["one_card"][0]["cfr"] < 0.002


def test_without_a_network_the_reference_policies_are_printed(capsys):
    assert ground_truth("--players", 4) == 0
    printed = capsys.readouterr().out
    assert "7.566  9.242  9.391  4.023" in printed
    assert "12.2168" in printed
    assert "network" not in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--players", 9), "Blob is for 3 to 8 players, not 9"),
        (("nowhere.pth",), "nowhere.pth"),
        (("--last-round", "--players", 5), "--last-round takes tables of up to 4"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, capsys):
    assert ground_truth(*arguments) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_the_last_round_is_solved_for_the_share_of_the_win(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(command, "STANDINGS", 2)
    path = save_network(tmp_path)
    # With five players there are too many deals, so that table is left out.
    arguments = (path, "--players", 3, "--players", 5, "--last-round")
    assert ground_truth(*arguments, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["last_round"]
    assert row["round"] == "3 players, 2 standings"
    assert 0 < row["for_points"] < 0.1 < row["uniform"] < 1
    assert 0 < row["drawn"] < 1
    assert ground_truth(*arguments) == 0
    assert "equilibrium for points" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "steps"), [([], 3), (["--recipe"], 5), (["--last-round"], 27)])
def test_its_steps_are_counted(words, steps, monkeypatch, capsys):
    monkeypatch.setattr("blobmaster.terminal.console.LINE_SECONDS", 0.0)
    smallest = command.TINY_GAMES[:1]  # beside it, two rounds of one card
    monkeypatch.setattr(command, "TINY_GAMES", smallest)
    monkeypatch.setattr(command, "RECIPE_GAMES", smallest)
    monkeypatch.setattr(command, "RECIPE_ITERATIONS", 1)
    assert ground_truth("--players", 3, "--json", *words) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"{number} of {steps} steps" for number in range(1, steps + 1)]
