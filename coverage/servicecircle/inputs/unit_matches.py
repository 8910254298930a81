"""Matches of units with an official list, proposed by name, parent and place; never made."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.gazetteer import normalise_name
from servicecircle.inputs.shapes import Geometries, equal_area_crs, project

__all__ = [
    "MATCH_COLUMNS",
    "code_core",
    "no_matches",
    "propose_matches",
    "unit_name_likeness",
    "unit_stem",
    "wider_code",
]

Floats = NDArray[np.float64]

MATCH_COLUMNS = (
    "level",
    "old_code",
    "old_name",
    "old_parent",
    "new_code",
    "new_name",
    "new_parent",
    "kind",
    "date",
    "source",
    "rank",
    "score",
    "name_score",
    "same_parent",
    "place_score",
    "code_is_free",
    "decision",
)

_DIGITS = {"province": 2, "prefecture": 4, "county": 6, "township": 9, "village_level": 12}
# Beyond the unit above: a village may have moved to another township of its county.
_WIDER = {"province": 0, "prefecture": 2, "county": 4, "township": 6, "village_level": 6}
_SUFFIXES = re.compile(
    r"(?:(?:蒙古|土家|布依|哈尼|朝鲜|哈萨克|维吾尔|仡佬|仫佬|毛南|达斡尔|锡伯|裕固|东乡|保安|撒拉|"
    r"[畲回苗壮满藏侗瑶白黎傣彝羌土水])族)*(?:民族|自治)?"
    r"(?:社区|街道|行政村|村|镇|乡|县|区|市|省|里|居|嘎查|苏木|社區|鎮|鄉|縣|區)$"
)
# By name and parent, and where both have a place.
_WEIGHTS = (0.8, 0.2)
_WEIGHTS_WITH_PLACE = (0.5, 0.15, 0.35)
# A code that another unit bears is the less likely: only a merger gives it twice. One of another
# parent is rather a second unit of the name.
_TAKEN, _TAKEN_ELSEWHERE = 0.75, 0.5
_OTHER_KIND = 0.95
_FAR_M = 2_000.0
_LEAST_SHOWN = 0.3
_MOST_SHOWN = 3


def no_matches() -> pd.DataFrame:
    """Return the table of matches without a row.

    Examples
    --------
    >>> len(no_matches())
    0
    """
    return pd.DataFrame(columns=list(MATCH_COLUMNS))


def code_core(code: str, level: str) -> str:
    """Return the digits of a code that belong to its level, "" where it is no such code.

    Examples
    --------
    >>> code_core("330881118000", "township"), code_core("330881118000", "village_level")
    ('330881118', '')
    >>> code_core("里-11", "village_level"), code_core("330881", "county")
    ('', '330881')
    """
    digits = _DIGITS[level]
    above = max((one for one in _DIGITS.values() if one < digits), default=0)
    if not code.isdigit() or len(code) < digits or code[digits:].strip("0"):
        return ""
    return code[:digits] if code[above:digits].strip("0") else ""


def wider_code(code: str, level: str) -> str:
    """Return the beginning of a code within which a unit may have moved.

    Examples
    --------
    >>> wider_code("330881118201", "village_level"), wider_code("330102", "county")
    ('330881', '3301')
    """
    return code[: _WIDER[level]]


def unit_stem(name: str) -> str:
    """Return a name without the words for what kind of unit it is, unless nothing else is left.

    Examples
    --------
    >>> [unit_stem(name) for name in ("长台村民委员会", "江村畲族民族村", "双塔街道", "村")]
    ['长台', '江村', '双塔', '村']
    """
    whole = normalise_name(unicodedata.normalize("NFKC", name))
    return _SUFFIXES.sub("", whole) or whole


def unit_name_likeness(one: str, other: str) -> float:
    """Return how alike two names of units are, 0 to 1.

    1 for the same name, else the greater of two measures of the stems: Dice's of pairs of
    neighbouring letters, ends included, and 1 less the edits (Levenshtein) for each letter of the
    longer one; 0.95 of it where the words for the kind of unit differ.

    Examples
    --------
    >>> unit_name_likeness("峡西村", "峡西村民委员会"), unit_name_likeness("桐岭村", "桐岭社区")
    (1.0, 0.95)
    >>> round(unit_name_likeness("长台一村", "长台村"), 3), unit_name_likeness("", "甲村")
    (0.667, 0.0)
    """
    if not normalise_name(one) or not normalise_name(other):
        return 0.0
    return max(_likeness(first, second) for first in _readings(one) for second in _readings(other))


def _readings(name: str) -> list[str]:
    """Return a name without its office, and as one whose last 村 belongs to both (陶村村委会)."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold()
    both = re.sub(r"(?<=村)(?:民委员会|委会)$", "", text)
    return list(
        dict.fromkeys((normalise_name(name), both if both != text else normalise_name(name)))
    )


def _likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    first, second = unit_stem(one), unit_stem(other)
    if first == second:
        return _OTHER_KIND
    alike = max(_dice(first, second), 1.0 - _edits(first, second) / max(len(first), len(second)))
    kinds = [
        next((end for end in ("村", "社区") if name.endswith(end)), "") for name in (one, other)
    ]
    return alike * (1.0 if kinds[0] == kinds[1] else _OTHER_KIND)


def _dice(one: str, other: str) -> float:
    pairs = [Counter(zip(f"^{text}", f"{text}$", strict=True)) for text in (one, other)]
    common = sum((pairs[0] & pairs[1]).values())
    return 2.0 * common / (len(one) + len(other) + 2)


def _edits(one: str, other: str) -> int:
    """Return Levenshtein's distance: letters put in, taken out or replaced."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        before, row[0] = row[0], number
        for at, opposite in enumerate(other, start=1):
            before, row[at] = (
                row[at],
                min(row[at] + 1, row[at - 1] + 1, before + (letter != opposite)),
            )
    return row[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    codes: list[str]
    names: list[str]
    parents: list[str]


def _side(table: pd.DataFrame) -> _Side:
    return _Side(
        codes=[str(code) for code in table["code"]],
        names=[str(name) for name in table["name"]],
        parents=[str(parent) for parent in table["parent"]],
    )


def propose_matches(
    units: gpd.GeoDataFrame, listed: pd.DataFrame, *, level: str, date: str = "", source: str = ""
) -> pd.DataFrame:
    """Propose for each unit the entries of a list that it may have become.

    Compared are the entries within the same wider area (a village's county). The score of a pair
    is 0.8 of the likeness of the names and 0.2 for the same parent; where the entry has a place,
    0.5, 0.15 and 0.35 for lying in the unit, falling to none at 2 km. What cannot be told (no
    parent stated) is left out of the weights. An entry whose code another unit bears already
    counts three quarters, and half where its parent is another.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        EPSG:4326; code, name, parent (the code or name of the unit above), wider (the beginning
        of the codes to look among, "" for all). Those that are in the list are left to the caller.
    listed : pandas.DataFrame
        code, name, parent, lon, lat (degrees or NaN), free (no unit bears its code).
    level : str
    date, source : str
        For the rows of the table.

    Returns
    -------
    pandas.DataFrame
        Columns of a change table and rank, score, name_score, same_parent, place_score,
        code_is_free, decision (empty). Up to three rows a unit, best first, with scores from 0.3
        up; of equal scores the lower code first. A unit without any has one row with rank 0.

    Examples
    --------
    >>> units = gpd.GeoDataFrame(
    ...     {"code": "", "name": ["先峰村"], "parent": "330881214", "wider": "330881"},
    ...     geometry=[shapely.box(0, 0, 1, 1)], crs=4326,
    ... )
    >>> listed = pd.DataFrame({
    ...     "code": ["330881214201"], "name": ["先锋村委会"], "parent": ["330881214"],
    ...     "lon": [np.nan], "lat": [np.nan], "free": [True],
    ... })
    >>> found = propose_matches(units, listed, level="village_level")
    >>> found[["new_name", "kind", "score"]].to_numpy().tolist()
    [['先锋村委会', 'rename', 0.6]]
    >>> propose_matches(units, listed[:0], level="village_level")["rank"].tolist()
    [0]
    """
    if not len(units):
        return no_matches()
    old, new = _side(units), _side(listed)
    free = listed["free"].to_numpy(dtype=bool)
    places = _place_scores(units.geometry.to_numpy(), listed)
    rows: list[dict[str, object]] = []
    for at, (code, name, parent, wider) in enumerate(
        zip(old.codes, old.names, old.parents, units["wider"], strict=True)
    ):
        near = np.array([one for one, text in enumerate(new.codes) if text.startswith(wider)], int)
        alike = np.array([unit_name_likeness(name, new.names[one]) for one in near])
        same = np.array([_same(parent, new.parents[one]) for one in near])
        place = places[at, near] if len(near) else np.zeros(0)
        taken = np.where(same == 0.0, _TAKEN_ELSEWHERE, _TAKEN)
        score = _scores(alike, same, place) * np.where(free[near], 1.0, taken)
        order = np.lexsort(([new.codes[one] for one in near], -score))[:_MOST_SHOWN]
        shown = [one for one in order.tolist() if score[one] >= _LEAST_SHOWN]
        base = {
            "level": level,
            "old_code": code,
            "old_name": name,
            "old_parent": parent,
            "date": date,
            "source": source,
            "decision": "",
        }
        if not shown:
            nothing = dict.fromkeys(("new_code", "new_name", "new_parent", "same_parent"), "")
            rows.append({**base, **nothing, "rank": 0})
        rows += [
            {
                **base,
                "new_code": new.codes[near[one]],
                "new_name": new.names[near[one]],
                "new_parent": new.parents[near[one]],
                "rank": rank,
                "score": round(float(score[one]), 3),
                "name_score": round(float(alike[one]), 3),
                "same_parent": {0.0: "no", 1.0: "yes"}.get(float(same[one]), ""),
                "place_score": round(float(place[one]), 3),
                "code_is_free": bool(free[near[one]]),
            }
            for rank, one in enumerate(shown, start=1)
        ]
    return _with_kinds(pd.DataFrame(rows, columns=list(MATCH_COLUMNS)))


def _same(one: str, other: str) -> float:
    """Return 1 for the same parent, 0 for another one, NaN where one of them is not stated."""
    if not one or not other:
        return np.nan
    short = min(len(one), len(other))
    if one.isdigit() and other.isdigit():
        same = one[:short] == other[:short] and not (one[short:] + other[short:]).strip("0")
        return float(same)
    if one.isdigit() or other.isdigit():
        return np.nan
    return float(normalise_name(one) == normalise_name(other))


def _scores(alike: Floats, same: Floats, place: Floats) -> Floats:
    """Return the weighted mean of what is known of each pair."""
    marks = np.stack([alike, same, place])
    with_place = np.isfinite(place)
    weights = np.where(
        with_place,
        np.array(_WEIGHTS_WITH_PLACE)[:, None],
        np.array([*_WEIGHTS, 0.0])[:, None],
    )
    weights = np.where(np.isfinite(marks), weights, 0.0)
    return np.asarray((np.nan_to_num(marks) * weights).sum(axis=0) / weights.sum(axis=0))


def _place_scores(shapes: Geometries, listed: pd.DataFrame) -> Floats:
    """Return 1 where an entry's place lies in a unit, less with its distance, NaN without one."""
    scores = np.full((len(shapes), len(listed)), np.nan)
    lon, lat = listed["lon"].to_numpy(np.float64), listed["lat"].to_numpy(np.float64)
    has = np.flatnonzero(np.isfinite(lon + lat))
    if not len(has):
        return scores
    crs = equal_area_crs(shapes)
    units = project(shapes, crs)
    points = project(np.asarray(shapely.points(lon[has], lat[has]), dtype=object), crs)
    shapely.prepare(units)
    for at, shape in enumerate(units):
        metres = shapely.distance(shape, points)
        scores[at, has] = np.clip(1.0 - metres / _FAR_M, 0.0, 1.0)
    return scores


def _with_kinds(matches: pd.DataFrame) -> pd.DataFrame:
    """Say what kind of change each proposal would be."""
    best = Counter(matches.loc[matches["rank"] == 1, "new_code"])
    kinds = []
    columns: Sequence[str] = (
        "rank",
        "old_name",
        "new_name",
        "same_parent",
        "new_code",
        "code_is_free",
    )
    for rank, old, new, same, code, free in matches[list(columns)].itertuples(index=False):
        if rank == 0:
            kinds.append("")
        elif best[code] > 1 or not free:
            kinds.append("merge")
        elif normalise_name(str(old)) != normalise_name(str(new)):
            kinds.append("rename")
        else:
            kinds.append("move" if same == "no" else "recode")
    return matches.assign(kind=kinds)
