"""Pieces of a Word document as WordprocessingML: runs, paragraphs, fields, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from servicecircle.outputs.escape import clean_text
from servicecircle.outputs.palettes import VERDICT_FILLS
from servicecircle.outputs.report.blocks import Table

__all__ = ["bookmarked", "contents_xml", "field", "paragraph", "run", "table_xml"]

_NO_XML = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_GREY, _HEAD = "BFC4CA", "E9EEF3"


def escaped(text: str) -> str:
    r"""Return a text that can stand in XML, as content or as an attribute.

    Examples
    --------
    >>> escaped('<a & "b"\x0b\uffff>')
    '&lt;a &amp; &quot;b&quot;\ufffd\ufffd&gt;'
    """
    return _NO_XML.sub("\ufffd", clean_text(text)).translate(_ESCAPES)


def run(text: str, *, bold: bool = False, colour: str = "") -> str:
    """Return a run of text.

    Examples
    --------
    >>> run("a", bold=True)
    '<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">a</w:t></w:r>'
    """
    look = ("<w:b/>" if bold else "") + (f'<w:color w:val="{colour}"/>' if colour else "")
    properties = f"<w:rPr>{look}</w:rPr>" if look else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{escaped(text)}</w:t></w:r>'


def field(code: str, result: str) -> str:
    """Return a field with the result that it has until a program works it out again.

    Examples
    --------
    >>> "PAGE" in field("PAGE", "1")
    True
    """
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {escaped(code)} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        f"{run(result)}"
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def paragraph(
    content: str,
    style: str = "",
    *,
    align: str = "",
    keep_next: bool = False,
    breaks: bool = False,
    single: bool = False,
) -> str:
    """Return a paragraph of runs.

    Parameters
    ----------
    content : str
        Runs and fields.
    style : str
        Id of its style; "" for the usual one.
    align : str
        left, right or center; "" for what the style says.
    keep_next : bool
        Whether it stays on the page of what follows.
    breaks : bool
        Whether it begins a page.
    single : bool
        Whether its lines are no farther apart than they are high: for pictures.

    Examples
    --------
    >>> paragraph("", "Title")
    '<w:p><w:pPr><w:pStyle w:val="Title"/></w:pPr></w:p>'
    """
    parts = (f'<w:pStyle w:val="{style}"/>' if style else "") + (
        "<w:keepNext/>" if keep_next else ""
    )
    parts += "<w:pageBreakBefore/>" if breaks else ""
    parts += '<w:spacing w:line="240" w:lineRule="auto"/>' if single else ""
    parts += f'<w:jc w:val="{align}"/>' if align else ""
    return f"<w:p>{f'<w:pPr>{parts}</w:pPr>' if parts else ''}{content}</w:p>"


def bookmarked(content: str, name: str, number: int) -> str:
    """Return runs inside a bookmark, for the table of contents to lead to."""
    start = f'<w:bookmarkStart w:id="{number}" w:name="{name}"/>'
    return f'{start}{content}<w:bookmarkEnd w:id="{number}"/>'


def contents_xml(entries: Sequence[tuple[int, str, str]], styles: Sequence[str]) -> Iterator[str]:
    r"""Yield the paragraphs of a table of contents: a field that Word can bring up to date.

    Parameters
    ----------
    entries : sequence of (level, text, name of the bookmark)
    styles : sequence of str
        Ids of the styles of level 1 and 2.
    """
    start = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        '<w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\n \\h \\z </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    for number, (level, text, name) in enumerate(entries):
        link = f'<w:hyperlink w:anchor="{name}" w:history="1">{run(text)}</w:hyperlink>'
        first = start if number == 0 else ""
        last = end if number == len(entries) - 1 else ""
        yield paragraph(f"{first}{link}{last}", styles[level - 1])


def table_xml(table: Table, *, width_twips: int, style: str) -> str:
    """Return a table: titles that come again on every page, rows that no page cuts.

    Parameters
    ----------
    table : Table
    width_twips : int
        Of the page between its margins, in twentieths of a point.
    style : str
        Id of the style of the text in cells.
    """
    widths = [max(300, round(column.share * width_twips)) for column in table.columns]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    titles = [column.title for column in table.columns]
    lines = [_row(table, titles, widths, style=style, number=-1)]
    lines += [
        _row(table, row, widths, style=style, number=number)
        for number, row in enumerate(table.rows)
    ]
    line = f'w:space="0" w:color="{_GREY}"'
    return (
        "<w:tbl><w:tblPr>"
        f'<w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblBorders><w:top w:val="single" w:sz="8" {line}/>'
        f'<w:bottom w:val="single" w:sz="8" {line}/>'
        f'<w:insideH w:val="single" w:sz="4" {line}/></w:tblBorders>'
        '<w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="70" w:type="dxa"/>'
        '<w:right w:w="70" w:type="dxa"/></w:tblCellMar>'
        '<w:tblLook w:val="0020" w:firstRow="1"/>'
        f'<w:tblCaption w:val="{escaped(table.caption)}"/>'
        f"</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{''.join(lines)}</w:tbl>"
    )


def _row(
    table: Table, cells: Sequence[str], widths: Sequence[int], *, style: str, number: int
) -> str:
    head = number < 0
    parts = []
    for at, (text, width, column) in enumerate(zip(cells, widths, table.columns, strict=True)):
        ground, ink = (_HEAD, "") if head else _tone(table.tones.get((number, at), ""))
        shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{ground}"/>' if ground else ""
        content = run(text, bold=head, colour=ink)
        parts.append(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}'
            f'<w:vAlign w:val="{"bottom" if head else "top"}"/></w:tcPr>'
            f"{paragraph(content, style, align=column.align, keep_next=head)}</w:tc>"
        )
    repeat = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeat}</w:trPr>{''.join(parts)}</w:tr>"


def _tone(name: str) -> tuple[str, str]:
    ground, ink = VERDICT_FILLS.get(name, ("", ""))
    return ground.removeprefix("#"), ink.removeprefix("#")
