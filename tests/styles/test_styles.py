"""The styles: each plays as its line in the catalogue says."""

from __future__ import annotations

import numpy as np
import pytest
from dealing import deals_of, play
from positions import RandomRound

from blobmaster.agents.styles import StyleAgent
from blobmaster.config.self_play import STYLE_NAMES
from blobmaster.game.opponents import FIRST_STYLE, FIRST_VARIED, KINDS
from blobmaster.game.rules import (
    BIDS,
    DEALT,
    FIRST_BID,
    HANDS,
    PLAYERS,
    SEAT,
    STATE,
    TABLE,
    TRICKS,
    TRUMP,
    WINNER,
    apply,
    deal_into,
    forbidden_bid,
    is_bidding,
    legal_actions,
)
from blobmaster.game.styles import (
    EXACTLY,
    HELD_OUT_STYLES,
    STYLES,
    TAKE,
    TRAINING_STYLES,
    Style,
    style_number,
)
from blobmaster.kernels.rng import generator
from blobmaster.styles.rules import choose_by_style, write_style_chances

NAMES = [style.name for style in STYLES]
SOME = [name for name in NAMES if "varied" not in name or name in ("varied-17", "varied-53")]
SIZES = [(3, 9), (4, 5), (5, 7), (8, 3)]


def streams_for(states: np.ndarray) -> np.ndarray:
    return generator(0, "streams").integers(0, 2**64, (len(states), 1), dtype=np.uint64)


def chosen_by(name: str, states: np.ndarray) -> np.ndarray:
    return StyleAgent(name).choose(states, streams_for(states))


def choices() -> np.ndarray:
    return np.concatenate(
        [RandomRound(seed, *size).choices for size in SIZES for seed in range(20)]
    )


def card_choices() -> np.ndarray:
    states = choices()
    return states[[not is_bidding(state) for state in states]]


def legal_of(state: np.ndarray) -> list[int]:
    legal = np.empty(18, np.int64)
    return legal[: legal_actions(state, legal)].tolist()


def first_states(count: int) -> np.ndarray:
    """Return `[count, STATE]`: the first bids of rounds of 4 × 5 cards."""
    deals = deals_of(4, 5, count)
    states = np.empty((count, STATE), np.int64)
    for number in range(count):
        deal_into(states[number], *deals.plan[number], deals.deck[number])
    return states


def mean_bid(name: str) -> float:
    return float(chosen_by(name, first_states(1500)).mean() - FIRST_BID)


def height(state: np.ndarray, card: int) -> int:
    return card % 13 + (13 if card // 13 == state[TRUMP] else 0)


def test_style_numbers_are_those_that_records_hold():
    """A change here gives the records of earlier runs another meaning."""
    first = ["underbidder", "overbidder", "sandbagger", "ducker"]
    first += ["grabber", "rusher", "hoarder", "careless"]
    assert NAMES[1 : 1 + len(first)] == first
    assert ("noisy-self", *(style.name for style in TRAINING_STYLES), "varied") == STYLE_NAMES
    assert (FIRST_STYLE + len(TRAINING_STYLES), KINDS) == (FIRST_VARIED, 64)
    assert STYLES[style_number("varied-8")] == Style(
        "varied-8", "bids and plays in one of many ways", bid_bias=-0.5, bid_noise=0.4,
        until_met=EXACTLY, once_met=TAKE, careless=0.1,
    )  # fmt: skip
    assert NAMES[-4:] == ["sure-tricks", "averager", "saboteur", "zero-bidder"]
    assert [style_number(name) for name in NAMES] == list(range(len(NAMES)))


def test_at_least_five_styles_train_and_three_are_held_out():
    assert len(TRAINING_STYLES) >= 5
    assert len(HELD_OUT_STYLES) >= 3
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", SOME)
def test_the_same_stream_gives_the_same_choice_and_only_a_style_that_draws_moves_it(name):
    states = choices()
    first, second = streams_for(states), streams_for(states)
    agent = StyleAgent(name)
    assert (agent.choose(states, first) == agent.choose(states, second)).all()
    assert (first == second).all()
    style = STYLES[style_number(name)]
    bids = np.array([is_bidding(state) for state in states])
    moved = (first != streams_for(states))[:, 0]
    assert (moved == (style.careless > 0 or (bids & (style.bid_noise > 0)))).all()


@pytest.mark.parametrize("name", SOME)
def test_the_batch_kernel_chooses_as_the_kernel_of_one_state_does(name):
    states = choices()[:60]
    streams = streams_for(states)
    one_by_one = [
        choose_by_style(state, style_number(name), draws)
        for state, draws in zip(states, streams, strict=True)
    ]
    assert chosen_by(name, states).tolist() == one_by_one


@pytest.mark.parametrize("name", SOME)
def test_the_chances_of_a_style_are_how_often_it_chooses_so(name):
    number, draws, tries = style_number(name), generator(0, "tries"), 600
    states = choices()
    # The bids around a forbidden one are a case of their own, most of all at the ends.
    forbidden = np.array([forbidden_bid(state) if is_bidding(state) else -1 for state in states])
    strong = states[forbidden > 0][:6].copy()
    for state in strong:  # the dealer holds the highest trumps, and everybody else has bid 0
        seat, cards, trump = (int(state[field]) for field in (SEAT, DEALT, TRUMP))
        for other in {*range(int(state[PLAYERS]))} - {seat}:
            state[BIDS + other] = 0
        state[HANDS + seat] = (1 << 13) - (1 << 13 - cards) << 13 * trump % 52
        assert forbidden_bid(state) == cards
    lowest = states[forbidden == 0][:6]
    assert len(lowest) > 3
    for state in [*states[::40], *lowest, *strong]:
        legal = legal_of(state)
        chances = np.empty((len(legal), len(STYLES)))
        for action, row in zip(legal, chances, strict=True):
            write_style_chances(state, action, row)
        assert chances[:, number].sum() == pytest.approx(1.0)
        streams = draws.integers(0, 2**64, (tries, 1), dtype=np.uint64)
        chosen = [choose_by_style(state, number, stream) for stream in streams]
        counts = np.array([chosen.count(action) for action in legal])
        # Five standard deviations of a binomial number; exact where there is no chance.
        spread = 5 * np.sqrt(tries * chances[:, number] * (1 - chances[:, number]))
        assert (abs(counts - tries * chances[:, number]) <= spread + 1e-6).all()


def test_underbidders_bid_about_a_trick_less_and_overbidders_a_trick_more_than_the_heuristic():
    usual = mean_bid("heuristic")
    assert usual - 1.0 < mean_bid("underbidder") < usual - 0.6  # a bid cannot fall below 0
    assert mean_bid("overbidder") == pytest.approx(usual + 1.0, abs=0.1)


def test_the_sure_tricks_player_bids_its_aces_and_what_follows_them():
    states = choices()
    for state, action in zip(states, chosen_by("sure-tricks", states), strict=True):
        if is_bidding(state) and len(legal_of(state)) == len(set(legal_of(state))):
            hand = int(state[HANDS + state[SEAT]])
            sure = 0
            for suit in range(4):
                ranks = f"{hand >> 13 * suit & 0x1FFF:013b}"
                sure += len(ranks) - len(ranks.lstrip("1"))
            legal = legal_of(state)
            assert action - FIRST_BID == sure or FIRST_BID + sure not in legal


def test_the_averager_bids_the_even_share_and_the_zero_bidder_bids_zero():
    for state in first_states(20):
        assert chosen_by("averager", state[None])[0] == FIRST_BID + 1  # 5 cards for 4 seats
        assert chosen_by("zero-bidder", state[None])[0] == FIRST_BID


def test_the_averager_always_plays_its_highest_card():
    states = card_choices()
    for state, card in zip(states, chosen_by("averager", states), strict=True):
        assert height(state, card) == max(height(state, other) for other in legal_of(state))


def test_the_rusher_plays_high_and_the_hoarder_low_while_tricks_are_missing():
    states = card_choices()
    seats = states[:, SEAT]
    rows = np.arange(len(states))
    states = states[states[rows, BIDS + seats] > states[rows, TRICKS + seats]]
    assert len(states) > 100
    for name, extreme in (("rusher", max), ("hoarder", min)):
        for state, card in zip(states, chosen_by(name, states), strict=True):
            assert height(state, card) == extreme(height(state, c) for c in legal_of(state))


def takes_trick(state: np.ndarray, card: int) -> bool:
    """Return True if the card takes the trick, which it completes."""
    after = state.copy()
    seat = int(state[SEAT])
    apply(after, card)
    return bool(after[TRICKS + seat] > state[TRICKS + seat])


def last_to_play() -> np.ndarray:
    states = card_choices()
    on_table = (states[:, TABLE : TABLE + 8] >= 0).sum(axis=1)
    return states[on_table == states[:, PLAYERS] - 1]


def test_the_last_to_play_takes_the_trick_as_a_grabber_and_leaves_it_as_a_ducker():
    decided = 0
    for state in last_to_play():
        takers = [card for card in legal_of(state) if takes_trick(state, card)]
        if 0 < len(takers) < len(legal_of(state)):
            decided += 1
            assert int(chosen_by("grabber", state[None])[0]) in takers
            assert int(chosen_by("ducker", state[None])[0]) not in takers
    assert decided > 30


def test_the_saboteur_takes_the_trick_that_the_highest_bidder_needs_and_leaves_it_any_other():
    found = {True: 0, False: 0}
    states = last_to_play()
    met = states.copy()
    met[:, BIDS : BIDS + 8] = np.minimum(met[:, BIDS : BIDS + 8], 1)  # random bids are high
    for state in np.concatenate([states, met]):
        seat, players = int(state[SEAT]), int(state[PLAYERS])
        others = [(seat + step) % players for step in range(1, players)]
        victim = max(others, key=lambda other: state[BIDS + other])
        takers = [card for card in legal_of(state) if takes_trick(state, card)]
        if state[WINNER] == victim and 0 < len(takers) < len(legal_of(state)):
            needs = bool(state[BIDS + victim] > state[TRICKS + victim])
            assert (int(chosen_by("saboteur", state[None])[0]) in takers) == needs
            found[needs] += 1
    assert min(found.values()) > 5


def test_the_careless_style_plays_a_quarter_of_its_cards_at_random():
    states = card_choices()
    repeated = np.repeat(states, 20, axis=0)
    same = chosen_by("careless", repeated) == chosen_by("heuristic", repeated)
    legal = np.array([len(legal_of(state)) for state in states])
    assert same.mean() == pytest.approx((0.75 + 0.25 / legal).mean(), abs=0.02)


@pytest.mark.parametrize("name", [style.name for style in TRAINING_STYLES + HELD_OUT_STYLES])
def test_no_style_is_stronger_than_the_heuristic(name):
    """The styles are weak spots to learn from; a strong one would belong to the ratings."""
    results = play(
        [StyleAgent("heuristic"), StyleAgent(name)], [0, 1, 1, 1], deals_of(4, 5, 400)
    ).points.mean(axis=1)
    assert results[:, 0].mean() > results[:, 1:].mean() - 0.1
