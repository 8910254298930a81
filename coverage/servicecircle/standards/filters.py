"""Filters: which facilities pass a plan's conditions for certain, and which may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.grades import at_least
from servicecircle.standards.plan import Filter

__all__ = ["Selection", "select", "which"]

Bools = NDArray[np.bool_]


def which(index: pd.Index, ids: Collection[str]) -> Bools:
    """Return which labels of an index are among some ids.

    As ``Index.isin``, many times as fast for a set of texts.

    Examples
    --------
    >>> which(pd.Index(["a", "b"]), frozenset("b")).tolist()
    [False, True]
    """
    return np.fromiter((one in ids for one in index.tolist()), bool, len(index))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Facilities that pass a filter for certain, and those that may (the column is empty)."""

    certain: frozenset[str]
    possible: frozenset[str]
    missing: tuple[str, ...]


def select(rows: pd.DataFrame, condition: Filter, layer: str) -> Selection:
    """Return which of some facilities pass a filter.

    A column without a single value for the layer is a missing input; a single empty cell makes
    its facility possible, not certain.

    Parameters
    ----------
    rows : pandas.DataFrame
        Facilities of one layer, index facility_id.
    condition : Filter
    layer : str

    Examples
    --------
    >>> rows = pd.DataFrame({"capacity": [120.0, None]}, index=["a", "b"])
    >>> found = select(rows, Filter(beds_at_least=100), "care_home")
    >>> sorted(found.certain), sorted(found.possible), found.missing
    (['a'], ['a', 'b'], ())
    >>> select(rows, Filter(having=("rehab_room",)), "care_home").missing
    ('[facilities.care_home] rehab_room',)
    >>> select(rows.iloc[:0], Filter(having=("rehab_room",)), "care_home").missing
    ()
    """
    everyone = frozenset(rows.index.astype(str))
    if condition == Filter() or (condition.layers and layer not in condition.layers):
        return Selection(certain=everyone, possible=everyone, missing=())
    certain = np.ones(len(rows), bool)
    possible = np.ones(len(rows), bool)
    missing = []
    for column, answers in _answers(rows, condition):
        unknown = np.array([answer is None for answer in answers], bool)
        passes = np.array([answer is True for answer in answers], bool)
        if len(rows) and unknown.all():
            missing.append(f"[facilities.{layer}] {column}")
        certain &= passes
        possible &= passes | unknown
    ids = rows.index.astype(str)
    return Selection(
        certain=frozenset(ids[certain]),
        possible=frozenset(ids[possible]),
        missing=tuple(dict.fromkeys(missing)),
    )


Answers = list[bool | None]


def _answers(rows: pd.DataFrame, condition: Filter) -> list[tuple[str, Answers]]:
    """Return, for each condition of a filter, its column and what each row answers."""
    found: list[tuple[str, Answers]] = []
    grades = _texts(rows, "grade")
    if condition.grade_at_least:
        found.append(("grade", [at_least(grade, condition.grade_at_least) for grade in grades]))
    if condition.grade_in:
        found.append(
            (
                "grade",
                [
                    any(word in grade.casefold() for word in condition.grade_in) if grade else None
                    for grade in grades
                ],
            )
        )
    for column, least in (
        ("capacity", condition.beds_at_least),
        ("nursing_beds", condition.nursing_beds_at_least),
        ("dementia_beds", condition.dementia_beds_at_least),
        ("floor_area_m2", condition.floor_area_at_least),
    ):
        if least is not None:
            values = rows[column] if column in rows else pd.Series(np.nan, index=rows.index)
            found.append((column, [None if pd.isna(one) else one >= least for one in values]))
    for column in condition.having:
        cells = rows[column] if column in rows else pd.Series(pd.NA, index=rows.index)
        found.append((column, [None if pd.isna(one) else bool(one) for one in cells]))
    for column, wanted in condition.choices.items():
        found.append((column, [one in wanted if one else None for one in _texts(rows, column)]))
    return found


def _texts(rows: pd.DataFrame, column: str) -> list[str]:
    if column not in rows:
        return [""] * len(rows)
    return [str(one) for one in rows[column].fillna("")]
