"""A run from project file to finished folder: the list of its stages.

Read the inputs, lay the ground, measure access, draw circles, take coverage, judge the plans,
write the folder.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd

from servicecircle.check import find_problems, write_findings
from servicecircle.errors import InputError
from servicecircle.inputs.facilities import with_titles
from servicecircle.inputs.load import Inputs, read_inputs
from servicecircle.measure.capacity import all_capacity
from servicecircle.measure.equity_tables import all_equity
from servicecircle.measure.exits import exit_ways
from servicecircle.measure.ground import Ground, lay_ground
from servicecircle.measure.layers import (
    all_access,
    all_circles,
    all_coverage,
    all_presence,
    laid_together,
)
from servicecircle.network.background import background_roads
from servicecircle.outputs.figures import charts, write_charts
from servicecircle.outputs.folder import check_folder, publish
from servicecircle.outputs.geopackage import write_access, write_geopackage
from servicecircle.outputs.geoparquet import write_geoparquet
from servicecircle.outputs.maps import write_map
from servicecircle.outputs.report import write_report
from servicecircle.outputs.run_record import (
    peak_memory_mib,
    write_run_record,
)
from servicecircle.outputs.tables import write_tables
from servicecircle.outputs.workbook import WORKBOOK, with_cuts_told, write_workbook
from servicecircle.problems import Problem
from servicecircle.progress import Advance, Progress, Silent
from servicecircle.project import Project
from servicecircle.record import record_of
from servicecircle.results import LayerInfo, Results
from servicecircle.standards.evaluate import required_access
from servicecircle.standards.journeys import farthest_m
from servicecircle.standards.judge import judge_plans
from servicecircle.standards.names import Names, settle_names
from servicecircle.standards.outlook import league_tables
from servicecircle.standards.plan_files import kept_plans, plans_record
from servicecircle.standards.registry import LayerWords
from servicecircle.summary.check import check_summary
from servicecircle.summary.run import run_summary
from servicecircle.summary.told import Summary

__all__ = [
    "Clock",
    "Summary",
    "check_project",
    "default_folder",
    "read_study",
    "run_project",
    "study_inputs",
    "study_project",
    "write_results",
]

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


class Clock:
    """Passes progress on and keeps the seconds and the peak memory of each stage.

    A stage that comes again adds its seconds to those of the first.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.stages: dict[str, dict[str, float | None]] = {}

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """Pass a stage on, and keep what it took."""
        start = time.perf_counter()
        with self._progress.stage(name, total) as advance:
            yield advance
        earlier = self.stages.get(name, {}).get("seconds") or 0.0
        seconds = round(earlier + time.perf_counter() - start, 3)
        self.stages[name] = {"seconds": seconds, "peak_memory_mib": peak_memory_mib()}


def default_folder(name: str) -> Path:
    """Return ``maps/<project name>``, the name freed of what paths cannot hold.

    Examples
    --------
    >>> default_folder("../示例: 2025").as_posix()
    'maps/示例 2025'
    """
    clean = _UNSAFE.sub(" ", name).strip(" .")
    clean = re.sub(r"\s+", " ", clean)[:80].strip(" .")
    return Path("maps") / (clean or "project")


def run_project(project: Project, out: Path, *, progress: Progress | None = None) -> Summary:
    """Run a project and write its folder, whole or not at all.

    Parameters
    ----------
    project : Project
        From :func:`servicecircle.project.load_project`.
    out : pathlib.Path
        New, empty, or the folder of an earlier run.
    progress : Progress, optional

    Raises
    ------
    InputError
        With every fault of the inputs; nothing is written then.
    OutputError
        If the folder cannot be written or holds something that is not ours.
    """
    check_folder(out)
    clock = Clock(progress or Silent())
    results = study_project(project, progress=clock)
    with clock.stage("writing", 5) as advance:
        publish(lambda folder: write_results(results, clock, folder, advance), out)
    return run_summary(results, out)


def study_project(project: Project, *, progress: Progress | None = None) -> Results:
    """Run a project up to its tables, and write nothing.

    Parameters
    ----------
    project : Project
    progress : Progress, optional

    Returns
    -------
    Results

    Raises
    ------
    InputError
        With every fault of the inputs.
    """
    watch = progress or Silent()
    names, inputs = read_study(project, progress=watch)
    return study_inputs(project, names, inputs, progress=watch)


def read_study(project: Project, *, progress: Progress) -> tuple[Names, Inputs]:
    """Settle the names of a project and read all its inputs.

    Parameters
    ----------
    project : Project
    progress : Progress

    Returns
    -------
    names : Names
    inputs : Inputs

    Raises
    ------
    InputError
        With every fault of the names and of the inputs.
    """
    names = settle_names(project)
    return names, _read(project, names, progress)


def study_inputs(
    project: Project,
    names: Names,
    inputs: Inputs,
    *,
    ground: Ground | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a project on inputs that were read, up to its tables.

    Parameters
    ----------
    project : Project
    names, inputs : Names, Inputs
        From :func:`read_study`; to the inputs facilities may have been added.
    ground : Ground, optional
        Of these inputs, where it was laid already.
    progress : Progress, optional

    Returns
    -------
    Results

    Raises
    ------
    InputError
        With faults that show only on the ground.
    """
    watch = progress or Silent()
    if ground is None:
        with watch.stage("ground"):
            ground = lay_ground(project, inputs)
    own = {layer: str(project.layer_profile(layer)) for layer in project.facilities}
    keys = {(layer, own[layer]) for layer in project.travel_layers}
    keys |= required_access(names.plans.values(), own)
    access = all_access(project, ground, keys, watch)
    speeds = {name: project.speed_kmh(name) for _, name in keys}
    farthest = farthest_m(names.plans.values(), speeds)
    for key, columns in exit_ways(project, ground, access, limit_m=farthest).items():
        for column, values in columns.items():
            access[key][column] = values
    circles = all_circles(project, ground, watch)
    for layer, count in circles.within.items():
        access[layer, own[layer]]["within_count"] = count
    joined, access = laid_together(access)
    counts, presence_problems = all_presence(project, ground)
    kept = kept_plans(project, names.plans)
    coverage = all_coverage(project, ground, access, counts, watch)
    capacity = all_capacity(project, ground, watch)
    equity = all_equity(project, ground, access, watch)
    judged = judge_plans(
        project, ground, joined, names.plans, extra_layers=names.extra, progress=watch
    )
    league = league_tables(
        names.plans.values(),
        judged.unit_results,
        coverage,
        ground.units,
        main_rule=_main_rule(project, on_network=ground.network is not None),
    )
    results = Results(
        name=project.project.name,
        language=project.project.language,
        as_of=project.project.as_of,
        invented=project.project.invented,
        layers=_layer_infos(project, names.words, on_network=ground.network is not None),
        minutes=tuple(sorted(project.rules.minutes)),
        metres=tuple(sorted(project.rules.metres)),
        units=ground.units,
        scopes=ground.scopes,
        facilities=ground.facilities,
        demand=gpd.GeoDataFrame(
            ground.demand.drop(columns=["lon", "lat"]).assign(**capacity.demand),
            geometry=gpd.points_from_xy(ground.demand["lon"], ground.demand["lat"]),
            crs="EPSG:4326",
        ),
        access=joined,
        unit_coverage=coverage,
        scorecard=judged.scorecard,
        unit_results=judged.unit_results,
        circles=circles.circles.to_crs("EPSG:4326"),
        overlaps=circles.overlaps.to_crs("EPSG:4326"),
        roads=background_roads(inputs.roads),
        problems=(
            *inputs.problems,
            *with_titles((*ground.problems, *presence_problems), inputs.facilities),
            *capacity.problems,
            *circles.coarser_than(project.network.cell_m),
        ),
        record=record_of(project, inputs, ground, access, cell_m=circles.cell_m)
        | {
            "circles": circles.record(project.network.draw_m),
            "plans": plans_record(kept),
            "capacity": dict(capacity.record),
            "clusters": dict(ground.clusters),
        },
        staff=inputs.staff.frame if inputs.staff is not None else None,
        tables={**ground.tables, **judged.tables, **league, **capacity.tables, **equity},
        plan_files={one.file: one.text for one in kept},
        report=inputs.report,
        basemap=inputs.basemap,
    )
    return with_cuts_told(results)


def _main_rule(project: Project, *, on_network: bool) -> str:
    """Return the rule of ``units.csv`` that speaks for a layer: the longest time, as in words."""
    if on_network:
        return f"{max(project.rules.minutes):g} min"
    return f"{min(project.rules.metres):g} m straight"


def check_project(
    project: Project,
    out: Path | None,
    *,
    faults: Sequence[Problem] = (),
    progress: Progress | None = None,
) -> Summary:
    """Read and place all inputs, and report what is wrong with them, faults and all.

    Parameters
    ----------
    project : Project
    out : pathlib.Path, optional
        Folder for ``problems.csv``, ``proposals.csv`` and the coloured copies in ``marked/``;
        never the folder of a run.
    faults : sequence of Problem
        Of the project file, where ``project`` is what was left of it.
    progress : Progress, optional

    Returns
    -------
    Summary
        Its problems hold every fault that would stop a run, with severity ``fatal``.

    Raises
    ------
    OutputError
        If the folder cannot be written or holds something that is not ours.
    """
    if out is not None:
        check_folder(out, command="check")
    findings = find_problems(project, faults=faults, progress=progress or Silent())
    written: list[str] = []
    if out is not None:
        publish(lambda folder: written.extend(write_findings(findings, folder)), out)
    words = {name: findings.names.words[name] for name in findings.titled}
    return check_summary(
        findings.inputs,
        words,
        findings.problems,
        written=[out / name for name in written] if out is not None else (),
    )


def _read(project: Project, names: Names, progress: Progress) -> Inputs:
    """Read all inputs; faults of the names and of the files are told together."""
    try:
        inputs = read_inputs(
            project,
            selectors=names.selectors(project),
            progress=progress,
            asked=names.asked,
        )
    except InputError as error:
        raise InputError([*names.faults, *error.problems]) from None
    if names.faults:
        raise InputError(names.faults)
    return inputs


def _layer_infos(
    project: Project, words: Mapping[str, LayerWords], *, on_network: bool
) -> tuple[LayerInfo, ...]:
    return tuple(
        LayerInfo(
            name=name,
            zh=words[name].zh,
            en=words[name].en,
            profile=project.layer_profile(name),
            speed_kmh=project.speed_kmh(project.layer_profile(name)),
            invented=project.project.invented or settings.invented,
            on_network=on_network,
            measured=not settings.count_only,
        )
        for name, settings in project.facilities.items()
    )


def write_results(results: Results, clock: Clock, folder: Path, advance: Advance) -> None:
    """Write the files of a run into an empty folder, its record last.

    Parameters
    ----------
    results : Results
    clock : Clock
        That the stages went by.
    folder : pathlib.Path
    advance : callable
        Told of each of five files.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    write_tables(results, folder)
    write_workbook(results, folder / WORKBOOK)
    drawn = charts(results)
    write_charts(drawn, folder)
    write_report(results, drawn, folder)
    advance(1)
    write_geopackage(results, folder / "coverage.gpkg")
    if results.record.get("project", {}).get("output", {}).get("geoparquet"):
        write_geoparquet(results, folder)
    advance(1)
    write_access(results, folder / "access.parquet")
    advance(1)
    write_map(results, folder / "index.html")
    advance(1)
    record = {
        **results.record,
        "rows_out": {
            "units.csv": len(results.unit_coverage),
            "scorecard.csv": len(results.scorecard),
            "unit_results.csv": len(results.unit_results),
            "facilities.csv": len(results.facilities),
            "problems.csv": len(results.problems),
            "access.parquet": len(results.access),
            **({} if results.staff is None else {"staff.csv": len(results.staff)}),
            **{f"{name}.csv": len(table) for name, table in results.tables.items()},
        },
        "stages": clock.stages,
    }
    write_run_record(record, folder / "run.json")
    advance(1)
