"""The command line as a user meets it: what is printed where, exit codes, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import servicecircle
from servicecircle.cli import main

PROJECT = """
[project]
name = "Test city"
as_of = 2025-12-31
language = "en"
"""
HOMES = "name,lon,lat,opened\nNear,{near},2020-01-01\n"
RESULTS = {
    "access.parquet",
    "calibration.csv",
    "coverage.gpkg",
    "facilities.csv",
    "figures",
    "index.html",
    "league.csv",
    "league_units.csv",
    "problems.csv",
    "report.docx",
    "report.html",
    "roads_by_unit.csv",
    "run.json",
    "scorecard.csv",
    "scorecard.xlsx",
    "unit_results.csv",
    "units.csv",
}


@pytest.fixture
def town(small_town):
    """Return a function that writes the small town, its list as given, and no plan."""

    def lay_out(folder, *, homes=HOMES, change=lambda text: text):
        file = small_town.lay_out(folder)
        near = ",".join(map(str, small_town.at(1, 1)))
        (folder / "homes.csv").write_text(homes.format(near=near), encoding="utf-8")
        file.write_text(change(PROJECT + small_town.LAYERS), encoding="utf-8")
        return file

    return lay_out


@pytest.fixture
def project(town, tmp_path):
    return town(tmp_path / "inputs")


def call(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(item) for item in arguments])


def start(*arguments, cwd=None, **environment):
    """Run a command in a new process, as the shell does."""
    return subprocess.run(
        [sys.executable, "-c", "from servicecircle.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        check=False,
    )


def commands():
    """Return every command with its words: run, check, plans list …"""
    found = {(): main}
    queue = [((), main)]
    while queue:
        words, group = queue.pop()
        for name, command in group.commands.items():
            found[(*words, name)] = command
            if isinstance(command, click.Group):
                queue.append(((*words, name), command))
    return found


@pytest.mark.parametrize("words", sorted(commands()))
def test_every_command_has_help_that_names_its_options(words):
    done = call(*words, "--help")
    assert done.exit_code == 0
    assert done.output.startswith("Usage: ")
    for parameter in commands()[words].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in done.output
            assert parameter.help
        else:
            assert parameter.make_metavar(click.Context(commands()[words])) in done.output
    assert done.output == call(*words, "-h").output


def test_help_lists_commands_in_full_and_the_exit_codes():
    text = call("--help").output
    assert "..." not in text.partition("Commands:")[2]
    for code in ("0 done", "1 the inputs", "2 wrong", "3 done"):
        assert code in text


def test_version():
    assert call("--version").output.split()[-1] == servicecircle.__version__


def test_plans_are_listed(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    rows = json.loads(call("plans", "list", "--json").output)
    assert [row["name"] for row in rows] == list(servicecircle.packaged_plans())
    words = {one: call("plans", "list", "--language", one).output for one in ("zh", "en")}
    for row in rows:
        plan = servicecircle.load_plan(row["name"])
        assert row["indicators"] == len(plan.indicators)
        for said in words.values():
            assert plan.name_zh in said
            assert plan.name_en in said
        assert f"指标 {len(plan.indicators)} 个" in words["zh"]
        assert f"{len(plan.indicators)} indicators" in words["en"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("rnu", "x.toml"),
        ("run",),
        ("run", "."),
        ("run", "x.toml", "--workers", "0"),
        ("run", "x.toml", "--as-of", "31.12.2025"),
        ("run", "x.toml", "y.toml"),
        ("check", "x.toml", "--as-of", "2025-12-31"),
        ("demo", "--strict"),
        ("plans", "show"),
        ("plans", "needs"),
        ("run", "x.toml", "--out", __file__),
    ],
)
def test_wrong_usage(arguments):
    done = call(*arguments)
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["run", "check"])
def test_missing_project_file(command, tmp_path):
    done = start(command, "nowhere.toml", cwd=tmp_path, LC_ALL="C", LANG="C")
    assert (done.returncode, done.stdout) == (1, b"")
    said = done.stderr.decode("utf-8")
    assert "project file not found: nowhere.toml" in said
    assert "nothing was written" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_faults_of_the_project_file_follow_the_language_of_the_system(tmp_path):
    said = start("run", "nowhere.toml", cwd=tmp_path, LC_ALL="zh_CN.UTF-8").stderr.decode("utf-8")
    assert "未写出任何结果" in said


def test_run_prints_results_to_stdout_and_progress_to_stderr(project, tmp_path):
    out = tmp_path / "results"
    done = start("run", project, "--out", out)
    said, progress = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert done.returncode == 0, progress
    assert {path.name for path in out.iterdir()} == RESULTS
    # At 3 km/h 15 minutes are 750 m: 1 + 2 of the 1 + 2 + 3 + 4 older persons.
    assert "within 15 min (3 km/h, over the roads), 3 of 10 older persons (30.0%)" in said
    assert (out / "index.html").as_posix() in said
    assert "Traceback" not in progress
    assert progress.strip()
    assert not set(said.splitlines()) & set(progress.splitlines())


def test_run_writes_to_maps_unless_told_otherwise(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("run", project).exit_code == 0
    assert (tmp_path / "maps" / "Test city" / "index.html").is_file()


def test_workers_change_no_byte_of_the_results(project, tmp_path):
    for workers in ("1", "2"):
        done = start("run", project, "--out", tmp_path / workers, "--workers", workers)
        assert done.returncode == 0, done.stderr
    one, two = (
        {
            path.relative_to(tmp_path / workers): path.read_bytes()
            for path in (tmp_path / workers).rglob("*")
            if path.is_file() and path.name != "run.json"
        }
        for workers in ("1", "2")
    )
    assert {path.parts[0] for path in one} == RESULTS - {"run.json"}
    assert one.keys() == two.keys()
    assert [path for path in one if one[path] != two[path]] == []


def test_run_again_replaces_the_folder_as_a_whole(project, tmp_path):
    out = tmp_path / "results"
    assert call("run", project, "--out", out).exit_code == 0
    (out / "old.txt").write_text("left over", encoding="utf-8")
    assert call("run", project, "--out", out).exit_code == 0
    assert {path.name for path in out.iterdir()} == RESULTS


@pytest.mark.parametrize("command", ["run", "check"])
def test_folder_of_somebody_else_is_refused(command, project, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("precious", encoding="utf-8")
    done = call(command, project, "--out", out)
    assert done.exit_code == 1
    assert str(out) in done.stderr
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    assert (out / "thesis.txt").read_text(encoding="utf-8") == "precious"


def test_strict_speaks_of_problems_after_the_work_is_done(town, tmp_path):
    # A second home without coordinates is a problem, not a fault.
    faulty = town(tmp_path / "faulty", homes=HOMES + "Nowhere,,,2020-01-01\n")
    assert call("run", faulty, "--out", tmp_path / "a").exit_code == 0
    assert call("run", faulty, "--out", tmp_path / "b", "--strict").exit_code == 3
    assert {path.name for path in (tmp_path / "b").iterdir()} == RESULTS
    assert call("check", faulty).exit_code == 0
    assert call("check", faulty, "--strict").exit_code == 3


def test_strict_is_content_with_clean_data(project, tmp_path):
    done = call("check", project, "--strict")
    assert done.exit_code == 0, done.output


def test_check_writes_its_problems_and_measures_nothing(town, tmp_path):
    faulty = town(tmp_path / "faulty", homes=HOMES + "Nowhere,,,2020-01-01\n")
    out = tmp_path / "checked"
    done = call("check", faulty, "--out", out)
    assert done.exit_code == 0
    assert {path.name for path in out.iterdir()} >= {"marked", "problems.csv", "run.json"}
    assert [path.name for path in (out / "marked").iterdir()] == ["homes.xlsx"]
    table = (out / "problems.csv").read_text(encoding="utf-8-sig").splitlines()
    assert any("homes.csv,,3," in line for line in table)
    assert "homes.csv row 3" in done.stdout


def test_check_shows_at_most_twenty_texts_and_counts_the_rest(town, small_town, tmp_path):
    # 25 files' worth of faults in one: each column its own; rows with the same fault are one text.
    lon, lat = small_town.at(2, 2)
    rows = "".join(f"Home {n},{lon},{lat},{'x' if n < 12 else '2020-01-01'}\n" for n in range(14))
    done = call("check", town(tmp_path / "faulty", homes=HOMES + rows))
    assert done.exit_code == 0
    assert "[warning] homes.csv row 3" in done.stdout
    assert "the same in 11 more rows: 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, …" in done.stdout


def test_plans_are_summed_up_in_words(town, tmp_path):
    planned = town(
        tmp_path / "planned",
        change=lambda text: text + '[plans.zhejiang]\narea = "part"\nlevel = "county"\n',
    )
    done = call("run", planned, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    plan = servicecircle.load_plan("zhejiang")
    (line,) = [line for line in done.stdout.splitlines() if plan.name_en in line]
    assert f"of {len(plan.indicators)} indicators, " in line
    assert "no data " in line
    assert "no_data" not in line


def test_date_of_judgement_can_be_given(project, tmp_path):
    # The one home opened in 2020.
    done = call("run", project, "--out", tmp_path / "early", "--as-of", "2019-12-31")
    assert done.exit_code == 0, done.stderr
    assert "0 of 10 older persons" in done.stdout
    record = json.loads((tmp_path / "early" / "run.json").read_text(encoding="utf-8"))
    assert record["project"]["project"]["as_of"] == "2019-12-31"


def test_cache_folder_can_be_given(project, tmp_path):
    cache = tmp_path / "cache"
    done = start(
        "run", project, "--out", tmp_path / "results", "--cache", cache, SERVICECIRCLE_CACHE=""
    )
    assert done.returncode == 0, done.stderr
    assert any(path.is_file() for path in cache.rglob("*"))


def test_all_faults_are_told_at_once_and_nothing_is_left(town, tmp_path):
    broken = town(tmp_path / "broken", change=lambda text: text.replace("people.csv", "peopl.csv"))
    (broken.parent / "roads.geojson").unlink()
    out = tmp_path / "results"
    done = call("run", broken, "--out", out)
    assert done.exit_code == 1
    assert "peopl.csv" in done.stderr
    assert "roads.geojson" in done.stderr
    assert "2 fault(s)" in done.stderr
    assert done.stdout == ""
    assert not out.exists()


def test_unknown_layer_is_told_with_the_nearest_name(town, tmp_path):
    wrong = town(
        tmp_path / "wrong",
        change=lambda text: text.replace("facilities.care_home", "facilities.carehome"),
    )
    done = call("check", wrong)
    assert done.exit_code == 1
    assert "care_home" in done.stderr


def test_names_cannot_command_the_terminal(town, small_town, tmp_path):
    hostile = town(
        tmp_path / "hostile",
        change=lambda text: text.replace('path = "homes.csv"', 'path = "homes.geojson"'),
    )
    near = ({"name": "Near"}, "Point", small_town.at(1, 1))
    far = ({"name": "\x1b]0;owned\x07\x1b[2J"}, "Point", [119.8, 29.1])
    small_town.features(tmp_path / "hostile", "homes.geojson", near, far)
    done = start("check", hostile)
    assert done.returncode == 0, done.stderr
    assert b"owned" in done.stdout
    assert b"\x1b]" not in done.stdout
    assert b"\x1b[2J" not in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_no_encoding_of_the_terminal_stops_a_command(encoding):
    environment = {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    for arguments in (("plans", "list"), ("run", "--help")):
        done = start(*arguments, **environment)
        assert done.returncode == 0, done.stderr
    listed = start("plans", "list", **environment).stdout.decode(encoding, "replace")
    assert "Quzhou" in listed


def test_an_interrupt_is_told_in_both_languages_and_by_its_exit_code(monkeypatch, tmp_path):
    def interrupted(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(main.commands["check"], "callback", interrupted)
    file = tmp_path / "project.toml"
    file.write_text(PROJECT, encoding="utf-8")
    done = CliRunner().invoke(main, ["check", str(file)])
    assert done.exit_code == 130
    assert "已中断" in done.stderr and "Interrupted: no result was written" in done.stderr
    assert done.stdout == ""
