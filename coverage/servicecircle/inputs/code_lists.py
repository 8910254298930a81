"""Official lists of codes: read, and the units of a level checked against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import WGS84, fatal, to_wgs84_points
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.unit_columns import (
    choose_columns,
    choose_point_columns,
    code_cells,
    text_cells,
)
from servicecircle.inputs.unit_matches import (
    MATCH_COLUMNS,
    code_core,
    no_matches,
    propose_matches,
    unit_name_likeness,
    wider_code,
)
from servicecircle.inputs.values import coordinates
from servicecircle.problems import Problem
from servicecircle.project import CodeSettings

__all__ = ["check_codes", "read_codes"]

_MOST_NAMES = 10
_PLACE = ("lon", "lat")
# File and row of a unit.
_Where = tuple[str, int | None]


def read_codes(
    settings: CodeSettings, *, level: str, base: Path
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read an official list of the units of a level.

    Parameters
    ----------
    settings : CodeSettings
    level : str
    base : pathlib.Path
        Folder that the path is relative to.

    Returns
    -------
    listed : pandas.DataFrame
        code, name, parent, lon, lat (WGS84 degrees; NaN unless the settings declare a datum).
        Entries of other levels are left out.
    problems : list of Problem

    Raises
    ------
    InputError
        If the list cannot be read or holds no entry of the level.

    Examples
    --------
    >>> read_codes(CodeSettings(path=Path("none.csv")), level="county", base=Path())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: none.csv: file not found: none.csv
    ...
    """
    name = settings.path.as_posix()
    table = read_table(
        base / settings.path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=["code", "name", *settings.columns.values()],
    )
    frame = table.frame
    own = {key: title for key, title in settings.columns.items() if key not in _PLACE}
    chosen, problems = choose_columns(list(frame.columns), level=level, declared=own, name=name)
    blank = np.full(len(frame), "", dtype=object)
    listed = pd.DataFrame(
        {
            "code": code_cells(frame[chosen["code"][0]]) if "code" in chosen else blank,
            "name": text_cells(frame[chosen["name"][0]]) if "name" in chosen else blank,
            "parent": code_cells(frame[chosen["parent"][0]]) if "parent" in chosen else blank,
            "lon": np.nan,
            "lat": np.nan,
        }
    )
    if settings.datum is not None:
        listed = listed.assign(**_places(settings, frame, name))
    numeric = listed["code"].str.isdigit().to_numpy(dtype=bool)
    here = np.array([bool(code_core(code, level)) for code in listed["code"]]) | ~numeric
    usable = (listed["code"] != "").to_numpy() & ~listed["code"].duplicated().to_numpy()
    problems = [*table.problems, *problems]
    problems += [
        Problem(
            code="change.code_row",
            severity="warning",
            action="set_aside",
            file=name,
            sheet=table.sheet,
            row=int(table.rows[at]),
            value=f"{listed['code'].iloc[at]} {listed['name'].iloc[at]}".strip() or "–",
        )
        for at in np.flatnonzero(here & ~usable).tolist()
    ]
    listed = listed[here & usable].reset_index(drop=True)
    if not len(listed):
        raise InputError([fatal("change.no_codes", name=name), *problems])
    return listed, problems


def _places(settings: CodeSettings, frame: pd.DataFrame, name: str) -> Mapping[str, np.ndarray]:
    declared = {key: title for key, title in settings.columns.items() if key in _PLACE}
    chosen, _ = choose_point_columns(list(frame.columns), declared=declared, name=name)
    if "lon" not in chosen or "lat" not in chosen:
        return {}
    lon, lat = (coordinates(frame[chosen[key][0]])[0] for key in _PLACE)
    found = to_wgs84_points(lon, lat, crs=WGS84, datum=settings.datum, name=name)
    return dict(zip(_PLACE, found, strict=True))


def check_codes(
    units: gpd.GeoDataFrame,
    listed: pd.DataFrame,
    settings: CodeSettings,
    *,
    level: str,
    stands: Mapping[str, tuple[str, int]] | None = None,
) -> tuple[pd.DataFrame, dict[str, int], list[Problem]]:
    """Check the units of a level against an official list, and propose matches for the others.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        All levels, linked to their parents. Units that need have nothing and bear no code (farms,
        reservoirs) are not looked for.
    listed : pandas.DataFrame
        From :func:`read_codes`.
    settings : CodeSettings
    level : str
    stands : mapping of str to (str, int), optional
        unit_id → file and row of the unit, for the records.

    Returns
    -------
    matches : pandas.DataFrame
        See :func:`servicecircle.inputs.unit_matches.propose_matches`.
    counts : dict
        units = listed + proposed + unresolved; entries = entries_with_unit + entries_without_unit.
    problems : list of Problem

    Examples
    --------
    >>> import shapely
    >>> units = gpd.GeoDataFrame(
    ...     {"unit_id": ["county:330102"], "code": ["330102"], "name": ["上城区"],
    ...      "level": ["county"], "parent_id": "", "parent_hint": "", "should_have": True},
    ...     geometry=[shapely.box(0, 0, 1, 1)], crs=4326,
    ... )
    >>> listed = pd.DataFrame({
    ...     "code": ["330102"], "name": ["上城区"], "parent": "", "lon": np.nan, "lat": np.nan,
    ... })
    >>> settings = CodeSettings(path=Path("codes.csv"))
    >>> matches, counts, problems = check_codes(units, listed, settings, level="county")
    >>> len(matches), counts["listed"], problems
    (0, 1, [])
    """
    name = settings.path.as_posix()
    here = units[(units["level"] == level) & (units["should_have"] | (units["code"] != ""))]
    if not len(here):
        problem = Problem(
            code="change.no_units", severity="warning", file=name, value=level, column=level
        )
        return no_matches(), {}, [problem]
    by_core = {code_core(code, level) or code: at for at, code in enumerate(listed["code"])}
    cores = [code_core(code, level) or code for code in here["code"]]
    entry = np.array([by_core.get(core, -1) if core else -1 for core in cores], dtype=np.int64)
    parents, wider = _above(here, units, level)
    areas = tuple(sorted({one for one in wider if one}))
    inside = (
        listed["code"].str.startswith(areas).to_numpy() if areas else np.ones(len(listed), bool)
    )
    taken = np.zeros(len(listed), dtype=bool)
    taken[entry[entry >= 0]] = True
    if not (inside | taken).any():
        return (
            no_matches(),
            {},
            [Problem(code="change.no_codes", severity="warning", file=name, column=level)],
        )
    where = [(stands or {}).get(unit, ("", None)) for unit in here["unit_id"]]
    problems = _other_names(here, listed, entry, where)
    left = np.flatnonzero(entry < 0)
    matches = propose_matches(
        gpd.GeoDataFrame(
            {
                "code": here["code"].to_numpy()[left],
                "name": here["name"].to_numpy()[left],
                "parent": parents[left],
                "wider": wider[left],
            },
            geometry=here.geometry.to_numpy()[left],
            crs=here.crs,
        ),
        listed.assign(free=~taken),
        level=level,
        date="" if settings.date is None else settings.date.isoformat(),
        source=name,
    )
    best = matches[matches["rank"] <= 1].reset_index(drop=True)
    good = (best["score"].astype(np.float64) >= settings.score - 1e-9).to_numpy(dtype=bool)
    problems += _unlisted(best, good, settings, [where[at] for at in left.tolist()])
    unused = listed[inside & ~taken]
    proposed_codes = set(best.loc[good, "new_code"])
    lonely = unused[~unused["code"].isin(proposed_codes)]
    if len(lonely):
        more = "…" if len(lonely) > _MOST_NAMES else ""
        problems.append(
            Problem(
                code="change.codes_unused",
                severity="note",
                action="counted",
                file=name,
                column=level,
                value=str(len(lonely)),
                details={"names": ", ".join(lonely["name"].head(_MOST_NAMES)) + more},
            )
        )
    counts = {
        "units": len(here),
        "listed": int((entry >= 0).sum()),
        "proposed": int(good.sum()),
        "unresolved": int((~good).sum()),
        "entries": int((inside | taken).sum()),
        "entries_with_unit": int(taken.sum()),
        "entries_without_unit": len(unused),
    }
    return matches[list(MATCH_COLUMNS)], counts, problems


def _above(
    here: gpd.GeoDataFrame, units: gpd.GeoDataFrame, level: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return what stands for the parent of each unit, and the codes to look for it among."""
    code_of = dict(zip(units["unit_id"], units["code"], strict=True))
    name_of = dict(zip(units["unit_id"], units["name"], strict=True))
    parents = [
        hint or code_of.get(parent, "") or name_of.get(parent, "")
        for hint, parent in zip(here["parent_hint"], here["parent_id"], strict=True)
    ]
    wider = []
    for code, parent, unit in zip(here["code"], parents, here["parent_id"], strict=True):
        known = (text for text in (code_of.get(unit, ""), parent, code) if text.isdigit())
        wider.append(wider_code(next(known, ""), level))
    return np.array(parents, dtype=object), np.array(wider, dtype=object)


def _other_names(
    here: gpd.GeoDataFrame, listed: pd.DataFrame, entry: np.ndarray, where: Sequence[_Where]
) -> list[Problem]:
    rows = zip(here["name"], here["code"], entry.tolist(), where, strict=True)
    return [
        Problem(
            code="change.code_other_name",
            severity="warning",
            file=file,
            row=row,
            column="name",
            value=called,
            details={"code": code, "other": listed["name"].iloc[at]},
        )
        for called, code, at, (file, row) in rows
        if at >= 0
        if called and unit_name_likeness(called, listed["name"].iloc[at]) < 1.0
    ]


def _unlisted(
    best: pd.DataFrame, good: np.ndarray, settings: CodeSettings, where: Sequence[_Where]
) -> list[Problem]:
    name = settings.path.as_posix()
    problems = []
    columns = ["old_name", "old_code", "new_name", "score"]
    for (called, code, near, score), found, (file, row) in zip(
        best[columns].itertuples(index=False), good.tolist(), where, strict=True
    ):
        shown = {"code": code or "–", "list": name}
        problems.append(
            Problem(
                code="change.code_unlisted" if found else "change.unresolved",
                severity="warning",
                file=file,
                row=row,
                column="code",
                value=str(called or code),
                details=shown | {"near": near, "score": f"{score:.2f}"}
                if found
                else shown | {"least": f"{settings.score:g}"},
            )
        )
    return problems
