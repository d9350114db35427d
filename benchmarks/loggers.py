"""What a logger costs the trusted half, per logged step and per step that is not logged.

Times are processor time of this process, all threads included, without the first verification,
which imports the logger. Steps are told faster than any training takes them. The share is that of
the config's `every` in steps of the nano ladder's first rung, about 40 ms with two threads.

    python benchmarks/loggers.py [--steps 2000] [--rounds 5] [--step-ms 40] [csv tensorboard ...]
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from tempfile import TemporaryDirectory

from genesys.cli.config import compose
from genesys.gau.compose import compose as block_of
from genesys.gau.folder import load_tree
from genesys.records import CurvePoint, Scale
from genesys.resources import resource
from genesys_verifiers.loggers import Logging
from genesys_verifiers.settings import Settings, Task

TREE = load_tree(resource("seeds") / "gpt2")
MOST = 0.01


def seconds(logging: Logging, scale: Scale, steps: int) -> float:
    """Processor time of one verification's log."""
    task = Task(
        block=block_of(TREE),
        learning_rate=0.01,
        steps=steps,
        seed=0,
        vocab_size=2048,
        settings=Settings(),
    )
    started = time.process_time()
    with logging.begin(TREE.as_design("gpt2"), scale, task) as log:
        for step in range(1, steps + 1):
            log.step(CurvePoint(step=step, tokens=1024 * step, loss=5.0, grad_norm=1.0))
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loggers", nargs="*", default=["csv", "tensorboard"])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--step-ms", type=float, default=40.0)
    options = parser.parse_args()
    missed = []
    for name in options.loggers:
        with TemporaryDirectory() as folder:
            config = compose([f"logger={name}", f"folder={folder}"])
            scale = Scale.model_validate(config["ladder"]["scales"][0])

            def cost(every: int, scale: Scale = scale, logger: dict = config["logger"]) -> float:
                logging = Logging({**logger, "every": every})
                times = [seconds(logging, scale, options.steps) for _ in range(options.rounds + 1)]
                return 1e3 * median(times[1:]) / options.steps

            logged, passed = cost(1), cost(options.steps)
        share = (logged / config["logger"]["every"] + passed) / options.step_ms
        print(
            f"{name}: {logged:.3f} ms per logged step, {1e3 * passed:.1f} µs per other step: "
            f"{share:.2%} of a training at every={config['logger']['every']}"
        )
        missed += [name] if share > MOST else []
    if missed:
        raise SystemExit(f"more than {MOST:.0%} of a training: {', '.join(missed)}")


if __name__ == "__main__":
    main()
