"""League tables: the units of a level, ranked by every indicator and rate, and in all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.plan import Indicator, Plan
from servicecircle.standards.things import missing_thing

__all__ = ["LEAGUE_COLUMNS", "LEAGUE_UNIT_COLUMNS", "league_of_units", "league_table"]

LEAGUE_COLUMNS = (
    "plan",
    "indicator_id",
    "layer",
    "rule",
    "level",
    "unit_id",
    "code",
    "name",
    "value_of",
    "value",
    "rank",
    "units_ranked",
    "fifth",
    "median",
    "gap_to_median",
    "target",
    "gap_to_target",
    "verdict",
)

LEAGUE_UNIT_COLUMNS = (
    "level",
    "unit_id",
    "code",
    "name",
    "rank",
    "units_ranked",
    "share_met",
    "met",
    "not_met",
    "undecided",
    "inner_met",
    "inner_not_met",
    "inner_undecided",
    "mean_rank",
    "rankings",
)

_GROUP = ["plan", "indicator_id", "layer", "rule", "level"]
_VERDICTS = ("met", "not_met", "undecided")
_DIGITS = 9
_FIFTHS = 5
_MOST_LEVELS = 10


def league_table(
    plans: Iterable[Plan],
    unit_results: pd.DataFrame,
    unit_coverage: pd.DataFrame,
    units: pd.DataFrame,
) -> pd.DataFrame:
    """Rank the units of each level by what the plans say first, and by layer and rule.

    Parameters
    ----------
    plans : iterable of Plan
        Those of ``unit_results``.
    unit_results : pandas.DataFrame
        Alternatives are left out.
    unit_coverage : pandas.DataFrame
        The table of ``units.csv``: ranked by the share of older persons covered, of people where
        no unit of the rows has older persons, and by facilities for presence.
    units : pandas.DataFrame
        Columns unit_id, code, name, level.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`LEAGUE_COLUMNS`: the rates, then plan after plan; in each ranking the best
        first, equals (to nine digits) sharing the rank that the first of them has (1, 2, 2, 4),
        units without a value last and without a rank. Gaps are positive on the better side.
        Levels with a single unit have no ranking.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["a", "b", "c", "d"], "code": "", "name": ["a", "b", "c", "d"],
    ...     "level": "township",
    ... })
    >>> rates = units.assign(
    ...     layer="canteen", rule="15 min", facilities=[1, 2, 0, 0],
    ...     elderly_coverage=[0.5, 0.9, 0.5, np.nan], population_coverage=np.nan,
    ... )
    >>> nothing = pd.DataFrame(columns=["plan", "indicator_id", "alternative", "unit_id"])
    >>> table = league_table([], nothing, rates, units)
    >>> table[["unit_id", "rank", "units_ranked", "fifth"]].astype(object).values.tolist()
    [['b', 1, 3, 1], ['a', 2, 3, 2], ['c', 2, 3, 2], ['d', <NA>, 3, <NA>]]
    >>> len(league_table([], nothing, rates.iloc[:1], units))
    0
    """
    known = units.set_index("unit_id")[["level", "code", "name"]]
    parts = [_rates(unit_coverage), _indicators(plans, unit_results)]
    filled = [part for part in parts if len(part)]
    if not filled:
        return _typed(pd.DataFrame(columns=list(LEAGUE_COLUMNS)))
    table = pd.concat(filled, ignore_index=True)
    table = table[table["unit_id"].isin(known.index)]
    for column in known.columns:
        table[column] = known[column].reindex(table["unit_id"]).to_numpy()
    sizes = table.groupby(_GROUP, sort=False)["unit_id"].transform("size")
    table = table[sizes > 1]
    table["order"] = np.arange(len(table))
    table["key"] = -table["sign"] * _rounded(table["value"].to_numpy(float))
    groups = table.groupby(_GROUP, sort=False)
    table["first"] = groups["order"].transform("min")
    table["rank"] = groups["key"].rank(method="min")
    table["units_ranked"] = groups["key"].transform("count")
    # Rates that no unit has, as where there are no people, rank nothing.
    table = table[(table["units_ranked"] > 0) | (table["plan"] != "")]
    groups = table.groupby(_GROUP, sort=False)
    table["fifth"] = np.floor(_FIFTHS * (table["rank"] - 1) / table["units_ranked"]) + 1
    table["median"] = groups["value"].transform("median")
    for name in ("median", "target"):
        table[f"gap_to_{name}"] = table["sign"] * (table["value"] - table[name])
    table = table.sort_values(["first", "rank", "order"], kind="stable", na_position="last")
    return _typed(table.reindex(columns=list(LEAGUE_COLUMNS)).reset_index(drop=True))


def league_of_units(
    league: pd.DataFrame,
    unit_results: pd.DataFrame,
    units: pd.DataFrame,
    *,
    main_rule: str,
    plans: Iterable[Plan],
) -> pd.DataFrame:
    """Rank the units of each level by the share of judged rules that they meet.

    Rules judged on units inside a unit count for it as well. A rule that several plans have counts
    for each of them; what is not judged (no data, not due, reference) does not count.

    Parameters
    ----------
    league : pandas.DataFrame
        From :func:`league_table`.
    unit_results : pandas.DataFrame
    units : pandas.DataFrame
        Columns unit_id, code, name, level, parent_id.
    main_rule : str
        The rule of ``units.csv`` whose rates count for the mean rank, one a layer.
    plans : iterable of Plan

    Returns
    -------
    pandas.DataFrame
        Columns :data:`LEAGUE_UNIT_COLUMNS`, best first in each level; units for which nothing was
        judged last, without a rank. The mean rank is over indicators other than counts and over
        the main rule's rates.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["t1", "t2", "v1", "v2"], "code": "", "name": "", "parent_id": [
    ...     "", "", "t1", "t2"], "level": ["township"] * 2 + ["village_level"] * 2,
    ... })
    >>> results = pd.DataFrame({
    ...     "plan": "p", "indicator_id": "a", "alternative": "", "unit_id": ["v1", "v2", "t1"],
    ...     "verdict": ["not_met", "met", "met"],
    ... })
    >>> empty = pd.DataFrame(columns=list(LEAGUE_COLUMNS))
    >>> table = league_of_units(empty, results, units, main_rule="15 min", plans=[])
    >>> table[["unit_id", "rank", "met", "inner_not_met"]].astype(object).values.tolist()
    [['t2', 1, 0, 0], ['t1', 2, 1, 1], ['v2', 1, 1, 0], ['v1', 2, 0, 0]]
    """
    known = units.set_index("unit_id")
    table = known[["level", "code", "name"]].copy()
    judged = unit_results[unit_results["alternative"] == ""]
    own = pd.crosstab(judged["unit_id"], judged["verdict"]) if len(judged) else pd.DataFrame()
    own = own.reindex(index=known.index, columns=list(_VERDICTS), fill_value=0)
    inner = _inner(own, known["parent_id"])
    for name in _VERDICTS:
        table[name], table[f"inner_{name}"] = own[name], inner[name]
    both = own + inner
    total = both.sum(axis=1)
    table["share_met"] = both["met"] / total.where(total > 0)
    counts = {one.id for plan in plans for one in plan.indicators if one.kind == "count"}
    of_plan = (league["plan"] != "") & ~league["indicator_id"].isin(counts)
    ranked = league[(of_plan | (league["rule"] == main_rule)) & league["rank"].notna()]
    ranks = ranked.groupby("unit_id")["rank"]
    table["mean_rank"] = ranks.mean().astype(float).reindex(table.index)
    table["rankings"] = ranks.size().reindex(table.index).fillna(0)
    table = table[table.groupby("level", sort=False)["level"].transform("size") > 1]
    groups = table.groupby("level", sort=False)
    table["rank"] = (-table["share_met"].round(_DIGITS)).groupby(table["level"]).rank(method="min")
    table["units_ranked"] = groups["share_met"].transform("count")
    table["first"] = groups.ngroup()
    table["order"] = np.arange(len(table))
    table = table.reset_index().sort_values(["first", "rank", "order"], na_position="last")
    table = table.reindex(columns=list(LEAGUE_UNIT_COLUMNS)).reset_index(drop=True)
    whole = [
        name
        for name in LEAGUE_UNIT_COLUMNS
        if name.endswith(_VERDICTS) or name in {"rank", "units_ranked", "rankings"}
    ]
    return table.astype(dict.fromkeys(whole, "Int64") | {"share_met": float, "mean_rank": float})


def _inner(own: pd.DataFrame, parents: pd.Series[str]) -> pd.DataFrame:
    """Return the sums over all units inside each unit, however deep."""
    inner = own * 0
    above = parents.fillna("").astype(str)
    # Parents that run in a circle would have no end.
    for _ in range(_MOST_LEVELS):
        inside = above[above.isin(own.index)]
        if inside.empty:
            break
        sums = own.loc[inside.index].groupby(inside.to_numpy()).sum()
        inner = inner.add(sums.reindex(own.index, fill_value=0))
        above = above.map(parents).fillna("").astype(str)
    return inner


def _indicators(plans: Iterable[Plan], unit_results: pd.DataFrame) -> pd.DataFrame:
    """Return the units' values of what each plan says first, with the side that is better."""
    if unit_results.empty:
        return pd.DataFrame()
    words = {(plan.id, one.id): one for plan in plans for one in plan.indicators}
    rows = unit_results[unit_results["alternative"] == ""].copy()
    keys = list(zip(rows["plan"], rows["indicator_id"], strict=True))
    found = [words.get(key) for key in keys]
    rows["layer"] = ["" if one is None else one.layer for one in found]
    rows["sign"] = [1.0 if one is None else _sign(one) for one in found]
    rows["value_of"] = ["" if one is None else _value_of(one) for one in found]
    return rows.assign(rule="")


def _sign(indicator: Indicator) -> float:
    """Return 1 where more is better for a unit, −1 where less is."""
    minutes = missing_thing(indicator, per_unit=True) == "minutes"
    return -1.0 if minutes or indicator.operator == "at_most" else 1.0


def _value_of(indicator: Indicator) -> str:
    thing = missing_thing(indicator, per_unit=True)
    return thing if thing in {"facilities", "minutes"} else indicator.unit


def _rates(unit_coverage: pd.DataFrame) -> pd.DataFrame:
    """Return the units' rates by layer and rule."""
    if unit_coverage.empty:
        return pd.DataFrame()
    rows = unit_coverage
    presence = (rows["rule"] == "presence").to_numpy(bool)
    who = "elderly" if rows["elderly_coverage"].notna().any() else "population"
    rate = rows[f"{who}_coverage"].to_numpy(float, na_value=np.nan)
    count = rows["facilities"].to_numpy(float, na_value=np.nan)
    return pd.DataFrame(
        {
            "plan": "",
            "indicator_id": "",
            "layer": rows["layer"].to_numpy(),
            "rule": rows["rule"].to_numpy(),
            "unit_id": rows["unit_id"].to_numpy(),
            "value_of": np.where(presence, "facilities", f"{who}_coverage"),
            "value": np.where(presence, count, rate),
            "target": np.nan,
            "verdict": "",
            "sign": 1.0,
        }
    )


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values to nine digits, so that equal shares tie whatever their last bits."""
    usual = np.isfinite(values) & (values != 0.0)
    size = np.floor(np.log10(np.abs(np.where(usual, values, 1.0))))
    scale = 10.0 ** (_DIGITS - 1 - size)
    return np.where(usual, np.round(np.where(usual, values, 0.0) * scale) / scale, values)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    whole: dict[str, Any] = dict.fromkeys(("rank", "units_ranked", "fifth"), "Int64")
    floats = ("value", "median", "gap_to_median", "target", "gap_to_target")
    return table.astype(whole | dict.fromkeys(floats, float))
