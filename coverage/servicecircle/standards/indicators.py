"""Plan files: the packaged plans and the user's own, read and validated.

The models below are the one description of a plan file. Unknown keys are errors that name the
nearest known one, and all faults of a file are reported together, each with its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

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
    AppliesToTable,
    FilterTable,
    IndicatorTable,
    Location,
    PlanFile,
    PlanTable,
    TargetTable,
    nearest_name,
    plan_faults,
    target_year,
)
from servicecircle.standards.registry import LayerWords

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
        name, raw = path.name, _bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(_fatal("encoding", file=name)) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(_syntax(error, text, name)) from None
    lines = _lines(text)
    try:
        parsed = PlanFile.model_validate(data)
    except ValidationError as error:
        raise ProjectError([_fault(item, lines, name) for item in error.errors()]) from None
    faults = list(plan_faults(parsed, extra_layers or {}))
    if faults:
        raise ProjectError(
            [
                _fatal(code, file=name, row=_row(lines, where), column=where[-1], **more)
                for code, where, more in faults
            ]
        )
    return _plan(parsed)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ProjectError(_fatal("missing", value=str(path))) from None
    except OSError as error:
        reason = {"reason": error.strerror or ""}
        raise ProjectError(_fatal("unreadable", value=str(path), details=reason)) from None


def _fatal(code: str, **where: Any) -> Problem:
    return Problem(code=f"plan.{code}", severity="fatal", action="stopped", **where)


def _syntax(error: tomllib.TOMLDecodeError, text: str, name: str) -> Problem:
    place = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()
    row = int(place[1]) if place else len(lines)
    line = lines[row - 1].strip() if 0 < row <= len(lines) else ""
    if "twice" in str(error) or "overwrite" in str(error):
        return _fatal("duplicate", file=name, row=row, column="indicators", value=line)
    reason = {"reason": str(error)}
    return _fatal("syntax", file=name, row=row, value=line, details=reason)


def _lines(text: str) -> dict[Location, int]:
    """Return the line of every table header, key and inline entry of an array."""
    found: dict[Location, int] = {}
    table: Location = ()
    key: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line):
            table = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            found.setdefault(table, number)
            key = ()
        elif pair := re.match(r"\s*([A-Za-z0-9_\-\"']+)\s*=\s*(.*)", line):
            key = (*table, pair[1].strip("\"'"))
            found.setdefault(key, number)
        if key:
            for _ in range(line.count("{")):
                counts[key] = counts.get(key, -1) + 1
                found.setdefault((*key, str(counts[key])), number)
    return found


def _row(lines: Mapping[Location, int], where: Location) -> int | None:
    for length in range(len(where), 0, -1):
        if where[:length] in lines:
            return lines[where[:length]]
    return None


def _fault(item: Any, lines: Mapping[Location, int], name: str) -> Problem:
    where = tuple(str(part) for part in item["loc"])
    place = {"file": name, "row": _row(lines, where), "column": ".".join(where)}
    if item["type"] == "extra_forbidden":
        known = _known_keys(where[:-1])
        details = {"known": ", ".join(known), "near": nearest_name(where[-1], known)}
        return _fatal("unknown_key", value=where[-1], details=details, **place)
    if item["type"] == "missing":
        return _fatal("missing_key", **place)
    value = "" if isinstance(item["input"], dict | list) else str(item["input"])
    reason = {"reason": item["msg"].removeprefix("Value error, ")}
    return _fatal("bad_value", value=value, details=reason, **place)


def _known_keys(where: Location) -> list[str]:
    inner: dict[str, type[BaseModel]] = {
        "targets": TargetTable,
        "filter": FilterTable,
        "numerator_filter": FilterTable,
        "applies_to": AppliesToTable,
        "alternatives": AlternativeTable,
    }
    model: type[BaseModel] = PlanFile
    if where[:1] == ("plan",):
        model = PlanTable
    elif where[:1] == ("indicators",):
        model = IndicatorTable
    for part in where[2:]:
        model = inner.get(part, model)
    return list(model.model_fields)


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
