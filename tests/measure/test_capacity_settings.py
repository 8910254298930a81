"""What tables of competition and clusters may say, and what becomes of wrong ones."""

from __future__ import annotations

import pytest

from servicecircle.errors import ProjectError
from servicecircle.measure.capacity_settings import cluster_units, settings_faults
from servicecircle.project import load_project

HEAD = """
[project]
name = "town"
as_of = 2025-12-31
[boundaries.county]
path = "c.geojson"
[boundaries.township]
path = "t.geojson"
[facilities.care_home]
path = "f.csv"
"""


def project(tmp_path, text):
    path = tmp_path / "p.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_project(path)


def faults(tmp_path, text):
    return [(one.code, one.value, one.row) for one in settings_faults(project(tmp_path, text))]


def test_all_is_well(tmp_path):
    text = """
    [catchments.care_home]
    norm = 300
    steps = [[10, 1.0], [20, 0.68], [30, 0.22]]
    [catchments.by_car]
    layer = "care_home"
    profile = "drive"
    [assignment.care_home]
    share = 0.03
    [clusters.planning_unit]
    people = 10000
    within = "county"
    """
    assert faults(tmp_path, text) == []
    assert cluster_units(project(tmp_path, text), "planning_unit") == "township"


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("[catchments.carehome]\nminutes = 9", "project.competition_layer", "carehome"),
        ('[assignment.x]\nlayer = "canteen"', "project.competition_layer", "canteen"),
        ('[clusters.big_community]\nnumber = 2\nunits = "village_level"', "project.cluster_level",
         "village_level"),
        ('[clusters.big_community]\nnumber = 2\nwithin = "township"', "project.cluster_within",
         "township"),
        ('[boundaries.planning_unit]\npath = "u.geojson"\n[clusters.planning_unit]\npeople = 9',
         "project.cluster_drawn", "planning_unit"),
    ],
)  # fmt: skip
def test_names_that_stand_for_nothing(tmp_path, text, code, value):
    ((found, given, row),) = faults(tmp_path, text)
    assert (found, given) == (code, value)
    assert row is not None


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("[catchments.care_home]\nminutes = 0", "catchments.care_home.minutes"),
        ("[catchments.care_home]\nminutes = -5", "catchments.care_home.minutes"),
        ("[catchments.care_home]\nnorm = 0", "catchments.care_home.norm"),
        ("[catchments.care_home]\nmethods = []", "catchments.care_home.methods"),
        ('[catchments.care_home]\nweight = "children"', "catchments.care_home.weight"),
        ("[catchments.care_home]\nshare = 0.5", "catchments.care_home.share"),
        ("[assignment.care_home]\nshare = 0", "assignment.care_home.share"),
        ("[assignment.care_home]\nshare = 1.5", "assignment.care_home.share"),
        ("[clusters.township]\npeople = 9", "clusters.township"),
        ("[clusters.planning_unit]\npeople = 0", "clusters.planning_unit.people"),
        ("[clusters.planning_unit]\nnumber = 0", "clusters.planning_unit.number"),
    ],
)
def test_values_that_cannot_be(tmp_path, text, column):
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.column.startswith(column)
    assert problem.row is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[catchments.care_home]\nsteps = [[10, 1.0], [20, 0.5]]", "project.catchment_steps"),
        ("[catchments.care_home]\nsteps = [[20, 1.0], [10, 0.7], [30, 0.5]]",
         "project.catchment_steps"),
        ("[catchments.care_home]\nsteps = [[10, 0.5], [30, 1.0]]", "project.catchment_steps"),
        ("[catchments.care_home]\nsteps = [[10, 0.5], [30, 0]]", "project.catchment_steps"),
        ('[catchments.care_home]\nmethods = ["2sfca", "2sfca"]', "project.methods_twice"),
        ('[assignment.care_home]\nrules = ["nearest", "nearest"]', "project.methods_twice"),
        ("[clusters.planning_unit]\npeople = 9\nnumber = 2", "project.cluster_size"),
        ("[clusters.planning_unit]", "project.cluster_size"),
    ],
)  # fmt: skip
def test_keys_that_do_not_go_together(tmp_path, text, code):
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.code == code
    for language in ("zh", "en"):
        assert "{" not in problem.text(language)
