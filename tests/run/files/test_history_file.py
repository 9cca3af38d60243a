"""history.jsonl: read as it grows, repaired after a crash, each iteration once."""

import errno
import os
from functools import partial

import pytest
from broken_os import BrokenOs
from test_session import OTHER, train
from victim import IDENTITY, write_state

from blobmaster.run.checkpoints.seal import DESCRIPTION_LIMIT
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files import atomic
from blobmaster.run.files.history import (
    START,
    HistoryRow,
    append_rows,
    encode_row,
    read_rows,
    reconcile,
)
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.opening import complete_history
from blobmaster.run.session import RunSession


def row(iteration: int, run_id: str = "run", **metrics) -> HistoryRow:
    return HistoryRow(
        iteration=iteration, run_id=run_id, timestamp="", elapsed_hours=0.5, metrics=metrics
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.jsonl"


def numbers(path) -> list[int]:
    return [row.iteration for row in read_rows(path).rows]


def test_a_reader_gets_each_row_once_however_the_bytes_arrive(path):
    append_rows(path, [row(n, loss=n / 7, elo=None) for n in range(1, 40)])
    data, cursor, rows = path.read_bytes(), START, []
    for end in range(0, len(data) + 1, 17):
        path.write_bytes(data[:end])  # the same inode grows
        part = read_rows(path, cursor)
        assert not part.restarted
        cursor = part.cursor
        rows += part.rows
    path.write_bytes(data)
    rows += read_rows(path, cursor).rows
    assert rows == [row(n, loss=n / 7, elo=None) for n in range(1, 40)]


def test_a_reader_starts_again_when_the_file_was_replaced_or_cut(path):
    append_rows(path, [row(1), row(2), row(3)])
    cursor = read_rows(path).cursor
    reconcile(path, "run", 2, [])
    part = read_rows(path, cursor)
    assert part.restarted
    assert [row.iteration for row in part.rows] == [1, 2]
    path.unlink()
    assert read_rows(path, part.cursor).restarted


def test_a_reader_notices_a_rewritten_file_that_got_the_inode_of_the_old_one(path):
    append_rows(path, [row(n, loss=n / 7) for n in range(1, 5)])
    cursor = read_rows(path).cursor
    path.write_bytes(b"")  # keeps the inode
    append_rows(path, [row(n, loss=n / 3) for n in range(1, 9)])
    part = read_rows(path, cursor)
    assert part.restarted
    assert [row.metrics["loss"] for row in part.rows] == [n / 3 for n in range(1, 9)]
    assert not read_rows(path, part.cursor).restarted


def test_foreign_and_torn_lines_are_passed_over(path):
    append_rows(path, [row(1)])
    with path.open("ab") as file:
        file.write(
            b'[1]\n\xff\n{"iteration": "two"}\n' + b"[" * 10_000 + b'\n{"iteration": 2, "run'
        )
    assert numbers(path) == [1]


def test_a_row_whose_iteration_no_float_can_hold_is_passed_over(path):
    append_rows(path, [row(1)])
    line = path.read_bytes()
    path.write_bytes(line + line.replace(b'"iteration":1,', b'"iteration":1%s,' % (b"0" * 400)))
    assert len(path.read_bytes()) > 2 * len(line)
    assert numbers(path) == [1]


def test_a_line_without_end_is_passed_over_in_bounded_memory(path):
    path.write_bytes(b"x" * (5 << 20) + b"\n")
    append_rows(path, [row(7)])
    part = read_rows(path)
    assert part.more
    assert [row.iteration for row in read_rows(path, part.cursor).rows] == [7]


def test_a_reader_that_takes_little_at_a_time_gets_each_row_once(path):
    append_rows(path, [row(n, loss=n / 7) for n in range(1, 40)])
    longest = max(len(line) for line in path.read_bytes().splitlines(keepends=True))
    for limit in (longest, 2 * longest + 1):
        cursor, rows, more = START, [], True
        while more:
            part = read_rows(path, cursor, limit)
            assert part.cursor.offset - cursor.offset <= limit
            cursor, more = part.cursor, part.more
            rows += part.rows
        assert [row.iteration for row in rows] == list(range(1, 40))


def test_reconcile_keeps_each_iteration_once_up_to_the_resumed_one(path):
    append_rows(path, [row(1), row(2), row(2, loss=0.5), row(9, "other"), row(3), row(4)])
    with path.open("ab") as file:
        file.write(b'{"iteration": 5, "ru')
    reconcile(path, "run", 3, [row(3)])
    assert read_rows(path).rows == [row(1), row(2, loss=0.5), row(3)]


def test_reconcile_fills_in_what_the_checkpoint_carries(path):
    append_rows(path, [row(1)])
    reconcile(path, "run", 3, [row(2), row(3)])
    assert numbers(path) == [1, 2, 3]


def test_an_unchanged_history_is_not_rewritten(path):
    append_rows(path, [row(1), row(2)])
    inode = path.stat().st_ino
    reconcile(path, "run", 2, [row(2)])
    assert path.stat().st_ino == inode


def test_an_append_that_fails_halfway_leaves_no_half_line(path, monkeypatch):
    append_rows(path, [row(1)])
    before = path.read_bytes()
    monkeypatch.setattr(atomic, "os", BrokenOs(1, "middle", error=errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        append_rows(path, [row(2)])
    assert path.read_bytes() == before


def test_a_first_append_whose_folder_cannot_be_synced_adds_nothing(path, monkeypatch):
    def refuse(folder) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(folder))

    with monkeypatch.context() as broken:
        broken.setattr(atomic, "sync_folder", refuse)
        with pytest.raises(OSError, match="Input/output"):
            append_rows(path, [row(1)])
    append_rows(path, [row(1)])  # as the retry does
    assert numbers(path) == [1]


class Unwritable(BrokenOs):
    """A history file that nobody may write, like one with `chattr +i`."""

    locked = True

    def open(self, path, flags, mode=0o777):
        if self.locked and str(path).endswith("history.jsonl") and flags & os.O_WRONLY:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        return super().open(path, flags, mode)


def test_a_checkpoint_carries_every_row_that_the_history_lacks(fast_path, monkeypatch):
    disk = Unwritable()
    monkeypatch.setattr(atomic, "os", disk)
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 2, None, "")
        for iteration in range(2):
            write = partial(write_state, b"%d" % iteration, 0)
            session.commit(iteration, write, metrics={"loss": iteration})
            session._requests.stop(15)  # both commits are abandoned while they wait
        session.finish()
    store = CheckpointStore(session.layout)
    _, meta = store.read(store.newest_valid()[0].path)
    assert [row.iteration for row in meta.rows] == [1, 2]
    assert numbers(session.layout.history) == []
    disk.locked = False
    complete_history(session.layout, meta, "test")  # all iterations are done: no session follows
    assert numbers(session.layout.history) == [1, 2]
    assert not session.layout.lock_holder.exists()


def test_a_finished_runs_history_is_not_written_for_another_run(fast_path):
    train(fast_path / "a", 2)
    train(fast_path / "b", 1, identity=OTHER)
    _, meta = CheckpointStore(RunLayout(fast_path / "a")).read(
        next((fast_path / "a").glob("cache/*iter002*"))
    )
    before = (fast_path / "b" / "history.jsonl").read_bytes()
    complete_history(RunLayout(fast_path / "b"), meta, "test")
    assert (fast_path / "b" / "history.jsonl").read_bytes() == before


def test_a_checkpoint_carries_more_rows_than_fit_into_its_description(fast_path):
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 101, None, "")
        for iteration in range(100):
            session.complete(iteration, {f"metric_{n}": iteration / n for n in range(1, 80)})
        session.commit(100, partial(write_state, b"", 0), metrics={})
        session.finish()
    store = CheckpointStore(session.layout)
    _, meta = store.read(store.newest_valid()[0].path)
    written = read_rows(session.layout.history).rows
    assert sum(len(encode_row(row)) for row in written) > 2 * DESCRIPTION_LIMIT
    assert meta.rows == written
