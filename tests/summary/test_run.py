"""What a run tells of layers and plans."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from servicecircle.summary.run import _layer_line, _needs_lines, _plan_lines, _progress_lines


@pytest.mark.parametrize(
    ("elderly", "said"),
    [
        (0.0, "300 of 1,500 people (20.0%)"),
        (None, "300 of 1,500 people (20.0%)"),
        (50.0, "10 of 50 older persons (20.0%)"),
    ],
)
def test_people_are_told_of_where_none_of_them_are_elderly(elderly, said):
    coverage = pd.DataFrame({
        "layer": ["canteen"], "rule": ["500 m straight"], "level": ["township"],
        "population": [1500.0], "covered_population": [300.0],
        "elderly": [elderly], "covered_elderly": [10.0 if elderly else elderly],
    }).astype({"elderly": float, "covered_elderly": float})  # fmt: skip
    results = SimpleNamespace(unit_coverage=coverage, minutes=(15,), metres=(500,))
    layer = SimpleNamespace(name="canteen", zh="食堂", en="canteen", on_network=False, pace=str)
    assert _layer_line(results, layer, "en").endswith(said)


def test_what_governs_is_told_where_the_headline_does_not():
    card = pd.DataFrame({
        "plan": "p",
        "indicator_id": ["a", "a", "a", "b", "c", "c"],
        "alternative": ["", "", "14", "", "", "9"],
        "target_year": pd.array([2022, 2025, 2025, 2025, 2023, 2025], dtype="Int64"),
        "verdict": ["met", "met", "not_met", "met", "met", "not_due"],
        "headline": [False, True, False, True, True, False],
        "governing": [False, False, True, True, False, True],
    })  # fmt: skip
    results = SimpleNamespace(scorecard=card, tables={})
    assert _plan_lines(results, "en") == [
        "p: of 3 indicators, met 3",
        "  of them 2 on which the plan contradicts itself; by what governs: not met 1, not due 1",
    ]
    plain = SimpleNamespace(scorecard=card[card["indicator_id"] == "b"], tables={})
    assert _plan_lines(plain, "en") == ["p: of 1 indicators, met 1"]
    # Of several dated rows that govern, the last one due counts, else the next one.
    dated = card.iloc[[1, 2, 2, 2]].assign(
        target_year=[2025, 2022, 2025, 2030], verdict=["met", "not_met", "met", "not_due"]
    )
    assert "governs: met 1" in _plan_lines(SimpleNamespace(scorecard=dated, tables={}), "en")[1]


def ahead(**more):
    rows = {
        "plan": ["p", "p", "p", "p", "q"],
        "alternative": ["", "", "", "30", ""],
        "next_year": [2025, 2025, pd.NA, 2025, pd.NA],
        "on_track": ["no", "reached", "missed", "no", "missed"],
    }
    needs = {
        "plan": ["", "", "", "p"],
        "layer": ["canteen", "canteen", "care_home", "canteen"],
        "shortfall_of": ["persons", "facilities", "facilities", "facilities"],
        "needed_at_least": [900.0, 7.0, 1200.0, 7.0],
    }
    tables = {"progress": pd.DataFrame(rows), "needs_by_layer": pd.DataFrame(needs)}
    layer = SimpleNamespace(name="canteen", zh="老年食堂", en="canteen")
    return SimpleNamespace(tables=tables | more, layers=(layer,))


def test_targets_to_come_are_counted_without_alternatives():
    assert _progress_lines(ahead(), "p", "en") == [
        "  targets to come of 2 of them: 1 reached, 1 behind"
    ]
    assert _progress_lines(ahead(), "q", "zh") == []


def test_what_layers_lack_is_told_the_most_first():
    (line,) = _needs_lines(ahead(), "zh")
    assert "至少还缺（处）：care_home 1,200，老年食堂 7。" in line
    nothing = pd.DataFrame(columns=["plan", "layer", "shortfall_of", "needed_at_least"])
    assert _needs_lines(ahead(needs_by_layer=nothing), "en") == []
