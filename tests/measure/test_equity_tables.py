"""Tables of equity of a run, by hand: a town of two townships, one of them rural."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from servicecircle.measure.equity_settings import equity_faults
from servicecircle.measure.equity_tables import all_equity, town_or_country, urban_units, worst_rows
from servicecircle.progress import Silent
from servicecircle.project import Project


def project_of(**equity):
    return Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {
                "county": {"path": "a.gpkg"},
                "township": {"path": "b.gpkg"},
                "village_level": {"path": "c.gpkg"},
            },
            "facilities": {"canteen": {"path": "c.csv"}, "care_home": {"path": "d.csv"}},
        }
        | ({"equity": equity} if equity is not None else {})
    )


def units():
    rows = [
        ("k", "甲县", "county", "", None),
        ("east", "东街道", "township", "", True),
        ("west", "西乡", "township", "", False),
        ("e1", "东社区", "village_level", "community", None),
        ("w1", "西村", "village_level", "village", None),
        ("w2", "农场", "village_level", "", None),
    ]
    frame = pd.DataFrame(rows, columns=["unit_id", "name", "level", "type", "is_urban"])
    frame["is_urban"] = frame["is_urban"].astype("boolean")
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([None] * len(rows)), crs=4326)


# village, people, elderly, minutes
POINTS = [
    ("e1", 100, 40, 5.0),
    ("e1", 100, 40, 10.0),
    ("w1", 100, 10, 20.0),
    ("w1", 100, 10, None),
    ("w2", 100, 20, 40.0),
    (None, 900, 900, 60.0),
]


def ground_of(points=POINTS, *, roads=True):
    place = {"e1": "east", "w1": "west", "w2": "west", None: None}
    demand = pd.DataFrame(
        {
            "demand_id": [f"d{at}" for at in range(len(points))],
            "population": [float(one[1]) for one in points],
            "elderly": [float(one[2]) for one in points],
            "unit_county": ["k" if one[0] else None for one in points],
            "unit_township": [place[one[0]] for one in points],
            "unit_village_level": [one[0] for one in points],
        }
    )
    return SimpleNamespace(demand=demand, units=units(), network=object() if roads else None)


def access_of(points=POINTS):
    minutes = np.array([np.nan if one[3] is None else one[3] for one in points])
    return pd.DataFrame(
        {"seconds": 60.0 * minutes, "metres": 50.0 * minutes, "straight_metres": 40.0 * minutes}
    )


def tables(points=POINTS, *, roads=True, **equity):
    equity = {"layers": ["canteen"]} | equity
    access = {("canteen", "walk"): access_of(points)}
    return all_equity(project_of(**equity), ground_of(points, roads=roads), access, Silent())


def rows(table, quantity="minutes", **chosen):
    chosen = {"quantity": quantity} | chosen
    for column, value in chosen.items():
        table = table[table[column] == value]
    return table.set_index("unit_id" if chosen.get("part") == "unit" else "part")


def test_the_whole_area_counts_those_in_its_units_and_no_infinities():
    whole = rows(tables()["equity"], part="area").loc["area"]
    assert whole[["layer", "profile", "people"]].tolist() == ["canteen", "walk", "elderly"]
    # 40·5 + 40·10 + 10·20 + 20·40 over 110 of the 120 elderly; nobody outside, nobody unreached.
    assert whole[["persons", "unreached"]].tolist() == [120, 10]
    assert whole["unreached_share"] == pytest.approx(10 / 120)
    assert whole["mean"] == pytest.approx(1600 / 110)
    # The worst tenth of 110 are 11 of the 20 in the farm; the best 44 have 40·5 + 4·10 minutes.
    assert whole["worst_tenth"] == pytest.approx(40.0)
    assert whole["best_four_tenths"] == pytest.approx(240 / 44)
    assert whole["palma"] == pytest.approx(11 * 40 / 240)
    assert whole["worst_tenth_units"] == "西乡 100%"
    assert whole["theil_between"] + whole["theil_within"] == pytest.approx(whole["theil"])


def test_each_unit_says_how_many_of_the_worst_served_live_there():
    own = rows(tables()["equity"], part="unit")
    assert own.index.tolist() == ["east", "west"]
    assert own["persons"].tolist() == [80, 40]
    assert own["unreached"].tolist() == [0, 10]
    assert own["mean"].tolist() == pytest.approx([7.5, 1000 / 30])
    assert own["in_worst_tenth"].tolist() == pytest.approx([0, 11])
    assert own["share_in_worst_tenth"].tolist() == pytest.approx([0, 11 / 30])
    assert own.loc["east", "gini"] == pytest.approx(1 / 6)


def test_town_against_country_with_the_gap_between():
    table = tables()["equity"]
    sides = rows(table)
    # The farm has no type: its township is rural.
    assert sides.loc["urban", ["persons", "mean"]].tolist() == pytest.approx([80, 7.5])
    assert sides.loc["rural", ["persons", "mean"]].tolist() == pytest.approx([40, 1000 / 30])
    assert sides.loc["gap", "mean"] == pytest.approx(1000 / 30 - 7.5)
    assert "unknown" not in sides.index
    rates = rows(table, "15 min")
    assert rates.loc[["urban", "rural", "gap"], "mean"].tolist() == [1.0, 0.0, -1.0]


def test_a_rate_loses_nobody_and_its_spread_is_that_of_the_units():
    found = rows(tables(minutes=[20.0])["equity"], "20 min")
    # 80 in the east and 10 in the west of 120; of the west a quarter.
    assert found.loc["area", "mean"] == pytest.approx(90 / 120)
    # Two rates, 1 for 80 and 1/4 for 40 people: mean 3/4, Gini 80·40·(3/4) ÷ (120²·3/4).
    assert found.loc["area", "gini"] == pytest.approx(80 * 40 / 120**2)
    assert found.loc["area", "worst_tenth"] == pytest.approx(0.25)
    assert found.loc["area", "worst_tenth_units"] == "西乡 100%"
    assert np.isnan(found.loc["area", ["unreached", "best_four_tenths"]].tolist()).all()


def test_the_curve_ends_at_all_of_both():
    curve = tables()["lorenz"]
    minutes = curve[curve["quantity"] == "minutes"]
    assert len(minutes) == 101
    assert minutes.iloc[[0, -1]][["share_of_people", "share_of_quantity"]].values.tolist() == [
        [0, 0], [1, 1],
    ]  # fmt: skip
    # 40 of 110 have 200 of 1,600 minutes.
    at = np.interp(40 / 110, minutes["share_of_people"], minutes["share_of_quantity"])
    assert at == pytest.approx(0.125, abs=0.002)


def test_choices_of_people_level_and_quantity():
    table = tables(people="population", level="village_level", measures=["metres"])["equity"]
    assert set(table["quantity"]) == {"metres", "15 min"}
    own = rows(table, "metres", part="unit")
    assert own.index.tolist() == ["e1", "w1", "w2"]
    assert own["persons"].tolist() == [200, 200, 100]
    assert own["mean"].tolist() == [375.0, 1000.0, 2000.0]


def test_without_roads_straight_lines_alone():
    table = tables(roads=False)["equity"]
    assert set(table["quantity"]) == {"straight_metres"}
    assert tables(roads=False, measures=["minutes"])["equity"].empty


def test_nobody_and_nobody_reached():
    nobody = [(village, 0, 0, minutes) for village, _, _, minutes in POINTS]
    empty = tables(nobody)
    assert empty["equity"].empty
    assert empty["lorenz"].empty
    lost = [(village, people, old, None) for village, people, old, _ in POINTS]
    whole = rows(tables(lost)["equity"], part="area").loc["area"]
    assert whole[["persons", "unreached", "unreached_share"]].tolist() == [120, 120, 1.0]
    assert np.isnan(whole[["mean", "gini", "theil", "palma", "worst_tenth"]].tolist()).all()
    assert whole["worst_tenth_units"] == ""
    assert rows(tables(lost)["equity"], "15 min").loc["area", "mean"] == 0.0


def test_not_asked_for_not_computed():
    project = Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {"township": {"path": "b.gpkg"}},
            "facilities": {"canteen": {"path": "c.csv"}},
        }
    )
    assert all_equity(project, ground_of(), {}, Silent()) == {}
    assert list(equity_faults(project)) == []


def test_what_is_not_there_is_named():
    faults = list(equity_faults(project_of(layers=["canteen", "carehome"], level="province")))
    assert [(one.code, one.value, one.severity) for one in faults] == [
        ("project.equity_layer", "carehome", "fatal"),
        ("project.equity_level", "province", "fatal"),
    ]
    assert "care_home" in faults[0].text("en")


def test_the_finest_unit_that_tells_decides():
    demand = ground_of().demand
    assert urban_units(units()).isna().tolist() == [True, False, False, False, False, True]
    found = town_or_country(units(), demand)
    assert found.tolist()[:5] == [True, True, False, False, False]
    assert found.isna().tolist() == [False] * 5 + [True]


def test_the_line_of_the_summary_is_of_the_ways():
    found = worst_rows(tables()["equity"])
    assert list(found) == ["canteen"]
    assert found["canteen"]["quantity"] == "minutes"
