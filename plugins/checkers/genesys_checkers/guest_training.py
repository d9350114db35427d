"""What the guest can be asked about training. Runs in the guest."""

from __future__ import annotations

from genesys_checkers.guest_model import GuestModel


class TrainingOps(GuestModel):
    """Methods of the effectiveness check."""
