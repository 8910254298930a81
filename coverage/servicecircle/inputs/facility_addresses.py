"""Facilities without coordinates placed by their address, each with the error of its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.addresses import AddressBook, Found, find_place
from servicecircle.problems import Problem

__all__ = ["may_be_placed", "place_by_address"]

Bools = NDArray[np.bool_]


def may_be_placed(texts: Mapping[str, NDArray[np.object_]], ways: Sequence[str]) -> Bools:
    """Return which rows say enough to be looked up: an address, a name or a unit.

    Examples
    --------
    >>> texts = {
    ...     name: np.array(["", value], dtype=object)
    ...     for name, value in (("address", "a"), ("name", "b"), ("declared_unit", ""))
    ... }
    >>> may_be_placed(texts, ["village"]).tolist(), may_be_placed(texts, []).tolist()
    ([False, True], [False, False])
    """
    said = np.zeros(len(texts["address"]), dtype=bool)
    for name in ("address", "name", "declared_unit"):
        said |= np.asarray(texts[name] != "", dtype=bool)
    return said if ways else np.zeros_like(said)


def place_by_address(
    frame: gpd.GeoDataFrame,
    *,
    ways: Sequence[str],
    book: AddressBook,
    titles: Mapping[str, str],
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Place the rows of a layer that have no geometry; each of them is one record.

    A row that cannot be placed stays for presence where it has a name and a unit, else it is set
    aside.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Table ``facilities`` of one layer, WGS84.
    ways : sequence of str
        Of geocoder, street, village, township, county.
    book : AddressBook
    titles : mapping of str to str
        Our column → title in the file.

    Returns
    -------
    frame : geopandas.GeoDataFrame
        The rows in use, RangeIndex; ``position_error_m`` and ``placed_by`` say how well they are
        placed.
    problems : list of Problem
    """
    missing = np.flatnonzero(frame.geometry.isna().to_numpy())
    points = frame.geometry.to_numpy(dtype=object).copy()
    error = frame["position_error_m"].to_numpy(np.float64).copy()
    way = frame["placed_by"].to_numpy(object).copy()
    keep = np.ones(len(frame), dtype=bool)
    problems: list[Problem] = []
    for at in missing.tolist():
        row = {name: str(frame[name].iat[at]) for name in _READ}
        found = find_place(
            book,
            address=row["address"],
            name=row["name"],
            unit=row["declared_unit"],
            parent=row["declared_parent"],
            ways=ways,
        )
        if found.way:
            points[at] = shapely.Point(found.lon, found.lat)
            error[at], way[at] = found.error_m, found.way
        else:
            belongs = row["declared_unit"] != "" or row["serves"] != ""
            keep[at] = belongs and row["name"] != ""
        problems += _records(frame, at, row, found, titles=titles, kept=bool(keep[at]))
    placed = frame.assign(position_error_m=error, placed_by=pd.array(way, dtype="str"))
    placed = placed.set_geometry(gpd.GeoSeries(points, index=frame.index, crs=frame.crs))
    return placed[keep].reset_index(drop=True), problems


_READ = ("address", "name", "declared_unit", "declared_parent", "serves")


def _records(
    frame: gpd.GeoDataFrame,
    at: int,
    row: Mapping[str, str],
    found: Found,
    *,
    titles: Mapping[str, str],
    kept: bool,
) -> list[Problem]:
    """Record how a row was placed or why not, and what of it contradicts itself."""
    number = frame["source_row"].iat[at]
    column = found.by if row.get(found.by) else "address" if row["address"] else "name"
    if found.way:
        code = _PLACED.get(found.way, _PLACED_BY[column])
    elif column == "name" and not found.elsewhere:
        code = "address.name_ambiguous" if found.doubt else "address.name_not_found"
    elif found.elsewhere:
        code = "address.elsewhere"
    else:
        code = "address.ambiguous" if found.doubt else "address.not_found"
    problem = Problem(
        code=code,
        severity="warning" if kept else "error",
        file=str(frame["source_file"].iat[at]),
        sheet=str(frame["source_sheet"].iat[at]),
        row=None if pd.isna(number) else int(number),
        column=titles.get(column, ""),
        value=row[column] or row["declared_unit"],
        action="mended" if found.way else "flagged" if kept else "set_aside",
        details={
            "found": found.name,
            "metres": f"{found.error_m:.0f}",
            "names": ", ".join(found.doubt),
            "answer": found.elsewhere,
        },
    )
    if not found.against:
        return [problem]
    stated = row["declared_unit"] or row["declared_parent"]
    contradiction = replace(
        problem,
        code="address.contradicts" if stated else "address.contradicts_itself",
        severity="warning",
        action="flagged",
        column=titles.get("address", ""),
        value=row["address"],
        details={"against": found.against, "stated": stated},
    )
    return [problem, contradiction]


_PLACED_BY = {
    "address": "address.placed_unit",
    "name": "address.placed_by_name",
    "declared_unit": "address.placed_declared",
    "declared_parent": "address.placed_declared",
}
_PLACED = {"street": "address.placed_street", "geocoder": "address.placed_geocoder"}
