"""People: the cells of a raster, units spread over shapes, or points of a table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.carried_totals import Renewal
from servicecircle.inputs.coordinates import Bounds, fatal
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.osm_extract import OsmFiles
from servicecircle.inputs.osm_features import buildings, landuse_residential
from servicecircle.inputs.people_places import (
    Places,
    building_places,
    centre_places,
    residential_places,
)
from servicecircle.inputs.people_points import read_points
from servicecircle.inputs.raster import RasterSource, read_cells
from servicecircle.inputs.spread import demand_table, share_people
from servicecircle.inputs.totals import read_totals
from servicecircle.inputs.vectors import read_vector
from servicecircle.inputs.zonal import unit_zones
from servicecircle.problems import Problem
from servicecircle.project import LEVELS, PopulationSettings

__all__ = ["PopulationData", "read_population"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationData:
    """People at points, and what became of every figure of the source.

    Parameters
    ----------
    demand : pandas.DataFrame
        demand_id (str), lon, lat (WGS84), population, elderly (people; NaN where unknown),
        position_error_m. Points with nobody are left out, those outside all units are kept.
    problems : list of Problem
    balance : dict of str to float
        Sums and counts that close, see :mod:`servicecircle.inputs.raster`,
        :mod:`servicecircle.inputs.spread` and :mod:`servicecircle.inputs.people_points`. Always:
        people_in_source, people_used, elderly_in_source, elderly_used (NaN where unknown).
    basis : {"resident", "registered"}
    age_from : int
        Age from which ``elderly`` counts.
    date : datetime.date
    source : str
        The files, as the project names them.
    zones : pandas.DataFrame, optional
        Of a raster: unit_id, wholly_inside, data_share, exact_population, exact_elderly, see
        :func:`servicecircle.inputs.zonal.unit_zones`.
    totals : pandas.DataFrame, optional
        Official figures of a table: unit_id, population, elderly.
    """

    demand: pd.DataFrame
    problems: list[Problem]
    balance: dict[str, float]
    basis: str
    age_from: int
    date: dt.date
    source: str
    zones: pd.DataFrame | None = None
    totals: pd.DataFrame | None = None


def read_population(
    settings: PopulationSettings,
    *,
    base: Path,
    units: gpd.GeoDataFrame,
    known: Known | None = None,
    osm: OsmFiles | None = None,
    renewal: Renewal | None = None,
) -> PopulationData:
    """Read the people of a project.

    Parameters
    ----------
    settings : PopulationSettings
    base : pathlib.Path
        Folder that the paths are relative to.
    units : geopandas.GeoDataFrame
        Table ``units`` of all levels; used where people of units are spread.
    known : Known, optional
        What is known of the area, for points of ``datum = "auto"``.
    osm : OsmFiles, optional
        Where an OpenStreetMap file is read for several layers at once.
    renewal : Renewal, optional
        What became of the units that official figures of an earlier date name.

    Returns
    -------
    PopulationData

    Raises
    ------
    InputError
        If a file cannot be read, holds no data, or there is nothing to spread.
    CrsError
        If a CRS or a datum is missing or contradicted.

    Examples
    --------
    >>> settings = PopulationSettings(
    ...     raster=Path("no.tif"), kind="count", basis="resident", date=dt.date(2020, 11, 1)
    ... )
    >>> read_population(settings, base=Path(), units=gpd.GeoDataFrame())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.tif: file not found: no.tif...
    """
    zones = totals = None
    if settings.raster is not None:
        demand, problems, balance, source, zones = _from_raster(settings, base, units)
        if settings.totals is not None:
            if renewal is not None:
                renewal = replace(renewal, demand=demand, source=source, date=settings.date)
            totals, found = read_totals(settings, base=base, units=units, renewal=renewal)
            problems = [*problems, *found]
    elif settings.points is not None:
        source = settings.points.as_posix()
        demand, problems, balance = read_points(settings, base=base, known=known)
    else:
        demand, problems, balance, source = _from_units(settings, base, units, osm)
    return PopulationData(
        demand=demand,
        problems=problems,
        balance=balance,
        basis=settings.basis,
        age_from=settings.age_from,
        date=settings.date,
        source=source,
        zones=zones,
        totals=totals,
    )


_Read = tuple[pd.DataFrame, list[Problem], dict[str, float], str]


def _from_raster(
    settings: PopulationSettings, base: Path, units: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, list[Problem], dict[str, float], str, pd.DataFrame | None]:
    raster, second = settings.raster, settings.elderly_raster
    if raster is None or settings.kind is None:
        # The model of the settings has refused this before.
        raise InputError(fatal("population.no_kind", name=str(raster or "")))
    name = raster.as_posix()
    if settings.datum == "auto":
        raise CrsError(fatal("vector.datum_auto", name=name, value="auto"))
    if not grid_of(settings).plain:
        raise CrsError(fatal("population.raster_grid", name=name))
    if second is not None and settings.raster_holds == "elderly":
        raise InputError(fatal("population.two_elderly", name=name, value=second.as_posix()))
    file = RasterSource(
        path=base / raster,
        name=name,
        kind=settings.kind,
        holds=settings.raster_holds,
        elderly_path=None if second is None else base / second,
        elderly_name="" if second is None else second.as_posix(),
        crs=settings.crs,
        datum=settings.datum,
        towgs84=tuple(settings.towgs84),
        area=_box(units),
        most_cells=settings.most_cells,
        most_points=settings.most_points,
    )
    cells = read_cells(file)
    # Ids of a hundred million cells together pass what a string of 32-bit offsets holds.
    ids = pc.binary_join_element_wise(
        pa.scalar(_stem(raster), pa.large_string()),
        pc.cast(pa.array(cells.row), pa.large_string()),
        pc.cast(pa.array(cells.col), pa.large_string()),
        pa.scalar(":", pa.large_string()),
    )
    demand = demand_table(
        ids=pd.Series(pd.array(ids, dtype="str")),
        lon=cells.lon,
        lat=cells.lat,
        population=cells.population,
        elderly=cells.elderly,
        error_m=cells.half_diagonal_m,
    )
    source = name if second is None else f"{name} + {second.as_posix()}"
    # Which units lie inside is needed for every level; sums only where they are scaled.
    zones = [
        unit_zones(file, units[units["level"] == level], exact=level == settings.calibrate)
        for level in LEVELS
        if len(units) and (units["level"] == level).any()
    ]
    table = pd.concat(zones, ignore_index=True) if zones else None
    return demand, cells.problems, cells.balance, source, table


def _box(units: gpd.GeoDataFrame) -> Bounds | None:
    """Return west, south, east, north of all units; None without any."""
    if not len(units):
        return None
    west, south, east, north = (float(value) for value in units.total_bounds)
    return west, south, east, north


def _stem(path: Path) -> str:
    return path.name.partition(".")[0] or path.name


def _from_units(
    settings: PopulationSettings, base: Path, units: gpd.GeoDataFrame, osm: OsmFiles | None
) -> _Read:
    present = [level for level in LEVELS if len(units) and (units["level"] == level).any()]
    level = settings.units or (present[-1] if present else "")
    if level not in present:
        details: dict[str, object] = {"known": ", ".join(present) or "–"}
        raise InputError(
            fatal(
                "population.no_level",
                name="",
                column="population.units",
                value=str(level),
                details=details,
            )
        )
    chosen = units[units["level"] == level].reset_index(drop=True)
    problems: list[Problem] = []
    if settings.total is None:
        population = chosen["population"].to_numpy(np.float64)
        elderly = chosen["elderly"].to_numpy(np.float64)
        if np.isnan(population).all() and np.isnan(elderly).all():
            raise InputError(
                fatal("population.no_figures", name="", column="population.units", value=level)
            )
    else:
        population = np.array([settings.total])
        elderly = np.array([np.nan if settings.elderly_total is None else settings.elderly_total])
        if elderly[0] > population[0]:
            raise InputError(
                fatal(
                    "population.elderly_total",
                    name="",
                    column="population.elderly_total",
                    value=f"{elderly[0]:g}",
                    details={"total": f"{population[0]:g}"},
                )
            )
        if settings.spread == "centroid":
            problems.append(Problem(code="population.total_by_area", severity="warning"))
    places, found, name = _places(settings, base, chosen, osm)
    problems += found
    if settings.total is not None:
        if not places.weight.sum() > 0.0:
            raise InputError(fatal("population.no_places", name=name))
        chosen = _one_unit(chosen)
        places = Places(
            unit=np.zeros_like(places.unit),
            ids=places.ids,
            lon=places.lon,
            lat=places.lat,
            weight=places.weight,
            error_m=places.error_m,
            counts=places.counts,
            kind=places.kind,
        )
    shared = share_people(chosen, places, population=population, elderly=elderly, name=name)
    source = f"units {level}" if settings.total is None else f"total over {level}"
    problems += shared.problems
    return shared.demand, problems, shared.balance, f"{source}, {name}" if name else source


def _one_unit(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one row for the whole area; its shape only serves as the place of last resort."""
    return gpd.GeoDataFrame(
        {"unit_id": ["total"], "name": [""]}, geometry=[units.geometry.iloc[0]], crs=units.crs
    )


def _places(
    settings: PopulationSettings, base: Path, units: gpd.GeoDataFrame, osm: OsmFiles | None
) -> tuple[Places, list[Problem], str]:
    path = settings.buildings if settings.spread == "buildings" else settings.residential
    if settings.spread == "centroid" or path is None:
        return centre_places(units), [], ""
    name = path.as_posix()
    if name.lower().endswith((".osm", ".pbf")):
        read = buildings if settings.spread == "buildings" else landuse_residential
        shapes, problems = read(base / path, name=name, files=osm)
    else:
        shapes, problems = read_vector(
            base / path,
            name=name,
            crs=settings.crs,
            datum=settings.datum,
            encoding=settings.encoding,
            grid=grid_of(settings),
        )
    if settings.spread == "buildings":
        places = building_places(units, shapes, ids=_ids(shapes, _stem(path)))
    else:
        places = residential_places(units, shapes)
    counts = places.counts
    problems = list(problems)
    for code, key in (("shapes_set_aside", "set_aside"), ("shapes_outside", "outside")):
        if counts.get(key):
            problems.append(
                Problem(
                    code=f"population.{code}",
                    severity="warning" if key == "set_aside" else "note",
                    action="counted",
                    file=name,
                    value=f"{counts[key]:g}",
                    details={"total": f"{counts['total']:g}"},
                )
            )
    return places, problems, name


def _ids(shapes: gpd.GeoDataFrame, stem: str) -> list[str]:
    """Return ids of buildings: their own where those are distinct, else their row."""
    if "osm_id" in shapes and shapes["osm_id"].is_unique and not shapes["osm_id"].hasnans:
        return [f"{stem}:{own}" for own in shapes["osm_id"]]
    return [f"{stem}:{row}" for row in range(1, len(shapes) + 1)]
