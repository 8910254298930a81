"""Rows of a boundary file into units: outlines mended, codes made one, ids given."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.crossings import hopeless_crossings, sampled_crossings
from servicecircle.inputs.shapes import Geometries, areas_m2, polygons_only
from servicecircle.inputs.unit_columns import NUMBERS, meanings, number_cells, text_cells
from servicecircle.inputs.values import dates
from servicecircle.problems import Problem

__all__ = ["identify", "mend", "other_basis", "unite_codes", "validity", "years_built"]

# About a square metre: what is left of a line drawn as a polygon is rounding, no unit.
_LEAST_DEGREES2 = 1e-10
# Mending takes longer with every crossing, and beyond all measure unless rings are mended one by
# one.
_MANY_CROSSINGS, _MOST_CROSSINGS = 300, 20_000
_POLYGON, _MULTIPOLYGON = 3, 6


def mend(
    geometries: Geometries, called: Sequence[str] | NDArray[np.object_], name: str
) -> tuple[Geometries, NDArray[np.bool_], list[Problem]]:
    """Mend outlines, keeping polygons only.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)
    called : sequence of str, length n
        Names, for messages.
    name : str
        The file as the project names it.

    Returns
    -------
    mended : numpy.ndarray, shape (n,)
        Valid polygons, None where nothing with an area is left.
    keep : numpy.ndarray of bool, shape (n,)
    problems : list of Problem
        With the areas before and after.

    Examples
    --------
    >>> shapes = np.array([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), None], dtype=object)
    >>> mended, keep, problems = mend(shapes, ["甲", "乙"], "a.shp")
    >>> keep.tolist(), [problem.code for problem in problems]
    ([True, False], ['unit.no_geometry', 'unit.invalid_ring'])
    """
    missing = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    # To ask whether a hopeless outline is valid takes longer than all the rest.
    crossings = hopeless_crossings(geometries)
    valid = np.zeros(len(geometries), dtype=bool)
    others = np.setdiff1d(np.arange(len(geometries)), list(crossings))
    valid[others] = shapely.is_valid(geometries[others])
    crossings |= sampled_crossings(geometries, np.setdiff1d(np.flatnonzero(~valid), [*crossings]))
    tangled = {at: count for at, count in crossings.items() if count > _MOST_CROSSINGS}
    mendable: Geometries = np.array(geometries, dtype=object)
    for at, count in crossings.items():
        if count > _MOST_CROSSINGS:
            mendable[at] = None
        elif count > _MANY_CROSSINGS:
            mendable[at] = shapely.make_valid(
                geometries[at], method="structure", keep_collapsed=False
            )
    whole = valid & ~missing & np.isin(shapely.get_type_id(mendable), (_POLYGON, _MULTIPOLYGON))
    mended: Geometries = mendable.copy()
    mended[~whole] = polygons_only(mendable[~whole])
    after = areas_m2(mended)
    keep = ~missing & (np.nan_to_num(shapely.area(mended)) > _LEAST_DEGREES2)
    missing[list(tangled)] = True
    touched = np.flatnonzero(keep & ~shapely.equals_exact(geometries, mended, tolerance=0.0))
    problems = [
        Problem(
            code="unit.no_geometry",
            severity="error",
            action="set_aside",
            file=name,
            row=int(at) + 1,
            value=str(called[at]),
        )
        for at in np.flatnonzero(missing).tolist()
        if at not in tangled
    ]
    problems += [
        Problem(
            code="unit.tangled",
            severity="error",
            action="set_aside",
            file=name,
            row=at + 1,
            value=str(called[at]),
            details={"crossings": f"{count:,.0f}", "most": f"{_MOST_CROSSINGS:,}"},
        )
        for at, count in tangled.items()
    ]
    problems += [
        Problem(
            code="unit.not_polygon",
            severity="error",
            action="set_aside",
            file=name,
            row=int(at) + 1,
            value=str(called[at]),
            details={"kind": str(geometries[at].geom_type)},
        )
        for at in np.flatnonzero(~missing & ~keep).tolist()
    ]
    if len(touched):
        before = areas_m2(geometries[touched])
        reasons = shapely.is_valid_reason(geometries[touched])
        problems += [
            Problem(
                code="unit.invalid_ring",
                severity="warning",
                action="mended",
                file=name,
                row=int(at) + 1,
                value=str(called[at]),
                details={
                    "reason": str(reason),
                    "before": f"{old / 1e6:.4f}",
                    "after": f"{after[at] / 1e6:.4f}",
                },
            )
            for at, old, reason in zip(touched.tolist(), before, reasons, strict=True)
        ]
    return mended, keep, problems


def unite_codes(units: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Unite rows of one code and one name; flag codes that stand for several names.

    Examples
    --------
    >>> columns = ["row", "code", "name", "parent_hint", *NUMBERS]
    >>> nothing = gpd.GeoDataFrame(columns=columns, geometry=[], crs=4326)
    >>> unite_codes(nothing, "a.shp")[1]
    []
    """
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    origin = units["origin"].to_numpy() if "origin" in units else np.full(len(units), "")
    renewed = {name for name, old in zip(units["name"], origin, strict=True) if old}
    rows = zip(units["code"], units["name"], units["parent_hint"], strict=True)
    for at, (code, called, hint) in enumerate(rows):
        if code:
            groups[(code,)].append(at)
        elif called in renewed:
            groups[called, hint].append(at)
    problems = []
    drop: list[int] = []
    shapes = units.geometry.to_numpy().copy()
    numbers = {key: units[key].to_numpy().copy() for key in NUMBERS}
    built = units["built"].copy() if "built" in units else None
    for key, members in groups.items():
        if len(members) == 1:
            continue
        names = sorted(set(units["name"].iloc[members]))
        merged = [str(origin[at] or units["name"].iloc[at]) for at in members]
        # Units that became one, or rows of one unit.
        together = len(set(merged)) > 1 and bool(any(origin[members]))
        one = len(names) == 1
        code_of = "change.units_merged" if together else "unit.code_twice"
        problems.append(
            Problem(
                code="unit.merged_rows" if one and not together else code_of,
                severity="warning",
                action="mended" if one else "flagged",
                file=name,
                row=int(units["row"].iloc[members[1]]),
                column="code" if len(key) == 1 else "name",
                value=names[0] if together else key[0],
                details={
                    "count": len(members),
                    "names": ", ".join(merged if together else names),
                },
            )
        )
        if one:
            shapes[members[0]] = shapely.union_all(shapes[members])
            for values in numbers.values():
                values[members[0]] = _number_of(values[members], together=together)
            # Parts of several years are of no one year.
            if built is not None and built.iloc[members].nunique(dropna=False) > 1:
                built.iloc[members[0]] = pd.NA
            drop += members[1:]
    if not drop:
        return units, problems
    columns = numbers if built is None else {**numbers, "built": built}
    united = units.assign(**columns).set_geometry(gpd.GeoSeries(shapes, crs=units.crs))
    return united.drop(index=drop).reset_index(drop=True), problems


def _number_of(values: NDArray[np.float64], *, together: bool) -> float:
    """Return one number for rows of one unit, or the sum of units that became one."""
    given = values[~np.isnan(values)]
    if together:
        return float(values.sum())  # unknown where one of them is
    if not len(given):
        return float("nan")
    return float(given[0] if len(set(given)) == 1 else given.sum())


def identify(
    units: gpd.GeoDataFrame, level: str, name: str
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Give each unit its id: by code, else by name, else by row; repeats are numbered.

    Examples
    --------
    >>> rows = {"row": [1, 2, 3], "code": ["", "", "7"], "name": ["甲", "甲", "甲"]}
    >>> units = gpd.GeoDataFrame(rows | {"parent_hint": ["x", "y", "x"]}, geometry=[None] * 3)
    >>> identify(units, "township", "a.shp")[0]["unit_id"].tolist()
    ['township:甲', 'township:甲 #2', 'township:7']
    """
    problems = []
    seen: dict[str, int] = defaultdict(int)
    twins: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    ids = []
    rows = zip(units["code"], units["name"], units["parent_hint"], units["row"], strict=True)
    for code, called, hint, row in rows:
        if not code and not called:
            problems.append(
                Problem(code="unit.nameless", severity="warning", file=name, row=int(row))
            )
        if called:
            twins[called, hint, "" if code else "uncoded"].append(int(row))
        unit_id = f"{level}:{code or called or f'row {row}'}"
        seen[unit_id] += 1
        ids.append(unit_id if seen[unit_id] == 1 else f"{unit_id} #{seen[unit_id]}")
    problems += [
        Problem(
            code="unit.same_name" if uncoded else "unit.name_twice",
            severity="warning" if uncoded else "note",
            file=name,
            row=found[1],
            column="name",
            value=called,
            details={"count": len(found)},
        )
        for (called, _, uncoded), found in twins.items()
        if len(found) > 1
    ]
    return units.assign(unit_id=ids), problems


def validity(
    frame: pd.DataFrame, chosen: Mapping[str, Sequence[str]], name: str
) -> tuple[dict[str, pd.Series[Any]], list[Problem]]:
    """Return valid_from, valid_to, basis and age_from of the rows of a boundary file.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read.
    chosen : mapping of str to sequence of str
        Our column → column of the file.
    name : str

    Returns
    -------
    columns : dict
        Dates (NaT without limit), basis ("" where not stated), age_from (years, NaN).
    problems : list of Problem

    Examples
    --------
    >>> frame = pd.DataFrame({"to": ["2021-04-09", None], "basis": ["常住", "?"]})
    >>> columns, problems = validity(frame, {"valid_to": ["to"], "basis": ["basis"]}, "a.shp")
    >>> columns["valid_to"].dt.year.tolist(), columns["basis"].tolist()
    ([2021.0, nan], ['resident', ''])
    >>> [(problem.code, problem.row) for problem in problems]
    [('unit.bad_basis', 2)]
    """
    columns: dict[str, pd.Series[Any]] = {}
    problems: list[Problem] = []

    def bad(code: str, at: int, column: str, value: object) -> None:
        problems.append(
            Problem(
                code=code, severity="warning", file=name, row=at + 1, column=column,
                value=str(value),
            )
        )  # fmt: skip

    for key in ("valid_from", "valid_to"):
        values = np.full(len(frame), "NaT", dtype="datetime64[s]")
        if key in chosen:
            cells = frame[chosen[key][0]]
            stamps = pd.api.types.is_datetime64_any_dtype(cells)
            texts = cells.dt.strftime("%Y-%m-%d").fillna("") if stamps else text_cells(cells)
            found = dates(texts)
            values = found.values
            for at in np.flatnonzero(~found.ok).tolist():
                bad("unit.bad_date", at, chosen[key][0], cells.iloc[at])
        columns[key] = pd.Series(values)
    basis = [""] * len(frame)
    if "basis" in chosen:
        known = meanings("bases")
        for at, text in enumerate(text_cells(frame[chosen["basis"][0]])):
            basis[at] = known.get(str(text).lower(), "")
            if text and not basis[at]:
                bad("unit.bad_basis", at, chosen["basis"][0], text)
    columns["basis"] = pd.Series(basis, dtype="str")
    ages = np.full(len(frame), np.nan)
    if "age_from" in chosen:
        ages, wrong = number_cells(frame[chosen["age_from"][0]])
        for at in np.flatnonzero(wrong).tolist():
            bad("unit.bad_number", at, chosen["age_from"][0], frame[chosen["age_from"][0]].iloc[at])
    columns["age_from"] = pd.Series(ages)
    return columns, problems


def years_built(
    frame: pd.DataFrame, chosen: Mapping[str, Sequence[str]], name: str
) -> tuple[pd.Series[Any], list[Problem]]:
    """Return the year in which each unit was built: ``2019``, ``2019年6月``, ``2019-06-30``.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read.
    chosen : mapping of str to sequence of str
        Our column → column of the file.
    name : str

    Returns
    -------
    years : pandas.Series of Int64
        NA where not given.
    problems : list of Problem

    Examples
    --------
    >>> frame = pd.DataFrame({"built": ["2019年6月", 1998, None, "90年代"]})
    >>> years, problems = years_built(frame, {"built": ["built"]}, "a.shp")
    >>> years.tolist(), [(problem.code, problem.row) for problem in problems]
    ([2019, 1998, <NA>, <NA>], [('unit.bad_year', 4)])
    """
    if "built" not in chosen:
        return pd.Series(pd.NA, index=range(len(frame)), dtype="Int64"), []
    cells = frame[chosen["built"][0]]
    stamps = pd.api.types.is_datetime64_any_dtype(cells)
    texts = cells.dt.strftime("%Y-%m-%d").fillna("") if stamps else text_cells(cells)
    found = dates([re.sub(r"(?<=\d)年?(?:建成|竣工|交付|建)$", "", str(text)) for text in texts])
    problems = [
        Problem(
            code="unit.bad_year",
            severity="warning",
            file=name,
            row=at + 1,
            column=str(cells.name),
            value=str(cells.iloc[at]),
        )
        for at in np.flatnonzero(~found.ok).tolist()
    ]
    years = pd.Series(pd.to_datetime(found.values)).dt.year
    return years.astype("Int64").set_axis(range(len(frame))), problems


def other_basis(units: pd.DataFrame, *, basis: str, age_from: int) -> list[Problem]:
    """Tell where units state another basis or age for their people than the project declares.

    Examples
    --------
    >>> units = pd.DataFrame({"basis": ["registered", ""], "age_from": [60.0, 65.0]})
    >>> [problem.value for problem in other_basis(units, basis="resident", age_from=60)]
    ['registered', '65']
    >>> other_basis(units[:0], basis="resident", age_from=60)
    []
    """
    stated = units["basis"][(units["basis"] != "") & (units["basis"] != basis)]
    ages = units["age_from"].dropna()
    ages = ages[ages != age_from]
    counted = [(str(value), basis, count) for value, count in stated.value_counts().items()]
    counted += [
        (f"{value:g}", str(age_from), count) for value, count in ages.value_counts().items()
    ]
    return [
        Problem(
            code="unit.other_basis",
            severity="warning",
            column="basis" if declared == basis else "age_from",
            value=value,
            details={"count": count, "declared": declared},
        )
        for value, declared, count in counted
    ]
