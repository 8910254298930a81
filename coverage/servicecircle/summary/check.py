"""What a check tells: the rows of each source, and the problems."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from servicecircle.inputs.load import Inputs
from servicecircle.messages import LANGUAGES, Language, label
from servicecircle.problems import Problem
from servicecircle.standards.registry import LayerWords
from servicecircle.summary.problems import RANK, problem_lines
from servicecircle.summary.told import Summary, layer_title

__all__ = ["check_summary"]

_MOST_FILES = 20
_COLON: dict[Language, str] = {"zh": "：", "en": ": "}


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
    for language in LANGUAGES:
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
        title = layer_title(words[name], language) if name in words else name
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
        by_file.items(), key=lambda item: min(RANK[problem.severity] for problem in item[1])
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
        for severity in RANK
        if found[severity]
    )
