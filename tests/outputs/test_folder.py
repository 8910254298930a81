"""A run's folder is written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from servicecircle.errors import OutputError
from servicecircle.outputs import folder as folder_module
from servicecircle.outputs.folder import check_folder, heal, publish
from servicecircle.outputs.run_record import write_run_record


def fill(text):
    """Return a function that fills a folder with a record and one more file."""

    def write(new: Path) -> None:
        (new / "run.json").write_text(json.dumps({"program": "servicecircle"}), encoding="utf-8")
        (new / "deep").mkdir()
        (new / "deep" / "result.txt").write_text(text, encoding="utf-8")

    return write


def content(out):
    return (out / "deep" / "result.txt").read_text(encoding="utf-8")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def code_of(caught):
    return [problem.code for problem in caught.value.problems]


@pytest.fixture(params=["one step", "two renames"])
def either_way(request, monkeypatch):
    """Run a test with the exchange of the file system and without it."""
    if request.param == "two renames":
        monkeypatch.setattr(folder_module, "_exchange", lambda one, other: False)
    return request.param


def test_new_folder_with_missing_parents(tmp_path):
    out = tmp_path / "地图" / "示例市 2025"
    publish(fill("first"), out)
    assert content(out) == "first"
    assert names(out.parent) == ["示例市 2025"]


def test_empty_folder_is_filled(tmp_path, either_way):
    out = tmp_path / "out"
    out.mkdir()
    publish(fill("first"), out)
    assert content(out) == "first"


def test_earlier_run_is_replaced_as_a_whole(tmp_path, either_way):
    out = tmp_path / "out"
    publish(fill("first"), out)
    (out / "left from the first").touch()
    publish(fill("second"), out)
    assert content(out) == "second"
    assert names(out) == ["deep", "run.json"]
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
def test_linux_exchanges_in_one_step(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    (one / "mark").touch()
    other.mkdir()
    assert folder_module._exchange(one, other)
    assert [path.name for path in other.iterdir()] == ["mark"]
    assert not any(one.iterdir())


def test_folder_is_never_absent_while_it_is_replaced(tmp_path):
    if sys.platform != "linux":
        pytest.skip("renameat2 is Linux's")
    out = tmp_path / "out"
    publish(fill("0"), out)
    watcher = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib\n"
            "file = pathlib.Path(sys.argv[1], 'deep', 'result.txt')\n"
            "print('ready', flush=True)\n"
            "seen = set()\n"
            "while (text := file.read_text()) != '40': seen.add(text)\n"
            "print(len(seen))\n",
            str(out),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == "ready\n"
    for turn in range(1, 41):
        publish(fill(str(turn)), out)
    # The watcher dies of FileNotFoundError, and does not return 0, if the file is ever gone.
    watcher.communicate(timeout=60)
    assert watcher.returncode == 0


@pytest.mark.parametrize("raised", [ValueError("wrong"), KeyboardInterrupt(), SystemExit(1)])
def test_failure_leaves_the_old_folder_and_nothing_else(tmp_path, raised):
    out = tmp_path / "out"
    publish(fill("first"), out)

    def write(new):
        fill("half")(new)
        raise raised

    with pytest.raises(type(raised)):
        publish(write, out)
    assert content(out) == "first"
    assert names(tmp_path) == ["out"]


def test_failure_takes_made_parents_away(tmp_path):
    def write(new):
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        publish(write, tmp_path / "a" / "b" / "out")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (28, "outputs.disk_full"),
        (13, "outputs.no_permission"),
        (30, "outputs.no_permission"),
        (5, "outputs.cannot_write"),
    ],
)
def test_errors_of_the_disk_are_told_in_words(tmp_path, number, code):
    def write(new):
        (new / "run.json").touch()
        raise OSError(number, os.strerror(number))

    out = tmp_path / "out"
    with pytest.raises(OutputError) as caught:
        publish(write, out)
    assert code_of(caught) == [code]
    for language in ("zh", "en"):
        assert str(out) in caught.value.text(language)
        assert "{" not in caught.value.text(language)
    assert names(tmp_path) == []


def test_full_disk_for_real(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")

    def write(new):
        Path("/dev/full").write_text("x" * 100_000)

    with pytest.raises(OutputError) as caught:
        publish(write, tmp_path / "out")
    assert code_of(caught) == ["outputs.disk_full"]


@pytest.mark.parametrize("record", [None, "{}", "[]", "not json", '{"program": "other"}'])
def test_filled_folder_that_is_not_ours_is_refused_and_kept(tmp_path, record):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.docx").write_text("mine")
    if record is not None:
        (out / "run.json").write_text(record)
    before = names(out)
    calls = []
    for action in (lambda: publish(calls.append, out), lambda: check_folder(out)):
        with pytest.raises(OutputError) as caught:
            action()
        assert code_of(caught) == ["outputs.not_ours"]
    assert calls == []
    assert names(out) == before
    assert names(tmp_path) == ["out"]


def test_file_in_the_place_is_refused_and_kept(tmp_path):
    out = tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(OutputError) as caught:
        publish(fill("x"), out)
    assert code_of(caught) == ["outputs.not_a_folder"]
    assert out.read_text() == "mine"


def test_file_among_the_parents_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError) as caught:
        publish(fill("x"), tmp_path / "file" / "out")
    assert code_of(caught) == ["outputs.cannot_write"]


def test_root_of_the_disk_is_refused():
    with pytest.raises(OutputError) as caught:
        publish(fill("x"), Path(Path.cwd().anchor))
    assert code_of(caught) == ["outputs.not_ours"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_link_is_followed_and_stays(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk" / "out")
    publish(fill("first"), link)
    publish(fill("second"), link)
    assert link.is_symlink()
    assert content(tmp_path / "disk" / "out") == "second"


def test_folder_without_a_record_is_a_fault_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match=r"run\.json"):
        publish(lambda new: (new / "a.csv").touch(), tmp_path / "out")
    assert names(tmp_path) == []


def test_second_run_to_the_same_folder_is_refused_while_the_first_writes(tmp_path):
    out = tmp_path / "out"

    def write(new):
        fill("first")(new)
        script = (
            "import sys, pathlib\n"
            "from servicecircle.errors import OutputError\n"
            "from servicecircle.outputs.folder import publish, heal\n"
            "heal(pathlib.Path(sys.argv[1]))\n"
            "try: publish(lambda new: None, pathlib.Path(sys.argv[1]))\n"
            "except OutputError as error: print(error.problems[0].code)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(out)], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["outputs.locked"]
        assert content(new) == "first"

    publish(write, out)
    assert content(out) == "first"
    assert names(tmp_path) == ["out"]


KILLED = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from servicecircle.outputs import folder
    out, at = Path(sys.argv[1]), sys.argv[2]
    def write(new):
        (new / "run.json").write_text('{"program": "servicecircle"}')
        (new / "deep").mkdir()
        (new / "deep" / "result.txt").write_text("second")
        if at == "writing": os._exit(9)
    renames = 0
    real = Path.rename
    def rename(self, target):
        global renames
        renames += 1
        if at == f"before rename {renames}": os._exit(9)
        done = real(self, target)
        if at == f"after rename {renames}": os._exit(9)
        return done
    Path.rename = rename
    folder._exchange = lambda one, other: False
    folder.publish(write, out)
    """
)


@pytest.mark.parametrize(
    ("at", "then"),
    [
        ("writing", "first"),
        ("before rename 1", "first"),
        ("after rename 1", "second"),
        ("before rename 2", "second"),
        ("after rename 2", "second"),
    ],
)
def test_killed_run_is_healed_by_the_next_command(tmp_path, at, then):
    out = tmp_path / "out"
    publish(fill("first"), out)
    done = subprocess.run([sys.executable, "-c", KILLED, str(out), at], check=False)
    assert done.returncode == 9
    assert len(names(tmp_path)) > 1 or not out.exists()
    heal(out)
    assert content(out) == then
    assert names(tmp_path) == ["out"]


def test_failed_second_rename_puts_the_old_folder_back(tmp_path, monkeypatch):
    out = tmp_path / "out"
    publish(fill("first"), out)
    monkeypatch.setattr(folder_module, "_exchange", lambda one, other: False)
    real = Path.rename

    def rename(self, target):
        if self.name.endswith("-new"):
            raise PermissionError(13, "in use")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputError) as caught:
        publish(fill("second"), out)
    assert code_of(caught) == ["outputs.no_permission"]
    assert content(out) == "first"
    assert names(tmp_path) == ["out"]


def test_check_folder_refuses_what_it_could_not_write_and_writes_nothing(tmp_path, monkeypatch):
    check_folder(tmp_path / "new" / "out")
    assert names(tmp_path) == []
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError) as caught:
        check_folder(tmp_path / "new" / "out")
    assert code_of(caught) == ["outputs.no_permission"]


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0,
    reason="for root and on Windows every folder is writable",
)
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError) as caught:
            publish(fill("x"), tmp_path / "out")
    finally:
        tmp_path.chmod(0o700)
    assert code_of(caught) == ["outputs.no_permission"]


def test_a_check_does_not_take_the_place_of_a_run(tmp_path):
    out = tmp_path / "results"
    publish(lambda new: write_run_record({"command": "run"}, new / "run.json"), out)
    with pytest.raises(OutputError, match=r"what another command \(run\) wrote"):
        check_folder(out, command="check")
    check_folder(out)
    other = tmp_path / "check"
    publish(lambda new: write_run_record({"command": "check"}, new / "run.json"), other)
    check_folder(other, command="check")
