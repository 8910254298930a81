"""What a command tells when it is done: rates, verdicts and problems in the words of a planner."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from servicecircle.inputs.load import Inputs
from servicecircle.measure.competition import AREA
from servicecircle.measure.equity_tables import worst_rows
from servicecircle.messages import Language, label
from servicecircle.problems import Problem, Severity
from servicecircle.results import LayerInfo, Results
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.pace import STATES
from servicecircle.standards.registry import LayerWords
from servicecircle.standards.scorecard import VERDICTS

__all__ = ["Summary", "check_summary", "problem_lines", "run_summary"]

_MOST_SHOWN = 20
_MOST_ROWS = 10
_MOST_FILES = 20
_MOST_LAYERS = 8
_COLON: dict[Language, str] = {"zh": "：", "en": ": "}
_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_RANK: dict[Severity, int] = {"fatal": 0, "error": 1, "warning": 2, "note": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a command tells when it is done.

    Parameters
    ----------
    lines : mapping of language to tuple of str
    problems : tuple of Problem
    """

    lines: Mapping[Language, tuple[str, ...]]
    problems: tuple[Problem, ...]

    def text(self, language: Language) -> str:
        """Return the lines in one language."""
        return "\n".join(self.lines[language])


def run_summary(results: Results, out: Path) -> Summary:
    """Return what a run found: a line a layer, a line a plan, and where to look.

    Parameters
    ----------
    results : Results
    out : pathlib.Path
        The folder written.
    """
    lines = {}
    for language in _LANGUAGES:
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


def check_summary(
    inputs: Inputs | None,
    words: Mapping[str, LayerWords],
    problems: Sequence[Problem],
    *,
    written: Sequence[Path] = (),
) -> Summary:
    """Return what a check found: rows of each source, counts, the problems, where they are.

    Parameters
    ----------
    inputs : Inputs, optional
        What could be read; None where nothing was.
    words : mapping of str to LayerWords
        Titles of the layers, also of those that could not be read.
    problems : sequence of Problem
    written : sequence of pathlib.Path
        Files and folders written.
    """
    lines = {}
    fatal = sum(problem.severity == "fatal" for problem in problems)
    for language in _LANGUAGES:
        rows = [] if inputs is None else _source_lines(inputs, words, language)
        key = "check_stopped" if fatal else "check_done"
        done = [label(key, language).format(count=len(problems), fatal=fatal)]
        if written:
            files = label("run_comma", language).join(path.as_posix() for path in written)
            done.append(label("check_written", language).format(files=files))
        counts = _count_lines(problems, language)
        told = problem_lines(problems, language)
        lines[language] = (*rows, *counts, *told, *done)
    return Summary(lines=lines, problems=tuple(problems))


def _source_lines(
    inputs: Inputs,
    words: Mapping[str, LayerWords],
    language: Language,
) -> list[str]:
    """Return for each source how many rows came in, were used and were set aside."""
    lines = []
    if len(inputs.units):
        for level, count in inputs.units["level"].value_counts(sort=False).items():
            title = label(f"check_level_{level}", language)
            lines.append(label("check_units", language).format(level=title, count=count))
    for name in dict.fromkeys((*words, *inputs.facilities)):
        title = _title(words[name], language) if name in words else name
        data = inputs.facilities.get(name)
        if data is None:
            lines.append(label("check_unread", language).format(layer=title))
            continue
        lines.append(
            label("check_layer_only" if data.rows_filtered else "check_layer", language).format(
                layer=title,
                rows_in=data.rows_in,
                used=len(data.frame),
                aside=data.rows_set_aside,
                filtered=data.rows_filtered,
            )
        )
    if (people := inputs.population) is not None:
        balance = people.balance
        what = "elderly" if math.isnan(balance["people_in_source"]) else "people"
        lines.append(
            label(f"check_{what}", language).format(
                total=f"{balance[f'{what}_in_source']:,.0f}",
                used=f"{balance[f'{what}_used']:,.0f}",
                points=f"{len(people.demand):,}",
            )
        )
    if inputs.roads is not None:
        counts = inputs.roads.counts
        lines.append(
            label("check_roads", language).format(
                total=counts["lines_in"], used=counts["lines_used"], aside=counts["lines_set_aside"]
            )
        )
    return lines


def _count_lines(problems: Sequence[Problem], language: Language) -> list[str]:
    """Return how many problems there are of each severity, in all and in each file."""
    if not problems:
        return []
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    worst = sorted(
        by_file.items(), key=lambda item: min(_RANK[problem.severity] for problem in item[1])
    )
    lines = [label("check_counts", language).format(counts=_counts(problems, language))]
    for file, mine in worst[:_MOST_FILES]:
        name = file or label("check_no_file", language)
        lines.append(f"  {name}{_COLON[language]}{_counts(mine, language)}")
    if left := len(worst) - _MOST_FILES:
        lines += [f"  … +{left}"] if left > 0 else []
    return lines


def _counts(problems: Sequence[Problem], language: Language) -> str:
    found = Counter(problem.severity for problem in problems)
    return label("run_comma", language).join(
        f"{label(f'severity_{severity}', language)} {found[severity]}"
        for severity in _RANK
        if found[severity]
    )


def problem_lines(problems: Iterable[Problem], language: Language) -> list[str]:
    """Return problems for a terminal: worst first, one text for rows with the same fault.

    All that stop a run are shown, at most 20 texts of others, and at most ten rows of each; the
    rest is counted.

    Examples
    --------
    >>> rows = [
    ...     Problem(code="facility.no_place", severity="warning", file="a.csv", row=row)
    ...     for row in (3, 5, 8)
    ... ]
    >>> text, others = problem_lines(rows, "en")
    >>> text.splitlines()[0], others.strip()
    ('[warning] a.csv row 3: no coordinates', 'the same in 2 more rows: 5, 8')
    >>> problem_lines([], "en")
    []
    """
    groups: dict[tuple[str, ...], list[Problem]] = {}
    for problem in sorted(problems, key=lambda one: _RANK[one.severity]):
        key = (problem.severity, problem.code, problem.file, problem.sheet, problem.column)
        # Rows alone are alike; a text about a whole file has its own figures.
        own = "" if problem.row is not None else str(len(groups))
        groups.setdefault((*key, own), []).append(problem)
    texts = list(groups.values())
    stopping = sum(first.severity == "fatal" for first, *_ in texts)
    shown = texts[: max(_MOST_SHOWN, stopping)]
    lines = []
    for first, *others in shown:
        lines.append(f"[{label(f'severity_{first.severity}', language)}] {first.text(language)}")
        if others:
            rows = ", ".join(str(one.row) for one in others[:_MOST_ROWS])
            more = ", …" if len(others) > _MOST_ROWS else ""
            same = label("check_same", language).format(count=len(others), rows=f"{rows}{more}")
            lines.append(f"  {same}")
            lines += _values([first, *others], language)
    left = sum(map(len, groups.values())) - sum(map(len, shown))
    if left:
        lines.append(label("check_more", language).format(count=left))
    return lines


def _values(problems: Sequence[Problem], language: Language) -> list[str]:
    """Return the values that one fault was found with, the most frequent first."""
    values = Counter(problem.value for problem in problems if problem.value)
    if len(values) < 2 or len(values) == len(problems):  # noqa: PLR2004 - one value is shown already
        return []
    shown = [f"{value} ×{count}" for value, count in values.most_common(_MOST_ROWS)]
    more = ", …" if len(values) > _MOST_ROWS else ""
    return [f"  {label('check_values', language).format(values=', '.join(shown) + more)}"]


def _title(words: LayerWords | LayerInfo, language: Language) -> str:
    return words.zh if language == "zh" else words.en


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
        return label("run_layer_nobody", language).format(layer=_title(layer, language))
    return label(f"run_layer_{what}", language).format(
        layer=_title(layer, language),
        within=label(key, language).format(limit=limit, speed=layer.pace(language)),
        covered=f"{covered:,.0f}",
        total=f"{total:,.0f}",
        share=f"{covered / total:.1%}",
    )


def _capacity_lines(results: Results, language: Language) -> list[str]:
    """Return a line for each way in which people compete for places, over the whole area."""
    lines = []
    titles = {layer.name: _title(layer, language) for layer in results.layers}
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
                nobody = row["beyond_limit"] + row["unreachable"]
                words |= counts | {
                    "rule": label(f"rule_{row['rule']}", language),
                    "total": f"{row['people']:,.0f}",
                    "mean": f"{row['mean_minutes']:.1f}",
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
    titles = {layer.name: _title(layer, language) for layer in results.layers}
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
    titles = {layer.name: _title(layer, language) for layer in results.layers}
    said = [
        f"{titles.get(layer, layer)} {needed:,.0f}"
        for layer, needed in zip(rows["layer"], rows["needed_at_least"], strict=True)
    ]
    words = label("run_comma", language).join(said[:_MOST_LAYERS])
    return [label("run_needs", language).format(layers=words)] if said else []
