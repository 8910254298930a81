"""Where caches live."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import platformdirs
import pytest

from servicecircle import cache
from servicecircle.cache import (
    cache_folder,
    keep_answer,
    keep_bytes,
    kept_answer,
    kept_bytes,
    kernel_folder,
)


def test_the_variable_decides(monkeypatch, tmp_path):
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "here"))
    assert cache_folder() == (tmp_path / "here").resolve()
    # Asking makes nothing.
    assert not (tmp_path / "here").exists()


def test_the_home_folder_is_written_out(monkeypatch):
    monkeypatch.setenv("SERVICECIRCLE_CACHE", "~/caches")
    assert cache_folder() == (Path.home() / "caches").resolve()


@pytest.mark.parametrize("value", [None, ""])
def test_else_the_platform(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("SERVICECIRCLE_CACHE", raising=False)
    else:
        monkeypatch.setenv("SERVICECIRCLE_CACHE", value)
    expected = platformdirs.user_cache_dir("servicecircle", appauthor=False)
    assert cache_folder() == Path(expected).resolve()


def test_kernels_have_a_folder_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "a" / "b"))
    folder = kernel_folder("0a")
    assert folder == (tmp_path / "a" / "b" / "kernels" / "0a").resolve()
    assert folder.is_dir()
    # The probe is gone; what tells that it is in use is not.
    assert [path.name for path in folder.iterdir()] == [".in-use"]
    assert kernel_folder("0a") == folder
    assert kernel_folder("0b") == folder.with_name("0b")


USER = """
import sys
from servicecircle.cache import kernel_folder
print(kernel_folder(sys.argv[1]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def process(monkeypatch, tmp_path):
    """Return a function that starts a process which uses a folder until its input is closed."""
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path))
    started = []

    def start(key):
        user = subprocess.Popen(
            [sys.executable, "-c", USER, key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(user)
        return user, Path(user.stdout.readline().strip())

    yield start
    for user in started:
        user.communicate(timeout=60)


def older(folder, *, days):
    then = time.time() - 86_400 * days
    os.utime(folder / ".in-use", (then, then))


@pytest.mark.skipif(sys.platform == "win32", reason="folders are left there: no flock")
def test_kernels_that_nobody_used_for_a_month_go_and_those_in_use_stay(process):
    living, used = process("0a")
    done, unused = process("0b")
    ended, young = process("0c")
    for user in (done, ended):
        user.communicate(timeout=60)
    for folder in (used, unused, young):
        (folder / "network_x").mkdir()
        (folder / "network_x" / "kernel.nbi").write_bytes(b"...")
    older(used, days=31)
    older(unused, days=31)
    older(young, days=29)
    foreign = used.with_name("network_1f")
    foreign.mkdir()
    other, own = process("0d")
    assert sorted(path.name for path in own.parent.iterdir()) == ["0a", "0c", "0d", "network_1f"]
    # What is left is left whole.
    assert (used / "network_x" / "kernel.nbi").is_file()
    assert (young / "network_x" / "kernel.nbi").is_file()
    for user in (living, other):
        user.communicate(timeout=60)
    older(used, days=31)
    process("0d")
    assert not used.exists()
    # And is made again for who needs it.
    _, again = process("0a")
    assert again == used
    assert [path.name for path in again.iterdir()] == [".in-use"]


def test_no_folder_where_none_can_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "file"))
    assert kernel_folder("0a") is None


def test_answers_are_kept_by_kind_and_key(monkeypatch, tmp_path):
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path))
    assert kept_answer("geocode", "a") is None
    keep_answer("geocode", "a", {"answer": "中央里"})
    keep_answer("geocode", "b", {"answer": None})
    assert kept_answer("geocode", "a") == {"answer": "中央里"}
    assert kept_answer("geocode", "b") == {"answer": None}
    assert kept_answer("other", "a") is None
    # The key is only kept as a hash.
    assert len(list(tmp_path.rglob("*.json"))) == 2
    assert all(len(path.stem) == 32 for path in tmp_path.rglob("*.json"))


def test_a_cache_that_cannot_be_written_keeps_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "file"))
    keep_answer("geocode", "a", {"answer": 1})
    assert kept_answer("geocode", "a") is None


class TestSize:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch, tmp_path):
        monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path))
        monkeypatch.delenv("SERVICECIRCLE_FRESH", raising=False)
        # Three bodies of 100 bytes, each with its digest.
        monkeypatch.setattr(cache, "_MOST_BYTES", 3 * 132)

    def keep(self, *keys):
        for key in keys:
            keep_bytes("roads", key, key.encode() * 100)
            self.age(key)

    def age(self, key):
        """Make a file an hour old, so that the clock of the disk plays no part."""
        file = cache_folder() / "roads" / f"{key}.bin"
        if file.exists():
            self.hour = getattr(self, "hour", 0) + 1
            os.utime(file, (self.hour * 3600, self.hour * 3600))

    def left(self):
        return sorted(file.stem for file in (cache_folder() / "roads").iterdir())

    def test_the_oldest_goes(self):
        self.keep("a", "b", "c")
        assert self.left() == ["a", "b", "c"]
        self.keep("d")
        assert self.left() == ["b", "c", "d"]
        assert kept_bytes("roads", "a") is None

    def test_what_is_used_is_young(self):
        self.keep("a", "b", "c")
        assert kept_bytes("roads", "a") == b"a" * 100
        self.keep("d")
        assert self.left() == ["a", "c", "d"]

    def test_what_was_just_kept_stays_though_it_is_too_large(self):
        self.keep("a", "b")
        keep_bytes("roads", "whole", b"x" * 1000)
        assert self.left() == ["whole"]
        assert kept_bytes("roads", "whole") == b"x" * 1000

    def test_other_kinds_are_left_alone(self):
        keep_bytes("other", "a", b"x" * 1000)
        self.keep("a", "b", "c", "d")
        assert kept_bytes("other", "a") == b"x" * 1000
