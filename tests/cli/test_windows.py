"""Commands on a system without termios and fcntl, as on Windows."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None  # its import raises ImportError
from blobmaster.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("missing", ["termios", "fcntl", "termios,fcntl"])
@pytest.mark.parametrize("command", ["monitor", "train", "play", "watch", "report"])
def test_a_command_that_needs_unix_names_wsl_in_one_line(tmp_path, command, missing):
    done = subprocess.run(
        [
            *(sys.executable, "-c", WITHOUT, missing, command),
            *(["--notify", "https://localhost"] if command == "watch" else []),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "use WSL" in done.stderr
    assert not list(tmp_path.iterdir())


def test_help_needs_no_unix():
    command = [sys.executable, "-c", WITHOUT, "termios,fcntl", "train", "--help"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
