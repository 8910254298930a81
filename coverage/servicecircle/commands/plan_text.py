"""Plans in words, for a terminal and as JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from servicecircle.commands.wide import pad, width, wrap
from servicecircle.messages import Language, label
from servicecircle.standards.conflict_table import line_words, said
from servicecircle.standards.governing import governing
from servicecircle.standards.kinds import KINDS
from servicecircle.standards.needs import needs_of
from servicecircle.standards.plan import Indicator, Plan, variants
from servicecircle.standards.registry import load_registry
from servicecircle.standards.sentences import sentence

if TYPE_CHECKING:
    from servicecircle.standards.conflicts import Conflict

__all__ = ["conflict_text", "indicator_text", "list_text", "plan_json", "plan_text"]

Rows = list[tuple[str, str]]
_ALL = 100.0
_MARGIN = "   "


def list_text(plans: Mapping[str, Plan], language: Language, *, cells: int = 100) -> str:
    """Return the plans with what they hold, a few lines each.

    Parameters
    ----------
    plans : mapping of str to Plan
        By the name that a project gives.
    language : {"zh", "en"}
    cells : int
        Width of the terminal.
    """
    column = max(map(width, plans), default=0) + 2
    lines = []
    for name, plan in plans.items():
        kinds = Counter(one.kind for one in plan.indicators)
        counts = _say("counts", language).join(
            f"{_kind(kind, language)} {kinds[kind]}" for kind in KINDS if kinds[kind]
        )
        first = wrap(f"{pad(name, column)}{plan.name(language)}", cells, indent=" " * column)
        other = plan.name_en if language == "zh" else plan.name_zh
        lines.append(first)
        lines += [
            " " * column + wrap(text, cells, indent=" " * column)
            for text in (other, _header(plan, language), counts)
        ]
    return "\n".join(lines)


def plan_text(plan: Plan, language: Language, *, name: str = "", cells: int = 100) -> str:
    """Return a plan in words: what it is, each indicator in a few lines, its conflicts by topic.

    Parameters
    ----------
    plan : Plan
    language : {"zh", "en"}
    name : str
        Of the plan, or path of its file, as the command takes it.
    cells : int
        Width of the terminal.
    """
    lines = [wrap(text, cells) for text in (plan.name_zh, plan.name_en, _header(plan, language))]
    if plan.source_file:
        lines.append(_say("source_file", language).format(file=plan.source_file))
    if plan.provisional:
        lines.append(wrap(label("note_provisional", language), cells))
    least = width(_say("conflicts", language)) + 2
    for number, one in enumerate(plan.indicators, start=1):
        head = f"{number}. {one.name(language)}"
        lines += ["", wrap(head, cells, indent="   "), f"   {one.id}"]
        lines.append(_table(_short(one, plan, language), cells, margin=_MARGIN, least=least))
    if plan.conflicts:
        lines += ["", _say("conflicts_title", language)]
        column = max(width(one.id) for one in plan.conflicts) + 2
        for conflict in plan.conflicts:
            severity = _say(f"severity_{conflict.severity}", language)
            text = f"{pad(conflict.id, column)}{conflict.words('topic', language)}（{severity}）"
            if language == "en":
                text = text.replace("（", " (").replace("）", ")")
            lines.append(wrap(text, cells, indent=" " * column))
    lines += ["", wrap(_say("more", language).format(plan=name or plan.id), cells)]
    return "\n".join(lines)


def indicator_text(
    indicator: Indicator, plan: Plan, language: Language, *, cells: int = 100
) -> str:
    """Return all that a plan file says of an indicator, in words."""
    titles = (indicator.name_zh, indicator.name_en)
    order = titles if language == "zh" else titles[::-1]
    lines = [indicator.id, *(wrap(title, cells) for title in order), ""]
    lines.append(_table(_full(indicator, plan, language), cells))
    known = {conflict.id: conflict for conflict in plan.conflicts}
    for name in indicator.conflicts:
        if name in known:
            lines += ["", conflict_text(known[name], language, cells=cells)]
    return "\n".join(lines)


def conflict_text(conflict: Conflict, language: Language, *, cells: int = 100) -> str:
    """Return a conflict in words: what is said where, why it cannot be, what is done about it."""
    kind = _say(f"type_{conflict.type}", language)
    severity = _say(f"severity_{conflict.severity}", language)
    head = _say("conflict_head", language).format(
        id=conflict.id, type=kind, severity=severity, topic=conflict.words("topic", language)
    )
    rows: Rows = [(_say("says", language), "\n".join(said(conflict, language)))]
    for what in ("reason", "handling"):
        if words := conflict.words(what, language):
            rows.append((_say(what, language), words))
    return f"{wrap(head, cells)}\n{_table(rows, cells, margin='  ')}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values: its fields, and of each indicator the words in both languages.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> first = plan_json(load_plan("quzhou"))["indicators"][0]
    >>> first["sentence_en"], first["governing"], first["inputs"][0]
    ('institutional and community beds (care home) per 1,000 older persons', [''], '[facilities.care_home] capacity')
    """  # noqa: E501 - the answer of the example is one line
    found = dataclasses.asdict(plan)
    for one, given in zip(plan.indicators, found["indicators"], strict=True):
        given["sentence_zh"] = sentence(one, plan, "zh")
        given["sentence_en"] = sentence(one, plan, "en")
        given["unit_zh"] = load_registry().unit(one.unit, "zh", own_zh=one.unit_zh)
        given["governing"] = sorted(governing(one))
        given["inputs"] = [need.text for need in needs_of(one, plan)]
    return found


def _say(key: str, language: Language) -> str:
    return label(f"plans_{key}", language)


def _kind(name: str, language: Language) -> str:
    kind = KINDS[name]
    return kind.zh if language == "zh" else kind.en


def _header(plan: Plan, language: Language) -> str:
    level = load_registry().levels[plan.level]
    return _say("header", language).format(
        region=plan.region_zh if language == "zh" else plan.region_en,
        level=level.zh if language == "zh" else level.en,
        first=plan.period[0],
        last=plan.period[1],
        indicators=len(plan.indicators),
        conflicts=len(plan.conflicts),
    )


def _short(indicator: Indicator, plan: Plan, language: Language) -> Rows:
    """Return what a list of indicators shows of one."""
    rows: Rows = [(_say("counts_what", language), sentence(indicator, plan, language))]
    rows += _goals(indicator, language)
    rows.append((_say("inputs", language), _inputs(indicator, plan, "; ", language)))
    if indicator.conflicts:
        rows.append((_say("conflicts", language), ", ".join(indicator.conflicts)))
    return rows


def _full(indicator: Indicator, plan: Plan, language: Language) -> Rows:
    level = load_registry().levels[indicator.level]
    judged = _say("judged_by", language).format(
        kind=_kind(indicator.kind, language), level=level.zh if language == "zh" else level.en
    )
    rows: Rows = [
        (_say("counts_what", language), sentence(indicator, plan, language)),
        (_say("judged", language), judged),
        *_goals(indicator, language),
        (_say("inputs", language), _inputs(indicator, plan, "\n", language)),
        (_say("source", language), _source(indicator, language)),
    ]
    if note := indicator.note(language):
        rows.append((_say("note", language), note))
    return rows


def _goals(indicator: Indicator, language: Language) -> Rows:
    """Return baseline and targets of an indicator and of what the plan says otherwise."""
    rows: Rows = []
    unit = load_registry().unit(indicator.unit, language, own_zh=indicator.unit_zh)
    if indicator.baseline is not None:
        value = _say("baseline_value", language).format(
            year=indicator.baseline_year, value=f"{indicator.baseline:g}", unit=unit
        )
        basis = indicator.baseline_basis
        value += "" if basis == "stated" else _say(f"basis_{basis}", language)
        rows.append((_say("baseline", language), value))
    rules = governing(indicator)
    rules_too = {other.name for other in indicator.alternatives if other.as_well}
    for one in variants(indicator):
        title = _say("target", language)
        if one.alternative:
            title = _say("as_well" if one.alternative in rules_too else "alternative", language)
        text = _targets(one, unit, language)
        if one.alternative:
            text = _say("alternative_named", language).format(name=one.alternative, text=text)
            text += _otherwise(one, indicator, language)
            lines = line_words(one.source_lines, language)
            text += _say("source_short", language).format(lines=lines)
        if len(rules) == 1 and indicator.alternatives and one.alternative in rules:
            text += _say("governs", language)
        rows.append((title, text))
    return rows


def _targets(one: Indicator, unit: str, language: Language) -> str:
    sign = "≤" if one.operator == "at_most" else "≥"
    goals = [
        _say("target_value", language).format(
            year=target.year,
            # Nothing lies above all of them.
            sign="" if target.value == _ALL and one.unit.startswith("%") else f"{sign} ",
            value=f"{target.value:g}",
            unit=unit,
        )
        + ("" if target.basis == "stated" else _say(f"basis_{target.basis}", language))
        for target in one.targets
    ]
    if not goals:
        known = one.threshold is not None and one.kind in ("capacity_ratio", "area_ratio")
        key = "rule_only" if known else "no_target"
        shown = load_registry().unit(one.threshold_unit, language)
        goals = [
            _say(key, language).format(sign=f"{sign} ", value=f"{one.threshold or 0:g}", unit=shown)
        ]
    text = _say("semicolon", language).join(goals)
    return text + (_say(f"attribute_{one.attribute}", language) if one.attribute else "")


def _otherwise(one: Indicator, first: Indicator, language: Language) -> str:
    """Return where and over what an alternative is counted, where that differs."""
    registry = load_registry()
    words = []
    if one.level != first.level:
        level = registry.levels[one.level]
        words.append(level.zh if language == "zh" else level.en)
    if one.scope != first.scope:
        scope = registry.scopes[one.scope]
        words.append(scope.zh if language == "zh" else scope.en)
    if one.since != first.since and one.since is not None:
        words.append(_say("since", language).format(year=one.since))
    return _say("otherwise", language).format(words=", ".join(words)) if words else ""


def _inputs(indicator: Indicator, plan: Plan, joint: str, language: Language) -> str:
    return joint.join(
        need.text + (_say("optional", language) if need.optional else "")
        for need in needs_of(indicator, plan)
    )


def _source(indicator: Indicator, language: Language) -> str:
    lines = line_words(indicator.source_lines, language)
    return f"{indicator.source_file} {lines}".strip()


def _table(rows: Rows, cells: int, *, margin: str = "", least: int = 0) -> str:
    """Return titles and texts in two columns, the texts broken to the width."""
    column = max((width(title) for title, _ in rows), default=0) + 2
    column = max(column, least)
    indent = margin + " " * column
    last = ""
    lines = []
    for title, text in rows:
        for part in text.split("\n"):
            head = pad(title if title != last else "", column)
            lines.append(margin + head + wrap(part, cells, indent=indent))
            last = title
    return "\n".join(lines)
