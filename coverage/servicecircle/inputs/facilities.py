"""Facility lists of any format as one table: places in WGS84, values read, faults recorded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.addresses import AddressBook
from servicecircle.inputs.attribute_words import NO_WORDS, ListWords
from servicecircle.inputs.attributes import attribute_columns
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.duplicates import no_proposals, settle_duplicates
from servicecircle.inputs.empty_lists import PLACE_COLUMNS, nothing_listed, states_none
from servicecircle.inputs.entrances import (
    Doors,
    doors_in_wgs84,
    doors_of,
    no_doors,
    read_entrances,
)
from servicecircle.inputs.facility_addresses import may_be_placed, place_by_address
from servicecircle.inputs.facility_cells import (
    Cells,
    Texts,
    codes,
    extra_column,
    status_column,
    text_columns,
)
from servicecircle.inputs.facility_places import WHOLE_FILE, Places, settle_places
from servicecircle.inputs.facility_sources import read_raw
from servicecircle.inputs.facility_values import DATES, NUMBERS, date_columns, number_columns
from servicecircle.inputs.grids import stop
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.osm_extract import OsmSource
from servicecircle.inputs.text_columns import text_series
from servicecircle.inputs.values import fold_width
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["FACILITY_COLUMNS", "FacilityData", "read_facilities", "with_titles"]

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
    "planned",
    "status",
    "serves",
    "members",
    "declared_unit",
    "declared_parent",
    "declared_level",
    "datum",
    "position_error_m",
    "placed_by",
    "source_file",
    "source_sheet",
    "source_row",
    "invented",
    "extra",
    "geometry",
)
METRES_A_DEGREE = 111_195.0
"""Of a great circle of the mean Earth."""


@dataclass(frozen=True, slots=True)
class FacilityData:
    """One layer of facilities.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Table ``facilities`` as read: EPSG:4326, RangeIndex, columns :data:`FACILITY_COLUMNS` and
        one for each attribute that the list has, see :mod:`servicecircle.inputs.attributes`.
    problems : tuple of Problem
    rows_in : int
        Rows of the file: ``len(frame) + rows_set_aside + rows_filtered``.
    rows_set_aside : int
    proposals : pandas.DataFrame
        Duplicates proposed within the layer, see :mod:`servicecircle.inputs.duplicates`.
    titles : mapping of str to str
        Our column → title in the file, for records made later on.
    doors : mapping of str to shapely.Geometry
        facility_id → entrances or outline, see :mod:`servicecircle.inputs.entrances`.
    rows_filtered : int
        Rows that the project does not ask for by ``only``.
    """

    frame: gpd.GeoDataFrame
    problems: tuple[Problem, ...]
    rows_in: int
    rows_set_aside: int
    proposals: pd.DataFrame = field(default_factory=no_proposals)
    titles: Mapping[str, str] = field(default_factory=dict)
    doors: Doors = field(default_factory=no_doors)
    rows_filtered: int = 0


def read_facilities(
    settings: FacilitySettings,
    *,
    layer: str,
    base: Path,
    invented: bool = False,
    selectors: tuple[str, ...] | OsmSource = (),
    units: gpd.GeoDataFrame | Known | None = None,
    addresses: AddressBook | None = None,
    words: ListWords = NO_WORDS,
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
    selectors : tuple of str or OsmSource
        OpenStreetMap tag selectors of the layer, for .osm and .osm.pbf.
    units : geopandas.GeoDataFrame or Known, optional
        Units in WGS84 (``name``, ``code``), or these with roads and a layer of known datum, for
        ``datum = "auto"`` and for finding a file whose longitude and latitude are swapped.
    addresses : AddressBook, optional
        What rows without coordinates are looked up in, where ``place_by`` asks for it.
    words : ListWords
        Further titles that our columns come under, and the attributes to read.

    Returns
    -------
    FacilityData

    Raises
    ------
    InputError
        If the file is missing or broken, names columns that are not there, has its longitude and
        latitude swapped, or has rows of which none can be used. A list that has a header and
        states no facility is a layer of none, and said to be.
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
    raw = read_raw(settings, base=base, selectors=selectors, words=words)
    file = settings.path.as_posix()
    cells = Cells(raw, file)
    problems = list(raw.problems)
    given = selectors.selectors if isinstance(selectors, OsmSource) else selectors
    tags = (*given, *settings.osm) if file.lower().endswith((".osm", ".pbf")) else ()
    if not len(raw.frame):
        # Said at once what is wrong with its header; all below holds for no rows as well.
        problems.append(nothing_listed(cells, problems, layer=layer, tags=tags))
    texts = text_columns(cells)
    code, found = codes(cells, declared="code" in settings.columns)
    problems += found
    ways = settings.place_by if addresses is not None else []
    needed = (*PLACE_COLUMNS, *(("address",) if ways else ()))
    if len(raw.frame) and not raw.place and not any(cells.title(name) for name in needed):
        known = ", ".join(raw.frame.columns)
        raise stop("facility.no_place_columns", file=file, sheet=raw.sheet, known=known)
    area = units if isinstance(units, Known) else Known(units=units)
    places = settle_places(
        raw,
        file=file,
        datum=settings.datum,
        stated=(texts["declared_unit"], texts["declared_parent"]),
        grid=grid_of(settings),
        known=area,
    )
    problems += places.problems
    problems += cells.problems(
        "facility.swapped_mended",
        places.mended,
        title=raw.place,
        values=raw.given,
        action="mended",
    )
    places = _without_far(places, area.units, far_m=1000.0 * settings.far_km)
    said = states_none(cells, {**texts, "code": code}, places.fault == "facility.no_place")
    looked_up = may_be_placed(texts, ways) & (places.fault != "") & (said == "")
    keep, found = _rows_to_keep(cells, places, texts, looked_up=looked_up, none=said)
    problems += found
    columns: dict[str, Any] = {
        "facility_id": _ids(layer, code, texts, places, keep),
        "layer": np.full(len(keep), layer, dtype=object),
        "code": code,
        **texts,
    }
    for read in (
        number_columns(cells, settings, keep),
        date_columns(cells, keep, stands_for=settings.partial_dates),
    ):
        columns |= read[0]
        problems += read[1]
    columns["status"], found = status_column(cells, keep)
    problems += found
    asked, found = attribute_columns(cells, words.attributes, keep)
    problems += found
    error_m = np.nan_to_num(columns["position_error_m"], nan=settings.position_error_m)
    columns |= {
        "datum": np.where(places.fault == "", places.datum, "").astype(object),
        "position_error_m": np.where(places.fault == "", error_m, np.nan),
        "placed_by": np.where(places.fault == "", "coordinates", "").astype(object),
        "source_file": np.full(len(keep), file, dtype=object),
        "source_sheet": np.full(len(keep), raw.sheet, dtype=object),
        "source_row": pd.array(raw.rows, dtype="Int64"),
        "invented": np.full(len(keep), invented or settings.invented),
        "extra": extra_column(raw),
    }
    settled = settle_duplicates(
        _frame(columns, asked, places, keep),
        rule=settings.duplicates,
        titles={name: cells.title(name) for name in ("name", "code")},
    )
    problems += settled.problems
    frame, found_titles = settled.frame, _titles(cells)
    if ways and addresses is not None:
        # After duplicates: two facilities in the middle of one unit do not share a place.
        frame, found = place_by_address(frame, ways=ways, book=addresses, titles=found_titles)
        problems += found
    if len(raw.frame) and not len(frame):
        problems.append(nothing_listed(cells, problems, layer=layer))
    listed, found = read_entrances(
        settings, frame, base=base, datum=places.datum, titles=words.titles
    )
    problems += found
    drawn = doors_in_wgs84(raw, places, grid=grid_of(settings), name=file)
    ids = zip(columns["facility_id"][keep].tolist(), drawn[keep].tolist(), strict=True)
    rows_set_aside = raw.rows_in - raw.filtered - len(frame)
    return FacilityData(
        frame, tuple(problems), raw.rows_in, rows_set_aside, settled.proposals, found_titles,
        doors_of(frame, {**dict(ids), **listed}), raw.filtered,
    )  # fmt: skip


def _titles(cells: Cells) -> dict[str, str]:
    """Return our column → title in the file, where it has one."""
    ours = dict(cells.raw.columns.columns)
    for column, sources in (
        ("declared_unit", ("unit_code", "unit")),
        ("declared_parent", ("parent",)),
    ):
        found = [ours[source] for source in sources if source in ours]
        ours |= {column: found[0]} if found else {}
    return ours


def with_titles(
    problems: Iterable[Problem], facilities: Mapping[str, FacilityData]
) -> list[Problem]:
    """Return records of facilities with the title of the file in the place of our column.

    Parameters
    ----------
    problems : iterable of Problem
        Those whose details name a layer are looked up; the others stay as they are.
    facilities : mapping of str to FacilityData
        By layer.

    Examples
    --------
    >>> with_titles([], {})
    []
    """
    named = []
    for problem in problems:
        data = facilities.get(str(problem.details.get("layer", "")))
        title = "" if data is None else data.titles.get(problem.column, "")
        named.append(replace(problem, column=title) if title else problem)
    return named


def _frame(
    columns: dict[str, Any], asked: Mapping[str, pd.Series], places: Places, keep: Bools
) -> gpd.GeoDataFrame:
    text = {"source_row", "invented", "position_error_m", *NUMBERS, *DATES}
    table = pd.DataFrame(
        {
            name: columns[name] if name in text else text_series(columns[name])
            for name in FACILITY_COLUMNS
            if name != "geometry"
        }
    ).assign(**asked)
    points = np.full(len(keep), None, dtype=object)
    placed = places.fault == ""
    points[placed] = shapely.points(places.lon[placed], places.lat[placed])
    geometry = gpd.GeoSeries(points[keep], crs="EPSG:4326")
    return gpd.GeoDataFrame(table[keep].reset_index(drop=True), geometry=geometry)


def _rows_to_keep(
    cells: Cells, places: Places, texts: dict[str, Texts], *, looked_up: Bools, none: Texts
) -> tuple[Bools, list[Problem]]:
    """Decide which rows can be used: with a place, or with a name and a unit.

    ``none`` holds what the rows name that say there is no facility. Rows that are looked up by
    their address stay until then; that they have no place is recorded there.
    """
    placed = places.fault == ""
    named = texts["name"] != ""
    belongs = (texts["declared_unit"] != "") | (texts["serves"] != "")
    keep = placed | (belongs & named) | looked_up
    problems = cells.problems(
        "facility.states_none",
        none != "",
        title=cells.title("name"),
        values=none,
        severity="note",
        action="set_aside",
    )
    title = cells.raw.place
    for fault in sorted(set(places.fault[~placed].tolist())):
        code = fault if title else "facility.no_place"
        told = (places.fault == fault) & (none == "")
        if code == "facility.no_place":
            told = told & ~looked_up
        for rows, severity, action in (
            (told & keep, "warning", "flagged"),
            (told & ~keep, "error", "set_aside"),
        ):
            problems += cells.problems(
                code,
                rows,
                title=title,
                values=cells.raw.given,
                severity=severity,  # type: ignore[arg-type]  # from a table of literals
                action=action,  # type: ignore[arg-type]  # from a table of literals
            )
    if not len(keep):
        return keep, problems
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


def _without_far(places: Places, units: gpd.GeoDataFrame | None, *, far_m: float) -> Places:
    """Return places without those so far from all units that they cannot be meant.

    The distance is that to the box around the units, in degrees of their middle latitude. Where
    nearly all are far, the datum or the boundaries are at fault and not the rows.
    """
    good = places.fault == ""
    if units is None or not len(units) or not good.any():
        return places
    west, south, east, north = (float(one) for one in units.total_bounds)
    across = METRES_A_DEGREE * np.cos(np.radians((south + north) / 2.0))
    x = np.maximum(np.maximum(west - places.lon, places.lon - east), 0.0) * across
    y = np.maximum(np.maximum(south - places.lat, places.lat - north), 0.0) * METRES_A_DEGREE
    far = good & (np.hypot(x, y) > far_m)
    if not far.any() or far.sum() >= WHOLE_FILE * good.sum():
        return places
    return replace(
        places,
        lon=np.where(far, np.nan, places.lon),
        lat=np.where(far, np.nan, places.lat),
        fault=np.where(far, "facility.far_away", places.fault).astype(object),
    )


def _ids(layer: str, code: Texts, texts: dict[str, Texts], places: Places, keep: Bools) -> Texts:
    """Return stable ids: from the code, else from the name and the rounded place."""
    ids = np.full(len(code), "", dtype=object)
    labels = code.copy()
    for at in np.flatnonzero(keep & (code == "")):
        where = (
            f"{places.lon[at]:.4f}|{places.lat[at]:.4f}"
            if places.fault[at] == ""
            else f"{texts['declared_unit'][at]}|{texts['serves'][at]}"
        )
        key = f"{_same_name(texts['name'][at])}|{where}"
        labels[at] = hashlib.blake2b(key.encode(), digest_size=4).hexdigest()
    own = f"{layer}:" + labels[keep]
    times = pd.Series(own).groupby(own, sort=False).cumcount().to_numpy()
    again = times > 0
    own[again] = [
        f"{label}#{time + 1}" for label, time in zip(own[again], times[again], strict=True)
    ]
    ids[keep] = own
    return ids


def _same_name(name: str) -> str:
    return re.sub(r"\s+", "", fold_width(name)).casefold()
