"""Targets over time: cases on paper, mirror images, and the odd orders of dates."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicecircle.messages import LANGUAGES
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.indicators import load_plan, packaged_plans, variants
from servicecircle.standards.pace import PROGRESS_COLUMNS, STATES, progress_table
from servicecircle.standards.plan import Alternative, Target
from servicecircle.standards.target_paths import year_point

NAN = math.nan


def card(value=NAN, *, low=None, high=None, year=2025, verdict="not_due", alternative=""):
    return {
        "indicator_id": "rule",
        "alternative": alternative,
        "target_year": year,
        "value": value,
        "low": value if low is None else low,
        "high": value if high is None else high,
        "verdict": verdict,
    }


def progress(make, day, cards, *, area="whole", language="en", **indicator):
    cards = cards if isinstance(cards, list) else [cards]
    plan = make.plan(make.indicator(**indicator))
    table = progress_table(plan, pd.DataFrame(cards), as_of=day, area=area, language=language)
    assert tuple(table.columns) == PROGRESS_COLUMNS
    return table.iloc[0]


def targets(*pairs, **more):
    return tuple(Target(year=year, value=value, **more) for year, value in pairs)


END_2023 = dt.date(2023, 12, 31)


def test_half_way_to_one_milestone_and_behind_the_next(make):
    # 20 % at the end of 2020, 30 by 2022, 60 by 2025; 38 at the end of 2023, where 40 is expected.
    row = progress(
        make,
        END_2023,
        [card(38, year=2022, verdict="met"), card(38, year=2025)],
        baseline_year=2020,
        baseline=20.0,
        targets=targets((2022, 30), (2025, 60)),
    )
    assert (row["previous_year"], row["previous_target"]) == (2022, 30)
    assert (row["next_year"], row["next_target"]) == (row["last_year"], row["last_target"])
    assert row["expected_at_as_of"] == pytest.approx(40)
    assert row["ahead_by"] == pytest.approx(-2)
    assert row["pace_so_far"] == pytest.approx(6)
    assert row["pace_needed_next"] == row["pace_needed_last"] == pytest.approx(11)
    assert row["projected"] == pytest.approx(50)
    assert (row["on_track"], row["why"]) == ("no", "")


def test_next_and_last_milestone_ask_for_paces_of_their_own(make):
    # A quarter of 2021 is over (90 of 365 days).
    row = progress(
        make,
        dt.date(2021, 3, 31),
        [card(22, year=2022), card(22, year=2025)],
        baseline_year=2020,
        baseline=20.0,
        targets=targets((2022, 30), (2025, 60)),
    )
    gone = 90 / 365
    assert row["expected_at_as_of"] == pytest.approx(20 + 5 * gone)
    assert row["pace_so_far"] == pytest.approx(2 / gone)
    assert row["pace_needed_next"] == pytest.approx(8 / (2 - gone))
    assert row["pace_needed_last"] == pytest.approx(38 / (5 - gone))
    assert pd.isna(row["previous_year"])
    assert row["on_track"] == "yes"


def test_fewer_older_persons_per_social_worker_is_ahead(make):
    # 500 by 2022, 450 by 2025: 475 expected half a way between; 470 is ahead by 5.
    given = {
        "operator": "at_most",
        "unit": "per worker",
        "targets": targets((2022, 500), (2025, 450)),
    }
    middle = dt.date(2024, 6, 30)
    expected = 500 - 50 * (1 + 182 / 366) / 3
    rows = [card(470, year=2022, verdict="met"), card(470, year=2025)]
    row = progress(make, middle, rows, **given)
    assert row["expected_at_as_of"] == pytest.approx(expected)
    assert row["ahead_by"] == pytest.approx(expected - 470)
    assert row["on_track"] == "yes"
    assert row["pace_needed_last"] == pytest.approx(-20 / (2 - 182 / 366))
    assert math.isnan(row["pace_so_far"])
    assert math.isnan(row["projected"])
    worse = progress(make, middle, [card(490, year=2022), card(490, year=2025)], **given)
    assert (worse["on_track"], worse["ahead_by"]) == ("no", pytest.approx(expected - 490))


def test_a_falling_baseline_of_at_most_has_a_falling_pace(make):
    row = progress(
        make,
        END_2023,
        card(540),
        operator="at_most",
        unit="per worker",
        baseline_year=2020,
        baseline=600.0,
        targets=targets((2025, 450)),
    )
    assert row["expected_at_as_of"] == pytest.approx(510)
    assert row["pace_so_far"] == pytest.approx(-20)
    assert row["pace_needed_last"] == pytest.approx(-45)
    assert row["projected"] == pytest.approx(500)
    assert row["on_track"] == "no"


def test_the_last_target_due_is_reached_or_missed(make):
    given = {"baseline_year": 2020, "baseline": 0.0, "targets": targets((2022, 50), (2025, 100))}
    day = dt.date(2026, 6, 30)
    for value, low, high, state in (
        (100, 100, 100, "reached"),
        (99, 99, 99, "missed"),
        (99, 90, 100, "undecided"),
        (NAN, 40, 60, "missed"),
        (NAN, 40, 100, "unknown"),
        (NAN, NAN, NAN, "unknown"),
    ):
        row = progress(make, day, [card(value, low=low, high=high)], **given)
        assert row["on_track"] == state
        assert row["expected_at_as_of"] == 100
        assert pd.isna(row["next_year"])
        assert math.isnan(row["pace_needed_last"])
        assert math.isnan(row["projected"])


def test_a_target_is_not_over_before_its_last_day(make):
    given = {"targets": targets((2025, 100))}
    assert progress(make, dt.date(2025, 12, 31), card(90), **given)["on_track"] == "missed"
    row = progress(make, dt.date(2025, 12, 30), card(90), **given)
    assert row["on_track"] == "unknown"
    assert row["pace_needed_last"] == pytest.approx(10 * 365)


def test_reached_early_is_reached_and_needs_no_pace(make):
    row = progress(
        make,
        END_2023,
        card(100),
        baseline_year=2020,
        baseline=10.0,
        targets=targets((2025, 100)),
    )
    assert (row["on_track"], row["pace_needed_last"]) == ("reached", 0)
    # Percentages end at 100.
    assert row["projected"] == 100


def test_projections_keep_to_what_the_unit_can_be(make):
    common = {"baseline_year": 2020, "targets": targets((2025, 5))}
    limit = {"operator": "at_most", "unit": "per worker"}
    falling = progress(make, END_2023, card(4), baseline=40.0, **limit, **common)
    assert falling["projected"] == 0
    rising = progress(make, END_2023, card(90), baseline=0.0, unit="homes", **common)
    assert rising["projected"] == pytest.approx(150)


def test_a_baseline_beyond_the_target_asks_to_keep_it(make):
    given = {"baseline_year": 2020, "baseline": 64.5, "unit": "beds"}
    row = progress(make, END_2023, card(55), targets=targets((2025, 50)), **given)
    assert (row["expected_at_as_of"], row["on_track"]) == (50, "reached")
    assert "keep" in row["why"]
    assert "worse than the plan's own baseline" in row["why"]
    row = progress(make, END_2023, card(49), targets=targets((2025, 50)), **given)
    assert (row["expected_at_as_of"], row["on_track"]) == (50, "no")
    # A fall is not drawn out: the plan may have counted otherwise.
    assert row["pace_so_far"] == pytest.approx(-15.5 / 3)
    assert math.isnan(row["projected"])


def test_a_flat_path_and_a_target_in_the_year_of_its_baseline(make):
    flat = progress(
        make, END_2023, card(70), baseline_year=2020, baseline=70.0, targets=targets((2025, 70))
    )
    assert (flat["expected_at_as_of"], flat["pace_so_far"], flat["on_track"]) == (70, 0, "reached")
    same = progress(
        make, END_2023, card(52), baseline_year=2020, baseline=58.0, targets=targets((2020, 50))
    )
    assert (same["expected_at_as_of"], same["on_track"]) == (50, "reached")


def test_what_cannot_be_told_says_why(make):
    path = {"baseline_year": 2020, "baseline": 20.0, "targets": targets((2025, 60))}
    for day, row, rule, why in (
        (END_2023, card(40, year=None, verdict="no_target"), {"targets": ()}, "no target"),
        (END_2023, card(40, verdict="not_applicable"), path, "does not speak"),
        (END_2023, card(NAN), path, "no value"),
        (END_2023, card(40), {"targets": targets((2025, 60))}, "no baseline"),
        (END_2023, card(40), {"baseline": 3.0, "targets": targets((2025, 60))}, "no baseline"),
        (dt.date(2020, 6, 30), card(40), path, "before the baseline"),
    ):
        found = progress(make, day, row, **rule)
        assert found["on_track"] == "unknown"
        assert why in found["why"]
        assert math.isnan(found["projected"]) or why == "does not speak"


def test_before_the_baseline_there_is_no_pace(make):
    for day in (dt.date(2019, 6, 30), dt.date(2020, 12, 31)):
        row = progress(
            make, day, card(30), baseline_year=2020, baseline=20.0, targets=targets((2025, 60))
        )
        assert math.isnan(row["pace_so_far"])
    assert (row["expected_at_as_of"], row["on_track"]) == (20, "yes")


def test_bounds_on_both_sides_of_the_path_leave_it_undecided(make):
    given = {"baseline_year": 2020, "baseline": 20.0, "targets": targets((2025, 60))}
    # 44 is expected.
    assert progress(make, END_2023, card(44, low=40, high=50), **given)["on_track"] == "undecided"
    assert progress(make, END_2023, card(44, low=44, high=50), **given)["on_track"] == "yes"
    assert progress(make, END_2023, card(40, low=30, high=43), **given)["on_track"] == "no"
    assert progress(make, END_2023, card(NAN, low=30, high=43), **given)["on_track"] == "no"
    assert progress(make, END_2023, card(NAN, low=30, high=90), **given)["on_track"] == "unknown"


def test_a_reading_is_never_missed(make):
    row = progress(
        make, dt.date(2026, 1, 1), card(40), targets=targets((2025, 100), basis="reading")
    )
    assert (row["on_track"], "reading" in row["why"]) == ("undecided", True)


def test_additions_start_from_none_and_end_with_their_target(make):
    given = {
        "kind": "count",
        "level": "county",
        "unit": "new centres",
        "measure": "flow",
        "flow_of": "opened",
        "since": 2022,
    }
    # 6 by mid-2023 (181 of 365 days): 9 in two years, so 1.5 years make 6.7.
    row = progress(
        make, dt.date(2023, 6, 30), card(6, year=2023), targets=targets((2023, 9)), **given
    )
    gone = 1 + 181 / 365
    assert (row["baseline_year"], row["baseline"]) == (2021, 0)
    assert row["expected_at_as_of"] == pytest.approx(4.5 * gone)
    assert row["pace_so_far"] == pytest.approx(6 / gone)
    assert row["on_track"] == "no"
    # Years after the target do not count: 6 in two years, whatever the date.
    late = progress(
        make, dt.date(2025, 5, 5), card(6, year=2023), targets=targets((2023, 9)), **given
    )
    assert (late["pace_so_far"], late["expected_at_as_of"], late["on_track"]) == (3, 9, "missed")
    # The period is the plan's where none is named, and has not begun before its first day.
    begun = progress(
        make, dt.date(2020, 6, 30), card(0), targets=targets((2025, 9)), **(given | {"since": None})
    )
    assert begun["baseline_year"] == 2020
    assert (begun["on_track"], "before the baseline" in begun["why"]) == ("unknown", True)


def test_of_several_additions_the_one_to_come_speaks(make):
    row = progress(
        make,
        END_2023,
        [card(4, year=2022, verdict="not_met"), card(9, year=2025)],
        kind="count",
        unit="centres",
        measure="flow",
        flow_of="opened",
        targets=targets((2022, 6), (2025, 15)),
    )
    assert (row["value"], row["pace_so_far"], row["ahead_by"]) == (9, 3, 0)
    assert row["on_track"] == "yes"


def test_on_a_part_there_is_no_pace_from_the_baseline_of_the_whole(make):
    given = {"baseline_year": 2020, "baseline": 20.0, "targets": targets((2025, 60))}
    row = progress(make, END_2023, card(40), area="part", **given)
    assert math.isnan(row["pace_so_far"])
    assert math.isnan(row["projected"])
    assert (row["expected_at_as_of"], row["on_track"]) == (44, "no")
    assert "whole area" in row["why"]


def test_alternatives_have_paths_of_their_own(make):
    rule = make.indicator(
        baseline_year=2020,
        baseline=0.0,
        targets=targets((2025, 60)),
        alternatives=(Alternative(name="30", targets=targets((2025, 30))),),
    )
    cards = pd.DataFrame([card(20), card(20, alternative="30")])
    table = progress_table(make.plan(rule), cards, as_of=END_2023)
    assert table["expected_at_as_of"].tolist() == pytest.approx([36, 18])
    assert table["on_track"].tolist() == ["no", "yes"]


# The fixture is a class of functions, the same for every example.
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.floats(0, 100),
    baseline=st.floats(0, 100),
    goal=st.floats(0, 100),
    operator=st.sampled_from(["at_least", "at_most"]),
    day=st.dates(dt.date(2021, 1, 1), dt.date(2025, 12, 30)),
)
def test_the_pace_needed_leads_to_the_target_and_the_mirror_image_agrees(
    make, value, baseline, goal, operator, day
):
    def one(sign):
        mirrored = {"at_least": "at_most", "at_most": "at_least"}
        shift = 0 if sign > 0 else 1000
        return progress(
            make,
            day,
            card(shift + sign * value),
            unit="things",
            operator=operator if sign > 0 else mirrored[operator],
            baseline_year=2020,
            baseline=shift + sign * baseline,
            targets=targets((2025, shift + sign * goal)),
        )

    row, mirror = one(1), one(-1)
    left = 2026 - year_point(day)
    if row["pace_needed_last"]:
        assert value + row["pace_needed_last"] * left == pytest.approx(goal, abs=1e-6)
    else:
        assert row["on_track"] == "reached"
    assert row["on_track"] in STATES
    assert mirror["ahead_by"] == pytest.approx(row["ahead_by"], abs=1e-6)
    assert mirror["pace_so_far"] == pytest.approx(-row["pace_so_far"], abs=1e-6)
    # Who is on the path without being ahead may be on either side of it by the last bit.
    if abs(row["ahead_by"]) > 1e-3 and abs(value - goal) > 1e-3:
        assert mirror["on_track"] == row["on_track"]


def test_every_indicator_of_the_packaged_plans_has_its_row(make):
    for name in packaged_plans():
        plan = load_plan(name)
        scorecard, _ = evaluate(plan, make.evidence(), area="whole")
        for language in LANGUAGES:
            table = progress_table(plan, scorecard, as_of=END_2023, language=language)
            keys = [
                (one.id, one.alternative) for first in plan.indicators for one in variants(first)
            ]
            assert list(zip(table["indicator_id"], table["alternative"], strict=True)) == keys
            assert set(table["on_track"]) <= set(STATES)
            assert (table["why"] != "").loc[table["on_track"] == "unknown"].all()
            assert not table["why"].str.contains("pace_").any()
