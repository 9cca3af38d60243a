"""Files of version 0.1, some of whose keys had other names, load, resume and play on."""

from __future__ import annotations

import shutil
from pathlib import Path

import forked
import pytest
import torch
from trainer import command, run

from blobmaster.checkpoint.network import load_trained
from blobmaster.config.compose import RENAMED, ConfigError, as_tables, compose, read_file
from blobmaster.game.cards import CARDS, MAX_PLAYERS, RANKS
from blobmaster.game.opponents import FIRST_VARIED
from blobmaster.model.traits import TRAITS
from blobmaster.run.status.schema import read_status

FILES = Path(__file__).parents[1] / "fixtures" / "version-0.1"
CHECKPOINT = next((FILES / "run" / "cache").glob("*.pth"))


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """A copy of the run directory, which was left after three of its iterations."""
    return Path(shutil.copytree(FILES / "run", tmp_path / "run"))


def test_a_settings_file_with_old_keys_loads():
    tables = read_file(FILES / "settings.toml")
    config = as_tables(compose(tables))
    assert all(old in tables[table] for table, old in [("run", "turns"), ("self_play", "slots")])
    for table, keys in tables.items():
        for key, value in keys.items():
            new = RENAMED.get(table, {}).get(key, key)
            if not isinstance(value, dict):
                assert config[table][new] == value


def test_an_old_key_beside_its_new_name_is_refused():
    with pytest.raises(ConfigError, match=r"self_play\.slots is the old name of self_play\.lanes"):
        compose({"self_play": {"slots": 8, "lanes": 8}})
    with pytest.raises(
        ConfigError, match=r"random_opponent_seats is the old name of self_play\.opp"
    ):
        compose({"self_play": {"stranger_seats": 0.5, "random_opponent_seats": 0.5}})


def test_a_checkpoint_holds_its_network_and_settings():
    trained = load_trained(CHECKPOINT, torch.device("cpu"))
    assert trained.meta.iteration == 2
    assert trained.config.self_play.lanes == 20
    assert trained.config.learning.ema_decay == 0.9
    # Newer than the file: inputs for the ranks among the cards still out, in the actor, and in the
    # critic, which also sees these ranks of all hands and the kinds of opponents. And in both,
    # those for known opponents. Traits of the opponents are part of both.
    ranks, live_ranks = CARDS + RANKS, MAX_PLAYERS * CARDS + RANKS
    inputs = 2 * ranks + live_ranks + (FIRST_VARIED - 1 + TRAITS) * MAX_PLAYERS
    inputs += 2 * (1 + (FIRST_VARIED + TRAITS) * MAX_PLAYERS)
    added = inputs * trained.config.network.width
    found = sum(p.numel() for p in trained.network.parameters())
    assert found == trained.meta.identity.parameters + added


def test_a_run_directory_resumes(old_run: Path):
    done = run("train", "--resume", "--iterations", 5, "--checkpoint-dir", old_run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"resumed from {old_run}" in done.stdout.replace("\n", "")
    status = read_status(old_run / "status.json")
    assert (status.state, status.iteration) == ("finished", 5)
    assert len((old_run / "history.jsonl").read_text().splitlines()) == 5
    assert len(list((old_run / "permanent").glob("*iter005-elo*.pth"))) == 1


def test_a_saved_game_plays_on(tmp_path: Path):
    game = tmp_path / "game.json"
    shutil.copyfile(FILES / "game.json", game)
    words = command("play", CHECKPOINT, "--resume", "--plain", "--saved", game)
    played = forked.run(words[1:], typed="4C\n")
    assert "You play 4♣" in played.stdout or "You lead 4♣" in played.stdout, played
    assert len(game.read_text()) > len((FILES / "game.json").read_text())
