"""Which services of a run have figures, and what their figures are about."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from servicecircle.outputs.opening import first_measure
from servicecircle.project import LEVELS
from servicecircle.standards.kinds import KINDS

if TYPE_CHECKING:
    import pandas as pd

    from servicecircle.messages import Language
    from servicecircle.results import LayerInfo, Results

__all__ = [
    "Headline",
    "chosen_layers",
    "file_stem",
    "headline_of",
    "layer_title",
    "shown_level",
    "shown_people",
    "site_layers",
]

_MOST = 4
_PLAIN = re.compile(r"[a-z0-9_]{1,48}")


@dataclass(frozen=True, slots=True)
class Headline:
    """The target of travel that a layer is held against first.

    Parameters
    ----------
    plan, indicator_id, alternative, title : str
    target : float
        In per cent; NaN without one.
    year : float
        Of the target, NaN where none is stated.
    scope : str
        Named area that it is about; "" for all.
    """

    plan: str
    indicator_id: str
    alternative: str
    title: str
    target: float
    year: float
    scope: str


def layer_title(layer: LayerInfo, language: Language) -> str:
    """Return the title of a layer."""
    return layer.zh if language == "zh" else layer.en


def chosen_layers(results: Results) -> tuple[LayerInfo, ...]:
    """Return the layers that have figures of their own.

    Those that ``[figures]`` names. Else those that a siting study is about, then those with a
    headline target of distance or travel time in the order of the scorecard, then the others that
    travel is measured to, those with facilities first; at most ``most`` of ``[figures]``, 4.

    Parameters
    ----------
    results : Results
    """
    asked = results.record.get("project", {}).get("figures", {})
    known = {layer.name: layer for layer in results.layers}
    if asked.get("layers"):
        return tuple(known[name] for name in asked["layers"] if name in known)
    first = [layer.name for layer in site_layers(results)]
    rows = _travel_rows(results)
    first += rows["layer"].astype(str).tolist() if len(rows) else []
    measured = [layer.name for layer in results.layers if layer.measured]
    filled = set(results.facilities["layer"]) if len(results.facilities) else set()
    others = sorted(measured, key=lambda name: name not in filled)
    names = [name for name in dict.fromkeys([*first, *others]) if name in known]
    return tuple(known[name] for name in names[: asked.get("most", _MOST)])


def site_layers(results: Results) -> tuple[LayerInfo, ...]:
    """Return the layers that a siting study is about; none without one.

    Parameters
    ----------
    results : Results
    """
    siting = results.record.get("siting")
    names = siting["layers"] if isinstance(siting, Mapping) else ()
    known = {layer.name: layer for layer in results.layers}
    return tuple(known[name] for name in names if name in known)


def shown_people(layer: LayerInfo, known: Collection[str]) -> Literal["elderly", "population"]:
    """Return whose share is shown of a layer, as on the page of the map.

    Parameters
    ----------
    layer : LayerInfo
    known : collection of {"elderly", "population"}
        Whose numbers there are.

    Returns
    -------
    str
        The layer's own people; the others where those are unknown.

    Examples
    --------
    >>> from servicecircle.results import LayerInfo
    >>> school = LayerInfo(name="school", zh="", en="", profile="walk", speed_kmh=4.0,
    ...                    invented=False, on_network=True)
    >>> shown_people(school, {"elderly", "population"}), shown_people(school, {"elderly"})
    ('population', 'elderly')
    >>> shown_people(school, ())
    'population'
    """
    if first_measure(layer) == "elderly":
        return "elderly" if "elderly" in known or "population" not in known else "population"
    return "population" if "population" in known or "elderly" not in known else "elderly"


def headline_of(results: Results, layer: LayerInfo) -> Headline | None:
    """Return the headline target of travel of a layer in per cent, None where there is none.

    One that binds goes before one that does not.
    """
    rows = _travel_rows(results)
    if not len(rows):
        return None
    rows = rows[(rows["layer"] == layer.name) & (rows["unit"] == "%")]
    if not len(rows):
        return None
    row = rows.iloc[0]
    return Headline(
        plan=str(row["plan"]),
        indicator_id=str(row["indicator_id"]),
        alternative=_text(row["alternative"]),
        title=str(row["name_zh"] if results.language == "zh" else row["name_en"]),
        target=float(row["target"]),
        year=float(row["target_year"]),
        scope=_text(row["scope"]),
    )


def shown_level(results: Results) -> str:
    """Return the level whose units are shown: townships, else the coarsest below the whole.

    Returns
    -------
    str
        "" without units.
    """
    counts = results.units["level"].value_counts()
    present = [level for level in LEVELS if counts.get(level, 0)]
    if "township" in present:
        return "township"
    several = [level for level in present if counts[level] > 1]
    return next(iter(several or present), "")


def file_stem(kind: str, layer: LayerInfo, results: Results) -> str:
    """Return the stem of a file about a layer: its name, where that is plain, else its number."""
    if _PLAIN.fullmatch(layer.name):
        return f"{kind}_{layer.name}"
    return f"{kind}_{[one.name for one in results.layers].index(layer.name) + 1}"


def _travel_rows(results: Results) -> pd.DataFrame:
    """Return the headline rows about distance or travel time, those that bind first."""
    table = results.scorecard
    if "headline" not in table or not len(table):
        return table.iloc[:0]
    travels = [name for name, kind in KINDS.items() if kind.travels]
    rows = table[table["headline"].to_numpy(bool) & table["kind"].isin(travels)]
    governing = rows["governing"].to_numpy(bool)
    stated = rows["target"].notna().to_numpy(bool)
    return rows.iloc[np.lexsort((~stated, ~governing))]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
