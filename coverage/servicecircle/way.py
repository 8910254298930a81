"""The ways from one place to the nearest facilities, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.crs import transformer
from servicecircle.errors import InputError
from servicecircle.inputs.load import read_inputs
from servicecircle.measure.access import Points, straight_distances
from servicecircle.measure.ground import Ground, lay_ground
from servicecircle.measure.layers import open_points
from servicecircle.measure.ways import Way
from servicecircle.messages import Language, label
from servicecircle.network.paths import foot_places, way_lines
from servicecircle.network.reach import nearest
from servicecircle.network.several import nearest_several
from servicecircle.network.travel import Direction
from servicecircle.outputs.way_files import write_ways
from servicecircle.problems import Problem
from servicecircle.progress import Progress, Silent
from servicecircle.project import ProfileName, Project
from servicecircle.standards.names import settle_names

__all__ = ["find_ways", "ways_text"]

_WGS84 = "EPSG:4326"
COLUMNS = (
    "layer",
    "profile",
    "rank",
    "facility_id",
    "name",
    "metres",
    "minutes",
    "straight_metres",
    "status",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked for: a place in metres, how many facilities."""

    place: tuple[float, float]
    count: int


def find_ways(
    project: Project,
    place: tuple[float, float],
    layers: Sequence[str] = (),
    *,
    profile: ProfileName | None = None,
    count: int = 1,
    out: Path | None = None,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Find the ways between a place and the nearest open facilities of some layers.

    Parameters
    ----------
    project : Project
        With roads.
    place : tuple of float
        Longitude and latitude, WGS84.
    layers : sequence of str
        Layers of the project; all where empty.
    profile : str, optional
        How to travel; else as each layer does.
    count : int
        Facilities of each layer, at least 1.
    out : pathlib.Path, optional
        GeoJSON file to write.
    progress : Progress, optional

    Returns
    -------
    geopandas.GeoDataFrame
        layer, profile, rank (1 is the nearest), facility_id, name, metres, minutes,
        straight_metres, status (reached, unreachable, unsnapped), geometry: the way in EPSG:4326
        as it is travelled, access legs included. A layer of which nothing is reached has one row,
        without a facility.

    Raises
    ------
    InputError
        With every fault of the inputs, among them a layer that the project has not, and no roads.
    OutputError
        If the file cannot be written.
    """
    watch = progress or Silent()
    chosen = _chosen(project, layers)
    names = settle_names(chosen)
    if names.faults:
        raise InputError(names.faults)
    inputs = read_inputs(
        chosen, selectors=names.selectors(chosen), progress=watch, asked=names.asked
    )
    with watch.stage("ground"):
        ground = lay_ground(chosen, inputs)
    to_metres = transformer(_WGS84, ground.metric.crs)
    x, y = to_metres.transform(*place)
    if not (np.isfinite(x) and np.isfinite(y)):
        raise InputError(_fault("way.no_place", f"{place[0]:g}, {place[1]:g}"))
    asked = _Asked(place=(float(x), float(y)), count=count)
    with watch.stage("access", len(chosen.facilities)) as advance:
        tables = []
        for layer in chosen.facilities:
            way = ground.way(profile or chosen.layer_profile(layer))
            if way is not None:
                tables.append(_ways_of_layer(chosen, ground, layer, way, asked))
            advance(1)
    table = pd.concat(tables, ignore_index=True)
    ways = gpd.GeoDataFrame(table, geometry="geometry", crs=ground.metric.crs).to_crs(_WGS84)
    if out is not None:
        write_ways(ways, out)
    return ways


def _chosen(project: Project, layers: Sequence[str]) -> Project:
    """Return the project with these layers alone, and without people, whom nobody asks for."""
    faults = [
        project.fault("circles.layer", ("facilities", layer), value=layer, known=project.facilities)
        for layer in layers
        if layer not in project.facilities
    ]
    if project.roads is None:
        faults.append(project.fault("way.no_roads", ("roads",), value="", known=()))
    if faults:
        raise InputError(faults)
    wanted = {
        layer: settings.model_copy(update={"count_only": False})
        for layer, settings in project.facilities.items()
        if layer in (layers or project.travel_layers)
    }
    return project.with_layers(wanted).model_copy(update={"population": None})


def _fault(code: str, value: str) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", value=value)


def _ways_of_layer(
    project: Project, ground: Ground, layer: str, way: Way, asked: _Asked
) -> pd.DataFrame:
    """Return a row for each of the nearest facilities of a layer; one where there is none."""
    direction = project.facilities[layer].direction
    x, y = np.array([asked.place[0]]), np.array([asked.place[1]])
    start = way.attach(Points(ids=np.array(["from"], object), x=x, y=y, at=None))
    targets = open_points(ground, layer, project.project.as_of, points=way.facilities)
    names = dict(zip(ground.facilities["facility_id"], ground.facilities["name"], strict=True))
    rows = []
    if start.at is not None and targets.at is not None:
        found = nearest_several(
            way.travel, start.at, targets.at, k=asked.count, direction=direction
        )
        for rank, target in enumerate(found.target[0].tolist(), 1):
            if target < 0:
                continue
            one = targets.take(np.array([target]))
            rows.append(
                {
                    "rank": rank,
                    "facility_id": str(one.ids[0]),
                    **_one_way(way, start, one, direction),
                }
            )
    if not rows:
        attached = start.at is not None and bool(start.at.attached[0])
        status = "unreachable" if attached else "unsnapped"
        rows = [{"rank": 1, "facility_id": "", "status": status, "geometry": None}]
    return pd.DataFrame(
        [
            {"layer": layer, "profile": way.profile.name, "name": names.get(row["facility_id"], "")}
            | {"metres": np.nan, "minutes": np.nan, "straight_metres": np.nan}
            | row
            for row in rows
        ],
        columns=[*COLUMNS, "geometry"],
    )


def _one_way(way: Way, start: Points, target: Points, direction: Direction) -> dict[str, object]:
    """Return metres, minutes and the line of the way between a place and one facility."""
    if start.at is None or target.at is None:
        return {}
    found = nearest(way.travel, start.at, target.at, direction=direction)
    line = way_lines(
        way.travel,
        start.at,
        target.at,
        places=np.column_stack([start.x, start.y]),
        target_places=_door_places(way, target),
        direction=direction,
    )[0]
    metres, cost = float(found.metres[0]), float(found.cost[0])
    seconds = cost if way.travel.unit == "seconds" else metres / way.profile.metres_per_second
    return {
        "metres": metres,
        "minutes": seconds / 60.0,
        "straight_metres": float(straight_distances(start, target)[0]),
        "status": "reached",
        "geometry": line,
    }


def _door_places(way: Way, target: Points) -> NDArray[np.float64]:
    """Return where the access leg of each foot of a facility begins: its place, or a door."""
    if target.at is None:
        return np.empty((0, 2))
    feet = foot_places(way.travel, target.at)
    shape = target.shapes[0]
    if shape.geom_type == "MultiPoint":
        doors = shapely.get_coordinates(shape)
        away = np.hypot(*(feet[:, None] - doors[None]).transpose(2, 0, 1))
        # The entrance whose leg this is, not one that happens to be nearer to the foot.
        off = np.abs(away - target.at.leg_m[:, None])
        return np.asarray(doors[np.argmin(np.nan_to_num(off, nan=np.inf), axis=1)])
    outline = shapely.boundary(shape) if shape.geom_type != "Point" else shape
    legs = shapely.shortest_line(outline, shapely.points(np.nan_to_num(feet)))
    return np.asarray(shapely.get_coordinates(shapely.get_point(legs, 0)))


def ways_text(ways: gpd.GeoDataFrame, language: Language) -> str:
    """Return ways as text, a line for each.

    Parameters
    ----------
    ways : geopandas.GeoDataFrame
        From :func:`find_ways`.
    language : {"zh", "en"}

    Examples
    --------
    >>> row = dict.fromkeys(COLUMNS, "") | {"layer": "canteen", "status": "unsnapped"}
    >>> print(ways_text(gpd.GeoDataFrame([row], geometry=[None]), "en"))
    canteen: the place is too far from any road of the profile
    """
    lines = []
    for row in ways.drop(columns="geometry").to_dict("records"):
        if row["status"] != "reached":
            lines.append(label(f"way_{row['status']}", language).format(**row))
        else:
            lines.append(label("way_reached", language).format(**row))
    return "\n".join(lines)
