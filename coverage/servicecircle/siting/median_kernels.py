"""Compiled loops of the p-median: exchange of sites, and the Lagrangian of its assignment.

Rows are points, their pairs ascend by cost, so that a pass over the points ends early in each row:
only pairs cheaper than what the point pays already can matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = ["NONE", "exchange", "prices_pass", "served_pass"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]
Bools = NDArray[np.bool_]

NONE = -1
"""No slot: whoever no free site serves."""


@compiled()
def _two_nearest(  # noqa: PLR0913, PLR0917 - inlined into one kernel
    at: int, starts: Ints, heads: Heads, cost: Floats, fallback: Floats, slot_of: Heads,
    first: Heads, d1: Floats, d2: Floats,
) -> None:  # fmt: skip
    """Fill in the nearest open site of a point, what it costs, and what the next best costs."""
    first[at], d1[at], d2[at] = NONE, fallback[at], fallback[at]
    for pair in range(starts[at], starts[at + 1]):
        slot = slot_of[heads[pair]]
        if slot == NONE or cost[pair] >= fallback[at]:
            continue
        if first[at] == NONE:
            first[at], d1[at] = slot, cost[pair]
        else:
            d2[at] = cost[pair]
            return


@compiled()
def _count(  # noqa: PLR0913, PLR0917 - inlined into one kernel
    at: int, sign: float, starts: Ints, heads: Heads, cost: Floats, weights: Floats,
    first: Heads, d1: Floats, d2: Floats, gain: Floats, loss: Floats, extra: Floats,
) -> None:  # fmt: skip
    """Add (or take out) what a point says of openings, closings and both at once."""
    slot, weight = first[at], sign * weights[at]
    if slot != NONE:
        loss[slot] += weight * (d2[at] - d1[at])
    for pair in range(starts[at], starts[at + 1]):
        if cost[pair] >= d2[at]:
            return
        site = heads[pair]
        if cost[pair] < d1[at]:
            gain[site] += weight * (d1[at] - cost[pair])
        if slot != NONE:
            extra[slot, site] += weight * (d2[at] - max(cost[pair], d1[at]))


@compiled()
def _lost_people(  # noqa: PLR0913, PLR0917 - inlined into one kernel
    out: int, into: int, starts: Ints, heads: Heads, column_starts: Ints, column_rows: Heads,
    weights: Floats, alone: Bools, units: Heads, slot_of: Heads, sites: Heads,
    first: Heads, change: Floats,
) -> float:  # fmt: skip
    """Return how many more people go unserved by a move; ``change`` gets them by unit.

    Only points that no fixed site serves (``alone``) can lose or gain service.
    """
    change[:] = 0.0
    total = 0.0
    if out != NONE:
        gone = sites[out]
        for pair in range(column_starts[gone], column_starts[gone + 1]):
            at = column_rows[pair]
            if not alone[at] or first[at] != out:
                continue
            still = False
            for other in range(starts[at], starts[at + 1]):
                site = heads[other]
                if site == into or (slot_of[site] != NONE and slot_of[site] != out):
                    still = True
                    break
            if not still:
                total += weights[at]
                if units[at] >= 0:
                    change[units[at]] += weights[at]
    for pair in range(column_starts[into], column_starts[into + 1]):
        at = column_rows[pair]
        if alone[at] and first[at] == NONE:
            total -= weights[at]
            if units[at] >= 0:
                change[units[at]] -= weights[at]
    return total


@compiled()
def exchange(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one kernel, one state
    starts: Ints, heads: Heads, cost: Floats, column_starts: Ints, column_rows: Heads,
    weights: Floats, fallback: Floats, alone: Bools, units: Heads,
    is_open: Bools, slots: int, site_cost: Floats, budget: float, by_ratio: bool,
    closable: Bools, closed_most: int, site_units: Heads, presence: Ints,
    apart_starts: Ints, apart_heads: Heads, unserved_most: float, lost_most: Floats,
    moves: int,
) -> bool:  # fmt: skip
    """Open sites while slots and money last, then exchange one for another while that helps.

    The best of all moves is made each time (Teitz and Bart 1968, with the sums kept between moves
    as Resende and Werneck 2007 do); equal ones: the first slot, then the lowest site.

    ``is_open`` is what to begin with, which obeys all rules, and what it ends with. ``by_ratio``:
    openings by gain over cost. ``unserved_most`` and ``lost_most`` (by unit): the most people
    that may go unserved. Returned is whether it ended at a move that seemed to help by the
    rounding of those sums alone: to be begun anew from there, with sums that have none.
    """
    count, points = is_open.size, weights.size
    slot_of = np.full(count, NONE, np.int32)
    sites = np.full(slots, NONE, np.int32)
    used = 0
    clashes = np.zeros(count, np.int64)
    clash_with = np.zeros(count, np.int64)
    in_unit = np.zeros(presence.size, np.int64)
    money, closed = budget, 0
    for site in range(count):
        if is_open[site]:
            slot_of[site], sites[used] = used, site
            used += 1
            money -= site_cost[site]
            if site_units[site] >= 0:
                in_unit[site_units[site]] += 1
            for pair in range(apart_starts[site], apart_starts[site + 1]):
                clashes[apart_heads[pair]] += 1
                clash_with[apart_heads[pair]] += site
        elif closable[site]:
            closed += 1
    gain, loss = np.zeros(count), np.zeros(slots)
    extra = np.zeros((slots, count))
    first = np.empty(points, np.int32)
    d1, d2 = np.empty(points), np.empty(points)
    unserved = 0.0
    lost = np.zeros(lost_most.size)
    change = np.zeros(lost_most.size)
    whole = 0.0
    for at in range(points):
        _two_nearest(at, starts, heads, cost, fallback, slot_of, first, d1, d2)
        _count(at, 1.0, starts, heads, cost, weights, first, d1, d2, gain, loss, extra)
        whole += weights[at] * d1[at]
        if alone[at] and first[at] == NONE:
            unserved += weights[at]
            if units[at] >= 0:
                lost[units[at]] += weights[at]
    watched = unserved_most < np.inf or lost_most.size > 0
    banned = np.zeros((slots + 1, count), np.bool_) if watched else np.zeros((1, 1), np.bool_)
    any_banned = False
    made, rounded = 0, False
    while made < moves:
        # Sums that were added to and taken from for long carry rounding: a hair is no gain.
        least = 1e-10 * abs(whole)
        best, best_out, best_into, adding = least, NONE, NONE, False
        if used < slots:
            for into in range(count):
                if slot_of[into] != NONE or clashes[into] > 0 or site_cost[into] > money:
                    continue
                if any_banned and banned[slots, into]:
                    continue
                worth = gain[into]
                if worth <= least:
                    continue
                if by_ratio:
                    worth = worth / max(site_cost[into], 1e-12)
                if not adding or worth > best:
                    best, best_into, adding = worth, into, True
        if not adding:
            for out in range(used):
                gone = sites[out]
                if closable[gone] and closed >= closed_most:
                    continue
                unit = site_units[gone]
                needed = unit >= 0 and in_unit[unit] <= presence[unit]
                room = money + site_cost[gone]
                for into in range(count):
                    worth = gain[into] - loss[out] + extra[out, into]
                    if worth <= best or slot_of[into] != NONE or site_cost[into] > room:
                        continue
                    if clashes[into] > 1 or (clashes[into] == 1 and clash_with[into] != gone):
                        continue
                    if needed and site_units[into] != unit:
                        continue
                    if any_banned and banned[out, into]:
                        continue
                    best, best_out, best_into = worth, out, into
        if best_into == NONE:
            break
        if watched:
            more = _lost_people(
                best_out, best_into, starts, heads, column_starts, column_rows, weights, alone,
                units, slot_of, sites, first, change,
            )  # fmt: skip
            fine = more <= 0.0 or unserved + more <= unserved_most
            for unit in range(lost.size):
                if change[unit] > 0.0 and lost[unit] + change[unit] > lost_most[unit]:
                    fine = False
            if not fine:
                banned[slots if best_out == NONE else best_out, best_into] = True
                any_banned = True
                made += 1
                continue
            unserved += more
            for unit in range(lost.size):
                lost[unit] += change[unit]
            if any_banned:
                banned[:] = False
                any_banned = False
        made += 1
        was = whole
        gone = sites[best_out] if best_out != NONE else NONE
        slot = best_out if best_out != NONE else used
        # The points that the move touches are taken out first, and put back as they are after it.
        for step in range(2):
            if step == 1:
                if gone != NONE:
                    slot_of[gone] = NONE
                    money += site_cost[gone]
                    closed += closable[gone]
                    if site_units[gone] >= 0:
                        in_unit[site_units[gone]] -= 1
                    for pair in range(apart_starts[gone], apart_starts[gone + 1]):
                        clashes[apart_heads[pair]] -= 1
                        clash_with[apart_heads[pair]] -= gone
                else:
                    used += 1
                slot_of[best_into], sites[slot] = slot, best_into
                money -= site_cost[best_into]
                closed -= closable[best_into]
                if site_units[best_into] >= 0:
                    in_unit[site_units[best_into]] += 1
                for pair in range(apart_starts[best_into], apart_starts[best_into + 1]):
                    clashes[apart_heads[pair]] += 1
                    clash_with[apart_heads[pair]] += best_into
            sign = 1.0 if step == 1 else -1.0
            for column in range(2):
                site = best_into if column == 0 else gone
                if site == NONE:
                    continue
                for pair in range(column_starts[site], column_starts[site + 1]):
                    at = column_rows[pair]
                    if column == 1 and _has(at, best_into, column_starts, column_rows):
                        continue
                    if step == 1:
                        _two_nearest(at, starts, heads, cost, fallback, slot_of, first, d1, d2)
                    _count(at, sign, starts, heads, cost, weights, first, d1, d2, gain, loss, extra)
        # Summed anew, it is the same for the same sites, and falls with each move: none comes back.
        whole = 0.0
        for at in range(points):
            whole += weights[at] * d1[at]
        if whole >= was:
            slot_of[best_into] = NONE
            if gone != NONE:
                slot_of[gone] = slot
            rounded = True
            break
    for site in range(count):
        is_open[site] = slot_of[site] != NONE
    return rounded


@compiled()
def _has(at: int, site: int, column_starts: Ints, column_rows: Heads) -> bool:
    """Return whether a point is in a site's column, whose rows ascend."""
    low, high = column_starts[site], column_starts[site + 1]
    while low < high:
        middle = (low + high) // 2
        if column_rows[middle] < at:
            low = middle + 1
        else:
            high = middle
    return bool(low < column_starts[site + 1] and column_rows[low] == at)


@compiled()
def prices_pass(
    starts: Ints, heads: Heads, cost: Floats, weights: Floats, prices: Floats, worth: Floats
) -> None:
    """Fill in what opening each site is worth (0 or less) when points pay these prices."""
    worth[:] = 0.0
    for at in range(weights.size):
        weight, price = weights[at], prices[at]
        for pair in range(starts[at], starts[at + 1]):
            saved = weight * cost[pair] - price
            if saved >= 0.0:
                break
            worth[heads[pair]] += saved


@compiled()
def served_pass(
    starts: Ints, heads: Heads, cost: Floats, weights: Floats, prices: Floats, share: Floats,
    times: Floats, nearest: Floats,
) -> None:  # fmt: skip
    """Fill in how often the chosen sites take each point, and what its nearest one costs.

    ``share`` is how far each site is chosen, 0 to 1; ``nearest`` counts those chosen whole, and
    comes with what the point pays otherwise.
    """
    for at in range(weights.size):
        weight, price = weights[at], prices[at]
        taken, open_yet = 0.0, False
        for pair in range(starts[at], starts[at + 1]):
            takes = weight * cost[pair] < price
            if not takes and open_yet:
                break
            chosen = share[heads[pair]]
            if chosen > 0.0:
                if takes:
                    taken += chosen
                if chosen >= 1.0 and not open_yet:
                    nearest[at] = min(nearest[at], cost[pair])
                    open_yet = True
        times[at] = taken
