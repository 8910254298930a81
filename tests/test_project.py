"""The project file: what it holds, what is refused, and on which line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from servicecircle.demo import demo_project
from servicecircle.errors import ProjectError
from servicecircle.project import PopulationSettings, load_project, salvage_project
from servicecircle.toml_files import key_lines, parse_toml, row_of

LEAST = """\
[project]
name = "甲"
as_of = 2025-12-31
[boundaries.township]
path = "towns.gpkg"
[facilities.care_home]
path = "lists/养老.csv"
"""
PEOPLE = '[population]\nraster = "a.tif"\nkind = "count"\nbasis = "resident"\ndate = 2020-11-01\n'


@pytest.fixture
def load(tmp_path):
    def read(text, *, encoding="utf-8"):
        path = tmp_path / "mine.toml"
        path.write_bytes(text.encode(encoding))
        return load_project(path)

    return read


@pytest.fixture
def refused(load):
    """Return the code, the line and the value of each fault of a text."""

    def read(text):
        with pytest.raises(ProjectError) as caught:
            load(text)
        lines = text.splitlines()
        found = []
        for problem in caught.value.problems:
            assert problem.file == "mine.toml"
            assert (problem.severity, problem.action) == ("fatal", "stopped")
            line = lines[problem.row - 1] if problem.row else None
            found.append((problem.code, line, problem.value))
        return found

    return read


def test_the_demo_is_read_as_it_is_written():
    project = load_project(demo_project())
    assert project.project.name == "示例市"
    assert project.project.as_of == dt.date(2025, 12, 31)
    assert project.project.invented
    assert list(project.facilities)[:6] == [
        "care_home",
        "elderly_day_center",
        "childrens_home",
        "social_work_station",
        "ecological_burial_site",
        "canteen",
    ]
    assert project.facilities["canteen"].datum == "auto"
    assert project.boundaries["village_level"].should_have_not == {"type": ["林场", "水库", "茶场"]}
    assert project.population.date == dt.date(2025, 11, 1)
    assert (project.layer_profile("canteen"), project.layer_profile("social_work_station")) == (
        "elderly",
        "walk",
    )
    assert (project.speed_kmh("walk"), project.speed_kmh("elderly")) == (4.0, 3.0)
    assert (project.folder / project.facilities["care_home"].path).is_file()
    assert project.folder.is_absolute()


def test_the_least_project_and_its_defaults(load, tmp_path):
    project = load(LEAST)
    assert (project.file, project.folder) == ("mine.toml", tmp_path.resolve())
    assert project.rules.minutes == [5.0, 10.0, 15.0]
    assert project.rules.metres == [1000.0]
    assert (project.roads, project.population, project.plans) == (None, None, {})
    assert project.facilities["care_home"].path == Path("lists/养老.csv")
    assert project.project.language == "zh"
    assert "folder" not in project.model_dump()


def test_a_byte_order_mark_is_no_fault(load):
    assert load(LEAST, encoding="utf-8-sig").project.name == "甲"


def test_line_ends_of_windows_keep_the_lines(load, tmp_path):
    (tmp_path / "w.toml").write_bytes((LEAST + "colour = 1\n").replace("\n", "\r\n").encode())
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path / "w.toml")
    assert caught.value.problems[0].row == 8


@pytest.mark.parametrize(
    ("add", "code", "line"),
    [
        ("[roads]\npaht = 1\npath = 'a'", "toml.unknown_key_near", "paht = 1"),
        ("[roads]\npath = 'a'\nzzz = 1", "toml.unknown_key", "zzz = 1"),
        ("[road]\npath = 'a'", "toml.unknown_key_near", "[road]"),
        ("colour = 1", "toml.unknown_key_near", "colour = 1"),
        ("[roads]", "toml.missing_key", "[roads]"),
        ("[network]\nmax_snap_m = 0", "toml.above", "max_snap_m = 0"),
        ("[network]\nmax_snap_m = -1.5", "toml.above", "max_snap_m = -1.5"),
        ("[network]\nmin_component_m = -1", "toml.at_least", "min_component_m = -1"),
        ("[network]\nmax_snap_m = true", "toml.number", "max_snap_m = true"),
        ('[network]\nmax_snap_m = "500"', "toml.number", 'max_snap_m = "500"'),
        ("[network]\nmax_snap_m = inf", "toml.number", "max_snap_m = inf"),
        ("[network]\nmax_snap_m = nan", "toml.number", "max_snap_m = nan"),
        ("[network]\nmax_snap_m = [5]", "toml.number", "max_snap_m = [5]"),
        ("[rules]\nminutes = 15", "toml.list", "minutes = 15"),
        ("[rules]\nminutes = []", "toml.too_few", "minutes = []"),
        ("[rules]\nminutes = [15, 0]", "toml.above", "minutes = [15, 0]"),
        ("[rules]\nminutes = [15, 15.0]", "project.threshold_twice", "[rules]"),
        ("[plans.quzhou]", "toml.missing_key", "[plans.quzhou]"),
        ('[plans.quzhou]\narea = "Part"', "toml.choice", 'area = "Part"'),
        ("[plans]\nquzhou = 1", "toml.table", "quzhou = 1"),
        ("[plans.q]\narea = 'part'\npins = { a = 'line' }", "toml.choice", "pins = { a = 'line' }"),
        ("[layers.park]\nzh = ''\nen = 'park'", "toml.empty_text", "zh = ''"),
        ("[boundaries.county]\npath = ''", "toml.text", "path = ''"),
        ("[boundaries.county]\npath = 'a'\nadmin_level = 8.0", "toml.whole_number", None),
        ("[boundaries.county]\npath = 'a'\nadmin_level = 13", "toml.at_most", "admin_level = 13"),
        ("[facilities.park]\npath = 'a'\ncircles = 1", "toml.switch", "circles = 1"),
        ("[facilities.park]\npath = 'a'\ndatum = 'GCJ02'", "toml.choice", "datum = 'GCJ02'"),
        ("[facilities.park]\npath = 'a'\ncolumns = { name = 1 }", "toml.text", None),
        ("[facilities.park]\npath = 'a'\ncolumns = 'name'", "toml.table", "columns = 'name'"),
        (PEOPLE.replace('kind = "count"\n', ""), "project.population_kind", "[population]"),
        (PEOPLE + "points = 'a.csv'", "project.population_source", "[population]"),
        (PEOPLE + "age_from = -1", "toml.at_least", "age_from = -1"),
        (PEOPLE.replace("2020-11-01", "2020-11-01T08:00:00"), "toml.date", None),
        (PEOPLE.replace("2020-11-01", '"2020-11-01"'), "toml.date", 'date = "2020-11-01"'),
        (PEOPLE.replace("2020-11-01", "2020"), "toml.date", "date = 2020"),
        (PEOPLE.replace('kind = "count"', "wxq = 'x'"), "toml.unknown_key", "wxq = 'x'"),
        ("[facilities.park]\npath = 'a'\nplace_by = ['city']", "toml.choice", None),
        (
            "[staff]\npath = 'a'\nroles = { a = 'b' }\ncolumns = { role = 'c' }",
            "project.staff_shape",
            "[staff]",
        ),
        (
            "[geocode]\ngeocoder = 'nominatim'\ndatum = 'auto'\nerror_m = 1",
            "toml.choice",
            "datum = 'auto'",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(refused, add, code, line):
    [(found, where, _)] = refused(LEAST + add + "\n")
    assert found == code
    assert where == (line or add.splitlines()[-1])


def test_a_geocoder_that_is_asked_for_has_to_be_given(refused):
    [(code, _, _)] = refused(LEAST + "[facilities.park]\npath = 'a'\nplace_by = ['geocoder']\n")
    assert code == "project.no_geocoder"


@pytest.mark.parametrize("name", ["folder", "file", "_folder", "_lines"])
def test_what_the_loader_sets_is_not_for_the_file_to_say(refused, name):
    [(code, line, value)] = refused(f'{name} = "x"\n' + LEAST)
    assert code.startswith("toml.unknown_key")
    assert (line, value) == (f'{name} = "x"', name)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "project.population_source"),
        ("units = 'township'", "project.population_spread"),
        ("units = 'township'\nspread = 'buildings'", "project.population_places"),
        ("total = 5\nspread = 'residential'", "project.population_places"),
        ("units = 'county'\nspread = 'centroid'", "project.units_level"),
    ],
)
def test_people_need_one_source_and_a_way_to_spread(refused, source, code):
    text = f"[population]\nbasis = 'resident'\ndate = 2020-11-01\n{source}\n"
    assert [found[0] for found in refused(LEAST + text)] == [code]


def test_people_of_units_at_their_centres_are_one_source(load):
    text = "[population]\nbasis = 'registered'\ndate = 2020-11-01\n"
    project = load(LEAST + text + "units = 'township'\nspread = 'centroid'\n")
    assert project.population.units == "township"


def test_there_is_a_level_and_a_list(refused):
    no_level = LEAST.replace("[boundaries.township]", "[boundaries.main_urban_area]")
    assert refused(no_level) == [("project.no_level", None, "")]
    assert [found[0] for found in refused(LEAST[: LEAST.index("[fac")])] == ["toml.missing_key"]
    empty = LEAST[: LEAST.index("[fac")] + "[facilities]\n"
    assert refused(empty) == [("toml.too_few", "[facilities]", "")]
    assert refused(LEAST[: LEAST.index("[bound")])[0][0] == "toml.missing_key"


def test_all_faults_come_at_once_in_the_order_of_the_keys(refused):
    text = LEAST.replace("2025-12-31", '"soon"') + "[roads]\nspeed = 1\n[rules]\nmetres = [0]\n"
    assert refused(text) == [
        ("toml.date", 'as_of = "soon"', '"soon"'),
        ("toml.missing_key", "[roads]", "path"),
        ("toml.unknown_key", "speed = 1", "speed"),
        ("toml.above", "metres = [0]", "0"),
    ]


def test_the_nearest_key_and_the_known_ones_are_named(load):
    with pytest.raises(ProjectError) as caught:
        load(LEAST + "[network]\nmax_snap = 300\n")
    text = caught.value.text("en")
    assert 'did you mean "max_snap_m"?' in text
    assert "min_component_m, draw_m, cell_m, walk_kmh, elderly_kmh" in text
    assert "是否想写“max_snap_m”" in super(ProjectError, caught.value).text("zh")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('path = "C:\\data\\a.csv"', "toml.backslash"),
        ("名称 = 1", "toml.bare_key"),
        ("name 名 = 1", "toml.bare_key"),
        ("[设施]", "toml.bare_key"),
        ("[plans.衢州]", "toml.bare_key"),
        ("[facilities.care_home]", "toml.duplicate"),
        ('path = "b"', "toml.duplicate"),
        ("path", "toml.syntax"),
        ("date = 2020-02-30", "toml.syntax"),
        ('name = "open', "toml.syntax"),
        ("a = [1, 2", "toml.syntax"),
    ],
)
def test_broken_toml_is_told_with_its_line(refused, line, code):
    assert refused(LEAST + line + "\n")[0][:2] == (code, line)


def test_chinese_in_quotes_is_fine(load):
    text = LEAST + 'columns = { "name" = "机构名称" }\n["plans"."衢州"]\narea = "part"\n'
    assert load(text).plans["衢州"].area == "part"


def test_a_file_in_gb18030_says_where(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(("# plain\n" + LEAST).encode("gb18030"))
    with pytest.raises(ProjectError) as caught:
        load_project(path)
    [problem] = caught.value.problems
    assert (problem.code, problem.row) == ("toml.encoding", 3)


def test_a_folder_is_no_project_file(tmp_path):
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)
    assert caught.value.problems[0].code == "toml.unreadable"


@pytest.mark.parametrize("path", ["x" * 256, "lists/" + "养" * 86, "a\\u0000b.csv"])
def test_a_path_that_no_file_system_takes_is_refused(refused, path):
    (fault,) = refused(LEAST.replace("lists/养老.csv", path))
    assert fault[:2] == ("project.bad_path", f'path = "{path}"')


def test_settings_never_change(load):
    project = load(LEAST)
    with pytest.raises(ValueError, match="frozen"):
        project.rules.minutes = [1.0]
    with pytest.raises(ValueError, match="frozen"):
        project.project = None


def test_a_fault_of_a_name_has_its_line_and_the_nearest(load):
    project = load(LEAST + "[plans.quzhou]\narea = 'part'\npins = { moon = 'network' }\n")
    problem = project.fault("project.unknown_indicator", ("plans", "quzhou", "pins", "moon"),
                            value="moon", known=["moons", "sun"])  # fmt: skip
    assert (problem.row, problem.details["near"]) == (10, "moons")
    assert problem.column == "plans.quzhou.pins.moon"
    nothing = project.fault("project.unknown_plan", ("plans", "x"), value="x", known=[])
    assert (nothing.row, nothing.details["near"]) == (None, "–")


def test_lines_of_keys():
    text = '# a = 1\n[a."b c"]\nx = 1 # y = 2\n"y z" = [\n  { k = 1 },\n  { k = 2 },\n]\n'
    text += "[[list]]\n[[list]]\n"
    assert key_lines(text) == {
        ("a", "b c"): 2,
        ("a", "b c", "x"): 3,
        ("a", "b c", "y z"): 4,
        ("a", "b c", "y z", "0"): 5,
        ("a", "b c", "y z", "1"): 6,
        ("list", "0"): 8,
        ("list", "1"): 9,
    }
    assert row_of(key_lines(text), ("a", "b c", "x", "deeper")) == 3


def test_the_language_of_the_file_is_known_even_when_it_is_broken():
    with pytest.raises(ProjectError) as caught:
        parse_toml(b"[project]\nlanguage = 'zh'\n[broken\n", name="a.toml")
    assert caught.value.language == "zh"
    assert "语法错误" in caught.value.text("en")
    with pytest.raises(ProjectError) as caught:
        parse_toml(b"[broken\n", name="a.toml")
    assert caught.value.language is None
    assert "syntax error" in caught.value.text("en")


def test_models_are_strict_also_when_they_are_made_in_python():
    with pytest.raises(ValueError, match="a raster and no kind; whether a cell holds people"):
        PopulationSettings(raster="a.tif", basis="resident", date=dt.date(2020, 1, 1))


def test_a_bad_value_hides_no_other_fault(tmp_path):
    (tmp_path / "p.toml").write_text(
        '[project]\nname = "t"\nas_of = "2025-12-31"\nprofile = "walking"\n'
        '[boundaries.township]\npath = "t.gpkg"\n'
        '[facilities.canteen]\npath = "b.csv"\nplace_by = ["township", "geocoder"]\n',
        encoding="utf-8",
    )
    project, fault = salvage_project(tmp_path / "p.toml")
    assert [problem.code for problem in fault.problems] == [
        "toml.date",
        "toml.choice",
        "project.no_geocoder",
    ]
    assert project.project.name == "t"
    assert project.facilities["canteen"].place_by == ["township"]


def test_what_was_taken_out_is_no_fault_of_its_own(tmp_path):
    (tmp_path / "p.toml").write_text(
        '[project]\nname = "t"\nas_of = 2025-12-31\n[boundaries.township]\npath = "t.gpkg"\n'
        '[facilities.canteen]\npath = "b.csv"\nplace_by = ["geocoder"]\n'
        '[geocode]\ngeocoder = "nominatim"\ndatum = "mars"\nerror_m = 50\n',
        encoding="utf-8",
    )
    project, fault = salvage_project(tmp_path / "p.toml")
    assert [problem.code for problem in fault.problems] == ["toml.choice"]
    assert project is not None
