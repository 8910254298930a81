"""The packaged plans hold the catalogue's figures, which stand on the plans' own lines."""

from __future__ import annotations

import csv
import re

import pytest

from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.registry import load_registry

LEVELS = {
    "community": "village_level",
    "village": "village_level",
    "township": "township",
    "county": "county",
    "prefecture": "prefecture",
    "region": "province",
}
# The level is mended: judged over what the clause speaks of, apart from the denominator.
MENDED_LEVELS = {
    "zhejiang_care_home_within_1km": "prefecture",
    "zhejiang_care_home_beds_per_10000_elderly_unit": "planning_unit",
    "shangcheng_big_community_care_center": "big_community",
    "minle_old_estate_elderly_facility_fill": "residential_estate",
    "minle_new_estate_elderly_facility_compliance": "residential_estate",
    "minle_new_estate_service_area_per_100_households": "residential_estate",
    "minle_community_activity_venue_min_area": "residential_estate",
    "minle_community_service_area_per_100_households": "county",
    "minle_cluster_party_service_center": "industrial_cluster",
    "shangcheng_new_community_premises_compliance": "village_level",
}
# Wordings that mean all of them, where no 100 stands on the line.
ALL = re.compile("全覆盖|全面|每|均|所有|应建|各|完成|普遍|补齐|全部|至少")
NUMERALS = {"1": "一", "6": "六"}


@pytest.fixture(scope="module")
def catalogue(shared):
    with (shared.parent / "catalogue" / "indicators.csv").open(encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def indicators():
    return {
        one.id: (load_plan(name), one)
        for name in packaged_plans()
        for one in load_plan(name).indicators
    }


@pytest.fixture(scope="module")
def plan_lines(shared):
    folder = shared.parent / "plans"
    return {
        file.name: ["", *file.read_text(encoding="utf-8").split("\n")]
        for file in folder.glob("*.txt")
    }


def cited(lines, rule):
    numbers = []
    for part in rule.source_lines.split(";"):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return "\n".join(lines[rule.source_file][number] for number in numbers)


def test_the_ids_are_the_catalogues_in_its_order(catalogue, indicators):
    assert set(indicators) == set(catalogue)
    for name in packaged_plans():
        ours = [one.id for one in load_plan(name).indicators]
        assert ours == [key for key, row in catalogue.items() if row["region"] == name]


def test_targets_baselines_and_names_are_the_catalogues(catalogue, indicators):
    for key, row in catalogue.items():
        rule = indicators[key][1]
        targets = [
            f"{f'y{one.phase_year}' if one.phase_year else one.year}:{one.value:g}"
            for one in rule.targets
        ]
        assert targets == [item for item in row["targets"].split(";") if item], key
        baseline = float(row["baseline"]) if row["baseline"] else None
        assert rule.baseline == baseline, key
        if baseline is not None:
            assert rule.baseline_year == int(row["baseline_year"])
        assert (rule.name_zh, rule.name_en) == (row["indicator_name_zh"], row["english_name"])
        assert (rule.source_file, rule.source_lines) == (row["source_file"], row["source_lines"])
        attribute = {"约束性": "binding", "预期性": "expected", "": ""}[row["attribute"]]
        assert rule.attribute == attribute, key


def test_thresholds_units_and_kinds_are_the_catalogues(catalogue, indicators):
    for key, row in catalogue.items():
        rule = indicators[key][1]
        assert rule.kind == row["kind"], key
        if row["kind"] == "phasing":
            # The catalogue gives the number of years; what is counted per unit is one facility.
            assert (rule.threshold, rule.unit) == (1, "%")
            continue
        assert rule.unit == row["value_unit"], key
        threshold = float(row["threshold"]) if row["threshold"] else None
        if key == "zhejiang_care_home_within_1km":
            threshold = 1000 * threshold
        assert rule.threshold == threshold, key


def test_layers_are_the_catalogues_or_split_from_them(catalogue, indicators):
    layers = load_registry().layers
    for key, row in catalogue.items():
        rule = indicators[key][1]
        assert row["facility_layer"] in (rule.layer, layers[rule.layer].group), key


def test_levels_are_split_from_denominators(catalogue, indicators):
    for key, row in catalogue.items():
        plan, rule = indicators[key]
        if key in MENDED_LEVELS:
            assert rule.level == MENDED_LEVELS[key]
        elif row["unit_level"] in ("elderly_person", "person") or row["kind"] == "share":
            assert rule.level == plan.level, key
        else:
            assert rule.level == LEVELS[row["unit_level"]], key
        if row["unit_level"] == "elderly_person":
            assert "elderly" in (rule.denominator, rule.numerator), key


def test_every_figure_stands_on_its_lines(indicators, plan_lines):
    for key, (_, rule) in indicators.items():
        text = cited(plan_lines, rule)
        for target in rule.targets:
            if target.basis != "stated":
                continue
            value = f"{target.value:g}"
            full = target.value == 100 and ALL.search(text)
            built = target.value == 1 and "建成" in text
            assert value in text or full or built or NUMERALS.get(value, "?") in text, key
        if rule.baseline and rule.baseline != 100 and rule.baseline_basis == "stated":
            assert f"{rule.baseline:g}" in text, key


def test_alternatives_stand_on_their_lines(indicators, plan_lines):
    from servicecircle.standards.indicators import variants

    for key, (_, rule) in indicators.items():
        for other in variants(rule)[1:]:
            for target in other.targets:
                if target.basis == "stated" and target.value not in (1, 100):
                    assert f"{target.value:g}" in cited(plan_lines, other), (key, other.alternative)


def test_the_table_of_inconsistencies_is_referred_to(shared, indicators):
    path = shared.parent / "catalogue" / "inconsistencies.csv"
    with path.open(encoding="utf-8") as file:
        expected = {
            (indicator, row["id"])
            for row in csv.DictReader(file)
            for indicator in row["indicator_ids"].split(";")
            if indicator
        }
    found = {(key, one) for key, (_, rule) in indicators.items() for one in rule.conflicts}
    assert found == expected


def test_no_sentence_of_the_plans_is_carried_over(indicators, plan_lines):
    text = re.sub(r"\s", "", "".join("".join(lines) for lines in plan_lines.values()))
    for key, (_, rule) in indicators.items():
        for words in (rule.notes, rule.needs, *(other.notes for other in rule.alternatives)):
            for run in re.findall(r"[\u4e00-\u9fff，。、；：]{8,}", words):
                assert run not in text, (key, run)
