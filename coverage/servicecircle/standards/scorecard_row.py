"""The row of the scorecard that holds one indicator against one target."""

from __future__ import annotations

import math
from typing import Any

from servicecircle.measure.clusters import PROXY
from servicecircle.standards.each import each_found, each_note
from servicecircle.standards.kinds import Measured, Study
from servicecircle.standards.plan import Indicator, Target
from servicecircle.standards.things import missing_thing
from servicecircle.standards.verdicts import is_due, shortfall_of_all, verdict_of

__all__ = ["scorecard_row"]


def _verdict(indicator: Indicator, study: Study, measured: Measured, target: Target | None) -> str:
    if not measured.applicable:
        return "not_applicable"
    goal = math.nan if target is None else target.value
    found = verdict_of(
        measured.value,
        measured.low,
        measured.high,
        goal,
        operator=indicator.operator,
        ambiguous=measured.ambiguous,
    )
    each = each_found(indicator, measured, target)
    if each is not None and found != "no_data":
        # Of what holds for each unit the one farthest off decides, not the ratio of the whole.
        found = each.verdict
    if target is None:
        return "no_data" if math.isnan(measured.value) else "no_target"
    if found == "no_data":
        return found
    if not is_due(target, study.evidence.as_of):
        return "not_due"
    return "undecided" if found == "not_met" and target.basis == "reading" else found


def _notes(
    indicator: Indicator, study: Study, measured: Measured, target: Target | None, *, invented: bool
) -> str:
    notes = [*measured.notes, *each_note(indicator, study, measured, target)]
    if target is not None and target.basis == "reading":
        notes.append(study.note("reading"))
    if target is not None and target.basis == "inferred":
        notes.append(study.note("inferred"))
    year = study.evidence.as_of.year
    # Milestones are counted at their own dates.
    today = indicator.measure == "stock" and indicator.kind != "phasing"
    valued = not (math.isnan(measured.value) and math.isnan(measured.low))
    if target is not None and target.year < year and today and valued:
        notes.append(study.note("later_than_target", year=year, target=target.year))
    if study.plan.provisional:
        notes.append(study.note("provisional"))
    stand_ins = [name for name in indicator.layers if name in study.evidence.invented_layers]
    if invented:
        notes.append(study.note("invented_all"))
    elif stand_ins:
        titles = "、".join(map(study.layer_title, stand_ins))
        notes.append(study.note("invented", layers=titles))
    units = study.evidence.units
    if ((units["level"] == indicator.level) & (units["type"] == PROXY)).any():
        notes.append(study.note("proxy_units", level=study.level_title(indicator.level)))
    if past := _past_outcome(indicator, study, target):
        notes.append(past)
    notes.append(indicator.note(study.language))
    known = {conflict.id: conflict for conflict in study.plan.conflicts}
    notes += [
        study.note(
            "conflict",
            id=name,
            topic=known[name].words("topic", study.language),
            handling=known[name].words("handling", study.language),
        )
        for name in indicator.conflicts
        if name in known
    ]
    return " | ".join(dict.fromkeys(note for note in notes if note))


def _past_outcome(indicator: Indicator, study: Study, target: Target | None) -> str:
    """Return what the plan reports of a target of the plan before it."""
    past = target is not None and target.year < study.plan.period[0]
    if target is None or not past or indicator.baseline is None:
        return ""
    if target.year != indicator.baseline_year:
        return ""
    return study.note(
        "past_outcome",
        year=target.year,
        reported=f"{indicator.baseline:g}",
        goal=f"{target.value:g}",
    )


def scorecard_row(
    indicator: Indicator, study: Study, measured: Measured, target: Target | None, *, invented: bool
) -> dict[str, Any]:
    """Return what the scorecard says of an indicator and a target.

    Parameters
    ----------
    indicator : Indicator
    study : Study
    measured : Measured
        Of the indicator in the study.
    target : Target, optional
    invented : bool
        Everything in the project is invented.

    Returns
    -------
    dict
        Columns of :data:`servicecircle.standards.scorecard.SCORECARD_COLUMNS`, but ``headline``
        and ``governing``.

    Examples
    --------
    >>> import datetime as dt
    >>> import pandas as pd
    >>> from servicecircle.standards.evidence import Evidence
    >>> from servicecircle.standards.indicators import load_plan
    >>> units = pd.DataFrame(columns=["level", "type"])
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=units, layers=frozenset(),
    ...     facilities=pd.DataFrame(), demand=pd.DataFrame(), access=pd.DataFrame(),
    ... )
    >>> plan = load_plan("minle")
    >>> study = Study(plan=plan, evidence=evidence, area="whole", own_level="county")
    >>> rule, target = plan.indicators[0], Target(year=2025, value=60)
    >>> rows = [
    ...     scorecard_row(rule, study, measured, target, invented=False)
    ...     for measured in (Measured(value=59.9), Measured(value=60.0), Measured())
    ... ]
    >>> [row["verdict"] for row in rows]
    ['not_met', 'met', 'no_data']
    """
    verdict = _verdict(indicator, study, measured, target)
    causes = list(measured.causes)
    if target is not None and target.basis == "reading" and verdict == "undecided":
        causes.append("reading")
    goal = math.nan if target is None else target.value
    low = measured.value if math.isnan(measured.low) else measured.low
    high = measured.value if math.isnan(measured.high) else measured.high
    return {
        "plan": study.plan.id,
        "indicator_id": indicator.id,
        "alternative": indicator.alternative,
        "target_year": None if target is None else target.year,
        "name_zh": indicator.name_zh,
        "name_en": indicator.name_en,
        "layer": indicator.layer,
        "kind": indicator.kind,
        "measure": indicator.measure,
        "unit_level": indicator.level,
        "denominator_name": indicator.denominator,
        "scope": indicator.scope,
        "attribute": indicator.attribute,
        "as_of": study.evidence.as_of.isoformat(),
        "profile": measured.profile,
        "speed_kmh": measured.speed_kmh,
        "value": measured.value,
        "straight_value": measured.straight_value,
        "unit": indicator.unit,
        "numerator": measured.numerator,
        "denominator": measured.denominator,
        "baseline_year": indicator.baseline_year,
        "baseline": math.nan if indicator.baseline is None else indicator.baseline,
        "target": goal,
        "target_basis": "" if target is None else target.basis,
        "verdict": verdict,
        "low": low,
        "high": high,
        "width_causes": ";".join(causes),
        "shortfall": shortfall_of_all(indicator, measured, goal),
        "shortfall_of": "" if target is None else missing_thing(indicator),
        "missing_inputs": "; ".join(measured.missing),
        "notes": _notes(indicator, study, measured, target, invented=invented),
        "source_file": indicator.source_file,
        "source_lines": indicator.source_lines,
        "unit_zh": study.registry.unit(indicator.unit, "zh", own_zh=indicator.unit_zh),
    }
