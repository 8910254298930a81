"""Texts that users see, in Chinese and English, from the TOML files in ``texts/``.

One file a topic. A message has a code such as ``facility.no_coordinates`` (table ``facility``,
key ``no_coordinates``) and, in each language, ``what`` went wrong, the ``rule`` and the ``remedy``.
A label is one short text under the table ``labels``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

__all__ = ["LANGUAGES", "Language", "Message", "label", "label_keys", "message"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_NEAREST = re.compile(
    r"（[^（）]*\{near\}[^（）]*）| \([^()]*\{near\}[^()]*\)"
    r"|(?:最接近的是?：|the nearest(?: is)?: )\{near\}(?:；|; )"
)
"""What a text says of the nearest name, in brackets or before a semicolon."""
_NO_NAME = "–"


@dataclass(frozen=True, slots=True)
class Message:
    """What went wrong, the rule that was broken and the remedy, in one language."""

    what: str
    rule: str
    remedy: str


class _Word(str):
    """A value that a text may ask for in its language: ``{level:word}``."""

    __slots__ = ("language",)
    language: Language

    def __format__(self, spec: str) -> str:
        if spec != "word":
            return super().__format__(spec)
        words = _texts()["labels"].get(f"word_{self}", {})
        return str(words.get(self.language, self))


def _word(value: object, language: Language) -> object:
    if not isinstance(value, str):
        return value
    word = _Word(value)
    word.language = language
    return word


class _Fields(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


@cache
def _texts() -> dict[str, dict[str, Any]]:
    texts: dict[str, dict[str, Any]] = {}
    folder = resources.files("servicecircle") / "texts"
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".toml"):
            for table, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
                texts.setdefault(table, {}).update(entries)
    return texts


def message(code: str, language: Language, fields: dict[str, object]) -> Message:
    """Return the message of a code with its placeholders filled.

    Parameters
    ----------
    code : str
        ``table.key`` of one of the files in ``texts/``.
    language : {"zh", "en"}
    fields : dict
        Values for the placeholders; an unknown placeholder stays as it is. A placeholder
        ``{level:word}`` shows the label ``word_<level>``, where there is one. Where ``near`` is a
        dash, nothing is said of a nearest name.

    Raises
    ------
    LookupError
        If no text has this code.

    Examples
    --------
    >>> message("input.missing_file", "en", {"value": "roads.osm.pbf"}).what
    'file not found: roads.osm.pbf'
    >>> message("change.people_no_level", "zh", {"value": "township"}).what
    '项目没有乡级的边界'
    """
    table, _, key = code.partition(".")
    try:
        entry = _texts()[table][key][language]
    except KeyError:
        raise LookupError(f"no text for message code {code!r} in language {language!r}") from None
    filled = _Fields({name: _word(value, language) for name, value in fields.items()})
    texts = [str(entry[part]) for part in ("what", "rule", "remedy")]
    if fields.get("near") == _NO_NAME:
        texts = [_NEAREST.sub("", text) for text in texts]
    return Message(*(text.format_map(filled) for text in texts))


def label(key: str, language: Language) -> str:
    """Return a short text such as a column title or a legend.

    Examples
    --------
    >>> label("unsnapped", "zh")
    '未接入路网'
    """
    try:
        return str(_texts()["labels"][key][language])
    except KeyError:
        raise LookupError(f"no label {key!r} in language {language!r}") from None


def label_keys(prefix: str) -> tuple[str, ...]:
    """Return the keys of all labels that begin with a prefix, in the order of the files.

    Examples
    --------
    >>> "map_people" in label_keys("map_")
    True
    >>> label_keys("no such beginning")
    ()
    """
    return tuple(key for key in _texts()["labels"] if key.startswith(prefix))
