"""The packaged plans hold the catalogue's figures, which stand on the plans' own lines."""

from __future__ import annotations

import csv
import re

import pytest

from servicecircle.standards.indicators import load_plan, packaged_plans, variants
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
NUMERALS = {"1": "一", "6": "六", "15": "十五"}


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


def spread(lines):
    """Return the numbers of "87;157-159"."""
    numbers = []
    for part in lines.replace(",", ";").split(";"):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def cited(lines, rule):
    return "\n".join(lines[rule.source_file][number] for number in spread(rule.source_lines))


def figures(text):
    """Return the numbers of a text, 1.8 万 as 18,000."""
    found = re.findall(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?:\s?(万)(?!元))?", text)
    return {
        float(number.rstrip(",").replace(",", "")) * (10_000 if ten_thousand else 1)
        for number, ten_thousand in found
    }


def not_years(text):
    return {number for number in figures(text) if not 2010 <= number <= 2035}


def stands(number, text):
    """Tell whether a number stands in a text, whole, in one of its usual spellings."""
    spellings = (
        {f"{number:g}", f"{number:.1f}", f"{number:,.0f}"} if number < 1e6 else {f"{number:.0f}"}
    )
    if number.is_integer():
        spellings.add(f"{number:.0f}")
    tens = f"{number / 10_000:.10g}"
    patterns = [rf"(?<![\d.]){re.escape(one)}(?![\d]|\.\d)" for one in sorted(spellings)]
    # A table says in its title that it counts in ten thousands.
    patterns.append(rf"(?<![\d.]){re.escape(tens)}\s?万")
    if "(万" in text:
        patterns.append(rf"(?<![\d.]){re.escape(tens)}(?![\d]|\.\d)")
    return any(re.search(pattern, text) for pattern in patterns)


def han(text):
    return re.sub(r"[^\u4e00-\u9fff]", "", text)


def word_runs(text, length=8):
    words = re.findall(r"[a-z0-9%]+", text.lower())
    return [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]


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
    for key, (_, rule) in indicators.items():
        for other in variants(rule)[1:]:
            for target in other.targets:
                if target.basis == "stated" and target.value not in (1, 100):
                    assert f"{target.value:g}" in cited(plan_lines, other), (key, other.alternative)


def test_thresholds_and_filters_stand_on_their_lines(indicators, plan_lines):
    checked = 0
    for key, (_, rule) in indicators.items():
        text = cited(plan_lines, rule)
        shown = {100: ALL, 1: "1|每|一|均|至少|设立|建有|全覆盖|各|所有"}
        numbers = [rule.filter.beds_at_least, rule.threshold_max]
        if rule.kind not in ("presence_per_unit", "phasing"):
            numbers.append(rule.threshold)
        for number in numbers:
            if number is None or (number == 1 and rule.kind == "count"):
                continue
            written = number / 1000 if rule.threshold_unit == "m" else number
            words = shown.get(written) or NUMERALS.get(f"{written:g}", "$^")
            assert stands(written, text) or re.search(words, text), (key, written)
            checked += 1
        for condition in (rule.filter, rule.numerator_filter):
            grade = condition.grade_at_least
            assert grade.replace("三级", "三") in text or f"国家{grade}" in text, key
    assert checked > 60


def test_an_alternative_threshold_is_the_figure_of_its_line(indicators, plan_lines):
    rule = indicators["minle_new_estate_service_area_per_100_households"][1]
    (_, other) = variants(rule)
    # Per household on the line, per hundred of them here.
    assert stands(other.threshold / 100, cited(plan_lines, other))


def test_periods_of_additions_stand_on_their_lines(indicators, plan_lines):
    for key, (_, rule) in indicators.items():
        for one in variants(rule):
            if one.since is not None:
                assert str(one.since) in cited(plan_lines, one), key


# --- conflicts


@pytest.fixture(scope="module")
def conflicts():
    """Every conflict with the plans that say it: its own plan, or those it is between."""
    found = {}
    for name in packaged_plans():
        plan = load_plan(name)
        for one in plan.conflicts:
            found.setdefault(one.id, (one, plan))
    return found


@pytest.fixture(scope="module")
def table(shared):
    path = shared.parent / "catalogue" / "inconsistencies.csv"
    with path.open(encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_all_78_travel_with_the_plans_they_concern(table, conflicts):
    assert set(conflicts) == set(table)
    assert len(conflicts) == 78
    for key, row in table.items():
        one = conflicts[key][0]
        regions = set(row["regions"].split(";"))
        there = {
            name for name in packaged_plans() if key in {c.id for c in load_plan(name).conflicts}
        }
        assert there == regions, key
        assert (one.type, one.severity) == (row["type"], row["severity"]), key
        assert bool(one.plans) == (row["scope"] == "between"), key
        assert not one.plans or set(one.plans) == regions


def test_lines_of_the_table_are_those_of_the_conflicts(table, conflicts):
    """What the table cites, we cite too; we may cite one line in its place."""
    number = {
        "000": "quzhou",
        "001": "zhejiang",
        "002": "jiaxing",
        "003": "minle",
        "004": "shangcheng",
    }
    for key, row in table.items():
        one, plan = conflicts[key]
        ours = {(said.plan or plan.id, line) for said in one.says for line in spread(said.lines)}
        theirs = set()
        for file, lines in re.findall(r"(00[0-4]):([\d;, -]+?)(?= =| [a-z]|$)", row["evidence"]):
            theirs |= {(number[file], line) for line in spread(lines.strip())}
        assert ours, key
        # The demonstration homes of a plan are cited by one of two lines with the same figure.
        assert theirs - ours <= {("jiaxing", 101)}, key
        # The number of beds behind a share of beds.
        assert ours - theirs <= {("minle", 33)}, key


def test_figures_of_conflicts_stand_on_their_lines(conflicts, plan_lines):
    files = {name: load_plan(name).source_file for name in packaged_plans()}
    checked = 0
    for key, (one, plan) in conflicts.items():
        for said in one.says:
            file = files[said.plan or plan.id]
            text = "\n".join(plan_lines[file][line] for line in spread(said.lines))
            anywhere = "\n".join(plan_lines[file])
            english = figures(said.en.replace("February", "2"))
            assert english == figures(said.zh), (key, said)
            for number in english:
                # A year may stand in the head of a table.
                where = anywhere if 2010 <= number <= 2035 and number.is_integer() else text
                assert stands(number, where), (key, said, number)
                checked += 1
    assert checked > 150


def test_what_the_table_refers_to_we_refer_to(table, indicators):
    expected = {
        (indicator, row["id"])
        for row in table.values()
        for indicator in row["indicator_ids"].split(";")
        if indicator
    }
    found = {(key, one) for key, (_, rule) in indicators.items() for one in rule.conflicts}
    assert expected <= found
    for key, conflict in found - expected:
        # What we add is of the plan, or between plans of which this is one.
        assert conflict in {one.id for one in indicators[key][0].conflicts}


def test_every_conflict_of_high_severity_that_is_spatial_touches_an_indicator(table, indicators):
    touched = {one for _, rule in indicators.values() for one in rule.conflicts}
    severe = {key for key, row in table.items() if row["severity"] == "high"}
    # Amounts of money shifted by a row.
    assert severe - touched == {"I-MI-21"}


# --- words of our own


NAMES = ("示范型居家养老服务中心", "生态安葬行政村")
RUN = 9


def own_words(indicators, conflicts):
    for key, (_, rule) in indicators.items():
        yield key, rule.notes_zh
        for other in rule.alternatives:
            yield f"{key} {other.name}", other.notes_zh
    for key, (one, _) in conflicts.items():
        for what in ("topic", "reason", "handling"):
            yield key, one.words(what, "zh")
        for said in one.says:
            yield key, said.zh


def test_no_sentence_of_the_plans_is_carried_over(indicators, conflicts, plan_lines):
    """No run of nine Chinese characters of ours, names left out, stands in a plan."""
    text = "".join(han("".join(lines)) for lines in plan_lines.values())
    words = load_registry()
    names = {han(rule.name_zh) for _, rule in indicators.values()}
    names |= {han(one.zh) for one in (*words.layers.values(), *words.scopes.values())}
    known = sorted({*names, *NAMES}, key=len, reverse=True)
    seen = 0
    for key, said in own_words(indicators, conflicts):
        left = said.replace(" ", "")
        for name in known:
            left = left.replace(name, "|") if len(name) > 3 else left
        for run in re.split("[^\u4e00-\u9fff]+", left):
            for start in range(len(run) - RUN + 1):
                seen += 1
                assert run[start : start + RUN] not in text, (key, run)
    assert seen > 400


def test_no_note_of_the_catalogue_is_carried_over(catalogue, table, indicators, conflicts):
    """No run of eight English words of ours stands in the notes of the catalogue."""
    theirs = [row["notes"] for row in catalogue.values()]
    theirs += [row[name] for row in table.values() for name in ("topic", "assessment")]
    known = set()
    for said in theirs:
        known |= set(word_runs(said))
    for key, (_, rule) in indicators.items():
        for said in (rule.notes, *(other.notes for other in rule.alternatives)):
            assert not known & set(word_runs(said)), (key, said)
    for key, (one, _) in conflicts.items():
        for said in (one.topic_en, one.reason_en, one.handling_en):
            assert not known & set(word_runs(said)), (key, said)


def test_every_note_is_there_in_both_languages(indicators):
    for key, (_, rule) in indicators.items():
        for one in (rule, *rule.alternatives):
            assert bool(one.notes) == bool(one.notes_zh), key
            assert not re.search("[\u4e00-\u9fff]", one.notes), key
            assert not one.notes or re.search("[\u4e00-\u9fff]", one.notes_zh), key
            # A figure of the one is a figure of the other; years may go without saying.
            assert not_years(one.notes) == not_years(one.notes_zh), key
