"""What a report is made of: headings, paragraphs, lists, tables and pictures, without a format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from servicecircle.messages import Language

__all__ = [
    "Align",
    "Block",
    "Bullets",
    "Column",
    "Heading",
    "Picture",
    "Report",
    "Table",
    "Text",
]

Align = Literal["left", "right", "center"]
TextKind = Literal["body", "note", "warning"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 or 2; those of level 1 are numbered, in words of the language."""

    text: str
    level: int = 1
    number: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph: of the body, a small note, or a warning in a frame."""

    text: str
    kind: TextKind = "body"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, its part of the width (shares add up to 1), its side."""

    title: str
    share: float
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """A table under its caption.

    Parameters
    ----------
    caption : str
    columns : tuple of Column
    rows : tuple of tuple of str
        A cell without anything to say holds a dash, never nothing.
    tones : mapping of (row, column) to str
        Cells on a coloured ground, by the verdict whose colours they have.
    note : str
        Below the table: what was left out, and where it is.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: Mapping[tuple[int, int], str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its caption below it and a text for those who do not see it."""

    title: str
    caption: str
    alt: str
    png: bytes
    svg: bytes
    width_cm: float


Block = Heading | Text | Bullets | Table | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole report.

    Parameters
    ----------
    language : {"zh", "en"}
    name, title : str
        Of the project, and of the report.
    organisation : str
        Who publishes it; may be empty.
    date : str
        Day of judgement, ISO 8601.
    facts : tuple of (str, str)
        For the title page.
    warning : str
        What is invented; empty where nothing is.
    table_word, figure_word, page_word, contents_word : str
        ``Table {number}`` and its kin.
    blocks : tuple of Block
    """

    language: Language
    name: str
    title: str
    organisation: str
    date: str
    facts: tuple[tuple[str, str], ...]
    warning: str
    table_word: str
    figure_word: str
    page_word: str
    contents_word: str
    blocks: tuple[Block, ...]
