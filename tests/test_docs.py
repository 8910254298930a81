"""The README and the guides say what is so: keys, columns, commands, order, links, example."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import click
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
from pydantic import BaseModel

import servicecircle as sc
from servicecircle import project as settings
from servicecircle.cli import main
from servicecircle.standards import plan_schema
from servicecircle.standards.conflicts import ConflictType, Severity
from servicecircle.standards.kinds import KINDS
from servicecircle.standards.scorecard import SCORECARD_COLUMNS, UNIT_RESULT_COLUMNS
from servicecircle.standards.uncertainty import CAUSES
from servicecircle.standards.verdicts import VERDICTS

ROOT = Path(__file__).resolve().parents[1]
GUIDES = (
    "project-file.md",
    "outputs.md",
    "method.md",
    "plans.md",
    "changes.md",
    "siting.md",
    "cli.md",
    "performance.md",
    "gallery.md",
)
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "data/README.md",
    "maps/README.md",
    *(f"docs/{name}" for name in GUIDES),
)
RUN = "from servicecircle.cli import main; main()"
SECTIONS = {
    "[project]": settings.ProjectSettings,
    "[plans.NAME]": settings.PlanSettings,
    "[boundaries.LEVEL]": settings.BoundarySettings,
    "[changes]": settings.ChangeSettings,
    "[codes.LEVEL]": settings.CodeSettings,
    "[roads]": settings.RoadSettings,
    "[population]": settings.PopulationSettings,
    "[facilities.LAYER]": settings.FacilitySettings,
    "[staff]": settings.StaffSettings,
    "[statistics]": settings.StatisticsSettings,
    "[geocode]": settings.GeocodeSettings,
    "[layers.NAME]": settings.LayerSettings,
    # Its keys are the columns of facilities, which have a test of their own.
    "[titles]": BaseModel,
    "[network]": settings.NetworkSettings,
    "[rules]": settings.RuleSettings,
    "[equity]": settings.EquitySettings,
    "[monte_carlo]": settings.MonteCarloSettings,
    "[catchments.NAME]": settings.CatchmentSettings,
    "[assignment.NAME]": settings.AssignmentSettings,
    "[clusters.LEVEL]": settings.ClusterSettings,
    "[siting]": settings.SitingSettings,
    "[siting.candidates.NAME]": settings.CandidateSettings,
    "[siting.zones.NAME]": settings.ZoneSettings,
    "[figures]": settings.FigureSettings,
    "[output]": settings.OutputSettings,
    "[report]": settings.ReportSettings,
    "[map]": settings.MapSettings,
}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def section(page, title):
    """Return the text under a heading, up to the next one of any level."""
    found = re.search(
        rf"^(#+) `?{re.escape(title)}`?\s*\n(.*?)(?=^#+ |\Z)", read(page), flags=re.M | re.S
    )
    assert found, f"{page} has no heading {title}"
    return re.sub(r"^```.*?^```$", "", found[2], flags=re.M | re.S)


def rows(page, title):
    """Return the cells of the tables under a heading, without their headers."""
    tables = re.findall(r"(?:^\|.*\n?)+", section(page, title), flags=re.M)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def codes(cell):
    return re.findall(r"`([^`]+)`", cell)


def first_column(page, title):
    return [name for row in rows(page, title) for name in codes(row[0])]


def anchors(page):
    """Return the anchors of a page's headings as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        goal = (ROOT / page).parent / file if file else ROOT / page
        assert goal.exists(), target
        if anchor:
            name = goal.resolve().relative_to(ROOT.resolve()).as_posix()
            assert anchor in anchors(name), target


def test_readme_leads_to_every_guide():
    linked = set(re.findall(r"\]\(docs/([^)#]+\.md)", read("README.md")))
    assert linked == set(GUIDES) == {path.name for path in (ROOT / "docs").glob("*.md")}


def test_picture_is_a_small_png_of_the_size_of_a_screen():
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", read("README.md"))
    data = (ROOT / picture).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1280, 800)
    assert len(data) <= 400 * 1024


def test_pictures_of_the_gallery_are_small():
    pictures = re.findall(r"!\[[^\]]{20,}\]\(([^)]+\.png)\)", read("docs/gallery.md"))
    assert len(pictures) == 4
    sizes = [len((ROOT / "docs" / name).read_bytes()) for name in pictures]
    assert sum(sizes) <= 1_000_000
    (sample,) = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", read("maps/README.md"))
    assert len((ROOT / "maps" / sample).read_bytes()) <= 150_000
    for page in ("docs/gallery.md", "maps/README.md"):
        assert "invented" in read(page)
        assert "虚构" in read(page)


def test_readme_says_in_both_languages_that_the_city_is_invented():
    before = read("README.md").partition("## Two commands")[0]
    assert "is invented" in before
    assert "虚构" in before


# --- the project file


def test_every_table_of_the_project_file_is_described():
    described = re.findall(r"^## `(\[.+\])`$", read("docs/project-file.md"), flags=re.M)
    assert described == list(SECTIONS)
    tables = {title.strip("[]").split(".")[0] for title in SECTIONS}
    assert tables == set(settings.Project.model_fields)


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_described_and_no_other(title):
    keys = [codes(row[0]) for row in rows("docs/project-file.md", title)]
    assert [name for names in keys for name in names] == list(SECTIONS[title].model_fields)


@pytest.mark.parametrize("title", SECTIONS)
def test_defaults_are_those_of_the_program(title):
    told = {codes(row[0])[0]: row[2] for row in rows("docs/project-file.md", title)}
    for name, field in SECTIONS[title].model_fields.items():
        if field.is_required():
            assert told[name] == "required", name
        elif field.get_default() is None:
            assert told[name] in ("–", "the project's") or "required with" in told[name], name
        else:
            expected = field.get_default()
            assert tomllib.loads(f"value = {told[name].strip('`')}")["value"] == expected, name


@pytest.mark.parametrize("title", SECTIONS)
def test_choices_are_those_of_the_program(title):
    told = {codes(row[0])[0]: row[1] for row in rows("docs/project-file.md", title)}
    for name, field in SECTIONS[title].model_fields.items():
        choices = [
            item
            for kind in (field.annotation, *get_args(field.annotation))
            for item in get_args(kind)
            if isinstance(item, str)
        ]
        if told[name] in ("level", "datum"):
            assert set(choices) == set(get_args(getattr(settings, told[name].capitalize())))
        elif choices and "table" not in told[name]:
            assert {json.loads(code) for code in codes(told[name])} == set(choices), name


def test_every_datum_is_described():
    assert first_column("docs/project-file.md", "Datums") == list(get_args(settings.Datum))


def test_scopes_of_the_guide_are_those_that_boundaries_take():
    from servicecircle.standards.registry import load_registry

    registry = load_registry()
    scopes = {name for name, scope in registry.scopes.items() if scope.polygon}
    said = section("docs/project-file.md", "[boundaries.LEVEL]").split("Formats:")[0]
    assert set(codes(said)) == {*scopes, *settings.LEVELS, *settings.DRAWN_LEVELS}
    layers = section("docs/project-file.md", "[facilities.LAYER]").split("Formats:")[0]
    assert set(codes(layers)) - {"LAYER", "[layers.NAME]"} <= set(registry.layers)


def test_columns_of_facilities_and_units_are_those_that_are_read():
    folder = ROOT / "coverage" / "servicecircle" / "inputs"
    facility = tomllib.loads((folder / "columns.toml").read_text(encoding="utf-8"))["facility"]
    said = section("docs/project-file.md", "[facilities.LAYER]")
    (listed,) = re.findall(r"^Our columns are (.+?)\. What is none", said, flags=re.M)
    assert set(codes(listed)) == {*facility, "unit"}
    own = tomllib.loads((folder / "unit_columns.toml").read_text(encoding="utf-8"))["own"]
    said = section("docs/project-file.md", "[boundaries.LEVEL]")
    (listed,) = re.findall(r"^Our columns are (.+?)\. Parents", said, flags=re.M)
    assert set(codes(listed)) == set(own)


def test_titles_that_are_said_to_be_known_are_known():
    from servicecircle.inputs.columns import match_columns
    from servicecircle.inputs.titles import known_title

    for row in rows("docs/project-file.md", "Titles of columns"):
        ours = codes(row[0])
        if not ours:
            continue
        titles = re.split(r"[,;] ", re.sub(r" \(.*?\)$", "", row[1]))
        if set(ours) <= {"name", "lonlat", "capacity", "nursing_beds", "grade", "floor_area_m2"}:
            for title in titles:
                assert match_columns([title]).columns == {ours[0]: title}, title
        elif ours[0] in ("code", "opened", "status", "serves"):
            assert all(known_title(title) for title in titles), titles


def toml_blocks(page):
    return re.findall(r"^```toml\n(.*?)^```$", read(page), flags=re.M | re.S)


@pytest.mark.parametrize("number", range(len(toml_blocks("docs/project-file.md"))))
def test_examples_of_the_guide_are_valid(number, tmp_path):
    example = toml_blocks("docs/project-file.md")[number]
    tables = tomllib.loads(example)
    text = example
    if "project" not in tables:
        text += '[project]\nname = "x"\nas_of = 2025-12-31\n'
    if tables.get("population", {}).get("units"):
        text += '[boundaries.village_level]\npath = "v.gpkg"\n'
    elif "boundaries" not in tables:
        text += '[boundaries.township]\npath = "t.gpkg"\n'
    if "facilities" not in tables:
        text += '[facilities.care_home]\npath = "f.csv"\n'
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    project = sc.load_project(tmp_path / "p.toml")
    for name in tables:
        assert getattr(project, name)


# --- the example of the README


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Return the folder of results of the README's project file, run as it says."""
    (text,) = re.findall(
        r"<!-- project: small -->\n```toml\n(.*?)```", read("README.md"), flags=re.S
    )
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(ROOT / "data", folder / "data")
    (folder / "data" / "small.toml").write_text(text, encoding="utf-8")
    assert "run data/small.toml" in read("README.md")
    done = subprocess.run(
        [sys.executable, "-c", RUN, "run", "data/small.toml"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return folder / "maps" / "small"


def test_example_of_the_readme_runs_and_judges_the_one_kilometre_rule(example):
    card = pd.read_csv(example / "scorecard.csv")
    rule = card[card["kind"] == "distance"]
    assert len(rule)
    assert set(rule["verdict"]) <= {"met", "not_met", "undecided"}
    assert (rule["value"] <= rule["straight_value"]).all()


def test_files_are_those_that_the_guides_name(example):
    written = {f"{path.name}/" if path.is_dir() else path.name for path in example.iterdir()}
    guide = re.split(r"^## ", read("docs/outputs.md"), flags=re.M)[0]
    for page, text in (("docs", guide), ("README", section("README.md", "What comes out"))):
        named = re.findall(r"^\| `([^`]+)` \|", text, flags=re.M)
        assert set(named) == written, page


def columns_of(title):
    """Return the columns that outputs.md describes, patterns such as unit_<level> among them."""
    return first_column("docs/outputs.md", title)


def matches(described, written):
    """Return whether every column is described and every description has its column."""
    patterns = [re.sub(r"<\w+>", r"\\w+", name) for name in described]
    return all(any(re.fullmatch(p, name) for p in patterns) for name in written) and all(
        any(re.fullmatch(p, name) for name in written) for p in patterns
    )


@pytest.mark.parametrize(
    "name",
    [
        "units.csv",
        "scorecard.csv",
        "unit_results.csv",
        "conflicts.csv",
        "facilities.csv",
        "problems.csv",
        "calibration.csv",
        "roads_by_unit.csv",
        "progress.csv",
        "worth.csv",
        "shortfalls.csv",
        "needs_by_layer.csv",
        "league.csv",
        "league_units.csv",
        "widths.csv",
        "trace.csv",
    ],
)
def test_columns_are_those_that_the_guide_describes(example, name):
    written = list(pd.read_csv(example / name, nrows=0))
    cells = [row[0] for row in rows("docs/outputs.md", name)]
    described = [code for cell in cells for code in codes(cell)]
    assert matches(described, written), set(described) ^ set(written)
    plain = [code for code in described if "<" not in code]
    assert [name for name in written if name in plain] == plain


def test_columns_of_the_access_table_are_described(example):
    written = pq.read_schema(example / "access.parquet").names
    described = columns_of("access.parquet")
    assert matches(described, written)
    assert [name for name in written if name in described] == [
        name for name in described if "<" not in name
    ]


def test_layers_of_the_geopackage_are_described(example):
    written = [name for name, _ in pyogrio.list_layers(example / "coverage.gpkg")]
    cells = [codes(row[0])[0] for row in rows("docs/outputs.md", "coverage.gpkg")]
    assert matches(cells, written)


def test_keys_of_the_record_are_described(example):
    record = json.loads((example / "run.json").read_text(encoding="utf-8"))
    assert set(first_column("docs/outputs.md", "run.json")) == set(record)


def test_rules_of_the_units_table_are_described(example):
    table = pd.read_csv(example / "units.csv")
    said = section("docs/outputs.md", "units.csv").split("|")[0]
    assert set(table["rule"]) <= set(codes(said))


def test_words_of_the_results_are_described(example):
    access = pd.read_parquet(example / "access.parquet")
    (said,) = [row for row in rows("docs/outputs.md", "access.parquet") if "status" in row[0]]
    assert set(access["status"]) <= set(codes(said[2]))
    facilities = pd.read_csv(example / "facilities.csv")
    (said,) = [row for row in rows("docs/outputs.md", "facilities.csv") if "snap_status" in row[0]]
    assert set(facilities["snap_status"]) <= set(codes(said[2]))
    problems = pd.read_csv(example / "problems.csv")
    for column in ("severity", "action"):
        (said,) = [row for row in rows("docs/outputs.md", "problems.csv") if column in row[0]]
        assert set(problems[column]) <= set(codes(said[1]))


def test_verdicts_are_described():
    assert first_column("docs/method.md", "Verdicts")[: len(VERDICTS)] == list(VERDICTS)
    (said,) = [row for row in rows("docs/outputs.md", "scorecard.csv") if row[0] == "`verdict`"]
    assert codes(said[2]) == list(VERDICTS)
    texts = tomllib.loads(
        (ROOT / "coverage" / "servicecircle" / "texts" / "map.toml").read_text(encoding="utf-8")
    )
    for row in rows("docs/method.md", "Verdicts"):
        name = codes(row[0])[0]
        if name in VERDICTS:
            assert row[1] == texts["labels"][f"map_verdict_{name}"]["zh"]


def test_causes_are_described():
    lines = [
        line
        for path in (ROOT / "coverage" / "servicecircle" / "standards").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bcauses(\.append|\b.*=)", line)
    ]
    # A word that something is compared with is none of them.
    text = re.sub(r'[!=]= "\w+"', "", "\n".join(lines))
    causes = set(re.findall(r'"(\w+)"', text)) | set(CAUSES)
    described = set(first_column("docs/method.md", "Verdicts")) - set(VERDICTS)
    assert described == causes
    (said,) = [row for row in rows("docs/outputs.md", "scorecard.csv") if "width" in row[0]]
    assert set(codes(said[2])) - {"low", "high"} == causes


def test_columns_of_the_scorecard_stand_in_the_program_s_order():
    assert columns_of("scorecard.csv") == list(SCORECARD_COLUMNS)
    assert columns_of("unit_results.csv") == list(UNIT_RESULT_COLUMNS)


# --- profiles, plans, commands, architecture


def test_speeds_and_reaches_of_the_guide():
    told = {codes(row[0])[0]: row[1:] for row in rows("docs/method.md", "Travel")}
    assert set(told) == set(sc.PROFILES)
    for name, (speed, *reaches) in told.items():
        profile = sc.profile(name)
        if profile.class_kmh:
            assert (speed, *reaches) == ("by road class", "–", "–", "–")
            continue
        assert speed == f"{profile.speed_kmh:g} km/h"
        expected = [f"{profile.metres(minutes):,.0f} m" for minutes in (5, 10, 15)]
        assert reaches == expected


def test_packaged_plans_are_described():
    told = {codes(row[0])[0]: row[1:] for row in rows("docs/plans.md", "Packaged plans")}
    assert set(told) == set(sc.packaged_plans())
    for name, (title, level) in told.items():
        plan = sc.load_plan(name)
        assert (title, level) == (plan.name_zh, plan.level)


def test_kinds_are_described_with_whether_they_are_judged():
    told = {codes(row[0])[0]: row[2] for row in rows("docs/plans.md", "Kinds")}
    assert list(told) == list(KINDS)
    assert set(told.values()) == {"yes"}


@pytest.mark.parametrize(
    ("title", "table"),
    [
        ("[plan]", plan_schema.PlanTable),
        ("[indicators.ID]", plan_schema.IndicatorTable),
        ("[conflicts.ID]", plan_schema.ConflictTable),
    ],
)
def test_every_key_of_a_plan_file_is_described(title, table):
    assert set(first_column("docs/plans.md", title)) == set(table.model_fields)


def test_keys_within_indicators_are_described():
    told = {codes(row[0])[0]: row[1] for row in rows("docs/plans.md", "[indicators.ID]")}
    assert set(codes(told["filter"])) == set(plan_schema.FilterTable.model_fields)
    assert set(codes(told["applies_to"])) == set(plan_schema.AppliesToTable.model_fields)
    assert set(codes(told["alternatives"])) == set(plan_schema.AlternativeTable.model_fields)
    words = set(re.findall(r"\w+", " ".join(codes(told["targets"]))))
    assert set(plan_schema.TargetTable.model_fields) <= words
    assert set(plan_schema.NormTable.model_fields) <= set(codes(told["norm"]))
    of_conflicts = {codes(row[0])[0]: row[1] for row in rows("docs/plans.md", "[conflicts.ID]")}
    words = set(re.findall(r"\w+", " ".join(codes(of_conflicts["says"]))))
    assert set(plan_schema.StatementTable.model_fields) <= words
    assert set(codes(of_conflicts["severity"])) == set(get_args(Severity))
    assert set(codes(of_conflicts["type"])) <= set(get_args(ConflictType))


def test_plan_file_of_the_guide_loads(tmp_path):
    (text,) = toml_blocks("docs/plans.md")
    (tmp_path / "mycity.toml").write_text(text, encoding="utf-8")
    plan = sc.load_plan(tmp_path / "mycity.toml")
    assert [one.kind for one in plan.indicators] == [
        "presence_per_unit",
        "travel_time",
        "capacity_ratio",
        "share",
        "count",
        "share",
    ]
    assert [one.id for one in plan.conflicts] == ["day_centres"]


def test_fault_of_the_guide_is_what_is_told(tmp_path):
    (text,) = toml_blocks("docs/plans.md")
    path = tmp_path / "mycity.toml"
    path.write_text(text.replace("elderly_day_center", "elderly_day_centre", 1), encoding="utf-8")
    with pytest.raises(sc.ProjectError) as caught:
        sc.load_plan(path)
    assert f"```\n{caught.value.text('en')}\n```" in read("docs/plans.md")


def test_every_command_and_option_is_described():
    text = read("docs/cli.md")
    titles = re.findall(r"^## `servicecircle (.+?)`$", text, flags=re.M)
    expected, options = set(), {}
    queue = [((), main)]
    while queue:
        words, group = queue.pop()
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                queue.append(((*words, name), command))
                continue
            arguments = [p.name.upper() for p in command.params if isinstance(p, click.Argument)]
            title = " ".join((*words, name, *arguments))
            expected.add(title)
            options[title] = {p.opts[0] for p in command.params if isinstance(p, click.Option)}
    assert set(titles) == expected | {"--version"}
    for title, names in options.items():
        said = section("docs/cli.md", f"servicecircle {title}")
        assert set(re.findall(r"--[a-z][a-z-]*", said)) == names, title


def test_exit_codes_are_described():
    told = [int(row[0]) for row in rows("docs/cli.md", "Commands")]
    assert told == [0, 1, 2, 3, 130]


def test_order_of_imports_is_that_of_the_test(root):
    (block,) = re.findall(r"<!-- order -->\n```\n(.*?)```", read("README.md"), flags=re.S)
    told = re.findall(r"\w+", block)
    order = re.search(r"^ORDER = \[(.*?)\]", read("tests/test_imports.py"), flags=re.M | re.S)
    package = root / "coverage" / "servicecircle"
    there = {path.stem for path in package.iterdir()}
    assert told == [name for name in re.findall(r'"(\w+)"', order[1]) if name in there]


def test_folders_of_the_architecture_are_there(root):
    (block,) = re.findall(r"## Architecture\n\n```\n(.*?)```", read("README.md"), flags=re.S)
    package = root / "coverage" / "servicecircle"
    for line in block.splitlines():
        for name in re.findall(r"(\w[\w/]*)/(?=\s)", line.partition("  the ")[0]):
            assert (package / name).is_dir() or (root / name).is_dir(), name


def test_scripts_of_the_readme_are_those_that_are_not_tools(root):
    told = set(re.findall(r"\]\(scripts/(\w+\.py)\)", read("README.md")))
    runner = read(".ci/run")
    tools = set(re.findall(r"\w+\.py", re.search(r"case .*?in\n\s*(.*?)\)", runner, re.S)[1]))
    assert told == {path.name for path in (root / "scripts").glob("*.py")} - tools
