"""A file of siting, plots or excluded areas, read and placed by the rules of facility lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.attribute_words import ListWords
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_reference import surroundings
from servicecircle.inputs.entrances import doors_in_wgs84
from servicecircle.inputs.facility_cells import Cells
from servicecircle.inputs.facility_places import Places, settle_places
from servicecircle.inputs.facility_sources import read_raw
from servicecircle.inputs.grids import stop
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.osm_extract import OsmSource
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.problems import Problem
from servicecircle.project import CandidateSettings, FacilitySettings, Project, ZoneSettings

__all__ = ["AREAS", "SiteFile", "empty_fault", "read_site_file"]

Shapes = NDArray[np.object_]

AREAS = (3, 6)
"""Types of geometry that have ground: polygons and multipolygons."""
_FROM_PATH = (
    *("path", "sheet", "layer", "crs", "datum", "swap_axes", "towgs84", "local_grid"),
    *("datum_reference", "encoding", "columns", "only", "osm"),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SiteFile:
    """A file with the places of its rows.

    Parameters
    ----------
    settings : FacilitySettings
        By which it was read.
    raw : RawFacilities
    places : Places
    doors : numpy.ndarray of shapely.Geometry, shape (n,)
        Outline or entrances of each row in WGS84, None where it has one place alone.
    cells : Cells
    """

    settings: FacilitySettings
    raw: RawFacilities
    places: Places
    doors: Shapes
    cells: Cells


def read_site_file(
    project: Project,
    inputs: Inputs,
    given: CandidateSettings | ZoneSettings,
    *,
    selectors: tuple[str, ...] = (),
    words: ListWords | None = None,
) -> SiteFile:
    """Read a file that ``[siting]`` names, and place its rows.

    Parameters
    ----------
    project : Project
    inputs : Inputs
        Units, roads and facilities tell where a list of unknown datum lies.
    given : CandidateSettings or ZoneSettings
        With a path.
    selectors : tuple of str
        Of OpenStreetMap data, where the settings name none.
    words : ListWords, optional
        Columns beyond those of every list.

    Raises
    ------
    InputError
        If it is missing, broken or empty, or its datum cannot be.
    """
    keys = [name for name in _FROM_PATH if name in type(given).model_fields]
    settings = FacilitySettings(**{name: getattr(given, name) for name in keys})
    raw = read_raw(
        settings,
        base=project.folder,
        selectors=OsmSource(selectors=selectors),
        words=words or ListWords(),
    )
    file = settings.path.as_posix()
    if not len(raw.frame):
        raise InputError([empty_fault(file), *raw.problems[:5]])
    known = Known(units=inputs.units if len(inputs.units) else None)
    if settings.datum == "auto":
        known = surroundings(
            settings.datum_reference,
            file=file,
            base=project.folder,
            units=inputs.units,
            roads=inputs.roads,
            facilities={name: one.frame for name, one in inputs.facilities.items()},
        )
    if not raw.place:
        known_columns = ", ".join(map(str, raw.frame.columns))
        raise stop("site.no_place_columns", file=file, sheet=raw.sheet, known=known_columns)
    grid = grid_of(settings)
    places = settle_places(raw, file=file, datum=settings.datum, grid=grid, known=known)
    return SiteFile(
        settings=settings,
        raw=raw,
        places=places,
        doors=doors_in_wgs84(raw, places, grid=grid, name=file),
        cells=Cells(raw, file),
    )


def empty_fault(file: str) -> Problem:
    """Return the fault of a file that nothing can be used of.

    Examples
    --------
    >>> empty_fault("plots.csv").code
    'input.empty_layer'
    """
    return Problem(code="input.empty_layer", severity="fatal", action="stopped", file=file)
