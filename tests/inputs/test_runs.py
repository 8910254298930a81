"""A run's folder read back: whole, or refused with what is wrong."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.runs import FORMAT, read_access, read_run, read_units


@pytest.fixture
def folder(town_runs, tmp_path):
    """Return a copy of a run that a test may damage."""
    return shutil.copytree(town_runs(), tmp_path / "run")


def change_record(folder, **changed):
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    record |= changed
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")


def codes(folder):
    with pytest.raises(InputError) as caught:
        read_run(folder)
    for problem in caught.value.problems:
        assert problem.text("zh")
        assert problem.text("en")
        assert problem.severity == "fatal"
    return [problem.code.removeprefix("runs.") for problem in caught.value.problems]


def test_a_run_comes_back_as_it_was_written(town_runs):
    run = read_run(town_runs())
    assert run.name == "Town"
    assert run.language == "en"
    assert run.as_of.isoformat() == "2025-12-31"
    assert list(run.plans) == ["town"]
    card = run.scorecard.set_index(["indicator_id", "alternative", "target_year"])
    assert card.loc[("nursing_share", "", 2025.0), "value"] == 62.5
    assert card.loc[("homes", "", 2025.0), ["denominator"]].isna().all()
    assert run.scorecard["headline"].dtype == "boolean"
    homes = run.facilities.set_index("name")
    assert homes["open"].to_dict() == {"Alder": True, "Birch": True, "Cedar": False}
    assert homes["capacity"].to_dict() == {"Alder": 30.0, "Birch": 50.0, "Cedar": 20.0}
    assert (homes["source_file"] == "homes.csv").all()
    assert homes["source_row"].tolist() == [2.0, 3.0, 4.0]


def test_units_and_access_have_what_leads_from_one_to_the_other(town_runs):
    run = read_run(town_runs())
    units = read_units(run, shapes=True)
    assert units["level"].tolist() == ["county", "township", "township"]
    assert units["should_have"].dtype == "boolean"
    assert units["should_have"].all()
    assert units.geometry.is_valid.all()
    assert "geometry" not in read_units(run)
    access = read_access(run, layer="care_home", profile="elderly")
    by_unit = access.groupby("unit_township")["elderly"].sum()
    assert by_unit.to_dict() == {"township:330101001": 3.0, "township:330101002": 7.0}
    assert np.round(access["metres"]).tolist() == [0.0, 200.0, 200.0, 1100.0]
    some = read_access(run, layer="care_home", profile="elderly", columns=["metres", "nothing"])
    assert list(some.columns) == ["metres"]
    assert read_access(run, layer="care_home", profile="drive").empty


def test_what_is_no_run_is_refused(folder, tmp_path):
    assert codes(tmp_path / "nowhere") == ["no_folder"]
    assert codes(folder / "run.json") == ["not_a_folder"]
    (tmp_path / "empty").mkdir()
    assert codes(tmp_path / "empty") == ["not_ours"]
    (tmp_path / "empty" / "run.json").write_text('{"program": "other"}', encoding="utf-8")
    assert codes(tmp_path / "empty") == ["not_ours"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"command": "check"}, "other_command"),
        ({"format": FORMAT + 1}, "other_format"),
        ({"format": None}, "other_format"),
        ({"project": {}}, "not_ours"),
        ({"rows_out": {}}, "not_ours"),
        ({"rows_out": {"../scorecard.csv": 1}}, "not_ours"),
        ({"rows_out": "x"}, "not_ours"),
    ],
)
def test_a_record_that_cannot_be_read_is_refused(folder, changed, code):
    change_record(folder, **changed)
    assert codes(folder) == [code]


def test_all_that_is_missing_is_told_at_once(folder):
    for name in ("scorecard.csv", "access.parquet", "coverage.gpkg", "plan_1.toml"):
        (folder / name).unlink()
    assert sorted(codes(folder)) == ["missing_file"] * 4


def test_a_table_cut_short_is_refused(folder):
    lines = (folder / "units.csv").read_text(encoding="utf-8-sig").splitlines()
    (folder / "units.csv").write_text("\n".join(lines[:-1]), encoding="utf-8-sig")
    assert codes(folder) == ["rows"]


def test_a_table_with_other_cells_is_refused(folder):
    table = pd.read_csv(folder / "facilities.csv", dtype=str, keep_default_na=False)
    table.loc[1, "capacity"] = "fifty"
    table.loc[2, "open"] = "perhaps"
    table.to_csv(folder / "facilities.csv", index=False, encoding="utf-8-sig")
    assert codes(folder) == ["bad_number", "bad_switch"]
    with pytest.raises(InputError) as caught:
        read_run(folder)
    assert [problem.row for problem in caught.value.problems] == [3, 4]
    table.drop(columns="layer").to_csv(folder / "facilities.csv", index=False)
    assert codes(folder) == ["columns"]


def test_a_file_that_is_no_table_is_refused(folder):
    (folder / "scorecard.csv").write_bytes("指标\n".encode("gb18030"))
    (folder / "access.parquet").write_bytes(b"PAR1")
    assert sorted(codes(folder)) == ["unreadable", "unreadable"]


def test_another_plan_in_the_place_of_the_copy_is_refused(folder):
    with (folder / "plan_1.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert codes(folder) == ["changed_plan"]


def test_names_that_look_like_formulas_come_back_as_they_were(folder):
    text = (folder / "facilities.csv").read_text(encoding="utf-8-sig")
    (folder / "facilities.csv").write_text(text.replace("Alder", "'=1+1"), encoding="utf-8-sig")
    assert "=1+1" in read_run(folder).facilities["name"].tolist()
    (folder / "facilities.csv").write_text(text.replace("Alder", "'s Home"), encoding="utf-8-sig")
    assert "'s Home" in read_run(folder).facilities["name"].tolist()
