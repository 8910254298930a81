"""Ground of the small town: everything projected, placed and attached, and what is told of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.load import input_files


def codes(problems):
    return sorted(problem.code for problem in problems)


def test_ground(town):
    project, inputs, ground = town()
    assert ground.metric.crs == "EPSG:4549"
    assert not ground.metric.fitted
    assert ground.network.length_m.tolist() == pytest.approx([3000.0, 200.0], abs=1e-3)
    # The lane of 200 m is too short to attach to.
    assert ground.network.eligible.tolist() == [True, False]
    assert ground.facilities["snap_status"].tolist() == [
        "attached",
        "attached",
        "attached",
        "unsnapped",
    ]
    assert ground.facilities["snap_m"].tolist()[:3] == pytest.approx([20, 10, 0], abs=1e-3)
    west, east = ground.units["unit_id"]
    assert ground.facilities["unit_township"].tolist() == [west, east, west, west]
    assert ground.facilities["in_main_urban_area"].tolist() == [True, False, True, False]
    placed = ground.demand["unit_township"]
    assert placed.tolist()[:6] == [west, west, west, east, east, west]
    assert placed.isna().tolist() == [False] * 6 + [True]
    assert ground.demand["in_main_urban_area"].tolist() == [True, True, *[False] * 5]
    assert ground.demand["snap_m"].tolist()[2] == pytest.approx(30, abs=1e-3)
    assert np.isnan(ground.demand["snap_m"].tolist()[5])
    # Rows in = rows used, and in the same order.
    assert len(ground.demand) == 7
    assert len(ground.facilities) == 4
    assert {path.name for path in input_files(project)} == {
        "townships.geojson",
        "urban.geojson",
        "canteens.csv",
        "people.csv",
        "roads.gpkg",
    }
    assert inputs.files == input_files(project)


def test_people_add_up(town):
    _, _, ground = town()
    balance = ground.balance
    assert balance["people_in_source"] == 286.0
    assert balance["people_in_units"] == 277.0
    assert balance["people_outside_units"] == 9.0
    assert balance["people_masked"] == balance["people_unaccounted"] == 0.0
    assert balance["elderly_in_source"] == 80.0
    assert balance["elderly_in_units"] == 76.0
    assert balance["elderly_outside_units"] == 4.0
    assert balance["points"] == 7
    assert balance["points_outside_units"] == 1
    assert balance["points_in_gaps"] == 0
    assert balance["points_unsnapped"] == 2
    assert balance["people_unsnapped"] == 16.0


def test_what_is_wrong_is_told(town):
    found = codes(town()[2].problems)
    assert found.count("facility.unsnapped") == 1
    assert found.count("demand.outside_units") == 1
    assert found.count("demand.unsnapped") == 1
    assert "facility.outside_units" not in found


def test_no_component_is_long_enough(town):
    with pytest.raises(InputError) as caught:
        town(extra="\n[network]\nmin_component_m = 5000.0\n")
    (problem,) = caught.value.problems
    assert problem.code == "roads.no_component"
    assert problem.value == "3000 m"
    assert problem.details["least"] == "5000"


def test_a_layer_that_lies_elsewhere_stops_the_run(town, tmp_path):
    # Two degrees west: 190 km.
    table = pd.read_csv(tmp_path / "canteens.csv").assign(lon=lambda one: one["lon"] - 2.0)
    table.to_csv(tmp_path / "canteens.csv", index=False)
    with pytest.raises(InputError) as caught:
        town()
    (problem,) = caught.value.problems
    assert problem.code == "facility.layer_outside"
    assert problem.value == "canteen"
    assert problem.details["count"] == 4
    assert float(problem.details["km"]) == pytest.approx(190, abs=5)


def test_faults_of_all_files_come_together(town, tmp_path):
    town()
    (tmp_path / "people.csv").unlink()
    (tmp_path / "townships.geojson").unlink()
    with pytest.raises(InputError) as caught:
        town()
    assert {problem.file for problem in caught.value.problems} >= {
        "people.csv",
        "townships.geojson",
    }
