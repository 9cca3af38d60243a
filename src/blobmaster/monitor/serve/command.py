"""`blobmaster monitor --serve`: checks what is asked for, listens, and prints the address."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import Final

from blobmaster.monitor.exit_signals import exit_on_signals
from blobmaster.monitor.options import MonitorOptions, ServeOptions
from blobmaster.monitor.output import INTERRUPTED, refuse, write_out
from blobmaster.monitor.serve.access import Guard, Keys
from blobmaster.monitor.serve.address import Address
from blobmaster.monitor.serve.runs import Pages
from blobmaster.monitor.serve.server import Server

COMMAND: Final = "monitor"


def run_server(options: MonitorOptions, serving: ServeOptions) -> int:
    """Serve the page until a signal arrives; returns the process's exit status."""
    try:
        server = Server(serving.address)
    except OSError as error:
        return refuse(COMMAND, _why_not(serving.address, error))
    keys, names = Keys.new(), serving.host_names
    if serving.address.is_wildcard:
        names = (*names, socket.gethostname())
    guard = Guard(
        keys=keys,
        address=server.address,
        names=names,
        allows_control=serving.control,
    )
    exit_on_signals()
    try:
        write_out(_greeting(server.address, keys, names, allows_control=serving.control))
        pages = Pages(options, allows_control=serving.control)
        server.serve(guard, pages, options.refresh_interval)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        server.server_close()
    return 0


def _greeting(address: Address, keys: Keys, names: Sequence[str], *, allows_control: bool) -> str:
    where = Address(names[0], address.port) if address.is_wildcard else address
    lines = [f"http://{where}/?token={keys.token}"]
    if address.is_loopback:
        # Further names reach a loopback address through a proxy, which ends TLS.
        lines += [f"https://{name}/?token={keys.token}" for name in names]
    can = "watch the run and pause it" if allows_control else "watch"
    lines.append(
        f"Open this address in a browser; whoever has it can {can}. Ctrl+C ends the page, not the "
        "run."
    )
    return "\n".join(lines) + "\n"


def _why_not(address: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {address.port} is taken: choose another one, as in --serve {_next(address)}"
    if error.errno == errno.EACCES:
        return f"port {address.port} is for the system: choose one from 1024 to 65535"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{address.host} is no address of this machine: try --serve 127.0.0.1:8787"
    return f"cannot listen on {address}: {os.strerror(error.errno or 0)}"


def _next(address: Address) -> Address:
    return Address(address.host, address.port % 65535 + 1)
