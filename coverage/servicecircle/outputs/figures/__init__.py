"""Figures for reports, as PNG and SVG: the same bytes for the same values.

``choice`` says which services have figures, ``mapping`` (of a ``view``), ``coverage``, ``travel``,
``equity``, ``progress`` and ``gains`` draw one kind each, ``fonts`` and ``chart`` hold what they
share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.messages import label
from servicecircle.outputs.figures.chart import Chart, write_charts
from servicecircle.outputs.figures.choice import chosen_layers, site_layers
from servicecircle.outputs.figures.coverage import coverage_chart
from servicecircle.outputs.figures.equity import lorenz_chart
from servicecircle.outputs.figures.fonts import chart_font, font_families
from servicecircle.outputs.figures.gains import gains_chart
from servicecircle.outputs.figures.mapping import map_chart
from servicecircle.outputs.figures.progress import progress_chart
from servicecircle.outputs.figures.travel import travel_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicecircle.results import LayerInfo, Results

__all__ = ["Chart", "chart_font", "charts", "write_charts"]


def charts(results: Results) -> tuple[Chart, ...]:
    """Return the figures of a run, drawn, in the order of a report.

    How far the targets are reached; a map and the coverage by unit of each layer chosen (see
    :func:`servicecircle.outputs.figures.choice.chosen_layers`); travel times and Lorenz curves of
    these layers; what each site of a siting study adds. What a run has no tables for is left out.

    Parameters
    ----------
    results : Results
    """
    return tuple(chart for chart in _drawn(results) if chart is not None)


def _drawn(results: Results) -> Iterator[Chart | None]:
    families, language = font_families(results.language)
    layers = chosen_layers(results)

    def note(*shown: LayerInfo) -> str:
        invented = results.invented or any(layer.invented for layer in shown)
        return label("output_invented", language) if invented else ""

    yield progress_chart(results, families, language, note(*results.layers))
    for layer in layers:
        yield map_chart(results, layer, families, language, note(layer))
        yield coverage_chart(results, layer, families, language, note(layer))
    if layers:
        yield travel_chart(results, layers, families, language, note(*layers))
        yield lorenz_chart(results, layers, families, language, note(*layers))
    yield gains_chart(results, families, language, note(*site_layers(results)))
