"""Assignment with capacity: on paper, beside networkx, HiGHS and brute force."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from servicecircle.measure.assignment import least_time, nearest_first


def matrix(values, shape):
    """Return a matrix that keeps its zeros."""
    if not values:
        return csr_array(shape, dtype=float)
    rows, columns = (np.array(one, int) for one in zip(*values, strict=True))
    found = csr_array((np.array(list(values.values()), float), (rows, columns)), shape=shape)
    found.sort_indices()
    return found


def costs(minutes):
    """Return the minutes by point and home."""
    points = np.repeat(np.arange(minutes.shape[0]), np.diff(minutes.indptr)).tolist()
    pairs = zip(points, minutes.indices.tolist(), strict=True)
    return dict(zip(pairs, minutes.data.tolist(), strict=True))


def flows(found):
    return found.flow.toarray().tolist()


def test_nearest_first_on_paper():
    # The pairs in order: (0, A) 1, (1, A) 2, (1, B) 4, (2, B) 5, (0, B) 9.
    minutes = matrix({(0, 0): 1, (0, 1): 9, (1, 0): 2, (1, 1): 4, (2, 1): 5}, (4, 2))
    found = nearest_first(minutes, np.array([3.0, 4.0, 2.5, 6.0]), np.array([5.0, 3.0]))
    # A: 3 from point 0, then 2 of point 1, whose other 2 go to B; 1 of point 2 fits there.
    assert flows(found) == [[3.0, 0.0], [2.0, 2.0], [0.0, 1.0], [0.0, 0.0]]
    assert found.left.tolist() == [0.0, 0.0, 1.5, 6.0]
    assert found.load.tolist() == [5.0, 3.0]
    assert found.placed == 8.0
    assert found.cost == 3 * 1 + 2 * 2 + 2 * 4 + 1 * 5
    assert math.isnan(found.gap)


def test_ties_go_by_the_order_of_points_then_of_facilities():
    # Rounding of a ten-millionth of a minute does not decide.
    minutes = matrix({(0, 0): 2.0000000001, (0, 1): 2, (1, 0): 2, (1, 1): 2}, (2, 2))
    found = nearest_first(minutes, np.array([3.0, 3.0]), np.array([4.0, 9.0]))
    assert flows(found) == [[3.0, 0.0], [1.0, 2.0]]


def test_least_time_on_paper():
    # Nearest first sends point 1 to A (1 min) and point 0 to B (9 min): 10. Least is 2 + 3 = 5.
    minutes = matrix({(0, 0): 2, (0, 1): 9, (1, 0): 1, (1, 1): 3}, (2, 2))
    people, beds = np.ones(2), np.ones(2)
    assert nearest_first(minutes, people, beds).cost == 10.0
    found = least_time(minutes, people, beds)
    assert (flows(found), found.cost, found.gap) == ([[1.0, 0.0], [0.0, 1.0]], 5.0, 0.0)


def test_as_many_as_possible_come_before_least_time():
    # Point 1 reaches A alone. With point 0 at A it has none; placing both costs 100 minutes.
    minutes = matrix({(0, 0): 1, (0, 1): 99, (1, 0): 1}, (2, 2))
    people, beds = np.ones(2), np.ones(2)
    assert nearest_first(minutes, people, beds).placed == 1.0
    found = least_time(minutes, people, beds)
    assert (found.placed, found.cost, found.left.tolist()) == (2.0, 100.0, [0.0, 0.0])


def test_of_those_who_are_left_the_farthest_is():
    minutes = matrix({(0, 0): 7, (1, 0): 3, (2, 0): 5}, (3, 1))
    found = least_time(minutes, np.array([2.0, 2.0, 2.0]), np.array([3.0]))
    assert (found.left.tolist(), found.cost) == ([2.0, 0.0, 1.0], 3 * 2 + 5.0)


@pytest.mark.parametrize("place", [nearest_first, least_time])
def test_edges(place):
    nothing = place(csr_array((0, 0), dtype=float), np.empty(0), np.empty(0))
    assert (nothing.placed, nothing.cost) == (0.0, 0.0)
    nobody = place(matrix({(0, 0): 1}, (1, 1)), np.array([0.0]), np.array([3.0]))
    assert (nobody.placed, nobody.left.tolist()) == (0.0, [0.0])
    no_room = place(matrix({(0, 0): 1}, (1, 1)), np.array([2.0]), np.array([0.0]))
    assert (no_room.placed, no_room.left.tolist()) == (0.0, [2.0])
    at_the_spot = place(matrix({(0, 0): 0}, (1, 1)), np.array([2.0]), np.array([5.0]))
    assert (at_the_spot.placed, at_the_spot.cost) == (2.0, 0.0)
    far = place(csr_array((2, 1), dtype=float), np.array([2.0, 1.0]), np.array([5.0]))
    assert far.left.tolist() == [2.0, 1.0]


@pytest.mark.parametrize("place", [nearest_first, least_time])
def test_what_cannot_be_is_refused(place):
    minutes = matrix({(0, 0): 1}, (1, 1))
    for people, beds in (([-1.0], [1.0]), ([1.0], [math.nan]), ([math.inf], [1.0])):
        with pytest.raises(ValueError, match="0 or more"):
            place(minutes, np.array(people), np.array(beds))
    with pytest.raises(ValueError, match="do not go"):
        place(minutes, np.ones(2), np.ones(1))
    with pytest.raises(ValueError, match="0 or more"):
        place(matrix({(0, 0): -1}, (1, 1)), np.ones(1), np.ones(1))
    twice = csr_array((np.ones(2), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    with pytest.raises(ValueError, match="ascending"):
        place(twice, np.ones(1), np.ones(2))


@st.composite
def towns(draw, whole=True, points=9, homes=5, people=6, beds=12):
    n, m = draw(st.integers(1, points)), draw(st.integers(1, homes))
    cells = [(point, home) for point in range(n) for home in range(m)]
    chosen = draw(st.lists(st.sampled_from(cells), unique=True, min_size=1))
    # Few different minutes: many ties.
    minutes = {cell: draw(st.integers(0, 6)) for cell in sorted(chosen)}
    scale = 1.0 if whole else draw(st.sampled_from([1 / 3, 0.1, math.pi]))
    counts = st.integers(0, people).map(lambda value: value * scale)
    rooms = st.integers(0, beds).map(float)
    return (
        matrix(minutes, (n, m)),
        np.array(draw(st.lists(counts, min_size=n, max_size=n))),
        np.array(draw(st.lists(rooms, min_size=m, max_size=m))),
    )


def by_networkx(minutes, people, beds):
    """Return people placed and total minutes of the least flow, by networkx."""
    graph = nx.DiGraph()
    out = 1000
    total = int(people.sum())
    graph.add_node("in", demand=-total)
    graph.add_node("out", demand=total)
    for point, count in enumerate(people):
        graph.add_edge("in", ("p", point), capacity=int(count), weight=0)
        graph.add_edge(("p", point), "out", capacity=int(count), weight=out)
    for (point, home), cost in costs(minutes).items():
        graph.add_edge(("p", point), ("h", home), weight=int(cost))
    for home, room in enumerate(beds):
        graph.add_edge(("h", home), "out", capacity=int(room), weight=0)
    found = nx.min_cost_flow(graph)
    left = sum(found["p", point].get("out", 0) for point in range(people.size))
    return total - left, nx.cost_of_flow(graph, found) - out * left


@given(towns())
@settings(max_examples=150, deadline=None)
def test_least_time_is_that_of_networkx(town):
    found = least_time(*town)
    placed, cost = by_networkx(*town)
    assert (found.placed, found.cost) == (placed, cost)
    # Whole people stay whole, and the proof closes.
    assert np.array_equal(found.flow.data, np.round(found.flow.data))
    assert found.gap == 0.0


@given(towns(points=3, homes=2, people=2, beds=3))
@settings(max_examples=60, deadline=None)
def test_least_time_is_that_of_all_ways(town):
    minutes, people, beds = town
    cost = costs(minutes)
    persons = [point for point, count in enumerate(people) for _ in range(int(count))]
    best = (0, 0.0)
    for ways in itertools.product([None, *range(beds.size)], repeat=len(persons)):
        chosen = [(one, way) for one, way in zip(persons, ways, strict=True) if way is not None]
        if any(pair not in cost for pair in chosen):
            continue
        if any(sum(way == home for _, way in chosen) > beds[home] for home in range(beds.size)):
            continue
        best = min(best, (-len(chosen), sum(cost[pair] for pair in chosen)))
    found = least_time(*town)
    assert (-found.placed, found.cost) == best


def by_highs(minutes, people, beds):
    points, homes = minutes.shape
    rows = np.repeat(np.arange(points), np.diff(minutes.indptr))
    pairs = np.arange(minutes.nnz)
    ones = np.ones(minutes.nnz)
    limits = sp.vstack(
        [
            sp.csr_array((ones, (rows, pairs)), shape=(points, pairs.size)),
            sp.csr_array((ones, (minutes.indices, pairs)), shape=(homes, pairs.size)),
        ]
    )
    prize = (homes + 2) * max(minutes.data.max(), 1.0)
    found = linprog(
        minutes.data - prize, A_ub=limits, b_ub=np.concatenate([people, beds]), method="highs"
    )
    assert found.status == 0
    return found.x.sum(), found.x @ minutes.data


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_persons_are_placed_as_by_highs(seed):
    rng = np.random.default_rng(seed)
    points, homes = 300, 12
    cost = rng.uniform(0, 60, (points, homes))
    near = {(int(i), int(j)): cost[i, j] for i, j in np.argwhere(cost < rng.uniform(10, 60))}
    minutes = matrix(near, (points, homes))
    people = rng.uniform(0, 5, points)
    beds = rng.uniform(0, 2, homes) * people.sum() / homes
    found = least_time(minutes, people, beds)
    placed, total = by_highs(minutes, people, beds)
    assert found.placed == pytest.approx(placed, rel=1e-9)
    assert found.cost == pytest.approx(total, rel=1e-7)
    assert found.gap <= 1e-9 * found.cost


@given(towns(whole=False), st.sampled_from([nearest_first, least_time]))
@settings(max_examples=150, deadline=None)
def test_sums_close_and_no_room_is_wasted(town, place):
    minutes, people, beds = town
    found = place(minutes, people, beds)
    flow = found.flow.toarray()
    assert (flow >= 0.0).all()
    assert flow.sum(axis=1) + found.left == pytest.approx(people, abs=1e-9)
    assert (flow.sum(axis=0) <= beds + 1e-9).all()
    # Who is left has no room in reach.
    for point in np.flatnonzero(found.left > 1e-9):
        homes = minutes.indices[minutes.indptr[point] : minutes.indptr[point + 1]]
        assert beds[homes] == pytest.approx(found.load[homes], abs=1e-9)


@given(towns(whole=False))
@settings(max_examples=100, deadline=None)
def test_nobody_passes_by_room_in_nearest_first(town):
    """No pair is blocked by somebody from farther off while its person goes farther."""
    minutes, people, beds = town
    found = nearest_first(minutes, people, beds)
    flow = found.flow.toarray()
    cost = costs(minutes)
    for (point, home), near in cost.items():
        farther = sum(flow[point, h] for (p, h), v in cost.items() if p == point and v > near)
        outside = farther + found.left[point]
        later = sum(flow[p, home] for (p, h), v in cost.items() if h == home and v > near)
        room = beds[home] - flow[:, home].sum() + later
        assert outside <= 1e-9 or room <= 1e-9


@given(towns(whole=False))
@settings(max_examples=100, deadline=None)
def test_least_time_places_more_or_travels_less(town):
    near, least = nearest_first(*town), least_time(*town)
    assert least.placed >= near.placed - 1e-9
    if least.placed == pytest.approx(near.placed, abs=1e-9):
        assert least.cost <= near.cost + 1e-9


def test_the_proof_does_not_close_for_a_wrong_flow():
    from servicecircle.measure.least_time import _gap

    minutes = matrix({(0, 0): 2, (0, 1): 9, (1, 0): 1, (1, 1): 3}, (2, 2))
    people, beds = np.ones(2), np.ones(2)
    rows = np.array([0, 0, 1, 1])
    right, wrong = np.array([1.0, 0, 0, 1, 0, 0]), np.array([0.0, 1, 1, 0, 0, 0])
    price = np.array([2.0, 0.0])
    assert _gap(minutes, rows, right, people, beds, price, 36.0) == 0.0
    # The wrong one costs 10, the bound is 5.
    assert _gap(minutes, rows, wrong, people, beds, price, 36.0) == 5.0
