"""The frame of the page around the map: title bar, banner and panels.

Every text of it is in the page in both languages; ``data-say`` names its label, so that the page's
script can change it. What comes from the data is escaped, or left to the script to set as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicecircle.messages import label
from servicecircle.outputs.escape import escape_html
from servicecircle.outputs.siting_said import siting_said

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["frame_head", "frame_panels"]

_SAID = 2
"""Lines of a siting study in its banner: what is proposed, and how far it is proven."""
_PANELS = ("scorecard", "layers", "legend", "about")


def frame_head(results: Results) -> str:
    """Return the title bar and, where anything is invented, the banner.

    Parameters
    ----------
    results : Results
    """
    language = results.language
    date = label("map_as_of", language).format(date=results.as_of.isoformat())
    what = label("map_title", language)
    buttons = "".join(
        f'<button type="button" id="sc-open-{name}" aria-controls="sc-{name}">'
        f'<span data-say="{name}">{escape_html(label(f"map_{name}", language))}</span></button>'
        for name in _PANELS
    )
    return (
        '<header class="sc-head"><div class="sc-title">'
        f'<h1 title="{escape_html(results.name[:500])}"><bdi>{escape_html(results.name)}</bdi></h1>'
        f'<p id="sc-facts"><span>{escape_html(date)}</span>'
        f'<span class="sc-what"> · {escape_html(what)}</span></p></div>'
        '<div id="sc-find"></div>'
        f'<nav class="sc-tools" id="sc-tools">{buttons}</nav>'
        f'<div class="sc-icons" id="sc-icons"></div></header>{_banner(results)}'
        f"<noscript>{escape_html(label('map_no_script', language))}</noscript>"
    )


def _banner(results: Results) -> str:
    # Told by the page itself, not by its script: it shows even where the script fails.
    language = results.language
    said = siting_said(results, language)
    sites = ""
    if said:
        text = escape_html(" ".join([label("map_with_sites", language), *said[:_SAID]]))
        sites = f'<div class="sc-banner" id="sc-banner-sites" role="note">{text}</div>'
    invented = [layer for layer in results.layers if layer.invented]
    if results.invented:
        text = escape_html(label("map_banner_all", language))
    elif invented:
        names = (layer.zh if language == "zh" else layer.en for layer in invented)
        comma = "、" if language == "zh" else ", "
        titles = comma.join(f"<bdi>{escape_html(name)}</bdi>" for name in names)
        text = escape_html(label("map_banner_some", language)) + titles
    else:
        return sites
    return f'<div class="sc-banner" id="sc-banner" role="note">⚠ {text}</div>{sites}'


def frame_panels(results: Results) -> str:
    """Return whose data the map shows, and the panels, empty but for their headings.

    The script fills them. Owners of open data ask to be named where the data are seen.

    Parameters
    ----------
    results : Results
    """
    language = results.language
    close = escape_html(label("map_close", language))

    def panel(name: str) -> str:
        title = escape_html(label(f"map_{name}", language))
        return (
            f'<section class="sc-panel" id="sc-{name}" hidden aria-labelledby="sc-{name}-title">'
            f'<header><h2 id="sc-{name}-title" data-say="{name}">{title}</h2>'
            f'<button type="button" class="sc-close" data-say-title="close" title="{close}" '
            f'aria-label="{close}">×</button></header>'
            f'<div class="sc-body" id="sc-{name}-body"></div></section>'
        )

    owners = "; ".join(str(one) for one in results.record.get("credits", ()))
    line = f'<p class="sc-credits"><bdi>{escape_html(owners)}</bdi></p>' if owners else ""
    return line + "".join(panel(name) for name in ("layers", "legend", "scorecard", "about"))
