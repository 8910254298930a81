"""Put a report together: the title page, then section after section."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from servicecircle.messages import Language, label
from servicecircle.outputs.report.blocks import Block, Heading, Report, Text
from servicecircle.outputs.report.doubts import doubt_blocks, problem_blocks
from servicecircle.outputs.report.judged import judged_blocks
from servicecircle.outputs.report.opening import method_blocks, summary_blocks, title_facts
from servicecircle.outputs.report.proposed import proposed_blocks
from servicecircle.outputs.report.ranked import ranked_blocks
from servicecircle.outputs.report.served import served_blocks
from servicecircle.outputs.report.sources import source_blocks
from servicecircle.outputs.report.words import Words, layer_titles, plain

if TYPE_CHECKING:
    from servicecircle.outputs.figures import Chart
    from servicecircle.results import Results

__all__ = ["report_content"]

_NUMERALS = "一二三四五六七八九十"
_LONGEST_TEXT = 20_000
_NUMBER = "{number}"


def report_content(results: Results, charts: Sequence[Chart]) -> Report:
    """Return what the report of a run says, in the language of the run.

    Parameters
    ----------
    results : Results
        Of which anything may be empty: a section that has nothing to say says so, or is left out.
    charts : sequence of Chart
        To be shown, in this order; those of sites stand with the sites.

    Returns
    -------
    Report
    """
    language = results.language
    say = Words(language, results.report.wording)
    name, date = plain(results.name, 120), results.as_of.isoformat()
    invented = results.invented or any(layer.invented for layer in results.layers)
    notice = str(results.record.get("notice") or "")
    parts = notice.split(" / ")
    if len(parts) == 2:  # noqa: PLR2004 - the notice of the record is in both languages
        notice = parts[language == "en"]
    notice = _spelled(notice, layer_titles(results), language)
    blocks = [
        *_paragraphs(say("preface", name=name, date=date)),
        *_section(say("summary"), summary_blocks(results, say)),
        *_section(say("method"), method_blocks(results, say)),
        *_section(say("judged"), judged_blocks(results, say)),
        *_section(say("served"), served_blocks(results, charts, say)),
        *_section(say("ranked"), ranked_blocks(results, charts, say)),
        *_section(say("proposed"), proposed_blocks(results, charts, say)),
        *_section(say("doubts"), doubt_blocks(results, say)),
        *_section(say("problems"), problem_blocks(results, say)),
        *_section(say("sources"), source_blocks(results, say)),
        *_paragraphs(say("closing", name=name, date=date)),
    ]
    warnings = [plain(notice)] if notice else [label("output_invented", language)] * invented
    if results.record.get("siting") is not None:
        warnings.append(label("map_with_sites", language))
    return Report(
        language=language,
        name=name,
        title=plain(say("title")),
        organisation=_line(say("organisation", name=name, date=date)),
        date=date,
        facts=tuple(title_facts(results, say)),
        warning=" ".join(warnings),
        table_word=_counting(say, "table"),
        figure_word=_counting(say, "figure"),
        page_word=_counting(say, "page"),
        contents_word=say("contents"),
        blocks=tuple(_numbered(blocks, language)),
    )


def _spelled(notice: str, titles: Mapping[str, str], language: Language) -> str:
    """Return a notice with the layers that it lists by their titles, its own words as they are."""
    head, _, tail = label("invented_layers", language).partition("{layers}")
    if not (titles and notice.startswith(head) and notice.endswith(tail)):
        return notice
    # At one go, the longest first: a title may hold the name of another layer.
    names = "|".join(map(re.escape, sorted(titles, key=len, reverse=True)))
    listed = notice[len(head) : len(notice) - len(tail)]
    spelled = re.sub(rf"(?<![\w.])(?:{names})(?!\w)", lambda found: titles[found[0]], listed)
    return f"{head}{spelled}{tail}"


def _section(title: str, blocks: Iterator[Block]) -> list[Block]:
    """Return a heading and what stands under it; nothing where nothing does."""
    found = list(blocks)
    return [Heading(plain(title)), *found] if found else []


def _paragraphs(text: str) -> list[Block]:
    """Return a text of the project's own as paragraphs, which blank lines part."""
    parts = text[:_LONGEST_TEXT].replace("\r", "").split("\n\n")
    return [Text(plain(part, _LONGEST_TEXT)) for part in parts if part.strip()]


def _counting(say: Words, key: str) -> str:
    """Return words with the place of a number in them."""
    words = plain(say(key, number=_NUMBER), 60)
    return words if _NUMBER in words else f"{words} {_NUMBER}"


def _line(text: str) -> str:
    return plain(text) if text.strip() else ""


def _numbered(blocks: Sequence[Block], language: Language) -> Iterator[Block]:
    count = 0
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1:
            count += 1
            number = f"{_NUMERALS[count - 1]}、" if language == "zh" else f"{count} "
            yield replace(block, number=number)
        else:
            yield block
