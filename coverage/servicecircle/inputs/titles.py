"""What a title says: the known titles of tables, and how they are compared."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

__all__ = [
    "PLACE_COLUMNS",
    "UNIT_LEVELS",
    "Candidate",
    "attribute_of",
    "attribute_titles",
    "candidate_of",
    "known_title",
    "level_of_title",
    "listed_titles",
    "normalise_title",
    "own_aliases",
    "status_words",
    "title_keys",
    "title_lists",
    "traditional_forms",
    "yes_no_words",
]

# From the finest to the coarsest.
UNIT_LEVELS = ("village_level", "township", "county", "prefecture", "province")
# Below the title of a group such a one says that the column holds what the group is.
_SUMS = frozenset(("小计", "合计", "总数", "总计", "共计", "小計", "合計", "總計", "total", "sum"))
_LONGEST_TITLE = 200
PLACE_COLUMNS = ("lon", "lat", "lonlat", "latlon", "x", "y")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a title may stand for.

    Parameters
    ----------
    column : str
        Ours, or the name of an attribute.
    level : str
        Of a unit, ``any`` where the project names a column of units of no level; else "".
    rank : tuple of int
        Of several titles for one column the lowest is taken.
    datum : str
        That the title names, else "".
    title : str
        As the file has it.
    """

    column: str
    level: str
    rank: tuple[int, int]
    datum: str
    title: str


@cache
def title_lists() -> dict[str, Any]:
    """Return the lists of ``columns.toml``, not to be changed.

    Examples
    --------
    >>> "机构名称" in title_lists()["facility"]["name"]
    True
    """
    file = resources.files("servicecircle") / "inputs" / "columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _fold() -> dict[int, str]:
    fold = title_lists()["fold"]
    return {ord(old): new for old, new in zip(fold["traditional"], fold["simplified"], strict=True)}


def normalise_title(title: str) -> str:
    r"""Return a title as it is compared: width, case, spaces, line breaks, traditional forms.

    Examples
    --------
    >>> normalise_title("服務起始日\n（核定日期）")
    '服务起始日(核定日期)'
    >>> normalise_title(" Floor_Area m² *")
    'flooraream2'
    """
    text = unicodedata.normalize("NFKC", title).casefold().translate(_fold())
    return re.sub(r"[\s_*:;\u200b\ufeff]+", "", text)


def traditional_forms() -> dict[int, str]:
    """Return traditional letters and their simplified forms, as ``str.translate`` takes them.

    Examples
    --------
    >>> "機構".translate(traditional_forms())
    '机构'
    """
    return dict(_fold())


@cache
def _aliases() -> dict[str, tuple[str, str, int]]:
    """Return normalised alias → our column, level of a unit, rank."""
    data = title_lists()
    found: dict[str, tuple[str, str, int]] = {}
    for column, titles in data["facility"].items():
        for rank, title in enumerate(titles):
            found.setdefault(normalise_title(title), (column, "", rank))
    for level, titles in data["unit"].items():
        for rank, title in enumerate(titles):
            found.setdefault(normalise_title(title), ("unit", level, rank))
    return found


@cache
def _known() -> frozenset[str]:
    return frozenset(_aliases()) | {
        normalise_title(item) for item in title_lists()["other"]["titles"]
    }


@cache
def listed_titles() -> frozenset[str]:
    """Return the known titles as they are listed, for a first quick look at many cells.

    Examples
    --------
    >>> "机构名称" in listed_titles(), "莲花敬老院" in listed_titles()
    (True, False)
    """
    data = title_lists()
    lists = (*data["facility"].values(), *data["unit"].values(), data["other"]["titles"])
    return frozenset(title for titles in lists for title in titles)


def title_keys() -> tuple[str, ...]:
    """Return what ``[titles]`` of a project may have as keys.

    Examples
    --------
    >>> {"capacity", "unit", "township"} <= set(title_keys())
    True
    """
    return (*title_lists()["facility"], "unit", *UNIT_LEVELS)


def own_aliases(more: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str, int]]:
    """Return normalised title → column, level and rank of the project's own titles.

    They go before all of ours.

    Parameters
    ----------
    more : mapping of str to sequence of str
        Our column, ``unit`` or a level → titles.

    Examples
    --------
    >>> own_aliases({"capacity": ["宿位"], "township": ["分区"]})
    {'宿位': ('capacity', '', -1), '分区': ('unit', 'township', -1)}
    >>> own_aliases({})
    {}
    """
    found: dict[str, tuple[str, str, int]] = {}
    for key, titles in more.items():
        level = key if key in UNIT_LEVELS else "any" if key == "unit" else ""
        for at, title in enumerate(titles):
            rank = at - len(titles)
            found.setdefault(normalise_title(title), ("unit" if level else key, level, rank))
    return found


def _without_bracket(text: str) -> str:
    suffix = re.search(r"\(([^()]*)\)$", text)
    return (
        text[: suffix.start()]
        if suffix and suffix[1] in title_lists()["suffix"]["brackets"]
        else text
    )


def _without_language(text: str) -> str:
    languages = "|".join(title_lists()["suffix"]["languages"])
    return re.sub(rf"(name|title)[:\-]?(?:{languages})$", r"\1", text)


@cache
def _datum_words() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the normalised words of each datum, the longest first."""
    return tuple(
        (datum, tuple(sorted(map(normalise_title, words), key=len, reverse=True)))
        for datum, words in title_lists()["datum"].items()
    )


def _without_datum(text: str) -> tuple[str, str]:
    for datum, words in _datum_words():
        for word in words:
            for shape in (f"({word})", f"-{word}", word):
                if text.endswith(shape) and len(text) > len(shape):
                    return text[: -len(shape)], datum
            if text.startswith(word) and len(text) > len(word):
                return text[len(word) :].removeprefix("-"), datum
    return text, ""


def candidate_of(
    title: str, own: Mapping[str, tuple[str, str, int]] | None = None
) -> Candidate | None:
    """Return what a title stands for, None where it is not known.

    Parameters
    ----------
    title : str
    own : mapping, optional
        Titles of the project, from :func:`own_aliases`.

    Examples
    --------
    >>> found = candidate_of("床位数（张）")
    >>> found.column, candidate_of("lng_bd09").datum, candidate_of("莲花敬老院")
    ('capacity', 'bd09', None)
    """
    if len(title) > _LONGEST_TITLE:
        return None
    if own and (found := own.get(normalise_title(title))) is not None:
        column, level, at = found
        return Candidate(column, level, (-1, at), "", title)
    whole = normalise_title(title)
    plain = _without_language(_without_bracket(whole))
    bare, datum = _without_datum(plain)
    for kind, text in enumerate((whole, plain, bare)):
        if text in _aliases():
            column, level, at = _aliases()[text]
            if text == bare != plain and column not in PLACE_COLUMNS:
                continue
            return Candidate(column, level, (kind, at), datum if text == bare else "", title)
    if "-" in whole:
        # A two-line header: the lower line says what the column holds.
        above, last = title.rsplit("-", 1) if "-" in title else ("", whole.rsplit("-", 1)[1])
        if normalise_title(last) in _SUMS and (found_above := candidate_of(above, own)) is not None:
            rank = (found_above.rank[0] + 3, found_above.rank[1])
            return replace(found_above, rank=rank, title=title)
        below = candidate_of(whole.rsplit("-", 1)[1], own)
        if below is not None:
            rank = (below.rank[0] + 3, below.rank[1])
            return Candidate(below.column, below.level, rank, below.datum, title)
    return None


def attribute_titles(attributes: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, int]]:
    """Return normalised title → attribute and rank.

    Examples
    --------
    >>> attribute_titles({"rehabilitation": ["康复室", "康復中心"]})
    {'康复室': ('rehabilitation', 0), '康复中心': ('rehabilitation', 1)}
    >>> attribute_titles({})
    {}
    """
    found: dict[str, tuple[str, int]] = {}
    for name, titles in attributes.items():
        for rank, title in enumerate(titles):
            found.setdefault(normalise_title(title), (name, rank))
    return found


_WHETHER = re.compile(r"^(?:是否(?:设有|建有|配有|具备|设置|设立|实行|实现|有|设|为)?|有无)")
_ANSWERS = re.compile(r"\((?:是|有|y|yes)[/、或,，]?(?:否|无|n|no)\)$")


def attribute_of(title: str, asked: Mapping[str, tuple[str, int]]) -> Candidate | None:
    """Return the attribute that a title names, as ``是否有康复室（是/否）`` names 康复室.

    Parameters
    ----------
    title : str
    asked : mapping
        From :func:`attribute_titles`.

    Examples
    --------
    >>> asked = attribute_titles({"rehabilitation": ["康复室"]})
    >>> attribute_of("是否有康复室（是/否）", asked).column, attribute_of("电话", asked)
    ('rehabilitation', None)
    """
    if len(title) > _LONGEST_TITLE:
        return None
    whole = normalise_title(title)
    plain = _ANSWERS.sub("", _without_bracket(whole))
    shapes = (whole, plain, _WHETHER.sub("", plain), plain.rsplit("-", 1)[-1])
    for kind, text in enumerate(shapes):
        if text in asked:
            name, rank = asked[text]
            return Candidate(name, "", (kind, rank), "", title)
    return None


@lru_cache(maxsize=100_000)
def known_title(title: str) -> bool:
    """Return whether a text is a title that tables of ours are known to have.

    Examples
    --------
    >>> known_title("機構名稱"), known_title("莲花敬老院"), known_title("")
    (True, False, False)
    """
    if len(title) > _LONGEST_TITLE:
        return False
    return normalise_title(title) in _known() or candidate_of(title) is not None


def level_of_title(title: str) -> str:
    """Return the level of units that a title names, "" where it names none.

    Examples
    --------
    >>> level_of_title("所属乡镇(街道)"), level_of_title("所属单元"), level_of_title("")
    ('township', '', '')
    """
    found = candidate_of(title)
    return found.level if found is not None and found.level in UNIT_LEVELS else ""


@cache
def status_words() -> dict[str, str]:
    """Return normalised word → open, planned or closed.

    Examples
    --------
    >>> status_words()[normalise_title("运营中")]
    'open'
    """
    return {
        normalise_title(word): status
        for status, words in title_lists()["status"].items()
        for word in words
    }


@cache
def yes_no_words() -> dict[str, bool]:
    """Return normalised word → whether it says yes.

    Examples
    --------
    >>> yes_no_words()["有"], yes_no_words()["无"]
    (True, False)
    """
    words = title_lists()["yes_no"]
    return {normalise_title(word): answer == "yes" for answer in words for word in words[answer]}
