"""Where the people of a project live, counted by its units and by earlier outlines of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd

from servicecircle.errors import InputError
from servicecircle.inputs.boundaries import read_boundaries
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.people_shares import Residents, count_residents
from servicecircle.inputs.population import read_population
from servicecircle.inputs.roads import read_roads
from servicecircle.inputs.unit_layers import read_units
from servicecircle.project import BoundarySettings, Project

__all__ = ["project_residents"]


def project_residents(
    project: Project, *, level: str, as_of: dt.date, old_boundaries: Path | None = None
) -> Residents:
    """Count the people of a project in its units of one level.

    Parameters
    ----------
    project : Project
        With ``[population]`` and ``[boundaries.LEVEL]``, whose outlines are brought to ``as_of``
        by the project's own ``[changes]``. The people are those of the source, not scaled.
    level : str
    as_of : datetime.date
    old_boundaries : pathlib.Path, optional
        Outlines of the earlier date; else those of ``[changes.outlines.LEVEL]``, where given.

    Returns
    -------
    Residents

    Raises
    ------
    InputError
        If the project has no people or no units of the level, or a file cannot be read.

    Examples
    --------
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> project_residents(
    ...     project, level="county", as_of=dt.date(2025, 1, 1)
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: the project "town" has no [population] to share by...
    """
    faults = []
    if project.population is None:
        faults.append(fatal("change.people_none", name="", value=project.project.name))
    if level not in project.boundaries:
        faults.append(fatal("change.people_no_level", name="", value=level))
    if faults or project.population is None:
        raise InputError(faults)
    day = project.project.model_copy(update={"as_of": as_of})
    dated = project.model_copy(update={"project": day})
    roads = None
    tested = any(settings.datum == "auto" for settings in dated.boundaries.values())
    if tested and dated.roads is not None:
        roads = read_roads(dated.roads, base=dated.folder)[0]
    data = read_units(dated, advance=lambda _: None, roads=roads)
    if data.faults:
        raise InputError(data.faults)
    old: gpd.GeoDataFrame | None = None
    if old_boundaries is not None:
        old, _ = read_boundaries(
            BoundarySettings(path=Path(old_boundaries.name)), level=level,
            base=old_boundaries.parent,
        )  # fmt: skip
    elif data.renewal is not None:
        old = data.renewal.outlines.get(level)
    people = read_population(project.population, base=dated.folder, units=data.units)
    units = data.units[data.units["level"] == level].reset_index(drop=True)
    return count_residents(units, people.demand, old=old, source=people.source, date=people.date)
