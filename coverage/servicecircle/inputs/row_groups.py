"""Rows that say the same, by numbers: one for each text, place or combination, -1 for none."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.text_columns import text_array

__all__ = ["first_rows", "in_groups", "place_numbers", "text_numbers", "together"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def text_numbers(texts: Iterable[str], *, empty: bool = False) -> Ints:
    """Return a number for each text, the same for the same ones.

    Parameters
    ----------
    texts : iterable of str, length n
    empty : bool
        "" is a text like any other; else it is none, -1.

    Examples
    --------
    >>> text_numbers(["乙", "", "甲", "乙"]).tolist(), text_numbers([]).tolist()
    ([0, -1, 2, 0], [])
    """
    found = text_array(texts).dictionary_encode()
    numbers = np.array(found.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    if not empty:
        numbers[numbers == found.dictionary.index("").as_py()] = -1
    return numbers


def place_numbers(lon: Floats, lat: Floats, *, decimals: int) -> Ints:
    """Return a number for each place, the same for those that are the same when rounded.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (n,)
        Where one of them is not finite, there is no place.
    decimals : int

    Examples
    --------
    >>> lon, lat = np.array([120.0, np.nan, 120.0000001]), np.array([30.0, 30.0, 30.0])
    >>> place_numbers(lon, lat, decimals=6).tolist()
    [0, -1, 0]
    >>> place_numbers(lon[:0], lat[:0], decimals=6).tolist()
    []
    """
    placed = np.isfinite(lon) & np.isfinite(lat)
    rounded = np.empty(int(placed.sum()), dtype=np.complex128)
    rounded.real, rounded.imag = lon[placed].round(decimals), lat[placed].round(decimals)
    numbers = np.full(lon.size, -1, dtype=np.int64)
    numbers[placed] = pd.factorize(rounded)[0]
    return numbers


def together(*parts: Ints) -> Ints:
    """Return a number for each combination of numbers; none where one of them is none.

    Parameters
    ----------
    *parts : numpy.ndarray of int, shape (n,)

    Examples
    --------
    >>> together(np.array([0, 0, 1, -1]), np.array([1, 1, 1, 1])).tolist()
    [0, 0, 1, -1]
    >>> together(np.array([], int), np.array([], int)).tolist()
    []
    """
    whole = parts[0]
    for part in parts[1:]:
        held = (whole >= 0) & (part >= 0)
        joint = whole[held] * (int(part.max(initial=0)) + 1) + part[held]
        whole = np.full(part.size, -1, dtype=np.int64)
        whole[held] = pd.factorize(joint)[0]
    return whole


def in_groups(numbers: Ints) -> Bools:
    """Return which rows share their number with another row.

    Parameters
    ----------
    numbers : numpy.ndarray of int, shape (n,)

    Examples
    --------
    >>> in_groups(np.array([4, -1, 2, 4, -1])).tolist(), in_groups(np.array([], int)).tolist()
    ([True, False, False, True, False], [])
    """
    times = np.bincount(numbers[numbers >= 0], minlength=1)
    return (numbers >= 0) & (times[numbers] > 1)


def first_rows(numbers: Ints) -> Ints:
    """Return for each row the first row of its number, itself where it has none.

    Parameters
    ----------
    numbers : numpy.ndarray of int, shape (n,)

    Examples
    --------
    >>> first_rows(np.array([4, -1, 2, 4, -1])).tolist(), first_rows(np.array([], int)).tolist()
    ([0, 1, 2, 0, 4], [])
    """
    first = np.arange(numbers.size)
    rows = np.flatnonzero(numbers >= 0)
    known = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.int64)
    # Of several the last assigned stays, here the first row.
    known[numbers[rows[::-1]]] = rows[::-1]
    first[rows] = known[numbers[rows]]
    return first
