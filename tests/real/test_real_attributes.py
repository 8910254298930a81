"""Attributes of real lists: who runs the care homes of Taipei."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from servicecircle.inputs.attribute_words import ListWords
from servicecircle.inputs.facilities import read_facilities
from servicecircle.project import FacilitySettings
from servicecircle.standards.registry import load_registry

LIST = "taipei/臺北市老人福利機構名冊1140201_coord.csv"


def test_private_homes_and_public_ones_under_private_management_are_social(shared):
    data = read_facilities(
        FacilitySettings(path=Path(LIST), datum="wgs84"),
        layer="care_home",
        base=shared,
        words=ListWords(attributes=load_registry().attributes),
    )
    with (shared / LIST).open(encoding="utf-8-sig", newline="") as file:
        stated = Counter(row["屬性"].strip() for row in csv.DictReader(file))
    assert set(stated) <= {"私立", "公設民營", "公立", ""}
    read = Counter(data.frame["operator"])
    assert data.rows_set_aside == 0
    assert read["social"] == stated["私立"] + stated["公設民營"]
    assert read["state"] == stated["公立"]
    assert not any(one.code == "facility.bad_choice" for one in data.problems)
