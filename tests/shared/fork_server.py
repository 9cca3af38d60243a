"""A fork server: it imports everything once and forks programs, which then start at once.

Importing torch and loading kernels takes two seconds of processor time, most of the time of a test
that starts a command. A forked program is an ordinary process with its own pid, streams, session
and exit status; `forked.py` is the side of the tests.

Protocol, over a Unix socket: one JSON line per request, one per answer. A request `{"start": words,
"cwd": path, "environment": {...}, "new_session": bool}` carries three descriptors, the program's
standard streams, and is answered by `{"pid": n}`. `{"reap": n}` is answered by `{"status": s}` when
process n has ended; s is its exit status, negative for a signal. The server ends with the socket.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import runpy
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import torch

import blobmaster
from blobmaster.config.compose import compose
from blobmaster.config.config import Config
from blobmaster.inference.evaluator import use_one_thread
from blobmaster.model.network import new_network
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool
from blobmaster.training.learner import Learner
from blobmaster.training.replay_buffer import compile_read, new_batch
from blobmaster.training.warm_up import play_one_round

LONGEST_REQUEST = 1 << 20


def import_all() -> None:
    """Import the modules of the package that this environment has the libraries for."""
    for module in pkgutil.walk_packages(blobmaster.__path__, "blobmaster."):
        # onnxruntime, which the export needs, starts a thread when it is imported.
        if not module.name.endswith("__main__") and "export" not in module.name:
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


def load_kernels() -> None:
    """Play a round, so that kernels and optimizer are loaded before the fork.

    Its worker threads end here: only the thread that forks exists in the child.
    """
    config: Config = compose({"network": {"width": 16, "blocks": 1}})
    network = new_network(config.network, 0)
    Learner(network, config.learning, 0, torch.device("cpu"))
    pool = LocalPool(1, prepare=use_one_thread)
    engine = SelfPlayEngine(pool, config.rounds, config.self_play, 0, torch.device("cpu"))
    play_one_round(engine, network)
    compile_read(new_batch(1))


def become(request: dict[str, Any], streams: list[int]) -> None:
    """Give this new process the state that a program has when Python starts it."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request["new_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()  # or all programs would draw the same numbers
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115 (they stay open)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", closefd=False, errors="backslashreplace"
    )
    assert isinstance(sys.stderr, io.TextIOWrapper)
    sys.stderr.reconfigure(line_buffering=True)


def serve(requests: socket.socket) -> list[str]:
    """Answer requests; return in a forked process only, with its command line after `python`."""
    while True:
        line, streams, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 3)
        if not line:
            os._exit(0)
        request = json.loads(line)
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if not pid:
                requests.close()
                become(request, streams)
                return request["start"]
            for stream in streams:
                os.close(stream)
            answer = {"pid": pid}
        requests.sendall(json.dumps(answer).encode() + b"\n")


def run_program(words: list[str]) -> None:
    """Run `-m module argument...` or `script argument...`, as Python does."""
    if words[0] == "-m":
        module, *sys.argv[1:] = words[1:]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = words
        runpy.run_path(words[0], run_name="__main__")


def run_and_exit(words: list[str]) -> NoReturn:
    """Run a program and exit as Python does, without freeing what was imported.

    Freeing takes a quarter of a second: it copies the memory that processes share.
    """
    status = 0
    try:
        run_program(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    threading._shutdown()  # waits for threads, as the end of a program does
    atexit._run_exitfuncs()  # they write what a trainer still has to print
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the test run
    use_one_thread()  # OpenMP's threads would not survive the fork
    import_all()
    load_kernels()
    # Only the thread that forks exists in the child; a lock that another one holds stays locked.
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.collect()
    gc.freeze()  # collecting what was imported would copy the memory that processes share
    run_and_exit(serve(socket.socket(fileno=int(sys.argv[1]))))
