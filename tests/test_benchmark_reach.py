"""The benchmark of reach runs on few streets, tells both sides, and judges them by the design."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@pytest.fixture(scope="module")
def script(root):
    return root / "scripts" / "benchmarks" / "reach.py"


@pytest.fixture
def module(script, monkeypatch):
    """Return a function that imports one of the benchmark's modules."""
    monkeypatch.syspath_prepend(str(script.parent))
    return importlib.import_module


def run(script, *options):
    return subprocess.run(
        [sys.executable, str(script), *options],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )


SMALL = (
    *("--crossings", "12", "--facilities", "5", "--searches", "8", "--circles", "3"),
    *("--sample", "2", "--points", "400", "--repeats", "1"),
)


@pytest.fixture
def world(module):
    """Return twelve by twelve crossings with few facilities."""
    rows = module("reach_rows")
    counts = rows.Counts(facilities=5, searches=8, circles=3, points=400, sample=2)
    return rows.World(module("stitched").invented_streets(12, seed=1), counts)


@pytest.mark.parametrize("group", ["nearest", "searches", "circles", "attach", "peers"])
def test_both_sides_say_the_same(module, world, group):
    reach = module("reach")
    rows = [reach.measure_row(row, repeats=1) for row in reach.GROUPS[group](world)]
    assert len(rows) == (9 if group == "peers" else 1)
    # What is not installed is said, and is nobody's fault.
    assert all(row["ratio"] is None for row in rows if "skipped" in row)
    measured = [row for row in rows if "skipped" not in row]
    assert measured
    for row in measured:
        # The values of both sides, and for circles ours against the truth.
        assert row["same"], row
        assert row["ratio"] > 0
        assert (row["at_least"] is None) == (group == "peers")
        assert min(row[side]["seconds"] for side in ("ours", "peer")) > 0
        assert row.get("compared", 1) > 0
        assert row.get("points_sampled", 1) > 0


def test_results_of_searches_take_room_for_what_is_reached(module, world):
    reach = module("reach")
    (row,) = reach.GROUPS["searches"](world)
    told = reach.measure_row(row, repeats=1)
    nodes = world.streets.x.size
    assert told["dense_result_mib"] == pytest.approx(8 * nodes * 8 / 2**20, abs=0.01)
    # A node, a cost and metres for each that is reached.
    assert told["our_result_mib"] <= 8 * told["reached_a_source"] * 24 / 2**20 + 0.01


@pytest.mark.slow
def test_the_command_writes_and_judges_its_figures(script, tmp_path):
    target = tmp_path / "reach.json"
    options = ("--rows", "searches,growth", "--copies", "1", "--json", str(target), "--check")
    done = run(script, *SMALL, *options)
    # Twelve crossings are too few for the ratio of searches that the design asks for.
    assert done.returncode == 1, done.stderr.decode()
    printed = done.stdout.decode()
    for words in ("servicecircle, sparse", "scipy dijkstra", "short of the design: searches"):
        assert words in printed
    found = json.loads(target.read_text(encoding="utf-8"))
    (row,) = found["rows"]
    assert row["same"]
    assert row["ratio"] < row["at_least"] == 40.0
    assert all(row[side]["work_mib"] >= 0 for side in ("ours", "peer"))
    (growth,) = found["growth"]
    assert growth["nodes"] == [found["streets"][0]["nodes"]]
    works = {work["work"]: work for work in growth["works"]}
    assert {"nearest", "searches", "circles", "field", "attach"} <= set(works)
    assert all(work["seconds"][0] > 0 and work["ratio"] is None for work in works.values())
    assert found["machine"]["versions"]["numpy"] == np.__version__
    assert found["short_of_design"] == [f"searches: {row['ratio']} x, at least 40.0 x wanted"]


def test_an_invented_lattice_lacks_some_streets(module):
    stitched = module("stitched")
    streets = stitched.invented_streets(12, seed=1)
    # 12 x 12 crossings, and three vertices on each street between two that is there.
    there, rest = divmod(streets.x.size - 144, 3)
    assert rest == 0
    assert 0.75 * 2 * 12 * 11 < there < 2 * 12 * 11
    assert streets.u.size == 4 * there
    again = stitched.invented_streets(12, seed=1)
    assert np.array_equal(again.x, streets.x)
    assert not np.array_equal(stitched.invented_streets(12, seed=2).x, streets.x)


def test_rows_are_judged_by_ratio_and_by_values(module):
    judge = module("reach").short_of_design
    fine = {"row": "attach", "ratio": 5.0, "at_least": 5.0, "same": True}
    assert judge({"rows": [fine], "growth": []}) == []
    assert len(judge({"rows": [fine | {"ratio": 4.99}], "growth": []})) == 1
    assert len(judge({"rows": [fine | {"same": False}], "growth": []})) == 1
    missing = {"row": "nearest: pandana", "ratio": None, "at_least": None, "skipped": "x"}
    assert judge({"rows": [missing], "growth": []}) == []
    work = {"work": "nearest", "ratio": 2.31}
    growth = {"streets": "x", "at_most": 2.3, "works": [work]}
    assert len(judge({"rows": [], "growth": [growth]})) == 1
    assert judge({"rows": [], "growth": [growth | {"works": [work | {"ratio": 2.3}]}]}) == []


def test_growth_is_told_for_one_doubling(module):
    steps = [{"seconds": {"nearest": value}} for value in (1.0, 3.0, 4.0, 8.0)]
    row = module("reach").growth_row("nearest", (1, 2, 4, 8), steps)
    assert row["ratio"] == 2.0
    assert row["steps"] == [3.0, 1.33, 2.0]
    assert module("reach").growth_row("nearest", (1,), steps[:1])["ratio"] is None


@pytest.mark.parametrize("copies", [2, 4, 8])
def test_stitched_copies_hang_together(module, copies):
    stitched = module("stitched")
    streets = stitched.invented_streets(10, seed=1)
    whole = stitched.stitch(streets, copies)
    n = streets.x.size
    assert whole.x.size == copies * n

    def parts(one):
        joined = coo_array((np.ones(one.u.size), (one.u, one.v)), shape=(one.x.size,) * 2)
        return np.bincount(connected_components(joined, directed=False)[1])

    # The largest parts of all copies are one; what hung apart in a copy still does.
    assert parts(whole).max() == copies * parts(streets).max()
    assert len(parts(whole)) == copies * (len(parts(streets)) - 1) + 1
    for copy in range(copies):
        mine = slice(copy * n, (copy + 1) * n)
        assert np.ptp(whole.x[mine]) == pytest.approx(np.ptp(streets.x))
        assert np.allclose(whole.x[mine] - whole.x[mine][0], streets.x - streets.x[0])
    # Copies stand apart.
    corners = {
        (whole.x[c * n : (c + 1) * n].min(), whole.y[c * n : (c + 1) * n].min())
        for c in range(copies)
    }
    assert len(corners) == copies


def test_a_buffered_recipe_cuts_the_last_edges(module):
    peers, stitched = module("peers"), module("stitched")
    straight = stitched.Streets(
        name="one street",
        x=np.array([0.0, 100.0, 200.0]),
        y=np.zeros(3),
        u=np.array([0, 1]),
        v=np.array([1, 2]),
    )
    graph = peers.networkx_graph(straight, 1.0)
    drawn = peers.buffer_union(graph, straight, 0, limit_s=150.0, width_m=25.0)
    west, _, east, _ = drawn.bounds
    assert (west, east) == pytest.approx((-25.0, 175.0))
    beyond = peers.buffer_union(graph, straight, 1, limit_s=500.0, width_m=25.0)
    assert beyond.bounds == pytest.approx((-25.0, -25.0, 225.0, 25.0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rows", "nearest,fastest"), b"fastest"),
        (("--facilities", "0"), b"at least 1"),
        (("--copies", "4,2"), b"ascending"),
    ],
)
def test_wrong_options_are_refused(script, options, said):
    done = run(script, *options)
    assert done.returncode == 2
    assert said in done.stderr
