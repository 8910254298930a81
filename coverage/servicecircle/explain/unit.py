"""One unit: which facilities count for it and why, who in it is covered, and its own sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from servicecircle.explain.addends import Part
from servicecircle.inputs.runs import read_access
from servicecircle.measure.access import reaches
from servicecircle.measure.coverage import layer_rules
from servicecircle.measure.presence import is_open
from servicecircle.standards.chosen import choose, dated_by
from servicecircle.standards.kinds.reach import profile_of
from servicecircle.standards.plan import Indicator
from servicecircle.standards.recorded import Recorded
from servicecircle.standards.scopes import where_of
from servicecircle.standards.studied import Study

__all__ = ["ExplainedUnit", "LayerPeople", "covered_again", "facilities_of", "people_of_unit"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayerPeople:
    """People of a unit and their way to the nearest facility of a layer.

    Parameters
    ----------
    layer, profile : str
    rows : pandas.DataFrame
        demand_id, weight (the people that the rule counts), population, elderly, metres, minutes,
        straight_metres, facility_id, status, covered (bool).
    covered, total : float
        Weights added up; covered is NaN where the rule asks for roads and there are none.
    mean_minutes : float
        Weighted; infinite where somebody has no way, NaN without roads.
    """

    layer: str
    profile: str
    rows: pd.DataFrame
    covered: float
    total: float
    mean_minutes: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ExplainedUnit:
    """What stands behind the value of one unit.

    Parameters
    ----------
    unit : pandas.Series
        unit_id, code, name, level, parent_id.
    row : pandas.Series, optional
        Of ``unit_results.csv``; None where the indicator has no value for the unit.
    parts : tuple of Part
        Of a ratio: what makes up the unit's own numerator and denominator.
    facilities : pandas.DataFrame
        layer, facility_id, name, by (serves, declared, geometry), state (counts, may_count,
        not_open, left_out), file, sheet, row.
    people : tuple of LayerPeople
        For rules of distance and of time.
    coverage : pandas.DataFrame
        Rows of ``units.csv`` of the unit and the indicator's layers.
    again : pandas.DataFrame
        layer, rule, what, recorded, computed: those rows, added up from ``access.parquet``.
    """

    unit: pd.Series[Any]
    row: pd.Series[Any] | None
    parts: tuple[Part, ...]
    facilities: pd.DataFrame
    people: tuple[LayerPeople, ...]
    coverage: pd.DataFrame
    again: pd.DataFrame


def facilities_of(
    study: Study, indicator: Indicator, unit: pd.Series[Any], year: int | None
) -> pd.DataFrame:
    """Return the facilities that belong to a unit, and whether they count.

    Parameters
    ----------
    study : Study
    indicator : Indicator
    unit : pandas.Series
        unit_id, level.
    year : int, optional
        Of the target: additions are counted to its end.

    Returns
    -------
    pandas.DataFrame
        layer, facility_id, name, by, state, file, sheet, row; those that count first.
    """
    where = where_of(study, indicator.scope)
    tables = []
    for layer in indicator.layers:
        if layer not in study.evidence.layers:
            continue
        pairs = study.pairs(layer, str(unit["level"]))
        pairs = pairs[pairs["unit_id"] == unit["unit_id"]].set_index("facility_id")
        rows = study.rows(layer)
        rows = rows[rows.index.isin(pairs.index)]
        found = choose(
            study,
            layer,
            where,
            conditions=(indicator.filter,),
            dated=dated_by(indicator, study, year),
        )
        certain, possible = found.certain, found.possible
        day = study.period_end(year) if indicator.kind == "phasing" else study.evidence.as_of
        there = is_open(rows, day).to_numpy(bool)
        if indicator.kind == "phasing":
            # A milestone counts what had opened by its own day.
            passing = study.select(rows, indicator.filter, layer)
            then = frozenset(rows.index.astype(str)[there])
            certain, possible = passing.certain & then, passing.possible & then
        ids = rows.index.astype(str)
        state = np.select(
            [ids.isin(list(certain)), ids.isin(list(possible)), ~there],
            ["counts", "may_count", "not_open"],
            "left_out",
        )
        tables.append(
            pd.DataFrame(
                {
                    "layer": layer,
                    "facility_id": ids,
                    "name": rows["name"].to_numpy(object),
                    "by": pairs["by"].reindex(ids).to_numpy(object),
                    "state": state,
                    "file": rows["source_file"].to_numpy(object),
                    "sheet": rows["source_sheet"].to_numpy(object),
                    "row": rows["source_row"].to_numpy(float),
                }
            )
        )
    columns = ["layer", "facility_id", "name", "by", "state", "file", "sheet", "row"]
    if not tables:
        return pd.DataFrame(columns=columns)
    joined = pd.concat(tables, ignore_index=True)
    rank = joined["state"].map({"counts": 0, "may_count": 1, "left_out": 2, "not_open": 3})
    return joined.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)


def people_of_unit(
    recorded: Recorded, study: Study, indicator: Indicator, unit: pd.Series[Any]
) -> tuple[LayerPeople, ...]:
    """Return the people of a unit that a rule of travel counts, with their ways.

    Parameters
    ----------
    recorded : Recorded
    study : Study
    indicator : Indicator
        Of kind ``distance`` or ``travel_time``.
    unit : pandas.Series
        unit_id, level.
    """
    by_community = indicator.denominator == "units"
    column = f"unit_{unit['level']}"
    meaning = study.pins.get(indicator.id, indicator.distance or "unstated")
    limit = indicator.threshold or 0.0
    found = []
    for layer in (indicator.basket or (indicator.layer,)) if by_community else (indicator.layer,):
        profile = profile_of(indicator, study, layer)
        access = read_access(recorded.run, layer=layer, profile=profile)
        if column not in access:
            continue
        rows = access[access[column] == unit["unit_id"]]
        scope = study.registry.scopes[indicator.scope]
        if scope.polygon and not by_community and f"in_{scope.name}" in rows:
            rows = rows[rows[f"in_{scope.name}"].to_numpy(bool)]
        if by_community:
            rows = rows[rows["population"] > 0]
        weight = rows["population" if by_community else "elderly"].fillna(0.0)
        if indicator.kind == "travel_time":
            covered = reaches(rows["seconds"].to_numpy(float), 60.0 * limit)
        else:
            measured = "straight_metres" if meaning == "straight" else "metres"
            covered = reaches(rows[measured].to_numpy(float), limit)
        minutes = rows["seconds"] / 60.0
        total = math.fsum(weight)
        straight = indicator.kind == "distance" and meaning == "straight"
        known = straight or recorded.network is not None
        longest = minutes.fillna(math.inf)
        table = pd.DataFrame(
            {
                "demand_id": rows["demand_id"],
                "weight": weight,
                "population": rows["population"],
                "elderly": rows["elderly"],
                "metres": rows["metres"],
                "minutes": minutes,
                "straight_metres": rows["straight_metres"],
                "facility_id": rows["facility_id"],
                "status": rows["status"],
                "covered": covered,
            }
        )
        order = table["weight"].sort_values(ascending=False, kind="stable").index
        found.append(
            LayerPeople(
                layer=layer,
                profile=profile,
                rows=table.loc[order].reset_index(drop=True),
                covered=math.fsum(weight[covered]) if known else math.nan,
                total=total,
                mean_minutes=math.fsum(longest * weight) / total
                if total > 0 and recorded.network is not None
                else math.nan,
            )
        )
    return tuple(found)


def covered_again(recorded: Recorded, indicator: Indicator, coverage: pd.DataFrame) -> pd.DataFrame:
    """Add the people of rows of ``units.csv`` up again, from ``access.parquet``.

    Parameters
    ----------
    recorded : Recorded
    indicator : Indicator
    coverage : pandas.DataFrame
        Rows of one unit.

    Returns
    -------
    pandas.DataFrame
        layer, rule, what (population, elderly, covered_population, covered_elderly), recorded,
        computed. People who are not known at all stay NaN.
    """
    project = recorded.project
    rules = {
        rule.name: rule
        for rule in layer_rules(
            tuple(project.rules.minutes), tuple(project.rules.metres), on_network=True
        )
    }
    rows: list[tuple[object, ...]] = []
    for layer in indicator.layers:
        mine = coverage[(coverage["layer"] == layer) & coverage["rule"].isin(list(rules))]
        if not len(mine) or layer not in project.facilities:
            continue
        access = read_access(recorded.run, layer=layer, profile=str(project.layer_profile(layer)))
        column = f"unit_{mine['level'].iloc[0]}"
        if column not in access:
            continue
        inside = (access[column] == mine["unit_id"].iloc[0]).to_numpy(bool)
        for line in mine.to_dict("records"):
            rule = rules[line["rule"]]
            covered = reaches(access[rule.column].to_numpy(float)[inside], rule.limit)
            for name in ("population", "elderly"):
                people = access[name].to_numpy(float)
                known = bool(np.isfinite(people).any())
                here = people[inside]
                # One who is not known leaves both sums unknown.
                inside_rule = np.where(covered, here, 0.0 * here)
                for what, values in ((name, here), (f"covered_{name}", inside_rule)):
                    sum_ = math.fsum(values) if known else math.nan
                    rows.append((layer, line["rule"], what, float(line[what]), sum_))
    return pd.DataFrame(rows, columns=["layer", "rule", "what", "recorded", "computed"])
