"""The map that planners open: one HTML file with everything inside, made with Folium.

Folium gives the map, the groups of each layer and the layer control. What is drawn in them comes
from one compact payload, which the page's own script draws (``assets/page``): every text of the
data is set there as text, never as markup. The policy in the page forbids every outside request
and every script but the page's own.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import folium
from branca.element import Element, Figure, MacroElement
from folium.plugins import GroupedLayerControl
from folium.template import Template

from servicecircle.messages import Language, label
from servicecircle.outputs.escape import escape_html, escape_json
from servicecircle.outputs.mapdata import MOST_LABELS, map_payload
from servicecircle.outputs.payload import pack
from servicecircle.results import Results

__all__ = ["map_page", "write_map"]

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' {hashes}; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
_POLICY_PLACE = "SCRIPT-HASHES-GO-HERE"
# One function holds them all, so that they see each other and nothing else sees them.
_PAGE_PARTS = ("base", "layers", "sites", "cards", "legend", "control", "scorecard", "start")
_MIDDLE_OF_CHINA = [35.0, 105.0]


def write_map(results: Results, path: Path) -> None:
    """Write the map of a run as one self-contained HTML file.

    Parameters
    ----------
    results : Results
        Any table in it may be empty.
    path : pathlib.Path
        The file to write, such as ``index.html``; an existing one is replaced.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path.write_bytes(map_page(results).encode("utf-8"))


def map_page(results: Results) -> str:
    """Return the map of a run as HTML text, the same for the same results.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
        A whole page with scripts, styles and data inline; it asks for nothing from outside.
    """
    data = map_payload(results)
    page = _Page(language="zh-CN" if results.language == "zh" else "en")
    page.title = escape_html(results.name)
    page.head = _style() + "\n" + _licences() + _script(_scripts())
    page.before_map = _head(results) + '<main class="sc-main">'

    bounds = data["bounds"]
    map_ = folium.Map(
        location=_middle(bounds),
        zoom_start=10 if bounds else 4,
        tiles=None,
        prefer_canvas=True,
        zoom_control="bottomright",
        attribution_control=False,
        min_zoom=3,
        max_zoom=18,
        zoom_snap=0.25,
        wheel_px_per_zoom_level=90,
    )
    page.add_child(map_, name="map")
    groups = list(_groups(data, results))
    for group in groups:
        map_.add_child(group.layer)
    # Names of elements are random numbers; the control takes them over when it is made.
    _number(page)
    switches = _control_groups(groups, data, results)
    control: Any = GroupedLayerControl(switches, exclusive_groups=False, collapsed=False)  # type: ignore[no-untyped-call]  # folium
    # Folium keeps a set here, which would come out in another order in each process.
    control.layers_untoggle = sorted(control.layers_untoggle)
    map_.add_child(control, name="control")
    map_.add_child(_Start(groups), name="start")
    _number(page)
    for element in (map_, control):
        # The assets are inline: nothing of Folium's lists is fetched.
        element.default_js, element.default_css = [], []

    page.after_map = _panels(results, data) + "</main>" + _payload(data, results)
    return _with_policy(page.render())


class _Page(Figure):
    """A figure with a language, without what Folium writes into the head.

    Ready text comes in as attributes: the text of a branca Element is a Jinja template, and braces
    in a name would run in it.
    """

    _template = Template(
        "<!DOCTYPE html>\n"
        '<html lang="{{this.language}}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="' + _POLICY_PLACE + '">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        "<title>{{this.title}}</title>\n"
        "{{this.head}}\n</head>\n<body>\n"
        "{{this.before_map}}\n{{this.html.render(**kwargs)}}\n{{this.after_map}}\n"
        "<script>\n{{this.script.render(**kwargs)}}\n</script>\n</body>\n</html>\n"
    )

    def __init__(self, *, language: str) -> None:
        super().__init__()
        self.language = language
        self.head = self.before_map = self.after_map = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """One switch of the layer control, and what the page's script draws into it."""

    layer: folium.FeatureGroup
    service: int | None
    info: dict[str, Any]

    @property
    def text(self) -> str:
        return f"[{self.layer.get_name()}, {escape_json(self.info)}]"


class _Start(MacroElement):
    """Hands the map and its groups to the page's script."""

    _template = Template(
        "{% macro script(this, kwargs) %}\n"
        "serviceCircle.start({{ this._parent.get_name() }}, [\n"
        "{% for group in this.groups %}{{ group.text }},\n{% endfor %}]);\n"
        "{% endmacro %}"
    )

    def __init__(self, groups: list[_Group]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # folium
        self._name = "Start"
        self.groups = groups


def _groups(data: dict[str, Any], results: Results) -> Iterator[_Group]:
    """Yield the groups: of each service, then of the base map."""
    language = results.language
    shaded = [level for level in data["levels"] if level["shaded"] and any(level["shapes"])]
    first = next(
        (number for number, layer in enumerate(data["layers"]) if layer["facilities"]["names"]), 0
    )

    def group(title: str, *, show: bool, service: int | None = None, **info: Any) -> _Group:
        if service is not None:
            info["service"] = service
        layer = folium.FeatureGroup(name=escape_html(title), show=show)
        return _Group(layer=layer, service=service, info=info)

    for number, layer in enumerate(data["layers"]):
        shown = number == first
        key = "map_shade_presence" if layer["kind"] == "presence" else "map_shade"
        for level in shaded:
            title = label(key, language).format(level=level["title"])
            show = shown and level is shaded[-1]
            yield group(title, show=show, service=number, kind="shade", level=level["level"])
        switches = (
            ("circles", bool(layer["circles"]), shown),
            ("own", bool(layer["own"]), False),
            ("overlaps", bool(layer["overlaps"]), False),
            ("uncovered", bool(layer["uncovered"]["people"]), False),
            ("facilities", bool(layer["facilities"]["names"]), shown),
        )
        for kind, given, show in switches:
            if given:
                title = data["labels"]["own_circles" if kind == "own" else kind]
                yield group(title, show=show, service=number, kind=kind)
    if data["siting"] is not None:
        yield from _site_groups(data, group, language)
    if any(data["roads"]):
        yield group(label("map_roads", language), show=True, kind="roads")
    if data["levels"]:
        yield group(label("map_borders", language), show=True, kind="borders")
    if data["scopes"]:
        yield group(label("map_scopes", language), show=True, kind="scopes")
    coarse = [level for level in data["levels"] if len(level["names"]) <= MOST_LABELS]
    for level in coarse[-2:]:
        title = label("map_names", language).format(level=level["title"])
        show = level is coarse[-2:][0]
        yield group(title, show=show, kind="names", level=level["level"])


def _site_groups(
    data: dict[str, Any], group: Callable[..., _Group], language: Language
) -> Iterator[_Group]:
    """Yield the groups of a siting study."""
    if data["siting"]["sites"]["number"]:
        yield group(label("map_sites", language), show=True, kind="sites")
    units = data["siting"]["units"]
    if units is not None:
        for moment in ("after", "before"):
            title = label(f"map_site_units_{moment}", language)
            yield group(title, show=False, kind="sited", moment=moment, level=units["level"])
    if data["siting"]["candidates"]["people"]:
        yield group(label("map_candidates", language), show=False, kind="candidates")


def _control_groups(
    groups: list[_Group], data: dict[str, Any], results: Results
) -> dict[str, list[folium.FeatureGroup]]:
    """Return the groups of the control under their headings, which are our own markup."""
    headings: dict[str, list[folium.FeatureGroup]] = {}
    for group in groups:
        if group.service is None:
            sited = group.info["kind"] in {"sites", "sited", "candidates"}
            key = "map_siting" if sited else "map_base"
            text = escape_html(label(key, results.language))
            heading = f'<span data-service="base">{text}</span>'
        else:
            layer = data["layers"][group.service]
            tag = escape_html(data["labels"]["invented"])
            heading = (
                f'<span class="sc-service" data-service="{group.service}">'
                f'<span class="sc-badge" style="background:{layer["colour"]}" aria-hidden="true">'
                f"{escape_html(layer['mark'])}</span><bdi>{escape_html(layer['title'])}</bdi>"
                + (f'<span class="sc-tag">{tag}</span>' if layer["invented"] else "")
                + "</span>"
            )
        headings.setdefault(heading, []).append(group.layer)
    return headings


def _number(page: Figure) -> None:
    """Give every element a counted name in place of branca's random one."""
    for number, element in enumerate(_tree(page)):
        element._id = str(number)


def _tree(element: Element) -> Iterator[Element]:
    yield element
    for child in element._children.values():
        yield from _tree(child)


def _middle(bounds: list[list[float]] | None) -> list[float]:
    if bounds is None:
        return _MIDDLE_OF_CHINA
    (south, west), (north, east) = bounds
    return [round((south + north) / 2, 5), round((west + east) / 2, 5)]


def _head(results: Results) -> str:
    """Return the title bar and, where anything is invented, the banner."""
    language = results.language
    facts = [
        label("map_title", language),
        label("map_as_of", language).format(date=results.as_of.isoformat()),
    ]
    buttons = "".join(
        f'<button type="button" id="sc-open-{name}" aria-controls="sc-{name}">'
        f"{escape_html(label(f'map_{name}', language))}</button>"
        for name in ("scorecard", "layers", "legend", "about")
    )
    return (
        '<header class="sc-head"><div class="sc-title">'
        f'<h1 title="{escape_html(results.name[:500])}"><bdi>{escape_html(results.name)}</bdi></h1>'
        f"<p>{escape_html(' · '.join(facts))}</p></div>"
        f'<nav class="sc-tools">{buttons}</nav></header>{_banner(results)}'
        f"<noscript>{escape_html(label('map_no_script', language))}</noscript>"
    )


def _banner(results: Results) -> str:
    language = results.language
    invented = [layer for layer in results.layers if layer.invented]
    if results.invented:
        text = escape_html(label("map_banner_all", language))
    elif invented:
        names = (layer.zh if language == "zh" else layer.en for layer in invented)
        titles = "、".join(f"<bdi>{escape_html(name)}</bdi>" for name in names)
        text = escape_html(label("map_banner_some", language)) + titles
    else:
        return ""
    return f'<div class="sc-banner" role="note">⚠ {text}</div>'


def _panels(results: Results, data: dict[str, Any]) -> str:
    language = results.language
    close = escape_html(label("map_close", language))

    def panel(name: str, body: str = "") -> str:
        return (
            f'<section class="sc-panel" id="sc-{name}" hidden aria-labelledby="sc-{name}-title">'
            f'<header><h2 id="sc-{name}-title">{escape_html(label(f"map_{name}", language))}</h2>'
            f'<button type="button" class="sc-close" aria-label="{close}">×</button></header>'
            f'<div class="sc-body" id="sc-{name}-body">{body}</div></section>'
        )

    crs = results.record.get("crs")
    crs_text = crs if isinstance(crs, str) else label("map_note_crs_metric", language)
    ways = "".join(
        f"<li><bdi>{escape_html(layer['title'])}</bdi>"
        + (f'<span class="sc-tag">{escape_html(data["labels"]["invented"])}</span>')
        * bool(layer["invented"])
        + f"<small>{escape_html(layer['rule'])}</small></li>"
        for layer in data["layers"]
    )
    notes = [
        label("map_note_travel", language),
        label("map_note_unreached", language),
        label("map_note_crs", language).replace("{crs}", crs_text),
        label("map_note_offline", language),
        label("map_note_made", language),
        *map(str, results.record.get("credits", [])),
    ]
    about = (f"<ul>{ways}</ul>" if ways else "") + "".join(
        f"<p>{escape_html(note)}</p>" for note in notes
    )
    return panel("layers") + panel("legend") + panel("scorecard") + panel("about", about)


def _payload(data: dict[str, Any], results: Results) -> str:
    packing, text = pack(data)
    language = results.language
    return (
        f'<script type="application/octet-stream" id="sc-payload" data-packing="{packing}" '
        f'data-old="{escape_html(label("map_old_browser", language))}" '
        f'data-broken="{escape_html(label("map_broken", language))}">{text}</script>'
    )


def _assets() -> Traversable:
    return resources.files("servicecircle.outputs") / "assets"


def _vendored(ending: str) -> list[str]:
    """Return the texts of the vendored files of one kind, in the order of the manifest."""
    vendor = _assets() / "vendor"
    manifest = tomllib.loads((vendor / "manifest.toml").read_text(encoding="utf-8"))
    names = [file["to"] for package in manifest["package"] for file in package["files"]]
    return [
        vendor.joinpath(*name.split("/")).read_text(encoding="utf-8")
        for name in names
        if name.endswith(ending)
    ]


def _scripts() -> str:
    # Source maps would be asked for when somebody opens the developer tools.
    texts = [
        re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.M) for text in _vendored(".js")
    ]
    own = [(_assets() / "page" / f"{name}.js").read_text(encoding="utf-8") for name in _PAGE_PARTS]
    page = ["const serviceCircle = (() => {", '"use strict";', *own, "return { start };", "})();"]
    return "\n".join(["L_NO_TOUCH = false;", "L_DISABLE_3D = false;", *texts, *page])


def _style() -> str:
    own = (_assets() / "page" / "page.css").read_text(encoding="utf-8")
    # Pictures of markers and buttons that this page does not use.
    texts = [re.sub(r"url\((?!data:)[^)]*\)", "none", text) for text in _vendored(".css")]
    return "<style>\n" + "\n".join([*texts, own]) + "</style>"


def _licences() -> str:
    texts = "\n".join(_vendored("LICENSE") + _vendored("LICENSE.txt")).replace("--", "- -")
    return f"<!--\n{texts}-->\n"


def _script(text: str) -> str:
    if "</script" in text.lower() or "\r" in text:
        raise ValueError("an asset holds </script or a carriage return and cannot stand in a page")
    return f"<script>\n{text}\n</script>"


def _with_policy(html: str) -> str:
    """Return the page with the hashes of its scripts in the policy: no other script runs."""
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.S)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return html.replace(_POLICY_PLACE, _POLICY.format(hashes=hashes), 1)
