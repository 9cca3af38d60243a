"""In a real tmux: detach and attach, sizes that change, and a terminal that is left as it was."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from monitor_terminal import make_status, monitor_command, put
from terminals import DEADLINE_S, ENVIRONMENT, Terminal

from blobmaster.run.files.layout import RunLayout

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux on PATH")

MODES = (
    "#{alternate_on} #{cursor_flag} #{insert_flag} #{keypad_cursor_flag} #{keypad_flag} "
    "#{mouse_any_flag} #{mouse_button_flag} #{mouse_standard_flag} #{mouse_sgr_flag} #{wrap_flag} "
    "#{origin_flag}"
)
"""Terminal modes that a program may have left changed, as tmux names them."""


class Tmux:
    """A server of its own, with one window that a shell with job control runs in."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux.sock")
        self._folder = folder
        # `exec`: the user's shell, which runs this command, may stay as a parent otherwise.
        shell = "exec env PS1='$ ' bash --norc --noprofile -i"
        self.do("new-session", "-d", "-x", "100", "-y", "30", "-c", str(folder), shell)
        self.wait_for("$")

    def do(self, *arguments: str) -> str:
        """Run a tmux command and return what it says."""
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        environment = {**os.environ, **ENVIRONMENT}
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        ).stdout

    def attach_command(self) -> list[str]:
        return ["tmux", "-S", self._socket, "-f", "/dev/null", "attach"]

    @property
    def text(self) -> str:
        return self.do("capture-pane", "-p")

    @property
    def modes(self) -> str:
        return self.do("display-message", "-p", MODES).strip()

    @property
    def shell(self) -> psutil.Process:
        return psutil.Process(int(self.do("display-message", "-p", "#{pane_pid}")))

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, f"never {what}:\n{self.text}"
            time.sleep(0.05)

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.text, f"showed {text!r}")

    def type(self, line: str) -> None:
        self.do("send-keys", "-l", line)
        self.do("send-keys", "Enter")

    def settings(self) -> str:
        """The terminal's, from the shell's own prompt."""
        file = self._folder / "stty.txt"
        file.unlink(missing_ok=True)
        self.type(f"stty -g > {file}.tmp; mv {file}.tmp {file}")
        self.wait_until(file.exists, "told its settings")
        return file.read_text()


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    server = Tmux(tmp_path_factory.mktemp("tmux"))
    yield server
    subprocess.run([*server.attach_command()[:3], "kill-server"], capture_output=True, check=False)


def begin(
    tmux: Tmux, layout: RunLayout, before: str = "", state: str = "running"
) -> psutil.Process:
    """Start the monitor from the shell's prompt; returns its process."""
    put(layout, make_status(state=state))
    script = layout.root / "monitor.sh"
    script.write_text(f"exec {shlex.join(monitor_command(layout, before, refresh_interval=0.3))}\n")
    tmux.type(f"clear; bash {script}; echo left with $?")
    tmux.wait_for("iteration 151 of 500")
    (child,) = tmux.shell.children()
    return child


def by_keys(*keys: str) -> Callable[[Tmux, psutil.Process], None]:
    return lambda tmux, _: tmux.do("send-keys", *keys) and None


def by_signal(number: signal.Signals) -> Callable[[Tmux, psutil.Process], None]:
    return lambda _, monitor: monitor.send_signal(number)


@pytest.mark.parametrize(
    ("leave", "status"),
    [
        pytest.param(by_keys("q"), 0, id="q"),
        pytest.param(by_keys("?", "C-c"), 0, id="ctrl-c in the help"),
        pytest.param(by_signal(signal.SIGTERM), 143, id="SIGTERM"),
        pytest.param(by_signal(signal.SIGHUP), 129, id="SIGHUP"),
    ],
)
def test_however_it_is_left_the_terminal_is_as_it_was(
    tmux: Tmux, layout: RunLayout, leave: Callable[[Tmux, psutil.Process], None], status: int
):
    settings, modes = tmux.settings(), tmux.modes
    monitor = begin(tmux, layout)
    assert tmux.modes != modes
    leave(tmux, monitor)
    tmux.wait_for(f"left with {status}")
    assert tmux.modes == modes
    assert tmux.settings() == settings


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(tmux: Tmux, layout: RunLayout):
    settings, modes = tmux.settings(), tmux.modes
    # Nothing changes on the screen of a paused run, so what `fg` shows has been drawn anew.
    monitor = begin(tmux, layout, state="paused")
    tmux.do("send-keys", "C-z")
    tmux.wait_until(lambda: monitor.status() == psutil.STATUS_STOPPED, "stopped")
    tmux.wait_until(lambda: tmux.modes == modes, "gave the terminal back")
    assert tmux.settings() == settings
    tmux.type("fg")
    tmux.wait_for("iteration 151 of 500")
    tmux.do("send-keys", "q")
    tmux.wait_until(lambda: tmux.modes == modes, "gave the terminal back")
    assert tmux.settings() == settings


def test_it_lives_through_detach_and_attach_at_other_sizes(
    tmux: Tmux, layout: RunLayout, open_terminal: Callable[..., Terminal]
):
    monitor = begin(tmux, layout)
    for columns, lines in ((160, 50), (80, 24), (44, 12)):
        terminal = open_terminal(tmux.attach_command(), columns=columns, lines=lines)
        terminal.wait_for("iteration 151 of 500")
        terminal.press("?")
        terminal.wait_for("this help")
        terminal.press("q")
        terminal.wait_without("this help")
        terminal.press("\x02d")
        assert terminal.exit_status() == 0
        assert monitor.is_running()
    put(layout, make_status(seq=2000, iteration=152))
    tmux.wait_for("iteration 152 of 500")
    tmux.do("send-keys", "q")
    tmux.wait_for("left with 0")


def test_it_ends_when_the_server_is_killed(tmux: Tmux, layout: RunLayout):
    monitor = begin(tmux, layout)
    tmux.do("kill-server")
    psutil.wait_procs([monitor], timeout=DEADLINE_S)
    assert not monitor.is_running()
