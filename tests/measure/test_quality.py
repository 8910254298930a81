"""Roads by unit and the edge on the demo city, held against plain arithmetic."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from servicecircle.inputs.load import read_inputs
from servicecircle.measure.ground import lay_ground
from servicecircle.measure.quality import ROAD_COLUMNS
from servicecircle.progress import Silent
from servicecircle.project import LEVELS, load_project
from servicecircle.standards.names import settle_names

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def demo():
    project = load_project(DATA / "demo.toml")
    selectors = settle_names(project).selectors(project)
    inputs = read_inputs(project, selectors=selectors, progress=Silent())
    return inputs, lay_ground(project, inputs)


def test_roads_of_units_are_those_of_the_file(demo):
    inputs, ground = demo
    table = ground.tables["roads_by_unit"]
    assert tuple(table.columns) == ROAD_COLUMNS
    # Units that are drawn may leave gaps; roads are looked at by those that tile the area.
    assert len(table) == inputs.units["level"].isin(LEVELS).sum()
    roads = inputs.roads
    walked = roads.walk & ~roads.ferry
    ends = np.stack([roads.u[walked], roads.v[walked]], axis=1)
    lines = gpd.GeoSeries(
        shapely.linestrings(np.stack([roads.lon[ends], roads.lat[ends]], axis=2)), crs=4326
    ).to_crs("EPSG:4549")
    units = inputs.units.to_crs("EPSG:4549")
    for level in ("county", "township"):
        rows = table[table["level"] == level].set_index("unit_id")
        for unit_id in rows.index[:3]:
            shape = units.loc[units["unit_id"] == unit_id, "geometry"].iloc[0]
            clipped = shapely.intersection(lines.to_numpy(), shape)
            # A segment that crosses a border counts on one side here.
            assert rows.loc[unit_id, "road_m"] == pytest.approx(
                shapely.length(clipped).sum(), rel=0.01
            )
            assert rows.loc[unit_id, "area_km2"] == pytest.approx(shape.area / 1e6, rel=1e-4)


def test_people_near_the_edge_are_those_near_roads_that_lead_out(demo):
    inputs, ground = demo
    edge = ground.edge
    assert edge["limit_m"] == 1000.0
    assert edge["roads_crossing"] > 0
    table = ground.tables["roads_by_unit"]
    for level in ("county", "township", "village_level"):
        rows = table[table["level"] == level]
        assert rows["edge_population"].sum() == pytest.approx(edge["people"], rel=1e-9)
        assert (rows["edge_population"] <= rows["population"] * (1 + 1e-9)).all()
    # All of them live within the limit of the border, and most people of that strip do not.
    outline = inputs.units[inputs.units["level"] == "county"].to_crs("EPSG:4549").union_all()
    demand = gpd.GeoSeries.from_xy(ground.demand["lon"], ground.demand["lat"], crs=4326)
    strip = shapely.distance(demand.to_crs("EPSG:4549").to_numpy(), outline.boundary) <= 1030.0
    assert edge["people"] < ground.demand.loc[strip, "population"].sum()
    assert edge["people"] > 0


def test_the_care_home_in_another_province_is_no_facility_beyond_the_border(demo):
    _, ground = demo
    assert ground.edge["facilities_beyond"]["care_home"] == 0


def test_the_demo_city_has_no_gap_in_its_roads(demo):
    _, ground = demo
    status = ground.tables["roads_by_unit"]["status"]
    assert set(status) <= {"ok", "nobody"}
    assert not [one for one in ground.problems if one.code.startswith("completeness.")]
