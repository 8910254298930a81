"""Lines that every explanation has: titles of columns, addends, where a row stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from servicecircle.explain.addends import Part
from servicecircle.messages import Language, label
from servicecircle.outputs.terminal import figure, text_table

__all__ = ["cause_words", "part_lines", "place_of", "titles"]


def titles(names: Sequence[str], language: Language) -> list[str]:
    """Return titles of columns."""
    return [label(f"explain_column_{name}", language) for name in names]


def part_lines(part: Part, language: Language, most: int | None) -> Iterator[str]:
    """Yield the addends of a numerator or a denominator."""
    title = label(f"explain_{part.name}", language)
    table = part.addends
    if not len(table):
        if not math.isnan(part.recorded):
            yield label("explain_no_addends", language).format(part=title)
        return
    yield label("explain_addends", language).format(
        part=title, count=len(table), total=figure(part.total)
    )
    shown = table if most is None else table.iloc[:most]
    yield from text_table(
        titles(("source", "id", "name", "unit", "amount", "where"), language),
        [
            [
                label(f"explain_source_{row['source']}", language),
                row["source_id"],
                row["name"] or ("" if row["unit_id"] else label("explain_nowhere", language)),
                row["unit_name"] or row["unit_id"],
                figure(float(row["amount"])),
                place_of(row),
            ]
            for row in shown.to_dict("records")
        ],
        right=(4,),
    )
    if left := len(table) - len(shown):
        rest = figure(math.fsum(table["amount"].iloc[len(shown) :]))
        yield f"  {label('explain_more', language).format(count=left, total=rest)}"


def place_of(row: Mapping[Any, Any]) -> str:
    """Return file, sheet and row of what stands in a table of the user's."""
    if not row["file"]:
        return ""
    sheet = f" [{row['sheet']}]" if row["sheet"] else ""
    number = "" if pd.isna(row["row"]) else f":{int(row['row'])}"
    return f"{row['file']}{sheet}{number}"


def cause_words(causes: str, language: Language) -> str:
    """Return causes of a width in words, a name without words as it is.

    Examples
    --------
    >>> cause_words("speed;other", "zh"), cause_words("", "en")
    ('步行速度、other', '')
    """
    found = []
    for name in filter(None, causes.split(";")):
        try:
            found.append(label(f"explain_cause_{name}", language))
        except LookupError:
            found.append(name)
    return ("、" if language == "zh" else "; ").join(found)
