"""QML, the styles of QGIS, as text: rules with symbols, labels, aliases of fields.

Properties are written in both forms that QGIS knows: ``Option`` (from 3.18 on) and ``prop``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from servicecircle.outputs.escape import clean_text

__all__ = ["Rule", "Symbol", "fill", "marker", "outline", "qml", "quoted_field", "quoted_text"]

_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
# The version whose form this is; newer ones convert it as they read it.
_VERSION = "3.22.0"
_NO_XML = re.compile("[\ufffe\uffff]")
_ALL, _SYMBOLS = "Symbology|Labeling|Fields|Forms", "Symbology"


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a feature is drawn: ``fill`` or ``marker``, the class of QGIS, its properties."""

    kind: str
    layer_class: str
    properties: Mapping[str, str]
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What a symbol is for.

    Parameters
    ----------
    title : str
        In the legend.
    symbol : Symbol, optional
        None for a heading over ``within``.
    where : str
        Expression of QGIS; "" for all features, ``ELSE`` for those that no other rule took.
    within : sequence of Rule
        Rules for the features that this one takes.
    shown : bool
        Whether it is switched on at first.
    """

    title: str
    symbol: Symbol | None = None
    where: str = ""
    within: Sequence[Rule] = ()
    shown: bool = True


def fill(colour: str, *, alpha: float = 1.0, line: str = "#FFFFFF", width: float = 0.2) -> Symbol:
    """Return the symbol of an area.

    Examples
    --------
    >>> fill("#3a87bf").properties["color"]
    '58,135,191,255'
    """
    return Symbol(
        "fill",
        "SimpleFill",
        {
            "color": _rgba(colour),
            "outline_color": _rgba(line),
            "outline_style": "solid" if width else "no",
            "outline_width": f"{width:g}",
            "outline_width_unit": "MM",
            "style": "solid",
        },
        alpha,
    )


def outline(colour: str, *, width: float = 0.5, dashed: bool = False) -> Symbol:
    """Return the symbol of an area that is drawn by its border alone.

    Examples
    --------
    >>> outline("#000000", dashed=True).properties["outline_style"]
    'dash'
    """
    return Symbol(
        "fill",
        "SimpleFill",
        {
            "color": _rgba(colour, 0),
            "outline_color": _rgba(colour),
            "outline_style": "dash" if dashed else "solid",
            "outline_width": f"{width:g}",
            "outline_width_unit": "MM",
            "style": "no",
        },
    )


def marker(
    colour: str, *, size: float = 2.6, shape: str = "circle", line: str = "#FFFFFF"
) -> Symbol:
    """Return the symbol of a point.

    Examples
    --------
    >>> marker("#b3400a", shape="square").properties["name"]
    'square'
    """
    return Symbol(
        "marker",
        "SimpleMarker",
        {
            "color": _rgba(colour),
            "name": shape,
            "outline_color": _rgba(line),
            "outline_style": "solid" if line != colour else "no",
            "outline_width": "0.2",
            "outline_width_unit": "MM",
            "size": f"{size:g}",
            "size_unit": "MM",
        },
    )


def quoted_field(name: str) -> str:
    """Return the name of a field as an expression of QGIS has it.

    Examples
    --------
    >>> quoted_field('a "b" c')
    '"a ""b"" c"'
    """
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """Return a text as an expression of QGIS has it.

    Examples
    --------
    >>> quoted_text("it's")
    "'it''s'"
    """
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def qml(
    rules: Sequence[Rule],
    *,
    aliases: Mapping[str, str] | None = None,
    label: str = "",
    from_scale: int = 0,
    order_by: str = "",
) -> str:
    """Return a style of QGIS.

    Parameters
    ----------
    rules : sequence of Rule
    aliases : mapping of str to str, optional
        Titles of the fields, in their order; without them the style is symbols alone, and taking
        it up leaves fields and labels as they are.
    label : str
        Field whose text is written on features; "" for none.
    from_scale : int
        Labels show from 1 : this on, nearer; 0 for always.
    order_by : str
        Expression: features with larger values are drawn first, below the others.

    Examples
    --------
    >>> text = qml([Rule("<all>", fill("#3a87bf"))], aliases={"name": "名称"})
    >>> "&lt;all&gt;" in text, 'alias index="0" field="name" name="名称"' in text
    (True, True)
    """
    symbols: list[Symbol] = []
    lines = ['<rules key="root">', *_rules(rules, symbols, "r"), "</rules>", "<symbols>"]
    for number, symbol in enumerate(symbols):
        lines += _symbol(symbol, number)
    lines.append("</symbols>")
    ordered = int(bool(order_by))
    head = (
        f'<renderer-v2 type="RuleRenderer" symbollevels="0" forceraster="0" '
        f'enableorderby="{ordered}">'
    )
    if order_by:
        clause = f'<orderByClause asc="0" nullsFirst="0">{_text(order_by)}</orderByClause>'
        lines += ["<orderby>", clause, "</orderby>"]
    body = [head, *lines, "</renderer-v2>"]
    if aliases is not None:
        if label:
            body += _labeling(label, from_scale)
        body.append("<aliases>")
        body += [
            f'<alias index="{number}" field={_quoted(field)} name={_quoted(title)}/>'
            for number, (field, title) in enumerate(aliases.items())
        ]
        body.append("</aliases>")
        if "name" in aliases:
            body.append(f"<previewExpression>{_text(quoted_field('name'))}</previewExpression>")
    wanted = _ALL if aliases is not None else _SYMBOLS
    labelled = int(bool(label) and aliases is not None)
    root = f'<qgis version="{_VERSION}" styleCategories="{wanted}" labelsEnabled="{labelled}">'
    return _HEAD + "\n".join([root, *body, "</qgis>"]) + "\n"


def _rules(rules: Iterable[Rule], symbols: list[Symbol], key: str) -> list[str]:
    lines = []
    for number, rule in enumerate(rules):
        mine = f"{key}_{number}"
        parts = [f'<rule key="{mine}" label={_quoted(rule.title)}']
        if rule.where:
            parts.append(f"filter={_quoted(rule.where)}")
        if rule.symbol is not None:
            parts.append(f'symbol="{len(symbols)}"')
            symbols.append(rule.symbol)
        if not rule.shown:
            parts.append('checkstate="0"')
        lines.append(" ".join(parts) + ">")
        lines += _rules(rule.within, symbols, mine)
        lines.append("</rule>")
    return lines


def _symbol(symbol: Symbol, number: int) -> list[str]:
    options = [
        f'<Option type="QString" name="{name}" value={_quoted(value)}/>'
        for name, value in symbol.properties.items()
    ]
    old = [f'<prop k="{name}" v={_quoted(value)}/>' for name, value in symbol.properties.items()]
    return [
        f'<symbol type="{symbol.kind}" name="{number}" alpha="{symbol.alpha:g}" '
        f'clip_to_extent="1" force_rhr="0">',
        f'<layer class="{symbol.layer_class}" enabled="1" locked="0" pass="0">',
        '<Option type="Map">',
        *options,
        "</Option>",
        *old,
        "</layer>",
        "</symbol>",
    ]


def _labeling(field: str, from_scale: int) -> list[str]:
    limited = int(from_scale > 0)
    return [
        '<labeling type="simple">',
        '<settings calloutType="simple">',
        f'<text-style fieldName={_quoted(field)} isExpression="0" fontSize="8" '
        f'fontSizeUnit="Point" textColor="40,46,54,255" textOpacity="1" multilineHeight="1">',
        '<text-buffer bufferDraw="1" bufferSize="0.8" bufferSizeUnits="MM" '
        'bufferColor="255,255,255,255" bufferOpacity="0.85" bufferJoinStyle="128"/>',
        "</text-style>",
        '<placement placement="1" priority="5" centroidInside="1" centroidWhole="1" '
        'fitInPolygonOnly="0"/>',
        # QGIS calls the farthest scale scaleMax here: the largest number under the 1.
        f'<rendering drawLabels="1" scaleVisibility="{limited}" scaleMin="0" '
        f'scaleMax="{from_scale}" obstacle="1"/>',
        "</settings>",
        "</labeling>",
    ]


def _rgba(colour: str, alpha: int = 255) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{alpha}"


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", clean_text(text)))


def _quoted(text: str) -> str:
    """Return an attribute's value in quotes; line breaks and tabs stay what they are."""
    marks = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
    return '"' + escape(_NO_XML.sub("\ufffd", clean_text(text)), marks) + '"'
