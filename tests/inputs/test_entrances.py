"""Where facilities are entered: outlines, entrances on them, and entrances by a table."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from servicecircle.crs import transformer
from servicecircle.datums import gcj02_to_wgs84
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.osm_features import tagged_facilities
from servicecircle.project import FacilitySettings

BOX = shapely.box(118.0, 28.0, 118.001, 28.001)


def read(folder, path, **settings):
    given = FacilitySettings(path=Path(path), **settings)
    return read_facilities(given, layer="care_home", base=folder)


def codes(data):
    return [problem.code for problem in data.problems]


class TestLayers:
    def write(self, folder, *shapes, crs=4326):
        frame = gpd.GeoDataFrame(
            {"名称": [f"甲{at}" for at in range(len(shapes))]}, geometry=list(shapes), crs=crs
        )
        frame.to_file(folder / "homes.gpkg")

    def test_a_polygon_keeps_its_outline_and_a_point_has_none(self, tmp_path):
        several = shapely.MultiPoint([(118.1, 28.1), (118.2, 28.1)])
        one = shapely.MultiPoint([(118.3, 28.1)])
        self.write(tmp_path, BOX, shapely.Point(118.1, 28.1), several, one)
        data = read(tmp_path, "homes.gpkg")
        ids = data.frame["facility_id"].tolist()
        assert list(data.doors) == [ids[0], ids[2]]
        assert shapely.equals(data.doors[ids[0]], BOX)
        assert shapely.equals(data.doors[ids[2]], several)
        assert shapely.contains(BOX, data.frame.geometry.iloc[0])

    def test_an_outline_is_moved_as_its_place_is(self, tmp_path):
        self.write(tmp_path, BOX)
        (outline,) = read(tmp_path, "homes.gpkg", datum="gcj02").doors.values()
        moved = np.column_stack(gcj02_to_wgs84(*shapely.get_coordinates(BOX).T))
        np.testing.assert_allclose(shapely.get_coordinates(outline), moved, atol=1e-9)

    def test_an_outline_in_metres_comes_back_to_degrees(self, tmp_path):
        there = transformer("EPSG:4326", "EPSG:4549")
        flat = shapely.transform(BOX, lambda xy: np.column_stack(there.transform(*xy.T)))
        self.write(tmp_path, flat, crs=4549)
        data = read(tmp_path, "homes.gpkg")
        (outline,) = data.doors.values()
        corners = shapely.get_coordinates(BOX)
        np.testing.assert_allclose(shapely.get_coordinates(outline), corners, atol=1e-8)
        assert shapely.contains(outline, data.frame.geometry.iloc[0])

    def test_a_bow_tie_is_mended_first(self, tmp_path):
        tie = shapely.Polygon([(118, 28), (118.01, 28.01), (118.01, 28), (118, 28.01)])
        self.write(tmp_path, tie)
        (outline,) = read(tmp_path, "homes.gpkg").doors.values()
        assert shapely.is_valid(outline)


class TestTable:
    HOMES = "code,名称,经度,纬度\nA1,甲,118.0,28.0\nB7,乙,118.1,28.0\nC2,乙,118.2,28.0\nD9,丙,,\n"

    def read(self, folder, doors, **settings):
        (folder / "homes.csv").write_text(self.HOMES, "utf-8")
        (folder / "doors.csv").write_text(doors, "utf-8")
        settings = {"datum": "wgs84", "entrances": Path("doors.csv"), **settings}
        return read(folder, "homes.csv", **settings)

    def test_entrances_are_joined_by_code_else_by_name(self, tmp_path):
        data = self.read(
            tmp_path,
            "code,名称,经度,纬度\n,甲,118.001,28.0\nA1,,118.0,28.001\nC2,乙,118.201,28.0\n",
        )
        found = {name: shapely.get_coordinates(door).tolist() for name, door in data.doors.items()}
        assert found == {
            "care_home:A1": [[118.001, 28.0], [118.0, 28.001]],
            "care_home:C2": [[118.201, 28.0]],
        }
        assert [code for code in codes(data) if code.startswith("entrance")] == []

    def test_every_row_is_used_or_told(self, tmp_path):
        data = self.read(
            tmp_path,
            "名称,经度,纬度\n甲,118.001,28.0\n丁,118.0,28.0\n乙,118.1,28.0\n甲,,\n甲,118.9,28.0\n",
        )
        told = {p.row: p.code for p in data.problems if p.code.startswith("entrance")}
        assert told == {
            3: "entrance.no_facility",
            4: "entrance.several",
            5: "entrance.no_place",
            6: "entrance.far",
        }
        assert all(
            (p.severity, p.action, p.file) == ("error", "set_aside", "doors.csv")
            for p in data.problems
            if p.code.startswith("entrance")
        )
        assert list(data.doors) == ["care_home:A1"]
        assert len(data.frame) + data.rows_set_aside == data.rows_in

    def test_it_takes_the_datum_of_the_list(self, tmp_path):
        data = self.read(tmp_path, "名称,经度,纬度\n甲,118.001,28.0\n", datum="gcj02")
        expected = np.ravel(gcj02_to_wgs84(np.array([118.001]), np.array([28.0])))
        (door,) = data.doors.values()
        np.testing.assert_allclose(shapely.get_coordinates(door)[0], expected, atol=1e-9)

    def test_a_missing_file_is_refused(self, tmp_path):
        (tmp_path / "homes.csv").write_text(self.HOMES, "utf-8")
        from servicecircle.errors import InputError

        with pytest.raises(InputError, match=r"none\.csv"):
            read(tmp_path, "homes.csv", datum="wgs84", entrances=Path("none.csv"))

    def test_entrances_of_the_table_go_before_the_outline(self, tmp_path):
        frame = gpd.GeoDataFrame({"名称": ["甲", "乙"]}, geometry=[BOX, BOX], crs=4326)
        frame.to_file(tmp_path / "homes.gpkg")
        (tmp_path / "doors.csv").write_text("名称,经度,纬度\n乙,118.001,28.0\n", "utf-8")
        data = read(tmp_path, "homes.gpkg", entrances=Path("doors.csv"), datum="wgs84")
        assert [door.geom_type for door in data.doors.values()] == ["Polygon", "MultiPoint"]


class TestOpenStreetMap:
    def write(self, folder, *tagged):
        places = [(118.0, 28.0), (118.001, 28.0), (118.001, 28.001), (118.0, 28.001)]
        tags = dict(tagged)
        nodes = "".join(
            f'<node id="{at}" lon="{lon}" lat="{lat}">{tags.get(at, "")}</node>'
            for at, (lon, lat) in enumerate([*places, (118.0005, 28.0005)], 1)
        )
        refs = "".join(f'<nd ref="{at}"/>' for at in (1, 2, 3, 4, 1))
        way = f'<way id="7">{refs}<tag k="amenity" v="clinic"/></way>'
        (folder / "town.osm").write_text(f'<osm version="0.6">{nodes}{way}</osm>', "utf-8")
        found, _ = tagged_facilities(
            folder / "town.osm", selectors=["amenity=clinic"], name="town.osm"
        )
        return found["doors"].iloc[0]

    def entrance(self, at, value="yes"):
        return at, f'<tag k="entrance" v="{value}"/>'

    def test_entrances_on_the_outline(self, tmp_path):
        doors = self.write(tmp_path, self.entrance(3, "main"), self.entrance(1))
        assert shapely.get_coordinates(doors).tolist() == [[118.0, 28.0], [118.001, 28.001]]

    @pytest.mark.parametrize("value", ["no", "exit", "emergency"])
    def test_nobody_goes_in_by_an_exit(self, tmp_path, value):
        assert self.write(tmp_path, self.entrance(3, value)).geom_type == "Polygon"

    def test_an_entrance_of_another_house_inside_does_not_count(self, tmp_path):
        assert shapely.equals(self.write(tmp_path, self.entrance(5)), BOX)

    def test_a_node_has_no_doors(self, tmp_path):
        text = '<osm version="0.6"><node id="1" lon="118" lat="28"><tag k="amenity" v="clinic"/>'
        (tmp_path / "town.osm").write_text(f"{text}</node></osm>", "utf-8")
        found, _ = tagged_facilities(
            tmp_path / "town.osm", selectors=["amenity=clinic"], name="town.osm"
        )
        assert found["doors"].tolist() == [None]
