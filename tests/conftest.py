"""Settings for the whole suite."""

from __future__ import annotations

from hypothesis import settings

# Deterministic, and without deadlines: the machine may be busy.
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=40, database=None)
settings.load_profile("suite")
