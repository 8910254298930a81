"""The invented demo city: drawn again byte for byte, and what it promises."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pytest
import python_calamine
import rasterio
import shapely
from pyproj import Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from servicecircle.datums import bd09_to_wgs84, gcj02_to_wgs84
from servicecircle.project import DRAWN_LEVELS, load_project
from servicecircle.standards.indicators import load_plan
from servicecircle.standards.registry import load_registry

TO_METRES = Transformer.from_crs(4490, 4549, always_xy=True)
TO_DEGREES = Transformer.from_crs(4549, 4490, always_xy=True)


@pytest.fixture(scope="module")
def data(root: Path) -> Path:
    return root / "data"


@pytest.fixture(scope="module")
def units(data):
    folder = data / "boundaries"
    return {
        "village_level": gpd.read_file(folder / "villages.geojson"),
        "township": gpd.read_file(folder / "townships.gpkg").rename(
            columns={"代码": "code", "名称": "name", "常住人口": "population",
                     "60岁及以上人口": "elderly", "户数": "households"}
        ),
        "county": gpd.read_file(folder / "counties.geojson"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def roads(data):
    """Return the segments of all roads in metres with their tags, and the vertex of each end."""
    pairs, tags, places = [], [], {}
    for item in osmium.FileProcessor(data / "roads" / "roads.osm.pbf").with_locations():
        if item.is_node() or "highway" not in item.tags:
            continue
        refs = [node.ref for node in item.nodes]
        places |= {node.ref: (node.lon, node.lat) for node in item.nodes}
        pairs += list(pairwise(refs))
        tags += [dict(item.tags)] * (len(refs) - 1)
    ids = np.array(sorted(places))
    xy = np.column_stack(TO_METRES.transform(*np.array([places[i] for i in ids.tolist()]).T))
    ends = np.searchsorted(ids, np.array(pairs))
    on_foot = np.array([not item["highway"].startswith("motorway") for item in tags])
    return {"xy": xy, "ends": ends, "tags": tags, "on_foot": on_foot}


@pytest.fixture(scope="module")
def cells(data):
    """Return the centres of the raster's cells in metres, and both rasters' values."""
    with rasterio.open(data / "population" / "population_100m.tif") as file:
        people = file.read(1)
        meta = (file.crs.to_epsg(), file.res, file.nodata, file.dtypes[0], file.compression.value)
        rows, columns = np.indices(people.shape)
        x = file.bounds.left + 100.0 * (columns.ravel() + 0.5)
        y = file.bounds.top - 100.0 * (rows.ravel() + 0.5)
    with rasterio.open(data / "population" / "elderly_100m.tif") as file:
        elderly = file.read(1)
    values = [grid.ravel().astype(float) for grid in (people, elderly)]
    return {"xy": np.column_stack([x, y]), "people": values[0], "elderly": values[1], "meta": meta}


def place(shapes, lonlat):
    """Return the index of the shape that holds each point, -1 where none does."""
    found = np.full(len(lonlat), -1)
    point, shape = shapely.STRtree(np.asarray(shapes)).query(
        shapely.points(lonlat), predicate="within"
    )
    found[point] = shape
    return found


def components(roads):
    count = len(roads["xy"])
    u, v = roads["ends"][roads["on_foot"]].T
    matrix = coo_array((np.ones(len(u)), (u, v)), shape=(count, count))
    label = connected_components(matrix, directed=False)[1]
    length = np.hypot(*(roads["xy"][u] - roads["xy"][v]).T)
    return label, np.bincount(label[u], weights=length, minlength=label.max() + 1)


def test_drawing_it_again_gives_the_same_bytes(root, data, tmp_path):
    environment = dict(os.environ, PYTHONPATH=str(root / "coverage"), PYTHONHASHSEED="12345")
    script = root / "scripts" / "make_demo_city.py"
    subprocess.run([sys.executable, script, "--out", tmp_path], check=True, env=environment)
    fresh = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    kept = {p.relative_to(data): p.read_bytes() for p in data.rglob("*") if p.is_file()}
    assert sorted(fresh) == sorted(kept)
    assert [str(name) for name in fresh if fresh[name] != kept[name]] == []
    assert sum(map(len, kept.values())) < 5_000_000


def test_the_project_file_reads_every_file(data):
    project = load_project(data / "demo.toml")
    assert project.project.invented
    assert project.population is not None
    assert project.population.invented
    assert project.roads is not None
    assert all(item.invented for item in project.facilities.values())
    named = [
        project.roads.path,
        project.population.raster,
        project.population.elderly_raster,
        *(item.path for item in project.boundaries.values()),
        *(item.path for item in project.facilities.values()),
        project.staff.path,
        project.statistics.path,
    ]
    there = {path.relative_to(data) for path in data.rglob("*") if path.is_file()}
    assert there == {*named, Path("demo.toml"), Path("README.md")}
    assert set(project.plans) == {"quzhou", "zhejiang", "jiaxing", "minle", "shangcheng"}
    assert project.staff.invented
    assert project.statistics.invented


def test_the_city_has_what_the_five_plans_ask_for(data):
    project = load_project(data / "demo.toml")
    plans = [load_plan(name) for name in project.plans]
    asked = {layer for plan in plans for one in plan.indicators for layer in one.layers}
    assert asked <= set(project.facilities)
    scopes = load_registry().scopes
    # What is new or old is told by the year in which units were built.
    drawn = {name for name, words in scopes.items() if words.polygon and not words.built}
    named = {one.scope for plan in plans for one in plan.indicators} & drawn
    assert named <= set(project.boundaries)
    levels = {one.level for plan in plans for one in plan.indicators} & set(DRAWN_LEVELS)
    assert levels <= {*project.boundaries, *project.clusters}


def test_estates_lie_in_communities_without_overlap(data, units):
    estates = gpd.read_file(data / "boundaries" / "residential_estates.geojson")
    shapes = estates.geometry.to_numpy()
    assert len(estates) >= 50
    assert shapely.is_valid(shapes).all()
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert (pairs[0] == pairs[1]).all()
    villages = units["village_level"]
    towns = shapely.union_all(villages.geometry[villages["type"] == "社区"].to_numpy())
    # Corners are rounded to a centimetre.
    assert (shapely.area(shapely.difference(shapes, towns)) < 1e-3 * shapely.area(shapes)).all()
    new = estates["建成年份"] >= 2021
    assert 5 <= new.sum() <= 30
    per_household = estates["总建筑面积"] / estates["户数"]
    assert per_household.between(85, 125).all()


def test_big_communities_are_communities_put_together(data, units):
    big = gpd.read_file(data / "boundaries" / "big_communities.geojson")
    villages = units["village_level"]
    communities = villages[villages["type"] == "社区"]
    inside = gpd.sjoin(
        communities.set_geometry(communities.representative_point()), big[["geometry"]]
    )
    assert inside.index.is_unique
    assert inside["index_right"].value_counts().between(1, 3).all()
    assert set(inside["index_right"]) == set(big.index)


def test_communities_say_when_they_were_built(units):
    villages = units["village_level"]
    communities = villages["type"] == "社区"
    assert villages.loc[communities, "built"].notna().all()
    assert villages.loc[~communities, ["built", "floor_area_m2"]].isna().all(axis=None)
    assert (villages.loc[communities, "built"] >= 2021).sum() == 3


def test_the_workbooks_have_a_sheet_for_each_layer_in_the_unit_that_it_names(data, units):
    """Every sheet is read with nothing of ours; nearly all places lie in the village they name."""
    project = load_project(data / "demo.toml")
    villages = units["village_level"]
    names = villages["name"].to_numpy()
    right, rows = 0, 0
    for settings in project.facilities.values():
        if settings.sheet is None:
            continue
        book = python_calamine.load_workbook(data / settings.path)
        cells = book.get_sheet_by_name(settings.sheet).to_python()
        titles = cells[0]
        assert titles[:6] == ["名称", "所属乡镇", "所属村（社区）", "经度", "纬度", "启用时间"]
        assert len({row[0] for row in cells[1:]}) >= len(cells) - 2
        found = place(villages.geometry, np.array([row[3:5] for row in cells[1:]], dtype=float))
        stated = np.array([row[2] for row in cells[1:]])
        right += int((np.where(found >= 0, names[found], "") == stated).sum())
        rows += len(stated)
    assert rows > 1000
    assert right > 0.95 * rows


WRONG_CELLS = {
    "operator": ("运营性质", "见合同"),
    "floor area": ("建筑面积（㎡）", -1.0),
    "no grade": ("等级", ""),
    "smoke-free": ("无烟祭扫管理", "部分"),
}


def test_the_wrong_cells_of_the_workbooks_stand_where_the_readme_says(data, wrong):
    found = {file: rows for file, rows in wrong.items() if " · " in file}
    assert sum(map(len, found.values())) == 4
    for name, rows in found.items():
        file, sheet = name.split(" · ")
        book = python_calamine.load_workbook(data / "facilities" / file)
        cells = book.get_sheet_by_name(sheet).to_python()
        for number, what in rows.items():
            row = dict(zip(cells[0], cells[number - 1], strict=True))
            key, value = next(pair for word, pair in WRONG_CELLS.items() if word in what)
            assert row[key] == value


def test_the_tables_of_staff_and_figures(data, units, wrong):
    rows = text_rows(data / "statistics" / "民政人员.csv", "utf-8-sig")
    assert rows[0] == ["单元", "上级", "机构名称", "岗位", "人数", "日期"]
    roles = {row[3] for row in rows[1:]}
    assert roles == {
        "专职社区工作者",
        "持证社会工作者",
        "社会工作者",
        "民政经办人员",
        "持证养老护理员",
    }
    known = {*units["village_level"]["name"], *units["township"]["name"], ""}
    strangers = [n for n, row in enumerate(rows[1:], start=2) if row[0] not in known]
    numbers = [n for n, row in enumerate(rows[1:], start=2) if not row[4].isdigit()]
    documented = {what: number for number, what in wrong["民政人员.csv"].items()}
    assert strangers == [documented["a unit that does not exist"]]
    assert numbers == [documented["a number of 若干 (some)"]]
    homes = {row[1] for row in text_rows(data / "facilities" / "养老机构.csv", "gb18030")[1:]}
    assert {row[2] for row in rows[1:]} - {""} <= homes
    figures = text_rows(data / "statistics" / "统计.csv", "utf-8-sig")[1:]
    patients = {row[0]: row[2] for row in figures if row[1] == "居家患者"}
    served = {row[0]: row[2] for row in figures if row[1] == "接受服务的患者"}
    assert set(patients) == set(served) == set(units["township"]["name"])
    assert all(
        int(served[name]) <= int(patients[name])
        for name in patients
        if patients[name].isdigit() and served[name].isdigit()
    )


def test_the_readme_says_that_the_city_is_invented(data):
    text = (data / "README.md").read_text(encoding="utf-8")
    assert "本市是虚构的" in text
    assert "This city is invented" in text


def test_units_are_as_many_as_promised(units):
    villages = units["village_level"]
    assert len(units["county"]) == 3
    assert len(units["township"]) == 16
    assert 140 <= len(villages) <= 160
    kinds = Counter(villages["type"])
    assert set(kinds) == {"社区", "行政村", "林场", "水库", "茶场"}
    assert kinds["林场"] == kinds["水库"] == kinds["茶场"] == 1


def test_codes_are_well_formed_and_nest(units):
    for level, digits in (("county", 6), ("township", 9), ("village_level", 12)):
        codes = units[level]["code"]
        assert codes.is_unique
        assert codes.str.fullmatch(rf"3399\d{{{digits - 4}}}").all()
    townships = set(units["township"]["code"])
    assert set(units["village_level"]["code"].str[:9]) == townships
    assert (units["village_level"]["town_code"] == units["village_level"]["code"].str[:9]).all()
    assert set(units["township"]["code"].str[:6]) == set(units["county"]["code"])


@pytest.mark.parametrize("level", ["village_level", "township", "county"])
def test_each_level_tiles_exactly(units, level):
    shapes = units[level].geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    # Neither overlaps nor gaps: shared borders have the same vertices on both sides.
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.union_all(shapes)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    assert shapely.area(shapes).sum() == pytest.approx(whole.area, rel=1e-12)


@pytest.mark.parametrize(
    ("level", "above", "digits"), [("village_level", "township", 9), ("township", "county", 6)]
)
def test_each_level_dissolves_to_the_one_above(units, level, above, digits):
    lower, upper = units[level], units[above].set_index("code")
    for code, group in lower.groupby(lower["code"].str[:digits]):
        shape = shapely.union_all(group.geometry.to_numpy())
        outline = upper.geometry[code]
        assert shape.equals(outline)
        ours = set(map(tuple, shapely.get_coordinates(outline).tolist()))
        theirs = set(map(tuple, shapely.get_coordinates(group.geometry.to_numpy()).tolist()))
        assert ours <= theirs
        for column in ("population", "elderly", "households"):
            assert group[column].sum() == upper[column][code]


def test_one_village_has_an_island_in_the_reservoir(units):
    villages = units["village_level"]
    parts = shapely.get_num_geometries(villages.geometry.to_numpy())
    assert sorted(parts)[-2:] == [1, 2]
    reservoir = villages.loc[villages["type"] == "水库"].geometry.iloc[0]
    island = shapely.Polygon(reservoir.interiors[0])
    owner = villages.geometry[parts == 2].iloc[0]
    assert owner.covers(island)


def test_the_raster_falls_nine_percent_short_of_the_official_totals(units, cells):
    epsg, size, nodata, kind, packing = cells["meta"]
    assert (epsg, size, nodata, kind, packing) == (4549, (100.0, 100.0), -9999.0, "float32",
                                                  "DEFLATE")  # fmt: skip
    inside = cells["people"] != nodata
    assert not inside.all()
    lonlat = np.column_stack(TO_DEGREES.transform(*cells["xy"].T))
    township = place(units["township"].geometry, lonlat)
    # Cells on the border may have their centre on either side of it by a rounding.
    assert (inside != (township >= 0)).sum() < 200
    for column, total in (("people", 300_000), ("elderly", 70_000)):
        official = units["township"]["population" if column == "people" else "elderly"]
        values = np.where(inside, cells[column], 0.0)
        assert values.sum() == pytest.approx(total, abs=2.0)
        assert values.sum() / official.sum() == pytest.approx(0.91, abs=1e-4)
        within = np.bincount(township[township >= 0], weights=values[township >= 0])
        share = within / official
        assert share.between(0.86, 0.96).all()
        assert share.max() - share.min() > 0.02
    assert (cells["elderly"][inside] <= cells["people"][inside]).all()
    assert (cells["people"][inside] >= 0).all()


def test_the_old_live_in_the_country(units):
    villages = units["village_level"]
    lived = villages[villages["population"] > 0]
    share = lived.groupby("type")[["population", "elderly"]].sum()
    share = share["elderly"] / share["population"]
    assert share["社区"] < 0.22
    assert share["行政村"] > 0.26


def test_roads_are_as_many_as_promised(roads):
    kinds = Counter(item["highway"] for item in roads["tags"])
    assert 24_000 <= len(np.unique(roads["ends"][roads["on_foot"]])) <= 27_000
    assert {"motorway", "trunk", "primary", "secondary", "tertiary", "residential", "service",
            "living_street", "footway", "path", "track"} <= set(kinds)  # fmt: skip
    assert any(item.get("oneway") == "yes" for item in roads["tags"])
    assert any(item.get("access") == "private" for item in roads["tags"])


def test_two_pieces_of_road_are_cut_off(units, roads):
    label, metres = components(roads)
    size = np.bincount(label)
    reachable = np.flatnonzero(metres > 0)
    assert len(reachable) == 3
    small, middle, large = reachable[np.argsort(metres[reachable])]
    assert 300.0 < metres[small] < 1000.0 < metres[middle] < 5000.0
    assert size[large] > 0.99 * size[reachable].sum()
    villages = units["village_level"]
    reservoir = villages.loc[villages["type"] == "水库"].geometry.iloc[0]
    lonlat = np.column_stack(TO_DEGREES.transform(*roads["xy"][label == middle].T))
    assert shapely.contains_xy(shapely.Polygon(reservoir.interiors[0]), *lonlat.T).all()


def test_the_river_is_crossed_on_few_bridges(data, roads):
    for item in osmium.FileProcessor(data / "roads" / "roads.osm.pbf").with_locations():
        if item.is_way() and item.tags.get("waterway") == "river":
            line = np.array([(node.lon, node.lat) for node in item.nodes])
    river = shapely.LineString(np.column_stack(TO_METRES.transform(*line.T)))
    segments = shapely.linestrings(roads["xy"][roads["ends"]])
    over = np.flatnonzero(shapely.intersects(segments, river) & roads["on_foot"])
    assert len(over) == 4
    assert all(roads["tags"][i].get("bridge") == "yes" for i in over)


def test_some_people_live_far_from_any_road_and_some_on_the_island(units, roads, cells):
    lived = cells["people"] > 0
    label, metres = components(roads)
    u = roads["ends"][:, 0]
    usable = roads["on_foot"] & (metres[label[u]] >= 1000.0)
    tree = shapely.STRtree(shapely.linestrings(roads["xy"][roads["ends"][usable]]))
    points = shapely.points(cells["xy"][lived])
    near = np.unique(tree.query(points, predicate="dwithin", distance=500.0)[0])
    people = cells["people"][lived]
    far = people.sum() - people[near].sum()
    assert 100.0 < far < 3000.0
    villages = units["village_level"]
    reservoir = villages.loc[villages["type"] == "水库"].geometry.iloc[0]
    lonlat = np.column_stack(TO_DEGREES.transform(*cells["xy"][lived].T))
    island = shapely.contains_xy(shapely.Polygon(reservoir.interiors[0]), *lonlat.T)
    assert people[island].sum() == pytest.approx(120.0, abs=1.0)


# The lists, read with nothing of ours: file → rows of cells, counted as people count them.


def sheet(path):
    return python_calamine.load_workbook(path).get_sheet_by_index(0).to_python()


def text_rows(path, encoding, delimiter=","):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


@pytest.fixture(scope="module")
def lists(data):
    folder = data / "facilities"
    return {
        "养老机构.csv": text_rows(folder / "养老机构.csv", "gb18030"),
        "日间照料中心.xlsx": sheet(folder / "日间照料中心.xlsx"),
        "儿童之家.xlsx": sheet(folder / "儿童之家.xlsx"),
        "社工站.csv": text_rows(folder / "社工站.csv", "utf-8-sig", "\t"),
        "老年食堂.csv": text_rows(folder / "老年食堂.csv", "utf-8"),
    }


@pytest.fixture(scope="module")
def burial(data):
    text = (data / "facilities" / "节地生态安葬点.geojson").read_text(encoding="utf-8")
    return json.loads(text)["features"]


@pytest.fixture(scope="module")
def wrong(data):
    """Return the wrong rows as the README lists them: file → row → what is wrong."""
    found: dict[str, dict[int, str]] = {}
    text = (data / "README.md").read_text(encoding="utf-8")
    for file, row, _, what in re.findall(r"\| `(.+?)` \| (\d+) \| (.+?) \| (.+?) \|", text):
        found.setdefault(file, {})[int(row)] = what
    return found


def test_lists_have_their_formats_and_sizes(data, lists, burial):
    folder = data / "facilities"
    with pytest.raises(UnicodeDecodeError):
        (folder / "养老机构.csv").read_bytes().decode("utf-8")
    assert (folder / "社工站.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert len(lists["养老机构.csv"]) - 2 == 44
    assert len(lists["日间照料中心.xlsx"]) - 5 == 70
    assert len(lists["儿童之家.xlsx"]) - 1 == 110
    assert len(lists["社工站.csv"]) - 1 == 14
    assert len(lists["老年食堂.csv"]) - 1 == 60
    assert len(burial) == 30


def test_the_day_centres_stand_under_a_title_and_a_header_of_two_lines(lists):
    rows = lists["日间照料中心.xlsx"]
    assert "一览表" in rows[0][0]
    assert rows[0][1:] == [""] * 11
    assert rows[1][4] == "位置（百度坐标）"
    assert rows[2][4:6] == ["经度", "纬度"]
    assert rows[3][0] == 1
    assert rows[-1][0].startswith("注：")


def test_two_townships_have_no_station(lists, units):
    named = {row[1] for row in lists["社工站.csv"][1:]}
    assert set(units["township"]["name"]) - named == {"石笏乡", "檀溪乡"}


def test_the_wrong_care_homes_stand_where_the_readme_says(lists, wrong):
    rows = lists["养老机构.csv"]
    titles = rows[0]
    documented = wrong["养老机构.csv"]
    assert len(documented) == 12

    def row(what):
        number = next(number for number, text in documented.items() if what in text)
        return dict(zip(titles, rows[number - 1], strict=True))

    assert row("no coordinates")["经度"] == ""
    assert 28.0 < float(row("swapped")["经度"]) < 30.0
    assert 119.0 < float(row("swapped")["纬度"]) < 120.0
    assert float(row("another province")["经度"]) < 110.0
    assert row("-5")["核定床位"] == "-5"
    assert row("abc")["核定床位"] == "abc"
    assert row("closed")["运营状态"] == "已停业"
    assert row("2027")["成立日期"].startswith("2027")
    assert row("markup")["机构名称"] == '<b>"福寿"</b> & 院'
    assert row("formula")["机构名称"] == "=1+1"
    assert row("totals")["序号"] == "合计"
    assert row("见附件")["康复室"] == "见附件"
    assert int(row("见附件")["核定床位"]) >= 100
    repeated = [value for key, value in row("repeats").items() if key != "序号"]
    assert sum(line[1:] == repeated for line in rows) == 2


def test_the_other_wrong_rows_stand_where_the_readme_says(lists, burial, wrong, units):
    day, child = lists["日间照料中心.xlsx"], lists["儿童之家.xlsx"]
    station, canteen = lists["社工站.csv"], lists["老年食堂.csv"]
    found = {file: {what: number for number, what in rows.items()} for file, rows in wrong.items()}
    at = found["日间照料中心.xlsx"]
    assert len(wrong["日间照料中心.xlsx"]) == 8
    assert day[at["no coordinates"] - 1][4:6] == ["", ""]
    assert day[at["beds of 约20 (about 20)"] - 1][6] == "约20"
    assert day[at["no opening date"] - 1][9] == ""
    assert day[at["a village that does not exist"] - 1][2] not in set(
        units["village_level"]["name"]
    )
    assert day[at["closed"] - 1][10] == "已关停"
    assert day[at["a row of totals"] - 1][0] == "合计"
    at = found["儿童之家.xlsx"]
    empty = [n for n, what in wrong["儿童之家.xlsx"].items() if what.endswith("no coordinates")]
    assert len(empty) == 8
    assert all(child[n - 1][4:6] == ["", ""] and child[n - 1][2] for n in empty)
    assert isinstance(child[at["a code kept as a number"] - 1][2], float)
    codes = set(units["village_level"]["code"])
    assert child[at["a code of no village (merged)"] - 1][2] not in codes
    swapped = child[at["longitude and latitude swapped"] - 1]
    assert 28.0 < swapped[4] < 30.0
    assert 119.0 < swapped[5] < 120.0
    assert str(child[at["opens in 2027"] - 1][8]).startswith("2027")
    at = found["社工站.csv"]
    assert "，" in station[at["a full-width comma (to be read all the same)"] - 1][2]
    assert station[at["暂无 (none yet) for a place"] - 1][2] == "暂无"
    at = found["老年食堂.csv"]
    assert canteen[at["a place of 0, 0"] - 1][3:5] == ["0", "0"]
    assert "<script>" in canteen[at["a name with a script"] - 1][0]
    assert canteen[at["closed for the time being"] - 1][7] == "暂停运营"
    assert canteen[at["repeats an earlier row"] - 1] in canteen[: len(canteen) - 1]
    at = found["节地生态安葬点.geojson"]
    assert burial[at["no place"] - 1]["geometry"] is None
    assert burial[at["a place in another province"] - 1]["geometry"]["coordinates"][0] < 110.0
    served = burial[at["serves a village that does not exist"] - 1]["properties"]["服务村居"]
    assert "乌有村" in served
    assert burial[at["closed"] - 1]["properties"]["状态"] == "已停用"


def test_the_burial_sites_name_their_villages_by_name_or_by_code(burial, units, wrong):
    villages = units["village_level"]
    names = Counter(villages["name"])
    known = {name for name, count in names.items() if count == 1} | set(villages["code"])
    signs, unknown = Counter(), []
    for number, feature in enumerate(burial, start=1):
        text = feature["properties"]["服务村居"]
        signs.update(re.findall("[；;]", text))
        unknown += [number for word in re.split("[；;]", text) if word not in known]
    assert set(signs) == {"；", ";"}
    assert [wrong["节地生态安葬点.geojson"][number] for number in unknown] == [
        "serves a village that does not exist"
    ]
    assert max(names.values()) == 2


def test_the_lists_use_the_datums_that_the_project_declares(lists, units):
    """In the right datum nearly all sites lie in the village they name; as they stand, fewer."""
    villages = units["village_level"]
    shapes, names = villages.geometry, villages["name"].to_numpy()

    def agreement(rows, change):
        lon, lat = np.array([(float(row[1]), float(row[2])) for row in rows]).T
        if change is not None:
            lon, lat = change(lon, lat)
        found = place(shapes, np.column_stack([lon, lat]))
        stated = np.array([row[0] for row in rows])
        return float(np.mean(np.where(found >= 0, names[found], "") == stated))

    canteen = [(row[2], row[3], row[4]) for row in lists["老年食堂.csv"][1:]]
    day = [(row[2], row[4], row[5]) for row in lists["日间照料中心.xlsx"][3:-2] if row[4] != ""]
    child = [(row[3], row[4], row[5]) for row in lists["儿童之家.xlsx"][1:] if row[4] != ""]
    assert agreement(canteen, gcj02_to_wgs84) > 0.95 > agreement(canteen, None) + 0.1
    assert agreement(day, bd09_to_wgs84) > 0.95 > agreement(day, None) + 0.1
    assert agreement(child, None) > 0.95
