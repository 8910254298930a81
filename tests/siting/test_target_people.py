"""Targets of distance and time: the fewest sites by the scorecard itself, over every choice."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from servicecircle.errors import SitingError
from servicecircle.siting.phasing import sequence
from servicecircle.siting.target_models import target_model
from servicecircle.siting.target_solve import solve_target
from servicecircle.siting.targets import site_target
from servicecircle.siting.turned import turned
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.kinds import Study
from servicecircle.standards.plan import Target

_SPEC = importlib.util.spec_from_file_location(
    "standards_make", Path(__file__).parents[1] / "standards" / "conftest.py"
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
make = _MODULE.Make

KINDS = ("distance", "straight", "time", "communities")
VILLAGES = ("111", "112", "121", "122")
SITES = 4


def rule_of(kind, share):
    goal = (Target(year=2025, value=share),)
    if kind == "distance":
        return make.indicator(
            kind="distance", level="county", threshold=1000.0, distance="unstated", targets=goal,
            numerator="elderly_reached", denominator="elderly",
        )  # fmt: skip
    if kind == "straight":
        return make.indicator(
            kind="distance", level="county", threshold=1000.0, distance="straight", targets=goal,
            numerator="elderly_reached", denominator="elderly",
        )  # fmt: skip
    if kind == "time":
        return make.indicator(
            kind="travel_time", level="county", threshold=15.0, profile="elderly", targets=goal,
            numerator="elderly_reached", denominator="elderly",
        )  # fmt: skip
    return make.indicator(
        kind="travel_time", level="village_level", threshold=15.0, profile="elderly",
        basket=("childrens_home",), numerator="units_with", denominator="units", targets=goal,
    )  # fmt: skip


class Town:
    """Random people, one facility, and candidates at random network distances."""

    def __init__(self, seed, kind, share):
        rng = np.random.default_rng(seed)
        self.count = int(rng.integers(4, 9))
        village = rng.choice(VILLAGES, self.count)
        self.demand = make.demand(
            *((one, 10, float(rng.integers(0, 6))) for one in village)
        ).assign(position_error_m=rng.choice([0.0, 30.0, math.nan], self.count))
        self.demand.iloc[0, self.demand.columns.get_loc("elderly")] = 3.0
        self.metres = rng.integers(0, 1800, (self.count, 1 + SITES)).astype(float)
        # Here and there no way leads.
        self.metres[rng.random(self.metres.shape) < 0.25] = math.nan
        self.speed = 3.0 / 3.6
        self.rule = rule_of(kind, share)
        self.kind = kind
        self.frame = pd.DataFrame(
            {
                "candidate_id": [f"c{at}" for at in range(1 + SITES)],
                "source": ["existing", *["grid"] * SITES],
                "facility_id": ["f0", *[""] * SITES],
                "cost": [0.0, *rng.integers(1, 4, SITES).astype(float)],
                "capacity": math.nan,
                "mandatory": False,
                "forbidden": [False, *(rng.random(SITES) < 0.15)],
                "unit_village_level": [f"village_level:{one}" for one in rng.choice(VILLAGES, 5)],
                "unit_county": "county:1",
            }
        )

    def evidence(self, chosen=()):
        """Return what is known with some of the candidates built."""
        columns = [0, *chosen]
        metres = np.fmin.reduce(self.metres[:, columns], axis=1)
        nearest = np.argmin(np.nan_to_num(self.metres[:, columns], nan=np.inf), axis=1)
        rows = [
            (None, 900.0 if math.isnan(one) else 0.9 * one, "unreachable")
            if math.isnan(one)
            else (one, 0.9 * one, "reached")
            for one in metres.tolist()
        ]
        access = make.access("childrens_home", "elderly", rows, speed_kmh=3.0)
        # Straight lines are known of all of them, however no road leads.
        straight = np.nan_to_num(self.metres[:, columns], nan=9000.0) * 0.9
        access["straight_metres"] = straight.min(axis=1)
        access["facility_id"] = [f"f{columns[at]}" for at in nearest]
        access.loc[access["status"] != "reached", "facility_id"] = ""
        facilities = make.facilities(*({} for _ in columns))
        facilities.index = pd.Index([f"f{one}" for one in columns], name="facility_id")
        return make.evidence(
            demand=self.demand,
            access=pd.concat([access, access.assign(profile="walk")], ignore_index=True),
            facilities=facilities,
            has_roads=True,
            layer_profiles={"childrens_home": "elderly"},
            people_cause="cell_size",
        )

    def study(self, chosen=()):
        return Study(
            plan=make.plan(self.rule), evidence=self.evidence(chosen), area="whole",
            own_level="county", language="en",
        )  # fmt: skip

    def judged(self, chosen=()):
        return evaluate(make.plan(self.rule), self.evidence(chosen), area="whole")[0].iloc[0]

    def pairs(self, limit):
        """Return the ways to all candidates, in the criterion of the rule, out to a limit."""
        costs = self.metres
        if self.kind == "straight":
            costs = np.nan_to_num(self.metres, nan=9000.0) * 0.9
        elif self.kind != "distance":
            costs = self.metres / self.speed
        there = costs <= limit + 1e-6
        rows, columns = np.nonzero(there)
        ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        return csr_array((costs[rows, columns], columns, ends), shape=costs.shape)


def smallest(free, good):
    """Return the least number of sites with which it is good, None where not even all do."""
    for count in range(len(free) + 1):
        if any(good(some) for some in itertools.combinations(free, count)):
            return count
    return None


def built_of(town, **asked):
    target = site_target(town.study(), town.rule, **asked)
    return target, target_model(target, town.frame, town.pairs(target.services[0].limit))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    share=st.sampled_from([30.0, 50.0, 75.0, 100.0]),
)
def test_the_sites_turn_the_verdict_and_no_fewer_would(seed, kind, share):
    town = Town(seed, kind, share)
    free = (np.flatnonzero(~town.frame["forbidden"].to_numpy()[1:]) + 1).tolist()
    least = smallest(free, lambda some: town.judged(some)["verdict"] == "met")
    target, built = built_of(town)
    found = solve_target(built)
    assert target.met == (town.judged()["verdict"] == "met")
    if least is None:
        assert found.answer.status == "infeasible"
        assert found.number == -1
        if kind != "communities":
            assert found.attainable < target.share
        return
    assert (found.number, found.least, found.proven) == (least, least, True)
    chosen = np.flatnonzero(found.answer.open[1:]) + 1
    assert town.judged(tuple(chosen))["verdict"] == "met"
    table = turned(built, found.answer.open, frame=town.frame)
    assert table["verdict_after"].iloc[0] == "met"
    assert table["verdict_before"].iloc[0] == ("met" if target.met else "not_met")
    assert table["sites"].iloc[0] == found.number


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS), end=st.sampled_from(["low", "value"])
)
def test_before_and_after_are_what_the_scorecard_says(seed, kind, end):
    town = Town(seed, kind, 100.0)
    _, built = built_of(town, end=end)
    for chosen in ((), (1,), (2, 4), (1, 2, 3, 4)):
        sites = np.zeros(1 + SITES, bool)
        sites[[0, *chosen]] = True
        if town.frame["forbidden"].to_numpy()[list(chosen)].any():
            continue
        row = town.judged(chosen)
        table = turned(built, sites, frame=town.frame)
        assert table["after"].iloc[0] == pytest.approx(row[end])
        assert table["before"].iloc[0] == pytest.approx(town.judged()[end])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS[:3]))
def test_every_village_is_lifted_where_that_is_asked_for(seed, kind):
    town = Town(seed, kind, 50.0)
    free = (np.flatnonzero(~town.frame["forbidden"].to_numpy()[1:]) + 1).tolist()

    def lifted(some):
        results = evaluate(make.plan(town.rule), town.evidence(some), area="whole")[1]
        mine = results["unit_id"].str.startswith("village_level:")
        # A village without older people has no share.
        return bool((results.loc[mine, "low"].dropna() >= 50.0 - 1e-9).all())

    least = smallest(free, lifted)
    target, built = built_of(town, each_level="village_level")
    found = solve_target(built)
    assert target.met == lifted(())
    if least is None:
        assert found.answer.status == "infeasible"
        assert found.lacking.size
        return
    assert (found.number, found.proven) == (least, True)
    table = turned(built, found.answer.open, frame=town.frame)
    assert (table.loc[table["level"] == "village_level", "verdict_after"] == "met").all()
    assert table["verdict_after"].iloc[0] == "met"


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS))
def test_as_far_as_any_candidate_can(seed, kind):
    town = Town(seed, kind, 100.0)
    _, built = built_of(town)
    found = solve_target(built, as_far=True)
    assert found.answer.status == "optimal"
    free = (np.flatnonzero(~town.frame["forbidden"].to_numpy()[1:]) + 1).tolist()
    everything = town.judged(tuple(free))["low"]
    chosen = tuple((np.flatnonzero(found.answer.open[1:]) + 1).tolist())
    assert town.judged(chosen)["low"] == pytest.approx(everything)
    fewer = [
        some
        for count in range(len(chosen))
        for some in itertools.combinations(free, count)
        if town.judged(some)["low"] >= everything - 1e-9
    ]
    assert fewer == []


def test_the_cheapest_sites_may_be_more_of_them():
    town = Town(1, "distance", 100.0)
    town.demand = make.demand(("111", 10, 1.0), ("112", 10, 1.0))
    town.count = 2
    town.metres = np.array([[math.nan, 100, math.nan, 100, 5000], [math.nan, 5000, 100, 100, 5000]])
    town.frame = town.frame.assign(forbidden=False, cost=[0.0, 1.0, 1.0, 5.0, 1.0])
    _, built = built_of(town)
    assert solve_target(built).number == 1
    cheap = solve_target(built, by_cost=True)
    assert (cheap.number, cheap.answer.objective, cheap.least) == (2, 2.0, 2.0)


def test_a_target_goes_into_a_sequence_as_it_is():
    town = Town(1, "distance", 100.0)
    town.demand = make.demand(("111", 10, 1.0), ("112", 10, 4.0), ("121", 10, 2.0))
    town.count = 3
    town.metres = np.full((3, 5), math.nan)
    town.metres[[0, 1, 2], [1, 2, 0]] = 100.0
    town.frame = town.frame.assign(forbidden=False)
    _, built = built_of(town)
    answer = solve_target(built).answer
    found = sequence(built.model, built.goal, answer, parts=(1, 1))
    assert found.order.tolist() == [2, 1]
    assert found.table["people"].tolist() == [6.0, 7.0]


def test_people_without_roads_or_a_goal():
    town = Town(1, "distance", 100.0)
    bare = dataclasses.replace(town.evidence(), has_roads=False)
    study = dataclasses.replace(town.study(), evidence=bare)
    with pytest.raises(SitingError, match=r"missing: \[roads\]"):
        site_target(study, town.rule)
    open_ended = dataclasses.replace(town.rule, targets=())
    target = site_target(town.study(), open_ended)
    assert (target.share, target.target) == (1.0, None)
    assert site_target(town.study(), open_ended, goal=60.0).share == 0.6
