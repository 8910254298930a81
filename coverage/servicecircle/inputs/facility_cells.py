"""The cells of a facility list by our columns: text, codes, status, and what has no column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from servicecircle.inputs.attribute_words import AttributeWords
from servicecircle.inputs.columns import match_columns
from servicecircle.inputs.gazetteer import unit_list
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.inputs.text_columns import (
    changed,
    filled_cells,
    joined,
    matching,
    text_array,
    text_objects,
    text_series,
)
from servicecircle.inputs.titles import level_of_title, normalise_title, status_words
from servicecircle.inputs.values import (
    clean_codes,
    clean_names,
    empty_cells,
    fold_width,
    is_empty,
    split_list,
)
from servicecircle.problems import Action, Problem, Severity

__all__ = [
    "Cells",
    "codes",
    "extra_column",
    "status_column",
    "text_columns",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

# A code that Excel took for a number and wrote with an exponent: its last digits are lost.
_DAMAGED = r"^[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{1,2}$"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a file by our columns, and the way to record what is wrong with one."""

    raw: RawFacilities
    file: str

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        *,
        file: str = "",
        attributes: Mapping[str, AttributeWords] | None = None,
    ) -> Cells:
        """Return the cells of a table without places, its rows numbered from 2.

        Examples
        --------
        >>> Cells.of(pd.DataFrame({"名称": ["甲"]})).texts("name").tolist()
        ['甲']
        """
        nothing = np.full(len(frame), np.nan)
        raw = RawFacilities(
            frame=frame,
            rows=list(range(2, len(frame) + 2)),
            rows_in=len(frame),
            columns=match_columns(
                [str(title) for title in frame.columns],
                attributes={name: one.all_titles for name, one in (attributes or {}).items()},
            ),
            x=nothing,
            y=nothing,
            given=np.full(len(frame), "", dtype=object),
            place="",
        )
        return cls(raw, file)

    def texts(self, column: str) -> pd.Series[str]:
        """Return the cells of one of our columns, "" where the file has none."""
        title = self.raw.columns.columns.get(column)
        if title is None:
            return text_series(pa.repeat(pa.scalar("", pa.large_string()), len(self.raw.frame)))
        return self.raw.frame[title]

    def problems(
        self,
        code: str,
        rows: Bools,
        *,
        title: str,
        values: Iterable[str] | None = None,
        severity: Severity = "warning",
        action: Action = "flagged",
        **details: object,
    ) -> list[Problem]:
        """Return a record of each of the rows."""
        found = np.flatnonzero(rows).tolist()
        if not found:
            return []
        shown = None if values is None else text_objects(values)
        return [
            Problem(
                code=code,
                severity=severity,
                file=self.file,
                sheet=self.raw.sheet,
                row=self.raw.rows[at],
                column=title,
                value="" if shown is None else shown[at],
                action=action,
                details=details,
            )
            for at in found
        ]

    def level(self, column: str) -> str:
        """Return the level that the title of a unit column names, "" where it names none."""
        title = self.raw.columns.columns.get(column)
        return level_of_title(title) if title else ""

    def title(self, column: str) -> str:
        """Return the title of one of our columns in the file."""
        return self.raw.columns.columns.get(column, "")


def text_columns(cells: Cells) -> dict[str, Texts]:
    """Return name, address, grade, serves, members, declared unit, its level and parent.

    The declared unit of a row that states only a parent is the parent.

    Examples
    --------
    >>> found = text_columns(Cells.of(pd.DataFrame({"等级": ["３Ａ"], "服務村里": ["中央里;"]})))
    >>> found["grade"].tolist(), found["serves"].tolist(), found["declared_unit"].tolist()
    (['3A'], ['中央里'], [''])
    >>> found = text_columns(Cells.of(pd.DataFrame({"乡镇": ["东镇"], "村": ["/"]})))
    >>> found["declared_unit"].tolist(), found["declared_level"].tolist()
    (['东镇'], ['township'])
    """
    unit = _plain(cells.texts("unit"))
    unit_code = clean_codes(cells.texts("unit_code"))
    unit_code[matching(unit_code, _DAMAGED)] = ""
    parent = _plain(cells.texts("parent"))
    own = (unit != "") | (unit_code != "")
    # A row that leaves the village open still states its township.
    declared = np.where(unit_code != "", unit_code, np.where(own, unit, parent))
    levels = [cells.level(name) for name in ("unit", "parent")]
    level = np.where(unit_code != "", "", np.where(own, levels[0], levels[1]))
    return {
        "name": _plain(cells.texts("name")),
        "address": _plain(cells.texts("address")),
        "grade": _each(cells.texts("grade"), lambda text: fold_width(_filled(text))),
        "serves": _each(cells.texts("serves"), lambda text: ";".join(unit_list(text))),
        "members": _each(cells.texts("members"), lambda text: ";".join(split_list(text))),
        "declared_unit": declared.astype(object),
        "declared_parent": parent,
        "declared_level": np.where(declared != "", level, "").astype(object),
    }


def _filled(text: str) -> str:
    return "" if is_empty(text) else text


def _plain(texts: Iterable[str]) -> Texts:
    array = text_array(texts)
    names = clean_names(array)
    # What white space is put in order in stays as empty, or as filled, as it was.
    names[empty_cells(array)] = ""
    return names


def _each(texts: pd.Series[str], change: Callable[[str], str]) -> Texts:
    """Apply a change to each distinct cell that holds anything."""
    array = text_array(texts)
    return changed(array, change, rows=filled_cells(array))


def codes(cells: Cells, *, declared: bool) -> tuple[Texts, list[Problem]]:
    """Return the codes; a running number is none, unless the project says that it is.

    Parameters
    ----------
    cells : Cells
    declared : bool
        The project names the column.

    Examples
    --------
    >>> cells = Cells.of(pd.DataFrame({"编号": ["1", "2", "3"]}))
    >>> codes(cells, declared=False)[0].tolist(), codes(cells, declared=True)[0].tolist()
    (['', '', ''], ['1', '2', '3'])
    """
    code = clean_codes(cells.texts("code"))
    damaged = matching(code, _DAMAGED)
    problems = [
        problem
        for column, rows in (
            ("code", damaged),
            ("unit_code", matching(clean_codes(cells.texts("unit_code")), _DAMAGED)),
        )
        for problem in cells.problems(
            "facility.damaged_code",
            rows,
            title=cells.title(column),
            values=cells.texts(column),
            action="mended",
        )
    ]
    code[damaged] = ""
    plain = matching(code, "^(?:0|[1-9][0-9]{0,5})$")
    if declared or not len(code) or not plain.all():
        return code, problems
    values = code.astype(np.int64)
    running = values[0] in (0, 1) and bool((np.diff(values) > 0).all())
    if not running or values[-1] > 1.2 * len(values) + 5:
        return code, problems
    problem = Problem(
        code="facility.running_number",
        severity="note",
        file=cells.file,
        sheet=cells.raw.sheet,
        column=cells.title("code"),
        value=f"{code[0]} … {code[-1]}",
    )
    return np.full(len(code), "", dtype=object), [*problems, problem]


def status_column(cells: Cells, keep: Bools) -> tuple[Texts, list[Problem]]:
    """Return open, planned or closed, "" where not stated or not known.

    Examples
    --------
    >>> cells = Cells.of(pd.DataFrame({"状态": ["运营中", "筹建", "？", "试一试"]}))
    >>> status, problems = status_column(cells, np.full(4, True))
    >>> status.tolist(), [problem.value for problem in problems]
    (['open', 'planned', '', ''], ['试一试'])
    >>> cells = Cells.of(pd.DataFrame({"状态": ["已停业（2022年）", "运营（已停业）"]}))
    >>> status_column(cells, np.full(2, True))[0].tolist()
    ['closed', '']
    """
    texts = cells.texts("status")
    status = _each(texts, _status)
    unknown = keep & ~empty_cells(texts) & (status == "")
    title = cells.title("status")
    return status, cells.problems("facility.bad_status", unknown, title=title, values=texts)


def _status(text: str) -> str:
    """Return the status a cell states; a remark in brackets may add to it, not contradict it."""
    words, whole = status_words(), normalise_title(text)
    remarks = _REMARK.findall(whole)
    if whole in words or not remarks:
        return words.get(whole, "")
    status = words.get(_REMARK.sub("", whole), "")
    contradicted = any(words.get(remark, status) != status for remark in remarks)
    return "" if contradicted else status


_REMARK = re.compile(r"\(([^()]*)\)")


def extra_column(raw: RawFacilities) -> Texts:
    """Return the cells of unmapped columns as JSON, empty ones left out.

    Examples
    --------
    >>> extra_column(Cells.of(pd.DataFrame({"备注": ["新", ""]})).raw).tolist()
    ['{"备注": "新"}', '{}']
    """
    titles = sorted(raw.columns.unmapped)
    if not titles:
        return np.full(len(raw.frame), "{}", dtype=object)
    entries = [_entries(raw.frame[title], title) for title in titles]
    # Each entry ends with a quotation mark, so that only the last comma goes.
    listed = pc.utf8_rtrim(joined(*entries), characters=", ")
    return text_objects(joined("{", listed, "}"))


def _entries(texts: pd.Series[str], title: str) -> Any:
    """Return ``"title": "cell", `` as JSON for each cell, "" where it is empty."""
    array = text_array(texts)
    # What JSON writes as it stands needs no look at each cell.
    plain = ~matching(array, r'[\x00-\x1f"\\]')
    quoted = joined('"', array, '"')
    if not plain.all():
        cells = text_objects(quoted)
        odd = changed(array, lambda text: json.dumps(text, ensure_ascii=False), rows=~plain)
        cells[~plain] = odd[~plain]
        quoted = text_array(cells)
    key = json.dumps(title, ensure_ascii=False)
    return pc.if_else(pc.equal(array, ""), "", joined(f"{key}: ", quoted, ", "))
