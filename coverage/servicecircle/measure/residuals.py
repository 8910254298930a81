"""How far people are from official figures, in words, and what was not scaled to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.problems import Problem

__all__ = ["main_column", "residual_problems", "scaling_problems", "shares"]

Floats = NDArray[np.float64]

LOW_FACTOR, HIGH_FACTOR = 0.5, 2.0
"""A factor outside says that figure and raster are not about the same people."""
NOTABLE_RESIDUAL = 0.01
"""From this share on the people of a source and the official figures differ enough to say so."""
_SAME_RESIDUAL = 0.005
_TOLD_FIRST = ("township", "village_level", "county", "prefecture", "province")
_SHOWN = 5


def shares(part: Floats, whole: Floats) -> Floats:
    """Return part ÷ whole, NaN where the whole is 0 or unknown.

    Examples
    --------
    >>> shares(np.array([1.0, 1.0, 1.0]), np.array([4.0, 0.0, np.nan])).tolist()
    [0.25, nan, nan]
    """
    result = np.full(len(part), np.nan)
    with np.errstate(over="ignore"):
        np.divide(part, whole, out=result, where=whole > 0.0)
    return result


def main_column(part: pd.DataFrame) -> str:
    """Return what the source counts: people, or the elderly alone.

    Examples
    --------
    >>> main_column(pd.DataFrame({"source_population": [np.nan]}))
    'elderly'
    """
    return "elderly" if part["source_population"].isna().all() else "population"


def _called(part: pd.DataFrame, rows: NDArray[np.int64]) -> str:
    shown = part.iloc[rows[:_SHOWN]]
    names = [str(name or key) for name, key in zip(shown["name"], shown["unit_id"], strict=True)]
    return ", ".join(names) + (" …" if len(rows) > _SHOWN else "")


def scaling_problems(part: pd.DataFrame, source: str) -> list[Problem]:
    """Return one record for each unit that was not scaled, or scaled by an odd factor.

    Parameters
    ----------
    part : pandas.DataFrame
        Rows of ``calibration.csv`` of the level that was scaled.
    source : str
        Of the people, for messages.

    Examples
    --------
    >>> part = pd.DataFrame({
    ...     "unit_id": ["a"], "name": ["甲"], "level": ["township"], "status": ["no_people"],
    ...     "official_population": [5.0], "official_elderly": [1.0], "source_population": [0.0],
    ...     "factor": [np.nan],
    ... })
    >>> [(problem.code, problem.value) for problem in scaling_problems(part, "a.tif")]
    [('calibration.no_people', '甲'), ('calibration.done', '0')]
    """
    main = main_column(part)
    factor = part["factor" if main == "population" else "elderly_factor"].to_numpy(np.float64)
    status = part["status"].to_numpy(object)
    odd = (status == "scaled") & ~((factor >= LOW_FACTOR) & (factor <= HIGH_FACTOR))
    over = part["official_elderly"].to_numpy(np.float64) > part["official_population"].to_numpy(
        np.float64
    )
    problems = []
    for mask, code in (
        (status == "partly_outside", "partly_outside"),
        (status == "no_figure", "no_figure"),
        (status == "no_people", "no_people"),
        (odd, "odd_factor"),
        (over, "elderly_above"),
    ):
        problems += [
            Problem(
                code=f"calibration.{code}",
                severity="warning",
                action="flagged" if code == "odd_factor" else "counted",
                file=source,
                value=_called(part, np.array([at])),
                details={
                    "level": part["level"].iloc[0],
                    "people": f"{part[f'official_{main}'].iloc[at]:.0f}",
                    "found": f"{part[f'source_{main}'].iloc[at]:.0f}",
                    "factor": f"{factor[at]:.3g}",
                },
            )
            for at in np.flatnonzero(mask)
        ]
    scaled = status == "scaled"
    problems.append(
        Problem(
            code="calibration.done",
            severity="note",
            action="mended",
            file=source,
            value=str(int(scaled.sum())),
            details={
                "total": len(part),
                "level": part["level"].iloc[0],
                "before": f"{part.loc[scaled, f'source_{main}'].sum():.0f}",
                "after": f"{part.loc[scaled, f'official_{main}'].sum():.0f}",
            },
        )
    )
    return problems


def residual_problems(
    tables: list[pd.DataFrame], calibrate: str | None, source: str
) -> list[Problem]:
    """Return the residuals of levels; where levels tell the same, once, of townships first.

    Parameters
    ----------
    tables : list of pandas.DataFrame
        Rows of ``calibration.csv``, a table for each level.
    calibrate : str or None
        The level that was scaled, which has no residual.
    source : str

    Examples
    --------
    >>> part = pd.DataFrame({
    ...     "unit_id": ["a"], "name": ["甲"], "level": ["township"], "wholly_inside": [True],
    ...     "official_population": [200.0], "population": [182.0], "source_population": [182.0],
    ... })
    >>> [problem.value for problem in residual_problems([part], None, "a.tif")]
    ['-9.0 %']
    >>> residual_problems([part], "township", "a.tif")
    []
    """
    by_level = {str(table["level"].iloc[0]): table for table in tables}
    problems: list[Problem] = []
    told: list[float] = []
    for level in sorted(by_level, key=_TOLD_FIRST.index):
        table = by_level[level]
        if level == calibrate:
            continue
        problems += _empty_problems(table, source)
        problem, overall = _residual_problem(table, source)
        if problem is not None and all(abs(overall - other) > _SAME_RESIDUAL for other in told):
            problems.append(problem)
            told.append(overall)
    return problems


def _empty_problems(done: pd.DataFrame, source: str) -> list[Problem]:
    """Return a record for units that have people in the figures and none in the source."""
    main = main_column(done)
    official = done[f"official_{main}"].to_numpy(np.float64)
    people = done[main].to_numpy(np.float64)
    empty = np.flatnonzero((official > 0.0) & (people <= 0.0))
    if not empty.size:
        return []
    return [
        Problem(
            code="population.units_without_cells",
            severity="warning",
            action="counted",
            file=source,
            value=_called(done, empty),
            details={
                "count": empty.size,
                "level": str(done["level"].iloc[0]),
                "people": f"{official[empty].sum():.0f}",
            },
        )
    ]


def _residual_problem(done: pd.DataFrame, source: str) -> tuple[Problem | None, float]:
    """Return how far the people of a level are from its figures, where that is notable."""
    main = main_column(done)
    official = done[f"official_{main}"].to_numpy(np.float64)
    people = done[main].to_numpy(np.float64)
    held = (official > 0.0) & (people > 0.0) & done["wholly_inside"].to_numpy(np.bool_)
    if not held.any():
        return None, 0.0
    residual = shares(people, official) - 1.0
    overall = float(people[held].sum() / official[held].sum() - 1.0)
    if abs(overall) < NOTABLE_RESIDUAL:
        return None, overall
    worst = int(np.flatnonzero(held)[np.argmax(np.abs(residual[held]))])
    problem = Problem(
        code="population.residual",
        severity="warning",
        file=source,
        value=f"{100.0 * overall:+.1f} %",
        details={
            "level": str(done["level"].iloc[0]),
            "count": int(held.sum()),
            "found": f"{people[held].sum():.0f}",
            "official": f"{official[held].sum():.0f}",
            "worst": _called(done, np.array([worst])),
            "worst_share": f"{100.0 * residual[worst]:+.1f} %",
        },
    )
    return problem, overall
