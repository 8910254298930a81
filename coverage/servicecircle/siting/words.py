"""What a siting study says in the terminal: how many sites, how far proven, what stays out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from servicecircle.messages import Language, label

__all__ = ["siting_lines", "within_words"]

_PROVEN = 1e-9
_MOST_VERDICTS = 10
_WAYS = ("mean", "worst", "cover_then_mean")
_PROOFS = {
    "fewest": ("siting_fewest_proven", "siting_fewest_gap"),
    "cheapest": ("siting_cheapest_proven", "siting_cheapest_gap"),
    "cover": ("siting_cover_proven", "siting_cover_gap"),
    "places": ("siting_places_proven", "siting_places_gap"),
    "mean": ("siting_mean_proven", "siting_mean_gap"),
    "worst": ("siting_worst_proven", "siting_worst_gap"),
    "cover_then_mean": ("siting_cover_then_mean_proven", "siting_cover_then_mean_gap"),
}
"""What is said of each objective: where the best is proven, and where a gap is left."""


def siting_lines(
    record: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    *,
    titles: Mapping[str, str],
    language: Language,
) -> list[str]:
    """Return what a siting study found, a line each.

    Parameters
    ----------
    record : mapping
        ``siting`` of ``run.json``.
    tables : mapping of str to pandas.DataFrame
        sites, siting, site_units, site_verdicts.
    titles : mapping of str to str
        Of the layers, in the language.
    language : {"zh", "en"}
    """
    layers = label("run_comma", language).join(titles.get(one, one) for one in record["layers"])
    lines = [*_target_lines(record, language)]
    lines.append(_main_line(record, tables, layers, language))
    if len(record["layers"]) > 1:
        lines.append(label("siting_each_layer", language))
    lines += _proof_lines(record, language)
    if record["closed_sites"]:
        lines.append(label("siting_closed", language).format(count=record["closed_sites"]))
    lines += _unreached_lines(record, language)
    lines += _default_lines(record, language)
    lines += _phase_lines(tables, language)
    lines += _verdict_lines(tables, language)
    return lines


def _main_line(
    record: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], layers: str, language: Language
) -> str:
    units = tables["site_units"]
    people, before, after = (
        float(units[name].sum()) for name in ("people", "covered_before", "covered_after")
    )
    within = within_words(record, language)
    key = "siting_no_people" if not people > 0.0 else "siting_main"
    target = record.get("target", {})
    # The target's own line tells the value itself.
    low = people > 0.0 and target.get("form") == "people" and target["end"] == "low"
    end = label("siting_low_end", language) if low else ""
    line = label(key, language).format(
        layers=layers,
        count=record["new_sites"],
        within=within,
        people=label(f"people_{record['people']}", language),
        before=f"{before:,.0f}",
        after=f"{after:,.0f}",
        total=f"{people:,.0f}",
        share_before=_percent(before, people),
        share_after=_percent(after, people),
    )
    return line + end


def within_words(record: Mapping[str, Any], language: Language) -> str:
    """Return within what a site serves, such as "within 15 min (walking, over the roads)".

    Parameters
    ----------
    record : mapping
        ``siting`` of ``run.json``: criterion, limit (seconds or metres) and profile.
    language : {"zh", "en"}

    Examples
    --------
    >>> within_words({"criterion": "straight_metres", "limit": 1000.0, "profile": "walk"}, "en")
    'within 1,000 m in a straight line'
    """
    return label(f"siting_within_{record['criterion']}", language).format(
        limit=f"{record['limit'] / (60.0 if record['criterion'] == 'seconds' else 1.0):,g}",
        profile=label(f"map_profile_{record['profile']}", language),
    )


def _target_lines(record: Mapping[str, Any], language: Language) -> Iterator[str]:
    target = record.get("target")
    if target is None:
        return
    yield label("siting_target", language).format(
        name=target["name"][language],
        year="–" if target["year"] is None else target["year"],
        value=_figure(math.nan if target["value_before"] is None else target["value_before"]),
        goal=_figure(math.nan if target["goal"] is None else target["goal"]),
        unit=target["unit"],
        before=label(f"map_verdict_{target['verdict_before']}", language),
        after=label(f"map_verdict_{target['verdict_after']}", language),
    )
    if target["units_short"]:
        yield label("siting_target_short", language).format(count=target["units_short"])


def _proof_lines(record: Mapping[str, Any], language: Language) -> Iterator[str]:
    value, bound, gap = (
        math.nan if record[name] is None else float(record[name])
        for name in ("value", "bound", "gap")
    )
    proven = record["status"] == "optimal" and gap <= _PROVEN
    objective = record["objective"]
    digits = 0 if objective == "cover" else 2
    seconds = record["criterion"] == "seconds" and objective in _WAYS
    scale = 60.0 if seconds else 1.0
    unit = label("siting_minutes" if seconds else "siting_metres", language)
    full = objective == "cover" and record["capacities"]
    kind = "places" if full else "cheapest" if record["by_cost"] else objective
    key = _PROOFS[kind][0 if proven else 1]
    whole = objective == "fewest" and float(value).is_integer()
    yield label(key, language).format(
        value=f"{value / scale:,.{0 if whole else digits}f}",
        bound=f"{math.ceil(bound - 1e-6) if whole else bound / scale:,.{0 if whole else digits}f}",
        gap=f"{gap:.2%}",
        unit=unit,
        need=f"{record['people_in_need']:,.0f}",
    )
    yield from _people_step(record, language)
    guarantee = record["candidates"].get("guarantee_m")
    # A lattice, without roads, has none that it stands along.
    along = record["candidates"]["chosen_by"].get("grid_road_m", 0.0) > 0.0
    if guarantee is not None:
        key = "siting_guarantee" if along else "siting_guarantee_straight"
        yield label(key, language).format(metres=f"{guarantee:,.0f}")
    lost = record["candidates"].get("lost_at_most")
    if lost is not None:
        kind = "people" if objective == "cover" else "sites"
        count = label(f"siting_lost_{kind}", language).format(count=f"{lost:,.0f}")
        key = "siting_lost" if along else "siting_lost_straight"
        yield label(key, language).format(lost=count)


def _people_step(record: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Say how many people could be in reach at most, where they come first and it is not proven."""
    if record["objective"] not in _WAYS:
        return
    for one in record["steps"]:
        value, bound = one["value"], one["bound"]
        if one["name"] == "people" and value is not None and bound is not None:
            gap = (bound - value) / bound if bound > 0.0 else 0.0
            if gap > _PROVEN:
                yield label("siting_people_gap", language).format(
                    value=f"{value:,.0f}", bound=f"{bound:,.0f}", gap=f"{gap:.2%}"
                )


def _unreached_lines(record: Mapping[str, Any], language: Language) -> Iterator[str]:
    people = record["candidates"].get("people_unreached_by_any", 0.0)
    if people and people > 0.0:
        yield label("siting_left", language).format(
            people=f"{people:,.0f}",
            share=f"{people / record['candidates']['people']:.2%}",
        )


def _default_lines(record: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Say which candidates were taken where the project lists none."""
    chosen = record["candidates"]["chosen_by"]
    if not chosen.get("default"):
        return
    for one in chosen["lists"].values():
        kind = "grid" if one["kind"] == "grid" else "others"
        yield label(f"siting_default_{kind}", language).format(
            count=f"{one['candidates']:,}",
            every=f"{one.get('every_m', 0.0):,.0f}",
        )


def _phase_lines(tables: Mapping[str, pd.DataFrame], language: Language) -> Iterator[str]:
    rows = tables["siting"]
    rows = rows[rows["step"].str.startswith("phase")]
    years = tables["sites"].drop_duplicates("phase").set_index("phase")["year"]
    for number, row in enumerate(rows.to_dict("records"), start=1):
        year = years.get(number)
        # Where the best for so many serves more people, ways are not to be compared.
        unlike = math.isnan(row["gap"])
        key = "siting_phase_people" if unlike else "siting_phase"
        yield label(key, language).format(
            phase=number,
            year="–" if year is None or pd.isna(year) else int(year),
            sites=f"{row['sites']:,.0f}",
            people=f"{row['people']:,.0f}",
            gap=f"{row['gap']:.2%}",
            best=f"{row['best_people']:,.0f}",
        )


def _verdict_lines(tables: Mapping[str, pd.DataFrame], language: Language) -> Iterator[str]:
    table = tables["site_verdicts"]
    rows = table[table["verdict_before"] != table["verdict_after"]]
    if not len(rows):
        return
    yield label("siting_turned", language).format(count=len(rows))
    for row in rows.iloc[:_MOST_VERDICTS].to_dict("records"):
        year = row["target_year"]
        yield label("siting_verdict", language).format(
            name=row[f"name_{language}"],
            year="" if pd.isna(year) else int(year),
            before=label(f"map_verdict_{row['verdict_before']}", language),
            after=label(f"map_verdict_{row['verdict_after']}", language),
            value_before=_figure(row["value_before"]),
            value_after=_figure(row["value_after"]),
        )
    if len(rows) > _MOST_VERDICTS:
        yield f"  … +{len(rows) - _MOST_VERDICTS}"


def _figure(value: float) -> str:
    number = math.nan if pd.isna(value) else float(value)
    return "–" if math.isnan(number) else f"{number:,.6g}"


def _percent(part: float, whole: float) -> str:
    return "–" if not whole > 0.0 else f"{part / whole:.1%}"
