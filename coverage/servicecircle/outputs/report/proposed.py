"""The sites of a siting study: what they do, which they are, what they turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.messages import Language, label
from servicecircle.outputs.column_words import column_title, verdict_word, word_or
from servicecircle.outputs.report.blocks import Block, Bullets, Column, Table
from servicecircle.outputs.report.served import pictures
from servicecircle.outputs.report.words import NONE, Words, figure, plain
from servicecircle.outputs.siting_said import siting_said

if TYPE_CHECKING:
    from servicecircle.outputs.figures import Chart
    from servicecircle.results import Results

__all__ = ["proposed_blocks"]

_MOST_SITES = 40
_MOST_TURNED = 20


def proposed_blocks(results: Results, charts: Sequence[Chart], say: Words) -> Iterator[Block]:
    """Yield what a siting study found; nothing of a run that is none."""
    record = results.record.get("siting")
    if not record or "sites" not in results.tables:
        return
    lines = siting_said(results, say.language)
    turned = _changed(results)
    # The verdicts that turn close what is said; here they have a table of their own.
    closing = label("siting_turned", say.language).format(count=len(turned)).strip()
    if closing in lines:
        lines = lines[: lines.index(closing)]
    yield Bullets(tuple(plain(line, 400) for line in lines))
    yield from _sites(results.tables["sites"], say)
    yield from pictures([one for one in charts if one.kind == "gains"], say)
    yield from _turned(turned, results, say)


def _changed(results: Results) -> pd.DataFrame:
    table = results.tables.get("site_verdicts", pd.DataFrame())
    return table[table["verdict_before"] != table["verdict_after"]] if len(table) else table


def _sites(sites: pd.DataFrame, say: Words) -> Iterator[Block]:
    if not len(sites):
        return
    language = say.language
    years = sites["year"].notna().any() or (sites["phase"].nunique() > 1)
    titles = [
        Column(say("column_number"), 0.07, "right"),
        Column(column_title("name", language), 0.31 if years else 0.41),
        Column(say("column_unit"), 0.18),
        Column(say("column_gained"), 0.17, "right"),
        Column(say("column_covered"), 0.17, "right"),
    ]
    if years:
        titles.insert(1, Column(say("column_year"), 0.10))
    rows = []
    for row in sites.head(_MOST_SITES).to_dict("records"):
        name = plain(row["name"], 60)
        if row["action"] == "close":
            name = say("closes", name=name)
        year = row["year"] if not pd.isna(row["year"]) else row["phase"]
        cells = [
            _whole(row["number"]),
            name,
            plain(row.get("unit"), 30),
            _whole(row["people_added"]),
            figure(100.0 * _number(row["share_covered"]), percent=True),
        ]
        if years:
            cells.insert(1, _whole(year).replace(",", ""))
        rows.append(tuple(cells))
    note = ""
    if len(sites) > _MOST_SITES:
        note = say("more_rows", count=len(sites) - _MOST_SITES, file="sites.csv")
    yield Table(say("sites_caption"), tuple(titles), tuple(rows), note=note)


def _turned(rows: pd.DataFrame, results: Results, say: Words) -> Iterator[Block]:
    if not len(rows):
        return
    language = say.language
    columns = (
        Column(column_title("indicator", language), 0.38),
        Column(word_or("column_target_year", NONE, language), 0.10),
        Column(say("column_before"), 0.26),
        Column(say("column_after"), 0.26),
    )
    shown = rows.head(_MOST_TURNED).to_dict("records")
    card = results.scorecard.to_dict("records")
    shares = {_id(row) for row in card if str(row["unit"]).startswith("%")}
    cells = tuple(
        (
            plain(row[f"name_{language}"], 100),
            _whole(row["target_year"]).replace(",", ""),
            _stood(row, "before", language, percent=_id(row) in shares),
            _stood(row, "after", language, percent=_id(row) in shares),
        )
        for row in shown
    )
    tones = {
        (number, column): str(row[f"verdict_{when}"])
        for number, row in enumerate(shown)
        for column, when in ((2, "before"), (3, "after"))
    }
    note = ""
    if len(rows) > _MOST_TURNED:
        note = say("more_rows", count=len(rows) - _MOST_TURNED, file="site_verdicts.csv")
    yield Table(say("turned_caption"), columns, cells, tones, note)


def _id(row: dict[Any, Any]) -> tuple[str, str]:
    return str(row.get("plan")), str(row.get("indicator_id"))


def _stood(row: dict[Any, Any], when: str, language: Language, *, percent: bool) -> str:
    target = _number(row.get("target"))
    value = figure(_number(row[f"value_{when}"]), percent=percent, apart_from=target)
    return f"{verdict_word(str(row[f'verdict_{when}']), language)} ({value})"


def _number(value: object) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type,call-overload]  # a cell


def _whole(value: object) -> str:
    number = _number(value)
    return NONE if pd.isna(number) else f"{number:,.0f}"
