"""Where everything came from: plans, lists, files with their sha256, versions, credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from servicecircle.messages import label
from servicecircle.outputs.report.blocks import Block, Column, Table, Text
from servicecircle.outputs.report.words import NONE, Words, plain
from servicecircle.outputs.workbook_method import method_sections

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["source_blocks"]

_MOST_LISTS = 20
_MOST_FILES = 20
_DIGEST = 12


def source_blocks(results: Results, say: Words) -> Iterator[Block]:
    """Yield what the report rests on, as far as the record of the run tells it."""
    language = say.language
    found = dict(method_sections(results))
    yield Text(say("sources_intro"))
    owed = [plain(one, 200) for one in results.record.get("credits", ())]
    if owed:
        yield Text(say("sources_credits", credits=say.listed(owed)))
    item, value = label("method_item", language), label("method_value", language)
    if plans := found.get("plans"):
        rows = [(plain(title, 100), plain(more, 100)) for _, title, more in _short(plans)]
        columns = (
            Column(label("method_plans", language), 0.52),
            Column(say("column_source"), 0.48),
        )
        yield Table(label("method_plans", language), columns, tuple(rows))
    if lists := found.get("sources"):
        three = (Column(item, 0.30), Column(value, 0.46), Column(say("column_file"), 0.24))
        rows3 = [(plain(a, 60), plain(b, 120), plain(c, 60)) for a, b, c in lists[:_MOST_LISTS]]
        yield Table(
            label("method_sources", language),
            three,
            tuple(rows3),
            note=_rest(len(lists), _MOST_LISTS, say),
        )
    if files := found.get("files"):
        columns = (Column(say("column_file"), 0.70), Column("SHA-256", 0.30))
        rows = [
            (plain(name, 90), plain(digest, _DIGEST + 1)) for name, digest, _ in files[:_MOST_FILES]
        ]
        yield Table(
            label("method_files", language),
            columns,
            tuple(rows),
            note=_rest(len(files), _MOST_FILES, say),
        )
    if versions := found.get("versions"):
        told = [f"{name} {version}" for name, version, _ in versions]
        yield Text(say("sources_versions", versions=plain(say.listed(told), 900)), kind="note")


def _short(plans: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield the plans with the copy in the folder, its source and the start of its sha256."""
    for name, title, more in plans:
        parts = more.split(", ")
        if parts and len(parts[-1]) > _DIGEST:
            parts[-1] = f"{parts[-1][:_DIGEST]}…"
        yield name, title, ", ".join(filter(None, parts)) or NONE


def _rest(count: int, shown: int, say: Words) -> str:
    return say("more_rows", count=count - shown, file="run.json") if count > shown else ""
