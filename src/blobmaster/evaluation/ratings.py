"""Ratings: the strength of a run's network, measured at regular iterations.

A rating consists of
- mixed tables with the rating pool (past networks, rated opponents and the untrained network). Each
  deal, summed over the rotations of its seats, ranks its table, and all rankings of the run
  together give every player an Elo: later results correct earlier ratings;
- baselines: points and exact bids at tables of each rated opponent, and those of the untrained
  network on the same deals;
- the gain over the last doubling: the network among copies of the run's own network at half of the
  rounds;
- NashConv of the one-card round, which is computed exactly;
- the calibration of the network's own P(exact);
- with gating, the match against the network that plays self-play.

In phase 2 a deal is a whole game, and wins rank its table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from msgspec import structs

from blobmaster.agents.factory import make_rated_opponents
from blobmaster.agents.network import network_player
from blobmaster.agents.registry import RATED
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.bootstrap import Estimate, estimate_mean
from blobmaster.evaluation.calibration import Calibration, CalibrationMatch
from blobmaster.evaluation.doubling import HALFWAY, DoublingGain, measure_gain
from blobmaster.evaluation.elo import League
from blobmaster.evaluation.exact.bidding import OneCardGap, one_card_gap
from blobmaster.evaluation.exact.priors import ROWS
from blobmaster.evaluation.gating import GatingResult, deals_ahead, gating_match
from blobmaster.evaluation.matches import Arena, Match, match_against, mixed_match, ranking_scores
from blobmaster.game.schedule import round_count
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import generator
from blobmaster.model.network import BlobNetwork
from blobmaster.selfplay.pool import Pool

UNTRAINED = "untrained"
POOL_PLAYERS = (UNTRAINED, *RATED)
"""The members of every rating pool. The first anchors the Elo."""

SELF_PLAY_NETWORK = "self-play network"
"""The network that plays self-play, as a player of the gating match."""


class BaselineResult(NamedTuple):
    """A network's results at tables of one rated opponent."""

    points: Estimate
    """Points per round."""
    exact: Estimate
    """Share of bids made exactly."""
    gain: Estimate
    """Points per round above the untrained network, on the same deals and places."""
    wins: Estimate | None = None
    """Share of games won, ties shared; None if single rounds are rated."""


class Rating(NamedTuple):
    """The result of a rating."""

    elo: float
    elo_low: float
    elo_high: float
    baselines: Mapping[str, BaselineResult]
    """By the name of the rated opponent."""
    one_card: OneCardGap
    """Distance from an equilibrium of the one-card round at a table of the rating's size."""
    calibration: Calibration
    pool: Mapping[str, Estimate]
    """The Elo of every player that was ever rated, from all results up to this one."""
    gating: GatingResult | None
    """The gating match; None without gating."""
    doubling: DoublingGain | None = None
    """The gain over the last doubling of the rounds; None without an earlier network to compare."""

    def __str__(self) -> str:
        """Return the rating in one line for the log."""
        gating = "" if self.gating is None else f", {self.gating}"
        gain = "" if self.doubling is None else f", gain {self.doubling}"
        points = " and ".join(
            f"{baseline.points.value:.2f} against {name}"
            for name, baseline in self.baselines.items()
        )
        return (
            f"Elo {self.elo:.0f} ({self.elo_low:.0f} to {self.elo_high:.0f}), points a round "
            f"{points} players{self._games_won()}, "
            f"one-card NashConv {self.one_card.likeliest:.2f}, calibration error "
            f"{100 * self.calibration.at_bid.error:.1f} %{gain}{gating}"
        )

    def _games_won(self) -> str:
        wins = [row.wins for row in self.baselines.values() if row.wins is not None]
        return f", games won {' and '.join(f'{share.value:.0%}' for share in wins)}" if wins else ""

    def metrics(self) -> dict[str, Any]:
        """Return the fields of a run's history: `elo`, `elo_low`, `points_vs_random`, ..."""
        metrics: dict[str, Any] = {
            "elo": self.elo,
            "elo_low": self.elo_low,
            "elo_high": self.elo_high,
            "one_card_nash_conv": self.one_card.likeliest,
            "one_card_nash_conv_drawn": self.one_card.drawn,
            **self.calibration.metrics(),
            **({} if self.gating is None else self.gating.metrics()),
            # Lists are left out of charts: each is the Elo of one player, not a metric over time.
            "pool": {name: [round(x, 1) for x in elo] for name, elo in self.pool.items()},
        }
        for opponent, baseline in self.baselines.items():
            for measure, value in baseline._asdict().items():
                if value is None:
                    continue
                name = f"{measure}_vs_{opponent}"
                metrics |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        return metrics


class Ratings:
    """Rates the networks of a run and keeps the results of all ratings."""

    def __init__(self, settings: RatingSettings, seed: int, *, whole_games: bool = False) -> None:
        """Args:
        settings: the amount of play.
        seed: the run's seed, from which the deals follow.
        whole_games: if True, a deal is a whole game, ranked by wins.
        """
        if whole_games:
            settings = structs.replace(
                settings, deals=settings.games, deals_per_block=settings.games_per_block
            )
        self._settings = settings
        self._whole_games = whole_games
        self._seed = seed
        self._league = League(POOL_PLAYERS)

    def total_deals(self, *, with_halfway: bool) -> int:
        """Return the number of deals of one rating, including its calibration."""
        # Names do not change the number of deals, so any will do.
        matches = self._matches("", POOL_PLAYERS, with_halfway=with_halfway)
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
        self_play_network: BlobNetwork | None = None,
        halfway: tuple[int, BlobNetwork] | None = None,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> Rating | None:
        """Rate the network of an iteration.

        Args:
            iteration: 0-based; it names the network, `iter005` for 4.
            network, untrained: the network, and its state before training.
            earlier: past networks that were rated before, by name.
            pool: plays the blocks.
            device: where the networks run.
            self_play_network: the network that plays self-play; needed with gating only.
            halfway: iteration (0-based) and network at half of the rounds; None if there is none.
            should_stop: called between steps; when it returns True, the rating is abandoned.
            on_deals: called by the workers with the number of deals that they finished.

        Returns:
            The rating, or None, with nothing changed, if it was abandoned.

        Raises:
            ValueError: the iteration was rated before.
        """
        name = network_name(iteration)
        if name in self._league or name in earlier:
            raise ValueError(f"{name} was rated before")
        networks = {**earlier, name: network, UNTRAINED: untrained}
        if self_play_network is not None:
            networks[SELF_PLAY_NETWORK] = self_play_network
        if halfway is not None:
            networks[HALFWAY] = halfway[1]
        matches = self._matches(name, (*POOL_PLAYERS, *earlier), with_halfway=halfway is not None)
        arena = self._arena(iteration, networks, device)
        # All matches at once: one after another, workers would idle at the end of each.
        played = arena.play(matches, pool, should_stop=should_stop, on_deals=on_deals)
        calibration = self._calibration(iteration).play(
            network, device, pool, should_stop=should_stop, on_rounds=on_deals
        )
        if played is None or calibration is None:
            return None
        evaluator = NetworkEvaluator(network.parts, ROWS, device)
        one_card = one_card_gap(evaluator, self._settings.players)
        earlier_iteration = None if halfway is None else halfway[0]
        return self._conclude(iteration, matches, played, one_card, calibration, earlier_iteration)

    def _arena(
        self, iteration: int, networks: Mapping[str, BlobNetwork], device: torch.device
    ) -> Arena:
        """Return an arena of the rated opponents and these networks, by name."""
        players = {name: network_player(found.parts, device) for name, found in networks.items()}
        return Arena(
            {**make_rated_opponents(device), **players},
            self._settings,
            partial(_draws, self._seed, iteration),
            whole_games=self._whole_games,
        )

    def _conclude(
        self,
        iteration: int,
        matches: Sequence[Match],
        played: Sequence[Results],
        one_card: OneCardGap,
        calibration: Calibration,
        halfway: int | None,
    ) -> Rating:
        """Add the results of all matches to the league, and return the rating.

        Args:
            iteration: 0-based.
            matches: from `_matches`.
            played: the results of each.
            one_card, calibration: of the same network.
            halfway: the 0-based iteration of the halfway network, if it played.
        """
        # The league changes only here, when everything has been played: an abandoned rating, which
        # a resume repeats, leaves nothing behind.
        ranked = ranking_scores(played[0], whole_games=self._whole_games)
        self._league.add(matches[0].names, matches[0].lineups, ranked)
        draws = generator(self._seed, "rating intervals", iteration)
        elos = self._league.estimates(self._settings.bootstrap, draws)
        return Rating(
            *elos[network_name(iteration)],
            # Pairs of matches follow the mixed tables, as `_matches` lists them.
            baselines={
                name: self._baseline_result(played[1 + 2 * place], played[2 + 2 * place], draws)
                for place, name in enumerate(RATED)
            },
            one_card=one_card,
            calibration=calibration,
            pool=elos,
            gating=self._gating(matches[-1], played[-1], draws),
            doubling=None
            if halfway is None
            else measure_gain(iteration, halfway, self._leads(played[1 + 2 * len(RATED)])),
        )

    def elos(self) -> dict[str, float]:
        """Fit the Elo of every player to all results so far."""
        return self._league.elos()

    def state_dict(self) -> dict[str, Any]:
        """Return all results as arrays, numbers and names."""
        return self._league.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._league.load_state_dict(state)

    def _matches(self, name: str, others: tuple[str, ...], *, with_halfway: bool) -> list[Match]:
        """List the matches of a rating.

        The order is: the mixed tables; per rated opponent, the network and the untrained network
        against it; if there is one, the halfway network; with gating, the gating match.
        """
        matches = [
            mixed_match(name, others, self._settings),
            *(
                match_against(player, opponent, self._settings)
                for opponent in RATED
                for player in (name, UNTRAINED)
            ),
        ]
        if with_halfway:
            matches.append(match_against(name, HALFWAY, self._doubling_settings))
        if self._settings.gating_threshold > 0:
            matches.append(gating_match(name, SELF_PLAY_NETWORK, self._settings))
        return matches

    @property
    def _doubling_settings(self) -> RatingSettings:
        deals = self._settings.doubling_deals
        # A game is some twenty rounds.
        return structs.replace(
            self._settings, deals=max(deals // 10, 10) if self._whole_games else max(deals, 10)
        )

    def _leads(self, played: Results) -> npt.NDArray[np.float64]:
        """Return the lead of place 0 in each deal, averaged over the deal's rotations: `[deals]`.

        In games: its share of the win above an even share. Else: its points above the mean of the
        other seats'.
        """
        if self._whole_games:
            return played.wins[:, :, 0].mean(axis=1) - 1.0 / played.wins.shape[2]
        # Summed as whole numbers: equal networks then gain exactly 0, not 1e-17.
        points = played.points
        _, rotations, places = points.shape
        ahead = (places * points[:, :, 0] - points.sum(axis=2)).sum(axis=1)
        leads: npt.NDArray[np.float64] = ahead / (rotations * (places - 1))
        return leads

    def _gating(
        self, match: Match, played: Results, draws: np.random.Generator
    ) -> GatingResult | None:
        threshold = self._settings.gating_threshold
        if threshold == 0:
            return None
        ahead = deals_ahead(ranking_scores(played, whole_games=self._whole_games), match.lineups)
        share = estimate_mean(ahead, self._settings.bootstrap, draws)
        return GatingResult(share, share.value >= threshold)

    def _calibration(self, iteration: int) -> CalibrationMatch:
        draws = partial(generator, self._seed, "rating calibration", iteration)
        return CalibrationMatch(self._settings, draws)

    def _baseline_result(
        self, network: Results, untrained: Results, draws: np.random.Generator
    ) -> BaselineResult:
        """Summarize two matches on the same deals, of the network and of the untrained one."""
        size = self._settings
        rounds = round_count(size.players, size.cards) if self._whole_games else 1
        points = network.points[:, :, 0].mean(axis=1) / rounds
        exact = network.exact[:, :, 0].mean(axis=1)
        # Deal by deal, before any interval: both players had the same cards, whose luck largely
        # cancels out.
        gain = points - untrained.points[:, :, 0].mean(axis=1) / rounds
        measures = [points, exact, gain]
        if self._whole_games:
            measures.append(network.wins[:, :, 0].mean(axis=1))
        return BaselineResult(*(estimate_mean(v, size.bootstrap, draws) for v in measures))


def _draws(seed: int, iteration: int, purpose: str, block: int) -> np.random.Generator:
    """Return the generator that deals the cards of a block."""
    return generator(seed, f"rating {purpose}", iteration, block)


def network_name(iteration: int) -> str:
    """Return the name of the network of an iteration (0-based): `iter005` for 4, as in files."""
    return f"iter{iteration + 1:03d}"
