"""What the rounds in play take is known from the settings, before anything is played."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from blobmaster.net.model import new_network
from blobmaster.net.settings import NetworkSettings
from blobmaster.play.memory import block_bytes, bytes_of, card_bytes
from blobmaster.play.pool import LocalPool
from blobmaster.play.selfplay import SelfPlayEngine
from blobmaster.play.settings import RoundMix, SelfPlaySettings
from blobmaster.search.search import new_questions, new_search
from blobmaster.search.settings import SearchSettings

SEARCH = SearchSettings(worlds=3, simulations=30)


@pytest.mark.parametrize("way", ["lookahead", "search"])
def test_every_slot_takes_as_much_memory_as_any_other(way):
    few, more, most = (
        block_bytes(RoundMix(), SelfPlaySettings(decide_by=way, slots=slots), SEARCH)
        for slots in (16, 32, 64)
    )
    assert most - more == 2 * (more - few) > 0


def test_arrays_are_counted_wherever_they_stand():
    assert bytes_of((np.zeros(10), (np.zeros(3, np.int8), 7, "text"), 1.5)) == 83


def test_trees_take_what_is_said_of_them():
    tracemalloc.start()
    made = new_search(64, SEARCH), new_questions(64, SEARCH)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bytes_of(made) == pytest.approx(taken, rel=0.02)


def test_the_default_is_far_below_a_gibibyte_a_worker():
    search = SelfPlaySettings(decide_by="search")
    largest = SearchSettings(worlds=5, simulations=50)
    assert block_bytes(RoundMix(), search, largest) < 2**27


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a card's memory is taken on a GPU alone")
@pytest.mark.parametrize("way", ["lookahead", "search"])
@pytest.mark.parametrize("slots", [16, 128, 512])
def test_a_card_holds_no_more_than_is_said(way, slots):
    card, workers = torch.device("cuda"), 3
    settings = SelfPlaySettings(decide_by=way, slots=slots, rounds_per_block=slots)
    network = new_network(NetworkSettings(), 0).to(card).eval()
    engine = SelfPlayEngine(
        LocalPool(workers, prepare=lambda: None), RoundMix(), settings, 0, card, "bf16"
    )
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    blocks = engine.play(
        *(0, network, SEARCH, 2 * workers * slots, range(2 * workers)),
        abandon=lambda: False,
        on_rounds=lambda _: None,
    )
    assert len(list(blocks)) == 2 * workers
    taken = torch.cuda.memory_reserved() - before
    weights = sum(weight.nbytes for weight in network.parameters())
    assert 0 < taken <= weights + workers * card_bytes(RoundMix(), settings, SEARCH)
