"""Plan files: what the packaged ones hold, and what a wrong one is told."""

from __future__ import annotations

import pytest

from servicecircle.errors import ProjectError, UnknownNameError
from servicecircle.standards.indicators import load_plan, packaged_plans, variants
from servicecircle.standards.registry import LayerWords

HEADER = """[plan]
id = "mine"
name_zh = "规划"
name_en = "plan"
level = "county"
region_zh = "县"
region_en = "county"
period = [2021, 2025]
"""
GOOD = """
[indicators.homes]
name_zh = "儿童之家"
name_en = "homes"
layer = "childrens_home"
kind = "presence_per_unit"
level = "township"
threshold = 1
unit = "%"
baseline_year = 2020
baseline = 10
targets = [
    { year = 2022, value = 50 },
    { year = 2025, value = 100, basis = "inferred" },
]
"""


@pytest.fixture
def load(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return load_plan(path)

    return write


@pytest.fixture
def faults(load):
    def read(text):
        with pytest.raises(ProjectError) as caught:
            load(text)
        lines = text.splitlines()
        found = []
        for problem in caught.value.problems:
            assert problem.text("zh") != problem.text("en")
            assert "{" not in problem.text("en"), problem.text("en")
            line = lines[problem.row - 1].strip() if problem.row else ""
            found.append((problem.code, line))
        return found

    return read


def test_the_five_plans_hold_161_indicators():
    counts = {name: len(load_plan(name).indicators) for name in packaged_plans()}
    assert counts == {
        "quzhou": 34, "zhejiang": 25, "jiaxing": 28, "minle": 46, "shangcheng": 28,
    }  # fmt: skip


def test_ids_are_unique_and_carry_the_plan():
    for name in packaged_plans():
        ids = [one.id for one in load_plan(name).indicators]
        assert len(set(ids)) == len(ids)
        assert all(one.startswith(f"{name}_") for one in ids)


def test_only_the_draft_is_provisional():
    assert [name for name in packaged_plans() if load_plan(name).provisional] == ["zhejiang"]


def test_minle_says_three_things_and_one_binds():
    plan = load_plan("minle")
    (rule,) = [
        one for one in plan.indicators if one.id == "minle_township_comprehensive_care_coverage"
    ]
    found = [(one.alternative, one.targets[0].value, one.attribute) for one in variants(rule)]
    assert found == [("", 60, "binding"), ("30", 30, ""), ("50", 50, "")]


def test_fifteen_minutes_are_a_reading():
    for name in packaged_plans():
        for one in load_plan(name).indicators:
            if one.kind == "travel_time":
                assert [target.basis for target in one.targets] == ["reading"]


def test_relative_years_become_years_of_the_plan():
    plan = load_plan("minle")
    (rule,) = [one for one in plan.indicators if one.id == "minle_social_work_station_phasing"]
    assert [(one.year, one.phase_year, one.value) for one in rule.targets] == [(2024, 4, 100)]


def test_the_1_km_clause_speaks_of_cities_and_large_counties():
    plan = load_plan("zhejiang")
    (rule,) = [one for one in plan.indicators if one.id == "zhejiang_care_home_within_1km"]
    assert (rule.threshold, rule.distance, rule.scope) == (1000, "unstated", "main_urban_area")
    assert rule.applies_to.levels == ("prefecture", "county")
    assert rule.applies_to.county_population_at_least == 500_000


def test_seven_counts_are_additions():
    flows = [
        one.id
        for name in packaged_plans()
        for one in load_plan(name).indicators
        if one.measure == "flow"
    ]
    assert len(flows) == 7


def test_a_plan_of_ones_own(load):
    plan = load(HEADER + GOOD)
    (rule,) = plan.indicators
    assert [(one.year, one.value, one.basis) for one in rule.targets] == [
        (2022, 50, "stated"),
        (2025, 100, "inferred"),
    ]
    assert rule.scope == "all"


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEADER + GOOD, encoding="utf-8-sig")
    assert load_plan(path).id == "mine"


def test_layers_of_the_project_are_known(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEADER + GOOD.replace("childrens_home", "teahouse"), encoding="utf-8")
    own = {"teahouse": LayerWords(name="teahouse", zh="茶馆", en="tea house")}
    assert load_plan(path, extra_layers=own).indicators[0].layer == "teahouse"
    with pytest.raises(ProjectError, match="teahouse"):
        load_plan(path)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ('layer = "childrens_home"', 'layer = "children_home"', "plan.unknown_layer", None),
        ('kind = "presence_per_unit"', 'kind = "presence"', "plan.unknown_kind", None),
        ('level = "township"', 'level = "town"', "plan.unknown_level", None),
        ("unit =", 'scope = "moon"\nunit =', "plan.unknown_scope", 'scope = "moon"'),
        ("unit =", 'scope = "rural"\nunit =', "plan.scope_of_other_level", 'scope = "rural"'),
        ("unit =", 'denominator = "cats"\nunit =', "plan.unknown_quantity", 'denominator = "cats"'),
        ("unit =", 'unnit = "%"\nunit =', "toml.unknown_key_near", 'unnit = "%"'),
        ('unit = "%"\n', "", "toml.missing_key", "[indicators.homes]"),
        ("threshold = 1\n", "", "plan.missing_key", "[indicators.homes]"),
        ("threshold = 1", 'threshold = "1"', "toml.number", 'threshold = "1"'),
        ("threshold = 1", "threshold = true", "toml.number", "threshold = true"),
        ("threshold = 1", "threshold = 0", "toml.above", "threshold = 0"),
        ("baseline = 10", "baseline = 101", "plan.percentage", "baseline = 101"),
        ("baseline = 10", "baseline = -1", "plan.negative", "baseline = -1"),
        (
            "value = 100",
            "value = 100.5",
            "plan.percentage",
            '{ year = 2025, value = 100.5, basis = "inferred" },',
        ),
        ("2022", "2019", "plan.target_before_baseline", "{ year = 2019, value = 50 },"),
        (
            "year = 2025",
            "year = 2022",
            "plan.duplicate",
            '{ year = 2022, value = 100, basis = "inferred" },',
        ),
        (
            '"inferred"',
            '"guessed"',
            "toml.choice",
            '{ year = 2025, value = 100, basis = "guessed" },',
        ),
        ("year = 2025", "phase_year = 4", "plan.missing_key", "[indicators.homes]"),
        ("unit =", 'profile = "walk"\nunit =', "plan.forbidden_key", 'profile = "walk"'),
        ("unit =", 'measure = "flow"\nunit =', "plan.missing_key", "[indicators.homes]"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(faults, old, new, code, line):
    text = HEADER + GOOD.replace(old, new, 1)
    assert text != HEADER + GOOD
    assert faults(text) == [(code, line or new)]


def test_all_faults_come_at_once(faults):
    text = HEADER.replace('"county"', '"shire"', 1) + GOOD.replace("township", "town").replace(
        "childrens_home", "home"
    )
    codes = [code for code, _ in faults(text)]
    assert sorted(codes) == ["plan.unknown_layer", "plan.unknown_level", "plan.unknown_level"]


def test_a_filter_means_nothing_for_a_distance(faults):
    text = HEADER + GOOD.replace("presence_per_unit", "distance").replace(
        "unit =", 'distance = "unstated"\nfilter = { beds_at_least = 10 }\nunit ='
    )
    assert faults(text) == [("plan.forbidden_key", "filter = { beds_at_least = 10 }")]


def test_an_id_given_twice(faults):
    assert faults(HEADER + GOOD + GOOD)[0][0] == "toml.duplicate"


def test_an_alternative_given_twice_or_wrong(faults):
    other = '[[indicators.homes.alternatives]]\nname = "b"\nlevel = "county"\n'
    assert faults(HEADER + GOOD + other + other) == [("plan.duplicate", 'name = "b"')]
    bad = other.replace("county", "shire")
    assert faults(HEADER + GOOD + bad) == [("plan.unknown_level", 'level = "shire"')]


def test_files_that_cannot_be_read(tmp_path, faults):
    with pytest.raises(ProjectError, match="not found"):
        load_plan(tmp_path / "none.toml")
    with pytest.raises(ProjectError, match="cannot be opened"):
        load_plan(tmp_path)
    (tmp_path / "gbk.toml").write_bytes("name = '规划'".encode("gbk"))
    with pytest.raises(ProjectError, match="UTF-8"):
        load_plan(tmp_path / "gbk.toml")
    assert faults("[plan\nid = 1")[0][0] == "toml.syntax"


def test_an_unknown_plan_names_the_nearest():
    with pytest.raises(UnknownNameError, match='did you mean "quzhou"'):
        load_plan("quzhu")
