"""Drawn runs: seeded, within the bounds, and right where the answer can be worked out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.progress import Silent
from servicecircle.project import MonteCarloSettings
from servicecircle.standards.doubts import MONTE_CARLO_COLUMNS, Places, doubt_tables
from servicecircle.standards.monte_carlo import (
    Draws,
    draw_shares,
    drawn_speeds,
    moves_of,
    spread_part,
)
from servicecircle.standards.outlook import JudgedPlan
from servicecircle.standards.plan import Target
from servicecircle.standards.residual_bounds import Residuals
from servicecircle.standards.studied import Study
from servicecircle.standards.uncertainty import Journeys, bounds_of

RUNS = 40


def journeys_of(seconds, *, nearer=0.0, farther=0.0, error=0.0, limit=900.0):
    taken = np.array(seconds, float)
    none = np.full(taken.size, np.nan)
    return Journeys(
        taken=taken,
        taken_least=np.maximum(taken - nearer, 0.0),
        taken_most=taken + farther,
        straight=taken,
        straight_least=taken,
        error=np.broadcast_to(np.asarray(error, float), taken.shape).copy(),
        way_out=none,
        straight_out=none,
        unsnapped=np.isnan(taken),
        limit=limit,
        quick=0.75,
        slow=1.2,
    )


def moves(count, error, *, runs=RUNS, seed=1):
    turn = np.linspace(0.0, 6.0, count)
    return moves_of(
        "canteen",
        np.array([error, 0.0]),
        facility=np.arange(count) % 3 - 1,
        towards=(np.cos(turn), np.sin(turn)),
        runs=runs,
        seed=seed,
    )


POINT = st.tuples(st.one_of(st.just(np.nan), st.floats(500, 1300)), st.floats(0, 100))


@given(
    st.lists(POINT, min_size=1, max_size=9),
    st.booleans(),
    st.floats(0, 200),
    st.floats(0, 150),
    st.sampled_from(["cell_size", "people_coordinates"]),
    st.booleans(),
    st.integers(0, 9),
)
@settings(max_examples=150, deadline=None)
def test_every_run_lies_within_the_bounds(points, timed, vague, error, people_cause, off, seed):
    seconds, weight = (np.array(column) for column in zip(*points, strict=True))
    journeys = journeys_of(seconds, nearer=vague, farther=0.8 * vague, error=error)
    residuals = None
    if off:
        residuals = Residuals(
            unit=np.arange(weight.size) % 3 - 1,
            least=np.array([0.6, 1.0]),
            most=np.array([1.0, 1.7]),
            spare=np.array([0.0, 4.0]),
            names=("a", "b"),
        )
    draws = Draws(
        runs=RUNS,
        seed=seed,
        factors=3.0 / drawn_speeds(3.0, runs=RUNS, seed=seed) if timed else None,
        moves=moves(weight.size, vague, seed=seed) if vague else None,
        people_cause=people_cause,
    )
    shares = draw_shares(journeys, weight, draws, residuals=residuals)
    bounds = bounds_of(journeys, weight, draws.causes(journeys, residuals), residuals=residuals)
    if np.isnan(bounds.low_share):
        # Nobody by the points; whoever is drawn may be covered or not.
        assert weight.sum() == 0.0
        return
    assert (shares >= bounds.low_share - 1e-9).all()
    assert (shares <= bounds.high_share + 1e-9).all()


def test_the_same_seed_draws_the_same_and_another_does_not():
    journeys = journeys_of(np.linspace(600, 1200, 50), nearer=90.0, farther=90.0, error=60.0)
    weight = np.linspace(1, 9, 50)

    def runs(seed):
        draws = Draws(
            runs=RUNS,
            seed=seed,
            factors=3.0 / drawn_speeds(3.0, runs=RUNS, seed=seed),
            moves=moves(50, 90.0, seed=seed),
            people_cause="people_coordinates",
        )
        return draw_shares(journeys, weight, draws)

    assert runs(1).tobytes() == runs(1).tobytes()
    assert (runs(1) != runs(2)).any()


def test_speeds_are_triangular_about_the_declared_one():
    speeds = drawn_speeds(3.0, runs=200_000, seed=3)
    assert speeds.min() >= 2.5
    assert speeds.max() <= 4.0
    # Mean and quantiles of the triangle (2.5, 3, 4).
    assert speeds.mean() == pytest.approx(9.5 / 3, abs=0.005)
    assert (speeds <= 3.0).mean() == pytest.approx(1 / 3, abs=0.005)
    assert drawn_speeds(2.0, runs=1000, seed=1).min() >= 2.0


def test_a_share_follows_the_speed():
    # Everybody needs 900 s at 3 km/h: covered whenever the drawn speed is at least 3.
    speeds = drawn_speeds(3.0, runs=20_000, seed=5)
    draws = Draws(runs=20_000, seed=5, factors=3.0 / speeds)
    shares = draw_shares(journeys_of([900.0]), np.ones(1), draws)
    assert set(shares) == {0.0, 1.0}
    assert shares.mean() == pytest.approx(2 / 3, abs=0.01)
    assert ((shares == 1.0) == (speeds >= 3.0 - 1e-8)).all()


@pytest.mark.parametrize("people_cause", ["cell_size", "people_coordinates"])
def test_people_of_a_disc_are_within_as_its_area_is(people_cause):
    # The limit lies 0.4 radii beyond the middle.
    part = 0.5 + (0.4 * np.sqrt(1 - 0.16) + np.arcsin(0.4)) / np.pi
    journeys = journeys_of(np.full(4000, 860.0), error=100.0)
    draws = Draws(runs=5, seed=1, people_cause=people_cause)
    shares = draw_shares(journeys, np.ones(4000), draws)
    assert shares == pytest.approx(part, abs=1e-6 if people_cause == "cell_size" else 0.03)
    assert spread_part(np.array([0.4]))[0] == pytest.approx(part)


def test_a_facility_that_moves_east_is_nearer_for_those_in_the_east():
    drawn = moves_of(
        "canteen", np.array([50.0]), facility=np.zeros(2, int),
        towards=(np.array([300.0, -300.0]), np.zeros(2)), runs=2000, seed=1,
    )  # fmt: skip
    longer = np.stack([drawn.of_run(run) for run in range(2000)])
    assert (np.abs(longer) <= 50.0).all()
    assert longer[:, 0] == pytest.approx(-longer[:, 1])
    # One coordinate of a disc has a quarter of the radius squared for variance.
    assert longer[:, 0].var() == pytest.approx(50.0**2 / 4, rel=0.1)


def test_exact_facilities_do_not_move():
    drawn = moves_of(
        "canteen", np.array([0.0, 50.0]), facility=np.array([0, -1, 1]),
        towards=(np.ones(3), np.zeros(3)), runs=9, seed=1,
    )  # fmt: skip
    longer = np.stack([drawn.of_run(run) for run in range(9)])
    assert not longer[:, :2].any()
    assert longer[:, 2].any()


def test_units_have_drawn_numbers_of_people():
    # All of a are covered and nobody of b; a may have up to three times its people.
    residuals = Residuals(
        unit=np.array([0, 1]), least=np.ones(2), most=np.array([3.0, 1.0]), spare=np.zeros(2),
        names=("a", "b"),
    )  # fmt: skip
    draws = Draws(runs=20_000, seed=1)
    shares = draw_shares(journeys_of([100.0, 5000.0]), np.ones(2), draws, residuals=residuals)
    assert shares.min() == pytest.approx(0.5, abs=0.001)
    assert shares.max() == pytest.approx(0.75, abs=0.001)
    # The middle of f ÷ (f + 1) for f evenly from 1 to 3.
    assert shares.mean() == pytest.approx(1 - np.log(2) / 2, abs=0.002)


# --- the tables of a run -----------------------------------------------------------------------


def judged(make, metres, *, error=np.nan, facility_error=0.0):
    villages = ("111", "112", "121", "122")
    demand = make.demand(*((village, 200, 100) for village in villages))
    demand["position_error_m"] = error
    access = make.access(
        "care_home", "elderly", [(one, one, "reached") for one in metres], speed_kmh=3.0
    )
    if facility_error:
        access = access.assign(
            seconds_least=access["seconds"] - facility_error * 1.2,
            seconds_most=access["seconds"] + facility_error * 1.2,
        )
    facilities = make.facilities({"layer": "care_home"})
    facilities["position_error_m"] = facility_error
    evidence = make.evidence(
        demand=demand,
        access=access,
        layers=frozenset({"care_home"}),
        facilities=facilities,
        has_roads=True,
        layer_profiles={"care_home": "elderly"},
        people_cause="cell_size",
    )
    rule = make.indicator(
        kind="travel_time", layer="care_home", level="county", threshold=15.0,
        numerator="elderly_reached", denominator="elderly",
        targets=(Target(year=2023, value=20), Target(year=2025, value=60)),
    )  # fmt: skip
    study = Study(plan=make.plan(rule), evidence=evidence, area="whole", own_level="county")
    places = Places(
        demand=(np.array(metres, float), np.zeros(4)), facilities=(np.zeros(1), np.zeros(1))
    )
    return [JudgedPlan(study=study, scorecard=pd.DataFrame(), unit_results=pd.DataFrame())], places


def drawn_table(make, metres, *, runs=400, seed=1, **given):
    plans, places = judged(make, metres, **given)
    wanted = MonteCarloSettings(runs=runs, seed=seed)
    return doubt_tables(plans, places=places, settings=wanted, progress=Silent())


def test_a_row_a_target_with_percentiles_and_the_runs_that_meet_it(make):
    tables = drawn_table(make, (600, 740, 760, 1200), error=50.0, facility_error=30.0)
    table = tables["monte_carlo"]
    assert list(table.columns) == list(MONTE_CARLO_COLUMNS)
    assert table["target_year"].tolist() == [2023, 2025]
    row = table.iloc[1]
    assert row["drawn"] == "speed;coordinates;cell_size"
    assert row[["value", "runs", "seed"]].tolist() == [50, 400, 1]
    assert row["low"] <= row["p05"] <= row["p50"] <= row["p95"] <= row["high"]
    assert row["low"] <= row["mean"] <= row["high"]
    # The lower target is met more often; neither always nor never is the higher one.
    assert 0.9 < table.loc[0, "share_met"] <= 1.0
    assert 0.0 < table.loc[1, "share_met"] < 0.9
    again = drawn_table(make, (600, 740, 760, 1200), error=50.0, facility_error=30.0)
    pd.testing.assert_frame_equal(table, again["monte_carlo"])


def test_widths_say_what_each_cause_does(make):
    widths = drawn_table(make, (600, 740, 760, 1200), error=50.0)["widths"].set_index("cause")
    assert widths.index.tolist() == ["speed", "cell_size"]
    # 2.5 to 4 km/h are 625 to 1,000 m; a home 50 m off alone doubts 740 and 760 m.
    bounds = ["low_alone", "high_alone", "low_without", "high_without"]
    assert widths.loc["speed", bounds].tolist() == [25, 75, 25, 75]
    assert widths.loc["cell_size", bounds].tolist() == [25, 75, 25, 75]


def test_nothing_in_doubt_gives_the_value_in_every_run(make):
    tables = drawn_table(make, (100, 200, 300, 9000), runs=3)
    row = tables["monte_carlo"].iloc[0]
    assert row[["mean", "p05", "p95", "share_met"]].tolist() == [75, 75, 75, 1]
    assert tables["widths"].empty


def test_not_asked_for_not_drawn(make):
    plans, places = judged(make, (1, 2, 3, 4))
    assert set(doubt_tables(plans, places=places, settings=None, progress=Silent())) == {"widths"}
