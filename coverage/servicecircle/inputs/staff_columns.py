"""Which column of a staff table is which of ours, and what roles are called."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from servicecircle.errors import InputError
from servicecircle.inputs.tables import Table
from servicecircle.inputs.titles import normalise_title
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import StaffSettings

__all__ = ["likely_titles", "role_names", "role_words", "staff_columns", "unit_titles"]


@cache
def title_lists() -> dict[str, dict[str, list[str]]]:
    file = resources.files("servicecircle") / "inputs" / "staff_columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def unit_titles() -> dict[str, list[str]]:
    """Return the titles of units and dates, by our column, which tables of figures share.

    Examples
    --------
    >>> list(unit_titles())
    ['unit_code', 'unit', 'parent', 'date']
    """
    columns = title_lists()["columns"]
    return {name: list(columns[name]) for name in ("unit_code", "unit", "parent", "date")}


def role_names() -> tuple[str, ...]:
    """Return the roles that plans ask for.

    Examples
    --------
    >>> "social_workers" in role_names()
    True
    """
    return tuple(title_lists()["roles"])


@cache
def role_words() -> dict[str, str]:
    """Return normalised word → role.

    Examples
    --------
    >>> role_words()[normalise_title("持证护理员")]
    'certified_caregivers'
    """
    return {
        normalise_title(word): role
        for role, words in title_lists()["roles"].items()
        for word in (role, *words)
    }


def likely_titles() -> list[str]:
    """Return the titles that staff tables are known to have, to find their header by.

    Examples
    --------
    >>> "岗位" in likely_titles()
    True
    """
    return [title for titles in title_lists()["columns"].values() for title in titles]


def staff_columns(settings: StaffSettings, table: Table, *, file: str) -> dict[str, str]:
    """Return our column → title of the file.

    Parameters
    ----------
    settings : StaffSettings
    table : Table
    file : str
        For messages.

    Raises
    ------
    InputError
        If a title that the project names is not there, or there is no unit and no facility, or no
        role and number.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np, pandas as pd
    >>> table = Table(pd.DataFrame(columns=["镇街", "村", "岗位", "人数"]), np.zeros(0, np.int64))
    >>> staff_columns(StaffSettings(path=Path("a.csv")), table, file="a.csv")
    {'unit': '村', 'parent': '镇街', 'role': '岗位', 'count': '人数'}
    """
    titles = [str(title) for title in table.frame.columns]
    same = {normalise_title(title): title for title in reversed(titles)}
    chosen, faults = _declared(settings, same)
    roles = (same.get(normalise_title(one), "") for one in settings.roles.values())
    taken = {*chosen.values(), *roles}
    for column, aliases in title_lists()["columns"].items():
        if column not in settings.columns:
            found = [same[word] for word in map(normalise_title, aliases) if word in same]
            free = [one for one in found if one not in taken]
            chosen |= {column: free[0]} if free else {}
            if column == "unit" and len(free) > 1:
                # The finest unit is the row's own, the next one what it lies in.
                chosen.setdefault("parent", free[1])
    missing = [] if settings.roles else [one for one in ("role", "count") if one not in chosen]
    if not {"unit", "unit_code", "facility"} & set(chosen):
        missing.append("unit")
    faults += [("staffing.no_column", title, "") for title in missing]
    if faults:
        known = {
            "staffing.no_column": titles,
            "staffing.unknown_key": list(title_lists()["columns"]),
        }
        raise InputError(
            [
                Problem(
                    code=code,
                    severity="fatal",
                    file=file,
                    sheet=table.sheet,
                    column="staff",
                    value=value,
                    action="stopped",
                    details={"known": ", ".join(known[code]), "near": near},
                )
                for code, value, near in faults
            ]
        )
    return chosen


def _declared(
    settings: StaffSettings, same: dict[str, str]
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Return the columns that the project names, and what is wrong with them."""
    ours = title_lists()["columns"]
    chosen: dict[str, str] = {}
    faults: list[tuple[str, str, str]] = []
    for column, title in settings.columns.items():
        if column not in ours:
            faults.append(("staffing.unknown_key", column, nearest_name(column, ours)))
        elif title and normalise_title(title) not in same:
            faults.append(("staffing.no_column", title, ""))
        elif title:
            chosen[column] = same[normalise_title(title)]
    faults += [
        ("staffing.no_column", title, "")
        for title in settings.roles.values()
        if normalise_title(title) not in same
    ]
    return chosen, faults
