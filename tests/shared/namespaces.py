"""Hosts of a network, each a network namespace of this machine with its own Ray node.

Hosts share the machine's files and kernel, but have an address, a hostname, a loopback and a link
to a switch of their own. So a link can be cut, and a host can die as a whole. The switch is in a
namespace, too: nothing changes outside of them.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

PORT = 6379
STORE_BYTES = 80 << 20
RAY_NODE = "/raylet/raylet "
RAY_HEAD = "gcs_server "
_PREFIX = "bm"


def missing() -> str | None:
    """Return the reason why this machine cannot have such hosts; None if it can."""
    for program in ("ip", "unshare"):
        if shutil.which(program) is None:
            return f"there is no `{program}`"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"{_PREFIX}{os.getpid()}try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode != 0:
        return "network namespaces may not be made here"
    linked = subprocess.run(
        ["ip", "-n", name, "link", "add", "card1", "type", "veth", "peer", "name", "card2"],
        capture_output=True,
        check=False,
    )
    _ip("netns", "del", name)
    return None if linked.returncode == 0 else "virtual network cards may not be made here"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _namespaces() -> list[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]


def _pids(namespace: str) -> list[int]:
    listed = subprocess.run(
        ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def _remove(prefix: str) -> None:
    """Remove the namespaces of a network, with their programs."""
    for namespace in _namespaces():
        if namespace.startswith(prefix):
            while pids := _pids(namespace):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.05)
            _ip("netns", "del", namespace)


def _remove_orphans() -> None:
    """Remove what a test run that was killed has left behind."""
    for namespace in _namespaces():
        found = re.match(rf"{_PREFIX}(\d+)x", namespace)
        if found and not psutil.pid_exists(int(found[1])):
            _remove(namespace)


class Host:
    """A host of a `Network`, with its programs."""

    def __init__(self, network: Network, number: int) -> None:
        self.number = number
        self.name = f"host{number}"
        """Its hostname."""
        self.address = f"10.77.0.{number}"
        self.environment: dict[str, str] = {}
        """Variables of its Ray node, beside those of the test."""
        self._network = network
        self._namespace = f"{network.prefix}h{number}"
        self._port = f"port{number}"
        self._folder = network.folder / self.name
        _ip("netns", "add", self._namespace)
        self._run("ip", "link", "set", "lo", "up")
        _ip(
            *("link", "add", "eth0", "netns", self._namespace, "type", "veth"),
            *("peer", "name", self._port, "netns", network.switch),
        )
        _ip("-n", network.switch, "link", "set", self._port, "master", "switch", "up")
        self._run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self._run("ip", "link", "set", "eth0", "up")
        # Ray finds its own address by a connection to the outside, which needs a route.
        self._run("ip", "route", "add", "default", "via", f"{network.subnet}.254")

    def words(self, *command: object) -> list[str]:
        """Return the command line that runs a command on this host."""
        script = 'hostname "$0"; exec "$@"'
        return [
            *("ip", "netns", "exec", self._namespace, "unshare", "--uts"),
            *("sh", "-c", script, self.name, *map(str, command)),
        ]

    def _run(self, *command: object) -> None:
        subprocess.run(self.words(*command), check=True, capture_output=True)

    def start_ray(self, *, head: bool = False) -> None:
        """Start the Ray node of this host, which begins or joins the cluster."""
        where = (
            ("--head", f"--port={PORT}", "--include-dashboard=false")
            if head
            else (f"--address={self._network.head}",)
        )
        done = subprocess.run(
            self.words(
                *(sys.executable, "-m", "ray.scripts.scripts", "start", *where),
                *(f"--node-ip-address={self.address}", f"--temp-dir={self._folder}"),
                *("--num-cpus=1", "--num-gpus=0", f"--object-store-memory={STORE_BYTES}"),
            ),
            env=os.environ | self._network.environment | self.environment,
            cwd=self._network.folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def start(
        self, *command: object, environment: Mapping[str, str | None] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command on this host, with stderr where stdout goes."""
        given = {**os.environ, **self._network.environment, **(environment or {})}
        return subprocess.Popen(
            self.words(*command),
            env={name: text for name, text in given.items() if text is not None},
            cwd=self._network.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def processes(self, word: str = "") -> list[psutil.Process]:
        """List the programs of this host whose command line contains a word."""
        found = []
        for pid in _pids(self._namespace):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                is_dead = process.status() == psutil.STATUS_ZOMBIE
                if not is_dead and word in " ".join(process.cmdline()) + " ":
                    found.append(process)
        return found

    def kill(self, word: str = "") -> int:
        """Kill programs whose command line contains a word; return how many."""
        found = self.processes(word)
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return len(found)

    def cut(self) -> None:
        """Take the link down."""
        _ip("-n", self._network.switch, "link", "set", self._port, "down")

    def mend(self) -> None:
        """Take the link up again."""
        _ip("-n", self._network.switch, "link", "set", self._port, "up")

    def die(self) -> None:
        """Lose the link and all programs at once, so that no peer hears of their end."""
        _ip("-n", self._network.switch, "link", "del", self._port)
        self.kill()


class Network:
    """Hosts at one switch. Host 1 has the head of the cluster."""

    def __init__(self, hosts: int) -> None:
        self.prefix = f"{_PREFIX}{os.getpid()}x{secrets.token_hex(1)}"
        self.switch = f"{self.prefix}s"
        self.subnet = "10.77.0"
        self.head = f"{self.subnet}.1:{PORT}"
        """The address of the cluster."""
        # Not `tmp_path`: the path of a socket has less than 108 letters.
        self.folder = Path(tempfile.mkdtemp(prefix="net-", dir="/tmp"))
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self.hosts: list[Host] = []
        try:
            _ip("netns", "add", self.switch)
            _ip("-n", self.switch, "link", "add", "switch", "type", "bridge")
            _ip("-n", self.switch, "addr", "add", f"{self.subnet}.254/24", "dev", "switch")
            _ip("-n", self.switch, "link", "set", "switch", "up")
            for number in range(1, hosts + 1):
                self.hosts.append(Host(self, number))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """End all programs of the hosts, and remove the hosts and the switch."""
        _remove(self.prefix)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def network(hosts: int) -> Iterator[Network]:
    """Make hosts, and remove them whatever happens."""
    _remove_orphans()
    made = Network(hosts)
    try:
        yield made
    finally:
        made.remove()
