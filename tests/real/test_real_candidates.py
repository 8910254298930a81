"""Candidates on real roads: the guarantee of the grid, junctions, buildings, water, plots."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from servicecircle.inputs.sites import read_sites
from servicecircle.measure.access import Points, reaches
from servicecircle.measure.ground import lay_ground
from servicecircle.measure.layers import all_access
from servicecircle.network.reach import nearest
from servicecircle.progress import Silent
from servicecircle.project import Project, load_project
from servicecircle.siting.candidates import find_candidates
from servicecircle.siting.pairs import apart_pairs, candidate_pairs
from servicecircle.study import read_study

ISLAND = "isle_of_man/isle_of_man_2020-03-14.osm.pbf"


class Laid:
    """A real project on its ground, to be asked for candidates in several ways."""

    def __init__(self, file):
        self.project = load_project(file)
        _, self.inputs = read_study(self.project, progress=Silent())
        self.ground = lay_ground(self.project, self.inputs)

    def candidates(self, siting=None, *, layer="care_home", **options):
        given = self.project.model_dump(exclude_unset=True) | {"siting": siting or {}}
        project = Project.model_validate(given)
        project._folder = self.project.folder
        sites = read_sites(project, self.inputs)
        return find_candidates(project, self.ground, sites, layer=layer, **options)


@pytest.fixture(scope="module")
def island(real_project):
    return Laid(real_project("isle_of_man"))


@pytest.fixture(scope="module")
def wuhan(real_project):
    return Laid(real_project("wuhan"))


def road_points(laid, count, *, profile="elderly"):
    """Return random points of the roads that can be attached to, inside the study area."""
    way = laid.ground.way(profile)
    network = way.network
    rng = np.random.default_rng(11)
    weight = np.where(network.eligible, network.length_m, 0.0)
    edge = rng.choice(weight.size, count, p=weight / weight.sum())
    share = rng.uniform(size=count)
    u, v = network.u[edge], network.v[edge]
    x = network.x[u] + share * (network.x[v] - network.x[u])
    y = network.y[u] + share * (network.y[v] - network.y[u])
    inside = shapely.intersects_xy(laid.ground.area, x, y)
    return way.attach(Points(ids=edge[inside].astype(object), x=x[inside], y=y[inside], at=None))


@pytest.mark.parametrize("place", ["island", "wuhan"])
def test_no_point_of_the_roads_is_farther_from_the_grid_than_it_says(request, place):
    laid = request.getfixturevalue(place)
    found = laid.candidates({"candidates": {"net": {"kind": "grid", "every_m": 400.0}}})
    assert found.guarantee_m <= 400.0
    new = np.flatnonzero(~found.existing)
    places = road_points(laid, 20_000)
    travel = laid.ground.way("elderly").travel
    metres = nearest(travel, places.at, found.points.take(new).at).metres
    assert np.nanmax(metres) <= found.guarantee_m + 0.05
    # Roads of parts that nothing else joins have candidates too.
    assert not np.isnan(metres).any()
    # It is thinned: about two distances of road to a candidate.
    assert found.chosen["grid_road_m"] / new.size > 1.2 * 400.0


@pytest.mark.parametrize("place", ["island", "wuhan"])
@pytest.mark.parametrize(
    ("criterion", "limit"), [("seconds", 900.0), ("metres", 1000.0), ("straight_metres", 1000.0)]
)
def test_existing_homes_cover_the_people_of_the_access_table(request, place, criterion, limit):
    laid = request.getfixturevalue(place)
    found = laid.candidates({"candidates": {"net": {"kind": "grid", "every_m": 2000.0}}})
    pairs = candidate_pairs(laid.ground, found, limit=limit, criterion=criterion)
    mine = pairs[:, np.flatnonzero(found.existing)]
    keys = {("care_home", found.profile)}
    table = all_access(laid.project, laid.ground, keys, Silent())["care_home", found.profile]
    covered = reaches(table[criterion].to_numpy(float), limit)
    assert covered.any()
    assert ((np.diff(mine.indptr) > 0) == covered).all()


def test_the_island_without_settings(island):
    found = island.candidates()
    old = found.frame[found.existing]
    homes = island.ground.facilities[lambda table: table["layer"] == "care_home"]
    assert sorted(old["candidate_id"]) == sorted(homes["facility_id"])
    assert found.chosen["default"] is True
    assert set(found.frame["source"]) == {"existing", "facilities", "grid"}
    assert found.frame["candidate_id"].is_unique
    new = found.frame[~found.existing]
    assert (new["snap_status"] == "attached").all()
    assert new["unit_township"].notna().mean() > 0.99


def test_the_islands_public_buildings_and_crossings_outside_of_water(island, shared):
    siting = {
        "candidates": {
            "halls": {
                "kind": "buildings",
                "path": str(shared / ISLAND),
                "osm": ["building=public", "building=school", "building=church"],
                "least_area_m2": 200.0,
            },
            "crossings": {
                "kind": "junctions",
                "roads": 4,
                "classes": ["residential", "tertiary", "secondary", "primary"],
                "thin_m": 150.0,
            },
        },
        "zones": {"water": {"path": str(shared / ISLAND), "osm": ["natural=water"]}},
    }
    found = island.candidates(siting)
    counts = found.frame["source"].value_counts()
    assert counts["buildings"] > 50
    assert counts["junctions"] > 50
    assert found.excluded["small"] > 0
    assert found.excluded["thinned"] > 0
    crossings = np.flatnonzero((found.frame["source"] == "junctions").to_numpy())
    x, y = found.points.x[crossings], found.points.y[crossings]
    away = np.hypot(x[:, None] - x, y[:, None] - y)
    np.fill_diagonal(away, np.inf)
    assert away.min() >= 150.0
    assert found.frame["name"].iloc[crossings].ne("").mean() > 0.8
    spacing = apart_pairs(found, spacing_m=500.0, existing_m=1000.0)
    metres = np.hypot(*(np.diff(axis[spacing], axis=1)[:, 0] for axis in
                        (found.points.x, found.points.y)))  # fmt: skip
    assert metres.max() < 1000.0


def test_real_plots_with_people_near(wuhan, tmp_path):
    """Plots drawn about real crossings, the half of them in a zone of 5 km about the middle."""
    crossings = wuhan.candidates({"candidates": {"all": {"kind": "junctions", "thin_m": 900.0}}})
    frame = crossings.frame[~crossings.existing].reset_index(drop=True)
    metric = frame.to_crs(wuhan.ground.metric.crs)
    plots = metric.geometry.buffer(40.0, cap_style="square")
    gpd.GeoDataFrame(
        {"名称": [f"地块{row}" for row in range(len(frame))], "造价": np.arange(len(frame)) + 1.0},
        geometry=plots,
        crs=metric.crs,
    ).to_crs("EPSG:4326").to_file(tmp_path / "plots.gpkg")
    middle = shapely.Point(metric.geometry.x.median(), metric.geometry.y.median())
    zone = gpd.GeoSeries([middle.buffer(5000.0)], crs=metric.crs).to_crs("EPSG:4326")
    gpd.GeoDataFrame(geometry=zone).to_file(tmp_path / "red.gpkg")
    found = wuhan.candidates(
        {
            "candidates": {"plots": {"kind": "parcels", "path": str(tmp_path / "plots.gpkg")}},
            "zones": {"red": {"path": str(tmp_path / "red.gpkg")}},
        },
        reach_m=1000.0,
    )
    new = found.frame[~found.existing]
    inside = metric.geometry.distance(middle) < 4990.0
    assert found.excluded["zone"] == pytest.approx(int(inside.sum()), abs=2)
    assert len(new) + sum(found.excluded.values()) == len(frame)
    assert found.excluded["nobody_near"] > 0
    # A road crosses each of them.
    assert new["snap_m"].max() == 0.0
    assert sorted(new["cost"]) == sorted(set(new["cost"]))
