"""People above or below the line: official figures of units, else the demand points."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.people import PeopleGroups, group_people
from servicecircle.standards.quantity import Quantity, not_known
from servicecircle.standards.registry import QuantityWords
from servicecircle.standards.rollup import add_up, roll_up
from servicecircle.standards.scopes import Where, units_in_scope
from servicecircle.standards.studied import Study
from servicecircle.standards.trace import addends
from servicecircle.standards.unit_sums import figures_of, latest_figures, tops_of

__all__ = ["basis_notes", "groups_of", "people_of"]

Floats = NDArray[np.float64]


def people_of(study: Study, words: QuantityWords, where: Where) -> Quantity:
    """Return the people of a part of the area.

    Official figures of units count before the points of a raster or of villages, where they are
    given for the whole part (a unit without one may hold units with one); then the points; then a
    figure of the quantity's name in the table of statistics.

    Parameters
    ----------
    study : Study
    words : QuantityWords
        ``people:elderly``, ``people:population`` or ``people:urban``.
    where : Where
    """
    if words.of == "urban":
        return _urban(study, words, where)
    found = _official(study, words, where)
    if found is None:
        found = _points(study, words, where)
    if found is None and len(latest_figures(study, words.name)):
        found = figures_of(study, words, where, name=words.name)
        note = study.note("people_statistic", what=_title(study, words))
        return Quantity(
            value=found.value,
            low=found.low,
            high=found.high,
            units=found.units,
            trace=found.trace,
            missing=found.missing,
            causes=found.causes,
            notes=(note, *found.notes),
        )
    return found or not_known(words.needs.format(layer=""))


def groups_of(study: Study) -> PeopleGroups:
    """Return the demand points grouped by their units, made once for all plans."""
    kept = study.evidence.kept
    if "groups" not in kept:
        kept["groups"] = group_people(study.evidence.demand)
    groups: PeopleGroups = kept["groups"]
    return groups


def basis_notes(
    study: Study, key: str, words: QuantityWords, units: pd.DataFrame | None = None
) -> tuple[str, ...]:
    """Say what people were counted: their basis, their age, their date."""
    evidence = study.evidence
    bases, ages = [evidence.basis], [evidence.age_from]
    if units is not None:
        bases = _stated(units, "basis") or bases
        ages = [int(float(age)) for age in _stated(units, "age_from")] or ages
    said = [study.note(f"basis_{one or 'unstated'}") for one in bases]
    what = study.note("everybody")
    if words.of == "elderly":
        # The age tells who is counted only where it is the elderly.
        what = _title(study, words)
        said += [
            study.note("age_unstated") if one is None else study.note("age_from", age=one)
            for one in ages
        ]
    comma = "，" if study.language == "zh" else ", "
    notes: tuple[str, ...] = (study.note(key, what=what, basis=comma.join(said)),)
    if units is None and evidence.people_date is not None:
        notes += (study.note("people_date", date=evidence.people_date.isoformat()),)
    return notes


def _stated(units: pd.DataFrame, column: str) -> list[str]:
    if column not in units:
        return []
    values = units[column].dropna().astype(str)
    return sorted(set(values[values != ""]))


def _title(study: Study, words: QuantityWords) -> str:
    return words.zh if study.language == "zh" else words.en


def _official(study: Study, words: QuantityWords, where: Where) -> Quantity | None:
    """Return the sum of official figures; None where they do not make up the whole part."""
    units = study.evidence.units
    tops = tops_of(study, where)
    if words.of not in units or tops.empty:
        return None
    numbers = units[words.of].astype(float)
    total = add_up(numbers, units, tops)
    if math.isnan(total.known) or total.gaps:
        return None
    known, gaps = roll_up(numbers, units)
    known = known.where(gaps == 0).dropna()
    table = pd.DataFrame({"value": known, "low": known, "high": known})
    points = _points_by_unit(study, words.of)
    if points is not None:
        # Finer units without a figure of their own are shown by their points.
        table = table.combine_first(pd.DataFrame(dict.fromkeys(table.columns, points)))
    ids = total.addends.index
    return Quantity(
        value=total.known,
        low=total.known,
        high=total.known,
        units=table,
        trace=addends("", "unit", ids, total.addends, ids),
        notes=basis_notes(study, "people_official", words, units.loc[ids]),
    )


def _weights(study: Study, what: str) -> Floats | None:
    demand = study.evidence.demand
    if demand.empty or what not in demand:
        return None
    values = demand[what].to_numpy(float, na_value=np.nan)
    return values if np.isfinite(values).any() else None


def _points_by_unit(study: Study, what: str) -> pd.Series[float] | None:
    """Return the people of the points of every unit that has a level of its own in demand."""
    kept, key = study.evidence.kept, ("points", what)
    if key not in kept:
        weights = _weights(study, what)
        groups = groups_of(study)
        sums = None if weights is None else groups.sums(np.nan_to_num(weights))
        kept[key] = None if sums is None else _by_unit(study, groups, sums)
    points: pd.Series[float] | None = kept[key]
    return points


def _by_unit(study: Study, groups: PeopleGroups, sums: Floats) -> pd.Series[float] | None:
    units = study.evidence.units
    parts = [
        groups.by_level(sums, level).reindex(units.index[units["level"] == level]).fillna(0.0)
        for level in groups.units.columns
    ]
    return pd.concat(parts) if parts else None


def _points(study: Study, words: QuantityWords, where: Where) -> Quantity | None:
    """Return the sum of demand points; None where there are none with such people."""
    weights = _weights(study, words.of)
    if weights is None:
        return None
    demand = study.evidence.demand
    groups = groups_of(study)
    inside = np.ones(len(groups.units), bool)
    if where.level:
        if where.level not in groups.units:
            return None
        inside = groups.units[where.level].isin(where.units).to_numpy(bool)
    elif any(level in groups.units for level in study.levels()):
        inside = groups.finest(study.levels()) != ""
    mask = inside[groups.group]
    if where.polygon:
        column = f"in_{where.polygon}"
        if column not in demand:
            return None
        mask = demand[column].fillna(False).to_numpy(bool)
    unknown = int((np.isnan(weights) & mask).sum())
    sums = groups.sums(np.where(mask, np.nan_to_num(weights), 0.0))
    by_unit = pd.Series(sums).groupby(groups.finest(study.levels())).sum()
    by_unit = by_unit[by_unit > 0]
    value = math.fsum(by_unit)
    notes = basis_notes(study, "people_points", words)
    if unknown:
        notes += (study.note("unknown_elderly", count=unknown),)
    known = _by_unit(study, groups, sums)
    known = pd.Series(dtype=float) if known is None else known
    return Quantity(
        value=value,
        low=value,
        high=value,
        units=pd.DataFrame({"value": known, "low": known, "high": known}),
        trace=addends("", "demand", by_unit.index, by_unit, by_unit.index),
        notes=notes,
    )


def _urban(study: Study, words: QuantityWords, where: Where) -> Quantity:
    """Return the people of urban units: a figure of that name, else of the finest units known.

    Units are urban where ``is_urban`` says so; communities (社区) where it says nothing. Units of
    which neither is known may be urban (cause ``types``).
    """
    if len(latest_figures(study, words.name)):
        return figures_of(study, words, where, name=words.name)
    needs = words.needs.format(layer="")
    units = study.evidence.units
    for level in reversed(study.levels()):
        here = units[units["level"] == level]
        scope = study.registry.scopes["urban_communities"]
        told = here["is_urban"].astype("boolean")
        urban, unknown = told.fillna(False).astype(bool), told.isna().astype(bool)
        if level == scope.level:
            # A village that is known to be urban has urban people, though it is no community.
            by_type, untyped = units_in_scope(here, scope)
            urban, unknown = urban | (unknown & by_type), unknown & untyped
        if unknown.all() or where.polygon:
            continue
        people = _people_at(study, here)
        if people is None:
            return not_known(needs)
        tops = tops_of(study, where)
        low = people.where(urban, 0.0)
        high = people.where(urban | unknown, 0.0)
        least, most = add_up(low, units, tops), add_up(high, units, tops)
        if math.isnan(least.known):
            continue
        table = pd.DataFrame({"low": roll_up(low, units)[0], "high": roll_up(high, units)[0]})
        filled = least.addends[least.addends > 0]
        widen = most.known > least.known
        notes: tuple[str, ...] = (study.note("urban_units", level=_level_title(study, level)),)
        if unknown.any():
            notes += (study.note("untyped_units", count=int(unknown.sum())),)
        return Quantity(
            value=least.known,
            low=least.known,
            high=most.known,
            units=table.assign(value=table["low"]).dropna(),
            trace=addends("", "unit", filled.index, filled, filled.index),
            causes=("types",) if widen else (),
            notes=notes,
        )
    return not_known(needs)


def _level_title(study: Study, level: str) -> str:
    words = study.registry.levels[level]
    return words.zh if study.language == "zh" else words.en


def _people_at(study: Study, here: pd.DataFrame) -> pd.Series[float] | None:
    """Return the people of units of one level: their figures where all have one, else points."""
    if "population" in here and here["population"].notna().all():
        return here["population"].astype(float)
    points = _points_by_unit(study, "population")
    return None if points is None else points.reindex(here.index)
