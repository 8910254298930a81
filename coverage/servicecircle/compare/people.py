"""People of two runs, point by point: who gained a facility within reach, who lost it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.measure.access import reaches

__all__ = ["PEOPLE_COLUMNS", "Limit", "changed_people", "people_changes", "reach_summary"]

PEOPLE_COLUMNS = (
    "demand_id",
    "layer",
    "status",
    "turn",
    "population",
    "elderly",
    "metres_a",
    "metres_b",
    "minutes_a",
    "minutes_b",
    "minutes_change",
    "straight_metres_a",
    "straight_metres_b",
    "facility_id_a",
    "facility_id_b",
    "lon",
    "lat",
)
_SAME_S = 1e-3
"""Times that differ by less than a millisecond are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What being within reach means in a comparison.

    Parameters
    ----------
    rule : str
        As in ``units.csv``: ``15 min``, ``1000 m straight``.
    column : {"seconds", "straight_metres"}
    value : float
        In seconds or metres.
    """

    rule: str
    column: str
    value: float


def people_changes(a: pd.DataFrame, b: pd.DataFrame, *, layer: str, limit: Limit) -> pd.DataFrame:
    """Match the access of the demand points of two runs to one layer.

    Parameters
    ----------
    a, b : pandas.DataFrame
        Of ``access.parquet``, one layer and profile each: demand_id, metres, straight_metres,
        seconds, facility_id, population, elderly, lon, lat.
    layer : str
    limit : Limit

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PEOPLE_COLUMNS`, one row a point of either run. ``status``: both, only_a,
        only_b; ``turn``: gained or lost (within reach in one run and not in the other), ``in``,
        ``out``, or "" for a point of one run only. Population and elderly are those of b, of a
        where b has no such point.

    Examples
    --------
    >>> def at(seconds):
    ...     return pd.DataFrame({"demand_id": ["x", "y"], "metres": 1.0, "straight_metres": 1.0,
    ...         "seconds": seconds, "facility_id": "", "population": 5.0, "elderly": 1.0,
    ...         "lon": 0.0, "lat": 0.0})
    >>> limit = Limit(rule="15 min", column="seconds", value=900.0)
    >>> found = people_changes(at([1200.0, np.nan]), at([900.0, np.nan]), layer="a", limit=limit)
    >>> found[["demand_id", "turn", "minutes_change"]].values.tolist()
    [['x', 'gained', -5.0], ['y', 'out', nan]]
    """
    index_a, index_b = pd.Index(a["demand_id"]), pd.Index(b["demand_id"])
    index = index_a.append(index_b[~index_b.isin(index_a)])
    at_a, at_b = index_a.get_indexer(index), index_b.get_indexer(index)
    both = (at_a >= 0) & (at_b >= 0)

    def take(table: pd.DataFrame, at: NDArray[np.intp], name: str) -> NDArray[np.float64]:
        values = table[name].to_numpy(float)
        return np.where(at >= 0, np.append(values, np.nan)[at], np.nan)

    def text(table: pd.DataFrame, at: NDArray[np.intp]) -> NDArray[np.object_]:
        return np.append(table["facility_id"].fillna("").to_numpy(object), "")[at]

    def latest(name: str) -> NDArray[np.float64]:
        return np.where(at_b >= 0, take(b, at_b, name), take(a, at_a, name))

    limits = [take(table, at, limit.column) for table, at in ((a, at_a), (b, at_b))]
    inside = [reaches(values, limit.value) for values in limits]
    turn = np.select(
        [~both, inside[1] & ~inside[0], inside[0] & ~inside[1], inside[0]],
        ["", "gained", "lost", "in"],
        "out",
    )
    minutes = [take(table, at, "seconds") / 60.0 for table, at in ((a, at_a), (b, at_b))]
    change = minutes[1] - minutes[0]
    return pd.DataFrame(
        {
            "demand_id": index,
            "layer": layer,
            "status": np.select([both, at_a >= 0], ["both", "only_a"], "only_b"),
            "turn": turn,
            "population": latest("population"),
            "elderly": latest("elderly"),
            "metres_a": take(a, at_a, "metres"),
            "metres_b": take(b, at_b, "metres"),
            "minutes_a": minutes[0],
            "minutes_b": minutes[1],
            "minutes_change": np.where(np.abs(change) * 60.0 < _SAME_S, 0.0, change),
            "straight_metres_a": take(a, at_a, "straight_metres"),
            "straight_metres_b": take(b, at_b, "straight_metres"),
            "facility_id_a": text(a, at_a),
            "facility_id_b": text(b, at_b),
            "lon": latest("lon"),
            "lat": latest("lat"),
        },
        columns=list(PEOPLE_COLUMNS),
    )


def changed_people(people: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows of :func:`people_changes` tell of a change.

    In the time, in the straight line, in whether there is a way, or in being there at all.
    """
    minutes = people["minutes_change"].to_numpy(float)
    straight = (people["straight_metres_b"] - people["straight_metres_a"]).to_numpy(float)
    gone = people["minutes_a"].isna().to_numpy() != people["minutes_b"].isna().to_numpy()
    moved = (np.nan_to_num(minutes) != 0.0) | (np.abs(np.nan_to_num(straight)) > _SAME_S)
    return np.asarray(moved | gone | (people["status"] != "both").to_numpy())


def reach_summary(people: pd.DataFrame, *, layer: str, limit: Limit) -> dict[str, object]:
    """Return who is within reach in either run, and who gained and lost it, added up.

    Parameters
    ----------
    people : pandas.DataFrame
        Of :func:`people_changes`, all rows.
    layer : str
    limit : Limit

    Returns
    -------
    dict
        layer, rule; points that gained, lost, came nearer, went farther; ``gained_population``,
        ``lost_population`` and the same of the elderly; ``mean_minutes_a``, ``mean_minutes_b`` of
        the people who have a way in both runs (NaN without any).
    """
    weight = people["population"].where(people["population"].notna(), people["elderly"])
    known = people["minutes_a"].notna() & people["minutes_b"].notna()
    moving = people["minutes_change"].fillna(0.0)
    found: dict[str, object] = {"layer": layer, "rule": limit.rule}
    for turn in ("gained", "lost"):
        rows = people[people["turn"] == turn]
        found[f"{turn}_points"] = len(rows)
        for name in ("population", "elderly"):
            found[f"{turn}_{name}"] = float(rows[name].sum(min_count=1)) if len(rows) else 0.0
    found["nearer_points"] = int((moving < 0).sum())
    found["farther_points"] = int((moving > 0).sum())
    for side in ("a", "b"):
        minutes = people[f"minutes_{side}"]
        people_known = float(weight[known].sum())
        found[f"mean_minutes_{side}"] = (
            float((minutes * weight)[known].sum()) / people_known if people_known > 0 else np.nan
        )
    for status in ("only_a", "only_b"):
        found[f"{status}_points"] = int((people["status"] == status).sum())
    return found
