"""What the ground of a run may lack: roads inside the units, and everything beyond their edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.measure.completeness import COLUMNS, road_completeness, road_metres
from servicecircle.measure.edge import Edge, Exits, near_edge, outer_area, road_exits, unanswered
from servicecircle.measure.ways import PlacedRoads
from servicecircle.problems import Problem
from servicecircle.project import LEVELS, Project

__all__ = ["ROAD_COLUMNS", "Quality", "edge_limit_m", "ground_quality"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

ROAD_COLUMNS = (*COLUMNS, "edge_population", "edge_share")
_FOOTWAYS = frozenset({"footway", "path", "pedestrian", "steps"})
_BY_WAYS = frozenset({*_FOOTWAYS, "bridleway", "corridor", "cycleway", "service", "track", ""})
_SHOWN = 5
_FEW_EXITS = 5
_NOTABLE_SHARE = 0.01


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Quality:
    """What the ground of a run may lack.

    Parameters
    ----------
    roads_by_unit : pandas.DataFrame
        The table ``roads_by_unit.csv``.
    edge : mapping
        The block ``edge`` of ``run.json``.
    problems : tuple of Problem
    exits : Exits, optional
        Where roads lead out; None without roads.
    area : shapely.Geometry
        That all units cover, in metres.
    """

    roads_by_unit: pd.DataFrame
    edge: Mapping[str, object]
    problems: tuple[Problem, ...]
    exits: Exits | None = None
    area: shapely.Geometry = field(default_factory=shapely.Polygon)


def edge_limit_m(project: Project) -> float:
    """Return how far people go at most under the rules, in metres, by profiles of known speed.

    Parameters
    ----------
    project : Project

    Examples
    --------
    >>> import datetime as dt
    >>> edge_limit_m(Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "t.geojson"}},
    ...     "facilities": {"canteen": {"path": "c.csv", "profile": "elderly"}},
    ... }))
    1000.0
    """
    speeds = [project.speed_kmh(project.layer_profile(layer)) for layer in project.travel_layers]
    known = [speed for speed in speeds if np.isfinite(speed)]
    by_time = max(project.rules.minutes) * max(known, default=0.0) * 1000.0 / 60.0
    return float(max(by_time, *project.rules.metres))


def ground_quality(
    project: Project,
    units: gpd.GeoDataFrame,
    units_xy: Shapes,
    *,
    roads: PlacedRoads | None,
    facilities: tuple[pd.DataFrame, Floats, Floats],
    demand: tuple[pd.DataFrame, Floats, Floats],
) -> Quality:
    """Look for gaps in the roads, and for people near the edge of the study area.

    Parameters
    ----------
    project : Project
    units : geopandas.GeoDataFrame
        unit_id, code, name, level.
    units_xy : numpy.ndarray of shapely geometries, shape (p,)
        Of the units, in metres.
    roads : PlacedRoads or None
    facilities : tuple
        Table with ``layer`` and ``unit_<level>``, and places in metres.
    demand : tuple
        Table with population, elderly and ``unit_<level>``, and places in metres.

    Returns
    -------
    Quality
        Without roads and people there is nothing to say.
    """
    people = _people(demand[0])
    if roads is None and not people.size:
        return Quality(roads_by_unit=pd.DataFrame(columns=list(ROAD_COLUMNS)), edge={}, problems=())
    ends = None
    walked = np.empty(0, np.bool_)
    if roads is not None:
        walked = roads.raw.walk & ~roads.raw.ferry
        ends = roads.raw.u[walked], roads.raw.v[walked]
    limit_m = edge_limit_m(project)
    area = outer_area(units_xy, units["level"].to_numpy(object))
    exits = None
    if roads is not None and ends is not None:
        by_way = np.array([name in _BY_WAYS for name in roads.raw.class_names], np.bool_)
        exits = road_exits(
            roads.x,
            roads.y,
            ends,
            area,
            limit_m=limit_m,
            through=None if by_way.all() else ~by_way[roads.raw.way_class[walked]],
        )
    edge = near_edge(demand[1], demand[2], area, limit_m=limit_m, exits=exits)
    inside = _in_any_unit(demand[0])
    tables = []
    for level in LEVELS:
        mine = np.flatnonzero((units["level"] == level).to_numpy())
        if not mine.size:
            continue
        rows = pd.DataFrame(units.iloc[mine].drop(columns="geometry")).reset_index(drop=True)
        if roads is not None and ends is not None:
            metres = road_metres(roads.x, roads.y, ends, units_xy[mine])
        else:
            metres = np.full(mine.size, np.nan)
        whole, near = (
            _by_unit(demand[0], rows, level, people, chosen) for chosen in (inside, edge.near)
        )
        table = road_completeness(rows, units_xy[mine], road_m=metres, people=whole)
        if roads is None:
            table["status"] = "no_roads"
        table["edge_population"] = near
        table["edge_share"] = np.divide(
            near, whole, out=np.full(mine.size, np.nan), where=whole > 0.0
        )
        tables.append(table.reindex(columns=list(ROAD_COLUMNS)))
    record, problems = _edge_record(
        project, facilities, demand, edge, people, inside, tables[-1], area
    )
    for table in tables:
        problems += _gap_problems(table, project)
    if roads is not None:
        problems += _footway_problems(roads)
    return Quality(
        roads_by_unit=pd.concat(tables, ignore_index=True),
        edge=record,
        problems=tuple(problems),
        exits=exits,
        area=area,
    )


def _people(demand: pd.DataFrame) -> Floats:
    """Return the people of points, the elderly where only those are known."""
    column = "population" if demand["population"].notna().any() else "elderly"
    return demand[column].to_numpy(np.float64)


def _in_any_unit(table: pd.DataFrame) -> Bools:
    found = np.zeros(len(table), np.bool_)
    for level in LEVELS:
        if f"unit_{level}" in table:
            found |= table[f"unit_{level}"].notna().to_numpy()
    return found


def _by_unit(
    demand: pd.DataFrame, rows: pd.DataFrame, level: str, people: Floats, chosen: Bools
) -> Floats:
    """Add up the people of chosen points by unit; NaN where there are no figures at all."""
    column = f"unit_{level}"
    if column not in demand or not np.isfinite(people).any():
        return np.full(len(rows), np.nan)
    unit = pd.Index(rows["unit_id"]).get_indexer(demand[column].fillna(""))
    here = (unit >= 0) & chosen
    sums = np.bincount(unit[here], np.nan_to_num(people[here]), len(rows))
    return sums.astype(np.float64)


def _edge_record(
    project: Project,
    facilities: tuple[pd.DataFrame, Floats, Floats],
    demand: tuple[pd.DataFrame, Floats, Floats],
    edge: Edge,
    people: Floats,
    inside: Bools,
    lowest: pd.DataFrame,
    area: shapely.Geometry,
) -> tuple[dict[str, object], list[Problem]]:
    table, x, y = facilities
    beyond = np.isfinite(x) & np.isfinite(y) & ~_in_any_unit(table)
    # One on the other side of the country is a wrong place, no neighbour.
    beyond[beyond] = shapely.dwithin(area, shapely.points(x[beyond], y[beyond]), edge.limit_m)
    outside = {
        layer: int((beyond & (table["layer"] == layer).to_numpy()).sum())
        for layer in project.facilities
    }
    near = float(np.nansum(people[edge.near & inside]))
    whole = float(np.nansum(people[inside]))
    share = near / whole if whole > 0.0 else np.nan
    record: dict[str, Any] = {
        "limit_m": edge.limit_m,
        "people": near,
        "share": share,
        "facilities_beyond": outside,
    }
    problems: list[Problem] = []
    file = "" if project.roads is None else str(project.roads.path.as_posix())
    exits = edge.exits
    if exits is not None:
        record |= {
            "roads_crossing": exits.crossings,
            "roads_cut": exits.cut,
            "roads_crossing_short": exits.short,
            "road_m_beyond": exits.road_m_beyond,
        }
        total = exits.crossings + exits.cut
        if exits.cut > max(exits.crossings, _FEW_EXITS):
            problems.append(_found("edge.roads_cut", file, exits.cut, edge, total=total))
        if exits.short > max(exits.crossings / 2.0, _FEW_EXITS):
            problems.append(
                _found("edge.roads_short", file, exits.short, edge, total=exits.crossings)
            )
    # Layers that lack facilities beyond the same exits are told of together.
    groups: dict[bytes, tuple[Bools, list[str]]] = {}
    open_people = {}
    for layer in project.travel_layers:
        mine = beyond & (table["layer"] == layer).to_numpy()
        lacking = unanswered(edge, demand[1], demand[2], area, beyond=(x[mine], y[mine]))
        open_people[layer] = float(np.nansum(people[lacking & inside]))
        groups.setdefault(lacking.tobytes(), (lacking, []))[1].append(layer)
    record["people_without_facilities_beyond"] = open_people
    for lacking, layers in groups.values():
        near = open_people[layers[0]]
        share = near / whole if whole > 0.0 else np.nan
        if not near > 0.0 or not share >= _NOTABLE_SHARE:
            continue
        level = str(lowest["level"].iloc[0])
        own = _by_unit(demand[0], lowest, level, people, lacking)
        parts = np.divide(
            own, lowest["population"], out=np.zeros(len(lowest)), where=lowest["population"] > 0.0
        )
        order = np.argsort(-own, kind="stable")[:_SHOWN]
        first = [
            f"{lowest['name'].iloc[at] or lowest['unit_id'].iloc[at]} {parts[at]:.0%}"
            for at in order.tolist()
            if own[at] > 0.0
        ]
        problems.append(
            Problem(
                code="edge.people" if exits is not None else "edge.people_straight",
                severity="note",
                action="counted",
                value=f"{near:.0f}",
                details={
                    "share": f"{share:.1%}",
                    "limit": f"{edge.limit_m:g}",
                    "layers": ", ".join(layers),
                    "units": ", ".join(first),
                },
            )
        )
    return record, problems


def _found(code: str, file: str, count: int, edge: Edge, *, total: int) -> Problem:
    return Problem(
        code=code,
        severity="warning",
        action="counted",
        file=file,
        value=str(count),
        details={"total": total, "limit": f"{edge.limit_m:g}"},
    )


def _gap_problems(table: pd.DataFrame, project: Project) -> list[Problem]:
    """Return one record for the units of a level with people and no road, one for sparse ones."""
    problems = []
    file = "" if project.roads is None else str(project.roads.path.as_posix())
    for status in ("none", "sparse"):
        rows = table[table["status"] == status]
        if not len(rows):
            continue
        names = [str(name or key) for name, key in zip(rows["name"], rows["unit_id"], strict=True)]
        problems.append(
            Problem(
                code=f"completeness.{status}",
                severity="warning",
                action="flagged",
                file=file,
                value=", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else ""),
                details={
                    "count": len(rows),
                    "level": str(rows["level"].iloc[0]),
                    "people": f"{rows['population'].sum():.0f}",
                },
            )
        )
    return problems


def _footway_problems(roads: PlacedRoads) -> list[Problem]:
    classes = {name for name in roads.raw.class_names if name}
    if not classes or classes & _FOOTWAYS:
        return []
    return [
        Problem(
            code="completeness.no_footways",
            severity="note",
            file=roads.raw.source,
            value=str(len(classes)),
        )
    ]
