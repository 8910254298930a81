"""Plan files: the packaged plans and the user's own, read and validated.

The models below are the one description of a plan file. Unknown keys are errors that name the
nearest known one, and all faults of a file are reported together, each with its line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from servicecircle.errors import ProjectError, UnknownNameError
from servicecircle.problems import Problem
from servicecircle.standards.plan import (
    Alternative,
    AppliesTo,
    Filter,
    Indicator,
    Plan,
    Target,
    variants,
)
from servicecircle.standards.plan_schema import (
    AlternativeTable,
    IndicatorTable,
    PlanFile,
    PlanTable,
    TargetTable,
    plan_faults,
    target_year,
)
from servicecircle.standards.registry import LayerWords
from servicecircle.toml_files import key_lines, model_faults, parse_toml, read_bytes, row_of

__all__ = [
    "Alternative",
    "Filter",
    "Indicator",
    "Plan",
    "Target",
    "load_plan",
    "packaged_plans",
    "variants",
]


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
    if isinstance(source, str) and not source.endswith(".toml"):
        if source not in packaged_plans():
            raise UnknownNameError("plan", source, packaged_plans())
        folder = resources.files("servicecircle") / "standards" / "plans"
        name, raw = f"{source}.toml", (folder / f"{source}.toml").read_bytes()
    else:
        path = Path(source)
        name, raw = path.name, read_bytes(path, missing="plan.missing")
    data, text = parse_toml(raw, name=name)
    try:
        parsed = PlanFile.model_validate(data)
    except ValidationError as error:
        raise model_faults(error, PlanFile, text, name=name) from None
    lines = key_lines(text)
    faults = list(plan_faults(parsed, extra_layers or {}))
    if faults:
        raise ProjectError(
            [
                Problem(
                    code=f"plan.{code}",
                    severity="fatal",
                    action="stopped",
                    file=name,
                    row=row_of(lines, where),
                    column=where[-1],
                    **more,
                )
                for code, where, more in faults
            ]
        )
    return _plan(parsed)


def _plan(parsed: PlanFile) -> Plan:
    header = parsed.plan.model_dump() | {"period": tuple(parsed.plan.period)}
    return Plan(
        **header,
        indicators=tuple(
            _indicator(name, one, parsed.plan) for name, one in parsed.indicators.items()
        ),
    )


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
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
