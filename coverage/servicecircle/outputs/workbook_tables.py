"""The tables of a run as sheets of its workbook: in words, in an order that people read."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from servicecircle.messages import Language, label
from servicecircle.outputs.column_words import (
    column_title,
    field_aliases,
    level_word,
    profile_word,
    rule_word,
    scope_word,
    thing_word,
    verdict_word,
    word_or,
)
from servicecircle.outputs.palettes import VERDICT_FILLS
from servicecircle.outputs.siting_said import siting_said
from servicecircle.outputs.workbook_sheets import Column, Kind, Sheet
from servicecircle.problems import problem_table
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = [
    "facility_sheet",
    "plan_titles",
    "problem_sheet",
    "scorecard_sheet",
    "site_sheet",
    "unit_sheet",
]

_SEVERITY_FILLS = {
    "fatal": ("#F7C9A9", "#7A2400"),
    "error": ("#F7C9A9", "#7A2400"),
    "warning": ("#FFF3B0", "#5E4B00"),
    "note": ("#DCEBF7", "#1D4F7C"),
}
_UNIT_KINDS: Mapping[str, Kind] = {
    "facilities": "number",
    "population": "people",
    "elderly": "people",
    "covered_population": "people",
    "covered_elderly": "people",
    "population_coverage": "share",
    "elderly_coverage": "share",
    "mean_minutes_of_reached": "minutes",
    "p90_minutes": "minutes",
    "unreachable": "people",
    "unsnapped": "people",
}
# On paper; the rest is to be read on the screen.
_PRINTED = {"scorecard": 14, "units": 15, "facilities": 14}
# First what a facility is and where, then how it was read; what is not named comes between.
_FACILITY_FIRST = ("layer", "name", "code", "address", "status", "open", "capacity")
_FACILITY_LAST = (
    "lon", "lat", "datum", "position_error_m", "placed_by", "snap_m", "snap_status", "entrances",
    "source_file", "source_sheet", "source_row", "extra", "facility_id",
)  # fmt: skip
_FACILITY_KINDS: Mapping[str, Kind] = {"lon": "degrees", "lat": "degrees", "source_row": "year"}

_SITE_KINDS: Mapping[str, Kind | None] = {
    "number": "year",
    "name": None,
    "action": None,
    "phase": "year",
    "year": "year",
    "unit": None,
    "people_added": "people",
    "people_covered": "people",
    "share_covered": "share",
    "people_alone": "people",
    "people_served": "people",
    "cost": "number",
    "capacity": "people",
    "source": None,
    "lon": "degrees",
    "lat": "degrees",
    "candidate_id": None,
    "facility_id": None,
    "host_id": None,
}


def scorecard_sheet(results: Results) -> Sheet:
    """Return the scorecard plan by plan: in each headline rows first, the others pale."""
    language = results.language
    table = results.scorecard
    if not len(table):
        return _sheet(results, "scorecard", label("workbook_no_plans", language), [])
    table = _in_order(table)
    plans = plan_titles(results)
    titles = _layer_titles(results)
    units = list(zip(_texts(table, "unit"), _texts(table, "unit_zh"), strict=True))
    percent = np.array([unit.startswith("%") for unit, _ in units], bool)
    kinds = np.where(percent, "share", "number").tolist()

    def words(name: str, say: Callable[[str], str], *, widest: int = 30) -> Column:
        return Column(column_title(name, language), _said(table, name, say), widest=widest)

    def measured(name: str) -> Column:
        values = np.where(percent, _numbers(table, name) / 100, _numbers(table, name))
        return Column(column_title(name, language), values.tolist(), "number", kinds=kinds)

    def numbers(name: str, kind: Kind = "number") -> Column:
        return Column(column_title(name, language), _numbers(table, name).tolist(), kind)

    def as_said(text: str) -> str:
        return text

    def yes_no(text: str) -> str:
        return label("word_yes" if text == "True" else "word_no", language)

    verdicts = Column(
        column_title("verdict", language),
        _said(table, "verdict", lambda name: verdict_word(name, language)),
        colours={verdict_word(name, language): fill for name, fill in VERDICT_FILLS.items()},
    )
    named = Column(
        column_title("indicator", language), _texts(table, f"name_{language}"), "wrapped", widest=48
    )
    unit = Column(
        column_title("unit", language),
        [load_registry().unit(one, language, own_zh=zh) for one, zh in units],
        widest=30,
    )
    columns = [
        words("plan", lambda name: plans.get(name, name), widest=40),
        named,
        numbers("target_year", "year"),
        words("headline", lambda text: "★" if text == "True" else ""),
        verdicts,
        measured("value"),
        measured("target"),
        unit,
        numbers("shortfall"),
        words("shortfall_of", lambda name: thing_word(name, language)),
        measured("low"),
        measured("high"),
        words("width_causes", lambda text: _causes(text, language)),
        words("missing_inputs", as_said),
        measured("straight_value"),
        numbers("numerator"),
        numbers("denominator"),
        words("layer", lambda name: titles.get(name, name)),
        words("unit_level", lambda name: level_word(name, language)),
        words("scope", lambda name: scope_word(name, language)),
        words("profile", lambda name: profile_word(name, language)),
        numbers("speed_kmh"),
        numbers("baseline_year", "year"),
        measured("baseline"),
        words("alternative", as_said),
        words("governing", yes_no),
        words("indicator_id", as_said),
        words("source_file", as_said),
        words("source_lines", as_said),
        words("notes", as_said),
    ]
    headline = _headline(table)
    sheet = _sheet(results, "scorecard", label("workbook_legend", language), columns, frozen=2)
    return replace(
        sheet,
        printed=_PRINTED["scorecard"],
        pale=frozenset(np.flatnonzero(~headline).tolist()),
    )


def unit_sheet(results: Results) -> Sheet:
    """Return ``units.csv`` in words, rates in the colours of the map."""
    language = results.language
    table = results.unit_coverage
    titles = _layer_titles(results)
    say: Mapping[str, Callable[[str], str]] = {
        "level": lambda name: level_word(name, language),
        "layer": lambda name: titles.get(name, name),
        "rule": lambda name: rule_word(name, language),
        "profile": lambda name: profile_word(name, language),
    }
    order = ["name", "level", "layer", "rule", *_UNIT_KINDS, "profile", "code", "unit_id"]
    columns = []
    for name in (one for one in order if one in table):
        title = column_title(name, language)
        if name in _UNIT_KINDS:
            kind = _UNIT_KINDS[name]
            values = _numbers(table, name).tolist()
            columns.append(Column(title, values, kind, classes=kind == "share"))
        elif name in say:
            columns.append(Column(title, _said(table, name, say[name])))
        else:
            columns.append(Column(title, _texts(table, name)))
    note = label("workbook_units_note", language)
    sheet = _sheet(results, "units", note, columns, frozen=4)
    return replace(sheet, printed=_PRINTED["units"])


def facility_sheet(results: Results) -> Sheet:
    """Return ``facilities.csv`` in words; a column without any value is left out."""
    language = results.language
    table = pd.DataFrame(results.facilities.drop(columns=results.facilities.geometry.name))
    points = np.asarray(results.facilities.geometry.array)
    table = table.assign(lon=shapely.get_x(points), lat=shapely.get_y(points))
    titles = _layer_titles(results)
    names = dict(zip(results.units["unit_id"], results.units["name"].fillna(""), strict=True))
    say: Mapping[str, Callable[[str], str]] = {
        "layer": lambda name: titles.get(name, name),
        "status": lambda name: word_or(f"map_status_{name}", name, language),
        "snap_status": lambda name: word_or(f"snap_{name}", name, language),
        "placed_by": lambda name: word_or(f"placed_{name}", name, language),
        "declared_level": lambda name: level_word(name, language),
    }
    first = [name for name in _FACILITY_FIRST if name in table]
    last = [name for name in _FACILITY_LAST if name in table]
    between = [str(name) for name in table.columns if name not in {*first, *last}]
    units = [name for name in between if name.startswith("unit_")]
    between = [name for name in between if name not in units]
    aliases = field_aliases(table.columns, results.layers, (), language)
    columns = []
    for name in (*first[:4], *units, *first[4:], *between, *last):
        values, kind = _shown(table[name], say.get(name), language)
        title = aliases[name]
        if name in units:
            values = [names.get(value, value) for value in values]
            level = level_word(name.removeprefix("unit_"), language)
            title = label("field_unit_of", language).format(level=level)
        if name in {"layer", "name"} or any(value not in ("", None) for value in values):
            columns.append(Column(title, values, _FACILITY_KINDS.get(name, kind)))
    note = label("workbook_facilities_note", language)
    sheet = _sheet(results, "facilities", note, columns, frozen=2)
    return replace(sheet, printed=_PRINTED["facilities"])


def site_sheet(results: Results) -> Sheet:
    """Return ``sites.csv`` in words: the sites of a siting study in the order of opening."""
    language = results.language
    table = results.tables["sites"]
    say: Mapping[str, Callable[[str], str]] = {
        "action": lambda name: word_or(f"site_action_{name}", name, language),
        "source": lambda name: word_or(f"map_source_{name}", name, language),
    }
    columns = []
    for name in (one for one in _SITE_KINDS if one in table):
        values, kind = _shown(table[name], say.get(name), language)
        if any(value not in ("", None) for value in values):
            title = column_title(name, language)
            columns.append(Column(title, values, _SITE_KINDS[name] or kind))
    note = " ".join(siting_said(results, language)[:2])
    return _sheet(results, "sites", note, columns, frozen=2)


def problem_sheet(results: Results) -> Sheet:
    """Return ``problems.csv`` in words, the worst first."""
    language = results.language
    table = problem_table(results.problems, language)
    if not len(table):
        return _sheet(results, "problems", label("workbook_no_problems", language), [])
    fills = {
        word_or(f"severity_{name}", name, language): fill for name, fill in _SEVERITY_FILLS.items()
    }
    severity = _said(table, "severity", lambda name: word_or(f"severity_{name}", name, language))
    action = _said(table, "action", lambda name: word_or(f"action_{name}", name, language))
    named = {
        "value": "given",
        "rule": "what_and_rule",
        "action": "problem_action",
        "code": "problem_code",
    }
    columns = [Column(column_title("severity", language), severity, colours=fills)]
    for name in ("file", "sheet", "row", "column", "value", "rule", "remedy", "action", "code"):
        title = column_title(named.get(name, name), language)
        if name == "row":
            columns.append(Column(title, _numbers(table, name).tolist(), "year"))
        elif name == "action":
            columns.append(Column(title, action))
        else:
            long = name in {"rule", "remedy"}
            kind: Kind = "wrapped" if long or name == "value" else "text"
            columns.append(Column(title, _texts(table, name), kind, widest=60 if long else 32))
    return _sheet(results, "problems", "", columns, frozen=1)


def plan_titles(results: Results) -> dict[str, str]:
    """Return the title of each plan by its id, as its file gives it."""
    titles = {}
    for one in results.record.get("plans", ()):
        try:
            text = results.plan_files[one["file"]].decode("utf-8-sig")
            plan = tomllib.loads(text).get("plan", {})
        except (KeyError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        titles[str(one["id"])] = str(plan.get(f"name_{results.language}") or one["id"])
    return titles


def _sheet(
    results: Results, name: str, note: str, columns: list[Column], *, frozen: int = 0
) -> Sheet:
    language = results.language
    title = label(f"sheet_{name}", language)
    heading = label("workbook_head", language).format(
        name=results.name, sheet=title, date=results.as_of.isoformat()
    )
    invented = results.invented or any(info.invented for info in results.layers)
    warnings = [label("output_invented", language)] if invented else []
    if results.record.get("siting") is not None:
        warnings.append(label("map_with_sites", language))
    return Sheet(
        title=title,
        heading=heading,
        note=note,
        columns=columns,
        frozen=frozen,
        warning=(" " if language == "en" else "").join(warnings),
    )


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Return plan after plan as they come, in each the headline rows first."""
    plan, _ = pd.factorize(table["plan"])
    return table.iloc[np.lexsort((~_headline(table), plan))]


def _headline(table: pd.DataFrame) -> np.ndarray:
    if "headline" not in table:
        return np.ones(len(table), bool)
    return table["headline"].to_numpy(bool)


def _layer_titles(results: Results) -> dict[str, str]:
    language = results.language
    known = {name: words.title(language) for name, words in load_registry().layers.items()}
    own = {info.name: info.zh if language == "zh" else info.en for info in results.layers}
    return known | own


def _causes(text: str, language: Language) -> str:
    stop = "、" if language == "zh" else ", "
    causes = (one for one in text.split(";") if one)
    return stop.join(word_or(f"explain_cause_{one}", one, language) for one in causes)


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(np.float64, na_value=np.nan)


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table:
        return [""] * len(table)
    return list(map(str, table[name].astype(object).where(table[name].notna(), "").tolist()))


def _said(table: pd.DataFrame, name: str, say: Callable[[str], str]) -> list[str]:
    """Return the words of each cell; what stands in many rows is put into words once."""
    texts = _texts(table, name)
    words = {text: say(text) for text in dict.fromkeys(texts)}
    return [words[text] for text in texts]


def _shown(
    column: pd.Series[Any], say: Callable[[str], str] | None, language: Language
) -> tuple[list[Any], Kind]:
    """Return the cells of a column of any type, and how to show them."""
    table = column.to_frame("cell")
    kind = column.dtype
    if say is not None:
        return _said(table, "cell", say), "text"
    if pd.api.types.is_bool_dtype(kind):
        words = {"True": label("word_yes", language), "False": label("word_no", language)}
        return _said(table, "cell", lambda text: words.get(text, "")), "text"
    if pd.api.types.is_numeric_dtype(kind):
        found = _numbers(table, "cell").tolist()
        return [None if math.isnan(value) else value for value in found], "number"
    if pd.api.types.is_datetime64_any_dtype(kind):
        return [None if pd.isna(day) else day.date() for day in column], "date"
    return _texts(table, "cell"), "text"
