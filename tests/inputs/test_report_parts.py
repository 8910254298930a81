"""Template and wording of the report: what is taken, and what is refused with a remedy."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pytest
from click.testing import CliRunner

from servicecircle.cli import main
from servicecircle.errors import InputError
from servicecircle.inputs.report import ReportParts, read_report_parts
from servicecircle.messages import LANGUAGES, label_keys
from servicecircle.project import ReportSettings

MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def saved(path, change=lambda name, data: data):
    """Write a Word document, each member as ``change`` gives it back; None leaves it out."""
    packed = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("{name}")
    document.save(packed)
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.namelist():
            data = change(member, source.read(member))
            if data is not None:
                target.writestr(member, data)
    return path


def typed(new):
    def change(name, data):
        return data.replace(MAIN.encode(), new.encode()) if name == "[Content_Types].xml" else data

    return change


def read(folder, **settings):
    return read_report_parts(ReportSettings.model_validate(settings), base=folder)


def codes(folder, **settings):
    with pytest.raises(InputError) as found:
        read(folder, **settings)
    for problem in found.value.problems:
        assert problem.severity == "fatal"
        for language in LANGUAGES:
            assert problem.text(language).count("\n") == 2
    return [problem.code for problem in found.value.problems]


def test_nothing_given_is_nothing_read(tmp_path):
    assert read(tmp_path) == ReportParts(template=b"", wording={})


@pytest.mark.parametrize("kind", ["document", "template"])
def test_documents_and_templates_of_word_are_taken(tmp_path, kind):
    saved(tmp_path / "a.dotx", typed(MAIN.replace("document.main", f"{kind}.main")))
    found = read(tmp_path, template="a.dotx").template
    assert [p.text for p in docx.Document(io.BytesIO(found)).paragraphs] == ["{name}"]


def test_what_is_no_word_document_is_refused(tmp_path):
    (tmp_path / "a.docx").write_text("just text", encoding="utf-8")
    assert codes(tmp_path, template="a.docx") == ["reporting.no_word_file"]
    saved(tmp_path / "b.docx", typed("application/vnd.ms-word.document.macroEnabled.main+xml"))
    assert codes(tmp_path, template="b.docx") == ["reporting.no_word_file"]
    with zipfile.ZipFile(tmp_path / "c.docx", "w") as archive:
        archive.writestr("content.xml", "<a/>")
    assert codes(tmp_path, template="c.docx") == ["reporting.no_word_file"]


def test_what_is_broken_is_refused(tmp_path):
    saved(tmp_path / "a.docx", lambda name, data: None if name == "word/document.xml" else data)
    assert codes(tmp_path, template="a.docx") == ["reporting.broken_template"]
    cut = saved(tmp_path / "b.docx", lambda name, data: data[: len(data) // 2]).read_bytes()
    (tmp_path / "b.docx").write_bytes(cut)
    assert codes(tmp_path, template="b.docx")[0] in {
        "reporting.broken_template",
        "reporting.no_word_file",
    }
    (tmp_path / "c.docx").write_bytes(saved(tmp_path / "d.docx").read_bytes()[:900])
    assert codes(tmp_path, template="c.docx") == ["input.unreadable"]
    assert codes(tmp_path, template="none.docx") == ["input.missing_file"]
    (tmp_path / "folder.docx").mkdir()
    assert codes(tmp_path, template="folder.docx") == ["input.folder"]


def test_entities_of_a_template_are_not_expanded(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words", encoding="utf-8")
    head = f'<!DOCTYPE w [<!ENTITY e SYSTEM "{secret.as_uri()}">]><w:document'.encode()

    def change(name, data):
        if name != "word/document.xml":
            return data
        return data.replace(b"<w:document", head, 1).replace(b"{name}", b"x&e;y")

    saved(tmp_path / "a.docx", change)
    try:
        found = read(tmp_path, template="a.docx").template
    except InputError:
        return
    document = docx.Document(io.BytesIO(found))
    assert "hidden words" not in document.element.xml


def test_words_are_taken_and_others_refused_all_at_once(tmp_path):
    (tmp_path / "w.toml").write_text(
        'title = "年度评估"\npreface = "{name}，{date}。"\nsummary_plan = "{plan}：{verdicts}"\n'
        'closing = "{{原样}}"\n',
        encoding="utf-8",
    )
    found = read(tmp_path, wording="w.toml").wording
    assert list(found) == ["title", "preface", "summary_plan", "closing"]
    (tmp_path / "w.toml").write_text(
        'titel = "a"\nmethod = 3\nsummary_plan = "{plan} {nobody}"\npreface = "{name.__class__}"\n'
        'closing = "{"\nsources = "{0}"\ndoubts = "{name!r}"\n',
        encoding="utf-8",
    )
    with pytest.raises(InputError) as error:
        read(tmp_path, wording="w.toml")
    told = [(one.code, one.row, one.column) for one in error.value.problems]
    assert told == [
        ("reporting.unknown_text", 1, "titel"),
        ("reporting.no_text", 2, "method"),
        *(
            ("reporting.placeholder", row, key)
            for row, key in (
                (3, "summary_plan"),
                (4, "preface"),
                (5, "closing"),
                (6, "sources"),
                (7, "doubts"),
            )
        ),
    ]
    assert "“title”" in error.value.problems[0].text("zh")
    assert "{count}, {plan}, {verdicts}" in error.value.problems[2].text("en")


@pytest.mark.parametrize(
    ("text", "code"), [("title = ", "toml.syntax"), ("\udcff", "toml.encoding")]
)
def test_a_wording_file_that_is_no_toml_is_refused(tmp_path, text, code):
    (tmp_path / "w.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert codes(tmp_path, wording="w.toml") == [code]


def test_the_guide_lists_every_text_and_what_it_may_hold():
    page = Path(__file__).resolve().parents[2] / "docs" / "outputs.md"
    text = page.read_text(encoding="utf-8").partition("### Words of the report")[2]
    listed = text.partition("\n## ")[0]
    keys = {key.removeprefix("report_") for key in label_keys("report_")}
    missing = {key for key in keys if f"`{key}`" not in listed}
    assert missing == set()


def run(project, *changes):
    options = [part for change in changes for part in ("--set", change)]
    return CliRunner().invoke(
        main, ["run", str(project), "--out", str(project.parent / "out"), *options]
    )


def test_a_broken_template_stops_a_run_before_anything_is_written(small_town, tmp_path):
    project = small_town.lay_out(tmp_path)
    (tmp_path / "t.docx").write_bytes(b"PK not really")
    (tmp_path / "w.toml").write_text('titel = "a"', encoding="utf-8")
    done = run(project, "report.template=t.docx", "report.wording=w.toml")
    assert done.exit_code == 1
    assert "t.docx" in done.output
    assert "titel" in done.output
    assert not (tmp_path / "out").exists()
    done = run(project, "report.templat=t.docx")
    assert done.exit_code == 1
    assert "template" in done.output


def test_a_run_takes_template_and_words(small_town, tmp_path):
    project = small_town.lay_out(tmp_path)
    saved(tmp_path / "t.docx")
    (tmp_path / "w.toml").write_text('title = "Yearly report"', encoding="utf-8")
    done = run(project, "report.template=t.docx", "report.wording=w.toml")
    assert done.exit_code == 0, done.output
    document = docx.Document(str(tmp_path / "out" / "report.docx"))
    assert document.paragraphs[0].text == "Town"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Yearly report" in page
    record = (tmp_path / "out" / "run.json").read_text(encoding="utf-8")
    assert '"t.docx"' in record
    assert '"w.toml"' in record
