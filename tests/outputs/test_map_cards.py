"""What cards of the map carry is what the CSV files say, unit by unit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.messages import LANGUAGES, label
from servicecircle.outputs import map_cards as module
from servicecircle.outputs.map_cards import CARD_LABELS, map_cards
from servicecircle.results import Results

MakeResults = Callable[..., Results]


def units_of(results: Results) -> list[str]:
    """Return the units in the order of the cards: coarse levels first."""
    units = results.units
    return [
        unit
        for level in ("township", "village_level")
        for unit in units.loc[units["level"] == level, "unit_id"]
    ]


def flattened(by_level: list[list[Any]]) -> list[Any]:
    return [value for values in by_level for value in values]


def judged(**columns: Any) -> pd.DataFrame:
    given = {"plan": "p", "indicator_id": "a", "alternative": "", "target": 100.0, "low": np.nan}
    given |= {"high": np.nan, "shortfall": np.nan, "shortfall_of": ""}
    return pd.DataFrame(given | columns)


def test_labels_are_there_in_both_languages() -> None:
    assert len(set(CARD_LABELS)) == len(CARD_LABELS)
    for key in CARD_LABELS:
        for language in LANGUAGES:
            assert label(f"map_{key}", language)


def test_rates_are_those_of_the_units_table(make_results: MakeResults) -> None:
    results = make_results()
    cards = map_cards(results)
    flat = units_of(results)
    rules = [rule["en"] for rule in cards["rules"]]
    assert rules == ["5 min", "10 min", "15 min", "1000 m straight", "presence"]
    names = {"5 min": "5 min", "15 min": "15 min", "1000 m straight": "1000 m straight"}
    table = results.unit_coverage.set_index(["layer", "rule", "unit_id"]).sort_index()
    seen = 0
    for number, layer in enumerate(results.layers):
        cover = cards["coverage"][number]
        assert rules[cover["main"]] == "15 min"
        for one in cover["rated"]:
            if rules[one["rule"]] not in names:
                continue
            rows = table.loc[(layer.name, names[rules[one["rule"]]])]
            for at, unit in enumerate(flat):
                row = rows.loc[unit]
                for key, part, whole in (
                    ("people", "covered_population", "population"),
                    ("elderly", "covered_elderly", "elderly"),
                ):
                    assert flattened(one[key])[at] == round(row[part])
                    rate = flattened(one[f"{key}_rate"])[at]
                    # Cut to hundredths of a per cent, never rounded up.
                    assert rate == math.floor(row[part] / row[whole] * 1e4 + 1e-6)
                    seen += 1
        facilities = table.loc[(layer.name, "presence")]["facilities"]
        assert flattened(cover["facilities"]) == [int(facilities[unit]) for unit in flat]
    assert seen == 2 * 3 * 2 * len(flat)


def test_verdicts_are_those_of_the_unit_results(make_results: MakeResults) -> None:
    results = make_results()
    flat = units_of(results)
    table = pd.concat(
        [
            judged(
                unit_id=flat[:4],
                value=[12.346, 0.0, np.nan, 100.0],
                verdict=["not_met", "not_met", "no_data", "met"],
                shortfall=[3.0, 5.0, np.nan, 0.0],
                shortfall_of="beds",
            ),
            judged(
                indicator_id="b",
                unit_id=[flat[9], "area", flat[2]],
                value=[2.0, 7.0, 1.0],
                target=[1.0, 1.0, np.nan],
                verdict=["met", "met", "not_applicable"],
            ),
        ],
        ignore_index=True,
    )
    card = results.scorecard.assign(
        plan="p",
        indicator_id=["x", "b", "a", "b"],
        layer=["", "elderly_day_center", "care_home", ""],
        kind=["", "presence_per_unit", "capacity_ratio", ""],
        denominator_name=["", "", "elderly", ""],
    )
    first, second = map_cards(replace(results, unit_results=table, scorecard=card))["indicators"]
    assert (first["score"], first["layer"], first["measured"]) == (2, 0, "own")
    assert (second["score"], second["layer"], second["measured"]) == (1, 1, "facilities")
    assert first["units"] == [0, 1, 2, 3]
    # The whole area is no unit of the map.
    assert second["units"] == [9, 2]
    told = map_cards(replace(results, unit_results=table, scorecard=card))["verdicts"]
    assert [told[one] for one in first["verdict"]] == ["not_met", "not_met", "no_data", "met"]
    assert first["value"] == [12.35, 0, None, 100]
    assert first["target"] == 100
    assert first["thing"] == "beds"
    assert second["target"] == [1, None]


def test_an_unknown_indicator_keeps_its_id_and_an_unknown_verdict_is_none(
    make_results: MakeResults,
) -> None:
    results = make_results()
    table = judged(unit_id=units_of(results)[:1], value=1.0, verdict="sideways")
    (one,) = map_cards(replace(results, unit_results=table))["indicators"]
    assert (one["name"], one["score"], one["verdict"]) == ("a", -1, [-1])


def test_official_figures_of_the_calibration_come_first(make_results: MakeResults) -> None:
    results = make_results()
    first, second = units_of(results)[:2]
    held = pd.DataFrame(
        {
            "unit_id": [second, first],
            "official_population": [np.nan, 4321.0],
            "official_elderly": [77.0, np.nan],
        }
    )
    level = map_cards(replace(results, tables={"calibration": held}))["levels"][0]
    assert level["official"]["people"][:2] == [4321, 1000]
    assert level["official"]["elderly"][:2] == [200, 77]


def test_middles_lie_in_their_units(make_results: MakeResults) -> None:
    results = make_results()
    # A ring of which the centre is outside, and a unit without an outline.
    ring = shapely.Point(118.6, 28.7).buffer(0.02) - shapely.Point(118.6, 28.7).buffer(0.01)
    shapes = results.units.geometry.to_numpy().copy()
    shapes[0], shapes[1] = ring, None
    units = results.units.set_geometry(gpd.GeoSeries(shapes, crs="EPSG:4326"))
    odd = replace(results, units=units)
    for level, told in zip(("township", "village_level"), map_cards(odd)["levels"], strict=True):
        rows = units[units["level"] == level]
        points = np.cumsum(np.reshape(told["middles"], (-1, 2)), axis=0) / 1e5
        for shape, point in zip(rows.geometry, points, strict=True):
            if shape is not None:
                assert shape.buffer(2e-5).covers(shapely.Point(point))


def test_facilities_carry_source_units_and_people_in_reach(make_results: MakeResults) -> None:
    results = make_results()
    flat = units_of(results)
    rows = results.facilities
    home = [flat[3] if i % 2 else "township:elsewhere" for i in range(len(rows))]
    more = rows.assign(
        unit_township=home,
        source_file="养老.xlsx",
        source_sheet="表1",
        source_row=pd.array(range(2, len(rows) + 2), dtype="Int64"),
        opened=pd.Timestamp("2020-05-01"),
        nursing_beds=12.0,
        grade="",
        open=[i != 1 for i in range(len(rows))],
    )
    told = map_cards(replace(results, facilities=more))["facilities"]
    assert told["files"] == ["养老.xlsx · 表1"]
    first = told["layers"][0]
    assert first["ids"][:2] == ["0", "1"]
    assert first["open"][:3] == [1, 0, 1]
    assert first["row"][:2] == [2, 3]
    assert first["units"]["township"][:2] == [-1, 3]
    assert first["details"]["opened"][0] == "2020-05-01"
    assert first["details"]["nursing_beds"][0] == "12"
    assert "grade" not in first["details"]
    assert [one["minutes"] for one in first["reach"]] == [5.0, 10.0, 15.0]
    assert first["reach"][1]["people"][0] == 9000
    assert first["reach"][1]["elderly"][0] == 1000


def test_without_a_status_column_of_the_run_planned_and_closed_do_not_count(
    make_results: MakeResults,
) -> None:
    first = map_cards(make_results())["facilities"]["layers"][0]
    assert first["open"][:4] == [1, 0, 0, 1]


def test_statistics_go_to_their_units(make_results: MakeResults) -> None:
    results = make_results()
    unit = units_of(results)[5]
    table = pd.DataFrame(
        {
            "unit_id": [unit, "", "township:elsewhere"],
            "name": ["patients", "patients", "patients"],
            "value": [8.25, 1.0, 2.0],
            "date": pd.to_datetime(["2025-06-01", "2025-06-01", None]),
        }
    )
    (one,) = map_cards(replace(results, tables={"statistics": table}))["statistics"]
    assert (one["unit"], one["value"], one["date"]) == (5, 8.25, "2025-06-01")
    assert one["name"]["zh"] == "居家患者"


def test_what_is_too_much_is_left_out_and_told(
    make_results: MakeResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = make_results()
    flat = units_of(results)
    table = judged(
        unit_id=flat[:6], value=1.0, verdict=["not_applicable", "met", "met", "not_met", "", "met"]
    )
    monkeypatch.setattr(module, "MOST_RATES", 3)
    monkeypatch.setattr(module, "MOST_RESULTS", 3)
    cards = map_cards(replace(results, unit_results=table))
    assert (cards["all_rules"], cards["all_results"]) == (False, False)
    assert [len(cover["rated"]) for cover in cards["coverage"]] == [1, 1]
    assert cards["coverage"][0]["rated"][0]["rule"] == cards["coverage"][0]["main"]
    assert cards["indicators"][0]["units"] == [1, 2, 3]


@pytest.mark.parametrize(
    "parts",
    [
        ("units", "scopes", "unit_coverage", "demand", "access"),
        ("facilities", "circles", "overlaps"),
        ("unit_coverage",),
        ("scorecard",),
    ],
)
def test_empty_parts(make_results: MakeResults, parts: tuple[str, ...]) -> None:
    results = make_results()
    bare = replace(results, **{name: getattr(results, name).iloc[:0] for name in parts})
    cards = map_cards(bare)
    json.dumps(cards, allow_nan=False)
    assert len(cards["coverage"]) == len(cards["facilities"]["layers"]) == 2
    if "units" in parts:
        assert cards["levels"] == []
    if "facilities" in parts:
        assert all(layer["ids"] == [] for layer in cards["facilities"]["layers"])


def test_nothing_at_all(make_results: MakeResults) -> None:
    results = make_results(layers=(), unit_results=pd.DataFrame())
    cards = map_cards(results)
    assert cards["layers"] == []
    assert cards["indicators"] == []
