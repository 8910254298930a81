"""Attributes of facilities: yes or no, one of a few words, or a number, by the registry's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.attribute_words import AttributeWords
from servicecircle.inputs.facility_cells import Cells
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.inputs.text_columns import distinct, text_objects
from servicecircle.inputs.titles import normalise_title, yes_no_words
from servicecircle.inputs.values import fold_width, is_empty, numbers
from servicecircle.problems import Problem

__all__ = [
    "Words",
    "attribute_columns",
    "one_of",
    "same_columns",
    "without_strangers",
    "yes_or_no",
]

Bools = NDArray[np.bool_]
Words = Mapping[str, AttributeWords]
"""Attributes by name."""

_REMARK = re.compile(r"\(([^()]*)\)$")
# A remark that takes back what stands before it: being built, planned, not, none.
_TAKES_BACK = re.compile("[未拟無无否不筹没沒]|在建|计划|规划|改建中|暂")


def _read_cells(
    texts: Iterable[str], read: Callable[[str], object | None]
) -> tuple[list[object | None], Bools]:
    """Return what each distinct cell says, None unknown, and whether it could be read."""
    found, codes = distinct(texts)
    values: list[object | None] = []
    good: list[bool] = []
    for text in found:
        value = read(normalise_title(fold_width(text)))
        values.append(value)
        good.append(value is not None or is_empty(text))
    return [values[code] for code in codes], np.array(good, dtype=bool)[codes]


def _plain(text: str) -> str | None:
    """Return a cell without a remark in brackets at its end; None where that takes it back."""
    remark = _REMARK.search(text)
    if remark is None:
        return text
    return None if _TAKES_BACK.search(remark[1]) else text[: remark.start()]


def yes_or_no(texts: Iterable[str]) -> tuple[pd.Series, Bools]:
    """Read cells that say yes or no; a number says how many there are.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    values : pandas.Series of boolean, length n
        NA where the cell is empty (also ``—`` and ``/``) or unreadable.
    ok : numpy.ndarray of bool, shape (n,)
        False where the cell holds something else.

    Examples
    --------
    >>> values, ok = yes_or_no(["是", "无", "√", "0", "2间", "有（在建）", "—", "见附件", ""])
    >>> values.tolist()
    [True, False, True, False, True, <NA>, <NA>, <NA>, <NA>]
    >>> ok.tolist()
    [True, True, True, True, True, False, True, False, True]
    """
    words = yes_no_words()

    def read(text: str) -> bool | None:
        plain = _plain(text)
        if plain is None:
            return None
        if plain in words:
            return words[plain]
        value = float(numbers([plain])[0][0])
        return None if np.isnan(value) or value < 0 else value > 0

    values, ok = _read_cells(texts, read)
    return pd.Series(values, dtype="boolean"), ok


def one_of(texts: Iterable[str], values: Mapping[str, Sequence[str]]) -> tuple[pd.Series, Bools]:
    """Read cells that hold one of a few words.

    Parameters
    ----------
    texts : iterable of str, length n
    values : mapping of str to sequence of str
        Value → words that stand for it, beside itself.

    Returns
    -------
    values : pandas.Series of str, length n
        "" where the cell is empty or holds no such word.
    ok : numpy.ndarray of bool, shape (n,)
        False where the cell holds something else.

    Examples
    --------
    >>> found, ok = one_of(["公建民营", "国有（区属）", "某公司", ""], {"state": ["国有"],
    ...                                                          "social": ["公建民营"]})
    >>> found.tolist(), ok.tolist()
    (['social', 'state', '', ''], [True, True, False, True])
    """
    known = {
        normalise_title(fold_width(word)): value
        for value, words in values.items()
        for word in (value, *words)
    }

    def read(text: str) -> str | None:
        if text in known:
            return known[text]
        plain = _plain(text)
        return None if plain is None else known.get(plain)

    found, ok = _read_cells(texts, read)
    return pd.Series(["" if one is None else str(one) for one in found], dtype="str"), ok


def _column(words: AttributeWords, texts: pd.Series[str]) -> tuple[pd.Series, Bools]:
    if words.type == "yes_no":
        return yes_or_no(texts)
    if words.type == "choice":
        return one_of(texts, words.values)
    values, ok = numbers(texts)
    return pd.Series(values, dtype="float64"), ok


def _filled(values: pd.Series) -> Bools:
    """Return which values of an attribute are known."""
    return np.asarray(values.notna() & (values.astype(object) != ""), dtype=bool)


def without_strangers(
    raw: RawFacilities, words: Words, *, file: str, named: Iterable[str]
) -> RawFacilities:
    """Leave columns that only share the title of an attribute: no cell of them can be read.

    A column ``operator`` may hold names of firms. What the project names stays.

    Parameters
    ----------
    raw : RawFacilities
    words : mapping of str to AttributeWords
    file : str
        For messages.
    named : iterable of str
        Columns of ours that the project names.

    Returns
    -------
    RawFacilities
        Such columns are unmapped, each with a record.

    Examples
    --------
    >>> words = {"smoke_free": AttributeWords(name="smoke_free", zh="无烟", en="smoke-free",
    ...                                       type="yes_no")}
    >>> cells = Cells.of(pd.DataFrame({"无烟": ["见说明", "见附件"]}), attributes=words)
    >>> raw = without_strangers(cells.raw, words, file="a.csv", named=())
    >>> raw.columns.columns, [problem.code for problem in raw.problems]
    ({}, ['facility.not_an_attribute'])
    """
    ours = raw.columns.columns
    kept, problems = set(named), list(raw.problems)
    strangers = []
    for name in [name for name in words if name in ours and name not in kept]:
        texts = raw.frame[ours[name]]
        values, ok = _column(words[name], texts)
        if _filled(values).any() or ok.all():
            continue
        strangers.append(name)
        problems.append(
            Problem(
                code="facility.not_an_attribute",
                severity="warning",
                file=file,
                sheet=raw.sheet,
                column=ours[name],
                value=str(text_objects(texts)[np.flatnonzero(~ok)[0]]),
                details={"ours": name},
            )
        )
    if not strangers:
        return raw
    columns = replace(
        raw.columns,
        columns={name: title for name, title in ours.items() if name not in strangers},
        unmapped=(*raw.columns.unmapped, *(ours[name] for name in strangers)),
    )
    return replace(raw, columns=columns, problems=problems)


def attribute_columns(
    cells: Cells, words: Words, keep: Bools
) -> tuple[dict[str, pd.Series], list[Problem]]:
    """Return a column for each attribute that the list has; an unreadable cell is unknown.

    Parameters
    ----------
    cells : Cells
    words : mapping of str to AttributeWords
    keep : numpy.ndarray of bool, shape (n,)
        Only rows in use are recorded.

    Returns
    -------
    columns : dict of str to pandas.Series, length n
        boolean (NA unknown) of yes_no, str ("" unknown) of a choice, float (NaN unknown) of a
        number.
    problems : list of Problem

    Examples
    --------
    >>> words = {"remaining_places": AttributeWords(
    ...     name="remaining_places", zh="剩余穴位", en="places left", type="number")}
    >>> cells = Cells.of(pd.DataFrame({"剩余穴位": ["120穴", "约80", "-3"]}), attributes=words)
    >>> columns, problems = attribute_columns(cells, words, np.full(3, True))
    >>> columns["remaining_places"].tolist(), [problem.code for problem in problems]
    ([120.0, nan, nan], ['facility.bad_number', 'facility.negative'])
    """
    columns: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    for name, one in words.items():
        title = cells.title(name)
        if not title:
            continue
        texts = cells.texts(name)
        values, ok = _column(one, texts)
        codes = {"yes_no": "facility.bad_yes_no", "choice": "facility.bad_choice"}
        problems += cells.problems(
            codes.get(one.type, "facility.bad_number"),
            keep & ~ok,
            title=title,
            values=texts,
            ours=name,
            known="; ".join(f"{value}: {', '.join(said)}" for value, said in one.values.items()),
        )
        if one.type == "number":
            number = values.to_numpy(np.float64)
            problems += cells.problems(
                "facility.negative", keep & (number < 0), title=title, values=texts
            )
            problems += cells.problems(
                "facility.part_of_one",
                keep & one.counts & (np.nan_to_num(number) % 1.0 != 0.0),
                title=title,
                values=texts,
            )
            values = values.mask(number < 0)
        columns[name] = values
    return columns, problems


def same_columns(frames: Sequence[gpd.GeoDataFrame]) -> list[gpd.GeoDataFrame]:
    """Return tables of facilities, each with the attributes of all, unknown where a list has none.

    Parameters
    ----------
    frames : sequence of geopandas.GeoDataFrame
        Tables ``facilities``.

    Examples
    --------
    >>> one, other = gpd.GeoDataFrame({"a": [1]}), gpd.GeoDataFrame(
    ...     {"a": [2], "smoke_free": pd.array([True], dtype="boolean")})
    >>> [frame["smoke_free"].tolist() for frame in same_columns([one, other])]
    [[<NA>], [True]]
    >>> same_columns([])
    []
    """
    kinds: dict[str, object] = {}
    for frame in frames:
        for name, kind in frame.dtypes.items():
            kinds.setdefault(str(name), kind)
    return [
        frame.assign(
            **{
                name: _unknown(kind, frame.index)
                for name, kind in kinds.items()
                if name not in frame.columns
            }
        )
        for frame in frames
    ]


def _unknown(kind: object, index: pd.Index) -> pd.Series:
    if isinstance(kind, pd.BooleanDtype):
        return pd.Series(pd.NA, index=index, dtype="boolean")
    if kind == np.dtype(np.float64):
        return pd.Series(np.nan, index=index, dtype="float64")
    return pd.Series("", index=index, dtype="str")
