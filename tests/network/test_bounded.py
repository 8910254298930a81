"""Searches with sparse results, many to many, k nearest and ways, against the oracle."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network import bounded
from servicecircle.network.bounded import search_blocks, slack_limit
from servicecircle.network.feet import arcs_of, seeds_of
from servicecircle.network.graph import build_network
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.paths import foot_places, way_lines
from servicecircle.network.reach import nearest, searches
from servicecircle.network.several import nearest_several
from servicecircle.network.snap import Attachment, attach
from servicecircle.network.travel import metres_travel, timed_travel

_SPEC = importlib.util.spec_from_file_location(
    "travel_cases", Path(__file__).with_name("test_travel.py")
)
_CASES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_CASES)
cases, solve = _CASES.cases, _CASES.solve
directions = st.sampled_from(["to", "from"])


def lattice(side, step=100.0):
    """Return a square lattice of (side + 1)² nodes."""
    nodes = np.arange((side + 1) ** 2).reshape(side + 1, side + 1)
    y, x = np.divmod(nodes.ravel(), side + 1)
    u = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    v = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    return build_network(x * step, y * step, u, v)


def as_dense(matrix):
    """Return a matrix with infinity where nothing is stored."""
    dense = np.full(matrix.shape, np.inf)
    stored = matrix.tocoo()
    dense[stored.row, stored.col] = stored.data
    return dense


@settings(deadline=None, derandomize=True, max_examples=100)
@given(cases(), directions, st.sampled_from([0.0, 60.0, 300.0, 1e6]))
def test_the_matrix_equals_the_oracle(oracles, case, direction, limit):
    travel, truth, (demand, facilities), theirs = solve(oracles, case)
    expected, _ = truth.costs(*theirs, direction=direction)
    matrix = travel_matrix(travel, demand, facilities, limit=limit, direction=direction)
    found = as_dense(matrix)
    inside = expected <= limit
    np.testing.assert_allclose(found[inside], expected[inside], rtol=1e-9, atol=1e-6)
    assert np.all(np.isinf(found[expected > limit + 1e-5]))
    assert matrix.has_sorted_indices


@settings(deadline=None, derandomize=True, max_examples=100)
@given(cases(), directions, st.integers(1, 4), st.sampled_from([120.0, np.inf]))
def test_the_k_nearest_equal_the_oracle(oracles, case, direction, k, limit):
    travel, truth, (demand, facilities), theirs = solve(oracles, case)
    expected, _ = truth.costs(*theirs, direction=direction)
    found = nearest_several(travel, demand, facilities, k=k, limit=limit, direction=direction)
    for at, row in enumerate(expected):
        least = np.sort(row[np.isfinite(row) & (row <= limit)])[:k]
        got = found.cost[at][found.target[at] >= 0]
        assert got.size == least.size
        np.testing.assert_allclose(got, least, rtol=1e-9, atol=1e-6)
        targets = found.target[at][: got.size].tolist()
        assert len(set(targets)) == len(targets)
        np.testing.assert_allclose(row[targets], got, rtol=1e-9, atol=1e-6)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), directions)
def test_ways_have_the_length_of_their_metres(oracles, case, direction):
    travel, _, (demand, facilities), _ = solve(oracles, case)
    _, places, doors = case
    found = nearest(travel, demand, facilities, direction=direction)
    lines = way_lines(
        travel, demand, facilities, places=places, target_places=doors, direction=direction
    )
    for k, line in enumerate(lines):
        assert (line is None) == (found.target[k] < 0)
        if line is not None:
            assert line.length == pytest.approx(found.metres[k], rel=1e-9, abs=1e-6)
            ends = np.array(line.coords)[[0, -1]]
            expected = np.stack([places[k], doors[found.target[k]]])
            np.testing.assert_allclose(ends if direction == "to" else ends[::-1], expected)


class TestSparse:
    network = lattice(40)
    travel = metres_travel(network)

    def test_only_what_is_reached_is_kept(self):
        sources = attach(self.network, [2000, 100, 9e5], [2000, 0, 0])
        seeds = seeds_of(self.travel, sources, direction="to")
        ((order, found),) = search_blocks(
            arcs_of(self.travel, "to"), seeds, limit=300, carry_metres=False
        )
        # By the number of the first node: from the rim, from the middle, from nowhere.
        assert order.tolist() == [1, 0, 2]
        # At the rim, by hand; 2·3² + 2·3 + 1 crossings of a lattice; nothing.
        at_rim = sum(abs(x - 1) + y <= 3 for x, y in itertools.product(range(9), range(9)))
        assert np.diff(found.starts).tolist() == [at_rim, 25, 0]
        assert found.nodes.size == found.cost.size == 25 + at_rim
        assert found.cost.max() == 300.0

    def test_the_same_bits_in_one_thread_and_in_many(self, monkeypatch):
        generator = np.random.default_rng(1)
        sources = attach(self.network, *generator.uniform(0, 4000, (2, 300)))
        found = {}
        for workers in (1, 2, 5):
            monkeypatch.setattr(bounded, "threads", lambda workers=workers: workers)
            found[workers] = list(searches(self.travel, sources, limit=900))
        for workers in (2, 5):
            assert [at for at, _ in found[workers]] == [at for at, _ in found[1]]
            for (_, one), (_, other) in zip(found[1], found[workers], strict=True):
                np.testing.assert_array_equal(one, other)

    def test_a_source_alone_and_among_others_is_the_same(self):
        generator = np.random.default_rng(2)
        sources = attach(self.network, *generator.uniform(0, 4000, (2, 130)))
        together = dict(searches(self.travel, sources, limit=700))
        for at in (0, 63, 64, 129):
            ((_, alone),) = searches(self.travel, sources.take(np.array([at])), limit=700)
            np.testing.assert_array_equal(alone, together[at])

    def test_a_million_sources_far_away_cost_nothing(self):
        far = np.full(1_000_000, 1e7)
        sources = attach(self.network, far, far)
        assert list(searches(self.travel, sources, limit=900)) == []
        assert travel_matrix(self.travel, sources, sources, limit=900).nnz == 0
        assert (nearest(self.travel, sources, sources).target == -1).all()

    def test_a_million_sources_that_reach_something(self):
        """On a lattice the way from a crossing to a foot is as long as its steps east and north."""
        x, y = np.random.default_rng(3).uniform(0, 3900, (2, 1_000_000))
        sources = attach(self.network, x, y)
        crossings = np.array([[0.0, 0.0], [1300.0, 2000.0]])
        points = attach(self.network, *crossings.T)
        found = travel_matrix(self.travel, points, sources, limit=200.0)
        feet = foot_places(self.travel, sources)
        metres = np.abs(feet - crossings[:, None]).sum(axis=2) + sources.leg_m
        assert found.shape == (2, 1_000_000)
        within = metres <= 200.0
        # The first is at the rim, where a quarter of what lies around the other is.
        assert within.sum(axis=1).tolist() == np.diff(found.indptr).tolist()
        assert 1000 < within[0].sum() < within[1].sum() / 3
        rows = np.repeat([0, 1], np.diff(found.indptr))
        np.testing.assert_allclose(found.data, metres[rows, found.indices], atol=1e-9)


class TestLimits:
    network = build_network([0, 500, 1500], [0, 0, 0], [0, 1], [1, 2])
    travel = metres_travel(network)
    at = attach(network, [0, 500], [0, 0])

    @pytest.mark.parametrize("limit", [-1.0, -1e-9, np.nan, -np.inf])
    def test_below_zero_is_refused(self, limit):
        with pytest.raises(ValueError, match="must be 0 or more"):
            slack_limit(limit)
        with pytest.raises(ValueError, match="must be 0 or more"):
            travel_matrix(self.travel, self.at, self.at, limit=limit)
        with pytest.raises(ValueError, match="must be 0 or more"):
            list(searches(self.travel, self.at, limit=limit))
        with pytest.raises(ValueError, match="must be 0 or more"):
            nearest_several(self.travel, self.at, self.at, k=1, limit=limit)
        with pytest.raises(ValueError, match="must be 0 or more"):
            nearest(self.travel, self.at, self.at, limit=limit)

    def test_zero_finds_what_is_there(self):
        assert as_dense(travel_matrix(self.travel, self.at, self.at, limit=0)).tolist() == [
            [0.0, np.inf],
            [np.inf, 0.0],
        ]
        ((_, cost), _) = searches(self.travel, self.at, limit=0)
        assert cost.tolist() == [0.0, np.inf, np.inf]

    def test_infinity_finds_everything(self):
        found = travel_matrix(self.travel, self.at, self.at, limit=np.inf)
        assert found.toarray().tolist() == [[0.0, 500.0], [500.0, 0.0]]

    @pytest.mark.parametrize("k", [0, -2])
    def test_no_nearest_is_refused(self, k):
        with pytest.raises(ValueError, match="must be 1 or more"):
            nearest_several(self.travel, self.at, self.at, k=k)


@pytest.mark.parametrize(
    "network", [build_network([], [], [], []), build_network([0, 1], [0, 1], [], [])]
)
def test_an_empty_network(network):
    travel = metres_travel(network)
    at = attach(network, [0, 1], [0, 1])
    assert travel_matrix(travel, at, at, limit=9).nnz == 0
    assert (nearest_several(travel, at, at, k=2).target == -1).all()
    places = np.zeros((2, 2))
    assert way_lines(travel, at, at, places=places, target_places=places).tolist() == [None, None]
    timed = timed_travel(network, [], [], leg_kmh=4)
    assert np.isnan(nearest(timed, at, at).cost).all()


class TestEntrances:
    """A place with several feet is come to by the best of them."""

    network = build_network([0, 3000, 3000, 0], [0, 0, 1000, 1000], [0, 1, 2], [1, 2, 3])
    travel = metres_travel(network)

    def hall(self):
        """Return two places: a hall with doors on both streets, and a kiosk."""
        at = attach(self.network, [500, 500, 2500], [20, 990, 0])
        return Attachment(
            edge=at.edge,
            offset_m=at.offset_m,
            leg_m=at.leg_m,
            owner=np.array([0, 0, 1]),
            points=2,
        )

    def test_the_nearest_door_counts(self):
        demand = attach(self.network, [100, 100, 2400], [0, 1000, 0])
        found = nearest(self.travel, demand, self.hall())
        assert found.metres.tolist() == [420.0, 410.0, 100.0]
        assert found.target.tolist() == [0, 0, 1]

    def test_in_searches_matrices_and_several(self):
        demand = attach(self.network, [100, 100], [0, 1000])
        hall = self.hall()
        assert len(hall) == 2
        assert hall.attached.tolist() == [True, True]
        assert hall.least_leg_m.tolist() == [10.0, 0.0]
        matrix = travel_matrix(self.travel, demand, hall, limit=5000)
        assert matrix.toarray().tolist() == [[420.0, 2400.0], [410.0, 4400.0]]
        several = nearest_several(self.travel, demand, hall, k=2)
        assert several.cost.tolist() == matrix.toarray().tolist()
        assert [at for at, _ in searches(self.travel, hall, limit=10)] == [0, 1]

    def test_ways_lead_to_the_right_door(self):
        demand = np.array([[100.0, 0.0], [100.0, 1000.0]])
        doors = np.array([[500.0, 20.0], [500.0, 990.0], [2500.0, 0.0]])
        lines = way_lines(
            self.travel,
            attach(self.network, *demand.T),
            self.hall(),
            places=demand,
            target_places=doors,
        )
        assert [shapely.get_point(line, -1).y for line in lines] == [20.0, 990.0]

    def test_taking_places_takes_all_their_doors(self):
        hall = self.hall()
        swapped = hall.take(np.array([1, 0]))
        assert swapped.owner.tolist() == [0, 1, 1]
        assert swapped.leg_m.tolist() == [0.0, 20.0, 10.0]
        assert len(hall.take(np.empty(0, np.int64))) == 0
        demand = attach(self.network, [100], [0])
        assert nearest(self.travel, demand, swapped).target.tolist() == [1]
