"""Single cells of text: width folded, and which of them hold nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from servicecircle.inputs.text_columns import Bools, distinct, matching, text_array

__all__ = ["MINUS", "empty_cells", "fold_width", "is_empty"]

MINUS = str.maketrans("−–—‐‑", "-----")
"""Signs that are written for a minus, as ``str.translate`` takes them."""

_NO_VALUE = re.compile(
    r"[-—―–−/\\·.…*?]+|无|暂无|没有|暂时?没有|不详|未知|空|未填|nan|null|none|nil|n/a|na|#n/a|<na>",
    re.IGNORECASE,
)
_LONGEST_NO_VALUE = 20
# An ASCII digit, a letter that no word above has, or an ideograph that none of them has: all of
# them are themselves in NFKC, so such a cell surely holds something.
_SURELY_FILLED = (
    "[0-9b-dB-Df-hF-Hj-kJ-Km-mM-Mp-tP-Tv-zV-Z"
    + "".join(
        f"\\x{{{start + 1:x}}}-\\x{{{end - 1:x}}}"
        for start, end in zip(
            [0x4DFF, *sorted(map(ord, "无暂没有时不详未知空填"))],
            [*sorted(map(ord, "无暂没有时不详未知空填")), 0xA000],
            strict=True,
        )
    )
    + "]"
)


def fold_width(text: str) -> str:
    """Return a text with full-width forms made narrow (NFKC) and outer spaces removed.

    Examples
    --------
    >>> fold_width("３３０８０２　")
    '330802'
    """
    return unicodedata.normalize("NFKC", text).strip()


def is_empty(text: str) -> bool:
    """Return whether a cell holds nothing: blank, a dash, a slash, 无, nan and the like.

    Examples
    --------
    >>> [is_empty(text) for text in ("", "—", "－", " / ", "无", "0")]
    [True, True, True, True, True, False]
    """
    if not text or len(text) > _LONGEST_NO_VALUE:
        return not text or not text.strip()
    folded = fold_width(text)
    return not folded or _NO_VALUE.fullmatch(folded) is not None


def empty_cells(texts: Iterable[str]) -> Bools:
    """Return which cells of a column hold nothing, as :func:`is_empty` tells of one.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> empty_cells(["甲院", "—", "", "无", "0"]).tolist(), empty_cells([]).tolist()
    ([False, True, True, True, False], [])
    """
    array = text_array(texts)
    unsure = ~matching(array, _SURELY_FILLED)
    empty = np.zeros(len(array), dtype=bool)
    if unsure.any():
        found, codes = distinct(array.filter(pa.array(unsure)))
        empty[unsure] = np.array([is_empty(text) for text in found], dtype=bool)[codes]
    return empty
