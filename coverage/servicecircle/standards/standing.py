"""Whether the clause of an indicator speaks of the area that is studied."""

from __future__ import annotations

import math
from dataclasses import dataclass

from servicecircle.standards.evidence import Evidence
from servicecircle.standards.kinds import Study
from servicecircle.standards.plan import Indicator

__all__ = ["Standing", "standing_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether an indicator speaks of this study at all."""

    applicable: bool = True
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def standing_of(indicator: Indicator, study: Study, asked: bool) -> Standing:
    """Return whether the clause speaks of the study's area, or is to be judged anyway.

    Parameters
    ----------
    indicator : Indicator
    study : Study
    asked : bool
        The project asks for it although the clause may speak of other areas.
    """
    standing = _clause_standing(indicator, study)
    if asked and (standing.missing or not standing.applicable):
        return Standing(notes=(study.note("anyway"),))
    return standing


def _clause_standing(indicator: Indicator, study: Study) -> Standing:
    """Return whether the clause speaks of an area like the study's.

    Areas coarser than those it names contain them; finer ones, and counties with fewer people than
    it asks for, are not meant.
    """
    clause = indicator.applies_to
    if not clause.levels:
        return Standing()
    finest = max(clause.levels, key=lambda level: study.registry.levels[level].order)
    if study.registry.finer(study.own_level, finest):
        return Standing(applicable=False, notes=(study.note("not_this_area"),))
    least = clause.county_population_at_least
    if least is None or study.own_level != "county":
        return Standing()
    people = _population(study.evidence)
    if math.isnan(people):
        return Standing(missing=("[population]",), notes=(study.note("population_condition"),))
    if people < least:
        note = study.note("small_county", people=f"{people:,.0f}", least=f"{least:,.0f}")
        return Standing(applicable=False, notes=(note,))
    return Standing()


def _population(evidence: Evidence) -> float:
    """Return the people of the area: of its counties where stated, else of the demand points."""
    units = evidence.units
    for table in (units[units["level"] == "county"], evidence.demand):
        if "population" in table.columns:
            people = float(table["population"].sum(min_count=1))
            if not math.isnan(people):
                return people
    return math.nan
