"""A matrix of two players with made-up numbers."""

from __future__ import annotations

from typing import Any

from blobmaster.matrix.file import Estimate, Matrix, MatrixCell


def made_up_matrix(names: tuple[str, str] = ("random", "heuristic"), **changes: Any) -> Matrix:
    """Return a matrix in which the second player is ahead of the first by 1.5 points a round."""
    first, second = names
    fields: dict[str, Any] = {
        "run_id": "20251113-a1b2c3",
        "players": names,
        "cells": (
            _cell(second, first, Estimate(1.5, 1.25, 1.75)),
            _cell(first, second, Estimate(-0.5, -1.0, 0.25)),
        ),
        "seats": 4,
        "cards": 5,
        "seed": 0,
        "left_out": 0,
    }
    return Matrix(**fields | changes)


def _cell(player: str, others: str, lead: Estimate) -> MatrixCell:
    return MatrixCell(
        player=player,
        others=others,
        deals=300,
        lead=lead,
        exact=Estimate(0.5, 0.4, 0.6),
        sure=lead.low > 0 or lead.high < 0,
    )
