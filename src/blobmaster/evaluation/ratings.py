"""Ratings: how strong a network is, against a pool of earlier ones and fixed players.

A rating plays two things. At mixed tables the network meets the pool; every deal, summed over the
rotations of its seats, ranks its table, and the rankings of all ratings together give each player
an Elo, so that later results correct earlier ratings. The yardsticks need no pool: points a round
and exact bids at tables of random and of heuristic players, and what the untrained network makes
there on the same deals. And the one-card round, where the truth can be computed, and how far the
network's own P(exact) can be believed. Where a network must be promoted before it plays, there is
a match for that too. In phase 2 a deal is a whole game, and wins rank its table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from msgspec import structs

from blobmaster.agents.making import make_rated_opponents
from blobmaster.agents.network import network_player
from blobmaster.agents.registry import RATED
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.bootstrap import Estimate, estimate_mean
from blobmaster.evaluation.calibration import Calibration, CalibrationMatch
from blobmaster.evaluation.elo import League
from blobmaster.evaluation.exact.bidding import OneCardGap, one_card_gap
from blobmaster.evaluation.exact.priors import ROWS
from blobmaster.evaluation.gating import Gating, deals_ahead, gating_match
from blobmaster.evaluation.matches import Arena, Match, match_against, merits, mixed_match
from blobmaster.game.schedule import round_count
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import generator
from blobmaster.model.network import BlobNetwork
from blobmaster.selfplay.pool import Pool

UNTRAINED = "untrained"
RANDOM, HEURISTIC = "random", "heuristic"
FIXED = (UNTRAINED, *RATED)
"""Who is in every pool. The first is the one that all others are rated from."""

INCUMBENT = "incumbent"
"""The network that plays self-play, in the match for its place."""


class Yardstick(NamedTuple):
    """A network at tables where all others are the same fixed player."""

    points: Estimate
    """Points a round."""
    exact: Estimate
    """Share of bids made exactly."""
    gain: Estimate
    """Points a round above the untrained network, on the same deals in the same place."""
    wins: Estimate | None = None
    """Share of games won, ties shared; None where rounds are rated."""


class Rating(NamedTuple):
    """What a network was found to be worth."""

    elo: float
    elo_low: float
    elo_high: float
    vs_random: Yardstick
    vs_heuristic: Yardstick
    one_card: OneCardGap
    """How far it is from an equilibrium of the one-card round at a table of that size."""
    calibration: Calibration
    pool: Mapping[str, Estimate]
    """The Elo of every player that was ever rated, by all results up to this one."""
    promotion: Gating | None
    """None where the newest network plays in any case."""

    def __str__(self) -> str:
        """The rating in one line."""
        promotion = "" if self.promotion is None else f", {self.promotion}"
        return (
            f"Elo {self.elo:.0f} ({self.elo_low:.0f} to {self.elo_high:.0f}), points a round "
            f"{self.vs_random.points.value:.2f} against random and "
            f"{self.vs_heuristic.points.value:.2f} against heuristic players{self._games_won()}, "
            f"one-card NashConv {self.one_card.likeliest:.2f}, calibration error "
            f"{100 * self.calibration.at_bid.error:.1f} %{promotion}"
        )

    def _games_won(self) -> str:
        if self.vs_random.wins is None or self.vs_heuristic.wins is None:
            return ""
        against_random, against_heuristic = self.vs_random.wins.value, self.vs_heuristic.wins.value
        return f", games won {against_random:.0%} and {against_heuristic:.0%}"

    def metrics(self) -> dict[str, Any]:
        """Every number by a flat name: `elo`, `points_vs_random`, `points_vs_random_low`, .."""
        metrics: dict[str, Any] = {
            "elo": self.elo,
            "elo_low": self.elo_low,
            "elo_high": self.elo_high,
            "one_card_nash_conv": self.one_card.likeliest,
            "one_card_nash_conv_drawn": self.one_card.drawn,
            **self.calibration.metrics(),
            **({} if self.promotion is None else self.promotion.metrics()),
            # Lists, which no chart shows: each is a player's, not the run's course.
            "pool": {name: [round(x, 1) for x in elo] for name, elo in self.pool.items()},
        }
        for opponent, yardstick in ((RANDOM, self.vs_random), (HEURISTIC, self.vs_heuristic)):
            for measure, found in yardstick._asdict().items():
                if found is None:
                    continue
                name = f"{measure}_vs_{opponent}"
                metrics |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        return metrics


class Ratings:
    """Rates the networks of a run, and keeps the results that their Elo comes from."""

    def __init__(self, settings: RatingSettings, seed: int, *, whole_games: bool = False) -> None:
        """Args:
        settings: how much is played.
        seed: the run's seed, which names the deals.
        whole_games: a deal is a game, ranked by its wins.
        """
        if whole_games:
            settings = structs.replace(
                settings, deals=settings.games, deals_per_block=settings.games_per_block
            )
        self._settings = settings
        self._whole_games = whole_games
        self._seed = seed
        self._league = League(FIXED)

    @property
    def total_deals(self) -> int:
        """Deals that one rating plays, those of its calibration included."""
        matches = self._matches("", FIXED)
        return sum(len(match.lineups) for match in matches) + self._calibration(0).rounds

    def rate(
        self,
        iteration: int,
        network: BlobNetwork,
        untrained: BlobNetwork,
        earlier: Mapping[str, BlobNetwork],
        pool: Pool,
        device: torch.device,
        *,
        incumbent: BlobNetwork | None = None,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> Rating | None:
        """Rate the network of an iteration.

        Args:
            iteration: 0-based; the network is called after it, such as `iter005` after 4.
            network, untrained: the network and what it was before training.
            earlier: some networks that were rated before, by name.
            pool, device: what plays.
            incumbent: the network that plays self-play, where there is a promotion threshold.
            should_stop: looked at between two steps; when true the rating is given up.
            on_deals: told by the workers how many deals have been finished.

        Returns:
            The rating, or None, with nothing changed, if it was abandoned.

        Raises:
            ValueError: the iteration was rated before.
        """
        name = player_name(iteration)
        if name in self._league or name in earlier:
            raise ValueError(f"{name} was rated before")
        networks = {**earlier, name: network, UNTRAINED: untrained}
        if incumbent is not None:
            networks[INCUMBENT] = incumbent
        matches = self._matches(name, (*FIXED, *earlier))
        arena = Arena(
            {
                **make_rated_opponents(device),
                **{k: network_player(v, device) for k, v in networks.items()},
            },
            self._settings,
            lambda purpose, block: generator(self._seed, f"rating {purpose}", iteration, block),
            whole_games=self._whole_games,
        )
        played = arena.play(matches, pool, should_stop=should_stop, on_deals=on_deals)
        calibration = self._calibration(iteration).play(
            network, device, pool, should_stop=should_stop, on_rounds=on_deals
        )
        if played is None or calibration is None:
            return None
        ranked = merits(played[0], whole_games=self._whole_games)
        self._league.add(matches[0].names, matches[0].lineups, ranked)
        draws = generator(self._seed, "rating intervals", iteration)
        elos = self._league.estimates(self._settings.bootstrap, draws)
        return Rating(
            *elos[name],
            vs_random=self._yardstick(played[1], played[2], draws),
            vs_heuristic=self._yardstick(played[3], played[4], draws),
            one_card=one_card_gap(NetworkEvaluator(network, ROWS, device), self._settings.players),
            calibration=calibration,
            pool=elos,
            promotion=self._promotion(matches[-1], played[-1], draws),
        )

    def elos(self) -> dict[str, float]:
        """The Elo of every player, by all results so far."""
        return self._league.elos()

    def state_dict(self) -> dict[str, Any]:
        """All results: arrays, numbers and names."""
        return self._league.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._league.load_state_dict(state)

    def _matches(self, name: str, others: tuple[str, ...]) -> list[Match]:
        """The mixed tables, then each yardstick for the network and for the untrained one.

        Where there is a promotion threshold, the match for it comes last.
        """
        matches = [
            mixed_match(name, others, self._settings),
            *(
                match_against(player, opponent, self._settings)
                for opponent in (RANDOM, HEURISTIC)
                for player in (name, UNTRAINED)
            ),
        ]
        if self._settings.gating_threshold > 0:
            matches.append(gating_match(name, INCUMBENT, self._settings))
        return matches

    def _promotion(
        self, match: Match, played: Results, draws: np.random.Generator
    ) -> Gating | None:
        threshold = self._settings.gating_threshold
        if threshold == 0:
            return None
        ahead = deals_ahead(merits(played, whole_games=self._whole_games), match.lineups)
        share = estimate_mean(ahead, self._settings.bootstrap, draws)
        return Gating(share, share.value >= threshold)

    def _calibration(self, iteration: int) -> CalibrationMatch:
        return CalibrationMatch(
            self._settings,
            lambda block: generator(self._seed, "rating calibration", iteration, block),
        )

    def _yardstick(
        self, network: Results, untrained: Results, draws: np.random.Generator
    ) -> Yardstick:
        """Compare two matches on the same deals; the player in question sits at place 0."""
        size = self._settings
        rounds = round_count(size.players, size.cards) if self._whole_games else 1
        points = network.points[:, :, 0].mean(axis=1) / rounds
        exact = network.exact[:, :, 0].mean(axis=1)
        gain = points - untrained.points[:, :, 0].mean(axis=1) / rounds
        measures = [points, exact, gain]
        if self._whole_games:
            measures.append(network.wins[:, :, 0].mean(axis=1))
        return Yardstick(*(estimate_mean(v, size.bootstrap, draws) for v in measures))


def player_name(iteration: int) -> str:
    """What the network of an iteration (0-based) is called: `iter005` for 4, as in file names."""
    return f"iter{iteration + 1:03d}"
