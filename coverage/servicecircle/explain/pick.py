"""Which row of the scorecard, and which unit, a user means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.runs import Run
from servicecircle.problems import Problem, nearest_name
from servicecircle.standards.plan import Target
from servicecircle.standards.verdicts import headline_target

__all__ = ["pick_row", "pick_unit"]

_MOST_SHOWN = 10


def _stop(code: str, value: str, **details: object) -> InputError:
    return InputError(
        Problem(
            code=f"explain.{code}",
            severity="fatal",
            action="stopped",
            value=value,
            details=details,
        )
    )


def _several(names: Iterable[str]) -> str:
    """Return some names for a message, at most ten."""
    given = [str(name) for name in names]
    return ", ".join(given[:_MOST_SHOWN]) + (", …" if len(given) > _MOST_SHOWN else "")


def pick_row(
    run: Run,
    indicator: str,
    *,
    plan: str | None = None,
    alternative: str | None = None,
    year: int | None = None,
) -> pd.Series[Any]:
    """Return the row of the scorecard that is meant.

    Parameters
    ----------
    run : Run
    indicator : str
        Its id, or its name in Chinese or English.
    plan : str, optional
        Id of the plan, or its name in the project file; needed where several plans have the
        indicator.
    alternative : str, optional
        What the plan says elsewhere; what it says first where not given.
    year : int, optional
        Of the target; the latest due, else the next one, where not given.

    Raises
    ------
    InputError
        If there is no such row, with the nearest names, or several.
    """
    card = run.scorecard
    if not len(card):
        raise _stop("no_scorecard", str(run.folder))
    if plan is not None:
        names = {str(one["name"]): str(one["id"]) for one in run.record.get("plans", ())}
        known = {*card["plan"]}
        chosen = plan if plan in known else names.get(plan, "")
        if chosen not in known:
            near = nearest_name(plan, sorted({*known, *names}))
            raise _stop("unknown_plan", plan, near=near, known=_several(sorted(known)))
        card = card[card["plan"] == chosen]
    rows = card[card["indicator_id"] == indicator]
    if not len(rows):
        rows = card[(card["name_zh"] == indicator) | (card["name_en"] == indicator)]
    if not len(rows):
        names_known = [*card["indicator_id"], *card["name_zh"], *card["name_en"]]
        near = nearest_name(indicator, dict.fromkeys(names_known))
        raise _stop("unknown_indicator", indicator, near=near)
    found = rows[["plan", "indicator_id"]].drop_duplicates()
    if len(found) > 1:
        given = [f"{one} (--plan {name})" for name, one in found.itertuples(index=False)]
        raise _stop("several_indicators", indicator, known=_several(given))
    own = rows[rows["alternative"] == (alternative or "")]
    if not len(own):
        known_ones = [name or "–" for name in dict.fromkeys(rows["alternative"])]
        near = nearest_name(alternative or "", known_ones)
        raise _stop("unknown_alternative", str(alternative), near=near, known=_several(known_ones))
    if year is not None:
        dated = own[own["target_year"] == year]
        if not len(dated):
            years = [f"{one:.0f}" for one in own["target_year"].dropna()]
            raise _stop("unknown_year", str(year), known=_several(years) or "–")
        return dated.iloc[0]
    targets = [Target(year=int(one), value=0.0) for one in own["target_year"].dropna()]
    chosen_target = headline_target(targets, run.as_of)
    if chosen_target is None:
        return own.iloc[0]
    return own[own["target_year"] == chosen_target.year].iloc[0]


def pick_unit(units: pd.DataFrame, given: str, *, preferred: Iterable[str] = ()) -> pd.Series[Any]:
    """Return the unit that is meant.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, code, name, level, parent_id.
    given : str
        Id, code or name.
    preferred : iterable of str
        Ids of units that are meant where several have the name and one of them is among these.

    Raises
    ------
    InputError
        If there is no such unit, with the nearest names, or several of the name.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "unit_id": ["township:1", "village_level:11", "village_level:12"],
    ...     "code": ["1", "11", "12"], "name": ["东镇", "新村", "新村"],
    ...     "level": ["township", "village_level", "village_level"],
    ...     "parent_id": ["", "township:1", "township:1"],
    ... })
    >>> pick_unit(units, "12")["unit_id"], pick_unit(units, "东镇")["unit_id"]
    ('village_level:12', 'township:1')
    >>> pick_unit(units, "新村")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    servicecircle.errors.InputError: several units are named 新村: village_level:11 ...
    >>> pick_unit(units, "新村", preferred=["village_level:12"])["code"]
    '12'
    """
    for column in ("unit_id", "code", "name"):
        rows = units[units[column] == given]
        if len(rows) > 1:
            meant = rows[rows["unit_id"].isin(list(preferred))]
            rows = meant if len(meant) else rows
        if len(rows) == 1:
            return rows.iloc[0]
        if len(rows):
            titles = units.set_index("unit_id")["name"]
            known = _several(
                f"{one} ({titles.get(parent, '') or level})"
                for one, parent, level in zip(
                    rows["unit_id"], rows["parent_id"], rows["level"], strict=True
                )
            )
            raise _stop("several_units", given, known=known)
    names = [*units["name"], *units["code"], *units["unit_id"]]
    near = nearest_name(given, dict.fromkeys(str(name) for name in names if name))
    raise _stop("unknown_unit", given, near=near)
