"""Every value of a real run comes out again from its folder, and runs of one place compare."""

from __future__ import annotations

import pandas as pd
import pytest

from servicecircle.compare.runs import compare_runs
from servicecircle.explain.value import explain_value
from servicecircle.inputs.runs import read_run


@pytest.mark.parametrize("name", ["taipei", "jiangshan"])
def test_values_of_a_real_run_come_out_again(finished, name):
    run = read_run(finished(name).folder)
    results = run.unit_results
    counted = 0
    for row in run.scorecard[run.scorecard["value"].notna()].to_dict("records"):
        mine = results[
            (results["plan"] == row["plan"])
            & (results["indicator_id"] == row["indicator_id"])
            & (results["alternative"] == row["alternative"])
        ]
        unit = mine["unit_id"].iloc[len(mine) // 2] if len(mine) else None
        found = explain_value(
            run,
            row["indicator_id"],
            unit,
            plan=row["plan"],
            alternative=row["alternative"],
            year=None if pd.isna(row["target_year"]) else int(row["target_year"]),
        )
        assert found.differences == (), row["indicator_id"]
        counted += len(found.checks)
    assert counted > 20


def test_walking_faster_on_an_island_loses_nobody(finished, real_project, command, tmp_path):
    slow = finished("isle_of_man").folder
    file = real_project("isle_of_man")
    text = file.read_text(encoding="utf-8") + "\n[network]\nelderly_kmh = 4.0\n"
    file.write_text(text, encoding="utf-8")
    fast = command(file, tmp_path / "fast").folder
    found = compare_runs(read_run(slow), read_run(fast))
    assert found.settings.values.tolist() == [["network.elderly_kmh", "3.0", "4.0"]]
    reach = found.reach.set_index("layer")
    assert (reach["lost_points"] == 0).all()
    assert reach.loc["care_home", "gained_population"] > 1000
    assert reach.loc["pharmacy", "gained_points"] == 0
    minutes = reach.loc["care_home", ["mean_minutes_a", "mean_minutes_b"]]
    assert minutes.iloc[1] == pytest.approx(minutes.iloc[0] * 3 / 4)
    assert (found.facilities["status"] == "same").all()
