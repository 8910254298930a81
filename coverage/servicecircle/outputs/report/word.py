"""A report as a Word document, the same bytes for the same report."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from servicecircle.outputs.report.blocks import Bullets, Heading, Picture, Report, Table, Text
from servicecircle.outputs.report.word_styles import (
    NOTE_STYLE,
    TABLE_STYLE,
    WARNING_STYLE,
    bulleted_by_style,
    dress,
    numbered_by_style,
    style_ids,
)
from servicecircle.outputs.report.word_xml import (
    bookmarked,
    contents_xml,
    field,
    paragraph,
    run,
    table_xml,
)
from servicecircle.outputs.workbook_cells import dated

if TYPE_CHECKING:
    from docx.document import Document

__all__ = ["report_document"]

_PLACE = "{report}"
_PLACEHOLDER = re.compile(r"\{(?:name|title|date|organisation)\}")
_TEXT_STYLES = {"body": "", "note": NOTE_STYLE, "warning": WARNING_STYLE}
_MARK = "<w:r><w:t>•</w:t><w:tab/></w:r>"
_EMU_OF_TWIP = 635
_EMU_OF_CM = 360_000
_HIGHEST_CM = 10.6
"""So high that two figures with their captions share a page of A4."""
_CONTENTS_FROM = 4
"""So many headings make a table of contents worth its room."""


def report_document(report: Report, *, as_of: dt.date, template: bytes = b"") -> bytes:
    """Return a report as docx.

    Parameters
    ----------
    report : Report
    as_of : datetime.date
        The only date in the file.
    template : bytes
        A docx whose pages, styles, heads and feet the report takes. Its body stays; the report
        stands where it has a paragraph ``{report}``, else at the end. ``{name}``, ``{title}``,
        ``{date}`` and ``{organisation}`` in it are filled in; where its body has ``{name}`` or
        ``{title}``, that is the title page. Empty for the packaged look.

    Returns
    -------
    bytes

    Examples
    --------
    >>> empty = Report(language="en", name="Town", title="Report", organisation="", facts=(),
    ...     date="2025-12-31", warning="", table_word="Table {number}", blocks=(),
    ...     figure_word="Figure {number}", page_word="Page {number}", contents_word="Contents")
    >>> first, second = (report_document(empty, as_of=dt.date(2025, 12, 31)) for _ in "ab")
    >>> first[:2], first == second
    (b'PK', True)
    """
    import docx

    document = docx.Document(io.BytesIO(template)) if template else docx.Document()
    if not template:
        dress(document, report)
    styles = style_ids(document)
    filled = _fill(document, report) if template else frozenset()
    own_title = bool(filled & {"{name}", "{title}"})
    numbers = not (template and numbered_by_style(document))
    _place(document, _elements(document, report, styles, own_title=own_title, numbers=numbers))
    _describe(document, report, as_of)
    packed = io.BytesIO()
    document.save(packed)
    return dated(packed.getvalue(), as_of)


def _elements(
    document: Document,
    report: Report,
    styles: Mapping[str, str],
    *,
    own_title: bool,
    numbers: bool,
) -> Iterator[Any]:
    """Yield the elements of the body, in order."""
    width = _text_width(document)
    if not own_title:
        yield from map(_parsed, _title_page(report, styles))
    headings = [
        (block.level, f"{block.number if numbers else ''}{block.text}", f"_report_{number}")
        for number, block in enumerate(report.blocks)
        if isinstance(block, Heading)
    ]
    # A style without numbering leaves the mark of an item to its text.
    mark = "" if bulleted_by_style(document, styles["List Bullet"]) else _MARK
    titled = {name: text for _, text, name in headings}
    breaks = not own_title
    if len(headings) >= _CONTENTS_FROM:
        title = run(report.contents_word, bold=True)
        yield _parsed(paragraph(title, styles["Subtitle"], keep_next=True, breaks=breaks))
        yield from map(_parsed, contents_xml(headings, [styles["toc 1"], styles["toc 2"]]))
        breaks = False
    tables = figures = 0
    for number, block in enumerate(report.blocks):
        if isinstance(block, Heading):
            name = f"_report_{number}"
            content = bookmarked(run(titled[name]), name, 1000 + number)
            yield _parsed(paragraph(content, styles[f"Heading {block.level}"], breaks=breaks))
        elif isinstance(block, Text):
            style = styles.get(_TEXT_STYLES[block.kind], "")
            leads = isinstance(next(iter(report.blocks[number + 1 :]), None), Table)
            content = paragraph(run(block.text), style, keep_next=leads, breaks=breaks)
            yield _parsed(content)
        elif isinstance(block, Bullets):
            for item in block.items:
                yield _parsed(paragraph(mark + run(item), styles["List Bullet"]))
        elif isinstance(block, Table):
            tables += 1
            content = _counted(report.table_word, "Table", tables) + run(f"  {block.caption}")
            yield _parsed(paragraph(content, styles["Caption"], keep_next=True))
            twips = width // _EMU_OF_TWIP
            yield _parsed(table_xml(block, width_twips=twips, style=styles[TABLE_STYLE]))
            yield _parsed(paragraph(run(block.note) if block.note else "", styles[NOTE_STYLE]))
        else:
            figures += 1
            yield _picture(document, block, width)
            content = _counted(report.figure_word, "Figure", figures) + run(f"  {block.title}")
            yield _parsed(paragraph(content, styles["Caption"], align="center", keep_next=True))
            yield _parsed(paragraph(run(block.caption), styles[NOTE_STYLE]))
        breaks = False


def _title_page(report: Report, styles: Mapping[str, str]) -> Iterator[str]:
    yield paragraph(run(report.name), styles["Title"])
    yield paragraph(run(report.title), styles["Subtitle"])
    if report.organisation:
        yield paragraph(run(report.organisation), styles["Subtitle"])
    if report.warning:
        yield paragraph(run(report.warning), styles[WARNING_STYLE])
    colon = "：" if report.language == "zh" else ": "
    for name, value in report.facts:
        yield paragraph(run(f"{name}{colon}", bold=True) + run(value))


def _counted(word: str, sequence: str, number: int) -> str:
    """Return ``Table 3`` with a number that Word can count again."""
    before, _, after = word.partition("{number}")
    counted = field(f"SEQ {sequence} \\* ARABIC", str(number))
    return f"{run(before)}{counted}{run(after) if after else ''}"


def _picture(document: Document, block: Picture, width_emu: int) -> Any:
    from docx.shared import Emu

    wide = min(round(block.width_cm * _EMU_OF_CM), width_emu)
    inline = document.part.new_pic_inline(io.BytesIO(block.png), Emu(wide), None)
    extent = inline.extent
    most = round(_HIGHEST_CM * _EMU_OF_CM)
    if extent.cy > most:  # a tall one is made smaller as a whole
        small = Emu(round(extent.cx * most / extent.cy))
        inline = document.part.new_pic_inline(io.BytesIO(block.png), small, None)
    inline.docPr.set("descr", block.alt)
    inline.docPr.set("title", block.title)
    element = _parsed(paragraph("<w:r/>", align="center", keep_next=True, single=True))
    element.xpath("./w:r")[0].add_drawing(inline)
    return element


def _parsed(xml: str) -> Any:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    tag, rest = xml[: len("<w:p")], xml[len("<w:p") :]
    if xml.startswith("<w:tbl"):
        tag, rest = xml[: len("<w:tbl")], xml[len("<w:tbl") :]
    return parse_xml(f"{tag} {nsdecls('w')}{rest}")


def _text_width(document: Document) -> int:
    """Return the width between the margins, in EMU; of A4 where the document tells none."""
    section = document.sections[-1]
    wide, left, right = section.page_width, section.left_margin, section.right_margin
    if wide is None or left is None or right is None or wide - left - right <= 0:
        return 16 * _EMU_OF_CM
    return int(wide - left - right)


def _fill(document: Document, report: Report) -> frozenset[str]:
    """Fill in what the template asks for; return what its body asked for."""
    words = {
        "{name}": report.name,
        "{title}": report.title,
        "{date}": report.date,
        "{organisation}": report.organisation,
    }
    found: set[str] = set()
    for element in document.element.body.xpath(".//w:p"):
        found |= _filled(element, words)
    for section in document.sections:
        for part in (
            *(section.header, section.first_page_header, section.even_page_header),
            *(section.footer, section.first_page_footer, section.even_page_footer),
        ):
            if not part.is_linked_to_previous:
                for element in part._element.xpath(".//w:p"):
                    _filled(element, words)
    return frozenset(found)


def _filled(element: Any, words: Mapping[str, str]) -> set[str]:
    """Fill in the placeholders of a paragraph; they may run over several runs."""
    texts = element.xpath("./w:r/w:t | ./w:hyperlink/w:r/w:t")
    whole = "".join(text.text or "" for text in texts)
    asked = set(_PLACEHOLDER.findall(whole))
    if asked:
        # At one go: a name may look like a placeholder itself.
        texts[0].text = _PLACEHOLDER.sub(lambda found: words[found[0]], whole)
        texts[0].set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        for text in texts[1:]:
            text.text = ""
    return asked


def _place(document: Document, elements: Iterator[Any]) -> None:
    """Put the elements where the template wants them, else at the end of the body."""
    body = document.element.body
    for mark in body.xpath("./w:p"):
        if "".join(text.text or "" for text in mark.xpath(".//w:t")).strip() == _PLACE:
            for element in elements:
                mark.addprevious(element)
            # A paragraph that ends a section holds its pages, and stays.
            if mark.xpath("./w:pPr/w:sectPr"):
                for text in mark.xpath(".//w:t"):
                    text.text = ""
            else:
                body.remove(mark)
            return
    last = body.xpath("./w:sectPr")
    for element in elements:
        if last:
            last[-1].addprevious(element)
        else:
            body.append(element)


def _describe(document: Document, report: Report, as_of: dt.date) -> None:
    day = dt.datetime(as_of.year, as_of.month, as_of.day, tzinfo=dt.UTC)
    about = document.core_properties
    about.title = f"{report.name} {report.title}"[:255]
    about.subject = report.title[:255]
    about.author = report.organisation[:255] or "servicecircle"
    about.last_modified_by = "servicecircle"
    about.comments = report.warning[:255]
    about.keywords = ""
    about.language = "zh-CN" if report.language == "zh" else "en-GB"
    about.created = about.modified = day
    about.revision = 1
