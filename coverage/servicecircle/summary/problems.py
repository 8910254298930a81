"""Problems for a terminal: the worst first, one text for rows with the same fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from servicecircle.messages import Language, label
from servicecircle.problems import Problem, Severity

__all__ = ["RANK", "problem_lines"]

_MOST_SHOWN = 20
_MOST_ROWS = 10
RANK: dict[Severity, int] = {"fatal": 0, "error": 1, "warning": 2, "note": 3}


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
    for problem in sorted(problems, key=lambda one: RANK[one.severity]):
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
