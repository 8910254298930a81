"""All layers of a run measured: access, circles, coverage of units, presence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.inputs.gazetteer import gazetteer
from servicecircle.measure.access import COLUMNS, Points, layer_access
from servicecircle.measure.circles import Drawing, LayerCircles, Weights, service_circles
from servicecircle.measure.coverage import layer_rules, unit_coverage, unit_rows
from servicecircle.measure.ground import Ground
from servicecircle.measure.position_error import position_bounds, position_errors
from servicecircle.measure.presence import is_open, presence_of_open
from servicecircle.measure.ways import profile_of
from servicecircle.problems import Problem
from servicecircle.progress import Progress
from servicecircle.project import DRAWN_LEVELS, Project

__all__ = [
    "Access",
    "Circles",
    "all_access",
    "all_circles",
    "all_coverage",
    "all_presence",
    "joined_access",
    "laid_together",
    "open_points",
]

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Circles:
    """Circles, overlaps and areas of all layers in the run's metric CRS, and how they are drawn.

    ``drawn`` holds for each layer the cell and how far from the network, in metres.
    ``within`` counts for each layer the facilities within the longest time of each demand point.
    """

    circles: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    within: Mapping[str, np.ndarray]
    cell_m: float
    drawn: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def record(self, draw_m: float) -> dict[str, object]:
        """Return how the circles were drawn, for the record of a run: at the coarsest, and each.

        Parameters
        ----------
        draw_m : float
            That was asked for.
        """
        farthest = max([draw_m, *(how["draw_m"] for how in self.drawn.values())])
        layers = {layer: dict(how) for layer, how in self.drawn.items()}
        return {"cell_m": self.cell_m, "draw_m": farthest, "layers": layers}

    def coarser_than(self, cell_m: float) -> tuple[Problem, ...]:
        """Return a warning for each cell coarser than was asked for, with the layers drawn on it.

        Parameters
        ----------
        cell_m : float
            That was asked for.
        """
        layers: dict[tuple[float, float], list[str]] = {}
        for layer, how in self.drawn.items():
            if how["cell_m"] > cell_m:
                layers.setdefault((how["cell_m"], how["draw_m"]), []).append(layer)
        return tuple(
            Problem(
                code="circles.coarser",
                severity="warning",
                action="flagged",
                value=f"{found_m:.1f}",
                details={
                    "wanted": f"{cell_m:g}",
                    "draw": f"{draw_m:.0f}",
                    "layers": ", ".join(names),
                },
            )
            for (found_m, draw_m), names in sorted(layers.items())
        )


Access = dict[Key, pd.DataFrame]


def open_points(
    ground: Ground, layer: str, as_of: dt.date, *, points: Points | None = None
) -> Points:
    """Return the facilities of a layer that are open at a date and have a place.

    Parameters
    ----------
    ground : Ground
    layer : str
    as_of : datetime.date
    points : Points, optional
        All facilities as a profile attaches them; else as the project's own does.

    Returns
    -------
    Points
        In the order of their ids, so that the order of the rows in the file decides nothing.
    """
    table = ground.facilities
    mine = (table["layer"] == layer).to_numpy() & is_open(table, as_of).to_numpy()
    points = ground.facility_points if points is None else points
    rows = np.flatnonzero(mine & np.isfinite(points.x))
    rows = rows[np.argsort(points.ids[rows].astype(str), kind="stable")]
    return points.take(rows)


def all_access(project: Project, ground: Ground, keys: Iterable[Key], progress: Progress) -> Access:
    """Measure access for each layer and profile asked for.

    Parameters
    ----------
    project, ground
    keys : iterable of (layer, profile)
        Layers of the project; twice the same is measured once.
    progress : Progress

    Returns
    -------
    dict of (layer, profile) to pandas.DataFrame
        See :func:`servicecircle.measure.access.layer_access`; rows as in ``ground.demand``.
    """
    wanted = sorted(set(keys), key=lambda key: (list(project.facilities).index(key[0]), key[1]))
    tables: Access = {}
    as_of = project.project.as_of
    with progress.stage("access", len(wanted)) as advance:
        for layer, name in wanted:
            way = ground.way(name)
            places = None if way is None else way.facilities
            demand = ground.demand_points if way is None else way.demand
            points = open_points(ground, layer, as_of, points=places)
            travel, chosen = None if way is None else way.travel, profile_of(project, name)
            measure = partial(
                layer_access,
                demand,
                layer=layer,
                profile=chosen,
                travel=travel,
                direction=project.facilities[layer].direction,
            )
            table = measure(points)
            error_m = position_errors(ground.facilities, points.ids)
            if (error_m > 0.0).any():
                bounds = position_bounds(
                    measure,
                    demand,
                    points,
                    error_m=error_m,
                    travel=travel,
                    seconds_per_metre=3.6 / chosen.access_kmh,
                )
                table = table.assign(**bounds)
            tables[layer, name] = table
            advance(1)
    return tables


def joined_access(access: Access) -> pd.DataFrame:
    """Return the tables of access one below the other; with its columns where there is none.

    Examples
    --------
    >>> joined_access({}).columns[:3].tolist()
    ['demand_id', 'layer', 'profile']
    """
    if not access:
        return pd.DataFrame(
            {name: pd.Series(dtype=float if name in _LENGTHS else object) for name in COLUMNS}
        )
    return pd.concat(access.values(), ignore_index=True)


def laid_together(access: Access) -> tuple[pd.DataFrame, Access]:
    """Return the tables of access as one, and each of them as rows of it.

    Millions of rows are then kept once.

    Examples
    --------
    >>> one = pd.DataFrame({"demand_id": ["a"], "metres": [1.0]})
    >>> joined, parts = laid_together({("canteen", "walk"): one, ("care_home", "walk"): one})
    >>> len(joined), parts["care_home", "walk"].equals(one)
    (2, True)
    >>> laid_together({})[1]
    {}
    """
    joined = joined_access(access)
    parts: Access = {}
    start = 0
    for key, table in access.items():
        rows = joined.iloc[start : start + len(table)]
        parts[key] = rows[list(table.columns)].reset_index(drop=True)
        start += len(table)
    return joined, parts


_LENGTHS = frozenset(("metres", "straight_metres", "seconds", "snap_m", "within_count"))


def all_circles(
    project: Project, ground: Ground, progress: Progress, *, parted: bool = False
) -> Circles:
    """Draw the circles of every layer that wants them; none without roads.

    Parameters
    ----------
    project, ground
    progress : Progress
    parted : bool
        Whether to part the longest circle of each layer by nearest facility.

    Returns
    -------
    Circles
    """
    as_of = project.project.as_of
    layers = {}
    for name, settings in project.facilities.items():
        way = ground.way(project.layer_profile(name))
        if settings.circles and not settings.count_only and way is not None:
            layers[name] = (way, open_points(ground, name, as_of, points=way.facilities))
    weights = Weights(
        population=ground.demand["population"].to_numpy(float),
        elderly=ground.demand["elderly"].to_numpy(float),
    )
    drawn: dict[str, LayerCircles] = {}
    total = sum(len(points.ids) for _, points in layers.values())
    with progress.stage("circles", total) as advance:
        for name, (way, points) in layers.items():
            drawn[name] = service_circles(
                way.travel,
                way.demand,
                weights,
                points,
                drawing=Drawing(
                    layer=name,
                    profile=way.profile,
                    minutes=tuple(sorted(project.rules.minutes)),
                    cell_m=project.network.cell_m,
                    draw_m=project.network.draw_m,
                    crs=ground.metric.crs,
                    direction=project.facilities[name].direction,
                    index=way.index if parted else None,
                ),
                advance=advance,
            )
    crs = ground.metric.crs
    return Circles(
        circles=_joined([one.circles for one in drawn.values()], _CIRCLE_COLUMNS, crs),
        overlaps=_joined([one.overlaps for one in drawn.values()], _OVERLAP_COLUMNS, crs),
        areas=_joined([one.areas for one in drawn.values()], _CIRCLE_COLUMNS, crs),
        within={name: one.within_count for name, one in drawn.items()},
        cell_m=max((one.cell_m for one in drawn.values()), default=project.network.cell_m),
        drawn={name: {"cell_m": one.cell_m, "draw_m": one.draw_m} for name, one in drawn.items()},
    )


_CIRCLE_COLUMNS = (
    "layer",
    "facility_id",
    "profile",
    "minutes",
    "area_m2",
    "population",
    "elderly",
    "cell_m",
    "draw_m",
)
_OVERLAP_COLUMNS = ("layer", "profile", "minutes", "facilities")


def _joined(frames: list[gpd.GeoDataFrame], columns: tuple[str, ...], crs: str) -> gpd.GeoDataFrame:
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        empty = {name: pd.Series(dtype=object if name in _TEXT else float) for name in columns}
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=crs)


_TEXT = frozenset({"layer", "facility_id", "profile"})


def all_presence(
    project: Project, ground: Ground
) -> tuple[dict[str, pd.Series[int]], list[Problem]]:
    """Count the open facilities of every layer in every unit.

    Returns
    -------
    counts : dict of str to pandas.Series
        By layer; index unit_id, of all levels.
    problems : list of Problem
        Each once, though several levels met it.
    """
    units = pd.DataFrame(ground.units.drop(columns="geometry")).set_index("unit_id")
    facilities = pd.DataFrame(ground.facilities.drop(columns="geometry")).set_index("facility_id")
    there = facilities[is_open(facilities, project.project.as_of)]
    of_layer = dict(list(there.groupby("layer", sort=False)))
    book = gazetteer(units)
    counts: dict[str, pd.Series[int]] = {}
    problems: list[Problem] = []
    for layer, settings in project.facilities.items():
        by_level = []
        for level in units["level"].drop_duplicates():
            count, found = presence_of_open(
                of_layer.get(layer, there.iloc[:0]),
                units,
                level=level,
                layer=layer,
                serves_level=settings.serves_level,
                declared_level=settings.unit_level,
                book=book,
                sites=there,
            )
            by_level.append(count["facilities"])
            if level in DRAWN_LEVELS:
                # They leave gaps: to lie in none of them is no fault.
                continue
            problems += [_with_file(problem, str(settings.path)) for problem in found]
        counts[layer] = pd.concat(by_level)
    return counts, _distinct(problems)


def all_coverage(
    project: Project,
    ground: Ground,
    access: Access,
    counts: Mapping[str, pd.Series[int]],
    progress: Progress,
) -> pd.DataFrame:
    """Return the table of ``units.csv`` for all layers.

    Parameters
    ----------
    project, ground, access
    counts : mapping of str to pandas.Series
        From :func:`all_presence`.
    progress : Progress
    """
    units = pd.DataFrame(ground.units.drop(columns="geometry"))
    minutes, metres = tuple(project.rules.minutes), tuple(project.rules.metres)
    tables: list[pd.DataFrame] = []
    counted: pd.DataFrame | None = None
    rows = unit_rows(units, ground.demand)
    with progress.stage("coverage", len(project.facilities)) as advance:
        for layer in project.facilities:
            name = project.layer_profile(layer)
            rules = layer_rules(minutes, metres, on_network=ground.network is not None)
            only_counted = project.facilities[layer].count_only
            if only_counted and counted is not None:
                # People of units are the same for every layer: they are added up once.
                numbers = counts[layer].reindex(counted["unit_id"]).fillna(0).to_numpy(np.int64)
                tables.append(counted.assign(layer=layer, facilities=numbers))
            else:
                tables.append(
                    unit_coverage(
                        units,
                        ground.demand,
                        _unmeasured(len(ground.demand)) if only_counted else access[layer, name],
                        counts[layer],
                        layer=layer,
                        profile="" if only_counted else name,
                        rules=[] if only_counted else rules,
                        rows=rows,
                    )
                )
                counted = tables[-1] if only_counted else counted
            advance(1)
    return pd.concat(tables, ignore_index=True)


def _unmeasured(count: int) -> pd.DataFrame:
    """Return the access of a layer that is only counted."""
    return pd.DataFrame({"seconds": np.full(count, np.nan), "status": np.full(count, "", object)})


def _with_file(problem: Problem, file: str) -> Problem:
    return problem if problem.file else replace(problem, file=file)


def _distinct(problems: list[Problem]) -> list[Problem]:
    """Return each fault once, though several levels met it; what is of a level, once a level."""
    seen: dict[tuple[object, ...], Problem] = {}
    for problem in problems:
        row = (problem.code, problem.file, problem.sheet, problem.row, problem.value)
        level = problem.details.get("level", "") if problem.code == "presence.in_no_unit" else ""
        seen.setdefault((*row, problem.details.get("layer", ""), level), problem)
    return list(seen.values())
