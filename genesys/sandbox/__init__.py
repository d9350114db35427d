"""Guests that may run generated code, and the channel to them.

Light to import: the heavy libraries are loaded in the host process that a :class:`Sandbox` starts.
"""

from genesys.sandbox.backends import Backend
from genesys.sandbox.guest import Guest
from genesys.sandbox.job import GuestEnded, GuestError, GuestRaised, Job, JobStatus, Limits
from genesys.sandbox.sandbox import Sandbox

__all__ = [
    "Backend",
    "Guest",
    "GuestEnded",
    "GuestError",
    "GuestRaised",
    "Job",
    "JobStatus",
    "Limits",
    "Sandbox",
]
