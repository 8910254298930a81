"""A finished chart, and how it becomes bytes: the same ones for the same values."""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from servicecircle.outputs.folder import write_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BOUND",
    "FOUND",
    "GUIDE",
    "INK",
    "LINES",
    "Chart",
    "drawn",
    "say_note",
    "short",
    "write_charts",
]

# Blue, vermilion and grey of Okabe and Ito, told apart by colour-blind readers.
FOUND, BOUND, GUIDE, INK = "#0072b2", "#d55e00", "#767676", "#1e242b"
# Okabe and Ito again, each line with a dash of its own: never told apart by colour alone.
LINES: tuple[tuple[str, Any], ...] = (
    ("#0072b2", "-"),
    ("#d55e00", (0, (5, 2))),
    ("#009e73", (0, (1, 1.2))),
    ("#cc79a7", (0, (6, 1.5, 1, 1.5))),
    ("#56b4e9", (0, (3, 1.2, 1, 1.2, 1, 1.2))),
    ("#a07a00", (0, (8, 2))),
)
_DPI = 150
_CM = 2.54

Kind = Literal["map", "coverage", "travel_time", "lorenz", "gains", "progress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure of a run, drawn.

    Parameters
    ----------
    name : str
        Stem of its files; letters, digits and ``_`` alone.
    kind : {"map", "coverage", "travel_time", "lorenz", "gains", "progress"}
    layer : str
        Facility layer that it is about; "" for several.
    title, caption, alt : str
        Heading, sentences for below it, and alternative text with the main numbers.
    png, svg : bytes
    width_cm : float
        To be placed at, at most 16.5.
    """

    name: str
    kind: Kind
    layer: str
    title: str
    caption: str
    alt: str
    png: bytes
    svg: bytes
    width_cm: float


def settings(families: Sequence[str]) -> dict[Any, Any]:
    """Return matplotlib's settings for a chart: fonts, no mathematics, ids that do not change.

    Examples
    --------
    >>> settings(["DejaVu Sans"])["text.parse_math"]
    False
    """
    return {
        "font.family": list(families),
        "svg.hashsalt": "servicecircle",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titleweight": "normal",
        "axes.labelsize": 9.5,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.5,
        "axes.edgecolor": GUIDE,
        "axes.labelcolor": INK,
        "text.color": INK,
        "text.parse_math": False,
    }


def drawn(draw: Callable[[], Figure], families: Sequence[str]) -> tuple[bytes, bytes, float]:
    """Draw a figure once and return it as PNG and SVG, with its width in centimetres.

    Parameters
    ----------
    draw : callable
        Returns the figure; called under matplotlib's settings for charts.
    families : sequence of str
        Fonts, the first that has a letter writes it.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> png, svg, width = drawn(lambda: Figure(figsize=(1, 1)), ["DejaVu Sans"])
    >>> png[1:4], svg[:5], width
    (b'PNG', b'<?xml', 2.54)
    """
    import matplotlib as mpl

    with mpl.rc_context(settings(families)), warnings.catch_warnings():
        # What no font can write was taken out of names; this is for letters that nobody foresaw.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = draw()
        images = []
        # Neither dates nor versions: a file differs only where its values do.
        for form, nothing in (
            ("png", {"Software": None}),
            ("svg", {"Date": None, "Creator": None}),
        ):
            file = io.BytesIO()
            figure.savefig(file, format=form, dpi=_DPI, metadata=nothing)
            images.append(file.getvalue())
            # Everything has its place now: it need not be found again.
            figure.set_layout_engine("none")
        return images[0], images[1], round(float(figure.get_figwidth()) * _CM, 2)


def say_note(figure: Figure, note: str) -> None:
    """Write a note above all else, such as that the data are invented; nothing where it is empty.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> say_note(figure, "invented")
    >>> figure.get_suptitle()
    'invented'
    """
    if note:
        figure.suptitle(note, fontsize=8, color=BOUND, x=0.99, ha="right")


def write_charts(charts: Iterable[Chart], folder: Path) -> tuple[str, ...]:
    """Write charts into ``figures/`` of a folder and return the names of the files.

    Parameters
    ----------
    charts : iterable of Chart
    folder : pathlib.Path
        Of the run; without charts nothing is made in it.

    Raises
    ------
    OutputError
        If a file cannot be written.

    Examples
    --------
    >>> write_charts([], Path("nowhere"))
    ()
    """
    names: list[str] = []
    for chart in charts:
        for form, data in (("svg", chart.svg), ("png", chart.png)):
            path = folder / "figures" / f"{chart.name}.{form}"
            try:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
            except OSError as error:
                raise write_error(error, path) from error
            names.append(f"figures/{path.name}")
    return tuple(names)


def short(text: str, most: int) -> str:
    r"""Return a text on one line, without control characters and marks of direction, cut.

    Examples
    --------
    >>> short("望湖\n\u202e街道", 20), short("a" * 9, 4)
    ('望湖 街道', 'aaa…')
    """
    line = " ".join(text.split())
    plain = "".join(letter for letter in line if unicodedata.category(letter)[0] != "C")
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
