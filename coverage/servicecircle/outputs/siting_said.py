"""What a siting study found, for the outputs whose numbers count its sites as built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.messages import Language
from servicecircle.siting.words import siting_lines

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["siting_said"]


def siting_said(results: Results, language: Language) -> list[str]:
    """Return what a siting study found and proved, a line each; none of a run without one.

    Parameters
    ----------
    results : Results
    language : {"zh", "en"}
    """
    record = results.record.get("siting")
    # A record that says nothing of its layers says nothing of what was found.
    if not record or "layers" not in record:
        return []
    titles = {one.name: one.zh if language == "zh" else one.en for one in results.layers}
    lines = siting_lines(record, results.tables, titles=titles, language=language)
    return [line.strip() for line in lines]
