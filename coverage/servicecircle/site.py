"""Where to build next: a siting study from project file to finished folder, the list of its stages.

Read the inputs, lay the ground, judge what is there, find candidates, choose sites with proof, and
run the study again with the chosen sites as facilities.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from servicecircle.inputs.load import Inputs
from servicecircle.inputs.sites import Sites, check_sites, read_sites
from servicecircle.measure.access import reaches
from servicecircle.measure.ground import Ground, lay_ground
from servicecircle.outputs.folder import check_folder, publish
from servicecircle.problems import Problem
from servicecircle.progress import Progress, Silent
from servicecircle.project import LEVELS, Project
from servicecircle.results import Results
from servicecircle.siting.added import doors_of_sites, with_sites, without_facilities
from servicecircle.siting.proposal import Promise, Proposal, propose
from servicecircle.siting.report import proposal_record, proposal_tables
from servicecircle.siting.request import SiteRequest, check_request, settle_request
from servicecircle.siting.targets import rule_of
from servicecircle.siting.words import siting_lines
from servicecircle.standards.names import Names, settle_names
from servicecircle.study import Clock, read_study, study_inputs, write_results
from servicecircle.summary.run import run_summary
from servicecircle.summary.told import Summary

__all__ = ["SiteRequest", "propose_sites", "study_sites"]

_CHANGES = ("plan", "indicator_id", "alternative", "target_year")


def propose_sites(
    project: Project, request: SiteRequest, out: Path, *, progress: Progress | None = None
) -> Summary:
    """Make a siting study and write its folder, whole or not at all.

    Parameters
    ----------
    project : Project
    request : SiteRequest
    out : pathlib.Path
        New, empty, or the folder of an earlier siting study.
    progress : Progress, optional

    Raises
    ------
    InputError
        With every fault of the inputs, or of what is asked; nothing is written then.
    OutputError
        If the folder cannot be written or holds something that is not ours.
    """
    check_folder(out, command="site")
    clock = Clock(progress or Silent())
    results = study_sites(project, request, progress=clock)
    with clock.stage("writing", 5) as advance:
        publish(lambda folder: write_results(results, clock, folder, advance), out)
    told = run_summary(results, out)
    lines = {
        language: (
            *siting_lines(
                results.record["siting"],
                results.tables,
                titles={one.name: one.zh if language == "zh" else one.en for one in results.layers},
                language=language,
            ),
            *said,
        )
        for language, said in told.lines.items()
    }
    return replace(told, lines=lines)


def study_sites(
    project: Project, request: SiteRequest, *, progress: Progress | None = None
) -> Results:
    """Make a siting study up to its tables, and write nothing.

    Parameters
    ----------
    project : Project
    request : SiteRequest
    progress : Progress, optional

    Returns
    -------
    Results
        Of the run with the chosen sites as facilities; its tables hold the proposal too.

    Raises
    ------
    InputError
        With every fault of the inputs, or of what is asked.
    """
    watch = progress or Silent()
    check_request(request, project)
    if request.indicator:
        rule_of(settle_names(project).plans, request.indicator)
    check_sites(project)
    project = _at_end_of(project, request)
    names, inputs = read_study(project, progress=watch)
    sites = read_sites(project, inputs)
    inputs = replace(inputs, files=(*inputs.files, *sites.files))
    with watch.stage("ground"):
        ground = lay_ground(project, inputs)
    before = study_inputs(_undrawn(project), names, inputs, ground=ground, progress=watch)
    with watch.stage("siting"):
        proposal = _proposed(project, request, names, ground, sites, before)
    proposal = proposal.named(ground.units, project.project.language)
    built = _built(project, inputs, sites, proposal)
    after = study_inputs(project, names, built, progress=watch)
    tables = proposal_tables(proposal, ground)
    turned = _turned(before.scorecard, after.scorecard)
    return replace(
        after,
        problems=(
            *after.problems,
            *proposal.problems,
            *_differences(proposal, after),
            *_broken_promise(proposal, after),
        ),
        record={
            **after.record,
            "command": "site",
            "siting": {
                **proposal_record(proposal),
                **_target_record(proposal, before, after),
                "verdicts_turned": int((turned["verdict_before"] != turned["verdict_after"]).sum()),
            },
        },
        tables={**after.tables, **tables, "site_verdicts": turned},
    )


def _at_end_of(project: Project, request: SiteRequest) -> Project:
    """Return the project judged at the end of the target's year, where that is still to come."""
    if request.year is None or request.year <= project.project.as_of.year:
        return project
    settings = project.project.model_copy(update={"as_of": dt.date(request.year, 12, 31)})
    return project.model_copy(update={"project": settings})


def _undrawn(project: Project) -> Project:
    """Return the project without what only a finished run needs: circles, competition, equity."""
    facilities = {
        name: layer.model_copy(update={"circles": False})
        for name, layer in project.facilities.items()
    }
    left_out: dict[str, Any] = {"catchments": {}, "assignment": {}}
    left_out |= {"equity": None, "monte_carlo": None, "facilities": facilities}
    return project.model_copy(update=left_out)


def _proposed(
    project: Project,
    request: SiteRequest,
    names: Names,
    ground: Ground,
    sites: Sites,
    before: Results,
) -> Proposal:
    if request.indicator:
        from servicecircle.siting.turning import propose_for_target

        return propose_for_target(
            request,
            project=project,
            names=names,
            ground=ground,
            sites=sites,
            access=before.access,
        )
    there = set(ground.units["level"])
    question = settle_request(
        request,
        project,
        demand=ground.demand,
        levels=[level for level in LEVELS if level in there],
    )
    return propose(question, request, project=project, ground=ground, sites=sites)


def _built(project: Project, inputs: Inputs, sites: Sites, proposal: Proposal) -> Inputs:
    """Return the inputs as they would be: the chosen sites are there, those that close are not."""
    as_of = project.project.as_of
    # A site of a year to come is judged as if it were there.
    days = [
        as_of if year is None else min(as_of, dt.date(year, 12, 31))
        for year in proposal.chosen.year
    ]
    new = proposal.new
    doors = doors_of_sites(new, inputs, sites)
    for layer in proposal.layers:
        inputs = with_sites(
            inputs,
            layer,
            new,
            opened=pd.Series(days, index=new.index, dtype=object),
            attributes=proposal.attributes,
            doors=doors,
        )
    gone = proposal.candidates["facility_id"].iloc[proposal.chosen.closed]
    return without_facilities(inputs, dict.fromkeys(gone.astype(str), as_of))


def _turned(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the targets whose verdict or value is another with the sites."""
    shown = [*_CHANGES, "name_zh", "name_en", "layer", "unit_level", "target"]
    keys = list(_CHANGES)
    old = before.set_index(keys)[["value", "verdict"]]
    new = after.set_index(keys)
    both = new.join(old.rename(columns={"value": "value_before", "verdict": "verdict_before"}))
    values = both[["value_before", "value"]].to_numpy(float, na_value=np.nan)
    same = (values[:, 0] == values[:, 1]) | np.isnan(values).all(axis=1)
    other = ~same | (both["verdict_before"] != both["verdict"]).to_numpy(bool)
    table = both[other].reset_index()
    table = table.rename(columns={"value": "value_after", "verdict": "verdict_after"})
    told = ["value_before", "value_after", "verdict_before", "verdict_after"]
    columns = [name for name in (*shown, *told) if name in table]
    turned: pd.DataFrame = table.loc[:, columns]
    return turned


def _differences(proposal: Proposal, after: Results) -> Iterable[Problem]:
    """Yield an error where the run with the sites covers other people than the model says.

    A model of an indicator goes by its bounds, and is held against the scorecard instead.
    """
    if proposal.promised is not None:
        return
    layers = zip(proposal.layers, proposal.profiles, proposal.covered(), strict=True)
    for layer, profile, (_, covered) in layers:
        rows = after.access
        mine = (rows["layer"] == layer) & (rows["profile"] == profile)
        if not mine.any() or proposal.service.size == 0:
            continue
        found = reaches(rows.loc[mine, proposal.criterion].to_numpy(float), proposal.limit)
        people = after.demand[proposal.people].fillna(0.0).to_numpy(float)
        weights = np.where(proposal.counted, people, 0.0)
        said, measured = float(weights[covered].sum()), float(weights[found].sum())
        if abs(said - measured) > 1e-6 * max(1.0, said):
            yield Problem(
                code="siting.covers_others",
                severity="error",
                action="flagged",
                value=layer,
                details={"said": f"{said:,.1f}", "measured": f"{measured:,.1f}"},
            )


def _verdict(card: pd.DataFrame, promised: Promise) -> str:
    """Return what a scorecard says of the target of a proposal."""
    rows = card[
        (card["plan"] == promised.plan)
        & (card["indicator_id"] == promised.indicator_id)
        & (card["alternative"].fillna("") == promised.alternative)
    ]
    if promised.year is not None:
        rows = rows[rows["target_year"] == promised.year]
    return str(rows["verdict"].iloc[0]) if len(rows) else "no_data"


def _target_record(proposal: Proposal, before: Results, after: Results) -> dict[str, Any]:
    """Return the verdicts on the target as the two scorecards have them."""
    if proposal.promised is None:
        return {}
    return {
        "target": {
            **proposal.target,
            "verdict_before": _verdict(before.scorecard, proposal.promised),
            "verdict_after": _verdict(after.scorecard, proposal.promised),
        }
    }


def _broken_promise(proposal: Proposal, after: Results) -> Iterable[Problem]:
    """Yield an error where the scorecard does not say of the target what was proposed for."""
    promised = proposal.promised
    if promised is None:
        return
    measured = _verdict(after.scorecard, promised)
    # Where the value alone was to reach the target, its bounds may leave the verdict open.
    good = {"met", "undecided"} if promised.value_only else {"met"}
    if (promised.verdict == "met") != (measured in good):
        yield Problem(
            code="siting.other_verdict",
            severity="error",
            action="flagged",
            value=promised.indicator_id,
            details={"said": promised.verdict, "measured": measured},
        )
