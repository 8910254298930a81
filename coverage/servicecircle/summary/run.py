"""What a run tells: rates, verdicts and what is missing in the words of a planner."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from servicecircle.measure.competition import AREA
from servicecircle.measure.equity_tables import worst_rows
from servicecircle.messages import LANGUAGES, Language, label
from servicecircle.results import LayerInfo, Results
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.pace import STATES
from servicecircle.standards.verdicts import VERDICTS
from servicecircle.summary.told import Summary, layer_title

__all__ = ["run_summary"]

_MOST_LAYERS = 8


def run_summary(results: Results, out: Path) -> Summary:
    """Return what a run found: a line a layer, a line a plan, and where to look.

    Parameters
    ----------
    results : Results
    out : pathlib.Path
        The folder written.
    """
    lines = {}
    for language in LANGUAGES:
        said = [label("invented_banner", language)] if results.invented else []
        said += [
            _layer_line(results, layer, language) for layer in results.layers if layer.measured
        ]
        said += _capacity_lines(results, language)
        said += _plan_lines(results, language)
        said += _needs_lines(results, language)
        said += _equity_lines(results, language)
        said += _drawn_lines(results, language)
        said.append(label("run_problems", language).format(count=len(results.problems)))
        said.append(label("run_done", language).format(page=(out / "index.html").as_posix()))
        lines[language] = tuple(said)
    return Summary(lines=lines, problems=results.problems)


def _layer_line(results: Results, layer: LayerInfo, language: Language) -> str:
    """Return who is covered within the longest time, else within the first straight line."""
    if layer.on_network:
        limit = results.minutes[-1]
        rule, key = f"{limit:g} min", "run_within_minutes"
    else:
        limit = results.metres[0]
        rule, key = f"{limit:g} m straight", "run_within_straight"
    rows = results.unit_coverage
    rows = rows[(rows["layer"] == layer.name) & (rows["rule"] == rule)]
    top = rows[rows["level"] == rows["level"].iloc[0]] if len(rows) else rows
    what = "elderly" if top["elderly"].sum() > 0 else "population"
    total, covered = top[what].sum(), top[f"covered_{what}"].sum()
    if not total > 0:
        return label("run_layer_nobody", language).format(layer=layer_title(layer, language))
    return label(f"run_layer_{what}", language).format(
        layer=layer_title(layer, language),
        within=label(key, language).format(limit=limit, speed=layer.pace(language)),
        covered=f"{covered:,.0f}",
        total=f"{total:,.0f}",
        share=f"{covered / total:.1%}",
    )


def _capacity_lines(results: Results, language: Language) -> list[str]:
    """Return a line for each way in which people compete for places, over the whole area."""
    lines = []
    titles = {layer.name: layer_title(layer, language) for layer in results.layers}
    for table, way in (("catchments", "method"), ("assignment", "rule")):
        rows = results.tables.get(table)
        if rows is None:
            continue
        for row in rows[rows["level"] == AREA].to_dict("records"):
            words = {
                "name": titles.get(row["name"], row["name"]),
                "minutes": f"{row['minutes']:g}",
                "profile": label(f"map_profile_{row['profile']}", language),
            }
            if math.isnan(row["placed" if way == "rule" else "score"]):
                lines.append(label("run_no_capacity", language).format(**words))
                continue
            if way == "rule":
                counts = {name: f"{row[name]:,.0f}" for name in ("placed", "left", "full")}
                mean = row["mean_minutes"]
                nobody = row["beyond_limit"] + row["unreachable"]
                words |= counts | {
                    "rule": label(f"rule_{row['rule']}", language),
                    "total": f"{row['people']:,.0f}",
                    "mean": "–" if math.isnan(mean) else f"{mean:.1f}",
                    "nobody": f"{nobody:,.0f}",
                    "unsnapped": f"{row['unsnapped']:,.0f}",
                }
                lines.append(label("run_assignment", language).format(**words))
                continue
            norm = ""
            if not math.isnan(row["norm"]):
                norm = label("run_catchment_norm", language).format(
                    norm=f"{row['norm']:g}", share=f"{row['share_at_norm']:.1%}"
                )
            words |= {
                "method": str(row["method"]).upper(),
                "per": f"{row['per']:,.0f}",
                "score": f"{row['score']:,.1f}",
                "norm": norm,
            }
            lines.append(label("run_catchment", language).format(**words))
    return lines


def _equity_lines(results: Results, language: Language) -> list[str]:
    """Return for each layer how evenly its ways are spread, where that was asked for."""
    if "equity" not in results.tables:
        return []
    titles = {layer.name: layer_title(layer, language) for layer in results.layers}
    lines = []
    for layer, row in worst_rows(results.tables["equity"]).items():
        key = "minutes" if row["quantity"] == "minutes" else "metres"
        digits = 1 if key == "minutes" else 0
        if not row["unreached_share"] < 1.0:
            continue
        lines.append(
            label(f"run_equity_{key}", language).format(
                layer=titles.get(layer, layer),
                people=label(f"people_{row['people']}", language),
                mean=f"{row['mean']:.{digits}f}",
                worst=f"{row['worst_tenth']:.{digits}f}",
                units=row["worst_tenth_units"] or "–",
                gini=f"{row['gini']:.2f}",
                unreached=f"{row['unreached_share']:.1%}",
            )
        )
    return lines


def _drawn_lines(results: Results, language: Language) -> list[str]:
    """Return what drawn runs say of the rules of travel, where they were asked for."""
    rows = results.tables.get("monte_carlo")
    if rows is None or not len(rows):
        return []
    split = rows[(rows["share_met"] > 0.0) & (rows["share_met"] < 1.0)]
    first = rows.iloc[0]
    return [
        label("run_monte_carlo", language).format(
            runs=first["runs"],
            seed=first["seed"],
            count=len(rows.drop_duplicates(["plan", "indicator_id", "alternative"])),
            split=len(split.drop_duplicates(["plan", "indicator_id", "alternative"])),
        )
    ]


def _plan_lines(results: Results, language: Language) -> list[str]:
    card = results.scorecard
    if not len(card):
        return []
    packaged = packaged_plans()
    lines = []
    for name, rows in card[card["headline"]].groupby("plan", sort=False):
        plan = load_plan(str(name)) if name in packaged else None
        title = name if plan is None else plan.name_zh if language == "zh" else plan.name_en
        words = {"plan": title, "count": len(rows), "verdicts": _counted(rows, language)}
        lines.append(label("run_plan", language).format(**words))
        governing = _governing_instead(card[card["plan"] == name], rows)
        if len(governing):
            words = {"count": len(governing), "verdicts": _counted(governing, language)}
            lines.append(label("run_plan_contested", language).format(**words))
        lines += _progress_lines(results, str(name), language)
    return lines


def _counted(rows: pd.DataFrame, language: Language) -> str:
    """Return how many of some rows have each verdict."""
    counts = rows["verdict"].value_counts()
    return label("run_comma", language).join(
        f"{label(f'map_verdict_{verdict}', language)} {counts[verdict]}"
        for verdict in VERDICTS
        if verdict in counts
    )


def _governing_instead(card: pd.DataFrame, headlines: pd.DataFrame) -> pd.DataFrame:
    """Return, for headlines that do not govern, the last row due that does, else the next one."""
    if "governing" not in card:
        return card.iloc[:0]
    contested = headlines.loc[~headlines["governing"].astype(bool), "indicator_id"]
    rows = card[card["governing"].astype(bool) & card["indicator_id"].isin(contested)]
    later = rows["verdict"] == "not_due"
    order = rows["target_year"].astype(float).where(~later, -rows["target_year"].astype(float))
    rows = rows.assign(_order=order).sort_values("_order", kind="stable")
    return rows.groupby("indicator_id", sort=False).tail(1)


def _progress_lines(results: Results, plan: str, language: Language) -> list[str]:
    """Return how many of a plan's indicators with targets to come are on track or behind."""
    table = results.tables.get("progress")
    if table is None or not len(table):
        return []
    rows = table[(table["plan"] == plan) & (table["alternative"] == "")]
    rows = rows[rows["next_year"].notna()]
    counts = rows["on_track"].value_counts()
    said = [
        label(f"run_progress_{state}", language).format(count=counts[state])
        for state in STATES
        if state in counts
    ]
    words = label("run_comma", language).join(said)
    line = label("run_progress", language).format(count=len(rows), counts=words)
    return [line] if said else []


def _needs_lines(results: Results, language: Language) -> list[str]:
    """Return what the layers lack at least, the most first, over all plans."""
    table = results.tables.get("needs_by_layer")
    if table is None or not len(table):
        return []
    rows = table[(table["plan"] == "") & (table["shortfall_of"] == "facilities")]
    rows = rows[rows["needed_at_least"] > 0]
    rows = rows.sort_values("needed_at_least", ascending=False, kind="stable")
    titles = {layer.name: layer_title(layer, language) for layer in results.layers}
    said = [
        f"{titles.get(layer, layer)} {needed:,.0f}"
        for layer, needed in zip(rows["layer"], rows["needed_at_least"], strict=True)
    ]
    words = label("run_comma", language).join(said[:_MOST_LAYERS])
    return [label("run_needs", language).format(layers=words)] if said else []
