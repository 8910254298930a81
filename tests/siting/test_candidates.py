"""Candidates of every kind in a town of two streets: who is taken, who is not, and why."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer

from servicecircle.errors import InputError, ProjectError
from servicecircle.inputs.raw_roads import MODES, RawRoads
from servicecircle.siting.candidates import find_candidates
from servicecircle.siting.junctions import road_junctions, thinned

TO_METRES = Transformer.from_crs("EPSG:4326", "EPSG:4549", always_xy=True)
LAKE = '\n[siting.zones.lake]\npath = "lake.geojson"\n'


def metres(frame):
    x, y = TO_METRES.transform(frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy())
    return np.round(np.asarray(x) - 500_000.0, 2), np.round(np.asarray(y) - 3_340_000.0, 2)


def found_in(town, extra="", layer="care_home", **options):
    project, ground, sites = town(extra)
    return find_candidates(project, ground, sites, layer=layer, **options)


def new_of(candidates):
    return candidates.frame[~candidates.existing]


def codes(candidates):
    return [problem.code for problem in candidates.problems]


def test_a_project_without_siting_has_a_grid_and_its_community_buildings(siting_town):
    found = found_in(siting_town)
    new = new_of(found)
    assert set(new["source"]) == {"facilities", "grid"}
    assert found.chosen["default"] is True
    assert found.chosen["lists"]["grid"]["every_m"] == 250.0
    # One centre lies 4 km outside the town.
    assert new.loc[new["source"] == "facilities", "name"].tolist() == ["社区中心", "湖心"]
    assert found.excluded["outside"] == 1
    assert codes(found) == ["site.outside"]
    assert 0.0 < found.guarantee_m <= 250.0
    assert found.guarantee == found.guarantee_m
    assert (new["cost"] == 1.0).all()
    assert np.isinf(new["capacity"]).all()


def test_existing_open_facilities_come_first_and_are_kept(siting_town):
    found = found_in(siting_town)
    old = found.frame[found.existing]
    assert found.existing.tolist() == [True, True] + [False] * (len(found.frame) - 2)
    # 三号 opens in 2030.
    assert old["name"].tolist() == ["一号", "二号"]
    assert old["candidate_id"].tolist() == old["facility_id"].tolist()
    assert old["cost"].tolist() == [0.0, 0.0]
    assert old["capacity"].tolist() == [50.0, 30.0]
    assert old["closable"].all()
    assert old["snap_m"].round(3).tolist() == [20.0, 10.0]
    units = old["unit_township"].tolist()
    assert [one.endswith(name) for one, name in zip(units, ("001000", "002000"), strict=True)]
    assert old["in_main_urban_area"].tolist() == [True, False]
    assert not old[["mandatory", "forbidden"]].to_numpy().any()


def test_new_candidates_know_their_units_and_scopes(siting_town):
    new = new_of(found_in(siting_town))
    x, _ = metres(new)
    west = new["unit_township"] == "township:330101001000"
    assert west.to_numpy().tolist() == (x < 1500).tolist()
    assert new["in_main_urban_area"].tolist() == (x <= 1200).tolist()


def test_every_kind_gives_its_places(siting_town):
    siting_town.table(siting_town.folder / "plots.csv", [1400, 1800], [30, 0], name=["甲", "乙"])
    extra = """
    [siting.candidates.plots]
    kind = "parcels"
    path = "plots.csv"
    datum = "wgs84"
    [siting.candidates.hosts]
    kind = "facilities"
    layers = ["community_service_center"]
    [siting.candidates.crossings]
    kind = "junctions"
    [siting.candidates.net]
    kind = "grid"
    every_m = 400
    """.replace("\n    ", "\n")
    found = found_in(siting_town, extra)
    new = new_of(found)
    counts = new.groupby("source", sort=False).size().to_dict()
    assert counts == {"parcels": 2, "facilities": 2, "junctions": 1, "grid": counts["grid"]}
    crossing = new[new["source"] == "junctions"]
    assert crossing["name"].tolist() == ["大街 / 横街"]
    assert [one.tolist() for one in metres(crossing)] == [[1000.0], [0.0]]
    assert new["candidate_id"].is_unique
    assert new["listed"].tolist()[:2] == ["plots", "plots"]
    assert new["source_file"].tolist()[:2] == ["plots.csv", "plots.csv"]
    assert new["source_row"].tolist()[:2] == [2, 3]


def test_excluded_zones_hold_no_candidate(siting_town):
    found = found_in(siting_town, LAKE)
    x, _ = metres(new_of(found))
    assert not ((x > 2000) & (x < 2400)).any()
    assert found.excluded["zone"] == 1
    told = next(one for one in found.problems if one.code == "site.in_zone")
    assert (told.value, told.details["zone"]) == ("湖心", "lake")
    assert "lake" in told.text("en")
    # All of the street outside the lake is near to a candidate.
    grid = new_of(found)[lambda frame: frame["source"] == "grid"]
    gx, gy = metres(grid)
    places = np.concatenate([np.linspace(0, 2000, 300), np.linspace(2400, 3000, 100)])
    cross = np.linspace(-400, 400, 100)
    to_street = np.abs(places[:, None] - gx) + np.abs(gy)
    to_cross = np.where(
        gx == 1000, np.abs(cross[:, None] - gy), np.abs(gx - 1000) + np.abs(cross)[:, None]
    )
    assert to_street.min(axis=1).max() <= found.guarantee_m + 0.1
    assert to_cross.min(axis=1).max() <= found.guarantee_m + 0.1


def test_barriers_of_the_roads_hold_no_candidate(siting_town):
    project, ground, sites = siting_town(
        roads='\n[roads]\npath = "roads.gpkg"\nbarriers = "lake.geojson"\n'
    )
    found = find_candidates(project, ground, sites, layer="care_home")
    assert found.excluded["zone"] == 1
    x, _ = metres(new_of(found))
    assert not ((x > 2000) & (x < 2400)).any()


def test_no_candidate_stands_on_steep_ground(siting_town):
    """Flat up to 1,800 m, then 40 % towards the north; no height west of 200 m."""
    x, y = np.meshgrid(np.arange(-245.0, 3250, 10), np.arange(995.0, -1000, -10))
    heights = np.where(x < 200, -9999.0, np.where(x > 1800, 0.4 * (y + 2000.0), 100.0))
    profile = {"driver": "GTiff", "width": x.shape[1], "height": x.shape[0], "count": 1,
               "dtype": "float64", "crs": "EPSG:4549", "nodata": -9999.0,
               "transform": rasterio.Affine(10, 0, 499_750, 0, -10, 3_341_000)}  # fmt: skip
    with rasterio.open(siting_town.folder / "dem.tif", "w", **profile) as file:
        file.write(heights, 1)
    siting_town.table(
        siting_town.folder / "plots.csv", [100, 900, 2500], [0, 0, 5], name=["甲", "乙", "丙"]
    )
    lists = """
    [siting]
    slope_max_percent = 25
    [siting.candidates.plots]
    kind = "parcels"
    path = "plots.csv"
    datum = "wgs84"
    [siting.candidates.net]
    kind = "grid"
    """.replace("\n    ", "\n")
    roads = '\n[roads]\npath = "roads.gpkg"\ndem = "dem.tif"\n'
    project, ground, sites = siting_town(lists, roads=roads)
    found = find_candidates(project, ground, sites, layer="care_home")
    new = new_of(found)
    assert metres(new)[0].max() < 1830.0
    assert new["name"].tolist()[:2] == ["甲", "乙"]
    steep, unknown = found.problems[-2:]
    assert (steep.code, steep.value, steep.details["slope"]) == ("site.steep", "丙", "40")
    assert (unknown.code, unknown.value) == ("site.no_slope", "1")
    assert found.excluded["steep"] == 1
    # On slopes people go by time: so does the guarantee.
    assert found.guarantee_unit == "seconds"
    assert 0.0 < found.guarantee < 400.0


def test_plots_say_what_they_cost_and_hold(siting_town):
    siting_town.table(
        siting_town.folder / "plots.csv",
        [1400, 1800, 1900, 2700],
        [0, 0, 0, 0],
        名称=["甲", "乙", "丙", "丁"],
        造价=["120万", "", "-5", "80"],
        床位数=["60", "", "", ""],
        必选=["是", "", "", "否"],
        禁选=["", "是", "", ""],
    )
    extra = """
    [siting]
    cost = 7
    capacity = 40
    [siting.candidates.plots]
    kind = "parcels"
    path = "plots.csv"
    datum = "wgs84"
    capacity = 90
    """.replace("\n    ", "\n")
    found = found_in(siting_town, extra)
    new = new_of(found)
    # The third is not used: nobody knows what is spent there.
    assert new["name"].tolist() == ["甲", "乙", "丁"]
    assert new["cost"].tolist() == [1_200_000.0, 7.0, 80.0]
    assert new["capacity"].tolist() == [60.0, 90.0, 90.0]
    assert new["mandatory"].tolist() == [True, False, False]
    assert new["forbidden"].tolist() == [False, True, False]
    aside = [one for one in found.problems if one.code == "site.no_cost"]
    assert [(one.row, one.value, one.column) for one in aside] == [(4, "-5", "造价")]
    negative = [one for one in found.problems if one.code == "facility.negative"]
    assert [(one.row, one.value, one.column) for one in negative] == [(4, "-5", "造价")]


def test_a_plot_is_entered_over_its_outline(siting_town):
    plot = shapely.box(1400, -20, 1480, 60)  # the street runs through it
    hidden = shapely.box(1700, 30, 1800, 90)  # 30 m from the street
    siting_town.shapes(siting_town.folder / "plots.geojson", [plot, hidden], name=["甲", "乙"])
    extra = '\n[siting.candidates.plots]\nkind = "parcels"\npath = "plots.geojson"\n'
    found = found_in(siting_town, extra)
    new = new_of(found)
    assert new["snap_m"].round(2).tolist() == [0.0, 30.0]
    x, y = metres(new)
    assert shapely.contains_xy(plot, x[0], y[0])
    assert shapely.contains_xy(hidden, x[1], y[1])


def test_buildings_by_their_ground(siting_town):
    small, large = shapely.box(1400, 10, 1410, 20), shapely.box(1600, 10, 1630, 30)
    tower = shapely.box(1800, 10, 1840, 40)
    siting_town.shapes(
        siting_town.folder / "houses.gpkg", [small, large, tower], kind=["house", "public", "mill"]
    )
    extra = """
    [siting.candidates.houses]
    kind = "buildings"
    path = "houses.gpkg"
    least_area_m2 = 500
    only = { kind = ["house", "public"] }
    """.replace("\n    ", "\n")
    found = found_in(siting_town, extra)
    assert metres(new_of(found))[0].round().tolist() == [1615.0]
    assert found.excluded["small"] == 1


def test_places_too_near_each_other_are_thinned(siting_town):
    siting_town.table(
        siting_town.folder / "plots.csv",
        [1400, 1450, 1520, 1900],
        [0, 0, 0, 0],
        name=["甲", "乙", "丙", "丁"],
        mandatory=["", "yes", "", ""],
    )
    extra = """
    [siting.candidates.plots]
    kind = "parcels"
    path = "plots.csv"
    datum = "wgs84"
    thin_m = 60
    """.replace("\n    ", "\n")
    found = found_in(siting_town, extra)
    # 乙 has to be opened, so that 甲 goes; 丙 is 70 m from it.
    assert new_of(found)["name"].tolist() == ["乙", "丙", "丁"]
    assert found.excluded["thinned"] == 1


def test_places_outside_far_off_and_with_nobody_near(siting_town):
    siting_town.table(
        siting_town.folder / "plots.csv",
        [1400, 9000, 1500, 2100],
        [0, 0, 800, 0],
        name=["甲", "乙", "丙", "丁"],
    )
    extra = '\n[siting.candidates.plots]\nkind = "parcels"\npath = "plots.csv"\ndatum = "wgs84"\n'
    found = found_in(siting_town, extra, reach_m=400.0)
    # 丁 is 500 m from the nearest person.
    assert new_of(found)["name"].tolist() == ["甲"]
    by_reason = {key: count for key, count in found.excluded.items() if count}
    assert by_reason == {"outside": 1, "unsnapped": 1, "nobody_near": 1}
    assert sorted(codes(found)) == ["site.outside", "site.unsnapped"]
    assert {one.row for one in found.problems} == {3, 4}


def test_nothing_left_is_told(siting_town):
    siting_town.table(siting_town.folder / "plots.csv", [9000], [0], name=["甲"])
    extra = '\n[siting.candidates.plots]\nkind = "parcels"\npath = "plots.csv"\ndatum = "wgs84"\n'
    found = found_in(siting_town, extra)
    assert found.existing.all()
    assert "site.none_left" in codes(found)
    assert np.isnan(found.guarantee_m)


def test_candidates_named_in_the_project(siting_town):
    siting_town.table(
        siting_town.folder / "plots.csv", [1400, 1800], [0, 0], name=["甲", "乙"], code=["A", "B"]
    )
    lists = """
    [siting.candidates.plots]
    kind = "parcels"
    path = "plots.csv"
    datum = "wgs84"
    """.replace("\n    ", "\n")
    named = '\n[siting]\nmandatory = ["plots:A"]\nforbidden = ["乙"]\nclosable = ["H2"]\n' + lists
    found = found_in(siting_town, named)
    assert found.frame["mandatory"].tolist() == [False, False, True, False]
    assert found.frame["forbidden"].tolist() == [False, False, False, True]
    assert found.frame["closable"].tolist() == [False, True, False, False]
    for key in ("mandatory", "forbidden", "closable"):
        with pytest.raises(InputError) as caught:
            found_in(siting_town, f'\n[siting]\n{key} = ["丙"]\n' + lists)
        (problem,) = caught.value.problems
        assert (problem.code, problem.column) == ("site.unknown_name", f"siting.{key}")
        assert "丙" in problem.text("zh")
    with pytest.raises(InputError) as caught:
        found_in(siting_town, '\n[siting]\nmandatory = ["A"]\nforbidden = ["甲"]\n' + lists)
    assert [one.code for one in caught.value.problems] == ["site.both"]


def test_a_mandatory_place_that_cannot_be_is_refused(siting_town):
    siting_town.table(
        siting_town.folder / "plots.csv", [1400, 2100], [0, 0], name=["甲", "乙"], 必选=["", "是"]
    )
    lists = '\n[siting.candidates.plots]\nkind = "parcels"\npath = "plots.csv"\ndatum = "wgs84"\n'
    with pytest.raises(InputError) as caught:
        found_in(siting_town, lists + LAKE)
    (problem,) = caught.value.problems
    assert (problem.code, problem.row) == ("site.mandatory_lost", 3)
    assert "excluded zone" in problem.text("en")


def test_several_layers_and_their_existing_facilities(siting_town):
    found = found_in(siting_town, also=("community_service_center",))
    old = found.frame[found.existing]
    assert old["layer"].tolist() == ["care_home"] * 2 + ["community_service_center"] * 3


def test_without_roads_a_lattice_stands_in(siting_town):
    project, ground, sites = siting_town(
        '\n[siting.candidates.net]\nkind = "grid"\nevery_m = 500\n'
        '[siting.candidates.crossings]\nkind = "junctions"\n',
        roads="",
    )
    found = find_candidates(project, ground, sites, layer="care_home")
    new = new_of(found)
    assert set(new["source"]) == {"grid"}
    assert found.guarantee_m == 500.0
    assert set(new["snap_status"]) == {"no_roads"}
    assert codes(found) == ["site.no_grid", "site.no_junctions"]


def test_two_readings_give_the_same_candidates(siting_town):
    one, other = (found_in(siting_town, LAKE) for _ in range(2))
    assert one.frame.equals(other.frame)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ('kind = "grid"\npath = "a.csv"', "project.candidate_keys"),
        ('kind = "parcels"', "project.candidate_needs"),
        ('kind = "facilities"', "project.candidate_needs"),
        ('kind = "fields"', "toml.choice"),
        ('kind = "grid"\nevery_m = 0', "toml.above"),
        ('kind = "grid"\nevery_n = 5', "toml.unknown_key_near"),
        ('kind = "junctions"\nroads = 1', "toml.at_least"),
        ('kind = "grid"\ncost = -1', "toml.at_least"),
    ],
)
def test_lists_that_cannot_be_are_refused_with_their_line(siting_town, lines, code):
    with pytest.raises(ProjectError) as caught:
        siting_town("\n[siting.candidates.one]\n" + lines + "\n")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.row is not None


@pytest.mark.parametrize("line", ["cost = -1", "spacing_m = -5", "capacity = 0", "cost = nan"])
def test_settings_out_of_range_are_refused(siting_town, line):
    with pytest.raises(ProjectError):
        siting_town(f"\n[siting]\n{line}\n")


def roads_of(u, v, **columns):
    count, nodes = len(u), int(max(*u, *v)) + 1
    no = np.zeros(count, bool)
    given = {
        "lon": np.arange(nodes, dtype=float),
        "lat": np.zeros(nodes),
        "u": np.array(u),
        "v": np.array(v),
        "way_class": np.zeros(count, np.int16),
        "class_names": ("street", "path"),
        "oneway": np.zeros(count, np.int8),
        "allowed": dict.fromkeys(MODES, np.full(count, 3, np.int8)),
        "private": dict.fromkeys(MODES, no),
        "pushed": no,
        "speed_kmh": np.full(count, np.nan),
        "ferry": no,
        "structure": no,
        "barred": dict.fromkeys(MODES, np.empty(0, np.int64)),
        "name_index": np.full(count, -1, np.int32),
        "road_names": (),
        "source": "",
        "counts": {},
    }
    return RawRoads(**{**given, **columns})


def test_junctions_count_arms_of_the_classes_and_modes_that_count():
    # Node 1 has four arms, one of them drawn twice; node 4 has three.
    u, v = [0, 1, 1, 3, 1, 4, 4], [1, 2, 3, 1, 4, 5, 6]
    roads = roads_of(u, v)
    found = road_junctions(roads, mode="walk")
    assert (found.node.tolist(), found.roads.tolist()) == ([1, 4], [4, 3])
    assert road_junctions(roads, mode="walk", least=4).node.tolist() == [1]
    paths = np.array([0, 0, 0, 0, 1, 1, 1], np.int16)
    mixed = roads_of(u, v, way_class=paths)
    assert road_junctions(mixed, mode="walk", classes=["street"]).node.tolist() == [1]
    closed = {**dict.fromkeys(MODES, np.full(7, 3, np.int8)), "drive": np.zeros(7, np.int8)}
    assert road_junctions(roads_of(u, v, allowed=closed), mode="drive").node.size == 0


def test_thinned_places_are_apart_and_none_could_be_added():
    x, y = np.random.default_rng(4).uniform(0, 1000, (2, 300))
    keep = thinned(x, y, least_m=80.0)
    away = np.hypot(x[:, None] - x, y[:, None] - y)
    np.fill_diagonal(away, np.inf)
    assert away[np.ix_(keep, keep)].min() >= 80.0
    assert (away[np.ix_(~keep, keep)].min(axis=1) < 80.0).all()


def test_an_empty_name_means_nothing(siting_town):
    with pytest.raises(InputError) as caught:
        found_in(siting_town, '\n[siting]\nmandatory = [""]\n')
    assert [one.code for one in caught.value.problems] == ["site.unknown_name"]
