"""Pages and styles of a report in Word: the packaged look, and what a template lacks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from servicecircle.outputs.report.blocks import Report
from servicecircle.outputs.report.word_xml import field, paragraph, run

if TYPE_CHECKING:
    from docx.document import Document

__all__ = [
    "NOTE_STYLE",
    "TABLE_STYLE",
    "WARNING_STYLE",
    "bulleted_by_style",
    "dress",
    "numbered_by_style",
    "style_ids",
]

NOTE_STYLE, WARNING_STYLE, TABLE_STYLE = "Report Note", "Report Warning", "Report Table"
_STYLES = (
    "Title",
    "Subtitle",
    "Heading 1",
    "Heading 2",
    "Caption",
    "List Bullet",
    "toc 1",
    "toc 2",
    NOTE_STYLE,
    WARNING_STYLE,
    TABLE_STYLE,
)
# Latin and Chinese letters: names that Word, WPS and LibreOffice know or replace.
_BODY = ("Times New Roman", "宋体")
_HEADS = ("Arial", "黑体")
_INK, _ACCENT = "1F2933", "1D4F7C"
_SIZES: Mapping[str, float] = {
    "Title": 26,
    "Subtitle": 14,
    "Heading 1": 16,
    "Heading 2": 12.5,
    "Caption": 9.5,
    NOTE_STYLE: 8.5,
    WARNING_STYLE: 10.5,
    TABLE_STYLE: 8.5,
}
_HEADINGS = ("Title", "Subtitle", "Heading 1", "Heading 2")


def style_ids(document: Document) -> dict[str, str]:
    """Return the id of each style of a report; one that the document lacks is made.

    Where a style of characters or tables has its name, it is made under a name of its own.

    Examples
    --------
    >>> import docx
    >>> ids = style_ids(docx.Document())
    >>> ids["Heading 1"], ids["Report Table"]
    ('Heading1', 'ReportTable')
    """
    from docx.enum.style import WD_STYLE_TYPE

    there = {
        style.name: style for style in document.styles if style.type == WD_STYLE_TYPE.PARAGRAPH
    }
    for name in _STYLES:
        if name not in there:
            own = _unused(document, name)
            builtin = own == name and not name.startswith("Report")
            there[name] = document.styles.add_style(own, WD_STYLE_TYPE.PARAGRAPH, builtin=builtin)
            there[name].base_style = document.styles.default(WD_STYLE_TYPE.PARAGRAPH)
            _first_look(there[name], name)
    return {name: str(there[name].style_id) for name in _STYLES}


def numbered_by_style(document: Document) -> bool:
    """Tell whether the document's own first heading has a number by its style."""
    for style in document.styles:
        if style.name == "Heading 1":
            return bool(style.element.xpath("./w:pPr/w:numPr"))
    return False


def bulleted_by_style(document: Document, style_id: str) -> bool:
    """Tell whether a style, or one that it is based on, puts a mark before each item of a list."""
    by_id = {style.style_id: style for style in document.styles}
    seen: set[str] = set()
    while style_id in by_id and style_id not in seen:
        seen.add(style_id)
        element = by_id[style_id].element
        numbers = element.xpath("./w:pPr/w:numPr/w:numId/@w:val")
        if numbers:
            return str(numbers[0]) != "0"
        style_id = next(iter(element.xpath("./w:basedOn/@w:val")), "")
    return False


def _unused(document: Document, name: str) -> str:
    """Return a name whose like, and whose id, no style of any type has."""
    names = {style.name for style in document.styles}
    ids = {style.style_id for style in document.styles}
    own = name if name.startswith("Report") else f"Report {name}"
    choices = chain((name, own), (f"{own} {number}" for number in count(2)))
    return next(one for one in choices if one not in names and one.replace(" ", "") not in ids)


def dress(document: Document, report: Report) -> None:
    """Give a document of python-docx's own template our page, letters, head and foot.

    Parameters
    ----------
    document : docx.document.Document
        Is changed.
    report : Report
    """
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Cm, Pt, RGBColor

    _without_ballast(document)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.25)
    section.top_margin, section.bottom_margin = Cm(2.4), Cm(2.2)
    section.different_first_page_header_footer = True
    styles = document.styles
    _letters(styles["Normal"], _BODY)
    styles["Normal"].font.size = Pt(10.5)
    styles["Normal"].paragraph_format.space_after = Pt(6)
    styles["Normal"].paragraph_format.line_spacing = 1.25
    for name in (*_HEADINGS, "Caption"):
        style = styles[name]
        _letters(style, _HEADS)
        style.font.size = Pt(_SIZES[name])
        style.font.bold = name != "Subtitle"
        style.font.italic = False
        style.font.color.rgb = RGBColor.from_string(_INK if name == "Caption" else _ACCENT)
        _without_frame(style)
    styles["Title"].paragraph_format.space_before = Pt(150)
    styles["Title"].paragraph_format.space_after = Pt(10)
    styles["Heading 1"].paragraph_format.space_before = Pt(20)
    styles["Heading 1"].paragraph_format.space_after = Pt(8)
    styles["Heading 2"].paragraph_format.space_before = Pt(14)
    styles["Heading 2"].paragraph_format.space_after = Pt(4)
    styles["Caption"].paragraph_format.space_before = Pt(8)
    styles["Caption"].paragraph_format.space_after = Pt(4)
    for language in document.styles.element.xpath("./w:docDefaults//w:lang"):
        language.set(_name("val"), "zh-CN" if report.language == "zh" else "en-GB")
        language.set(_name("eastAsia"), "zh-CN")
    head = section.header.paragraphs[0]
    head.text = f"{report.name} · {report.title}"
    head.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    foot = section.footer.paragraphs[0]
    before, _, after = report.page_word.partition("{number}")
    content = paragraph(f"{run(before)}{field('PAGE', '1')}{run(after)}")
    made = parse_xml(content.replace("<w:p>", f"<w:p {nsdecls('w')}>", 1))
    for element in list(made):
        foot._p.append(element)
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for name in ("Header", "Footer"):
        _letters(styles[name], _HEADS)
        styles[name].font.size = Pt(8)
        styles[name].font.color.rgb = RGBColor.from_string("5F6670")


def _first_look(style: Any, name: str) -> None:
    """Give a style that was made just now its letters and distances."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Cm, Pt, RGBColor

    shape = style.paragraph_format
    if name in _SIZES:
        style.font.size = Pt(_SIZES[name])
    if name == TABLE_STYLE:
        shape.space_before = shape.space_after = Pt(1.5)
        shape.line_spacing = 1.0
    elif name == NOTE_STYLE:
        shape.space_before, shape.space_after = Pt(3), Pt(8)
        style.font.color.rgb = RGBColor.from_string("4C535B")
    elif name == WARNING_STYLE:
        shape.space_before = shape.space_after = Pt(10)
        style.font.bold = True
        style.font.color.rgb = RGBColor.from_string("7A2400")
        sides = "".join(
            f'<w:{side} w:val="single" w:sz="8" w:space="6" w:color="C05A1A"/>'
            for side in ("top", "left", "bottom", "right")
        )
        properties = style.element.get_or_add_pPr()
        spacing = properties.find(_name("spacing"))
        for xml in (
            f"<w:pBdr {nsdecls('w')}>{sides}</w:pBdr>",
            f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="FBE7DA"/>',
        ):
            spacing.addprevious(parse_xml(xml))
    elif name in ("Heading 1", "Heading 2", "Title"):
        style.font.bold = True
        shape.space_before, shape.space_after = Pt(14), Pt(6)
        shape.keep_with_next = True
    elif name == "List Bullet":
        # Hangs by the width of the mark, which stands before a tab.
        shape.left_indent, shape.first_line_indent = Cm(0.6), Cm(-0.6)
    elif name == "toc 2":
        shape.left_indent = Cm(0.8)
    if name.startswith("toc"):
        shape.space_after = Pt(2)
    if name in _HEADINGS[2:]:
        level = parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="{int(name[-1]) - 1}"/>')
        style.element.get_or_add_pPr().append(level)


def _letters(style: Any, fonts: tuple[str, str]) -> None:
    """Set the fonts of a style for Latin and Chinese letters, in the place of the theme's."""
    style.font.name = fonts[0]
    found = style.element.rPr.rFonts
    for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        found.attrib.pop(_name(attribute), None)
    found.set(_name("eastAsia"), fonts[1])


def _without_frame(style: Any) -> None:
    for element in style.element.xpath("./w:pPr/w:pBdr | ./w:rPr/w:spacing | ./w:rPr/w:kern"):
        element.getparent().remove(element)


def _without_ballast(document: Document) -> None:
    """Take out of the packaged template what shows another document, or is for old programs."""
    for part in (document.part.package, document.part):
        for key, one in list(part.rels.items()):
            if one.reltype.endswith(("/thumbnail", "/stylesWithEffects", "/customXml")):
                del part.rels[key]


def _name(attribute: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{attribute}"))
