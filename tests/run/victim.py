"""A training run without torch, to be paused, starved and killed: `victim.py ROOT ITERATIONS`.

Its weights are a chain of hashes over its blocks of work, so that a lost, repeated or reordered
block shows in the last checkpoint.
"""

import argparse
import fcntl
import hashlib
import io
import os
import sys
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import BinaryIO

from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import RunError
from blobmaster.run.session import RunIdentity, RunSession

BLOCKS = 3
IDENTITY = RunIdentity(
    run_id="victim", project="Victim", architecture=1, parameters=4_900_000,
    start_date="20251113", seed=1,
)  # fmt: skip


def play(state: bytes, iteration: int, index: int) -> bytes:
    """Compute a block, a pure function of the weights, the iteration and its index."""
    return hashlib.sha256(b"%s %d %d" % (state, iteration, index)).digest()


def learn(state: bytes, blocks: dict[int, bytes]) -> bytes:
    return hashlib.sha256(state + b"".join(blocks[index] for index in sorted(blocks))).digest()


def write_state(state: bytes, padding: int, file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("state", state)
        archive.writestr("padding", state * (padding // 32))


def read_state(file: io.BytesIO) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read("state")


def load(store: CheckpointStore) -> tuple[bytes, CheckpointMeta | None]:
    """Load the newest valid checkpoint's weights and metadata, or the initial weights."""
    newest, _ = store.newest_valid()
    if newest is None:
        return b"first weights", None
    file, meta = store.read(newest.path)
    return read_state(file), meta


def train(session: RunSession, options: argparse.Namespace) -> None:
    state, meta = load(session.store)
    session.begin(IDENTITY, options.iterations, meta, resume_command="victim --resume")
    for iteration in range(session.first_iteration, options.iterations):
        session.step("self-play", total=BLOCKS, unit="blocks")
        blocks = session.inflight.get_all(iteration, state.hex())
        for index in range(BLOCKS):
            if session.should_stop.is_set() and not options.stubborn:
                return
            time.sleep(options.block_seconds)
            if options.stubborn:  # one long call into compiled code
                hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)
            if index not in blocks:
                blocks[index] = play(state, iteration, index)
                session.inflight.put(iteration, index, blocks[index], state.hex())
            session.advance()
        state = learn(state, blocks)
        write = partial(write_state, state, options.padding)
        session.commit(iteration, write, metrics={"loss": state[0] / 256})
        if session.pause_requested:
            return
    session.finish()


def refuse_locks(number: int) -> None:
    """Behave like a filesystem without locks."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    fcntl.flock = refuse


def become(user: int, group: int, umask: int) -> None:
    """Go on as another user. Not before the start: Python may be readable by root alone."""
    "".encode("cp437")  # loads the codec that zipfile looks for
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    os.umask(umask)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("iterations", type=int)
    parser.add_argument("--block-seconds", type=float, default=0.0)
    parser.add_argument("--padding", type=int, default=0)
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--flock-errno", type=int, help="file locks fail with this error")
    parser.add_argument(
        "--become", type=int, nargs=3, metavar=("UID", "GID", "UMASK"), help="needs root"
    )
    options = parser.parse_args()
    if options.become is not None:
        become(*options.become)
    if options.flock_errno is not None:
        refuse_locks(options.flock_errno)
    try:
        with RunSession.open(options.root, command="victim") as session:
            train(session, options)
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    return session.exit_status


if __name__ == "__main__":
    sys.exit(main())
