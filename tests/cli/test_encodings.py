"""Terminals, paths and files in other encodings than UTF-8."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import forked
import pytest
from trainer import PATIENCE_S, command, newest, run, status_of, write_config

from blobmaster.run.files.layout import RunLayout

LOCALES = {
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "Latin-1": {"PYTHONIOENCODING": "iso-8859-1"},
    "POSIX": {"LC_ALL": "C", "PYTHONUTF8": "0"},
}
FOREIGN = os.fsdecode(b"caf\xe9")
"""A name in Latin-1, as an old disk has it: not UTF-8."""


def run_with(
    locale: str, *arguments: object, folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `blobmaster` in another locale."""
    return subprocess.run(
        [os.fsencode(word) for word in command(*arguments)],
        capture_output=True,
        env={**os.environ, **LOCALES.get(locale, {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a finished run, whose path is not UTF-8."""
    folder = tmp_path_factory.mktemp("finished")
    root = folder / FOREIGN
    done = run(
        "train", "--config", write_config(folder), "--iterations", 1, "--checkpoint-dir", root
    )
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.parametrize(
    ("name", "locale"),
    [
        ("train", "ASCII"),
        ("train", "POSIX"),
        ("evaluate", "ASCII"),
        ("evaluate", "Latin-1"),
        *[(name, locale) for name in ("monitor", "settings", "checkpoints") for locale in LOCALES],
    ],
)
def test_a_terminal_that_lacks_letters_gets_others_in_their_place(
    tmp_path: Path, finished: Path, locale: str, name: str
) -> None:
    where = ("--checkpoint-dir", finished)
    small = ("--deals", 10, "--cards", 3, "--against", "random")
    arguments = {
        "train": ("train", "--config", write_config(tmp_path), "--iterations", 1,
                  "--checkpoint-dir", tmp_path / "run"),
        "evaluate": ("evaluate", newest(finished), *small),
        "monitor": ("monitor", "--once", *where),
        "settings": ("settings",),
        "checkpoints": ("checkpoints", "list", *where),
    }[name]  # fmt: skip
    done = run_with(locale, *arguments)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    ours = done.stdout.replace(b"\xe9", b"")  # the byte of the path stays as it is
    if locale != "Latin-1":
        assert ours.isascii()
    if name == "evaluate":
        assert (b"4 players \xd7 3 cards" if locale == "Latin-1" else b"4 players x 3") in ours


def test_all_of_a_run_works_in_a_folder_whose_name_is_not_utf8(finished: Path) -> None:
    assert status_of(finished)["state"] == "finished"
    assert "\\xe9" in json.loads(RunLayout(finished).status.read_bytes())["resume_command"]
    seen = run_with("", "monitor", "--once", "--json", "--checkpoint-dir", finished)
    assert seen.returncode == 0, seen.stderr
    assert json.loads(seen.stdout)["source"].endswith("caf\\xe9/status.json")
    for more in ("settings", "checkpoints list", "report"):
        words = more.split()
        if more != "report":
            done = run_with("", *words, *(["--checkpoint-dir"] if " " in more else []), finished)
        else:
            page = finished.parent / "page.html"
            done = run_with("", "report", "--checkpoint-dir", finished, "-o", page)
        assert done.returncode == 0, done.stderr


def test_the_advised_command_works_as_printed_from_another_folder(
    tmp_path: Path, finished: Path
) -> None:
    resume = json.loads(RunLayout(finished).status.read_bytes())["resume_command"]
    program, *_ = shlex.split(resume)
    # `python -m` in place of the script, which belongs to another copy of the package.
    line = resume.replace(program, shlex.join(command()), 1)
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"has all 1 iterations" in done.stdout


def test_a_game_against_a_checkpoint_whose_path_is_not_utf8_is_resumed(
    tmp_path: Path, finished: Path
) -> None:
    saved = tmp_path / os.fsdecode(b"game-\xff.json")
    checkpoint = newest(finished)
    begin = command(
        "play", checkpoint, "--plain", "--one-round", "--cards", 2, "--seed", 1, "--seat", 2,
        "--saved", saved,
    )  # fmt: skip
    begun = forked.run(begin[1:], typed="0\n", timeout=PATIENCE_S)
    assert begun.returncode == 0, begun.stderr
    assert "The game is saved" in begun.stdout
    resumed = run("play", "--resume", "--plain", "--saved", saved)
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_settings_file_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    config = tmp_path / "settings.toml"
    config.write_bytes("[run]\r\niterations = 0 # ≥ 1\r\n".encode(encoding))
    refused = run("train", "--config", config, "--checkpoint-dir", tmp_path / "run")
    assert "run.iterations" in refused.stderr
    assert refused.returncode == 2
