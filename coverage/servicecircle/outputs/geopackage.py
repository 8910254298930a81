"""The layers of a run as one GeoPackage, and the access table as Parquet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.raw
import shapely

from servicecircle.messages import label
from servicecircle.outputs.capacity_columns import facility_columns, point_columns, unit_columns
from servicecircle.outputs.escape import clean_text
from servicecircle.outputs.folder import write_error
from servicecircle.outputs.sited import site_frames, site_unit_columns
from servicecircle.outputs.styles import Style, layer_styles
from servicecircle.project import DRAWN_LEVELS, LEVELS

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["DEMAND_LIMIT", "package_layers", "write_access", "write_geopackage", "write_layers"]

DEMAND_LIMIT = 200_000
"""With more demand points than this the GeoPackage has none; ``access.parquet`` has all."""

_CRS = "EPSG:4326"
_ACCESS_COLUMNS = (
    "metres",
    "straight_metres",
    "seconds",
    "status",
    "facility_id",
    "within_count",
)
_ROWS_A_GROUP = 1 << 20


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    frame: gpd.GeoDataFrame
    geometry_type: str


def write_geopackage(results: Results, path: Path) -> None:
    """Write the layers of a run, in EPSG:4326, the same bytes for the same results.

    ===================  =========================================================
    units_<level>        one per level that has units; for each facility layer and
                         rule the share of people (``<layer>_<rule>``) and of
                         elderly (``…_elderly``) covered, or the number of
                         facilities (``<layer>_presence``); with plans the share of
                         judged rules that a unit meets (``share_met``)
    scopes               named areas such as main_urban_area
    facilities           points; those without a place have no geometry
    demand               up to 200,000 points, with metres, straight_metres,
                         seconds, status, facility_id and within_count of each
                         facility layer (``<layer>_metres`` …)
    circles_facility     the circle of each facility
    circles_layer        the circle of a whole facility layer
    overlaps             how many circles lie over an area, at least
    sites, candidates    of a siting study: what is proposed, and of which places
    layer_styles         no layer: how QGIS draws each of them, and titles of fields
    ===================  =========================================================

    Parameters
    ----------
    results : Results
    path : pathlib.Path
        Of a new file; its name ends in ``.gpkg``.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    invented = results.invented or any(info.invented for info in results.layers)
    about = label("output_invented", results.language) if invented else ""
    styles: list[tuple[str, Style]] = []
    with _failures(path), _file_dates(results.as_of):
        for layer in _layers(results):
            _write(layer, path, about)
            styles += [
                (layer.name, style) for style in layer_styles(layer.name, layer.frame, results)
            ]
        _write_styles(styles, path, results)


def write_layers(
    layers: Mapping[str, gpd.GeoDataFrame], path: Path, *, as_of: dt.date, about: str
) -> None:
    """Write tables as the layers of a new GeoPackage, the same bytes for the same tables.

    Parameters
    ----------
    layers : mapping of str to geopandas.GeoDataFrame
        By name, in EPSG:4326; points where all shapes are points, else multipolygons.
    path : pathlib.Path
    as_of : datetime.date
        Date of the last change in the file.
    about : str
        Description of each layer; may be empty.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with _failures(path), _file_dates(as_of):
        for name, frame in layers.items():
            points = bool((frame.geom_type.dropna() == "Point").all()) and len(frame) > 0
            _write(_Layer(name, frame, "Point" if points else "MultiPolygon"), path, about)


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    """Turn what GDAL and the disk refuse into our error."""
    try:
        yield
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise write_error(error, path) from error


def write_access(results: Results, path: Path) -> None:
    """Write the access table as Parquet, with place, people, units and scopes of each point.

    In blocks of rows, so that its copy takes little memory beside the table itself.

    Parameters
    ----------
    results : Results
    path : pathlib.Path

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    points = np.asarray(results.demand.geometry.array)
    at = pd.Index(results.demand["demand_id"]).get_indexer(results.access["demand_id"])
    if (at < 0).any():
        stranger = results.access["demand_id"].iloc[int(np.argmax(at < 0))]
        raise ValueError(f"the access table has a demand point that demand has not: {stranger}")
    demand = pd.DataFrame(
        {
            "lon": shapely.get_x(points),
            "lat": shapely.get_y(points),
            "population": results.demand["population"].to_numpy(float),
            "elderly": results.demand["elderly"].to_numpy(float),
        }
    )
    for name in map(str, results.demand.columns):
        if name == "position_error_m":
            demand[name] = results.demand[name].to_numpy(float)
        elif name.startswith("unit_"):
            # A unit has many points: its id is kept once, and a number at each of them.
            ids = results.demand[name].array
            demand[name] = pd.Categorical(ids, categories=sorted(set(pd.unique(ids.dropna()))))
        elif name.startswith("in_"):
            demand[name] = results.demand[name].to_numpy(bool)
    for name in point_columns(results.demand):
        demand[name] = results.demand[name].to_numpy(float)
    try:
        with ExitStack() as stack:
            writer = None
            for start in range(0, max(len(at), 1), _ROWS_A_GROUP):
                rows = slice(start, start + _ROWS_A_GROUP)
                block = demand.take(at[rows]).reset_index(drop=True)
                table = pd.concat(
                    [results.access.iloc[rows].reset_index(drop=True), block], axis="columns"
                )
                schema = None if writer is None else writer.schema
                found = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
                if writer is None:
                    writer = stack.enter_context(
                        pq.ParquetWriter(path, found.schema, compression="zstd")
                    )
                writer.write_table(found, row_group_size=_ROWS_A_GROUP)
    except OSError as error:
        raise write_error(error, path) from error


@contextmanager
def _file_dates(as_of: dt.date) -> Iterator[None]:
    """Let GDAL write this date as that of the last change, so that bytes do not differ by day."""
    option = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(option)
    pyogrio.set_gdal_config_options({option: f"{as_of:%Y-%m-%d}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({option: before})


def package_layers(
    results: Results, *, every_point: bool = False
) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Yield the names and tables of the layers of :func:`write_geopackage`, in EPSG:4326.

    Parameters
    ----------
    results : Results
    every_point : bool
        Demand is there, however many points it has.
    """
    for layer in _layers(results, every_point=every_point):
        yield layer.name, layer.frame


def _layers(results: Results, *, every_point: bool = False) -> Iterator[_Layer]:
    shares = _shares(results.unit_coverage)
    places = unit_columns(results.tables)
    sited = site_unit_columns(results.tables)
    met = _shares_met(results)
    for level in (*LEVELS, *DRAWN_LEVELS):
        units = results.units[results.units["level"] == level]
        if len(units):
            units = units.join(shares, on="unit_id").join(places, on="unit_id")
            units = units.join(sited, on="unit_id").join(met, on="unit_id")
            yield _Layer(f"units_{level}", units, "MultiPolygon")
    yield _Layer("scopes", results.scopes, "MultiPolygon")
    found = facility_columns(results.tables)
    yield _Layer("facilities", results.facilities.join(found, on="facility_id"), "Point")
    if every_point or len(results.demand) <= DEMAND_LIMIT:
        yield _Layer("demand", _wide_demand(results), "Point")
    whole = results.circles["facility_id"] == ""
    yield _Layer("circles_facility", results.circles[~whole], "MultiPolygon")
    circles_layer = results.circles[whole].drop(columns="facility_id")
    yield _Layer("circles_layer", circles_layer, "MultiPolygon")
    yield _Layer("overlaps", results.overlaps, "MultiPolygon")
    for name, frame in site_frames(results.tables).items():
        yield _Layer(name, frame, "Point")


def _shares(unit_coverage: pd.DataFrame) -> pd.DataFrame:
    """Return a row per unit and, for each layer and rule, the rates or the count.

    Columns stand in the order in which layers and rules first appear.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for (layer, rule), rows in unit_coverage.groupby(["layer", "rule"], sort=False):
        by_unit = rows.set_index("unit_id")
        name = f"{layer}_{str(rule).replace(' ', '_')}"
        if rule == "presence":
            columns[name] = by_unit["facilities"]
        else:
            columns[name] = by_unit["population_coverage"]
            columns[f"{name}_elderly"] = by_unit["elderly_coverage"]
    return pd.DataFrame(columns)


def _shares_met(results: Results) -> pd.DataFrame:
    """Return the share of judged rules that each unit meets; no column without plans."""
    table = results.tables.get("league_units")
    if table is None or not len(table) or not table["share_met"].notna().any():
        return pd.DataFrame(index=pd.Index([], dtype="str", name="unit_id"))
    return table.drop_duplicates("unit_id").set_index("unit_id")[["share_met"]]


def _wide_demand(results: Results) -> gpd.GeoDataFrame:
    demand = results.demand
    access = results.access[results.access["criterion"] == "metres"]
    columns: dict[str, Any] = {}
    for info in results.layers:
        mine = (access["layer"] == info.name) & (access["profile"] == info.profile)
        if not mine.any() and len(demand):
            # The layer is only counted.
            continue
        rows = access[mine].set_index("demand_id").reindex(demand["demand_id"])
        for column in _ACCESS_COLUMNS:
            columns[f"{info.name}_{column}"] = rows[column].array
    return demand.assign(**columns)


def _write(layer: _Layer, path: Path, about: str) -> None:
    frame = layer.frame
    if frame.crs is None or frame.crs != _CRS:
        raise ValueError(f"layer {layer.name} is in {frame.crs}, not in {_CRS}")
    fields = [str(name) for name in frame.columns if name != frame.geometry.name]
    data, masks = [], []
    for name in fields:
        values, missing = _field(frame[name])
        data.append(values)
        masks.append(missing)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.asarray(frame.geometry.array)),
        data,
        fields,
        field_mask=masks,
        layer=layer.name,
        driver="GPKG",
        geometry_type=layer.geometry_type,
        promote_to_multi=layer.geometry_type.startswith("Multi"),
        crs=_CRS,
        append=path.exists(),
        layer_options={"DESCRIPTION": about} if about else None,
    )


def _write_styles(styles: list[tuple[str, Style]], path: Path, results: Results) -> None:
    """Write the table ``layer_styles`` in the form that QGIS makes and reads."""
    count = len(styles)
    texts = {
        "f_table_catalog": [""] * count,
        "f_table_schema": [""] * count,
        "f_table_name": [layer for layer, _ in styles],
        "f_geometry_column": ["geom"] * count,
        "styleName": [clean_text(style.name) for _, style in styles],
        "styleQML": [style.qml for _, style in styles],
        "styleSLD": [""] * count,
        "useAsDefault": [style.default for _, style in styles],
        "description": [label("style_about", results.language)] * count,
        "owner": [""] * count,
        "ui": [""] * count,
        "update_time": [np.datetime64(results.as_of, "ms")] * count,
    }
    types: dict[str, Any] = {"useAsDefault": bool, "update_time": "datetime64[ms]"}
    pyogrio.raw.write(
        path,
        None,
        [np.array(values, dtype=types.get(name, object)) for name, values in texts.items()],
        list(texts),
        layer="layer_styles",
        driver="GPKG",
        geometry_type=None,
        append=True,
        layer_options={"FID": "id"},
        # GDAL's number for UTC, as the format has its times.
        gdal_tz_offsets={"update_time": np.full(count, 100)},
    )


def _field(column: pd.Series[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a column as GDAL takes them, and which of them are missing."""
    missing = column.isna().to_numpy()
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        column = column.astype(kind.categories.dtype)
        kind = column.dtype
    if pd.api.types.is_bool_dtype(kind):
        values = column.fillna(value=False).to_numpy(bool)
    elif pd.api.types.is_integer_dtype(kind):
        values = column.fillna(0).to_numpy(np.int64)
    elif pd.api.types.is_float_dtype(kind):
        values = column.to_numpy(np.float64, na_value=np.nan)
    elif pd.api.types.is_datetime64_any_dtype(kind):
        values = column.to_numpy("datetime64[D]")
    else:
        texts = [clean_text(str(value)) for value in column.fillna("")]
        values = np.array(texts, dtype=object)
    return values, missing
