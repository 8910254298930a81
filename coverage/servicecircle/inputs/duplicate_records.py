"""Proposals of duplicates as a table, and as records for the list of problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.problems import Action, Problem, Severity

__all__ = [
    "PROPOSAL_COLUMNS",
    "no_proposals",
    "proposal_problems",
    "proposal_table",
    "shared_place_problems",
]

Bools = NDArray[np.bool_]

PROPOSAL_COLUMNS = (
    "kind",
    "layer",
    "facility_id",
    "name",
    "code",
    "file",
    "row",
    "other_layer",
    "other_id",
    "other_name",
    "other_code",
    "other_file",
    "other_row",
    "distance_m",
    "score",
    "suggestion",
    "action",
)
Kind = Literal["duplicate", "co_located", "alias", "same_code", "far_apart", "unplaced"]
_SUGGESTIONS: dict[str, str] = {
    "duplicate": "merge",
    "co_located": "keep",
    "alias": "review",
    "same_code": "correct_code",
    "far_apart": "correct_place",
    "unplaced": "review",
}
_RECORDS: dict[str, tuple[str, Severity]] = {
    "duplicate": ("facility.duplicate", "warning"),
    "co_located": ("facility.same_place", "note"),
    "alias": ("duplicate.alias", "warning"),
    "same_code": ("facility.same_code", "warning"),
    "far_apart": ("duplicate.far_apart", "warning"),
    "unplaced": ("duplicate.unplaced", "warning"),
}
_COMPARED = ("address", "capacity", "grade", "opened", "closed", "status")


def no_proposals() -> pd.DataFrame:
    """Return an empty table of proposals.

    Examples
    --------
    >>> no_proposals().empty
    True
    """
    return pd.DataFrame({name: pd.Series(dtype=object) for name in PROPOSAL_COLUMNS})


def proposal_table(
    frame: gpd.GeoDataFrame, pairs: pd.DataFrame, *, action: NDArray[np.object_]
) -> pd.DataFrame:
    """Return pairs of rows as a table that names both.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Table ``facilities``.
    pairs : pandas.DataFrame, m rows
        kind, at, other (positions in ``frame``), distance_m, score.
    action : numpy.ndarray of str, shape (m,)

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PROPOSAL_COLUMNS`.

    Examples
    --------
    >>> nothing = pd.DataFrame({"at": [], "other": []})
    >>> proposal_table(gpd.GeoDataFrame(), nothing, action=np.array([], dtype=object)).empty
    True
    """
    if not len(pairs):
        return no_proposals()
    columns: dict[str, Any] = {"kind": pairs["kind"].to_numpy()}
    for side, prefix, own in (("at", "", "facility_id"), ("other", "other_", "other_id")):
        at = pairs[side].to_numpy()
        columns |= {
            f"{prefix}layer": _at(frame, "layer", at),
            own: _at(frame, "facility_id", at),
            f"{prefix}name": _at(frame, "name", at),
            f"{prefix}code": _at(frame, "code", at),
            f"{prefix}file": _at(frame, "source_file", at),
            f"{prefix}row": pd.array(frame["source_row"].iloc[at], dtype="Int64"),
        }
    columns["distance_m"] = pairs["distance_m"].to_numpy()
    columns["score"] = pairs["score"].to_numpy()
    columns["suggestion"] = pairs["kind"].map(_SUGGESTIONS).to_numpy()
    columns["action"] = action
    return pd.DataFrame(columns)[list(PROPOSAL_COLUMNS)]


def _at(frame: pd.DataFrame, column: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    return np.asarray(frame[column].iloc[rows].to_numpy())


def proposal_problems(
    frame: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    *,
    merged: Bools,
    titles: Mapping[str, str],
) -> tuple[Problem, ...]:
    """Return a record of each pair, at its later row.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Table ``facilities`` of one layer.
    pairs : pandas.DataFrame, m rows
        As for :func:`proposal_table`.
    merged : numpy.ndarray of bool, shape (m,)
        Pairs whose later row is set aside.
    titles : mapping of str to str
        Titles in the file of our columns ``name`` and ``code``.

    Examples
    --------
    >>> nothing = pd.DataFrame({"kind": [], "at": [], "other": [], "distance_m": []})
    >>> proposal_problems(gpd.GeoDataFrame(), nothing, merged=np.array([], bool), titles={})
    ()
    """
    if not len(pairs):
        return ()
    at, other = pairs["at"].to_numpy(), pairs["other"].to_numpy()
    own = {
        name: _at(frame, name, at).tolist()
        for name in ("source_file", "source_sheet", "name", "code")
    }
    first_names = _at(frame, "name", other).tolist()
    first_codes = _at(frame, "code", other).tolist()
    rows, first_rows = _row_numbers(frame, at), _row_numbers(frame, other)
    problems = []
    for number, (kind, metres, gone) in enumerate(
        zip(pairs["kind"].tolist(), pairs["distance_m"].tolist(), merged.tolist(), strict=True)
    ):
        code, severity = _RECORDS[kind]
        action: Action = "flagged"
        details: dict[str, object] = {
            "first": first_rows[number] or first_codes[number],
            "first_name": str(first_names[number]),
            "metres": "–" if np.isnan(metres) else f"{metres:,.0f}",
        }
        if gone:
            code, severity, action = "duplicate.merged", "note", "set_aside"
            differs = _differences(frame, int(at[number]), int(other[number]))
            details["differs"] = ", ".join(differs) or "–"
        about = "code" if kind in ("same_code", "far_apart") else "name"
        problems.append(
            Problem(
                code=code,
                severity=severity,
                file=str(own["source_file"][number]),
                sheet=str(own["source_sheet"][number]),
                row=rows[number],
                column=titles.get(about, ""),
                value=str(own["code" if kind == "same_code" else "name"][number]),
                action=action,
                details=details,
            )
        )
    return tuple(problems)


def _row_numbers(frame: gpd.GeoDataFrame, at: NDArray[np.int64]) -> list[int | None]:
    rows = frame["source_row"].iloc[at]
    return [None if pd.isna(row) else int(row) for row in rows.tolist()]


def shared_place_problems(proposals: pd.DataFrame) -> list[Problem]:
    """Return a note for each two layers that share places.

    Parameters
    ----------
    proposals : pandas.DataFrame
        From :func:`propose_shared_places`.

    Examples
    --------
    >>> shared_place_problems(no_proposals())
    []
    """
    return [
        Problem(
            code="duplicate.across",
            severity="note",
            file=str(rows["file"].iat[0]),
            value=str(len(rows)),
            action="counted",
            details={
                "layer": layer,
                "other": other,
                "name": str(rows["name"].iat[0]),
                "other_name": str(rows["other_name"].iat[0]),
            },
        )
        for (layer, other), rows in proposals.groupby(["layer", "other_layer"], sort=False)
    ]


def _differences(frame: gpd.GeoDataFrame, at: int, other: int) -> list[str]:
    """Return the columns in which two rows hold different values, empty against empty is none."""
    names = []
    for name in _COMPARED:
        if name in frame.columns:
            one, two = frame[name].iat[at], frame[name].iat[other]
            empty = pd.isna(one) or one == "", pd.isna(two) or two == ""
            if (all(empty), bool(one == two)) == (False, False):
                names.append(name)
    return names
