"""Where facilities are: coordinates proved, turned into WGS84, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from servicecircle.crs import transformer
from servicecircle.datums import to_wgs84
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.coordinates import Bounds
from servicecircle.inputs.crs_candidates import told_candidates
from servicecircle.inputs.datum_detect import detect_datum
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_problems import details_of
from servicecircle.inputs.old_grids import Grid
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.inputs.unit_names import named_in
from servicecircle.problems import Problem

__all__ = ["Places", "settle_places"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

WHOLE_FILE = 0.9
"""From this share of its rows on, a fault is the file's and not the rows'."""
_HALF_TURN, _QUARTER_TURN, _WHOLE_TURN = 180.0, 90.0, 360.0
_MARGIN_DEGREES = 1.0
_SHIFT_DEGREES = 0.02
_AREA_OF_USE_MARGIN_DEGREES = 5.0


@dataclass(frozen=True, slots=True)
class Places:
    """Places in WGS84.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (n,)
        NaN where the row has no place.
    fault : numpy.ndarray of str, shape (n,)
        "" for a good place, else the code of what is wrong.
    datum : str
        What the coordinates were given in; "" where there are none.
    problems : list of Problem
        Of the file; the caller records the rows, since it knows what becomes of them.
    mended : numpy.ndarray of bool, shape (n,)
        Rows whose longitude and latitude were exchanged.
    """

    lon: Floats
    lat: Floats
    fault: NDArray[np.object_]
    datum: str
    problems: list[Problem]
    mended: Bools


def settle_places(
    raw: RawFacilities,
    *,
    file: str,
    datum: str | None,
    stated: Sequence[NDArray[np.object_]] = (),
    grid: Grid | None = None,
    known: Known | None = None,
) -> Places:
    """Turn the coordinates of a file into WGS84.

    Parameters
    ----------
    raw : RawFacilities
    file : str
        For messages.
    datum : str or None
        As the project declares it; ``auto`` asks for the test against the units.
    stated : sequence of numpy.ndarray of str, shape (n,)
        For ``auto``: units of each row, the most telling column first.
    grid : Grid, optional
        Swapped axes, parameters of an old datum or of a town's own grid.
    known : Known, optional
        For ``auto``, and for finding a file whose axes are swapped.

    Returns
    -------
    Places

    Raises
    ------
    CrsError
        If no datum is declared, the declared CRS cannot be right, or ``auto`` does not find one.
    InputError
        If longitude and latitude are swapped in the whole file.

    Examples
    --------
    >>> import pandas as pd
    >>> from servicecircle.inputs.columns import match_columns
    >>> raw = RawFacilities(
    ...     frame=pd.DataFrame(index=range(2)), rows=[2, 3], rows_in=2,
    ...     columns=match_columns([]), x=np.array([120.5, np.nan]), y=np.array([30.5, np.nan]),
    ...     given=np.array(["120.5, 30.5", ""], dtype=object), place="lon, lat",
    ... )
    >>> places = settle_places(raw, file="a.csv", datum="wgs84")
    >>> places.lon.tolist(), places.fault.tolist()
    ([120.5, nan], ['', 'facility.no_place'])
    """
    lon, lat = np.array(raw.x, np.float64), np.array(raw.y, np.float64)
    if grid is not None and not grid.plain:
        lon, lat = (np.array(part) for part in grid.apply(lon, lat, name=file))
    seen = known or Known()
    fault = np.full(len(lon), "", dtype=object)
    fault[~(np.isfinite(lon) & np.isfinite(lat))] = "facility.bad_place"
    fault[raw.given == ""] = "facility.no_place"
    # 0, 0 is what geocoders and databases write for nothing.
    fault[(fault == "") & (lon == 0.0) & (lat == 0.0)] = "facility.no_place"
    problems: list[Problem] = []
    good = fault == ""
    mended = np.zeros(len(lon), dtype=bool)
    if good.any():
        lon, lat = _degrees(raw, lon, lat, fault, file, area=seen.bounds())
        if raw.crs is None or raw.crs.is_geographic:
            _check_order(raw, lon, lat, fault, file)
        good = fault == ""
        if (area := seen.bounds()) is not None:
            # A datum moves a place by a kilometre, the wrong order by thousands.
            _check_against_area(raw, lon, lat, good, area, file)
            if raw.crs is None or raw.crs.is_geographic:
                mended = _swapped_rows(lon, lat, fault, area=area, units=seen.units)
                lon[mended], lat[mended] = lat[mended], lon[mended]
                fault[mended] = ""
                good |= mended
        used, problems = _datum(raw, file, datum, seen, stated, lon=lon, lat=lat, good=good)
        lon[good], lat[good] = to_wgs84(lon[good], lat[good], datum=used)
    else:
        used = datum if datum not in (None, "auto") else raw.datum
    lon[~good], lat[~good] = np.nan, np.nan
    return Places(lon, lat, fault, used or "", problems, mended)


def _fatal(code: str, raw: RawFacilities, file: str, *, value: str, **details: object) -> Problem:
    return Problem(
        code=code,
        severity="fatal",
        file=file,
        sheet=raw.sheet,
        column=raw.place,
        value=value,
        action="stopped",
        details=details,
    )


def _first(raw: RawFacilities, wrong: Bools) -> dict[str, object]:
    """Return the rows of the first five and the count of all, for a message."""
    at = np.flatnonzero(wrong)
    return {
        "count": len(at),
        "total": len(raw.rows),
        "rows": ", ".join(str(raw.rows[item]) for item in at[:5]),
    }


def _degrees(
    raw: RawFacilities,
    x: Floats,
    y: Floats,
    fault: NDArray[np.object_],
    file: str,
    *,
    area: Bounds | None,
) -> tuple[Floats, Floats]:
    """Project back to degrees where the coordinates are metres."""
    good = fault == ""
    metres = good & ((np.abs(x) > _WHOLE_TURN) | (np.abs(y) > _WHOLE_TURN))
    if raw.crs is None or raw.crs.is_geographic:
        if metres.sum() >= WHOLE_FILE * good.sum():
            first = int(np.flatnonzero(metres)[0])
            box = (x[metres].min(), y[metres].min(), x[metres].max(), y[metres].max())
            told = told_candidates(cast(Bounds, box), area=area)
            shown = str(raw.given[first])
            raise CrsError(_fatal("facility.metres", raw, file, value=shown, candidates=told))
        if raw.crs is not None and raw.datum == "wgs84":
            _to_degrees(raw.crs, x, y, good & ~metres)
        return x, y
    degrees = good & (np.abs(x) <= _HALF_TURN) & (np.abs(y) <= _HALF_TURN)
    if degrees.sum() >= WHOLE_FILE * good.sum():
        first = int(np.flatnonzero(degrees)[0])
        shown = str(raw.given[first])
        raise CrsError(_fatal("facility.degrees", raw, file, value=shown, crs=raw.crs.name))
    other_x, other_y = np.array(y), np.array(x)
    _to_degrees(raw.crs, x, y, good)
    outside = good & ~_in_area_of_use(raw.crs, x, y)
    if outside.sum() >= WHOLE_FILE * good.sum():
        _to_degrees(raw.crs, other_x, other_y, good)
        there = good & _in_area_of_use(raw.crs, other_x, other_y)
        if there.sum() >= WHOLE_FILE * good.sum():
            raise InputError(_swapped(raw, file, outside))
        first = int(np.flatnonzero(outside)[0])
        shown = str(raw.given[first])
        raise CrsError(_fatal("facility.wrong_crs", raw, file, value=shown, crs=raw.crs.name))
    fault[outside] = "facility.out_of_range"
    return x, y


def _to_degrees(crs: CRS, x: Floats, y: Floats, rows: Bools) -> None:
    if crs.to_epsg() == 4326:  # noqa: PLR2004 - WGS84 itself
        return
    moved = transformer(crs.to_wkt(), "EPSG:4326").transform(x[rows], y[rows])
    x[rows], y[rows] = (np.asarray(part, np.float64) for part in moved)


def _in_area_of_use(crs: CRS, lon: Floats, lat: Floats) -> Bools:
    inside = np.isfinite(lon) & np.isfinite(lat)
    area, margin = crs.area_of_use, _AREA_OF_USE_MARGIN_DEGREES
    if area is None or area.west > area.east:
        return inside & (np.abs(lat) <= _QUARTER_TURN)
    inside &= (lon >= area.west - margin) & (lon <= area.east + margin)
    return np.asarray(inside & (lat >= area.south - margin) & (lat <= area.north + margin))


def _swapped(raw: RawFacilities, file: str, wrong: Bools) -> Problem:
    first = int(np.flatnonzero(wrong)[0])
    titles = raw.columns.columns
    if "lon" in titles:
        remedy = f'columns = {{ lon = "{titles["lat"]}", lat = "{titles["lon"]}" }}'
    elif "x" in titles:
        remedy = f'columns = {{ x = "{titles["y"]}", y = "{titles["x"]}" }}'
    elif "lonlat" in titles or "latlon" in titles:
        ours = "latlon" if "lonlat" in titles else "lonlat"
        remedy = f'columns = {{ {ours} = "{raw.place}" }}'
    else:
        remedy = "swap_axes = true"
    return _fatal(
        "facility.swapped_file",
        raw,
        file,
        value=str(raw.given[first]),
        fix=remedy,
        **_first(raw, wrong),
    )


def _check_order(
    raw: RawFacilities, lon: Floats, lat: Floats, fault: NDArray[np.object_], file: str
) -> None:
    """Find degrees out of range, and those that are in range only the other way round."""
    good = fault == ""
    outside = good & ((np.abs(lon) > _HALF_TURN) | (np.abs(lat) > _QUARTER_TURN))
    swapped = outside & (np.abs(lat) <= _HALF_TURN) & (np.abs(lon) <= _QUARTER_TURN)
    if swapped.any() and swapped.sum() >= WHOLE_FILE * good.sum():
        raise InputError(_swapped(raw, file, swapped))
    fault[outside] = "facility.out_of_range"
    fault[swapped] = "facility.swapped"


def _check_against_area(
    raw: RawFacilities, lon: Floats, lat: Floats, good: Bools, area: Bounds, file: str
) -> None:
    """Find a file that is swapped although its values are in range, as those of Europe are."""
    away = good & ~_near(lon, lat, area, margin=_MARGIN_DEGREES)
    there = good & _near(lat, lon, area, margin=_MARGIN_DEGREES)
    least = WHOLE_FILE * good.sum()
    if away.sum() >= least and there.sum() >= least:
        raise InputError(_swapped(raw, file, away))


def _swapped_rows(
    lon: Floats,
    lat: Floats,
    fault: NDArray[np.object_],
    *,
    area: Bounds,
    units: gpd.GeoDataFrame | None,
) -> Bools:
    """Return single rows that lie among the units the other way round, and nowhere near as given.

    Among the units is within the box around them, widened by what a datum may shift.
    """
    away = (fault == "") & ~_near(lon, lat, area, margin=_MARGIN_DEGREES)
    box = area if units is None else cast(Bounds, tuple(map(float, units.total_bounds)))
    there = _near(lat, lon, box, margin=_SHIFT_DEGREES)
    return np.asarray((away | (fault == "facility.swapped")) & there)


def _near(x: Floats, y: Floats, area: Bounds, *, margin: float) -> Bools:
    west, south, east, north = area
    inside = (x >= west - margin) & (x <= east + margin)
    return np.asarray(inside & (y >= south - margin) & (y <= north + margin))


def _datum(
    raw: RawFacilities,
    file: str,
    datum: str | None,
    known: Known,
    stated: Sequence[NDArray[np.object_]],
    *,
    lon: Floats,
    lat: Floats,
    good: Bools,
) -> tuple[str, list[Problem]]:
    """Return the datum to convert from: the declared one, the file's, or the one detected."""
    named = raw.columns.datum
    if datum == "auto":
        return _detected(raw, file, known, stated, lon=lon, lat=lat, good=good)
    if datum is None and not raw.datum:
        code = "facility.no_datum_titled" if named else "facility.no_datum"
        if Path(file).suffix.lower() in (".geojson", ".json"):
            code = "facility.no_datum_geojson"
        raise CrsError(_fatal(code, raw, file, value=raw.place, named=named))
    used = datum or raw.datum
    problems = []
    if named and named != used and {named, used} != {"wgs84", "cgcs2000"}:
        problems.append(
            Problem(
                code="facility.datum_title",
                severity="warning",
                value=named,
                file=file,
                sheet=raw.sheet,
                column=raw.place,
                details={"used": used},
            )
        )
    return used, problems


def _detected(
    raw: RawFacilities,
    file: str,
    known: Known,
    stated: Sequence[NDArray[np.object_]],
    *,
    lon: Floats,
    lat: Floats,
    good: Bools,
) -> tuple[str, list[Problem]]:
    if known.bounds() is None:
        raise CrsError(_fatal("facility.auto_needs_units", raw, file, value="auto"))
    names = _column(raw, "name")[good]
    columns = [column[good] for column in stated if (column[good] != "").any()]
    if not columns and known.units is not None:
        # A list without a column of units often has them in its addresses, or in its names.
        addresses = _column(raw, "address")[good]
        texts = [f"{name} {address}" for name, address in zip(names, addresses, strict=True)]
        column = named_in(texts, names=[str(name) for name in known.units["name"]])
        columns = [column] if (column != "").any() else []
    found = detect_datum(
        lon[good],
        lat[good],
        polygons=known.units,
        stated=columns[0] if columns else None,
        stated_too=columns[1:],
        names=names.tolist(),
        known=known,
    )
    details = details_of(found)
    if found.datum is None:
        raise CrsError(_fatal("facility.datum_undecided", raw, file, value="auto", **details))
    problem = Problem(
        code="facility.datum_detected",
        severity="note",
        file=file,
        sheet=raw.sheet,
        column=raw.place,
        value=found.datum,
        details=details,
    )
    return found.datum, [problem]


def _column(raw: RawFacilities, ours: str) -> NDArray[np.object_]:
    title = raw.columns.columns.get(ours)
    if title is None:
        return np.full(len(raw.x), "", dtype=object)
    return np.array([str(cell) for cell in raw.frame[title]], dtype=object)
