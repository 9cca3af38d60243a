"""The registry: names, parser, help and makers follow from an opponent's one line."""

from __future__ import annotations

import subprocess
import sys
from pkgutil import resolve_name

import opponents
import pytest

from blobmaster.agents.factory import OpponentRequest, make_opponent, make_rated_opponents
from blobmaster.agents.names import parse_player
from blobmaster.agents.registry import CHECKPOINT, OPPONENTS, RATED, Opponent, opponents_help
from blobmaster.run.errors import RunError


def typed(opponent: Opponent) -> str:
    """Return a name that a person would type for this opponent."""
    return opponent.pattern.replace("-N", "-20")


@pytest.mark.parametrize("opponent", OPPONENTS, ids=lambda o: o.name)
def test_an_opponent_is_parsed_and_listed_by_its_line(opponent: Opponent):
    name = parse_player(typed(opponent))
    assert (name.text, name.kind) == (typed(opponent), opponent.name)
    assert name.simulations == (20 if opponent.takes_simulations else 0)
    assert opponent.usage in opponents_help()
    with pytest.raises(ValueError, match=opponent.pattern):
        parse_player("wizard")


@pytest.mark.parametrize("opponent", [*OPPONENTS, CHECKPOINT], ids=lambda o: o.name)
def test_the_maker_of_every_opponent_exists(opponent: Opponent):
    assert callable(resolve_name(opponent.maker))


def test_a_rating_makes_its_opponents_without_a_checkpoint():
    assert list(make_rated_opponents(device=None)) == list(RATED) == ["random", "heuristic"]


def test_an_opponent_whose_extra_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    monkeypatch.delitem(sys.modules, "blobmaster.agents.openspiel", raising=False)
    with pytest.raises(RunError, match=r"blobmaster\[openspiel\]"):
        make_opponent(OpponentRequest(parse_player("openspiel-ismcts-20"), device=None))


def test_the_document_of_opponents_is_current():
    assert opponents.DOCUMENT.read_text(encoding="utf-8") == opponents.document(), "run `make docs`"


def test_listing_and_parsing_opponents_loads_nothing_heavy():
    code = (
        "import sys; from blobmaster.agents.names import parse_player; parse_player('ismcts-100');"
        "print([m for m in ('torch', 'numba', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
