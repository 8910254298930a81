"""Cell values as offices write them: numbers, dates and coordinates out of text.

Every reader takes a column of text and gives the values with a mask of the cells that it could
read; an empty cell (also ``—``, ``/``, ``无`` and the like) is read as missing, not as wrong. Width
and compatibility forms (NFKC) are folded for numbers and codes only: in names they matter.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from servicecircle.inputs.cell_texts import MINUS, empty_cells, fold_width, is_empty
from servicecircle.inputs.degrees import coordinates, pairs
from servicecircle.inputs.text_columns import (
    Bools,
    Floats,
    Texts,
    changed,
    distinct,
    matching,
    plain_numbers,
    text_array,
)

__all__ = [
    "Dates",
    "clean_codes",
    "clean_names",
    "coordinates",
    "dates",
    "empty_cells",
    "fold_width",
    "is_empty",
    "numbers",
    "pairs",
    "split_list",
]

_UNITS = (
    r"(?:床位数?|老年?人|[张張床人位名个個席座间間所户戶穴格处處]|平方米|平米|平方|m2|㎡|米|m|"
    r"beds?|seats?|people|persons?)"
)
_NUMBER = re.compile(
    r"[共计計]?(?P<number>[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|[-+]?\.\d+)"
    rf"(?P<many>[千万萬])?(?:{_UNITS}{{0,3}}|\({_UNITS}{{1,3}}\))",
    re.IGNORECASE,
)
_MANY = {None: 1.0, "千": 1e3, "万": 1e4, "萬": 1e4}
_SURE_CODE = r"^[0-9A-Za-z_-]*[0-9][0-9A-Za-z_-]*$"
# White space of any script and the marks of no width.
_SPACED = r"[\s\x1c-\x1f\x{85}\p{Z}\x{200b}\x{feff}]"
_ROC_EPOCH = 1911
_FIRST_YEAR, _LAST_YEAR = 1800, 2200
_FIRST_SERIAL, _LAST_SERIAL = 10_000, 73_050


def clean_names(texts: Iterable[str]) -> Texts:
    r"""Return names with runs of white space as one space; no character of a name is changed.

    Examples
    --------
    >>> clean_names(["平阳二村   ", "示例（东）\n中心", ""]).tolist()
    ['平阳二村', '示例（东） 中心', '']
    """
    array = text_array(texts)
    return changed(array, _one_spaced, rows=matching(array, _SPACED))


def _one_spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u200b", "").replace("\ufeff", "")).strip()


def clean_codes(texts: Iterable[str]) -> Texts:
    """Return codes narrow, without spaces, quotes in front, or Excel's ``.0``; zeros stay.

    Examples
    --------
    >>> clean_codes(["０１２", "'000000000001", "330802.0", "33 08", "—"]).tolist()
    ['012', '000000000001', '330802', '3308', '']
    """
    array = text_array(texts)
    return changed(array, _code, rows=~matching(array, _SURE_CODE))


def _code(text: str) -> str:
    return "" if is_empty(text) else re.sub(r"\.0+$|\s+|^['‘’`]", "", fold_width(text))


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


def _by_distinct(texts: Iterable[str], read: Callable[[str], float | None]) -> tuple[Floats, Bools]:
    """Apply a reader of one cell to each distinct text; None means unreadable."""
    found, codes = distinct(texts)
    values, good = _read_once(found, read)
    return values[codes], good[codes]


def _read_once(texts: Iterable[str], read: Callable[[str], float | None]) -> tuple[Floats, Bools]:
    read_once = [np.nan if is_empty(text) else read(fold_width(text)) for text in texts]
    good = np.array([value is not None for value in read_once], dtype=bool)
    values = np.array([np.nan if value is None else value for value in read_once], np.float64)
    return values, good


def numbers(texts: Iterable[str]) -> tuple[Floats, Bools]:
    """Read numbers: ``1,200``, ``153床``, ``153（张）``, ``１２人``, ``1.2万``; dashes are empty.

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
    array = text_array(texts)
    values, ok = plain_numbers(array)
    rest = ~ok
    if rest.any():
        values[rest], ok[rest] = _by_distinct(array.filter(pa.array(rest)), _number)
    return values, ok


def _number(text: str) -> float | None:
    text = text.translate(MINUS)
    found = _NUMBER.fullmatch(re.sub(r"\s+(?=\D|$)|(?<=\D)\s+", "", text))
    if found is None:
        # Exponents come from exports; float() alone would also take "nan", "inf" and "1_0".
        if not re.fullmatch(r"[-+]?\d+(\.\d+)?e[-+]?\d{1,3}", text, re.IGNORECASE):
            return None
        value = float(text)
        return value if np.isfinite(value) else None
    value = float(found["number"].replace(",", "")) * _MANY[found["many"]]
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
    short_years : numpy.ndarray of bool, shape (n,)
        A year of two digits was read as one of the Republic of China's calendar.
    """

    values: NDArray[np.datetime64]
    ok: Bools
    partial: Bools
    short_years: Bools


def dates(texts: Iterable[str]) -> Dates:
    """Read dates: ISO, ``2021年3月``, ``2021.3.5``, ``20210305``, Excel serials, 民國 years.

    A year of three digits in front of month and day (``109.5.29``) is one of the Republic of
    China's calendar; one of two digits (``98.5.1``) only where it says so (``民國98年``) or where
    the column holds years of three digits as well: else it may be 1998 or 2009. Day or month first
    (``3/5/2021``) is not read either: it has two meanings.

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
    found, codes = distinct(texts)
    # One number a date: its day, with half a day added where only a part was given.
    days, good = _read_once(found, _date)
    short = np.array([_is_short_year(text) for text in found], dtype=bool)
    if short.any() and _is_roc_column(found):
        read = [_date(f"民国{fold_width(text)}") for text in itertools.compress(found, short)]
        days[short] = [np.nan if day is None else day for day in read]
        good[short] = [day is not None for day in read]
    partial = np.isfinite(days) & (days % 1.0 != 0.0)
    values = np.full(len(days), "NaT", dtype="datetime64[s]")
    known = np.isfinite(days)
    values[known] = np.floor(days[known]).astype(np.int64).astype("datetime64[D]")
    return Dates(values[codes], good[codes], partial[codes], (short & good)[codes])


def _is_roc_column(texts: Sequence[str]) -> bool:
    """Return whether dates have years of three digits among them, and none of four."""
    folded = [re.sub(r"\s", "", fold_width(text)) for text in texts]
    western = any(re.match(r"(?:18|19|20|21)\d{2}(?:[-/.年]|$)", text) for text in folded)
    return not western and any(_LONG_ROC.fullmatch(text) for text in folded)


def _is_short_year(text: str) -> bool:
    return _SHORT_ROC.fullmatch(re.sub(r"\s", "", fold_width(text))) is not None


_DATE_SHAPES = (
    # ISO and its kin, with a time of day that is not kept.
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?:[ T]\d{1,2}:\d{2}.*)?"),
    re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})[日号]?)?"),
    re.compile(r"(?P<y>\d{4})(?:[-/.](?P<m>\d{1,2})|年)?"),
    re.compile(r"(?P<y>(?:18|19|20|21)\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)"),
    re.compile(r"(?P<y>(?:18|19|20|21)\d{2})(?P<m>0[1-9]|1[0-2])"),
    re.compile(r"(?P<roc>[01]\d{2})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"(?P<roc>[01]\d{2})年(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})[日號号]?)?"),
    re.compile(
        r"(?:中[华華])?(?:民国|民國)(?P<roc>\d{1,3})(?:年|[-/.])"
        r"(?:(?P<m>\d{1,2})(?:月|[-/.])?(?:(?P<d>\d{1,2})[日號号]?)?)?"
    ),
    re.compile(r"(?P<roc>[01]\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)"),
)

_LONG_ROC = re.compile(
    r"(?:[01]\d{2})(?:[-/.]\d{1,2}[-/.]\d{1,2}|年\d{1,2}月(?:\d{1,2}[日號号]?)?)"
)
_SHORT_ROC = re.compile(r"\d{2}(?:[-/.]\d{1,2}[-/.]\d{1,2}|年\d{1,2}月(?:\d{1,2}[日號号]?)?)")
_CHINESE_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_CHINESE_DATE = re.compile(
    r"(?P<y>[〇○零一二三四五六七八九]{4})年"
    r"(?:(?P<m>[一二三四五六七八九十]{1,2})月(?:(?P<d>[一二三四五六七八九十]{1,3})[日号]?)?)?"
)


def _in_digits(text: str) -> str:
    """Return a date in Chinese digits, ``二〇二一年三月``, in Arabic ones."""
    found = _CHINESE_DATE.fullmatch(text)
    if found is None:
        return text
    parts = found["y"].translate(_CHINESE_DIGITS) + "年"
    for name, unit in (("m", "月"), ("d", "日")):
        if found[name]:
            tens, ten, ones = found[name].rpartition("十")
            digits = (tens or "1") + (ones or "0") if ten else ones
            parts += digits.translate(_CHINESE_DIGITS) + unit
    return parts


def _date(text: str) -> float | None:
    text = re.sub(r"\s*([年月日/.、-])\s*", r"\1", text.translate(MINUS)).replace("、", "-")
    text = _in_digits(re.sub(r"(?<=\d) (?=\d{1,2}(?: |$))", "-", text))
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
