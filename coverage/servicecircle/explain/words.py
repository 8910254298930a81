"""An explanation told in a terminal, or as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import pandas as pd

from servicecircle.explain.lines import cause_words, part_lines, titles
from servicecircle.explain.unit_words import unit_lines
from servicecircle.explain.value import Check, Explained
from servicecircle.messages import Language, label
from servicecircle.outputs.terminal import figure, text_table
from servicecircle.standards.sentences import sentence

__all__ = ["explanation_text"]

_MOST = 20


def explanation_text(found: Explained, language: Language, *, everything: bool = False) -> str:
    """Return an explanation for a terminal.

    Parameters
    ----------
    found : Explained
    language : {"zh", "en"}
    everything : bool
        List all addends, facilities and demand points, not only the first twenty.
    """
    most = None if everything else _MOST
    lines = [
        *_head(found, language),
        "",
        *_result(found, language),
        *(line for part in found.parts for line in _spaced(part_lines(part, language, most))),
    ]
    if found.unit is not None:
        lines += ["", *unit_lines(found, language, most)]
    lines += ["", label("explain_where", language), "", *_checks(found, language)]
    return "\n".join(lines)


def _spaced(lines: Iterable[str]) -> list[str]:
    """Return lines after an empty one; nothing where there is none."""
    given = list(lines)
    return ["", *given] if given else []


def _head(found: Explained, language: Language) -> Iterator[str]:
    row = found.row
    plan = found.plan.name_zh if language == "zh" else found.plan.name_en
    yield label("explain_head", language).format(plan=plan, id=row["indicator_id"])
    yield str(row[f"name_{language}"])
    if row["alternative"]:
        yield label("explain_alternative", language).format(name=row["alternative"])
    run = found.run
    yield label("explain_run", language).format(
        folder=run.folder.as_posix(), name=run.name, as_of=run.as_of.isoformat()
    )
    said = sentence(found.indicator, found.plan, language, extra_layers=found.extra_layers)
    yield label("explain_rule", language).format(sentence=said)
    if row["profile"]:
        yield label("explain_travel", language).format(
            profile=row["profile"], speed=figure(float(row["speed_kmh"]))
        )
    yield label("explain_source", language).format(
        file=row["source_file"] or "–",
        lines=row["source_lines"] or "–",
        copy=found.run.plans[found.plan.id].name,
    )


def _result(found: Explained, language: Language) -> Iterator[str]:
    """Yield the quotient, the target, the verdict and why, the interval, what is missing."""
    row = found.row
    numbers = {
        name: figure(float(row[name]))
        for name in ("value", "numerator", "denominator", "low", "high", "target", "shortfall")
    }
    unit = str(row["unit"])
    value = f"{numbers['value']} {unit}"
    if not math.isnan(row["value"]) and not math.isnan(row["denominator"]):
        value = label("explain_quotient", language).format(
            top=numbers["numerator"],
            bottom=numbers["denominator"],
            scale=figure(found.scale),
            value=value,
        )
    colon = "：" if language == "zh" else ": "
    yield f"{label('explain_value', language)}{colon}{value}"
    straight = float(row["straight_value"])
    if not math.isnan(straight):
        yield f"{label('explain_straight_value', language)}{colon}{figure(straight)} {unit}"
    year = "" if pd.isna(row["target_year"]) else f"{int(row['target_year'])}"
    if math.isnan(row["target"]):
        yield label("explain_no_target", language)
    else:
        yield label("explain_target", language).format(
            operator=label(f"explain_{found.indicator.operator}", language),
            target=numbers["target"],
            unit=unit,
            year=year or "–",
            basis=label(f"explain_basis_{row['target_basis'] or 'stated'}", language),
        )
    verdict = str(row["verdict"])
    reason = verdict
    if verdict == "undecided" and "reading" in str(row["width_causes"]).split(";"):
        reason = "reading"
    elif verdict in {"met", "not_met"} and math.isnan(row["value"]):
        reason = "met_bound" if verdict == "met" else "not_met_bound"
    why = label(f"explain_why_{reason}", language).format(
        **numbers,
        missing=row["missing_inputs"] or "–",
        year=year,
        as_of=row["as_of"],
    )
    title = label("explain_verdict", language)
    yield f"{title}{colon}{label(f'map_verdict_{verdict}', language)} – {why}"
    if row["width_causes"]:
        yield label("explain_interval", language).format(
            low=numbers["low"],
            high=numbers["high"],
            causes=cause_words(row["width_causes"], language),
        )
        yield from _widths(found, language)
    if float(row["shortfall"]) > 0.0:
        yield label("explain_shortfall_of", language).format(
            count=numbers["shortfall"], what=row.get("shortfall_of", "") or unit
        )
    if row["notes"]:
        yield label("explain_notes", language)
        yield from (f"  {note}" for note in str(row["notes"]).split(" | "))


def _widths(found: Explained, language: Language) -> list[str]:
    table = found.widths
    if not len(table) or not {"cause", "low_alone", "high_alone"} <= {*table.columns}:
        return []
    numbers = table[["low_alone", "high_alone"]].apply(pd.to_numeric, errors="coerce")
    rows = zip(table["cause"], numbers["low_alone"], numbers["high_alone"], strict=True)
    return text_table(
        titles(("cause", "low", "high"), language),
        [[cause_words(cause, language), figure(low), figure(high)] for cause, low, high in rows],
        right=(1, 2),
    )


def _checks(found: Explained, language: Language) -> list[str]:
    """Return what was computed again; where something differs, that alone."""
    if found.differences:
        lines = [label("explain_differs", language).format(count=len(found.differences))]
        for check in found.differences:
            text = label("explain_differs_line", language).format(
                what=_what(check, language),
                recorded=_shown(check.recorded),
                computed=_shown(check.computed),
                how=label(f"explain_how_{check.how}", language),
            )
            lines.append(f"  {text}")
        return lines
    lines = [label("explain_checked", language).format(count=len(found.checks))]
    comma = "、" if language == "zh" else ", "
    for how in dict.fromkeys(check.how for check in found.checks):
        names = dict.fromkeys(_what(check, language) for check in found.checks if check.how == how)
        text = label("explain_checked_how", language)
        lines.append(
            "  " + text.format(how=label(f"explain_how_{how}", language), names=comma.join(names))
        )
    return lines


def _what(check: Check, language: Language) -> str:
    of_unit = check.what.startswith("unit_")
    name = check.what.removeprefix("unit_")
    title = label(f"explain_{name}", language)
    title = label("explain_of_unit", language).format(what=title) if of_unit else title
    return f"{title} ({check.where})" if check.where and not check.agrees else title


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"
