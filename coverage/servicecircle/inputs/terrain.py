"""What else lies on the ground of the roads: heights of their nodes, barriers to walk around."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.dem import read_heights
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.vectors import read_vector
from servicecircle.problems import Problem
from servicecircle.project import RoadSettings

__all__ = ["NO_TERRAIN", "Terrain", "read_terrain"]

_LINES_AND_AREAS = (1, 2, 3, 5, 6)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Terrain:
    """Heights and barriers.

    Parameters
    ----------
    heights_m : numpy.ndarray of float, optional
        Of the nodes of the roads, NaN where unknown; None without a DEM.
    barriers : numpy.ndarray of shapely.Geometry, optional
        Lines and polygons that no access leg crosses, in WGS84; None where none are given.
    """

    heights_m: NDArray[np.float64] | None = None
    barriers: NDArray[np.object_] | None = None


NO_TERRAIN = Terrain()


def read_terrain(
    settings: RoadSettings, roads: RawRoads, *, base: Path
) -> tuple[Terrain, list[Problem]]:
    """Read the DEM and the barriers that the project names for its roads.

    Parameters
    ----------
    settings : RoadSettings
    roads : RawRoads
    base : pathlib.Path
        Folder that paths are relative to.

    Returns
    -------
    terrain : Terrain
    problems : list of Problem

    Raises
    ------
    InputError
        With the faults of both files.

    Examples
    --------
    >>> settings = RoadSettings(path=Path("roads.gpkg"))
    >>> read_terrain(settings, None, base=Path())[0].barriers is None
    True
    """
    faults: list[Problem] = []
    problems: list[Problem] = []
    heights, barriers = None, None
    if settings.dem is not None:
        try:
            heights, found = read_heights(
                base / settings.dem, roads.lon, roads.lat, name=settings.dem.as_posix()
            )
            problems += found
        except InputError as error:
            faults += error.problems
    if settings.barriers is not None:
        try:
            barriers, found = _read_barriers(base / settings.barriers, settings.barriers.as_posix())
            problems += found
        except InputError as error:
            faults += error.problems
    if faults:
        raise InputError(faults)
    return Terrain(heights_m=heights, barriers=barriers), problems


def _read_barriers(path: Path, name: str) -> tuple[NDArray[np.object_], list[Problem]]:
    if not path.is_file():
        raise InputError(fatal("input.missing_file", name=name, value=name))
    frame, problems = read_vector(path, name=name, layer=None, crs=None, datum=None, encoding=None)
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    known = np.isin(shapely.get_type_id(shapes), _LINES_AND_AREAS) & ~shapely.is_empty(shapes)
    told = {problem.row for problem in problems if problem.action == "set_aside"}
    problems += [
        Problem(
            code="barrier.no_shape",
            severity="error",
            action="set_aside",
            file=name,
            row=at + 1,
            value="" if shapes[at] is None else str(shapes[at].geom_type),
        )
        for at in np.flatnonzero(~known).tolist()
        if at + 1 not in told
    ]
    return shapes[known], problems
