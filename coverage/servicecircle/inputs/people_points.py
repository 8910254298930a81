"""People at the points of a table or of a layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from servicecircle.datums import to_wgs84
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.age_groups import age_columns
from servicecircle.inputs.columns import match_columns
from servicecircle.inputs.coordinates import WGS84, Floats, fatal, settle_crs, to_wgs84_points
from servicecircle.inputs.datum_detect import detect_datum
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_problems import details_of
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.spread import demand_table
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.unit_columns import (
    choose_point_columns,
    number_cells,
    text_cells,
)
from servicecircle.inputs.values import coordinates
from servicecircle.inputs.vectors import read_vector
from servicecircle.problems import Problem, Severity
from servicecircle.project import PopulationSettings

__all__ = ["read_points"]

Bools = NDArray[np.bool_]

_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")
_HALF_TURN, _QUARTER_TURN = 180.0, 90.0
_STATING = ("unit", "unit_code", "name", "code", "parent")
"""Columns that may say in which unit a point lies."""


class _Ledger:
    """Rows that are left, and why the others are not."""

    def __init__(self, rows: NDArray[np.int64], *, file: str, sheet: str = "") -> None:
        self.rows, self.file, self.sheet = rows, file, sheet
        self.left: Bools = np.ones(len(rows), dtype=bool)
        self.problems: list[Problem] = []

    def set_aside(self, mask: Bools, code: str, *, column: str, values: Iterable[Any]) -> None:
        """Set rows aside that are not set aside yet, one record each."""
        self._record(mask & self.left, code, column, list(values), "error", "set_aside")
        self.left &= ~mask

    def mend(self, mask: Bools, code: str, *, column: str, values: Iterable[Any]) -> None:
        """Record rows that were changed, or whose cell counts as unknown."""
        self._record(mask & self.left, code, column, list(values), "warning", "mended")

    def _record(
        self,
        mask: Bools,
        code: str,
        column: str,
        values: list[Any],
        severity: Severity,
        action: Any,
    ) -> None:
        self.problems += [
            Problem(
                code=f"population.{code}",
                severity=severity,
                action=action,
                file=self.file,
                sheet=self.sheet,
                row=int(self.rows[at]),
                column=column,
                value=str(values[at]),
            )
            for at in np.flatnonzero(mask)
        ]


def read_points(
    settings: PopulationSettings, *, base: Path, known: Known | None = None
) -> tuple[pd.DataFrame, list[Problem], dict[str, float]]:
    """Read people at points from a table (CSV, Excel, ods) or from a layer.

    Parameters
    ----------
    settings : PopulationSettings
        With ``points``; a table needs ``datum`` or ``crs``; a datum of ``auto`` is tested by the
        points. Polygons of a layer (a statistical
        grid) count at a point inside them.
    base : pathlib.Path
    known : Known, optional
        What is known of the area, for ``datum = "auto"``.

    Returns
    -------
    demand : pandas.DataFrame
        demand_id, lon, lat, population, elderly, position_error_m.
    problems : list of Problem
        One for each row set aside or mended.
    balance : dict
        rows_total = rows_used + rows_zero + rows_set_aside; people_in_source (of every row whose
        number can be read) = people_used + people_set_aside; elderly_in_source = elderly_used +
        elderly_set_aside + elderly_clipped.

    Raises
    ------
    InputError, CrsError

    Examples
    --------
    >>> import datetime as dt
    >>> settings = PopulationSettings(
    ...     points=Path("no.csv"), datum="wgs84", basis="resident", date=dt.date(2020, 11, 1)
    ... )
    >>> read_points(settings, base=Path())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.csv: file not found: no.csv...
    """
    path = settings.points
    if path is None:
        raise InputError(fatal("input.missing_file", name="points", value="points"))
    name = path.as_posix()
    if path.suffix.lower() in _TABLES:
        frame, chosen, ledger, place = _table(settings, base / path, name, known)
    else:
        frame, chosen, ledger, place = _layer(settings, base / path, name, known)
    lon, lat, error_m = place
    people, bad, titles = _sum(frame, chosen["population"])
    ledger.set_aside(bad, "bad_number", column=titles, values=_cells(frame, chosen["population"]))
    ledger.set_aside(np.isnan(people), "no_people", column=titles, values=np.full(len(frame), ""))
    old, old_titles = np.full(len(frame), np.nan), ""
    if "elderly" in chosen:
        old, bad, old_titles = _sum(frame, chosen["elderly"])
        ledger.mend(bad, "bad_elderly", column=old_titles, values=_cells(frame, chosen["elderly"]))
    over = old > people
    ledger.mend(over, "elderly_above", column=old_titles, values=old)
    kept_old = np.minimum(old, np.where(np.isnan(people), np.inf, people))
    zero = ledger.left & (people <= 0.0)
    used = ledger.left & ~zero
    if not used.any():
        raise InputError([fatal("input.empty_layer", name=name), *ledger.problems])
    ids = text_cells(frame[chosen["id"][0]]) if "id" in chosen else ledger.rows.astype(str)
    demand = demand_table(
        ids=_distinct(ids[used], name),
        lon=lon[used],
        lat=lat[used],
        population=people[used],
        elderly=kept_old[used],
        error_m=error_m[used],
    )
    return demand, ledger.problems, _balance(people, old, kept_old, used, zero)


_Source = tuple[pd.DataFrame, dict[str, tuple[str, ...]], _Ledger, tuple[Floats, Floats, Floats]]


def _table(settings: PopulationSettings, path: Path, name: str, known: Known | None) -> _Source:
    titles = [part for title in settings.columns.values() for part in (title, *title.split("+"))]
    table = read_table(path, name=name, encoding=settings.encoding, titles=titles)
    frame = table.frame.reset_index(drop=True)
    names = [str(column) for column in frame.columns]
    chosen, problems = choose_point_columns(names, declared=settings.columns, name=name)
    chosen = _with_ages(chosen, names, settings, name)
    _need(chosen, ("lon", "lat", "population"), names, name)
    if settings.crs is None and settings.datum is None:
        raise CrsError(fatal("population.no_datum", name=name))
    ledger = _Ledger(table.rows, file=name, sheet=table.sheet)
    ledger.problems += [*table.problems, *problems]
    columns = (chosen["lon"][0], chosen["lat"][0])
    x, x_good = coordinates(frame[columns[0]])
    y, y_good = coordinates(frame[columns[1]])
    shown = frame[columns[0]] + ", " + frame[columns[1]]
    grid = grid_of(settings)
    x, y = grid.apply(x, y, name=name)
    placed = x_good & y_good & np.isfinite(x) & np.isfinite(y)
    ledger.set_aside(~placed, "no_coordinates", column=", ".join(columns), values=shown)
    crs = WGS84
    if not grid.pipeline:
        bounds = (0.0, 0.0, 0.0, 0.0)
        crs = settle_crs(
            None, settings.crs, name=name, bounds=bounds, default=WGS84, towgs84=grid.towgs84
        )
    _set_aside_far(ledger, x, y, crs, column=", ".join(columns), values=shown)
    lon, lat = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    left = ledger.left
    auto = settings.datum == "auto"
    lon[left], lat[left] = to_wgs84_points(
        x[left], y[left], crs=crs, datum=None if auto else settings.datum, name=name
    )
    if auto:
        lon, lat, found = _settled(frame, lon, lat, known=known, name=name)
        ledger.problems += found
    return frame, chosen, ledger, (lon, lat, np.zeros(len(frame)))


def _settled(
    frame: pd.DataFrame, lon: Floats, lat: Floats, *, known: Known | None, name: str
) -> tuple[Floats, Floats, list[Problem]]:
    """Find the datum of points, and undo it.

    Points of villages bear the name of the unit that they stand for; that is where they lie.
    """
    if known is None or known.bounds() is None:
        raise CrsError(fatal("population.auto_needs_units", name=name, value="auto"))
    ours = match_columns([str(title) for title in frame.columns]).columns
    cells = {key: text_cells(frame[ours[key]]) for key in _STATING if key in ours}
    found = detect_datum(
        lon,
        lat,
        polygons=known.units,
        # Without one the points are only tested for lying in any unit.
        stated=None if not cells else next(iter(cells.values())),
        stated_too=list(cells.values())[1:],
        names=cells.get("name", cells.get("unit", np.empty(0, dtype=object))).tolist(),
        known=known,
    )
    details = details_of(found)
    if found.datum is None:
        raise CrsError(
            fatal("population.datum_undecided", name=name, value="auto", details=details)
        )
    problem = Problem(
        code="population.datum_detected",
        severity="note",
        file=name,
        value=found.datum,
        details=details,
    )
    return *to_wgs84(lon, lat, datum=found.datum), [problem]


def _set_aside_far(
    ledger: _Ledger, x: Floats, y: Floats, crs: CRS, *, column: str, values: Iterable[Any]
) -> None:
    """Set single rows out of range aside; where most are, the whole file is refused later."""
    if not crs.is_geographic:
        return
    with np.errstate(invalid="ignore"):
        far = ledger.left & ((np.abs(x) > _HALF_TURN) | (np.abs(y) > _QUARTER_TURN))
    if far.sum() * 2 <= ledger.left.sum():
        ledger.set_aside(far, "out_of_range", column=column, values=values)


def _layer(settings: PopulationSettings, path: Path, name: str, known: Known | None) -> _Source:
    auto = settings.datum == "auto"
    layer, problems = read_vector(
        path,
        name=name,
        crs=settings.crs,
        datum=None if auto else settings.datum,
        encoding=settings.encoding,
        grid=grid_of(settings),
        known=known,
    )
    frame = pd.DataFrame(layer.drop(columns="geometry"))
    names = [str(column) for column in frame.columns]
    wanted = {key: title for key, title in settings.columns.items() if key not in ("lon", "lat")}
    chosen, found = choose_point_columns(names, declared=wanted, name=name)
    chosen = _with_ages(chosen, names, settings, name)
    _need(chosen, ("population",), names, name)
    ledger = _Ledger(np.arange(1, len(frame) + 1), file=name)
    ledger.problems += [*problems, *found]
    shapes = layer.geometry.to_numpy()
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    ledger.set_aside(missing, "no_coordinates", column="geometry", values=np.full(len(frame), ""))
    points = shapely.point_on_surface(shapes)
    error_m = np.sqrt(areas_m2(shapes) / np.pi)
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    if auto:
        lon, lat, found = _settled(frame, lon, lat, known=known, name=name)
        ledger.problems += found
    return frame, chosen, ledger, (lon, lat, error_m)


def _with_ages(
    chosen: dict[str, tuple[str, ...]], names: list[str], settings: PopulationSettings, name: str
) -> dict[str, tuple[str, ...]]:
    """Return the columns with the elderly, and people without a column, summed over age groups."""
    if settings.elderly != "ages":
        return chosen
    ages = age_columns(names, age_from=settings.age_from, name=name)
    people = chosen.get("population") or ages.population
    return {**chosen, "elderly": ages.elderly} | ({"population": people} if people else {})


def _need(
    chosen: dict[str, tuple[str, ...]], wanted: Iterable[str], names: list[str], name: str
) -> None:
    details: dict[str, object] = {"known": ", ".join(names)}
    faults = [
        fatal("population.no_column", name=name, value=key, details=details)
        for key in wanted
        if key not in chosen
    ]
    if faults:
        raise InputError(faults)


def _sum(frame: pd.DataFrame, columns: tuple[str, ...]) -> tuple[Floats, Bools, str]:
    values, wrong = np.zeros(len(frame)), np.zeros(len(frame), dtype=bool)
    for column in columns:
        part, bad = number_cells(frame[column])
        values, wrong = values + part, wrong | bad
    return values, wrong, "+".join(columns)


def _cells(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[str]:
    parts = [text_cells(frame[column]) for column in columns]
    return ["+".join(cells) for cells in zip(*parts, strict=True)]


def _distinct(ids: NDArray[Any], name: str) -> NDArray[np.object_]:
    """Return ``stem:id``, the row's number where the id is empty, repeats numbered."""
    stem = Path(name).stem
    seen: dict[str, int] = defaultdict(int)
    result = []
    for own in ids:
        whole = f"{stem}:{own}"
        seen[whole] += 1
        result.append(whole if seen[whole] == 1 else f"{whole} #{seen[whole]}")
    return np.array(result, dtype=object)


def _balance(
    people: Floats, old: Floats, kept_old: Floats, used: Bools, zero: Bools
) -> dict[str, float]:
    aside = ~used & ~zero
    known = bool((~np.isnan(old)).any())
    return {
        "rows_total": len(people),
        "rows_used": int(used.sum()),
        "rows_zero": int(zero.sum()),
        "rows_set_aside": int(aside.sum()),
        "people_in_source": float(np.nansum(people)),
        "people_used": float(people[used].sum()),
        "people_set_aside": float(np.nansum(people[aside])),
        "elderly_in_source": float(np.nansum(old)) if known else float("nan"),
        "elderly_used": float(np.nansum(kept_old[used])) if known else float("nan"),
        "elderly_set_aside": float(np.nansum(old[aside])),
        "elderly_clipped": float(np.nansum((old - kept_old)[~aside])),
    }
