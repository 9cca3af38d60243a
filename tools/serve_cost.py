"""Measures the page in the browser: `python tools/serve_cost.py RUN_DIR` starts it and counts.

It prints the time to the first page, and processor time and memory with 3 and with 100 clients.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

ROUNDS = ((3, 60.0), (100, 30.0))
"""Clients, and seconds for which they are watched."""
SETTLING_S = 6.0
"""A reading and a bit, after which every new client has its first event."""


def measure(command: Sequence[str]) -> None:
    """Start a server that prints its address, and print its figures."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = urlsplit(server.stdout.readline().strip())
        where = (address.hostname or "", address.port or 0)
        cookie = _open_page(where, address.query)
        _say(f"first page after {1000 * (time.perf_counter() - started):.0f} ms")
        process, clients = psutil.Process(server.pid), 0
        for number, seconds in ROUNDS:
            for _ in range(number - clients):
                threading.Thread(target=_listen, args=(where, cookie), daemon=True).start()
            clients = number
            time.sleep(SETTLING_S)
            before = sum(process.cpu_times()[:2])
            time.sleep(seconds)
            used = 100 * (sum(process.cpu_times()[:2]) - before) / seconds
            memory = process.memory_info().rss / 2**20
            _say(f"{number} clients: {used:.2f} % of a core, {memory:.1f} MiB")
        server.kill()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _open_page(where: tuple[str, int], query: str) -> str:
    """Get the page and return the cookie that it sets."""
    connection = http.client.HTTPConnection(*where)
    connection.request("GET", f"/?{query}")
    answer = connection.getresponse()
    answer.read()
    return answer.headers["Set-Cookie"].partition(";")[0]


def _listen(where: tuple[str, int], cookie: str) -> None:
    connection = http.client.HTTPConnection(*where)
    connection.request("GET", "/events", headers={"Cookie": cookie})
    answer = connection.getresponse()
    while answer.readline():
        continue


if __name__ == "__main__":
    run = Path(sys.argv[1])
    words = ("monitor", "--serve", "127.0.0.1:0", "--checkpoint-dir", str(run))
    measure([sys.executable, "-m", "blobmaster", *words])
