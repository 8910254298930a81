"""Models from people, candidates and what is asked; tables of what was chosen; the way back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from servicecircle.errors import SitingError
from servicecircle.inputs.facilities import FacilityData
from servicecircle.inputs.load import Inputs
from servicecircle.siting.added import with_sites, without_facilities
from servicecircle.siting.build import Built, build_model, without_columns
from servicecircle.siting.examples import small_model
from servicecircle.siting.question import Question
from servicecircle.siting.reached import in_order, people_of_sites
from servicecircle.siting.request import inside_scope
from servicecircle.siting.solve import solve
from servicecircle.siting.unit_tables import Covered, units_table

UNITS = pd.DataFrame(
    {"unit_id": ["a", "b"], "level": "township", "should_have": [True, False], "name": ["A", "B"]}
)
DEMAND = pd.DataFrame(
    {
        "population": [5.0, 3.0, 2.0, 0.0],
        "elderly": [1.0, np.nan, 2.0, 1.0],
        "unit_township": ["a", "b", "b", None],
    }
)
# Existing site 0 reaches point 0, candidate 1 point 1, candidate 2 points 0 and 1; none point 2.
PAIRS = csr_array(([0.0, 7.0, 0.0, 9.0], ([0, 0, 1, 1], [0, 2, 1, 2])), shape=(4, 3))


def candidates(**changes: Any) -> pd.DataFrame:
    given_: dict[str, Any] = {
        "source": ["existing", "grid", "grid"],
        "cost": [7.0, 1.0, 2.0],
        "capacity": [np.nan, np.inf, 4.0],
        "mandatory": False,
        "forbidden": False,
        "closable": [True, False, False],
        "unit_township": ["a", "b", None],
    }
    return pd.DataFrame(given_ | changes)


def question(**changes: Any) -> Question:
    given_: dict[str, Any] = {
        "layers": ("canteen",),
        "objective": "fewest",
        "limit": 900.0,
        "criterion": "seconds",
        "profile": "walk",
        "people": "population",
        "level": "township",
    }
    return Question(**given_ | changes)


def build(asked: Question, table: pd.DataFrame | None = None, **changes: Any) -> Built:
    given_: dict[str, Any] = {
        "demand": DEMAND,
        "inside": np.ones(4, bool),
        "units": UNITS,
        "candidates": candidates() if table is None else table,
        "pairs": [PAIRS],
    }
    return build_model(asked, **given_ | changes)


def test_whom_nobody_reaches_is_left_out_and_counted():
    built = build(question())
    assert built.rows.tolist() == [0, 1]
    assert built.goal.share == 1.0
    assert (built.unreached.tolist(), built.unreached_people, built.people) == ([2], 2.0, 10.0)


def test_a_share_is_one_of_everybody():
    built = build(question(share=0.9))
    assert built.rows.tolist() == [0, 1, 2]
    assert built.model.weights.sum() == 10.0
    assert built.goal.share == 0.9


def test_where_possible_asks_for_no_more_than_there_can_be():
    built = build(question(share=0.9, floor=0.9, each=3, where_possible=True))
    assert built.goal.share == pytest.approx(0.8)
    assert built.model.floors.tolist() == [0.9, 0.6]
    # B should have none; A has its existing site alone.
    assert built.model.presence.tolist() == [1, 0]


def test_a_share_that_cannot_be_is_everybody_in_reach():
    built = build(question(share=0.9, where_possible=True))
    assert built.goal.share == 1.0
    assert built.rows.tolist() == [0, 1]
    assert (built.unreached_people, built.people) == (2.0, 10.0)
    assert build(question(share=0.7, where_possible=True)).goal.share == 0.7


def test_existing_sites_cost_nothing_and_close_only_where_asked():
    built = build(question())
    assert built.model.cost.tolist() == [0.0, 1.0, 2.0]
    assert built.model.kept.tolist() == [True, False, False]
    assert not built.model.closable.any()
    assert build(question(closings=1)).model.closable.tolist() == [True, False, False]


def test_capacities_bind_only_where_asked_and_people_are_those_in_need():
    assert np.isinf(build(question()).model.capacity).all()
    built = build(question(capacities=True, need=0.5))
    assert built.model.capacity.tolist() == [np.inf, np.inf, 4.0]
    assert built.model.weights.tolist() == [2.5, 1.5]


def test_missing_people_are_nobody_and_a_scope_leaves_others_out():
    built = build(question(people="elderly"), inside=np.array([True, True, False, True]))
    assert built.rows.tolist() == [0]
    assert built.unreached.tolist() == [3]


def test_forbidden_candidates_reach_nobody():
    table = candidates(forbidden=[False, True, True])
    assert build(question(), table).unreached.tolist() == [1, 2]


def test_several_services_in_one_site_are_rows_for_each():
    other = csr_array(([1.0], ([2], [2])), shape=(4, 3))
    built = build(question(layers=("canteen", "clinic")), pairs=[PAIRS, other])
    assert built.rows.tolist() == [0, 1, 2]
    assert built.service.tolist() == [0, 0, 1]
    assert built.people == 20.0
    # Point 2 has no canteen; points 0 and 1 no clinic.
    assert built.unreached_people == 10.0


def test_floors_are_for_units_in_which_somebody_lives():
    nobody = DEMAND.assign(population=[5.0, 0.0, 0.0, 0.0])
    built = build(question(floor=0.5), demand=nobody)
    assert built.model.floors[0] == 0.5
    assert np.isnan(built.model.floors[1])
    assert built.goal.share == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.floats(0, 9)), max_size=15),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_columns_leave_with_their_entries_and_zeros_stay(entries, gone):
    cells = {(row, column): value for row, column, value in entries}
    rows, columns = (np.array([key[at] for key in cells], int) for at in (0, 1))
    matrix = csr_array((np.array(list(cells.values()), float), (rows, columns)), shape=(5, 4))
    found = without_columns(matrix, np.array(gone)).tocoo()
    kept = {key: value for key, value in cells.items() if not gone[key[1]]}
    assert dict(zip(zip(found.row, found.col, strict=True), found.data, strict=True)) == kept


@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_people_of_an_order_are_those_counted_one_by_one(reach, old):
    weights = np.arange(1.0, len(reach) + 1.0)
    model = small_model(np.array(reach, float).tolist(), weights=weights.tolist())
    stays = np.arange(4) == old
    order = in_order(model, np.flatnonzero(~stays), stays)
    alone, added, covered = people_of_sites(model, order, stays)
    seen = {row for row, line in enumerate(reach) if line[old]}
    first = set(seen)
    for at, site in enumerate(order.tolist()):
        mine = {row for row, line in enumerate(reach) if line[site]}
        assert alone[at] == sum(weights[row] for row in mine - first)
        assert added[at] == sum(weights[row] for row in mine - seen)
        seen |= mine
        assert covered[at] == sum(weights[row] for row in seen)
    # Each adds most to those before it, so that no later one adds more.
    assert (np.diff(added) <= 0).all()


def test_a_unit_is_told_before_and_after_and_where_a_site_closes():
    covered = Covered(
        people=np.array([3.0, 1.0, 6.0]),
        unit=np.array(["a", "a", None], object),
        before=np.array([False, True, True]),
        after=np.array([True, False, True]),
    )
    table = units_table(
        covered,
        units=UNITS.assign(code=""),
        lines={"a": 0.75, "b": 0.5},
        existing=np.array(["a", "b"], object),
        closed=np.array(["a"], object),
        new=np.array(["b", None], object),
    ).set_index("unit_id")
    told = ["people", "covered_before", "covered_after", "people_gained", "line_after"]
    assert table.loc["a", told].tolist() == [4.0, 1.0, 3.0, 2.0, "reached"]
    assert table.loc["b", "line_after"] == ""
    assert table["facilities_after"].tolist() == [0, 2]


def inputs() -> Inputs:
    frame = gpd.GeoDataFrame(
        {
            "facility_id": pd.array(["canteen:1", "canteen:2"], dtype="str"),
            "grade": pd.array(["3A", ""], dtype="str"),
            "capacity": [30.0, np.nan],
            "opened": pd.to_datetime(["2020-01-01", None]),
            "closed": pd.to_datetime([None, None]).astype("datetime64[s]"),
            "status": pd.array(["open", ""], dtype="str"),
            "invented": [True, True],
            "source_row": pd.array([2, 3], dtype="Int64"),
            "rehab_room": pd.array([True, None], dtype="boolean"),
        },
        geometry=[shapely.Point(120, 30), None],
        crs=4326,
    )
    nothing = gpd.GeoDataFrame({"unit_id": []}, geometry=[], crs=4326)
    return Inputs(
        units=nothing,
        scopes=nothing,
        facilities={"canteen": FacilityData(frame, (), 2, 0)},
        population=None,
        roads=None,
        problems=(),
        files=(),
    )


def test_proposed_facilities_join_a_list_with_what_is_known_of_them():
    before = inputs()
    sites = gpd.GeoDataFrame(
        {"candidate_id": ["grid:1"], "name": ["new"], "capacity": [np.inf]},
        geometry=[shapely.Point(121, 31)],
        crs=4326,
    )
    opened = pd.Series([dt.date(2027, 12, 31)], dtype=object)
    after = with_sites(before, "canteen", sites, opened=opened, attributes={"grade": "4A"})
    frame = after.facilities["canteen"].frame
    kept = before.facilities["canteen"].frame
    assert frame.dtypes.equals(kept.dtypes)
    pd.testing.assert_frame_equal(frame.iloc[:2], kept)
    new = frame.iloc[2]
    assert (new["facility_id"], new["grade"], new["status"]) == (
        "canteen:proposed:grid:1",
        "4A",
        "proposed",
    )
    assert not new["invented"]
    assert np.isnan(new["capacity"])
    assert pd.isna(new["rehab_room"])
    assert new["opened"] == pd.Timestamp("2027-12-31")


def test_a_closed_facility_keeps_its_row():
    after = without_facilities(inputs(), {"canteen:1": dt.date(2025, 12, 31)})
    frame = after.facilities["canteen"].frame
    assert frame["status"].tolist() == ["closed", ""]
    assert frame["closed"].isna().tolist() == [False, True]
    same = inputs()
    assert without_facilities(same, {}) is same


def test_scopes_by_area_and_by_type_of_unit():
    demand = pd.DataFrame(
        {
            "in_main_urban_area": [True, False, True],
            "unit_village_level": ["v1", "v2", None],
        }
    )
    units = pd.DataFrame(
        {
            "unit_id": ["v1", "v2"],
            "level": "village_level",
            "type": ["village", "community"],
            "name": ["", ""],
            "is_urban": pd.array([None, None], dtype="boolean"),
        }
    )
    assert inside_scope("main_urban_area", demand, units).tolist() == [True, False, True]
    assert inside_scope("administrative_villages", demand, units).tolist() == [True, False, False]
    with pytest.raises(SitingError, match="nowhere"):
        inside_scope("nowhere", demand, units)


def test_a_question_asks_for_everybody_only_where_nothing_less_is_asked():
    assert question().everybody
    for less in ({"share": 0.5}, {"floor": 0.5}, {"each": 1}, {"objective": "cover"}):
        assert not replace(question(), **less).everybody


def test_each_of_several_layers_keeps_its_floor_and_its_number_of_sites():
    # Unit a: two persons; the canteen that is there reaches both, no day center is there.
    demand = pd.DataFrame({"population": [1.0, 1.0], "unit_township": ["a", "a"]})
    candidates = pd.DataFrame({
        "source": ["existing", "grid"], "layer": ["canteen", ""], "cost": [0.0, 1.0],
        "capacity": np.inf, "mandatory": False, "forbidden": False, "closable": False,
        "unit_township": ["a", "a"],
    })  # fmt: skip
    canteen = csr_array(np.array([[5.0, 9.0], [5.0, 9.0]]))
    center = csr_array(np.array([[0.0, 9.0], [0.0, 9.0]]))
    units = pd.DataFrame({"unit_id": ["a"], "level": "township", "should_have": True})

    def new_sites(**asked):
        question = Question(
            layers=("canteen", "day_center"), objective="fewest", limit=9.0, criterion="seconds",
            profile="walk", people="population", level="township", **asked,
        )  # fmt: skip
        built = build_model(
            question, demand=demand, inside=np.ones(2, bool), units=units,
            candidates=candidates, pairs=[canteen, center],
        )  # fmt: skip
        answer = solve(built.model, built.goal)
        return built, int((answer.open & ~built.model.kept).sum())

    # Half of all people times layers is served already: all of the canteen's, none of the center's.
    built, number = new_sites(floor=0.5)
    assert number == 1
    assert [built.lines(service) for service in (0, 1)] == [{"a": 0.5}, {"a": 0.5}]
    # The canteen is no day center: the unit lacks one.
    assert new_sites(each=1)[1] == 1
