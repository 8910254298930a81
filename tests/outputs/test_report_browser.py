"""The report's page in Chromium: it asks for nothing, says nothing, fits a phone and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from servicecircle.outputs.report import write_report
from servicecircle.problems import Problem

HOSTILE = "<img src=x onerror=window.hacked=1></script><script>window.hacked=2</script>${1}`"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_quietly_and_fits(
    make_results: Any, browser: Any, tmp_path: Path, width: int
) -> None:
    results = make_results(
        name=HOSTILE,
        problems=(Problem(code="input.missing_file", severity="error", value=HOSTILE),),
    )
    write_report(results, (), tmp_path)
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    address = (tmp_path / "report.html").as_uri()
    page.goto(address)
    assert asked == [address]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.inner_text("h1") == HOSTILE
    assert page.evaluate("window.hacked === undefined")
    # The style of the policy's digest is the one in force: verdicts have their grounds.
    ground = page.evaluate("getComputedStyle(document.querySelector('.t-not_met')).backgroundColor")
    assert ground == "rgb(247, 201, 169)"
    page.click("nav a >> nth=2")
    heading = page.locator("h2:target")
    assert heading.is_visible()
    assert heading.evaluate("found => found.getBoundingClientRect().top") < 900
    page.emulate_media(media="print")
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
