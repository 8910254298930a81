"""``[report]``: what the written report is made with."""

from __future__ import annotations

from servicecircle.project.base import FilePath, Settings

__all__ = ["ReportSettings"]


class ReportSettings(Settings):
    """``[report]``: a template and words that take the place of the packaged ones."""

    template: FilePath | None = None
    """A Word document or template (docx, dotx) whose styles and pages the report has."""
    wording: FilePath | None = None
    """A TOML file of texts that take the place of the report's own."""
