"""``[map]``: what lies beneath the services on the map."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from servicecircle.project.base import FilePath, Settings
from servicecircle.toml_files import BrokenRule

__all__ = ["MapSettings"]


class MapSettings(Settings):
    """``[map]``: water to draw, and online tiles where somebody asks for them."""

    water: FilePath | None = None
    """Lines and areas of water; drawn, never measured with."""
    tiles: Literal["osm", "tianditu", "gaode"] | None = None
    """Whose pictures the page may fetch; without, it asks for nothing."""
    tianditu_key: Annotated[str, Field(pattern="^([0-9A-Za-z]{8,64})?$")] = ""
    """The user's own key for Tianditu (``tk``); it stands in the page."""

    @model_validator(mode="after")
    def _key(self) -> MapSettings:
        if self.tiles == "tianditu" and not self.tianditu_key:
            raise BrokenRule("project.no_tianditu_key")
        return self
