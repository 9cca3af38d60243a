"""Completion as documented in the README, in real shells: Tab after `blobmaster tra`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pexpect
import pytest

PATIENCE_S = 300
SET_UP = {
    "bash": 'eval "$(_BLOBMASTER_COMPLETE=bash_source blobmaster)"',
    "zsh": "autoload -Uz compinit; compinit -u; "
    'eval "$(_BLOBMASTER_COMPLETE=zsh_source blobmaster)"',
    "fish": "_BLOBMASTER_COMPLETE=fish_source blobmaster | source",
}
FLAGS = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}


@pytest.mark.parametrize("shell", SET_UP)
def test_tab_completes_commands_and_options(shell: str, tmp_path: Path):
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "blobmaster"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m blobmaster "$@"\n')
    script.chmod(0o755)
    with pexpect.spawn(
        path, [*FLAGS[shell], "-i"], timeout=PATIENCE_S, encoding="utf-8", cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}",
             "HOME": str(tmp_path), "TERM": "xterm", "PS1": "$ ", "COLUMNS": "200"},
    ) as typed:  # fmt: skip
        typed.sendline(SET_UP[shell] + "; echo re''ady")
        typed.expect("ready")
        typed.send("blobmaster monitor --allow\t")
        typed.expect("--allow-remote")
        typed.send("\x15blobmaster check\t")
        typed.expect("blobmaster checkpoints")
