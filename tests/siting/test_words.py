"""What the terminal says of a siting study, line by line."""

from __future__ import annotations

import pandas as pd
import pytest

from servicecircle.siting.words import siting_lines

NO_VERDICTS = pd.DataFrame({"verdict_before": [], "verdict_after": []})


def lines(language="en", *, steps=(), candidates=None, **record):
    """Return the lines of a study of care homes that covers 60 of 100 people, before 40."""
    study = {
        "layers": ["care_home"], "people": "elderly", "criterion": "seconds", "limit": 900.0,
        "profile": "walk", "objective": "mean", "new_sites": 2, "closed_sites": 0,
        "status": "feasible", "value": 600.0, "bound": 480.0, "gap": 0.2, "by_cost": False,
        "capacities": False, "people_in_need": 100.0,
        "steps": [{"name": name, "value": value, "bound": bound} for name, value, bound in steps],
        "candidates": {"chosen_by": {"default": False}, **(candidates or {})},
    }  # fmt: skip
    tables = {
        "site_units": pd.DataFrame(
            {"people": [100.0], "covered_before": [40.0], "covered_after": [60.0]}
        ),
        "siting": pd.DataFrame({"step": ["all"]}),
        "sites": pd.DataFrame({"phase": [1, 1], "year": [None, None]}),
        "site_verdicts": NO_VERDICTS,
    }
    titles = {"care_home": "care home"}
    return siting_lines(study | record, tables, titles=titles, language=language)


def test_where_people_come_first_it_is_told_how_many_more_there_could_be():
    steps = (("people", 60.0, 75.0), ("mean", 600.0, 480.0))
    said = lines(steps=steps)
    assert "a mean of 10.00 min; none below 8.00 min is possible (gap 20.00%)" in said[1]
    assert "60 people within reach; no choice has more than 75 (gap 20.00%)" in said[2]
    assert "没有别的选法能超过 75 人（差距 20.00%）" in lines("zh", steps=steps)[2]


def test_where_the_people_are_proven_nothing_more_is_said_of_them():
    steps = (("people", 60.0, 60.0), ("mean", 600.0, 480.0))
    assert len(lines(steps=steps)) == 2


@pytest.mark.parametrize(("by_cost", "said"), [(True, "cost 7.50"), (False, "no fewer than 7.50")])
def test_the_cheapest_choice_is_told_by_its_cost(by_cost, said):
    proven = {"status": "optimal", "value": 7.5, "bound": 7.5, "gap": 0.0}
    assert said in lines(objective="fewest", by_cost=by_cost, **proven)[1]


def test_an_indicator_without_roads_says_which_end_its_people_are_of():
    target = {
        "name": {"en": "Within 1 km", "zh": "1公里内"}, "year": 2025, "value_before": 45.0,
        "goal": 90.0, "unit": "%", "verdict_before": "not_met", "verdict_after": "met",
        "units_short": 0, "form": "people", "end": "low",
    }  # fmt: skip
    assert lines(target=target)[1].endswith("(40.0% → 60.0%), at the lower end of its bounds")
    assert lines("zh", target=target)[1].endswith("，按区间下限计")
    for other in ({"end": "value"}, {"form": "amounts"}):
        assert lines(target=target | other)[1].endswith("(40.0% → 60.0%)")


def test_default_candidates_are_told():
    chosen = {
        "default": True,
        "lists": {
            "grid": {"kind": "grid", "every_m": 250.0, "candidates": 1200},
            "community_service_center": {"kind": "facilities", "candidates": 7},
        },
    }
    said = lines(candidates={"chosen_by": chosen})
    assert "1,200 of a grid every 250 m" in said[2]
    assert "7 in facilities of other layers" in said[3]
    assert lines(candidates={"chosen_by": chosen | {"default": False}}) == said[:2]
