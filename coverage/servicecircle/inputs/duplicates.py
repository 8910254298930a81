"""Duplicates: one facility listed twice, two at one place, aliases, codes given twice.

Everything here is a proposal: rows are compared, never changed. Only the project's rule
``duplicates = "merge"`` sets a row aside, and only one with the name and the place of an earlier
row of its layer. Rows are grouped by exact places first, neighbours are bounded, and only names
of rows that meet another one by place or code are compared, so that the work stays near linear
in the number of facilities.
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

from servicecircle.inputs.duplicate_records import (
    PROPOSAL_COLUMNS,
    no_proposals,
    proposal_problems,
    proposal_table,
    shared_place_problems,
)
from servicecircle.inputs.likeness import folded_names, has_key, name_likeness
from servicecircle.inputs.near_places import near_places
from servicecircle.inputs.row_groups import (
    first_rows,
    in_groups,
    place_numbers,
    text_numbers,
    together,
)
from servicecircle.problems import Problem

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

# A tenth of a metre.
_SAME_PLACE_DECIMALS = 6
_NEIGHBOURS = 6
_NAMES_A_PLACE = 5
_GEOD = Geod(ellps="WGS84")


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
    """What is compared: names, places as numbers (-1: none), and who shares one (``crowd``)."""

    name: pd.Series[str]
    named: Bools
    place: Ints
    crowd: Bools
    lon: Floats
    lat: Floats


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
    proposals = proposal_table(
        frame, pairs, action=np.where(merged, "set_aside", "flagged").astype(object)
    )
    problems = proposal_problems(frame, pairs, merged=merged, titles=titles or {})
    gone = np.zeros(len(frame), dtype=bool)
    gone[pairs["at"].to_numpy()[merged]] = True
    kept = frame if not gone.any() else frame[~gone].reset_index(drop=True)
    return Settled(kept, proposals, problems)


def propose_duplicates(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the pairs of rows of one layer that may be one facility or share a place.

    A row is paired with the first row of its name and place (``duplicate``; without a place, of
    its name, unit and units served), else with the first of its place (``alias`` where the names
    are alike, else ``co_located``); with up to six nearest places (as on a sphere) within 50 m
    where the names are alike (``alias``); and with the first of its code (``far_apart`` where the
    name is the same and the places are not, ``alias`` within 50 m, else ``same_code``). A row
    without a place is paired with the first placed row of its name whose unit is the same or not
    stated (``unplaced``).

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
    placed = rows.place >= 0
    code = text_numbers(frame["code"].fillna("").astype(str))
    first_code = first_rows(code)
    near = _near_places(rows)
    names = rows.crowd | near.met | in_groups(code)
    listed = np.flatnonzero(~placed & rows.named)
    if listed.size:
        names |= rows.named
    key = _keys(rows, names)
    twin = first_rows(together(rows.place, np.where(rows.crowd, key, -1)))
    belongs = np.full(len(frame), -1, dtype=np.int64)
    belongs[listed] = together(
        key[listed],
        text_numbers(frame["declared_unit"].iloc[listed].astype(str), empty=True),
        text_numbers(frame["serves"].iloc[listed].astype(str), empty=True),
    )
    first_name = np.where(placed, twin, first_rows(belongs))
    again = first_name < at
    first_here = first_rows(rows.place)
    shared = (first_here < at) & ~again
    later, earlier = near.rows(placed & rows.named & (twin == at), layers=None)
    coded = (first_code < at) & ~(again & (first_code == first_name))
    found: list[tuple[str, Ints, Ints]] = [
        ("duplicate", at[again], first_name[again]),
        ("", at[shared], first_here[shared]),
        ("near", later, earlier),
        ("code", at[coded], first_code[coded]),
        ("unplaced", *_placed_twins(frame, key, listed[first_name[listed] == listed], placed)),
    ]
    return _judge(_pairs(found), rows, key)


def _placed_twins(
    frame: gpd.GeoDataFrame, key: Ints, listed: Ints, placed: Bools
) -> tuple[Ints, Ints]:
    """Return rows without a place with the first placed row of the same name and unit.

    The later row comes first. A unit that one of the two leaves open is no other one.
    """
    unit = frame["declared_unit"].fillna("").astype(str).to_numpy(object)
    here = np.flatnonzero(placed & np.isin(key, key[listed]) & (key >= 0))
    sites = pd.DataFrame({"key": key[here], "unit": unit[here], "site": here})
    asking = pd.DataFrame({"key": key[listed], "own": unit[listed], "row": listed})
    pairs = asking.merge(sites.drop_duplicates(["key", "unit"]), on="key")
    # A merge promises no order of the matches of one row.
    pairs = pairs.sort_values(["row", "site"], ignore_index=True)
    fits = (pairs["own"] == pairs["unit"]) | (pairs["own"] == "") | (pairs["unit"] == "")
    pairs = pairs[fits].drop_duplicates("row")
    row, site = pairs["row"].to_numpy(np.int64), pairs["site"].to_numpy(np.int64)
    return np.maximum(row, site), np.minimum(row, site)


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
    placed = rows.place >= 0
    near = _near_places(rows)
    key = _keys(rows, rows.crowd | near.met)
    first_here = first_rows(rows.place)
    first_of_layer = first_rows(together(rows.place, layer))
    shared = placed & (first_of_layer == at) & (layer != layer[first_here])
    called = np.where(rows.crowd, key, -1)
    twin = first_rows(together(rows.place, layer, called))
    later, earlier = near.rows(placed & rows.named & (twin == at), layers=layer)
    first_name = first_rows(together(rows.place, called))
    named = placed & (twin == at) & (layer != layer[first_name])
    found = [
        ("", at[named], first_name[named]),
        ("", at[shared], first_here[shared]),
        ("near", later, earlier),
    ]
    pairs = _judge(_pairs(found), rows, key).assign(kind="co_located")
    return proposal_table(frame, pairs, action=np.full(len(pairs), "flagged", dtype=object))


def _rows(frame: gpd.GeoDataFrame) -> _Rows:
    points = np.asarray(frame.geometry.to_numpy(), dtype=object)
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    place = place_numbers(lon, lat, decimals=_SAME_PLACE_DECIMALS)
    name = frame["name"].fillna("").astype(str)
    return _Rows(name, has_key(name), place, in_groups(place), lon, lat)


def _keys(rows: _Rows, which: Bools) -> Ints:
    """Return a number for the key of each name that is asked for; -1 for the others, and ""."""
    keys = np.full(rows.place.size, -1, dtype=np.int64)
    at = np.flatnonzero(which & rows.named)
    keys[at] = text_numbers(folded_names(rows.name.iloc[at]))
    return keys


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """Places of named rows that are near one another, and the rows at such a place."""

    place: Ints
    one: Ints
    other: Ints
    met: Bools

    def rows(self, entries: Bools, *, layers: Ints | None) -> tuple[Ints, Ints]:
        """Return pairs of entries at these places: the later row, the earlier row.

        Each place holds the first five of its entries. With ``layers`` only pairs of different
        layers, also those at one place.
        """
        at = np.flatnonzero(entries & (self.met if layers is None else True))
        number = self.place[at]
        order = np.argsort(number, kind="stable")
        at, number = at[order], number[order]
        count = np.bincount(number, minlength=int(self.place.max(initial=0)) + 1)
        start = np.cumsum(count) - count
        count = np.minimum(count, _NAMES_A_PLACE)
        one, other = self.one, self.other
        if layers is not None:
            own = np.flatnonzero(count > 1)
            one, other = np.concatenate([one, own]), np.concatenate([other, own])
        times = count[one] * count[other]
        pair = np.repeat(np.arange(one.size), times)
        step = np.arange(pair.size) - np.repeat(np.cumsum(times) - times, times)
        left = at[start[one[pair]] + step // count[other[pair]]]
        right = at[start[other[pair]] + step % count[other[pair]]]
        whole = (one != other)[pair] | (left < right)
        if layers is not None:
            whole &= layers[left] != layers[right]
        left, right = left[whole], right[whole]
        return np.maximum(left, right), np.minimum(left, right)


def _near_places(rows: _Rows) -> _Near:
    """Return the places of named rows within 50 m of one another, of each the nearest six."""
    number = np.where(rows.named, rows.place, -1)
    heads = np.flatnonzero((number >= 0) & (first_rows(number) == np.arange(number.size)))
    one, other = near_places(rows.lon[heads], rows.lat[heads], within_m=NEAR_M, most=_NEIGHBOURS)
    one, other = rows.place[heads[one]], rows.place[heads[other]]
    meets = np.zeros(int(rows.place.max(initial=0)) + 1, dtype=bool)
    meets[one] = meets[other] = True
    return _Near(rows.place, one, other, (rows.place >= 0) & meets[rows.place])


def _pairs(found: list[tuple[str, Ints, Ints]]) -> pd.DataFrame:
    columns = {
        "kind": np.concatenate(
            [np.empty(0, object), *(np.full(at.size, kind, object) for kind, at, _ in found)]
        ),
        "at": np.concatenate([np.empty(0, np.int64), *(at for _, at, _ in found)]),
        "other": np.concatenate([np.empty(0, np.int64), *(other for _, _, other in found)]),
    }
    return pd.DataFrame(columns).assign(distance_m=np.nan, score=0.0)


def _judge(pairs: pd.DataFrame, rows: _Rows, key: Ints) -> pd.DataFrame:
    """Measure the pairs, name what each is, and keep one of every pair."""
    at, other = pairs["at"].to_numpy(), pairs["other"].to_numpy()
    same = (key[at] == key[other]) & (key[at] >= 0)
    score = np.ones(at.size)
    score[~same] = name_likeness(rows.name, at[~same], other[~same])
    pairs = pairs.assign(score=score)
    # Most of those that are only near go here, before anything is measured.
    chosen = (score >= LIKENESS) | (pairs["kind"] != "near").to_numpy()
    pairs, same = pairs[chosen], same[chosen]
    at, other, given = at[chosen], other[chosen], pairs["kind"].to_numpy()
    metres = _metres(rows, at, other)
    near, alike = metres <= NEAR_M, score[chosen] >= LIKENESS
    kind = np.select(
        [
            given == "duplicate",
            (given == "") & alike,
            given == "",
            (given == "near") & near & alike,
            (given == "code") & near,
            (given == "code") & same & np.isfinite(metres),
            given == "code",
            given == "unplaced",
        ],
        [
            *("duplicate", "alias", "co_located", "alias", "alias", "far_apart", "same_code"),
            "unplaced",
        ],
        default="drop",
    )
    judged = pairs.assign(kind=kind, distance_m=metres.round(1), score=pairs["score"].round(3))
    judged = judged[judged["kind"] != "drop"].drop_duplicates(["at", "other"])
    return judged.sort_values(["at", "other"], kind="stable", ignore_index=True)


def _metres(rows: _Rows, at: Ints, other: Ints) -> Floats:
    """Return geodesic distances on WGS84; 0 at one place, NaN without two places."""
    placed = (rows.place[at] >= 0) & (rows.place[other] >= 0)
    metres = np.where(placed, 0.0, np.nan)
    apart = np.flatnonzero(placed & (rows.place[at] != rows.place[other]))
    one, two = at[apart], other[apart]
    metres[apart] = _GEOD.inv(rows.lon[one], rows.lat[one], rows.lon[two], rows.lat[two])[2]
    return metres
