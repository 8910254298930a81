"""Names of units as lists write them, matched with the units of the project."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["named_in", "plain_name", "stated_pairs", "stem"]

_SUFFIX = re.compile(
    r"(街道办事处|街道|社区居民委员会|社区居委会|居民委员会|村民委员会|居委会|村委会|社区|社區"
    r"|镇|鎮|乡|鄉|区|區|县|縣|市|村|里)$"
)


def plain_name(name: str) -> str:
    """Return a name without spaces, of one width and case.

    Examples
    --------
    >>> plain_name("阳光 Ｈome"), plain_name("")
    ('阳光home', '')
    """
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).casefold()


def stem(name: str) -> str:
    """Return the name of a unit without the word for its kind.

    Examples
    --------
    >>> stem("古美路街道"), stem("石门镇"), stem("城区"), stem("")
    ('古美路', '石门', '城区', '')
    """
    plain = plain_name(name)
    short = _SUFFIX.sub("", plain)
    return short if len(short) > 1 else plain


def named_in(texts: Sequence[str], *, names: Sequence[str]) -> NDArray[np.object_]:
    """Return the unit that each text names in full, the longest of several; "" where none.

    Parameters
    ----------
    texts : sequence of str, length n
        Such as addresses.
    names : sequence of str
        Of the units; names of a single character are passed over.

    Examples
    --------
    >>> named_in(["某市石门镇1号", "乙路"], names=["石门镇", "镇"]).tolist()
    ['石门镇', '']
    """
    wanted = sorted({name for name in names if len(name) > 1}, key=lambda name: (-len(name), name))
    found = np.full(len(texts), "", dtype=object)
    if wanted:
        pattern = re.compile("|".join(map(re.escape, wanted)))
        for row, text in enumerate(texts):
            named = pattern.findall(text)
            found[row] = max(named, key=len) if named else ""
    return found


def stated_pairs(
    stated: Sequence[str] | NDArray[np.object_],
    *,
    names: Sequence[str],
    codes: Sequence[str],
) -> NDArray[np.int64]:
    """Return the units that each row may mean: of its name or code, else of the stem of its name.

    Parameters
    ----------
    stated : sequence of str, length n
        Name or code of the unit of each row, "" where not given.
    names, codes : sequence of str, length k
        Of the units.

    Returns
    -------
    numpy.ndarray of int64, shape (p, 2)
        Row and unit, ascending.

    Examples
    --------
    >>> stated_pairs(["石门", "", "02"], names=["石门镇", "乙镇"], codes=["01", "02"]).tolist()
    [[0, 0], [2, 1]]
    >>> stated_pairs([], names=["石门镇"], codes=[""]).shape
    (0, 2)
    """
    rows = pd.DataFrame({"stated": pd.Series([str(item) for item in stated], dtype="str")})
    rows["row"] = np.arange(len(rows))
    rows = rows[rows["stated"] != ""]
    units = pd.DataFrame(
        {
            "unit": np.arange(len(names)),
            "name": pd.Series([str(name) for name in names], dtype="str"),
            "code": pd.Series([str(code) for code in codes], dtype="str"),
            "stem": pd.Series([stem(str(name)) for name in names], dtype="str"),
        }
    )
    distinct = rows["stated"].unique()
    keys = pd.DataFrame(
        {
            "stated": pd.Series(distinct, dtype="str"),
            "stem": pd.Series([stem(name) for name in distinct], dtype="str"),
        }
    )
    by_name = keys.merge(units, left_on="stated", right_on="name")
    by_code = keys.merge(units, left_on="stated", right_on="code")
    exact = pd.concat([by_name, by_code])
    rest = keys[~keys["stated"].isin(exact["stated"])]
    fuzzy = rest[rest["stem"] != ""].merge(units, on="stem")
    pairs = pd.concat([exact, fuzzy])[["stated", "unit"]].merge(rows, on="stated")
    both = pairs[["row", "unit"]].to_numpy(np.int64).reshape(-1, 2)
    return np.asarray(np.unique(both, axis=0), dtype=np.int64)
