"""The 1 km rule: older persons of the main urban area within 1,000 m of a care home.

    python scripts/rule_1km.py [PROJECT.toml] [--metres 1000]

Without a project file the demo city is taken, which is invented. The share is given over the
roads and in a straight line: where a clause does not say which it means, both are needed. People
too far from the roads, or without a way over them, are not within and stay in the denominator.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import servicecircle as sc

LAYER, SCOPE = "care_home", "main_urban_area"


def main() -> None:
    """Print a row for each meaning of distance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", nargs="?", type=Path, help="default: the demo city")
    parser.add_argument("--metres", type=float, default=1000.0)
    given = parser.parse_args()
    project = sc.load_project(given.project or sc.demo_project())
    if LAYER not in project.facilities or SCOPE not in project.boundaries:
        parser.error(f"the project needs [facilities.{LAYER}] and [boundaries.{SCOPE}]")
    # Only what the rule needs: one layer, no circles, no plans.
    homes = project.facilities[LAYER].model_copy(update={"circles": False})
    results = sc.study_project(project.with_layers({LAYER: homes}))

    people = results.demand.merge(results.access, on="demand_id", validate="one_to_one")
    people = people[people[f"in_{SCOPE}"]]
    total = people["elderly"].sum()
    if not total > 0:
        parser.error(f"the project gives no older persons inside {SCOPE}")
    print(f"{results.name}, {results.as_of}: {total:,.0f} older persons in {SCOPE}")
    if results.invented or results.layers[0].invented:
        print("示意数据 / invented data")
    print(f"{'within':<24}{'older persons':>15}{'share':>10}")
    for words, column in (("over the roads", "metres"), ("in a straight line", "straight_metres")):
        if column == "metres" and not results.layers[0].on_network:
            print(f"{words:<24}{'no roads given':>15}")
            continue
        within = people.loc[sc.reaches(people[column], given.metres), "elderly"].sum()
        what = f"{given.metres:g} m {words}"
        print(f"{what:<24}{within:>15,.0f}{within / total:>10.1%}")


if __name__ == "__main__":
    main()
