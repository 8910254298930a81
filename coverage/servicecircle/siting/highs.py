"""The one place that calls HiGHS: a mixed-integer model in, incumbent and bound out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

if TYPE_CHECKING:
    import highspy

__all__ = ["Mip", "MipAnswer", "holds", "solve_mip"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_TOLERANCE = 1e-6
_LEAST_SECONDS = 0.01


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mip:
    """Least (or most) ``cost @ x`` under linear rows, some of the columns whole numbers.

    Parameters
    ----------
    cost, lower, upper : numpy.ndarray of float, shape (n,)
        ``lower <= x <= upper``; bounds may be infinite.
    integer : numpy.ndarray of bool, shape (n,)
    rows : scipy.sparse.csr_array, shape (m, n)
    row_lower, row_upper : numpy.ndarray of float, shape (m,)
        ``row_lower <= rows @ x <= row_upper``; may be infinite.
    maximise : bool
    """

    cost: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    rows: csr_array
    row_lower: Floats
    row_upper: Floats
    maximise: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MipAnswer:
    """What the solver found.

    Parameters
    ----------
    status : {"optimal", "feasible", "infeasible", "no_answer"}
        Optimal: within the wanted gap. Feasible: time ran out before. No answer: time ran out
        before anything was found.
    values : numpy.ndarray of float, shape (n,), optional
        Of the columns, integer ones rounded; None without an answer.
    objective : float
        NaN without an answer.
    bound : float
        No solution is better; infinite where nothing is known, NaN where infeasible.
    """

    status: Literal["optimal", "feasible", "infeasible", "no_answer"]
    values: Floats | None
    objective: float
    bound: float


def solve_mip(
    model: Mip, *, start: Floats | None = None, seconds: float = 60.0, gap: float = 0.0
) -> MipAnswer:
    """Solve a mixed-integer linear model with HiGHS on one thread.

    The best of the solver's incumbent and of ``start`` is kept when the time limit strikes, and a
    bound comes with it.

    Parameters
    ----------
    model : Mip
    start : numpy.ndarray of float, shape (n,), optional
        A solution to begin with; one that breaks a row or a bound is left out.
    seconds : float
        Of wall time, from the call.
    gap : float
        Relative gap at which the solver may stop.

    Returns
    -------
    MipAnswer

    Raises
    ------
    RuntimeError
        If HiGHS refuses the model, or ends otherwise than the states of an answer say.

    Examples
    --------
    The most of 5 a + 4 b with 2 a + 3 b at most 12, both whole and at most 4:

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> model = dict(cost=np.array([5.0, 4.0]), lower=np.zeros(2), upper=np.full(2, 4.0),
    ...              integer=np.ones(2, bool), rows=csr_array([[2.0, 3.0]]), maximise=True)
    >>> least, most = np.array([-np.inf]), np.array([12.0])
    >>> answer = solve_mip(Mip(**model, row_lower=least, row_upper=most))
    >>> answer.status, answer.values.tolist(), answer.objective, answer.bound
    ('optimal', [4.0, 1.0], 24.0, 24.0)
    >>> solve_mip(Mip(**model, row_lower=np.array([50.0]), row_upper=np.array([60.0]))).status
    'infeasible'
    """
    kept = start if start is not None and holds(model, start) else None
    cost, sign = model.cost, -1.0 if model.maximise else 1.0
    # Every column at its better end: a bound that needs no solver.
    ends = np.where(sign * cost > 0, model.lower, model.upper)
    trivial = float(cost[cost != 0] @ ends[cost != 0])
    if not cost.size:
        nothing = np.empty(0)
        return (
            MipAnswer(status="optimal", values=nothing, objective=0.0, bound=0.0)
            if holds(model, nothing)
            else _infeasible()
        )
    solver = _loaded(model)
    solver.setOptionValue("time_limit", max(seconds, _LEAST_SECONDS))
    solver.setOptionValue("mip_rel_gap", gap)
    if kept is not None:
        _give_start(solver, kept)
    solver.run()
    return _told(solver, model, kept, trivial, gap=gap)


def holds(model: Mip, values: Floats) -> bool:
    """Return whether values keep all rows, bounds and whole numbers, within 1e-6.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> one = np.ones(1)
    >>> model = Mip(cost=one, lower=one, upper=2 * one, integer=np.ones(1, bool),
    ...             rows=csr_array((0, 1)), row_lower=np.empty(0), row_upper=np.empty(0))
    >>> holds(model, one), holds(model, 1.5 * one), holds(model, 3 * one)
    (True, False, False)
    """
    sums = np.asarray(model.rows @ values)
    slack = _TOLERANCE * np.maximum(1.0, np.abs(sums))
    off = np.abs(values - np.rint(values))[model.integer]
    return bool(
        np.all(values >= model.lower - _TOLERANCE)
        and np.all(values <= model.upper + _TOLERANCE)
        and np.all(off <= _TOLERANCE)
        and np.all(sums >= model.row_lower - slack)
        and np.all(sums <= model.row_upper + slack)
    )


def _loaded(model: Mip) -> highspy.Highs:
    """Return a solver that holds the model: quiet, and on one thread for the same bits."""
    import highspy

    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its class has no annotations
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("parallel", "off")
    solver.setOptionValue("random_seed", 0)
    sense = highspy.ObjSense.kMaximize if model.maximise else highspy.ObjSense.kMinimize
    status = solver.passModel(
        model.cost.size,
        model.rows.shape[0],
        model.rows.nnz,
        int(highspy.MatrixFormat.kRowwise),
        int(sense),
        0.0,
        np.ascontiguousarray(model.cost, np.float64),
        np.ascontiguousarray(model.lower, np.float64),
        np.ascontiguousarray(model.upper, np.float64),
        np.ascontiguousarray(model.row_lower, np.float64),
        np.ascontiguousarray(model.row_upper, np.float64),
        model.rows.indptr.astype(np.int32),
        model.rows.indices.astype(np.int32),
        model.rows.data.astype(np.float64),
        model.integer.astype(np.int32),
    )
    if status == highspy.HighsStatus.kError:
        msg = "HiGHS refused the model"
        raise RuntimeError(msg)
    return solver


def _give_start(solver: highspy.Highs, values: Floats) -> None:
    import highspy

    solution = highspy.HighsSolution()
    solution.col_value = values.tolist()
    solver.setSolution(solution)


def _infeasible() -> MipAnswer:
    return MipAnswer(status="infeasible", values=None, objective=np.nan, bound=np.nan)


def _told(
    solver: highspy.Highs, model: Mip, kept: Floats | None, trivial: float, *, gap: float
) -> MipAnswer:
    """Return the better of incumbent and start, with the tighter of both bounds."""
    import highspy

    cost, integer, sign = model.cost, model.integer, -1.0 if model.maximise else 1.0
    ended, info = solver.getModelStatus(), solver.getInfo()
    states = highspy.HighsModelStatus
    if ended in (states.kInfeasible, states.kUnboundedOrInfeasible) and kept is None:
        return _infeasible()
    # Unknown: rows that are kept or broken by less than the solver can tell.
    short = (states.kTimeLimit, states.kInterrupt, states.kUnknown)
    if ended not in (states.kOptimal, states.kModelEmpty, *short):
        msg = f"HiGHS ended with {solver.modelStatusToString(ended)}"
        raise RuntimeError(msg)
    values, objective = kept, np.nan if kept is None else float(cost @ kept)
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        found = np.array(solver.getSolution().col_value)
        found = np.where(integer, np.rint(found), found)
        reached = float(cost @ found)
        if values is None or sign * reached <= sign * objective:
            values, objective = found, reached
    bound = trivial
    if ended == states.kOptimal or info.mip_node_count >= 0:
        known = info.mip_dual_bound if integer.any() else info.objective_function_value
        usable = np.isfinite(known) and (integer.any() or ended == states.kOptimal)
        bound = sign * max(sign * trivial, sign * known) if usable else trivial
    if values is None:
        return MipAnswer(status="no_answer", values=None, objective=np.nan, bound=bound)
    # The solver's bound may stand a hair beyond its incumbent.
    bound = sign * min(sign * bound, sign * objective)
    apart = abs(objective - bound)
    closed = apart <= max(gap * max(abs(objective), abs(bound)), _TOLERANCE)
    done = ended not in short or closed
    return MipAnswer(
        status="optimal" if done else "feasible", values=values, objective=objective, bound=bound
    )
