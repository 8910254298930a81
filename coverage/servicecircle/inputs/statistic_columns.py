"""Which column of a table of figures is which of ours, and what figures are called."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from servicecircle.errors import InputError
from servicecircle.inputs.staff_columns import unit_titles
from servicecircle.inputs.tables import Table
from servicecircle.inputs.titles import normalise_title
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import StatisticsSettings

__all__ = ["area_words", "figure_words", "likely_titles", "statistic_columns"]

Figures = Mapping[str, Sequence[str]]
"""Name of a figure → titles it comes under."""


@cache
def title_lists() -> dict[str, dict[str, list[str]]]:
    file = resources.files("servicecircle") / "inputs" / "statistic_columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _columns() -> dict[str, list[str]]:
    more = title_lists()["columns"]
    shared = {name: [*titles, *more.get(name, [])] for name, titles in unit_titles().items()}
    return {**more, **shared}


def area_words() -> tuple[str, ...]:
    """Return what stands for a whole area in a column of units.

    Examples
    --------
    >>> "全市" in area_words()
    True
    """
    return tuple(title_lists()["area"]["words"])


def figure_words(figures: Figures) -> dict[str, str]:
    """Return normalised word → name of a figure.

    Examples
    --------
    >>> figure_words({"patients": ("居家患者",)})
    {'patients': 'patients', '居家患者': 'patients'}
    """
    return {
        normalise_title(word): name for name, words in figures.items() for word in (name, *words)
    }


def likely_titles(figures: Figures) -> list[str]:
    """Return the titles that tables of figures are known to have, to find their header by.

    Examples
    --------
    >>> {"指标", "居家患者"} <= set(likely_titles({"patients": ("居家患者",)}))
    True
    """
    known = [title for titles in _columns().values() for title in titles]
    return [*known, *(word for words in figures.values() for word in words), *figures]


def statistic_columns(
    settings: StatisticsSettings, table: Table, figures: Figures, *, file: str
) -> tuple[dict[str, str], list[tuple[str, str]], list[str]]:
    """Return our columns of a table of figures, the figures with a column, and what is unread.

    A table without a column of units is one of the whole area. A figure's title may begin with a
    year and end with a unit in brackets: ``2024年居家患者（人）``.

    Parameters
    ----------
    settings : StatisticsSettings
    table : Table
    figures : mapping of str to sequence of str
    file : str
        For messages.

    Returns
    -------
    columns : dict of str to str
        unit, unit_code, parent, date, name, value → title of the file.
    own : list of (str, str)
        Name and title of each figure that has a column of its own; empty where names and values
        stand in rows.
    unread : list of str
        Titles that are none of these.

    Raises
    ------
    InputError
        If a title that the project names is not there, or there is neither a name and a value nor
        a column of any known figure.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame(columns=["县区", "居家患者（人）", "备注"])
    >>> settings, table = StatisticsSettings(path=Path("a.csv")), Table(frame, np.zeros(0, int))
    >>> statistic_columns(settings, table, {"patients": ("居家患者",)}, file="a.csv")
    ({'unit': '县区'}, [('patients', '居家患者（人）')], ['备注'])
    """
    titles = [str(title) for title in table.frame.columns]
    same = {normalise_title(title): title for title in reversed(titles)}
    chosen, faults = _declared(settings, same)
    own = [
        (name, same[normalise_title(title)])
        for name, title in settings.names.items()
        if normalise_title(title) in same
    ]
    taken = {*chosen.values(), *(title for _, title in own)}
    for column, aliases in _columns().items():
        if column in settings.columns or (column in ("name", "value") and settings.names):
            continue
        found = [same[word] for word in map(normalise_title, aliases) if word in same]
        free = [one for one in dict.fromkeys(found) if one not in taken]
        chosen |= {column: free[0]} if free else {}
        if column == "unit" and len(free) > 1:
            # The finest unit is the row's own, the next one what it lies in.
            chosen.setdefault("parent", free[1])
    in_rows = "name" in chosen and "value" in chosen
    if not in_rows and not settings.names:
        words = figure_words(figures)
        own = [
            (name, title)
            for title in titles
            if title not in chosen.values() and (name := words.get(_bare(title), ""))
        ]
        if not own:
            missing = [one for one in ("name", "value") if one not in chosen]
            faults += [("no_column", ", ".join(missing), "")]
    if not in_rows:
        chosen = {key: title for key, title in chosen.items() if key not in ("name", "value")}
    if faults:
        known = {"no_column": titles, "unknown_key": list(_columns())}
        raise InputError(
            [
                Problem(
                    code=f"statistics.{code}",
                    severity="fatal",
                    file=file,
                    sheet=table.sheet,
                    column="statistics",
                    value=value,
                    action="stopped",
                    details={
                        "known": ", ".join(known[code]),
                        "near": near,
                        "figures": ", ".join(figures),
                    },
                )
                for code, value, near in faults
            ]
        )
    read = {*chosen.values(), *(title for _, title in own)}
    return chosen, own, [title for title in titles if title not in read]


_YEAR = re.compile(r"^(?:19|20)\d{2}年?度?末?")
_UNIT = re.compile(r"\([^()]*\)$")


def _bare(title: str) -> str:
    return _YEAR.sub("", _UNIT.sub("", normalise_title(title)))


def _declared(
    settings: StatisticsSettings, same: Mapping[str, str]
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Return the columns that the project names, and what is wrong with them."""
    chosen: dict[str, str] = {}
    faults: list[tuple[str, str, str]] = []
    for column, title in settings.columns.items():
        if column not in _columns():
            faults.append(("unknown_key", column, nearest_name(column, _columns())))
        elif title and normalise_title(title) not in same:
            faults.append(("no_column", title, ""))
        elif title:
            chosen[column] = same[normalise_title(title)]
    faults += [
        ("no_column", title, "")
        for title in settings.names.values()
        if normalise_title(title) not in same
    ]
    return chosen, faults
