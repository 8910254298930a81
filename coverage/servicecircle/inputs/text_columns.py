"""Columns of text: what most cells have in common at once, the odd ones one by one.

A million cells are read in the time of their oddities: a regular expression of Arrow picks the
cells that need no thought, and each distinct other text is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = [
    "MARGINS",
    "Bools",
    "Floats",
    "Texts",
    "changed",
    "distinct",
    "filled_cells",
    "joined",
    "matching",
    "plain_numbers",
    "text_array",
    "text_objects",
    "text_series",
    "trimmed",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]
Array = Any
"""pyarrow.Array of large_string; pyarrow ships no types."""

MARGINS = (
    "".join(chr(code) for code in range(0x3001) if chr(code).isspace() or code in (0x200B, 0x3000))
    + "\ufeff"
)
"""White space of any script and the marks of no width: no cell begins or ends with them."""
PLAIN_NUMBER = r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$"


def text_array(texts: Iterable[str]) -> Array:
    """Return texts as one Arrow array, without a copy where they are Arrow's already.

    Parameters
    ----------
    texts : iterable of str, length n
        A pandas column of text among them; missing counts as "".

    Returns
    -------
    pyarrow.Array of large_string, length n

    Examples
    --------
    >>> text_array(pd.Series(["甲", ""], dtype="str")).to_pylist(), len(text_array([]))
    (['甲', ''], 0)
    """
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        array = texts
    elif isinstance(texts, pd.Series | np.ndarray):
        array = pa.array(texts)
    else:
        array = pa.array(list(texts), pa.large_string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.type != pa.large_string():
        array = array.cast(pa.large_string())
    return array.fill_null("") if array.null_count else array


def text_objects(texts: Iterable[str]) -> Texts:
    """Return texts as a numpy array of str.

    Examples
    --------
    >>> text_objects(["甲", ""]).tolist(), text_objects([]).shape
    (['甲', ''], (0,))
    """
    if isinstance(texts, pd.Series):
        return np.asarray(texts.to_numpy(dtype=object, copy=True))
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)
    items = list(texts)
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


def text_series(texts: Iterable[str]) -> pd.Series[str]:
    """Return texts as a pandas column, without a copy where they are Arrow's.

    Examples
    --------
    >>> text_series(text_array(["甲"])).tolist()
    ['甲']
    """
    return pd.Series(pd.array(text_array(texts), dtype="str"))


def matching(texts: Iterable[str], pattern: str, *, ignore_case: bool = False) -> Bools:
    """Return which texts match a regular expression (of RE2) anywhere.

    Examples
    --------
    >>> matching(["a1", "b", ""], "[0-9]").tolist(), matching([], "x").tolist()
    ([True, False, False], [])
    """
    found = pc.match_substring_regex(text_array(texts), pattern, ignore_case=ignore_case)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def distinct(texts: Iterable[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct texts, in order of appearance, and which of them each text is.

    Examples
    --------
    >>> distinct(["乙", "甲", "乙"])[0], distinct(["乙", "甲", "乙"])[1].tolist()
    (['乙', '甲'], [0, 1, 0])
    """
    found = text_array(texts).dictionary_encode()
    codes = found.indices.to_numpy(zero_copy_only=False)
    return found.dictionary.to_pylist(), np.asarray(codes, dtype=np.int64)


def changed(texts: Iterable[str], change: Callable[[str], str], *, rows: Bools) -> Texts:
    """Return the texts with a change applied to some, each distinct one once.

    Parameters
    ----------
    texts : iterable of str, length n
    change : callable
    rows : numpy.ndarray of bool, shape (n,)
        Where the change may matter.

    Returns
    -------
    numpy.ndarray of str, shape (n,)

    Examples
    --------
    >>> changed(["a ", "b "], str.strip, rows=np.array([True, False])).tolist()
    ['a', 'b ']
    """
    array = text_array(texts)
    result = text_objects(array)
    if rows.any():
        found, codes = distinct(array.filter(pa.array(rows)))
        result[rows] = text_objects(change(text) for text in found)[codes]
    return result


def plain_numbers(texts: Iterable[str]) -> tuple[Floats, Bools]:
    """Read what is nothing but digits, a sign and a point; the rest is left for a closer look.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    values : numpy.ndarray of float, shape (n,)
        NaN where not plain.
    plain : numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> values, plain = plain_numbers(["120.5", "-3", "153床", ""])
    >>> values.tolist(), plain.tolist()
    ([120.5, -3.0, nan, nan], [True, True, False, False])
    """
    array = text_array(texts)
    plain = matching(array, PLAIN_NUMBER)
    values = np.full(len(array), np.nan)
    values[plain] = array.filter(pa.array(plain)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values, plain


def joined(*parts: Iterable[str] | str, between: str = "") -> Array:
    """Return the texts of several columns, row by row as one.

    Parameters
    ----------
    *parts : Arrow array of large_string, column of text, or str
        A str stands in every row.
    between : str

    Examples
    --------
    >>> joined(text_array(["120", ""]), text_array(["30", ""]), between=", ").to_pylist()
    ['120, 30', ', ']
    """
    large = pa.large_string()
    arrays = [
        pa.scalar(part, large)
        if isinstance(part, str)
        else part
        if isinstance(part, pa.Array)
        else text_array(part)
        for part in parts
    ]
    return pc.binary_join_element_wise(*arrays, pa.scalar(between, large))


def filled_cells(texts: Iterable[str]) -> Bools:
    """Return which texts are not "".

    Examples
    --------
    >>> filled_cells(["甲", ""]).tolist(), filled_cells([]).tolist()
    ([True, False], [])
    """
    found = pc.not_equal(text_array(texts), "")
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def trimmed(texts: Iterable[str]) -> Array:
    """Return the texts without white space and marks of no width at their ends.

    Examples
    --------
    >>> trimmed(["\u3000甲 院\ufeff "]).to_pylist(), len(trimmed([]))
    (['甲 院'], 0)
    """
    return pc.utf8_trim(text_array(texts), characters=MARGINS)
