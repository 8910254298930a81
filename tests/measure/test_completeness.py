"""Roads by unit: lengths by hand, and a gap found where there is one and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.measure.completeness import COLUMNS, road_completeness, road_metres


def board(side: int = 4):
    """Return a board of squares of one kilometre."""
    i, j = (part.ravel() for part in np.meshgrid(np.arange(side), np.arange(side)))
    boxes = shapely.box(i * 1e3, j * 1e3, (i + 1) * 1e3, (j + 1) * 1e3)
    names = [f"{a}{b}" for a, b in zip(i, j, strict=True)]
    table = pd.DataFrame({"unit_id": names, "code": "", "name": names, "level": "township"})
    return table, boxes


def test_metres_of_each_unit_add_up_to_all():
    _, boxes = board()
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-500, 4500, (2, 400))
    ends = rng.integers(0, 400, (2, 900))
    metres = road_metres(x, y, (ends[0], ends[1]), boxes)
    length = np.hypot(x[ends[0]] - x[ends[1]], y[ends[0]] - y[ends[1]])
    middle = (x[ends[0]] + x[ends[1]]) / 2, (y[ends[0]] + y[ends[1]]) / 2
    for at, box in enumerate(boxes):
        mine = shapely.contains_xy(box, *middle)
        assert metres[at] == pytest.approx(length[mine].sum())


def test_one_square_without_its_lanes_is_found():
    table, boxes = board()
    road_m, people = np.full(16, 8e3), np.full(16, 500.0)
    road_m[5] = 1500.0
    found = road_completeness(table, boxes, road_m=road_m, people=people)
    assert found["status"].tolist() == ["ok"] * 5 + ["sparse"] + ["ok"] * 10
    row = found.iloc[5]
    assert (row["neighbours"], row["road_m_per_km2"], row["road_m_per_person"]) == (8, 1500.0, 3.0)
    assert row["per_km2_ratio"] == row["per_person_ratio"] == pytest.approx(1500 / 8000)
    assert list(found.columns) == [name for name in COLUMNS if name in found]


def test_hills_and_towers_are_no_gaps():
    table, boxes = board()
    road_m, people = np.full(16, 8e3), np.full(16, 500.0)
    road_m[5], people[5] = 1500.0, 60.0  # hills: little road, few people
    people[10] = 20_000.0  # towers: many people on the same streets
    found = road_completeness(table, boxes, road_m=road_m, people=people)
    assert set(found["status"]) == {"ok"}


def test_people_and_hardly_any_road_and_nobody():
    table, boxes = board()
    road_m, people = np.full(16, 8e3), np.full(16, 500.0)
    road_m[[0, 1]] = 0.0, 20.0
    people[1], people[2], people[3] = 900.0, 10.0, np.nan
    found = road_completeness(table, boxes, road_m=road_m, people=people)
    assert found["status"].tolist()[:4] == ["none", "none", "nobody", "nobody"]


def test_far_units_are_held_against_the_nearest():
    table, boxes = board()
    apart = shapely.transform(boxes, lambda xy: xy * 3.0)
    road_m = np.full(16, 8e3)
    road_m[0] = 100.0
    found = road_completeness(table, apart[:], road_m=road_m, people=np.full(16, 500.0))
    assert found["status"].tolist() == ["sparse"] + ["ok"] * 15
    islands = shapely.box([0, 5000, 10_000], 0, [1000, 6000, 11_000], 1000)
    found = road_completeness(
        table[:3], islands, road_m=np.array([100.0, 8e3, 8e3]), people=np.full(3, 500.0)
    )
    assert found["neighbours"].tolist() == [2, 2, 2]
    assert found["status"].tolist() == ["sparse", "ok", "ok"]
