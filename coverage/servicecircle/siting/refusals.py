"""The error that says in words why no choice of sites does what is asked, and who is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import SitingError
from servicecircle.problems import Problem
from servicecircle.siting.build import Built
from servicecircle.siting.model import Answer
from servicecircle.siting.needed import Needed
from servicecircle.siting.reasons import beyond_reach

__all__ = ["named_faults", "no_candidates", "refusal", "unreached_problems"]

Ints = NDArray[np.int64]

_MOST_NAMED = 5
_MOST_TOLD = 20
_OF_CANDIDATES = tuple(
    f"siting.{key}"
    for key in ("bad_cost", "bad_capacity", "contradiction", "kept_forbidden", "mandatory_apart")
)
"""Faults of a model that list the numbers of candidates."""
_UNITS = {"floors": "siting.cannot_floors", "presence": "siting.cannot_presence"}
_UNITS_WITH = {"floors": "siting.cannot_floors_with", "presence": "siting.cannot_presence_with"}
"""What is said of units by themselves, and where only another limit is in the way."""
_NEEDED = {"sites": "siting.cannot_sites", "budget": "siting.cannot_cost"}
_LIMITS = {
    "sites": "siting.cannot_budget",
    "budget": "siting.cannot_budget",
    "share": "siting.cannot_share",
    "closings": "siting.cannot_close",
    "capacity": "siting.cannot_capacity",
}


def refusal(
    answer: Answer,
    built: Built,
    units: pd.DataFrame,
    *,
    seconds: float,
    needed: Sequence[Needed] = (),
) -> SitingError:
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
    needed : sequence of Needed
        What would do in the place of a number of sites or a budget; where there is any, it alone
        is told, since all else could be kept.
    """
    if answer.status == "no_answer":
        return SitingError(_fatal("siting.no_answer_in_time", value=f"{seconds:g}"))
    if needed:
        return SitingError([_too_tight(one) for one in needed])
    names = units.drop_duplicates("unit_id").set_index("unit_id")["name"]
    problems: list[Problem] = []
    limits: dict[str, None] = {}
    asked_of_units = any(reason in _UNITS for reason, _ in answer.reasons)
    # Where all candidates together would do, another limit is in the way of the units.
    of_units = _UNITS if beyond_reach(built.model, built.goal) else _UNITS_WITH
    for reason, which in answer.reasons:
        count = str(which.size)
        if reason == "unreached":
            # Where a floor alone was asked for, its units say it.
            if built.goal.share > 0.0 or not asked_of_units:
                problems.append(_unreached(built, which))
        elif reason in _LIMITS:
            # Number and budget are one to the reader.
            limits[_LIMITS[reason]] = None
        elif not which.size:
            # Only named since no limit alone is in the way.
            limits["siting.cannot"] = None
        elif reason in _UNITS:
            # A unit may lack for several layers.
            ids = dict.fromkeys(built.unit_ids[int(one)] for one in which)
            named = [str(names.get(name, "")) or name for name in ids]
            problems.append(_fatal(of_units[reason], value=str(len(ids)), units=_first(named)))
        elif reason == "apart":
            listed = built.candidates["candidate_id"].astype(str).to_numpy(object)[which]
            told = _first(listed.tolist())
            problems.append(_fatal("siting.cannot_apart", value=count, sites=told))
    problems += [_fatal(code, value="") for code in limits]
    return SitingError(problems or [_fatal("siting.cannot", value="")])


def named_faults(faults: Sequence[Problem], candidates: pd.DataFrame) -> list[Problem]:
    """Return the faults of a model with the names of candidates in the place of their numbers.

    Parameters
    ----------
    faults : sequence of Problem
        From :func:`servicecircle.siting.checked.check_model`.
    candidates : pandas.DataFrame
        candidate_id, name.

    Examples
    --------
    >>> close = Problem(code="siting.mandatory_apart", severity="fatal", value="0–1")
    >>> table = pd.DataFrame({"candidate_id": ["land:1", "land:2"], "name": ["东", ""]})
    >>> [one.value for one in named_faults([close], table)]
    ['东–land:2']
    >>> named_faults([], table)
    []
    """
    ids = candidates["candidate_id"].astype(str).to_numpy(object)
    names = np.where(candidates["name"] != "", candidates["name"], ids)

    def told(text: str) -> str:
        return re.sub(r"[0-9]+", lambda found: str(names[int(found[0])]), text)

    return [
        replace(one, value=told(one.value), details={**one.details, "ids": told(one.value)})
        if one.code in _OF_CANDIDATES
        else one
        for one in faults
    ]


def no_candidates(problems: Sequence[Problem]) -> list[Problem]:
    """Return why there is no candidate: that there is none, and what became of the places.

    Parameters
    ----------
    problems : sequence of Problem
        Of the candidates.

    Examples
    --------
    >>> steep = Problem(code="site.steep", severity="warning", value="land:1")
    >>> other = Problem(code="input.datum", severity="note")
    >>> [one.code for one in no_candidates([steep, other])]
    ['siting.no_candidates', 'site.steep']
    >>> [one.code for one in no_candidates([])]
    ['siting.no_candidates']
    """
    why = [one for one in problems if one.code.startswith("site.") and one.code != "site.none_left"]
    return [_fatal("siting.no_candidates", value=""), *why[:_MOST_TOLD]]


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
            value=f"{built.unreached.size:,}",
            details={
                "people": f"{built.unreached_people:,.0f}",
                "share": f"{built.unreached_people / built.people:.2%}",
            },
        )
    ]


def _too_tight(needed: Needed) -> Problem:
    places = 0 if needed.limit == "sites" else 2
    told = {name: f"{getattr(needed, name):,.{places}f}" for name in ("asked", "least", "found")}
    return _fatal(
        _NEEDED[needed.limit], value=told["asked"], least=told["least"], found=told["found"]
    )


def _unreached(built: Built, which: Ints) -> Problem:
    people = float(built.model.weights[which].sum())
    total = float(built.model.weights.sum())
    most = (total - people) / total if total > 0.0 else 0.0
    return _fatal(
        "siting.cannot_unreached",
        value=f"{which.size:,}",
        people=f"{people:,.0f}",
        # Cut, not rounded: what is said to be possible has to be.
        most=f"{np.floor(most * 1e4) / 1e4:.2%}",
    )


def _fatal(code: str, *, value: str, **details: object) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", value=value, details=details)


def _first(names: list[str]) -> str:
    more = f" … +{len(names) - _MOST_NAMED}" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
