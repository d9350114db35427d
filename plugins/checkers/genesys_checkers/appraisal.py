"""The rules of the effectiveness check, for one design in one guest."""

from __future__ import annotations

from statistics import fmean

from genesys.records import ErrorKind
from genesys_checkers.block import Block
from genesys_checkers.bounds import Bounds
from genesys_checkers.cost import LENGTH, Cost, Stopwatch, count, exponent, slowest, texts
from genesys_checkers.faults import Fault
from genesys_checkers.learning import Learner, Step, classed

# Steps after which the memory of a step is known, and its time well enough to doubt it.
SAMPLES = 3
# Below this no memory is too much, whatever the GPT seed takes.
MEMORY_FLOOR_MB = 256
MOST_ALLOWANCE = 4.0
COUNTED, TIMED = (LENGTH, 2 * LENGTH), (512, 1024)
# Counts of what is quadratic grow with L to the power of 2 at most. Its time may grow faster while
# its matrices outgrow the processor's caches.
MOST_COUNTED, MOST_TIMED = 2.3, 2.8
TIMED_ROUNDS = (2, 4)
SCALING_HINT = (
    "Do not multiply (L, L) matrices with each other, nor compute one for each position: compare "
    "all pairs of positions a constant number of times at most."
)


class Appraisal:
    """A design's model beside the GPT seed's.

    A block with more parameters than the seed's may cost more in proportion, as tuning takes fewer
    of them; up to a bound, since how many there are is what the guest says.

    Args:
        block: The design's.
        bounds: What is allowed.
        reference: What the seed costs.

    Attributes:
        notes: What was measured, for a person.
    """

    def __init__(self, block: Block, bounds: Bounds, reference: Cost) -> None:
        self._block, self._bounds, self._reference = block, bounds, reference
        with classed(ErrorKind.INITIALIZATION):
            parameters = block.build(bounds.width, bounds.blocks)
        self._learner = Learner(block)
        self.notes: list[str] = []
        self._allowance = min(max(1.0, parameters / reference.parameters), MOST_ALLOWANCE)

    def check_work(self) -> None:
        """Count what is computed at two lengths.

        Raises:
            Fault: It grows faster than quadratically with L, or FLOPs are too many.
        """
        at, twice = (count(self._block, self._bounds.width, length) for length in COUNTED)
        power = max(exponent(at.flops, twice.flops), exponent(at.elements, twice.elements))
        ratio, allowed = at.flops / self._reference.flops, self._bounds.flop_ratio * self._allowance
        self.notes.append(f"FLOPs: {ratio:.2f} of the GPT seed's; work grows with L ** {power:.2f}")
        unit = self._block.unit(twice.unit)
        if power > MOST_COUNTED:
            raise Fault(
                f"What is computed grows with L to the power of {power:.1f}; at most quadratic "
                "growth is allowed.",
                unit,
                SCALING_HINT,
                kind=ErrorKind.SCALING,
            )
        if ratio > allowed:
            raise Fault(
                f"The block takes {ratio:.2f} times the FLOPs of the GPT seed at the same width; "
                f"{allowed:.2f} times is allowed.",
                unit,
                "Lower the cost, e.g. by smaller inner widths.",
                kind=ErrorKind.COST,
            )

    def train(self, patient: bool) -> bool:
        """Take all steps; says whether it did, or gave up on a model that looks too slow.

        Args:
            patient: Whether to go on whatever a step takes.

        Raises:
            Fault: The loss is not finite or does not fall, the gradient is too large, or a step
                takes too much memory.
        """
        losses: list[float] = []
        seconds: list[float] = []
        batches = texts(self._bounds.steps)
        for text in batches:
            step = self._learner.step(text)
            losses.append(step.loss)
            seconds.append(step.seconds)
            self._check_gradient(step, len(losses))
            if len(seconds) == SAMPLES:
                self._check_memory()
                if not patient and self.slowness(min(seconds)) > 1:
                    return False
        # The mean, since a block may be slow now and then; the first step takes longer in all.
        if not patient and self.slowness(fmean(seconds[1:])) > 1:
            return False
        self._check_loss(losses, self._learner.loss(batches[0]))
        return True

    def step_seconds(self) -> float:
        """CPU time of a step, the mean of some after the first."""
        return fmean([self._learner.step(text).seconds for text in texts(2 * SAMPLES)][1:])

    def slowness(self, seconds: float, reference: float | None = None) -> float:
        """How long a step takes beside what is allowed: above 1 it takes too long."""
        ratio = seconds / (reference or self._reference.seconds)
        self.notes.append(f"time of a step: {ratio:.1f} of the GPT seed's")
        return ratio / self.most_time

    @property
    def most_time(self) -> float:
        """Most time of a step, in steps of the GPT seed."""
        return self._bounds.step_time_ratio * self._allowance

    def check_growth(self) -> None:
        """Compare the times at two lengths, again while they are in doubt.

        Raises:
            Fault: They grow faster than quadratically with L.
        """
        watch = Stopwatch(self._block, self._bounds.width, TIMED)
        for rounds in TIMED_ROUNDS:
            for _ in range(rounds):
                watch.measure()
            power = exponent(*watch.seconds)
            if power <= MOST_TIMED:
                return
        self.notes.append(f"time: growing with L ** {power:.1f} from L = {TIMED[0]}")
        raise Fault(
            f"Time grows faster than quadratically with L, from {TIMED[0]} to {TIMED[1]}.",
            slowest(self._block, self._bounds.width, TIMED[0]),
            SCALING_HINT,
            kind=ErrorKind.SCALING,
        )

    def _check_gradient(self, step: Step, count: int) -> None:
        norm = "not finite" if step.norm is None else f"{step.norm:.3g}"
        self.notes.append(f"step {count}: loss {step.loss:.3f}, gradient norm {norm}")
        if step.norm is None:
            raise Fault(
                f"The gradient is not finite at step {count} of training.",
                step.unit,
                "Bound what is divided by, take no root or norm of zero, and mask before, not "
                "after, what may overflow.",
                kind=ErrorKind.DIVERGENCE,
            )
        if step.norm > self._bounds.max_grad_norm:
            raise Fault(
                f"The gradient norm is {norm} at step {count} of training; at most "
                f"{self._bounds.max_grad_norm:.3g} is allowed.",
                step.unit,
                "Normalise what grows, or start from smaller weights.",
                kind=ErrorKind.DIVERGENCE,
            )

    def _check_memory(self) -> None:
        ratio = self._bounds.memory_ratio * self._allowance
        taken, theirs = self._block.peak_memory_mb(), self._reference.memory_mb
        self.notes.append(f"memory: {taken:.0f} MiB, the GPT seed {theirs:.0f} MiB")
        if taken > max(ratio * theirs, MEMORY_FLOOR_MB):
            raise Fault(
                f"A step takes more than {ratio:.1f} times the memory of the GPT seed's at the "
                "same width.",
                hint="Do not hold a tensor of size D or more for each pair of positions, nor a "
                "state for each position.",
                kind=ErrorKind.MEMORY,
            )

    def _check_loss(self, losses: list[float], again: float) -> None:
        """Neither the last steps nor the first text show that anything was learnt."""
        last = sum(losses[-3:]) / 3
        if min(last, again) >= losses[0]:
            raise Fault(
                f"The loss does not fall in {len(losses)} steps: from {losses[0]:.3f} to "
                f"{last:.3f} nats.",
                hint="Let X reach the output, e.g. through a residual, and start from weights of "
                "usual size.",
                kind=ErrorKind.NO_LEARNING,
            )
