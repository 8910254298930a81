"""Two tables matched row by row: what is in both, in one only, and by how much it changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["change_of", "differ", "matched", "settings_changes"]

_RELATIVE = 1e-9
"""Tables are written with ten significant digits."""
_ABSENT = object()


def differ(a: pd.Series[Any], b: pd.Series[Any]) -> pd.Series[bool]:
    """Return which values of two columns differ; two that are missing do not.

    Parameters
    ----------
    a, b : pandas.Series
        Of one index. Numbers are the same within a relative 1e-9.

    Examples
    --------
    >>> a, b = pd.Series([1.0, float("nan"), float("nan"), float("inf")]), pd.Series([1.0 + 1e-12])
    >>> differ(a, b.reindex(a.index)).tolist()
    [False, False, False, True]
    >>> differ(pd.Series(["met", ""]), pd.Series(["met", "no_data"])).tolist()
    [False, True]
    """
    if pd.api.types.is_float_dtype(a) and pd.api.types.is_float_dtype(b):
        x, y = a.to_numpy(float), b.to_numpy(float)
        return pd.Series(~np.isclose(x, y, rtol=_RELATIVE, atol=0.0, equal_nan=True), index=a.index)
    gone_a, gone_b = a.isna(), b.isna()
    same = (a.astype(object) == b.astype(object)).fillna(False).astype(bool)
    return ~(same | (gone_a & gone_b))


def change_of(a: pd.Series[float], b: pd.Series[float]) -> pd.Series[float]:
    """Return b − a, exactly 0 where they do not differ; NaN where one is missing.

    Examples
    --------
    >>> change_of(pd.Series([1.0, 0.1 + 0.2, float("nan")]), pd.Series([3.0, 0.3, 1.0])).tolist()
    [2.0, 0.0, nan]
    """
    with np.errstate(invalid="ignore"):
        change = b.to_numpy(float) - a.to_numpy(float)
    same = np.isclose(a.to_numpy(float), b.to_numpy(float), rtol=_RELATIVE, atol=0.0)
    return pd.Series(np.where(same, 0.0, change), index=a.index)


def matched(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    keys: Sequence[str],
    shown: Sequence[str] = (),
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> pd.DataFrame:
    """Match two tables by their keys; nothing is dropped.

    Parameters
    ----------
    a, b : pandas.DataFrame
        A key that stands in several rows matches them in their order.
    keys : sequence of str
    shown : sequence of str
        Columns that say what a row is about: those of b, else of a.
    numbers, texts : sequence of str
        Columns to compare. One that a table lacks is missing in all of its rows.

    Returns
    -------
    pandas.DataFrame
        keys, ``status`` (both, only_a, only_b), ``changed`` (bool), shown; for each number
        ``…_a``, ``…_b``, ``…_change``; for each text ``…_a``, ``…_b``. Rows of a in its order, then
        those that only b has in its own.

    Examples
    --------
    >>> a = pd.DataFrame({"id": ["x", "y"], "beds": [1.0, 2.0]})
    >>> b = pd.DataFrame({"id": ["y", "z"], "beds": [5.0, 4.0]})
    >>> found = matched(a, b, keys=["id"], numbers=["beds"])
    >>> found[["id", "status", "beds_change"]].values.tolist()
    [['x', 'only_a', nan], ['y', 'both', 3.0], ['z', 'only_b', nan]]
    >>> matched(a.iloc[:0], b.iloc[:0], keys=["id"], numbers=["beds"]).empty
    True
    """
    index_a, index_b = _keys(a, keys), _keys(b, keys)
    index = index_a.append(index_b[~index_b.isin(index_a)])
    at_a, at_b = index_a.get_indexer(index), index_b.get_indexer(index)
    in_a, in_b = at_a >= 0, at_b >= 0
    found: dict[str, Any] = {}
    for name in keys:
        found[name] = _column(b, name, at_b).where(in_b, _column(a, name, at_a))
    found["status"] = np.select([in_a & in_b, in_a], ["both", "only_a"], "only_b")
    found["changed"] = ~(in_a & in_b)
    for name in shown:
        found[name] = _column(b, name, at_b).where(in_b, _column(a, name, at_a))
    for name in numbers:
        one, other = (
            _column(table, name, at).astype(float) for table, at in ((a, at_a), (b, at_b))
        )
        found["changed"] = found["changed"] | differ(one, other).to_numpy()
        found |= {f"{name}_a": one, f"{name}_b": other, f"{name}_change": change_of(one, other)}
    for name in texts:
        one, other = _column(a, name, at_a), _column(b, name, at_b)
        found["changed"] = found["changed"] | differ(one, other).to_numpy()
        found |= {f"{name}_a": one, f"{name}_b": other}
    return pd.DataFrame(found)


def _keys(table: pd.DataFrame, keys: Sequence[str]) -> pd.MultiIndex:
    """Return the keys of the rows, with a count where one comes again; NaN is a key like any."""
    columns = [table[name].astype(object).where(table[name].notna(), "").tolist() for name in keys]
    again = table.groupby(list(keys), dropna=False, sort=False).cumcount().tolist()
    return pd.MultiIndex.from_arrays([*columns, again], names=[*keys, "again"])


def _column(table: pd.DataFrame, name: str, at: np.ndarray) -> pd.Series[Any]:
    """Return a column's values at some places, missing where there is none."""
    if name not in table.columns or not len(table):
        return pd.Series([None] * len(at), dtype=object)
    values = table[name].reset_index(drop=True).reindex(np.where(at >= 0, at, -1))
    return values.reset_index(drop=True)


def settings_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> pd.DataFrame:
    """Return the settings that differ between two project files as ``run.json`` holds them.

    Returns
    -------
    pandas.DataFrame
        ``key`` (dotted), ``a``, ``b`` as JSON, "" where one has no such key; sorted by key. A
        table that one lacks is one row.

    Examples
    --------
    >>> one = {"network": {"walk_kmh": 4.0}, "rules": {"minutes": [5, 10]}}
    >>> settings_changes(one, one | {"network": {"walk_kmh": 3.0}}).values.tolist()
    [['network.walk_kmh', '4.0', '3.0']]
    >>> settings_changes(one, {"rules": {"minutes": [5, 10]}}).values.tolist()
    [['network', '{"walk_kmh": 4.0}', '']]
    >>> settings_changes(one, one).empty
    True
    """
    rows = sorted(_differences(a, b))
    return pd.DataFrame(rows, columns=["key", "a", "b"], dtype=str)


def _differences(a: Any, b: Any, above: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the keys that differ; a table that one side lacks is one row."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {*a, *b}:
            yield from _differences(
                a.get(key, _ABSENT), b.get(key, _ABSENT), f"{above}.{key}" if above else str(key)
            )
    elif a != b:
        yield (above, _shown(a), _shown(b))


def _shown(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
