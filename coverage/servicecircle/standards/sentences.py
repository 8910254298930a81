"""An indicator in a sentence: what is counted, among what, and where."""

from __future__ import annotations

from collections.abc import Mapping

from servicecircle.messages import Language, label
from servicecircle.standards.plan import Filter, Indicator, Plan
from servicecircle.standards.registry import LayerWords, layer_info, load_registry
from servicecircle.standards.things import reached_people

__all__ = ["filter_words", "sentence"]

_LEAST = (
    "grade_at_least",
    "beds_at_least",
    "nursing_beds_at_least",
    "dementia_beds_at_least",
    "floor_area_at_least",
)


def sentence(
    indicator: Indicator,
    plan: Plan,
    language: Language,
    *,
    extra_layers: Mapping[str, LayerWords] | None = None,
) -> str:
    """Return what an indicator counts, in words.

    Parameters
    ----------
    indicator : Indicator
        Of the plan, or one of its variants.
    plan : Plan
    language : {"zh", "en"}
    extra_layers : mapping, optional
        Layers that a project adds to the registry.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> plan = load_plan("jiaxing")
    >>> known = {one.id: one for one in plan.indicators}
    >>> sentence(known["jiaxing_day_center_3a_coverage"], plan, "en")
    'share of villages and communities that have at least 1 elderly day-care centre (grade at least 3A)'
    >>> sentence(known["jiaxing_nursing_bed_share"], plan, "zh")
    '床位（养老机构）中，护理型床位的占比'
    """  # noqa: E501 - the sentence of the example is one line
    parts = _parts(indicator, plan, language, extra_layers or {})
    return label(f"says_{_form(indicator)}", language).format(**parts)


def _form(indicator: Indicator) -> str:
    """Return which sentence says what an indicator counts."""
    kind, above, below = indicator.kind, indicator.numerator, indicator.denominator
    if kind in ("presence_per_unit", "phasing"):
        form = "presence" if kind == "presence_per_unit" else kind
    elif kind == "count":
        form = "count" if indicator.measure == "stock" else f"flow_{indicator.flow_of}"
    elif kind in ("distance", "travel_time"):
        form = "travel_time_units" if below == "units" else kind
    elif above == "units_with":
        form = "share_of_units"
    elif kind == "share" or indicator.unit.startswith("%"):
        form = "share_of_facilities" if above == below == "facilities" else "share"
    elif indicator.unit == "years":
        form = "ratio_years"
    elif below in ("units", "facilities"):
        form = f"ratio_{below}"
    else:
        form = "ratio" if indicator.per != 1.0 else "ratio_each"
    return form


def _parts(
    indicator: Indicator, plan: Plan, language: Language, extra: Mapping[str, LayerWords]
) -> dict[str, object]:
    """Return the words for every placeholder of the sentences."""
    registry = load_registry()
    zh = language == "zh"
    scope = registry.scopes[indicator.scope]
    place = "" if indicator.scope == "all" else scope.zh if zh else scope.en
    units = label(f"units_{indicator.level}", language)
    if scope.level == indicator.level and place:
        units = place
    elif place:
        units = label("says_by_level", language).format(units=units, scope=place)
    things = _things(indicator, language, extra)
    above, below = indicator.numerator, indicator.denominator
    numerator, denominator = (_quantity(name, units, language) for name in (above, below))
    condition = filter_words(indicator.numerator_filter, language)
    if condition and above == below != "facilities":
        numerator = condition
    elif condition:
        numerator += label("says_of", language).format(things=condition)
    counted = above if indicator.kind != "share" else below
    from_list = counted in registry.quantities and (
        registry.quantities[counted].kind == "facilities"
    )
    of = label("says_of", language).format(things=things) if from_list else ""
    if _form(indicator) == "share" and counted == above != below:
        numerator, of = numerator + of, ""
    limit = indicator.threshold or 0.0
    return {
        "units": units,
        "things": things,
        "of": of,
        "place": label("says_in", language).format(place=place) if place else "",
        "count": _count(indicator, language),
        "limit": f"{limit:,.0f}" if limit.is_integer() else f"{limit:g}",
        "who": label(f"says_{reached_people(indicator)}", language),
        "since": indicator.since or plan.period[0],
        "per": f"{indicator.per:,.0f}",
        "numerator": numerator,
        "denominator": denominator,
        "norm": _norm(indicator, units, language),
        "condition": condition or _renovated(indicator, language),
        "how": label(f"says_how_{indicator.profile}", language) if indicator.profile else "",
        "meaning": label(f"says_distance_{indicator.distance}", language)
        if indicator.distance
        else "",
    }


def _things(indicator: Indicator, language: Language, extra: Mapping[str, LayerWords]) -> str:
    """Return the layers in words, with the filter behind those that it is for."""
    names = indicator.basket or tuple(dict.fromkeys((indicator.layer, *indicator.also)))
    only = indicator.filter.layers
    condition = filter_words(indicator.filter, language)
    behind = label("says_of", language).format(things=condition) if condition else ""
    titles = [
        layer_info(name, extra).title(language) + (behind if name in only else "") for name in names
    ]
    comma = "、" if language == "zh" else ", " if indicator.basket else " or "
    return comma.join(titles) + ("" if only else behind)


def _quantity(name: str, units: str, language: Language) -> str:
    if name in ("", "units"):
        return units if name else ""
    words = load_registry().quantities[name]
    return words.zh if language == "zh" else words.en


def _norm(indicator: Indicator, units: str, language: Language) -> str:
    """Return what makes a unit comply."""
    norm = indicator.norm
    if norm is None:
        return label("says_norm_presence", language)
    return label("says_norm" if norm.value else "says_norm_elsewhere", language).format(
        above=_quantity(norm.numerator, units, language),
        below=_quantity(norm.denominator, units, language),
        per=f"{norm.per:,.0f}",
        value=f"{norm.value or 0.0:g}",
    )


def _count(indicator: Indicator, language: Language) -> str:
    least = f"{indicator.threshold or 1:g}"
    if indicator.threshold_max is None:
        return label("says_at_least", language).format(count=least)
    most = f"{indicator.threshold_max:g}"
    return label("says_range", language).format(least=least, most=most)


def _renovated(indicator: Indicator, language: Language) -> str:
    """Return the condition of a share of facilities that were added to."""
    return label(f"says_{indicator.flow_of}", language) if indicator.flow_of else ""


def filter_words(condition: Filter, language: Language) -> str:
    """Return the conditions of a filter in words, "" without any.

    Examples
    --------
    >>> filter_words(Filter(beds_at_least=100, having=("rehab_room",)), "zh")
    '床位不少于 100，“康复室”为是'
    >>> filter_words(Filter(), "en")
    ''
    """
    attributes = load_registry().attributes
    said = [
        label(f"says_{key}", language).format(value=f"{value:g}" if key != _LEAST[0] else value)
        for key in _LEAST
        if (value := getattr(condition, key))
    ]
    if condition.grade_in:
        in_language = [word for word in condition.grade_in if word.isascii() == (language == "en")]
        words = "/".join(in_language or condition.grade_in)
        said.append(label("says_grade_in", language).format(value=words))
    said += [
        label("says_having", language).format(value=attributes[name].title(language))
        for name in condition.having
    ]
    for name, values in condition.choices.items():
        known = attributes[name].values
        shown = [known[value][0] if language == "zh" else value for value in values]
        said.append(
            label("says_choice", language).format(
                what=attributes[name].title(language), value="/".join(shown)
            )
        )
    return ("，" if language == "zh" else ", ").join(said)
