"""Kinds that are described but not evaluated yet: they name the inputs they would need."""

from __future__ import annotations

from servicecircle.standards.kinds.base import Measured, Study, not_measured
from servicecircle.standards.plan import Indicator

__all__ = ["measure_later"]


def measure_later(indicator: Indicator, study: Study, year: int | None) -> Measured:  # noqa: ARG001 - the signature of every kind
    """Say that the kind is not evaluated yet, and which inputs the indicator would need.

    Those are the boundaries of a level that has to be drawn, the scope's polygon, the inputs of
    numerator and denominator, and what the plan file names under ``needs``.
    """
    needed = [f"kind {indicator.kind}"]
    if not study.registry.levels[indicator.level].administrative:
        needed.append(f"[boundaries.{indicator.level}]")
    if study.registry.scopes[indicator.scope].polygon:
        needed.append(f"[boundaries.{indicator.scope}]")
    needed += [
        study.registry.quantities[name].needs.format(layer=indicator.layer)
        for name in (indicator.numerator, indicator.denominator)
        if name
    ]
    if indicator.needs:
        needed.append(indicator.needs)
    return not_measured(*needed, notes=(study.note("kind_later", kind=indicator.kind),))
