"""Which column of a file of units or of people is which of ours, and the cells of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import Floats, fatal
from servicecircle.inputs.titles import normalise_title
from servicecircle.inputs.values import clean_codes, clean_names, fold_width, numbers
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import DRAWN_LEVELS, LEVELS

__all__ = [
    "NUMBERS",
    "POINT_COLUMNS",
    "UNIT_COLUMNS",
    "change_titles",
    "choose_change_columns",
    "choose_columns",
    "choose_point_columns",
    "code_cells",
    "meanings",
    "missing_column",
    "number_cells",
    "text_cells",
]

Texts = NDArray[np.object_]

UNIT_COLUMNS = (
    "code",
    "name",
    "parent",
    "parent_name",
    "type",
    "population",
    "elderly",
    "households",
    "floor_area_m2",
    "built",
    "valid_from",
    "valid_to",
    "basis",
    "age_from",
)
POINT_COLUMNS = ("id", "lon", "lat", "population", "elderly")
NUMBERS = ("population", "elderly", "households", "floor_area_m2")


@cache
def _titles() -> dict[str, dict[str, list[str]]]:
    file = resources.files("servicecircle") / "inputs" / "unit_columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def choose_columns(
    available: Iterable[str], *, level: str, declared: Mapping[str, str], name: str
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """Choose the columns of a boundary file.

    Parameters
    ----------
    available : iterable of str
        Columns of the file.
    level : str
        Level of the units; a column ``town`` is the name of a township but the parent of a village.
    declared : mapping
        Unit column → column of the file, which goes before the aliases. Columns of numbers may be
        sums such as ``"A65_69+A70UP"``.
    name : str
        The file as the project names it.

    Returns
    -------
    chosen : dict
        Unit column → columns of the file whose sum (or one value) it is. Without those not found.
    problems : list of Problem

    Raises
    ------
    InputError
        If a declared column is not there, is not one of a unit, or names and codes are missing.

    Examples
    --------
    >>> choose_columns(["TOWN", "VILLAGE"], level="village_level", declared={}, name="a.shp")[0]
    {'name': ('VILLAGE',), 'parent': ('TOWN',), 'parent_name': ('TOWN',)}
    >>> choose_columns([], level="county", declared={"codes": "x"}, name="a.shp")
    ... # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.shp “codes”: "codes" in columns is none of ours...
    """
    columns = list(available)
    aliases = {key: _unit_titles(key, level) for key in UNIT_COLUMNS}
    chosen, problems = _choose(columns, aliases, declared, name)
    if "name" not in chosen and "code" not in chosen:
        details: dict[str, object] = {"known": ", ".join(columns)}
        raise InputError(fatal("unit.no_name_column", name=name, details=details))
    return chosen, problems


def choose_point_columns(
    available: Iterable[str], *, declared: Mapping[str, str], name: str
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """Choose the columns of a table of people at points: id, lon, lat, population, elderly.

    Examples
    --------
    >>> choose_point_columns(["经度", "纬度", "人口"], declared={}, name="a.csv")[0]
    {'lon': ('经度',), 'lat': ('纬度',), 'population': ('人口',)}
    >>> choose_point_columns([], declared={}, name="a.csv")
    ({}, [])
    """
    titles = _titles()
    aliases = {key: titles["points"].get(key) or titles["own"][key] for key in POINT_COLUMNS}
    return _choose(list(available), aliases, declared, name)


def change_titles() -> list[str]:
    """Return the titles that columns of change tables are known to have.

    Examples
    --------
    >>> "原代码" in change_titles()
    True
    """
    return [title for titles in _titles()["change"].values() for title in titles]


def choose_change_columns(
    available: Iterable[str], *, declared: Mapping[str, str], name: str
) -> dict[str, tuple[str, ...]]:
    """Choose the columns of a change table.

    Raises
    ------
    InputError
        If a declared column is not there, or neither name nor code of a side is.

    Examples
    --------
    >>> choose_change_columns(["原名称", "新名称"], declared={}, name="a.csv")
    {'old_name': ('原名称',), 'new_name': ('新名称',)}
    >>> choose_change_columns([], declared={}, name="a.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.csv: no column holds the units before the change...
    """
    columns = list(available)
    chosen, _ = _choose(columns, _titles()["change"], declared, name)
    faults = [
        fatal(code, name=name, details={"known": ", ".join(columns)})
        for side, code in (("old", "change.no_old"), ("new", "change.no_new"))
        if f"{side}_code" not in chosen and f"{side}_name" not in chosen
    ]
    if faults:
        raise InputError(faults)
    return chosen


@cache
def meanings(table: str) -> dict[str, str]:
    """Return what the words of a table of words mean: word in lower case → our word.

    Examples
    --------
    >>> meanings("change_kinds")["更名"], meanings("levels")["街道"]
    ('rename', 'township')
    """
    return {word: ours for ours, words in _titles()[table].items() for word in words}


def _choose(
    columns: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    declared: Mapping[str, str],
    name: str,
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    faults: list[Problem] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for key, given in declared.items():
        if key not in aliases:
            known = list(aliases)
            details: dict[str, object] = {
                "known": ", ".join(known),
                "near": nearest_name(key, known),
            }
            faults.append(
                fatal("unit.unknown_key", name=name, column=key, value=key, details=details)
            )
            continue
        parts = [given]
        if given not in columns and key in NUMBERS:
            parts = [part.strip() for part in given.split("+")]
        faults += [
            missing_column(part, columns, name=name) for part in parts if part not in columns
        ]
        chosen[key] = tuple(parts)
    if faults:
        raise InputError(faults)
    problems: list[Problem] = []
    normal = {normalise_title(column): column for column in reversed(columns)}
    for key, titles in aliases.items():
        if key in chosen:
            continue
        wanted = dict.fromkeys(normalise_title(title) for title in titles)
        found = [normal[title] for title in wanted if title in normal]
        if not found:
            continue
        chosen[key] = (found[0],)
        if key in NUMBERS and len(found) > 1:
            problems.append(
                Problem(
                    code="unit.column_choice",
                    severity="warning",
                    file=name,
                    column=key,
                    value=", ".join(found),
                    details={"chosen": found[0]},
                )
            )
    return {key: chosen[key] for key in aliases if key in chosen}, problems


def _unit_titles(key: str, level: str) -> list[str]:
    titles = _titles()
    own = titles["own"][key]
    levels: list[str] = list(LEVELS)
    if level not in levels and level not in DRAWN_LEVELS:
        return own
    if key in ("code", "name"):
        return own + titles[f"{key}s"].get(level, [])
    # Units that are drawn may name whatever they lie in.
    above = levels[: levels.index(level)][::-1] if level in levels else levels[::-1]
    if key == "parent_name":
        return own + [title for upper in above for title in titles["names"][upper]]
    if key == "parent":
        return own + [
            title for upper in above for title in titles["codes"][upper] + titles["names"][upper]
        ]
    return own


def missing_column(column: str, available: Sequence[str], *, name: str) -> Problem:
    """Return the problem of a column that the file does not have.

    Examples
    --------
    >>> missing_column("codes", ["code", "name"], name="a.shp").details["near"]
    'code'
    """
    details: dict[str, object] = {
        "known": ", ".join(available),
        "near": nearest_name(column, available),
    }
    return fatal("unit.no_such_column", name=name, column=column, value=column, details=details)


def text_cells(cells: pd.Series[Any]) -> Texts:
    """Return cells as text with single blanks, "" where empty; whole numbers without ``.0``.

    Examples
    --------
    >>> text_cells(pd.Series([" 凤林镇 ", None])).tolist()
    ['凤林镇', '']
    """
    if pd.api.types.is_float_dtype(cells):
        values = cells.to_numpy(np.float64, na_value=np.nan)
        return clean_names("" if np.isnan(value) else f"{value:.15g}" for value in values)
    missing = cells.isna()
    return clean_names(
        "" if gone else str(value) for value, gone in zip(cells, missing, strict=True)
    )


def code_cells(cells: pd.Series[Any]) -> Texts:
    """Return cells as codes; what holds more than digits only loses its outer blanks.

    Examples
    --------
    >>> code_cells(pd.Series([330881118.0, np.nan])).tolist()
    ['330881118', '']
    >>> code_cells(pd.Series(["０３３０ ", "000000000001", "Isle of Man"])).tolist()
    ['0330', '000000000001', 'Isle of Man']
    """
    texts = text_cells(cells)
    codes = clean_codes(texts)
    numeric = [fold_width(text).lstrip("'‘’`").replace(".", "").isdigit() for text in texts]
    return np.where(np.array(numeric, dtype=bool), codes, texts).astype(object)


def number_cells(cells: pd.Series[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return cells as numbers of people, NaN where empty, and which cells are no such number.

    Examples
    --------
    >>> values, bad = number_cells(pd.Series(["1,200人", "—", "", "many", "-3"]))
    >>> values.tolist(), bad.tolist()
    ([1200.0, nan, nan, nan, nan], [False, False, False, True, True])
    """
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        values = cells.to_numpy(np.float64, na_value=np.nan)
        bad = np.isinf(values)
    else:
        values, good = numbers(text_cells(cells))
        bad = ~good
    bad = bad | (values < 0.0)
    return np.where(bad, np.nan, values), bad
