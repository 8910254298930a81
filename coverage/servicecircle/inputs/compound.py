"""The xls format: how large its sheets say they are, before a reader makes room for them."""

from __future__ import annotations

import struct

from servicecircle.inputs.grids import stop

__all__ = ["xls_sizes"]

_SECTOR = 512
_SMALLEST_STREAM = 4096
"""Smaller ones stand in a stream of their own."""
_END = 0xFFFFFFFA
"""From here on a number stands for no sector."""
_START_OF_PART = 0x0809
_DIMENSIONS = 0x0200
# Records that hold a cell, or a row of cells whose last column is their last number.
_CELLS = {0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x00D6, 0x00FD, 0x027E}
_CELL_ROWS = {0x00BD, 0x00BE}


def xls_sizes(data: bytes, *, file: str) -> list[tuple[int, int]]:
    r"""Return rows and columns that each part of an xls workbook states or reaches.

    Parameters
    ----------
    data : bytes
        The whole file.
    file : str
        For messages.

    Raises
    ------
    InputError
        If the compound file is broken.

    Examples
    --------
    >>> xls_sizes(b"\xd0\xcf\x11\xe0", file="a.xls")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.xls: the file cannot be read: a.xls
    ...
    """
    try:
        stream = _workbook_stream(data)
        return [] if stream is None else _part_sizes(stream)
    except (struct.error, IndexError, ValueError) as error:
        raise stop("input.unreadable", file=file, value=file, reason=str(error)) from None


def _workbook_stream(data: bytes) -> bytes | None:
    """Return the stream of the workbook, None in a file that holds none."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    if size not in (_SECTOR, 8 * _SECTOR):
        raise ValueError(f"sectors of {size} bytes")
    tables = list(struct.unpack_from("<109I", data, 76))
    following, count = struct.unpack_from("<2I", data, 68)
    for _ in range(min(count, len(data) // size)):
        if following >= _END:
            break
        block = _sector(data, following, size)
        numbers = struct.unpack(f"<{size // 4}I", block)
        tables += numbers[:-1]
        following = numbers[-1]
    chain: list[int] = []
    for table in tables[: len(data) // size + 1]:
        if table < _END:
            chain += struct.unpack(f"<{size // 4}I", _sector(data, table, size))
    directory = _chained(data, struct.unpack_from("<I", data, 48)[0], chain, size)
    for at in range(0, len(directory) - 127, 128):
        length = struct.unpack_from("<H", directory, at + 64)[0]
        name = directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
        if name.lower() in ("workbook", "book"):
            start, stated = struct.unpack_from("<II", directory, at + 116)
            stream = _chained(data, start, chain, size)
            if stated >= _SMALLEST_STREAM and len(stream) < stated:
                raise ValueError("the file is cut off")
            return stream
    return None


def _sector(data: bytes, number: int, size: int) -> bytes:
    _check_there(data, number, size)
    block = data[(number + 1) * size : (number + 2) * size]
    return block.ljust(size, b"\xff")


def _check_there(data: bytes, number: int, size: int) -> None:
    """Refuse a file that ends before one of its sectors: a reader would panic over it."""
    if (number + 1) * size >= len(data):
        raise ValueError("the file is cut off")


def _chained(data: bytes, first: int, chain: list[int], size: int) -> bytes:
    blocks: list[bytes] = []
    while first < _END and len(blocks) <= len(data) // size:
        _check_there(data, first, size)
        blocks.append(data[(first + 1) * size : (first + 2) * size])
        first = chain[first]
    return b"".join(blocks)


def _part_sizes(stream: bytes) -> list[tuple[int, int]]:
    sizes: list[tuple[int, int]] = []
    at = rows = width = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == _START_OF_PART:
            sizes.append((rows, width))
            rows = width = 0
        elif kind == _DIMENSIONS and len(body) >= 12:  # noqa: PLR2004 - four numbers
            first, last, left, right = struct.unpack_from("<IIHH", body)
            rows, width = max(rows, last - min(first, last)), max(width, right - min(left, right))
        elif kind in _CELLS and len(body) >= 4:  # noqa: PLR2004 - two numbers
            row, column = struct.unpack_from("<HH", body)
            rows, width = max(rows, row + 1), max(width, column + 1)
        elif kind in _CELL_ROWS and len(body) >= 6:  # noqa: PLR2004 - three numbers
            row, column = struct.unpack_from("<HH", body)
            right = struct.unpack_from("<H", body, len(body) - 2)[0]
            rows, width = max(rows, row + 1), max(width, column + 1, right + 1)
    return [*sizes, (rows, width)]
