"""Siting on real roads: Wuhan's core with 60 stand-ins, and the Isle of Man's own nursing homes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

GAP = 0.02
LIMIT_M = 1000.0 + 1e-6
WUHAN = (
    *("--layer", "care_home", "--metres", "1000", "--scope", "main_urban_area"),
    # Circles are drawn by other tests.
    *("--set", "facilities.care_home.circles=false"),
)


class Sited:
    """A finished study."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.text = text

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", encoding="utf-8-sig")

    def points(self, layer: str) -> pd.DataFrame:
        access = pd.read_parquet(self.folder / "access.parquet")
        return access[access["layer"] == layer]


@pytest.fixture(scope="module")
def sited(
    real_project: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Sited]:
    """Return a function that makes a study of a real project by the command itself."""

    def make(name: str, *asked: str) -> Sited:
        folder = tmp_path_factory.mktemp("sited") / name
        words = ("site", str(real_project(name)), *asked, "--out", str(folder))
        done = subprocess.run(
            [sys.executable, "-m", "servicecircle", *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONUTF8": "1"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Sited(folder, done.stdout)

    return make


def covered(study: Sited, layer: str = "care_home") -> float:
    """Return the older persons of the core within a kilometre of an open home, from the run."""
    points = study.points(layer)
    near = (points["metres"] <= LIMIT_M) & points["in_main_urban_area"]
    return float(points.loc[near, "elderly"].sum())


def test_the_best_twenty_beside_the_sixty_of_wuhan_in_three_years(sited):
    study = sited("wuhan", *WUHAN, "--objective", "cover", "--sites", "20", "--parts", "4,3,3")
    sites, proof = study.csv("sites"), study.csv("siting").set_index("step")
    assert sites["phase"].value_counts().sort_index().tolist() == [8, 6, 6]
    assert sites["year"].unique().tolist() == [2026, 2027, 2028]
    # Each answer has its proof: the whole, and the beginning that each phase makes.
    assert (proof["gap"] <= GAP).all()
    assert (proof["bound"] >= proof["value"] * (1 - 1e-9)).all()
    assert np.diff(proof.loc["phase 1":, "people"]).min() > 0
    # What the model promised is what the run with the sites measures.
    assert sites["people_covered"].iloc[-1] == pytest.approx(covered(study), rel=1e-9)
    assert sites["people_added"].sum() == pytest.approx(
        study.csv("site_units")["people_gained"].sum(), rel=1e-9
    )
    facilities = study.csv("facilities")
    assert (facilities["status"] == "proposed").sum() == 20
    assert facilities["open"].sum() == 80
    # Nobody gains more than the first of the curve, and none is above its bound.
    curve = study.csv("site_gains")
    assert (curve["covered"] <= curve["bound"] * (1 + 1e-9)).all()
    assert sites["people_alone"].max() <= curve["gained"].iloc[1] * (1 + 1e-9)
    assert proof.loc["all", "value"] >= curve["covered"].iloc[20] * (1 - 1e-9)


def test_fewest_homes_for_the_one_kilometre_rule_in_wuhan_s_core(sited):
    study = sited("wuhan", *WUHAN, "--objective", "fewest", "--gap", "0.015", "--seconds", "200")
    whole = study.csv("siting").iloc[0]
    assert whole["gap"] <= GAP
    assert whole["value"] == len(study.csv("sites"))
    points = study.points("care_home")
    core = points[points["in_main_urban_area"] & (points["elderly"] > 0)]
    left = core[~(core["metres"] <= LIMIT_M)]
    # All but those whom no candidate reaches: it is told how many they are.
    record = pd.read_json(study.folder / "run.json", typ="series")["siting"]["candidates"]
    assert left["elderly"].sum() == pytest.approx(record["people_unreached_by_any"], rel=1e-9)
    assert 0 < left["elderly"].sum() < 0.05 * core["elderly"].sum()


def test_the_nursing_homes_of_the_isle_of_man_stay_and_ten_are_added(sited):
    layers = ("elderly_day_center", "cemetery", "hospital", "clinic", "pharmacy")
    quiet: list[Any] = [
        word for layer in layers for word in ("--set", f"facilities.{layer}.circles=false")
    ]
    study = sited(
        "isle_of_man",
        *("--layer", "care_home", "--objective", "cover", "--sites", "10", "--minutes", "15"),
        *quiet,
    )
    facilities = study.csv("facilities")
    homes = facilities[facilities["layer"] == "care_home"]
    proposed = homes["status"] == "proposed"
    assert proposed.sum() == 10
    assert (~proposed).sum() == 5
    assert homes["open"].all()
    whole = study.csv("siting").iloc[0]
    assert whole["gap"] <= GAP
    points = study.points("care_home")
    near = points["seconds"] <= 900.0 + 1e-6
    assert points.loc[near, "population"].sum() == pytest.approx(whole["people"], rel=1e-9)
