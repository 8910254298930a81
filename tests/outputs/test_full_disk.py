"""Every writer on a disk that takes no more: one error in words, and nothing broken is left."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from servicecircle.errors import OutputError
from servicecircle.outputs.figures import Chart, write_charts
from servicecircle.outputs.folder import publish
from servicecircle.outputs.geopackage import write_access, write_geopackage
from servicecircle.outputs.geoparquet import write_geoparquet
from servicecircle.outputs.maps import write_map
from servicecircle.outputs.report import write_report
from servicecircle.outputs.run_record import write_run_record
from servicecircle.outputs.tables import write_tables
from servicecircle.outputs.workbook import write_workbook

CHART = Chart(
    name="big", kind="map", layer="", title="", caption="", alt="",
    png=b"x" * 100_000, svg=b"x" * 100_000, width_cm=1.0,
)  # fmt: skip
WRITERS = {
    "tables": write_tables,
    "workbook": lambda results, folder: write_workbook(results, folder / "scorecard.xlsx"),
    "figures": lambda _, folder: write_charts([CHART], folder),
    "geopackage": lambda results, folder: write_geopackage(results, folder / "coverage.gpkg"),
    "geoparquet": write_geoparquet,
    "access": lambda results, folder: write_access(results, folder / "access.parquet"),
    "map": lambda results, folder: write_map(results, folder / "index.html"),
    "report": lambda results, folder: write_report(results, (), folder),
    "record": lambda _, folder: write_run_record({"x": "y" * 100_000}, folder / "run.json"),
}
MOST = 3_000


@contextmanager
def no_file_larger_than(size):
    """Let the system refuse to make any file longer, as a full disk does."""
    resource = pytest.importorskip("resource", reason="limits of this kind are of Unix")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of this kind are of Unix")
@pytest.mark.parametrize("name", WRITERS)
def test_the_earlier_run_stays_and_nothing_else(make_results, tmp_path, name):
    results = make_results()
    rows = results.unit_coverage
    rates = {
        "population_coverage": rows["covered_population"] / rows["population"],
        "elderly_coverage": rows["covered_elderly"] / rows["elderly"],
    }
    results = replace(results, unit_coverage=rows.assign(**rates))
    out = tmp_path / "out"
    publish(lambda folder: write_run_record({"run": "first"}, folder / "run.json"), out)

    def write(folder):
        WRITERS[name](results, folder)
        write_run_record({"run": "second"}, folder / "run.json")

    with pytest.raises(OutputError) as caught, no_file_larger_than(MOST):
        publish(write, out)
    (problem,) = caught.value.problems
    assert problem.code in {"outputs.cannot_write", "outputs.disk_full"}
    assert "{" not in caught.value.text("zh")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in out.iterdir()] == ["run.json"]
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["run"] == "first"
    # With room again the same call succeeds.
    publish(write, out)
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["run"] == "second"
