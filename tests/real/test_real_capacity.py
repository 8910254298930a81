"""Beds that people compete for in Wuhan, and planning units of Taipei's villages."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import shapely

from servicecircle.inputs.load import read_inputs
from servicecircle.measure.capacity import all_capacity
from servicecircle.measure.contiguous import shared_borders
from servicecircle.measure.ground import lay_ground
from servicecircle.progress import Silent
from servicecircle.project import load_project
from servicecircle.standards.names import settle_names


def laid(file, extra):
    file.write_text(file.read_text(encoding="utf-8") + extra, encoding="utf-8")
    project = load_project(file)
    asked = settle_names(project).asked
    inputs = read_inputs(project, selectors={}, progress=Silent(), asked=asked)
    return project, lay_ground(project, inputs)


@pytest.fixture(scope="module")
def wuhan(real_project):
    extra = """
    [catchments.care_home]
    profile = "drive"
    minutes = 15
    norm = 300
    [assignment.care_home]
    profile = "drive"
    minutes = 15
    share = 0.03
    """
    project, ground = laid(real_project("wuhan"), extra)
    return ground, all_capacity(project, ground, Silent())


def test_beds_of_wuhan_are_given_once(wuhan):
    ground, found = wuhan
    elderly = ground.demand["elderly"].to_numpy()
    homes = found.tables["catchment_facilities"]
    for method in ("2sfca", "e2sfca", "3sfca"):
        mine = homes[homes["method"] == method]
        beds = mine.loc[mine["status"] == "counted", "capacity"].sum()
        scores = np.nan_to_num(found.demand[f"score_care_home_{method}"]) / 10000
        assert scores @ elderly == pytest.approx(beds, rel=1e-9)
    area = found.tables["catchments"]
    area = area[area["level"] == "area"]
    assert area["people"].iloc[0] == pytest.approx(elderly.sum())
    assert (area[["within", "beyond_limit", "unreachable", "unsnapped"]].sum(axis=1).to_numpy()
            == pytest.approx(area["people"].to_numpy()))  # fmt: skip


def test_assignment_of_wuhan_is_proved(wuhan):
    _, found = wuhan
    proof = found.record["assignment.care_home"]["least_time"]
    nearest = found.record["assignment.care_home"]["nearest"]
    assert proof["placed"] > 1000
    assert proof["gap"] <= 1e-9 * proof["person_minutes"]
    assert proof["placed"] >= nearest["placed"] - 1e-6
    homes = found.tables["assignment_facilities"]
    assert (homes["assigned"].dropna() <= homes["capacity"][homes["assigned"].notna()] + 1e-6).all()
    area = found.tables["assignment"]
    area = area[area["level"] == "area"]
    parts = area[["full", "beyond_limit", "unreachable", "unsnapped"]].sum(axis=1)
    assert area["left"].to_numpy() == pytest.approx(parts.to_numpy())
    assert (area["placed"] + area["left"]).to_numpy() == pytest.approx(area["people"].to_numpy())


def test_planning_units_of_taipei(real_project):
    _, ground = laid(real_project("taipei"), "")
    table = ground.tables["clusters"]
    sizes = table.groupby("unit_id")["people"].sum()
    assert len(table) == 456
    # No unit crosses a district, so that each has as many as it has ten thousands.
    district = table["member_id"].str.removeprefix("village_level:").str[:8]
    ten_thousands = table.groupby(district.to_numpy())["people"].sum() / 10000
    assert len(sizes) == ten_thousands.round().sum() == 55
    assert table.groupby("unit_id")["member_id"].agg(lambda ids: ids.str[:22].nunique()).eq(1).all()
    assert sizes.between(7500, 12500).all()
    villages = ground.units[ground.units["level"] == "village_level"].set_index("unit_id")
    order = table["member_id"]
    metric = villages.loc[order].geometry.to_crs("EPSG:3826").to_numpy()
    pairs, _ = shared_borders(metric)
    graph = nx.Graph(pairs.tolist())
    for _, members in table.reset_index(drop=True).groupby("unit_id"):
        assert nx.is_connected(graph.subgraph(members.index))
    drawn = ground.units[ground.units["level"] == "planning_unit"].geometry
    assert shapely.is_valid(drawn.to_numpy()).all()
