"""Which column of a file is which of ours: titles matched by alias, in Chinese and English."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from servicecircle.errors import InputError
from servicecircle.problems import Problem

__all__ = [
    "Columns",
    "known_title",
    "level_of_title",
    "listed_titles",
    "match_columns",
    "normalise_title",
    "status_words",
    "title_keys",
    "traditional_forms",
    "yes_no_words",
]

# From the finest to the coarsest.
_UNIT_LEVELS = ("village_level", "township", "county", "prefecture", "province")
_WRONG_DATUM = 10
# Below the title of a group such a one says that the column holds what the group is.
_SUMS = frozenset(("小计", "合计", "总数", "总计", "共计", "小計", "合計", "總計", "total", "sum"))
_LONGEST_TITLE = 200
PLACE_COLUMNS = ("lon", "lat", "lonlat", "latlon", "x", "y")


@dataclass(frozen=True, slots=True)
class Columns:
    """Our columns and the titles they come under.

    Parameters
    ----------
    columns : dict
        Our column → title in the file.
    unmapped : tuple of str
        Titles that are none of ours, in the file's order.
    datum : str
        Datum that the titles of the coordinates name (``lng_bd09``), "" if none.
    problems : tuple of Problem
    """

    columns: dict[str, str]
    unmapped: tuple[str, ...]
    datum: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    column: str
    level: str
    rank: tuple[int, int]
    datum: str
    title: str


@cache
def _data() -> dict[str, Any]:
    file = resources.files("servicecircle") / "inputs" / "columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _fold() -> dict[int, str]:
    fold = _data()["fold"]
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
    data = _data()
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
    return frozenset(_aliases()) | {normalise_title(item) for item in _data()["other"]["titles"]}


@cache
def listed_titles() -> frozenset[str]:
    """Return the known titles as they are listed, for a first quick look at many cells.

    Examples
    --------
    >>> "机构名称" in listed_titles(), "莲花敬老院" in listed_titles()
    (True, False)
    """
    data = _data()
    lists = (*data["facility"].values(), *data["unit"].values(), data["other"]["titles"])
    return frozenset(title for titles in lists for title in titles)


def title_keys() -> tuple[str, ...]:
    """Return what ``[titles]`` of a project may have as keys.

    Examples
    --------
    >>> {"capacity", "unit", "township"} <= set(title_keys())
    True
    """
    return (*_data()["facility"], "unit", *_UNIT_LEVELS)


def _own_aliases(more: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str, int]]:
    """Return the project's own titles as :func:`_aliases` does; they go before all of ours."""
    found: dict[str, tuple[str, str, int]] = {}
    for key, titles in more.items():
        level = key if key in _UNIT_LEVELS else "any" if key == "unit" else ""
        for at, title in enumerate(titles):
            rank = at - len(titles)
            found.setdefault(normalise_title(title), ("unit" if level else key, level, rank))
    return found


def _without_bracket(text: str) -> str:
    suffix = re.search(r"\(([^()]*)\)$", text)
    return text[: suffix.start()] if suffix and suffix[1] in _data()["suffix"]["brackets"] else text


def _without_language(text: str) -> str:
    languages = "|".join(_data()["suffix"]["languages"])
    return re.sub(rf"(name|title)[:\-]?(?:{languages})$", r"\1", text)


@cache
def _datum_words() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the normalised words of each datum, the longest first."""
    return tuple(
        (datum, tuple(sorted(map(normalise_title, words), key=len, reverse=True)))
        for datum, words in _data()["datum"].items()
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


def _candidate(
    title: str, own: Mapping[str, tuple[str, str, int]] | None = None
) -> _Candidate | None:
    if len(title) > _LONGEST_TITLE:
        return None
    if own and (found := own.get(normalise_title(title))) is not None:
        column, level, at = found
        return _Candidate(column, level, (-1, at), "", title)
    whole = normalise_title(title)
    plain = _without_language(_without_bracket(whole))
    bare, datum = _without_datum(plain)
    for kind, text in enumerate((whole, plain, bare)):
        if text in _aliases():
            column, level, at = _aliases()[text]
            if text == bare != plain and column not in PLACE_COLUMNS:
                continue
            return _Candidate(column, level, (kind, at), datum if text == bare else "", title)
    if "-" in whole:
        # A two-line header: the lower line says what the column holds.
        above, last = title.rsplit("-", 1) if "-" in title else ("", whole.rsplit("-", 1)[1])
        if normalise_title(last) in _SUMS and (found_above := _candidate(above, own)) is not None:
            rank = (found_above.rank[0] + 3, found_above.rank[1])
            return replace(found_above, rank=rank, title=title)
        below = _candidate(whole.rsplit("-", 1)[1], own)
        if below is not None:
            rank = (below.rank[0] + 3, below.rank[1])
            return _Candidate(below.column, below.level, rank, below.datum, title)
    return None


def _asked(attributes: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, int]]:
    """Return normalised title → attribute and rank."""
    found: dict[str, tuple[str, int]] = {}
    for name, titles in attributes.items():
        for rank, title in enumerate(titles):
            found.setdefault(normalise_title(title), (name, rank))
    return found


_WHETHER = re.compile(r"^(?:是否(?:设有|建有|配有|具备|设置|设立|实行|实现|有|设|为)?|有无)")
_ANSWERS = re.compile(r"\((?:是|有|y|yes)[/、或,，]?(?:否|无|n|no)\)$")


def _attribute(title: str, asked: Mapping[str, tuple[str, int]]) -> _Candidate | None:
    """Return the attribute that a title names, as ``是否有康复室（是/否）`` names 康复室."""
    if len(title) > _LONGEST_TITLE:
        return None
    whole = normalise_title(title)
    plain = _ANSWERS.sub("", _without_bracket(whole))
    shapes = (whole, plain, _WHETHER.sub("", plain), plain.rsplit("-", 1)[-1])
    for kind, text in enumerate(shapes):
        if text in asked:
            name, rank = asked[text]
            return _Candidate(name, "", (kind, rank), "", title)
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
    return normalise_title(title) in _known() or _candidate(title) is not None


def level_of_title(title: str) -> str:
    """Return the level of units that a title names, "" where it names none.

    Examples
    --------
    >>> level_of_title("所属乡镇(街道)"), level_of_title("所属单元"), level_of_title("")
    ('township', '', '')
    """
    found = _candidate(title)
    return found.level if found is not None and found.level in _UNIT_LEVELS else ""


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
        for status, words in _data()["status"].items()
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
    words = _data()["yes_no"]
    return {normalise_title(word): answer == "yes" for answer in words for word in words[answer]}


def match_columns(
    titles: Sequence[str],
    *,
    given: Mapping[str, str] | None = None,
    file: str = "",
    sheet: str = "",
    datum: str | None = None,
    unit_level: str | None = None,
    more: Mapping[str, Sequence[str]] | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Match the titles of a facility table to our columns.

    Parameters
    ----------
    titles : sequence of str
        Distinct titles in the file's order.
    given : mapping, optional
        Our column → title, from the project file; wins over every alias. An empty title says that
        the file has no such column.
    file, sheet : str
        For messages.
    datum : str, optional
        Declared datum: among ``lng_wgs84`` and ``lng_gcj02`` the one of this datum is taken.
    unit_level : str, optional
        Level of the declared unit: among 乡镇 and 村 the one of this level is taken, else the
        finest.
    more : mapping, optional
        Our column, ``unit`` or a level → further titles, which go before the known ones.
    attributes : mapping, optional
        Attribute → titles it comes under; a title that is one of our columns' stays that.

    Returns
    -------
    Columns

    Raises
    ------
    InputError
        If the project names a column that the file does not have, or one that we do not know.

    Examples
    --------
    >>> match_columns(["序号", "机构名称", "床位数（张）"]).columns
    {'name': '机构名称', 'capacity': '床位数（张）'}
    >>> match_columns(["院舍", "宿位"], more={"name": ["院舍"], "capacity": ["宿位"]}).columns
    {'name': '院舍', 'capacity': '宿位'}
    >>> match_columns([]).columns
    {}
    """
    where: dict[str, Any] = {"file": file, "sheet": sheet}
    asked = _asked(attributes or {})
    columns, faults = _given(given or {}, titles, where, attributes or {})
    if faults:
        raise InputError(faults)
    own = _own_aliases(more or {})
    taken = {title for title in columns.values() if title}
    candidates: dict[str, list[_Candidate]] = {}
    for title in titles:
        candidate = None if title in taken else _candidate(title, own) or _attribute(title, asked)
        if candidate is not None and candidate.column not in columns:
            candidates.setdefault(candidate.column, []).append(candidate)
    problems = []
    for column, found in candidates.items():
        ordered = sorted(found, key=lambda item: _order(item, datum, unit_level))
        columns[column] = ordered[0].title
        rest = ordered[1:]
        if column == "unit":
            rest = _parent(ordered, candidates, columns)
        if rest and column != "code":
            problems.append(
                Problem(
                    code="columns.two_titles",
                    severity="note",
                    column=ordered[0].title,
                    value=", ".join(item.title for item in rest),
                    details={"ours": column},
                    **where,
                )
            )
    columns = {column: title for column, title in columns.items() if title}
    _one_place(columns, chosen=given or {})
    used = set(columns.values())
    stated = {
        candidate.datum
        for title in titles
        if title in used and (candidate := _candidate(title)) is not None and candidate.datum
    }
    return Columns(
        columns=columns,
        unmapped=tuple(title for title in titles if title not in used),
        datum=stated.pop() if len(stated) == 1 else "",
        problems=tuple(problems),
    )


def _order(item: _Candidate, datum: str | None, unit_level: str | None) -> tuple[int, int, int]:
    kind, rank = item.rank
    if item.column == "unit":
        levels = ("any", *([unit_level] if unit_level else []), *_UNIT_LEVELS)
        return levels.index(item.level), kind, rank
    if item.datum and item.datum == datum:
        return -1, rank, 0
    if item.datum and datum and {item.datum, datum} != {"wgs84", "cgcs2000"}:
        return kind + _WRONG_DATUM, rank, 0
    return kind, rank, 0


def _parent(
    ordered: list[_Candidate],
    candidates: Mapping[str, list[_Candidate]],
    columns: dict[str, str],
) -> list[_Candidate]:
    """Take the next coarser unit as the parent; return what is left over."""
    chosen = ordered[0]
    finer = _UNIT_LEVELS.index(chosen.level) if chosen.level in _UNIT_LEVELS else -1
    coarser = [
        item
        for item in ordered[1:]
        if item.level != "any" and _UNIT_LEVELS.index(item.level) > finer
    ]
    if coarser and "parent" not in columns and "parent" not in candidates:
        columns["parent"] = coarser[0].title
    # Other levels say the same place more finely or more coarsely: no contradiction to report.
    return [item for item in ordered[1:] if item.level == chosen.level]


def _one_place(columns: dict[str, str], *, chosen: Mapping[str, str]) -> None:
    """Keep one way to say the place: the project's, lon and lat, one cell, x and y."""
    ways = (("lon", "lat"), ("lonlat",), ("latlon",), ("x", "y"))
    for way in sorted(ways, key=lambda way: not any(chosen.get(column) for column in way)):
        if all(column in columns for column in way):
            for column in PLACE_COLUMNS:
                if column not in way:
                    columns.pop(column, None)
            return


def _given(
    given: Mapping[str, str],
    titles: Iterable[str],
    where: dict[str, Any],
    attributes: Iterable[str],
) -> tuple[dict[str, str], list[Problem]]:
    titles = list(titles)
    ours = [*_data()["facility"], "unit", *attributes]
    same = {normalise_title(title): title for title in reversed(titles)}
    columns: dict[str, str] = {}
    faults = []
    for column, title in given.items():
        if column not in ours:
            near = difflib.get_close_matches(column, ours, n=1)
            code = "columns.unknown_key_near" if near else "columns.unknown_key"
            known, value = ours, column
        elif title == "" or title in titles or normalise_title(title) in same:
            columns[column] = (
                title if title == "" or title in titles else same[normalise_title(title)]
            )
            continue
        else:
            near = difflib.get_close_matches(title, titles, n=1, cutoff=0.4)
            code = "columns.missing_near" if near else "columns.missing"
            known, value = titles, title
        faults.append(
            Problem(
                code=code,
                severity="fatal",
                action="stopped",
                column=column,
                value=value,
                details={"known": ", ".join(known), "near": near[0] if near else ""},
                **where,
            )
        )
    return columns, faults
