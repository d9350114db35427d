"""What a run has spent, and what it will come to, in a line each."""

from __future__ import annotations

from collections.abc import Iterator

from genesys.cli.cost import usd
from genesys.cli.progress import Progress
from genesys.cli.text import count
from genesys.evolution.outlook import Estimate, Outlook


def prospects(state: Progress) -> Iterator[tuple[str, str]]:
    """What was spent next to the caps, how the run keeps pace, and the forecast, each as a line."""
    if parts := list(_spent(state)):
        yield "spent", ", ".join(parts)
    if state.plan and state.ratio is not None:
        yield "pace", f"{state.ratio:.2g} verifications per design, target {state.plan.ratio:g}"
    if state.outlook and (told := foretold(state.outlook)):
        yield "forecast", told


def foretold(outlook: Outlook) -> str:
    """``31.20 USD (24.1 to 38.3), 8.1 device-hours``; empty while there is nothing to tell."""
    parts = []
    if outlook.usd and outlook.usd.value:
        parts.append(f"{usd(outlook.usd.value)}{interval(outlook.usd)}")
    if outlook.device_hours and outlook.device_hours.value:
        hours = outlook.device_hours
        parts.append(f"{hours.value:.3g} device-hours{interval(hours)}")
    if outlook.ends_by:
        parts.append(f"{outlook.designs:.0f} designs, as {outlook.ends_by} ends it")
    return ", ".join(parts)


def interval(estimate: Estimate) -> str:
    """The 95% interval; empty where it is not known."""
    if estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return ""
    return f" ({estimate.low:.3g} to {estimate.high:.3g})"


def _spent(state: Progress) -> Iterator[str]:
    caps = state.plan.caps if state.plan else None
    if state.run_usd:
        value, _, unit = usd(state.run_usd).partition(" ")
        most = f" of {caps.usd:g}" if caps and caps.usd is not None else ""
        yield f"{value}{most} {unit}"
    if caps and caps.tokens is not None:
        yield f"{count(state.run_tokens)} of {count(caps.tokens)} tokens"
    if caps and caps.device_hours is not None:
        yield f"{state.device_hours:.3g} of {caps.device_hours:g} device-hours"
    elif state.device_hours:
        yield f"{state.device_hours:.3g} device-hours"
