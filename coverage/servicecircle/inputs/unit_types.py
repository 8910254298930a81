"""Types of units and what is urban: as a source writes them, else as their names end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["unit_types", "urban_by_type"]

# What sources write for the types of units, in lower case, and how names of untyped ones end.
_TYPE_WORDS = {
    "village_level": {
        **dict.fromkeys(
            ("community", "社区", "居委会", "居民委员会", "社区居委会", "社区居民委员会", "居"),
            "community",
        ),
        **dict.fromkeys(
            ("village", "村", "行政村", "建制村", "村委会", "村民委员会", "嘎查"), "village"
        ),
    },
    "township": {
        **dict.fromkeys(("subdistrict", "街道", "街道办事处"), "subdistrict"),
        **dict.fromkeys(("town", "镇", "建制镇"), "town"),
        **dict.fromkeys(("township", "乡", "民族乡", "苏木"), "township"),
    },
}
_TYPE_ENDINGS = {
    "village_level": {
        **dict.fromkeys(("社区", "居委会", "居民委员会"), "community"),
        **dict.fromkeys(("村", "村委会", "村民委员会", "嘎查"), "village"),
    },
    "township": {
        "街道": "subdistrict",
        "街道办事处": "subdistrict",
        "镇": "town",
        "乡": "township",
        "苏木": "township",
    },
}
_URBAN = {
    "community": True,
    "village": False,
    "subdistrict": True,
    "town": False,
    "township": False,
}


def unit_types(
    given: NDArray[np.object_], table: pd.DataFrame, level: str, default: str
) -> NDArray[np.object_]:
    """Return the type of each unit: as given, in our word for it, else by how the name ends.

    Parameters
    ----------
    given : numpy.ndarray of str, shape (n,)
        As the source writes it, "" where it does not.
    table : pandas.DataFrame
        name, should_have; n rows.
    level : str
    default : str
        For units that should have something and whose name does not tell.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["双塔街道", "四都镇", "林场"], "should_have": True})
    >>> unit_types(np.array(["", "建制镇", ""]), table, "township", "").tolist()
    ['subdistrict', 'town', '']
    """
    words = _TYPE_WORDS.get(level, {})
    endings = _TYPE_ENDINGS.get(level, {})
    types = []
    for text, name, should_have in zip(given, table["name"], table["should_have"], strict=True):
        kind = words.get(str(text).lower(), str(text))
        if not kind:
            kind = next((one for end, one in endings.items() if name.endswith(end)), "")
        types.append(kind or (default if should_have else ""))
    return np.array(types, dtype=object)


def urban_by_type(types: pd.Series) -> pd.Series:
    """Return whether units are urban by their type, missing where it does not tell.

    Examples
    --------
    >>> urban_by_type(pd.Series(["community", "village", ""])).tolist()
    [True, False, <NA>]
    """
    urban = [_URBAN.get(kind) for kind in types]
    return pd.Series(urban, index=types.index, dtype="boolean")
