"""Travel times, circles and attachment, beside the ways that others have, in one run.

    python scripts/benchmarks/reach.py [--roads PATH ...] [--rows nearest,searches,...]
                                       [--json PATH] [--check]

Without ``--roads`` the streets are an invented lattice drawn from a seed. Of several files the
first one is measured against the peers; all of them are in ``growth``. The rows:

- nearest: seconds to the nearest of 200 facilities for all nodes, beside networkx;
- searches: 1,000 searches up to 15 minutes, beside scipy's dijkstra, with the room they take;
- circles: 1,000 polygons, beside reached edges buffered and united, both held against the truth;
- attach: points to their nearest edge, beside shapely's tree;
- peers: the same beside scipy, igraph, pandana or pandarm, and OSMnx's example of isochrones;
- growth: our side on one, two, four and eight copies of the streets, stitched together.

Facilities stand on nodes, so that every way can say the same; each row tells how far the values
differ. Both sides run in turn, the best of several repeats counts; set-up and first calls (which
load kernels) are shown apart. Every row runs in a process of its own, and peak memory is measured
in further ones, one for each side. ``--check`` exits 1 where a ratio falls short of the design,
or values differ.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import reach_rows
from reach_rows import Counts, Row, World
from servicecircle.network.compiled import threads
from stitched import invented_streets, load_streets, read_streets, save_streets, stitch
from timing import Side, in_turn, machine, own_peak_mib, peak_mib, start_peak, timed

COPIES = (1, 2, 4, 8)
MOST_GROWTH = 2.3
"""The most that twice the streets and twice the facilities may take, times the time of one."""
GROWTH_PARTS = {"circles": 20, "points": 4}
"""A copy gets so many times fewer circles and points than the row of them has."""


def _further(world: World) -> list[Row]:
    from reach_peers import further

    return further(world)


GROUPS: dict[str, Callable[[World], list[Row]]] = {
    "nearest": reach_rows.nearest,
    "searches": reach_rows.searches,
    "circles": reach_rows.circles,
    "attach": reach_rows.attach,
    "peers": _further,
}
ROWS = (*GROUPS, "growth")


# --- what a row's process does


def measure_row(row: Row, *, repeats: int) -> dict[str, Any]:
    """Run both sides of a row and return its figures."""
    told: dict[str, Any] = {"row": row.key, "work": row.work, "at_least": row.at_least}
    if row.peer is None:
        return told | {"ratio": None, "skipped": "not installed"}
    (ours, peer), results = in_turn([row.ours, row.peer], repeats=repeats)
    unit = "seconds" if row.whole else "ms_an_item"
    ratio = round(peer[unit] / ours[unit], 2)
    return told | {
        "ours": ours,
        "peer": peer,
        "ratio": ratio,
        "ratio_with_set_up": round(_whole(peer, ours, row) / _whole(ours, ours, row), 2),
        **row.agree(*results),
    }


def _whole(figure: dict[str, Any], ours: dict[str, Any], row: Row) -> float:
    """Return the seconds of all items of our side done this way, with the set-up."""
    times = 1.0 if row.whole else ours["items"] / figure["items"]
    return float(figure["set_up_seconds"] + times * figure["seconds"])


def measure_growth(world: World, copies: int, *, repeats: int) -> dict[str, Any]:
    """Return the seconds of our side on some copies, with facilities in proportion."""
    counts = world.counts
    held = start_peak()
    network, _ = timed(lambda: (world.travel, world.index))
    sides = {
        "nearest": reach_rows.nearest_ours(world, world.places(copies * counts.facilities)),
        "searches": reach_rows.searches_ours(world, world.places(copies * counts.searches)),
        "circles": reach_rows.circles_ours(world, world.places(copies * counts.circles)),
        "attach": reach_rows.attach_ours(world, copies * counts.points),
    }
    seconds = {"network and index": network}
    for name, side in sides.items():
        (figure,), results = in_turn([side], repeats=repeats)
        results.clear()
        seconds[name] = figure["seconds"]
        if name == "circles":
            seconds["field"] = figure["set_up_seconds"]
    return {
        "copies": copies,
        "nodes": world.streets.x.size,
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "peak_mib": round(peak_mib(), 1),
        "libraries_and_streets_mib": round(held, 1),
    }


def _child(given: argparse.Namespace) -> None:
    """Do what one row's process is for and write what it found."""
    into, what, streets_file = (Path(given.child[0]), given.child[1], Path(given.child[2]))
    counts = Counts(**json.loads(given.child[3]))
    streets = load_streets(streets_file)
    group, _, wanted = what.partition(":")
    if group == "growth":
        world = World(stitch(streets, int(wanted)), counts)
        found: Any = measure_growth(world, int(wanted), repeats=given.repeats)
    elif wanted:
        (row,) = GROUPS[group](World(streets, counts))
        side: Side | None = row.ours if wanted == "ours" else row.peer
        found = None if side is None else own_peak_mib(side)
    else:
        rows = GROUPS[group](World(streets, counts))
        found = [measure_row(row, repeats=given.repeats) for row in rows]
    into.write_text(json.dumps(found), encoding="utf-8")


# --- what the whole does


def _in_own_process(what: str, streets: Path, counts: Counts, *, repeats: int, folder: Path) -> Any:
    into = folder / "found.json"
    numbers = json.dumps(dataclasses.asdict(counts))
    command = [sys.executable, __file__, "--repeats", str(repeats)]
    # Some peers talk on stdout: what is found comes back in a file.
    done = subprocess.run(
        [*command, "--child", str(into), what, str(streets), numbers],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode("utf-8", "replace"))
    return json.loads(into.read_text(encoding="utf-8"))


def growth_row(name: str, copies: Sequence[int], steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of one work's growth from its seconds on growing copies.

    Its ratio is that of a doubling, over all steps together: single ones are shown, and noisy.
    """
    seconds = [step["seconds"][name] for step in steps]
    ratios = [round(after / before, 2) for before, after in itertools.pairwise(seconds)]
    doublings = math.log2(copies[-1] / copies[0])
    whole = (seconds[-1] / seconds[0]) ** (1.0 / doublings) if doublings else None
    ratio = None if whole is None else round(whole, 2)
    return {"work": name, "seconds": seconds, "steps": ratios, "ratio": ratio}


def _growth(
    streets: Path, counts: Counts, *, repeats: int, folder: Path, copies: tuple[int, ...]
) -> dict[str, Any]:
    fewer = dataclasses.replace(
        counts,
        circles=max(counts.circles // GROWTH_PARTS["circles"], 1),
        points=max(counts.points // GROWTH_PARTS["points"], 1),
    )
    steps = [
        _in_own_process(f"growth:{count}", streets, fewer, repeats=repeats, folder=folder)
        for count in copies
    ]
    return {
        "row": "growth",
        "streets": load_streets(streets).name,
        "copies": list(copies),
        "nodes": [step["nodes"] for step in steps],
        "peak_mib": [step["peak_mib"] for step in steps],
        "at_most": MOST_GROWTH,
        "works": [growth_row(name, copies, steps) for name in steps[0]["seconds"]],
    }


def short_of_design(found: dict[str, Any]) -> list[str]:
    """Return a line for each row whose ratio falls short, or whose values differ.

    Examples
    --------
    >>> row = {"row": "attach", "ratio": 4.0, "at_least": 5.0, "same": True}
    >>> short_of_design({"rows": [row], "growth": []})
    ['attach: 4.0 x, at least 5.0 x wanted']
    >>> short_of_design({"rows": [], "growth": []})
    []
    """
    short = []
    for row in found["rows"]:
        if row.get("at_least") is not None and row["ratio"] < row["at_least"]:
            short.append(f"{row['row']}: {row['ratio']} x, at least {row['at_least']} x wanted")
        if not row.get("same", True):
            short.append(f"{row['row']}: the values are not the same, or not true")
    for growth in found["growth"]:
        short += [
            f"growth of {work['work']} on {growth['streets']}: {work['ratio']} x for a doubling, "
            f"at most {growth['at_most']} x wanted"
            for work in growth["works"]
            if work["ratio"] is not None and work["ratio"] > growth["at_most"]
        ]
    return short


def _print_row(row: dict[str, Any]) -> None:
    print(f"\n{row['row']}: {row['work']}")
    if "skipped" in row:
        print(f"  {row['skipped']}")
        return
    for side in (row["ours"], row["peer"]):
        memory = f"{side['work_mib']:>9,.0f} MiB" if "work_mib" in side else ""
        print(
            f"  {side['way']:<52}{side['seconds']:>9.4f} s{side['items']:>9,} items"
            f"{side['ms_an_item']:>12.4f} ms each   set-up {side['set_up_seconds']:.2f} s{memory}"
        )
    wanted = f" (at least {row['at_least']:g})" if row["at_least"] else ""
    print(f"  ratio {row['ratio']:g}{wanted}; with set-up {row['ratio_with_set_up']:g}")
    shown = ("row", "work", "at_least", "ours", "peer", "ratio", "ratio_with_set_up")
    print("  " + ", ".join(f"{key} {row[key]}" for key in row if key not in shown))


def _print_growth(row: dict[str, Any]) -> None:
    print(f"\ngrowth: {row['streets']}, copies {row['copies']}, nodes {row['nodes']}")
    for work in row["works"]:
        times = "".join(f"{value:>10.3f}" for value in work["seconds"])
        print(f"  {work['work']:<20}{times} s   a doubling {work['ratio']}, steps {work['steps']}")
    print(
        f"  {'peak memory':<20}" + "".join(f"{value:>10,.0f}" for value in row["peak_mib"]), "MiB"
    )


def measure(given: argparse.Namespace, counts: Counts) -> dict[str, Any]:
    """Run the chosen rows, print them as they come, and return all figures."""
    found: dict[str, Any] = {
        "benchmark": "reach",
        "machine": machine(threads()),
        "counts": dataclasses.asdict(counts),
        "repeats": given.repeats,
        "streets": [],
        "rows": [],
        "growth": [],
    }
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), []
        for number, path in enumerate(given.roads or [None]):
            draw = partial(invented_streets, given.crossings, seed=counts.seed)
            seconds, streets = timed(draw if path is None else partial(read_streets, path))
            files.append(folder / f"streets{number}.npz")
            save_streets(streets, files[-1])
            told = {"name": streets.name, "nodes": streets.x.size, "edges": streets.u.size}
            found["streets"].append(told | {"seconds": round(seconds, 2)})
            print(", ".join(f"{key} {value}" for key, value in found["streets"][-1].items()))
        options = {"repeats": given.repeats, "folder": folder}
        for group in (group for group in GROUPS if group in given.rows):
            rows = _in_own_process(group, files[0], counts, **options)
            if group != "peers":
                for side in ("ours", "peer"):
                    rows[0][side] |= _in_own_process(f"{group}:{side}", files[0], counts, **options)
            found["rows"] += rows
            for row in rows:
                _print_row(row)
        if "growth" in given.rows:
            for file in files:
                found["growth"].append(_growth(file, counts, copies=given.copies, **options))
                _print_growth(found["growth"][-1])
    return found


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def main() -> None:
    """Print both sides and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--roads", type=Path, action="append", metavar="PATH")
    parser.add_argument("--crossings", type=int, default=120, help="of an invented lattice's side")
    parser.add_argument("--rows", default=",".join(ROWS), help=", ".join(ROWS))
    for field in dataclasses.fields(Counts):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    parser.add_argument("--copies", type=_numbers, default=COPIES, help="of growth")
    parser.add_argument("--repeats", type=int, default=15, help="the best of so many is taken")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures here as well")
    parser.add_argument("--check", action="store_true", help="exit 1 where the design is not met")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(given)
        return
    given.rows = given.rows.split(",")
    counts = Counts(
        **{field.name: getattr(given, field.name) for field in dataclasses.fields(Counts)}
    )
    unknown = sorted(set(given.rows) - set(ROWS))
    if unknown:
        parser.error(f"--rows {','.join(unknown)}: not among {', '.join(ROWS)}")
    if min(dataclasses.astuple(counts)) < 1 or given.repeats < 1 or given.crossings < 2:  # noqa: PLR2004 - one street
        parser.error("every count must be at least 1, and crossings at least 2")
    if min(given.copies) < 1 or list(given.copies) != sorted(set(given.copies)):
        parser.error("--copies must be numbers of at least 1, ascending")
    start = time.perf_counter()
    found = measure(given, counts)
    found["seconds_of_all"] = round(time.perf_counter() - start, 1)
    found["short_of_design"] = short_of_design(found)
    about = found["machine"]
    print(f"\n{about['processor']}, {about['processors']} processors, {about['threads']} threads,")
    print(f"load {about['load_average']}, Python {about['python']}, {about['system']}")
    print(", ".join(f"{name} {version}" for name, version in about["versions"].items()))
    print(f"{found['seconds_of_all']} s in all")
    for line in found["short_of_design"]:
        print(f"short of the design: {line}")
    if given.json is not None:
        text = json.dumps(found, ensure_ascii=False, indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")
    if given.check and found["short_of_design"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
