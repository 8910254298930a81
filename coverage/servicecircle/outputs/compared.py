"""What a comparison writes: its tables as CSV and Parquet, and one GeoPackage with the changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from servicecircle.outputs.folder import write_error
from servicecircle.outputs.geopackage import DEMAND_LIMIT, write_layers
from servicecircle.outputs.run_record import write_run_record
from servicecircle.outputs.tables import write_csv
from servicecircle.project import LEVELS

__all__ = ["write_comparison"]

_CRS = "EPSG:4326"
_PEOPLE_FILE = "compare_people.parquet"


def write_comparison(
    tables: Mapping[str, pd.DataFrame],
    people: pd.DataFrame,
    shapes: gpd.GeoDataFrame,
    record: Mapping[str, Any],
    folder: Path,
    *,
    as_of: dt.date,
) -> None:
    """Write a comparison into an empty folder, the same bytes for the same comparison.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By the name of their CSV; ``compare_units`` and ``compare_facilities`` are drawn too.
    people : pandas.DataFrame
        Changes of demand points by layer, with lon and lat.
    shapes : geopandas.GeoDataFrame
        unit_id, code, name, level, geometry of the units, in EPSG:4326.
    record : mapping
        For ``run.json``.
    folder : pathlib.Path
    as_of : datetime.date
        Date inside the GeoPackage.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    try:
        for name, table in tables.items():
            write_csv(table, folder / f"{name}.csv")
        pq.write_table(
            pa.Table.from_pandas(people, preserve_index=False),
            folder / _PEOPLE_FILE,
            compression="zstd",
        )
    except OSError as error:
        raise write_error(error, folder) from error
    layers = _unit_layers(shapes, tables["compare_units"])
    layers["facilities"] = _facility_points(tables["compare_facilities"])
    points = _people_points(people)
    if len(points) <= DEMAND_LIMIT:
        layers["demand"] = points
    write_layers(layers, folder / "compare.gpkg", as_of=as_of, about="")
    write_run_record(record, folder / "run.json")


def _unit_layers(shapes: gpd.GeoDataFrame, units: pd.DataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the units of each level with what they had, have, and the difference."""
    known_elderly = bool(units["elderly_coverage_b"].notna().any())
    rate = "elderly_coverage" if known_elderly else "population_coverage"
    columns: dict[str, pd.Series[Any]] = {}
    for (layer, rule), rows in units.groupby(["layer", "rule"], sort=False):
        by_unit = rows.set_index("unit_id")
        what = "facilities" if rule == "presence" else rate
        name = f"{layer}_{str(rule).replace(' ', '_')}"
        for end in ("a", "b", "change"):
            columns[f"{name}_{end}"] = by_unit[f"{what}_{end}"]
    wide = pd.DataFrame(columns)
    status = units.drop_duplicates("unit_id").set_index("unit_id")["status"]
    changed = units.groupby("unit_id", sort=False)["changed"].any()
    found = {}
    for level in (*LEVELS, *sorted({*map(str, shapes["level"])} - {*LEVELS})):
        mine = shapes[shapes["level"] == level]
        if len(mine):
            told = mine.join(status, on="unit_id").join(changed, on="unit_id")
            told = told.assign(changed=told["changed"].fillna(False).astype(bool))
            found[f"units_{level}"] = told.join(wide, on="unit_id")
    return found


def _facility_points(facilities: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the facilities where they stand now, those that are gone where they stood."""
    lon = facilities["lon_b"].where(facilities["lon_b"].notna(), facilities["lon_a"])
    lat = facilities["lat_b"].where(facilities["lat_b"].notna(), facilities["lat_a"])
    return gpd.GeoDataFrame(
        facilities.drop(columns=["lon_b", "lat_b"]),
        geometry=gpd.GeoSeries(gpd.points_from_xy(lon, lat)).where(lon.notna().to_numpy(), None),
        crs=_CRS,
    )


def _people_points(people: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return each demand point with a change once, with the minutes to each layer before, after."""
    points = people.drop_duplicates("demand_id")
    wide = points[["demand_id", "status", "population", "elderly", "lon", "lat"]]
    for layer, rows in people.groupby("layer", sort=False):
        mine = rows.set_index("demand_id")[["minutes_a", "minutes_b", "minutes_change", "turn"]]
        wide = wide.join(mine.add_prefix(f"{layer}_"), on="demand_id")
        wide[f"{layer}_turn"] = wide[f"{layer}_turn"].fillna("")
    places = gpd.points_from_xy(wide["lon"].to_numpy(float), wide["lat"].to_numpy(float))
    texts = {name: wide[name].astype(str) for name in ("demand_id", "status")}
    numbers = {name: wide[name].astype(np.float64) for name in ("population", "elderly")}
    return gpd.GeoDataFrame(
        wide.assign(**texts, **numbers).drop(columns=["lon", "lat"]), geometry=places, crs=_CRS
    )
