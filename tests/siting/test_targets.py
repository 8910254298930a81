"""From a target to sites: put where they are proposed, they turn the verdict; fewer do not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.util
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from servicecircle.errors import SitingError
from servicecircle.siting.target_models import target_model
from servicecircle.siting.target_solve import solve_target
from servicecircle.siting.targets import rule_of, site_target
from servicecircle.siting.turned import TURNED_COLUMNS, turned
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.indicators import load_plan, packaged_plans, variants
from servicecircle.standards.kinds import Study
from servicecircle.standards.plan import Filter, Norm, Target

_SPEC = importlib.util.spec_from_file_location(
    "standards_make", Path(__file__).parents[1] / "standards" / "conftest.py"
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
make = _MODULE.Make

VILLAGES = ("111", "112", "121", "122")
PARENTS = {"111": "11", "112": "11", "121": "12", "122": "12", "129": "12"}


def study_of(evidence, *rules, area="whole", **more):
    return Study(
        plan=make.plan(*rules), evidence=evidence, area=area, own_level="county", language="en",
        **more,
    )  # fmt: skip


def candidates(*villages, existing=(), **more):
    """Return candidates, one for each village named, after existing facilities."""
    rows = [
        {
            "candidate_id": f"c{number}",
            "source": "existing" if village in existing else "grid",
            "facility_id": "",
            "cost": 1.0,
            "capacity": math.nan,
            "mandatory": False,
            "forbidden": False,
            "unit_village_level": f"village_level:{village}",
            "unit_township": f"township:{PARENTS[village]}",
            "unit_county": "county:1",
        }
        for number, village in enumerate(villages)
    ]
    return pd.DataFrame(rows).assign(**more)


def with_sites(evidence, target, frame, chosen):
    """Return the evidence with the proposed facilities among those that there are."""
    rows = [
        {
            "village": str(frame["unit_village_level"].iloc[at]).partition(":")[2],
            "layer": target.layer,
            "opened": min(pd.Timestamp(target.opened), pd.Timestamp(evidence.as_of)),
            **{
                name: frame[name].iloc[at]
                for name in frame.columns
                if name.startswith("in_") or name.startswith("unit_")
            },
            **target.attributes,
        }
        for at in np.flatnonzero(chosen)
    ]
    new = make.facilities(*rows).rename(lambda one: f"new_{one}")
    everything = pd.concat([evidence.facilities, new]) if rows else evidence.facilities
    return dataclasses.replace(evidence, facilities=everything)


def row_of(evidence, study, rule, target):
    """Return the row of the scorecard that the target is judged in."""
    card = evaluate(
        study.plan, evidence, area=study.area, own_level=study.own_level, pins=study.pins,
        language="en",
    )[0]  # fmt: skip
    card = card[(card["indicator_id"] == rule.id) & (card["alternative"] == rule.alternative)]
    if target.target is not None:
        card = card[card["target_year"] == target.target.year]
    return card.iloc[0]


def sited(evidence, rule, frame, **asked):
    """Return target, model, answer and the row of the scorecard afterwards."""
    study = study_of(evidence, rule)
    target = site_target(study, rule, **asked)
    built = target_model(target, frame, None)
    found = solve_target(built)
    after = with_sites(evidence, target, frame, found.answer.open & ~built.model.kept)
    return target, built, found, row_of(after, study, rule, target)


def home(village, **more):
    return {"village": village, "layer": "childrens_home", **more}


def test_two_more_villages_make_three_of_four():
    rule = make.indicator(targets=(Target(year=2025, value=75),))
    evidence = make.evidence(facilities=make.facilities(home("111")))
    target, built, found, after = sited(evidence, rule, candidates("111", "112", "121", "122"))
    assert (target.value, target.verdict, target.short) == (25.0, "not_met", 2)
    assert (found.number, found.least, found.proven) == (2, 2.0, True)
    assert after["verdict"] == "met"
    table = turned(built, found.answer.open, frame=candidates("111", "112", "121", "122"))
    assert tuple(table.columns) == TURNED_COLUMNS
    whole, units = table.iloc[0], table.iloc[1:]
    assert (whole["before"], whole["after"], whole["line"]) == (25.0, 75.0, 75.0)
    assert (whole["verdict_before"], whole["verdict_after"]) == ("not_met", "met")
    assert units["sites"].sum() == 2
    assert (units["verdict_after"] == "met").sum() == 3
    assert units["name"].tolist() == ["东村", "大桥社区", "城南社区", "西村"]


def test_what_is_met_needs_no_site():
    rule = make.indicator(targets=(Target(year=2025, value=25),))
    evidence = make.evidence(facilities=make.facilities(home("111")))
    target, _, found, after = sited(evidence, rule, candidates("112"))
    assert target.met
    assert (found.number, found.least, after["verdict"]) == (0, 0.0, "met")


def test_a_unit_without_candidates_is_named_and_the_rest_still_done():
    rule = make.indicator()
    evidence = make.evidence(facilities=make.facilities(home("111")))
    study = study_of(evidence, rule)
    target = site_target(study, rule)
    built = target_model(target, candidates("112", "122"), None)
    found = solve_target(built)
    assert found.answer.status == "infeasible"
    assert [str(target.units.index[one]) for one in found.lacking] == ["village_level:121"]
    assert (found.attainable, found.number) == (3.0, -1)
    assert found.answer.reasons[0][0] == "presence"
    as_far = solve_target(built, as_far=True)
    assert as_far.number == 2
    table = turned(built, as_far.answer.open, frame=candidates("112", "122"))
    assert table["after"].iloc[0] == 75.0


def test_a_grade_that_the_rule_asks_for_is_part_of_the_proposal():
    rule = make.indicator(filter=Filter(grade_at_least="3A", beds_at_least=20))
    evidence = make.evidence(
        facilities=make.facilities(*(home(one, grade="2A", capacity=30.0) for one in VILLAGES))
    )
    target, _, found, after = sited(evidence, rule, candidates(*VILLAGES))
    assert target.attributes == {"grade": "3A", "capacity": 20.0}
    assert (found.number, after["verdict"]) == (4, "met")


def test_the_largest_units_are_served_where_some_may_be_left():
    rule = make.indicator(targets=(Target(year=2025, value=50),))
    people = make.demand(("111", 10, 1), ("112", 10, 7), ("121", 10, 3), ("122", 10, 5))
    evidence = make.evidence(demand=people)
    study = study_of(evidence, rule)
    target = site_target(study, rule)
    frame = candidates(*VILLAGES)
    built = target_model(target, frame, csr_array(np.eye(4)))
    found = solve_target(built)
    units = frame["unit_village_level"][found.answer.open].tolist()
    assert units == ["village_level:112", "village_level:122"]
    assert found.people.objective == 12.0
    assert found.number == 2


def test_among_places_in_a_unit_the_one_near_people_is_taken():
    rule = make.indicator(targets=(Target(year=2025, value=25),))
    people = make.demand(("111", 10, 4), ("111", 10, 5))
    evidence = make.evidence(demand=people)
    target = site_target(study_of(evidence, rule), rule)
    frame = candidates("111", "111", "111")
    built = target_model(target, frame, csr_array(np.array([[1.0, 0, 2.0], [0, 3.0, 4.0]])))
    found = solve_target(built)
    assert np.flatnonzero(found.answer.open).tolist() == [2]
    assert found.people.objective == 9.0


def test_facilities_are_counted_where_the_scope_is():
    rule = make.indicator(
        kind="count", level="county", scope="rural", unit="facilities", threshold=None,
        targets=(Target(year=2025, value=3),),
    )  # fmt: skip
    evidence = make.evidence(facilities=make.facilities(home("111"), home("112")))
    frame = candidates("112", "111", "121", "122")
    target, built, found, after = sited(evidence, rule, frame)
    # 111 and 122 are villages; 112 and 121 are communities.
    assert target.units["need"].tolist() == [2.0]
    assert built.counts.tolist() == [False, True, False, True]
    assert np.flatnonzero(found.answer.open).tolist() == [1, 3]
    assert after["verdict"] == "met"


def test_additions_of_a_period_that_is_over_are_refused_and_say_what_else():
    rule = make.indicator(
        kind="count", level="county", unit="facilities", threshold=None, measure="flow",
        flow_of="opened", targets=(Target(year=2023, value=3),),
    )  # fmt: skip
    other = make.indicator(id="stock")
    evidence = make.evidence(facilities=make.facilities(home("111")))
    with pytest.raises(SitingError, match="ended on 2023-12-31") as caught:
        site_target(study_of(evidence, rule, other), rule)
    assert "(stock)" in caught.value.text("en")
    assert "stock" in caught.value.text("zh")


def test_additions_count_until_the_end_of_the_target_year():
    rule = make.indicator(
        kind="count", level="county", unit="facilities", threshold=None, measure="flow",
        flow_of="opened", targets=(Target(year=2025, value=3),),
    )  # fmt: skip
    evidence = make.evidence(
        facilities=make.facilities(home("111"), home("112", opened="2022-01-01"))
    )
    target, _, found, after = sited(evidence, rule, candidates(*VILLAGES))
    # The first one opened before the period.
    assert (target.opened, found.number) == (dt.date(2025, 12, 31), 2)
    assert after["verdict"] == "met"


def beds_rule(**more):
    given = {
        "kind": "capacity_ratio", "level": "county", "unit": "beds per 1000 elderly",
        "numerator": "beds", "denominator": "elderly", "per": 1000.0, "threshold": 50.0,
        "targets": (Target(year=2025, value=50),),
    }  # fmt: skip
    return make.indicator(**given | more)


def test_beds_that_are_missing_take_as_many_homes_as_hold_them():
    people = make.demand(*((one, 1000, 250) for one in VILLAGES))
    evidence = make.evidence(demand=people, facilities=make.facilities(home("111", capacity=12.0)))
    # 50 beds for 1,000 older people; 12 are there; a home has 12: 38 / 12 are four homes.
    target, built, found, after = sited(evidence, beds_rule(), candidates(*VILLAGES))
    assert (target.thing, target.size, target.units["need"].tolist()) == ("beds", 12.0, [38.0])
    assert (found.number, found.least, after["verdict"]) == (4, 4.0, "met")
    assert after["value"] == 60.0
    table = turned(built, found.answer.open, frame=candidates(*VILLAGES))
    assert table[["before", "after", "line"]].values.tolist() == [[12.0, 60.0, 50.0]]
    # Larger ones are fewer; a candidate's own capacity goes before.
    assert sited(evidence, beds_rule(), candidates(*VILLAGES), size=20.0)[2].number == 2
    own = candidates(*VILLAGES, capacity=[math.nan, 30.0, 8.0, math.nan])
    target, built, found, _ = sited(evidence, beds_rule(), own, size=4.0)
    assert np.flatnonzero(found.answer.open).tolist() == [1, 2]


def test_beds_that_every_unit_has_to_have_are_counted_unit_by_unit():
    people = make.demand(("111", 900, 100), ("112", 900, 300), ("121", 900, 100), ("122", 900, 10))
    evidence = make.evidence(
        demand=people,
        facilities=make.facilities(home("111", capacity=5.0), home("122", capacity=90.0)),
    )
    rule = beds_rule(level="village_level")
    frame = candidates("111", "112", "112", "112", "121", "122")
    target, _, found, after = sited(evidence, rule, frame, size=7.0)
    assert target.units["need"].tolist() == [0.0, 15.0, 5.0, 0.0]
    # Three homes of 7 beds for 112, one for 121; the surplus of 122 helps nobody.
    assert np.flatnonzero(found.answer.open).tolist() == [1, 2, 3, 4]
    assert after["verdict"] == "met"


def test_a_share_of_beds_grows_on_both_sides():
    rule = beds_rule(
        kind="share", unit="%", numerator="nursing_beds", denominator="beds", per=100.0,
        threshold=60.0, targets=(Target(year=2025, value=60),),
    )  # fmt: skip
    evidence = make.evidence(
        facilities=make.facilities(home("111", capacity=100.0, nursing_beds=40.0))
    )
    # 40 + x of 100 + x reach 60 % at x = 50: two homes of 25 nursing beds.
    target, built, found, after = sited(evidence, rule, candidates(*VILLAGES), size=25.0)
    assert target.attributes == {"capacity": 25.0, "nursing_beds": 25.0}
    assert (found.number, after["verdict"], after["value"]) == (2, "met", 60.0)
    table = turned(built, found.answer.open, frame=candidates(*VILLAGES))
    assert table["after"].tolist() == [60.0]


@settings(max_examples=60, deadline=None)
@given(
    beds=st.lists(
        st.tuples(
            st.sampled_from([math.nan, 10.0, 20.0, 60.0]),
            st.sampled_from([math.nan, 0.0, 5.0, 9.0]),
        ),
        min_size=1,
        max_size=4,
    ),
    grades=st.lists(st.sampled_from(["", "1A", "3A"]), min_size=4, max_size=4),
    filtered=st.booleans(),
)
def test_a_share_of_beds_is_reached_whatever_empty_cells_hold(beds, grades, filtered):
    rule = beds_rule(
        kind="share", unit="%", numerator="nursing_beds", denominator="beds", per=100.0,
        targets=(Target(year=2025, value=50),),
        filter=Filter(grade_at_least="2A") if filtered else Filter(),
    )  # fmt: skip
    homes = [
        home("111", capacity=all_of, nursing_beds=some, grade=grade)
        for (all_of, some), grade in zip(beds, grades, strict=False)
    ]
    evidence = make.evidence(facilities=make.facilities(*homes))
    frame = candidates(*("111" for _ in range(40)))
    try:
        target, _, found, after = sited(evidence, rule, frame, size=7.0)
    except SitingError as error:
        assert "missing" in error.text("en")
        return
    assert target.met == (row_of(evidence, target.study, rule, target)["verdict"] == "met")
    assert after["verdict"] == "met"
    if found.number:
        fewer = found.answer.open.copy()
        fewer[np.flatnonzero(fewer)[-1]] = False
        less = row_of(with_sites(evidence, target, frame, fewer), target.study, rule, target)
        assert less["verdict"] != "met"


def test_a_norm_of_floor_area_is_met_unit_by_unit():
    rule = make.indicator(
        kind="area_ratio", numerator="units_with", denominator="units",
        norm=Norm(numerator="floor_area", denominator="households", per=100.0, value=30.0),
        targets=(Target(year=2025, value=75),),
    )  # fmt: skip
    units = make.units().assign(households=200.0)
    evidence = make.evidence(
        units=units, facilities=make.facilities(home("111", floor_area_m2=60.0))
    )
    frame = candidates("112", "112", "121", "122", "122")
    target, built, found, after = sited(evidence, rule, frame, size=40.0)
    assert target.units["need"].tolist() == [0.0, 60.0, 60.0, 60.0]
    assert np.flatnonzero(found.answer.open).tolist() == [0, 1, 3, 4]
    assert after["verdict"] == "met"
    after_units = turned(built, found.answer.open, frame=frame).iloc[1:]
    assert after_units["after"].tolist() == [30.0, 40.0, 0.0, 40.0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "capacity_ratio", "numerator": "social_workers", "denominator": "elderly"},
         "depends on staff"),
        ({"kind": "share", "numerator": "facilities", "denominator": "facilities"},
         "neither raises the grade"),
        ({"kind": "area_ratio", "numerator": "floor_area", "denominator": "facilities"},
         "neither raises the grade"),
        ({"kind": "share", "numerator": "patients_served", "denominator": "patients"},
         "does not change with new sites"),
        ({"kind": "count", "threshold": None, "measure": "flow", "flow_of": "renovated"},
         "counts renovations"),
        ({"needs": "a list of complaints"}, "a list of complaints"),
        ({"kind": "count", "threshold": None, "targets": ()}, "has no target"),
        ({"kind": "capacity_ratio", "numerator": "beds", "denominator": "elderly"}, "cannot be"),
    ],
)  # fmt: skip
def test_what_no_site_can_change_is_refused_with_a_reason(given, said):
    rule = make.indicator(**{"level": "county", **given})
    with pytest.raises(SitingError, match=said) as caught:
        site_target(study_of(make.evidence(), rule), rule)
    assert "hand:rule" in caught.value.text("zh")


def test_a_year_without_a_target_is_refused_and_the_years_told():
    rule = make.indicator(targets=(Target(year=2022, value=50), Target(year=2025, value=100)))
    study = study_of(make.evidence(), rule)
    assert site_target(study, rule, year=2022).wanted == 2
    assert site_target(study, rule).wanted == 4
    with pytest.raises(SitingError, match="2022, 2025"):
        site_target(study, rule, year=2024)


def test_a_total_of_the_whole_is_not_sited_on_a_part():
    rule = make.indicator(kind="count", level="county", threshold=None)
    with pytest.raises(SitingError, match="a part of it"):
        site_target(study_of(make.evidence(), rule, area="part"), rule)


def test_milestones_that_are_over_are_refused_and_those_to_come_are_sought():
    goals = tuple(Target(year=year, value=v) for year, v in ((2024, 40), (2025, 70), (2026, 100)))
    rule = make.indicator(kind="phasing", targets=goals)
    study = study_of(make.evidence(), rule)
    with pytest.raises(SitingError, match="ended on 2024"):
        site_target(study, rule, year=2024)
    target = site_target(study, rule, year=2026)
    assert target.wanted == 4


def test_a_size_that_nobody_states_is_asked_for():
    evidence = make.evidence(demand=make.demand(("111", 1000, 500)))
    rule = beds_rule()
    evidence = dataclasses.replace(evidence, facilities=make.facilities(home("111", capacity=0.0)))
    study = study_of(evidence, rule)
    target = site_target(study, rule)
    with pytest.raises(SitingError, match=r"\[siting\] capacity"):
        target_model(target, candidates("111", "112"), None)
    # One that states its own beds is enough; the others bring nothing.
    built = target_model(target, candidates("111", "112", capacity=[math.nan, 25.0]), None)
    assert np.flatnonzero(solve_target(built).answer.open).tolist() == [1]


def test_square_metres_that_nobody_states_are_asked_for():
    rule = make.indicator(
        kind="area_ratio", numerator="units_with", denominator="units",
        norm=Norm(numerator="floor_area", denominator="households", per=100.0, value=30.0),
    )  # fmt: skip
    evidence = make.evidence(
        units=make.units().assign(households=200.0),
        facilities=make.facilities(home("111", floor_area_m2=0.0)),
    )
    with pytest.raises(SitingError, match="floor_area_m2"):
        site_target(study_of(evidence, rule), rule)


def test_a_place_with_fewer_beds_than_the_rule_asks_for_does_not_count():
    rule = make.indicator(filter=Filter(beds_at_least=20), targets=(Target(year=2025, value=25),))
    frame = candidates("111", "112", "121", capacity=[19.0, math.nan, 30.0])
    study = study_of(make.evidence(), rule)
    built = target_model(site_target(study, rule), frame, None)
    assert built.counts.tolist() == [False, True, True]


def test_rules_are_found_by_plan_and_id():
    plans = {name: load_plan(name) for name in ("minle", "quzhou")}
    rule = "minle_township_comprehensive_care_coverage"
    # 60 % governs, as the strictest of three.
    assert rule_of(plans, rule)[1].targets[0].value == 60
    assert rule_of(plans, f"minle:{rule}:50")[1].targets[0].value == 50
    assert rule_of(plans, f"{rule}:30")[0] == "minle"
    for text, said in (
        ("hangzhou:x", 'the project has no plan "hangzhou"'),
        ("minle:x", r'an indicator "x" \(looked for in: minle\)'),
        (f"minle:{rule}:70", f'indicator "{rule}" of plan minle has no alternative "70"'),
        ("x", r'an indicator "x" \(looked for in: minle, quzhou\)'),
        ("minle:comprehensive_care_cov", rf"the nearest is: {rule}\);"),
        (f"minle:{rule}s", rf"the nearest is: {rule}\); servicecircle plans show"),
    ):
        with pytest.raises(SitingError, match=said):
            rule_of(plans, text)


def test_where_no_name_is_near_none_is_told():
    plans = {"minle": load_plan("minle")}
    with pytest.raises(SitingError) as caught:
        rule_of(plans, "x")
    for language in ("zh", "en"):
        assert "–" not in caught.value.text(language)
        assert "（最" not in caught.value.text(language)
        assert "plans show" in caught.value.text(language)


PLANS = {name: load_plan(name) for name in packaged_plans()}
EVERY = [
    (name, first, one)
    for name, plan in PLANS.items()
    for first in plan.indicators
    for one in variants(first)
]


@pytest.fixture(scope="module")
def scattered():
    """A county that has everything but enough facilities: one of each layer, in one village."""
    given = make.everything()
    keep = given.facilities["unit_village_level"] == "village_level:111"
    return make.everything(facilities=given.facilities[keep])


@pytest.mark.parametrize(
    ("name", "first", "rule"), EVERY, ids=[f"{one.id}-{one.alternative}" for _, _, one in EVERY]
)
def test_every_indicator_is_sited_or_refused_with_a_reason(scattered, name, first, rule):
    plan = dataclasses.replace(PLANS[name], indicators=(first,), conflicts=())
    study = Study(plan=plan, evidence=scattered, area="whole", own_level=plan.level, language="en")
    try:
        target = site_target(study, rule, anyway=True)
    except SitingError as error:
        for language in ("en", "zh"):
            text = error.text(language)
            assert text.count("\n") >= 2
            assert "{" not in text
        return
    if target.form != "amounts":
        assert target.weights.sum() > 0
        return
    flags = {f"in_{one}": True for one in scattered.scopes}
    frame = candidates(*(one for one in VILLAGES for _ in range(260)), **flags)
    for column in scattered.facilities.columns:
        if column.startswith("unit_") and column not in frame:
            halves = frame["unit_township"] == "township:11"
            frame[column] = halves.map({True: column[5:] + ":0", False: column[5:] + ":1"})
    built = target_model(target, frame, None)
    found = solve_target(built)
    if found.answer.status == "infeasible":
        assert found.attainable < target.wanted
        return
    assert found.proven
    assert found.number == found.least
    chosen = found.answer.open & ~built.model.kept
    after = row_of(with_sites(scattered, target, frame, chosen), study, rule, target)
    if after["verdict"] != "not_applicable":
        # A rule without a target has no verdict; its units are looked at.
        wanted = "no_target" if target.target is None else "met"
        assert after["verdict"] == wanted, after["notes"]
    table = turned(built, found.answer.open, frame=frame)
    assert table["verdict_after"].iloc[0] == "met"
    if found.number and target.target is not None:
        # One site less is not enough.
        chosen[np.flatnonzero(chosen)[-1]] = False
        before = row_of(with_sites(scattered, target, frame, chosen), study, rule, target)
        assert before["verdict"] != "met"
