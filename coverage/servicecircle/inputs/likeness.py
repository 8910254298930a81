"""How alike two names of facilities are, whatever their spelling and their kind of service."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["name_key", "name_likeness"]

_NO_WORD = re.compile(r"[\W_]+")
_NUMERALS = re.compile(r"\d+|[一二三四五六七八九十]+")
# What names of one kind have in common says nothing of whether two are the same.
_SERVICES = re.compile(
    "|".join(
        sorted(
            (
                "居家养老服务照料中心",
                "居家养老服务中心",
                "居家养老服务站",
                "社区照顾关怀据点",
                "社區照顧關懷據點",
                "日间照料中心",
                "日間照顧中心",
                "养老服务中心",
                "综合服务中心",
                "社会福利院",
                "社工服务站",
                "社会工作站",
                "有限责任公司",
                "社团法人",
                "社團法人",
                "财团法人",
                "財團法人",
                "股份有限公司",
                "发展协会",
                "發展協會",
                "长期照顾中心",
                "長期照顧中心",
                "长照中心",
                "長照中心",
                "生态安葬点",
                "照料中心",
                "有限公司",
                "老年公寓",
                "老年食堂",
                "儿童之家",
                "护理之家",
                "護理之家",
                "养护中心",
                "養護中心",
                "养老中心",
                "养老公寓",
                "助餐点",
                "社工站",
                "养护院",
                "养老院",
                "養老院",
                "敬老院",
                "护理院",
                "福利院",
                "安养院",
                "安養院",
                "老人院",
                "社区",
                "社區",
                "nursing",
                "center",
                "centre",
                "home",
                "care",
                "ltd",
            ),
            key=len,
            reverse=True,
        )
    )
)
_LONGEST = 48
_PART = 0.8
"""What a name that holds the other one whole counts."""
_BLOCK = 500_000
_SAMPLE = 50_000


def name_key(names: Sequence[str]) -> NDArray[np.object_]:
    """Return names as they are compared: width, case, spaces, marks and brackets taken off.

    臺 and 台 are one letter.

    Parameters
    ----------
    names : sequence of str, length n

    Returns
    -------
    numpy.ndarray of str, shape (n,)

    Examples
    --------
    >>> name_key(["甲院（一期）", " 甲 院(一期)", ""]).tolist()
    ['甲院一期', '甲院一期', '']
    """
    keys = np.empty(len(names), dtype=object)
    keys[:] = [
        _NO_WORD.sub("", unicodedata.normalize("NFKC", name)).casefold().replace("臺", "台")
        for name in names
    ]
    return keys


def name_likeness(
    names: NDArray[np.object_], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how alike pairs of names are, 0 to 1.

    Words for the service and the legal form are left out. The rest is compared by pairs of
    letters, of which each counts the more the fewer of all the names have it, ln(1 + N / n)²: what
    all names of a list begin with says little. Taken is the greater of Sørensen and Dice's measure
    and 0.8 times the share of the one name that the other holds. Names whose numerals differ
    (甲院一部, 甲院二部) are not alike: 0.

    Parameters
    ----------
    names : numpy.ndarray of str, shape (n,)
        All names of the list; at most 50,000 of them, evenly taken, are counted for the weights.
    one, other : numpy.ndarray of int, shape (m,)
        Positions in ``names``.

    Returns
    -------
    numpy.ndarray of float, shape (m,)
        0 where a name is empty.

    Examples
    --------
    >>> given = np.array(["城南老年食堂", "城北老年食堂", "城南食堂（老年食堂）", ""], dtype=object)
    >>> name_likeness(given, np.array([0, 0, 0]), np.array([1, 2, 3])).round(1).tolist()
    [0.3, 0.8, 0.0]
    >>> name_likeness(given, np.array([], int), np.array([], int)).tolist()
    []
    """
    used, number = np.unique(np.concatenate([one, other]), return_inverse=True)
    if not used.size:
        return np.zeros(one.size)
    cores = _cores(names[used])
    numerals = np.array(["|".join(_NUMERALS.findall(core)) for core in cores], dtype=object)
    sample = sorted(set(_cores(names[:: len(names) // _SAMPLE + 1])))
    row, code = _letter_pairs(cores)
    counted, times = np.unique(_letter_pairs(sample)[1], return_counts=True)
    place = np.searchsorted(counted, code).clip(max=counted.size - 1)
    often = np.where(counted[place] == code, times[place], 1) if counted.size else 1
    weight = np.log1p(len(sample) / often) ** 2 * np.ones(code.size)
    column = np.unique(code, return_inverse=True)[1]
    shape = (len(cores), int(column.max(initial=0)) + 1)
    weights = sparse.csr_array((weight, (row, column)), shape=shape)
    holds = sparse.csr_array((np.ones(code.size), (row, column)), shape=shape)
    size = np.asarray(weights.sum(axis=1)).ravel()
    first, second = number[: one.size], number[one.size :]
    likeness = np.zeros(one.size)
    for start in range(0, one.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        left, right = first[part], second[part]
        common = np.asarray(weights[left].multiply(holds[right]).sum(axis=1)).ravel()
        total, least = size[left] + size[right], np.minimum(size[left], size[right])
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.maximum(2 * common / total, _PART * common / least)
        differ = (numerals[left] != numerals[right]) & (numerals[left] != "")
        likeness[part] = np.where((least == 0) | (differ & (numerals[right] != "")), 0.0, found)
    return likeness


def _cores(names: NDArray[np.object_]) -> list[str]:
    """Return the keys of names without the words for a service, unless nothing else is left."""
    return [_SERVICES.sub("", key) or key for key in name_key(names.tolist())]


def _letter_pairs(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and code of the distinct pairs of neighbouring letters, a text's start is one."""
    width = min(max(map(len, texts), default=0), _LONGEST) + 1
    started = [f"\x02{text[: width - 1]}" if text else "" for text in texts]
    block = np.array(started, dtype=f"U{width}").view(np.uint32).reshape(len(texts), width)
    letters = block.astype(np.int64)
    pairs = (letters[:, :-1] << 21) | letters[:, 1:]
    row, column = np.nonzero(letters[:, 1:])
    codes, number = np.unique(pairs[row, column], return_inverse=True)
    cells = np.unique(row * max(codes.size, 1) + number)
    return cells // max(codes.size, 1), codes[cells % max(codes.size, 1)]
