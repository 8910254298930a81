"""Values of the four real projects, worked out a second time by other means."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

AS_OF = pd.Timestamp("2025-12-31")
TAIPEI = "113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"


def metric(run):
    """Return the run's own coordinate system, as its record says it."""
    return re.fullmatch(r".*\((.+)\)", run.record["crs"])[1]


def rule(run, layer, name, level=None):
    """Return the rows of units.csv of one layer and rule, by unit."""
    units = run.csv("units.csv")
    chosen = (units["layer"] == layer) & (units["rule"] == name)
    if level is not None:
        chosen &= units["level"] == level
    return units[chosen].set_index("unit_id")


def corners_joined(lines):
    """Return x, y, u, v of lines whose corners are one node where they have one place."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    nodes, node = np.unique(np.round(xy, 3), axis=0, return_inverse=True)
    node = node.ravel()
    same = line[1:] == line[:-1]
    u, v = node[:-1][same], node[1:][same]
    kept = u != v
    return nodes[:, 0], nodes[:, 1], u[kept], v[kept]


@pytest.fixture(scope="module")
def wuhan_streets(shared, finished):
    roads = gpd.read_parquet(shared / "wuhan" / "original.parquet")
    classes = roads["highway"].astype(str)
    # Of the classes in this file only these may not be walked.
    roads = roads[~classes.isin(["motorway", "motorway_link"])]
    return corners_joined(roads.geometry.to_crs(metric(finished("wuhan"))).to_numpy())


def test_wuhan_s_ways_equal_a_brute_force_with_networkx(finished, oracles, wuhan_streets):
    run = finished("wuhan")
    truth = oracles.Streets(*wuhan_streets)
    demand = run.layer("demand").to_crs(metric(run))
    sample = demand.iloc[np.random.default_rng(7).choice(len(demand), 100, replace=False)]
    homes = run.layer("facilities").to_crs(metric(run))
    sites = []
    for points in (sample.geometry, homes.geometry):
        x, y = points.x.to_numpy(), points.y.to_numpy()
        sites.append(truth.attach(x, y, 500.0))
    metres, status, nearest = truth.nearest(*sites)
    assert len(set(status)) >= 2
    assert sample["care_home_status"].tolist() == status
    theirs = sample["care_home_metres"].to_numpy(float)
    np.testing.assert_array_equal(np.isnan(theirs), np.isnan(metres))
    # Their nodes have come through degrees, and ours are rounded to a millimetre.
    assert np.nanmax(np.abs(theirs - metres)) < 0.25
    found = sample["care_home_facility_id"].tolist()
    ids = homes["facility_id"].tolist()
    for name, allowed in zip(found, nearest, strict=True):
        assert not allowed or ids.index(name) in allowed
    near = np.abs(metres - 1000.0) < 0.25
    assert not near.any()
    covered = sample["care_home_metres"] <= 1000.0
    assert covered.tolist() == (metres <= 1000.0).tolist()
    assert covered.any()


def test_wuhan_s_coverage_is_the_sum_of_its_cells(finished):
    run = finished("wuhan")
    access = pd.read_parquet(run.folder / "access.parquet").groupby("demand_id").first()
    unit = run.csv("units.csv").set_index("rule")
    sums = {
        "5 min": access["seconds"] <= 300,
        "10 min": access["seconds"] <= 600,
        "15 min": access["seconds"] <= 900,
        "1000 m": access["metres"] <= 1000,
        "1000 m straight": access["straight_metres"] <= 1000,
    }
    for name, inside in sums.items():
        people = access.loc[inside, "elderly"].sum()
        assert unit.loc[name, "covered_elderly"] == pytest.approx(people, abs=1e-3), name
    for status in ("unreachable", "unsnapped"):
        people = access.loc[access["status"] == status, "elderly"].sum()
        assert unit.loc["15 min", status] == pytest.approx(people, abs=1e-3)
    # At 3 km/h the seconds are 1.2 times the metres.
    reached = access["metres"].notna()
    np.testing.assert_allclose(access["seconds"][reached], access["metres"][reached] * 1.2)


@pytest.mark.parametrize("name", ["isle_of_man", "wuhan"])
def test_every_facility_s_own_circles_are_nested(finished, name):
    run = finished(name)
    circles = run.layer("circles_facility")
    assert circles.geometry.is_valid.all()
    checked = 0
    for _, bands in circles.sort_values("minutes").groupby(["layer", "facility_id"]):
        shapes = bands.geometry.to_numpy()
        assert bands["minutes"].tolist() == [5, 10, 15]
        assert (np.diff(bands["area_m2"]) >= 0).all()
        # Square degrees: 1e-14 is a square centimetre or two.
        assert (shapely.area(shapely.difference(shapes[:-1], shapes[1:])) < 1e-14).all()
        checked += 1
    assert checked >= 59


@pytest.mark.parametrize("name", ["isle_of_man", "wuhan"])
def test_the_circle_of_a_layer_is_that_of_its_facilities(finished, name):
    run = finished(name)
    shapes = run.layer("circles_facility").to_crs(metric(run))
    whole = run.layer("circles_layer").to_crs(metric(run)).set_index(["layer", "minutes"])
    cell_m = run.record["circles"]["cell_m"]
    for key, mine in shapes.groupby(["layer", "minutes"]):
        apart = shapely.symmetric_difference(mine.union_all(), whole.geometry[key])
        # Each is drawn for itself: they may differ by slivers within a cell.
        assert shapely.area(apart) < 1e-3 * shapely.area(whole.geometry[key])
        assert shapely.is_empty(shapely.buffer(apart, -cell_m / 2.0))


def test_the_island_s_people_lie_in_its_buildings_and_units(finished, shared):
    run = finished("isle_of_man")
    demand, units = run.layer("demand"), run.layer("units_township")
    assert demand["population"].sum() == pytest.approx(84_000, abs=1e-6)
    inside = gpd.sjoin(demand[["population", "geometry"]], units[["unit_id", "geometry"]])
    people = inside.groupby("unit_id")["population"].sum()
    table = rule(run, "hospital", "15 min")
    assert table["population"].sum() == pytest.approx(84_000, abs=1e-6)
    # Points on a border may fall to either side.
    gap = (table["population"] - people.reindex(table.index).fillna(0)).abs()
    assert gap.sum() < 100
    # Douglas is the one town with over a quarter of the people, as in reality.
    assert units.set_index("unit_id").loc[table["population"].idxmax(), "name"] == "Douglas"
    # By ground area: people per square metre are the same wherever whole buildings are compared.
    pbf = next((shared / "isle_of_man").glob("*.pbf"))
    shapes = pyogrio.read_dataframe(pbf, layer="multipolygons", where="building IS NOT NULL")
    assert len(shapes) == pytest.approx(len(demand), rel=0.02)
    centres = gpd.sjoin(shapes[["geometry"]].to_crs(2157), units.to_crs(2157)[["geometry", "name"]])
    areas = centres.geometry.area.groupby(centres["name"]).sum()
    share = areas["Douglas"] / areas.sum()
    assert table["population"].max() / 84_000 == pytest.approx(share, rel=0.05)


def test_the_island_s_homes_are_those_of_its_tags(finished, shared):
    pbf = next((shared / "isle_of_man").glob("*.pbf"))
    points = pyogrio.read_dataframe(pbf, layer="points", where="other_tags LIKE '%nursing_home%'")
    areas = pyogrio.read_dataframe(pbf, layer="multipolygons", where="amenity = 'nursing_home'")
    facilities = finished("isle_of_man").csv("facilities.csv")
    homes = facilities[facilities["layer"] == "care_home"]
    nursing = homes[homes["extra"].str.contains('"amenity": "nursing_home"', regex=False)]
    assert len(nursing) == 3
    assert set(points["name"]) | set(areas["name"]) == set(nursing["name"])


@pytest.fixture(scope="module")
def jiangshan_lists(real_project):
    """Return the lists of children's homes and of burial sites as they were written."""
    folder = real_project("jiangshan").parent / "stand_ins"
    lists = ("childrens_homes.csv", "burial_sites.csv")
    return [pd.read_csv(folder / name, dtype=str, encoding="utf-8-sig") for name in lists]


def test_jiangshan_s_homes_counted_with_pandas(finished, jiangshan_lists):
    run = finished("jiangshan")
    homes, _ = jiangshan_lists
    assert len(homes) == 225
    here = homes[pd.to_datetime(homes["启用日期"]) <= AS_OF]
    assert len(here) == 210
    counts = here.groupby(["所属乡镇", "所属村"]).size()
    theirs = run.layer("units_village_level")
    theirs["town"] = theirs["parent_id"].map(
        run.layer("units_township").set_index("unit_id")["name"]
    )
    theirs = theirs.set_index(["town", "name"])["childrens_home_presence"]
    # Farms of one town may share a name; none of them has a home.
    mine = counts.reindex(theirs.index.drop_duplicates()).fillna(0)
    assert theirs.groupby(level=[0, 1]).sum().reindex(mine.index).tolist() == mine.tolist()
    assert (mine == 2).sum() == 10
    assert (mine > 0).sum() == 200
    towns = run.layer("units_township").set_index("name")["childrens_home_presence"]
    assert towns.to_dict() == here.groupby("所属乡镇").size().reindex(towns.index).to_dict()
    results = run.csv("unit_results.csv")
    results = results[results["indicator_id"] == "quzhou_childrens_home_village_coverage"]
    assert results["verdict"].value_counts().to_dict() == {"met": 200, "not_met": 126}


def test_jiangshan_s_burial_sites_count_where_they_are_assigned(finished, jiangshan_lists):
    run = finished("jiangshan")
    _, sites = jiangshan_lists
    served = sites.assign(village=sites["服务村居"].str.split("；")).explode("village")
    # Also the two names that another town has too: the list names the town of each site.
    counts = served.groupby(["所属乡镇", "village"]).size()
    units = run.layer("units_village_level")
    towns = run.layer("units_township").set_index("unit_id")["name"]
    table = units.assign(town=units["parent_id"].map(towns))
    table = table[table["should_have"]].set_index(["town", "name"])
    theirs = table["ecological_burial_site_presence"]
    assert theirs.tolist() == counts.reindex(theirs.index).fillna(0).tolist()
    score = run.csv("scorecard.csv").set_index("indicator_id")
    row = score.loc["quzhou_ecological_burial_village_coverage"]
    assert set(row["numerator"]) == {len(counts)}
    assert not run.csv("problems.csv")["code"].str.startswith("presence.unknown").any()


def test_only_the_invented_one_of_two_layers_is_called_invented(command, real_project, tmp_path):
    project = real_project("jiangshan")
    text = project.read_text(encoding="utf-8")
    head, tail = text.split("[facilities.ecological_burial_site]")
    project.write_text(
        head + "[facilities.ecological_burial_site]" + tail.replace("invented = true", ""),
        encoding="utf-8",
    )
    run = command(project, tmp_path / "out")
    assert run.record["invented_layers"] == ["childrens_home"]
    assert "childrens_home" in run.record["notice"]
    assert "burial" not in run.record["notice"]
    for table in (run.csv("facilities.csv"), run.layer("facilities")):
        assert table.groupby("layer")["invented"].agg(["min", "max"]).to_dict("index") == {
            "childrens_home": {"min": True, "max": True},
            "ecological_burial_site": {"min": False, "max": False},
        }
    score = run.csv("scorecard.csv")
    said = score["notes"].fillna("").str.contains("invented sites")
    assert set(score.loc[said, "layer"]) == {"childrens_home"}


def villages_of(table):
    """Return the rows of villages, by their code: districts and planning units add them up."""
    return table[table["level"] == "village_level"].set_index("code")


def test_taipei_s_units_have_the_people_of_their_rows(finished, shared):
    run = finished("taipei")
    source = gpd.read_file(shared / "taipei" / TAIPEI).set_index("V_ID")
    table = villages_of(rule(run, "elderly_day_center", "1000 m straight"))
    assert len(table) == len(source)
    source = source.loc[table.index]
    parts = source["A0A14_CNT"] + source["A15A64_CNT"] + source["A65UP_CNT"]
    assert table["population"].tolist() == parts.tolist()
    assert table["elderly"].tolist() == source["A65UP_CNT"].tolist()
    # A village is one point: it is covered wholly or not at all.
    covered = table["covered_elderly"]
    assert ((covered == 0) | (covered == table["elderly"])).all()


def test_taipei_s_beds_and_homes_per_village_by_place(finished, shared):
    run = finished("taipei")
    facilities = run.layer("facilities")
    villages = gpd.read_file(shared / "taipei" / TAIPEI)[["V_ID", "geometry"]]
    for layer, count in (("care_home", 94), ("elderly_day_center", 14)):
        mine = facilities[facilities["layer"] == layer]
        inside = gpd.sjoin(mine[["facility_id", "geometry"]], villages, predicate="within")
        assert inside["facility_id"].is_unique
        table = villages_of(rule(run, layer, "presence"))["facilities"]
        assert table.sum() == count
        counts = inside.groupby("V_ID").size().reindex(table.index).fillna(0)
        # One on the very border of two villages belongs to one of them.
        assert (table - counts).abs().sum() <= count - len(inside)


def test_taipei_s_results_say_that_there_are_no_roads(finished):
    run = finished("taipei")
    assert run.record["network"] is None
    assert "没有路网" in run.stdout
    score = run.csv("scorecard.csv").set_index("indicator_id")
    row = score.loc["zhejiang_care_home_within_1km"]
    assert row["missing_inputs"] == "[roads]"
    assert "roads" in row["width_causes"].split(";")
    # Roads may lead nobody there in time; homes anywhere in their village widen the straight line.
    assert row["low"] == 0.0
    assert row["straight_value"] < row["high"] < 100.0
    assert "people_coordinates" in row["width_causes"].split(";")
    assert "65" in row["notes"]
    facilities = run.csv("facilities.csv")
    assert set(facilities["snap_status"]) == {"no_roads"}
    assert len(run.layer("circles_layer")) == 0


@pytest.mark.parametrize("name", ["isle_of_man", "wuhan", "jiangshan", "taipei"])
def test_tables_open_in_excel(finished, name):
    folder = finished(name).folder
    for path in folder.glob("*.csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf"), path.name
        assert len(path.read_text(encoding="utf-8-sig").splitlines()) >= 1
