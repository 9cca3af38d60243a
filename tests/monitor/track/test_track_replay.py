"""Whatever is killed and rewound in between, a tracker ends with the rows of the history."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from blobmaster.monitor.track.replay import Replay
from blobmaster.monitor.track.tracker import Row


class KilledError(Exception):
    """The process is gone."""


class Store:
    """A tracker's store in memory, whose process is killed after some numbers."""

    def __init__(self, *, takes_back: bool, is_atomic: bool) -> None:
        self.steps: list[tuple[int, dict[str, float]]] = []
        self.takes_back, self.is_atomic = takes_back, is_atomic
        self.life = 10**9
        self.given_up = 0

    def held(self) -> Sequence[Row]:
        return [Row(step, dict(values)) for step, values in self.steps]

    def as_held(self, row: Row) -> Row:
        return row

    def keep_first(self, count: int) -> int:
        self._live()
        self.given_up += 1
        kept = count if self.takes_back else 0
        del self.steps[kept:]
        return kept

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if not self.steps or self.steps[-1][0] != row.iteration:
                self._live()
                self.steps.append((row.iteration, {}))
            for name, value in row.values.items():
                if not self.is_atomic:
                    self._live()
                assert name not in self.steps[-1][1], "a value twice"
                self.steps[-1][1][name] = value

    def close(self) -> None:
        return

    def _live(self) -> None:
        self.life -= 1
        if self.life < 0:
            raise KilledError


def history(length: int, seed: int, rewound_at: int = 0) -> list[Row]:
    """Rows whose values differ from those of another seed from an iteration on."""
    return [
        Row(n, {"elo": 1000.0 + n, "loss": n / 7 + (seed if n > rewound_at else 0)})
        for n in range(1, length + 1)
    ]


HISTORIES = st.builds(history, st.integers(0, 12), st.integers(0, 3), st.integers(0, 12))


@given(
    st.lists(st.tuples(HISTORIES, st.integers(0, 30), st.booleans()), min_size=1, max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_kills_and_rewinds_leave_no_row_twice_none_missing_and_no_ghost(
    turns: list[tuple[list[Row], int, bool]], takes_back: bool, is_atomic: bool
):
    store = Store(takes_back=takes_back, is_atomic=is_atomic)
    replay = Replay(store)
    for rows, life, starts_again in turns:
        store.life = life
        try:
            if starts_again:
                replay = Replay(store)
            replay.update(rows)
        except KilledError:
            replay = Replay(store)
    store.life = 10**9
    last = turns[-1][0]
    Replay(store).update(last)
    assert store.held() == last
    assert Replay(store).update(last) == 0


def test_an_unchanged_history_is_not_sent_again_and_a_longer_one_only_in_its_new_part():
    store = Store(takes_back=True, is_atomic=True)
    replay = Replay(store)
    assert [replay.update(history(n, 0)) for n in (5, 5, 8)] == [5, 0, 3]
    assert Replay(store).update(history(9, 0)) == 1
    assert store.given_up == 0


def test_a_row_of_which_a_part_arrived_is_completed_without_giving_anything_up():
    store = Store(takes_back=False, is_atomic=False)
    store.add(history(3, 0))
    del store.steps[-1][1]["loss"]
    assert Replay(store).update(history(5, 0)) == 3
    assert (store.held(), store.given_up) == (history(5, 0), 0)
