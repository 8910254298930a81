"""The first pages of a report: the facts of the title page, the summary, the method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.messages import label
from servicecircle.outputs.column_words import rule_word
from servicecircle.outputs.report.blocks import Block, Bullets, Column, Table, Text
from servicecircle.outputs.report.judged import counted, gaps, headlines
from servicecircle.outputs.report.served import area_rates
from servicecircle.outputs.report.words import NONE, Words, figure, layer_titles, plain, rate
from servicecircle.outputs.siting_said import siting_said
from servicecircle.outputs.workbook_method import method_sections
from servicecircle.outputs.workbook_tables import plan_titles

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["method_blocks", "summary_blocks", "title_facts"]

_MOST_GAPS = 6
_MOST_LAYERS = 6
_MOST_SITING = 3
_METHOD_TABLES = ("travel", "people", "places")
_MOST_LINES = 14
_PLACE_LINES = 3
"""Metric CRS, its error, CRS of the outputs; the datums that follow are only counted."""
_DATUMS = {"wgs84": "WGS 84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}


def title_facts(results: Results, say: Words) -> Iterator[tuple[str, str]]:
    """Yield what the title page tells: the day of judgement, plans, people, program."""
    yield say("fact_as_of"), results.as_of.isoformat()
    titles = plan_titles(results)
    plans = [plain(titles.get(str(one["id"]), one["id"]), 80) for one in _plans(results)]
    if plans:
        yield say("fact_plans"), ("; " if say.language == "en" else "；").join(plans)
    layers = [layer for layer in results.layers if layer.measured]
    yield (
        say("fact_layers"),
        say("fact_layers_are", layers=len(results.layers), measured=len(layers)),
    )
    version = results.record.get("environment", {}).get("servicecircle")
    if version:
        yield say("fact_program"), f"servicecircle {version}"


def summary_blocks(results: Results, say: Words) -> Iterator[Block]:
    """Yield the findings in a page: who and what, each plan, gaps, rates, needs, sites, doubts."""
    items = [_who(results, say)]
    items += _of_sites(results, say)
    items += _of_plans(results, say)
    items += _of_gaps(results, say)
    items += _of_rates(results, say)
    items += _of_needs(results, say)
    count = len(results.problems)
    key = "summary_problems" if count else "summary_no_problems"
    items.append(say(key, count=f"{count:,}"))
    yield Bullets(tuple(items))


def method_blocks(results: Results, say: Words) -> Iterator[Block]:
    """Yield how it was measured and judged, and the settings as small tables."""
    network = any(layer.on_network for layer in results.layers if layer.measured)
    yield Text(say("method_travel" if network else "method_straight"))
    yield Text(say("method_people"))
    if len(results.scorecard):
        yield Text(say("method_verdicts"))
    language = say.language
    columns = (
        Column(label("method_item", language), 0.34),
        Column(label("method_value", language), 0.66),
    )
    for name, lines in method_sections(results):
        if name in _METHOD_TABLES:
            rows = [_pair(line, language) for line in lines]
            if name == "places":
                rows = [row for row in rows[:_PLACE_LINES] if row[1] != NONE]
                rows += _datums(results, say)
            note = ""
            if len(rows) > _MOST_LINES:
                note = say("more_rows", count=len(rows) - _MOST_LINES, file="scorecard.xlsx")
            title = label(f"method_{name}", language)
            yield Table(title, columns, tuple(rows[:_MOST_LINES]), note=note)


def _pair(line: tuple[str, str, str], language: str) -> tuple[str, str]:
    item, what, more = (plain(text, 160) for text in line)
    if more == NONE:
        return item, what
    return item, f"{what} ({more})" if language == "en" else f"{what}（{more}）"


def _datums(results: Results, say: Words) -> list[tuple[str, str]]:
    """Return how many sources come in which datum."""
    counts = Counter(
        str(found.get("datum", "")) for found in results.record.get("datums", {}).values()
    )
    told = [f"{_DATUMS.get(name, plain(name))} {count}" for name, count in sorted(counts.items())]
    return [(say("datums"), say.listed(told))] if told else []


def _plans(results: Results) -> list[dict[str, object]]:
    return list(results.record.get("plans", ()))


def _who(results: Results, say: Words) -> str:
    found = results.record.get("facilities", {})
    count = sum(int(one.get("open", 0)) for one in found.values())
    words: dict[str, object] = {
        "name": plain(results.name, 80),
        "date": results.as_of.isoformat(),
        "layers": len(results.layers),
        "facilities": f"{count if found else len(results.facilities):,}",
    }
    people = results.record.get("population") or {}
    total, elderly = (_number(people.get(f"{who}_in_units")) for who in ("people", "elderly"))
    if not total > 0.0:
        if elderly > 0.0:
            return say("summary_who_only_elderly", elderly=f"{elderly:,.0f}", **words)
        return say("summary_who_nobody", **words)
    key = "summary_who_elderly" if elderly > 0.0 else "summary_who"
    return say(
        key,
        people=f"{total:,.0f}",
        elderly=figure(round(elderly) if elderly > 0 else math.nan),
        **words,
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _of_sites(results: Results, say: Words) -> list[str]:
    return [plain(line, 400) for line in siting_said(results, say.language)[:_MOST_SITING]]


def _of_plans(results: Results, say: Words) -> Iterator[str]:
    titles = plan_titles(results)
    for plan, rows in headlines(results.scorecard).groupby("plan", sort=False):
        yield say(
            "summary_plan",
            plan=plain(titles.get(str(plan), plan), 80),
            count=len(rows),
            verdicts=counted(rows, say),
        )


def _of_gaps(results: Results, say: Words) -> Iterator[str]:
    rows = gaps(results)
    if not len(rows):
        return
    # Several plans may ask for the same.
    rows = rows.drop_duplicates(f"name_{say.language}").head(_MOST_GAPS)
    parts = []
    for row in rows.to_dict("records"):
        percent = str(row["unit"]).startswith("%")
        value, target = float(row["value"]), float(row["target"])
        parts.append(
            say(
                "summary_gap",
                name=plain(row[f"name_{say.language}"], 60),
                value=figure(value, percent=percent, apart_from=target),
                target=figure(target, percent=percent, apart_from=value),
            )
        )
    yield say("summary_gaps", indicators=say.listed(parts))


def _of_rates(results: Results, say: Words) -> Iterator[str]:
    """Yield the highest and the lowest rate of each rule and group of people: alike with alike."""
    known = area_rates(results)
    known = known[known["rate"].notna()]
    titles = layer_titles(results)
    for (rule, people), rates in known.groupby(["rule", "people"], sort=False):
        rows = rates.sort_values("rate", kind="stable")
        words = {
            "rule": rule_word(str(rule), say.language),
            "people": label(f"people_{people}", say.language),
            "most": titles.get(rows["layer"].iloc[-1], NONE),
            "most_rate": rate(rows["rate"].iloc[-1]),
            "least": titles.get(rows["layer"].iloc[0], NONE),
            "least_rate": rate(rows["rate"].iloc[0]),
        }
        yield say("summary_rates" if len(rows) > 1 else "summary_rate", **words)


def _of_needs(results: Results, say: Words) -> Iterator[str]:
    table = results.tables.get("needs_by_layer")
    if table is None or not len(table):
        return
    rows = table[(table["plan"] == "") & (table["shortfall_of"] == "facilities")]
    needed = pd.to_numeric(rows["needed_at_least"], errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    rows = rows.assign(needed=needed)
    rows = rows[rows["needed"] > 0].sort_values("needed", ascending=False, kind="stable")
    titles = layer_titles(results)
    parts = [
        f"{titles.get(layer, plain(layer))} {needed:,.0f}"
        for layer, needed in zip(rows["layer"], rows["needed"], strict=True)
    ]
    if parts:
        yield say("summary_needs", layers=say.listed(parts[:_MOST_LAYERS]))
