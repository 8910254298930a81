"""What a wrong plan file is told: every fault at once, each with its line and the nearest name."""

from __future__ import annotations

import pytest

from servicecircle.errors import ProjectError
from servicecircle.standards.indicators import load_plan

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
[indicators.rooms]
name_zh = "康复室"
name_en = "rooms"
layer = "care_home"
kind = "share"
level = "county"
filter = { beds_at_least = 100, choices = { operator = ["social"] } }
numerator_filter = { having = ["rehab_room"], layers = ["care_home"] }
numerator = "facilities"
denominator = "facilities"
per = 100
threshold = 60
threshold_unit = "%"
unit = "%"
baseline_year = 2020
baseline = 10
targets = [
    { year = 2022, value = 50 },
    { year = 2025, value = 100, basis = "inferred" },
]
conflicts = ["twice"]
[[indicators.rooms.alternatives]]
name = "80"
targets = [{ year = 2025, value = 80 }]

[conflicts.twice]
type = "conflicting_target"
severity = "low"
topic_zh = "两个"
topic_en = "two"
says = [{ lines = "1", zh = "一", en = "one" }]
handling_zh = "都评"
handling_en = "both"
"""
FILTER = 'filter = { beds_at_least = 100, choices = { operator = ["social"] } }'


@pytest.fixture
def told(tmp_path):
    """Return what is told of a text: code, the line it points to, the nearest name."""

    def read(text):
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ProjectError) as caught:
            load_plan(path)
        lines = text.splitlines()
        found = []
        for problem in caught.value.problems:
            for language in ("zh", "en"):
                assert "{" not in problem.text(language).replace("{ ", ""), problem.text(language)
            line = lines[problem.row - 1].strip() if problem.row else ""
            found.append((problem.code, line, str(problem.details.get("near", ""))))
        return found

    return read


def test_the_file_is_right_as_it_stands(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEADER + GOOD, encoding="utf-8")
    plan = load_plan(path)
    (rule,) = plan.indicators
    assert rule.filter.choices == {"operator": ("social",)}
    assert rule.numerator_filter.having == ("rehab_room",)
    assert [one.id for one in plan.conflicts] == ["twice"]


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "near"),
    [
        ('having = ["rehab_room"]', 'having = ["rehab_rooms"]', "plan.unknown_yes_no",
         'numerator_filter = { having = ["rehab_rooms"], layers = ["care_home"] }', "rehab_room"),
        ('having = ["rehab_room"]', 'having = ["operator"]', "plan.unknown_yes_no",
         'numerator_filter = { having = ["operator"], layers = ["care_home"] }', "in_operation"),
        ('layers = ["care_home"]', 'layers = ["care_homes"]', "plan.unknown_layer",
         'numerator_filter = { having = ["rehab_room"], layers = ["care_homes"] }', "care_home"),
        ("operator =", "operater =", "plan.unknown_choice",
         FILTER.replace("operator =", "operater ="), "operator"),
        ('["social"]', '["sociall"]', "plan.unknown_value",
         FILTER.replace("social", "sociall"), "social"),
        ("beds_at_least = 100", "beds_at_least = -5", "toml.above",
         FILTER.replace("100", "-5"), ""),
        ('conflicts = ["twice"]', 'conflicts = ["twise"]', "plan.unknown_conflict",
         'conflicts = ["twise"]', "twice"),
        ('type = "conflicting_target"', 'type = "conflict"', "toml.choice",
         'type = "conflict"', ""),
        ('severity = "low"', 'severity = "grave"', "toml.choice", 'severity = "grave"', ""),
        ("threshold = 60", "threshold = 160", "plan.percentage", "threshold = 160", ""),
        ("threshold = 60", "threshold = 60\nthreshold_max = 50", "plan.range",
         "threshold_max = 50", ""),
        ("baseline_year = 2020\n", "", "plan.missing_key", "[indicators.rooms]", ""),
        ("year = 2022", "year = 2020", "", "", ""),
        ("year = 2022", "year = 2027", "plan.out_of_period", "{ year = 2027, value = 50 },", ""),
        ("baseline_year = 2020", "baseline_year = 2018\nsince = 2021", "", "", ""),
        ("[{ year = 2025, value = 80 }]", "[{ year = 2026, value = 80 }]", "plan.out_of_period",
         "targets = [{ year = 2026, value = 80 }]", ""),
        ("[{ year = 2025, value = 80 }]", "[{ year = 2025, value = 180 }]", "plan.percentage",
         "targets = [{ year = 2025, value = 180 }]", ""),
        ("[{ year = 2025, value = 80 }]", "[{ year = 2025, value = -1 }]", "plan.negative",
         "targets = [{ year = 2025, value = -1 }]", ""),
        ("[{ year = 2025, value = 80 }]", "[{ year = 2019, value = 80 }]",
         "plan.target_before_baseline", "targets = [{ year = 2019, value = 80 }]", ""),
        ("\ntargets = [{ year = 2025, value = 80 }]", "", "plan.alternative_same",
         'name = "80"', ""),
        ('name = "80"', 'name = "80"\nlevel = "townships"', "plan.unknown_level",
         'level = "townships"', "township"),
        ('name = "80"', 'name = "80"\nscope = "comunities"', "plan.unknown_scope",
         'scope = "comunities"', "communities"),
        ('name = "80"', 'name = "80"\nlevel = "province"', "plan.level_above_plan",
         'level = "province"', ""),
        ('numerator = "facilities"', 'numerator = "facilitys"', "plan.unknown_quantity",
         'numerator = "facilitys"', "facilities"),
        ('numerator = "facilities"\n', "", "plan.missing_key", "[indicators.rooms]", ""),
        ("per = 100", "per = 0", "toml.above", "per = 0", ""),
        ("period = [2021, 2025]", "period = [2025, 2021]", "plan.bad_value",
         "period = [2025, 2021]", ""),
    ],
)  # fmt: skip
def test_each_fault_points_to_its_line(told, tmp_path, old, new, code, line, near):
    text = (HEADER + GOOD).replace(old, new, 1)
    assert text != HEADER + GOOD
    if not code:
        # The year of the baseline, an earlier baseline: no faults.
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        assert load_plan(path).indicators
        return
    assert told(text) == [(code, line, near)]


@pytest.mark.parametrize(
    ("kind", "known"), [("distance", "elderly, population"), ("travel_time", "population, units")]
)
def test_nobody_but_people_is_within_reach(tmp_path, kind, known):
    """Beds below the line of a rule of distance would be passed over, and older people counted."""
    where = 'distance = "network"\n' if kind == "distance" else ""
    path = tmp_path / "mine.toml"
    rule = f"""{HEADER}
[indicators.near]
name_zh = "近"
name_en = "near"
layer = "care_home"
kind = "{kind}"
level = "county"
threshold = 15
threshold_unit = "min"
{where}unit = "%"
denominator = "beds"
"""
    path.write_text(rule, encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        load_plan(path)
    (fault,) = caught.value.problems
    assert (fault.code, fault.value) == ("plan.unknown_people", "beds")
    assert rule.splitlines()[fault.row - 1] == 'denominator = "beds"'
    assert known in fault.text("en") and "老年人" in fault.text("zh")
    path.write_text(rule.replace('"beds"', '"population"'), encoding="utf-8")
    assert load_plan(path).indicators[0].denominator == "population"


def test_faults_of_shape_and_of_sense_come_together(told):
    text = (HEADER + GOOD).replace("per = 100", "pre = 100").replace('"care_home"', '"carehome"')
    text = text.replace("value = 50", 'value = "50"').replace('["twice"]', '["thrice"]')
    found = told(text)
    assert [code for code, _, _ in found] == [
        "plan.unknown_layer",
        "plan.unknown_layer",
        "toml.unknown_key_near",
        "toml.number",
        "plan.unknown_conflict",
    ]
    lines = text.splitlines()
    rows = [lines.index(next(one for one in lines if one.strip() == line)) for _, line, _ in found]
    assert rows == sorted(rows)


def test_what_is_taken_out_for_its_shape_is_not_called_missing(told):
    text = (HEADER + GOOD).replace('numerator = "facilities"', "numerator = 3", 1)
    assert [code for code, _, _ in told(text)] == ["toml.text"]


def test_a_whole_indicator_at_fault_leaves_the_others_to_be_checked(told):
    other = GOOD.partition("[[")[0].replace("rooms", "others").replace('unit = "%"\n', "", 1)
    other = other.replace("care_home", "carehome").replace('conflicts = ["twice"]\n', "")
    text = HEADER + other + GOOD.replace('level = "county"', 'level = "shire"')
    codes = [code for code, _, _ in told(text)]
    assert codes == ["toml.missing_key", "plan.unknown_level"]


REQUIRED = [line for line in HEADER.splitlines() if " = " in line]


@pytest.mark.parametrize("line", REQUIRED)
def test_what_the_plan_lacks_hides_no_other_fault(told, line):
    """A key that is missing in its header, or of another type, leaves the rest to be checked."""
    wrong = GOOD.replace('layer = "care_home"', 'layer = "carehome"')
    wrong = wrong.replace("year = 2022, value = 50", "year = 2022, value = 150")
    others = [
        ("plan.unknown_layer", 'layer = "carehome"'),
        ("plan.percentage", "{ year = 2022, value = 150 },"),
    ]
    key = line.partition(" = ")[0]
    for header, fault in (
        (HEADER.replace(line + "\n", ""), ("toml.missing_key", "[plan]")),
        (HEADER.replace(line, f"{key} = {{}}"), (None, f"{key} = {{}}")),
    ):
        found = [(code, row) for code, row, _ in told(header + wrong)]
        assert found[1:] == others
        assert found[0][1] == fault[1]
        assert fault[0] in (None, found[0][0])


def test_faults_of_the_header_are_told_where_all_indicators_are_wrong(told):
    header = HEADER.replace("[2021, 2025]", "[2025, 2021]").replace('level = "county"', "", 1)
    text = header + GOOD.replace('unit = "%"\nbase', "base")
    assert [code for code, _, _ in told(text)] == [
        "toml.missing_key",
        "plan.bad_value",
        "toml.missing_key",
    ]
    found = told(HEADER.replace("[2021, 2025]", "[2025, 2021]") + 'colour = "red"\n')
    assert sorted(code for code, _, _ in found) == [
        "plan.bad_value",
        "toml.missing_key",
        "toml.unknown_key",
    ]


def test_without_a_header_the_indicators_are_checked_all_the_same(told):
    wrong = GOOD.replace('layer = "care_home"', 'layer = "carehome"')
    wrong = wrong.replace('conflicts = ["twice"]', 'conflicts = ["I-XX-01", "thrice"]')
    for header in ("", "plan = 3\n"):
        found = [code for code, _, _ in told(header + wrong)]
        assert found[1:] == ["plan.unknown_layer", "plan.unknown_conflict"]


def test_a_key_given_twice(told):
    assert [code for code, _, _ in told(HEADER + GOOD + GOOD)] == ["toml.duplicate"]
    twice = (HEADER + GOOD).replace("per = 100", "per = 100\nper = 100")
    (found,) = told(twice)
    assert (found[0], found[1]) == ("toml.duplicate", "per = 100")


def test_a_conflict_between_packaged_plans_is_known_to_a_plan_of_that_id(tmp_path, told):
    text = (HEADER + GOOD).replace('conflicts = ["twice"]', 'conflicts = ["I-XX-01"]')
    assert [code for code, _, _ in told(text)] == ["plan.unknown_conflict"]
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('id = "mine"', 'id = "quzhou"'), encoding="utf-8")
    assert "I-XX-01" in {one.id for one in load_plan(path).conflicts}


def test_a_year_before_the_plan_is_an_outcome_or_counted_back(tmp_path, told):
    early = (HEADER + GOOD).replace("baseline_year = 2020", "baseline_year = 2018")
    early = early.replace("year = 2022, value = 50", "year = 2019, value = 50")
    assert [code for code, _, _ in told(early)] == ["plan.out_of_period"]
    path = tmp_path / "mine.toml"
    back = early.replace("year = 2019, value = 50", 'year = 2019, value = 50, basis = "inferred"')
    path.write_text(back, encoding="utf-8")
    assert load_plan(path).indicators[0].targets[0].year == 2019
