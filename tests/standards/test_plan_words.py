"""Plans in words: sentences, inputs, and texts as wide as the terminal."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from servicecircle.cli import main
from servicecircle.commands.plan_text import indicator_text, list_text, plan_json, plan_text
from servicecircle.commands.wide import pad, width, wrap
from servicecircle.demo import demo_project
from servicecircle.project import load_project
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.needs import missing_needs, needs_of
from servicecircle.standards.plan import Filter, Norm, variants
from servicecircle.standards.registry import load_registry
from servicecircle.standards.sentences import filter_words, sentence

PLANS = {name: load_plan(name) for name in packaged_plans()}
RULES = {one.id: (plan, one) for plan in PLANS.values() for one in plan.indicators}


CLOSING = "，。、）”：；.,;%"


# --- sentences


@pytest.mark.parametrize(
    ("indicator", "zh", "en"),
    [
        ("shangcheng_meal_service_coverage",
         "社区中，有至少 1 处老年食堂（助餐点）、配送餐点的占比",
         "share of communities that have at least 1 canteen or meal point for older persons or "
         "meal-delivery point"),
        ("zhejiang_regional_child_welfare_institution_prefecture",
         "设区市中，有1 至 2 处儿童福利机构的占比",
         "share of prefectures that have 1 to 2 child-welfare institution"),
        ("minle_new_urban_day_center_count_project",
         "城市社区范围内，2022 年起新开业的居家养老服务照料中心（日间照料中心）数量",
         'number of facilities of the kind "elderly day-care centre" (in urban communities) that '
         "opened since 2022"),
        ("shangcheng_neighbourhood_platform_count",
         "邻里中心、邻里坊（等级注明示范）的数量",
         'number of facilities of the kind "neighbourhood centre or neighbourhood hub (a grade '
         'that says demonstration)"'),
        ("minle_urban_service_circle_15min",
         "城市社区中，居民到社区综合服务设施（服务中心）各自的平均时间都不超过 15 分钟的占比",
         "share of urban communities whose people take at most 15 minutes on average to each of: "
         "community service centre"),
        ("shangcheng_social_operated_bed_share",
         "床位（养老机构）中，运营主体为社会的占比", None),
        ("quzhou_elderly_per_social_worker", "老年人 ÷ 社会工作者",
         "older persons ÷ social workers"),
        ("quzhou_community_workers_per_community", "每个城市社区的专职社区工作者",
         "full-time community workers of each of the urban communities"),
        ("zhejiang_old_people_home_upgrade", "敬老院中，改造过的占比", None),
        ("minle_mental_rehab_patient_share", "居家患者中，接受服务的患者的占比",
         "share of patients living at home that are: patients served"),
        ("minle_social_work_station_phasing",
         "乡镇（街道）中，有至少 1 处社会工作站的占比，按年份累计", None),
        ("shangcheng_elderly_service_premises_allocation",
         "社区中，居家养老服务照料中心（日间照料中心）每 100 户的建筑面积达到另行规定的标准的占比",
         None),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_counted(indicator, zh, en):
    plan, rule = RULES[indicator]
    assert sentence(rule, plan, "zh") == zh
    assert en is None or sentence(rule, plan, "en") == en


@pytest.mark.parametrize("name", PLANS)
def test_every_indicator_has_its_sentence(name):
    plan = PLANS[name]
    layers = load_registry().layers
    for first in plan.indicators:
        for rule in variants(first):
            for language in ("zh", "en"):
                said = sentence(rule, plan, language)
                assert said, rule.id
                assert not re.search(r"[{}]|  |，的|\(\)|（）|with $", said), (rule.id, said)
            if rule.kind in ("presence_per_unit", "count", "distance", "travel_time", "phasing"):
                assert layers[rule.layer].zh in sentence(rule, plan, "zh")
                assert layers[rule.layer].en in sentence(rule, plan, "en")


def test_a_sentence_names_the_place(make):
    rule = make.indicator(kind="distance", threshold=500.0, scope="main_urban_area",
                          distance="straight", denominator="elderly")  # fmt: skip
    plan = make.plan(rule)
    assert sentence(rule, plan, "zh") == "主城区范围内，老年人中，500 m 内有儿童之家的占比（直线）"
    assert "(in main urban area)" in sentence(rule, plan, "en")


def test_a_norm_of_the_plan_says_its_figure(make):
    norm = Norm(numerator="floor_area", denominator="households", per=100.0, value=30.0)
    rule = make.indicator(kind="share", numerator="units_with", denominator="units", norm=norm)
    plan = make.plan(rule)
    assert "每 100 户的建筑面积不少于 30" in sentence(rule, plan, "zh")


def test_all_conditions_of_a_filter_are_said():
    condition = Filter(
        grade_at_least="3A", grade_in=("示范", "model"), beds_at_least=100, nursing_beds_at_least=1,
        dementia_beds_at_least=2, floor_area_at_least=300, having=("rehab_room",),
        choices={"operator": ("social", "state")},
    )  # fmt: skip
    assert filter_words(condition, "zh") == (
        "等级不低于 3A，床位不少于 100，护理型床位不少于 1，认知障碍床位不少于 2，"
        "面积不少于 300 m²，等级注明示范，“康复室”为是，运营主体为社会/公办"
    )
    assert filter_words(condition, "en").startswith(
        "grade at least 3A, at least 100 beds, at least 1 nursing beds"
    )


# --- inputs


def test_what_an_evaluation_of_nothing_misses_is_among_the_inputs(make):
    """The kinds name what they miss; each table of it is one that was announced."""
    nothing = make.evidence(layers=frozenset(), units=make.units().iloc[:0])
    for name, plan in PLANS.items():
        card, _ = evaluate(plan, nothing, area="whole")
        for rule_id, alternative, missing in zip(
            card["indicator_id"], card["alternative"], card["missing_inputs"], strict=True
        ):
            rule = next(
                one for one in variants(RULES[rule_id][1]) if one.alternative == alternative
            )
            announced = {need.table for need in needs_of(rule, plan)}
            for table in re.findall(r"\[([\w.]+)\]", missing):
                assert table in announced or table == "boundaries", (name, rule_id, missing)


def test_a_project_that_names_every_table_lacks_nothing(tmp_path):
    for plan in PLANS.values():
        needs = {need for one in plan.indicators for need in needs_of(one, plan)}
        tables = {need.table for need in needs}
        lines = ['[project]\nname = "all"\nas_of = 2025-12-31']
        norms = [
            column for need in needs if need.table.endswith("norms") for column in need.columns
        ]
        lines.append(f'[plans.{plan.id}]\narea = "whole"')
        if norms:
            lines.append(f"[plans.{plan.id}.norms]")
            lines += [f"{one} = 30" for one in norms]
        for table in sorted({*tables, "boundaries.township"}):
            if table == "population":
                lines.append(
                    '[population]\nraster = "a.tif"\nkind = "count"\nbasis = "resident"\n'
                    "date = 2020-11-01"
                )
            elif not table.endswith("norms"):
                lines.append(f'[{table}]\npath = "a.csv"')
        path = tmp_path / f"{plan.id}.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        project = load_project(path)
        for one in plan.indicators:
            assert missing_needs(one, plan, project, name=plan.id) == (), one.id


def test_further_layers_are_no_lack(tmp_path):
    plan, rule = RULES["quzhou_destitute_disabled_care_county"]
    assert {need.table: need.optional for need in needs_of(rule, plan)} == {
        "boundaries.county": False,
        "facilities.care_home": False,
        "facilities.destitute_home": True,
    }
    path = tmp_path / "part.toml"
    path.write_text(
        '[project]\nname = "a"\nas_of = 2025-12-31\n[plans.quzhou]\narea = "part"\n'
        '[boundaries.township]\npath = "a"\n[facilities.care_home]\npath = "b"\n',
        encoding="utf-8",
    )
    missing = missing_needs(rule, plan, load_project(path), name="quzhou")
    assert [need.text for need in missing] == ["[boundaries.county]"]


def test_the_unit_that_is_the_whole_study_needs_no_boundary():
    plan, rule = RULES["minle_public_burial_coverage"]
    assert next(need.text for need in needs_of(rule, plan)) == "[boundaries.county]"
    project = load_project(demo_project())
    settings = project.plans["minle"]
    assert (settings.level or plan.level) == "county"
    lacking = {need.table for need in missing_needs(rule, plan, project, name="minle")}
    assert "boundaries.county" not in lacking


# --- as wide as the terminal


texts = st.text(
    alphabet=st.sampled_from(list("ab cde, （乡镇）街道。，：“养老”12.5 %")), max_size=80
)


@given(texts, st.integers(min_value=8, max_value=40))
@example("111。） ）", 8)
@example("11。。 .", 8)
def test_breaking_loses_nothing_and_keeps_the_width(text, cells):
    broken = wrap(text, cells, indent="  ")
    assert re.sub(r"\s", "", broken) == re.sub(r"\s", "", text)
    for number, line in enumerate(broken.split("\n")):
        content = line[2:] if number else line
        assert content == content.strip()
        # Closing punctuation, also behind a space, and words of their own may stand over.
        body = content.rstrip(CLOSING + " ")
        room = cells - 2
        # A word with the brackets that open it is not broken.
        words = re.findall(r"[“（]*(?:[!-~]+|[^“（]|$)", content)
        assert width(body) <= max(room, *map(width, words)), (line, cells)
        assert not number or not content.startswith(tuple("，。、）”：；"))


def test_widths_are_those_of_a_terminal():
    for text in ("abc", "乡镇（街道）", "3 km/h", "é"):
        expected = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
        assert width(text) == expected
    assert width("e\N{COMBINING ACUTE ACCENT}") == 1
    assert width(pad("养老", 10)) == 10


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("cells", [50, 100])
def test_no_line_of_a_plan_is_wider_than_the_terminal(language, cells):
    for plan in PLANS.values():
        texts = [plan_text(plan, language, cells=cells)]
        texts += [indicator_text(one, plan, language, cells=cells) for one in plan.indicators]
        for text in texts:
            for line in text.split("\n"):
                body = line.strip().rstrip(CLOSING)
                longest = max((len(one) for one in re.findall(r"[!-~]+", body)), default=0)
                assert width(line.rstrip(CLOSING)) <= max(cells, longest + 20), line


def test_columns_are_aligned_in_chinese():
    text = indicator_text(RULES["minle_nursing_bed_share"][1], PLANS["minle"], "zh")
    starts = set()
    for line in text.split("\n")[4:]:
        if not line:
            break
        title = re.match(r"\S*\s+", line)[0]
        starts.add(width(title))
    assert starts == {6}


# --- what is shown


def test_a_plan_in_words_names_every_indicator_and_conflict():
    for plan in PLANS.values():
        for language in ("zh", "en"):
            text = plan_text(plan, language)
            for one in plan.indicators:
                assert one.id in text
            for one in plan.conflicts:
                assert one.id in text
            flat = re.sub(r"\s", "", text)
            for one in plan.indicators:
                assert re.sub(r"\s", "", one.name(language)) in flat


def test_an_indicator_in_words_says_all_that_the_file_says():
    plan, rule = RULES["minle_township_comprehensive_care_coverage"]
    text = re.sub(r"\s+", " ", indicator_text(rule, plan, "en"))
    for part in (
        "≥ 60 % by 2025, binding ← governs",
        "30: ≥ 30 % by 2025, line 87",
        "50: ≥ 50 % by 2025, lines 157, 159",
        "baseline 0 % in 2020",
        "[boundaries.township]",
        "[facilities.comprehensive_care_center]",
        "003_bcb06eedc5e15154.txt line 116",
        "I-MI-01 Three targets",
        "line 116: table of indicators (binding): 60 %",
        "handling Judged against each",
    ):
        assert part in text


def test_json_holds_every_field_and_the_words():
    found = json.loads(json.dumps(plan_json(PLANS["quzhou"]), ensure_ascii=False))
    assert len(found["indicators"]) == 34
    assert len(found["conflicts"]) == 17
    assert all(one["sentence_zh"] and one["sentence_en"] for one in found["indicators"])
    first = found["indicators"][0]
    assert first["targets"] == [
        {"year": 2020, "value": 50.0, "basis": "stated", "phase_year": None}
    ]


def test_the_list_counts_kinds():
    text = list_text(PLANS, "en")
    counted = sum(
        int(one)
        for one in re.findall(r"(?:unit|count|share|ratio|phasing|time|distance) (\d+)", text)
    )
    assert counted == 161


def call(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_show_takes_a_file_of_ones_own_and_ids_with_or_without_the_plan(tmp_path):
    full = call("plans", "show", "minle", "minle_nursing_bed_share", "--language", "zh")
    short = call("plans", "show", "minle", "nursing_bed_share", "--language", "zh")
    assert full.exit_code == 0
    assert full.output == short.output
    assert "护理型床位" in full.output
    assert call("plans", "show", "minle", "I-MI-01", "--language", "en").output.startswith(
        "I-MI-01 "
    )
    path = tmp_path / "own.toml"
    path.write_text("[plan]\n", encoding="utf-8")
    wrong = call("plans", "show", str(path))
    assert wrong.exit_code == 1
    assert "own.toml" in wrong.stderr
    unknown = call("plans", "show", "quzhu")
    assert unknown.exit_code == 1
    assert 'did you mean "quzhou"' in unknown.stderr
    assert call("plans", "show", "minle", "moon").exit_code == 1


def test_show_prints_json_of_one_indicator():
    done = call("plans", "show", "minle", "minle_nursing_bed_share", "--json")
    assert json.loads(done.output)["governing"] == [""]
    conflict = call("plans", "show", "minle", "I-MI-01", "--json")
    assert len(json.loads(conflict.output)["says"]) == 4


def test_needs_counts_what_a_project_has(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    path = tmp_path / "small.toml"
    path.write_text(
        '[project]\nname = "a"\nas_of = 2025-12-31\nlanguage = "en"\n'
        '[plans.shangcheng]\narea = "whole"\n[boundaries.township]\npath = "a"\n'
        '[facilities.social_work_station]\npath = "b"\n',
        encoding="utf-8",
    )
    done = call("plans", "needs", str(path))
    assert done.exit_code == 0
    # The one rule of townships with stations; all else lacks something.
    assert "28 indicators, 1 have all their inputs, 27 lack some" in done.output
    homes = [line for line in done.output.splitlines() if "[facilities.care_home] " in line]
    assert homes[0].strip().startswith("[facilities.care_home] 3: Care-home beds per 100")


def test_needs_of_a_project_without_plans(tmp_path):
    path = tmp_path / "none.toml"
    path.write_text(
        '[project]\nname = "a"\nas_of = 2025-12-31\n[boundaries.township]\npath = "a"\n'
        '[facilities.canteen]\npath = "b"\n',
        encoding="utf-8",
    )
    assert call("plans", "needs", str(path)).output == "项目没有指定规划\n"
