"""Tokens per second, share of the GPU's peak, and memory of the seeds in training, as a table.

Each seed is tuned to each scale and trained on random tokens in a guest of the sandbox, as a
verification does it; the first steps do not count. A step takes three times the operations of a
forward pass, which are those of torch's counter for the blocks and two for each entry of the head's
weight. Its share is of the peak that NVIDIA states for dense bfloat16 products, and is left out for
GPUs that are not in the list here, for float32, and on CPUs. Memory of a GPU is what torch held.

    python benchmarks/gpu.py [--scales 14M 31M 70M 125M 350M] [--seeds gpt2 mamba2 ...] [--steps 50]
    python benchmarks/gpu.py --accelerator cpu --ladder nano --scales 0.1M 0.3M 1M
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from genesys.cli.config import compose
from genesys.evolution.run import ladder_of
from genesys.gau.compose import compose as compose_block
from genesys.gau.folder import load_tree
from genesys.records import Scale
from genesys.resources import resource
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.acceleration import Acceleration
from genesys_verifiers.efficiency.meter import ENTRY, MeasuredModel
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.settings import Accelerator, Settings, Size, Task, token_type

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
VERIFIERS = {"paper": "lightning_paper", "nano": "lightning"}
VOCABULARIES = {"paper": 32_000, "nano": 2_048}
WARM_UP = 5
# TFLOP/s of dense bfloat16, by a part of the device's name; the more special come first.
PEAKS = {
    "B200": 2250,
    "H200": 989,
    "H100 PCIe": 756,
    "H100": 989,
    "A100": 312,
    "L40S": 362,
    "L4": 121,
    "A10": 125,
    "RTX 4090": 165,
}


class Found(NamedTuple):
    """What training took: its size, tokens per second, most MiB, sequences in memory at a time."""

    size: Size
    speed: float
    memory_mb: float
    micro_batch: int


class Bench:
    """Measures seeds at the scales of a ladder.

    Args:
        sandbox: Where they run.
        ladder: Name of the ladder.
        changes: Of the settings that go with it.
        steps: That count.
    """

    def __init__(self, sandbox: Sandbox, ladder: str, changes: dict[str, Any], steps: int) -> None:
        config = compose([f"ladder={ladder}", f"verifier={VERIFIERS[ladder]}"])
        verifier: dict[str, Any] = config["verifier"]
        told = {name: verifier[name] for name in Settings.model_fields if name in verifier}
        self.settings = Settings.model_validate(told | changes)
        self.scales = {scale.name: scale for scale in ladder_of(config["ladder"]).scales}
        self.vocabulary, self._steps = VOCABULARIES[ladder], WARM_UP + steps
        self._sandbox, self._memory_mb = sandbox, int(verifier["memory_mb"])

    def measure(self, seed: str, scale: Scale, text: Path) -> Found:
        """Train a seed at a scale on the tokens of a folder.

        Raises:
            DesignFaultError: It cannot be trained.
        """
        task = Task(
            block=compose_block(load_tree(resource("seeds") / seed)),
            learning_rate=scale.learning_rate,
            steps=self._steps,
            seed=0,
            vocab_size=self.vocabulary,
            train_folder=str(text),
            settings=self.settings,
            memory_mb=self._memory_mb,
        )
        limits = Limits(
            seconds=24 * 3600,
            memory_mb=self._memory_mb,
            threads=self.settings.threads,
            readable=[str(text)],
            gpu=self.settings.accelerator is Accelerator.CUDA,
        )
        job = Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)
        with self._sandbox.open(job) as guest:
            model = MeasuredModel(guest, self.vocabulary, self._memory_mb, self.settings)
            model.load()
            size = model.tune(scale.d_model, _reference(scale))
            model.build(size.n_block, size.embed_dim)
            ends: list[float] = []
            micro_batch = model.train(lambda *_: ends.append(time.perf_counter()))
            taken = ends[-1] - ends[WARM_UP - 1]
            speed = (len(ends) - WARM_UP) * self.settings.tokens_per_step / taken
            return Found(size, speed, model.most_memory(), micro_batch)


def _reference(scale: Scale) -> int:
    """Non-embedding parameters of the GPT reference."""
    from genesys_verifiers.tuning.sizing import Sizing

    code = compose_block(load_tree(resource("seeds") / "gpt2"))
    return Sizing(code, 64).parameters(scale.n_block, scale.d_model)


def row(bench: Bench, seed: str, scale: Scale, found: Found, peak: float | None) -> str:
    """A row of the table."""
    size, speed = found.size, found.speed
    operations = 3 * (size.flops + 2 * bench.vocabulary * size.embed_dim)
    share = f"{operations * speed / (peak * 1e12):.1%}" if peak else "–"
    shape = f"{size.n_block} x {size.embed_dim}"
    return (
        f"| {scale.name} | {seed} | {shape} | {found.micro_batch} | {speed:,.0f} | {share} "
        f"| {found.memory_mb:,.0f} |"
    )


def rows(bench: Bench, seeds: list[str], scales: list[str], peak: float | None) -> Iterator[str]:
    """The rows of the table, as they come."""
    with TemporaryDirectory() as folder:
        kind = token_type(bench.vocabulary)
        tokens = np.random.default_rng(0).integers(bench.vocabulary, size=2**22)
        tokens.astype(kind).tofile(Path(folder) / "train.bin")
        for scale in (bench.scales[name] for name in scales):
            for seed in seeds:
                try:
                    yield row(bench, seed, scale, bench.measure(seed, scale, Path(folder)), peak)
                except DesignFaultError as fault:
                    yield f"| {scale.name} | {seed} | {fault} | | | | |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accelerator", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--ladder", choices=list(VERIFIERS), default="paper")
    parser.add_argument("--scales", nargs="+", default=["14M", "31M", "70M", "125M", "350M"])
    parser.add_argument("--seeds", nargs="+", choices=SEEDS, default=list(SEEDS))
    parser.add_argument("--precision", choices=["float32", "bf16"])
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    on_gpu = options.accelerator == "cuda"
    precision = options.precision or ("bf16" if on_gpu else "float32")
    changes = {"precision": precision, "accelerator": options.accelerator}
    with Sandbox() as sandbox:
        Acceleration(Accelerator(options.accelerator)).settle(sandbox)
        device = sandbox.devices[0].name if on_gpu else "CPU"
        peak = next((peak for name, peak in PEAKS.items() if name in device), None)
        bench = Bench(sandbox, options.ladder, changes, options.steps)
        print(f"{device}, {precision}, {options.steps} steps of {bench.settings.tokens_per_step:,}")
        print("\n| scale | design | size | sequences | tokens/s | of the peak | MiB |")
        print("|---|---|---|---|---|---|---|")
        for line in rows(
            bench, options.seeds, options.scales, peak if precision == "bf16" else None
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
