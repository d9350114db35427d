"""Why a verification stops for the design's own fault."""

from __future__ import annotations


class DesignFaultError(Exception):
    """A design that cannot be tuned, trained or evaluated; the message says why and where."""
