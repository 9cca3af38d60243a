"""Search specs on the command line."""

from __future__ import annotations

import pytest

from blobmaster.config.belief import BeliefSettings
from blobmaster.config.search import SearchSettings
from blobmaster.search.spec import parse_search

TRAINED = SearchSettings(worlds=2, simulations=9, exploration=0.7, root="gumbel")


@pytest.mark.parametrize(
    ("text", "shown", "changes"),
    [
        ("3x35", "3×35", {"worlds": 3, "simulations": 35}),
        ("1×2", "1×2", {"worlds": 1, "simulations": 2}),
        ("3x35:puct", "3×35:puct", {"worlds": 3, "simulations": 35, "root": "puct"}),
        (
            "10x10:gumbel:shared:solved",
            "10×10:gumbel:shared:solved",
            {
                "worlds": 10,
                "simulations": 10,
                "root": "gumbel",
                "tree": "shared",
                "solve_tricks": 2,
            },
        ),
        (
            "3x35:exploration=0.25:settle=true",
            "3×35:exploration=0.25:settle=true",
            {"worlds": 3, "simulations": 35, "exploration": 0.25, "settle": True},
        ),
    ],
)
def test_a_search_spec_changes_the_named_settings_and_keeps_the_rest(text, shown, changes):
    spec = parse_search(text)
    assert spec.text == shown
    asked = spec.over(TRAINED)
    for name in TRAINED.__struct_fields__:
        assert getattr(asked, name) == changes.get(name, getattr(TRAINED, name))


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("belief:256", BeliefSettings(worlds=256)),
        ("belief:1024:rollouts", BeliefSettings(worlds=1024, rollouts=True)),
        ("belief:256:styles", BeliefSettings(worlds=256, styles=0.3)),
        ("belief:256:styles=0.5", BeliefSettings(worlds=256, styles=0.5)),
        ("belief:64:step=8:uniform=0.1", BeliefSettings(worlds=64, step=8, uniform=0.1)),
    ],
)
def test_a_belief_spec_holds_its_own_settings(text, settings):
    spec = parse_search(text)
    assert (spec.text, spec.belief) == (text, settings)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("35", "worlds by simulations, such as 3x35"),
        ("3x", "worlds by simulations"),
        ("3x35:", "worlds by simulations"),
        ("0x35", "worlds"),
        ("65x35", "worlds"),
        ("3x5000", "simulations"),
        ("3x35:fast", "there is no 'fast'"),
        ("3x35:speed=3", "there is no setting `speed`"),
        ("3x35:exploration=much", "exploration"),
        ("3x35:exploration=-1", "exploration"),
        ("3x35:root=best", "root: there is no 'best'; choose among puct, gumbel"),
        ("3x35:exploration=inf", "exploration is inf: write a finite number"),
        ("3x35:exploration=nan", "exploration: expected `float` > 0"),
        ("belief:99999999", "worlds: expected `int` <= 16384"),
        ("belief:256:stile=0.3", "did you mean `styles`"),
        ("belief:", "belief:256"),
        ("belief:0", "worlds"),
        ("belief:256:fast", "there is no 'fast'"),
        ("belief:256:gumbel", "there is no 'gumbel'"),
        ("belief:256:speed=3", "there is no setting `speed`"),
        ("belief:256:uniform=0", "uniform"),
    ],
)
def test_a_bad_search_spec_is_refused_in_one_line_with_the_reason(text, why):
    with pytest.raises(ValueError, match=r"(?s)^(?!.*\n)") as error:
        parse_search(text)
    assert why in str(error.value)
