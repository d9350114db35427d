"""The verifier: has a design trained and evaluated at a scale (sec. 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesys.errors import PluginError
from genesys.evolution.events import Observer, TrainingProgress, VerificationStarted
from genesys.evolution.settings import EvolutionSettings, derive_seed
from genesys.records import Design, Scale, VerificationReport

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox


class Verifier:
    """Verifies designs.

    Args:
        plugins: Of the run.
        sandbox: Where designs are trained.
        settings: Of the run.
        observe: Is told of progress.
    """

    def __init__(
        self,
        plugins: Plugins,
        sandbox: Sandbox,
        settings: EvolutionSettings,
        observe: Observer,
    ) -> None:
        self._plugins = plugins
        self._sandbox = sandbox
        self._settings = settings
        self._observe = observe

    def verify(self, design: Design, scale: Scale) -> VerificationReport:
        """Train and evaluate; nothing is committed.

        Raises:
            PluginError: The report is about something else.
        """
        self._observe(VerificationStarted(design.name, scale))
        seed = training_seed(self._settings, scale.name)
        report = self._plugins.verify(
            design, scale, seed, self._sandbox, lambda point: self._observe(TrainingProgress(point))
        )
        if (report.design, report.scale) != (design.name, scale.name):
            raise PluginError(
                f"The verifier was given {design.name!r} at {scale.name!r} and reports on "
                f"{report.design!r} at {report.scale!r}."
            )
        return report


def training_seed(settings: EvolutionSettings, scale: str) -> int:
    """Of a scale: all its designs share it, so that they see the same data in the same order."""
    return derive_seed(settings.seed, "training", scale)
