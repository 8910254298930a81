"""What is wrong with a TOML file of ours, a project or a plan: each fault with its line."""

from __future__ import annotations

import copy
import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from servicecircle.errors import ProjectError
from servicecircle.messages import Language, message
from servicecircle.problems import Problem

__all__ = [
    "BrokenRule",
    "Location",
    "key_lines",
    "model_faults",
    "parse_toml",
    "pruned",
    "read_bytes",
    "row_of",
    "with_changes",
]

Location = tuple[str, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_PAIR = re.compile(r"\s*([^=#\[{},]+?)\s*=\s*(.*)")
_BARE = re.compile(
    r"""\s*(?:\[+[^\]"']*[^\x00-\x7f][^\]"']*\]+   # [设施.养老]
          |[^"'=\#\[]*[^\x00-\x7f][^"'=]*=)""",  # 名称 = …
    re.VERBOSE,
)
_LANGUAGE = re.compile(r"^\s*language\s*=\s*[\"'](zh|en)[\"']", re.MULTILINE)
# What pydantic calls a fault → our text. Its own words speak of Python, not of TOML.
_CODES = {
    "literal_error": "toml.choice",
    "greater_than": "toml.above",
    "greater_than_equal": "toml.at_least",
    "less_than_equal": "toml.at_most",
    "finite_number": "toml.number",
    "float_type": "toml.number",
    "int_type": "toml.whole_number",
    "string_type": "toml.text",
    "string_too_short": "toml.empty_text",
    "path_type": "toml.text",
    "is_instance_of": "toml.text",
    "bool_type": "toml.switch",
    "list_type": "toml.list",
    "dict_type": "toml.table",
    "model_type": "toml.table",
    "date_type": "toml.date",
    "date_from_datetime_inexact": "toml.date",
    "too_short": "toml.too_few",
}


class BrokenRule(ValueError):  # noqa: N818 - pydantic takes it up; it never reaches a user
    """What a validator of a model raises where keys do not go together.

    Parameters
    ----------
    code : str
        Of our text.
    words : object
        For the placeholders of the text.
    """

    def __init__(self, code: str, **words: object) -> None:
        text = message(code, "en", words)
        super().__init__(f"{text.what}; {text.rule}")
        self.code = code
        self.words = words


def parse_toml(raw: bytes, *, name: str) -> tuple[dict[str, Any], str]:
    """Decode and parse a TOML file; a byte-order mark is no fault.

    Parameters
    ----------
    raw : bytes
    name : str
        The file, for messages.

    Returns
    -------
    data : dict
    text : str

    Raises
    ------
    ProjectError
        If it is not UTF-8 or not TOML.

    Examples
    --------
    >>> parse_toml("a = 1".encode("utf-8-sig"), name="a.toml")[0]
    {'a': 1}
    >>> parse_toml(b"a = ", name="a.toml")
    Traceback (most recent call last):
    servicecircle.errors.ProjectError: a.toml row 1: syntax error: a =
      the file must be valid TOML
      mend this line (Invalid value)
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise ProjectError(_fatal("toml.encoding", file=name, row=row)) from None
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(_syntax(str(error), text, name), language=_language(text)) from None


def with_changes(data: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """Return what a file gives with some keys set to other values.

    Parameters
    ----------
    data : mapping
        The file as parsed; it is not changed.
    changes : iterable of str
        ``table.key=value`` each, as TOML; a value that is no TOML is taken for a text.

    Raises
    ------
    ProjectError
        If a change is not of this form, or sets a key in what is no table.

    Examples
    --------
    >>> with_changes({"network": {"walk_kmh": 4.0}}, ["network.elderly_kmh=2.5", "project.name=A"])
    {'network': {'walk_kmh': 4.0, 'elderly_kmh': 2.5}, 'project': {'name': 'A'}}
    >>> with_changes({}, [])
    {}
    >>> with_changes({}, ["walk_kmh"])
    Traceback (most recent call last):
    servicecircle.errors.ProjectError: not a setting: walk_kmh
      a setting is table.key=value, as in the project file
      for example --set network.elderly_kmh=4
    """
    changed = copy.deepcopy(dict(data))
    for change in changes:
        key, sign, value = change.partition("=")
        try:
            found = tomllib.loads(f"{key}={value}")
        except tomllib.TOMLDecodeError:
            try:
                found = tomllib.loads(f"{key}={json.dumps(value.strip(), ensure_ascii=False)}")
            except tomllib.TOMLDecodeError:
                found = {}
        if not sign or not found or "\n" in change or not _merge(changed, found):
            raise ProjectError(_fatal("toml.no_setting", value=change))
    return changed


def _merge(into: dict[str, Any], found: Mapping[str, Any]) -> bool:
    """Set the keys of nested tables in others; False where something else than a table is there."""
    for key, value in found.items():
        if isinstance(value, dict):
            inner = into.setdefault(key, {})
            if not isinstance(inner, dict) or not _merge(inner, value):
                return False
        else:
            into[key] = value
    return True


def _fatal(code: str, **where: Any) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", **where)


def _language(text: str) -> Language | None:
    found = _LANGUAGE.search(text)
    return None if found is None else "zh" if found[1] == "zh" else "en"


def _syntax(said: str, text: str, name: str) -> Problem:
    lines = text.splitlines()
    found = re.search(r"at line (\d+)", said)
    row = int(found[1]) if found else len(lines)
    line = lines[row - 1].strip() if 0 < row <= len(lines) else ""
    reason = re.sub(r"\s*\(at [^)]*\)$", "", said)
    code = "toml.syntax"
    if "twice" in said or "overwrite" in said or "Duplicate" in said:
        code = "toml.duplicate"
    elif re.search(r'"[^"]*\\[^"]*"', line):
        code = "toml.backslash"
    elif _BARE.match(line):
        code = "toml.bare_key"
    return _fatal(code, file=name, row=row, value=line, details={"reason": reason})


def key_lines(text: str) -> dict[Location, int]:
    r"""Return the line of every table header, key and inline entry of an array.

    Examples
    --------
    >>> key_lines('[roads]\npath = "a"\n\n[[list]]\nx.y = 1\n')
    {('roads',): 1, ('roads', 'path'): 2, ('list', '0'): 4, ('list', '0', 'x', 'y'): 5}
    >>> key_lines("")
    {}
    """
    found: dict[Location, int] = {}
    table: Location = ()
    key: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            found.setdefault(table, number)
            key = ()
        elif pair := _PAIR.match(line):
            key = (*table, *_parts(pair[1]))
            found.setdefault(key, number)
        if key:
            for _ in range(line.count("{")):
                counts[key] = counts.get(key, -1) + 1
                found.setdefault((*key, str(counts[key])), number)
    return found


def _parts(dotted: str) -> Location:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def row_of(lines: Mapping[Location, int], where: Location) -> int | None:
    """Return the line of a key, else of the innermost table that is there.

    Examples
    --------
    >>> row_of({("roads",): 3}, ("roads", "path")), row_of({}, ("roads",))
    (3, None)
    """
    for length in range(len(where), 0, -1):
        if where[:length] in lines:
            return lines[where[:length]]
    return None


def model_faults(
    error: ValidationError, model: type[BaseModel], text: str, *, name: str
) -> ProjectError:
    """Return what a model refused as one error, each fault with its line.

    Parameters
    ----------
    error : pydantic.ValidationError
    model : type of pydantic.BaseModel
        The model of the whole file; its fields are the known keys.
    text : str
    name : str
        The file, for messages.

    Examples
    --------
    >>> class Table(BaseModel, extra="forbid"):
    ...     speed: float
    >>> try:
    ...     Table.model_validate({"sped": 3})
    ... except ValidationError as error:
    ...     found = model_faults(error, Table, "sped = 3", name="a.toml")
    >>> [(problem.code, problem.row) for problem in found.problems]
    [('toml.missing_key', None), ('toml.unknown_key_near', 1)]
    """
    lines = key_lines(text)
    faults = [_fault(item, model, lines, name) for item in error.errors()]
    return ProjectError(faults, language=_language(text))


def pruned(data: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """Return what a file gives without the keys that its model refused, for reading the rest.

    A table that misses a key goes whole; so does a list with a wrong item. Nothing is left where
    the fault is that of the whole file.

    Parameters
    ----------
    data : mapping
        The file as parsed.
    error : pydantic.ValidationError

    Examples
    --------
    >>> class Table(BaseModel, extra="forbid"):
    ...     speed: float = 4.0
    >>> try:
    ...     Table.model_validate({"speed": 3.0, "colour": "red"})
    ... except ValidationError as error:
    ...     print(pruned({"speed": 3.0, "colour": "red"}, error))
    {'speed': 3.0}
    """
    left: dict[str, Any] = copy.deepcopy(dict(data))
    for item in error.errors():
        where = item["loc"][:-1] if item["type"] == "missing" else item["loc"]
        if not where:
            return {}
        table: Any = left
        for part in where[:-1]:
            inner = table.get(part)
            if not isinstance(inner, dict):
                where = (part,)
                break
            table = inner
        table.pop(where[-1], None)
    return left


def _fault(item: Any, model: type[BaseModel], lines: Mapping[Location, int], name: str) -> Problem:
    kind = item["type"]
    where = tuple(str(part) for part in item["loc"])
    row = row_of(lines, where)
    while where and where[-1].isdigit():
        where = where[:-1]
    place: dict[str, Any] = {"file": name, "row": row, "column": ".".join(where)}
    if kind == "missing":
        return _fatal("toml.missing_key", value=where[-1], **place)
    if kind == "extra_forbidden":
        known = _known_keys(model, where[:-1])
        near = difflib.get_close_matches(where[-1], known, n=1)
        details = {"known": ", ".join(known), "near": near[0] if near else ""}
        code = "toml.unknown_key_near" if near else "toml.unknown_key"
        return _fatal(code, value=where[-1], details=details, **place)
    details = {
        key: value if isinstance(value, str) else _shown(value)
        for key, value in item.get("ctx", {}).items()
    }
    if "expected" in details:
        details["expected"] = details["expected"].replace(" or ", ", ").replace("'", '"')
    code = _CODES.get(kind, "toml.bad_value")
    broken = item.get("ctx", {}).get("error")
    if isinstance(broken, BrokenRule):
        return _fatal(broken.code, value=_shown(item["input"]), details=broken.words, **place)
    details["reason"] = item["msg"].removeprefix("Value error, ")
    return _fatal(code, value=_shown(item["input"]), details=details, **place)


def _shown(value: object) -> str:
    """Return a value as the TOML file writes it; a table is not repeated."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | BaseModel):
        return ""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _known_keys(model: type[BaseModel], where: Location) -> list[str]:
    """Return the keys of the table at a place, by the models nested in the annotations."""
    here: type[BaseModel] = model
    for part in where:
        if part in here.model_fields:
            here = _model_in(here.model_fields[part].annotation) or here
    return list(here.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)


def read_bytes(path: Path, *, missing: str) -> bytes:
    """Return the bytes of a file of ours.

    Parameters
    ----------
    path : pathlib.Path
    missing : str
        Code of the message for a file that is not there.

    Raises
    ------
    ProjectError
        If it is not there or cannot be opened.

    Examples
    --------
    >>> read_bytes(Path("nowhere.toml"), missing="project.missing")
    Traceback (most recent call last):
    servicecircle.errors.ProjectError: project file not found: nowhere.toml
      the command needs a project file in TOML
      check the path
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ProjectError(_fatal(missing, value=str(path))) from None
    except OSError as error:
        details: dict[str, object] = {"reason": error.strerror or ""}
        raise ProjectError(_fatal("toml.unreadable", value=str(path), details=details)) from None
