"""What a siting study found, as tables and as the part of ``run.json`` that proves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from servicecircle.measure.ground import Ground
from servicecircle.siting.answers import nearest_open
from servicecircle.siting.gains import marginal_gains
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.proposal import Proposal
from servicecircle.siting.tables import candidates_table, gains_table, sites_table
from servicecircle.siting.unit_tables import Covered, units_table

__all__ = ["PROOF_COLUMNS", "proposal_record", "proposal_tables"]

PROOF_COLUMNS = (
    "step",
    "objective",
    "sites",
    "cost",
    "people",
    "people_bound",
    "value",
    "bound",
    "gap",
    "proven",
    "best",
    "loss",
    "best_people",
)
_PROVEN = 1e-9
_LEAST_CURVE = 10


def proposal_tables(proposal: Proposal, ground: Ground) -> dict[str, pd.DataFrame]:
    """Return the tables of a proposal, as their files are called.

    Parameters
    ----------
    proposal : Proposal
    ground : Ground
        As it is, before the sites are built.

    Returns
    -------
    dict of str to pandas.DataFrame
        sites, site_units, site_gains, candidates, siting; and those the proposal brings.
    """
    frame, chosen = proposal.candidates, proposal.chosen
    model = _of_people(proposal)
    units = pd.DataFrame(ground.units.drop(columns="geometry"))
    units = units[units["level"] == proposal.level].reset_index(drop=True)
    curve = marginal_gains(model, most=max(2 * chosen.columns.size, _LEAST_CURVE))
    sites = sites_table(
        model,
        frame,
        proposal.answer,
        chosen,
        layer=proposal.layers[0],
        level=proposal.level,
        units=units,
        total=proposal.total,
    )
    return {
        "sites": sites,
        "site_units": _units(proposal, ground, units),
        "site_gains": gains_table(curve, frame, chosen, total=proposal.total),
        "candidates": candidates_table(model, frame, chosen, level=proposal.level),
        "siting": _proof(proposal),
        **proposal.tables,
    }


def _of_people(proposal: Proposal) -> SitingModel:
    """Return the model with people as its weights, where it has those who need a place."""
    model = proposal.model
    if proposal.need == 1.0:
        return model
    return replace(model, weights=model.weights / proposal.need)


def proposal_record(proposal: Proposal) -> dict[str, Any]:
    """Return what ``run.json`` says of a proposal: what was asked, found and proven.

    Parameters
    ----------
    proposal : Proposal
    """
    answer, goal = proposal.answer, proposal.goal
    phases = proposal.phases
    return {
        "layers": list(proposal.layers),
        "people": proposal.people,
        "criterion": proposal.criterion,
        "limit": proposal.limit,
        "profile": proposal.profile,
        "level": proposal.level,
        "objective": goal.objective,
        "sites_asked": goal.sites,
        "budget": goal.budget,
        "by_cost": goal.by_cost,
        "share": goal.share,
        "closings": goal.closings,
        "people_in_need": proposal.total * proposal.need,
        "capacities": bool(np.isfinite(proposal.model.capacity).any()),
        "candidates": dict(proposal.found),
        "new_sites": int(proposal.chosen.columns.size),
        "closed_sites": int(proposal.chosen.closed.size),
        "status": answer.status,
        "value": _number(answer.objective),
        "bound": _number(answer.bound),
        "gap": 0.0 if answer.gap <= _PROVEN else _number(answer.gap),
        "steps": [
            {"name": name, "value": _number(value), "bound": _number(bound)}
            for name, value, bound in answer.steps
        ],
        "method": answer.method,
        "seconds": round(answer.seconds, 3),
        "phases": None
        if phases is None
        else {"method": phases.method, "seconds": round(phases.seconds, 3)},
        **({"target": dict(proposal.target)} if proposal.target else {}),
    }


def _people_bound(answer: Answer, goal: Goal) -> float:
    """Return how many people any choice has in reach at most; NaN where nothing is known of it."""
    if goal.objective == "cover":
        return answer.bound
    return next((bound for name, _, bound in answer.steps if name == "people"), np.nan)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _units(proposal: Proposal, ground: Ground, units: pd.DataFrame) -> pd.DataFrame:
    """Return the units of the level before and after, for each layer."""
    column = f"unit_{proposal.level}"
    frame, chosen = proposal.candidates, proposal.chosen
    where = frame[column].to_numpy(object)
    given = ground.demand[proposal.people].fillna(0.0).to_numpy(np.float64)
    parts = []
    layers = zip(proposal.layers, proposal.lines, proposal.covered(), strict=True)
    for layer, lines, (before, after) in layers:
        own = proposal.existing & (frame["layer"] == layer).to_numpy(bool)
        covered = Covered(
            people=np.where(proposal.counted, given, 0.0),
            unit=ground.demand[column].to_numpy(object),
            before=before,
            after=after,
        )
        gone = np.isin(np.arange(len(frame)), chosen.closed) & own
        table = units_table(
            covered,
            units=units,
            lines=lines,
            existing=where[own],
            closed=where[gone],
            new=where[chosen.columns],
        )
        table.insert(4, "layer", layer)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _proof(proposal: Proposal) -> pd.DataFrame:
    """Return the value, bound and gap of the whole, and of each phase, a row each."""
    model, goal, answer = _of_people(proposal), proposal.goal, proposal.answer
    covered = float(model.weights[nearest_open(model.pairs, answer.open)[1] >= 0].sum())
    whole = {
        "step": "all",
        "objective": goal.objective,
        "sites": int(proposal.chosen.columns.size),
        "cost": float(model.cost[proposal.chosen.columns].sum()),
        "people": covered,
        "people_bound": _people_bound(answer, goal) / proposal.need,
        "value": answer.objective,
        "bound": answer.bound,
        "gap": 0.0 if answer.gap <= _PROVEN else answer.gap,
        "proven": answer.status == "optimal" and answer.gap <= _PROVEN,
        "best": answer.objective,
        "loss": np.nan,
        "best_people": np.nan,
    }
    rows = [whole]
    if proposal.phases is not None:
        rows += [
            {
                "step": f"phase {int(row['phase'])}",
                "objective": goal.objective,
                "sites": row["total_sites"],
                "cost": row["total_cost"],
                "people": row["people"] / proposal.need,
                "people_bound": np.nan,
                "value": row["value"],
                "bound": row["bound"],
                "gap": 0.0 if row["loss_percent"] <= _PROVEN else row["loss_percent"] / 100.0,
                "proven": row["loss_percent"] <= _PROVEN,
                "best": row["best"],
                "loss": 0.0 if row["loss_percent"] <= _PROVEN else row["loss"],
                "best_people": row["best_people"] / proposal.need,
            }
            for row in proposal.phases.table.to_dict("records")
        ]
    return pd.DataFrame(rows, columns=list(PROOF_COLUMNS))
