"""One budget: what is spent and under way, and whether a further job may begin."""

from __future__ import annotations

from typing import Any

import pytest

from genesys.errors import ConfigError
from genesys.evolution.budget import Budget, BudgetSettings
from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.purse import Purse
from genesys.records import Scale

SESSION, VERIFICATION = JobKind.SESSION, JobKind.VERIFICATION
SMALL = Scale(name="small", n_block=2, d_model=64, tokens=1000, learning_rate=1e-3, trials=8)
LARGE = Scale(name="large", n_block=4, d_model=128, tokens=2000, learning_rate=1e-3, trials=4)
SCALES = (SMALL, LARGE)  # the large one costs 2 * 4 * 2 = 16 times as much


def entry(kind: str, job: int, scale: str = "small", **known: Any) -> Entry:
    about = {"work": VERIFICATION, "scale": scale} | known
    return Entry(time=0.0, kind=EntryKind(kind), job=job, **about)


def budget(entries: list[Entry], **caps: float) -> Budget:
    settings = BudgetSettings.of(caps)
    return Budget(settings, settings.purse, entries, SCALES)


def test_without_caps_everything_may_begin() -> None:
    settings = BudgetSettings(usd=None)
    free = Budget(settings, settings.purse, [], SCALES)
    assert not free.refuses(SESSION)
    assert not free.refuses(VERIFICATION, "large")


def test_device_hours_are_seconds_times_devices_of_all_attempts() -> None:
    entries = [
        entry("begun", 0),
        entry("failed", 0, seconds=1800, devices=2, worker="a"),
        entry("ended", 0, seconds=1800, devices=4, worker="b"),
    ]
    assert not budget(entries, device_hours=6.0).refuses(VERIFICATION, "small")  # 3 + 3
    refused = budget(entries, device_hours=5.9).refuses(VERIFICATION, "small")
    assert refused == (
        "a verification at small takes about 3 device-hours, and 3 of the run's 5.9 are spent or "
        "under way (budget.device_hours)"
    )
    assert "3 device-hours are spent" in budget(entries, device_hours=3).refuses(VERIFICATION, "x")


def test_sessions_take_no_device_hours() -> None:
    entries = [entry("ended", 0, work=SESSION, seconds=36_000)]
    assert not budget(entries, device_hours=0.1).refuses(VERIFICATION, "small")


def test_a_scale_that_is_not_known_is_taken_from_the_nearest() -> None:
    entries = [entry("begun", 0), entry("ended", 0, seconds=360)]
    assert not budget(entries, device_hours=1.71).refuses(VERIFICATION, "large")  # 0.1 + 1.6
    assert "about 1.6" in budget(entries, device_hours=1.69).refuses(VERIFICATION, "large")


def test_jobs_under_way_count_with_the_mean() -> None:
    entries = [entry("ended", 0, seconds=3600)]
    it = budget(entries, device_hours=4)
    for job in (1, 2):
        assert not it.refuses(VERIFICATION, "small")
        entries.append(entry("begun", job))
    assert not it.refuses(VERIFICATION, "small")
    entries.append(entry("begun", 3))
    assert "4 of the run's 4" in it.refuses(VERIFICATION, "small")
    entries.append(entry("ended", 1, seconds=1800))  # the mean is 3/4 h now: 1.5 + 2 * 0.75
    assert not it.refuses(VERIFICATION, "small")


def test_sessions_stop_where_a_cap_of_language_models_is_reached() -> None:
    settings = BudgetSettings(usd=2.0, tokens=1_000_000)
    purse = Purse()
    it = Budget(settings, purse, [], SCALES)
    purse.spend(1.99, 999_999)
    assert not it.refuses(SESSION)
    purse.spend(0.0, 1)
    assert it.refuses(SESSION) == "the run's 1,000,000 tokens are spent (budget.tokens)"
    purse.spend(0.01, 0)
    assert it.refuses(SESSION) == "the run's 2 USD are spent (budget.usd)"
    assert not it.refuses(VERIFICATION, "small")


def test_a_cap_of_nothing_allows_what_costs_nothing() -> None:
    assert not budget([], usd=0.0).refuses(SESSION)


@pytest.mark.parametrize("wrong", [{"usd": -1}, {"dollars": 5}, {"tokens": 1.5}, {"usd": "nan"}])
def test_wrong_settings_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="Config group 'budget'"):
        BudgetSettings.of(wrong)
