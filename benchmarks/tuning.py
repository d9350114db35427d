"""Tuning the size of a design to the 125M scale, against one real initialisation of that model.

Tuning counts parameters and floating-point operations and tries a forward pass, see
``genesys_verifiers.tuning.tuner``. Both take turns in one run, on one thread; times are processor
time.
With --sizes, all seeds are tuned to the large scales, with the memory that this takes.

    python benchmarks/tuning.py [--rounds 5] [--sizes]
"""

from __future__ import annotations

import argparse
import resource as usage
import statistics
import time
from collections.abc import Callable

import torch

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys_verifiers.tuning.tuner import Tuner

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
SCALES = {"125M": (12, 768), "350M": (24, 1024), "1.3B": (24, 2048)}
VOCABULARY, LENGTH = 32_000, 2_048
MOST_RATIO = 0.15


def code(seed: str) -> str:
    return compose(load_tree(resource("seeds") / seed))


def reference(scale: str) -> int:
    """Parameters of the GPT reference."""
    return Tuner(code("gpt2"), LENGTH).parameters(*SCALES[scale])


def initialise(block: str) -> None:
    module = load_block(block)
    n_block, width = SCALES["125M"]
    GAM(module.GAB, width, n_block, VOCABULARY, module.gab_config)


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def print_sizes() -> None:
    print("| scale | seed | blocks | width | parameters, M | MFLOPs per token | seconds |")
    print("|---|---|---|---|---|---|---|")
    for scale, (_, width) in SCALES.items():
        wanted = reference(scale)
        for seed in SEEDS:
            started = time.process_time()
            size = Tuner(code(seed), LENGTH).tune(width, wanted)
            taken = time.process_time() - started
            counts = (f"{count / 1e6:.1f}" for count in (size.parameters, size.flops))
            cells = (scale, seed, size.n_block, size.embed_dim, *counts, f"{taken:.2f}")
            print("|", " | ".join(map(str, cells)), "|")
    print(f"\nmost memory: {usage.getrusage(usage.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", action="store_true", help="tune all seeds to the large scales")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.sizes:
        print_sizes()
        return
    block, wanted = code("gpt2"), reference("125M")

    def tune() -> None:
        Tuner(block, LENGTH).tune(SCALES["125M"][1], wanted)

    tune()  # what torch loads at first use
    rounds = [(seconds(tune), seconds(lambda: initialise(block))) for _ in range(options.rounds)]
    tuning, real = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"tuning {1e3 * tuning:.0f} ms, initialisation {1e3 * real:.0f} ms")
    print(f"ratio: {tuning / real:.3f}")
    if tuning > MOST_RATIO * real:
        raise SystemExit(f"Tuning takes more than {MOST_RATIO} of an initialisation.")


if __name__ == "__main__":
    main()
