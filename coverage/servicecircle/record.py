"""What ``run.json`` says of a run: its choices, its inputs, and sums that close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from servicecircle.inputs.datum_record import datum_record
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.runs import FORMAT
from servicecircle.measure.ground import Ground
from servicecircle.measure.layers import Access
from servicecircle.measure.presence import is_open
from servicecircle.messages import LANGUAGES, label
from servicecircle.network.compiled import threads
from servicecircle.outputs.run_record import describe_environment, sha256_of
from servicecircle.project import (
    BoundarySettings,
    FacilitySettings,
    PopulationSettings,
    Project,
    RoadSettings,
    StaffSettings,
    StatisticsSettings,
)
from servicecircle.standards.monte_carlo import speed_distribution

__all__ = ["OSM_CREDIT", "record_of"]

_Source = (
    BoundarySettings
    | FacilitySettings
    | PopulationSettings
    | RoadSettings
    | StaffSettings
    | StatisticsSettings
)

OSM_CREDIT = "© OpenStreetMap contributors, ODbL 1.0"


def record_of(
    project: Project, inputs: Inputs, ground: Ground, access: Access, *, cell_m: float
) -> dict[str, Any]:
    """Return the record of a run, but for the seconds of its stages.

    Parameters
    ----------
    project : Project
    inputs : Inputs
    ground : Ground
    access : mapping of (layer, profile) to pandas.DataFrame
    cell_m : float
        Cell that circles were drawn with.
    """
    people = inputs.population
    network = ground.network
    status = {
        f"{layer} ({profile})": {
            str(name): int(count) for name, count in table["status"].value_counts().items()
        }
        for (layer, profile), table in access.items()
    }
    return {
        "command": "run",
        "format": FORMAT,
        "environment": describe_environment(),
        "project": project.model_dump(
            mode="json", exclude_none=True, exclude={"map": {"tianditu_key"}}
        ),
        "invented": project.project.invented,
        "notice": _notice(project),
        "workers": threads(),
        "invented_layers": [
            name
            for name, settings in project.facilities.items()
            if settings.invented or project.project.invented
        ],
        "crs": f"{ground.metric.name} ({ground.metric.crs})",
        "crs_scale_error_ppm": round(ground.metric.scale_error_ppm, 3),
        "crs_fitted": ground.metric.fitted,
        "datums": datum_record(project, inputs.problems),
        "inputs": _hashes(project, inputs),
        "population": {
            **ground.balance,
            "basis": people.basis if people is not None else None,
            "age_from": people.age_from if people is not None else None,
            "date": people.date if people is not None else None,
        },
        "facilities": {
            name: {
                "rows_in": data.rows_in,
                "rows_set_aside": data.rows_set_aside,
                "rows_filtered": data.rows_filtered,
                "rows_used": len(data.frame),
                "open": int(is_open(data.frame, project.project.as_of).sum()),
                "placed_by": {
                    str(way) or "nothing": int(count)
                    for way, count in sorted(data.frame["placed_by"].value_counts().items())
                },
            }
            for name, data in inputs.facilities.items()
        },
        "staff": None
        if inputs.staff is None
        else {
            "rows_in": inputs.staff.rows_in,
            "rows_set_aside": inputs.staff.rows_set_aside,
            "rows_used": inputs.staff.rows_in - inputs.staff.rows_set_aside,
            "numbers": len(inputs.staff.frame),
        },
        "statistics": None
        if inputs.statistics is None
        else {
            "rows_in": inputs.statistics.rows_in,
            "rows_set_aside": inputs.statistics.rows_set_aside,
            "rows_used": inputs.statistics.rows_in - inputs.statistics.rows_set_aside,
            "figures": len(inputs.statistics.frame),
        },
        "units": dict(inputs.unit_checks),
        "proposals": {
            str(kind): int(count)
            for kind, count in inputs.proposals["kind"].value_counts().sort_index().items()
        },
        "roads": dict(inputs.roads.counts) if inputs.roads is not None else None,
        "network": None
        if network is None
        else {
            "nodes": int(network.x.size),
            "edges": int(network.u.size),
            "metres": float(network.length_m.sum()),
            "components": int(network.component_m.size),
            "eligible_edges": int(network.eligible.sum()),
            "min_component_m": network.min_component_m,
            "max_snap_m": project.network.max_snap_m,
        },
        "circles": {"cell_m": cell_m, "draw_m": project.network.draw_m},
        "profiles": {
            name: way.described()
            for name in sorted({profile for _, profile in access})
            if (way := ground.way(name)) is not None
        },
        "access": status,
        "edge": dict(ground.edge),
        "monte_carlo": None
        if project.monte_carlo is None
        else {
            **project.monte_carlo.model_dump(),
            "speed_elderly": speed_distribution(project.speed_kmh("elderly")),
            "facilities": "evenly from the disc of position_error_m",
            "people": "evenly over the disc of position_error_m; a raster's cell in parts",
            "residuals": "evenly between points and official figure, by unit",
        },
        "credits": _credits(project, inputs),
    }


def _credits(project: Project, inputs: Inputs) -> list[str]:
    """Return what the licences of the inputs ask to be said wherever results are shown."""
    osm = any(path.name.endswith((".osm", ".pbf", ".graphml")) for path in inputs.files)
    own = [OSM_CREDIT] if osm and not project.project.invented else []
    declared = [source.credit.strip() for source in _sources(project).values()]
    return list(dict.fromkeys([*own, *filter(None, declared)]))


def _sources(project: Project) -> dict[str, _Source]:
    """Return the settings of every source by its table in the project file."""
    sources: dict[str, _Source] = {
        f"boundaries.{name}": settings for name, settings in project.boundaries.items()
    }
    sources |= {} if project.roads is None else {"roads": project.roads}
    sources |= {} if project.population is None else {"population": project.population}
    sources |= dict(project.facilities.items())
    sources |= {} if project.staff is None else {"staff": project.staff}
    return sources | ({} if project.statistics is None else {"statistics": project.statistics})


def _hashes(project: Project, inputs: Inputs) -> dict[str, str]:
    """Return the sha256 of every input file, by its path in the project's folder, else its name."""
    hashes: dict[str, str] = {}
    for given in inputs.files:
        for path in _with_parts(given):
            inside = path.is_relative_to(project.folder)
            name = path.relative_to(project.folder).as_posix() if inside else path.name
            number = 2
            while name in hashes:
                # Files of one name from several folders outside the project's.
                name = f"{path.name} #{number}"
                number += 1
            hashes[name] = sha256_of(path)
    return hashes


def _with_parts(path: Path) -> list[Path]:
    """Return a file, and for a shapefile the files beside it that it is made of."""
    if path.suffix.lower() != ".shp":
        return [path]
    stem = path.stem
    return sorted(one for one in path.parent.iterdir() if one.stem == stem and one.is_file())


def _notice(project: Project) -> str | None:
    """Return in both languages what of the data is invented; None if nothing is."""
    sources = [name for name, settings in _sources(project).items() if settings.invented]
    if project.project.invented:
        key, names = "invented_banner", ""
    elif sources:
        key, names = "invented_layers", ", ".join(sources)
    else:
        return None
    return " / ".join(label(key, language).format(layers=names) for language in LANGUAGES)
