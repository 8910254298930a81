"""Titles of columns and words of values, as people read them in a workbook or in QGIS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from servicecircle.messages import Language, label
from servicecircle.outputs.palettes import VERDICT_SIGNS
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from servicecircle.results import LayerInfo

__all__ = [
    "column_title",
    "field_aliases",
    "level_word",
    "profile_word",
    "rule_word",
    "scope_word",
    "thing_word",
    "verdict_word",
    "word_or",
]

_LAYER_ENDINGS = (
    "straight_metres",
    "within_count",
    "facility_id",
    "presence",
    "metres",
    "seconds",
    "status",
)
_COMPETITION = ("score", "left", "ratio", "assigned", "free", "site")


def word_or(key: str, fallback: str, language: Language) -> str:
    """Return a label, or the fallback where there is none.

    Examples
    --------
    >>> word_or("severity_error", "error", "zh"), word_or("severity_odd", "odd", "zh")
    ('错误', 'odd')
    """
    try:
        return label(key, language)
    except LookupError:
        return fallback


def column_title(name: str, language: Language) -> str:
    """Return the title of a column of the tables, its name where nothing is known of it.

    Examples
    --------
    >>> column_title("elderly_coverage", "zh"), column_title("rehab_room", "en")
    ('老年人覆盖率', 'rehabilitation room')
    >>> column_title("own_column", "zh")
    'own_column'
    """
    attributes = load_registry().attributes
    own = attributes[name].title(language) if name in attributes else name
    return word_or(f"column_{name}", own, language)


def verdict_word(verdict: str, language: Language) -> str:
    """Return a verdict with its sign: told apart also without colours.

    Examples
    --------
    >>> verdict_word("met", "zh"), verdict_word("not_met", "en")
    ('✔ 达标', '✘ not met')
    """
    word = word_or(f"map_verdict_{verdict}", verdict, language)
    return f"{VERDICT_SIGNS.get(verdict, '')} {word}".strip()


def rule_word(rule: str, language: Language) -> str:
    """Return a rule of ``units.csv`` in words.

    Examples
    --------
    >>> [rule_word(rule, "zh") for rule in ("15 min", "1000 m", "1000 m straight", "presence")]
    ['15 分钟', '路网 1000 米', '直线 1000 米', '有无设施']
    >>> rule_word("other", "zh")
    'other'
    """
    if rule == "presence":
        return label("rule_presence", language)
    for ending, key in ((" min", "minutes"), (" m straight", "straight"), (" m", "metres")):
        if rule.endswith(ending):
            return label(f"rule_{key}", language).format(limit=rule.removesuffix(ending))
    return rule


def level_word(level: str, language: Language) -> str:
    """Return the title of a level of units.

    Examples
    --------
    >>> level_word("township", "zh"), level_word("estate", "en")
    ('乡级', 'estate')
    """
    levels = load_registry().levels
    if level not in levels:
        return level
    return levels[level].zh if language == "zh" else levels[level].en


def scope_word(scope: str, language: Language) -> str:
    """Return the title of a scope.

    Examples
    --------
    >>> scope_word("main_urban_area", "zh"), scope_word("", "zh")
    ('主城区', '')
    """
    scopes = load_registry().scopes
    if scope not in scopes:
        return scope
    return scopes[scope].zh if language == "zh" else scopes[scope].en


def profile_word(profile: str, language: Language) -> str:
    """Return how people travel, in words.

    Examples
    --------
    >>> profile_word("elderly", "zh"), profile_word("", "zh")
    ('老年人步行', '')
    """
    return word_or(f"map_profile_{profile}", profile, language)


def thing_word(thing: str, language: Language) -> str:
    """Return what a shortfall counts, in words.

    Examples
    --------
    >>> thing_word("beds", "zh"), thing_word("staff", "en"), thing_word("", "zh")
    ('床位', 'staff', '')
    """
    quantities = load_registry().quantities
    own = thing
    if thing in quantities:
        own = quantities[thing].zh if language == "zh" else quantities[thing].en
    return word_or(f"thing_{thing}", own, language)


def field_aliases(
    fields: Iterable[str],
    layers: Sequence[LayerInfo],
    rules: Iterable[str],
    language: Language,
) -> dict[str, str]:
    """Return the title of each field of a layer of ``coverage.gpkg``.

    Parameters
    ----------
    fields : iterable of str
        As the layer has them.
    layers : sequence of LayerInfo
        Of the run: fields such as ``canteen_15_min`` begin with the name of one.
    rules : iterable of str
        Of ``units.csv``, such as ``15 min``.
    language : {"zh", "en"}

    Returns
    -------
    dict of str to str
        In the order of the fields; a field that nothing is known of keeps its name.

    Examples
    --------
    >>> from servicecircle.results import LayerInfo
    >>> canteen = LayerInfo(name="canteen", zh="老年食堂", en="canteens", profile="walk",
    ...     speed_kmh=4.0, invented=False, on_network=True)
    >>> fields = ["name", "canteen_15_min_elderly", "unit_township", "canteen_seconds", "x"]
    >>> list(field_aliases(fields, [canteen], ["15 min"], "zh").values())
    ['名称', '老年食堂·15 分钟·老年人覆盖率', '所属乡级编号', '老年食堂·出行时间（秒）', 'x']
    """
    titles = {one.name: one.zh if language == "zh" else one.en for one in layers}
    by_layer: dict[str, str] = {}
    for name, title in titles.items():
        for rule in rules:
            field = f"{name}_{rule.replace(' ', '_')}"
            words = rule_word(rule, language)
            if rule != "presence":
                by_layer[field] = label("field_rate", language).format(layer=title, rule=words)
                elderly = label("field_rate_elderly", language)
                by_layer[f"{field}_elderly"] = elderly.format(layer=title, rule=words)
        for ending in _LAYER_ENDINGS:
            by_layer[f"{name}_{ending}"] = label(f"field_{ending}", language).format(layer=title)
    makers: tuple[Callable[[str], str], ...] = (
        lambda field: by_layer.get(field, ""),
        lambda field: _of_competition(field, titles, language),
        lambda field: _of_place(field, language),
    )
    found = {}
    for field in map(str, fields):
        made = (make(field) for make in makers)
        known = column_title(field, language)
        found[field] = known if known != field else next(filter(None, made), field)
    return found


def _of_competition(field: str, titles: Mapping[str, str], language: Language) -> str:
    """Return the title of ``score_<name>_<method>`` and its kin; "" for other fields."""
    prefix, _, rest = field.partition("_")
    if prefix not in _COMPETITION or not rest:
        return ""
    # The longest name first: one may begin with another.
    for name in sorted(titles, key=len, reverse=True):
        if rest == name or rest.startswith(f"{name}_"):
            rest = f"{titles[name]} {rest.removeprefix(name).strip('_')}".strip()
            break
    return label(f"field_{prefix}", language).format(what=rest)


def _of_place(field: str, language: Language) -> str:
    """Return the title of ``unit_<level>`` and ``in_<scope>``; "" for other fields."""
    registry = load_registry()
    level, scope = field.removeprefix("unit_"), field.removeprefix("in_")
    if field.startswith("unit_") and level in registry.levels:
        return label("field_unit_id_of", language).format(level=level_word(level, language))
    if field.startswith("in_") and scope in registry.scopes:
        return label("field_in_scope", language).format(scope=scope_word(scope, language))
    return ""
