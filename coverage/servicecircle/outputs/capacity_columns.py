"""What competition for places found, as columns of the units and facilities of a GeoPackage."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

__all__ = ["facility_columns", "point_columns", "unit_columns"]

_POINT_PREFIXES = ("score_", "left_")


def unit_columns(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a row per unit: ``score_<name>_<method>`` and ``left_<name>_<rule>``.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        ``catchments`` and ``assignment``, where there are any.

    Returns
    -------
    pandas.DataFrame
        By unit_id.

    Examples
    --------
    >>> row = {"unit_id": ["a"], "name": ["care_home"], "method": ["2sfca"], "score": [30.0]}
    >>> unit_columns({"catchments": pd.DataFrame(row)}).to_dict()
    {'score_care_home_2sfca': {'a': 30.0}}
    >>> unit_columns({}).shape
    (0, 0)
    """
    return _wide(
        tables,
        key="unit_id",
        of=(
            ("catchments", "method", (("score", "score"),)),
            ("assignment", "rule", (("left", "left"),)),
        ),
    )


def facility_columns(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a row per facility: ``ratio_<name>_<method>``, and by rule ``assigned_…``, ``free_…``.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        ``catchment_facilities`` and ``assignment_facilities``, where there are any.

    Returns
    -------
    pandas.DataFrame
        By facility_id.

    Examples
    --------
    >>> row = {"facility_id": ["a"], "name": ["x"], "rule": ["nearest"], "assigned": [3.0]}
    >>> facility_columns({"assignment_facilities": pd.DataFrame(row | {"free": [1.0]})}).to_dict()
    {'assigned_x_nearest': {'a': 3.0}, 'free_x_nearest': {'a': 1.0}}
    """
    return _wide(
        tables,
        key="facility_id",
        of=(
            ("catchment_facilities", "method", (("ratio", "ratio"),)),
            ("assignment_facilities", "rule", (("assigned", "assigned"), ("free", "free"))),
        ),
    )


def point_columns(demand: pd.DataFrame) -> list[str]:
    """Return the columns of demand points that hold scores and people without a place.

    Examples
    --------
    >>> point_columns(pd.DataFrame(columns=["population", "score_care_home_2sfca"]))
    ['score_care_home_2sfca']
    """
    return [str(name) for name in demand.columns if str(name).startswith(_POINT_PREFIXES)]


def _wide(
    tables: Mapping[str, pd.DataFrame],
    *,
    key: str,
    of: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...],
) -> pd.DataFrame:
    columns = {}
    for table, way, values in of:
        if table not in tables:
            continue
        for (name, one), rows in tables[table].groupby(["name", way], sort=False):
            by_key = rows.set_index(key)
            for column, prefix in values:
                columns[f"{prefix}_{name}_{one}"] = by_key[column]
    if not columns:
        return pd.DataFrame(index=pd.Index([], dtype="str", name=key))
    return pd.DataFrame(columns)
