"""``run --set``: a setting for one run, checked and recorded like the file's own."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from servicecircle.cli import main
from servicecircle.errors import ProjectError
from servicecircle.project import load_project
from servicecircle.toml_files import with_changes


@pytest.fixture
def file(small_town, tmp_path):
    return small_town.lay_out(tmp_path / "inputs")


def call(*arguments):
    return CliRunner().invoke(main, ["run", *map(str, arguments)])


@pytest.mark.parametrize(
    ("change", "table", "key", "value"),
    [
        ("network.elderly_kmh=5", "network", "elderly_kmh", 5.0),
        ("network.elderly_kmh = 2.5", "network", "elderly_kmh", 2.5),
        ("project.name=Other town", "project", "name", "Other town"),
        ('project.name="Other = town"', "project", "name", "Other = town"),
        ("rules.minutes=[20]", "rules", "minutes", [20.0]),
    ],
)
def test_a_setting_takes_the_place_of_the_file_s(file, change, table, key, value):
    project = load_project(file, changes=[change])
    assert getattr(getattr(project, table), key) == value
    assert load_project(file) != project


def test_the_last_of_two_counts_and_the_file_stays(file):
    before = file.read_bytes()
    changes = ["network.elderly_kmh=5", "network.elderly_kmh=6"]
    assert load_project(file, changes=changes).network.elderly_kmh == 6.0
    assert file.read_bytes() == before


@pytest.mark.parametrize("change", ["", "x", "=1", "network", "project.name.x=1", "a=1\nb=2"])
def test_what_is_no_setting_is_refused(change):
    with pytest.raises(ProjectError, match="not a setting"):
        with_changes({"project": {"name": "Town"}}, [change])


def test_a_wrong_setting_is_told_like_a_wrong_key(file, tmp_path):
    done = call(file, "--out", tmp_path / "run", "--set", "network.eldery_kmh=4")
    assert done.exit_code == 1
    assert "elderly_kmh" in done.stderr
    assert not (tmp_path / "run").exists()


def test_the_record_of_the_run_has_it(town_runs):
    folder = town_runs(changes=("network.elderly_kmh=5",))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["project"]["network"]["elderly_kmh"] == 5.0
    assert record["profiles"]["elderly"]["speed"] == "5 km/h"
