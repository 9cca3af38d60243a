"""A power loss at any step undoes no commit that was reported, and leaves nothing torn."""

import contextlib
import random
import shutil

import pytest
from broken_os import Stopped
from forgetful_os import ForgetfulOs
from small_life import Life, files

from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout

ITERATIONS = 6
LOSSES_A_STEP = 3


class ForgetfulUntil(ForgetfulOs):
    """Ends the process at the n-th step that changes what survives a power loss."""

    def __init__(self, root, steps: int) -> None:
        super().__init__(root)
        self.left = steps

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stopped

    def fsync(self, descriptor):
        self._count()
        super().fsync(descriptor)

    def replace(self, source, target):
        self._count()
        super().replace(source, target)

    def write(self, descriptor, data):
        self._count()
        return super().write(descriptor, data)

    def unlink(self, path):
        self._count()
        super().unlink(path)


def run_until(monkeypatch, root, steps: int) -> tuple[ForgetfulUntil, Life]:
    root.mkdir()
    disk, life = ForgetfulUntil(root, steps), Life(root)
    with monkeypatch.context() as patch, contextlib.suppress(Stopped):
        patch.setattr(atomic, "os", disk)
        life.live(ITERATIONS)
    return disk, life


def lose_power_at_every_step(fast_path, monkeypatch) -> None:
    whole, _ = run_until(monkeypatch, fast_path / "whole", 10**6)
    undisturbed = files(fast_path / "whole")
    steps = 10**6 - whole.left
    assert steps > 100
    for number in range(steps):
        root = fast_path / "run"
        disk, life = run_until(monkeypatch, root, number)
        for luck in range(LOSSES_A_STEP):
            found = fast_path / "found"
            disk.lose_power(random.Random(1000 * number + luck), found)
            newest, skipped = CheckpointStore(RunLayout(found)).newest_valid()
            where = f"step {number}, luck {luck}"
            assert not skipped, where
            assert (newest.name.iteration + 1 if newest else 0) >= life.committed, where
            Life(found).live(ITERATIONS)
            assert files(found) == undisturbed, where
            shutil.rmtree(found)
        shutil.rmtree(root)


def test_a_power_loss_at_any_step_keeps_every_reported_commit(fast_path, monkeypatch):
    lose_power_at_every_step(fast_path, monkeypatch)


def test_the_model_of_a_power_loss_notices_a_folder_that_is_not_synced(fast_path, monkeypatch):
    monkeypatch.setattr(atomic, "sync_folder", lambda _: None)
    with pytest.raises(AssertionError, match="step"):
        lose_power_at_every_step(fast_path, monkeypatch)
