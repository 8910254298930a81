"""The command ``site`` on the small town, whose every answer is known on paper.

Home Alder stands at crossing 1, 1 and Birch at 14, 5; of ten older persons the four at 20, 10 have
none within 750 m. Four plots are offered, metres to them along the streets, and to whom:

=====  ========  ====  ====  =====================================================
plot   crossing  cost  beds  reaches within 15 minutes (750 m)
=====  ========  ====  ====  =====================================================
North  19, 10    5     10    the four at 20, 10 (100 m)
South  20, 3     1     20    the four at 20, 10 (700 m)
West   5, 5      2     30    the two at 3, 1 (600 m), who have Alder; the three at 12, 5 (700 m)
Mid    13, 9     3     5     the three at 12, 5 (500 m), who have Birch
=====  ========  ====  ====  =====================================================
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from shapely import Polygon

from servicecircle.cli import main
from servicecircle.siting.model import OBJECTIVES

PLOTS = (
    ("North", 19, 10, 5, 10),
    ("South", 20, 3, 1, 20),
    ("West", 5, 5, 2, 30),
    ("Mid", 13, 9, 3, 5),
)
SITING = """
[siting.candidates.plots]
kind = "parcels"
path = "plots.csv"
datum = "wgs84"
"""


@pytest.fixture(scope="module")
def town(small_town: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project file of the town with its plots."""
    folder = tmp_path_factory.mktemp("town")
    project: Path = small_town.lay_out(folder)
    lines = ["name,lon,lat,造价,床位数"]
    for name, column, row, cost, beds in PLOTS:
        lon, lat = small_town.at(column, row)
        lines.append(f"{name},{lon},{lat},{cost},{beds}")
    (folder / "plots.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    project.write_text(project.read_text(encoding="utf-8") + SITING, encoding="utf-8")
    return project


def ask(project: Path, out: Path, *asked: str) -> Result:
    """Run the command, the layer care_home unless an indicator is asked for."""
    layer = () if "--indicator" in asked else ("--layer", "care_home")
    return CliRunner().invoke(main, ["site", str(project), *layer, *asked, "--out", str(out)])


class Study:
    """A finished folder and what was printed."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.text = text

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", encoding="utf-8-sig")

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return record

    @property
    def chosen(self) -> list[str]:
        sites = self.csv("sites")
        return sites.loc[sites["action"] == "open", "name"].tolist()


@pytest.fixture(scope="module")
def made(town: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Study]:
    """Return a function that makes a study once."""
    done: dict[tuple[str, ...], Study] = {}

    def make(*asked: str) -> Study:
        if asked not in done:
            folder = tmp_path_factory.mktemp("out") / "study"
            result = ask(town, folder, *asked)
            assert result.exit_code == 0, result.output
            done[asked] = Study(folder, result.output)
        return done[asked]

    return make


COVER = ("--objective", "cover", "--sites", "1")


def test_fewest_sites_that_reach_all_who_can_be_reached(made):
    study = made()
    assert study.chosen in (["North"], ["South"])
    proof = study.csv("siting").iloc[0]
    assert (proof["value"], proof["bound"], proof["gap"], proof["proven"]) == (1, 1, 0, True)
    assert "no fewer than 1" in study.text
    site = study.csv("sites").iloc[0]
    assert (site["people_alone"], site["people_added"], site["people_covered"]) == (4, 4, 10)
    assert (site["unit"], site["share_covered"]) == ("East", 1.0)


def test_units_before_and_after(made):
    units = made().csv("site_units").set_index("name")
    told = ["people", "covered_before", "covered_after", "facilities_before", "sites"]
    assert units.loc["West", told].tolist() == [3, 3, 3, 1, 0]
    assert units.loc["East", told].tolist() == [7, 3, 7, 1, 1]
    assert units.loc["East", "share_before"] == pytest.approx(3 / 7)


def test_the_cheapest_is_the_one_that_costs_one(made):
    study = made("--by-cost")
    assert study.chosen == ["South"]
    assert "cost 1" in study.text
    assert study.csv("siting")["value"].tolist() == [1]


def test_the_mean_and_the_longest_way_are_those_of_the_nearest_plot(made):
    # By the way, elderly: 1 at 0 m, 2 at 200 m, 3 at 200 m, 4 at 100 m: 140 m are 2.8 minutes.
    study = made("--objective", "mean", "--sites", "1")
    assert study.chosen == ["North"]
    assert study.csv("siting").loc[0, "value"] == pytest.approx(168.0, rel=2e-3)
    assert study.csv("siting").loc[0, "proven"]
    assert study.csv("siting").loc[0, "people_bound"] == 10
    assert "2.80 min" in study.text


def test_the_run_with_the_sites_is_a_run_as_if_they_were_there(made, town):
    study = made(*COVER)
    facilities = study.csv("facilities")
    new = facilities[facilities["status"] == "proposed"]
    assert new["name"].tolist() == study.chosen
    assert new["open"].tolist() == [True]
    assert not new["invented"].any()
    reached = study.csv("units")
    rows = reached[(reached["rule"] == "15 min") & (reached["level"] == "county")]
    assert rows["covered_elderly"].tolist() == [10]
    # What the model promised and what the run measured are held against each other.
    assert "siting.covers_others" not in set(study.csv("problems")["code"])


def test_the_layers_of_the_geopackage_and_the_map(made):
    study = made(*COVER)
    sites = gpd.read_file(study.folder / "coverage.gpkg", layer="sites")
    assert sites["name"].tolist() == study.chosen
    candidates = gpd.read_file(study.folder / "coverage.gpkg", layer="candidates")
    assert len(candidates) == 2 + len(PLOTS)
    units = gpd.read_file(study.folder / "coverage.gpkg", layer="units_township")
    gained = units.set_index("name")["site_care_home_gained"]
    assert gained.to_dict() == {"West": 0, "East": 4}
    page = (study.folder / "index.html").read_text(encoding="utf-8")
    assert '"siting":{' in page
    (told,) = [line for line in study.text.splitlines() if "1 new site(s)" in line]
    assert told in page


def test_candidates_tell_whom_they_would_reach(made):
    table = made(*COVER).csv("candidates").set_index("name")
    assert table.loc[["North", "South", "West", "Mid"], "people_alone"].tolist() == [4, 4, 0, 0]
    assert table.loc["Alder", "source"] == "existing"
    assert table["number"].notna().sum() == 1


def test_compare_takes_it_beside_a_run_without(made, town, tmp_path):
    runner = CliRunner()
    base = tmp_path / "base"
    assert runner.invoke(main, ["run", str(town), "--out", str(base)]).exit_code == 0
    study = made(*COVER)
    result = runner.invoke(
        main, ["compare", str(base), str(study.folder), "--out", str(tmp_path / "c")]
    )
    assert result.exit_code == 0, result.output
    facilities = pd.read_csv(tmp_path / "c" / "compare_facilities.csv", encoding="utf-8-sig")
    assert facilities.loc[facilities["status"] == "added", "name"].tolist() == study.chosen
    card = pd.read_csv(tmp_path / "c" / "compare.csv", encoding="utf-8-sig")
    assert card.set_index("indicator_id").loc["within_1km", "turned"]
    lines = [line for line in result.output.splitlines() if "siting study" in line]
    assert lines == ["   a siting study: its sites count as built (care home: 1 new, 0 closed)"]


def test_the_workbook_says_that_sites_count_as_built(made):
    study = made(*COVER)
    book = openpyxl.load_workbook(study.folder / "scorecard.xlsx")
    assert book.sheetnames[:2] == ["Scorecard", "Sites"]
    for name in ("Scorecard", "Sites", "Units", "Facilities"):
        assert "as if the chosen sites were built" in book[name]["A2"].value
    rows = [[cell.value for cell in row] for row in book["Sites"].iter_rows(min_row=3)]
    told = dict(zip(rows[0], rows[1], strict=True))
    assert [told["Name"], told["Action"], told["Phase"]] == [*study.chosen, "opens", 1]
    sites = study.csv("sites").iloc[0]
    assert told["People added"] == sites["people_added"]
    assert told["Share covered so far"] == sites["share_covered"]
    method = [row[1].value for row in book["Method"].iter_rows(min_row=4)]
    said = [line.strip() for line in study.text.splitlines()]
    found = [line for line in method if line in said]
    assert len(found) >= 2 and "6 → 10 of 10 elderly" in found[0]


def test_an_indicator_is_turned_and_the_scorecard_agrees(made):
    study = made("--indicator", "own:within_1km")
    assert study.chosen in (["North"], ["South"])
    target = study.record["siting"]["target"]
    assert (target["sites_needed"], target["no_fewer_than"], target["proven"]) == (1, 1, True)
    card = study.csv("scorecard").set_index("indicator_id")
    assert card.loc["within_1km", ["value", "verdict"]].tolist() == [100, "met"]
    turned = study.csv("site_verdicts").set_index("indicator_id").loc["within_1km"]
    assert (turned["verdict_before"], turned["verdict_after"]) == ("not_met", "met")
    assert turned["value_before"] == 60
    whole = study.csv("site_target").iloc[0]
    assert (whole["before"], whole["after"], whole["verdict_after"]) == (60, 100, "met")
    assert "siting.other_verdict" not in set(study.csv("problems")["code"])


def test_explain_takes_the_folder_as_that_of_a_run(made):
    study = made("--indicator", "own:within_1km")
    result = CliRunner().invoke(main, ["explain", str(study.folder), "within_1km"])
    assert result.exit_code == 0, result.output
    assert "100" in result.output


def test_an_indicator_that_no_candidate_turns_is_named_with_those_who_lack(town, tmp_path):
    # West and Mid are 2,000 and 800 m from the four at 20, 10; only North and South are nearer.
    shutil.copytree(town.parent, tmp_path, dirs_exist_ok=True)
    file = tmp_path / town.name
    shut = '\n[siting]\nforbidden = ["North", "South", "Mid"]\n'
    file.write_text(file.read_text(encoding="utf-8").replace(SITING, shut + SITING), "utf-8")
    result = ask(file, tmp_path / "none", "--indicator", "own:within_1km")
    assert result.exit_code == 1
    assert '"A care home within 1 km": 100.00% is asked for' in result.output
    assert "60.00%; lacking: 4 people" in result.output
    # What can be done is nothing, and the four are told.
    out = tmp_path / "out"
    result = ask(file, out, "--indicator", "own:within_1km", "--where-possible")
    assert result.exit_code == 0, result.output
    assert "out of reach of every candidate: 4 people (40.00%)" in result.output
    record = Study(out, result.output).record["siting"]["candidates"]
    assert (record["people_unreached_by_any"], record["points_unreached_by_any"]) == (4, 1)


def test_people_at_the_lower_end_of_bounds_are_told_as_such(made):
    said = "(60.0% → 100.0%), at the lower end of its bounds"
    assert said in made("--indicator", "own:within_1km").text
    assert "lower end" not in made("--indicator", "own:within_1km", "--value-only").text
    assert "lower end" not in made(*COVER).text


def test_a_count_needs_the_homes_that_are_missing(made):
    study = made("--indicator", "homes")
    assert len(study.chosen) == 1
    card = study.csv("scorecard").set_index("indicator_id")
    assert card.loc["homes", ["value", "verdict"]].tolist() == [3, "met"]


def test_what_is_met_needs_no_site(made):
    study = made("--indicator", "beds_per_1000")
    assert study.chosen == []
    assert len(study.csv("site_verdicts")) == 0


def test_phases_have_years(made):
    study = made("--each", "2", "--parts", "1,1", "--first-year", "2027")
    sites = study.csv("sites")
    assert sites["phase"].tolist() == [1, 2]
    assert sites["year"].tolist() == [2027, 2028]
    # The first to open is the one that people gain from.
    assert sites["people_added"].tolist() == [4, 0]
    assert study.csv("siting")["step"].tolist() == ["all", "phase 1", "phase 2"]
    assert sorted(sites["unit"]) == ["East", "West"]


def test_phases_begin_in_the_year_that_is_asked_for_whatever_the_target_is_of(made):
    asked = ("--indicator", "own:within_1km", "--year", "2025", "--parts", "1,1")
    assert made(*asked, "--first-year", "2027").csv("sites")["year"].tolist() == [2027]


def test_same_bytes_twice(made, town, tmp_path):
    assert ask(town, tmp_path / "again", *COVER).exit_code == 0
    first = made(*COVER).folder
    for file in sorted(one for one in first.rglob("*") if one.is_file()):
        if file.name != "run.json":
            same = tmp_path / "again" / file.relative_to(first)
            assert file.read_bytes() == same.read_bytes(), file.name


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--objective", "cover", "--sites", "0"), "number of new sites is 0"),
        (("--objective", "cover", "--sites", "9"), "9 new sites are wanted of 4"),
        (("--objective", "cover"), "neither a number of sites nor a budget"),
        (("--profile", "boat"), 'no profile "boat"'),
        (("--level", "village_level"), 'no units of level "village_level"'),
        (("--scope", "main_urban_area"), 'what scope "main_urban_area" holds'),
        (("--share", "1", "--minutes", "3"), "cover 50.00% at most"),
        (("--each", "4"), "have too few candidates: West"),
        (("--floor", "0.9", "--minutes", "3"), "cannot be lifted over the line"),
        (
            ("--indicator", "own:within_1km", "--year", "2025", "--parts", "4,3,3"),
            "3 phases that end with 2025 begin in 2023",
        ),
        (("--indicator", "own:nothing"), 'has an indicator "nothing" (looked for in: own)'),
    ],
)
def test_what_cannot_be_is_worded_and_nothing_written(town, tmp_path, asked, said):
    result = ask(town, tmp_path / "none", *asked)
    assert result.exit_code == 1
    assert said in result.output
    assert "nothing was written" in result.output
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "asked",
    [
        ("--indicator", "homes", "--layer", "care_home"),
        ("--layer", "care_home", "--minutes", "5", "--metres", "500"),
        ("--layer", "care_home", "--parts", "1,1", "--budgets", "1,1"),
        ("--layer", "care_home", "--parts", "one"),
        ("--layer", "care_home", "--parts", "0,0"),
        ("--layer", "care_home", "--year", "2025"),
        ("--layer", "care_home", "--share", "2"),
        ("--layer", "care_home", "--share", "nan"),
        ("--layer", "care_home", "--floor", "nan"),
        ("--layer", "care_home", "--minutes", "nan"),
        ("--layer", "care_home", "--metres", "inf"),
        ("--layer", "care_home", "--seconds", "0"),
        ("--layer", "care_home", "--gap", "1"),
        ("--layer", "care_home", "--sites", "-1"),
        ("--layer", "care_home", "--budget", "-1"),
        ("--layer", "care_home", "--close", "-1"),
        ("--layer", "care_home", "--first-year", "0"),
        ("--layer", "care_home", "--first-year", "99999"),
        ("--layer", "care_home", "--need", "0.03"),
        ("--layer", "care_home", "--first-year", "2027"),
        ("--indicator", "own:within_1km", "--first-year", "2027"),
        ("--layer", "care_home", "--objective", "cover", "--sites", "1", "--share", "0"),
        ("--layer", "care_home", "--objective", "cover", "--sites", "1", "--by-cost"),
        ("--indicator", "own:within_1km", "--year", "99999"),
        ("--indicator", "own:within_1km", "--every-unit"),
        ("--indicator", "own:within_1km", "--objective", "mean"),
        ("--indicator", "own:within_1km", "--sites", "0"),
        ("--indicator", "own:within_1km", "--share", "0.3"),
        ("--indicator", "own:within_1km", "--minutes", "3"),
        ("--indicator", "own:within_1km", "--floor", "0.4"),
        ("--indicator", "own:within_1km", "--capacity"),
        (),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(town, tmp_path, asked):
    result = CliRunner().invoke(main, ["site", str(town), *asked, "--out", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert not (tmp_path / "none").exists()


def test_where_possible_does_what_can_be_done(made):
    # Within 3 minutes (150 m) North alone reaches anybody: 4 of the 10, and Alder has one.
    study = made("--share", "1", "--minutes", "3", "--where-possible")
    assert study.chosen == ["North"]
    assert study.csv("sites")["people_covered"].tolist() == [5]


def test_shares_are_of_everybody_those_whom_nothing_reaches_included(made):
    # Within 3 minutes North reaches 4 of the 10 and Alder 1; nobody is near the other 5.
    study = made("--minutes", "3")
    assert study.csv("sites")["share_covered"].tolist() == [0.5]
    gains = study.csv("site_gains")
    assert gains["share"].tolist() == [0.1, 0.5]
    assert gains["bound_share"].max() == 0.5


def test_verdicts_that_turn_are_those_that_are_others_afterwards(made):
    study = made("--each", "2", "--parts", "1,1", "--first-year", "2027")
    table = study.csv("site_verdicts")
    turned = table["verdict_before"] != table["verdict_after"]
    # The share within 15 minutes and the number of homes change without all of them turning.
    assert study.record["siting"]["verdicts_turned"] == turned.sum() < len(table)


def test_a_plot_serves_by_its_outline_in_the_model_and_in_the_run(town, small_town, tmp_path):
    # A plot of 600 by 40 m along street 5: from its middle the three at 12, 5 are 300 m off, from
    # its edge none.
    corners = [small_town.at(*at) for at in ((12, 4.6), (24, 4.6), (24, 5.4), (12, 5.4))]
    plot = gpd.GeoDataFrame({"name": ["Long"]}, geometry=[Polygon(corners)], crs=4326)
    folder = tmp_path / "long"
    shutil.copytree(town.parent, folder)
    plot.to_file(folder / "long.gpkg")
    listed = '[siting.candidates.long]\nkind = "parcels"\npath = "long.gpkg"\n'
    file = folder / town.name
    file.write_text(file.read_text(encoding="utf-8").replace(SITING, "\n" + listed), "utf-8")
    result = ask(file, tmp_path / "out", *COVER, "--minutes", "2")
    assert result.exit_code == 0, result.output
    study = Study(tmp_path / "out", result.output)
    assert study.csv("sites")["people_added"].tolist() == [3]
    assert "siting.covers_others" not in study.csv("problems")["code"].tolist()


def test_a_grid_may_lose_people_whom_no_candidate_reaches(town, tmp_path):
    # Points of the grid may all be more than 20 m from the four at crossing 20, 10; a site there
    # serves them, so that the bound of what is lost holds no less than these four.
    folder = tmp_path / "net"
    shutil.copytree(town.parent, folder)
    net = '\n[siting.candidates.net]\nkind = "grid"\nevery_m = 250\n'
    file = folder / town.name
    file.write_text(file.read_text(encoding="utf-8").replace(SITING, net), "utf-8")
    result = ask(file, tmp_path / "out", *COVER, "--metres", "20")
    assert result.exit_code == 0, result.output
    record = Study(tmp_path / "out", result.output).record["siting"]
    assert record["candidates"]["any_point_at_best"] >= 4.0
    assert record["candidates"]["lost_at_most"] >= 4.0 - record["value"]


def test_candidates_that_the_project_does_not_list_are_told(town, tmp_path, made):
    folder = tmp_path / "none"
    shutil.copytree(town.parent, folder)
    file = folder / town.name
    file.write_text(file.read_text(encoding="utf-8").replace(SITING, ""), "utf-8")
    result = ask(file, tmp_path / "out", *COVER)
    assert result.exit_code == 0, result.output
    record = Study(tmp_path / "out", result.output).record["siting"]["candidates"]
    grid = record["by_source"]["grid"]
    assert f"lists none under [siting.candidates]; {grid} of a grid every 250 m" in result.output
    assert "lists none" not in made(*COVER).text


def test_limits_that_are_too_tight_say_what_would_do(town, tmp_path):
    # Each township has one home; South and West are the cheapest of each, 1 + 2.
    result = ask(town, tmp_path / "none", "--each", "2", "--sites", "1")
    assert "1 new site(s) do not suffice; at least 2 are needed" in result.output
    result = ask(town, tmp_path / "none", "--each", "2", "--budget", "2.5")
    assert "a budget of 2.50 does not suffice; at least 3.00 is needed" in result.output
    # Neither limit alone is in the way, and both townships have candidates enough.
    result = ask(town, tmp_path / "none", "--each", "2", "--budget", "2.5", "--sites", "1")
    assert result.exit_code == 1
    assert "too few candidates" not in result.output
    # Who asked for a floor is not told to lower a share.
    result = ask(town, tmp_path / "none", "--floor", "0.9", "--minutes", "3", "--capacity")
    assert "cannot be lifted over the line" in result.output
    assert "--share" not in result.output


def test_faults_of_candidates_name_them(town, tmp_path):
    # North and South are 707 m apart.
    file = tmp_path / town.name
    shutil.copytree(town.parent, tmp_path, dirs_exist_ok=True)
    asked = '\n[siting]\nspacing_m = 800\nmandatory = ["North", "South"]\n'
    file.write_text(file.read_text(encoding="utf-8").replace(SITING, asked + SITING), "utf-8")
    result = ask(file, tmp_path / "none", "--objective", "cover", "--sites", "2")
    assert result.exit_code == 1
    assert "North–South" in result.output


def test_an_excluded_zone_that_lies_elsewhere_is_told(town, small_town, tmp_path):
    shutil.copytree(town.parent, tmp_path / "far")
    corners = [small_town.at(*at) for at in ((900, 0), (910, 0), (910, 9), (900, 9))]
    lake = gpd.GeoDataFrame({"name": ["Lake"]}, geometry=[Polygon(corners)], crs=4326)
    lake.to_file(tmp_path / "far" / "lake.gpkg")
    file = tmp_path / "far" / town.name
    zone = '[siting.zones.lake]\npath = "lake.gpkg"\n'
    file.write_text(file.read_text(encoding="utf-8") + zone, "utf-8")
    result = ask(file, tmp_path / "out", *COVER)
    codes = Study(tmp_path / "out", result.output).csv("problems")["code"].tolist()
    assert codes.count("site.zone_elsewhere") == 1


def test_a_check_tells_which_plots_a_study_would_leave_out(town, small_town, tmp_path):
    shutil.copytree(town.parent, tmp_path / "in")
    lon, lat = small_town.at(400, 5)
    with (tmp_path / "in" / "plots.csv").open("a", encoding="utf-8") as plots:
        plots.write(f"Far,{lon},{lat},1,1\n")
    file = tmp_path / "in" / town.name
    result = CliRunner().invoke(main, ["check", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    found = pd.read_csv(tmp_path / "out" / "problems.csv", encoding="utf-8-sig")
    assert found.loc[found["code"] == "site.outside", "value"].tolist() == ["Far"]


def test_without_any_candidate_it_is_told_what_became_of_them(town, small_town, tmp_path):
    folder = tmp_path / "lake"
    shutil.copytree(town.parent, folder)
    corners = [small_town.at(*at) for at in ((-2, -2), (22, -2), (22, 12), (-2, 12))]
    lake = gpd.GeoDataFrame({"name": ["Lake"]}, geometry=[Polygon(corners)], crs=4326)
    lake.to_file(folder / "lake.gpkg")
    file = folder / town.name
    zone = '[siting.zones.lake]\npath = "lake.gpkg"\n'
    file.write_text(file.read_text(encoding="utf-8") + zone, "utf-8")
    result = ask(file, tmp_path / "none", *COVER)
    assert result.exit_code == 1
    assert "there is no candidate that may be opened" in result.output
    assert "lake" in result.output


def test_what_the_command_line_tells_is_refused_before_any_file_is_read(town, tmp_path):
    folder = tmp_path / "gone"
    shutil.copytree(town.parent, folder)
    (folder / "plots.csv").unlink()
    file = folder / town.name
    wrong = ["--layer", "care_hom", "--sites", "0", "--out", str(tmp_path / "none")]
    result = CliRunner().invoke(main, ["site", str(file), *wrong])
    assert 'no facility layer "care_hom"' in result.output
    assert "the number of new sites is 0" in result.output
    assert "file not found" not in result.output
    result = ask(file, tmp_path / "none", "--indicator", "own:nothing")
    assert 'has an indicator "nothing" (looked for in: own)' in result.output
    result = ask(file, tmp_path / "none")
    assert "file not found: plots.csv" in result.output
    assert "reading the inputs" not in result.output


def test_the_folder_of_a_run_is_not_replaced(made, town, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "notes.txt").write_text("mine", encoding="utf-8")
    result = ask(town, base, *COVER)
    assert result.exit_code == 1
    assert (base / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_folder_of_another_command_is_not_replaced_and_both_are_named(town, tmp_path):
    (tmp_path / "run.json").write_text(
        json.dumps({"program": "servicecircle", "command": "run"}), encoding="utf-8"
    )
    result = ask(town, tmp_path, *COVER)
    assert result.exit_code == 1
    assert "the folder holds what another command (run) wrote" in result.output
    assert "site replaces only a folder that it wrote itself" in result.output


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder that refuses everybody")
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(town):
    result = ask(town, Path("/proc/nope"), *COVER)
    assert result.exit_code == 1
    assert "/proc/nope" in result.output
    assert "reading the inputs" not in result.output


@pytest.mark.parametrize(
    "name",
    [
        "sites",
        "site_units",
        "site_gains",
        "site_verdicts",
        "site_target",
        "candidates",
        "siting",
    ],
)
def test_columns_are_those_that_the_guide_describes(made, root, name):
    guide = (root / "docs" / "outputs.md").read_text(encoding="utf-8")
    part = guide.split(f"### `{name}.csv`", 1)[1].split("\n#", 1)[0]
    cells = re.findall(r"^\| (`.+?) \|", part, flags=re.M)
    described = [column for cell in cells for column in re.findall(r"`([^`]+)`", cell)]
    written = list(made("--indicator", "own:within_1km").csv(name).columns)
    assert sorted(described) == sorted(written)


def test_objectives_of_the_guide_are_those_of_the_command(root):
    guide = (root / "docs" / "siting.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \|", guide, flags=re.M)
    assert tuple(told) == OBJECTIVES
