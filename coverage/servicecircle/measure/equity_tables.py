"""Equity of a run: how evenly ways and rates are spread over people, and where the worst end is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.access import reaches
from servicecircle.measure.equity import UPPER, Spread, lorenz, spread_by, tail_weights, theil_parts
from servicecircle.measure.ground import Ground
from servicecircle.measure.layers import Access
from servicecircle.progress import Progress
from servicecircle.project import LEVELS, Project

__all__ = [
    "EQUITY_COLUMNS",
    "LORENZ_COLUMNS",
    "all_equity",
    "town_or_country",
    "urban_units",
    "worst_rows",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NUMBERS = (
    *("persons", "unreached", "unreached_share", "mean", "gini", "theil"),
    *("theil_between", "theil_within", "palma", "best_four_tenths", "worst_tenth"),
    *("in_worst_tenth", "share_in_worst_tenth"),
)
_TEXTS = ("layer", "profile", "people", "quantity", "part", "level", "unit_id", "name")
EQUITY_COLUMNS = (*_TEXTS, *_NUMBERS, "worst_tenth_units")
LORENZ_COLUMNS = ("layer", "profile", "people", "quantity", "share_of_people", "share_of_quantity")
_STEPS = 100
_SHOWN = 5
_LEAST_SHOWN = 0.005


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Asked:
    """People of the study area, and the units and kinds of places that they live in."""

    people: str
    weight: Floats
    level: str
    units: pd.DataFrame
    unit: Ints
    urban: pd.Series[bool]
    minutes: tuple[float, ...]


def urban_units(units: pd.DataFrame) -> pd.Series[bool]:
    """Return which units are urban: by ``is_urban``, else communities are and villages are not.

    Parameters
    ----------
    units : pandas.DataFrame
        is_urban, type.

    Returns
    -------
    pandas.Series of boolean
        With their index; NA where nothing tells.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "is_urban": pd.array([True, None, None, None], dtype="boolean"),
    ...     "type": ["village", "village", "community", ""],
    ... })
    >>> urban_units(units).tolist()
    [True, False, True, <NA>]
    """
    kind = units["type"].fillna("").astype(str)
    by_type = pd.Series(pd.NA, index=units.index, dtype="boolean")
    by_type[kind == "community"] = True
    by_type[kind == "village"] = False
    return units["is_urban"].astype("boolean").fillna(by_type)


def town_or_country(units: pd.DataFrame, demand: pd.DataFrame) -> pd.Series[bool]:
    """Return which points lie in an urban unit: the finest one that tells.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, level, is_urban, type.
    demand : pandas.DataFrame
        ``unit_<level>``.

    Returns
    -------
    pandas.Series of boolean
        With the index of ``demand``; NA where no unit tells.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["t", "v"], "level": ["township", "village_level"],
    ...     "is_urban": pd.array([True, None], dtype="boolean"), "type": ["", "village"],
    ... })
    >>> demand = pd.DataFrame({
    ...     "unit_township": ["t", "t", None], "unit_village_level": ["v", None, None],
    ... })
    >>> town_or_country(units, demand).tolist()
    [False, True, <NA>]
    """
    urban = pd.Series(pd.NA, index=demand.index, dtype="boolean")
    told = urban_units(units)
    for level in reversed(LEVELS):
        column = f"unit_{level}"
        mine = (units["level"] == level).to_numpy()
        if column in demand and told[mine].notna().any():
            own = pd.Series(told[mine].array, index=units.loc[mine, "unit_id"].to_numpy())
            found = pd.Series(own.reindex(demand[column].to_numpy()).array, index=demand.index)
            urban = urban.fillna(found.astype("boolean"))
    return urban


def all_equity(
    project: Project, ground: Ground, access: Access, progress: Progress
) -> dict[str, pd.DataFrame]:
    """Return the tables of equity, where a project asks for them.

    Parameters
    ----------
    project : Project
    ground : Ground
    access : mapping of (layer, profile) to pandas.DataFrame
        Rows as in ``ground.demand``.
    progress : Progress

    Returns
    -------
    dict of str to pandas.DataFrame
        ``equity`` and ``lorenz``; empty without ``[equity]``, or without people.

    Notes
    -----
    People with no way to a facility have no number of minutes: they are left out of every mean
    and counted in ``unreached``. A rate of coverage is that of all people, of whom those are not
    covered; what is spread there are the rates of the units.
    """
    settings = project.equity
    if settings is None:
        return {}
    asked = _asked(project, ground)
    rows: list[pd.DataFrame] = []
    curves: list[pd.DataFrame] = []
    layers = settings.layers or list(project.travel_layers)
    with progress.stage("equity", len(layers)) as advance:
        for layer in layers:
            if asked is None:
                break
            profile = str(project.layer_profile(layer))
            table = access[layer, profile]
            given = {"layer": layer, "profile": profile}
            for found, curve in _of_layer(
                project, asked, table, on_roads=ground.network is not None
            ):
                rows.append(found.assign(**given))
                curves.append(curve.assign(**given))
            advance(1)
    return {
        "equity": _joined(rows, EQUITY_COLUMNS),
        "lorenz": _joined(curves, LORENZ_COLUMNS),
    }


def _joined(tables: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(tables, ignore_index=True).reindex(columns=list(columns))


def _asked(project: Project, ground: Ground) -> _Asked | None:
    """Return the people that count; None where there are none."""
    settings, demand = project.equity, ground.demand
    levels = [level for level in LEVELS if level in project.boundaries]
    if settings is None:
        return None
    people = settings.people
    if people is None:
        people = "elderly" if demand["elderly"].notna().any() else "population"
    weight = np.nan_to_num(demand[people].to_numpy(np.float64))
    inside = np.zeros(len(demand), np.bool_)
    for level in levels:
        if f"unit_{level}" in demand:
            inside |= demand[f"unit_{level}"].notna().to_numpy()
    weight = np.where(inside, weight, 0.0)
    if not weight.any():
        return None
    level = settings.level or ("township" if "township" in levels else levels[-1])
    units = pd.DataFrame(ground.units.drop(columns="geometry"))
    own = units[units["level"] == level].reset_index(drop=True)
    unit = np.full(len(demand), -1, np.int64)
    if f"unit_{level}" in demand:
        names = pd.Index(demand[f"unit_{level}"].fillna(""))
        unit = pd.Index(own["unit_id"]).get_indexer(names).astype(np.int64)
    return _Asked(
        people=people,
        weight=weight,
        level=level,
        units=own,
        unit=unit,
        urban=town_or_country(units, demand),
        minutes=tuple(settings.minutes or [max(project.rules.minutes)]),
    )


def _of_layer(
    project: Project, asked: _Asked, table: pd.DataFrame, *, on_roads: bool
) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Return the rows and the curve of each quantity of a layer."""
    settings = project.equity
    wanted = list(settings.measures) if settings is not None else []
    wanted = wanted or (["minutes"] if on_roads else ["straight_metres"])
    found = []
    for quantity in wanted:
        if quantity != "straight_metres" and not on_roads:
            continue
        seconds = quantity == "minutes"
        values = table["seconds" if seconds else quantity].to_numpy(np.float64)
        found.append(_of_ways(asked, values / 60.0 if seconds else values, quantity))
    if on_roads:
        taken = table["seconds"].to_numpy(np.float64)
        for minutes in sorted(asked.minutes):
            inside = reaches(taken, 60.0 * minutes)
            found.append(_of_rates(asked, inside, f"{minutes:g} min"))
    return found


def _of_ways(asked: _Asked, values: Floats, quantity: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return equity of a burden: minutes or metres of each person with a way."""
    weight, unit = asked.weight, asked.unit
    held = np.where(np.isnan(values), 0.0, weight)
    worst = tail_weights(values, weight, share=UPPER, upper=True)
    one = np.zeros(values.size, np.int64)
    between, within = theil_parts(values, weight, unit)
    whole = _rows(spread_by(values, weight, one, groups=1), "area", worst_is_high=True).assign(
        theil_between=between,
        theil_within=within,
        worst_tenth_units=_named(asked, _sums(unit, worst, len(asked.units))),
        level="area",
        unit_id="area",
    )
    units = _unit_rows(asked, spread_by(values, weight, unit, groups=len(asked.units)), True)
    by_unit = _sums(unit, worst, len(asked.units))
    units["in_worst_tenth"] = by_unit
    units["share_in_worst_tenth"] = _ratio(by_unit, _sums(unit, held, len(asked.units)))
    kinds = _kinds(asked)
    sides = _rows(spread_by(values, weight, kinds, groups=3), "area", worst_is_high=True)
    sides["part"] = list(_PARTS)
    sides["in_worst_tenth"] = _sums(kinds, worst, 3)
    sides["share_in_worst_tenth"] = _ratio(_sums(kinds, worst, 3), _sums(kinds, held, 3))
    tables = []
    for table, group, groups in ((whole, one, 1), (sides, kinds, 3), (units, unit, len(units))):
        everybody = _sums(group, weight, groups)
        missing = everybody - _sums(group, held, groups)
        tables.append(
            table.assign(
                persons=everybody,
                unreached=missing,
                unreached_share=_ratio(missing, everybody),
            )
        )
    tables[1] = _with_gap(tables[1])
    people, part = lorenz(values, weight)
    return _finished(tables, asked, quantity), _curve(people, part, asked, quantity)


def _of_rates(asked: _Asked, inside: Bools, quantity: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return equity of a good: the rates of units, each weighted by its people."""
    count = len(asked.units)
    weight = np.where(asked.unit >= 0, asked.weight, 0.0)
    people = _sums(asked.unit, weight, count)
    rate = _ratio(_sums(asked.unit, weight * inside, count), people)
    worst = tail_weights(rate, people, share=UPPER, upper=False)
    whole = _rows(
        spread_by(rate, people, np.zeros(count, np.int64), groups=1), "area", worst_is_high=False
    ).assign(
        mean=_ratio(np.array([asked.weight @ inside]), np.array([asked.weight.sum()])),
        persons=asked.weight.sum(),
        worst_tenth_units=_named(asked, worst),
        level="area",
        unit_id="area",
    )
    kinds = _kinds(asked)
    sides = pd.DataFrame({"part": list(_PARTS), "persons": _sums(kinds, asked.weight, 3)})
    sides["mean"] = _ratio(_sums(kinds, asked.weight * inside, 3), sides["persons"].to_numpy())
    units = asked.units[["unit_id", "name", "level"]].assign(part="unit", persons=people, mean=rate)
    units["in_worst_tenth"] = worst
    units["share_in_worst_tenth"] = _ratio(worst, people)
    curve = _curve(*lorenz(rate, people), asked, quantity)
    return _finished([whole, _with_gap(sides), units], asked, quantity), curve


_PARTS = ("urban", "rural", "unknown")


def _kinds(asked: _Asked) -> Ints:
    """Return 0 for points of urban units, 1 of rural ones, 2 where nothing tells."""
    known = asked.urban.notna().to_numpy()
    urban = asked.urban.fillna(False).to_numpy(np.bool_)
    return np.where(known, np.where(urban, 0, 1), 2).astype(np.int64)


def _rows(spread: Spread, part: str, *, worst_is_high: bool) -> pd.DataFrame:
    """Return a row a group; the best four tenths are known of burdens alone."""
    return pd.DataFrame(
        {
            "part": part,
            "mean": spread.mean,
            "gini": spread.gini,
            "theil": spread.theil,
            "palma": spread.palma,
            "best_four_tenths": spread.lower_four_tenths if worst_is_high else np.nan,
            "worst_tenth": spread.highest_tenth if worst_is_high else spread.lowest_tenth,
        }
    )


def _unit_rows(asked: _Asked, spread: Spread, worst_is_high: bool) -> pd.DataFrame:
    rows = _rows(spread, "unit", worst_is_high=worst_is_high)
    return pd.concat([asked.units[["unit_id", "name", "level"]], rows], axis=1)


def _with_gap(sides: pd.DataFrame) -> pd.DataFrame:
    """Add what rural people have more, or less, than urban ones; nobody's kind needs no row."""
    table = sides.assign(level="area", unit_id="area")
    gap = {"part": "gap", "level": "area", "unit_id": "area"}
    means = dict(zip(table["part"], table["mean"], strict=True))
    gap_row = pd.DataFrame([{**gap, "mean": means["rural"] - means["urban"]}])
    known = table[table["persons"] > 0.0]
    return pd.concat([known, gap_row], ignore_index=True) if len(known) else known


def _finished(tables: list[pd.DataFrame], asked: _Asked, quantity: str) -> pd.DataFrame:
    whole = pd.concat([one for one in tables if len(one)], ignore_index=True)
    whole = whole.assign(people=asked.people, quantity=quantity)
    typed: dict[str, Any] = dict.fromkeys(_NUMBERS, float)
    return whole.reindex(columns=list(EQUITY_COLUMNS)).astype(typed)


def _curve(people: Floats, part: Floats, asked: _Asked, quantity: str) -> pd.DataFrame:
    """Return the Lorenz curve at every hundredth of the people, where it is exact."""
    steps = np.arange(_STEPS + 1) / _STEPS if people.size else np.empty(0)
    return pd.DataFrame(
        {
            "people": asked.people,
            "quantity": quantity,
            "share_of_people": steps,
            "share_of_quantity": np.interp(steps, people, part) if people.size else steps,
        }
    )


def _named(asked: _Asked, worst: Floats) -> str:
    """Return the units where most of the worst-served tenth live, with their share of it."""
    total = float(worst.sum())
    if not total > 0.0:
        return ""
    order = np.argsort(-worst, kind="stable")
    # Less than half a per cent of them would read as 0 %.
    order = order[worst[order] >= _LEAST_SHOWN * total]
    names = [
        f"{asked.units['name'].iloc[at] or asked.units['unit_id'].iloc[at]} {worst[at] / total:.0%}"
        for at in order[:_SHOWN].tolist()
    ]
    return ", ".join(names) + (" …" if order.size > _SHOWN else "")


def _sums(group: Ints, values: Floats, groups: int) -> Floats:
    here = group >= 0
    return np.asarray(np.bincount(group[here], values[here], groups), np.float64)


def _ratio(part: Floats, whole: Floats) -> Floats:
    result = np.full(len(part), np.nan)
    np.divide(part, whole, out=result, where=whole > 0.0)
    return result


def worst_rows(equity: pd.DataFrame) -> Mapping[str, Mapping[str, Any]]:
    """Return for each layer the row of all people on their ways, for a line of summary.

    Examples
    --------
    >>> worst_rows(pd.DataFrame(columns=list(EQUITY_COLUMNS)))
    {}
    """
    ways = equity[(equity["part"] == "area") & ~equity["quantity"].str.endswith(" min")]
    found: dict[str, Mapping[str, Any]] = {}
    for row in ways.to_dict("records"):
        found.setdefault(str(row["layer"]), {str(key): value for key, value in row.items()})
    return found
