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
from servicecircle.outputs.bilingual import Said, both, both_labels
from servicecircle.outputs.escape import escape_html, escape_json
from servicecircle.outputs.map_frame import frame_head, frame_panels
from servicecircle.outputs.mapdata import MOST_LABELS, map_payload
from servicecircle.outputs.payload import pack
from servicecircle.outputs.tiles import tile_hosts
from servicecircle.results import Results

__all__ = ["map_page", "write_map"]

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' {hashes}; style-src 'unsafe-inline'; "
    "img-src data: blob:{hosts}; font-src data:; base-uri 'none'; form-action 'none'"
)
_POLICY_PLACE = "SCRIPT-HASHES-GO-HERE"
# One function holds them all, so that they see each other and nothing else sees them.
_PAGE_PARTS = (
    "base",
    "layers",
    "basemap",
    "clusters",
    "sites",
    "cards",
    "legend",
    "control",
    "scorecard",
    "about",
    "tools",
    "card",
    "search",
    "table",
    "share",
    "keys",
    "start",
)
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
    page.before_map = frame_head(results) + '<main class="sc-main">'

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
    groups = list(_groups(data))
    for group in groups:
        map_.add_child(group.layer)
    # Names of elements are random numbers; the control takes them over when it is made.
    _number(page)
    switches = _control_groups(groups)
    control: Any = GroupedLayerControl(switches, exclusive_groups=False, collapsed=False)  # type: ignore[no-untyped-call]  # folium
    # Folium keeps a set here, which would come out in another order in each process.
    control.layers_untoggle = sorted(control.layers_untoggle)
    map_.add_child(control, name="control")
    map_.add_child(_Start(groups), name="start")
    _number(page)
    for element in (map_, control):
        # The assets are inline: nothing of Folium's lists is fetched.
        element.default_js, element.default_css = [], []

    page.after_map = frame_panels(results) + "</main>" + _payload(data, results)
    return _with_policy(page.render(), tile_hosts(results.basemap))


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


def _groups(data: dict[str, Any]) -> Iterator[_Group]:
    """Yield the groups: of each service, then of the base map."""
    language: Language = data["language"]
    shaded = [level for level in data["levels"] if level["shaded"] and any(level["shapes"])]
    first = next(
        (number for number, layer in enumerate(data["layers"]) if layer["facilities"]["names"]), 0
    )

    def group(title: Said, *, show: bool, service: int | None = None, **info: Any) -> _Group:
        if service is not None:
            info["service"] = service
        # The script sets the title as text, in the language of the moment.
        info["title"] = title
        layer = folium.FeatureGroup(name=escape_html(_called(title, language)), show=show)
        return _Group(layer=layer, service=service, info=info)

    for number, layer in enumerate(data["layers"]):
        shown = number == first
        key = "map_shade_presence" if layer["kind"] == "presence" else "map_shade"
        for level in shaded:
            show = shown and level is shaded[-1]
            title = _of_level(key, level)
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
                title = both_labels("map_own_circles" if kind == "own" else f"map_{kind}")
                yield group(title, show=show, service=number, kind=kind)
    if data["siting"] is not None:
        yield from _site_groups(data, group)
    if data["tiles"] is not None:
        yield group(_tiles_title(data["tiles"]["name"]), show=True, kind="tiles")
    for kind in ("water", "barriers"):
        if data[kind] is not None:
            yield group(both_labels(f"map_{kind}"), show=True, kind=kind)
    if any(data["roads"]):
        yield group(both_labels("map_roads"), show=True, kind="roads")
    if data["levels"]:
        yield group(both_labels("map_borders"), show=True, kind="borders")
    if data["scopes"]:
        yield group(both_labels("map_scopes"), show=True, kind="scopes")
    coarse = [level for level in data["levels"] if len(level["names"]) <= MOST_LABELS]
    for level in coarse[-2:]:
        show = level is coarse[-2:][0]
        yield group(_of_level("map_names", level), show=show, kind="names", level=level["level"])


def _tiles_title(name: dict[str, str]) -> Said:
    return both(lambda language: label("map_tiles", language).format(name=name[language]))


def _of_level(key: str, level: dict[str, Any]) -> Said:
    """Return a label about the units of a level."""
    return both(
        lambda language: label(key, language).format(level=_called(level["title"], language))
    )


def _called(text: Said, language: Language) -> str:
    return text if isinstance(text, str) else text[language]


def _site_groups(data: dict[str, Any], group: Callable[..., _Group]) -> Iterator[_Group]:
    """Yield the groups of a siting study."""
    if data["siting"]["sites"]["number"]:
        yield group(both_labels("map_sites"), show=True, kind="sites")
    units = data["siting"]["units"]
    if units is not None:
        for moment in ("after", "before"):
            title = both_labels(f"map_site_units_{moment}")
            yield group(title, show=False, kind="sited", moment=moment, level=units["level"])
    if data["siting"]["candidates"]["people"]:
        yield group(both_labels("map_candidates"), show=False, kind="candidates")


def _control_groups(groups: list[_Group]) -> dict[str, list[folium.FeatureGroup]]:
    """Return the groups of the control under their headings: our own markup without a text.

    The script puts the texts in, as texts, in the language of the moment.
    """
    headings: dict[str, list[folium.FeatureGroup]] = {}
    for group in groups:
        if group.service is not None:
            part = str(group.service)
        else:
            sited = group.info["kind"] in {"sites", "sited", "candidates"}
            part = "siting" if sited else "base"
        headings.setdefault(f'<span data-service="{part}"></span>', []).append(group.layer)
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


def _with_policy(html: str, hosts: list[str]) -> str:
    """Return the page with the hashes of its scripts in the policy: no other script runs."""
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.S)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return html.replace(
        _POLICY_PLACE, _POLICY.format(hashes=hashes, hosts="".join(f" {host}" for host in hosts)), 1
    )
