"""Which of several things that a plan says about one indicator governs."""

from __future__ import annotations

from servicecircle.standards.plan import Indicator, variants

__all__ = ["governing"]


def governing(indicator: Indicator) -> frozenset[str]:
    """Return the names of the alternatives of an indicator that govern; "" is what it says first.

    Of what the plan says instead of one another one governs: the binding one, else the strictest
    (the higher goal, or the lower one where less is better; then the earlier year; then the one
    said first). Slips never govern, and mere readings of the wording only where there is nothing
    else. What the plan asks for as well governs for itself.

    Parameters
    ----------
    indicator : Indicator

    Examples
    --------
    >>> from servicecircle.standards.plan import Alternative, Target
    >>> def rule(**given):
    ...     return Indicator(
    ...         id="a", name_zh="甲", name_en="a", layer="canteen", kind="presence_per_unit",
    ...         level="township", unit="%", threshold=1,
    ...         targets=(Target(year=2025, value=50),), **given,
    ...     )
    >>> more = Alternative(name="60", targets=(Target(year=2025, value=60),))
    >>> sorted(governing(rule(alternatives=(more,))))
    ['60']
    >>> sorted(governing(rule(alternatives=(more,), attribute="binding")))
    ['60']
    >>> less = Alternative(name="30", targets=(Target(year=2025, value=30),), attribute="")
    >>> sorted(governing(rule(alternatives=(less,), attribute="binding")))
    ['']
    >>> sorted(governing(rule(alternatives=(Alternative(name="county", as_well=True),))))
    ['', 'county']
    >>> sorted(governing(rule()))
    ['']
    """
    further = {other.name: other for other in indicator.alternatives}
    every = variants(indicator)
    rivals = [
        one
        for one in every
        if not one.alternative
        or not (further[one.alternative].as_well or further[one.alternative].doubtful)
    ]
    stated = [one for one in rivals if any(goal.basis != "reading" for goal in one.targets)]
    rivals = [one for one in stated if one.attribute == "binding"] or stated or rivals
    return frozenset(
        {max(rivals, key=_strictness).alternative}
        | {name for name, other in further.items() if other.as_well}
    )


def _strictness(rule: Indicator) -> tuple[float, float]:
    """Return what is greater for the stricter of two rules: by goal, then by its year."""
    sign = -1.0 if rule.operator == "at_most" else 1.0
    if rule.targets:
        last = max(rule.targets, key=lambda target: target.year)
        first = min(target.year for target in rule.targets if target.value == last.value)
        return sign * last.value, -float(first)
    return sign * (rule.threshold or 0.0), 0.0
