"""Shapefiles: their text decoded strictly, as declared, as the .cpg says, or as it proves to be."""

from __future__ import annotations

import codecs
import glob
import re
from pathlib import Path

import pandas as pd
from pyproj import CRS

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.rings import read_features
from servicecircle.problems import Problem

__all__ = ["read_shapefile"]

_WESTERN = {"iso8859-1", "iso8859-15", "cp1252", "cp437", "cp850"}
_HEADER, _INDEX_ENTRY, _FILE_CODE = 100, 8, 9994
_CHINESE = re.compile("[\u4e00-\u9fff0-9（）()]+")


def read_shapefile(
    path: Path, *, name: str, encoding: str | None = None
) -> tuple[pd.DataFrame, CRS | None, list[Problem]]:
    """Read a shapefile, its text decoded strictly.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        The file as the project names it, for messages.
    encoding : str, optional
        Else that of the .cpg, strict UTF-8 and strict GB18030 are tried in turn.

    Returns
    -------
    layer : pandas.DataFrame
        A GeoDataFrame where it holds geometries.
    crs : pyproj.CRS or None
    problems : list of Problem
        Where the encoding was guessed, or the one named is doubtful.

    Raises
    ------
    InputError
        If no encoding fits, or the parts of the shapefile do not agree on how many rows there are.

    Examples
    --------
    >>> import tempfile
    >>> import pyogrio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.shp"
    ...     pyogrio.write_dataframe(pd.DataFrame({"name": ["x"]}), path.with_suffix(".dbf"),
    ...                             driver="ESRI Shapefile")
    ...     frame, crs, problems = read_shapefile(path.with_suffix(".dbf"), name="a.dbf")
    >>> frame["name"].tolist(), crs, problems
    (['x'], None, [])
    """
    _refuse_torn(path, name)
    # Latin-1 gives back every byte as it is, so that the text can be decoded strictly below.
    frame, found = read_features(path, name=name, encoding="ISO-8859-1")
    stated = getattr(frame, "crs", None)
    names = [str(column) for column in frame.columns]
    texts = {
        column: [
            value.encode("latin-1") if isinstance(value, str) else None for value in frame[column]
        ]
        for column in names
        if column != "geometry" and not pd.api.types.is_numeric_dtype(frame[column])
        if pd.api.types.infer_dtype(frame[column], skipna=True) in ("string", "empty")
    }
    declared, problems = _declared_encoding(path, encoding)
    problems = [*found, *problems]
    candidates = [declared] if encoding else [*([declared] if declared else []), "utf-8", "gb18030"]
    faults: list[Problem] = []
    for candidate in candidates:
        try:
            decoded = {old: old.encode("latin-1").decode(candidate) for old in names}
        except (UnicodeDecodeError, LookupError):
            faults.append(fatal("vector.encoding", name=name, value=candidate))
            continue
        columns, problem = _decode_columns(texts, candidate, name)
        if problem is not None:
            faults.append(problem)
            continue
        plain = all((text or b"").isascii() for column in texts.values() for text in column)
        if not plain and candidate != declared:
            problems.append(
                Problem(
                    code="vector.encoding_guessed",
                    severity="note",
                    file=name,
                    value=candidate.upper(),
                )
            )
        if not plain and candidate == declared and not encoding:
            problems += _doubts(texts, columns, candidate, name)
        for column, values in columns.items():
            frame[column] = pd.Series(values, index=frame.index, dtype="str")
        return frame.rename(columns=decoded), stated, problems
    raise InputError(faults[0])


def _refuse_torn(path: Path, name: str) -> None:
    """Refuse a shapefile whose parts come from different exports or were cut off.

    Lengths and counts stand in the headers (ESRI Shapefile Technical Description, 1998, pp. 4 and
    23; dBASE III: bytes 4-7 the records, 8-9 the header, 10-11 a record).
    """
    found = {
        part.suffix.lower(): part for part in path.parent.glob(f"{glob.escape(path.stem)}.[sSdD]*")
    }
    rows: dict[str, int] = {}
    for suffix in (".shp", ".shx"):
        if suffix not in found:
            continue
        size = found[suffix].stat().st_size
        with found[suffix].open("rb") as file:
            head = file.read(_HEADER)
        if int.from_bytes(head[:4], "big") != _FILE_CODE:
            return  # no shapefile at all, which the reader says better
        stated = 2 * int.from_bytes(head[24:28], "big")
        if len(head) < _HEADER or stated != size:
            details: dict[str, object] = {"stated": f"{stated:,}", "size": f"{size:,}"}
            raise InputError(
                fatal("vector.cut_shapefile", name=name, value=suffix, details=details)
            )
        if suffix == ".shx":
            rows[suffix] = (size - _HEADER) // _INDEX_ENTRY
    if ".dbf" in found:
        size = found[".dbf"].stat().st_size
        with found[".dbf"].open("rb") as file:
            head = file.read(12)
        count, start, width = (
            int.from_bytes(head[low:high], "little") for low, high in ((4, 8), (8, 10), (10, 12))
        )
        if size < start + count * width:
            details = {"stated": f"{start + count * width:,}", "size": f"{size:,}"}
            raise InputError(
                fatal("vector.cut_shapefile", name=name, value=".dbf", details=details)
            )
        rows[".dbf"] = count
    if len(set(rows.values())) > 1:
        told = ", ".join(f"{suffix} {count:,}" for suffix, count in rows.items())
        raise InputError(fatal("vector.torn_shapefile", name=name, value=told))


def _decode_columns(
    texts: dict[str, list[bytes | None]], encoding: str, name: str
) -> tuple[dict[str, list[str | None]], Problem | None]:
    columns: dict[str, list[str | None]] = {}
    for column, values in texts.items():
        decoded: list[str | None] = []
        for row, raw in enumerate(values, start=1):
            try:
                decoded.append(None if raw is None else raw.decode(encoding).strip())
            except UnicodeDecodeError:
                shown = repr(raw)
                return {}, fatal("vector.encoding", name=name, row=row, column=column, value=shown)
        columns[column] = decoded
    return columns, None


def _doubts(
    texts: dict[str, list[bytes | None]],
    columns: dict[str, list[str | None]],
    declared: str,
    name: str,
) -> list[Problem]:
    """Say where text that decodes as its file declares also decodes as something likelier.

    Hardly any text is UTF-8 by chance. Chinese that was declared Western shows in GB18030 as
    nothing but Chinese; the accents of Western text do not.
    """
    own = codecs.lookup(declared).name
    for other in ("utf-8", "gb18030"):
        if other == own or (other == "gb18030" and own not in _WESTERN):
            continue
        decoded, problem = _decode_columns(texts, other, name)
        if problem is not None:
            continue
        pairs = [
            (old, new)
            for column, values in columns.items()
            for old, new in zip(values, decoded[column], strict=True)
            if old and new and not old.isascii()
        ]
        chinese = sum(bool(_CHINESE.fullmatch(new)) for _, new in pairs)
        if not pairs or (other == "gb18030" and 2 * chinese < len(pairs)):
            continue
        details: dict[str, object] = {"other": other.upper(), "sample": " / ".join(pairs[0])}
        return [
            Problem(
                code="vector.encoding_doubtful",
                severity="warning",
                file=name,
                value=declared.upper(),
                details=details,
            )
        ]
    return []


def _declared_encoding(path: Path, encoding: str | None) -> tuple[str, list[Problem]]:
    """Return the codec that the user or the .cpg names, "" where neither names a known one."""
    if encoding:
        return encoding, []
    for suffix in (".cpg", ".CPG", ".cst"):
        page = path.with_suffix(suffix)
        if page.is_file():
            words = page.read_bytes()[:100].decode("latin-1").strip().lower()
            if "936" in words or words.startswith("gb"):
                return "gb18030", []
            if "950" in words or "big5" in words:
                return "cp950", []
            if words in ("65001", "utf8", "utf-8"):
                return "utf-8", []
            try:
                return codecs.lookup(words).name, []
            except LookupError:
                return "", []
    return "", []
