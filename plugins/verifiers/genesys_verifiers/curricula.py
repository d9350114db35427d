"""What a scale trains on, and what its models are scored by."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from genesys_verifiers.corpus import Corpus, CorpusConfig, prepare
from genesys_verifiers.probes.source import ProbeSource
from genesys_verifiers.settings import Settings
from genesys_verifiers.tasks.config import TaskSet
from genesys_verifiers.tasks.probes import LENGTH, PROBES

if TYPE_CHECKING:
    from genesys_verifiers.evaluation.examiner import Examiner

# Sequences of each probe in a step of training.
EACH = 8


class Curriculum(Protocol):
    """Of one subject."""

    def settings(self, settings: Settings) -> Settings:
        """How to train.

        Args:
            settings: How to train on text.
        """

    @property
    def corpus(self) -> Corpus:
        """What guests may train on, and what is held out; built at first use.

        Raises:
            GenesysError: The cache cannot be written, or there is too little text.
        """

    @property
    def examiner(self) -> Examiner:
        """What scores models.

        Raises:
            GenesysError: The tasks cannot be loaded.
        """


class Text:
    """Text of a corpus, and tasks of lm-eval.

    Args:
        config: Of the corpus.
        tasks: The task set.
        length: Longest text to be scored at once, in tokens.
        threads: For the scores.
    """

    def __init__(self, config: CorpusConfig, tasks: TaskSet, length: int, threads: int) -> None:
        self._config, self._tasks = config, tasks
        self._length, self._threads = length, threads

    def settings(self, settings: Settings) -> Settings:
        """The same."""
        return settings

    @cached_property
    def corpus(self) -> Corpus:
        """See :class:`Curriculum`."""
        return prepare(self._config)

    @cached_property
    def examiner(self) -> Examiner:
        """See :class:`Curriculum`."""
        from genesys_verifiers.evaluation.evaluate import Evaluator

        return Evaluator(self.corpus, self._length, self._tasks, self._threads)


class Probes:
    """The probes, all of them in one model."""

    def settings(self, settings: Settings) -> Settings:
        """With the shape of the sequences; optimiser, precision and the like are the same."""
        shape = {"sequence_length": LENGTH, "batch_size": EACH * len(PROBES), "micro_batch": None}
        return settings.model_copy(update=shape)

    @cached_property
    def corpus(self) -> Corpus:
        """See :class:`Curriculum`."""
        return prepare(ProbeSource())

    @cached_property
    def examiner(self) -> Examiner:
        """See :class:`Curriculum`."""
        from genesys_verifiers.probes.evaluator import ProbeEvaluator

        return ProbeEvaluator(self.corpus)
