"""What a design takes in time and memory, training and reading, at several lengths.

The guest only runs passes: time and memory are those that are seen from outside. Only the memory of
a GPU, and what a further token adds, are what the guest says, which can count the bytes of tensors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from genesys.errors import GenesysError, SandboxError
from genesys.records import Benchmark, Efficiency, Scale
from genesys.sandbox import GuestEnded, Job, Limits, Sandbox
from genesys_verifiers.claims import Memory, plain
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import started
from genesys_verifiers.reference import REFERENCE, Reference
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Settings, Task

ENTRY = "genesys_verifiers.efficiency.guest:EfficiencyGuest"
REPEATS = 5


def shapes(settings: Settings, lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Rows and length of what is measured.

    There are as many tokens at each length, no fewer than training has in memory at a time.
    """
    at_once = settings.at_a_time or settings.batch_size
    tokens = max(at_once * settings.sequence_length, *lengths)
    return [(tokens // length, length) for length in lengths]


class MeasuredModel(RemoteModel):
    """Has the guest run passes, and tells what they took.

    Raises:
        DesignFaultError: The design cannot do it.
    """

    def learn(self, rows: int, length: int) -> tuple[float, float]:
        """Seconds of a training step on tokens of shape (rows, length), and most memory in MiB."""
        return self._measure(lambda: self._call("learn", rows=rows, length=length))

    def read(self, rows: int, length: int) -> tuple[float, float]:
        """Seconds of a forward pass on tokens of shape (rows, length), and most memory in MiB."""
        return self._measure(lambda: self._call("read", rows=rows, length=length))

    def bytes_per_token(self, length: int) -> float:
        """How much more a forward pass holds per token of the second half of a sequence."""
        half = length // 2
        less, more = (plain(Memory, self._call("held", length=n)).memory_mb for n in (half, length))
        return (more - less) * 2**20 / (length - half)

    def _measure(self, run: Callable[[], object]) -> tuple[float, float]:
        """The best time after a first pass, which pays for more than itself."""
        run()
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
        return min(times), self.most_memory()

    def most_memory(self) -> float:
        """In MiB, since this was last asked."""
        if self._on_gpu:
            return plain(Memory, self._call("gpu_memory")).memory_mb
        try:
            return self._guest.peak_memory_mb()
        except GuestEnded as error:
            raise DesignFaultError(error.message) from None


class Meter:
    """Measures designs beside the GPT reference.

    Args:
        sandbox: Where they run.
        limits: Of a guest.
        scale: Whose sizes they have.

    Attributes:
        scale: The same.
        size: Number of blocks and width of the reference.
    """

    def __init__(self, sandbox: Sandbox, limits: Limits, scale: Scale) -> None:
        self._sandbox, self._limits, self.scale = sandbox, limits, scale
        self.size = scale.n_block, scale.d_model

    def benchmark(self, task: Task, reference: Reference) -> Benchmark:
        """What the reference takes on batches as in training.

        Args:
            task: With the reference's block.
            reference: What is known of it.

        Raises:
            SandboxError: It does not run, so the machine is at fault.
        """
        scale, settings = self.scale, task.settings
        shape = settings.batch_size, settings.sequence_length
        found = self.measure(REFERENCE, task, self.size, *shape)
        if found.error:
            raise SandboxError(f"The GPT reference does not run: {found.error}")
        return Benchmark(
            scale=scale.name,
            n_block=scale.n_block,
            embed_dim=scale.d_model,
            parameters=reference.parameters,
            step_seconds=reference.step_seconds,
            precision=settings.precision.value,
            tokens_per_second=found.train_tokens_per_second,
            memory_mb=found.train_memory_mb,
        )

    def compare(
        self,
        reference: Task,
        design: tuple[str, Task],
        parameters: int,
        lengths: Sequence[int],
    ) -> Iterator[Efficiency]:
        """The reference and a design by turns.

        Args:
            reference: With the reference's block.
            design: Name of the design, and the same with its block.
            parameters: Of the reference.
            lengths: Tokens of the sequences.

        Raises:
            GenesysError: The design cannot be given a size, or the machine is at fault.
        """
        name, task = design
        try:
            with self._open(task) as model:
                model.load()
                tuned = model.tune(self.scale.d_model, parameters)
        except DesignFaultError as fault:
            raise GenesysError(f"{name} cannot be measured: {fault}") from None
        for shape in shapes(task.settings, lengths):
            yield self.measure(REFERENCE, reference, self.size, *shape)
            yield self.measure(name, task, (tuned.n_block, tuned.embed_dim), *shape)

    def measure(
        self, design: str, task: Task, size: tuple[int, int], rows: int, length: int
    ) -> Efficiency:
        """Measure one design.

        Args:
            design: Its name.
            task: With its block.
            size: Number of blocks, and width.
            rows: Sequences at a time.
            length: Tokens of each, at least two.

        Raises:
            SandboxError: The machine is at fault.
        """
        empty = Efficiency(design=design, length=length, rows=rows)
        try:
            with self._open(task) as model:
                model.load()
                model.build(*size)
                # Reading comes first: it needs less, and what training took is not given back.
                read, read_memory = model.read(rows, length)
                learn, learn_memory = model.learn(rows, length)
                bytes_per_token = model.bytes_per_token(length)
        except DesignFaultError as fault:
            return empty.model_copy(update={"error": str(fault)})
        return empty.model_copy(
            update={
                "prefill_tokens_per_second": rows * length / read,
                "prefill_memory_mb": read_memory,
                "prefill_bytes_per_token": bytes_per_token,
                "train_tokens_per_second": rows * length / learn,
                "train_memory_mb": learn_memory,
            }
        )

    @contextmanager
    def _open(self, task: Task) -> Iterator[MeasuredModel]:
        job = Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=self._limits)
        with started(self._sandbox, job) as guest:
            yield MeasuredModel(guest, task.vocab_size, self._limits.memory_mb, task.settings)
