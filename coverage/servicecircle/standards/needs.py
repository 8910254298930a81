"""Which inputs an indicator is computed from, as the project file names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from servicecircle.project import Project
from servicecircle.standards.kinds import KINDS
from servicecircle.standards.plan import Filter, Indicator, Plan
from servicecircle.standards.registry import QuantityWords, load_registry

__all__ = ["Need", "missing_needs", "needs_of"]

_FILTER_COLUMNS = {
    "grade_at_least": "grade",
    "grade_in": "grade",
    "beds_at_least": "capacity",
    "nursing_beds_at_least": "nursing_beds",
    "dementia_beds_at_least": "dementia_beds",
    "floor_area_at_least": "floor_area_m2",
}
_DATES = {
    "opened": ("opened",),
    "renovated": ("renovated",),
    "opened_or_renovated": ("opened", "renovated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One table of the project file, and what is looked for in it.

    Parameters
    ----------
    table : str
        Such as ``facilities.care_home`` or ``population``.
    columns : tuple of str
        Columns, roles or names of figures.
    optional : bool
        Without it there is a value all the same, with wider bounds.

    Examples
    --------
    >>> Need(table="facilities.care_home", columns=("capacity", "nursing_beds")).text
    '[facilities.care_home] capacity, nursing_beds'
    """

    table: str
    columns: tuple[str, ...] = ()
    optional: bool = False

    @property
    def text(self) -> str:
        """The table and what is looked for in it."""
        return f"[{self.table}] {', '.join(self.columns)}".rstrip()


def needs_of(indicator: Indicator, plan: Plan) -> tuple[Need, ...]:
    """Return the inputs that an indicator is computed from, each table once.

    The boundaries of a unit that is the whole study are not needed for it.

    Parameters
    ----------
    indicator : Indicator
        Of the plan, or one of its variants.
    plan : Plan

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> plan = load_plan("quzhou")
    >>> known = {one.id: one for one in plan.indicators}
    >>> [one.text for one in needs_of(known["quzhou_nursing_bed_share"], plan)]
    ['[facilities.care_home] capacity, nursing_beds']
    >>> [one.text for one in needs_of(known["quzhou_shared_canteen_coverage"], plan)]
    ['[boundaries.village_level] type', '[facilities.canteen]']
    """
    found: dict[str, dict[str, None]] = {}
    for table, columns in (
        *_units(indicator, plan),
        *_facilities(indicator),
        *_figures(indicator, plan),
    ):
        found.setdefault(table, {}).update(dict.fromkeys(columns))
    further = {f"facilities.{layer}" for layer in indicator.also}
    return tuple(
        Need(table=table, columns=tuple(columns), optional=table in further)
        for table, columns in found.items()
    )


Table = tuple[str, Iterable[str]]


def _units(indicator: Indicator, plan: Plan) -> Iterator[Table]:
    """Yield the boundaries that units and scope are taken from."""
    registry = load_registry()
    scope = registry.scopes[indicator.scope]
    level = registry.levels[indicator.level]
    counted = KINDS[indicator.kind].counts_units or indicator.denominator == "units"
    if indicator.kind != "count":
        # A ratio at a level below the plan's holds for each unit.
        counted |= not level.administrative or registry.finer(indicator.level, plan.level)
    if counted:
        yield f"boundaries.{indicator.level}", ()
    if scope.built:
        yield f"boundaries.{scope.level}", ("built",)
    elif scope.polygon:
        yield f"boundaries.{scope.name}", ()
    elif scope.types:
        yield f"boundaries.{scope.level}", () if scope.name_endings else ("type",)
    if scope.having:
        yield f"facilities.{scope.having}", ()


def _facilities(indicator: Indicator) -> Iterator[Table]:
    """Yield the lists of facilities, with the columns that filters and dates look at."""
    quantities = load_registry().quantities
    names = [name for name in (indicator.numerator, indicator.denominator) if name in quantities]
    if indicator.norm is not None:
        names += [indicator.norm.numerator, indicator.norm.denominator]
    of_lists = [quantities[name] for name in names if quantities[name].kind == "facilities"]
    ratio = indicator.kind in ("share", "capacity_ratio", "area_ratio")
    if ratio and not of_lists and indicator.numerator != "units_with":
        return
    layers = dict.fromkeys((*indicator.layers, *(name for one in of_lists for name in one.also)))
    for layer in layers:
        columns = [one.of for one in of_lists if one.of]
        columns += _filter_columns(indicator.filter, layer)
        columns += _filter_columns(indicator.numerator_filter, layer)
        columns += _DATES.get(indicator.flow_of, ())
        columns += ["opened"] if indicator.kind == "phasing" else []
        yield f"facilities.{layer}", sorted(set(columns))


def _filter_columns(condition: Filter, layer: str) -> list[str]:
    if condition.layers and layer not in condition.layers:
        return []
    columns = [column for key, column in _FILTER_COLUMNS.items() if getattr(condition, key)]
    return [*columns, *condition.having, *condition.choices]


def _figures(indicator: Indicator, plan: Plan) -> Iterator[Table]:
    """Yield people, roads, staff, figures and norms."""
    quantities = load_registry().quantities
    names = [indicator.numerator, indicator.denominator]
    if KINDS[indicator.kind].travels:
        # By default older persons are counted, of communities all people.
        everybody = indicator.denominator in {"units", "population"}
        yield "population", () if everybody else ("elderly",)
        yield "roads", ()
    if indicator.norm is not None:
        names += [indicator.norm.numerator, indicator.norm.denominator]
        if indicator.norm.value is None:
            yield f"plans.{plan.id}.norms", (indicator.id,)
    if indicator.applies_to.county_population_at_least is not None:
        yield "population", ()
    for name in names:
        if name in quantities:
            yield from _of_quantity(quantities[name], indicator)


def _of_quantity(words: QuantityWords, indicator: Indicator) -> Iterator[Table]:
    if words.kind == "people":
        yield "population", ("elderly",) if words.of == "elderly" else ()
        if words.of == "urban":
            yield "boundaries.village_level", ("urban",)
    elif words.kind in ("staff", "statistics"):
        yield words.kind, (words.of,)
    elif words.kind == "units" and words.of:
        scope = load_registry().scopes[indicator.scope]
        yield f"boundaries.{scope.level or indicator.level}", (words.of,)


def missing_needs(
    indicator: Indicator, plan: Plan, project: Project, *, name: str
) -> tuple[Need, ...]:
    """Return the tables that an indicator would need and a project does not name.

    Whether the columns of a table hold anything is not looked at.

    Parameters
    ----------
    indicator : Indicator
    plan : Plan
    project : Project
    name : str
        Of the plan in the project.

    Examples
    --------
    >>> from servicecircle.demo import demo_project
    >>> from servicecircle.project import load_project
    >>> from servicecircle.standards.indicators import load_plan
    >>> plan = load_plan("quzhou")
    >>> demo = load_project(demo_project())
    >>> missing_needs(plan.indicators[0], plan, demo, name="quzhou")
    ()
    """
    settings = project.plans[name]
    own = settings.level or (plan.level if settings.area == "whole" else "")
    given = {f"boundaries.{level}" for level in (*project.boundaries, *project.clusters, own)}
    given |= {f"facilities.{layer}" for layer in project.facilities}
    given |= {
        table
        for table in ("population", "roads", "staff", "statistics")
        if getattr(project, table) is not None
    }
    if indicator.id in settings.norms:
        given.add(f"plans.{plan.id}.norms")
    return tuple(
        need for need in needs_of(indicator, plan) if need.table not in given and not need.optional
    )
