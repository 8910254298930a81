"""Plan files: the packaged plans and the user's own, read and validated.

The models of ``plan_schema`` are the one description of a plan file. Unknown keys are errors that
name the nearest known one, and all faults of a file are reported together, each with its line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from servicecircle.errors import ProjectError, UnknownNameError
from servicecircle.problems import Problem
from servicecircle.standards.conflicts import Conflict, Statement
from servicecircle.standards.plan import (
    Alternative,
    AppliesTo,
    Filter,
    Indicator,
    Norm,
    Plan,
    Target,
    variants,
)
from servicecircle.standards.plan_faults import plan_faults
from servicecircle.standards.plan_schema import (
    AlternativeTable,
    BetweenFile,
    ConflictTable,
    IndicatorTable,
    PlanFile,
    PlanTable,
    TargetTable,
    target_year,
)
from servicecircle.standards.registry import LayerWords
from servicecircle.toml_files import (
    Location,
    key_lines,
    model_faults,
    parse_toml,
    pruned,
    read_bytes,
    row_of,
)

__all__ = [
    "Alternative",
    "Filter",
    "Indicator",
    "Plan",
    "Target",
    "between_plans",
    "load_plan",
    "packaged_plans",
    "plan_text",
    "variants",
]

_PRUNINGS = 5


def packaged_plans() -> tuple[str, ...]:
    """Return the names of the plans that come with the package.

    Examples
    --------
    >>> packaged_plans()
    ('jiaxing', 'minle', 'quzhou', 'shangcheng', 'zhejiang')
    """
    folder = resources.files("servicecircle") / "standards" / "plans"
    names = (item.name for item in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_plan(source: str | Path, *, extra_layers: Mapping[str, LayerWords] | None = None) -> Plan:
    """Read and validate a packaged plan or a plan file.

    Parameters
    ----------
    source : str or pathlib.Path
        The name of a packaged plan, or the path of a file.
    extra_layers : mapping, optional
        Layers that the project adds to the registry.

    Raises
    ------
    ProjectError
        With every fault of the file, each with its line.
    UnknownNameError
        If no packaged plan has that name.

    Examples
    --------
    >>> plan = load_plan("shangcheng")
    >>> plan.level, len(plan.indicators), plan.indicators[0].unit
    ('county', 28, 'beds per 100 elderly')
    >>> load_plan("atlantis")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    servicecircle.errors.UnknownNameError: no plan "atlantis" Known: jiaxing, ...
    """
    name, raw = plan_text(source)
    data, text = parse_toml(raw, name=name)
    faults: list[Problem] = []
    gone: set[Location] = set()
    parsed: PlanFile | None = None
    told, header = data.get("conflicts"), data.get("plan")
    for _ in range(_PRUNINGS):
        try:
            parsed = PlanFile.model_validate(data)
        except ValidationError as error:
            # The rest is checked too, so that all faults are told at once.
            if not faults:
                faults += model_faults(error, PlanFile, text, name=name).problems
            gone |= {tuple(str(part) for part in item["loc"][:-1]) for item in error.errors()}
            header = _without_faults(header, error)
            lacking = any(
                len(item["loc"]) == 1 and item["type"] == "missing" for item in error.errors()
            )
            data = _filled_up(data if lacking else pruned(data, error), header)
        else:
            break
    if parsed is not None:
        lines = key_lines(text)
        faults += [
            Problem(
                code=f"plan.{code}",
                severity="fatal",
                action="stopped",
                file=name,
                row=row_of(lines, where),
                column=".".join(_without_numbers(where)),
                **more,
            )
            for code, where, more in plan_faults(
                parsed,
                extra_layers or {},
                # One that is wrong in itself is there all the same.
                (*_between(parsed), *(told if isinstance(told, dict) else ())),
            )
            if not (code == "missing_key" and where[:-1] in gone)
            if where[:2] != ("indicators", _NOBODY)
        ]
    if faults or parsed is None:
        raise ProjectError(sorted(faults, key=lambda fault: fault.row or 0))
    return _plan(parsed)


_NOBODY = "\0"
"""Id of what stands in for what a faulty file lacks: a plan or an indicator that breaks no rule."""
_STAND_IN: dict[str, dict[str, Any]] = {
    "plan": {
        "id": _NOBODY,
        "name_zh": "–",
        "name_en": "–",
        "level": "province",
        "region_zh": "–",
        "region_en": "–",
        "period": [1949, 2100],
    },
    "indicator": {
        "name_zh": "–",
        "name_en": "–",
        "layer": "care_home",
        "kind": "count",
        "level": "province",
        "unit": "–",
    },
}


def _without_faults(header: object, error: ValidationError) -> dict[str, Any]:
    """Return the keys of ``[plan]`` that its model did not refuse."""
    if not isinstance(header, dict):
        return {}
    places = [item["loc"] for item in error.errors()]
    wrong = {where[1] for where in places if where[0] == "plan" and len(where) > 1}
    return {key: value for key, value in header.items() if key not in wrong}


def _filled_up(data: dict[str, Any], header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left of a file, with stand-ins for what it lacks, so that the rest is read."""
    return {
        **data,
        "plan": {**_STAND_IN["plan"], **header},
        "indicators": data.get("indicators") or {_NOBODY: _STAND_IN["indicator"]},
    }


def _without_numbers(where: Location) -> Location:
    while where and where[-1].isdigit():
        where = where[:-1]
    return where


@cache
def between_plans() -> tuple[Conflict, ...]:
    """Return the conflicts between the packaged plans, in the order of their file.

    Examples
    --------
    >>> first = between_plans()[0]
    >>> first.id, first.plans
    ('I-XX-01', ('zhejiang', 'quzhou', 'jiaxing'))
    """
    text = (resources.files("servicecircle") / "standards" / "between.toml").read_text("utf-8")
    parsed = BetweenFile.model_validate(tomllib.loads(text))
    return tuple(_conflict(name, one) for name, one in parsed.conflicts.items())


def _between(parsed: PlanFile) -> dict[str, Conflict]:
    """Return the conflicts that a plan has with others, but for those it tells itself."""
    return {
        one.id: one
        for one in between_plans()
        if parsed.plan.id in (*one.plans, _NOBODY) and one.id not in parsed.conflicts
    }


def plan_text(source: str | Path) -> tuple[str, bytes]:
    """Return the file name and the bytes of a packaged plan or a plan file.

    Parameters
    ----------
    source : str or pathlib.Path
        See :func:`load_plan`.

    Raises
    ------
    ProjectError
        If the file cannot be read.
    UnknownNameError
        If no packaged plan has that name.

    Examples
    --------
    >>> plan_text("minle")[0]
    'minle.toml'
    """
    if isinstance(source, str) and not source.endswith(".toml"):
        if source not in packaged_plans():
            raise UnknownNameError("plan", source, packaged_plans())
        folder = resources.files("servicecircle") / "standards" / "plans"
        return f"{source}.toml", (folder / f"{source}.toml").read_bytes()
    path = Path(source)
    return path.name, read_bytes(path, missing="plan.missing")


def _plan(parsed: PlanFile) -> Plan:
    header = parsed.plan.model_dump() | {"period": tuple(parsed.plan.period)}
    return Plan(
        **header,
        indicators=tuple(
            _indicator(name, one, parsed.plan) for name, one in parsed.indicators.items()
        ),
        conflicts=(
            *(_conflict(name, one) for name, one in parsed.conflicts.items()),
            *_between(parsed).values(),
        ),
    )


def _conflict(name: str, one: ConflictTable) -> Conflict:
    given = {key: getattr(one, key) for key in type(one).model_fields}
    given["says"] = tuple(Statement(**said.model_dump()) for said in one.says)
    return Conflict(id=name, **_tuples(given))


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value)
        if isinstance(value, list)
        else _tuples(value)
        if isinstance(value, dict)
        else value
        for key, value in values.items()
    }


def _targets(one: IndicatorTable, targets: Sequence[TargetTable]) -> tuple[Target, ...]:
    found = (
        Target(
            year=target_year(one, target),
            value=target.value,
            basis=target.basis,
            phase_year=target.phase_year,
        )
        for target in targets
    )
    return tuple(sorted(found, key=lambda target: target.year))


def _indicator(name: str, one: IndicatorTable, header: PlanTable) -> Indicator:
    made: dict[str, Any] = {
        "id": name,
        "filter": Filter(**_tuples(one.filter.model_dump())),
        "numerator_filter": Filter(**_tuples(one.numerator_filter.model_dump())),
        "norm": None if one.norm is None else Norm(**one.norm.model_dump()),
        "applies_to": AppliesTo(**_tuples(one.applies_to.model_dump())),
        "targets": _targets(one, one.targets),
        "alternatives": tuple(
            Alternative(
                **{key: getattr(other, key) for key in _OTHER_KEYS},
                targets=None if other.targets is None else _targets(one, other.targets),
            )
            for other in one.alternatives
        ),
        "source_file": one.source_file or header.source_file,
    }
    plain = {
        item.name: getattr(one, item.name)
        for item in fields(Indicator)
        if item.name not in made and item.name != "alternative"
    }
    return Indicator(**_tuples(plain), **made)


_OTHER_KEYS = tuple(name for name in AlternativeTable.model_fields if name != "targets")
