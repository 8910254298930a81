"""Private ways at the start and the end only, against all ways that are put together by hand."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network.gated import gated_travel
from servicecircle.network.graph import build_network
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.reach import nearest
from servicecircle.network.snap import attach
from servicecircle.network.travel import metres_travel, timed_travel

number = st.integers(0, 20).map(lambda value: value * 50.0) | st.floats(0, 1000)
place = st.tuples(number, number)


@st.composite
def cases(draw):
    """Draw streets, some of them private or one-way, demand and facilities."""
    nodes = draw(st.lists(place, min_size=2, max_size=8, unique=True))
    count = st.integers(0, len(nodes) - 1)
    pairs = draw(
        st.lists(
            st.tuples(count, count).filter(lambda pair: pair[0] != pair[1]),
            min_size=1,
            max_size=12,
            unique_by=lambda pair: (min(pair), max(pair)),
        )
    )
    m = len(pairs)
    private = np.array(draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    one_way = np.array(draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    demand = draw(st.lists(place, min_size=1, max_size=4))
    facilities = draw(st.lists(place, min_size=1, max_size=4))
    x, y = np.array(nodes).T
    u, v = np.array(pairs).T
    return (x, y, u, v), private, one_way, np.array(demand), np.array(facilities)


def put_together(oracles, network, forward, backward, private, feet):
    """Return the least private + public + private cost of each pair, each part by networkx."""
    graphs = []
    for closed in (~private, private):
        truth = oracles.DirectedStreets(
            *network,
            np.where(closed, np.inf, forward),
            np.where(closed, np.inf, backward),
            leg_cost=0.5,
            min_component_m=0,
        )
        graphs.append(truth.directed(*feet))
    inner, public = graphs
    between = dict(nx.all_pairs_dijkstra_path_length(public, weight="cost"))
    found = np.full((len(feet[0][0]), len(feet[1][0])), np.inf)
    for d in range(found.shape[0]):
        if ("d", d) not in inner:
            continue
        start = {("d", d): 0.0}
        if private[feet[0][0][d]]:
            start = nx.single_source_dijkstra_path_length(inner, ("d", d), weight="cost")
        for f in range(found.shape[1]):
            if ("f", f) not in inner:
                continue
            end = {("f", f): 0.0}
            if private[feet[1][0][f]]:
                back = inner.reverse()
                end = nx.single_source_dijkstra_path_length(back, ("f", f), weight="cost")
            found[d, f] = min(
                (
                    first + middle + end[b]
                    for a, first in start.items()
                    for b, middle in between.get(a, {a: 0.0}).items()
                    if b in end
                ),
                default=np.inf,
            )
    return found


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), st.sampled_from(["to", "from"]))
def test_equals_all_ways_put_together(oracles, case, direction):
    (x, y, u, v), private, one_way, demand, facilities = case
    network = build_network(x, y, u, v, min_component_m=0)
    seconds = network.length_m * 0.5
    back = np.where(one_way, np.inf, seconds)
    travel = gated_travel(timed_travel(network, seconds, back, leg_kmh=7.2), private)
    ours = [attach(travel.network, *places.T, max_snap_m=1500) for places in (demand, facilities)]
    feet = [(at.edge, at.offset_m, at.leg_m) for at in ours]
    order = feet if direction == "to" else feet[::-1]
    expected = put_together(oracles, (x, y, u, v), seconds, back, private, order)
    expected = expected if direction == "to" else expected.T
    found = np.full(expected.shape, np.inf)
    matrix = travel_matrix(travel, *ours, limit=np.inf, direction=direction).tocoo()
    found[matrix.row, matrix.col] = matrix.data
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    here = np.isfinite(expected)
    np.testing.assert_allclose(found[here], expected[here], rtol=1e-9, atol=1e-6)
    near = nearest(travel, *ours, direction=direction).cost
    np.testing.assert_allclose(
        np.nan_to_num(near, nan=np.inf), expected.min(axis=1), rtol=1e-9, atol=1e-6
    )


class TestCompound:
    """A private street of 100 m between two gates; the public way around is 300 m."""

    network = build_network(
        [0, 100, 0, 100, -500, 600], [0, 0, 100, 100, 0, 0], [0, 0, 2, 3, 4, 1], [1, 2, 3, 1, 0, 5]
    )
    private = np.arange(6) == 0

    def metres(self, start, end, *, gated):
        travel = metres_travel(self.network)
        travel = gated_travel(travel, self.private) if gated else travel
        points = [attach(travel.network, [x], [0]) for x in (start, end)]
        return nearest(travel, *points).metres.tolist()[0]

    @pytest.mark.parametrize(
        ("start", "end", "free", "gated"),
        [(-100, 200, 300, 500), (-100, 60, 160, 160), (60, 200, 140, 140), (20, 70, 50, 50)],
    )
    def test_only_those_who_live_there_go_in(self, start, end, free, gated):
        assert self.metres(start, end, gated=False) == free
        assert self.metres(start, end, gated=True) == gated

    def test_without_private_ways_nothing_changes(self):
        travel = metres_travel(self.network)
        assert gated_travel(travel, np.zeros(6, bool)) is travel

    def test_edges_keep_their_place(self):
        travel = gated_travel(metres_travel(self.network), self.private)
        assert travel.network.u.size == 6
        assert travel.network.eligible.tolist() == self.network.eligible.tolist()
        np.testing.assert_array_equal(
            travel.network.x[travel.network.u], self.network.x[self.network.u]
        )
