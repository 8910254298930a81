"""Read the template and the words that a project gives for its written report."""

from __future__ import annotations

import io
import string
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servicecircle.errors import InputError
from servicecircle.inputs.archives import measured_archive
from servicecircle.inputs.grids import stop
from servicecircle.messages import LANGUAGES, Language, label, label_keys
from servicecircle.problems import Problem, nearest_name
from servicecircle.project import ReportSettings
from servicecircle.toml_files import key_lines, parse_toml, row_of

__all__ = ["FREE_TEXTS", "ReportParts", "read_report_parts", "words_of"]

FREE_TEXTS = ("organisation", "preface", "closing")
"""Texts that the report has only where a wording file gives them."""
_PREFIX = "report_"
_FREE_PLACEHOLDERS = frozenset({"name", "date"})
_MOST_WORDING_BYTES = 1_000_000
_MOST_TEMPLATE_BYTES = 50_000_000
_MOST_UNPACKED_BYTES = 500_000_000
_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TEMPLATE = b"application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
_TYPES = "[Content_Types].xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParts:
    """What the written report is made with beside the results.

    Parameters
    ----------
    template : bytes
        A docx that can be opened; empty for the packaged look.
    wording : mapping of str to str
        Texts in the place of the labels ``report_<key>``, and the free texts.
    """

    template: bytes = b""
    wording: Mapping[str, str] = field(default_factory=dict)


def read_report_parts(settings: ReportSettings, *, base: Path) -> ReportParts:
    """Read the template and the words of ``[report]``, as far as they are given.

    Parameters
    ----------
    settings : ReportSettings
    base : pathlib.Path
        Folder of the project file.

    Returns
    -------
    ReportParts

    Raises
    ------
    InputError
        With every fault of the two files: not there, not readable, no Word document, a key that
        no text of the report has, a placeholder that its text cannot fill.

    Examples
    --------
    >>> read_report_parts(ReportSettings(), base=Path())
    ReportParts(template=b'', wording={})
    >>> settings = ReportSettings.model_validate({"template": "none.docx"})
    >>> read_report_parts(settings, base=Path("nowhere"))
    Traceback (most recent call last):
    servicecircle.errors.InputError: none.docx: file not found: none.docx
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    faults: list[Problem] = []
    template, wording = b"", dict[str, str]()
    if settings.template is not None:
        try:
            template = _template(base / settings.template, settings.template.as_posix())
        except InputError as error:
            faults += error.problems
    if settings.wording is not None:
        try:
            wording = _wording(base / settings.wording, settings.wording.as_posix())
        except InputError as error:
            faults += error.problems
    if faults:
        raise InputError(faults)
    return ReportParts(template=template, wording=wording)


def _bytes(path: Path, name: str, most: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > most:
            raise stop("table.too_large", file=name, value=f"{size:,}", limit=f"{most:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise stop("input.missing_file", file=name, value=name) from None
    except IsADirectoryError:
        raise stop("input.folder", file=name, value=name) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise stop("input.unreadable", file=name, value=name, reason=reason) from None


def _template(path: Path, name: str) -> bytes:
    """Return a docx that opens; a dotx becomes one."""
    data = _bytes(path, name, _MOST_TEMPLATE_BYTES)
    if not data.startswith(b"PK"):
        raise stop("reporting.no_word_file", file=name, value=name)
    with measured_archive(data, file=name, max_bytes=_MOST_UNPACKED_BYTES) as archive:
        types = archive.read(_TYPES) if _TYPES in archive.namelist() else b""
        if _TEMPLATE in types:
            data = _retyped(archive, types.replace(_TEMPLATE, _MAIN))
        elif _MAIN not in types:
            raise stop("reporting.no_word_file", file=name, value=name)
    import docx

    try:  # the library raises anything on a broken file
        found = docx.Document(io.BytesIO(data))
        sections = len(found.sections)
        found.save(io.BytesIO())
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise stop("reporting.broken_template", file=name, value=name, reason=reason) from None
    if not sections:
        raise stop("reporting.broken_template", file=name, value=name, reason="w:sectPr")
    return data


def _retyped(archive: zipfile.ZipFile, types: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for member in archive.infolist():
            content = types if member.filename == _TYPES else archive.read(member)
            target.writestr(member, content)
    return packed.getvalue()


def _wording(path: Path, name: str) -> dict[str, str]:
    data, text = parse_toml(_bytes(path, name, _MOST_WORDING_BYTES), name=path.name)
    lines = key_lines(text)
    known = [key.removeprefix(_PREFIX) for key in label_keys(_PREFIX)]
    known += FREE_TEXTS
    faults = []
    for key, value in data.items():
        row = row_of(lines, (key,))
        if key not in known:
            near = nearest_name(key, known)
            faults.append(_fault("reporting.unknown_text", name, row, key, near=near))
        elif not isinstance(value, str):
            faults.append(_fault("reporting.no_text", name, row, key))
        elif wrong := _wrong_placeholders(value, _placeholders_of(key)):
            may = ", ".join(f"{{{one}}}" for one in sorted(_placeholders_of(key))) or "–"
            faults.append(_fault("reporting.placeholder", name, row, key, found=wrong, known=may))
    if faults:
        raise InputError(faults)
    return {key: str(value) for key, value in data.items()}


def _fault(code: str, file: str, row: int | None, key: str, **details: Any) -> Problem:
    return Problem(
        code=code,
        severity="fatal",
        action="stopped",
        file=file,
        row=row,
        column=key,
        value=key,
        details=details,
    )


def _placeholders_of(key: str) -> frozenset[str]:
    if key in FREE_TEXTS:
        return _FREE_PLACEHOLDERS
    both: set[str] = set()
    for language in LANGUAGES:
        both |= _placeholders(label(f"report_{key}", language))
    return frozenset(both)


def _placeholders(text: str) -> set[str]:
    """Return the names in braces; raises ValueError where braces do not match."""
    parts = string.Formatter().parse(text)
    return {
        name + (f"!{turned}" if turned else "") + (f":{form}" if form else "")
        for _, name, form, turned in parts
        if name is not None
    }


def _wrong_placeholders(text: str, known: frozenset[str]) -> str:
    """Return the placeholders that a text may not have, or the braces that do not match."""
    try:
        wrong = _placeholders(text) - known
    except ValueError:
        return "{ }"
    return ", ".join(f"{{{one}}}" for one in sorted(wrong))


def words_of(key: str, language: Language, wording: Mapping[str, str]) -> str:
    """Return a text of the report: the project's own, else the packaged one.

    Examples
    --------
    >>> words_of("method", "en", {"method": "How it was measured"})
    'How it was measured'
    >>> words_of("preface", "zh", {})
    ''
    """
    if key in wording:
        return wording[key]
    return "" if key in FREE_TEXTS else label(f"report_{key}", language)
