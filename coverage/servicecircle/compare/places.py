"""Facilities of two runs: added, removed, moved, changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod

from servicecircle.compare.tables import differ, matched
from servicecircle.standards.registry import load_registry

__all__ = ["MOVED_M", "facility_changes"]

MOVED_M = 1.0
"""A facility that stands farther than this from where it stood has moved."""

_SHOWN = ("layer", "name")
# Where a row stood, and what follows from its place or from the network, is no change of its own.
_NOT_ITS_OWN = frozenset(
    {"source_file", "source_sheet", "source_row", "extra", "snap_m", "snap_status", "entrances"}
    | {"lon", "lat", "facility_id", "datum", "placed_by", *_SHOWN}
)


def facility_changes(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Match the facilities of two runs.

    By ``facility_id``, which is stable where a list has codes. Without a code it follows from name
    and place; so a facility that only one run has is matched by layer and name too, where the name
    is the only one of its kind on either side.

    Parameters
    ----------
    a, b : pandas.DataFrame
        Of ``facilities.csv``.

    Returns
    -------
    pandas.DataFrame
        facility_id (of b, else of a), layer, name, ``status`` (added, removed, opened, closed,
        moved, changed, same; the first that holds), ``matched_by`` (id, name, or ""),
        ``facility_id_a``, ``moved_m``, ``columns`` (names of what else changed), ``open_a``,
        ``open_b``, ``lon_a``, ``lat_a``, ``lon_b``, ``lat_b``.

    Examples
    --------
    >>> def site(id, name, lon):
    ...     return {"facility_id": id, "layer": "canteen", "name": name, "lon": lon, "lat": 0.0,
    ...             "open": True}
    >>> before = pd.DataFrame([site("1", "甲", 0.0), site("2", "乙", 0.0)])
    >>> after = pd.DataFrame([site("1", "甲", 0.0), site("3", "乙", 0.01), site("4", "丙", 0.0)])
    >>> facility_changes(before, after)[["facility_id", "status"]].values.tolist()
    [['1', 'same'], ['3', 'moved'], ['4', 'added']]
    >>> facility_changes(before.iloc[:0], before.iloc[:0]).empty
    True
    """
    a, b = a.reset_index(drop=True), b.reset_index(drop=True)
    renamed = _by_name(a, b)
    keyed = a.assign(
        key=[renamed.get(one, one) for one in a["facility_id"]], own_id=a["facility_id"]
    )
    follows = _NOT_ITS_OWN | {f"in_{scope}" for scope in load_registry().scopes}
    columns = [
        name
        for name in map(str, b.columns)
        if name in a.columns and name not in follows and not name.startswith("unit_")
    ]
    both = matched(
        keyed,
        b.assign(key=b["facility_id"], own_id=b["facility_id"]),
        keys=["key"],
        shown=_SHOWN,
        numbers=["lon", "lat"],
        texts=["own_id", *columns],
    )
    moved = _metres(both)
    in_both = both["status"] == "both"
    placed = both[["lon_a", "lon_b"]].notna()
    gone_or_come = in_both & (placed["lon_a"] != placed["lon_b"])
    changed = [
        (differ(both[f"{name}_a"], both[f"{name}_b"]) & in_both).to_numpy() for name in columns
    ]
    names = _names(columns, changed, len(both))
    has_moved = in_both & ((moved > MOVED_M) | gone_or_come)
    is_open = [_switch(both, f"open_{side}").fillna(False).to_numpy(bool) for side in "ab"]
    status = np.select(
        [
            both["status"] == "only_b",
            both["status"] == "only_a",
            is_open[1] & ~is_open[0],
            is_open[0] & ~is_open[1],
            has_moved,
            names != "",
        ],
        ["added", "removed", "opened", "closed", "moved", "changed"],
        "same",
    )
    other_id = both["own_id_a"] != both["own_id_b"]
    return pd.DataFrame(
        {
            "facility_id": both["own_id_b"].where(both["own_id_b"].notna(), both["own_id_a"]),
            "layer": both["layer"],
            "name": both["name"],
            "status": status,
            "matched_by": np.select([~in_both, other_id], ["", "name"], "id"),
            "facility_id_a": both["own_id_a"].fillna(""),
            "moved_m": moved.where(in_both),
            "columns": names,
            "open_a": _switch(both, "open_a"),
            "open_b": _switch(both, "open_b"),
            "lon_a": both["lon_a"],
            "lat_a": both["lat_a"],
            "lon_b": both["lon_b"],
            "lat_b": both["lat_b"],
        }
    )


def _by_name(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, str]:
    """Return id in a → id in b of facilities whose ids changed, by layer and name."""
    left = a[~a["facility_id"].isin(b["facility_id"]) & (a["name"] != "")]
    right = b[~b["facility_id"].isin(a["facility_id"]) & (b["name"] != "")]
    left = left.drop_duplicates(["layer", "name"], keep=False)
    right = right.drop_duplicates(["layer", "name"], keep=False)
    pairs = left.merge(right, on=["layer", "name"], suffixes=("_a", "_b"))
    return dict(zip(pairs["facility_id_a"], pairs["facility_id_b"], strict=True))


def _metres(both: pd.DataFrame) -> pd.Series[float]:
    """Return how far each facility stands from where it stood; NaN without two places."""
    ends = [both[name].to_numpy(float) for name in ("lon_a", "lat_a", "lon_b", "lat_b")]
    known = np.isfinite(np.stack(ends)).all(axis=0) if len(both) else np.zeros(0, bool)
    metres = np.full(len(both), np.nan)
    if known.any():
        metres[known] = Geod(ellps="WGS84").inv(*(end[known] for end in ends))[2]
    return pd.Series(metres, index=both.index)


def _names(columns: list[str], changed: list[Any], count: int) -> np.ndarray:
    """Return for each row the names of its columns that changed, with semicolons between."""
    rows = [
        ";".join(name for name, one in zip(columns, row, strict=True) if one)
        for row in zip(*changed, strict=True)
    ]
    return np.array(rows if columns else [""] * count, dtype=object)


def _switch(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in table.columns:
        return pd.Series(pd.array([None] * len(table), dtype="boolean"))
    return table[name].astype("boolean")
