"""What the page of the map says of itself: what was run, on which inputs, how, by whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from servicecircle.messages import LANGUAGES, Language, label
from servicecircle.outputs.bilingual import both
from servicecircle.outputs.workbook_method import method_sections

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["map_about"]

_DIGEST_SHOWN = 12
_DAYS_OF_YEAR = 365.25
_TOLD_FROM_YEARS = 0.5


def map_about(results: Results) -> dict[str, Any]:
    """Return the provenance of a run as JSON values.

    Parameters
    ----------
    results : Results
        Of whose record anything may be missing.

    Returns
    -------
    dict
        Keys invented ("all", "some" or ""), crs (text or ``{zh, en}``), credits (list of texts),
        people (basis and date in words, "" without people), version, and sections: for each
        language a list of ``[heading, [[item, value, more], …]]``.
    """
    record = results.record
    crs = record.get("crs")
    return {
        "invented": "all"
        if results.invented
        else "some"
        if any(layer.invented for layer in results.layers)
        else "",
        "crs": crs
        if isinstance(crs, str)
        else both(lambda language: label("map_note_crs_metric", language)),
        "credits": [str(credit) for credit in record.get("credits", ())],
        "people": both(lambda language: _people(results, language)),
        "version": str(record.get("environment", {}).get("servicecircle", "")),
        "sections": {language: _sections(results, language) for language in LANGUAGES},
    }


def _sections(results: Results, language: Language) -> list[list[Any]]:
    """Return what the workbook says of the method, under its headings."""
    digests = {str(digest) for digest in results.record.get("inputs", {}).values()}

    def shown(value: str) -> str:
        # A hash tells files apart by its beginning; run.json has the whole of it.
        return f"{value[:_DIGEST_SHOWN]}…" if value in digests else value

    return [
        [
            label(f"method_{topic}", language),
            [[item, shown(value), more] for item, value, more in lines],
        ]
        for topic, lines in method_sections(replace(results, language=language))
    ]


def _people(results: Results, language: Language) -> str:
    """Return basis, date and age of the population in words."""
    population = results.record.get("population")
    if not isinstance(population, dict) or "people_in_source" not in population:
        return ""
    basis = str(population.get("basis") or "")
    known = {"resident": "note_basis_resident", "registered": "note_basis_registered"}
    words = label(known.get(basis, "note_basis_unstated"), language)
    if basis in known and population.get("age_from") is not None:
        age = f"{population['age_from']:g}"
        words = label("map_people_basis", language).format(basis=words, age=age)
    dated = str(population.get("date") or "")
    if not dated:
        return words
    parts = [words, dated + _age(results, dated, language)]
    return ("，" if language == "zh" else ", ").join(parts)


def _age(results: Results, dated: str, language: Language) -> str:
    """Return how long before the date of judgement something was, from half a year on."""
    try:
        years = (results.as_of - dt.date.fromisoformat(dated)).days / _DAYS_OF_YEAR
    except ValueError:
        return ""
    if years < _TOLD_FROM_YEARS:
        return ""
    return label("map_people_age", language).format(years=f"{years:.1f}")
