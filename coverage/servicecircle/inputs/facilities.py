"""Facility lists of any format as one table: places in WGS84, values read, faults recorded."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.facility_cells import (
    DATES,
    NUMBERS,
    Cells,
    Texts,
    codes,
    date_columns,
    extra_column,
    number_columns,
    status_column,
    text_columns,
)
from servicecircle.inputs.facility_places import Places, settle_places
from servicecircle.inputs.facility_sources import read_raw
from servicecircle.inputs.grids import stop
from servicecircle.inputs.values import fold_width
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["FACILITY_COLUMNS", "FacilityData", "read_facilities"]

Bools = NDArray[np.bool_]

FACILITY_COLUMNS = (
    "facility_id",
    "layer",
    "code",
    "name",
    "address",
    "capacity",
    "nursing_beds",
    "dementia_beds",
    "grade",
    "floor_area_m2",
    "opened",
    "closed",
    "renovated",
    "status",
    "serves",
    "members",
    "declared_unit",
    "declared_parent",
    "datum",
    "position_error_m",
    "source_file",
    "source_sheet",
    "source_row",
    "invented",
    "extra",
    "geometry",
)
# A tenth of a metre.
_SAME_PLACE_DECIMALS = 6
_FIRST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class FacilityData:
    """One layer of facilities.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Table ``facilities`` as read: EPSG:4326, RangeIndex, columns :data:`FACILITY_COLUMNS`.
    problems : tuple of Problem
    rows_in : int
        Rows of the file: ``len(frame) + rows_set_aside``.
    rows_set_aside : int
    """

    frame: gpd.GeoDataFrame
    problems: tuple[Problem, ...]
    rows_in: int
    rows_set_aside: int


def read_facilities(
    settings: FacilitySettings,
    *,
    layer: str,
    base: Path,
    invented: bool = False,
    selectors: tuple[str, ...] = (),
    units: gpd.GeoDataFrame | None = None,
) -> FacilityData:
    r"""Read one layer of facilities.

    Parameters
    ----------
    settings : FacilitySettings
        ``[facilities.LAYER]`` of the project file.
    layer : str
    base : pathlib.Path
        Folder of the project file.
    invented : bool
        The sites are stand-ins.
    selectors : tuple of str
        OpenStreetMap tag selectors of the layer, for .osm and .osm.pbf.
    units : geopandas.GeoDataFrame, optional
        Units in WGS84 (``name``, ``code``), for ``datum = "auto"`` and for finding a file whose
        longitude and latitude are swapped.

    Returns
    -------
    FacilityData

    Raises
    ------
    InputError
        If the file is missing or broken, names columns that are not there, has its longitude and
        latitude swapped, or no row of it can be used.
    CrsError
        If the datum or the CRS is not declared, or cannot be right.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "homes.csv"
    ...     _ = path.write_text("名称,经度,纬度,床位数\n甲,120.5,30.5,153床\n乙,,,20\n")
    ...     data = read_facilities(
    ...         FacilitySettings(path=Path("homes.csv"), datum="wgs84"),
    ...         layer="care_home", base=Path(folder),
    ...     )
    >>> data.frame[["name", "capacity"]].to_dict("records"), data.rows_in, data.rows_set_aside
    ([{'name': '甲', 'capacity': 153.0}], 2, 1)
    >>> data.problems[0].text("en").splitlines()[0]
    'homes.csv row 3 “经度, 纬度”: no coordinates'
    """
    raw = read_raw(settings, base=base, selectors=selectors)
    file = settings.path.as_posix()
    cells = Cells(raw, file)
    problems = list(raw.problems)
    tags = (*selectors, *settings.osm) if file.lower().endswith((".osm", ".pbf")) else ()
    if not len(raw.frame):
        raise _empty(file, raw.sheet, problems, layer=layer, tags=tags)
    texts = text_columns(cells)
    code, found = codes(cells, declared="code" in settings.columns)
    problems += found
    if not raw.place and not any(cells.title(name) for name in ("unit", "unit_code", "serves")):
        known = ", ".join(raw.frame.columns)
        raise stop("facility.no_place_columns", file=file, sheet=raw.sheet, known=known)
    places = settle_places(
        raw,
        file=file,
        datum=settings.datum,
        units=units,
        stated=(texts["declared_unit"], texts["declared_parent"]),
    )
    problems += places.problems
    keep, found = _rows_to_keep(cells, places, texts)
    problems += found
    if not keep.any():
        raise _empty(file, raw.sheet, problems, layer=layer)
    columns: dict[str, object] = {
        "facility_id": _ids(layer, code, texts, places, keep),
        "layer": np.full(len(keep), layer, dtype=object),
        "code": code,
        **texts,
    }
    for read in (number_columns(cells, settings, keep), date_columns(cells, keep)):
        columns |= read[0]
        problems += read[1]
    columns["status"], found = status_column(cells, keep)
    problems += found
    columns |= {
        "datum": np.where(places.fault == "", places.datum, "").astype(object),
        "position_error_m": np.where(places.fault == "", 0.0, np.nan),
        "source_file": np.full(len(keep), file, dtype=object),
        "source_sheet": np.full(len(keep), raw.sheet, dtype=object),
        "source_row": pd.array(raw.rows, dtype="Int64"),
        "invented": np.full(len(keep), invented or settings.invented),
        "extra": extra_column(raw),
    }
    problems += _repeated(cells, places, code, texts, keep)
    frame = _frame(columns, places, keep)
    rows_set_aside = raw.rows_in - len(frame)
    return FacilityData(frame, tuple(problems), raw.rows_in, rows_set_aside)


def _empty(
    file: str, sheet: str, problems: list[Problem], *, layer: str, tags: tuple[str, ...] = ()
) -> InputError:
    fault = Problem(
        code="facility.no_tags" if tags else "input.empty_layer",
        severity="fatal",
        file=file,
        sheet=sheet,
        column=f"facilities.{layer}",
        value=", ".join(dict.fromkeys(tags)),
        action="stopped",
        details={"layer": layer},
    )
    first = [item for item in problems if item.severity == "error"][:_FIRST_FAULTS]
    return InputError([fault, *first])


def _frame(columns: dict[str, object], places: Places, keep: Bools) -> gpd.GeoDataFrame:
    text = {"source_row", "invented", "position_error_m", *NUMBERS, *DATES}
    table = pd.DataFrame(
        {
            name: columns[name] if name in text else pd.array(list(columns[name]), dtype="str")  # type: ignore[call-overload]  # stubs lack "str"
            for name in FACILITY_COLUMNS
            if name != "geometry"
        }
    )
    points = np.full(len(keep), None, dtype=object)
    placed = places.fault == ""
    points[placed] = shapely.points(places.lon[placed], places.lat[placed])
    geometry = gpd.GeoSeries(points[keep], crs="EPSG:4326")
    return gpd.GeoDataFrame(table[keep].reset_index(drop=True), geometry=geometry)


def _rows_to_keep(
    cells: Cells, places: Places, texts: dict[str, Texts]
) -> tuple[Bools, list[Problem]]:
    """Decide which rows can be used: with a place, or with a name and a unit."""
    placed = places.fault == ""
    named = texts["name"] != ""
    belongs = (texts["declared_unit"] != "") | (texts["serves"] != "")
    keep = placed | (belongs & named)
    problems: list[Problem] = []
    title = cells.raw.place
    for fault in sorted(set(places.fault[~placed].tolist())):
        code = fault if title else "facility.no_place"
        for rows, severity, action in (
            ((places.fault == fault) & keep, "warning", "flagged"),
            ((places.fault == fault) & ~keep, "error", "set_aside"),
        ):
            problems += cells.problems(
                code,
                rows,
                title=title,
                values=cells.raw.given,
                severity=severity,  # type: ignore[arg-type]  # from a table of literals
                action=action,  # type: ignore[arg-type]  # from a table of literals
            )
    if not cells.title("name"):
        problems.append(
            Problem(
                code="facility.no_name_column",
                severity="warning",
                file=cells.file,
                sheet=cells.raw.sheet,
                details={"known": ", ".join(cells.raw.frame.columns)},
            )
        )
    else:
        problems += cells.problems("facility.no_name", keep & ~named, title=cells.title("name"))
    return keep, sorted(problems, key=lambda item: item.row or 0)


def _ids(layer: str, code: Texts, texts: dict[str, Texts], places: Places, keep: Bools) -> Texts:
    """Return stable ids: from the code, else from the name and the rounded place."""
    ids = np.full(len(code), "", dtype=object)
    seen: dict[str, int] = {}
    for at in np.flatnonzero(keep):
        if code[at]:
            label = code[at]
        else:
            where = (
                f"{places.lon[at]:.4f}|{places.lat[at]:.4f}"
                if places.fault[at] == ""
                else f"{texts['declared_unit'][at]}|{texts['serves'][at]}"
            )
            key = f"{_same_name(texts['name'][at])}|{where}"
            label = hashlib.blake2b(key.encode(), digest_size=4).hexdigest()
        own = f"{layer}:{label}"
        seen[own] = seen.get(own, 0) + 1
        ids[at] = own if seen[own] == 1 else f"{own}#{seen[own]}"
    return ids


def _same_name(name: str) -> str:
    return re.sub(r"\s+", "", fold_width(name)).casefold()


def _repeated(
    cells: Cells, places: Places, code: Texts, texts: dict[str, Texts], keep: Bools
) -> list[Problem]:
    """Propose duplicates and shared sites; nothing is merged."""
    frame = pd.DataFrame(
        {
            "code": code,
            "name": [_same_name(name) for name in texts["name"]],
            "lon": places.lon.round(_SAME_PLACE_DECIMALS),
            "lat": places.lat.round(_SAME_PLACE_DECIMALS),
            "unit": texts["declared_unit"],
            "serves": texts["serves"],
            "placed": places.fault == "",
        }
    )
    frame["at"] = np.arange(len(frame))
    frame = frame[keep]
    named = frame["name"] != ""
    same = {
        "facility.duplicate": [
            (frame[frame["placed"] & named], ["name", "lon", "lat"]),
            (frame[~frame["placed"] & named], ["name", "unit", "serves"]),
        ],
        "facility.same_code": [(frame[frame["code"] != ""], ["code"])],
        "facility.same_place": [(frame[frame["placed"]], ["lon", "lat"])],
    }
    problems: list[Problem] = []
    flagged: set[int] = set()
    for kind, groups in same.items():
        for rows, keys in groups:
            first = rows.groupby(keys, sort=False)["at"].transform("first")
            again = rows[first != rows["at"]]
            for at, original in zip(again["at"], first[again.index], strict=True):
                if kind == "facility.same_place" and at in flagged:
                    continue
                if kind == "facility.duplicate":
                    flagged.add(at)
                problems.append(
                    Problem(
                        code=kind,
                        severity="note" if kind == "facility.same_place" else "warning",
                        file=cells.file,
                        sheet=cells.raw.sheet,
                        row=cells.raw.rows[at],
                        column=cells.title("code" if kind == "facility.same_code" else "name"),
                        value=str(code[at] if kind == "facility.same_code" else texts["name"][at]),
                        details={
                            "first": cells.raw.rows[original] or code[original],
                            "first_name": str(texts["name"][original]),
                        },
                    )
                )
    return problems
