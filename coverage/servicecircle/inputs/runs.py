"""A run's folder read back: its record and its tables, whole or refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
from pyarrow import ArrowException

from servicecircle.errors import InputError
from servicecircle.inputs.run_tables import KEYS, read_table, run_fault
from servicecircle.problems import Problem

__all__ = [
    "FORMAT",
    "Run",
    "read_access",
    "read_layer",
    "read_run",
    "read_units",
]

FORMAT = 1
"""Of the files in a run's folder; a change that an older reader would misread counts one up."""

_PROGRAM = "servicecircle"
_RECORD = "run.json"
_GEOPACKAGE = "coverage.gpkg"
_ACCESS = "access.parquet"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Run:
    """A run's folder: what ``run.json`` says, and the tables with their types.

    Parameters
    ----------
    folder : pathlib.Path
        As given.
    record : mapping
        Of ``run.json``.
    scorecard, unit_results, unit_coverage, facilities, problems : pandas.DataFrame
        ``unit_coverage`` is ``units.csv``. Texts are "" where a cell is empty, numbers NaN,
        switches NA. A row number of a file is the index + 2.
    trace : pandas.DataFrame
        Empty where no plan was judged.
    tables : mapping of str to pandas.DataFrame
        All other tables by the name of their file, such as ``staff``.
    """

    folder: Path
    record: Mapping[str, Any]
    scorecard: pd.DataFrame
    unit_results: pd.DataFrame
    unit_coverage: pd.DataFrame
    facilities: pd.DataFrame
    problems: pd.DataFrame
    trace: pd.DataFrame
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the project."""
        return str(self.record["project"]["project"]["name"])

    @property
    def language(self) -> str:
        """Language of the project: zh or en."""
        return str(self.record["project"]["project"]["language"])

    @property
    def as_of(self) -> dt.date:
        """Date of judgement."""
        return dt.date.fromisoformat(self.record["project"]["project"]["as_of"])

    @property
    def plans(self) -> Mapping[str, Path]:
        """Copy of each plan file, by the plan's id in the scorecard."""
        return {
            str(plan["id"]): self.folder / str(plan["file"])
            for plan in self.record.get("plans", ())
        }


def _stop(code: str, folder: Path, **details: object) -> InputError:
    return InputError(
        Problem(
            code=f"runs.{code}",
            severity="fatal",
            action="stopped",
            value=str(folder),
            details=details,
        )
    )


def read_run(folder: Path) -> Run:
    """Read the folder that ``servicecircle run`` wrote, and refuse what is not one, or not whole.

    Every table that ``run.json`` names must be there with as many rows as it was written with;
    maps are not looked at. Access and shapes are read by :func:`read_access` and
    :func:`read_units`, for they may be large.

    Parameters
    ----------
    folder : pathlib.Path

    Raises
    ------
    InputError
        If it is no folder of a run, of a format that this version does not read, or if files are
        missing, cut short or cannot be read: all of them at once.

    Examples
    --------
    >>> read_run(Path("no-such-folder"))
    Traceback (most recent call last):
    servicecircle.errors.InputError: folder not found: no-such-folder
      a run's folder is what servicecircle run wrote, such as maps/<project name>
      check the path
    """
    record = _record(folder)
    faults = [*_absent(folder, record)]
    tables: dict[str, pd.DataFrame] = {}
    for name, count in record["rows_out"].items():
        if not name.endswith(".csv") or not (folder / name).is_file():
            continue
        try:
            table = read_table(folder / name, _safe_stem(name))
        except InputError as error:
            faults += error.problems
            continue
        if len(table) != count:
            faults.append(_rows(name, len(table), count))
        tables[_safe_stem(name)] = table
    if faults:
        raise InputError(faults)
    own = ("scorecard", "unit_results", "units", "facilities", "problems", "trace")
    return Run(
        folder=folder,
        record=record,
        scorecard=tables["scorecard"],
        unit_results=tables["unit_results"],
        unit_coverage=tables["units"],
        facilities=tables["facilities"],
        problems=tables["problems"],
        trace=tables.get("trace", pd.DataFrame(columns=list(KEYS["trace"]))),
        tables={name: table for name, table in tables.items() if name not in own},
    )


def _safe_stem(name: str) -> str:
    return name.removesuffix(".csv")


def _record(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says, or refuse the folder."""
    if not folder.is_dir():
        raise _stop("not_a_folder" if folder.exists() else "no_folder", folder)
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise _stop("not_ours", folder) from None
    if not isinstance(record, dict) or record.get("program") != _PROGRAM:
        raise _stop("not_ours", folder)
    if record.get("command") not in {"run", "site"}:
        raise _stop("other_command", folder, command=record.get("command") or "–")
    if record.get("format") != FORMAT:
        version = str((record.get("environment") or {}).get("servicecircle") or "–")
        raise _stop("other_format", folder, version=version)
    try:
        settings = record["project"]["project"]
        dt.date.fromisoformat(settings["as_of"])
        sound = all(isinstance(settings[key], str) for key in ("name", "language"))
        files = [*record["rows_out"], *(plan["file"] for plan in record.get("plans", ()))]
        # A name with a path in it would read outside of the folder.
        sound = sound and all(Path(name).name == name for name in files)
        sound = sound and {f"{name}.csv" for name in KEYS} - {"trace.csv"} <= {*files}
    except (KeyError, TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise _stop("not_ours", folder)
    return record


def _absent(folder: Path, record: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the files that are missing, cut short, or not those that the run wrote."""
    for name in (*record["rows_out"], _GEOPACKAGE):
        if not (folder / name).is_file():
            yield run_fault("missing_file", name, folder=str(folder))
    if (folder / _ACCESS).is_file() and (count := record["rows_out"].get(_ACCESS)) is not None:
        try:
            found = pq.read_metadata(folder / _ACCESS).num_rows
        except (OSError, ArrowException) as error:
            yield run_fault("unreadable", _ACCESS, reason=str(error)[:80])
        else:
            if found != count:
                yield _rows(_ACCESS, found, count)
    for plan in record.get("plans", ()):
        try:
            text = (folder / plan["file"]).read_bytes()
        except OSError:
            yield run_fault("missing_file", plan["file"], folder=str(folder))
        else:
            if hashlib.sha256(text).hexdigest() != plan["sha256"]:
                yield run_fault("changed_plan", plan["file"])


def _rows(file: str, found: int, written: int) -> Problem:
    return run_fault("rows", file, found=found, written=written)


def read_access(
    run: Run, *, layer: str, profile: str, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read the access of all demand points to one layer.

    Parameters
    ----------
    run : Run
    layer, profile : str
    columns : sequence of str, optional
        All where not given.

    Returns
    -------
    pandas.DataFrame
        Columns of ``access.parquet``, in the order of the file; empty where the layer was not
        measured by this profile.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    wanted = [("layer", "=", layer), ("profile", "=", profile)]
    try:
        names = pq.read_schema(run.folder / _ACCESS).names
        kept = names if columns is None else [name for name in columns if name in names]
        found = pq.read_table(run.folder / _ACCESS, columns=kept, filters=wanted)
    except (OSError, ArrowException) as error:
        raise InputError(run_fault("unreadable", _ACCESS, reason=str(error)[:80])) from None
    table: pd.DataFrame = found.to_pandas()
    for name in table.columns[table.dtypes == "category"]:
        table[name] = table[name].astype(object)
    return table


def read_layer(run: Run, layer: str, *, shapes: bool = True) -> pd.DataFrame:
    """Read a layer of ``coverage.gpkg``.

    Parameters
    ----------
    run : Run
    layer : str
    shapes : bool
        Whether to read the geometry too.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        found: pd.DataFrame = pyogrio.read_dataframe(
            run.folder / _GEOPACKAGE, layer=layer, read_geometry=shapes
        )
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(run_fault("unreadable", _GEOPACKAGE, reason=str(error)[:80])) from None
    return found


def read_units(run: Run, *, shapes: bool = False) -> pd.DataFrame:
    """Read the units of all levels, the coarsest first, with the rates of each layer and rule.

    Parameters
    ----------
    run : Run
    shapes : bool
        Whether to read their shapes too, in EPSG:4326.

    Returns
    -------
    pandas.DataFrame
        A GeoDataFrame with shapes. Columns of ``units_<level>`` in ``coverage.gpkg``;
        ``should_have`` and ``is_urban`` are "boolean".

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(run.folder / _GEOPACKAGE)]
    except (OSError, pyogrio.errors.DataSourceError) as error:
        raise InputError(run_fault("unreadable", _GEOPACKAGE, reason=str(error)[:80])) from None
    found = [read_layer(run, name, shapes=shapes) for name in layers if name.startswith("units_")]
    if not found:
        return pd.DataFrame(columns=["unit_id", "code", "name", "level", "parent_id"])
    units: pd.DataFrame = pd.concat([_typed(table) for table in found], ignore_index=True)
    return gpd.GeoDataFrame(units, geometry="geometry", crs="EPSG:4326") if shapes else units


def _typed(units: pd.DataFrame) -> pd.DataFrame:
    """Return units with texts that are never missing, and switches that may be."""
    changed: dict[str, Any] = {}
    for name in ("should_have", "is_urban"):
        if name in units.columns:
            # GDAL gives switches that may be missing as numbers.
            number = pd.to_numeric(units[name], errors="coerce").astype(float)
            changed[name] = number.eq(1.0).astype("boolean").mask(number.isna())
    for name in ("code", "name", "level", "type", "parent_id", "basis"):
        if name in units.columns:
            changed[name] = units[name].fillna("").astype(object)
    return units.assign(**changed)
