"""Colours and marks of maps: told apart by colour-blind readers, never by colour alone."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "LAYER_COLOURS",
    "LAYER_SHAPES",
    "NO_DATA_COLOUR",
    "PHASE_COLOURS",
    "PRESENCE_COLOURS",
    "RATE_BREAKS",
    "RATE_COLOURS",
    "VERDICT_COLOURS",
    "VERDICT_FILLS",
    "VERDICT_SIGNS",
    "layer_colour",
    "layer_marks",
    "layer_shape",
    "rate_class",
]

RATE_BREAKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Borders of the classes of coverage rates, as shares; the lower border belongs to its class."""

# ColorBrewer's YlGnBu: one run of lightness, safe for all common kinds of colour blindness.
RATE_COLOURS = ("#fff7c9", "#b9e0ba", "#62bfc4", "#3a87bf", "#2b4b9b")
PRESENCE_COLOURS = ("#fff7c9", "#3a87bf")
NO_DATA_COLOUR = "#c9ccd1"

# All dark enough for white letters (contrast of at least 4.5).
LAYER_COLOURS = (
    "#b3400a",
    "#7a1f8b",
    "#0a6b58",
    "#a3124f",
    "#5b4a00",
    "#1d4f9e",
    "#5a3a2e",
    "#3d5a12",
    "#4a3aa0",
    "#444b54",
)

LAYER_SHAPES = ("circle", "square", "diamond", "hexagon", "house", "shield")
"""Outlines of the icons of facilities, which tell layers apart without colour."""

PHASE_COLOURS = ("#16202c", "#1d4f9e", "#7a1f8b", "#0a6b58", "#a3124f", "#5b4a00")
"""Of new sites by phase: dark enough for white numbers, apart for colour-blind readers."""

VERDICT_COLOURS = {
    "met": "#0a6b3d",
    "not_met": "#b01c2e",
    "undecided": "#8a5a00",
    "no_data": "#5f6670",
    "not_applicable": "#5f6670",
    "not_due": "#2f5d9b",
    "no_target": "#5f6670",
}
# Pale kin of Okabe and Ito's blue, vermilion and yellow, which colour-blind readers tell apart.
VERDICT_FILLS = {
    "met": ("#BFE0F2", "#0B4A6F"),
    "not_met": ("#F7C9A9", "#7A2400"),
    "undecided": ("#FFF3B0", "#5E4B00"),
    "no_data": ("#E9EBEE", "#4C535B"),
    "not_applicable": ("#E9EBEE", "#4C535B"),
    "not_due": ("#FFFFFF", "#2F5D9B"),
    "no_target": ("#E9EBEE", "#4C535B"),
}
"""Of cells: their ground and their letters."""
VERDICT_SIGNS = {
    "met": "✔",
    "not_met": "✘",
    "undecided": "?",
    "no_data": "–",
    "not_applicable": "–",
    "not_due": "◷",
    "no_target": "○",
}

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def rate_class(rate: float) -> int | None:
    """Return the class of a coverage rate, 0 to 4, or None where there is no rate.

    Parameters
    ----------
    rate : float
        Share from 0 to 1; NaN for no data.

    Examples
    --------
    >>> [rate_class(rate) for rate in (0.0, 0.19999, 0.2, 1.0)]
    [0, 0, 1, 4]
    >>> rate_class(float("nan")) is None
    True
    """
    if not rate >= 0:
        return None
    return min(sum(rate >= lower for lower in RATE_BREAKS[1:-1]), len(RATE_COLOURS) - 1)


def layer_colour(index: int) -> str:
    """Return the colour of the layer at a position of the project file; colours repeat after ten.

    Examples
    --------
    >>> layer_colour(0) == layer_colour(10)
    True
    """
    return LAYER_COLOURS[index % len(LAYER_COLOURS)]


def layer_shape(index: int) -> str:
    """Return the outline of the icons of the layer at a position of the project file.

    With :func:`layer_colour` sixty layers differ before a pair comes again: each thirty the
    outlines move on by one, which no colour and outline of the thirty before had together.

    Examples
    --------
    >>> layer_shape(0), layer_shape(30)
    ('circle', 'square')
    >>> len({(layer_colour(index), layer_shape(index)) for index in range(60)})
    60
    """
    return LAYER_SHAPES[(index + index // 30) % len(LAYER_SHAPES)]


def layer_marks(titles: Iterable[str]) -> list[str]:
    """Return one character for each layer, taken from its title where that is free.

    Parameters
    ----------
    titles : iterable of str

    Returns
    -------
    list of str
        One letter or ideograph each, different while the alphabet lasts.

    Examples
    --------
    >>> layer_marks(["养老机构", "老年食堂", "养老床位", "<!>"])
    ['养', '老', '床', 'A']
    >>> layer_marks([])
    []
    """
    marks: list[str] = []
    for number, title in enumerate(titles):
        own = [char.upper() for char in title if char.isalpha() and len(char.upper()) == 1]
        free = (char for char in (*own, *_LETTERS) if char not in marks)
        marks.append(next(free, str((number + 1) % 10)))
    return marks
