"""The townships that have no facility of a layer, for every layer of a project.

    python scripts/townships_without.py [PROJECT.toml] [--level township]

Without a project file the demo city is taken, which is invented. A facility counts for the units
it serves where a list says so, else for the unit it declares, else for the one it stands in; only
those open at the project's date count.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import servicecircle as sc


def main() -> None:
    """Print for each layer how many units have none, and their names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", nargs="?", type=Path, help="default: the demo city")
    parser.add_argument("--level", default="township")
    given = parser.parse_args()
    project = sc.load_project(given.project or sc.demo_project())
    if given.level not in project.boundaries:
        parser.error(f"the project needs [boundaries.{given.level}]")
    # Only what presence needs: no ways, no plans.
    layers = {
        name: settings.model_copy(update={"count_only": True})
        for name, settings in project.facilities.items()
    }
    results = sc.study_project(project.with_layers(layers))

    should = results.units.loc[results.units["should_have"], "unit_id"]
    rows = results.unit_coverage
    rows = rows[(rows["rule"] == "presence") & (rows["level"] == given.level)]
    rows = rows[rows["unit_id"].isin(should)]
    print(f"{results.name}, {results.as_of}: units of level {given.level} without a facility")
    for layer in results.layers:
        here = rows[rows["layer"] == layer.name]
        without = here[here["facilities"] == 0]
        mark = "（示意数据 / invented）" if layer.invented else ""
        print(f"{layer.zh} / {layer.en}{mark}: {len(without)} of {len(here)}")
        for name, code in zip(without["name"], without["code"], strict=True):
            print(f"  {name} {code}".rstrip())


if __name__ == "__main__":
    main()
