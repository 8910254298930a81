"""The verdict unit by unit, before and after new sites."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.siting.communities import Communities, mean_times
from servicecircle.siting.gains import covered_by
from servicecircle.siting.target_models import TargetModel
from servicecircle.standards.studied import AREA_UNIT

__all__ = ["TURNED_COLUMNS", "turned"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

TURNED_COLUMNS = (
    "level",
    "unit_id",
    "name",
    "sites",
    "denominator",
    "before",
    "after",
    "line",
    "verdict_before",
    "verdict_after",
    "judged",
)
_RELATIVE = 1e-9


def turned(built: TargetModel, open_sites: Bools, *, frame: pd.DataFrame) -> pd.DataFrame:
    """Return what the rule says of each unit before and after the new sites.

    Parameters
    ----------
    built : TargetModel
    open_sites : numpy.ndarray of bool, shape (c,)
        As in an answer.
    frame : pandas.DataFrame, length c
        Candidates, with ``unit_<level>``.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`TURNED_COLUMNS`; the first row is the whole (level and unit_id ""): a share
        of the people, of the units, or the area's own value; then unit by unit. ``before``,
        ``after`` and ``line`` are in the unit of the rule for one unit (people: per cent; presence:
        facilities; communities: minutes), and of the end that the target asks for. ``sites`` are
        new ones in the unit; ``denominator`` what stands below the line (people, or units).
        ``judged`` is False for units that are only shown, since the plan judges at another level.

    Examples
    --------
    >>> import numpy as np
    >>> from servicecircle.siting.target_example import small_candidates, small_target
    >>> from servicecircle.siting.target_models import target_model
    >>> frame = small_candidates("township:1", "township:2")
    >>> built = target_model(small_target(), frame, None)
    >>> table = turned(built, np.array([False, True]), frame=frame)
    >>> table[["name", "before", "after", "verdict_after"]].values.tolist()
    [['', 50.0, 100.0, 'met'], ['东镇', 1.0, 1.0, 'met'], ['西镇', 0.0, 1.0, 'met']]
    >>> turned(built, np.zeros(2, bool), frame=frame)["verdict_after"].tolist()
    ['not_met', 'met', 'not_met']
    """
    new = open_sites & ~built.model.kept
    form = built.target.form
    if form == "people":
        return _of_people(built, open_sites, new, frame)
    if form == "communities":
        return _of_communities(built, new)
    return _of_amounts(built, new)


def _table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(TURNED_COLUMNS))
    numbers = dict.fromkeys(("denominator", "before", "after", "line"), float)
    return table.astype(numbers | {"sites": np.int64, "judged": bool})


def _verdict(value: float, line: float, *, at_most: bool = False) -> str:
    """Return met or not_met with the slack of the scorecard, no_data without a value."""
    if np.isnan(value):
        return "no_data"
    slack = _RELATIVE * max(1.0, abs(line))
    good = value <= line + slack if at_most else value >= line - slack
    return "met" if good else "not_met"


def _name(built: TargetModel, unit: str) -> str:
    units = built.target.study.evidence.units
    return str(units.at[unit, "name"]) if unit in units.index and "name" in units else ""


def _of_people(
    built: TargetModel, open_sites: Bools, new: Bools, frame: pd.DataFrame
) -> pd.DataFrame:
    target, model = built.target, built.model
    study = target.study
    before = covered_by(model.pairs, model.kept)
    after = covered_by(model.pairs, open_sites)
    line = target.goal
    rows = [
        _share_row("", "", "", int(new.sum()), model.weights, (before, after), line, judged=True)
    ]
    # A level that each unit of is asked about stands first.
    levels = dict.fromkeys([*([target.each_level] if target.each_level else []), *study.levels()])
    demand = study.evidence.demand
    for level in levels:
        column = f"unit_{level}"
        if column not in demand:
            continue
        unit = demand[column].to_numpy(object)[built.rows]
        there = frame[column] if column in frame else pd.Series(None, index=frame.index)
        sites = there[new].value_counts()
        judged = level == target.each_level or (
            not target.each_level and level == target.rule.level
        )
        index = study.evidence.units.index[study.evidence.units["level"] == level]
        number = index.get_indexer(pd.Index(unit))
        for at in np.unique(number[number >= 0]):
            some = number == at
            name = str(index[at])
            rows.append(
                _share_row(
                    level,
                    name,
                    _name(built, name),
                    int(sites.get(name, 0)),
                    model.weights[some],
                    (before[some], after[some]),
                    line,
                    judged=judged,
                )
            )
    if target.each_level:
        units = [row for row in rows[1:] if row[0] == target.each_level]
        met = [sum(row[at] == "met" for row in units) for at in (-3, -2)]
        head = list(rows[0])
        head[-3:] = [*("met" if one == len(units) else "not_met" for one in met), True]
        rows[0] = tuple(head)
    return _table(rows)


def _share_row(
    level: str,
    unit: str,
    name: str,
    sites: int,
    weights: Floats,
    covered: tuple[Bools, Bools],
    line: float,
    *,
    judged: bool,
) -> tuple[object, ...]:
    total = float(weights.sum())
    shares = [
        100.0 * float(weights[one].sum()) / total if total > 0.0 else np.nan for one in covered
    ]
    verdicts = [_verdict(share, line) for share in shares]
    return (level, unit, name, sites, total, *shares, line, *verdicts, judged)


def _of_amounts(built: TargetModel, new: Bools) -> pd.DataFrame:
    target = built.target
    units = target.units
    mine = new & (built.site_units >= 0)
    sites = np.bincount(built.site_units[mine], minlength=len(units))
    brought = np.bincount(
        built.site_units[mine], built.size[mine] / (1.0 - target.dilutes), minlength=len(units)
    ).astype(np.float64)
    before = units["before"].to_numpy(float)
    after = _with(built, before, brought)
    line = units["line"].to_numpy(float)
    rows: list[tuple[object, ...]] = []
    left = units["need"].to_numpy(float) - brought * (1.0 - target.dilutes)
    for at, unit in enumerate(units.index.astype(str)):
        known = not np.isnan(units["need"].iloc[at])
        # The need is rounded as the plan's own shortfall is, so it decides, not the ratio.
        met = left[at] <= _RELATIVE * max(1.0, abs(units["need"].iloc[at]))
        verdict = ("met" if met else "not_met") if known else "no_data"
        rows.append(
            (
                target.level,
                unit,
                _name(built, unit),
                int(sites[at]),
                units["denominator"].iloc[at],
                before[at],
                after[at],
                line[at],
                units["verdict"].iloc[at],
                verdict,
                True,
            )
        )
    if list(units.index) == [AREA_UNIT]:
        head = list(rows[0])
        head[0:3] = ["", "", ""]
        return _table([tuple(head)])
    return _table([_whole_row(built, rows, int(new.sum())), *rows])


def _with(built: TargetModel, before: Floats, brought: Floats) -> Floats:
    """Return the value of each unit with what new sites bring."""
    target = built.target
    rule = target.rule
    counted = rule.kind in {"count", "presence_per_unit", "phasing"}
    if not target.size_column and (counted or rule.numerator == "units_with"):
        return before + brought
    per = rule.per if rule.norm is None else rule.norm.per
    under = target.units["denominator"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        if target.dilutes:
            # Beds of a kind are beds: both sides of the share grow.
            over = target.units["numerator"].to_numpy(float)
            diluted: Floats = np.where(
                brought > 0.0, (over + brought) / (under + brought) * per, before
            )
            return diluted
        found: Floats = np.nan_to_num(before) + brought / under * per
    return np.where(brought > 0.0, found, before)


def _whole_row(
    built: TargetModel, rows: list[tuple[object, ...]], sites: int
) -> tuple[object, ...]:
    """Return the row of the whole: the share of units that keep their line."""
    target = built.target
    count = len(rows)
    shares = [100.0 * sum(row[at] == "met" for row in rows) / count for at in (-3, -2)]
    line = 100.0 * target.wanted / count
    verdicts = [_verdict(share, line) for share in shares]
    return ("", "", "", sites, float(count), *shares, line, *verdicts, True)


def _of_communities(built: TargetModel, new: Bools) -> pd.DataFrame:
    target, model = built.target, built.model
    units = target.units
    limit = 60.0 * (target.rule.threshold or 0.0)
    some = target.weights > 0.0
    taken = np.concatenate([one.taken[some] for one in target.journeys])
    times = built.times if built.times is not None else csr_array(model.pairs.shape)
    problem = Communities(
        weights=model.weights,
        tasks=built.service * len(units) + model.units,
        units=len(units),
        taken=np.where(np.isnan(taken), np.inf, taken),
        pairs=times,
        limit=limit,
        wanted=0,
        free=new,
        mandatory=np.zeros(new.size, bool),
        cost=model.cost,
        apart=model.apart,
    )
    minutes = [mean_times(problem, one) / 60.0 for one in (np.zeros(new.size, bool), new)]
    mine = new & (model.site_units >= 0)
    sites = np.bincount(model.site_units[mine], minlength=len(units))
    people = np.bincount(model.units, model.weights, minlength=len(units)) / len(target.services)
    rows: list[tuple[object, ...]] = []
    for at, unit in enumerate(units.index.astype(str)):
        verdicts = [_verdict(float(one[at]), limit / 60.0, at_most=True) for one in minutes]
        both = [float(one[at]) for one in minutes]
        rows.append(
            (target.level, unit, _name(built, unit), int(sites[at]), people[at], *both,
             limit / 60.0, *verdicts, True)
        )  # fmt: skip
    return _table([_whole_row(built, rows, int(new.sum())), *rows])
