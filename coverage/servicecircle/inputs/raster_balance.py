"""What became of the cells of a raster: the sums that close, what is refused, what is told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import Floats, fatal
from servicecircle.inputs.raster_file import MARGIN_M, file_problems
from servicecircle.inputs.raster_scan import MANKIND, Tally
from servicecircle.problems import Problem

__all__ = ["cell_balance", "cell_problems", "dense_cells", "refuse_unusable"]

# People per square metre of the densest quarters; below a hectare a cell may be one tower.
_DENSEST, _HECTARE_M2 = 0.15, 1e4


def refuse_unusable(sums: list[Tally], names: list[str], total: int, used: int) -> None:
    """Stop at rasters without any value, without people, or with more people than there are.

    Parameters
    ----------
    sums : list of Tally
        Of each raster.
    names : list of str
        The files as the project names them.
    total : int
        Cells read of each.
    used : int
        Cells with people.

    Raises
    ------
    InputError

    Examples
    --------
    >>> refuse_unusable([Tally(people=5.0)], ["a.tif"], 9, 1)
    >>> try:
    ...     refuse_unusable([Tally(nodata=9)], ["a.tif"], 9, 0)
    ... except InputError as error:
    ...     print(error.problems[0].code)
    population.all_nodata
    """
    faults = [
        fatal("population.all_nodata", name=name, value=str(total))
        for one, name in zip(sums, names, strict=True)
        if one.nodata == total
    ]
    if not faults and not used:
        faults.append(fatal("population.nobody", name=names[0], value=str(total)))
    faults = faults or [
        fatal("population.above_mankind", name=name, value=f"{one.people:.3g}")
        for one, name in zip(sums, names, strict=True)
        if one.people > MANKIND
    ]
    if faults:
        raise InputError(faults)


def dense_cells(people: Floats, half_diagonal_m: Floats, name: str) -> list[Problem]:
    """Say how many cells hold more people than anybody ever saw on as much land.

    Parameters
    ----------
    people, half_diagonal_m : numpy.ndarray of float, shape (n,)
        Of each cell.
    name : str
        The file as the project names it.

    Examples
    --------
    >>> dense_cells(np.array([9.0, 9e6]), np.full(2, 70.0), "a.tif")[0].value
    '1'
    >>> dense_cells(np.empty(0), np.empty(0), "a.tif")
    []
    """
    # Of all rectangles with this diagonal the square is the largest.
    area = np.maximum(2.0 * half_diagonal_m**2, _HECTARE_M2)
    dense = people > _DENSEST * area
    if not dense.any():
        return []
    return [
        Problem(
            code="population.dense_cells",
            severity="warning",
            action="counted",
            file=name,
            value=str(int(dense.sum())),
            details={"most": f"{float(people[dense].max()):.6g}"},
        )
    ]


def cell_balance(
    sums: Tally, old: Tally, population: Floats, elderly: Floats, beyond: int
) -> dict[str, float]:
    """Return the balance that :func:`servicecircle.inputs.raster.read_cells` tells of.

    Parameters
    ----------
    sums, old : Tally
        Of the raster of people and of that of the elderly.
    population, elderly : numpy.ndarray of float, shape (n,)
        Of the cells with people; NaN where unknown.
    beyond : int
        Cells too far from all units to be read.

    Examples
    --------
    >>> sums = Tally(people=7.0, zero=3)
    >>> balance = cell_balance(sums, Tally(), np.array([7.0]), np.array([np.nan]), 4)
    >>> balance["cells_used"], balance["cells_zero"], balance["elderly_in_source"]
    (1, 3, nan)
    """
    known = not np.isnan(elderly).any()
    return {
        "cells_used": len(elderly),
        "cells_zero": sums.zero,
        "cells_nodata": sums.nodata,
        "cells_negative": sums.negative,
        "cells_infinite": sums.infinite,
        "cells_beyond": beyond,
        "people_in_source": sums.people,
        "people_used": float(population.sum()),
        "people_negative": sums.negative_sum,
        "elderly_in_source": old.people if known else math.nan,
        "elderly_used": float(elderly.sum()),
        "elderly_clipped": old.clipped,
        "elderly_masked": old.masked,
        "elderly_cells_missing": old.missing,
        "elderly_cells_clipped": old.clipped_cells,
        "elderly_cells_negative": old.negative,
        "elderly_cells_infinite": old.infinite,
    }


def cell_problems(
    balance: dict[str, float], tallies: tuple[Tally, Tally], files: list[Any], names: list[str]
) -> list[Problem]:
    """Return what has to be told of a raster of people and one of the elderly, if there is one.

    Parameters
    ----------
    balance : dict
        From :func:`cell_balance`.
    tallies : tuple of Tally
        Of both.
    files : list of rasterio.DatasetReader
    names : list of str
        The files as the project names them.

    Examples
    --------
    >>> balance = cell_balance(Tally(negative=2), Tally(), np.empty(0), np.empty(0), 0)
    >>> [one.code for one in cell_problems(balance, (Tally(), Tally()), [], ["a.tif"])]
    ['population.negative_cells']
    """

    def counted(code: str, value: float, name: str, severity: Any = "warning", **more: Any) -> None:
        if value:
            problems.append(
                Problem(
                    code=f"population.{code}",
                    severity=severity,
                    action="counted",
                    file=name,
                    value=f"{value:g}" if value < MANKIND else f"{value:.0f}",
                    details=more,
                )
            )

    problems: list[Problem] = []
    negative = f"{balance['people_negative']:.6g}"
    counted("negative_cells", balance["cells_negative"], names[0], sum=negative)
    counted("infinite_cells", balance["cells_infinite"], names[0])
    if len(files) > 1:
        lost = f"{balance['elderly_masked']:.6g}"
        cut = f"{balance['elderly_clipped']:.6g}"
        counted("negative_cells", balance["elderly_cells_negative"], names[1], sum="")
        counted("infinite_cells", balance["elderly_cells_infinite"], names[1])
        counted("elderly_missing", balance["elderly_cells_missing"], names[1])
        counted("elderly_clipped", balance["elderly_cells_clipped"], names[1], people=cut)
        counted("elderly_masked", balance["elderly_masked"], names[1], people=lost)
    for file, tally, name in zip(files, tallies, names, strict=False):
        if tally.largest > 1:
            most = str(np.iinfo(file.dtypes[0]).max)
            counted("largest_value", tally.largest, name, most=most, type=file.dtypes[0])
        problems += file_problems(file, name=name)
    beyond = balance["cells_beyond"]
    counted("cells_beyond", beyond, names[0], "note", km=f"{MARGIN_M / 1000.0:g}")
    return problems
