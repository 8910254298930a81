"""Boundary files as published: counts, codes, parents, areas, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.boundaries import link_parents, read_boundaries
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.topology import measure_overlaps, measure_topology
from servicecircle.project import BoundarySettings

TAIPEI = "taipei/113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"


def read(shared: Path, path: str, level: str, **settings):
    return read_boundaries(BoundarySettings(path=Path(path), **settings), level=level, base=shared)


@pytest.mark.parametrize(
    ("county", "towns", "urban", "overlaps"),
    [
        ("jiangshan", 19, 3, 0),
        ("kecheng", 18, 8, 5),
        ("changshan", 14, 3, 2),
        ("pinghu", 9, 3, 0),
        ("ningbo", 157, 68, 0),
    ],
)
def test_townships(shared, county, towns, urban, overlaps):
    units, problems = read(shared, f"{county}/townships.geojson", "township")
    assert len(units) == towns
    assert problems == []
    assert units["code"].str.fullmatch(r"\d{9}").all()
    assert units["code"].is_unique
    assert units["unit_id"].tolist() == [f"township:{code}" for code in units["code"]]
    assert int(units["is_urban"].sum()) == urban
    # Of Ningbo's layer four are farms and zones, neither street nor town.
    assert int(units["is_urban"].isna().sum()) == (4 if county == "ningbo" else 0)
    pairs, area, _ = measure_overlaps(units)
    assert len(pairs) == overlaps
    # The outlines are generalised; what overlap there is stays below a quarter of a hectare.
    assert area.sum() < 2_500


def test_jiangshan_villages_nest_in_their_townships(shared):
    towns, _ = read(shared, "jiangshan/townships.geojson", "township")
    villages, problems = read(
        shared, "jiangshan/villages.geojson", "village_level",
        should_have_not={"kind": ["farm_or_other"]},
    )  # fmt: skip
    assert problems == []
    assert len(villages) == 366
    assert int(villages["should_have"].sum()) == 326
    assert int((villages["code"] != "").sum()) == 271
    assert villages.loc[villages["should_have"], "type"].value_counts().to_dict() == {
        "village": 326
    }
    assert villages["unit_id"].is_unique
    units, problems = link_parents(pd.concat([towns, villages], ignore_index=True))
    assert units["parent_id"].tolist()[19:] == [f"township:{c}" for c in villages["parent_hint"]]
    # Stated parents and places agree for all of them, and both layers tile the same area.
    assert problems == []
    sums, problems = measure_topology(units)
    assert [problem.code for problem in problems] == ["unit.overlap_total"]
    assert (sums["village_level"]["overlaps"], sums["village_level"]["gaps"]) == (1, 0)
    assert sums["village_level"]["overlap_m2"] == pytest.approx(1.3, abs=0.1)
    assert sums["village_level"]["outside_parent"] == 0
    assert sums["village_level"]["outside_parent_m2"] < 100.0
    area = [areas_m2(layer.geometry.to_numpy()).sum() / 1e6 for layer in (towns, villages)]
    # On the ellipsoid; in UTM zone 50 the same outlines have 2,018.6 km².
    assert area == pytest.approx([2019.04, 2019.04], abs=0.01)


def test_jiangshan_parents_by_code_and_by_place_agree_with_the_stated_ones(shared):
    towns, _ = read(shared, "jiangshan/townships.geojson", "township")
    villages, _ = read(shared, "jiangshan/villages.geojson", "village_level")
    silent = villages.assign(parent_hint="")
    linked, problems = link_parents(pd.concat([towns, silent], ignore_index=True))
    assert linked["parent_id"].tolist()[19:] == [f"township:{c}" for c in villages["parent_hint"]]
    nameless = silent.assign(code="")
    linked, problems = link_parents(pd.concat([towns, nameless], ignore_index=True))
    assert linked["parent_id"].tolist()[19:] == [f"township:{c}" for c in villages["parent_hint"]]
    assert problems == []


def test_taipei_villages_with_people(shared):
    units, problems = read(
        shared, TAIPEI, "village_level",
        columns={"population": "A0A14_CNT+A15A64_CNT+A65UP_CNT", "elderly": "A65UP_CNT"},
    )  # fmt: skip
    assert problems == []
    assert len(units) == 456
    assert units["population"].sum() == 2_490_869
    assert units["elderly"].sum() == 574_458
    assert units["parent_hint"].nunique() == 12
    assert units["code"].iloc[0] == "63000020-011"


def test_quzhou_counties_and_townships_nest(shared):
    counties, _ = read(shared, "counties/counties_amap_wgs84.geojson", "county")
    towns, _ = read(shared, "jiangshan/townships.geojson", "township")
    assert len(counties) == 16
    units, problems = link_parents(pd.concat([counties, towns], ignore_index=True))
    assert set(units["parent_id"][16:]) == {"county:330881"}
    assert "unit.parent_elsewhere" not in {problem.code for problem in problems}


def test_the_gcj02_counties_meet_the_wgs84_ones(shared):
    good, _ = read(shared, "counties/counties_amap_wgs84.geojson", "county")
    raw, _ = read(shared, "counties/counties_amap_gcj02.geojson", "county")
    mended, _ = read(shared, "counties/counties_amap_gcj02.geojson", "county", datum="gcj02")
    assert good["code"].tolist() == mended["code"].tolist()

    def apart(layer) -> float:
        both = layer.geometry.symmetric_difference(good.geometry).to_numpy()
        return float(areas_m2(both).sum() / areas_m2(good.geometry.to_numpy()).sum())

    assert apart(raw) > 0.02
    assert apart(mended) < 0.001


def test_bd09_polygons_of_which_two_cross_themselves(shared):
    units, problems = read(
        shared, "facilities_messy/shanghai_gumei_subareas_bd09.geojson", "village_level",
        datum="bd09",
    )  # fmt: skip
    assert len(units) == 8
    assert [(problem.code, problem.row) for problem in problems] == [
        ("unit.invalid_ring", 1),
        ("unit.invalid_ring", 8),
    ]
    assert units.geometry.is_valid.all()


def test_the_broken_boundary_is_refused_with_file_and_line(shared):
    with pytest.raises(InputError) as caught:
        read(shared, "broken/wuhan_boundary_bad_json.geojson", "prefecture")
    (problem,) = caught.value.problems
    assert problem.code == "vector.bad_json"
    assert problem.file == "broken/wuhan_boundary_bad_json.geojson"
    assert problem.row == 5
    assert "m" in problem.value
    assert "第 5 行" in problem.text("zh")


def test_the_mended_boundary_of_wuhan(shared):
    units, problems = read(shared, "wuhan/wuhan_boundary.geojson", "prefecture")
    assert problems == []
    assert units["name"].tolist() == ["武汉市"]
    assert areas_m2(units.geometry.to_numpy())[0] / 1e6 == pytest.approx(8_570, rel=0.01)


def test_isle_of_man_from_the_pbf(shared):
    units, problems = read(
        shared, "isle_of_man/isle_of_man_2020-03-14.osm.pbf", "township", admin_level=8
    )
    assert problems == []
    assert len(units) == 24
    assert areas_m2(units.geometry.to_numpy()).sum() / 1e6 == pytest.approx(572, rel=0.05)
    assert len(measure_overlaps(units)[0]) == 0


@pytest.mark.parametrize(
    ("county", "overlaps", "overlap_m2", "gaps", "gap_m2", "listed"),
    [
        ("kecheng", 5, 60.8, 6, 11_180, 1),
        ("changshan", 2, 2_397, 1, 119_443, 1),
        ("pinghu", 0, 0.0, 3, 19.2, 0),
        ("ningbo", 0, 0.0, 0, 0.0, 0),
    ],
)
def test_townships_overlap_and_gap(shared, county, overlaps, overlap_m2, gaps, gap_m2, listed):
    units, _ = read(shared, f"{county}/townships.geojson", "township")
    sums, problems = measure_topology(units.assign(parent_id=""))
    found = sums["township"]
    assert (found["overlaps"], found["gaps"]) == (overlaps, gaps)
    assert found["overlap_m2"] == pytest.approx(overlap_m2, rel=0.01)
    assert found["gap_m2"] == pytest.approx(gap_m2, rel=0.01)
    assert sum(problem.code in ("unit.overlap", "unit.gap") for problem in problems) == listed
