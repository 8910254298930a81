"""Which column of a file is which of ours: titles matched by alias, in Chinese and English."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicecircle.errors import InputError
from servicecircle.inputs.titles import (
    PLACE_COLUMNS,
    UNIT_LEVELS,
    Candidate,
    attribute_of,
    attribute_titles,
    candidate_of,
    normalise_title,
    own_aliases,
    title_lists,
)
from servicecircle.problems import Problem

__all__ = ["Columns", "match_columns"]

_WRONG_DATUM = 10


@dataclass(frozen=True, slots=True)
class Columns:
    """Our columns and the titles they come under.

    Parameters
    ----------
    columns : dict
        Our column → title in the file.
    unmapped : tuple of str
        Titles that are none of ours, in the file's order.
    datum : str
        Datum that the titles of the coordinates name (``lng_bd09``), "" if none.
    problems : tuple of Problem
    """

    columns: dict[str, str]
    unmapped: tuple[str, ...]
    datum: str
    problems: tuple[Problem, ...]


def match_columns(
    titles: Sequence[str],
    *,
    given: Mapping[str, str] | None = None,
    file: str = "",
    sheet: str = "",
    datum: str | None = None,
    unit_level: str | None = None,
    more: Mapping[str, Sequence[str]] | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Match the titles of a facility table to our columns.

    Parameters
    ----------
    titles : sequence of str
        Distinct titles in the file's order.
    given : mapping, optional
        Our column → title, from the project file; wins over every alias. An empty title says that
        the file has no such column.
    file, sheet : str
        For messages.
    datum : str, optional
        Declared datum: among ``lng_wgs84`` and ``lng_gcj02`` the one of this datum is taken.
    unit_level : str, optional
        Level of the declared unit: among 乡镇 and 村 the one of this level is taken, else the
        finest.
    more : mapping, optional
        Our column, ``unit`` or a level → further titles, which go before the known ones.
    attributes : mapping, optional
        Attribute → titles it comes under; a title that is one of our columns' stays that.

    Returns
    -------
    Columns

    Raises
    ------
    InputError
        If the project names a column that the file does not have, or one that we do not know.

    Examples
    --------
    >>> match_columns(["序号", "机构名称", "床位数（张）"]).columns
    {'name': '机构名称', 'capacity': '床位数（张）'}
    >>> match_columns(["院舍", "宿位"], more={"name": ["院舍"], "capacity": ["宿位"]}).columns
    {'name': '院舍', 'capacity': '宿位'}
    >>> match_columns([]).columns
    {}
    """
    where: dict[str, Any] = {"file": file, "sheet": sheet}
    asked = attribute_titles(attributes or {})
    columns, faults = _given(given or {}, titles, where, attributes or {})
    if faults:
        raise InputError(faults)
    own = own_aliases(more or {})
    taken = {title for title in columns.values() if title}
    candidates: dict[str, list[Candidate]] = {}
    for title in titles:
        candidate = (
            None if title in taken else candidate_of(title, own) or attribute_of(title, asked)
        )
        if candidate is not None and candidate.column not in columns:
            candidates.setdefault(candidate.column, []).append(candidate)
    problems = []
    for column, found in candidates.items():
        ordered = sorted(found, key=lambda item: _order(item, datum, unit_level))
        columns[column] = ordered[0].title
        rest = ordered[1:]
        if column == "unit":
            rest = _parent(ordered, candidates, columns)
        if rest and column != "code":
            problems.append(
                Problem(
                    code="columns.two_titles",
                    severity="note",
                    column=ordered[0].title,
                    value=", ".join(item.title for item in rest),
                    details={"ours": column},
                    **where,
                )
            )
    columns = {column: title for column, title in columns.items() if title}
    _one_place(columns, chosen=given or {})
    used = set(columns.values())
    stated = {
        candidate.datum
        for title in titles
        if title in used and (candidate := candidate_of(title)) is not None and candidate.datum
    }
    return Columns(
        columns=columns,
        unmapped=tuple(title for title in titles if title not in used),
        datum=stated.pop() if len(stated) == 1 else "",
        problems=tuple(problems),
    )


def _order(item: Candidate, datum: str | None, unit_level: str | None) -> tuple[int, int, int]:
    kind, rank = item.rank
    if item.column == "unit":
        levels = ("any", *([unit_level] if unit_level else []), *UNIT_LEVELS)
        return levels.index(item.level), kind, rank
    if item.datum and item.datum == datum:
        return -1, rank, 0
    if item.datum and datum and {item.datum, datum} != {"wgs84", "cgcs2000"}:
        return kind + _WRONG_DATUM, rank, 0
    return kind, rank, 0


def _parent(
    ordered: list[Candidate],
    candidates: Mapping[str, list[Candidate]],
    columns: dict[str, str],
) -> list[Candidate]:
    """Take the next coarser unit as the parent; return what is left over."""
    chosen = ordered[0]
    finer = UNIT_LEVELS.index(chosen.level) if chosen.level in UNIT_LEVELS else -1
    coarser = [
        item
        for item in ordered[1:]
        if item.level != "any" and UNIT_LEVELS.index(item.level) > finer
    ]
    if coarser and "parent" not in columns and "parent" not in candidates:
        columns["parent"] = coarser[0].title
    # Other levels say the same place more finely or more coarsely: no contradiction to report.
    return [item for item in ordered[1:] if item.level == chosen.level]


def _one_place(columns: dict[str, str], *, chosen: Mapping[str, str]) -> None:
    """Keep one way to say the place: the project's, lon and lat, one cell, x and y."""
    ways = (("lon", "lat"), ("lonlat",), ("latlon",), ("x", "y"))
    for way in sorted(ways, key=lambda way: not any(chosen.get(column) for column in way)):
        if all(column in columns for column in way):
            for column in PLACE_COLUMNS:
                if column not in way:
                    columns.pop(column, None)
            return


def _given(
    given: Mapping[str, str],
    titles: Iterable[str],
    where: dict[str, Any],
    attributes: Iterable[str],
) -> tuple[dict[str, str], list[Problem]]:
    titles = list(titles)
    ours = [*title_lists()["facility"], "unit", *attributes]
    same = {normalise_title(title): title for title in reversed(titles)}
    columns: dict[str, str] = {}
    faults = []
    for column, title in given.items():
        if column not in ours:
            near = difflib.get_close_matches(column, ours, n=1)
            code = "columns.unknown_key_near" if near else "columns.unknown_key"
            known, value = ours, column
        elif title == "" or title in titles or normalise_title(title) in same:
            columns[column] = (
                title if title == "" or title in titles else same[normalise_title(title)]
            )
            continue
        else:
            near = difflib.get_close_matches(title, titles, n=1, cutoff=0.4)
            code = "columns.missing_near" if near else "columns.missing"
            known, value = titles, title
        faults.append(
            Problem(
                code=code,
                severity="fatal",
                action="stopped",
                column=column,
                value=value,
                details={"known": ", ".join(known), "near": near[0] if near else ""},
                **where,
            )
        )
    return columns, faults
