"""One verification: what is asked of which guest, and what is made of the answers.

Four guests, one after the other. The first tunes the design and is scored untrained; the second
trains it and sees nothing of the evaluation; the third is given what the second has learnt and is
scored; the fourth is audited. Only numbers of the trusted half's own making are scores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from genesys.measurements import Measurement
from genesys.records import CurvePoint, Scale
from genesys_verifiers.checkpoints.resumption import Checkpoint, Checkpoints
from genesys_verifiers.evaluation.examiner import Examiner
from genesys_verifiers.evaluation.judging import baseline, judge
from genesys_verifiers.evaluation.kept import Scores, kept
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.loggers import Log
from genesys_verifiers.monitors import Monitors
from genesys_verifiers.opening import Opener
from genesys_verifiers.reference import Reference
from genesys_verifiers.remote import Array, RemoteModel
from genesys_verifiers.settings import TOLERANCE, Settings, Size

CURVE_POINTS = 25


class Verification:
    """The stages of a verification, and what they have given so far.

    Args:
        open_: Starts guests with the design.
        scale: The scale.
        settings: How to train.
        reference: What the GPT reference needs at this scale.
        examiner: Scores models.
        checkpoints: Of the training; None for none.
        progress: Told of each point of the training curve, of one that goes on from where it does.
        log: Told of each step.

    Attributes:
        stage: What is under way, for a message.
        found: Fields of the report.
        weights: What the model has learnt, as pieces of safetensors, once it is trained.
        spent_before: Seconds of training in earlier processes.
    """

    def __init__(
        self,
        open_: Opener,
        scale: Scale,
        settings: Settings,
        reference: Reference,
        examiner: Examiner,
        checkpoints: Checkpoints | None,
        progress: Callable[[CurvePoint], None],
        log: Log,
    ) -> None:
        self.stage = "loading"
        self.found: dict[str, Any] = {}
        self._open, self._scale, self._settings = open_, scale, settings
        self._reference, self._examiner, self._progress = reference, examiner, progress
        self._checkpoints, self._log = checkpoints, log
        self.spent_before = 0.0
        self.weights: list[Array] = []
        self._history: list[tuple[float, float]] = []
        self._steps = settings.steps(scale)
        self._monitors = Monitors(reference.step_seconds, settings.most_step_ratio, self._steps)

    def run(self) -> None:
        """Go through all stages.

        Raises:
            DesignFaultError: The design cannot be tuned, trained or evaluated.
            genesys.errors.SandboxError: A guest could not be started.
        """
        with self._open() as model:
            model.load()
            size = self._tune(model)
            model.build(size.n_block, size.embed_dim)
            self.stage = "evaluation before training"
            untrained = baseline(model, self._examiner, self._kept(size))
        weights = self.weights = self._learn(size)
        self.stage = "evaluation"
        trained = partial(self._open.built, size.n_block, size.embed_dim, weights)
        self.found["scores"] = judge(trained, self._examiner, untrained, self._kept(size, weights))

    def _kept(self, size: Size, weights: Sequence[Array] = ()) -> Measurement[Scores]:
        """Where the scores of the model are once it has been scored."""
        shape = size.n_block, size.embed_dim
        return kept(self._examiner.key, self._open.task, shape, weights)

    def _tune(self, model: RemoteModel) -> Size:
        self.stage = "tuning"
        wanted = self._reference.parameters
        size = model.tune(self._scale.d_model, wanted)
        if abs(size.parameters - wanted) > TOLERANCE * wanted:
            raise DesignFaultError(f"{size.parameters} parameters instead of about {wanted}")
        if size.embed_dim > self._scale.d_model:
            raise DesignFaultError(f"width {size.embed_dim} is over {self._scale.d_model}")
        self.found |= size.model_dump()
        return size

    def _learn(self, size: Size) -> list[Array]:
        """The weights after all steps; training goes on from the checkpoint if there is one."""
        self.stage = "training, step 1"
        saved = self._checkpoints
        if saved and (kept := saved.read(size)):
            self._open.spend(kept.seconds)
            with self._open.trainee(size.n_block, size.embed_dim) as model:
                if self._goes_on(model, saved, kept):
                    return self._train(model, size, kept.seconds)
            self._open.spend(-kept.seconds)
        with self._open.trainee(size.n_block, size.embed_dim) as model:
            return self._train(model, size)

    def _goes_on(self, model: RemoteModel, saved: Checkpoints, kept: Checkpoint) -> bool:
        """Whether the guest could take the checkpoint in; the report is then as it was."""
        try:
            model.go_on(saved.pieces(kept), len(kept.history))
        except (DesignFaultError, OSError, ValueError) as error:
            saved.refuse(str(error))
            return False
        for step, measured in enumerate(kept.history, 1):
            point = self._record(step, *measured, seconds=0.0)
            self._log.step(point, is_past=True)
        self._progress(point)
        self._monitors.pause()
        self.spent_before = kept.seconds
        return True

    def _train(self, model: RemoteModel, size: Size, spent: float = 0.0) -> list[Array]:
        """Train; with checkpoints in between if the design takes long enough.

        Args:
            model: The model.
            size: Its size.
            spent: Seconds that training took before.
        """
        settings = self._open.task.settings
        self.found |= {
            "precision": settings.precision.value,
            "compiled": model.compiled,
            "note": model.note,
        }
        saved = self._checkpoints
        most = saved.seconds if saved else 0.0
        while True:
            started = time.perf_counter()
            self.found["micro_batch"] = model.train(self._on_step, most)
            seconds = time.perf_counter() - started
            spent += seconds
            if len(self._history) == self._steps:
                break
            if not saved or not 0 < most <= seconds:
                raise DesignFaultError(f"it ends before step {self._steps}")
            saved.write(size, self._history, spent, model.hand_over_state)
        self.found["tokens_per_second"] = self.found["tokens"] / max(spent, 1e-3)
        return model.weights()

    def _on_step(self, step: int, loss: float, grad_norm: float, seconds: float) -> None:
        point = self._record(step, loss, grad_norm, seconds)
        self._log.step(point)
        if self._is_on_curve(step):
            self._progress(point)

    def _record(self, step: int, loss: float, grad_norm: float, seconds: float) -> CurvePoint:
        """Check a step and add it to the report."""
        self.stage = f"training, step {step}"
        self._monitors.check(loss, grad_norm, seconds)
        if step > self._steps:
            raise DesignFaultError(f"only {self._steps} steps were asked for")
        self.stage = f"training, step {step + 1}"
        self._history.append((loss, grad_norm))
        tokens = self.found["tokens"] = step * self._settings.tokens_per_step
        point = CurvePoint(step=step, tokens=tokens, loss=loss, grad_norm=grad_norm)
        if self._is_on_curve(step):
            self.found["curve"] = [*self.found.get("curve", []), point]
        return point

    def _is_on_curve(self, step: int) -> bool:
        return step % max(1, self._steps // CURVE_POINTS) == 0 or step in {1, self._steps}
