"""Markers for hook specifications and their implementations."""

from __future__ import annotations

import pluggy

PROJECT = "genesys"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
