"""How far each target of the plans is reached: sorted bars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.messages import Language, label
from servicecircle.outputs.figures.chart import BOUND, FOUND, GUIDE, INK, Chart, drawn, say_note
from servicecircle.outputs.figures.fonts import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from servicecircle.results import Results

__all__ = ["Reached", "progress_chart", "progress_figure", "reached_parts"]

MOST_BARS = 24
"""With more targets only those that are farthest from being reached are shown."""

_MOST_SHARE = 1.0
_SLACK = 1e-6
_COLOURS = {"met": FOUND, "not_met": BOUND, "undecided": "#e0b000"}
_HATCHES = {"met": "", "not_met": "///", "undecided": "..."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Which part of its target each indicator reaches, the farthest from it first.

    Parameters
    ----------
    names, ids, verdicts : list of str
    parts : numpy.ndarray of float
        Value ÷ target, of targets where less is better target ÷ value; at most 1.
    met : int
        Targets that are met, among all that were judged.
    judged : int
    """

    names: list[str]
    ids: list[str]
    verdicts: list[str]
    parts: np.ndarray
    met: int
    judged: int


def reached_parts(results: Results) -> Reached | None:
    """Return how far the headline targets of the plans that bind are reached.

    Those judged met, not met or undecided, with a value; None where there are none.

    Parameters
    ----------
    results : Results
    """
    table = results.scorecard
    if "headline" not in table or "progress" not in results.tables:
        return None
    rows = table[
        table["headline"].to_numpy(bool)
        & table["governing"].to_numpy(bool)
        & table["verdict"].isin(list(_COLOURS))
        & table["value"].notna()
        & (table["target"] > 0.0)
    ]
    if not len(rows):
        return None
    key = ["plan", "indicator_id", "alternative"]
    told = results.tables["progress"][[*key, "operator"]]
    rows = rows.merge(told.drop_duplicates(key), on=key, how="left")
    value, target = rows["value"].to_numpy(float), rows["target"].to_numpy(float)
    less = (rows["operator"] == "at_most").to_numpy(bool)
    above = np.where(less, target, value)
    below = np.where(less, value, target)
    parts = np.ones(len(rows))
    np.divide(above, below, out=parts, where=below > 0.0)
    parts = parts.clip(0.0, _MOST_SHARE)
    order = np.lexsort((np.arange(len(rows)), parts))
    rows = rows.iloc[order]
    name = "name_zh" if results.language == "zh" else "name_en"
    return Reached(
        names=rows[name].fillna("").astype(str).tolist(),
        ids=rows["indicator_id"].astype(str).tolist(),
        verdicts=rows["verdict"].astype(str).tolist(),
        parts=parts[order],
        met=int((rows["verdict"] == "met").sum()),
        judged=len(rows),
    )


def progress_chart(
    results: Results, families: Sequence[str], language: Language, note: str
) -> Chart | None:
    """Return the chart of how far targets are reached; None without judged targets.

    Parameters
    ----------
    results : Results
    families : sequence of str
        Fonts.
    language : {"zh", "en"}
        Of the words.
    note : str
        Above the chart; may be empty.
    """
    found = reached_parts(results)
    if found is None:
        return None
    names = readable(found.names, found.ids, families, most=46 if language == "en" else 22)
    title = label("figure_progress", language)
    png, svg, width = drawn(
        lambda: progress_figure(found, names, title=title, note=note, language=language),
        families,
    )
    told = [label("figure_progress_caption", language)]
    # Cut, not rounded: 99.7 % of a target must not look like all of it.
    least = math.floor(found.parts[0] * 100.0 + _SLACK)
    if len(names) > MOST_BARS:
        told.append(
            label("figure_progress_more", language).format(shown=MOST_BARS, count=len(names))
        )
    return Chart(
        name="progress",
        kind="progress",
        layer="",
        title=title,
        caption=("" if language == "zh" else " ").join(told),
        alt=label("figure_progress_alt", language).format(
            judged=found.judged, met=found.met, worst=names[0], part=f"{least}%"
        ),
        png=png,
        svg=svg,
        width_cm=min(width, 16.5),
    )


def progress_figure(
    found: Reached, names: Sequence[str], *, title: str, note: str, language: Language
) -> Figure:
    """Return the bars, by matplotlib's settings of the moment.

    Parameters
    ----------
    found : Reached
    names : sequence of str
        As they are to be written.
    title, note : str
    language : {"zh", "en"}

    Examples
    --------
    >>> found = Reached(names=["A"], ids=["a"], verdicts=["met"], parts=np.array([1.0]), met=1,
    ...                 judged=1)
    >>> figure = progress_figure(found, ["A"], title="", note="", language="en")
    >>> [float(patch.get_width()) for patch in figure.axes[0].patches]
    [1.0]
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    count = min(len(names), MOST_BARS)
    figure = Figure(figsize=(7.0, 1.35 + 0.235 * max(count, 2)), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(count)
    verdicts = found.verdicts[:count]
    bars = axes.barh(
        places, found.parts[:count], height=0.68, color=[_COLOURS[one] for one in verdicts]
    )
    for bar, one in zip(bars, verdicts, strict=True):
        if _HATCHES[one]:
            bar.set_hatch(_HATCHES[one])
            bar.set_edgecolor("#ffffff")
            bar.set_linewidth(0.0)
    axes.axvline(1.0, color=INK, linewidth=1.2, linestyle="--")
    axes.set_yticks(places, list(names[:count]))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlim(0.0, 1.06)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.grid(axis="x", color=GUIDE, alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.set_title(title, loc="left", x=0.0)
    axes.set_xlabel(label("figure_progress_x", language))
    handles = [
        Patch(
            facecolor=_COLOURS[one],
            hatch=_HATCHES[one],
            edgecolor="#ffffff",
            label=label(f"figure_verdict_{one}", language),
        )
        for one in ("met", "undecided", "not_met")
        if one in verdicts
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False)
    say_note(figure, note)
    return figure
