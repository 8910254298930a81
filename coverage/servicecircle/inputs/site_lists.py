"""Plots and buildings that a project lists as places for new facilities."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.attribute_words import AttributeWords, ListWords
from servicecircle.inputs.attributes import attribute_columns
from servicecircle.inputs.facility_cells import codes, text_columns
from servicecircle.inputs.facility_places import Places
from servicecircle.inputs.facility_values import number_columns
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.site_files import AREAS, empty_fault, read_site_file
from servicecircle.inputs.values import empty_cells, fold_width
from servicecircle.problems import Problem
from servicecircle.project import CandidateSettings, Project

__all__ = ["SiteList", "read_list", "site_ids"]

Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

WORDS = {
    "cost": AttributeWords(
        name="cost",
        zh="成本",
        en="cost",
        type="number",
        titles=("造价", "费用", "投资", "总投资", "建设成本", "投资额", "price"),
    ),
    "mandatory": AttributeWords(
        name="mandatory", zh="必选", en="mandatory", type="yes_no", titles=("必建", "required")
    ),
    "forbidden": AttributeWords(
        name="forbidden", zh="禁选", en="forbidden", type="yes_no", titles=("禁建", "excluded")
    ),
}
"""Columns of a list of candidates beyond those of every list."""
_TITLES = {
    "name": ("地块名称", "宗地名称", "地块", "宗地", "建筑名称", "楼栋名称", "楼名"),
    "code": ("地块编号", "地块编码", "地块代码", "宗地编号", "宗地号", "宗地代码", "图斑编号"),
}
"""What names and codes of plots and buildings come under, beyond the titles of every list."""
_BUILDINGS = ("building=*+building!=no",)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SiteList:
    """One list of candidates as read, in WGS84.

    Parameters
    ----------
    name : str
        Of its table in the project file.
    table : pandas.DataFrame
        site_id, code, name, lon, lat, cost, capacity (NaN: not stated), mandatory, forbidden,
        area_m2 (of the outline, NaN without one), source_row.
    doors : numpy.ndarray of shapely.Geometry, shape (n,)
        Outline or entrances of each row, None where it has one place alone.
    file : str
        As the project names it.
    small : int
        Rows left out for ``least_area_m2``.
    """

    name: str
    table: pd.DataFrame
    doors: Shapes
    file: str
    small: int = 0


def read_list(
    project: Project, inputs: Inputs, name: str, listed: CandidateSettings
) -> tuple[SiteList, list[Problem]]:
    """Read a list of plots or buildings.

    A row whose cost cannot be read is set aside, for nobody knows what is spent there; so is one
    that says the same of the same place as an earlier one.

    Parameters
    ----------
    project : Project
    inputs : Inputs
        Tell where a list of unknown datum lies.
    name : str
        Of its table in the project file.
    listed : CandidateSettings
        With a path.

    Returns
    -------
    SiteList
    list of Problem

    Raises
    ------
    InputError
        If the file is missing, broken or without a usable row, its datum cannot be, or a row is
        mandatory and forbidden.
    """
    buildings = listed.kind == "buildings" and not listed.osm
    titles = {key: (*project.titles.get(key, ()), *more) for key, more in _TITLES.items()}
    words = ListWords(titles={**project.titles, **titles}, attributes=WORDS)
    selectors = _BUILDINGS if buildings else ()
    read = read_site_file(project, inputs, listed, selectors=selectors, words=words)
    raw, places, doors, cells = read.raw, read.places, read.doors, read.cells
    problems = [*raw.problems, *places.problems]
    bad = places.fault != ""
    for fault in sorted(set(places.fault[bad].tolist())):
        problems += cells.problems(
            "site.no_place" if fault == "facility.no_place" else fault,
            places.fault == fault,
            title=raw.place,
            values=raw.given,
            severity="error",
            action="set_aside",
        )
    code, found = codes(cells, declared="code" in listed.columns)
    problems += found
    numbers, found = number_columns(cells, read.settings, ~bad)
    problems += [one for one in found if one.column == cells.title("capacity")]
    asked, found = attribute_columns(cells, WORDS, ~bad)
    problems += found
    nothing = np.full(bad.size, np.nan)
    cost = asked["cost"].to_numpy(np.float64) if "cost" in asked else nothing
    unread = ~bad & np.isnan(cost) & ~empty_cells(cells.texts("cost"))
    problems += cells.problems(
        "site.no_cost",
        unread,
        title=cells.title("cost"),
        values=cells.texts("cost"),
        severity="error",
        action="set_aside",
    )
    bad = bad | unread
    flags = {
        key: asked[key].fillna(False).to_numpy(bool) if key in asked else np.zeros(bad.size, bool)
        for key in ("mandatory", "forbidden")
    }
    both = ~bad & flags["mandatory"] & flags["forbidden"]
    if both.any():
        raise InputError(
            cells.problems(
                "site.both",
                both,
                title=cells.title("forbidden"),
                values=text_columns(cells)["name"],
                severity="fatal",
                action="stopped",
            )
        )
    area = np.where(np.isin(shapely.get_type_id(doors), AREAS), areas_m2(doors), np.nan)
    names = text_columns(cells)["name"]
    again = _repeated(code, names, places, use=~bad)
    problems += cells.problems(
        "site.repeated", again, title=raw.place, values=names, severity="error", action="set_aside"
    )
    bad = bad | again
    small = ~bad & (listed.least_area_m2 > 0.0) & ~(area >= listed.least_area_m2)
    use = np.flatnonzero(~bad & ~small)
    if not use.size:
        aside = [one for one in problems if one.severity == "error"][:5]
        raise InputError([empty_fault(cells.file), *aside])
    table = pd.DataFrame(
        {
            "code": code,
            "name": names,
            "lon": places.lon,
            "lat": places.lat,
            "cost": cost,
            "capacity": numbers["capacity"],
            **flags,
            "area_m2": area,
            "source_row": pd.array(raw.rows, dtype="Int64"),
        }
    ).iloc[use]
    table.insert(0, "site_id", site_ids(name, table))
    return SiteList(
        name=name,
        table=table.reset_index(drop=True),
        doors=doors[use],
        file=cells.file,
        small=int(small.sum()),
    ), problems


def _repeated(
    code: NDArray[np.object_], names: NDArray[np.object_], places: Places, *, use: Bools
) -> Bools:
    """Return which rows say the same code and name of the same place as an earlier row."""
    told = pd.DataFrame({"code": code, "name": names, "lon": places.lon, "lat": places.lat})
    again = np.zeros(use.size, np.bool_)
    again[use] = told[use].duplicated(keep="first").to_numpy(bool)
    return again


def site_ids(name: str, table: pd.DataFrame) -> NDArray[np.object_]:
    """Return stable ids of places: by their code, else by their name and rounded place.

    Parameters
    ----------
    name : str
        Of the list, with which every id begins.
    table : pandas.DataFrame
        code, name, lon, lat.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "code": ["A1", "A1", ""], "name": ["", "", "空地"],
    ...     "lon": [120.5, 120.6, 120.7], "lat": [30.5, 30.5, 30.5],
    ... })
    >>> site_ids("land", table).tolist()
    ['land:A1', 'land:A1#2', 'land:19122670']
    >>> site_ids("land", table.iloc[:0]).tolist()
    []
    """
    labels = []
    columns = (table[key].tolist() for key in ("code", "name", "lon", "lat"))
    for code, title, lon, lat in zip(*columns, strict=True):
        plain = re.sub(r"\s+", "", fold_width(title)).casefold()
        key = f"{plain}|{lon:.5f}|{lat:.5f}"
        labels.append(code or hashlib.blake2b(key.encode(), digest_size=4).hexdigest())
    own = pd.Series([f"{name}:{label}" for label in labels], dtype=object)
    times = own.groupby(own, sort=False).cumcount()
    again = [f"#{time + 1}" if time else "" for time in times.tolist()]
    return np.array([a + b for a, b in zip(own.tolist(), again, strict=True)], dtype=object)
