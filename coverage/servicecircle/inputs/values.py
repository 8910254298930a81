"""Cell values as offices write them: numbers, dates and coordinates out of text.

Every reader takes a column of text and gives the values with a mask of the cells that it could
read; an empty cell (also ``—``, ``/``, ``无`` and the like) is read as missing, not as wrong. Width
and compatibility forms (NFKC) are folded for numbers and codes only: in names they matter.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "Dates",
    "clean_codes",
    "clean_names",
    "coordinates",
    "dates",
    "fold_width",
    "is_empty",
    "numbers",
    "pairs",
    "split_list",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NO_VALUE = re.compile(
    r"[-—―–−/\\·.…*?]+|无|暂无|不详|未知|空|未填|nan|null|none|nil|n/a|na|#n/a|<na>",
    re.IGNORECASE,
)
_LONGEST_NO_VALUE = 20
_UNITS = r"(?:床位|[张床人位名个席座间所户穴格处]|平方米|平米|平方|m2|㎡|米|m|beds?|seats?|people)"
_NUMBER = re.compile(
    rf"(?P<number>[-+]?(?:\d{{1,3}}(?:[, ]\d{{3}})+|\d+)(?:\.\d*)?|[-+]?\.\d+)"
    rf"(?P<myriad>万)?{_UNITS}{{0,2}}",
    re.IGNORECASE,
)
_MINUS = str.maketrans("−–—‐‑", "-----")
_ROC_EPOCH = 1911
_FIRST_YEAR, _LAST_YEAR = 1800, 2200
_FIRST_SERIAL, _LAST_SERIAL = 10_000, 73_050


def fold_width(text: str) -> str:
    """Return a text with full-width forms made narrow (NFKC) and outer spaces removed.

    Examples
    --------
    >>> fold_width("３３０８０２　")
    '330802'
    """
    return unicodedata.normalize("NFKC", text).strip()


def is_empty(text: str) -> bool:
    """Return whether a cell holds nothing: blank, a dash, a slash, 无, nan and the like.

    Examples
    --------
    >>> [is_empty(text) for text in ("", "—", "－", " / ", "无", "0")]
    [True, True, True, True, True, False]
    """
    if not text or len(text) > _LONGEST_NO_VALUE:
        return not text or not text.strip()
    folded = fold_width(text)
    return not folded or _NO_VALUE.fullmatch(folded) is not None


def clean_names(texts: Iterable[str]) -> NDArray[np.object_]:
    r"""Return names with runs of white space as one space; no character of a name is changed.

    Examples
    --------
    >>> clean_names(["平阳二村   ", "示例（东）\n中心", ""]).tolist()
    ['平阳二村', '示例（东） 中心', '']
    """
    return _objects(
        text
        if text.isalnum()
        else re.sub(r"\s+", " ", text.replace("\u200b", "").replace("\ufeff", "")).strip()
        for text in texts
    )


def clean_codes(texts: Iterable[str]) -> NDArray[np.object_]:
    """Return codes narrow, without spaces, quotes in front, or Excel's ``.0``; zeros stay.

    Examples
    --------
    >>> clean_codes(["０１２", "'000000000001", "330802.0", "33 08", "—"]).tolist()
    ['012', '000000000001', '330802', '3308', '']
    """
    return _objects(
        "" if is_empty(text) else re.sub(r"\.0+$|\s+|^['‘’`]", "", fold_width(text))
        for text in texts
    )


def split_list(text: str) -> list[str]:
    """Return the parts of a list in one cell, as ``中央里;大直里``.

    Examples
    --------
    >>> split_list("中央里;"), split_list("甲村、乙村，丙村"), split_list("")
    (['中央里'], ['甲村', '乙村', '丙村'], [])
    """
    if not text:
        return []
    parts = (part.strip() for part in re.split(r"[;；、,，\r\n|]+", text))
    return [part for part in parts if not is_empty(part)]


def _objects(values: Iterable[str]) -> NDArray[np.object_]:
    items = list(values)
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


def _by_distinct(texts: Iterable[str], read: Callable[[str], float | None]) -> tuple[Floats, Bools]:
    """Apply a reader of one cell to each distinct text; None means unreadable."""
    items = pd.Series(list(texts), dtype="str")
    codes, distinct = pd.factorize(items)
    values = np.full(len(distinct) + 1, np.nan)
    good = np.ones(len(distinct) + 1, dtype=bool)
    for at, text in enumerate(distinct):
        value = None if not is_empty(text) else np.nan
        if value is None:
            value = read(fold_width(text))
        good[at] = value is not None
        values[at] = np.nan if value is None else value
    return values[codes], good[codes]


def numbers(texts: Iterable[str]) -> tuple[Floats, Bools]:
    """Read numbers: ``1,200``, ``153床``, ``１２人``, ``1.2万``; dashes are empty.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    values : numpy.ndarray of float, shape (n,)
        NaN where the cell is empty or unreadable.
    ok : numpy.ndarray of bool, shape (n,)
        False where the cell holds something that is not one finite number.

    Examples
    --------
    >>> values, ok = numbers(["1,200", "153床", "—", "约50", "10-20", "inf"])
    >>> values.tolist(), ok.tolist()
    ([1200.0, 153.0, nan, nan, nan, nan], [True, True, True, False, False, False])
    >>> numbers([])[0].shape
    (0,)
    """
    return _by_distinct(texts, _number)


def _number(text: str) -> float | None:
    text = text.translate(_MINUS)
    found = _NUMBER.fullmatch(re.sub(r"\s+(?=\D|$)|(?<=\D)\s+", "", text))
    if found is None:
        # Exponents come from exports; float() alone would also take "nan", "inf" and "1_0".
        if not re.fullmatch(r"[-+]?\d+(\.\d+)?e[-+]?\d{1,3}", text, re.IGNORECASE):
            return None
        value = float(text)
        return value if np.isfinite(value) else None
    value = float(re.sub(r"[, ]", "", found["number"]))
    value = value * 1e4 if found["myriad"] else value
    return value if np.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates read from text.

    Parameters
    ----------
    values : numpy.ndarray of datetime64[s], shape (n,)
        NaT where empty or unreadable.
    ok : numpy.ndarray of bool, shape (n,)
    partial : numpy.ndarray of bool, shape (n,)
        Only a year or a month was given; its first day stands for it.
    """

    values: NDArray[np.datetime64]
    ok: Bools
    partial: Bools


def dates(texts: Iterable[str]) -> Dates:
    """Read dates: ISO, ``2021年3月``, ``2021.3.5``, ``20210305``, Excel serials, 民國 years.

    A year of up to three digits in front of month and day (``109.5.29``) is one of the Republic
    of China's calendar. Day or month first (``3/5/2021``) is not read: it has two meanings.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    Dates

    Examples
    --------
    >>> found = dates(["2021-03-05", "2021年3月", "44260", "109.5.29", "3/5/2021", "—"])
    >>> found.values.astype("datetime64[D]").astype(str).tolist()
    ['2021-03-05', '2021-03-01', '2021-03-05', '2020-05-29', 'NaT', 'NaT']
    >>> found.ok.tolist(), found.partial.tolist()[:2]
    ([True, True, True, True, False, True], [False, True])
    >>> len(dates([]).values)
    0
    """
    items = list(texts)
    # One number a date: its day, with half a day added where only a part was given.
    days, good = _by_distinct(items, _date)
    partial = np.isfinite(days) & (days % 1.0 != 0.0)
    values = np.full(len(items), "NaT", dtype="datetime64[s]")
    known = np.isfinite(days)
    values[known] = np.floor(days[known]).astype(np.int64).astype("datetime64[D]")
    return Dates(values, good, partial)


_DATE_SHAPES = (
    # ISO and its kin, with a time of day that is not kept.
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?:[ T]\d{1,2}:\d{2}.*)?"),
    re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})[日号]?)?"),
    re.compile(r"(?P<y>\d{4})(?:[-/.](?P<m>\d{1,2})|年)?"),
    re.compile(r"(?P<y>(?:18|19|20|21)\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)"),
    re.compile(r"(?P<y>(?:18|19|20|21)\d{2})(?P<m>0[1-9]|1[0-2])"),
    re.compile(r"(?P<roc>\d{2,3})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"(?:民国|民國)(?P<roc>\d{1,3})年(?:(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})[日號号]?)?)?"),
    re.compile(r"(?P<roc>[01]\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)"),
)


def _date(text: str) -> float | None:
    text = re.sub(r"\s*([年月日/.-])\s*", r"\1", text)
    for shape in _DATE_SHAPES:
        found = shape.fullmatch(text)
        if found is None:
            continue
        parts = found.groupdict()
        year = int(parts["y"]) if parts.get("y") else int(parts["roc"]) + _ROC_EPOCH
        whole = bool(parts.get("m") and parts.get("d"))
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            continue
        try:
            day = dt.date(year, int(parts.get("m") or 1), int(parts.get("d") or 1))
        except ValueError:
            continue
        return float((day - dt.date(1970, 1, 1)).days) + (0.0 if whole else 0.5)
    if re.fullmatch(r"\d{5}(\.\d+)?", text) and _FIRST_SERIAL <= float(text) <= _LAST_SERIAL:
        return float(int(float(text)) + (dt.date(1899, 12, 30) - dt.date(1970, 1, 1)).days)
    return None


_DMS = re.compile(
    r"(?P<degrees>\d+(?:\.\d+)?)[°度˚o](?:(?P<minutes>\d+(?:\.\d+)?)['′’分])?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)(?:[\"″”秒]|''|′′))?"
)
_SIDES = {"n": 1, "e": 1, "北纬": 1, "东经": 1, "北緯": 1, "東經": 1}
_SIDES |= {"s": -1, "w": -1, "南纬": -1, "西经": -1, "南緯": -1, "西經": -1}
_SIDE = re.compile(r"北纬|东经|南纬|西经|北緯|東經|南緯|西經|[nsew]", re.IGNORECASE)


def coordinates(texts: Iterable[str]) -> tuple[Floats, Bools]:
    r"""Read degrees (or metres): decimal, or degrees, minutes and seconds, with a side or a sign.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    values : numpy.ndarray of float, shape (n,)
        NaN where empty or unreadable.
    ok : numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> values, ok = coordinates(["120.5", "120°30′", "W 4°30'0\"", "inf", "", "x"])
    >>> values.tolist(), ok.tolist()
    ([120.5, 120.5, -4.5, nan, nan, nan], [True, True, True, False, True, False])
    """
    items = list(texts)
    plain = pd.to_numeric(pd.Series(items, dtype="str"), errors="coerce").to_numpy(np.float64)
    # A plain number is read at once; repeated texts are few among coordinates.
    values, ok = np.array(plain), np.isfinite(plain)
    rest = np.flatnonzero(~ok)
    values[rest], ok[rest] = _by_distinct([items[at] for at in rest], _coordinate)
    return values, ok


def _coordinate(text: str) -> float | None:
    # NFKC has made two ′ of ″, a combining ring behind a space of ˚, and the letter o of º.
    text = re.sub(r"\s+", "", text.replace(" \u030a", "°")).translate(_MINUS)
    sides = _SIDE.findall(text)
    bare = _SIDE.sub("", text)
    if len(sides) > 1:
        return None
    sign = _SIDES[sides[0].lower()] if sides else 1
    if bare.startswith("-"):
        sign, bare = -sign, bare[1:]
    if re.fullmatch(r"\d+(\.\d*)?", bare):
        return sign * float(bare)
    found = _DMS.fullmatch(bare)
    if found is None:
        return None
    minutes, seconds = float(found["minutes"] or 0), float(found["seconds"] or 0)
    if minutes >= 60 or seconds >= 60:  # noqa: PLR2004 - sixty to the degree
        return None
    return sign * (float(found["degrees"]) + minutes / 60 + seconds / 3600)


def pairs(texts: Iterable[str]) -> tuple[Floats, Floats, Bools]:
    """Read two coordinates out of one cell, in the order given: ``120.1,30.2``, ``POINT (…)``.

    Sides (``N30.2 E120.1``) decide the order where both are given: longitude comes out first.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    first, second : numpy.ndarray of float, shape (n,)
        NaN where empty or unreadable.
    ok : numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> first, second, ok = pairs(["120.1，30.2", "N30.2° E120.1°", "120.1", ""])
    >>> first.tolist(), second.tolist(), ok.tolist()
    ([120.1, 120.1, nan, nan], [30.2, 30.2, nan, nan], [True, True, False, True])
    """
    items = list(texts)
    first: list[str] = []
    second: list[str] = []
    whole = np.ones(len(items), dtype=bool)
    for at, item in enumerate(items):
        one, other = ("", "") if is_empty(item) else _split_pair(fold_width(item))
        whole[at] = bool(one) == bool(other) and (bool(one) or is_empty(item))
        first.append(one)
        second.append(other)
    ones, ok_one = coordinates(first)
    others, ok_other = coordinates(second)
    ok = whole & ok_one & ok_other
    ones[~ok], others[~ok] = np.nan, np.nan
    return ones, others, ok


def _split_pair(text: str) -> tuple[str, str]:
    text = re.sub(r"^point\s*z?\s*", "", text, flags=re.IGNORECASE).strip("()[]{} ")
    parts = [part for part in re.split(r"[,;、|]\s*", text) if part.strip()]
    if len(parts) != 2:  # noqa: PLR2004 - a pair
        parts = text.split()
    if len(parts) != 2:  # noqa: PLR2004 - a pair
        return "", ""
    latitude_first = re.search(r"[ns北南]", parts[0], re.IGNORECASE) and re.search(
        r"[ew东西東]", parts[1], re.IGNORECASE
    )
    return (parts[1], parts[0]) if latitude_first else (parts[0], parts[1])
