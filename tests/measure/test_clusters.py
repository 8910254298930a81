"""Stand-ins for planning units in the small town: who is in them, and what they are called."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

PLANNING = "\n[clusters.planning_unit]\n"


@pytest.fixture
def laid(town, tmp_path):
    """Return a function that lays the town out with six villages in its two townships."""
    townships = gpd.read_file(tmp_path / "townships.geojson")
    west, south, east, north = townships.total_bounds
    middle = townships.geometry[0].bounds[2]
    lines = [west, west + (middle - west) / 3, west + 2 * (middle - west) / 3, middle]
    lines += [middle + (east - middle) / 3, middle + 2 * (east - middle) / 3, east]
    villages = gpd.GeoDataFrame(
        {
            "code": [f"33010100{1 + at // 3}{1 + at:03d}" for at in range(6)],
            "name": [f"{'甲乙丙丁戊己'[at]}村" for at in range(6)],
            "population": [100, 50, 60, 20, 60, 5],
            "elderly": [30.0, 10, 8, 5, 20, None],
        },
        geometry=[shapely.box(lines[at], south, lines[at + 1], north) for at in range(6)],
        crs=4326,
    )
    villages.to_file(tmp_path / "villages.geojson")

    def lay(clusters, extra=""):
        return town(
            extra=f'\n[boundaries.village_level]\npath = "villages.geojson"\n{clusters}{extra}'
        )

    return lay


def clusters_of(ground):
    return ground.units[ground.units["level"] == "planning_unit"].reset_index(drop=True)


def test_two_clusters(laid):
    _, _, ground = laid(PLANNING + "number = 2\n")
    units, table = clusters_of(ground), ground.tables["clusters"]
    assert units["unit_id"].tolist() == ["planning_unit:proxy-0001", "planning_unit:proxy-0002"]
    assert units["name"].tolist() == ["规划单元1（推算）", "规划单元2（推算）"]
    assert set(units["type"]) == {"proxy"}
    assert units["should_have"].all()
    assert (units["code"] == "").all()
    # Elderly of the points by village, from west to east: 30, 3 unsnapped, 18, 5, 0 or 20 …
    assert table["people"].sum() == ground.demand.loc[
        ground.demand["unit_village_level"].notna(), "elderly"
    ].sum()  # fmt: skip
    assert len(table) == 6
    # Neighbours only, so that the clusters are west and east.
    joined = table.set_index("member_name")["unit_id"]
    assert joined["甲村"] == "planning_unit:proxy-0001"
    assert joined["己村"] == "planning_unit:proxy-0002"
    order = [joined[f"{name}村"] for name in "甲乙丙丁戊己"]
    assert order == sorted(order)
    villages = ground.units[ground.units["level"] == "village_level"]
    whole, parts = shapely.union_all(villages.geometry), shapely.union_all(units.geometry)
    assert shapely.area(shapely.symmetric_difference(whole, parts)) < 1e-12


def test_points_and_facilities_are_in_the_cluster_of_their_village(laid):
    _, _, ground = laid(PLANNING + "people = 40\n")
    member = ground.tables["clusters"].set_index("member_id")["unit_id"]
    for table in (ground.demand, ground.facilities):
        expected = [member.get(unit, "") for unit in table["unit_village_level"].fillna("")]
        assert table["unit_planning_unit"].fillna("").tolist() == expected
    # Somebody lives outside of all units.
    assert ground.demand["unit_planning_unit"].isna().sum() == 1


def test_figures_of_members_add_up_where_all_are_known(laid):
    _, _, ground = laid(PLANNING + "number = 2\n")
    units = clusters_of(ground)
    villages = ground.units[ground.units["level"] == "village_level"]
    assert units["population"].sum() == villages["population"].sum() == 295
    # 己村 states no elderly.
    assert units["elderly"].isna().tolist() == [False, True]


def test_no_cluster_crosses_a_township(laid):
    _, _, ground = laid(PLANNING + 'number = 2\nwithin = "township"\n')
    table = ground.tables["clusters"]
    parent = ground.units.set_index("unit_id")["parent_id"]
    townships = table["member_id"].map(parent)
    assert (townships.groupby(table["unit_id"]).nunique() == 1).all()
    assert clusters_of(ground)["name"].tolist() == [
        "西镇规划单元1（推算）", "西镇规划单元2（推算）",
        "东镇规划单元1（推算）", "东镇规划单元2（推算）",
    ]  # fmt: skip


def test_sizes_and_the_note(laid):
    _, _, ground = laid(PLANNING + "people = 38\n")
    said = ground.clusters["planning_unit"]
    table = ground.tables["clusters"]
    sizes = table.groupby("unit_id")["people"].sum()
    assert said["clusters"] == len(sizes) == 2
    assert (said["least"], said["most"]) == (sizes.min(), sizes.max())
    assert said["share_within_25_percent"] == ((sizes - 38).abs() <= 9.5).mean()
    (note,) = (one for one in ground.problems if one.code == "clusters.proxy")
    assert "推算" in note.text("zh")
    assert "{" not in note.text("zh") + note.text("en")


def test_nobody_to_put_together(laid, tmp_path):
    table = pd.read_csv(tmp_path / "people.csv").assign(elderly=0)
    table.to_csv(tmp_path / "people.csv", index=False)
    _, _, ground = laid(PLANNING + "people = 100\n")
    assert clusters_of(ground).empty
    assert "clusters" not in ground.tables
    assert "clusters.no_people" in [one.code for one in ground.problems]


def test_units_may_count_as_one_each(laid, tmp_path):
    table = pd.read_csv(tmp_path / "people.csv").assign(elderly=0)
    table.to_csv(tmp_path / "people.csv", index=False)
    _, _, ground = laid(PLANNING + 'people = 2\nweight = "units"\n')
    assert ground.tables["clusters"]["unit_id"].value_counts().tolist() == [2, 2, 2]


def test_a_facility_without_a_place_is_in_the_cluster_of_its_declared_village(laid, tmp_path):
    table = pd.read_csv(tmp_path / "canteens.csv").astype({"lon": object, "lat": object})
    table["所属村"] = ["甲村", "己村", "", ""]
    table.loc[1, ["lon", "lat"]] = ""
    table.to_csv(tmp_path / "canteens.csv", index=False)
    _, _, ground = laid(PLANNING + "number = 2\n")
    row = ground.facilities.set_index("name").loc["二号"]
    assert row["unit_village_level"] is None or pd.isna(row["unit_village_level"])
    assert row["unit_planning_unit"] == "planning_unit:proxy-0002"


def test_the_order_of_the_file_decides_nothing(laid, tmp_path):
    _, _, first = laid(PLANNING + "people = 30\n")
    file = tmp_path / "villages.geojson"
    gpd.read_file(file).iloc[::-1].to_file(file)
    _, _, second = laid(PLANNING + "people = 30\n")
    one, other = (
        ground.tables["clusters"].sort_values("member_id")[["member_id", "unit_id", "people"]]
        for ground in (first, second)
    )
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))
