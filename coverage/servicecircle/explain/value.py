"""A value of the scorecard explained: its rule, its addends, its verdict, and the sums again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from servicecircle.explain.addends import PARTS, Part, parts_of, same
from servicecircle.explain.pick import pick_row, pick_unit
from servicecircle.explain.unit import (
    ExplainedUnit,
    LayerPeople,
    covered_again,
    facilities_of,
    people_of_unit,
)
from servicecircle.explain.unit_parts import parts_of_unit
from servicecircle.inputs.runs import Run
from servicecircle.standards.evaluate import Evaluation
from servicecircle.standards.plan import Indicator, Plan, variants
from servicecircle.standards.recorded import (
    Recorded,
    measure_again,
    read_recorded,
    recorded_study,
)
from servicecircle.standards.registry import LayerWords

__all__ = ["Check", "Explained", "explain_value"]

_RATIOS = frozenset({"share", "capacity_ratio", "area_ratio"})
_AGAIN = ("value", "straight_value", "numerator", "denominator", "low", "high", "shortfall")
_UNIT_AGAIN = ("value", "numerator", "denominator", "low", "high", "shortfall")
_TRAVELS = frozenset({"distance", "travel_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number computed again.

    Parameters
    ----------
    what : str
        Which: ``numerator``, ``value`` … of the scorecard, ``unit_value`` … of a unit's row,
        ``coverage`` of ``units.csv``.
    how : {"trace", "quotient", "tables", "people", "facilities", "access"}
        From what: the addends of ``trace.csv``; numerator ÷ denominator; all tables of the folder,
        by the rule itself; the people listed; the facilities listed; ``access.parquet``.
    recorded, computed : float or str
        As a table of the folder has it, and as it came out.
    where : str
        Layer and rule, where that tells more.
    """

    what: str
    how: str
    recorded: float | str
    computed: float | str
    where: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the two are the same, but for the ten digits that tables hold."""
        if isinstance(self.recorded, float) and isinstance(self.computed, float):
            return same(self.recorded, self.computed)
        return self.recorded == self.computed


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explained:
    """A value of the scorecard, and all that stands behind it.

    Parameters
    ----------
    run : Run
    row : pandas.Series
        Of the scorecard.
    plan : Plan
    indicator : Indicator
        With what the alternative says.
    scale : float
        value = numerator ÷ denominator × scale.
    parts : tuple of Part
        Numerator and denominator.
    widths : pandas.DataFrame
        Rows of ``widths.csv``: what each cause does to low and high; empty where none differs.
    checks : tuple of Check
    unit : ExplainedUnit, optional
    extra_layers : mapping of str to LayerWords
        Layers that the project adds to the registry.
    """

    run: Run
    row: pd.Series[Any]
    plan: Plan
    indicator: Indicator
    scale: float
    parts: tuple[Part, ...]
    widths: pd.DataFrame
    checks: tuple[Check, ...]
    unit: ExplainedUnit | None
    extra_layers: Mapping[str, LayerWords]

    @property
    def differences(self) -> tuple[Check, ...]:
        """What did not come out as the tables have it."""
        return tuple(check for check in self.checks if not check.agrees)


def explain_value(
    run: Run,
    indicator: str,
    unit: str | None = None,
    *,
    plan: str | None = None,
    alternative: str | None = None,
    year: int | None = None,
) -> Explained:
    """Explain a value of the scorecard, and compute all that is told again.

    Parameters
    ----------
    run : Run
    indicator : str
        Id or name.
    unit : str, optional
        Id, code or name of a unit to explain the value of too.
    plan, alternative, year
        See :func:`servicecircle.explain.pick.pick_row`.

    Raises
    ------
    InputError
        If indicator or unit are not found, or are several.
    """
    row = pick_row(run, indicator, plan=plan, alternative=alternative, year=year)
    recorded = read_recorded(run)
    whole = recorded.plan(str(row["plan"]))
    first = next(one for one in whole.indicators if one.id == row["indicator_id"])
    meant = next(one for one in variants(first) if one.alternative == row["alternative"])
    names = dict(zip(recorded.units["unit_id"], recorded.units["name"], strict=True))
    parts = parts_of(run, row, names)
    again = measure_again(recorded, whole.id, meant.id)
    scale = _scale(meant, row)
    checks = [*_row_checks(row, parts, scale), *_again_checks(row, again)]
    explained = None
    if unit is not None:
        explained, more = _unit(recorded, whole, meant, row, parts, again, unit)
        checks += more
    return Explained(
        run=run,
        row=row,
        plan=whole,
        indicator=meant,
        scale=scale,
        parts=parts,
        widths=_widths(run, row),
        checks=tuple(checks),
        unit=explained,
        extra_layers=recorded.extra_layers,
    )


def _scale(indicator: Indicator, row: pd.Series[Any]) -> float:
    """Return what a quotient is multiplied by: 100 for a share of units or people, else ``per``."""
    top, bottom, value = (float(row[name]) for name in ("numerator", "denominator", "value"))
    own = indicator.per if indicator.kind in _RATIOS else 100.0
    if own != 100.0 and bottom > 0 and not same(own * top / bottom, value):  # noqa: PLR2004 - per cent
        # Units that reach a norm are a share, whatever the norm itself is per.
        return 100.0 if same(100.0 * top / bottom, value) else own
    return own


def _quotient(top: float, bottom: float, scale: float) -> float:
    """Return numerator ÷ denominator × scale; a count has no denominator."""
    if math.isnan(bottom):
        return top
    return scale * (top / bottom) if bottom > 0 else math.nan


def _row_checks(row: pd.Series[Any], parts: tuple[Part, ...], scale: float) -> Iterator[Check]:
    """Yield the sums of the addends, and the quotient of the two."""
    sums = {}
    for part in parts:
        if math.isnan(part.recorded):
            sums[part.name] = math.nan
            continue
        sums[part.name] = part.total
        yield Check(what=part.name, how="trace", recorded=part.recorded, computed=part.total)
    value = float(row["value"])
    if not math.isnan(value) and not math.isnan(sums["numerator"]):
        computed = _quotient(sums["numerator"], sums["denominator"], scale)
        yield Check(what="value", how="quotient", recorded=value, computed=computed)


def _again_checks(row: pd.Series[Any], again: Evaluation) -> Iterator[Check]:
    """Yield what the rule gives on the tables of the folder, and the verdict."""
    card = again.scorecard
    rows = card[(card["alternative"] == row["alternative"]) & _year(card, row["target_year"])]
    if len(rows) != 1:
        yield Check(what="row", how="tables", recorded=1.0, computed=float(len(rows)))
        return
    other = rows.iloc[0]
    for name in _AGAIN:
        one, two = float(row[name]), _float(other[name])
        if not (math.isnan(one) and math.isnan(two)):
            yield Check(what=name, how="tables", recorded=one, computed=two)
    for name in ("verdict", "width_causes"):
        if row[name] or other[name]:
            yield Check(
                what=name, how="tables", recorded=str(row[name]), computed=str(other[name] or "")
            )


def _year(table: pd.DataFrame, year: float) -> pd.Series[bool]:
    years = table["target_year"].astype("Float64")
    return years.isna() if pd.isna(year) else (years == year).fillna(False).astype(bool)


def _float(value: Any) -> float:
    return math.nan if pd.isna(value) else float(value)


def _widths(run: Run, row: pd.Series[Any]) -> pd.DataFrame:
    table = run.tables.get("widths", pd.DataFrame(columns=["plan", "indicator_id", "alternative"]))
    mine = (
        (table["plan"] == row["plan"])
        & (table["indicator_id"] == row["indicator_id"])
        & (table["alternative"] == row["alternative"])
    )
    found: pd.DataFrame = table.loc[mine]
    return found


def _unit(
    recorded: Recorded,
    plan: Plan,
    indicator: Indicator,
    row: pd.Series[Any],
    parts: tuple[Part, ...],
    again: Evaluation,
    given: str,
) -> tuple[ExplainedUnit, list[Check]]:
    """Return what stands behind the value of a unit, and its numbers computed again."""
    results = recorded.run.unit_results
    mine = results[
        (results["plan"] == plan.id)
        & (results["indicator_id"] == indicator.id)
        & (results["alternative"] == indicator.alternative)
    ]
    unit = pick_unit(recorded.units, given, preferred=mine["unit_id"])
    study = recorded_study(recorded, plan, indicator)
    rows = mine[mine["unit_id"] == unit["unit_id"]]
    result = rows.iloc[0] if len(rows) else None
    year = None if pd.isna(row["target_year"]) else int(row["target_year"])
    coverage = recorded.run.unit_coverage
    coverage = coverage[
        (coverage["unit_id"] == unit["unit_id"]) & coverage["layer"].isin(indicator.layers)
    ]
    people: tuple[LayerPeople, ...] = ()
    if indicator.kind in _TRAVELS:
        people = people_of_unit(recorded, study, indicator, unit)
    own: tuple[Part, ...] = ()
    if result is not None and indicator.kind in _RATIOS:
        own = parts_of_unit(recorded.run, study, indicator, parts, unit=unit, row=result)
    explained = ExplainedUnit(
        unit=unit,
        row=result,
        parts=own,
        facilities=facilities_of(study, indicator, unit, year),
        people=people,
        coverage=coverage,
        again=covered_again(recorded, indicator, coverage),
    )
    return explained, list(_unit_checks(explained, indicator, again))


def _unit_checks(
    explained: ExplainedUnit, indicator: Indicator, again: Evaluation
) -> Iterator[Check]:
    row = explained.row
    if row is not None:
        table = again.unit_results
        rows = table[
            (table["alternative"] == indicator.alternative)
            & (table["unit_id"] == explained.unit["unit_id"])
        ]
        if len(rows) == 1:
            for name in _UNIT_AGAIN:
                one, two = float(row[name]), _float(rows.iloc[0][name])
                if not (math.isnan(one) and math.isnan(two)):
                    yield Check(what=f"unit_{name}", how="tables", recorded=one, computed=two)
            verdict = str(rows.iloc[0]["verdict"])
            yield Check(
                what="unit_verdict", how="tables", recorded=str(row["verdict"]), computed=verdict
            )
        else:
            yield Check(what="row", how="tables", recorded=1.0, computed=float(len(rows)))
        yield from _own_sums(explained, indicator, row)
        for part in explained.parts:
            if len(part.addends):
                yield Check(
                    what=f"unit_{part.name}",
                    how="trace",
                    recorded=part.recorded,
                    computed=part.total,
                )
    for line in explained.again.to_dict("records"):
        yield Check(
            what=f"coverage_{line['what']}",
            how="access",
            recorded=float(line["recorded"]),
            computed=float(line["computed"]),
            where=f"{line['layer']} {line['rule']}",
        )


def _own_sums(
    explained: ExplainedUnit, indicator: Indicator, row: pd.Series[Any]
) -> Iterator[Check]:
    """Yield a unit's numbers as the facilities and people listed give them."""
    known = not math.isnan(float(row["value"]))
    if known and indicator.kind in {"presence_per_unit", "phasing", "count"}:
        counted = float((explained.facilities["state"] == "counts").sum())
        yield Check(
            what="unit_value", how="facilities", recorded=float(row["value"]), computed=counted
        )
    if not explained.people:
        return
    if indicator.denominator == "units":
        longest = max(one.mean_minutes for one in explained.people)
        yield Check(what="unit_value", how="people", recorded=float(row["value"]), computed=longest)
        return
    people = explained.people[0]
    for name, computed in zip(PARTS, (people.covered, people.total), strict=True):
        recorded = float(row[name])
        if not math.isnan(recorded):
            yield Check(what=f"unit_{name}", how="people", recorded=recorded, computed=computed)
    if known:
        computed = _quotient(people.covered, people.total, 100.0)
        yield Check(
            what="unit_value", how="quotient", recorded=float(row["value"]), computed=computed
        )
