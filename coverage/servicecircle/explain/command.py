"""``servicecircle explain``: a folder of a run in, text or JSON out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from servicecircle.explain.addends import Part
from servicecircle.explain.unit import ExplainedUnit
from servicecircle.explain.value import Check, Explained, explain_value
from servicecircle.explain.words import explanation_text
from servicecircle.inputs.runs import read_run
from servicecircle.messages import Language
from servicecircle.standards.sentences import sentence

__all__ = ["Asked", "Told", "explain_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be explained.

    Parameters
    ----------
    indicator : str
        Id or name.
    unit : str, optional
        Id, code or name.
    plan, alternative : str, optional
    year : int, optional
    """

    indicator: str
    unit: str | None = None
    plan: str | None = None
    alternative: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is printed, and whether every number came out again."""

    text: str
    agrees: bool


def explain_folder(
    folder: Path,
    asked: Asked,
    *,
    language: Language | None = None,
    everything: bool = False,
    as_json: bool = False,
) -> Told:
    """Explain a value of a run.

    Parameters
    ----------
    folder : pathlib.Path
        That ``servicecircle run`` wrote.
    asked : Asked
    language : {"zh", "en"}, optional
        That of the project where not given.
    everything : bool
        Long lists in full; JSON has them always.
    as_json : bool

    Raises
    ------
    InputError
        If the folder is not that of a run, or not whole; if what is asked for is not in it.
    """
    run = read_run(folder)
    found = explain_value(
        run,
        asked.indicator,
        asked.unit,
        plan=asked.plan,
        alternative=asked.alternative,
        year=asked.year,
    )
    told: Language = language or ("zh" if run.language == "zh" else "en")
    if as_json:
        text = json.dumps(_json(found, told), ensure_ascii=False, indent=2, allow_nan=False)
    else:
        text = explanation_text(found, told, everything=everything)
    return Told(text=text, agrees=not found.differences)


def _json(found: Explained, language: Language) -> dict[str, Any]:
    """Return an explanation as JSON holds it; NaN is null."""
    row = {str(name): _plain(value) for name, value in found.row.items()}
    return {
        "run": found.run.folder.as_posix(),
        "project": found.run.name,
        "scorecard": row,
        "rule": sentence(found.indicator, found.plan, language, extra_layers=found.extra_layers),
        "scale": found.scale,
        "parts": _parts(found.parts),
        "widths": _rows(found.widths),
        "unit": None if found.unit is None else _unit(found.unit),
        "checks": [_check(check) for check in found.checks],
        "agrees": not found.differences,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "how": check.how,
        "where": check.where,
        "recorded": _plain(check.recorded),
        "computed": _plain(check.computed),
        "agrees": check.agrees,
    }


def _parts(parts: Iterable[Part]) -> dict[str, Any]:
    return {
        part.name: {
            "recorded": _plain(part.recorded),
            "computed": _plain(part.total) if len(part.addends) else None,
            "addends": _rows(part.addends),
        }
        for part in parts
    }


def _unit(unit: ExplainedUnit) -> dict[str, Any]:
    names = ("unit_id", "code", "name", "level", "parent_id")
    row = unit.row
    return {
        **{name: _plain(unit.unit[name]) for name in names},
        "result": None if row is None else {str(k): _plain(v) for k, v in row.items()},
        "parts": _parts(unit.parts),
        "facilities": _rows(unit.facilities),
        "people": [
            {
                "layer": one.layer,
                "profile": one.profile,
                "covered": _plain(one.covered),
                "total": _plain(one.total),
                "mean_minutes": _plain(one.mean_minutes),
                "points": _rows(one.rows),
            }
            for one in unit.people
        ],
        "coverage": _rows(unit.coverage),
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA:
        return None
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
