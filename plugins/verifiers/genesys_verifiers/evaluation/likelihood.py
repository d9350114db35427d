"""Log-likelihoods of continuations, as lm-eval asks for them, from hidden states of a guest.

The guest is given what stands before a token and, in the same row, perhaps the token itself; which
position is asked for what, it is not told. Likelihoods are made here, so they add up to one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from genesys.errors import GenesysError
from genesys_verifiers.evaluation.plan import Array, Batch, Plan
from genesys_verifiers.evaluation.requests import Texts
from genesys_verifiers.faults import DesignFaultError

CELLS = 2**19  # logits at a time: what stays in a processor's cache

Scored = Sequence[tuple[Batch, Array]]
Ranked = tuple[Array, Array]


class Model(Protocol):
    """What a language model is asked here."""

    def head(self) -> Array:
        """The head's weight of shape (V, D)."""

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        """Hidden states of shape (N, D) at N places of ids of shape (B, L)."""


class Scorer:
    """Scores batches.

    Args:
        model: The model; its head is asked for before any tokens are shown.
    """

    def __init__(self, model: Model) -> None:
        self._model, self._head = model, model.head()

    def __call__(self, batch: Batch) -> Array:
        """Log-probabilities (nats) of the targets, of shape (N,).

        Raises:
            DesignFaultError: They are not finite.
        """
        return self.ranked(batch)[0]

    def ranked(self, batch: Batch) -> Ranked:
        """Log-probabilities of the targets, and whether each is the likeliest token there.

        Raises:
            DesignFaultError: They are not finite.
        """
        return self.asked(batch)()

    def asked(self, batch: Batch) -> Callable[[], Ranked]:
        """Ask the model; what comes back makes of its answer what :meth:`ranked` returns."""
        width = batch.ids.shape[1]
        places, owner = np.unique(batch.rows * width + batch.columns, return_inverse=True)
        hidden = self._model.hidden(batch.ids, places // width, places % width)
        return partial(self._ranked, batch, hidden, owner)

    def _ranked(self, batch: Batch, hidden: Array, owner: Array) -> Ranked:
        found, best = np.empty(len(owner)), np.empty(len(owner), dtype=bool)
        order = np.argsort(owner, kind="stable")
        size = max(1, CELLS // len(self._head))
        for start in range(0, len(hidden), size):
            first, last = np.searchsorted(owner[order], [start, start + size])
            asked = order[first:last]
            piece, which = hidden[start : start + size], owner[asked] - start
            found[asked], best[asked] = self._piece(piece, which, batch.targets[asked])
        if not np.isfinite(found).all():
            raise DesignFaultError("the likelihoods are not finite")
        return found, best

    def _piece(self, hidden: Array, which: Array, targets: Array) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            logits = hidden @ self._head.T
            likeliest = logits.argmax(axis=1)
            logits -= logits[np.arange(len(logits)), likeliest, None]
            chosen = logits[which, targets].astype(np.float64)
            np.exp(logits, out=logits)
            return chosen - np.log(logits.sum(axis=1))[which], likeliest[which] == targets


class LikelihoodModel(LM):  # type: ignore[misc]
    """An lm-eval model.

    Args:
        model: The model.
        plan: Says what to ask so that requests are answered, from their texts. Cache it where the
            same requests come again.
        threads: That make likelihoods while the model is asked for the next batch.

    Attributes:
        scored: All batches so far, each with the log-probabilities that were found.
    """

    def __init__(
        self, model: Model, plan: Callable[[tuple[Texts, ...]], Plan], threads: int = 1
    ) -> None:
        super().__init__()
        self._scorer, self._plan, self._threads = Scorer(model), plan, threads
        self.scored: list[tuple[Batch, Array]] = []

    def answer(self, requests: Sequence[Instance]) -> list[Any]:
        """Answers to requests of all kinds, in their order, as lm-eval has them."""
        plan = self._plan(tuple(request.args for request in requests))
        found = self._found(plan.batches)
        self.scored += [(batch, logs) for batch, (logs, _) in zip(plan.batches, found, strict=True)]
        answers = zip(requests, *plan.collect(found), strict=True)
        return [
            (float(total), bool(best)) if len(request.args) > 1 else float(total)
            for request, total, best in answers
        ]

    def _found(self, batches: Sequence[Batch]) -> list[Ranked]:
        """What is found for each batch; few hidden states are held at a time."""
        found: list[Ranked] = []
        pending: deque[Future[Ranked]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for batch in batches:
                pending.append(pool.submit(self._scorer.asked(batch)))
                if len(pending) > self._threads:
                    found.append(pending.popleft().result())
        return [*found, *(future.result() for future in pending)]

    def loglikelihood(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[tuple[float, bool]]:
        """Log-probability (nats) of each continuation, and whether each token is the likeliest."""
        return self.answer(requests)

    def loglikelihood_rolling(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Log-probability (nats) of each text, in windows that see one token before them."""
        return self.answer(requests)

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """Not supported.

        Raises:
            GenesysError: Always; it names the task.
        """
        raise no_generation(str(requests[0].task_name))


def no_generation(task: str) -> GenesysError:
    """What to say of a task that wants text."""
    return GenesysError(
        f"Task {task!r} lets the model write text; genesys evaluates by likelihood only. Take it "
        "out of the task set."
    )
