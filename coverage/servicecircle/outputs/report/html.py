"""A report as one page for a browser: nothing is fetched, nothing runs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from servicecircle.outputs.escape import escape_html
from servicecircle.outputs.palettes import VERDICT_FILLS
from servicecircle.outputs.report.blocks import Bullets, Heading, Picture, Report, Table, Text

__all__ = ["report_page"]

_STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#eef1f4;color:#1f2933;
font:16px/1.6 system-ui,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
body{overflow-wrap:anywhere}
main{max-width:60rem;margin:0 auto;background:#fff;padding:2rem clamp(1rem,5vw,4rem) 4rem}
header{padding:3rem 0 1.5rem;border-bottom:3px solid #1d4f7c}
h1{font-size:2rem;line-height:1.25;margin:0 0 .5rem;color:#1d4f7c;overflow-wrap:anywhere}
h2{font-size:1.4rem;margin:2.5rem 0 .75rem;color:#1d4f7c}
h3{font-size:1.1rem;margin:1.75rem 0 .5rem;overflow-wrap:anywhere}
.sub{font-size:1.15rem;margin:.25rem 0}
.facts{margin:1.25rem 0 0;display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}
.facts dt{font-weight:600}
.facts dd{margin:0;overflow-wrap:anywhere}
.warning{border:2px solid #c05a1a;background:#fbe7da;color:#7a2400;font-weight:600;
padding:.6rem .9rem}
.note,figcaption p{font-size:.85rem;color:#4c535b;margin:.4rem 0 1.2rem}
nav ol{list-style:none;padding:0;margin:.5rem 0;columns:2 16rem}
nav li{margin:.15rem 0;break-inside:avoid}
nav .l2{padding-left:1.5rem;font-size:.92rem}
a{color:#1d4f9e}
a:focus-visible,.scroll:focus-visible{outline:3px solid #d55e00;outline-offset:2px}
li{margin:.25rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.86rem;line-height:1.4;
border-top:2px solid #7c8791;border-bottom:2px solid #7c8791}
caption,figcaption b{text-align:left;font-weight:600;font-size:.95rem}
caption{padding:1rem 0 .4rem}
th,td{padding:.32rem .5rem;text-align:left;vertical-align:top;border-top:1px solid #d5dade;
overflow-wrap:break-word;min-width:3.2em;word-break:normal}
th{background:#e9eef3;vertical-align:bottom}
.right{text-align:right;font-variant-numeric:tabular-nums}
.center{text-align:center}
figure{margin:2rem 0;text-align:center}
figure img{max-width:100%;height:auto}
figcaption{text-align:left}
footer{margin-top:3rem;font-size:.85rem;color:#4c535b}
@media (max-width:40rem){h1{font-size:1.5rem}.facts{grid-template-columns:1fr}
.facts dd{margin-bottom:.5rem}table{min-width:34rem}}
@media print{@page{size:A4;margin:2cm 1.8cm}body{background:#fff;font-size:10.5pt}
main{max-width:none;padding:0}header{padding-top:6cm;border:0}nav{break-before:page}
.scroll{overflow:visible}thead{display:table-header-group}tr,figure,.warning{break-inside:avoid}
h2,h3,caption{break-after:avoid}a{color:inherit;text-decoration:none}
th,.tone{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def report_page(report: Report) -> str:
    """Return a report as one HTML page with a policy that forbids every request.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str

    Examples
    --------
    >>> empty = Report(language="en", name="<Town>", title="Report", organisation="", facts=(),
    ...     date="2025-12-31", warning="", table_word="Table {number}", blocks=(),
    ...     figure_word="Figure {number}", page_word="Page {number}", contents_word="Contents")
    >>> page = report_page(empty)
    >>> "<h1>&lt;Town&gt;</h1>" in page, "default-src 'none'" in page
    (True, True)
    """
    style = _STYLE + _tones()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    language = "zh-CN" if report.language == "zh" else "en"
    name, title = escape_html(report.name), escape_html(report.title)
    return "".join(
        (
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{name} · {title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n",
            *_header(report),
            *_contents(report),
            *_body(report),
            "</main>\n</body>\n</html>\n",
        )
    )


def _tones() -> str:
    return "".join(
        f".t-{name}{{background:{ground};color:{ink}}}\n"
        for name, (ground, ink) in VERDICT_FILLS.items()
    )


def _header(report: Report) -> Iterator[str]:
    yield f"<header>\n<h1>{escape_html(report.name)}</h1>\n"
    yield f'<p class="sub">{escape_html(report.title)}</p>\n'
    if report.organisation:
        yield f'<p class="sub">{escape_html(report.organisation)}</p>\n'
    if report.warning:
        yield f'<p class="warning">{escape_html(report.warning)}</p>\n'
    facts = "".join(
        f"<dt>{escape_html(name)}</dt><dd>{escape_html(value)}</dd>" for name, value in report.facts
    )
    yield f'<dl class="facts">{facts}</dl>\n</header>\n' if facts else "</header>\n"


def _contents(report: Report) -> Iterator[str]:
    items = [
        f'<li class="l{block.level}"><a href="#s{number}">'
        f"{escape_html(block.number + block.text)}</a></li>"
        for number, block in enumerate(report.blocks)
        if isinstance(block, Heading)
    ]
    if items:
        title = escape_html(report.contents_word)
        yield f'<nav aria-label="{title}">\n<h2>{title}</h2>\n<ol>{"".join(items)}</ol>\n</nav>\n'


def _body(report: Report) -> Iterator[str]:
    tables = figures = 0
    for number, block in enumerate(report.blocks):
        if isinstance(block, Heading):
            tag = f"h{block.level + 1}"
            text = escape_html(block.number + block.text)
            yield f'<{tag} id="s{number}">{text}</{tag}>\n'
        elif isinstance(block, Text):
            kind = "" if block.kind == "body" else f' class="{block.kind}"'
            yield f"<p{kind}>{escape_html(block.text)}</p>\n"
        elif isinstance(block, Bullets):
            items = "".join(f"<li>{escape_html(item)}</li>" for item in block.items)
            yield f"<ul>{items}</ul>\n"
        elif isinstance(block, Table):
            tables += 1
            yield from _table(block, report.table_word.replace("{number}", str(tables)))
        else:
            figures += 1
            yield _figure(block, report.figure_word.replace("{number}", str(figures)))


def _table(table: Table, counted: str) -> Iterator[str]:
    caption = f"{escape_html(counted)}&ensp;{escape_html(table.caption)}"
    label = escape_html(f"{counted} {table.caption}")
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">\n'
    yield f"<table>\n<caption>{caption}</caption>\n<colgroup>"
    for column in table.columns:
        yield f'<col width="{100 * column.share:.3g}%">'
    titles = "".join(
        f'<th scope="col"{_side(column.align)}>{escape_html(column.title)}</th>'
        for column in table.columns
    )
    yield f"</colgroup>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n"
    for number, row in enumerate(table.rows):
        cells = "".join(
            f"<td{_side(column.align, table.tones.get((number, at), ''))}>{escape_html(text)}</td>"
            for at, (text, column) in enumerate(zip(row, table.columns, strict=True))
        )
        yield f"<tr>{cells}</tr>\n"
    yield "</tbody>\n</table>\n</div>\n"
    if table.note:
        yield f'<p class="note">{escape_html(table.note)}</p>\n'


def _side(align: str, tone: str = "") -> str:
    classes = [align] if align != "left" else []
    classes += ["tone", f"t-{tone}"] if tone in VERDICT_FILLS else []
    return f' class="{" ".join(classes)}"' if classes else ""


def _figure(block: Picture, counted: str) -> str:
    # Outlines are sharp at every size; where they are the larger, the picture will do.
    kind, data = ("svg+xml", block.svg) if len(block.svg) <= len(block.png) else ("png", block.png)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    width = round(block.width_cm / 2.54 * 96)
    return (
        f'<figure>\n<img src="{source}" width="{width}" alt="{escape_html(block.alt)}">\n'
        f"<figcaption><b>{escape_html(counted)}&ensp;{escape_html(block.title)}</b>"
        f"<p>{escape_html(block.caption)}</p></figcaption>\n</figure>\n"
    )
