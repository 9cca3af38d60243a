"""The training pipeline: self-play, learning, rating and commit, in this order each iteration."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from blobmaster.checkpoint.file import STATE_SCHEMA
from blobmaster.config.compose import as_tables
from blobmaster.config.config import Config
from blobmaster.evaluation.doubling import FLAT_GAIN, DoublingGains
from blobmaster.evaluation.gating import GatedNetwork
from blobmaster.evaluation.ratings import Rating, Ratings
from blobmaster.inference.evaluator import choose_device, gpu_uuid, use_one_thread
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.files.layout import START
from blobmaster.run.session import RunSession
from blobmaster.selfplay.pool import LocalPool, Pool
from blobmaster.training.commit import Committer
from blobmaster.training.learner import Learner, Losses
from blobmaster.training.opponent_pool import PastOpponents
from blobmaster.training.replay_buffer import ReplayWindow
from blobmaster.training.run_metrics import RunMetrics
from blobmaster.training.self_play_step import Played, SelfPlay, log_memory, new_engine
from blobmaster.training.sinks import HistorySink, open_sinks
from blobmaster.training.snapshot import as_arrays, as_tensors
from blobmaster.training.warm_up import warm_up

log = logging.getLogger(__name__)


class TrainingPipeline:
    """The training loop of a run. Everything that must survive a crash is in `state_dict`."""

    def __init__(
        self,
        config: Config,
        session: RunSession,
        workers: int,
        pool: Pool | None = None,
    ) -> None:
        """Build the networks and steps of a run.

        Args:
            config: the settings, after `autotuned`.
            session: the session that holds the run directory.
            workers: threads of self-play and ratings.
            pool: plays the blocks of both elsewhere; None for threads.

        Raises:
            ValueError: the number format is still `auto`.
        """
        self.iteration = 0
        """The running iteration, 0-based."""
        self._config = config
        self._session = session
        self._device = choose_device(config.inference.device)
        seed, games = config.run.seed, config.plays_games
        untrained = new_network(config.network, seed, sees_games=games)
        self._untrained = untrained.to(self._device).eval()
        # From the same seed: the learner starts as the untrained network, which every rating has as
        # its fixed opponent.
        network = new_network(config.network, seed, sees_games=games)
        self._learner = Learner(network, config.targets, seed, self._device)
        self._window = ReplayWindow(config.learning.window)
        self._has_warned_of_window = False
        self._ratings = Ratings(config.rating, seed, whole_games=games)
        self._gains = DoublingGains(FLAT_GAIN / 10 if games else FLAT_GAIN)
        self._gated = GatedNetwork(self._untrained) if config.rating.gating_threshold > 0 else None
        self._past_opponents = PastOpponents(config, session, self._device)
        # Each worker thread uses its own core, so its network must not start further threads.
        local = LocalPool(workers * config.run.blocks_per_worker, prepare=use_one_thread)
        self._blocks_in_play = local.workers
        self._pool = pool or local
        engine = new_engine(config, self._pool, self._device)
        self._self_play = SelfPlay(config, session, engine, self._device)
        # Its kernels are compiled in this process, which needs some of them, while actors start.
        self._warm_up_engine = new_engine(config, local, self._device) if pool else engine
        history = HistorySink()
        self._metrics = RunMetrics(config, session.publish, open_sinks(session, history))
        self._committer = Committer(config, session, history)

    @property
    def gpu_uuid(self) -> str | None:
        """NVIDIA's identifier of the GPU that the networks run on; None on a CPU."""
        return gpu_uuid(self._device)

    def prepare(self, first: int) -> None:
        """Show the first metrics, commit the state that a run starts from, compile the kernels."""
        self._metrics.show(first)
        log_memory(self._config, self._blocks_in_play, self._device)
        if first == 0:
            self._committer.commit_start(self.state_dict(START))
        warm_up(self._warm_up_engine, self._untrained, self._session)

    def run(self, first: int) -> None:
        """Train from iteration `first` (0-based) to the last, or until the session asks to stop.

        After `prepare`.
        """
        total = self._config.run.iterations
        for iteration in range(first, total):
            if self._is_done():
                break
            self.iteration = iteration
            if not self._iterate(iteration) or self._committer.pauses_after(iteration):
                self._session.paused()
                return
        self._session.finish()

    def _is_done(self) -> bool:
        """Return True if the run is to end because it gains nothing any more."""
        since = self._gains.flat_since
        if not self._config.run.until_flat or since is None:
            return False
        log.info("the run ends: it has gained nothing since iteration %d", since)
        return True

    def _iterate(self, iteration: int) -> bool:
        """Run one iteration; return False if it was interrupted before its end."""
        clock = self._session.clock
        began, began_core = clock(), self._core_seconds()
        self._metrics.show(iteration)
        played = self._self_play.play(iteration, self._player)
        if played is None:
            return False
        losses = self._learn(iteration, played)
        if losses is None:
            return False
        # Ratings are not part of the cost: they do not train.
        cost = {
            "training_seconds": clock() - began,
            "training_core_seconds": self._core_seconds() - began_core,
        }
        rating = None
        if is_permanent(iteration):
            rating = self._rate(iteration)
            if rating is None:
                return False
        self._record(iteration, played, losses, cost, rating)
        self.commit(iteration, rating)
        log.info(
            "iteration %d/%d: loss %.3f (π %.3f, v %.3f), %d rounds%s, %.0f s%s",
            iteration + 1,
            self._config.run.iterations,
            *losses,
            len(played.rounds),
            "" if played.per_minute is None else f" at {played.per_minute:.0f} a minute",
            clock() - began,
            "" if rating is None else f"; {rating}",
        )
        return True

    def _core_seconds(self) -> float:
        return time.process_time() + self._pool.core_seconds_elsewhere

    @property
    def _player(self) -> BlobNetwork:
        """The network of self-play: the newest EMA, or with gating the last that passed."""
        return self._learner.ema if self._gated is None else self._gated.network

    def _learn(self, iteration: int, played: Played) -> Losses | None:
        self._window.add(played.rounds)
        new = played.rounds.decision_count
        if self._window.decisions < new and not self._has_warned_of_window:
            self._has_warned_of_window = True
            log.warning(
                "an iteration brings %d decisions, of which the replay window holds only %d: the "
                "others are never learned from. Set learning.window to at least %d",
                *(new, self._window.decisions, new),
            )
        steps = self._learner.steps_for(new)
        self._session.step("learning", total=steps, unit="steps")
        return self._learner.learn(
            iteration,
            self._window,
            steps,
            on_step=self._session.advance,
            should_stop=self._session.should_stop.is_set,
        )

    def _rate(self, iteration: int) -> Rating | None:
        """Rate the newest network, and let it play self-play if it passes the gate."""
        halfway = self._past_opponents.at_half(iteration)
        total = self._ratings.total_deals(with_halfway=halfway is not None)
        self._session.step("rating", total=total, unit="deals")
        gated = self._gated
        rating = self._ratings.rate(
            iteration,
            self._learner.ema,
            self._untrained,
            self._past_opponents.before(iteration),
            self._pool,
            self._device,
            self_play_network=None if gated is None else gated.network,
            halfway=halfway,
            should_stop=self._session.should_stop.is_set,
            on_deals=self._session.advance,
        )
        if rating is not None and rating.doubling is not None:
            self._gains.add(rating.doubling)
        outcome = None if rating is None else rating.gating
        if gated is not None and outcome is not None and outcome.is_accepted:
            gated.replace_network(self._learner.ema, iteration)
        return rating

    def _record(
        self,
        iteration: int,
        played: Played,
        losses: Losses,
        cost: dict[str, float],
        rating: Rating | None,
    ) -> None:
        player = {} if self._gated is None else {"self_play_network": self._gated.since + 1}
        self._metrics.record(
            iteration,
            played,
            losses,
            learning_rate=self._learner.learning_rate(iteration + 1),
            replay_decisions=self._window.decisions,
            more={**cost, **player},
        )
        if rating is not None:
            self._metrics.record_rating(rating, self._gains.metrics())

    def commit(self, iteration: int, rating: Rating | None) -> None:
        """Write the metrics of an iteration (0-based), and commit its state if that is due."""
        self._metrics.write(iteration, is_rated=rating is not None)
        self._committer.end(
            iteration, self.state_dict(iteration), None if rating is None else rating.elo
        )

    def state_dict(self, iteration: int) -> dict[str, Any]:
        """Return the live state from which the run continues after `iteration` (0-based).

        It holds tensors and plain values alone, so that `torch.load` reads it with `weights_only`.
        Training goes on changing it: a checkpoint is written from a copy.
        """
        return {
            "schema": STATE_SCHEMA,
            "iteration": iteration,
            "config": as_tables(self._config),
            "learner": self._learner.state_dict(),
            "window": as_tensors(self._window.state_dict()),
            "ratings": as_tensors(self._ratings.state_dict()),
            # The keys are part of the checkpoint format: `incumbent` is the gated network.
            "doubling": self._gains.state_dict(),
            "incumbent": None if self._gated is None else self._gated.state_dict(),
            **self._metrics.state_dict(),
        }

    def initialize_from(self, network: BlobNetwork) -> None:
        """Initialize a new run with the weights of another run's network.

        Raises:
            ValueError: the network is of another size.
        """
        self._learner.initialize_from(network.state_dict())
        if self._gated is not None:
            self._gated.replace_network(self._learner.ema, START)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`.

        Raises:
            ValueError: the state was made by another version.
        """
        if state["schema"] != STATE_SCHEMA:
            raise ValueError(
                f"its state is of schema {state['schema']}, this version reads {STATE_SCHEMA}: "
                "resume it with the version that made it"
            )
        self._learner.load_state_dict(state["learner"])
        self._window.load_state_dict(as_arrays(state["window"]))
        self._ratings.load_state_dict(as_arrays(state["ratings"]))
        self._gains.load_state_dict(state.get("doubling", []))  # checkpoints of 0.1 have none
        if self._gated is not None:
            kept = state.get("incumbent")  # None if the run had no gating so far
            if kept is None:
                self._gated = GatedNetwork(self._learner.ema, state["iteration"])
            else:
                self._gated.load_state_dict(kept)
        self._metrics.load_state_dict(state)
