"""The sheet of a workbook that says what was run: sources, people, travel, places, versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from servicecircle.messages import label
from servicecircle.outputs.column_words import profile_word, verdict_word
from servicecircle.outputs.palettes import VERDICT_FILLS
from servicecircle.outputs.siting_said import siting_said
from servicecircle.outputs.workbook_sheets import Column, Sheet
from servicecircle.outputs.workbook_tables import plan_titles

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["method_sections", "method_sheet"]

_Line = tuple[str, str, str]
_BASES = {"resident": "note_basis_resident", "registered": "note_basis_registered"}


def method_sheet(results: Results) -> Sheet:
    """Return what was run, as lines of item, value and more, under bold headings.

    Parameters
    ----------
    results : Results
        Of whose record anything may be missing.
    """
    language = results.language
    lines: list[_Line] = []
    heads: set[int] = set()
    for name, mine in method_sections(results):
        heads.add(len(lines))
        lines.append((label(f"method_{name}", language), "", ""))
        lines += mine
    titles = [label(f"method_{name}", language) for name in ("item", "value", "more")]
    cells = list(zip(*lines, strict=True))
    sheet = label("sheet_method", language)
    head = label("workbook_head", language)
    return Sheet(
        title=sheet,
        heading=head.format(name=results.name, sheet=sheet, date=results.as_of.isoformat()),
        note="",
        columns=[
            Column(titles[0], cells[0], "wrapped", widest=40),
            Column(titles[1], cells[1], "wrapped", widest=70),
            Column(titles[2], cells[2], "wrapped", widest=70),
        ],
        bold=frozenset(heads),
    )


def method_sections(results: Results) -> list[tuple[str, list[_Line]]]:
    """Return what was run by topic, each topic with its lines of item, value and more.

    Parameters
    ----------
    results : Results
        Of whose record anything may be missing: a topic without lines is left out.
    """
    sections = (
        ("study", _study(results)),
        ("siting", _siting(results)),
        ("plans", _plans(results)),
        ("verdicts", _verdicts(results)),
        ("travel", _travel(results)),
        ("people", _people(results)),
        ("places", _places(results)),
        ("sources", _sources(results)),
        ("files", _files(results)),
        ("versions", _versions(results)),
    )
    lines = [(name, [line for line in found if line[1]]) for name, found in sections]
    return [(name, mine) for name, mine in lines if mine]


def _study(results: Results) -> Iterator[_Line]:
    say = _Labels(results)
    yield say("name"), results.name, ""
    yield say("as_of"), results.as_of.isoformat(), ""
    yield say("notice"), str(results.record.get("notice") or ""), ""
    yield say("credits"), "; ".join(map(str, results.record.get("credits", ()))), ""


def _siting(results: Results) -> Iterator[_Line]:
    say = _Labels(results)
    for number, line in enumerate(siting_said(results, results.language)):
        yield say("sites_found") if number == 0 else "", line, ""


def _plans(results: Results) -> Iterator[_Line]:
    titles = plan_titles(results)
    for one in results.record.get("plans", ()):
        title = titles.get(str(one["id"]), str(one["id"]))
        more = ", ".join(str(one.get(key, "")) for key in ("file", "source", "sha256"))
        yield str(one["id"]), title, more


def _verdicts(results: Results) -> Iterator[_Line]:
    language = results.language
    if not len(results.scorecard):
        return
    for name in VERDICT_FILLS:
        yield verdict_word(name, language), label(f"method_verdict_{name}", language), ""


def _travel(results: Results) -> Iterator[_Line]:
    language = results.language
    say = _Labels(results)
    yield say("minutes"), _listed(results.minutes), ""
    yield say("metres"), _listed(results.metres), ""
    for profile in dict.fromkeys(layer.profile for layer in results.layers if layer.measured):
        mine = [layer for layer in results.layers if layer.profile == profile and layer.measured]
        titles = [layer.zh if language == "zh" else layer.en for layer in mine]
        stop = "、" if language == "zh" else ", "
        yield (
            say("profile").format(profile=profile_word(profile, language)),
            mine[0].pace(language),
            say("of_layers").format(layers=stop.join(titles)),
        )
    network = results.record.get("network")
    if network:
        found = {
            "nodes": f"{network['nodes']:,}",
            "edges": f"{network['edges']:,}",
            "km": f"{network['metres'] / 1000:,.0f}",
        }
        yield say("network"), say("network_is").format(**found), ""
        yield say("max_snap"), f"{network['max_snap_m']:g}", ""
    elif results.layers and not any(layer.on_network for layer in results.layers):
        yield say("network"), say("no_network"), ""


def _people(results: Results) -> Iterator[_Line]:
    language = results.language
    say = _Labels(results)
    found: Mapping[str, Any] = results.record.get("population") or {}
    if "people_in_source" not in found:
        yield say("people"), say("no_people"), ""
        return
    basis = found.get("basis")
    words = label(_BASES[basis], language) if basis in _BASES else str(basis or "")
    if words and found.get("age_from") is not None:
        words = label("note_people", language).format(basis=words, age=f"{found['age_from']:g}")
    yield say("people"), words, ""
    yield say("people_date"), str(found.get("date") or ""), ""
    named = {
        "people_source": "people_in_source",
        "people_used": "people_used",
        "people_in_units": "people_in_units",
        "people_outside": "people_outside_units",
        "elderly_in_units": "elderly_in_units",
        "points": "points",
    }
    for key, name in named.items():
        value = found.get(name)
        if value is not None and value == value:  # noqa: PLR0124 - NaN alone differs
            yield say(key), f"{value:,.0f}", ""


def _places(results: Results) -> Iterator[_Line]:
    say = _Labels(results)
    record = results.record
    yield say("crs"), str(record.get("crs") or ""), ""
    error = record.get("crs_scale_error_ppm")
    yield say("crs_error"), "" if error is None else f"{error:g} ppm", ""
    yield say("crs_out"), say("crs_out_is"), ""
    for source, found in record.get("datums", {}).items():
        how = [str(found.get("known_by", "")), str(found.get("evidence", ""))]
        yield (
            say("datum").format(source=source),
            str(found.get("datum", "")),
            "; ".join(filter(None, how)),
        )


def _sources(results: Results) -> Iterator[_Line]:
    language = results.language
    say = _Labels(results)
    titles = {layer.name: layer.zh if language == "zh" else layer.en for layer in results.layers}
    settings = results.record.get("project", {}).get("facilities", {})
    for name, found in results.record.get("facilities", {}).items():
        own = settings.get(name, {})
        counts = {
            key: f"{found.get(key, 0):,}"
            for key in ("rows_in", "rows_used", "rows_set_aside", "rows_filtered", "open")
        }
        # The name of the file alone: the folder says nothing to whoever gets the workbook.
        path = str(own.get("path", "")).replace("\\", "/").rpartition("/")[2]
        more = [path, str(own.get("sheet", "")), str(own.get("credit", ""))]
        yield titles.get(name, name), say("rows").format(**counts), " · ".join(filter(None, more))


def _files(results: Results) -> Iterator[_Line]:
    for name, digest in results.record.get("inputs", {}).items():
        yield str(name), str(digest), ""


def _versions(results: Results) -> Iterator[_Line]:
    found: Mapping[str, Any] = results.record.get("environment", {})
    for name in ("servicecircle", "python", "platform"):
        yield name, str(found.get(name, "")), ""
    for kind in ("libraries", "packages"):
        for name, version in found.get(kind, {}).items():
            yield str(name), str(version), ""


class _Labels:
    """Says the labels of this sheet in the language of the run."""

    def __init__(self, results: Results) -> None:
        self._language = results.language

    def __call__(self, key: str) -> str:
        return label(f"method_{key}", self._language)


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
