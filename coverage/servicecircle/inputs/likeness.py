"""How alike two names of facilities are, whatever their spelling and their kind of service."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from servicecircle.inputs.text_columns import matching, text_array, text_objects
from servicecircle.inputs.titles import traditional_forms

__all__ = ["folded_names", "has_key", "name_key", "name_likeness"]

Array = Any
"""pyarrow.Array of large_string; pyarrow ships no types."""

_NO_WORD = re.compile(r"[\W_]+")
# What stands in its own key: digits, small letters, ideographs of the first Unicode without 臺.
_LEFT_AS_IT_IS = r"^[0-9a-z\x{4e00}-\x{81f9}\x{81fb}-\x{9fa5}]*$"
# Of these the compatibility forms, the cases and which are letters are the same in all versions
# of Unicode, so that Arrow and Python agree: ASCII, the wide forms of it, brackets, ideographs.
_AGREED = r"^[\x20-\x7e\x{3000}-\x{3002}\x{3008}-\x{3011}\x{4e00}-\x{9fa5}\x{ff01}-\x{ff5e}]*$"
_NO_AGREED_WORD = r"[^0-9A-Za-z\x{4e00}-\x{9fa5}]+"
_SURE_WORD = r"[0-9A-Za-z\x{4e00}-\x{9fa5}]"
_SURE_NUMERAL = "[0-9一二三四五六七八九十]"
_NUMERALS = re.compile(r"\d+|[一二三四五六七八九十]+")
# What names of one kind have in common says nothing of whether two are the same.
_SERVICES = "|".join(
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
_LONGEST = 48
_START = 2
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
    return text_objects(folded_names(names))


def folded_names(names: Iterable[str]) -> Array:
    """Return the keys of names, see :func:`name_key`, as an Arrow array.

    Parameters
    ----------
    names : iterable of str, length n
        A pandas column of text or an Arrow array among them.

    Returns
    -------
    pyarrow.Array of large_string, length n

    Examples
    --------
    >>> folded_names(["台北Ａ院", "臺北_a院"]).to_pylist(), len(folded_names([]))
    (['台北a院', '台北a院'], 0)
    """
    array = text_array(names)
    rest = ~matching(array, _LEFT_AS_IT_IS)
    if not rest.any():
        return array
    chosen = pa.array(rest)
    given = array.filter(chosen)
    agreed = matching(given, _AGREED)
    wide = pc.utf8_normalize(given.filter(pa.array(agreed)), "NFKC")
    words = pc.ascii_lower(pc.replace_substring_regex(wide, _NO_AGREED_WORD, ""))
    keys = pc.replace_with_mask(given, pa.array(agreed), pc.replace_substring(words, "臺", "台"))
    if not agreed.all():
        odd = pa.array(~agreed)
        found = given.filter(odd).dictionary_encode()
        folded = pa.array([_key(name) for name in found.dictionary.to_pylist()], pa.large_string())
        keys = pc.replace_with_mask(keys, odd, folded.take(found.indices))
    return pc.replace_with_mask(array, chosen, keys)


def _key(name: str) -> str:
    text = _NO_WORD.sub("", unicodedata.normalize("NFKC", name))
    return text.casefold().replace("臺", "台")


def has_key(names: Iterable[str]) -> NDArray[np.bool_]:
    """Return which names hold any letter or digit, so that their keys are not "".

    Parameters
    ----------
    names : iterable of str, length n

    Examples
    --------
    >>> has_key(["甲院", "（）", "é", ""]).tolist(), has_key([]).tolist()
    ([True, False, True, False], [])
    """
    array = text_array(names)
    held = matching(array, _SURE_WORD)
    if not held.all():
        held[~held] = [_key(name) != "" for name in array.filter(pa.array(~held)).to_pylist()]
    return held


def name_likeness(
    names: Iterable[str], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how alike pairs of names are, 0 to 1.

    Words for the service and the legal form are left out. The rest is compared by pairs of
    letters, of which each counts the more the fewer of all the names have it, ln(1 + N / n)²: what
    all names of a list begin with says little. Taken is the greater of Sørensen and Dice's measure
    and 0.8 times the share of the one name that the other holds, wherever in it; traditional forms
    are their simplified ones. Names whose numerals differ
    (甲院一部, 甲院二部) are not alike: 0.

    Parameters
    ----------
    names : iterable of str, length n
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
    likeness = np.zeros(one.size)
    if not one.size:
        return likeness
    array = text_array(names)
    cores, first, second = _cores_of_pairs(array, one, other)
    numerals = _numerals(cores)
    differ = (numerals[first] != numerals[second]) & (numerals[first] > 0) & (numerals[second] > 0)
    left_to_compare = np.flatnonzero(~differ)
    if not left_to_compare.size:
        return likeness
    sample = _cores(array.take(pa.array(np.arange(0, len(array), len(array) // _SAMPLE + 1))))
    first, second = first[left_to_compare], second[left_to_compare]
    used, number = np.unique(np.concatenate([first, second]), return_inverse=True)
    likeness[left_to_compare] = _shared_letters(
        _simplified(cores.take(pa.array(used)).to_pylist()),
        _simplified(sample.unique().to_pylist()),
        number[: first.size],
        number[first.size :],
    )
    return likeness


def _cores_of_pairs(
    names: Array, one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct cores of the names in pairs, and which of them the pairs are of."""
    used, number = np.unique(np.concatenate([one, other]), return_inverse=True)
    coded = _cores(names.take(pa.array(used))).dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)[number]
    return coded.dictionary, codes[: one.size], codes[one.size :]


def _numerals(cores: Array) -> NDArray[np.int64]:
    """Return a number for the numerals of each text, the same for the same ones, 0 for none."""
    numbers = np.zeros(len(cores), dtype=np.int64)
    some = matching(cores, _SURE_NUMERAL) | ~matching(cores, _LEFT_AS_IT_IS)
    known: dict[str, int] = {"": 0}
    numbers[some] = [
        known.setdefault("|".join(_NUMERALS.findall(core)), len(known))
        for core in cores.filter(pa.array(some)).to_pylist()
    ]
    return numbers


def _simplified(texts: Sequence[str]) -> list[str]:
    forms = traditional_forms()
    return [text.translate(forms) for text in texts]


def _shared_letters(
    cores: Sequence[str],
    sample: Sequence[str],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the likeness of pairs of cores by their pairs of letters, weighed by a sample."""
    row, code = _letter_pairs(cores)
    counted, times = np.unique(_letter_pairs(sample)[1], return_counts=True)
    place = np.searchsorted(counted, code).clip(max=counted.size - 1)
    often = np.where(counted[place] == code, times[place], 1) if counted.size else 1
    weight = np.log1p(len(sample) / often) ** 2 * np.ones(code.size)
    column = np.unique(code, return_inverse=True)[1]
    shape = (len(cores), int(column.max(initial=0)) + 1)
    weights = sparse.csr_array((weight, (row, column)), shape=shape)
    holds = sparse.csr_array((np.ones(code.size), (row, column)), shape=shape)
    # Where the shorter name stands in the longer one says nothing; one letter has only its start.
    inside = weight * ((code >> 21) != _START)
    inner = sparse.csr_array((inside, (row, column)), shape=shape)
    size, held = (np.asarray(part.sum(axis=1)).ravel() for part in (weights, inner))
    likeness = np.zeros(first.size)
    for start in range(0, first.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        left, right = first[part], second[part]
        common = np.asarray(weights[left].multiply(holds[right]).sum(axis=1)).ravel()
        within = np.asarray(inner[left].multiply(holds[right]).sum(axis=1)).ravel()
        total, least = size[left] + size[right], np.minimum(held[left], held[right])
        with np.errstate(invalid="ignore", divide="ignore"):
            dice = 2 * common / total
            share = np.where(least > 0, within / least, 0.0)
        empty = np.minimum(size[left], size[right]) == 0
        likeness[part] = np.where(empty, 0.0, np.maximum(dice, _PART * share))
    return likeness


def _cores(names: Array) -> Array:
    """Return the keys of names without the words for a service, unless nothing else is left."""
    keys = folded_names(names)
    cores = pc.replace_substring_regex(keys, _SERVICES, "")
    return pc.if_else(pc.equal(cores, ""), keys, cores)


def _letter_pairs(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and code of the distinct pairs of neighbouring letters, a text's start is one."""
    width = min(max(map(len, texts), default=0), _LONGEST) + 1
    started = [f"{chr(_START)}{text[: width - 1]}" if text else "" for text in texts]
    block = np.array(started, dtype=f"U{width}").view(np.uint32).reshape(len(texts), width)
    letters = block.astype(np.int64)
    pairs = (letters[:, :-1] << 21) | letters[:, 1:]
    row, column = np.nonzero(letters[:, 1:])
    codes, number = np.unique(pairs[row, column], return_inverse=True)
    cells = np.unique(row * max(codes.size, 1) + number)
    return cells // max(codes.size, 1), codes[cells % max(codes.size, 1)]
