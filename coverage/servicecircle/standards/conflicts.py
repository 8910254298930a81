"""Conflicts: where plans contradict themselves or one another, are wrong, or leave things open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from servicecircle.messages import Language

__all__ = ["Conflict", "ConflictType", "Severity", "Statement"]

Severity = Literal["high", "medium", "low"]
ConflictType = Literal[
    "already_met",
    "arithmetic",
    "boundary_change",
    "classification",
    "conflicting_rule",
    "conflicting_target",
    "contradiction",
    "date",
    "definition",
    "different_norm",
    "document_status",
    "duplicate",
    "flow_stock",
    "gap",
    "incomplete",
    "indicator_dropped",
    "list_mismatch",
    "missing_field",
    "missing_local_target",
    "missing_year",
    "naming",
    "numbering",
    "plausibility",
    "table_layout",
    "target_below_baseline",
    "target_order",
    "undefined",
    "unit_error",
    "unit_level",
    "wording",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a plan says at some of its lines, in our own words; "" is the plan of the file."""

    lines: str
    zh: str
    en: str
    plan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Where plans contradict themselves or one another, are wrong, or leave a thing open.

    Parameters
    ----------
    id : str
        Indicators refer to it.
    type : str
        One of :data:`ConflictType`.
    severity : {"high", "medium", "low"}
    topic_zh, topic_en : str
    says : tuple of Statement
        Figures and lines.
    reason_zh, reason_en : str
        Why it cannot be, or what follows from it.
    handling_zh, handling_en : str
        What is done about it.
    plans : tuple of str
        Ids of the plans between which it is; empty within one.
    """

    id: str
    type: ConflictType
    severity: Severity
    topic_zh: str
    topic_en: str
    says: tuple[Statement, ...]
    reason_zh: str = ""
    reason_en: str = ""
    handling_zh: str
    handling_en: str
    plans: tuple[str, ...] = ()

    def words(self, what: Literal["topic", "reason", "handling"], language: Language) -> str:
        """Return topic, reason or handling in one language."""
        return str(getattr(self, f"{what}_{language}"))
