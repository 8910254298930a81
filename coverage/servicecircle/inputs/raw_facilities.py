"""The rows of a facility file before anything is read from them, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.columns import Columns, match_columns
from servicecircle.inputs.coordinates import WGS84, fatal, settle_crs
from servicecircle.inputs.old_grids import is_pipeline
from servicecircle.inputs.titles import normalise_title
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["RawFacilities", "declared_crs", "matched_titles"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFacilities:
    """The rows of a facility file.

    Parameters
    ----------
    frame : pandas.DataFrame
        All cells as str; titles of the file as columns.
    rows : sequence of int or None, length n
        Row numbers for messages; None where the format has none.
    rows_in : int
        Rows of the file, those set aside while reading included.
    sheet : str
    columns : Columns
        Our columns and their titles.
    x, y : numpy.ndarray of float, shape (n,)
        Longitude first, in the file's coordinates; NaN where there is no readable place.
    given : numpy.ndarray of str, shape (n,)
        The place as given, "" where nothing is.
    place : str
        Title of the columns of the place, "" where the file has none.
    crs : pyproj.CRS or None
        None where neither the file nor the project states one.
    datum : str
        What the statement of the file or ``crs`` of the project implies, "" where there is none.
    problems : list of Problem
    doors : numpy.ndarray of shapely.Geometry, shape (n,), optional
        In the file's coordinates: outline or entrances of each row that has more than a place.
    filtered : int
        Rows of the file that the project does not ask for; they are not among the n.
    """

    frame: pd.DataFrame
    rows: list[int | None]
    rows_in: int
    columns: Columns
    x: Floats
    y: Floats
    given: NDArray[np.object_]
    place: str
    crs: CRS | None = None
    datum: str = ""
    sheet: str = ""
    problems: list[Problem] = field(default_factory=list)
    doors: NDArray[np.object_] | None = None
    filtered: int = 0


def matched_titles(
    settings: FacilitySettings,
    titles: list[str],
    more: Mapping[str, Sequence[str]],
    file: str,
    sheet: str,
    *,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Match the titles, and report the columns of ``capacity_sum`` that are not there as well.

    Parameters
    ----------
    settings : FacilitySettings
    titles : list of str
        Of the file.
    more : mapping
        Our column → further titles that the project knows.
    file, sheet : str
        For messages.
    attributes : mapping, optional
        Attribute → titles it comes under.

    Raises
    ------
    InputError
        If the project names columns that the file does not have.

    Examples
    --------
    >>> from pathlib import Path
    >>> settings = FacilitySettings(path=Path("a.csv"))
    >>> dict(matched_titles(settings, ["机构名称"], {}, "a.csv", "").columns)
    {'name': '机构名称'}
    >>> dict(matched_titles(settings, [], {}, "a.csv", "").columns)
    {}
    """
    faults: list[Problem] = []
    try:
        columns = match_columns(
            titles,
            given=settings.columns,
            file=file,
            sheet=sheet,
            datum=settings.datum,
            unit_level=settings.unit_level,
            more=more,
            attributes=attributes,
        )
    except InputError as error:
        faults += error.problems
    present = {normalise_title(title) for title in titles}
    for title in settings.capacity_sum:
        if normalise_title(title) not in present:
            known: dict[str, object] = {"known": ", ".join(titles)}
            faults.append(
                Problem(
                    code="facility.sum_column",
                    severity="fatal",
                    file=file,
                    sheet=sheet,
                    column="capacity_sum",
                    value=title,
                    action="stopped",
                    details=known,
                )
            )
    summed = [normalise_title(title) for title in settings.capacity_sum]
    faults += [
        Problem(
            code="facility.sum_twice",
            severity="fatal",
            file=file,
            sheet=sheet,
            column="capacity_sum",
            value=title,
            action="stopped",
        )
        for at, title in enumerate(settings.capacity_sum)
        if summed[at] in summed[:at]
    ]
    if faults:
        raise InputError(faults)
    added = {normalise_title(title) for title in settings.capacity_sum}
    plain = {title: normalise_title(title) for title in columns.unmapped}
    beds = [title for title, text in plain.items() if text not in added and _BEDS.search(text)]
    if not beds:
        return columns
    read = bool(added) or "capacity" in columns.columns
    unread = Problem(
        code="facility.unread_beds",
        severity="note" if read else "warning",
        file=file,
        sheet=sheet,
        value=", ".join(beds),
        details={"listed": ", ".join(f'"{title}"' for title in beds)},
    )
    return replace(columns, problems=(*columns.problems, unread))


_BEDS = re.compile("床位|床数|beds")


def declared_crs(
    settings: FacilitySettings, stated: CRS | None, name: str, x: Floats, y: Floats
) -> tuple[CRS | None, str]:
    """Return the CRS that the file or the project states, and the datum it implies.

    Parameters
    ----------
    settings : FacilitySettings
    stated : pyproj.CRS or None
        By the file.
    name : str
        Of the file, for messages.
    x, y : numpy.ndarray of float, shape (n,)
        In the file's coordinates; NaN where there is no place.

    Returns
    -------
    crs : pyproj.CRS or None
        None where neither states one.
    datum : str
        "" where neither states one.

    Raises
    ------
    CrsError
        If the declared one is unknown or contradicts the stated one, or parameters of an old datum
        are given where no CRS is.

    Examples
    --------
    >>> from pathlib import Path
    >>> x, y = np.array([120.5]), np.array([30.5])
    >>> declared_crs(FacilitySettings(path=Path("a.csv")), None, "a.csv", x, y)
    (None, '')
    >>> declared_crs(FacilitySettings(path=Path("a.csv")), CRS(4490), "a.csv", x, y)[1]
    'cgcs2000'
    """
    if stated is None and settings.crs is None:
        if settings.towgs84:
            raise CrsError(fatal("crs.towgs84_alone", name=name, column="towgs84"))
        return None, ""
    good = np.isfinite(x) & np.isfinite(y)
    if good.any():
        bounds = (
            float(x[good].min()),
            float(y[good].min()),
            float(x[good].max()),
            float(y[good].max()),
        )
    else:
        bounds = (0.0, 0.0, 0.0, 0.0)
    if is_pipeline(settings.crs):
        return WGS84, "wgs84"
    stated = None if settings.local_grid is not None else stated
    crs = settle_crs(stated, settings.crs, name=name, bounds=bounds, towgs84=settings.towgs84)
    geodetic = crs.geodetic_crs
    label = "" if geodetic is None else geodetic.name.lower()
    return crs, "cgcs2000" if "2000" in label and "china" in label + crs.name.lower() else "wgs84"
