"""How many people reach a service within so many minutes: curves of travel time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.messages import Language, label
from servicecircle.outputs.figures.chart import GUIDE, LINES, Chart, drawn, say_note
from servicecircle.outputs.figures.choice import layer_title
from servicecircle.outputs.figures.fonts import readable
from servicecircle.outputs.figures.people import people_of, travel_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from servicecircle.results import LayerInfo, Results

__all__ = ["Curve", "travel_chart", "travel_curves", "travel_figure"]

_SLACK = 1e-6
_STEPS = 240
_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The share of people within a time or a distance.

    Parameters
    ----------
    title : str
        Of the layer.
    at : numpy.ndarray of float
        Minutes, or metres in a straight line.
    share : numpy.ndarray of float
        Of all people, those without a number included, from 0 to 1.
    """

    title: str
    at: np.ndarray
    share: np.ndarray


def travel_curves(
    results: Results, layers: Sequence[LayerInfo], titles: Sequence[str]
) -> tuple[list[Curve], bool]:
    """Return a curve for each layer that ways were measured to.

    Parameters
    ----------
    results : Results
    layers : sequence of LayerInfo
    titles : sequence of str
        As they are to be written.

    Returns
    -------
    curves : list of Curve
        Up to twice the longest time (or distance) of the rules.
    on_network : bool
        False: metres in a straight line, as there are no roads.
    """
    people = people_of(results)
    if people is None:
        return [], True
    on_network = any(layer.on_network for layer in layers)
    longest = max(results.minutes if on_network else results.metres)
    at = np.linspace(0.0, 2.0 * longest, _STEPS + 1)
    limits = at * (_MINUTE if on_network else 1.0) + _SLACK
    curves = []
    for layer, title in zip(layers, titles, strict=True):
        ways = travel_of(results, layer) if layer.on_network == on_network else None
        if ways is None:
            continue
        values = ways["seconds" if on_network else "straight_metres"].to_numpy(float)
        known = np.isfinite(values)
        # The first limit that a point is within; one beyond them all is in none.
        first = np.searchsorted(limits, values[known], side="left")
        within = np.bincount(first, people.weights[known], minlength=limits.size + 1)
        share = np.cumsum(within[: limits.size]) / people.weights.sum()
        curves.append(Curve(title=title, at=at, share=share))
    return curves, on_network


def travel_chart(
    results: Results,
    layers: Sequence[LayerInfo],
    families: Sequence[str],
    language: Language,
    note: str,
) -> Chart | None:
    """Return the chart of travel times; None without people or ways.

    Parameters
    ----------
    results : Results
    layers : sequence of LayerInfo
        The first six are shown.
    families : sequence of str
        Fonts.
    language : {"zh", "en"}
        Of the words.
    note : str
        Above the chart; may be empty.
    """
    layers = layers[: len(LINES)]
    titles = readable(
        [layer_title(layer, language) for layer in layers],
        [layer.name for layer in layers],
        families,
        most=44,
    )
    curves, on_network = travel_curves(results, layers, titles)
    people = people_of(results)
    if not curves or people is None:
        return None
    who = label(f"figure_people_{people.name}", language)
    title = label("figure_travel" if on_network else "figure_straight", language).format(people=who)
    marks = results.minutes if on_network else results.metres
    png, svg, width = drawn(
        lambda: travel_figure(
            curves, marks, title=title, note=note, on_network=on_network, language=language
        ),
        families,
    )
    usual = marks[-1]
    unit = label("figure_minutes" if on_network else "figure_metres", language)
    each = [
        f"{curve.title} {np.interp(usual, curve.at, curve.share) * 100.0:.1f} %" for curve in curves
    ]
    mark = "；" if language == "zh" else "; "
    return Chart(
        name="travel_time",
        kind="travel_time",
        layer="",
        title=title,
        caption=label("figure_travel_caption", language).format(people=who),
        alt=label("figure_travel_alt", language).format(
            limit=f"{usual:g}", unit=unit, people=who, each=mark.join(each)
        ),
        png=png,
        svg=svg,
        width_cm=min(width, 16.5),
    )


def travel_figure(
    curves: Sequence[Curve],
    marks: Sequence[float],
    *,
    title: str,
    note: str,
    on_network: bool,
    language: Language,
) -> Figure:
    """Return the curves, by matplotlib's settings of the moment.

    Parameters
    ----------
    curves : sequence of Curve
        At most six.
    marks : sequence of float
        Minutes or metres of the rules: upright lines.
    title, note : str
    on_network : bool
    language : {"zh", "en"}

    Examples
    --------
    >>> curve = Curve(title="A", at=np.array([0.0, 5.0]), share=np.array([0.0, 0.5]))
    >>> figure = travel_figure([curve], [5.0], title="", note="", on_network=True, language="en")
    >>> figure.axes[0].lines[-1].get_ydata().tolist()
    [0.0, 0.5]
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for mark in marks:
        axes.axvline(mark, color=GUIDE, linewidth=0.8, linestyle=":")
    for curve, (colour, dash) in zip(curves, LINES, strict=False):
        axes.plot(
            curve.at, curve.share, color=colour, linestyle=dash, linewidth=1.9, label=curve.title
        )
    axes.set_title(title, loc="left")
    last = float(curves[0].at[-1])
    axes.set_xlim(0.0, last)
    axes.set_ylim(0.0, 1.02)
    axes.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [f"{tick} %" for tick in range(0, 101, 20)])
    axes.set_xticks(sorted({0.0, *marks, last}))
    axes.set_xlabel(label("figure_travel_x" if on_network else "figure_straight_x", language))
    axes.grid(axis="y", color=GUIDE, alpha=0.3, linewidth=0.6)
    figure.legend(loc="outside lower left", ncols=3, frameon=False, handlelength=3.2)
    say_note(figure, note)
    return figure
