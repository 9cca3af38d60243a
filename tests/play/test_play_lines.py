"""The line interface: whole games, and games that are left and resumed in real processes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import forked
import pytest
from saved_networks import save_network
from tables import play_on, setup, table_in

from blobmaster.cli.main import main
from blobmaster.play.card_text import ASCII, UNICODE
from blobmaster.play.game import Game, is_finished
from blobmaster.play.lines import LineInterface
from blobmaster.play.saved_game import game_of, read

DEADLINE_S = 120


def play_lines(
    folder: Path, game: Game, typed: str, symbols=UNICODE, **changes
) -> tuple[str, Game]:
    """Type lines; return the output and the game after them."""
    out = io.StringIO()
    lines = LineInterface(table_in(folder, symbols, **changes), game, io.StringIO(typed), out)
    lines.play()
    return out.getvalue(), lines.game


def test_a_whole_game_can_be_played_by_typing(tmp_path: Path):
    cards = [f"{rank}{suit}" for suit in "SHCD" for rank in "23456789TJQKA"]
    typed = "\n".join(["0", "1", "", *cards] * 40)
    said, game = play_lines(tmp_path, Game(setup(players=3, most_cards=2)), typed)
    assert is_finished(game)
    for number in range(1, 6):
        assert f"Round {number} of 5:" in said
    assert said.count("in all.") == 5 * 3
    assert said.rstrip().endswith("points.")
    assert "trump diamonds" in said
    assert "no trump" in said


def test_every_move_is_printed_once(tmp_path: Path):
    game = play_on(Game(setup(seat=2)), 1)
    said, after = play_lines(tmp_path, game, "0\n")
    assert said.count("You bid 0.") == 1
    bids = [line for line in said.splitlines() if " bids " in line]
    assert len(bids) == 3
    assert len(after.rounds[-1]) >= 4


def test_each_page_is_printed_on_request(tmp_path: Path):
    game = play_on(Game(setup(seat=0)), 3)
    said, after = play_lines(tmp_path, game, "?\nh\ns\nt\nx\n99\n")
    for words in (
        "The network would bid",
        "bid two tricks",
        "sum  ",
        "no bid yet",
        '"x" is not understood',
        "there are 5 tricks",
    ):
        assert words in said
    assert after == game


def test_without_suit_symbols_all_output_is_ascii(tmp_path: Path):
    typed = "?\nh\ns\nt\n" + "\n".join(["0", "1", "", "", ""] * 60)
    said, _ = play_lines(tmp_path, Game(setup(seat=0)), typed, symbols=ASCII)
    assert said.isascii()
    assert "trump spades" in said


def test_a_full_disk_is_reported_once_and_the_game_continues(tmp_path: Path):
    (tmp_path / "game.json").mkdir()
    typed = "\n".join(["0"] * 3 + [""] * 200)
    said, after = play_lines(tmp_path, Game(setup(most_cards=1)), typed)
    assert said.count("cannot be saved") == 1
    assert after.number > 0


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("network"))


def blobmaster_play(state: Path, typed: str, *arguments: str | Path):
    """Run the command with its input from a pipe."""
    return forked.run(
        ["-m", "blobmaster", "play", *map(str, arguments)],
        environment={**os.environ, "XDG_STATE_HOME": str(state)},
        typed=typed,
        timeout=DEADLINE_S,
    )


def test_a_game_is_resumed_in_another_process(tmp_path: Path, checkpoint: Path):
    begun = blobmaster_play(
        tmp_path, "?\n9\n0\n", checkpoint, "--seed", "3", "--cards", "3", "--seat", "1"
    )
    assert (begun.returncode, begun.stderr) == (0, "")
    assert "A bid is from 0 to 3" in begun.stdout
    assert "The network would" in begun.stdout
    assert "Continue with: blobmaster play --resume\n" in begun.stdout
    [path] = (tmp_path / "blobmaster" / "games").glob("*.json")
    left = game_of(read(path), path)
    goes_on = blobmaster_play(tmp_path, "t\n", "--resume")
    assert (goes_on.returncode, goes_on.stderr) == (0, "")
    told = [line for line in begun.stdout.splitlines() if re.match(r"(Ada|Ben|Cleo) bids ", line)]
    assert len(told) == 3
    assert all(line in goes_on.stdout for line in told)
    assert game_of(read(path), path) == left


def test_a_game_whose_reader_has_left_is_saved_and_not_played_on(tmp_path: Path, checkpoint: Path):
    words = ["play", str(checkpoint), "--plain", "--seed", "3", "--cards", "3", "--seat", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "blobmaster", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write("0\n")
        child.stdin.flush()
        while "You bid 0." not in (line := child.stdout.readline()):
            assert line
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # it ends before it has read them all
            child.stdin.write("\n".join(["0", "1", "2", ""] * 400))
            child.stdin.close()
        assert child.wait(DEADLINE_S) == 0
        assert child.stderr.read() == ""
    [path] = (tmp_path / "blobmaster" / "games").glob("*.json")
    assert not is_finished(game_of(read(path), path))


def rejected_message(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    with pytest.raises(SystemExit) as left:
        main(["play", *map(str, arguments)])
    said = capsys.readouterr()
    assert left.value.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    return said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a CHECKPOINT"),
        (("nowhere.pth",), "nowhere.pth: No such file"),
        (("nowhere.pth", "--players", "9"), "3 to 8 players"),
        (("nowhere.pth", "--cards", "14"), "1 to 13 cards"),
        (("nowhere.pth", "--seat", "5"), "seats 1 to 4"),
        (("nowhere.pth", "--seat", "0"), "seats 1 to 4"),
        (("nowhere.pth", "--seed", "-1"), "must not be negative"),
        (("nowhere.pth", "--pace", "-1"), "--pace is -1: choose between 0 and 3600 seconds"),
        (("nowhere.pth", "--pace", "nan"), "--pace is nan: choose"),
        (("nowhere.pth", "--pace", "inf"), "--pace is inf: choose"),
        (("nowhere.pth", "--search", "fast"), "3x35"),
        (("nowhere.pth", "--search", "0x5"), "search 0x5"),
        (("--resume",), "no saved game"),
        (("--resume", "--seed", "2"), "keeps its players, cards, seat and seed"),
        (("--resume", "--saved", "nowhere.json"), "cannot read the saved game nowhere.json"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(
    tmp_path: Path, monkeypatch, capsys, arguments: tuple[str, ...], words: str
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert words in rejected_message(capsys, *arguments)


def leave_game(path: Path, checkpoint: Path, **changes: object) -> None:
    """Write a saved game against this checkpoint."""
    opponent = {"path": str(checkpoint), "run_id": "made", "iteration": 4, "saved_at": 0.0}
    game = {"players": 4, "most_cards": 5, "seat": 1, "seed": 1, "one_round": False}
    saved = {"schema": 1, "saved_at": 1.0, "setup": game, "rounds": [[52]]}
    path.write_text(json.dumps(saved | {"opponent": opponent | {"search": None} | changes}))


def test_a_missing_or_replaced_checkpoint_is_an_error_that_says_what_to_do(
    tmp_path: Path, checkpoint: Path, capsys
):
    path = tmp_path / "game.json"
    leave_game(path, tmp_path / "gone.pth")
    said = rejected_message(capsys, "--resume", "--saved", path)
    assert "gone.pth is gone" in said
    assert "blobmaster play CHECKPOINT --resume" in said
    leave_game(path, checkpoint, iteration=9)
    said = rejected_message(capsys, "--resume", "--saved", path)
    assert "is no longer the game's checkpoint" in said
    assert "blobmaster play CHECKPOINT --resume" in said


def test_a_new_game_does_not_overwrite_a_saved_one(tmp_path: Path, checkpoint: Path, capsys):
    path = tmp_path / "game.json"
    leave_game(path, checkpoint)
    assert "continue it with --resume" in rejected_message(capsys, checkpoint, "--saved", path)
    assert game_of(read(path), path).rounds == ((52,),)


def test_a_file_of_another_kind_is_neither_played_on_nor_touched(
    tmp_path: Path, checkpoint: Path, capsys
):
    before = checkpoint.read_bytes()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, words in ((checkpoint, "name another"), (fifo, "not a regular file")):
        assert words in rejected_message(capsys, "--resume", "--saved", path)
        assert "name another file" in rejected_message(capsys, checkpoint, "--saved", path)
    assert checkpoint.read_bytes() == before
