"""People held against official figures, and scaled to them where that is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.inputs.population import PopulationData
from servicecircle.measure.residuals import (
    main_column,
    residual_problems,
    scaling_problems,
    shares,
)
from servicecircle.problems import Problem
from servicecircle.project import LEVELS, PopulationSettings

__all__ = ["COLUMNS", "Weighed", "elderly_by_units", "settle_people", "weigh_people"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

COLUMNS = (
    "unit_id",
    "code",
    "name",
    "level",
    "status",
    "official_population",
    "source_population",
    "exact_population",
    "factor",
    "population",
    "residual",
    "residual_after",
    "official_elderly",
    "source_elderly",
    "exact_elderly",
    "elderly_factor",
    "elderly",
    "elderly_residual",
    "elderly_residual_after",
    "wholly_inside",
    "data_share",
)
_DIGITS = 12
_ROUNDS = 60


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Weighed:
    """People held against official figures.

    Parameters
    ----------
    population, elderly : numpy.ndarray of float, shape (n,)
        Of the demand points, scaled where that was asked; NaN where unknown.
    table : pandas.DataFrame
        The table ``calibration.csv``: a row for each unit that has an official figure, or should
        have one.
    problems : tuple of Problem
    """

    population: Floats
    elderly: Floats
    table: pd.DataFrame
    problems: tuple[Problem, ...]


def settle_people(
    population: PopulationData | None,
    settings: PopulationSettings | None,
    units: pd.DataFrame,
    demand: pd.DataFrame,
) -> tuple[pd.DataFrame, Weighed, dict[str, float]]:
    """Give points their elderly by units, and scale them to official figures, where asked.

    Parameters
    ----------
    population : PopulationData or None
    settings : PopulationSettings or None
    units : pandas.DataFrame
        unit_id, code, name, level, population, elderly.
    demand : pandas.DataFrame
        population, elderly, ``unit_<level>``.

    Returns
    -------
    demand : pandas.DataFrame
        A copy with its people settled.
    weighed : Weighed
        With the problems of both steps.
    balance : dict
        elderly_by_units, people_after_calibration, elderly_after_calibration, where that was done.

    Examples
    --------
    >>> units = pd.DataFrame(columns=["unit_id", "code", "name", "level", "population", "elderly"])
    >>> demand = pd.DataFrame({"population": [1.0], "elderly": [np.nan]})
    >>> settle_people(None, None, units, demand)[0].equals(demand)
    True
    """
    if population is None or settings is None:
        weighed = weigh_people(units.iloc[:0], demand, calibrate=None)
        return demand, weighed, {}
    problems: tuple[Problem, ...] = ()
    balance: dict[str, float] = {}
    if settings.elderly == "units":
        elderly, problems = elderly_by_units(units, demand, source=population.source)
        demand = demand.assign(elderly=elderly)
        balance["elderly_by_units"] = float(np.nansum(elderly))
    weighed = weigh_people(
        units,
        demand,
        calibrate=settings.calibrate,
        zones=population.zones,
        totals=population.totals,
        source=population.source,
    )
    if settings.calibrate is not None:
        demand = demand.assign(population=weighed.population, elderly=weighed.elderly)
        for name, values in (("people", weighed.population), ("elderly", weighed.elderly)):
            if np.isfinite(values).any():
                balance[f"{name}_after_calibration"] = float(np.nansum(values))
        for name, column in (("people", "exact_population"), ("elderly", "exact_elderly")):
            exact = weighed.table.loc[weighed.table["level"] == settings.calibrate, column]
            if exact.notna().any():
                balance[f"{name}_exact_in_units"] = float(exact.sum())
    return demand, replace(weighed, problems=(*problems, *weighed.problems)), balance


def weigh_people(
    units: pd.DataFrame,
    demand: pd.DataFrame,
    *,
    calibrate: str | None,
    zones: pd.DataFrame | None = None,
    totals: pd.DataFrame | None = None,
    source: str = "",
) -> Weighed:
    """Hold the people of units against their official figures, and scale them where asked.

    A unit is scaled that has a figure, has people in the source, and lies wholly inside the
    raster: population ← population · official / source, so that the points of the unit add up to
    the figure. The elderly are scaled to their own figure, else by the same factor; where a
    point would get more elderly than people it is filled, and the rest goes to the unit's other
    points in proportion.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, code, name, level, population, elderly (official; NaN: unknown).
    demand : pandas.DataFrame
        population, elderly, ``unit_<level>``.
    calibrate : str or None
        Level to scale to; None: only compare.
    zones : pandas.DataFrame, optional
        unit_id, wholly_inside, data_share, exact_population, exact_elderly. Without it every
        unit counts as inside.
    totals : pandas.DataFrame, optional
        unit_id, population, elderly: figures that take the place of the units' own at the level
        ``calibrate``.
    source : str
        Of the people, for messages.

    Returns
    -------
    Weighed

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["a", "b"], "code": "", "name": ["甲", "乙"], "level": "township",
    ...     "population": [200.0, np.nan], "elderly": np.nan,
    ... })
    >>> demand = pd.DataFrame({"population": [60.0, 40.0, 7.0], "elderly": [6.0, 8.0, 1.0]})
    >>> demand["unit_township"] = ["a", "a", None]
    >>> weighed = weigh_people(units, demand, calibrate="township")
    >>> weighed.population.tolist(), weighed.elderly.tolist()
    ([120.0, 80.0, 7.0], [12.0, 16.0, 1.0])
    >>> weighed.table[["unit_id", "status", "factor", "residual"]].values.tolist()
    [['a', 'scaled', 2.0, -0.5], ['b', 'no_figure', nan, nan]]
    >>> weigh_people(units[:0], demand[:0], calibrate=None).table.empty
    True
    """
    population = demand["population"].to_numpy(np.float64)
    elderly = demand["elderly"].to_numpy(np.float64)
    parts: list[tuple[pd.DataFrame, Ints]] = []
    problems: list[Problem] = []
    for level in LEVELS:
        rows = units[units["level"] == level].reset_index(drop=True)
        figures = _figures(rows, totals if level == calibrate else None)
        if not len(rows) or (level != calibrate and np.isnan(figures).all()):
            continue
        unit = _unit_index(demand, rows, level)
        part = _compared(rows, figures, unit, (population, elderly), zones)
        if level == calibrate:
            part["status"] = _statuses(part)
        parts.append((part, unit))
    before = population, elderly
    for part, unit in parts:
        if part["level"].iloc[0] == calibrate:
            population, elderly = _scaled(part, unit, before)
            problems += scaling_problems(part, source)
    tables = [_after(part, unit, (population, elderly)) for part, unit in parts]
    problems += residual_problems(tables, calibrate, source)
    whole = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return Weighed(
        population=population,
        elderly=elderly,
        table=whole.reindex(columns=list(COLUMNS)),
        problems=tuple(problems),
    )


def _figures(rows: pd.DataFrame, totals: pd.DataFrame | None) -> Floats:
    """Return official population and elderly, shape (n, 2), of a table where there is one."""
    own = rows if totals is None else totals.set_index("unit_id").reindex(rows["unit_id"])
    return own[["population", "elderly"]].to_numpy(np.float64)


def _unit_index(demand: pd.DataFrame, rows: pd.DataFrame, level: str) -> Ints:
    column = f"unit_{level}"
    if column not in demand:
        return np.full(len(demand), -1, np.int64)
    found = pd.Index(rows["unit_id"]).get_indexer(demand[column].fillna(""))
    return np.asarray(found, np.int64)


def _sums(unit: Ints, people: Floats, count: int) -> Floats:
    """Add up people by unit; NaN everywhere where they are unknown."""
    if len(people) and np.isnan(people).all():
        return np.full(count, np.nan)
    here = unit >= 0
    sums: Floats = np.bincount(unit[here], np.nan_to_num(people[here]), count).astype(np.float64)
    return sums


def _compared(
    rows: pd.DataFrame,
    figures: Floats,
    unit: Ints,
    people: tuple[Floats, Floats],
    zones: pd.DataFrame | None,
) -> pd.DataFrame:
    part = rows[["unit_id", "code", "name", "level"]].copy()
    part["status"] = "compared"
    for at, name in enumerate(("population", "elderly")):
        part[f"official_{name}"] = figures[:, at]
        part[f"source_{name}"] = _sums(unit, people[at], len(rows))
    part["factor"] = part["elderly_factor"] = np.nan
    part["residual"] = shares(part["source_population"].to_numpy(), figures[:, 0]) - 1.0
    part["elderly_residual"] = shares(part["source_elderly"].to_numpy(), figures[:, 1]) - 1.0
    if zones is None:
        part["wholly_inside"] = True
        return part
    known = zones.drop_duplicates("unit_id").set_index("unit_id").reindex(rows["unit_id"])
    part["wholly_inside"] = known["wholly_inside"].eq(True).to_numpy(np.bool_)
    for name in ("data_share", "exact_population", "exact_elderly"):
        part[name] = known[name].to_numpy(np.float64)
    return part


def _statuses(part: pd.DataFrame) -> NDArray[np.object_]:
    """Return for each unit of the scaled level whether it is scaled, or why not."""
    main = main_column(part)
    official = part[f"official_{main}"].to_numpy(np.float64)
    people = part[f"source_{main}"].to_numpy(np.float64)
    status = np.full(len(part), "scaled", object)
    status[(people <= 0.0) & (official > 0.0)] = "no_people"
    status[(people <= 0.0) & (official <= 0.0)] = "nobody"
    status[~part["wholly_inside"].to_numpy(np.bool_)] = "partly_outside"
    status[np.isnan(official)] = "no_figure"
    return status


def _scaled(part: pd.DataFrame, unit: Ints, people: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return the people of all points after scaling, and write the factors into the table."""
    population, elderly = people
    chosen = part["status"].eq("scaled").to_numpy()
    main = main_column(part)
    official = part[f"official_{main}"].to_numpy(np.float64)
    factor = np.where(chosen, shares(official, part[f"source_{main}"].to_numpy()), 1.0)
    # The last entry stands for points of no unit.
    by_point = np.append(factor, 1.0)[unit]
    part["factor" if main == "population" else "elderly_factor"] = np.where(chosen, factor, np.nan)
    if main == "elderly":
        return population, elderly * by_point
    population = population * by_point
    if np.isnan(elderly).all():
        return population, elderly
    old = part["source_elderly"].to_numpy(np.float64)
    wanted = part["official_elderly"].to_numpy(np.float64)
    own = chosen & (wanted <= official) & (old > 0.0)
    target = np.where(own, wanted, old * factor)
    part["elderly_factor"] = np.where(chosen, shares(target, old), np.nan)
    filled = _filled(elderly, population, unit, np.where(chosen, target, old))
    return population, np.where(np.append(chosen, False)[unit], filled, elderly)


def _filled(elderly: Floats, most: Floats, unit: Ints, target: Floats) -> Floats:
    """Scale the elderly of each unit to a target, no point above its people."""
    here = unit >= 0
    at, old, cap = unit[here], np.nan_to_num(elderly[here]), most[here]
    count = len(target)
    factor = np.nan_to_num(shares(target, np.bincount(at, old, count).astype(np.float64)), nan=1.0)
    full = np.zeros(at.size, np.bool_)
    for _ in range(_ROUNDS):
        now = full | (old * factor[at] > cap)
        if (now == full).all():
            break
        full = now
        rest = target - np.bincount(at[full], cap[full], count)
        room = np.bincount(at[~full], old[~full], count).astype(np.float64)
        factor = np.where(room > 0.0, np.nan_to_num(shares(rest, room), nan=1.0), factor)
    result = elderly.copy()
    result[here] = np.where(np.isnan(elderly[here]), np.nan, np.minimum(old * factor[at], cap))
    return result


def _after(part: pd.DataFrame, unit: Ints, people: tuple[Floats, Floats]) -> pd.DataFrame:
    done = part.copy()
    for name, values, column in zip(
        ("population", "elderly"), people, ("residual_after", "elderly_residual_after"), strict=True
    ):
        done[name] = _sums(unit, values, len(part))
        official = part[f"official_{name}"].to_numpy(np.float64)
        # A difference of rounding is none.
        share = shares(done[name].to_numpy(np.float64), official)
        done[column] = np.round(share - 1.0, _DIGITS) + 0.0
    return done


def elderly_by_units(
    units: pd.DataFrame, demand: pd.DataFrame, *, source: str = ""
) -> tuple[Floats, tuple[Problem, ...]]:
    """Return the elderly of points by the share of elderly of their units.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, level, population, elderly.
    demand : pandas.DataFrame
        population, ``unit_<level>``.
    source : str

    Returns
    -------
    elderly : numpy.ndarray of float, shape (n,)
        By the smallest unit of each point that has both figures; a point of none by the share of
        all units of the smallest level together. NaN where no unit has both.
    problems : tuple of Problem

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["a", "b"], "level": "township", "population": [200.0, 100.0],
    ...     "elderly": [50.0, 10.0],
    ... })
    >>> demand = pd.DataFrame({"population": [8.0, 10.0, 5.0], "unit_township": ["a", "b", None]})
    >>> elderly_by_units(units, demand)[0].tolist()
    [2.0, 1.0, 1.0]
    >>> elderly_by_units(units[:0], demand)[0].tolist()
    [nan, nan, nan]
    """
    people = demand["population"].to_numpy(np.float64)
    share = np.full(len(demand), np.nan)
    overall = np.nan
    for level in reversed(LEVELS):
        rows = units[units["level"] == level].reset_index(drop=True)
        if not len(rows):
            continue
        whole, old = (rows[name].to_numpy(np.float64) for name in ("population", "elderly"))
        both = ~np.isnan(old) & (whole > 0.0) & (old <= whole)
        if not both.any():
            continue
        own = np.append(np.where(both, shares(old, whole), np.nan), np.nan)
        share = np.where(np.isnan(share), own[_unit_index(demand, rows, level)], share)
        if np.isnan(overall):
            overall = float(old[both].sum() / whole[both].sum())
    left = np.isnan(share)
    problems = []
    if left.any() or np.isnan(overall):
        problems.append(
            Problem(
                code="population.no_share",
                severity="warning",
                action="counted",
                file=source,
                value=str(int(left.sum())),
                details={
                    "people": f"{np.nansum(people[left]):.0f}",
                    "share": "–" if np.isnan(overall) else f"{100.0 * overall:.1f} %",
                },
            )
        )
    return people * np.where(left, overall, share), tuple(problems)
