"""The error that says in words why no choice of sites does what is asked, and who is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import SitingError
from servicecircle.problems import Problem
from servicecircle.siting.build import Built
from servicecircle.siting.model import Answer

__all__ = ["refusal", "unreached_problems"]

Ints = NDArray[np.int64]

_MOST_NAMED = 5
_UNITS = {"floors": "siting.cannot_floors", "presence": "siting.cannot_presence"}
_LIMITS = {"budget": "siting.cannot_budget", "capacity": "siting.cannot_capacity"}


def refusal(answer: Answer, built: Built, units: pd.DataFrame, *, seconds: float) -> SitingError:
    """Return the error that says why there is no answer.

    Parameters
    ----------
    answer : Answer
        Infeasible, or none in time.
    built : Built
    units : pandas.DataFrame
        unit_id, name.
    seconds : float
        That solving was allowed.
    """
    if answer.status == "no_answer":
        return SitingError(_fatal("siting.no_answer_in_time", value=f"{seconds:g}"))
    names = units.drop_duplicates("unit_id").set_index("unit_id")["name"]
    problems = []
    for reason, which in answer.reasons:
        count = str(which.size)
        if reason == "unreached":
            problems.append(_unreached(built, which))
        elif reason in _UNITS:
            ids = [built.unit_ids[int(one)] for one in which]
            named = [str(names.get(name, "")) or name for name in ids]
            problems.append(_fatal(_UNITS[reason], value=count, units=_first(named)))
        elif reason == "apart":
            listed = built.candidates["candidate_id"].astype(str).to_numpy(object)[which]
            told = _first(listed.tolist())
            problems.append(_fatal("siting.cannot_apart", value=count, sites=told))
        elif reason in _LIMITS:
            problems.append(_fatal(_LIMITS[reason], value=count))
    return SitingError(problems or [_fatal("siting.cannot", value="")])


def unreached_problems(built: Built) -> list[Problem]:
    """Return a record of those whom no candidate reaches; none where everybody is reached.

    Parameters
    ----------
    built : Built
    """
    if not built.unreached.size or built.unreached_people <= 0.0:
        return []
    return [
        Problem(
            code="siting.unreached",
            severity="warning",
            action="counted",
            value=str(built.unreached.size),
            details={
                "people": f"{built.unreached_people:,.0f}",
                "share": f"{built.unreached_people / built.people:.2%}",
            },
        )
    ]


def _unreached(built: Built, which: Ints) -> Problem:
    people = float(built.model.weights[which].sum())
    total = float(built.model.weights.sum())
    most = (total - people) / total if total > 0.0 else 0.0
    return _fatal(
        "siting.cannot_unreached",
        value=str(which.size),
        people=f"{people:,.0f}",
        # Cut, not rounded: what is said to be possible has to be.
        most=f"{np.floor(most * 1e6) / 1e6:.4%}",
    )


def _fatal(code: str, *, value: str, **details: object) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", value=value, details=details)


def _first(names: list[str]) -> str:
    more = f" … +{len(names) - _MOST_NAMED}" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
