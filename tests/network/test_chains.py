"""Chains between crossings, and searches over them, against networkx on the arcs themselves."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.network import bounded
from servicecircle.network import chains as chains_module
from servicecircle.network.bounded import Seeds, search_blocks
from servicecircle.network.chains import CLOSED, TURNED, chains_of
from servicecircle.network.travel import sorted_arcs


@st.composite
def graphs(draw):
    """Draw arcs among few nodes, mostly strung up in lines, so that chains and rings abound."""
    n = draw(st.integers(2, 14))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=6))
    strung = draw(st.lists(st.booleans(), min_size=n - 1, max_size=n - 1))
    pairs += [(at, at + 1) for at, kept in enumerate(strung) if kept]
    if draw(st.booleans()):
        pairs.append((n - 1, 0))
    arcs = []
    for tail, head in pairs:
        cost = draw(st.integers(0, 9))
        metres = 0 if cost == 0 else draw(st.integers(1, 9))
        arcs.append((tail, head, cost, metres))
        way = draw(st.sampled_from(["both", "one", "dearer"]))
        if way != "one":
            arcs.append((head, tail, cost + 3 * (way == "dearer" and cost > 0), metres))
    seeds = draw(
        st.lists(
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, 5)), max_size=3),
            min_size=1,
            max_size=4,
        )
    )
    return n, arcs, seeds


def arcs_of(n, arcs):
    columns = [np.array([arc[k] for arc in arcs]) for k in range(4)]
    tails, heads = (part.astype(np.int64) for part in columns[:2])
    return sorted_arcs(n, tails, heads, *(part.astype(float) for part in columns[2:]))


def seeds_of(groups):
    rows = [seed for group in groups for seed in group]
    cost = np.array([seed[1] for seed in rows], float)
    return Seeds(
        starts=np.cumsum([0, *map(len, groups)]),
        nodes=np.array([seed[0] for seed in rows], np.int64),
        cost=cost,
        metres=2.0 * cost,
        feet=np.arange(len(rows)),
    )


def least(n, arcs, seeds, limit):
    """Return cost and metres of each node within a limit: the least cost, then metres."""
    # One number for both: costs are whole, and all metres of a way stay below the scale.
    scale = 10_000
    graph = nx.DiGraph()
    graph.add_nodes_from([*range(n), "start"])
    for tail, head, cost, metres in arcs:
        both = cost * scale + metres
        if tail != head and both < graph.get_edge_data(tail, head, {"weight": 1e18})["weight"]:
            graph.add_edge(tail, head, weight=both)
    for node, cost in seeds:
        both = cost * scale + 2 * cost
        if both < graph.get_edge_data("start", node, {"weight": 1e18})["weight"]:
            graph.add_edge("start", node, weight=both)
    found = nx.single_source_dijkstra_path_length(graph, "start")
    told = {node: divmod(both, scale) for node, both in found.items() if node != "start"}
    return {node: pair for node, pair in told.items() if pair[0] <= limit}


@settings(deadline=None, derandomize=True, max_examples=400)
@given(graphs(), st.sampled_from([0, 4, 11, 1000]), st.booleans())
def test_searches_over_chains_are_those_over_arcs(case, limit, carry):
    n, arcs, groups = case
    blocks = list(
        search_blocks(arcs_of(n, arcs), seeds_of(groups), limit=limit, carry_metres=carry)
    )
    told = [
        dict(zip(nodes.tolist(), zip(cost, metres, strict=True), strict=True))
        for _, found in blocks
        for nodes, cost, metres in (
            (found.nodes[part], found.cost[part], found.metres[part])
            for part in map(slice, found.starts[:-1], found.starts[1:])
        )
    ]
    order = [source for sources, _ in blocks for source in sources.tolist()]
    assert sorted(order) == list(range(len(groups)))
    assert sum(map(len, told)) == sum(found.nodes.size for _, found in blocks)
    for got, source in zip(told, order, strict=True):
        wanted = least(n, arcs, groups[source], limit)
        assert {node: pair[0] for node, pair in got.items()} == {
            node: pair[0] for node, pair in wanted.items()
        }
        if carry:
            assert {node: pair[1] for node, pair in got.items()} == {
                node: pair[1] for node, pair in wanted.items()
            }


@settings(deadline=None, derandomize=True, max_examples=200)
@given(graphs())
def test_every_node_and_every_arc_has_its_place(case):
    n, arcs, _ = case
    whole = arcs_of(n, arcs)
    chains = whole.chains
    assert sorted([*chains.crossings, *chains.nodes]) == list(range(n))
    inside = chains.place < 0
    assert np.array_equal(chains.nodes[-1 - chains.place[inside]], np.flatnonzero(inside))
    assert np.array_equal(chains.crossings[chains.place[~inside]], np.flatnonzero(~inside))
    tails = np.repeat(np.arange(n), np.diff(whole.starts))
    given_arcs = dict(zip(zip(tails, whole.heads, strict=True), whole.cost, strict=True))
    stepped = {}
    for chain in range(chains.first.size):
        part = slice(chains.starts[chain], chains.starts[chain + 1])
        ends = chains.crossings[[chains.first[chain], chains.last[chain]]]
        places = [ends[0], *chains.nodes[part], ends[1]]
        begin = chains.starts[chain] + chain
        for at, (one, other) in enumerate(itertools.pairwise(places)):
            stepped[one, other] = chains.onward[begin + at]
            stepped[other, one] = chains.back[begin + at]
    assert {pair for pair, cost in stepped.items() if np.isfinite(cost)} == set(given_arcs)
    assert all(stepped[pair] == cost for pair, cost in given_arcs.items())


@settings(deadline=None, derandomize=True, max_examples=150)
@given(graphs(), st.booleans())
def test_no_kernel_writes_beyond_its_arrays(case, carry):
    """Uncompiled, numpy looks at every index."""
    n, arcs, groups = case
    kernels = [(chains_module, name) for name in ("_mark_rings", "_walk", "_sums")]
    with pytest.MonkeyPatch.context() as patch:
        for module, name in [*kernels, (bounded, "_search_each")]:
            patch.setattr(module, name, getattr(module, name).py_func)
        # Short runs of little room, so that results are told in parts.
        patch.setattr(bounded, "_SLAB", 1)
        slow = [
            (found.nodes.tolist(), found.cost.tolist(), found.metres.tolist())
            for _, found in search_blocks(
                arcs_of(n, arcs), seeds_of(groups), limit=11, carry_metres=carry
            )
        ]
    fast = [
        (found.nodes.tolist(), found.cost.tolist(), found.metres.tolist())
        for _, found in search_blocks(
            arcs_of(n, arcs), seeds_of(groups), limit=11, carry_metres=carry
        )
    ]
    assert slow == fast


def test_a_ring_is_cut_at_its_lowest_node():
    arcs = [(2, 4, 1, 1), (4, 3, 1, 1), (3, 2, 1, 1)]
    chains = arcs_of(5, arcs).chains
    assert chains.crossings.tolist() == [0, 1, 2]
    assert sorted(chains.nodes.tolist()) == [3, 4]
    assert chains.half_starts.tolist() == [0, 0, 0, 2]
    # One way round only: the other direction has no cost that is finite.
    assert sorted(chains.cost.tolist()) == [3.0, np.inf]
    assert sorted(chains.links[:, 3].tolist()) == [0, TURNED]


def test_a_dead_end_is_told_apart():
    chains = chains_of(
        np.array([0, 1, 2]), np.array([1, 0], np.int32), np.array([5.0, 5.0]), np.ones(2)
    )
    assert chains.links[:, 3].tolist() == [CLOSED, TURNED + CLOSED]
    assert chains.cost.tolist() == [5.0, 5.0]


@pytest.mark.parametrize("block", [64, 3, 1])
@pytest.mark.parametrize("room", [5, 90, 130])
def test_results_that_do_not_fit_are_told_in_parts(monkeypatch, room, block):
    """Slabs end within blocks and between them; what was cut from one lasts."""
    side = 9
    n = side * side
    arcs = []
    for node in range(n):
        for other in (node + 1, node + side):
            if other < n and (other % side or other == node + side):
                arcs += [(node, other, 1, 1), (other, node, 1, 1)]
    groups = [[(at, 0)] for at in range(0, n, 3)]
    whole = arcs_of(n, arcs)
    wanted = [least(n, arcs, seeds, 4) for seeds in groups]
    monkeypatch.setattr(bounded, "_SLAB", room)
    monkeypatch.setattr(bounded, "_BLOCK", block)
    blocks = list(search_blocks(whole, seeds_of(groups), limit=4, carry_metres=True))
    told = []
    for sources, found in blocks:
        parts = map(slice, found.starts[:-1], found.starts[1:])
        for source, part in zip(sources.tolist(), parts, strict=True):
            pairs = zip(found.cost[part], found.metres[part], strict=True)
            assert dict(zip(found.nodes[part].tolist(), pairs, strict=True)) == wanted[source]
            told.append(source)
    assert sorted(told) == list(range(len(groups)))
