"""The simulated cluster: known times where they are simple, and the document's table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cluster_simulation import (
    BEGIN_S,
    ROUNDS_PER_CORE_MINUTE,
    Plan,
    learning_seconds,
    simulate,
    table,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "cluster.md"
SEARCH = next(name for name in ROUNDS_PER_CORE_MINUTE if "search" in name)


def test_one_core_takes_the_time_of_all_rounds() -> None:
    plan = Plan(1, SEARCH, 125, rounds=1000, spread=0.0)
    played = 60 * 1000 / ROUNDS_PER_CORE_MINUTE[SEARCH]
    assert played + BEGIN_S < simulate(plan).seconds < played + BEGIN_S + 0.1


def test_cores_divide_the_time_until_blocks_run_out() -> None:
    plan = Plan(1, SEARCH, 100, rounds=1600, spread=0.0)
    one, four, sixteen, more = (
        simulate(replace(plan, cores=cores)).seconds for cores in (1, 4, 16, 64)
    )
    assert one / four == pytest.approx(4, rel=0.05)
    assert four / sixteen == pytest.approx(4, rel=0.1)
    assert more == pytest.approx(sixteen, rel=0.1)


def test_a_last_block_that_is_smaller_takes_less() -> None:
    plan = Plan(1, SEARCH, 100, rounds=150, spread=0.0)
    whole = simulate(replace(plan, rounds=200)).seconds
    assert (whole - simulate(plan).seconds) == pytest.approx(60 * 50 / 2620, rel=0.02)


def test_learning_takes_the_time_of_its_steps() -> None:
    assert learning_seconds(2_000, "2 cores") == pytest.approx(146 * 0.0602)


def test_the_table_in_the_document_is_current() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8"), "run tools/cluster_simulation.py"
