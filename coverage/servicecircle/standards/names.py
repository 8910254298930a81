"""The names that a project file gives: levels, layers, plans and indicators that there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from servicecircle.errors import ProjectError
from servicecircle.inputs.asked import Asked
from servicecircle.measure.capacity_settings import settings_faults
from servicecircle.measure.equity_settings import equity_faults
from servicecircle.problems import Problem
from servicecircle.project import DRAWN_LEVELS, LEVELS, PlanSettings, Project
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.plan import Plan
from servicecircle.standards.registry import LayerWords, load_registry
from servicecircle.toml_files import Location

__all__ = ["Names", "own_layers", "settle_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the names of a project stand for.

    Parameters
    ----------
    words : mapping of str to LayerWords
        Of the layers supplied, in the order of the project file, then of its own further ones.
    extra : mapping of str to LayerWords
        Layers that the project adds to the registry.
    plans : mapping of str to Plan
    faults : tuple of Problem
        Names that stand for nothing, and the faults of plan files; they stop the run.
    """

    words: Mapping[str, LayerWords]
    extra: Mapping[str, LayerWords]
    plans: Mapping[str, Plan]
    faults: tuple[Problem, ...]

    @property
    def asked(self) -> Asked:
        """Attributes and figures that the inputs are read for."""
        return load_registry().asked()

    def selectors(self, project: Project) -> dict[str, tuple[str, ...]]:
        """Return the OpenStreetMap tag selectors of each layer: the registry's, then its own."""
        return {
            name: (*self.words[name].osm, *settings.osm)
            for name, settings in project.facilities.items()
            if name in self.words
        }


def own_layers(project: Project) -> dict[str, LayerWords]:
    """Return the layers that a project adds to the registry.

    Examples
    --------
    >>> from servicecircle.demo import demo_project
    >>> from servicecircle.project import load_project
    >>> own_layers(load_project(demo_project()))
    {}
    """
    registry = load_registry().layers
    return {
        name: LayerWords(name=name, zh=settings.zh, en=settings.en, osm=tuple(settings.osm))
        for name, settings in project.layers.items()
        if name not in registry
    }


def settle_names(project: Project) -> Names:
    """Look up every name of a project file, and report all that are unknown.

    Parameters
    ----------
    project : Project

    Examples
    --------
    >>> from servicecircle.demo import demo_project
    >>> from servicecircle.project import load_project
    >>> names = settle_names(load_project(demo_project()))
    >>> names.words["canteen"].zh, len(names.plans), names.faults
    ('老年食堂（助餐点）', 5, ())
    """
    extra = own_layers(project)
    known = {**load_registry().layers, **extra}
    faults = [
        *_boundary_faults(project),
        *_layer_faults(project, known),
        *settings_faults(project),
        *equity_faults(project),
        *_figure_faults(project),
    ]
    plans: dict[str, Plan] = {}
    for name, settings in project.plans.items():
        if settings.path is None and name not in packaged_plans():
            where = ("plans", name)
            faults.append(
                project.fault("project.unknown_plan", where, value=name, known=packaged_plans())
            )
            continue
        source = name if settings.path is None else project.folder / settings.path
        try:
            plans[name] = load_plan(source, extra_layers=extra)
        except ProjectError as error:
            faults += error.problems
            continue
        faults += _indicator_faults(project, name, settings, plans[name])
    words = {name: known[name] for name in project.facilities if name in known}
    return Names(words={**words, **extra}, extra=extra, plans=plans, faults=tuple(faults))


def _boundary_faults(project: Project) -> Iterator[Problem]:
    scopes = load_registry().scopes
    known = (*LEVELS, *DRAWN_LEVELS, *(name for name, scope in scopes.items() if scope.polygon))
    for name in project.boundaries:
        if name not in known:
            where = ("boundaries", name)
            yield project.fault("project.unknown_boundary", where, value=name, known=known)


def _figure_faults(project: Project) -> Iterator[Problem]:
    where, known = ("figures", "layers"), project.facilities
    for layer, times in Counter(project.figures.layers).items():
        if layer not in known:
            yield project.fault("project.figures_layer", where, value=layer, known=known)
        if times > 1:
            yield project.fault("project.figures_layer_twice", where, value=layer, known=known)


def _layer_faults(project: Project, known: Mapping[str, LayerWords]) -> Iterator[Problem]:
    registry = load_registry().layers
    for name in project.layers:
        if name in registry:
            where = ("layers", name)
            yield project.fault("project.known_layer", where, value=name, known=registry)
    for name in project.facilities:
        if name not in known:
            where = ("facilities", name)
            yield project.fault("project.unknown_layer", where, value=name, known=known)


def _indicator_faults(
    project: Project, name: str, settings: PlanSettings, plan: Plan
) -> Iterator[Problem]:
    known = [indicator.id for indicator in plan.indicators]
    places: list[tuple[Location, str]] = []
    places += [(("plans", name, "pins", given), given) for given in settings.pins]
    places += [(("plans", name, "anyway"), given) for given in settings.anyway]
    places += [(("plans", name, "norms", given), given) for given in settings.norms]
    for where, given in places:
        if given not in known:
            yield project.fault("project.unknown_indicator", where, value=given, known=known)
