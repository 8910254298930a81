"""A comparison told in a terminal: settings first, then verdicts, values, people, facilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from servicecircle.compare.runs import Comparison
from servicecircle.inputs.runs import Run
from servicecircle.messages import Language, label
from servicecircle.outputs.terminal import figure, text_table
from servicecircle.standards.registry import load_registry

__all__ = ["comparison_text"]

_MOST = 20


def comparison_text(found: Comparison, language: Language) -> str:
    """Return what changed, for a terminal; each list has at most 20 rows.

    Parameters
    ----------
    found : Comparison
    language : {"zh", "en"}
    """
    lines = [_run("A", found.a, language), _run("B", found.b, language)]
    for part in (
        _settings(found, language),
        _doubts(found, language),
        _indicators(found, language),
        _reach(found, language),
        _units(found, language),
        _facilities(found, language),
    ):
        lines += ["", *part] if part else []
    return "\n".join(lines)


def _run(side: str, run: Run, language: Language) -> str:
    told = label("compare_run", language).format(
        side=side, folder=run.folder, name=run.name, as_of=run.as_of.isoformat()
    )
    siting = run.record.get("siting")
    if siting is None:
        return told
    known = load_registry().layers
    titles = (known[one].title(language) if one in known else one for one in siting["layers"])
    return (
        told
        + "\n   "
        + label("compare_siting", language).format(
            layers=label("run_comma", language).join(titles),
            count=f"{siting['new_sites']:,}",
            closed=f"{siting['closed_sites']:,}",
        )
    )


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows, each with its columns as attributes."""
    yield from table.itertuples(index=False)


def _titles(names: Sequence[str], language: Language) -> list[str]:
    """Return titles of columns; A and B stand for themselves."""
    return [
        name if name in {"A", "B"} else label(f"compare_column_{name}", language) for name in names
    ]


def _table(
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    language: Language,
    *,
    right: Iterable[int] = (),
) -> list[str]:
    """Return a table of at most 20 rows, and how many more there are."""
    given = list(rows)
    lines = text_table(_titles(names, language), given[:_MOST], right=right)
    if left := len(given) - _MOST:
        lines += [f"  {label('compare_more', language).format(count=left)}"] if left > 0 else []
    return lines


def _settings(found: Comparison, language: Language) -> list[str]:
    lines = [label("compare_settings" if len(found.settings) else "compare_no_settings", language)]
    rows = _rows(found.settings)
    lines += _table(["key", "A", "B"], ([row.key, row.a, row.b] for row in rows), language)
    lines.append(label("compare_inputs" if len(found.inputs) else "compare_no_inputs", language))
    files = _rows(found.inputs)
    lines += _table(
        ["file", "status"],
        ([row.file, label(f"compare_status_{row.status}", language)] for row in files),
        language,
    )
    return lines


def _doubts(found: Comparison, language: Language) -> list[str]:
    if not found.problems:
        return []
    texts = [f"  {line}" for one in found.problems for line in one.text(language).splitlines()]
    return [label("compare_doubts", language), *texts]


def _indicators(found: Comparison, language: Language) -> list[str]:
    table = found.indicators
    both = table[table["status"] == "both"]
    lines = [
        label("compare_indicators", language).format(
            both=len(both),
            changed=int((both["value_change"].fillna(0.0) != 0.0).sum()),
            turned=int(table["turned"].sum()),
            only_a=int((table["status"] == "only_a").sum()),
            only_b=int((table["status"] == "only_b").sum()),
        )
    ]
    known_a, known_b = both["value_a"].notna(), both["value_b"].notna()
    appeared, vanished = int((known_b & ~known_a).sum()), int((known_a & ~known_b).sum())
    if appeared or vanished:
        text = label("compare_appeared", language)
        lines.append(text.format(appeared=appeared, vanished=vanished))
    name = f"name_{language}"
    turned = table[table["turned"]]
    if len(turned):
        lines.append(label("compare_turned", language))
        lines += _table(
            ["plan", "indicator", "year", "A", "B", "value", "change"],
            (
                [
                    row.plan,
                    getattr(row, name),
                    "" if pd.isna(row.target_year) else f"{int(row.target_year)}",
                    label(f"map_verdict_{row.verdict_a}", language),
                    label(f"map_verdict_{row.verdict_b}", language),
                    figure(row.value_b),
                    _signed(row.value_change),
                ]
                for row in _rows(turned)
            ),
            language,
            right=(2, 5, 6),
        )
    largest = _largest(both)
    if len(largest):
        lines.append(label("compare_largest", language))
        lines += _table(
            ["plan", "indicator", "A", "B", "change", "unit"],
            (
                [
                    row.plan,
                    getattr(row, name),
                    figure(row.value_a),
                    figure(row.value_b),
                    _signed(row.value_change),
                    row.unit,
                ]
                for row in _rows(largest)
            ),
            language,
            right=(2, 3, 4),
        )
    return lines


def _largest(both: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose value changed, an indicator once, the largest change first."""
    rows = both[both["value_change"].fillna(0.0) != 0.0]
    rows = rows.drop_duplicates(["plan", "indicator_id", "alternative", "value_a", "value_b"])
    size = rows[["value_a", "value_b"]].abs().max(axis="columns")
    order = (rows["value_change"].abs() / size).sort_values(ascending=False, kind="stable").index
    return rows.loc[order]


def _signed(value: float) -> str:
    return f"+{figure(value)}" if value > 0 else figure(value)


def _layer(name: str, language: Language) -> str:
    words = load_registry().layers.get(name)
    return name if words is None else words.title(language)


def _people(count: float) -> str:
    return "–" if math.isnan(count) else figure(round(count))


def _level(name: str, language: Language) -> str:
    words = load_registry().levels.get(name)
    return name if words is None else words.zh if language == "zh" else words.en


def _reach(found: Comparison, language: Language) -> list[str]:
    sums = found.reach
    if not len(sums):
        return [label("compare_no_limit", language)]
    lines = [label("compare_reach", language).format(rule=sums["rule"].iloc[0])]
    columns = ["layer", "gained", "elderly", "lost", "elderly", "minutes_a", "minutes_b"]
    lines += _table(
        columns,
        (
            [
                _layer(row.layer, language),
                _people(row.gained_population),
                _people(row.gained_elderly),
                _people(row.lost_population),
                _people(row.lost_elderly),
                figure(row.mean_minutes_a),
                figure(row.mean_minutes_b),
            ]
            for row in _rows(sums)
        ),
        language,
        right=range(1, len(columns)),
    )
    return lines


def _units(found: Comparison, language: Language) -> list[str]:
    """Return how many units changed, and those whose rate of coverage changed most."""
    table = found.units
    count = table["unit_id"].nunique()
    changed = table.loc[table["changed"], "unit_id"].nunique()
    if not changed:
        return [label("compare_no_units", language).format(count=count)]
    rule = str(found.reach["rule"].iloc[0]) if len(found.reach) else ""
    rows = table[(table["status"] == "both") & (table["rule"] == rule)]
    what = "elderly" if rows["elderly_coverage_change"].notna().any() else "population"
    change = rows[f"{what}_coverage_change"].fillna(0.0).abs()
    order = change[change > 0.0].sort_values(ascending=False, kind="stable").index
    lines = [label("compare_units", language).format(changed=changed, count=count, rule=rule)]
    lines += _table(
        ["level", "name", "layer", "A", "B", "change"],
        (
            [
                _level(row.level, language),
                row.name,
                _layer(row.layer, language),
                _percent(getattr(row, f"{what}_coverage_a")),
                _percent(getattr(row, f"{what}_coverage_b")),
                _points(getattr(row, f"{what}_coverage_change")),
            ]
            for row in _rows(rows.loc[order])
        ),
        language,
        right=(3, 4, 5),
    )
    return lines


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.1%}"


def _points(change: float) -> str:
    """Return a difference of two shares in percentage points."""
    return "–" if math.isnan(change) else f"{100.0 * change:+.1f}"


def _facilities(found: Comparison, language: Language) -> list[str]:
    table = found.facilities
    counts = table["status"].value_counts()
    names = ("added", "removed", "opened", "closed", "moved", "changed", "same")
    text = label("compare_facilities", language)
    lines = [text.format(**{name: int(counts.get(name, 0)) for name in names})]
    rows = table[table["status"] != "same"]
    lines += _table(
        ["status", "layer", "name", "metres", "columns"],
        (
            [
                label(f"compare_facility_{row.status}", language),
                _layer(row.layer, language),
                row.name,
                figure(round(row.moved_m)) if row.status == "moved" and row.moved_m > 0 else "",
                row.columns,
            ]
            for row in _rows(rows)
        ),
        language,
        right=(3,),
    )
    return lines
