"""Columns of people by age: which of them together are everybody, and which the elderly."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.values import fold_width

__all__ = ["AgeColumns", "age_columns"]

# 60-64, 60～64岁, 60到64岁, 60至64, A60A64_CNT, 60_64; 85岁及以上, 85+, A85UP, A100UP_5_CNT.
_GROUP = re.compile(
    r"^(?P<before>\D*?)(?P<low>\d{1,3})(?:岁|A|-|~|—|–|_|到|至|TO)+(?P<high>\d{1,3})(?!\d)(?P<after>.*)$"
)
_OPEN = re.compile(
    r"^(?P<before>\D*?)(?P<low>\d{1,3})岁?(?:及以上|以上|\+|UP|PLUS|OVER)(?P<after>.*)$"
)
_ONE = re.compile(r"^(?P<before>\D*?)(?P<low>\d{1,3})岁(?P<after>.*)$")
_MALE = re.compile(r"男|(?<![A-Z])(?:M|MALE)(?![A-Z])")
_FEMALE = re.compile(r"女|(?<![A-Z])(?:F|FEMALE)(?![A-Z])")
_OLDEST = 130


@dataclass(frozen=True, slots=True)
class AgeColumns:
    """Columns whose sums are all people and the elderly.

    Parameters
    ----------
    population, elderly : tuple of str
        In the order of the file.
    """

    population: tuple[str, ...]
    elderly: tuple[str, ...]


def age_columns(columns: Iterable[str], *, age_from: int, name: str) -> AgeColumns:
    """Choose the age groups of a file that add up to all people and to the elderly.

    Where a group has columns of men, of women and of both, that of both is taken.

    Parameters
    ----------
    columns : iterable of str
    age_from : int
        From which age somebody is elderly; a group has to begin there.
    name : str
        The file as the project names it.

    Returns
    -------
    AgeColumns

    Raises
    ------
    InputError
        If there are no age groups, they overlap, have gaps, or none begins at ``age_from``.

    Examples
    --------
    >>> age_columns(["名称", "0-59岁", "60-64岁", "65岁及以上"], age_from=60, name="a.csv").elderly
    ('60-64岁', '65岁及以上')
    >>> age_columns(["人口"], age_from=60, name="a.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.csv: no columns of people by age...
    """
    found: dict[tuple[int, int], dict[str, str]] = {}
    for column in columns:
        group = _group(column)
        if group is not None:
            low, high, sex = group
            found.setdefault((low, high), {}).setdefault(sex, column)
    if not found:
        raise InputError(fatal("population.no_age_groups", name=name))
    ages = sorted(found)
    wrong = [
        f"{one[0]}–{one[1]}, {other[0]}–{other[1]}"
        for one, other in itertools.pairwise(ages)
        if other[0] != one[1] + 1
    ]
    halves = [f"{low}–{high}" for (low, high), by in found.items() if "" not in by and len(by) == 1]
    starts = {low for low, _ in ages}
    details: dict[str, object] = {"ages": ", ".join(f"{low}–{high}" for low, high in ages)}
    if wrong or halves:
        faults = "; ".join([*wrong, *halves])
        raise InputError(fatal("population.age_groups", name=name, value=faults, details=details))
    if age_from not in starts:
        raise InputError(
            fatal("population.age_from_groups", name=name, value=str(age_from), details=details)
        )

    def chosen(least: int) -> tuple[str, ...]:
        parts = [
            [by[""]] if "" in by else [by["m"], by["f"]]
            for (low, _), by in sorted(found.items())
            if low >= least
        ]
        return tuple(column for part in parts for column in part)

    # Groups that begin above zero are not all people.
    return AgeColumns(population=chosen(0) if 0 in starts else (), elderly=chosen(age_from))


def _group(column: str) -> tuple[int, int, str] | None:
    """Return lowest and highest age and the sex ("m", "f", "" for both) of a column."""
    title = fold_width(column).strip().upper()
    for pattern in (_GROUP, _OPEN, _ONE):
        match = pattern.match(title)
        if match is None:
            continue
        low = int(match["low"])
        high = _OLDEST if pattern is _OPEN else low
        if pattern is _GROUP:
            high = int(match["high"])
        if not low <= high <= _OLDEST:
            return None
        rest = f"{match['before']} {match['after']}"
        sex = "m" if _MALE.search(rest) else "f" if _FEMALE.search(rest) else ""
        return low, high, sex
    return None
