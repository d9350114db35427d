"""Workers that may run generated code, and the channel to them.

Light to import: the heavy libraries are loaded in the host process that a :class:`Sandbox` starts.
"""

from genesys.sandbox.job import Job, JobResult, JobStatus, Limits
from genesys.sandbox.process import Confinement
from genesys.sandbox.sandbox import Sandbox

__all__ = ["Confinement", "Job", "JobResult", "JobStatus", "Limits", "Sandbox"]
