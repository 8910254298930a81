"""Covering: most people and fewest sites, beside spopt, at the size of two cities, and growth.

    python scripts/benchmarks/siting.py [--rows peer,cities,growth] [--points N] [--candidates N]
                                        [--sites N] [--roads PATH --roads PATH] [--json PATH]
                                        [--check]

The rows:

- peer: maximal covering of 20,000 points by 40 of 500 candidates, strewn over a square, beside
  spopt's MCLP through PuLP and HiGHS, from the costs to the answer on both sides; and the fewest
  sites, beside its LSCP. Both have to come to the same objective;
- cities: 1,000,000 points and 20,000 candidates on the streets of all ``--roads`` laid out beside
  one another (an invented lattice without), pairs within 1,000 m on the network: 500 sites that
  cover most people, and the fewest that cover everybody within reach, to a proven gap of 2 %;
- growth: the same for a quarter, half and all of the points, and of the candidates.

Each runs in a process of its own, whose peak memory is told. ``--check`` exits 1 where the design
is not met. The p-median has ``siting_median.py``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from servicecircle.network.compiled import threads
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.snap import nearest_edges
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.solve import solve
from stitched import GAP_M, Streets, invented_streets, read_streets
from timing import machine, peak_mib, timed

Floats = NDArray[np.float64]

ROWS = ("peer", "cities", "growth")
SQUARE_M = 20_000.0
NEAR_M = 800.0
FAR_M = 10.0 * SQUARE_M
LIMIT_M = 1000.0
SNAP_M = 500.0
GAP = 0.02
AT_LEAST = 100.0
MOST_MIB = 6.0 * 1024
PARTS = (4, 2, 1)


def model_of(pairs: csr_array, weights: Floats) -> SitingModel:
    """Return a model of points and candidates, with nothing built yet."""
    points, candidates = pairs.shape
    none = np.zeros(candidates, np.bool_)
    return SitingModel(
        weights=weights,
        pairs=pairs,
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


def strewn(points: int, candidates: int, *, metres: float, seed: int) -> SitingModel:
    """Return points and candidates strewn over a square, and who is within some metres."""
    rng = np.random.default_rng(seed)
    homes, places = rng.random((points, 2)) * SQUARE_M, rng.random((candidates, 2)) * SQUARE_M
    found = cKDTree(homes).sparse_distance_matrix(
        cKDTree(places), metres, output_type="coo_matrix"
    )  # fmt: skip
    pairs = csr_array(found)
    pairs.sort_indices()
    return model_of(pairs, rng.integers(1, 100, points).astype(np.float64))


def told(answer: Answer, seconds: float) -> dict[str, Any]:
    """Return the figures of one answer."""
    return {
        "seconds": round(seconds, 3),
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "status": answer.status,
        "method": answer.method,
    }


def seen(model: SitingModel) -> SitingModel:
    """Return the model of the points that some candidate reaches."""
    reached = np.diff(model.pairs.indptr) > 0
    return model_of(csr_array(model.pairs[reached]), model.weights[reached])


# --- beside spopt


def peer_row(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return both sides of most people covered, and of the fewest sites."""
    whole = strewn(given.points, given.candidates, metres=NEAR_M, seed=given.seed)
    rows = []
    with warnings.catch_warnings():
        # It builds its models in a way that PuLP is going to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        from spopt.locate import LSCP, MCLP  # type: ignore[import-untyped]  # ships no types

        for name, model, goal, build in (
            ("cover", whole, Goal(objective="cover", sites=given.sites), MCLP),
            ("fewest", seen(whole), Goal(objective="fewest"), LSCP),
        ):
            solve(model, goal)  # loads the kernels
            ours = min(
                (_ours(model, goal) for _ in range(given.repeats)), key=lambda row: row["seconds"]
            )
            table = np.full(model.pairs.shape, FAR_M)
            row = np.repeat(np.arange(model.weights.size), np.diff(model.pairs.indptr))
            table[row, model.pairs.indices] = model.pairs.data
            peer = _peer(partial(_built, build, table, model.weights, given.sites))
            same = abs(peer["objective"] - ours["objective"]) <= 1e-6 * ours["objective"]
            size = f"{model.weights.size:,} points, {model.cost.size:,} candidates"
            rows.append(
                {
                    "row": f"peer {name}",
                    "work": f"{name}, {size}, {model.pairs.nnz:,} pairs",
                    "ours": ours,
                    "peer": peer,
                    "ratio": round(peer["seconds"] / ours["seconds"], 1),
                    "at_least": AT_LEAST if name == "cover" else None,
                    "same": same,
                }
            )
    return rows


def _ours(model: SitingModel, goal: Goal) -> dict[str, Any]:
    seconds, answer = timed(lambda: solve(model, goal, seconds=600.0))
    return told(answer, seconds)


def _built(build: Any, table: Floats, weights: Floats, sites: int) -> Any:
    if build.__name__ == "LSCP":
        return build.from_cost_matrix(table, NEAR_M)
    return build.from_cost_matrix(table, weights, NEAR_M, p_facilities=sites)


def _peer(build: Callable[[], Any]) -> dict[str, Any]:
    import pulp  # type: ignore[import-untyped]  # ships no types

    laid, model = timed(build)
    took, _ = timed(lambda: model.solve(pulp.HiGHS(msg=False), results=False))
    return {
        "way": "spopt (PuLP, HiGHS)",
        "seconds": round(laid + took, 3),
        "build_seconds": round(laid, 3),
        "solve_seconds": round(took, 3),
        "objective": float(pulp.value(model.problem.objective)),
    }


# --- two cities


def side_by_side(cities: list[Streets]) -> Streets:
    """Return the streets of several cities, each to the east of the one before."""
    xs, ys, us, vs, east, count = [], [], [], [], 0.0, 0
    for city in cities:
        xs.append(city.x - city.x.min() + east)
        ys.append(city.y - city.y.min())
        us.append(city.u + count)
        vs.append(city.v + count)
        east += float(np.ptp(city.x)) + GAP_M
        count += city.x.size
    return Streets(
        name=" + ".join(city.name for city in cities),
        x=np.concatenate(xs),
        y=np.concatenate(ys),
        u=np.concatenate(us),
        v=np.concatenate(vs),
    )


def on_streets(given: argparse.Namespace) -> tuple[str, SitingModel, dict[str, float]]:
    """Return points and candidates on streets, with the pairs within 1,000 m of walking."""
    from reach_rows import Counts, World

    cities = [read_streets(path) for path in given.roads or ()]
    streets = side_by_side(cities or [invented_streets(given.crossings, seed=given.seed)])
    world = World(streets, Counts(seed=given.seed))
    x, y = world.points(given.city_points)
    attached, homes = timed(
        lambda: nearest_edges(world.travel.network, world.index, x, y, most_m=SNAP_M)
    )
    places = world.at(world.places(given.city_candidates))
    took, pairs = timed(lambda: travel_matrix(world.travel, homes, places, limit=LIMIT_M))
    weights = np.random.default_rng(given.seed).integers(1, 100, x.size).astype(np.float64)
    seconds = {"attach_seconds": round(attached, 2), "pairs_seconds": round(took, 2)}
    return streets.name, model_of(pairs, weights), seconds


def solved_on_streets(
    model: SitingModel, *, sites: int, seconds: float, name: str
) -> list[dict[str, Any]]:
    """Return the figures of most people covered and of the fewest sites, to a gap of 2 %."""
    rows = []
    goals = {
        "cover": (model, Goal(objective="cover", sites=sites)),
        "fewest": (seen(model), Goal(objective="fewest")),
    }
    for key, (part, goal) in goals.items():
        took, answer = timed(partial(solve, part, goal, seconds=seconds, gap=GAP))
        rows.append(
            {
                "row": f"{name} {key}",
                "points": part.weights.size,
                "candidates": part.cost.size,
                "pairs": int(part.pairs.nnz),
                **told(answer, took),
                "at_most_gap": GAP,
                "peak_mib": round(peak_mib(), 1),
            }
        )
    return rows


def cities_row(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the figures at full size; its peak holds streets and pairs too."""
    name, model, seconds = on_streets(given)
    warm = strewn(2000, 200, metres=NEAR_M, seed=given.seed)
    solved_on_streets(warm, sites=20, seconds=60.0, name="warm")
    rows = solved_on_streets(
        model, sites=given.city_sites, seconds=given.seconds, name="cities"
    )  # fmt: skip
    return [{**row, "streets": name, **seconds, "at_most_mib": MOST_MIB} for row in rows]


def growth_row(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the figures for parts of the points, and of the candidates."""
    _, model, _ = on_streets(given)
    warm = strewn(2000, 200, metres=NEAR_M, seed=given.seed)
    solved_on_streets(warm, sites=20, seconds=60.0, name="warm")
    points, candidates = model.pairs.shape
    rows = []
    for part in PARTS:
        few = csr_array(model.pairs[: points // part])
        rows += solved_on_streets(
            model_of(few, model.weights[: points // part]),
            sites=given.city_sites, seconds=given.seconds, name=f"growth points/{part}",
        )  # fmt: skip
    for part in PARTS[:-1]:
        few = csr_array(model.pairs[:, : candidates // part])
        few.sort_indices()
        rows += solved_on_streets(
            model_of(few, model.weights), sites=max(given.city_sites // part, 1),
            seconds=given.seconds, name=f"growth candidates/{part}",
        )  # fmt: skip
    return rows


# --- the whole


def short_of_design(found: dict[str, Any]) -> list[str]:
    """Return a line for each ratio, gap or memory that the design does not allow.

    Examples
    --------
    >>> row = {"row": "peer cover", "ratio": 90.0, "at_least": 100.0, "same": True}
    >>> short_of_design({"rows": [row, {"row": "cities cover", "gap": 0.03, "at_most_gap": 0.02}]})
    ['peer cover: 90.0 x, at least 100.0 x wanted', 'cities cover: a gap of 0.03, at most 0.02']
    >>> short_of_design({"rows": []})
    []
    """
    short = []
    for row in found["rows"]:
        if row.get("at_least") and row["ratio"] < row["at_least"]:
            short.append(f"{row['row']}: {row['ratio']} x, at least {row['at_least']} x wanted")
        if not row.get("same", True):
            short.append(f"{row['row']}: the objectives are not the same")
        if "at_most_gap" in row and not row["gap"] <= row["at_most_gap"]:
            short.append(f"{row['row']}: a gap of {row['gap']:.2g}, at most {row['at_most_gap']}")
        if "at_most_mib" in row and row["peak_mib"] > row["at_most_mib"]:
            short.append(f"{row['row']}: {row['peak_mib']:.0f} MiB at its peak")
    return short


def _print_row(row: dict[str, Any]) -> None:
    if "peer" in row:
        ours, peer = row["ours"], row["peer"]
        print(
            f"{row['work']}: ours {ours['seconds']:.3f} s ({ours['method']}), {peer['way']} "
            f"{peer['build_seconds']:.1f} s to build and {peer['solve_seconds']:.1f} s to solve: "
            f"ratio {row['ratio']:g}, same objective: {row['same']}"
        )
        return
    print(
        f"{row['row']:<28}{row['points']:>10,} points{row['candidates']:>8,} candidates"
        f"{row['pairs']:>12,} pairs{row['seconds']:>9.2f} s  gap {row['gap']:.2e}"
        f"  {row['objective']:g} {row['status']}  peak {row['peak_mib']:,.0f} MiB"
    )


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Run the chosen rows in processes of their own, print them, and return all figures."""
    found: dict[str, Any] = {"benchmark": "siting", "machine": machine(threads()), "rows": []}
    with tempfile.TemporaryDirectory() as name:
        into = Path(name) / "found.json"
        for row in given.rows:
            command = [sys.executable, __file__, *sys.argv[1:], "--child", str(into), row]
            # Solvers talk on stdout: what is found comes back in a file.
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr.decode("utf-8", "replace"))
            rows = json.loads(into.read_text(encoding="utf-8"))
            found["rows"] += rows
            for one in rows:
                _print_row(one)
    return found


def main() -> int:
    """Read the options, measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", default=",".join(ROWS), help=", ".join(ROWS))
    parser.add_argument("--points", type=int, default=20_000, help="of the peer row")
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--sites", type=int, default=40)
    parser.add_argument("--roads", type=Path, action="append", metavar="PATH")
    parser.add_argument("--crossings", type=int, default=200, help="of an invented lattice's side")
    parser.add_argument("--city-points", type=int, default=1_000_000)
    parser.add_argument("--city-candidates", type=int, default=20_000)
    parser.add_argument("--city-sites", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many is taken")
    parser.add_argument("--seed", type=int, default=20251231)
    parser.add_argument("--json", type=Path, metavar="PATH")
    parser.add_argument("--check", action="store_true", help="exit 1 where the design is not met")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    work = {"peer": peer_row, "cities": cities_row, "growth": growth_row}
    if given.child:
        Path(given.child[0]).write_text(json.dumps(work[given.child[1]](given)), encoding="utf-8")
        return 0
    given.rows = given.rows.split(",")
    unknown = sorted(set(given.rows) - set(ROWS))
    if unknown:
        parser.error(f"--rows {','.join(unknown)}: not among {', '.join(ROWS)}")
    if min(given.points, given.city_points, given.repeats, given.sites, given.city_sites) < 1:
        parser.error("every number must be at least 1")
    if given.sites > given.candidates or given.city_sites > given.city_candidates:
        parser.error("no more sites than candidates")
    found = measure(given)
    found["short_of_design"] = short_of_design(found)
    for line in found["short_of_design"]:
        print(f"short of the design: {line}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if given.check and found["short_of_design"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
