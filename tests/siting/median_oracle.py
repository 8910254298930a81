"""The best choice for the mean, the worst and capacities, by trying every set of sites."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import networkx
import numpy as np
from covering_oracle import is_allowed, pairs_of, random_model, reached_by
from hypothesis import assume
from hypothesis import strategies as st

from servicecircle.errors import SitingError
from servicecircle.siting.checked import check_model
from servicecircle.siting.model import Goal

TOLERANCE = 1e-7
PARTS = (
    "existing", "closable", "mandatory", "forbidden", "apart", "floors", "presence", "fractions",
)  # fmt: skip


@st.composite
def questions(draw, objective, *, parts=PARTS, points=12, capacities=False):
    """Draw a small model and a goal that is not refused."""
    parts = draw(st.sets(st.sampled_from(parts)))
    model = random_model(draw(st.integers(0, 10**6)), points=points, parts=parts)
    if capacities:
        rooms = st.lists(st.sampled_from([0, 2, 3, 5, 9, np.inf]), min_size=7, max_size=7)
        model = replace(model, capacity=np.array(draw(rooms), float))
    closings = draw(st.integers(0, 1)) if "closable" in parts else 0
    if objective == "fewest":
        share = draw(st.sampled_from([0.3, 0.7, 1.0]))
        goal = Goal(
            objective=objective, share=share, by_cost=draw(st.booleans()), closings=closings
        )
    else:
        kind = draw(st.sampled_from(["sites", "budget", "both"]))
        sites = draw(st.integers(1, 4)) if kind != "budget" else None
        budget = float(draw(st.integers(1, 8))) if kind != "sites" else None
        goal = Goal(objective=objective, sites=sites, budget=budget, closings=closings)
    try:
        check_model(model, goal)
    except SitingError:
        assume(False)
    return model, goal


def every_choice(model, goal):
    """Yield each allowed set of open sites (capacities aside)."""
    reached = reached_by(model)
    for size in range(model.cost.size + 1):
        for chosen in map(set, itertools.combinations(range(model.cost.size), size)):
            if is_allowed(model, goal, chosen, reached):
                yield chosen


def cost_table(model):
    """Return {(point, site): cost} of all pairs."""
    pairs = model.pairs
    return {
        (row, int(pairs.indices[at])): float(pairs.data[at])
        for row in range(model.weights.size)
        for at in range(pairs.indptr[row], pairs.indptr[row + 1])
    }


def nearest_costs(model, chosen, table):
    """Return what each point with people pays to its nearest open site, None for out of reach."""
    return {
        row: min((table[row, site] for site in chosen if (row, site) in table), default=None)
        for row in range(model.weights.size)
        if model.weights[row] > 0
    }


def best_second(model, goal, *, worst=False):
    """Return (people served, mean or worst cost) of the best allowed choice, None without one."""
    table = cost_table(model)
    best = None
    for chosen in every_choice(model, goal):
        costs = nearest_costs(model, chosen, table)
        served = {row: cost for row, cost in costs.items() if cost is not None}
        people = math.fsum(model.weights[row] for row in served)
        if worst:
            value = max(served.values(), default=math.nan)
        else:
            total = math.fsum(model.weights[row] * cost for row, cost in served.items())
            value = total / people if people else math.nan
        more = best is None or people > best[0] + TOLERANCE
        if more or (people > best[0] - TOLERANCE and value < best[1]):
            best = (people, value)
    return best


def flow_of(model, chosen, table):
    """Return (people served, their total cost) at the best assignment to open sites.

    People, capacities and costs have to be whole numbers, as networkx asks for.
    """
    graph = networkx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    for row, people in enumerate(model.weights.tolist()):
        graph.add_edge("from", ("point", row), capacity=int(people), weight=0)
    for site in chosen:
        room = model.capacity[site]
        room = int(min(room, model.weights.sum()))
        graph.add_edge(("site", site), "to", capacity=room, weight=0)
    for (row, site), cost in table.items():
        if site in chosen:
            graph.add_edge(("point", row), ("site", site), weight=int(cost))
    flow = networkx.max_flow_min_cost(graph, "from", "to")
    people = sum(flow["from"].values())
    return people, networkx.cost_of_flow(graph, flow)


def within(model, limit):
    """Return the table of pairs that cost at most so much."""
    return {pair: cost for pair, cost in cost_table(model).items() if cost <= limit}


def best_flow(model, goal):
    """Return (people served, value) of the best choice with capacities; None without one.

    The value is the number or cost of new sites, the people, or the mean or worst cost.
    """
    loose = replace(goal, share=0.0)
    free = replace(model, floors=np.full(model.floors.size, np.nan))
    table, best = cost_table(model), None
    existing = set(np.flatnonzero(model.kept | model.closable).tolist())
    total = float(model.weights.sum())
    for chosen in every_choice(free, loose):
        people, cost = flow_of(model, chosen, table)
        if goal.objective == "fewest":
            if people < goal.share * total - 1e-6:
                continue
            new = chosen - existing
            value = len(new) - len(existing - chosen)
            value = float(sum(model.cost[site] for site in new)) if goal.by_cost else float(value)
            key = (value,)
        elif goal.objective == "cover":
            value, key = float(people), (-people,)
        elif goal.objective == "worst":
            limits = [0.0, *sorted(set(table.values()))]
            value = next(
                limit
                for limit in limits
                if flow_of(model, chosen, within(model, limit))[0] == people
            )
            key = (-people, value)
        else:
            value = cost / people if people else math.nan
            key = (-people, value)
        if best is None or key < best[0]:
            best = (key, people, value)
    return None if best is None else best[1:]


def plane_model(points, candidates, *, seed=0, limit=np.inf):
    """Return points and candidates strewn over a square of 10 km."""
    rng = np.random.default_rng(seed)
    places, sites = rng.random((points, 2)) * 1e4, rng.random((candidates, 2)) * 1e4
    costs = np.hypot(*(places[:, None] - sites).transpose(2, 0, 1))
    return replace(
        random_model(0, points=points, candidates=candidates),
        weights=np.round(rng.gamma(1.0, 50.0, points), 1) + 0.1,
        pairs=pairs_of(np.where(costs <= limit, costs, np.nan)),
        cost=np.ones(candidates),
        units=np.full(points, -1),
        site_units=np.full(candidates, -1),
    )


def line_model():
    """Return five points on a line at 0, 10, 20, 30 and 40, each with a candidate."""
    place = np.arange(0.0, 50.0, 10.0)
    return replace(
        random_model(0, points=5, candidates=5),
        weights=np.ones(5),
        pairs=pairs_of(np.abs(place[:, None] - place)),
        cost=np.ones(5),
        units=np.full(5, -1),
        site_units=np.full(5, -1),
    )
