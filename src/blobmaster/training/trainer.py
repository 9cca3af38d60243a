"""The training pipeline: self-play, learning, rating and the commit, iteration after iteration."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
import xxhash

from blobmaster.checkpoint.file import STATE_SCHEMA
from blobmaster.config.config import Config
from blobmaster.config.layers import as_tables
from blobmaster.config.search import SearchSettings
from blobmaster.evaluation.gating import GatedNetwork
from blobmaster.evaluation.ratings import Rating, Ratings
from blobmaster.game.records import Rounds, join
from blobmaster.inference.evaluator import choose_device, gpu_uuid, use_one_thread
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.files.layout import START
from blobmaster.run.session import RunSession
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.memory import block_bytes, gpu_bytes
from blobmaster.selfplay.pool import LocalPool
from blobmaster.training.learner import Learner, Losses
from blobmaster.training.metrics import StatusWriter
from blobmaster.training.opponent_pool import PastOpponents
from blobmaster.training.replay_buffer import ReplayWindow, new_batch
from blobmaster.training.snapshot import as_arrays, as_tensors, copied

log = logging.getLogger(__name__)


class _SelfPlay(NamedTuple):
    """An iteration's rounds, and how fast those of them came that this session played."""

    rounds: Rounds
    per_minute: float | None
    """None where all were played before."""


class TrainingPipeline:
    """One run in training. What must survive a crash is in `state_dict`."""

    def __init__(self, config: Config, session: RunSession, workers: int) -> None:
        self._config = config
        self._session = session
        self._device = choose_device(config.inference.device)
        seed = config.run.seed
        games = config.plays_games
        untrained = new_network(config.network, seed, sees_games=games)
        self._untrained = untrained.to(self._device).eval()
        network = new_network(config.network, seed, sees_games=games)
        self._learner = Learner(network, config.learning, seed, self._device)
        self._window = ReplayWindow(config.learning.window)
        self._ratings = Ratings(config.rating, seed, whole_games=games)
        self._incumbent = (
            GatedNetwork(self._untrained) if config.rating.gating_threshold > 0 else None
        )
        self._pool = LocalPool(workers * config.run.blocks_per_worker, prepare=use_one_thread)
        number_format = config.inference.number_format
        if number_format == "auto":
            raise ValueError("the number format is not settled: give the settings to `resolved`")
        self._engine = SelfPlayEngine(
            self._pool,
            config.rounds,
            config.self_play,
            seed,
            self._device,
            number_format,
            whole_games=games,
        )
        self._status = StatusWriter(session.publish)
        self._metrics: dict[str, Any] = {}
        self._rating: dict[str, Any] = {}
        self._committed = False
        self._past_opponents = PastOpponents(config, session, self._device)
        self._copy: dict[str, Any] = {}

    @property
    def gpu_uuid(self) -> str | None:
        """Of the card that the networks run on, if they run on one."""
        return gpu_uuid(self._device)

    def run(self, first: int) -> None:
        """Train from iteration `first` (0-based) to the end, or until a person wants it to stop."""
        total = self._config.run.iterations
        self._say_memory(total)
        if first == 0:
            self._commit_start()
        self._compile()
        for iteration in range(first, total):
            if not self._iterate(iteration):
                self._session.paused()
                return
            # A pause that came after the commit was decided against waits for the next one.
            if self._committed and self._session.pause_requested and iteration + 1 < total:
                self._session.paused()
                return
        self._session.finish()

    def _say_memory(self, total: int) -> None:
        """Tell what the rounds in play take at most, whatever search the curriculum comes to."""
        config = self._config
        search = config.curriculum.search(total - 1, config.search)
        held = block_bytes(config.rounds, config.self_play, search, config.network)
        log.info(
            "the rounds in play take up to %.0f MB: %d blocks of %.1f MB (self_play.lanes)",
            self._pool.workers * held / 1e6,
            self._pool.workers,
            held / 1e6,
        )
        if self._device.type == "cuda":
            of_card = gpu_bytes(config.rounds, config.self_play, search)
            log.info(
                "and up to %.1f GB of the card, beside the driver, networks and the learner: %.0f "
                "MB a block (run.workers, run.turns, self_play.lanes)",
                self._pool.workers * of_card / 1e9,
                of_card / 1e6,
            )

    def _compile(self) -> None:
        """Compile the kernels, or load them compiled, before anything is timed."""
        self._session.step("compiling kernels")
        log.info("loading kernels; where none are compiled yet, this takes half a minute")
        began = time.monotonic()
        played = self._engine.play(
            0,
            self._untrained,
            SearchSettings(worlds=1, simulations=2),
            1,
            [0],
            should_stop=self._session.should_stop.is_set,
            on_rounds=_ignore,
        )
        window = ReplayWindow(self._config.learning.window)
        games = self._config.plays_games
        for _, rounds in played:
            window.add(rounds)
            window.draw(np.random.default_rng(0), 1.0, new_batch(1, of_games=games))
        log.info("kernels are ready after %.1f s", time.monotonic() - began)

    def _iterate(self, iteration: int) -> bool:
        """Whether the iteration was completed; it was abandoned if not."""
        began, began_core = time.monotonic(), time.process_time()
        self._publish(iteration)
        self_play = self._play(iteration)
        if self_play is None:
            return False
        played = self_play.rounds
        losses = self._learn(iteration, played)
        if losses is None:
            return False
        cost = {
            "training_seconds": time.monotonic() - began,
            "training_core_seconds": time.process_time() - began_core,
        }
        rating = None
        if is_permanent(iteration):
            rating = self._rate(iteration)
            if rating is None:
                return False
        self._measure(iteration, self_play, losses, cost, rating)
        self.commit(iteration, rating)
        log.info(
            "iteration %d/%d: loss %.3f (π %.3f, v %.3f), %d rounds%s, %.0f s%s",
            iteration + 1,
            self._config.run.iterations,
            *losses,
            len(played),
            "" if self_play.per_minute is None else f" at {self_play.per_minute:.0f} a minute",
            time.monotonic() - began,
            "" if rating is None else f"; {rating}",
        )
        return True

    def _play(self, iteration: int) -> _SelfPlay | None:
        began = time.monotonic()
        units = self._config.units(iteration)
        rounds = self._engine.round_count(iteration, units)
        search = self._config.curriculum.search(iteration, self._config.search)
        session = self._session
        key = self._block_key(search, units)
        blocks = {
            block: Rounds.from_bytes(content)
            for block, content in session.inflight.get_all(iteration, key).items()
        }
        done = sum(len(block) for block in blocks.values())
        session.step("self-play", total=rounds, unit="rounds", done=done)
        if blocks:
            log.info("iteration %d: %d blocks were played before", iteration + 1, len(blocks))
        missing = [n for n in range(self._engine.block_count(units)) if n not in blocks]
        for block, played in self._engine.play(
            iteration,
            self._player,
            search,
            units,
            missing,
            should_stop=session.should_stop.is_set,
            on_rounds=session.advance,
        ):
            session.inflight.put(iteration, block, played.to_bytes(), key)
            blocks[block] = played
        if session.should_stop.is_set():
            return None
        minutes = (time.monotonic() - began) / 60
        played_now = rounds - done
        return _SelfPlay(
            join(blocks[block] for block in sorted(blocks)),
            played_now / minutes if played_now else None,
        )

    @property
    def _player(self) -> BlobNetwork:
        """The network that plays self-play: the newest, or the last that was promoted."""
        return self._learner.ema if self._incumbent is None else self._incumbent.network

    def _block_key(self, search: SearchSettings, units: int) -> str:
        """What the blocks of an iteration follow from, beside iteration and block number."""
        digest = xxhash.xxh3_128()
        for tensor in self._player.state_dict().values():
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        config = self._config
        made_with = (search, units, config.rounds, config.self_play, config.run.seed)
        numbers = f"{self._device.type} {config.inference.number_format}"
        digest.update(f"{made_with} {numbers}".encode())
        return digest.hexdigest()

    def _learn(self, iteration: int, played: Rounds) -> Losses | None:
        self._window.add(played)
        steps = self._learner.steps_for(played.decision_count)
        self._session.step("learning", total=steps, unit="steps")
        return self._learner.learn(
            iteration,
            self._window,
            steps,
            on_step=self._session.advance,
            should_stop=self._session.should_stop.is_set,
        )

    def _rate(self, iteration: int) -> Rating | None:
        self._session.step("rating", total=self._ratings.total_deals, unit="deals")
        incumbent = self._incumbent
        rating = self._ratings.rate(
            iteration,
            self._learner.ema,
            self._untrained,
            self._past_opponents.before(iteration),
            self._pool,
            self._device,
            self_play_network=None if incumbent is None else incumbent.network,
            should_stop=self._session.should_stop.is_set,
            on_deals=self._session.advance,
        )
        promotion = None if rating is None else rating.gating
        if incumbent is not None and promotion is not None and promotion.is_accepted:
            incumbent.replace_network(self._learner.ema, iteration)
        return rating

    def _measure(
        self,
        iteration: int,
        self_play: _SelfPlay,
        losses: Losses,
        cost: dict[str, float],
        rating: Rating | None,
    ) -> None:
        """Gather the iteration's metrics; ratings stay those of the last rated iteration."""
        played = self_play.rounds
        self._metrics = {
            "avg_total_loss": losses.total,
            "avg_policy_loss": losses.policy,
            "avg_value_loss": losses.value,
            "learning_rate": self._learner.learning_rate(iteration + 1),
            "pi_target_tau": self._config.learning.tau(iteration),
            "training_units_generated": self._config.units(iteration),
            "decisions_generated": played.decision_count,
            "replay_decisions": self._window.decisions,
            "rounds_per_minute": self_play.per_minute,
            **cost,
        }
        if self._incumbent is not None:
            self._metrics["self_play_network"] = self._incumbent.since + 1
        if rating is not None:
            before = self._rating.get("current_elo")
            change = None if before is None else rating.elo - before
            found = {"current_elo": rating.elo, "elo_change": change}
            self._rating = {**rating.metrics(), **found}

    def _publish(self, iteration: int) -> dict[str, Any]:
        """Put what is known into the status: the last iteration's figures, this one's settings."""
        run = self._config.run
        fixed = {"phase": run.training_on, "unit_type": run.training_on}
        metrics = self._metrics | self._rating | fixed
        return self._status.update(iteration, run.iterations, metrics, self._config)

    def _commit_start(self) -> None:
        """Make the run resumable before its first iteration is done."""
        self._session.commit_start(self._snapshot(START), config=as_tables(self._config))

    def _snapshot(self, iteration: int) -> Callable[[BinaryIO], None]:
        """Copy the state, once the copy before is on disk; returns what writes it to a file."""
        self._session.wait_for_commit()
        state = self.state_dict(iteration)
        window = state.pop("window")  # its arrays are replaced, never changed
        self._copy = copied(state, into=self._copy)
        snapshot = {**self._copy, "window": window}

        def write(file: BinaryIO) -> None:
            torch.save(snapshot, file)

        return write

    def commit(self, iteration: int, rating: Rating | None) -> None:
        """End the iteration, and commit it if it is due; the loop is held for a copy alone."""
        run = self._config.run
        session = self._session
        metrics = self._publish(iteration)
        if rating is None:
            metrics = {k: v for k, v in metrics.items() if k != "elo" and k not in self._rating}
        last = iteration + 1 == run.iterations or session.pause_requested
        due = (iteration + 1) % run.save_every == 0 or is_permanent(iteration) or last
        self._committed = due
        if not due:
            session.complete(iteration, metrics)
            return
        session.step("saving", total=1, unit="checkpoint")
        session.commit(
            iteration,
            self._snapshot(iteration),
            metrics=metrics,
            elo=None if rating is None else rating.elo,
            config=as_tables(self._config),
        )
        session.advance()

    def state_dict(self, iteration: int) -> dict[str, Any]:
        """All that the run needs to go on after `iteration`, in `torch.save`'s terms.

        It is the living state; `_snapshot` copies it.
        """
        return {
            "schema": STATE_SCHEMA,
            "iteration": iteration,
            "config": as_tables(self._config),
            "learner": self._learner.state_dict(),
            "window": as_tensors(self._window.state_dict()),
            "ratings": as_tensors(self._ratings.state_dict()),
            "incumbent": None if self._incumbent is None else self._incumbent.state_dict(),
            "metrics": self._metrics,
            "rating": self._rating,
        }

    def begin_from(self, network: BlobNetwork) -> None:
        """Begin a new run from another one's network.

        Raises:
            ValueError: it is of another size.
        """
        self._learner.begin_from(network.state_dict())
        if self._incumbent is not None:
            self._incumbent.replace_network(self._learner.ema, START)

    def restore(self, content: BinaryIO) -> None:
        """Go on from a checkpoint's verified bytes; `load_state_dict` says what it raises."""
        self.load_state_dict(torch.load(content, weights_only=True, map_location="cpu"))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`.

        Raises:
            ValueError: it was made by another version of this state.
        """
        if state["schema"] != STATE_SCHEMA:
            raise ValueError(
                f"its state is of schema {state['schema']}, this version reads {STATE_SCHEMA}: "
                "resume it with the version that made it"
            )
        self._learner.load_state_dict(state["learner"])
        self._window.load_state_dict(as_arrays(state["window"]))
        self._ratings.load_state_dict(as_arrays(state["ratings"]))
        if self._incumbent is not None:
            kept = state.get("incumbent")  # None where promotion is asked for from here on
            if kept is None:
                self._incumbent = GatedNetwork(self._learner.ema, state["iteration"])
            else:
                self._incumbent.load_state_dict(kept)
        self._metrics = dict(state["metrics"])
        self._rating = dict(state["rating"])


def _ignore(rounds: int) -> None:
    del rounds
