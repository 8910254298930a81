"""Candidates that a project names: those that must be opened, must not, or may be closed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.problems import Problem
from servicecircle.project import Project

__all__ = ["contradictions", "rows_named"]

Bools = NDArray[np.bool_]

_IDS = ("candidate_id", "code", "name")


def rows_named(project: Project, rows: pd.DataFrame, *, key: str, names: Sequence[str]) -> Bools:
    """Return which rows a list of names means: by id, else by code, else by name.

    Parameters
    ----------
    project : Project
        For the line of the project file.
    rows : pandas.DataFrame
        candidate_id, code, name.
    key : str
        Of ``[siting]``, for messages.
    names : sequence of str

    Returns
    -------
    numpy.ndarray of bool, shape (k,)
        A name that several bear means all of them.

    Raises
    ------
    InputError
        With each name that is none of a candidate, and the nearest one.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ... })
    >>> rows = pd.DataFrame({
    ...     "candidate_id": ["land:1", "land:2"], "code": ["1", "2"], "name": ["东", "西"],
    ... })
    >>> rows_named(project, rows, key="mandatory", names=["西", "land:2"]).tolist()
    [False, True]
    >>> rows_named(project, rows, key="mandatory", names=["land:3"])
    Traceback (most recent call last):
    servicecircle.errors.InputError: “siting.mandatory”: "land:3" in [siting] mandatory is no ...
    """
    found = np.zeros(len(rows), np.bool_)
    faults = []
    for name in names:
        for column in _IDS:
            # What has no code or name is not meant by an empty one.
            mine = (rows[column] == name).to_numpy(np.bool_) & bool(name)
            if mine.any():
                found |= mine
                break
        else:
            known = [one for column in _IDS for one in rows[column].tolist() if one]
            fault = project.fault("site.unknown_name", ("siting", key), value=name, known=known)
            fault.details["known"] = ", ".join(known[:5])
            fault.details["key"] = key
            faults.append(fault)
    if faults:
        raise InputError(faults)
    return found


def contradictions(rows: pd.DataFrame, why: NDArray[np.object_], *, file: str) -> list[Problem]:
    """Return a fault for each candidate that must be opened and cannot be.

    Parameters
    ----------
    rows : pandas.DataFrame
        name, candidate_id, mandatory, forbidden, source_file, source_row.
    why : numpy.ndarray of str, shape (k,)
        Why a place is not used, "" where it is.
    file : str
        The project's, for candidates of no file.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "candidate_id": ["land:1", "land:2", "land:3"], "name": "", "mandatory": True,
    ...     "forbidden": [True, False, False], "source_file": "a.csv", "source_row": [2, 3, 4],
    ... })
    >>> why = np.array(["", "outside", ""], dtype=object)
    >>> [(one.code, one.row) for one in contradictions(rows, why, file="a.toml")]
    [('site.both', 2), ('site.mandatory_lost', 3)]
    >>> contradictions(rows.iloc[:0], why[:0], file="a.toml")
    []
    """
    must = rows["mandatory"].to_numpy(bool)
    both = must & rows["forbidden"].to_numpy(bool)
    lost = must & ~both & (why != "")
    faults = []
    for code, mine in (("site.both", both), ("site.mandatory_lost", lost)):
        for at in np.flatnonzero(mine).tolist():
            row = rows.iloc[at]
            faults.append(
                Problem(
                    code=code,
                    severity="fatal",
                    action="stopped",
                    file=str(row["source_file"]) or file,
                    row=None if pd.isna(row["source_row"]) else int(row["source_row"]),
                    value=str(row["name"]) or str(row["candidate_id"]),
                    details={"reason": f"site_{why[at]}"},
                )
            )
    return faults
