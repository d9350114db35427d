"""What workers did and what scales took, by hand."""

from __future__ import annotations

import pytest

from genesys.population.metrics.work import scales, workers

from .test_pipeline import RUN


def test_workers():
    v1, d, v2 = workers(RUN).to_pylist()
    assert (v1["worker"], v1["verifications"], v1["in_vain"]) == ("v1", 3, 0)
    assert (v1["busy"], v1["present"]) == (pytest.approx(1.75), 2)
    assert (d["worker"], d["sessions"], d["utilisation"]) == ("d", 3, pytest.approx(6000 / 7200))
    assert (v2["verifications"], v2["in_vain"]) == (2, 1)
    assert v2["utilisation"] == pytest.approx(1500 / 3600)


def test_scales():
    small, middle, large = scales(RUN).to_pylist()
    assert (small["scale"], small["verifications"], small["designs"]) == ("s", 3, 3)
    assert (small["optimistic"], small["median"], small["pessimistic"]) == (900, 1350, 1800)
    assert small["hours"] == pytest.approx(3300 / 3600)
    assert (small["reached"], middle["reached"], large["reached"]) == (1, 2 / 3, 1 / 2)
    assert (middle["verifications"], middle["designs"]) == (3, 2)
    assert (middle["optimistic"], middle["median"]) == (3600, 3600)
    assert (large["designs"], large["median"], large["pessimistic"]) == (1, None, None)
