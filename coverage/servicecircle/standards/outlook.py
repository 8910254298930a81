"""The tables that look ahead: progress, worth, shortfalls and league tables of all plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.kinds.base import Study
from servicecircle.standards.league import league_of_units, league_table
from servicecircle.standards.pace import PROGRESS_COLUMNS, progress_table
from servicecircle.standards.plan import Plan
from servicecircle.standards.shortfalls import (
    SHORTFALL_COLUMNS,
    needs_by_layer,
    shortfall_table,
)
from servicecircle.standards.worth import WORTH_COLUMNS, worth_table

__all__ = ["JudgedPlan", "league_tables", "outlook_tables"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JudgedPlan:
    """One plan as it was judged: the study, and its rows of scorecard and unit_results."""

    study: Study
    scorecard: pd.DataFrame
    unit_results: pd.DataFrame


def outlook_tables(
    judged: Sequence[JudgedPlan], *, places: tuple[Floats, Floats], slopes: bool
) -> dict[str, pd.DataFrame]:
    """Return ``progress``, ``worth``, ``shortfalls`` and ``needs_by_layer`` of all plans.

    Parameters
    ----------
    judged : sequence of JudgedPlan
    places : tuple of numpy.ndarray of float, shape (n,)
        Metres east and north of the demand points of the evidence, in their order.
    slopes : bool
        Slopes count on the network.

    Examples
    --------
    >>> nowhere = np.empty(0)
    >>> {name: len(table) for name, table in
    ...  outlook_tables([], places=(nowhere, nowhere), slopes=False).items()}
    {'progress': 0, 'worth': 0, 'shortfalls': 0, 'needs_by_layer': 0}
    """
    ahead, worths, short = [], [], []
    for one in judged:
        study = one.study
        ahead.append(
            progress_table(
                study.plan,
                one.scorecard,
                as_of=study.evidence.as_of,
                area="part" if study.area == "part" else "whole",
                language=study.language,
            )
        )
        worths.append(
            worth_table(study, one.scorecard, one.unit_results, places=places, slopes=slopes)
        )
        units = study.evidence.units.reset_index()
        short.append(shortfall_table(one.scorecard, one.unit_results, units))
    worth = _joined(worths, WORTH_COLUMNS)
    return {
        "progress": _joined(ahead, PROGRESS_COLUMNS),
        "worth": worth,
        "shortfalls": _joined(short, SHORTFALL_COLUMNS),
        "needs_by_layer": needs_by_layer(worth),
    }


def league_tables(
    plans: Iterable[Plan],
    unit_results: pd.DataFrame,
    unit_coverage: pd.DataFrame,
    units: pd.DataFrame,
    *,
    main_rule: str,
) -> dict[str, pd.DataFrame]:
    """Return ``league`` and ``league_units``.

    Parameters
    ----------
    plans : iterable of Plan
    unit_results, unit_coverage, units : pandas.DataFrame
    main_rule : str
        The rule of ``units.csv`` whose rates count for the mean rank.

    Examples
    --------
    >>> nothing = pd.DataFrame(columns=["unit_id", "code", "name", "level", "parent_id"])
    >>> results = pd.DataFrame(columns=["plan", "indicator_id", "alternative", "unit_id"])
    >>> tables = league_tables([], results, nothing, nothing, main_rule="15 min")
    >>> {name: len(table) for name, table in tables.items()}
    {'league': 0, 'league_units': 0}
    """
    known = tuple(plans)
    league = league_table(known, unit_results, unit_coverage, units)
    return {
        "league": league,
        "league_units": league_of_units(
            league, unit_results, units, main_rule=main_rule, plans=known
        ),
    }


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))
