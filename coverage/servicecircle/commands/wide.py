"""Text in a terminal, where a Chinese character is as wide as two Latin letters."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["pad", "width", "wrap"]

# What may not begin a line stays with what stands before it.
_CLOSING = "，。、；：！？）】》」』”’…·%‰,.;:!?)]"
# Spaces; a word, or a single character, with the brackets that open it.
_PIECES = re.compile(
    r"\s+|[（【《「『“‘]*(?:[^\s\u2e80-\u9fff\uf900-\uffef“”‘’…·]+|[^\s（【《「『“‘])|[（【《「『“‘]+"
)


def width(text: str) -> int:
    """Return how many cells of a terminal a text takes.

    Examples
    --------
    >>> width("abc"), width("乡镇 2"), width("")
    (3, 6, 0)
    """
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def pad(text: str, cells: int) -> str:
    """Return a text filled with spaces to a width; a wider one stays as it is.

    Examples
    --------
    >>> pad("目标", 6) + "|", pad("target", 3) + "|"
    ('目标  |', 'target|')
    """
    return text + " " * max(0, cells - width(text))


def wrap(text: str, cells: int, *, indent: str = "") -> str:
    r"""Return a text broken into lines of at most so many cells, the later ones indented.

    Lines break at spaces and between Chinese characters, never before closing punctuation, which
    may hang over, nor behind an opening bracket. A longer word has a line of its own.

    Parameters
    ----------
    text : str
    cells : int
        Of each line, the indent included; the first line has room for the indent left out.
    indent : str

    Examples
    --------
    >>> wrap("按乡镇（街道）评价，社区另计。", 20, indent="  ")
    '按乡镇（街道）评价，\n  社区另计。'
    >>> wrap("", 20)
    ''
    """
    lines: list[str] = []
    line = ""
    room = max(1, cells - width(indent))
    for piece in _PIECES.findall(text):
        joins = piece.isspace() or (line and piece in _CLOSING)
        if line and not joins and width((line + piece).rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    if line.strip():
        lines.append(line.rstrip())
    return f"\n{indent}".join(lines)
