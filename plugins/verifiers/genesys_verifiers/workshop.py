"""What a verifier's guests are told and may take, and what their designs are compared with."""

from __future__ import annotations

from genesys.records import Scale, Subject
from genesys.sandbox import Limits, Sandbox
from genesys_verifiers.acceleration import Acceleration
from genesys_verifiers.curricula import Curriculum, Probes, Text
from genesys_verifiers.efficiency.meter import Meter
from genesys_verifiers.opening import Opener
from genesys_verifiers.reference import Reference, References, code
from genesys_verifiers.settings import Accelerator, Settings, Task


class Workshop:
    """Makes tasks, guests and measurements for designs at scales.

    Args:
        settings: How to train.
        text: What scales train on, unless they train on probes.
        memory_mb: Most memory of a guest, in MiB.
        seconds: Longest wall time of a verification, apart from the time for training.
        seconds_per_million_tokens: Longest wall time of training.

    Attributes:
        settings: With the accelerator that was settled on.
        text: As above.
    """

    def __init__(
        self,
        settings: Settings,
        text: Text,
        memory_mb: int,
        seconds: float,
        seconds_per_million_tokens: float,
    ) -> None:
        self.settings, self.text = settings, text
        self._probes = Probes()
        self._acceleration = Acceleration(settings.accelerator)
        self._memory_mb = memory_mb
        self._seconds, self._seconds_per_million = seconds, seconds_per_million_tokens
        self._references = References()

    def settle(self, sandbox: Sandbox) -> None:
        """Settle on the accelerator that guests can use.

        Raises:
            GenesysError: The one that is asked for by name cannot be used.
        """
        found = self._acceleration.settle(sandbox)
        self.settings = self.settings.model_copy(update={"accelerator": found})

    def curriculum(self, scale: Scale) -> Curriculum:
        """What a scale trains on, and what its models are scored by."""
        return self._probes if scale.trains is Subject.PROBES else self.text

    def task(self, block: str, scale: Scale, seed: int) -> Task:
        """What a guest is told of a design."""
        curriculum = self.curriculum(scale)
        settings = curriculum.settings(self.settings)
        return Task(
            block=block,
            learning_rate=scale.learning_rate,
            steps=settings.steps(scale),
            seed=seed,
            vocab_size=curriculum.corpus.vocab_size,
            subject=scale.trains,
            settings=settings,
            memory_mb=self._memory_mb if settings.micro_batch == "auto" else 0,
        )

    def opener(self, task: Task, scale: Scale, sandbox: Sandbox) -> Opener:
        """Starts guests with a task."""
        return Opener(sandbox, task, self.curriculum(scale).corpus, self.limits(scale.tokens))

    def reference(
        self, scale: Scale, seed: int, sandbox: Sandbox, renew: bool = False
    ) -> Reference:
        """What the GPT reference needs at a scale; measured anew if asked for.

        Raises:
            SandboxError: The machine cannot measure it.
        """
        task = self.task(code(), scale, seed)
        measured = self._references.renew if renew else self._references.of
        return measured(task, scale, self.opener(task, scale, sandbox))

    def meter(self, scale: Scale, sandbox: Sandbox, tokens: int | None = None) -> Meter:
        """Measures time and memory; within the limits of so many tokens, or of the scale's."""
        limits = self.limits(scale.tokens if tokens is None else tokens)
        return Meter(sandbox, limits, scale)

    def limits(self, tokens: int) -> Limits:
        """Of a guest that trains on so many tokens."""
        return Limits(
            seconds=self._seconds + self._seconds_per_million * tokens / 1e6,
            memory_mb=self._memory_mb,
            threads=self.settings.threads,
            gpu=self.settings.accelerator is Accelerator.CUDA,
        )
