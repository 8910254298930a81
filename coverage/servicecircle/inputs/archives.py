"""Workbooks are zip archives: measured before anything unpacks them."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

from servicecircle.inputs.grids import stop

__all__ = ["MOST_UNPACKED_BYTES", "check_cells", "measured_archive", "ods_sizes", "xlsx_size"]

MOST_UNPACKED_BYTES = 500_000_000
MOST_CELLS = 30_000_000
_LOCAL_HEADER = 30
_PIECE = 1 << 20
_ODS_TAG = re.compile(
    rb"<(/?)table:(table-row|table-cell|covered-table-cell|table)\b([^<>]*?)(/?)>"
)
_REPEATED = re.compile(rb"number-(?:rows|columns)-repeated\s*=\s*[\"'](\d+)")
_XLSX_PLACE = re.compile(rb"<(?:\w+:)?(?:row|c)\b[^<]*?\br\s*=\s*[\"']([A-Za-z]{0,99})(\d*)")
_MOST_LETTERS, _MOST_DIGITS = 3, 7
_BEYOND = 10**_MOST_DIGITS, 26**_MOST_LETTERS
"""Rows and columns of what stands farther out than any sheet reaches."""


def measured_archive(data: bytes, *, file: str, max_bytes: int) -> zipfile.ZipFile:
    r"""Return the archive of a workbook once its members are as large as they say, and no larger.

    Each member is unpacked piece by piece and thrown away, so that sizes that lie are found before
    a reader trusts them.

    Parameters
    ----------
    data : bytes
        The whole file.
    file : str
        For messages.
    max_bytes : int
        Most bytes that the archive may unpack to.

    Raises
    ------
    InputError
        If it is broken, encrypted, larger than ``max_bytes`` or not as large as it says.

    Examples
    --------
    >>> measured_archive(b"PK\x03\x04 cut off", file="a.xlsx", max_bytes=1000)
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.xlsx: the file cannot be read: a.xlsx
    ...
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None
    unpacked = sum(member.file_size for member in members)
    if unpacked > max_bytes:
        raise stop("table.too_large", file=file, value=f"{unpacked:,}", limit=f"{max_bytes:,}")
    for member in members:
        _measure(data, member, file)
    return archive


def _measure(data: bytes, member: zipfile.ZipInfo, file: str) -> None:
    if member.flag_bits & 1:
        raise stop("table.encrypted", file=file)
    start = member.header_offset
    header = data[start : start + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise _broken(file, member)
    name, extra = struct.unpack("<HH", header[26:30])
    start += _LOCAL_HEADER + name + extra
    packed = memoryview(data)[start : start + member.compress_size]
    if len(packed) != member.compress_size:
        raise _broken(file, member)
    if member.compress_type == zipfile.ZIP_STORED:
        size = len(packed)
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        size = _inflated(packed, member, file)
    else:
        raise _broken(file, member)
    if size != member.file_size:
        raise stop(
            "table.lying_archive",
            file=file,
            value=member.filename[:80],
            stated=f"{member.file_size:,}",
        )


def _inflated(packed: memoryview, member: zipfile.ZipInfo, file: str) -> int:
    """Return the unpacked size, or one more than stated as soon as it is passed."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    try:
        for at in range(0, len(packed), _PIECE):
            rest: bytes | memoryview = packed[at : at + _PIECE]
            while rest and not unpacker.eof:
                size += len(unpacker.decompress(rest, _PIECE))
                rest = unpacker.unconsumed_tail
                if size > member.file_size:
                    return member.file_size + 1
        while not unpacker.eof and (piece := unpacker.decompress(b"", _PIECE)):
            size += len(piece)
            if size > member.file_size:
                return member.file_size + 1
    except zlib.error:
        raise _broken(file, member) from None
    if not unpacker.eof:
        raise _broken(file, member)
    return size


def _broken(file: str, member: zipfile.ZipInfo) -> Exception:
    return stop("input.unreadable", file=file, value=file, reason=member.filename[:80])


def check_cells(rows: int, width: int, *, file: str, sheet: str) -> None:
    """Refuse a sheet that would unfold to more cells than memory should be asked for.

    Examples
    --------
    >>> check_cells(1_048_576, 16_384, file="a.xlsx", sheet="S")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.xlsx [S]: the sheet unfolds to 1,048,576 × 16,384 cells
    ...
    """
    if rows * width > MOST_CELLS:
        raise stop(
            "table.too_many_cells",
            file=file,
            sheet=sheet,
            value=f"{rows:,} × {width:,}",
            limit=f"{MOST_CELLS:,}",
        )


def xlsx_size(raw: bytes) -> tuple[int, int]:
    """Return rows and columns up to the last cell of a sheet's XML.

    Examples
    --------
    >>> xlsx_size(b'<row r="3"><c r="AB3"/></row>'), xlsx_size(b"")
    ((3, 28), (1, 1))
    """
    names, numbers = set[bytes](), set[bytes]()
    for place in _XLSX_PLACE.finditer(raw):
        names.add(place[1])
        numbers.add(place[2])
    longest = max(map(len, names), default=0), max(map(len, numbers), default=0)
    if longest[0] > _MOST_LETTERS or longest[1] > _MOST_DIGITS:
        return _BEYOND
    rows = max((int(number) for number in numbers if number), default=1)
    width = max(map(_column_number, names), default=1)
    cells = raw.count(b"<c ") + raw.count(b"<c>") + raw.count(b"<c/")
    return max(rows, -(-cells // width)), width


def _column_number(name: bytes) -> int:
    """Return 1 for A, 27 for AA; 1 where there are no letters."""
    number = 0
    for letter in name.upper():
        number = number * 26 + letter - 64
    return max(number, 1)


def ods_sizes(raw: bytes) -> list[tuple[int, int]]:
    """Return rows and columns up to the last filled cell of each sheet of an ods file.

    Examples
    --------
    >>> row = b'<table:table-row table:number-rows-repeated="9"><table:table-cell/>'
    >>> cell = b'<table:table-cell office:value-type="string" table:number-columns-repeated="3">'
    >>> ods_sizes(b"<table:table>" + row + cell + b"</table:table-row></table:table>")
    [(9, 4)]
    """
    sizes: list[tuple[int, int]] = []
    rows = repeat = column = 0
    for closing, tag, attributes, closed in _ODS_TAG.findall(raw):
        if tag == b"table":
            if not closing:
                sizes.append((0, 0))
                rows = 0
            continue
        found = _REPEATED.search(attributes)
        times = int(found[1][-_MOST_DIGITS - 1 :]) if found else 1
        if found and len(found[1].lstrip(b"0")) > _MOST_DIGITS:
            return [_BEYOND]
        if tag == b"table-row":
            if not closing:
                rows, repeat, column = rows + times, times, 0
            continue
        if closing or not sizes:
            continue
        column += times
        if not closed or b"value-type" in attributes:
            # An empty row that is repeated to the end of the sheet unfolds to nothing.
            sizes[-1] = (max(sizes[-1][0], rows, repeat), max(sizes[-1][1], column))
    return sizes
