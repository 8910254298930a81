"""p-median: how long to a proven gap, how that grows, and spopt's way on a size it can do.

    python scripts/benchmarks/siting_median.py [--points N] [--candidates N] [--sites N]
                                               [--peer-points N] [--seconds S] [--json PATH]
                                               [--check]

Points and candidates are strewn over a square of 20 km from a seed; everybody can reach every
candidate, so that no pair can be left out beforehand. The rows:

- gap: our side alone, to a proven gap of 1 % and to the optimum;
- growth: the same to 1 %, with a quarter and half of the points, candidates and sites;
- peer: a smaller model beside spopt (PMedian through PuLP with CBC), which has to find the same
  objective.

``--check`` exits 1 where the gap is not reached or the objectives differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from servicecircle.network.compiled import threads
from servicecircle.siting.median import solve_mean
from servicecircle.siting.model import Goal, SitingModel
from timing import machine, timed

SQUARE_M = 20_000.0
GAP = 0.01
SAME = 1e-6
PARTS = (4, 2, 1)


def strewn(points: int, candidates: int, *, seed: int) -> SitingModel:
    """Return a model of points with people and candidates, strewn over a square."""
    rng = np.random.default_rng(seed)
    homes = rng.random((points, 2)) * SQUARE_M
    places = rng.random((candidates, 2)) * SQUARE_M
    metres = np.hypot(homes[:, :1] - places[:, 0], homes[:, 1:] - places[:, 1])
    columns = np.tile(np.arange(candidates, dtype=np.int32), points)
    starts = np.arange(points + 1, dtype=np.int64) * candidates
    none = np.zeros(candidates, np.bool_)
    return SitingModel(
        weights=np.round(rng.gamma(1.0, 50.0, points), 1) + 0.1,
        pairs=csr_array((metres.ravel(), columns, starts), shape=metres.shape),
        kept=none,
        closable=none,
        mandatory=none,
        forbidden=none,
        cost=np.ones(candidates),
        capacity=np.full(candidates, np.inf),
        units=np.full(points, -1),
        site_units=np.full(candidates, -1),
        floors=np.empty(0),
        presence=np.empty(0, np.int64),
        apart=np.empty((0, 2), np.int64),
    )


def solved(model: SitingModel, sites: int, *, gap: float, seconds: float) -> dict[str, Any]:
    """Return the figures of one solution of ours."""
    goal = Goal(objective="mean", sites=sites)
    took, answer = timed(lambda: solve_mean(model, goal, seconds=seconds, gap=gap))
    return {
        "points": model.weights.size,
        "candidates": model.cost.size,
        "sites": sites,
        "wanted_gap": gap,
        "seconds": round(took, 3),
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "status": answer.status,
        "method": answer.method,
    }


def beside_spopt(points: int, candidates: int, sites: int, *, seed: int) -> dict[str, Any]:
    """Return both sides on one model; the peer's set-up (building the model) counts."""
    model = strewn(points, candidates, seed=seed)
    ours = solved(model, sites, gap=0.0, seconds=600.0)
    with warnings.catch_warnings():
        # It builds its models in a way that PuLP is going to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        import pulp  # type: ignore[import-untyped]  # ships no types
        from spopt.locate import PMedian  # type: ignore[import-untyped]  # ships no types

        table = model.pairs.toarray()

        def build() -> Any:
            return PMedian.from_cost_matrix(table, model.weights, p_facilities=sites)

        laid, peer = timed(build)
        took, _ = timed(lambda: peer.solve(pulp.PULP_CBC_CMD(msg=False)))
    objective = pulp.value(peer.problem.objective) / float(model.weights.sum())
    return {
        "ours": ours,
        "peer": {
            "way": "spopt PMedian (PuLP, CBC)",
            "build_seconds": round(laid, 3),
            "solve_seconds": round(took, 3),
            "objective": objective,
        },
        "ratio": round((laid + took) / ours["seconds"], 2),
        "same": abs(objective - ours["objective"]) <= SAME * objective,
    }


def short_of_design(found: dict[str, Any]) -> list[str]:
    """Return a line for each gap that is not reached, or objective that differs.

    Examples
    --------
    >>> row = {"wanted_gap": 0.01, "gap": 0.02, "points": 10}
    >>> short_of_design({"rows": [row], "peer": {"same": True}})
    ['10 points: a gap of 0.02 where 0.01 is wanted']
    >>> short_of_design({"rows": [], "peer": None})
    []
    """
    short = [
        f"{row['points']} points: a gap of {row['gap']:.2g} where {row['wanted_gap']:g} is wanted"
        for row in found["rows"]
        if not row["gap"] <= max(row["wanted_gap"], SAME)
    ]
    if found["peer"] and not found["peer"]["same"]:
        short.append("the objectives are not the same")
    return short


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Run all rows, print them as they come, and return the figures."""
    warm = strewn(50, 10, seed=given.seed)
    first, _ = timed(lambda: solved(warm, 2, gap=0.0, seconds=60.0))
    found: dict[str, Any] = {
        "benchmark": "siting_median",
        "machine": machine(threads()),
        "first_call_seconds": round(first, 3),
        "rows": [],
        "peer": None,
    }
    wanted = [(part, GAP) for part in PARTS] + [(1, 0.0)]
    for part, gap in wanted:
        model = strewn(given.points // part, given.candidates // part, seed=given.seed)
        row = solved(model, max(given.sites // part, 1), gap=gap, seconds=given.seconds)
        found["rows"].append(row)
        print(
            f"{row['points']:>7,} points {row['candidates']:>6,} candidates {row['sites']:>4} sites"
            f"  wanted gap {gap:g}: {row['seconds']:>8.2f} s  gap {row['gap']:.2e}"
            f"  {row['status']} ({row['method']})"
        )
    if given.peer_points:
        peer = beside_spopt(given.peer_points, given.peer_points // 4, 10, seed=given.seed)
        found["peer"] = peer
        print(
            f"{given.peer_points:,} points beside {peer['peer']['way']}: ours "
            f"{peer['ours']['seconds']:.2f} s, theirs {peer['peer']['build_seconds']:.2f} s to "
            f"build and {peer['peer']['solve_seconds']:.2f} s to solve, ratio {peer['ratio']:g}, "
            f"same objective: {peer['same']}"
        )
    return found


def main() -> int:
    """Read the options, measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--sites", type=int, default=30)
    parser.add_argument("--peer-points", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if min(given.points, given.candidates) < max(PARTS) or given.sites < 1:
        parser.error("at least 4 points and candidates, and 1 site")
    found = measure(given)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    short = short_of_design(found) if given.check else []
    for line in short:
        print(line, file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    raise SystemExit(main())
