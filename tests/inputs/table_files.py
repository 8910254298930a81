"""Tables written in every format that is read: the same rows as csv, tsv, xlsx, xlsm, xls, ods."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from xml.sax.saxutils import escape

import xlsxwriter

FORMATS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "tsv", "xlsx", "xlsm", "xls", "ods")
"""Encodings of a CSV, and formats."""


def table_bytes(rows, form):
    """Return a file of rows of text in one of the FORMATS."""
    if form in ("xlsx", "xlsm"):
        return xlsx(rows, macros=form == "xlsm")
    if form == "xls":
        return xls(rows)
    if form == "ods":
        return ods(rows)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t" if form == "tsv" else ",").writerows(rows)
    return text.getvalue().encode("utf-8" if form == "tsv" else form)


def xlsx(rows, *, macros=False):
    """Return a workbook of one sheet with texts; with macros its content type says xlsm."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("名单")
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell != "":
                    sheet.write_string(at, column, cell)
    data = buffer.getvalue()
    if not macros:
        return data
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "[Content_Types].xml":
                content = content.replace(
                    b"officedocument.spreadsheetml.sheet.main+xml",
                    b"ms-excel.sheet.macroEnabled.main+xml",
                )
            new.writestr(name, content)
    return result.getvalue()


def ods(rows, *, before_end=""):
    """Return an ods file of one sheet; a line break in a cell is a paragraph, as LibreOffice's."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    body = ""
    for row in rows:
        cells = ""
        for cell in row:
            if cell == "":
                cells += "<table:table-cell/>"
                continue
            texts = "".join(f"<text:p>{_ods_text(line)}</text:p>" for line in cell.split("\n"))
            cells += f'<table:table-cell office:value-type="string">{texts}</table:table-cell>'
        body += f"<table:table-row>{cells}</table:table-row>"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        f'xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" '
        f'xmlns:text="{office}:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="名单">{body}{before_end}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
            f'xmlns:manifest="{office}:manifest:1.0"/>',
        }
    )


def _ods_text(line):
    """Return text with runs of spaces as ODF writes them."""
    return escape(line).replace("  ", ' <text:s text:c="1"/>')


def archive(members):
    """Return a zip archive of name → text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name, text)
    return buffer.getvalue()


def bare_xlsx(cells, *, merges=""):
    """Return an xlsx whose sheet is the given XML of rows, as scripts write it."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData>'
        f"{merges}</worksheet>",
    }
    return archive(
        {name: '<?xml version="1.0" encoding="UTF-8"?>' + text for name, text in parts.items()}
    )


def inline(place, text):
    """Return the XML of a cell with a text."""
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def xls(rows):
    """Return a BIFF8 workbook in a compound file: the fewest records that make one."""

    def record(kind, body):
        return struct.pack("<HH", kind, len(body)) + body

    def start(kind):
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1996, 0, 6))

    name = "名单"
    # An unknown record fills the stream past the 4096 bytes below which it would be a small one.
    filler = record(0x0099, b"\0" * 4096)
    sheet = start(0x10)
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell == "":
                continue
            if isinstance(cell, str):
                text = cell.encode("utf-16-le")
                length = len(text) // 2
                sheet += record(0x0204, struct.pack("<HHHHB", at, column, 0, length, 1) + text)
            else:
                sheet += record(0x0203, struct.pack("<HHHd", at, column, 0, cell))
    sheet += record(0x000A, b"")
    bound_length = 4 + 8 + 2 * len(name)
    offset = len(start(5)) + len(filler) + bound_length + 4
    bound = struct.pack("<IBBBB", offset, 0, 0, len(name), 1) + name.encode("utf-16-le")
    stream = start(5) + filler + record(0x0085, bound) + record(0x000A, b"") + sheet
    sectors = -(-len(stream) // 512)
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    # The table of sectors, as many sectors of 128 entries as it needs for all and for itself.
    tables = 1
    while 128 * tables < tables + 1 + sectors:
        tables += 1
    first = tables + 1
    chain = [fat_sector] * tables + [end, *range(first + 1, first + sectors), end]
    fat = struct.pack(f"<{128 * tables}I", *chain, *[free] * (128 * tables - len(chain)))

    def entry(label, kind, child, where, size):
        text = label.encode("utf-16-le")
        head = text.ljust(64, b"\0") + struct.pack(
            "<HBBIII", len(text) + 2, kind, 1, free, free, child
        )
        return head + b"\0" * 36 + struct.pack("<IQ", where, size)

    directory = entry("Root Entry", 5, 1, end, 0) + entry("Workbook", 2, free, first, len(stream))
    directory = directory.ljust(512, b"\0")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, tables, tables, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *range(tables), *[free] * (109 - tables))
    return header + fat + directory + stream.ljust(sectors * 512, b"\0")
