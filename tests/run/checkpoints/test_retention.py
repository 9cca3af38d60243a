"""Retention of checkpoints, as a table and as a stateful property."""

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from small_life import Life

from blobmaster.run.checkpoints.retention import expired, is_permanent
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.layout import CheckpointName, RunLayout


def name(number: int, project: str = "Blobmaster") -> CheckpointName:
    return CheckpointName(
        start_date="20251113", project=project, architecture=1, millions="4.9", iteration=number - 1
    )


@pytest.mark.parametrize(
    ("there", "written", "gone"),
    [
        ([], 1, []),
        ([1, 2, 3, 4], 4, []),
        ([1, 2, 3, 4, 6], 6, [1]),
        ([6, 7, 8, 9], 10, []),
        ([4, 6, 7, 8, 9], 10, [4]),
        ([1, 2, 3, 4, 6, 7, 8], 8, [1, 2, 3]),
        ([1, 2, 3, 11, 12, 13], 4, []),  # newer ones are not this session's to count or delete
    ],
)
def test_the_newest_four_up_to_the_one_written_stay(there, written, gone):
    assert sorted(n.iteration + 1 for n in expired(map(name, there), written=name(written))) == gone


def test_every_fifth_iteration_is_permanent():
    assert [number for number in range(1, 21) if is_permanent(number - 1)] == [5, 10, 15, 20]


def test_another_runs_checkpoints_are_nobodys_to_delete():
    others = [name(number, "Other") for number in range(1, 9)]
    assert expired(others, written=name(20)) == []


class Retention(RuleBasedStateMachine):
    """Sessions, resumes from anywhere, foreign files and damage, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(
            dir="/dev/shm" if Path("/dev/shm").is_dir() else None
        )
        self.root = Path(self.folder.name)
        self.precious: dict[bytes, str] = {}
        """The bytes that must stay somewhere below the root, whatever happens."""
        self.foreign_files = 0
        self.iterations = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(more=st.integers(1, 4))
    def train_on(self, more: int) -> None:
        newest, _ = CheckpointStore(RunLayout(self.root)).newest_valid()
        self.iterations = (newest.name.iteration + 1 if newest else 0) + more
        Life(self.root).live(self.iterations)

    @rule(luck=st.integers(0, 100))
    def resume_from_an_older_iteration(self, luck: int) -> None:
        store = CheckpointStore(RunLayout(self.root))
        entries = [entry for entry in store.entries() if whole(entry.path)]
        if entries:
            chosen = entries[luck % len(entries)]
            self.iterations = chosen.name.iteration + 2
            Life(self.root).live(self.iterations, resume=chosen.path)

    @rule()
    def start_afresh(self) -> None:
        self.iterations = 1
        Life(self.root, fresh=True).live(1)

    @rule(folder=st.sampled_from(["permanent", "cache", "."]), kind=st.integers(0, 3))
    def a_foreign_file_appears(self, folder: str, kind: int) -> None:
        self.foreign_files += 1
        path = (
            self.root
            / folder
            / [
                f"notes{self.foreign_files}.txt",
                f"20251113-Blobmaster-v1-4.9M-iter{self.foreign_files:03d}.pth",  # another run's
                f"20251113-Victim-v1-4.9M-iter{self.foreign_files:03d}.pth.bak",
                f".notes{self.foreign_files}.tmp",
            ][kind]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a foreign %d" % self.foreign_files)
        self.precious[path.read_bytes()] = str(path)

    @rule()
    def the_newest_is_damaged(self) -> None:
        store = CheckpointStore(RunLayout(self.root))
        entries = [entry for entry in store.entries() if whole(entry.path)]
        if len(entries) > 1:
            data = bytearray(entries[-1].path.read_bytes())
            self.precious.pop(bytes(data), None)
            data[len(data) // 3] ^= 1
            entries[-1].path.write_bytes(data)

    @invariant()
    def the_newest_is_whole_and_there(self) -> None:
        if self.iterations:
            newest, _ = CheckpointStore(RunLayout(self.root)).newest_valid()
            assert newest is not None

    @invariant()
    def nothing_precious_is_lost(self) -> None:
        there = {path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        lost = [path for data, path in self.precious.items() if data not in there]
        assert not lost
        for path in self.root.glob("permanent/*Victim*.pth"):
            self.precious[path.read_bytes()] = str(path)

    @invariant()
    def the_cache_holds_four_of_this_run(self) -> None:
        ours = [path for path in self.root.glob("cache/*Victim*.pth") if whole(path)]
        assert len(ours) <= 4


def whole(path: Path) -> bool:
    return zipfile.is_zipfile(io.BytesIO(path.read_bytes())) and _verifies(path)


def _verifies(path: Path) -> bool:
    try:
        CheckpointStore.read(path)
    except CheckpointError:
        return False
    return True


Retention.TestCase.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None, derandomize=True
)
test_no_order_of_events_loses_what_must_stay = Retention.TestCase
