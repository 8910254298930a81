"""What a project wants of its OpenStreetMap files, told before any of them is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from servicecircle.errors import InputError
from servicecircle.inputs.osm_extract import OsmFiles
from servicecircle.inputs.osm_file import OSM_SUFFIXES
from servicecircle.inputs.osm_wishes import (
    BUILDINGS,
    ENTRANCES,
    RESIDENTIAL_LAND,
    boundary_wish,
    facility_wish,
)
from servicecircle.project import Project

__all__ = ["osm_files"]


def osm_files(project: Project, selectors: Mapping[str, tuple[str, ...]]) -> OsmFiles:
    """Return the OpenStreetMap files of a project, and all that is wanted of them but roads.

    Parameters
    ----------
    project : Project
    selectors : mapping of str to tuple of str
        OpenStreetMap tag selectors of each facility layer.

    Examples
    --------
    >>> import datetime as dt
    >>> from pathlib import Path
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.osm", "admin_level": 8}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> files = osm_files(project, {})
    >>> files.take(Path("none.osm"), boundary_wish(8), name="none.osm")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: none.osm: file not found: none.osm...
    """
    wishes = [
        (boundary.path, boundary_wish(boundary.admin_level))
        for boundary in project.boundaries.values()
        if boundary.admin_level is not None
    ]
    for layer, listed in project.facilities.items():
        # A selector that cannot be read is refused when its layer is.
        with suppress(InputError):
            tags = (*selectors.get(layer, ()), *listed.osm)
            wishes.append((listed.path, facility_wish(tags, name=listed.path.as_posix())))
            wishes.append((listed.path, ENTRANCES))
    if (people := project.population) is not None:
        if people.spread == "buildings" and people.buildings is not None:
            wishes.append((people.buildings, BUILDINGS))
        if people.spread == "residential" and people.residential is not None:
            wishes.append((people.residential, RESIDENTIAL_LAND))
    return OsmFiles(
        (project.folder / path, wish)
        for path, wish in wishes
        if path.name.lower().endswith(tuple(OSM_SUFFIXES))
    )
