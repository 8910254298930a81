"""Official figures of units from a table, joined by code, else by name."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.carried_totals import Renewal, carry_totals
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.tables import Table, read_table
from servicecircle.inputs.unit_columns import choose_columns, number_cells, text_cells
from servicecircle.inputs.values import clean_codes, clean_names
from servicecircle.problems import Problem
from servicecircle.project import PopulationSettings

__all__ = ["read_totals"]

_LOWER_LEVELS = re.compile(r"(?:000)+$")
_KEYS = ("code", "name", "population", "elderly")


def read_totals(
    settings: PopulationSettings,
    *,
    base: Path,
    units: gpd.GeoDataFrame,
    renewal: Renewal | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read the official figures that a raster is scaled to.

    Parameters
    ----------
    settings : PopulationSettings
        With ``totals`` and ``calibrate``.
    base : pathlib.Path
    units : geopandas.GeoDataFrame
        Of all levels; those of the level ``calibrate`` are joined.
    renewal : Renewal, optional
        Figures of units that were renamed, merged, split or moved since go to those of today.

    Returns
    -------
    totals : pandas.DataFrame
        unit_id, population, elderly (NaN: unknown), one row for each unit that the table has.
    problems : list of Problem
        One for each row that joins no unit, repeats one, or has no number.

    Raises
    ------
    InputError
        If the table cannot be read, has no column of people, or no row joins.

    Examples
    --------
    >>> import datetime as dt
    >>> settings = PopulationSettings(
    ...     raster=Path("a.tif"), kind="count", calibrate="township", totals=Path("no.csv"),
    ...     basis="resident", date=dt.date(2020, 11, 1),
    ... )
    >>> read_totals(settings, base=Path(), units=gpd.GeoDataFrame())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.csv: file not found: no.csv...
    """
    path, level = settings.totals, str(settings.calibrate)
    if path is None:
        raise InputError(fatal("input.missing_file", name="totals", value="totals"))
    name = path.as_posix()
    declared = {key: title for key, title in settings.columns.items() if key in _KEYS}
    titles = [part for title in declared.values() for part in (title, *title.split("+"))]
    table = read_table(base / path, name=name, encoding=settings.encoding, titles=titles)
    frame = table.frame.reset_index(drop=True)
    known = [str(column) for column in frame.columns]
    chosen, problems = choose_columns(known, level=level, declared=declared, name=name)
    if "population" not in chosen and "elderly" not in chosen:
        details: dict[str, object] = {"known": ", ".join(known)}
        raise InputError(
            fatal("population.no_column", name=name, value="population", details=details)
        )
    problems = [*table.problems, *problems]
    own = units[units["level"] == level]
    rows, bad = _figures(frame, chosen)
    parts = rows.assign(row=np.arange(len(rows)), unit_id=_join(rows, own), key="")
    parts["key"] = parts["unit_id"]
    if renewal is not None and renewal.changes:
        parts, found = carry_totals(
            rows, own, renewal, level=level, join=lambda table: _join(table, own)
        )
        problems += found
    joined = np.isin(np.arange(len(rows)), parts.loc[parts["unit_id"] != "", "row"])
    for column, wrong in bad.items():
        problems += _rows(wrong & joined, table, name, "bad_number", column, frame[column])
    unknown = joined & rows[["population", "elderly"]].isna().all(axis=1).to_numpy(bool)
    keys = parts.drop_duplicates("row").set_index("row")["key"].reindex(range(len(rows)))
    first = ~(keys.duplicated().to_numpy() & joined)
    shown = _shown(frame, chosen)
    for code, mask in (
        ("total_no_unit", ~joined),
        ("total_repeated", joined & ~first),
        ("total_no_figure", unknown & first),
    ):
        problems += _rows(mask, table, name, code, "", shown)
    used = joined & first & ~unknown
    if not used.any():
        raise InputError([fatal("population.no_totals", name=name, value=level), *problems])
    parts = parts[used[parts["row"]] & (parts["unit_id"] != "").to_numpy()]
    # A unit with a part whose figure is not known has none.
    sums = parts.groupby("unit_id", sort=False)[["population", "elderly"]].agg(_sum)
    return sums.reset_index(), problems


def _sum(values: pd.Series[float]) -> float:
    return float(values.sum(skipna=False))


def _figures(
    frame: pd.DataFrame, chosen: dict[str, tuple[str, ...]]
) -> tuple[pd.DataFrame, dict[str, NDArray[np.bool_]]]:
    """Return code, name, population and elderly of each row, and where columns hold no number."""
    rows = pd.DataFrame(
        {
            key: list(clean(frame[chosen[key][0]])) if key in chosen else [""] * len(frame)
            for key, clean in (("code", _bare_codes), ("name", _bare_names))
        }
    )
    bad = {}
    for key in ("population", "elderly"):
        values = np.full(len(frame), 0.0 if key in chosen else np.nan)
        for column in chosen.get(key, ()):
            part, bad[column] = number_cells(frame[column])
            values = values + part
        rows[key] = values
    return rows, bad


def _shown(frame: pd.DataFrame, chosen: dict[str, tuple[str, ...]]) -> pd.Series[str]:
    columns = [chosen[key][0] for key in ("code", "name") if key in chosen]
    parts = [pd.Series(text_cells(frame[column]), dtype="str") for column in columns]
    return parts[0] if len(parts) == 1 else parts[0] + " " + parts[1]


def _join(rows: pd.DataFrame, units: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the unit_id of each row ("" where none joins), by code, else by a name used once."""
    found = np.full(len(rows), "", dtype=object)
    for key, clean in (("code", _bare_codes), ("name", _bare_names)):
        if key not in units:
            continue
        own = pd.Series(units["unit_id"].to_numpy(object), index=clean(units[key]))
        # A name or a code that several units share says nothing.
        own = own[(own.index != "") & ~own.index.duplicated(keep=False)]
        match = own.reindex(clean(rows[key])).to_numpy(object)
        open_rows = (found == "") & pd.notna(match)
        found[open_rows] = match[open_rows]
    return found


def _bare_codes(column: pd.Series[str]) -> pd.Index[str]:
    """Return codes without the zeros of lower levels: 330881104 and 330881104000 are one."""
    codes = clean_codes(column.fillna("").astype(str))
    return pd.Index([_LOWER_LEVELS.sub("", str(code)) for code in codes])


def _bare_names(column: pd.Series[str]) -> pd.Index[str]:
    return pd.Index([str(name) for name in clean_names(column.fillna("").astype(str))])


def _rows(
    mask: NDArray[np.bool_],
    table: Table,
    name: str,
    code: str,
    column: str,
    values: pd.Series[str],
) -> list[Problem]:
    return [
        Problem(
            code=f"population.{code}",
            severity="warning",
            action="set_aside",
            file=name,
            sheet=table.sheet,
            row=int(table.rows[at]),
            column=column,
            value=str(values.iloc[at]),
        )
        for at in np.flatnonzero(mask)
    ]
