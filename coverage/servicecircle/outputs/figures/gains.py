"""What each further site of a siting study adds, and what no choice of as many can pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from servicecircle.messages import Language, label
from servicecircle.outputs.figures.chart import BOUND, FOUND, GUIDE, Chart, drawn, say_note, short
from servicecircle.outputs.figures.fonts import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from servicecircle.results import Results

__all__ = ["gains_chart", "gains_figure"]


def gains_chart(
    results: Results, families: Sequence[str], language: Language, note: str
) -> Chart | None:
    """Return the chart of ``site_gains.csv``; None where there is no siting study.

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
    siting, curve = results.record.get("siting"), results.tables.get("site_gains")
    if not isinstance(siting, Mapping) or curve is None or curve.empty:
        return None
    titles = {one.name: one.zh if language == "zh" else one.en for one in results.layers}
    named = [str(name) for name in siting["layers"]]
    shown = readable([titles.get(name, name) for name in named], named, families)
    mark = "、" if language == "zh" else ", "
    title = label("figure_gains", language).format(layers=short(mark.join(shown), 70))
    people = label(f"figure_{siting['people']}", language)
    png, svg, width = drawn(
        lambda: gains_figure(curve, title=title, people=people, note=note, language=language),
        families,
    )
    last = curve.iloc[-1]
    words = {
        "sites": int(last["number"]),
        "people": people,
        "before": f"{float(curve['covered'].iloc[0]):,.0f}",
        "after": f"{float(last['covered']):,.0f}",
    }
    return Chart(
        name="site_gains",
        kind="gains",
        layer=named[0] if len(named) == 1 else "",
        title=title,
        caption=label("figure_gains_caption", language),
        alt=label("figure_gains_alt", language).format(**words),
        png=png,
        svg=svg,
        width_cm=min(width, 16.5),
    )


def gains_figure(
    curve: pd.DataFrame, *, title: str, people: str, note: str, language: Language
) -> Figure:
    """Return the chart of what each further site adds, by matplotlib's settings of the moment.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns number, covered, bound, share of ``site_gains.csv``; at least one row.
    title, people : str
        Drawn as they are: no mathematics, no markup.
    note : str
        Above the chart.
    language : {"zh", "en"}
        Of the words for the axes.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"number": [0], "covered": [0.0], "bound": [0.0], "share": [0.0]})
    >>> figure = gains_figure(curve, title="", people="People", note="", language="en")
    >>> [line.get_ydata().tolist() for line in figure.axes[0].lines]
    [[0.0], [0.0]]
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.add_subplot()
    covered, share = curve["covered"].to_numpy(float), curve["share"].to_numpy(float)
    lines = (
        ("bound", {"color": BOUND, "linestyle": "--"}),
        ("covered", {"color": FOUND, "marker": "o", "markersize": 3.5}),
    )
    for column, style in lines:
        words = label(f"figure_gains_{column}", language)
        values = curve[column].to_numpy(float)
        axes.plot(curve["number"].to_numpy(), values, label=words, **style)
    axes.set_title(title, loc="left")
    axes.set_xlabel(label("figure_gains_sites", language))
    axes.set_ylabel(people)
    axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=GUIDE, alpha=0.3, linewidth=0.6)
    if covered[-1] > 0.0 and share[-1] > 0.0:
        whole = covered[-1] / share[-1]
        right = axes.secondary_yaxis(
            "right", functions=(lambda value: value / whole, lambda part: part * whole)
        )
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.legend(loc="lower right", frameon=False)
    say_note(figure, note)
    return figure
