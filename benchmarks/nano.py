"""What benchmarks verify with: the configured verifier and scales, as a run has them."""

from __future__ import annotations

from typing import Any

from genesys.cli.config import compose
from genesys.gau.folder import load_tree
from genesys.records import Design, Outcome, Scale, VerificationReport
from genesys.resources import resource
from genesys.sandbox import Sandbox
from genesys_verifiers.lightning import LightningVerifier

# Nothing is kept beside the report, and no design is too slow to be measured.
ALONE = ["logger=none", "verifier.checkpoints=null", "verifier.most_step_ratio=100"]


def settings(overrides: list[str]) -> dict[str, Any]:
    """The verifier's parameters and the ladder's scales by the config with these overrides."""
    config = compose([*ALONE, *overrides])
    verifier = {key: value for key, value in config["verifier"].items() if key != "name"}
    return {"verifier": verifier, "scales": config["ladder"]["scales"]}


class Nano:
    """Verifies designs one by one.

    Args:
        sandbox: Where generated code runs.
        overrides: Of the config.
    """

    def __init__(self, sandbox: Sandbox, overrides: list[str]) -> None:
        found = settings(overrides)
        self._verifier, self._sandbox = LightningVerifier(**found["verifier"]), sandbox
        self.scales = {scale["name"]: Scale(**scale) for scale in found["scales"]}

    def report(
        self, design: Design, scale: Scale, seed: int = 0, progress: Any = lambda point: None
    ) -> VerificationReport:
        """The report of one verification, however it ended."""
        return self._verifier.verify(design, scale, seed, self._sandbox, progress)

    def verify(
        self, design: Design, scale: Scale, seed: int = 0, progress: Any = lambda point: None
    ) -> VerificationReport:
        """The report of one verification; ends the program if there is no good one."""
        report = self.report(design, scale, seed, progress)
        if report.outcome is not Outcome.OK:
            raise SystemExit(f"{design.name} at {scale.name}: {report.error}")
        return report


def seed_design(name: str) -> Design:
    """A shipped design."""
    return load_tree(resource("seeds") / name).as_design(name)
