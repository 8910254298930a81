"""Two runs compared: what differs in their settings, and what changed in their results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from servicecircle.compare.people import (
    PEOPLE_COLUMNS,
    Limit,
    changed_people,
    people_changes,
    reach_summary,
)
from servicecircle.compare.places import facility_changes
from servicecircle.compare.tables import matched, settings_changes
from servicecircle.errors import InputError
from servicecircle.inputs.runs import Run, read_access, read_units
from servicecircle.problems import Problem

__all__ = ["Comparison", "compare_runs"]

_INDICATOR_KEYS = ("plan", "indicator_id", "alternative", "target_year")
_INDICATOR_SHOWN = ("name_zh", "name_en", "layer", "kind", "unit_level", "unit", "headline")
_INDICATOR_NUMBERS = (
    "value",
    "numerator",
    "denominator",
    "target",
    "low",
    "high",
    "straight_value",
    "shortfall",
)
_UNIT_NUMBERS = (
    "facilities",
    "population",
    "elderly",
    "covered_population",
    "covered_elderly",
    "population_coverage",
    "elderly_coverage",
    "mean_minutes_of_reached",
    "p90_minutes",
)
_RESULT_NUMBERS = ("value", "numerator", "denominator", "target", "low", "high", "shortfall")
_ACCESS = (
    "demand_id",
    "metres",
    "straight_metres",
    "seconds",
    "facility_id",
    "population",
    "elderly",
    "lon",
    "lat",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison:
    """What changed from one run to another, a to b.

    Parameters
    ----------
    a, b : Run
    problems : tuple of Problem
        Why the two may not be comparable in everything.
    settings : pandas.DataFrame
        key, a, b: choices of the project files that differ.
    inputs : pandas.DataFrame
        file, status (changed, only_a, only_b): input files that differ.
    indicators : pandas.DataFrame
        One row for each row of either scorecard: key, ``status``, ``changed``, numbers and
        verdicts of both, ``turned`` (another verdict).
    units : pandas.DataFrame
        Likewise of ``units.csv``: units × layer × rule.
    unit_results : pandas.DataFrame
        Likewise of ``unit_results.csv``: units × indicator.
    facilities : pandas.DataFrame
        See :func:`servicecircle.compare.places.facility_changes`.
    people : pandas.DataFrame
        Points and layers with a change, see :func:`servicecircle.compare.people.people_changes`.
    reach : pandas.DataFrame
        A row for each layer that both measured: see
        :func:`servicecircle.compare.people.reach_summary`.
    shapes : geopandas.GeoDataFrame
        unit_id, code, name, level, geometry of the units of either run, those of b before.
    """

    a: Run
    b: Run
    problems: tuple[Problem, ...]
    settings: pd.DataFrame
    inputs: pd.DataFrame
    indicators: pd.DataFrame
    units: pd.DataFrame
    unit_results: pd.DataFrame
    facilities: pd.DataFrame
    people: pd.DataFrame
    reach: pd.DataFrame
    shapes: pd.DataFrame


def compare_runs(a: Run, b: Run, *, shapes: bool = False) -> Comparison:
    """Compare two runs of one area.

    Parameters
    ----------
    a, b : Run
        From :func:`servicecircle.inputs.runs.read_run`.
    shapes : bool
        Whether to read the shapes of the units too.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If the two have no unit in common, so that they are of different areas.
    """
    units_a, units_b = read_units(a, shapes=shapes), read_units(b, shapes=shapes)
    if len(units_a) and len(units_b) and not units_a["unit_id"].isin(units_b["unit_id"]).any():
        raise InputError(
            Problem(
                code="compare.other_area",
                severity="fatal",
                action="stopped",
                value=str(b.folder),
                details={"a": a.name, "b": b.name},
            )
        )
    indicators = matched(
        a.scorecard,
        b.scorecard,
        keys=_INDICATOR_KEYS,
        shown=_INDICATOR_SHOWN,
        numbers=_INDICATOR_NUMBERS,
        texts=("verdict", "missing_inputs"),
    )
    names = _names(units_a, units_b)
    results = matched(
        a.unit_results,
        b.unit_results,
        keys=("plan", "indicator_id", "alternative", "unit_id"),
        numbers=_RESULT_NUMBERS,
        texts=("verdict",),
    )
    people, reach = _people(a, b)
    kept = ["unit_id", "code", "name", "level", *(["geometry"] if shapes else [])]
    only_a = units_a[~units_a["unit_id"].isin(units_b["unit_id"])]
    return Comparison(
        a=a,
        b=b,
        problems=tuple(_doubts(a, b, units_a, units_b)),
        settings=settings_changes(a.record["project"], b.record["project"]),
        inputs=_inputs(a, b),
        indicators=indicators.assign(
            turned=(indicators["status"] == "both")
            & (indicators["verdict_a"] != indicators["verdict_b"])
        ),
        units=matched(
            a.unit_coverage,
            b.unit_coverage,
            keys=("unit_id", "layer", "rule"),
            shown=("code", "name", "level"),
            numbers=_UNIT_NUMBERS,
            texts=("profile",),
        ),
        unit_results=results.join(names, on="unit_id"),
        facilities=facility_changes(a.facilities, b.facilities),
        people=people,
        reach=reach,
        shapes=pd.concat([units_b, only_a], ignore_index=True)[kept],
    )


def _names(units_a: pd.DataFrame, units_b: pd.DataFrame) -> pd.DataFrame:
    units = pd.concat([units_b, units_a], ignore_index=True).drop_duplicates("unit_id")
    return units.set_index("unit_id")[["code", "name", "level"]]


def _inputs(a: Run, b: Run) -> pd.DataFrame:
    """Return the input files whose bytes differ, or that one run alone read."""
    one, other = a.record.get("inputs") or {}, b.record.get("inputs") or {}
    rows = [
        (name, "only_b" if name not in one else "only_a" if name not in other else "changed")
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    return pd.DataFrame(rows, columns=["file", "status"], dtype=str)


def _doubt(code: str, **details: object) -> Problem:
    value = str(details.get("b", ""))
    return Problem(
        code=f"compare.{code}",
        severity="warning",
        action="flagged",
        value=value,
        details={"a": "", "b": "", **details},
    )


def _doubts(a: Run, b: Run, units_a: pd.DataFrame, units_b: pd.DataFrame) -> Iterator[Problem]:
    """Yield what the two do not have in common, and what it means for the comparison."""
    if a.name != b.name:
        yield _doubt("other_project", a=a.name, b=b.name)
    versions = [str(run.record["environment"]["servicecircle"]) for run in (a, b)]
    if versions[0] != versions[1]:
        yield _doubt("other_version", a=versions[0], b=versions[1])
    if a.record["crs"] != b.record["crs"]:
        yield _doubt("other_crs", a=a.record["crs"], b=b.record["crs"])
    yield from _plan_doubts(a, b)
    yield from _people_doubts(a, b)
    lost = int((~units_a["unit_id"].isin(units_b["unit_id"])).sum())
    come = int((~units_b["unit_id"].isin(units_a["unit_id"])).sum())
    if lost or come:
        yield _doubt("other_units", a=lost, b=come)


def _plan_doubts(a: Run, b: Run) -> Iterator[Problem]:
    one, other = ({p["id"]: p["sha256"] for p in run.record.get("plans", ())} for run in (a, b))
    for name in sorted({*one, *other}):
        if name in one and name in other:
            if one[name] != other[name]:
                yield _doubt("other_plan", b=name)
        else:
            yield _doubt("plan_in_one", a="A" if name in one else "B", b=name)


def _people_doubts(a: Run, b: Run) -> Iterator[Problem]:
    one, other = a.record["population"], b.record["population"]
    for key in ("basis", "age_from"):
        if one.get(key) != other.get(key):
            yield _doubt("other_people_basis", a=_shown(one.get(key)), b=_shown(other.get(key)))
            break
    totals = [_total(people) for people in (one, other)]
    if totals[0] != totals[1]:
        yield _doubt("other_people", a=totals[0], b=totals[1])


def _total(people: Any) -> str:
    total = people.get("people_used")
    total = people.get("elderly_used") if total is None else total
    return "–" if total is None else f"{float(total):,.0f}"


def _shown(value: object) -> str:
    return "–" if value is None else str(value)


def _own_profile(run: Run, layer: str) -> str:
    settings = run.record["project"]["facilities"][layer]
    return str(settings.get("profile") or run.record["project"]["project"].get("profile", "walk"))


def _limit(a: Run, b: Run) -> Limit | None:
    """Return the longest time that both runs measured, without roads the longest straight line."""
    rules = [run.record["project"]["rules"] for run in (a, b)]
    on_roads = all(run.record.get("network") for run in (a, b))
    key = "minutes" if on_roads else "metres"
    common = sorted(set(map(float, rules[0][key])) & set(map(float, rules[1][key])))
    if not common:
        return None
    value = common[-1]
    if on_roads:
        return Limit(rule=f"{value:g} min", column="seconds", value=60.0 * value)
    return Limit(rule=f"{value:g} m straight", column="straight_metres", value=value)


def _people(a: Run, b: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the points with a change, and the sums of each layer that both measured."""
    limit = _limit(a, b)
    supplied = a.record["project"]["facilities"]
    both = [name for name in b.record["project"]["facilities"] if name in supplied]
    tables, sums = [], []
    for layer in both if limit is not None else ():
        access = [
            read_access(run, layer=layer, profile=_own_profile(run, layer), columns=_ACCESS)
            for run in (a, b)
        ]
        if any(table.empty for table in access) or limit is None:
            continue
        people = people_changes(access[0], access[1], layer=layer, limit=limit)
        sums.append(reach_summary(people, layer=layer, limit=limit))
        tables.append(people[changed_people(people)])
    joined = (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=list(PEOPLE_COLUMNS))
    )
    return joined, pd.DataFrame(sums)
