"""A small target for examples: two townships, one of which has a social work station."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from servicecircle.siting.targets import site_target
from servicecircle.siting.wanted import SiteTarget
from servicecircle.standards.evidence import Evidence
from servicecircle.standards.indicators import load_plan
from servicecircle.standards.kinds import Study

__all__ = ["small_candidates", "small_target"]


def small_target() -> SiteTarget:
    """Return what a plan's clause asks for: a station in every township.

    Examples
    --------
    >>> small_target().units[["before", "line", "need"]].values.tolist()
    [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]
    """
    units = pd.DataFrame(
        {
            "level": "township",
            "type": "",
            "name": ["东镇", "西镇"],
            "code": ["1", "2"],
            "should_have": True,
            "is_urban": pd.array([None, None], dtype="boolean"),
            "parent_id": "",
        },
        index=pd.Index(["township:1", "township:2"], name="unit_id"),
    )
    stations = pd.DataFrame(
        {
            "layer": "social_work_station",
            "opened": pd.to_datetime(["2019-01-01"]),
            "closed": pd.NaT,
            "status": "",
            "serves": "",
            "unit_township": "township:1",
        },
        index=pd.Index(["station:1"], name="facility_id"),
    )
    plan = load_plan("quzhou")
    evidence = Evidence(
        as_of=dt.date(2025, 12, 31),
        units=units,
        facilities=stations,
        demand=pd.DataFrame(),
        access=pd.DataFrame(),
        layers=frozenset({"social_work_station"}),
    )
    study = Study(plan=plan, evidence=evidence, area="whole", own_level="county", language="en")
    rule = next(one for one in plan.indicators if one.id == "quzhou_social_work_station_township")
    return site_target(study, rule)


def small_candidates(*townships: str) -> pd.DataFrame:
    """Return a table of candidates, one in each township named.

    Examples
    --------
    >>> small_candidates("township:1")["source"].tolist(), len(small_candidates())
    (['grid'], 0)
    """
    return pd.DataFrame(
        {
            "source": pd.Series(["grid" for _ in townships], dtype=object),
            "facility_id": "",
            "cost": 1.0,
            "capacity": float("nan"),
            "mandatory": False,
            "forbidden": False,
            "unit_township": pd.Series(list(townships), dtype=object),
        }
    )
