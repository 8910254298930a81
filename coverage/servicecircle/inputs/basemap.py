"""What a map has beneath its services: water and other barriers as given, online tiles if asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.vectors import read_vector
from servicecircle.problems import Problem
from servicecircle.project import Project

__all__ = ["NO_BASEMAP", "Basemap", "read_basemap"]

_LINES_AND_AREAS = (1, 2, 3, 5, 6)


def _none() -> NDArray[np.object_]:
    return np.array([], dtype=object)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Basemap:
    """What is drawn beneath the services.

    Parameters
    ----------
    water, barriers : numpy.ndarray of shapely.Geometry
        Lines and areas in WGS84: those of ``[map] water``, those of ``[roads] barriers``.
    tiles : {"osm", "tianditu", "gaode"}, optional
        Whose tiles the page may fetch.
    key : str
        For Tianditu.
    """

    water: NDArray[np.object_] = field(default_factory=_none)
    barriers: NDArray[np.object_] = field(default_factory=_none)
    tiles: Literal["osm", "tianditu", "gaode"] | None = None
    key: str = ""


NO_BASEMAP = Basemap()


def read_basemap(
    project: Project, *, barriers: NDArray[np.object_] | None
) -> tuple[Basemap, list[Problem]]:
    """Read the water that a project names for its map.

    Parameters
    ----------
    project : Project
    barriers : numpy.ndarray of shapely.Geometry, optional
        As they were read with the roads.

    Returns
    -------
    basemap : Basemap
    problems : list of Problem
        A feature that is neither a line nor an area is set aside.

    Raises
    ------
    InputError
        If the file is missing, broken or without a known CRS.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ...     "map": {"tiles": "osm"},
    ... })
    >>> basemap, problems = read_basemap(project, barriers=None)
    >>> basemap.tiles, basemap.water.size, problems
    ('osm', 0, [])
    """
    settings = project.map
    water = _none()
    problems: list[Problem] = []
    if settings.water is not None:
        name = settings.water.as_posix()
        path = project.folder / settings.water
        if not path.is_file():
            raise InputError(fatal("input.missing_file", name=name, value=name))
        frame, problems = read_vector(path, name=name)
        shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
        known = np.isin(shapely.get_type_id(shapes), _LINES_AND_AREAS) & ~shapely.is_empty(shapes)
        told = {problem.row for problem in problems if problem.action == "set_aside"}
        problems += [
            Problem(
                code="map.no_shape",
                severity="error",
                action="set_aside",
                file=name,
                row=at + 1,
                value="" if shapes[at] is None else str(shapes[at].geom_type),
            )
            for at in np.flatnonzero(~known).tolist()
            if at + 1 not in told
        ]
        water = shapes[known]
    return Basemap(
        water=water,
        barriers=_none() if barriers is None else barriers,
        tiles=settings.tiles,
        key=settings.tianditu_key,
    ), problems
