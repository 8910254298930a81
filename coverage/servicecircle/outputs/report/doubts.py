"""What the results rest on and where they end: limits, then the problems of the data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from servicecircle.messages import label, message
from servicecircle.outputs.column_words import column_title, word_or
from servicecircle.outputs.report.blocks import Block, Bullets, Column, Table, Text
from servicecircle.outputs.report.judged import headlines
from servicecircle.outputs.report.served import area_rates
from servicecircle.outputs.report.words import Words, plain, share
from servicecircle.problems import Problem

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.results import Results

__all__ = ["doubt_blocks", "problem_blocks"]

_MOST_CAUSES = 5
_MOST_CODES = 16
_MOST_FILES = 3
_RANK = {"fatal": 0, "error": 1, "warning": 2, "note": 3}
_TONES = {"fatal": "not_met", "error": "not_met", "warning": "undecided", "note": "no_data"}


def doubt_blocks(results: Results, say: Words) -> Iterator[Block]:
    """Yield what a reader has to know before using a number: one sentence for each limit."""
    items = [*_of_people(results, say), *_of_ways(results, say), *_of_verdicts(results, say)]
    if len(results.circles):
        items.append(say("limit_circles"))
        items.append(say("limit_straight"))
    yield Bullets(tuple(items))


def problem_blocks(results: Results, say: Words) -> Iterator[Block]:
    """Yield how many problems of each kind the inputs have, the worst first."""
    language = say.language
    if not results.problems:
        yield Text(label("workbook_no_problems", language))
        return
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in results.problems:
        groups.setdefault((problem.severity, problem.code), []).append(problem)
    order = sorted(groups.items(), key=lambda item: (_RANK[item[0][0]], -len(item[1])))
    counts = Counter(problem.severity for problem in results.problems)
    said = say.listed(
        f"{label(f'severity_{name}', language)} {counts[name]:,}"
        for name in ("fatal", "error", "warning", "note")
        if counts[name]
    )
    yield Text(say("problems_counts", count=f"{len(results.problems):,}", counts=said))
    rows, tones = [], {}
    for number, ((severity, _), found) in enumerate(order[:_MOST_CODES]):
        first = found[0]
        words = message(first.code, language, first.fields())
        files = list(dict.fromkeys(one.file for one in found if one.file))
        named = say.listed(plain(_name(file), 50) for file in files[:_MOST_FILES])
        more = "…" if len(files) > _MOST_FILES else ""
        what = plain(words.what, 110)
        rows.append(
            (
                label(f"severity_{severity}", language),
                f"{len(found):,}",
                say("problem_first", what=what) if len(found) > 1 else what,
                f"{named}{more}" or "–",
                word_or(f"action_{first.action}", first.action, language),
                plain(words.remedy, 110),
            )
        )
        tones[number, 0] = _TONES[severity]
    note = say("problems_where")
    if len(order) > _MOST_CODES:
        left = sum(len(found) for _, found in order[_MOST_CODES:])
        note = f"{say('problems_more', kinds=len(order) - _MOST_CODES, count=left)} {note}"
    columns = (
        Column(column_title("severity", language), 0.10),
        Column(say("column_count"), 0.08, "right"),
        Column(say("column_problem"), 0.29),
        Column(column_title("file", language), 0.16),
        Column(column_title("problem_action", language), 0.10),
        Column(column_title("remedy", language), 0.27),
    )
    yield Table(say("problems_caption"), columns, tuple(rows), tones, note)


def _name(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]


def _of_people(results: Results, say: Words) -> Iterator[str]:
    found = results.record.get("population") or {}
    total = _number(found.get("people_in_units"))
    if not (total > 0.0 or _number(found.get("elderly_in_units")) > 0.0):
        yield say("limit_nobody")
        return
    basis = str(found.get("basis") or "")
    if basis in ("resident", "registered"):
        yield say(
            "limit_basis",
            basis=label(f"note_basis_{basis}", say.language),
            date=plain(str(found.get("date") or "–"), 20),
        )
    outside = _number(found.get("people_outside_units"))
    if outside > 0.5:  # noqa: PLR2004 - less is nobody
        yield say("limit_outside", people=f"{outside:,.0f}", share=share(outside, total + outside))


def _of_ways(results: Results, say: Words) -> Iterator[str]:
    layers = [layer for layer in results.layers if layer.measured]
    if layers and not any(layer.on_network for layer in layers):
        yield say("limit_no_roads")
        return
    rates = area_rates(results)
    if len(rates):
        worst = rates.assign(lost=rates["unsnapped"].fillna(0.0) + rates["unreachable"].fillna(0.0))
        row = worst.sort_values("lost", ascending=False, kind="stable").iloc[0]
        if row["lost"] > 0.5:  # noqa: PLR2004 - less is nobody
            yield say(
                "limit_unsnapped",
                unsnapped=f"{row['unsnapped']:,.0f}",
                unreachable=f"{row['unreachable']:,.0f}",
                share=share(float(row["lost"]), float(row["population"] or row["total"])),
            )
    edge = results.record.get("edge") or {}
    near, whole = _number(edge.get("people")), _number(edge.get("share"))
    if near > 0.5:  # noqa: PLR2004 - less is nobody
        told = "" if math.isnan(whole) else f" ({whole:.1%})"
        yield say(
            "limit_edge", people=f"{near:,.0f}{told}", metres=f"{_number(edge.get('limit_m')):,.0f}"
        )


def _of_verdicts(results: Results, say: Words) -> Iterator[str]:
    rows = headlines(results.scorecard)
    if not len(rows):
        return
    undecided = rows[rows["verdict"] == "undecided"]
    if len(undecided):
        causes = Counter(
            cause
            for text in _texts(undecided, "width_causes")
            for cause in text.split(";")
            if cause
        )
        named = say.listed(
            plain(word_or(f"explain_cause_{name}", name, say.language), 60)
            for name, _ in causes.most_common(_MOST_CAUSES)
        )
        key = "limit_undecided" if named else "limit_undecided_alone"
        yield say(key, count=len(undecided), causes=named)
    missing = int((rows["verdict"] == "no_data").sum())
    if missing:
        yield say("limit_no_data", count=missing)


def _texts(rows: pd.DataFrame, name: str) -> list[str]:
    return [str(text) for text in rows[name].dropna()] if name in rows else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
