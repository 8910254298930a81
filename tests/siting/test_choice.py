"""What a choice of sites has to obey, on three sites in a line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from servicecircle.siting.examples import three_sites
from servicecircle.siting.model import Goal
from servicecircle.siting.solve import solve


@pytest.mark.parametrize("places", [np.inf, 10.0])
def test_an_existing_site_beside_a_mandatory_new_one_closes_and_counts(places):
    model = replace(
        three_sites(),
        mandatory=np.array([False, True, False]),
        apart=np.array([[0, 1]]),
        capacity=np.full(3, places),
    )
    fewest = solve(model, Goal(objective="fewest", closings=1))
    # One opened and one closed is no further site.
    assert (fewest.open.tolist(), fewest.objective) == ([False, True, False], 0.0)
    # The one that closes frees another new site: ways of 2, 1 and 1.
    mean = solve(model, Goal(objective="mean", sites=1, closings=1))
    assert mean.open.tolist() == [False, True, True]
    assert mean.objective == pytest.approx((2 + 1 + 1) / 3)
