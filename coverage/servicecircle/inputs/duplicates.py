"""Duplicates: one facility listed twice, two at one place, aliases, codes given twice.

Everything here is a proposal: rows are compared, never changed. Only the project's rule
``duplicates = "merge"`` sets a row aside, and only one with the name and the place of an earlier
row of its layer. Rows are grouped by exact places first and neighbours are bounded, so that the
work stays near linear in the number of facilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from scipy.spatial import cKDTree

from servicecircle.inputs.likeness import name_key, name_likeness
from servicecircle.problems import Action, Problem, Severity

__all__ = [
    "NEAR_M",
    "PROPOSAL_COLUMNS",
    "Settled",
    "no_proposals",
    "propose_duplicates",
    "propose_shared_places",
    "settle_duplicates",
    "shared_place_problems",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEAR_M = 50.0
"""Names that are alike are proposed as one facility up to this distance, metres."""
LIKENESS = 0.6
"""How alike two names must be for that, from 0 to 1."""

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
Kind = Literal["duplicate", "co_located", "alias", "same_code", "far_apart"]
_SUGGESTIONS: dict[str, str] = {
    "duplicate": "merge",
    "co_located": "keep",
    "alias": "review",
    "same_code": "correct_code",
    "far_apart": "correct_place",
}
_RECORDS: dict[str, tuple[str, Severity]] = {
    "duplicate": ("facility.duplicate", "warning"),
    "co_located": ("facility.same_place", "note"),
    "alias": ("duplicate.alias", "warning"),
    "same_code": ("facility.same_code", "warning"),
    "far_apart": ("duplicate.far_apart", "warning"),
}
# A tenth of a metre.
_SAME_PLACE_DECIMALS = 6
_NEIGHBOURS = 7
_NAMES_A_PLACE = 5
_EARTH_M = 6_371_008.8
_BLOCK = 50_000
_GEOD = Geod(ellps="WGS84")
_COMPARED = ("address", "capacity", "grade", "opened", "closed", "status")


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """One layer with its duplicates proposed, and merged where the project asks for it.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        The rows kept, RangeIndex.
    proposals : pandas.DataFrame
        Columns :data:`PROPOSAL_COLUMNS`.
    problems : tuple of Problem
        One for each proposal.
    """

    frame: gpd.GeoDataFrame
    proposals: pd.DataFrame
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What is compared: names as keys, exact places as numbers (-1: no place)."""

    key: NDArray[np.object_]
    place: Ints
    lon: Floats
    lat: Floats


def no_proposals() -> pd.DataFrame:
    """Return an empty table of proposals.

    Examples
    --------
    >>> no_proposals().empty
    True
    """
    return pd.DataFrame({name: pd.Series(dtype=object) for name in PROPOSAL_COLUMNS})


def settle_duplicates(
    frame: gpd.GeoDataFrame,
    *,
    rule: Literal["flag", "merge"] = "flag",
    titles: Mapping[str, str] | None = None,
) -> Settled:
    """Propose the duplicates of one layer; with ``merge``, set those of name and place aside.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame, n rows
        Table ``facilities`` of one layer, EPSG:4326; its first row of a place stays.
    rule : {"flag", "merge"}
    titles : mapping of str to str, optional
        Titles in the file of our columns ``name`` and ``code``, for the records.

    Returns
    -------
    Settled
        ``len(frame)`` rows in = rows kept + rows set aside.

    Examples
    --------
    >>> table = gpd.GeoDataFrame(
    ...     {"facility_id": ["a:1", "a:1#2"], "layer": "a", "name": ["甲院", "甲 院"], "code": "",
    ...      "declared_unit": "", "serves": "", "source_file": "a.csv", "source_sheet": "",
    ...      "source_row": [2, 3]},
    ...     geometry=gpd.points_from_xy([120.0, 120.0], [30.0, 30.0]), crs="EPSG:4326",
    ... )
    >>> kept = settle_duplicates(table)
    >>> len(kept.frame), kept.proposals["suggestion"].tolist(), kept.problems[0].action
    (2, ['merge'], 'flagged')
    >>> merged = settle_duplicates(table, rule="merge")
    >>> len(merged.frame), merged.problems[0].row, merged.problems[0].action
    (1, 3, 'set_aside')
    >>> settle_duplicates(table.iloc[:0]).proposals.empty
    True
    """
    pairs = propose_duplicates(frame)
    merged = (pairs["kind"] == "duplicate").to_numpy() & (rule == "merge")
    proposals = _table(frame, pairs, np.where(merged, "set_aside", "flagged"))
    problems = _problems(frame, pairs, merged, titles or {})
    gone = np.zeros(len(frame), dtype=bool)
    gone[pairs["at"].to_numpy()[merged]] = True
    kept = frame if not gone.any() else frame[~gone].reset_index(drop=True)
    return Settled(kept, proposals, problems)


def propose_duplicates(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the pairs of rows of one layer that may be one facility or share a place.

    A row is paired with the first row of its name and place (``duplicate``; without a place, of
    its name, unit and units served), else with the first of its place (``alias`` where the names
    are alike, else ``co_located``); with up to six nearest places within 50 m where the names are
    alike (``alias``); and with the first of its code (``far_apart`` where the name is the same and
    the places are not, ``alias`` within 50 m, else ``same_code``).

    Parameters
    ----------
    frame : geopandas.GeoDataFrame, n rows
        Table ``facilities`` of one layer, EPSG:4326.

    Returns
    -------
    pandas.DataFrame
        kind, at, other (positions in ``frame``, ``other`` the earlier one), distance_m (NaN
        without two places), score (likeness of the names, 0 to 1); in the order of ``at``.
    """
    if not len(frame):
        return _pairs([])
    rows = _rows(frame)
    at = np.arange(len(frame))
    named, placed = rows.key != "", rows.place >= 0
    table = pd.DataFrame(
        {
            "key": rows.key,
            "place": rows.place,
            "unit": frame["declared_unit"].astype(str).to_numpy(),
            "serves": frame["serves"].astype(str).to_numpy(),
            "code": frame["code"].fillna("").astype(str).to_numpy(),
        }
    )
    found: list[tuple[str, Ints, Ints]] = []
    twin = _first(table, ["key", "place"], placed & named)
    listed = _first(table, ["key", "unit", "serves"], ~placed & named)
    first_name = np.where(placed, twin, listed)
    again = first_name < at
    found.append(("duplicate", at[again], first_name[again]))
    first_here = _first(table, ["place"], placed)
    shared = (first_here < at) & ~again
    found.append(("", at[shared], first_here[shared]))
    near = _near_pairs(rows, np.flatnonzero(placed & named & (twin == at)), layers=None)
    found.append(("near", near[0], near[1]))
    first_code = _first(table, ["code"], (table["code"] != "").to_numpy())
    coded = (first_code < at) & ~(again & (first_code == first_name))
    found.append(("code", at[coded], first_code[coded]))
    return _judge(_pairs(found), rows, frame)


def propose_shared_places(frames: Mapping[str, gpd.GeoDataFrame]) -> pd.DataFrame:
    """Return the facilities of different layers that stand at one place, or nearly so.

    For each place the first row of a layer is paired with the first of every further layer, and
    each name with the same name; rows with like names in different layers are paired up to 50 m.
    Other services at one place are no duplicates: the suggestion is to keep both.

    Parameters
    ----------
    frames : mapping of str to geopandas.GeoDataFrame
        Table ``facilities`` by layer, EPSG:4326.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PROPOSAL_COLUMNS`.

    Examples
    --------
    >>> def layer(name, lon):
    ...     return gpd.GeoDataFrame(
    ...         {"facility_id": [f"{name}:1"], "layer": name, "name": ["甲村"], "code": "",
    ...          "source_file": f"{name}.csv", "source_row": [2]},
    ...         geometry=gpd.points_from_xy([lon], [30.0]), crs="EPSG:4326",
    ...     )
    >>> found = propose_shared_places({"a": layer("a", 120.0), "b": layer("b", 120.0)})
    >>> found[["kind", "facility_id", "other_id", "suggestion"]].values.tolist()
    [['co_located', 'b:1', 'a:1', 'keep']]
    >>> len(propose_shared_places({"a": layer("a", 120.0), "b": layer("b", 120.1)}))
    0
    """
    if len(frames) < 2:  # noqa: PLR2004 - one layer has no other
        return no_proposals()
    columns = ["facility_id", "layer", "name", "code", "source_file", "source_row", "geometry"]
    frame = gpd.GeoDataFrame(
        pd.concat([one[columns] for one in frames.values()], ignore_index=True),
        geometry="geometry",
        crs="EPSG:4326",
    )
    rows = _rows(frame)
    at = np.arange(len(frame))
    layer = pd.factorize(frame["layer"])[0].astype(np.int64)
    table = pd.DataFrame({"place": rows.place, "layer": layer, "key": rows.key})
    placed = rows.place >= 0
    first_here = _first(table, ["place"], placed)
    first_of_layer = _first(table, ["place", "layer"], placed)
    shared = placed & (first_of_layer == at) & (layer != layer[first_here])
    twin = _first(table, ["place", "layer", "key"], placed)
    entries = np.flatnonzero(placed & (rows.key != "") & (twin == at))
    near = _near_pairs(rows, entries, layers=layer)
    first_name = _first(table, ["place", "key"], placed & (rows.key != ""))
    named = placed & (twin == at) & (layer != layer[first_name])
    found = [
        ("", at[named], first_name[named]),
        ("", at[shared], first_here[shared]),
        ("near", near[0], near[1]),
    ]
    pairs = _judge(_pairs(found), rows, frame).assign(kind="co_located")
    return _table(frame, pairs, np.full(len(pairs), "flagged", dtype=object))


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


def _rows(frame: gpd.GeoDataFrame) -> _Rows:
    points = np.asarray(frame.geometry.to_numpy(), dtype=object)
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    places = pd.DataFrame(
        {"lon": lon.round(_SAME_PLACE_DECIMALS), "lat": lat.round(_SAME_PLACE_DECIMALS)}
    )
    number = (
        places.groupby(["lon", "lat"], sort=False, dropna=False)
        .ngroup()
        .to_numpy()
        .astype(np.int64)
    )
    number[~(np.isfinite(lon) & np.isfinite(lat))] = -1
    return _Rows(name_key(frame["name"].fillna("").astype(str).tolist()), number, lon, lat)


def _first(table: pd.DataFrame, keys: list[str], which: Bools) -> Ints:
    """Return for each row the first row with the same keys, itself where it is not asked for."""
    first = np.arange(len(table))
    mine = table[which]
    place = pd.Series(np.flatnonzero(which), index=mine.index)
    first[which] = place.groupby([mine[key] for key in keys], sort=False).transform("first")
    return first


def _near_pairs(rows: _Rows, entries: Ints, *, layers: Ints | None) -> tuple[Ints, Ints]:
    """Return pairs of entries at different places within 50 m: the later row, the earlier row.

    Each place is held against its nearest six, each with the first five of its names.
    With ``layers`` only pairs of different layers, also those at one place.
    """
    nobody = np.empty(0, dtype=np.int64)
    if entries.size < 2:  # noqa: PLR2004 - a pair
        return nobody, nobody
    place, number = np.unique(rows.place[entries], return_inverse=True)
    rank = pd.Series(number).groupby(number).cumcount().to_numpy()
    few = rank < _NAMES_A_PLACE
    holds = np.full((place.size, _NAMES_A_PLACE), -1, dtype=np.int64)
    holds[number[few], rank[few]] = entries[few]
    head = holds[:, 0]
    lon, lat = np.radians(rows.lon[head]), np.radians(rows.lat[head])
    sphere = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    # A sphere is off by less than one per cent; the true distance is asked for below.
    tree = cKDTree(sphere * _EARTH_M)
    later: list[Ints] = []
    earlier: list[Ints] = []
    for start in range(0, place.size, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, place.size))
        _, near = tree.query(
            tree.data[block],
            k=min(_NEIGHBOURS, place.size) if place.size > 1 else [1],
            distance_upper_bound=1.01 * NEAR_M,
        )
        one = np.repeat(block, near.shape[1])
        other = near.ravel()
        good = (other < place.size) & ((other != one) | (layers is not None))
        left = np.repeat(holds[one[good]], _NAMES_A_PLACE, axis=1).ravel()
        right = np.tile(holds[other[good]], (1, _NAMES_A_PLACE)).ravel()
        whole = (left >= 0) & (right >= 0) & (left != right)
        if layers is not None:
            whole &= layers[left] != layers[right]
        later.append(np.maximum(left, right)[whole])
        earlier.append(np.minimum(left, right)[whole])
    # One number a pair: sorting rows of two is ten times as slow.
    number_of_rows = rows.place.size
    pairs = np.unique(np.concatenate(later) * number_of_rows + np.concatenate(earlier))
    return pairs // number_of_rows, pairs % number_of_rows


def _pairs(found: list[tuple[str, Ints, Ints]]) -> pd.DataFrame:
    columns = {
        "kind": np.concatenate(
            [np.empty(0, object), *(np.full(at.size, kind, object) for kind, at, _ in found)]
        ),
        "at": np.concatenate([np.empty(0, np.int64), *(at for _, at, _ in found)]),
        "other": np.concatenate([np.empty(0, np.int64), *(other for _, _, other in found)]),
    }
    return pd.DataFrame(columns).assign(distance_m=np.nan, score=0.0)


def _judge(pairs: pd.DataFrame, rows: _Rows, frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure the pairs, name what each is, and keep one of every pair."""
    at, other = pairs["at"].to_numpy(), pairs["other"].to_numpy()
    metres = _metres(rows, at, other)
    names = frame["name"].fillna("").astype(str).to_numpy(object)
    same = (rows.key[at] == rows.key[other]) & (rows.key[at] != "")
    score = np.where(same, 1.0, name_likeness(names, at, other))
    near, alike = metres <= NEAR_M, score >= LIKENESS
    given = pairs["kind"].to_numpy()
    kind = np.select(
        [
            given == "duplicate",
            (given == "") & alike,
            given == "",
            (given == "near") & near & alike,
            (given == "code") & near,
            (given == "code") & same & np.isfinite(metres),
            given == "code",
        ],
        ["duplicate", "alias", "co_located", "alias", "alias", "far_apart", "same_code"],
        default="drop",
    )
    judged = pairs.assign(kind=kind, distance_m=metres.round(1), score=score.round(3))
    judged = judged[judged["kind"] != "drop"].drop_duplicates(["at", "other"])
    return judged.sort_values(["at", "other"], kind="stable", ignore_index=True)


def _metres(rows: _Rows, at: Ints, other: Ints) -> Floats:
    """Return geodesic distances on WGS84; 0 at one place, NaN without two places."""
    placed = (rows.place[at] >= 0) & (rows.place[other] >= 0)
    metres = np.full(at.size, np.nan)
    one, two = at[placed], other[placed]
    _, _, found = _GEOD.inv(rows.lon[one], rows.lat[one], rows.lon[two], rows.lat[two])
    metres[placed] = np.where(rows.place[one] == rows.place[two], 0.0, found)
    return metres


def _table(
    frame: gpd.GeoDataFrame, pairs: pd.DataFrame, action: NDArray[np.object_]
) -> pd.DataFrame:
    if not len(pairs):
        return no_proposals()
    one, two = frame.iloc[pairs["at"]], frame.iloc[pairs["other"]]
    columns: dict[str, object] = {"kind": pairs["kind"].to_numpy()}
    for rows, prefix, own in ((one, "", "facility_id"), (two, "other_", "other_id")):
        columns |= {
            f"{prefix}layer": rows["layer"].to_numpy(),
            own: rows["facility_id"].to_numpy(),
            f"{prefix}name": rows["name"].to_numpy(),
            f"{prefix}code": rows["code"].to_numpy(),
            f"{prefix}file": rows["source_file"].to_numpy(),
            f"{prefix}row": pd.array(rows["source_row"], dtype="Int64"),
        }
    columns["distance_m"] = pairs["distance_m"].to_numpy()
    columns["score"] = pairs["score"].to_numpy()
    columns["suggestion"] = pairs["kind"].map(_SUGGESTIONS).to_numpy()
    columns["action"] = action
    return pd.DataFrame(columns)[list(PROPOSAL_COLUMNS)]


def _problems(
    frame: gpd.GeoDataFrame, pairs: pd.DataFrame, merged: Bools, titles: Mapping[str, str]
) -> tuple[Problem, ...]:
    """Return a record of each pair, at its later row."""
    problems = []
    records = pairs[["kind", "at", "other", "distance_m"]].itertuples(index=False, name=None)
    rows: list[int | None] = [
        None if pd.isna(row) else int(row) for row in frame["source_row"].tolist()
    ]
    names, codes = frame["name"].tolist(), frame["code"].tolist()
    for (kind, at, other, metres), gone in zip(records, merged, strict=True):
        code, severity = _RECORDS[kind]
        action: Action = "flagged"
        details: dict[str, object] = {
            "first": rows[other] or codes[other],
            "first_name": str(names[other]),
            "metres": "–" if np.isnan(metres) else f"{metres:,.0f}",
        }
        if gone:
            code, severity, action = "duplicate.merged", "note", "set_aside"
            details["differs"] = ", ".join(_differences(frame, at, other)) or "–"
        about = "code" if kind in ("same_code", "far_apart") else "name"
        problems.append(
            Problem(
                code=code,
                severity=severity,
                file=str(frame["source_file"].iat[at]),
                sheet=str(frame["source_sheet"].iat[at]),
                row=rows[at],
                column=titles.get(about, ""),
                value=str((codes if kind == "same_code" else names)[at]),
                action=action,
                details=details,
            )
        )
    return tuple(problems)


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
