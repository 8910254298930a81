"""What is missing in all: by indicator and level of units, and by facility layer over all plans."""

from __future__ import annotations

import pandas as pd

__all__ = ["NEED_COLUMNS", "SHORTFALL_COLUMNS", "needs_by_layer", "shortfall_table"]

SHORTFALL_COLUMNS = (
    "plan",
    "indicator_id",
    "layer",
    "target_year",
    "target",
    "level",
    "shortfall_of",
    "shortfall",
    "units",
    "units_short",
    "greatest",
    "greatest_unit",
)

NEED_COLUMNS = (
    "plan",
    "layer",
    "shortfall_of",
    "indicators",
    "short",
    "needed_at_least",
    "asked_by",
)

_KEY = ["plan", "indicator_id"]


def shortfall_table(
    scorecard: pd.DataFrame, unit_results: pd.DataFrame, units: pd.DataFrame
) -> pd.DataFrame:
    """Return what is missing to each headline target: of the area, and of its units added up.

    A surplus of one unit helps no other in the sum over units, so that it may exceed what the
    area as a whole lacks.

    Parameters
    ----------
    scorecard, unit_results : pandas.DataFrame
    units : pandas.DataFrame
        Columns unit_id, level.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`SHORTFALL_COLUMNS`, in the order of the scorecard: for each headline row
        whose shortfall is known one with the level "" (the area) and one for each level whose
        units have a shortfall that is known, with ``greatest`` and the first unit that has it.

    Examples
    --------
    >>> card = pd.DataFrame({
    ...     "plan": "p", "indicator_id": ["a", "b"], "layer": "care_home", "target_year": 2025,
    ...     "target": 30.0, "shortfall_of": "beds", "shortfall": [5.0, None], "headline": True,
    ...     "verdict": "not_met",
    ... })
    >>> results = pd.DataFrame({
    ...     "plan": "p", "indicator_id": "a", "alternative": "", "unit_id": ["x", "y", "z"],
    ...     "shortfall_of": "beds", "shortfall": [2.0, 0.0, 7.0],
    ... })
    >>> units = pd.DataFrame({"unit_id": ["x", "y", "z"], "level": "township"})
    >>> table = shortfall_table(card, results, units)
    >>> table[["level", "shortfall", "units_short", "greatest_unit"]].values.tolist()
    [['', 5.0, <NA>, ''], ['township', 9.0, 2, 'z']]
    >>> len(shortfall_table(card.iloc[:0], results, units))
    0
    """
    wanted = ["layer", "target_year", "target"]
    head = scorecard[scorecard["headline"] & (scorecard["verdict"] != "not_applicable")]
    head = head.reset_index(drop=True)
    head["order"] = head.index
    area = head[head["shortfall"].notna()].assign(level="", greatest_unit="")
    rows = unit_results[(unit_results["alternative"] == "") & unit_results["shortfall"].notna()]
    rows = rows[[*_KEY, "unit_id", "shortfall_of", "shortfall"]].merge(
        head[[*_KEY, *wanted, "order"]], on=_KEY
    )
    rows["level"] = rows["unit_id"].map(units.set_index("unit_id")["level"])
    rows = rows[rows["level"].notna()]
    parts = [part for part in (area, _by_level(rows)) if len(part)]
    empty = pd.DataFrame(columns=[*SHORTFALL_COLUMNS, "order"])
    table = pd.concat(parts, ignore_index=True) if parts else empty
    table = table.sort_values("order", kind="stable")
    table = table.reindex(columns=list(SHORTFALL_COLUMNS)).reset_index(drop=True)
    return table.astype(
        dict.fromkeys(("target", "shortfall", "greatest"), float)
        | dict.fromkeys(("target_year", "units", "units_short"), "Int64")
    )


def _by_level(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the sums over the units of each level, and the greatest of them."""
    if rows.empty:
        return rows
    rows = rows.assign(short=rows["shortfall"] > 0)
    groups = rows.groupby([*_KEY, "level"], sort=False)
    most = rows.loc[groups["shortfall"].idxmax()].reset_index(drop=True)
    return most.assign(
        greatest=most["shortfall"],
        greatest_unit=most["unit_id"].where(most["short"], ""),
        shortfall=groups["shortfall"].sum().to_numpy(),
        units=groups.size().to_numpy(),
        units_short=groups["short"].sum().to_numpy(),
    )


def needs_by_layer(worth: pd.DataFrame) -> pd.DataFrame:
    """Return what each layer lacks: the most that any one indicator asks for, plan by plan.

    One facility can serve several indicators, and several plans say the same thing, so needs are
    not added up: what a layer lacks is at least the greatest of them. Facilities are those of
    ``needed_at_least`` in ``worth``, where a number of them was worked out.

    Parameters
    ----------
    worth : pandas.DataFrame
        From :func:`servicecircle.standards.worth.worth_table`, of one or more plans.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`NEED_COLUMNS`: all plans together first (``plan`` is ""), then plan after
        plan, layers and things as they first appear. Where nothing is short ``asked_by`` is "".

    Examples
    --------
    >>> worth = pd.DataFrame({
    ...     "plan": ["p", "q"], "indicator_id": ["a", "b"], "alternative": "", "unit_id": "",
    ...     "layer": "canteen", "shortfall_of": ["units", "facilities"], "shortfall": [4.0, 6.0],
    ...     "one_more_of": "facilities", "needed_at_least": [4.0, 6.0],
    ... })
    >>> table = needs_by_layer(worth)
    >>> table.iloc[:2][["plan", "shortfall_of", "needed_at_least", "asked_by"]].values.tolist()
    [['', 'units', 4.0, 'a'], ['', 'facilities', 6.0, 'b']]
    >>> len(needs_by_layer(worth.iloc[:0]))
    0
    """
    area = worth[(worth["unit_id"] == "") & (worth["alternative"] == "")]
    columns = ["plan", "indicator_id", "layer", "shortfall_of", "amount"]
    native = area.assign(amount=area["shortfall"])[columns]
    built = area[(area["one_more_of"] == "facilities") & (area["shortfall_of"] != "facilities")]
    built = built.assign(amount=built["needed_at_least"], shortfall_of="facilities")[columns]
    rows = pd.concat([native, built]).sort_index(kind="stable")
    rows = rows[rows["amount"].notna()]
    if rows.empty:
        return pd.DataFrame(columns=list(NEED_COLUMNS))
    rows = pd.concat([rows.assign(plan=""), rows], ignore_index=True)
    rows["short"] = rows["amount"] > 0
    groups = rows.groupby(["plan", "layer", "shortfall_of"], sort=False)
    most = rows.loc[groups["amount"].idxmax()].reset_index(drop=True)
    table = most.assign(
        indicators=groups.size().to_numpy(),
        short=groups["short"].sum().to_numpy(),
        needed_at_least=most["amount"],
        asked_by=most["indicator_id"].where(most["short"], ""),
    )
    return table[list(NEED_COLUMNS)]
