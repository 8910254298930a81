"""Scaling to official figures: truth by hand, every unit's reason, and the demo city's own 9 %."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.calibration import COLUMNS, elderly_by_units, weigh_people

SHARE = st.integers(0, 1000).map(lambda part: part / 1000.0)
DATA = Path(__file__).resolve().parents[2] / "data"


def units(**columns) -> pd.DataFrame:
    count = len(columns["unit_id"])
    table = {"code": [""] * count, "level": ["township"] * count, "elderly": [np.nan] * count}
    return pd.DataFrame({"name": [f"U{at}" for at in range(count)], **table, **columns})


def demand(unit, population, elderly=None, level="township") -> pd.DataFrame:
    old = np.full(len(unit), np.nan) if elderly is None else elderly
    return pd.DataFrame({"population": population, "elderly": old, f"unit_{level}": unit}).astype(
        {"population": float, "elderly": float}
    )


def codes(weighed) -> list[tuple[str, str]]:
    assert all(problem.text("zh") for problem in weighed.problems)
    return [(problem.code, problem.value) for problem in weighed.problems]


def test_every_unit_has_its_status_and_nobody_is_dropped():
    table = units(unit_id=list("abcdef"), population=[300.0, np.nan, 500.0, 80.0, 0.0, 900.0])
    points = demand(["a", "a", "b", "c", "f", None], [100.0, 50.0, 7.0, 250.0, 100.0, 9.0])
    zones = pd.DataFrame({"unit_id": list("abcdef")}).assign(
        wholly_inside=[True, True, False, True, True, True], data_share=1.0,
        exact_population=[149.0, 7.0, 250.0, 0.0, 0.0, 101.0], exact_elderly=np.nan,
    )  # fmt: skip
    weighed = weigh_people(table, points, calibrate="township", zones=zones, source="a.tif")
    assert weighed.population.tolist() == [200.0, 100.0, 7.0, 250.0, 900.0, 9.0]
    rows = weighed.table.set_index("unit_id")
    assert list(weighed.table.columns) == list(COLUMNS)
    assert rows["status"].to_dict() == {
        "a": "scaled", "b": "no_figure", "c": "partly_outside", "d": "no_people", "e": "nobody",
        "f": "scaled",
    }  # fmt: skip
    assert rows.loc["a", ["factor", "source_population", "exact_population"]].tolist() == [
        2.0, 150.0, 149.0,
    ]  # fmt: skip
    assert rows.loc[["a", "f"], "residual_after"].tolist() == [0.0, 0.0]
    assert rows.loc["c", ["residual", "residual_after"]].tolist() == [-0.5, -0.5]
    assert codes(weighed) == [
        ("calibration.partly_outside", "U2"),
        ("calibration.no_figure", "U1"),
        ("calibration.no_people", "U3"),
        ("calibration.odd_factor", "U5"),
        ("calibration.done", "2"),
    ]


def test_elderly_stay_part_of_the_people_and_reach_their_figure():
    # 100 people, of them 40 elderly; officially 50 and 40: the first point is full.
    table = units(unit_id=["a"], population=[50.0], elderly=[40.0])
    points = demand(["a", "a"], [50.0, 50.0], [30.0, 10.0])
    weighed = weigh_people(table, points, calibrate="township")
    assert weighed.population.tolist() == [25.0, 25.0]
    assert weighed.elderly.tolist() == pytest.approx([25.0, 15.0])
    assert weighed.table["elderly_residual_after"].tolist() == [0.0]


def test_elderly_without_a_figure_or_with_a_wrong_one_follow_the_people():
    points = demand(["a", "a", "b"], [10.0, 30.0, 10.0], [5.0, 5.0, 4.0])
    table = units(unit_id=["a", "b"], population=[80.0, 5.0], elderly=[np.nan, 6.0])
    weighed = weigh_people(table, points, calibrate="township")
    assert weighed.elderly.tolist() == pytest.approx([10.0, 10.0, 2.0])
    assert ("calibration.elderly_above", "U1") in codes(weighed)


def test_a_raster_of_the_elderly_alone_is_scaled_to_the_elderly():
    table = units(unit_id=["a"], population=[np.nan], elderly=[40.0])
    points = demand(["a", "a"], [np.nan, np.nan], [30.0, 20.0])
    weighed = weigh_people(table, points, calibrate="township")
    assert weighed.elderly.tolist() == [24.0, 16.0]
    assert np.isnan(weighed.population).all()
    assert weighed.table["elderly_factor"].tolist() == [0.8]


def test_figures_of_a_table_take_the_place_of_the_units_own():
    table = units(unit_id=["a", "b"], population=[1.0, 2.0])
    totals = pd.DataFrame({"unit_id": ["a"], "population": [30.0], "elderly": [np.nan]})
    points = demand(["a", "b"], [10.0, 10.0])
    weighed = weigh_people(table, points, calibrate="township", totals=totals)
    assert weighed.population.tolist() == [30.0, 10.0]
    assert weighed.table["status"].tolist() == ["scaled", "no_figure"]


def test_without_being_asked_nothing_is_scaled_and_the_residual_is_told_once():
    table = pd.concat([
        units(unit_id=["c"], population=[200.0]).assign(level="county"),
        units(unit_id=["a", "b"], population=[120.0, 80.0]),
    ])  # fmt: skip
    points = demand(["a", "b"], [108.0, 74.0]).assign(unit_county="c")
    weighed = weigh_people(table, points, calibrate=None)
    assert weighed.population.tolist() == [108.0, 74.0]
    assert codes(weighed) == [("population.residual", "-9.0 %")]
    assert weighed.problems[0].details["level"] == "township"
    assert weighed.problems[0].details["worst_share"] == "-10.0 %"
    assert weighed.table["factor"].isna().all()
    assert weighed.table["status"].tolist() == ["compared"] * 3


def test_units_with_a_figure_and_nobody_in_the_source_are_named():
    table = units(unit_id=["a", "b"], population=[100.0, 50.0])
    weighed = weigh_people(table, demand(["a"], [100.0]), calibrate=None)
    assert codes(weighed) == [("population.units_without_cells", "U1")]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0.01, 1e4), SHARE),
        min_size=1, max_size=40,
    ),
    st.lists(st.tuples(st.floats(0.1, 1e6), SHARE), min_size=3, max_size=3),
)  # fmt: skip
def test_sums_are_the_figures_and_no_point_has_more_elderly_than_people(points, figures):
    unit, people, share = (list(part) for part in zip(*points, strict=True))
    people, share = np.array(people), np.array(share)
    whole, old_share = (np.array(part) for part in zip(*figures, strict=True))
    table = units(unit_id=list("abc"), population=whole, elderly=whole * old_share)
    weighed = weigh_people(table, demand(unit, people, people * share), calibrate="township")
    assert (weighed.elderly <= weighed.population * (1 + 1e-9)).all()
    rows = weighed.table
    scaled = rows["status"] == "scaled"
    assert rows.loc[scaled, "population"].to_numpy() == pytest.approx(
        rows.loc[scaled, "official_population"].to_numpy(), rel=1e-9
    )
    # Elderly reach their figure where every point has some; else they may fall short, never over.
    some = scaled & (rows["source_elderly"] > 0)
    assert (
        rows.loc[some, "elderly"] <= rows.loc[some, "official_elderly"] * (1 + 1e-9) + 1e-9
    ).all()
    if (share > 1e-3).all():
        reached = rows[some & (rows["official_elderly"] > 0)]
        assert reached["elderly"].to_numpy() == pytest.approx(
            reached["official_elderly"].to_numpy(), rel=1e-6
        )


def test_shares_of_elderly_come_from_the_smallest_unit_that_has_both():
    table = pd.concat([
        units(unit_id=["c"], population=[1000.0], elderly=[300.0]).assign(level="county"),
        units(unit_id=["a", "b"], population=[200.0, 100.0], elderly=[20.0, np.nan]),
    ])  # fmt: skip
    points = demand(["a", "b", None], [50.0, 50.0, 50.0]).assign(unit_county=["c", "c", None])
    elderly, problems = elderly_by_units(table, points)
    assert elderly.tolist() == pytest.approx([5.0, 15.0, 5.0])
    assert [problem.code for problem in problems] == ["population.no_share"]
    assert problems[0].value == "1"


# --- the demo city: its raster is made 9 % low --------------------------------------------------


@pytest.fixture(scope="module")
def demo():
    """Return townships in metres, with sums of the raster by plain rasterio and numpy."""
    townships = gpd.read_file(DATA / "boundaries" / "townships.gpkg").to_crs("EPSG:4549")
    with rasterio.open(DATA / "population" / "population_100m.tif") as file:
        values = file.read(1, masked=True).filled(0.0).astype(float)
        row, col = np.nonzero(values > 0)
        x, y = file.xy(row, col)
    points = shapely.points(x, y)
    inside = [shapely.contains(shape, points) for shape in townships.geometry]
    sums = np.array([values[row[mine], col[mine]].sum() for mine in inside])
    return townships, sums, values.sum()


def test_the_demo_city_is_scaled_by_what_its_own_raster_lacks(demo, tmp_path):
    from servicecircle.inputs.boundaries import read_boundaries
    from servicecircle.inputs.population import read_population
    from servicecircle.measure.calibration import settle_people
    from servicecircle.measure.places import place_points
    from servicecircle.project import load_project

    townships, sums, whole = demo
    official = townships["常住人口"].to_numpy(float)
    # The fault by arithmetic of its own.
    assert whole / official.sum() == pytest.approx(0.91, abs=1e-5)
    project = load_project(DATA / "demo.toml")
    table, _ = read_boundaries(project.boundaries["township"], level="township", base=DATA)
    for calibrate in (None, "township"):
        settings = project.population.model_copy(update={"calibrate": calibrate})
        people = read_population(settings, base=DATA, units=table)
        unit = place_points(
            people.demand["lon"].to_numpy(), people.demand["lat"].to_numpy(),
            table.geometry.to_numpy(), gap_m=0.002,
        ).polygon  # fmt: skip
        points = people.demand.assign(unit_township=table["unit_id"].to_numpy(object)[unit])
        assert (unit >= 0).all()
        settled, weighed, balance = settle_people(people, settings, table, points)
        rows = weighed.table.set_index("code").loc[townships["代码"].astype(str)]
        # A cell whose centre lies in a gap of the outlines goes to the nearest unit.
        assert rows["source_population"].to_numpy() == pytest.approx(sums, rel=1e-3)
        if calibrate is None:
            assert settled["population"].sum() == pytest.approx(whole)
            (told,) = [one for one in weighed.problems if one.code == "population.residual"]
            assert told.value == "-9.0 %"
            assert rows["residual"].to_numpy() == pytest.approx(sums / official - 1, abs=1e-3)
        else:
            assert rows["status"].eq("scaled").all()
            assert rows["factor"].to_numpy() == pytest.approx(official / sums, rel=1e-3)
            weights = rows["source_population"].to_numpy()
            assert (rows["factor"] * weights).sum() / weights.sum() == pytest.approx(1 / 0.91, 1e-4)
            assert settled["population"].sum() == pytest.approx(official.sum())
            old = townships["60岁及以上人口"].sum()
            assert settled["elderly"].sum() == pytest.approx(old)
            assert (settled["elderly"] <= settled["population"] * (1 + 1e-9)).all()
            # Exact shares of cells differ from centres by the cells on the borders alone.
            exact = rows["exact_population"].to_numpy()
            assert exact == pytest.approx(sums, rel=0.01)
            assert exact.sum() == pytest.approx(whole, rel=2e-3)
            assert balance["people_exact_in_units"] == pytest.approx(exact.sum())
