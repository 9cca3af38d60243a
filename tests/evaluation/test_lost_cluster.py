"""A measurement that loses its cluster prints its results so far, says why, and fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from saved_networks import save_network

from blobmaster.cluster.backend import PlayBackend
from blobmaster.cluster.errors import ClusterError
from blobmaster.evaluation.command import run_evaluation
from blobmaster.evaluation.exploit import ExploitRequest, run_exploit
from blobmaster.evaluation.matrix.command import run_matrix
from blobmaster.evaluation.matrix.request import parse_matrix
from blobmaster.evaluation.request import parse_request
from blobmaster.run.files.layout import RunLayout
from blobmaster.selfplay.pool import LocalPool

REASON = "the cluster is lost (its head is gone) and cannot be joined again (nothing answers)"
OPTIONS: dict[str, Any] = {
    "players": 4, "cards": 3, "deals": 40, "seed": 0, "workers": 1, "device": "cpu",
}  # fmt: skip
"""Two blocks for each opponent or pair."""


class LosingPool(LocalPool):
    """A pool that loses its cluster after some blocks."""

    def __init__(self, blocks: int) -> None:
        super().__init__(1, prepare=lambda: None)
        self._left = blocks

    def map(self, *arguments: Any, **more: Any) -> Iterator[tuple[int, Any]]:
        for found in super().map(*arguments, **more):
            if self._left == 0:
                raise ClusterError(REASON)
            self._left -= 1
            yield found


@dataclass(frozen=True)
class Losing(PlayBackend):
    """A backend whose pool loses its cluster after some blocks."""

    blocks: int = 0

    @contextmanager
    def pool(self, *_: Any, **__: Any) -> Iterator[LosingPool]:
        yield LosingPool(self.blocks)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("run"))


def evaluate(checkpoint: Path, blocks: int, *, as_json: bool) -> int:
    request = parse_request(
        checkpoint, ["random"], **OPTIONS, search=None, games=False, until_sure=False,
        as_json=as_json, by="seat", backend=Losing(blocks=blocks),
    )  # fmt: skip
    return run_evaluation(request)


def matrix(checkpoint: Path, blocks: int, *, as_json: bool) -> int:
    request = parse_matrix(
        checkpoint.parents[1], ["random", "heuristic"], **OPTIONS, as_json=as_json, most=2,
        output=None, backend=Losing(blocks=blocks),
    )  # fmt: skip
    return run_matrix(request)


def exploit(checkpoint: Path, blocks: int, *, as_json: bool) -> int:
    request = ExploitRequest(
        checkpoint=checkpoint, searches=("belief:2", "belief:4"), players=4, cards=2, deals=20,
        number_format="fp32", seed=0, workers=1, as_json=as_json, backend=Losing(blocks=blocks),
    )  # fmt: skip
    return run_exploit(request)


@pytest.mark.parametrize("measure", [evaluate, matrix, exploit])
@pytest.mark.parametrize("blocks", [0, 3])
def test_a_lost_cluster_leaves_the_results_so_far_the_reason_and_status_1(
    checkpoint: Path, measure: Any, blocks: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure(checkpoint, blocks, as_json=False) == 1
    printed, said = capsys.readouterr()
    assert "failed: the results so far" in printed.splitlines()
    assert said.splitlines()[-1] == f"blobmaster: {REASON}"
    assert said.count(REASON) == 1


def test_the_finished_blocks_of_each_opponent_count(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(checkpoint, 3, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert sum(row["deals"] for row in found["against"]) == 60
    assert found["calibration"] is None


def test_the_finished_searches_of_exploit_are_found(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exploit(checkpoint, 3, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)["found"]
    assert [finding["deviator"] for finding in found] == ["belief:2"]


def test_a_part_of_a_matrix_is_not_kept_for_the_report(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix(checkpoint, 3, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["cells"]
    assert not RunLayout(checkpoint.parents[1]).matrix.exists()
