"""Where caches live."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from servicecircle.cache import cache_folder, kernel_folder


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
    folder = kernel_folder()
    assert folder == (tmp_path / "a" / "b" / "kernels").resolve()
    assert folder.is_dir()
    # The probe is gone.
    assert list(folder.iterdir()) == []
    assert kernel_folder() == folder


def test_no_folder_where_none_can_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("SERVICECIRCLE_CACHE", str(tmp_path / "file"))
    assert kernel_folder() is None
