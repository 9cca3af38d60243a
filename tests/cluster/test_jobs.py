"""Jobs that went to another process play there what they play here, and nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import torch
from dealing import small_network
from saved_networks import save_network

from blobmaster.agents.factory import make_opponents
from blobmaster.agents.names import parse_player
from blobmaster.agents.registry import OPPONENTS
from blobmaster.checkpoint.network import load_trained
from blobmaster.cluster.actor import BlockActor, SentJob, packed, unpacked
from blobmaster.cluster.backend import PlayBackend
from blobmaster.config.compose import ConfigError
from blobmaster.config.config import Config
from blobmaster.config.inference import NumberFormat
from blobmaster.config.rating import RatingSettings
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.evaluation.matches import Arena, SameDeals, match_against
from blobmaster.evaluation.ratings import Ratings
from blobmaster.inference.evaluator import use_one_thread
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import Job, LocalPool, Pool, Result

CPU = torch.device("cpu")
SIZE = RatingSettings(
    deals=6, doubling_deals=10, deals_per_block=2, cards=2, players=3, bootstrap=20
)
LOCAL = LocalPool(2, use_one_thread)


class SendingPool:
    """A pool of one actor, without Ray: jobs and results pass through their packed forms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # The store hands out what was put into it.
        store = type("Store", (), {"get": staticmethod(lambda reference: reference)})
        monkeypatch.setattr("blobmaster.cluster.actor.load_ray", lambda: store)
        self._actor = BlockActor()
        self.core_seconds_elsewhere = 0.0
        self._jobs = 0

    def map(
        self,
        job: Job[Result],
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_units: Callable[[int], None],
    ) -> Iterator[tuple[int, Result]]:
        del should_stop  # an actor plays a block to its end
        self._jobs += 1
        sent = SentJob(self._jobs, [packed(job)])
        for block in reversed(list(blocks)):
            answer = self._actor.play(sent, block)
            assert answer.core_seconds > 0
            self.core_seconds_elsewhere += answer.core_seconds
            on_units(answer.units)
            yield block, unpacked(answer.result)


@pytest.fixture
def actors(monkeypatch: pytest.MonkeyPatch) -> SendingPool:
    return SendingPool(monkeypatch)


def rounds_by(pool: Pool, number_format: NumberFormat, decide_by: str) -> dict[int, bytes]:
    """Play two iterations of self-play with different networks; return the blocks' bytes."""
    settings = SelfPlaySettings(rounds=12, rounds_per_block=4, lanes=4, decide_by=decide_by)
    engine = SelfPlayEngine(
        pool, Config().rounds, settings, 3, CPU, number_format, frozen=small_network(3)
    )
    found, counted = {}, []
    for iteration in range(2):
        for block, rounds in engine.play(
            iteration,
            small_network(iteration),
            SearchSettings(worlds=2, simulations=4),
            12,
            range(3),
            should_stop=lambda: False,
            on_rounds=counted.append,
        ):
            found[3 * iteration + block] = rounds.to_bytes()
    assert sum(counted) == 24
    return found


@pytest.mark.parametrize("decide_by", ["lookahead", "search"])
@pytest.mark.parametrize("number_format", ["fp32", "bf16", "int8"])
def test_self_play_has_the_same_bytes(
    actors: SendingPool, number_format: NumberFormat, decide_by: str
) -> None:
    assert rounds_by(actors, number_format, decide_by) == rounds_by(LOCAL, number_format, decide_by)


def test_a_rating_is_equal_to_the_last_digit(actors: SendingPool) -> None:
    found = []
    for pool in (actors, LOCAL):
        ratings, counted = Ratings(SIZE, 5), []
        network, untrained = small_network(1), small_network(2)
        rating = ratings.rate(
            4, network, untrained, {}, pool, CPU,
            halfway=(2, small_network(3)), should_stop=lambda: False, on_deals=counted.append,
        )  # fmt: skip
        assert sum(counted) == ratings.total_deals(with_halfway=True)
        found.append(rating)
    assert found[0] == found[1]
    assert found[0] is not None


def test_every_player_can_be_sent(actors: SendingPool, tmp_path: Path) -> None:
    path = save_network(tmp_path)
    script = tmp_path / "player.py"
    script.write_text(
        "def bid(seen, legal, random):\n    return legal[0]\n"
        "def play(seen, legal, random):\n    return random.choice(legal)\n"
    )
    texts = [f"{o.name}-4" if o.takes_simulations else o.name for o in OPPONENTS if not o.extra]
    texts += [str(path), f"{path}:2x2:int8", f"{path}:belief:4", f"{path}:bf16", str(script)]
    names = [parse_player(text) for text in texts]
    trained = load_trained(path, CPU)
    arena = Arena(make_opponents(names, trained, CPU), SIZE, SameDeals(5, "test"))
    matches = [match_against(name.text, "heuristic", SIZE) for name in names]
    sent, local = (
        arena.play(matches, pool, should_stop=lambda: False, on_deals=[].append)
        for pool in (actors, LOCAL)
    )
    assert sent is not None
    assert local is not None
    for name, ours, theirs in zip(texts, local, sent, strict=True):
        assert (ours.points == theirs.points).all(), name


def test_a_gpu_is_refused_in_one_line() -> None:
    with (
        pytest.raises(ConfigError, match="add --device cpu"),
        PlayBackend("ray").pool(1, torch.device("cuda")),
    ):
        pass


@pytest.mark.parametrize("more", [{"address": "head:1"}, {"mixed_hosts": True}])
def test_what_is_for_a_cluster_is_refused_without_one(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="add --backend ray"):
        PlayBackend(**more)


def test_a_backend_names_itself_for_a_later_command() -> None:
    assert PlayBackend().arguments == []
    backend = PlayBackend("ray", "head:6379", mixed_hosts=True)
    assert backend.arguments == [
        "--backend", "ray", "--ray-address", "head:6379", "--mixed-hosts"
    ]  # fmt: skip
