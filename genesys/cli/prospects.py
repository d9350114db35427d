"""What a run has spent, and what it will come to, in a line each."""

from __future__ import annotations

from collections.abc import Iterator

from genesys.cli.text import count, usd
from genesys.evolution.budget import BudgetSettings
from genesys.evolution.outlook import Estimate, Outlook


def spent(dollars: float, tokens: int, hours: float, caps: BudgetSettings) -> str:
    """What was spent next to the caps; empty where that is nothing, and nothing is capped.

    Args:
        dollars: USD of calls of language models.
        tokens: Of these calls, in and out.
        hours: Device-hours of verifications.
        caps: Of the run.
    """
    return ", ".join(_spent(dollars, tokens, hours, caps))


def foretold(outlook: Outlook) -> str:
    """``31.20 USD (24.1 to 38.3), 8.1 device-hours``; empty while there is nothing to tell."""
    parts = []
    if outlook.usd and outlook.usd.value:
        parts.append(f"{usd(outlook.usd.value)}{_interval(outlook.usd)}")
    if outlook.device_hours and outlook.device_hours.value:
        hours = outlook.device_hours
        parts.append(f"{hours.value:.3g} device-hours{_interval(hours)}")
    if outlook.ends_by:
        parts.append(f"{outlook.designs:.0f} designs, as {outlook.ends_by} ends it")
    return ", ".join(parts)


def _spent(dollars: float, tokens: int, hours: float, caps: BudgetSettings) -> Iterator[str]:
    if dollars:
        value, _, unit = usd(dollars).partition(" ")
        yield f"{value} of {caps.usd:g} {unit}" if caps.usd is not None else f"{value} {unit}"
    if caps.tokens is not None:
        yield f"{count(tokens)} of {count(caps.tokens)} tokens"
    if caps.device_hours is not None:
        yield f"{hours:.3g} of {caps.device_hours:g} device-hours"
    elif hours:
        yield f"{hours:.3g} device-hours"


def _interval(estimate: Estimate) -> str:
    """The 95% interval; empty where it is not known."""
    if estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return ""
    return f" ({estimate.low:.3g} to {estimate.high:.3g})"
