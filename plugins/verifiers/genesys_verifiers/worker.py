"""Tunes, trains and evaluates one design. Runs only inside a sandbox worker.

The host of the sandbox imports this module once, so that jobs do not wait for Lightning or lm-eval.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from genesys.gau.load import BLOCK_FILE, load_block
from genesys.gau.model import GAM
from genesys.records import CurvePoint
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.data import Batches
from genesys_verifiers.evaluate import Evaluator
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.monitors import Monitors
from genesys_verifiers.settings import Outcome, Task
from genesys_verifiers.training import CURVE_POINTS, Schedule, Step, fit, loss_of
from genesys_verifiers.tuner import Size, Tuner

Emit = Callable[[dict[str, Any]], None]

REFERENCE_STEPS = 4


def run(payload: dict[str, Any], emit: Emit, scratch: str) -> dict[str, Any]:
    """Entry of the sandbox job: a :class:`Task` in, an :class:`Outcome` out.

    Emits ``{"begun": True}`` before it loads the design, then ``{"point": CurvePoint}`` while it
    trains. Whatever the generated code raises is the design's fault; what fails before it is
    touched is raised, and is the machine's.
    """
    task = Task.model_validate(payload)
    torch.set_num_threads(task.settings.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    verification = _Verification(task, emit)
    try:
        verification.run()
    except DesignFaultError as fault:
        verification.outcome.fault = str(fault)
    except BaseException as error:  # generated code raises what it likes, SystemExit too
        verification.outcome.fault = f"{verification.stage}: {_describe(error)}"[:4000]
    return verification.outcome.model_dump()


class _Verification:
    """The stages of one verification, and what they have given so far."""

    def __init__(self, task: Task, emit: Emit) -> None:
        self.outcome, self.stage = Outcome(), "loading"
        self._task, self._emit, self._settings = task, emit, task.settings
        self._corpus = Corpus(Path(task.corpus))
        self._tokenizer = Tokenizer.from_file(str(self._corpus.tokenizer_file))
        self._evaluator = Evaluator(
            self._corpus.tasks_folder, self._tokenizer, self._settings.sequence_length
        )
        self._vocab_size = self._tokenizer.get_vocab_size()
        self._per_step = self._settings.tokens_per_step
        self._steps = self._settings.tokens(task.scale) // self._per_step
        reference = load_block(task.reference, "reference")
        scale = task.scale
        length = self._settings.sequence_length
        tuner = Tuner(reference.GAB, reference.gab_config, length)
        self._reference_size = Size(
            scale.n_block, scale.d_model, tuner.parameters(scale.n_block, scale.d_model)
        )
        self._monitors = Monitors(
            self._reference_seconds(reference), self._settings.most_step_ratio
        )

    def run(self) -> None:
        self._emit({"begun": True})  # from here on what goes wrong is the design's fault
        block = load_block(self._task.block)
        self.stage = "tuning"
        tuner = Tuner(block.GAB, block.gab_config, self._settings.sequence_length)
        size = tuner.tune(self._reference_size.embed_dim, self._reference_size.parameters)
        outcome = self.outcome
        outcome.n_block, outcome.embed_dim = size.n_block, size.embed_dim
        outcome.parameters = size.parameters
        torch.manual_seed(self._task.seed)
        model = self._model(block, size)
        self.stage = "evaluation before training"
        untrained = {score.task: score.value for score in self._evaluator(model)}
        self._train(model)
        self.stage = "evaluation"
        outcome.scores = [
            score.model_copy(update={"untrained": untrained[score.task]})
            for score in self._evaluator(model)
        ]

    def _model(self, block: Any, size: Size) -> GAM:
        return GAM(block.GAB, size.embed_dim, size.n_block, self._vocab_size, block.gab_config)

    def _train(self, model: GAM) -> None:
        self.stage = "training, step 1"
        torch.manual_seed(self._task.seed)  # for dropout, whatever the evaluation drew
        started = time.perf_counter()
        schedule = Schedule(
            learning_rate=self._task.scale.learning_rate,
            steps=self._steps,
            warmup=self._settings.warmup,
            floor=self._settings.floor,
            weight_decay=self._settings.weight_decay,
            clip=self._settings.clip,
        )
        fit(model, self._batches(self._steps), schedule, self._on_step)
        self.outcome.train_seconds = time.perf_counter() - started

    def _on_step(self, step: Step, seconds: float) -> None:
        self.stage = f"training, step {step.number + 1}"
        self._monitors.check(step.number, step.loss, step.grad_norm, seconds)
        self.outcome.tokens = step.number * self._per_step
        every = max(1, self._steps // CURVE_POINTS)
        if step.number % every == 0 or step.number in {1, self._steps}:
            point = CurvePoint(
                step=step.number,
                tokens=self.outcome.tokens,
                loss=step.loss,
                grad_norm=step.grad_norm,
            )
            self.outcome.curve.append(point)
            self._emit({"point": point.model_dump()})

    def _batches(self, steps: int) -> Batches:
        settings = self._settings
        return Batches(
            self._corpus.train_file,
            steps,
            settings.batch_size,
            settings.sequence_length,
            self._task.seed,
        )

    def _reference_seconds(self, reference: Any) -> float:
        """Processor time of one training step of the GPT reference, the least of a few."""
        model = self._model(reference, self._reference_size)
        times = []
        for batch in self._batches(REFERENCE_STEPS):
            started = time.process_time()
            torch.autograd.backward(loss_of(model, batch))
            times.append(time.process_time() - started)
        return min(times)


def _describe(error: BaseException) -> str:
    """The error, and the last line of generated code that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f" ({frame.name}: {frame.line})" for frame in frames if frame.filename == BLOCK_FILE]
    try:
        text = str(error)
    except BaseException:  # it is the design's own
        text = "it cannot be printed"
    return f"{type(error).__name__}: {text}{where[-1] if where else ''}"
