"""Coverage of units: people of a unit whose access meets a rule ÷ all people of the unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.access import reaches

__all__ = ["COLUMNS", "Rule", "layer_rules", "unit_coverage", "unit_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SMALL = 1 << 16

COLUMNS = (
    "unit_id",
    "code",
    "name",
    "level",
    "layer",
    "rule",
    "profile",
    "facilities",
    "population",
    "elderly",
    "covered_population",
    "covered_elderly",
    "population_coverage",
    "elderly_coverage",
    "mean_minutes_of_reached",
    "p90_minutes",
    "unreachable",
    "unsnapped",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold that access is held against.

    Parameters
    ----------
    name : str
        As it stands in the tables: ``15 min``, ``1000 m``, ``1000 m straight``.
    column : {"seconds", "metres", "straight_metres"}
        Column of the access table.
    limit : float
        In seconds or metres.
    """

    name: str
    column: str
    limit: float


def layer_rules(
    minutes: tuple[float, ...], metres: tuple[float, ...], *, on_network: bool
) -> list[Rule]:
    """Return the rules of a layer: times and distances, or straight lines alone without roads.

    Parameters
    ----------
    minutes, metres : tuple of float
        Thresholds, in any order.
    on_network : bool
        Whether there are roads.

    Returns
    -------
    list of Rule

    Examples
    --------
    >>> [rule.name for rule in layer_rules((15.0,), (1000.0,), on_network=True)]
    ['15 min', '1000 m', '1000 m straight']
    >>> [rule.name for rule in layer_rules((15.0,), (1000.0,), on_network=False)]
    ['1000 m straight']
    """
    rules: list[Rule] = []
    if on_network:
        rules += [Rule(f"{value:g} min", "seconds", value * 60.0) for value in sorted(minutes)]
        rules += [Rule(f"{value:g} m", "metres", value) for value in sorted(metres)]
    rules += [Rule(f"{value:g} m straight", "straight_metres", value) for value in sorted(metres)]
    return rules


def _sums(unit: NDArray[np.int64], weights: Floats, count: int) -> Floats:
    """Add up weights by unit; NaN weights (unknown) make NaN sums, not zeros."""
    if not np.isfinite(weights).any():
        return np.full(count, np.nan)
    here = unit >= 0
    return np.bincount(unit[here], weights=weights[here], minlength=count).astype(np.float64)


def unit_rows(units: pd.DataFrame, demand: pd.DataFrame) -> dict[str, Ints]:
    """Return for each level the place of each point's unit among the units of the level.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, level.
    demand : pandas.DataFrame
        ``unit_<level>``.

    Returns
    -------
    dict of str to numpy.ndarray of int, shape (len(demand),)
        -1 for points of no unit.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": ["a", "b"], "level": "township"})
    >>> demand = pd.DataFrame({"unit_township": ["b", None, "a"]})
    >>> {level: rows.tolist() for level, rows in unit_rows(units, demand).items()}
    {'township': [1, -1, 0]}
    >>> unit_rows(units.iloc[:0], demand)
    {}
    """
    found: dict[str, Ints] = {}
    for level in units["level"].drop_duplicates():
        column = f"unit_{level}"
        if column not in demand:
            found[level] = np.full(len(demand), -1, np.int64)
            continue
        # The names are looked up once each, not once a point.
        codes, names = pd.factorize(demand[column])
        index = pd.Index(units.loc[units["level"] == level, "unit_id"])
        places = np.append(index.get_indexer(names), -1).astype(np.int64)
        found[level] = places[codes]
    return found


def _by_time(minutes: Floats) -> Ints:
    """Return the rows from the shortest time to the longest, those without one last."""
    return np.argsort(np.where(np.isnan(minutes), np.inf, minutes), kind="stable")


def _weighted_p90(
    unit: Ints, minutes: Floats, people: Floats, count: int, *, by_time: Ints
) -> Floats:
    """Return for each unit the least time within which nine of ten people reach; inf if never.

    NaN where there are no people, or some of them are unknown.
    """
    unknown = unit[(unit >= 0) & np.isnan(people)]
    unit, people, minutes = unit[by_time], people[by_time], minutes[by_time]
    here = (unit >= 0) & (people > 0)
    unit, people = unit[here], people[here]
    minutes = np.where(np.isnan(minutes[here]), np.inf, minutes[here])
    # Sixteen bits are sorted many times as fast.
    small = unit.astype(np.uint16) if count <= _SMALL else unit
    order = np.argsort(small, kind="stable")
    unit, minutes, people = unit[order], minutes[order], people[order]
    totals = np.bincount(unit, weights=people, minlength=count)
    before = np.concatenate([[0.0], np.cumsum(totals)[:-1]])
    share = (np.cumsum(people) - before[unit]) / totals[unit]
    result = np.full(count, np.nan)
    enough = np.flatnonzero(share >= 0.9 - 1e-9)
    first = enough[np.unique(unit[enough], return_index=True)[1]]
    result[unit[first]] = minutes[first]
    result[unknown] = np.nan
    return result


def unit_coverage(
    units: pd.DataFrame,
    demand: pd.DataFrame,
    access: pd.DataFrame,
    facility_counts: pd.Series,
    *,
    layer: str,
    profile: str,
    rules: list[Rule],
    rows: Mapping[str, Ints] | None = None,
) -> pd.DataFrame:
    """Return one row per unit and rule for one layer, with a row of presence for each unit.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, code, name, level.
    demand : pandas.DataFrame
        population, elderly (NaN: unknown), ``unit_<level>``; rows as in ``access``.
    access : pandas.DataFrame
        Of this layer and profile.
    facility_counts : pandas.Series
        Distinct open facilities by unit_id.
    layer, profile : str
    rules : list of Rule
    rows : mapping of str to numpy.ndarray of int, optional
        From :func:`unit_rows`, where the caller has made them already.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``units.csv``. Coverage of a unit without people is NaN, never 0 or
        1. ``unreachable`` and ``unsnapped`` are people (elderly where people are unknown).

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": ["a", "b"], "code": "", "name": "", "level": "township"})
    >>> demand = pd.DataFrame({"population": [30.0, 10.0], "elderly": [9.0, np.nan]})
    >>> demand["unit_township"] = "a"
    >>> access = pd.DataFrame({"seconds": [600.0, np.nan], "status": ["reached", "unsnapped"]})
    >>> table = unit_coverage(
    ...     units,
    ...     demand,
    ...     access,
    ...     pd.Series({"a": 2}),
    ...     layer="canteen",
    ...     profile="walk",
    ...     rules=[Rule("15 min", "seconds", 900.0)],
    ... )
    >>> table[["unit_id", "rule", "facilities", "population_coverage"]].values.tolist()[:2]
    [['a', '15 min', 2, 0.75], ['b', '15 min', 0, nan]]
    """
    blocks = []
    known_people = bool(demand["population"].notna().any()) if len(demand) else False
    population = demand["population"].to_numpy(float)
    elderly = demand["elderly"].to_numpy(float)
    people = population if known_people else elderly
    minutes = access["seconds"].to_numpy(float) / 60.0
    status = access["status"].to_numpy(object)
    on_network = any(rule.column != "straight_metres" for rule in rules)
    rows = unit_rows(units, demand) if rows is None else rows
    inside = {rule: reaches(access[rule.column].to_numpy(float), rule.limit) for rule in rules}
    by_time = _by_time(minutes)
    for level in units["level"].drop_duplicates():
        part = units.loc[units["level"] == level, ["unit_id", "code", "name", "level"]]
        part = part.reset_index(drop=True)
        count = len(part)
        unit = rows[level]
        part["layer"] = layer
        part["facilities"] = facility_counts.reindex(part["unit_id"]).fillna(0).to_numpy(np.int64)
        part["population"] = _sums(unit, population, count)
        part["elderly"] = _sums(unit, elderly, count)
        reached = ~np.isnan(minutes)
        weight = _sums(unit, np.where(reached, people, 0.0), count)
        summed = _sums(unit, np.where(reached, minutes * people, 0.0), count)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = summed / weight
        on_way: dict[str, Floats] = {}
        if on_network:
            p90 = _weighted_p90(unit, minutes, people, count, by_time=by_time)
            on_way = {"mean_minutes_of_reached": mean, "p90_minutes": p90}
            for name in ("unreachable", "unsnapped"):
                on_way[name] = _sums(unit, np.where(status == name, people, 0.0), count)
        for rule in rules:
            block = part.copy()
            block["rule"] = rule.name
            straight = rule.column == "straight_metres"
            block["profile"] = "" if straight else profile
            for name, weights in (("population", population), ("elderly", elderly)):
                covered = _sums(unit, np.where(inside[rule], weights, weights * 0.0), count)
                block[f"covered_{name}"] = covered
                with np.errstate(invalid="ignore", divide="ignore"):
                    block[f"{name}_coverage"] = covered / block[name].to_numpy(float)
            blocks.append(block if straight else block.assign(**on_way))
        presence = part.copy()
        presence["rule"], presence["profile"] = "presence", profile if on_network else ""
        blocks.append(presence)
    if not blocks:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat([block.reindex(columns=list(COLUMNS)) for block in blocks], ignore_index=True)
    typed: pd.DataFrame = table.astype(dict.fromkeys(COLUMNS[8:], float))
    return typed
