"""What a check finds: every fault and every problem of a project, and the files that show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from servicecircle.errors import InputError
from servicecircle.inputs.facilities import with_titles
from servicecircle.inputs.load import Inputs, read_inputs
from servicecircle.inputs.originals import read_originals
from servicecircle.inputs.sites import read_sites
from servicecircle.measure.ground import Ground, lay_ground
from servicecircle.measure.layers import all_presence
from servicecircle.outputs.marked import write_marked
from servicecircle.outputs.run_record import write_run_record
from servicecircle.outputs.tables import write_csv
from servicecircle.problems import Problem, problem_table
from servicecircle.progress import Progress
from servicecircle.project import DRAWN_LEVELS, LEVELS, Project
from servicecircle.siting.candidates import find_candidates
from servicecircle.standards.names import Names, settle_names

__all__ = ["Findings", "find_problems", "write_findings"]

_GROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Findings:
    """What a check found.

    Parameters
    ----------
    project : Project
    names : Names
    inputs : Inputs
        What could be read.
    problems : tuple of Problem
        Faults first, then the problems in the order of the inputs.
    """

    project: Project
    names: Names
    inputs: Inputs
    problems: tuple[Problem, ...]

    @property
    def titled(self) -> tuple[str, ...]:
        """Return the facility layers of the project that the registry knows."""
        return tuple(name for name in self.project.facilities if name in self.names.words)


def find_problems(
    project: Project, *, faults: Sequence[Problem] = (), progress: Progress
) -> Findings:
    """Read all inputs, lay the ground of what could be read, and keep every fault on the way.

    Parameters
    ----------
    project : Project
    faults : sequence of Problem
        Of the project file.
    progress : Progress
    """
    names = settle_names(project)
    inputs = read_inputs(
        project,
        selectors=names.selectors(project),
        progress=progress,
        go_on=True,
        asked=names.asked,
    )
    with progress.stage("ground"):
        placed, stopped, ground = _ground(project, names, inputs)
        sited, unsited = _sites(project, inputs, ground)
    told = (*inputs.problems, *placed, *sited)
    problems = (*faults, *names.faults, *inputs.faults, *stopped, *unsited, *told)
    unique = {_identity(problem): problem for problem in problems}
    return Findings(project=project, names=names, inputs=inputs, problems=tuple(unique.values()))


def write_findings(findings: Findings, folder: Path) -> list[str]:
    """Write ``problems.csv``, ``proposals.csv``, ``matches.csv``, coloured copies, ``run.json``.

    Parameters
    ----------
    findings : Findings
    folder : pathlib.Path
        Empty.

    Returns
    -------
    list of str
        What was written, as paths in the folder.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    project = findings.project
    language, as_of = project.project.language, project.project.as_of
    rows: dict[str, list[int]] = {}
    for problem in findings.problems:
        if problem.row is not None:
            rows.setdefault(problem.file, []).append(problem.row)
        elif problem.severity != "note":
            rows.setdefault(problem.file, [])
    originals = read_originals(project, rows)
    copies = write_marked(
        originals, findings.problems, folder / "marked", language=language, as_of=as_of
    )
    write_csv(problem_table(findings.problems, language), folder / "problems.csv")
    write_csv(findings.inputs.proposals, folder / "proposals.csv")
    write_csv(findings.inputs.matches, folder / "matches.csv")
    record = {
        "command": "check",
        "problems": len(findings.problems),
        "faults": sum(problem.severity == "fatal" for problem in findings.problems),
        "proposals": len(findings.inputs.proposals),
        "matches": len(findings.inputs.matches),
        "units": dict(findings.inputs.unit_checks),
        "marked": [dataclasses.asdict(copy) for copy in copies],
    }
    write_run_record(record, folder / "run.json")
    written = ["problems.csv", "proposals.csv", "matches.csv"]
    return [*written, *(f"marked/{copy.name}" for copy in copies)]


def _ground(
    project: Project, names: Names, inputs: Inputs
) -> tuple[list[Problem], list[Problem], Ground | None]:
    """Place what could be read; a part that stops it is told and left out, then tried again."""
    faults: list[Problem] = []
    levels = set(project.boundaries) & {*LEVELS, *DRAWN_LEVELS}
    scopes = set(project.boundaries) - levels
    if levels != set(inputs.units["level"]) or scopes != set(inputs.scopes["scope"]):
        # Without a boundary everything would seem to lie outside.
        return [], faults, None
    known = {name: data for name, data in inputs.facilities.items() if name in names.words}
    inputs = dataclasses.replace(inputs, facilities=known)
    for _ in range(_GROUNDS + len(known)):
        if not inputs.facilities:
            break
        part = project.model_copy(
            update={
                "facilities": {name: project.facilities[name] for name in inputs.facilities},
                "roads": project.roads if inputs.roads is not None else None,
                "population": project.population if inputs.population is not None else None,
            }
        )
        try:
            ground = lay_ground(part, inputs)
            _, found = all_presence(part, ground)
        except InputError as error:
            faults += error.problems
            left = _without(inputs, error.problems)
            if left is None:
                break
            inputs = left
        else:
            return with_titles((*ground.problems, *found), inputs.facilities), faults, ground
    return [], faults, None


def _sites(
    project: Project, inputs: Inputs, ground: Ground | None
) -> tuple[list[Problem], list[Problem]]:
    """Read the candidates of a siting study: what is wrong with them, and what would stop it.

    Where one may stand is seen on the ground; by which road each is reached is another thing for
    each layer, and is told for the first one.
    """
    try:
        sites = read_sites(project, inputs)
    except InputError as error:
        return [], list(error.problems)
    layers = [name for name in project.travel_layers if name in inputs.facilities]
    if project.siting is None or ground is None or not layers:
        return list(sites.problems), []
    try:
        return list(find_candidates(project, ground, sites, layer=layers[0]).problems), []
    except InputError as error:
        return list(sites.problems), list(error.problems)


def _without(inputs: Inputs, faults: Sequence[Problem]) -> Inputs | None:
    """Return the inputs without those at fault, None where that leaves all of them."""
    outside = {fault.value for fault in faults if fault.code == "facility.layer_outside"}
    topics = {fault.code.partition(".")[0] for fault in faults if fault.severity == "fatal"}
    left = dataclasses.replace(
        inputs,
        facilities={name: data for name, data in inputs.facilities.items() if name not in outside},
        roads=None if topics & {"roads", "road"} else inputs.roads,
        population=None if topics & {"demand", "population"} else inputs.population,
    )
    parts = ("roads", "population")
    same = all(getattr(left, name) is getattr(inputs, name) for name in parts)
    return None if same and len(left.facilities) == len(inputs.facilities) else left


def _identity(problem: Problem) -> tuple[object, ...]:
    where = (problem.file, problem.sheet, problem.row, problem.column)
    return (problem.code, problem.severity, *where, problem.value, str(problem.details))
