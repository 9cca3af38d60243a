"""Policy targets from outcomes alone, for the comparison of policies."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from outcomes import add_outcome_policies
from positions import legal_of
from selfplayed import rounds_with_random_opponents

from blobmaster.game.records import replay_out, replay_to
from blobmaster.game.rules import ACTIONS, DEALT, PLAYERS, SEAT, STATE
from blobmaster.game.scoring import points


def test_outcomes_move_the_taken_action_by_its_seats_points_above_the_mean() -> None:
    rounds = rounds_with_random_opponents()
    learned = add_outcome_policies(rounds, 2.0)
    assert learned.decisions.tolist() == rounds.decisions.tolist()
    ends, made = [], defaultdict(list)
    for record in rounds:
        end = np.empty(STATE, np.int64)
        replay_out(record.astype(np.int64), end)
        ends.append(end)
        made[end[DEALT]] += [points(end, seat) / (10 + end[DEALT]) for seat in range(end[PLAYERS])]
    moved = 0
    for end, before, after, count in zip(ends, rounds, learned, rounds.decisions, strict=True):
        start = 5 + end[PLAYERS] * end[DEALT]
        assert after[: start + end[ACTIONS]].tolist() == before[: start + end[ACTIONS]].tolist()
        for decision in range(count):
            state = np.empty(STATE, np.int64)
            offset = replay_to(before.astype(np.int64), decision, state)
            legal = legal_of(state)
            old, new = (
                record[offset : offset + len(legal)].astype(int) for record in (before, after)
            )
            ahead = points(end, state[SEAT]) / (10 + end[DEALT]) - np.mean(made[end[DEALT]])
            edge = legal.index(before[start + state[ACTIONS]])
            weights = old.astype(float)
            weights[edge] *= math.exp(2.0 * ahead)
            if old.sum() == 0:  # a random opponent's
                assert new.sum() == 0
            else:
                assert new == pytest.approx(255 * weights / weights.sum(), abs=0.51)
                moved += abs(new[edge] - old[edge]) > 2
    assert moved > 100
