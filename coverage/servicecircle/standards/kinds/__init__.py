"""The kinds of indicators. To add one, write its ``measure`` and add a row to :data:`KINDS`."""

from __future__ import annotations

from types import MappingProxyType

from servicecircle.standards.kinds.base import Kind, Measured, Study
from servicecircle.standards.kinds.count import measure_count
from servicecircle.standards.kinds.phasing import measure_phasing
from servicecircle.standards.kinds.presence_per_unit import measure_presence
from servicecircle.standards.kinds.ratio import measure_ratio
from servicecircle.standards.kinds.travel import measure_distance, measure_travel_time

__all__ = ["KINDS", "Kind", "Measured", "Study"]

_FILTERS = ("filter", "numerator_filter")

KINDS = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                name="presence_per_unit",
                zh="单元覆盖",
                en="presence per unit",
                measure=measure_presence,
                requires=("threshold",),
                forbids=("numerator_filter", "basket", "distance", "profile", "flow_of"),
                counts_units=True,
            ),
            Kind(
                name="count",
                zh="数量",
                en="count",
                measure=measure_count,
                forbids=("numerator_filter", "basket", "distance", "profile", "denominator"),
                total=True,
            ),
            Kind(
                name="distance",
                zh="距离",
                en="distance",
                measure=measure_distance,
                requires=("threshold", "distance"),
                forbids=(*_FILTERS, "also", "basket", "flow_of"),
                travels=True,
            ),
            Kind(
                name="travel_time",
                zh="时间",
                en="travel time",
                measure=measure_travel_time,
                requires=("threshold",),
                forbids=(*_FILTERS, "also", "distance", "flow_of"),
                travels=True,
            ),
            Kind(
                name="share",
                zh="占比",
                en="share",
                measure=measure_ratio,
                requires=("numerator", "denominator"),
                forbids=("basket", "distance", "profile"),
            ),
            Kind(
                name="capacity_ratio",
                zh="容量比",
                en="capacity ratio",
                measure=measure_ratio,
                requires=("numerator", "denominator"),
                forbids=("basket", "distance", "profile", "flow_of"),
            ),
            Kind(
                name="area_ratio",
                zh="面积比",
                en="area ratio",
                measure=measure_ratio,
                requires=("numerator", "denominator"),
                forbids=("basket", "distance", "profile", "flow_of"),
            ),
            Kind(
                name="phasing",
                zh="分期",
                en="phasing",
                measure=measure_phasing,
                requires=("threshold",),
                forbids=("numerator_filter", "basket", "distance", "profile", "flow_of"),
                counts_units=True,
            ),
        )
    }
)
