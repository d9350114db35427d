"""The effectiveness check of the worker; goes with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from genesys.gau import GAM
from genesys_checkers.faults import Fault
from genesys_checkers.subject import Subject, loss_of, tokens
from genesys_checkers.text import batches as drawn

SHAPE = (4, 257)
LEARNING_RATE = 3e-3
# Rounds of timing: few, and more only where a design looks slow.
ROUNDS = (2, 4, 8)


def check_effectiveness(subject: Subject) -> None:
    """Compare the cost of a step with the GPT seed's, then train for some steps.

    A block with more parameters than the seed's may cost more in proportion: tuning takes fewer
    of them.

    Raises:
        Fault: A step costs too much, the loss does not fall, or the gradient explodes.
    """
    model, reference = subject.model(subject.width), subject.reference()
    allowance = max(1.0, model.non_embedding_parameters() / reference.non_embedding_parameters())
    _check_flops(model, reference, subject.settings.flop_ratio * allowance)
    _check_time(model, reference, subject.settings.step_time_ratio * allowance)
    _check_training(subject)


def _check_flops(model: GAM, reference: GAM, allowed: float) -> None:
    ours, theirs = _flops(model), _flops(reference)
    print(f"FLOPs of a step: {ours:.3g}, the GPT seed {theirs:.3g}")
    if ours > allowed * theirs:
        raise Fault(
            f"A step takes {ours / theirs:.1f} times the FLOPs of the GPT seed at the same width; "
            f"{allowed:.1f} times is allowed.",
            hint="Lower the cost, e.g. by smaller inner widths.",
        )


def _check_time(model: GAM, reference: GAM, allowed: float) -> None:
    """Compare best CPU times of interleaved runs, so that the load of the machine cancels."""
    ours = theirs = math.inf
    for rounds in ROUNDS:
        for _ in range(rounds):
            theirs = min(theirs, _seconds(lambda: _step(reference)))
            ours = min(ours, _seconds(lambda: _step(model)))
        if ours <= allowed * theirs:
            break
    # Measured times are printed only: messages are kept, and equal runs keep equal ones.
    print(f"CPU seconds of a step: {ours:.3g}, the GPT seed {theirs:.3g}")
    if ours <= allowed * theirs:
        return
    raise Fault(
        f"A step takes more than {allowed:.1f} times as long as the GPT seed's at the same width.",
        hint="Process positions in parallel or in chunks, not one by one.",
    )


def _check_training(subject: Subject) -> None:
    model = subject.model(subject.width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, foreach=True)
    losses: list[float] = []
    for step, drawn_ids in enumerate(drawn(subject.settings.steps, 8, 129)):
        ids = torch.from_numpy(drawn_ids)
        loss = loss_of(model, ids)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        losses.append(loss.item())
        print(f"step {step}: loss {losses[-1]:.3f}, gradient norm {norm:.3g}")
        if not math.isfinite(losses[-1]):
            raise Fault(f"The loss is {losses[-1]} at step {step} of training.")
        if not norm <= subject.settings.max_grad_norm:
            raise Fault(
                f"The gradient norm is {norm:.3g} at step {step} of training; at most "
                f"{subject.settings.max_grad_norm:.3g} is allowed.",
                hint="Normalise what grows, or start from smaller weights.",
            )
        optimizer.step()
    if sum(losses[-3:]) / 3 >= losses[0]:
        raise Fault(
            f"The loss does not fall in {len(losses)} steps: from {losses[0]:.3f} to "
            f"{losses[-1]:.3f} nats.",
        )


def _step(model: GAM) -> None:
    model.zero_grad()
    loss_of(model, tokens(*SHAPE)).backward()  # type: ignore[no-untyped-call]


def _seconds(action: Callable[[], None]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def _flops(model: GAM) -> int:
    with FlopCounterMode(display=False) as counter:
        _step(model)
    return int(counter.get_total_flops())
