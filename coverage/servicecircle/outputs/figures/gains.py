"""Figures for reports, as SVG and PNG: the same bytes for the same values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servicecircle.messages import Language, label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from servicecircle.results import Results

__all__ = ["chart_font", "gains_figure", "write_figures", "write_gains"]

# Families with Chinese letters that systems bring along, the plainest first.
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
    "SimSun",
)
_PLAIN = "DejaVu Sans"
# Blue, vermilion and grey of Okabe and Ito, told apart by colour-blind readers.
_FOUND, _BOUND, _GUIDE = "#0072b2", "#d55e00", "#767676"
_DPI = 150


def chart_font(language: Language) -> tuple[str, Language]:
    """Return a font for charts and the language that it can write.

    Parameters
    ----------
    language : {"zh", "en"}

    Returns
    -------
    family : str
    language : {"zh", "en"}
        English where no font of this machine has Chinese letters: boxes say nothing.

    Examples
    --------
    >>> chart_font("en")
    ('DejaVu Sans', 'en')
    """
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    if language == "zh":
        for family in _CHINESE:
            if family in there:
                return family, "zh"
    return _PLAIN, "en"


def write_figures(results: Results, folder: Path) -> tuple[str, ...]:
    """Write the figures that a run has the tables for, and return their names.

    Parameters
    ----------
    results : Results
    folder : pathlib.Path

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    siting = results.record.get("siting")
    curve = results.tables.get("site_gains")
    if not isinstance(siting, Mapping) or curve is None or curve.empty:
        return ()
    family, language = chart_font(results.language)
    layers = {one.name: one.zh if language == "zh" else one.en for one in results.layers}
    mark = "、" if language == "zh" else ", "
    title = label("figure_gains", language).format(
        layers=mark.join(layers.get(str(name), str(name)) for name in siting["layers"])
    )
    people = label(f"figure_{siting['people']}", language)
    names = tuple(f"site_gains.{form}" for form in ("svg", "png"))
    note = label("output_invented", language) if results.invented else ""
    for name in names:
        write_gains(
            curve,
            folder / name,
            title=title,
            people=people,
            note=note,
            family=family,
            language=language,
        )
    return names


def write_gains(
    curve: pd.DataFrame,
    path: Path,
    *,
    title: str,
    people: str,
    note: str = "",
    family: str = _PLAIN,
    language: Language = "en",
) -> None:
    """Draw what each further site adds, and what no choice of as many can pass.

    Parameters
    ----------
    curve : pandas.DataFrame
        Columns number, covered, bound, share of ``site_gains.csv``; at least one row.
    path : pathlib.Path
        Its ending says the format: ``.svg`` (letters as outlines, no font needed) or ``.png``.
    title, people : str
        Drawn as they are: no mathematics, no markup.
    note : str
        Below the chart.
    family : str
        Of the font.
    language : {"zh", "en"}
        Of the words for the axes.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> curve = pd.DataFrame({"number": [0, 1], "covered": [5.0, 9], "bound": [5.0, 9.5],
    ...                       "share": [0.5, 0.9]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "gains.svg"
    ...     write_gains(curve, path, title="Care homes", people="People")
    ...     path.read_text(encoding="utf-8").startswith("<?xml")
    True
    """
    import matplotlib as mpl

    with mpl.rc_context(_settings(family)):
        figure = gains_figure(curve, title=title, people=people, note=note, language=language)
        # Neither dates nor versions: a file differs only where its values do.
        empty = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
        with warnings.catch_warnings():
            # A name may hold letters that no font has: boxes are drawn, without a warning for each.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(path, metadata=empty)


def _settings(family: str) -> dict[Any, Any]:
    return {
        "font.family": family,
        "svg.hashsalt": "servicecircle",
        "axes.spines.top": False,
        "text.parse_math": False,
    }


def gains_figure(
    curve: pd.DataFrame, *, title: str, people: str, note: str, language: Language
) -> Figure:
    """Return the chart of :func:`write_gains`, drawn by matplotlib's settings of the moment.

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

    figure = Figure(figsize=(7.2, 4.4), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    covered, share = curve["covered"].to_numpy(float), curve["share"].to_numpy(float)
    lines = (
        ("bound", {"color": _BOUND, "linestyle": "--"}),
        ("covered", {"color": _FOUND, "marker": "o", "markersize": 3.5}),
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
    axes.grid(axis="y", color=_GUIDE, alpha=0.3, linewidth=0.6)
    if covered[-1] > 0.0 and share[-1] > 0.0:
        whole = covered[-1] / share[-1]
        right = axes.secondary_yaxis(
            "right", functions=(lambda value: value / whole, lambda part: part * whole)
        )
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.legend(loc="lower right", frameon=False)
    if note:
        figure.supxlabel(note, fontsize="small", color=_GUIDE)
    return figure
