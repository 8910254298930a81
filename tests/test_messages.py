"""Every message and label: there in both languages, whole, used, and given what it asks for."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

import servicecircle
from servicecircle.messages import label, message

PACKAGE = Path(servicecircle.__file__).parent
LANGUAGES = ("zh", "en")
PARTS = ("what", "rule", "remedy")
OWN_FIELDS = {"file", "sheet", "row", "column", "value"}
# Said for information: there is nothing to obey, or nothing to do.
WITHOUT_RULE = {"vector.reader_note"}
WITHOUT_REMEDY = {"vector.reader_note", "unit.overlap_total", "population.shapes_outside"}


def read_texts():
    """Return code → entry and key → label of all files, and refuse a key given twice."""
    codes, labels = {}, {}
    for file in sorted((PACKAGE / "texts").glob("*.toml")):
        for table, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for key, entry in entries.items():
                home, name = (labels, key) if table == "labels" else (codes, f"{table}.{key}")
                assert name not in home, f"{file.name} gives {name} again"
                home[name] = entry
    return codes, labels


CODES, LABELS = read_texts()
TABLES = {code.partition(".")[0] for code in CODES}
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in PACKAGE.rglob("*.py")
}


def literals():
    """Return all texts written in the package, and the beginnings of those put together."""
    whole, beginnings = set(), set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginnings.add(node.values[0].value)
    return whole, {text for text in beginnings if re.fullmatch(r"[a-z_]+[._]", text)}


WHOLE, BEGINNINGS = literals()


def is_made(text):
    """Say whether the package holds a text, whole or as a beginning and a rest."""
    if text in WHOLE:
        return True
    return any(
        text.startswith(start) and is_made(text[len(start) :])
        for start in BEGINNINGS
        if len(start) < len(text)
    )


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def given_codes():
    """Yield module, line, code and the names of its further fields (None: not to be told)."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            keywords = {word.arg: word.value for word in node.keywords}
            code = keywords.get("code", node.args[0] if node.args else None)
            if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
                continue
            if code.value.partition(".")[0] not in TABLES or not re.fullmatch(
                r"[a-z]+\.[a-z_0-9]+", code.value
            ):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in ("Problem", "fatal", "_fatal", "stop", "osm_problem", "BrokenRule"):
                continue
            details = keywords.get("details")
            names = set(keywords) - {None}
            if isinstance(details, ast.Dict) and all(
                isinstance(key, ast.Constant) for key in details.keys
            ):
                names |= {key.value for key in details.keys}
            elif details is not None:
                names = None
            yield module, node.lineno, code.value, None if None in keywords else names


GIVEN = sorted(given_codes(), key=lambda item: item[:3])


def test_there_are_messages_and_labels():
    assert len(CODES) > 200
    assert len(LABELS) > 100
    assert len(GIVEN) > 100


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_message_is_whole_in_both_languages(code):
    entry = CODES[code]
    assert set(entry) == set(LANGUAGES)
    for language in LANGUAGES:
        assert set(entry[language]) == set(PARTS)
        for part in PARTS:
            excused = {"rule": WITHOUT_RULE, "remedy": WITHOUT_REMEDY}.get(part, set())
            text = entry[language][part]
            assert bool(text.strip()) != (code in excused), (language, part)
            assert text == text.strip()
    chinese = "".join(entry["zh"].values())
    english = "".join(entry["en"].values())
    assert re.search("[\u4e00-\u9fff]", chinese)
    # Titles of columns and names of places may be shown as examples.
    assert len(re.findall("[\u4e00-\u9fff]", english)) < 10
    asked = [set().union(*(placeholders(entry[one][part]) for part in PARTS)) for one in LANGUAGES]
    assert asked[0] == asked[1]


@pytest.mark.parametrize("key", sorted(LABELS))
def test_a_label_is_whole_in_both_languages(key):
    entry = LABELS[key]
    assert set(entry) == set(LANGUAGES)
    assert all(text.strip() for text in entry.values())
    assert placeholders(entry["zh"]) == placeholders(entry["en"])
    assert label(key, "zh") == entry["zh"]


def test_every_message_is_used():
    assert [code for code in CODES if not is_made(code)] == []


def test_every_label_is_used():
    assert [key for key in LABELS if not is_made(key)] == []


def test_every_code_has_a_message():
    shape = re.compile(rf"(?:{'|'.join(sorted(TABLES))})\.[a-z_0-9]+")
    files = {path.name for path in PACKAGE.rglob("*.toml")}
    keys = {
        node.value.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "column"
        if isinstance(node.value, ast.Constant)
    }
    used = {text for text in WHOLE if shape.fullmatch(text)} - files - keys
    used = {text for text in used if not text.endswith((".csv", ".gpkg", ".parquet"))}
    assert sorted(used - set(CODES)) == []


def test_every_label_asked_for_is_there():
    asked = {
        node.args[0].value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "label"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(asked) > 20
    assert sorted(asked - set(LABELS)) == []


@pytest.mark.parametrize(
    ("module", "line", "code", "names"), GIVEN, ids=[f"{one[0]}:{one[1]}" for one in GIVEN]
)
def test_a_message_is_given_all_that_it_asks_for(module, line, code, names):
    if names is None:
        return
    asked = set().union(*(placeholders(CODES[code]["en"][part]) for part in PARTS))
    assert asked - OWN_FIELDS <= names


def test_the_fields_that_a_message_shows_are_not_left_empty():
    """Where a call spells its fields out, those shown are among them."""
    wrong = []
    for module, line, code, names in GIVEN:
        text = "".join(CODES[code]["en"][part] for part in PARTS)
        if names is not None and "value" in placeholders(text) and "value" not in names:
            wrong.append(f"{module}:{line} {code}")
    assert wrong == []


def test_an_unknown_placeholder_stays_and_an_unknown_code_is_refused():
    assert message("input.missing_file", "en", {}).what == "file not found: {value}"
    with pytest.raises(LookupError, match="no text for message code"):
        message("input.nothing", "en", {})
    with pytest.raises(LookupError, match="no label"):
        label("nothing", "zh")


def test_braces_in_a_value_are_text():
    what = message("input.missing_file", "zh", {"value": "{file}{0}"}).what
    assert what == "找不到文件：{file}{0}"
