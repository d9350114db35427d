"""Memory that `micro_batch=auto` counts for training beside what guests really hold.

python benchmarks/fitting.py
"""

from __future__ import annotations

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.resources import resource
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.efficiency.meter import ENTRY, MeasuredModel
from genesys_verifiers.settings import Settings, Task
from genesys_verifiers.training.fitting import MIB, needed

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
SIZE, VOCABULARY, ROWS, LENGTH = (6, 128), 8000, 4, 512
LIMITS = Limits(seconds=3600, memory_mb=8192)


def main() -> None:
    print("| | counted, MiB | held, MiB | ratio |\n|---|---|---|---|")
    with Sandbox() as sandbox:
        for seed in SEEDS:
            code = compose(load_tree(resource("seeds") / seed))
            fixed, each = needed(code, SIZE, VOCABULARY, LENGTH)
            counted = (fixed + ROWS * each) / MIB
            task = Task(
                block=code,
                learning_rate=1e-3,
                steps=1,
                seed=0,
                vocab_size=VOCABULARY,
                settings=Settings(),
            )
            job = Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=LIMITS)
            with sandbox.open(job) as guest:
                model = MeasuredModel(guest, VOCABULARY, LIMITS.memory_mb)
                model.load()
                model.build(*SIZE)
                _, held = model.learn(ROWS, LENGTH)
            print(f"| {seed} | {counted:.0f} | {held:.0f} | {held / counted:.2f} |", flush=True)


if __name__ == "__main__":
    main()
