"""The loop on which all sources of a process wait for their services."""

from __future__ import annotations

from genesys.services import Loop

run = Loop("sources").run
