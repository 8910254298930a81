"""The ground of a run: one metric coordinate system, the network, and everything placed on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.crs import MetricCrs, metric_crs, transformer
from servicecircle.inputs.attributes import same_columns
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.staff import no_staff
from servicecircle.inputs.statistics import no_statistics
from servicecircle.measure.access import Points
from servicecircle.measure.calibration import settle_people
from servicecircle.measure.clusters import lay_clusters
from servicecircle.measure.edge import Exits
from servicecircle.measure.ground_problems import (
    demand_problems,
    facility_problems,
    people_balance,
    unsnapped_problems,
)
from servicecircle.measure.places import (
    Floats,
    Shapes,
    coarser_than_placed,
    place_in_units,
    place_points,
)
from servicecircle.measure.quality import ground_quality
from servicecircle.measure.register import is_open, register_problems
from servicecircle.measure.ways import PlacedRoads, Ways, ways_of
from servicecircle.network.graph import Network
from servicecircle.problems import Problem
from servicecircle.project import Project

__all__ = ["Ground", "lay_ground"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ground:
    """Everything of a run in one metric coordinate system.

    Parameters
    ----------
    metric : MetricCrs
    way : callable
        From the name of a profile to its :class:`servicecircle.measure.ways.Way`; None without
        roads.
    network : Network, optional
        Of the project's own profile; None without roads.
    units, scopes : geopandas.GeoDataFrame
        As read, in WGS84, and after them the clusters that stand in for units nobody has drawn.
    facilities : geopandas.GeoDataFrame
        All layers, in WGS84, with ``unit_<level>`` and ``in_<scope>`` by place, ``snap_m``,
        ``snap_status`` and ``entrances`` on the network of its layer's profile.
    facility_points : Points
        Of all rows of ``facilities``, NaN where a facility has no place; attached as the project's
        own profile travels.
    demand : pandas.DataFrame
        demand_id, lon, lat, population, elderly, position_error_m, ``unit_<level>``,
        ``in_<scope>``, snap_m on the network of the project's own profile.
    demand_points : Points
        Attached likewise.
    problems : tuple of Problem
    balance : mapping
        People in the source = in units + outside + masked, and the counts behind it.
    staff : pandas.DataFrame
        Table ``staff``, see :mod:`servicecircle.inputs.staff`.
    statistics : pandas.DataFrame
        Figures of units, see :mod:`servicecircle.inputs.statistics`.
    tables : mapping of str to pandas.DataFrame
        ``calibration`` and ``roads_by_unit``, as their files are called.
    edge : mapping
        People and roads at the edge of the study area, for the record.
    clusters : mapping
        Sizes of clusters by level, for the record.
    exits : Exits, optional
        Where roads lead out of it; None without roads.
    area : shapely.Geometry
        The study area, in metres.
    """

    metric: MetricCrs
    way: Ways
    network: Network | None
    units: gpd.GeoDataFrame
    scopes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    facility_points: Points
    demand: pd.DataFrame
    demand_points: Points
    problems: tuple[Problem, ...]
    balance: Mapping[str, object]
    staff: pd.DataFrame = field(default_factory=no_staff)
    statistics: pd.DataFrame = field(default_factory=no_statistics)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    edge: Mapping[str, object] = field(default_factory=dict)
    clusters: Mapping[str, object] = field(default_factory=dict)
    exits: Exits | None = None
    area: shapely.Geometry = field(default_factory=shapely.Polygon)


def lay_ground(project: Project, inputs: Inputs) -> Ground:
    """Project, place and attach all inputs.

    Parameters
    ----------
    project : Project
    inputs : Inputs
        Of the project.

    Returns
    -------
    Ground
        Rows of facilities and demand in the order of the inputs.

    Raises
    ------
    CrsError
        If there is no unit, and so no area.
    InputError
        If no facility of a layer or nobody lies in any unit, or no component of the roads is long
        enough.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.errors import CrsError
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "townships.geojson"}},
    ...     "facilities": {"canteen": {"path": "canteens.csv"}},
    ... })
    >>> nothing = gpd.GeoDataFrame({"unit_id": [], "level": [], "scope": []}, geometry=[], crs=4326)
    >>> inputs = Inputs(
    ...     units=nothing,
    ...     scopes=nothing,
    ...     facilities={},
    ...     population=None,
    ...     roads=None,
    ...     problems=(),
    ...     files=(),
    ... )
    >>> try:
    ...     lay_ground(project, inputs)
    ... except CrsError as error:
    ...     print(error.problems[0].code)
    crs.no_area
    """
    problems: list[Problem] = []
    area = np.concatenate(
        [frame.total_bounds for frame in (inputs.units, inputs.scopes) if len(frame)]
        or [np.full(4, np.nan)]
    )
    metric = metric_crs(area[[0, 2]], area[[1, 3]])
    to_metric = transformer("EPSG:4326", metric.crs)

    def project_points(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        x, y = to_metric.transform(lon, lat)
        bad = ~(np.isfinite(x) & np.isfinite(y))
        return np.where(bad, np.nan, x), np.where(bad, np.nan, y)

    def project_shapes(shapes: Shapes) -> Shapes:
        # The stubs know only functions of one array of pairs.
        moved = shapely.transform(shapes, project_points, interleaved=False)  # type: ignore[arg-type]  # stubs: one array
        return np.asarray(moved)

    units_xy = project_shapes(inputs.units.geometry.to_numpy())
    scopes_xy = project_shapes(inputs.scopes.geometry.to_numpy())
    facilities = _all_facilities(inputs)
    shapes = facilities.geometry.to_numpy()
    facility_x, facility_y = project_points(shapely.get_x(shapes), shapely.get_y(shapes))
    unit_columns = place_in_units(inputs.units, units_xy, facility_x, facility_y)
    problems += facility_problems(
        project, facilities, unit_columns, units_xy, facility_x, facility_y
    )
    register = pd.DataFrame(facilities.drop(columns="geometry"))
    problems += register_problems(register, project.project.as_of)
    facilities = facilities.assign(
        **coarser_than_placed(unit_columns.columns, facilities["placed_by"].tolist())
    )
    facilities["open"] = is_open(pd.DataFrame(facilities), project.project.as_of).to_numpy()

    demand = _demand(inputs)
    demand_x, demand_y = project_points(demand["lon"].to_numpy(), demand["lat"].to_numpy())
    placed = place_in_units(inputs.units, units_xy, demand_x, demand_y, between=True)
    demand = demand.assign(**placed.columns)
    for scope in inputs.scopes["scope"].drop_duplicates():
        mine = scopes_xy[(inputs.scopes["scope"] == scope).to_numpy()]
        for table, x, y in (
            (demand, demand_x, demand_y),
            (facilities, facility_x, facility_y),
        ):
            table[f"in_{scope}"] = place_points(x, y, mine, gap_m=0.0).polygon >= 0
    roads = None
    if inputs.roads is not None:
        road_x, road_y = project_points(inputs.roads.lon, inputs.roads.lat)
        terrain = inputs.terrain
        roads = PlacedRoads(
            raw=inputs.roads,
            x=road_x,
            y=road_y,
            heights_m=terrain.heights_m,
            barriers=None if terrain.barriers is None else project_shapes(terrain.barriers),
        )
    doors = _doors(inputs, facilities)
    facility_points = Points(
        ids=facilities["facility_id"].to_numpy(object),
        x=facility_x,
        y=facility_y,
        at=None,
        doors=None if doors is None else project_shapes(doors),
    )
    demand_points = Points(
        ids=demand["demand_id"].to_numpy(object), x=demand_x, y=demand_y, at=None
    )
    way = ways_of(project, roads, facilities=facility_points, demand=demand_points)
    snaps = _snaps(project, facilities, facility_x, way)
    facilities["snap_m"], facilities["snap_status"], facilities["entrances"] = snaps
    problems += unsnapped_problems(project, facilities)
    own = way(project.project.profile)
    demand_at = None if own is None else own.demand.at
    demand["snap_m"] = demand_at.leg_m if demand_at is not None else np.nan
    balance = people_balance(inputs.population, demand, placed, demand_at)
    problems += demand_problems(project, inputs.population, demand, placed, demand_at)
    demand, weighed, settled = settle_people(
        inputs.population, project.population, inputs.units, demand
    )
    clusters = lay_clusters(project, inputs.units, units_xy, demand=demand, facilities=facilities)
    quality = ground_quality(
        project,
        inputs.units,
        units_xy,
        roads=roads,
        facilities=(facilities, facility_x, facility_y),
        demand=(demand, demand_x, demand_y),
    )
    problems += [*weighed.problems, *quality.problems]
    return Ground(
        metric=metric,
        way=way,
        network=None if own is None else own.network,
        units=clusters.units,
        scopes=inputs.scopes,
        facilities=clusters.facilities,
        facility_points=facility_points if own is None else own.facilities,
        demand=clusters.demand,
        demand_points=demand_points if own is None else own.demand,
        problems=(
            *problems,
            # What is put together from several files lies in the project's.
            *(replace(one, file=one.file or project.file) for one in clusters.problems),
        ),
        balance={**balance, **settled},
        tables={
            "calibration": weighed.table,
            "roads_by_unit": quality.roads_by_unit,
            **clusters.tables,
            **({} if inputs.statistics is None else {"statistics": inputs.statistics.frame}),
        },
        edge=quality.edge,
        clusters=clusters.record,
        exits=quality.exits,
        area=quality.area,
        staff=inputs.staff.frame if inputs.staff is not None else no_staff(),
        statistics=no_statistics() if inputs.statistics is None else inputs.statistics.frame,
    )


def _all_facilities(inputs: Inputs) -> gpd.GeoDataFrame:
    frames = same_columns([data.frame for data in inputs.facilities.values()])
    return gpd.GeoDataFrame(
        pd.concat(frames, ignore_index=True), geometry="geometry", crs="EPSG:4326"
    )


def _doors(inputs: Inputs, facilities: gpd.GeoDataFrame) -> Shapes | None:
    """Return entrances or outline of each facility; None where all have one place."""
    known = {name: shape for one in inputs.facilities.values() for name, shape in one.doors.items()}
    if not known:
        return None
    doors = np.full(len(facilities), None, object)
    doors[:] = [known.get(name) for name in facilities["facility_id"].tolist()]
    return doors


def _demand(inputs: Inputs) -> pd.DataFrame:
    columns = ["demand_id", "lon", "lat", "population", "elderly", "position_error_m"]
    if inputs.population is None:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns}).astype(
            {"demand_id": object}
        )
    return inputs.population.demand.reindex(columns=columns).reset_index(drop=True)


def _snaps(
    project: Project, facilities: gpd.GeoDataFrame, x: Floats, way: Ways
) -> tuple[Floats, NDArray[np.object_], NDArray[np.int64]]:
    """Return leg, status and entrances of each facility on the network of its layer's profile."""
    leg = np.full(x.size, np.nan)
    status = np.full(x.size, "no_roads", object)
    entrances = np.zeros(x.size, np.int64)
    layer = facilities["layer"].to_numpy(object)
    for name in project.facilities:
        mine = layer == name
        own = way(project.layer_profile(name))
        if own is not None and own.facilities.at is not None:
            at = own.facilities.at
            leg[mine] = at.least_leg_m[mine]
            status[mine] = np.where(at.attached, "attached", "unsnapped")[mine]
            entrances[mine] = own.entrances[mine]
    status[~np.isfinite(x)] = "no_place"
    return leg, status, entrances
