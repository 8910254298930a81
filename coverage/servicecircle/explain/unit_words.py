"""What stands behind a unit's value, told in a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from servicecircle.explain.lines import part_lines, place_of, titles
from servicecircle.explain.unit import ExplainedUnit, LayerPeople
from servicecircle.explain.value import Explained
from servicecircle.messages import Language, label
from servicecircle.outputs.terminal import figure, text_table
from servicecircle.standards.registry import load_registry

__all__ = ["unit_lines"]


def unit_lines(found: Explained, language: Language, most: int | None) -> Iterator[str]:
    """Yield what stands behind a unit's value: numbers, facilities, people, coverage.

    Parameters
    ----------
    found : Explained
        With a unit.
    language : {"zh", "en"}
    most : int or None
        Longest list.
    """
    if (unit := found.unit) is None:
        return
    yield label("explain_unit_head", language).format(
        name=unit.unit["name"], id=unit.unit["unit_id"]
    )
    row = unit.row
    if row is None:
        yield label("explain_unit_none", language)
    else:
        yield label("explain_unit_row", language).format(
            value=figure(float(row["value"])),
            top=figure(float(row["numerator"])),
            bottom=figure(float(row["denominator"])),
            target=figure(float(row["target"])),
            verdict=label(f"map_verdict_{row['verdict']}", language),
        )
    for part in unit.parts:
        yield from part_lines(part, language, most)
    yield from _facilities(unit, language, most)
    names = dict(
        zip(found.run.facilities["facility_id"], found.run.facilities["name"], strict=True)
    )
    for people in unit.people:
        yield from _people(people, names, language, most)
    yield from _coverage(unit, language)


def _title(layer: str, language: Language) -> str:
    words = load_registry().layers.get(layer)
    return layer if words is None else words.title(language)


def _more(left: int, language: Language) -> Iterator[str]:
    if left > 0:
        yield f"  {label('explain_more_rows', language).format(count=left)}"


def _facilities(unit: ExplainedUnit, language: Language, most: int | None) -> Iterator[str]:
    table = unit.facilities
    if not len(table):
        yield label("explain_unit_no_facilities", language)
        return
    yield label("explain_unit_facilities", language).format(
        counted=int((table["state"] == "counts").sum()), count=len(table)
    )
    shown = table if most is None else table.iloc[:most]
    yield from text_table(
        titles(("layer", "id", "name", "by", "state", "where"), language),
        [
            [
                _title(row["layer"], language),
                row["facility_id"],
                row["name"],
                label(f"explain_by_{row['by']}", language),
                label(f"explain_state_{row['state']}", language),
                place_of(row),
            ]
            for row in shown.to_dict("records")
        ],
    )
    yield from _more(len(table) - len(shown), language)


def _people(
    people: LayerPeople, names: dict[str, str], language: Language, most: int | None
) -> Iterator[str]:
    table = people.rows
    yield label("explain_unit_people", language).format(
        layer=_title(people.layer, language),
        profile=people.profile,
        covered=figure(people.covered),
        total=figure(people.total),
        minutes=figure(people.mean_minutes),
        count=len(table),
    )
    shown = table if most is None else table.iloc[:most]
    columns = ("demand", "people", "metres", "minutes", "straight", "nearest", "covered")
    yield from text_table(
        titles(columns, language),
        [
            [
                row["demand_id"],
                figure(row["weight"]),
                _number(row["metres"], 0),
                _number(row["minutes"], 1),
                _number(row["straight_metres"], 0),
                names.get(row["facility_id"], row["facility_id"])
                if row["facility_id"]
                else label(f"explain_status_{row['status']}", language),
                label("explain_yes" if row["covered"] else "explain_no", language),
            ]
            for row in shown.to_dict("records")
        ],
        right=(1, 2, 3, 4),
    )
    yield from _more(len(table) - len(shown), language)


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"


def _coverage(unit: ExplainedUnit, language: Language) -> Iterator[str]:
    """Yield the rows of ``units.csv`` of the unit, of the people whose number is known."""
    table = unit.coverage
    if not len(table):
        return
    who = "elderly" if table["elderly"].notna().any() else "population"
    yield label("explain_unit_coverage", language)
    yield from text_table(
        titles(("layer", "rule", "facilities", who, f"covered_{who}"), language),
        [
            [
                _title(row["layer"], language),
                row["rule"],
                figure(row["facilities"]),
                figure(row[who]),
                "" if pd.isna(row[f"covered_{who}"]) else figure(row[f"covered_{who}"]),
            ]
            for row in table.to_dict("records")
        ],
        right=(2, 3, 4),
    )
