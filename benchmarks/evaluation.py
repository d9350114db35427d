"""Genesys' evaluation against lm-eval's own, on the same weights and items.

Both ask one model of the seed `gpt2` with random weights: lm-eval through its class ``HFLM``, at
the best of three batch sizes, Genesys a guest, with the channel to it. Times are processor time of
all processes together, one thread each, in turns, so that a busy machine hardly changes them.
Prints Markdown tables; fails where a target is missed. Needs transformers, which Genesys does not.

    pip install transformers accelerate
    python benchmarks/evaluation.py [--items 40] [--repeats 5]
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"

import numpy as np
import psutil
import torch
import yaml
from lm_eval.api import metrics
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import CausalLMOutput

from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys.sandbox import Limits, Sandbox
from genesys_verifiers.corpus import Corpus, corpus_of
from genesys_verifiers.evaluation.evaluate import Evaluator
from genesys_verifiers.evaluation.likelihood import LikelihoodModel, Model
from genesys_verifiers.evaluation.requests import Planner
from genesys_verifiers.evaluation.scoring import ERRORS
from genesys_verifiers.opening import Opener
from genesys_verifiers.reference import code
from genesys_verifiers.settings import Settings, Task
from genesys_verifiers.tasks.config import TaskSet
from genesys_verifiers.tasks.sets import INSTALLED, load

LENGTH, WIDTH, BLOCKS = 256, 128, 4
VOCABULARIES = [4096, 32768]
PAPERS = 32000  # entries; with fewer, most of the time goes into the blocks, the same for both
BATCH_SIZES = [8, 32, 128]
TASKS = ["agreement", "article", "code_order", "code_word", "next_phrase", "next_word"]
CHOICES = TaskSet(tasks=[*TASKS, "recall", "scrambled", "word_order"])


class Exported(PreTrainedModel):
    """The model as transformers has it."""

    config_class = PretrainedConfig

    def __init__(self, model: GAM) -> None:
        super().__init__(PretrainedConfig())
        self._model = model.eval()

    def forward(self, input_ids: Tensor, **_: object) -> CausalLMOutput:  # noqa: D102
        return CausalLMOutput(logits=self._model(input_ids))


def exported(task: Task) -> Exported:
    """The model that a guest builds."""
    torch.manual_seed(task.seed)
    block = load_block(task.block)
    return Exported(GAM(block.GAB, WIDTH, BLOCKS, task.vocab_size, block.gab_config))


def task_of(vocabulary: int) -> Task:
    settings = Settings(sequence_length=LENGTH, threads=1)
    return Task(
        block=code(),
        learning_rate=1.0,
        steps=1,
        seed=0,
        vocab_size=vocabulary,
        settings=settings,
    )


def shortened(corpus: Corpus, items: int, folder: Path) -> Corpus:
    """The corpus with fewer items per task."""
    short = Corpus(folder)
    short.tasks_folder.mkdir()
    for file in ("tokenizer.json", "manifest.json"):
        (folder / file).symlink_to(corpus.folder / file)
    for file in corpus.tasks_folder.glob("*.jsonl"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        (short.tasks_folder / file.name).write_text("".join(islice(lines, items)), "utf-8")
    return short


class Bench:
    """Both ways, on one corpus and one vocabulary."""

    def __init__(self, corpus: Corpus, task: Task, guest: Model) -> None:
        self._corpus, self._exported, self._guest = corpus, exported(task), guest
        self._tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
        loaded = load(CHOICES, corpus.tasks_folder)
        self._tasks = {task.task_name: task for parts in loaded.values() for task in parts}
        self.batch_size = min(BATCH_SIZES, key=lambda size: seconds(lambda: self.theirs(size)))

    def hflm(self, batch_size: int) -> HFLM:
        """lm-eval's class around the model."""
        own, end = Tokenizer.from_str(self._tokenizer.to_str()), self._tokenizer.id_to_token(0)
        own.post_processor = TemplateProcessing(single=f"{end} $A", special_tokens=[(end, 0)])
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=own, eos_token=end, bos_token=end, pad_token=end
        )
        return HFLM(
            pretrained=self._exported,
            tokenizer=tokenizer,
            max_length=LENGTH,
            batch_size=batch_size,
            add_bos_token=True,
        )

    def theirs(self, batch_size: int = 0) -> dict[str, float]:
        """lm-eval's evaluation, from the loaded tasks on."""
        lm = self.hflm(batch_size or self.batch_size)
        found = evaluate(lm, {"tasks": self._tasks}, bootstrap_iters=0, log_samples=False)
        return {name: values["acc,none"] for name, values in found["results"].items()}

    def ours(self) -> dict[str, float]:
        """With all that happens once per corpus, like reading items and making tokens."""
        scores, _ = Evaluator(self._corpus, LENGTH, CHOICES)(self._guest)
        return {f"genesys_{score.task}": score.value for score in scores}

    def ours_again(self, evaluator: Evaluator) -> None:
        """The evaluation of the next model."""
        evaluator(self._guest)

    def difference(self) -> float:
        """The largest one between log-likelihoods, in nats."""
        for task in self._tasks.values():
            task.build_all_requests(rank=0, world_size=1)
        requests = [r for task in self._tasks.values() for r in task.instances]
        ours = LikelihoodModel(self._guest, Planner(self._tokenizer, LENGTH, 0))
        one = [value for value, _ in ours.loglikelihood(requests)]
        other = [value for value, _ in self.hflm(self.batch_size).loglikelihood(requests)]
        return float(np.abs(np.array(one) - np.array(other)).max())


def processor() -> float:
    """Seconds of this process and those that it has started."""
    me = psutil.Process()
    times = [p.cpu_times() for p in me.children(recursive=True)]
    spent = sum(t.user + t.system + t.children_user + t.children_system for t in times)
    return time.process_time() + spent


def seconds(call: Callable[[], object]) -> float:
    started = processor()
    call()
    return processor() - started


def evaluations(corpus: Corpus, repeats: int, sandbox: Sandbox) -> bool:
    print("| vocabulary | lm-eval, s | Genesys, s | ratio | again, s | difference, nats |")
    print("|---|---|---|---|---|---|")
    good = True
    for vocabulary in VOCABULARIES:
        task = task_of(vocabulary)
        opener = Opener(sandbox, task, corpus, Limits(seconds=3600, memory_mb=4096, threads=1))
        with opener.built(BLOCKS, WIDTH) as guest:
            good &= _evaluations(Bench(corpus, task, guest), corpus, vocabulary, repeats)
    return good


def _evaluations(bench: Bench, corpus: Corpus, vocabulary: int, repeats: int) -> bool:
    evaluator = Evaluator(corpus, LENGTH, CHOICES)
    bench.ours_again(evaluator)
    rounds = [
        (
            seconds(bench.theirs),
            seconds(bench.ours),
            seconds(lambda: bench.ours_again(evaluator)),
        )
        for _ in range(repeats)
    ]
    theirs, ours, again = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(o / t for t, o, _ in rounds)
    difference = bench.difference()
    print(
        f"| {vocabulary:,} | {theirs:.2f} | {ours:.2f} | {ratio:.2f} | {again:.2f} "
        f"| {difference:.1e} |",
        flush=True,
    )
    return difference <= 1e-4 and (vocabulary < PAPERS or ratio <= 0.5)


def index(name: str) -> None:
    wanted = yaml.safe_load((resource("configs") / f"tasks/{name}.yaml").read_text())["tasks"]
    paths = [str(INSTALLED / task.split("/")[0]) for task in wanted]
    TaskManager(include_path=paths, include_defaults=False)


def start_up(corpus: Corpus) -> bool:
    load(TaskSet(), corpus.tasks_folder)
    whole = seconds(TaskManager)
    print("\n| start-up | processor seconds | share |\n|---|---|---|")
    print(f"| lm-eval's index of all tasks | {whole:.2f} | 1 |")
    good = True
    for name, call in [
        ("`tasks=local`, with its items", lambda: load(TaskSet(), corpus.tasks_folder)),
        ("`tasks=paper9`, index", lambda: index("paper9")),
        ("`tasks=paper29`, index", lambda: index("paper29")),
    ]:
        own = min(seconds(call) for _ in range(3))
        print(f"| {name} | {own:.3f} | {own / whole:.3f} |")
        good &= own <= 0.05 * whole
    return good


def standard_errors() -> bool:
    """Of every kind, for as many items as the largest task of the paper has (QQP)."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 2, (40_430, 2)).tolist()
    kinds = {metrics.f1_score: pairs, metrics.matthews_corrcoef: pairs}
    sized = (metrics.bits_per_byte, metrics.weighted_perplexity)
    kinds |= {kind: [(-1.5, 2.0)] * len(pairs) for kind in sized}
    kinds |= {kind: [1.0] * len(pairs) for kind in (metrics.mean, metrics.perplexity)}
    took = seconds(lambda: [error(kinds[kind]) for kind, error in ERRORS.items()])
    print(f"\nAll {len(ERRORS)} kinds of standard error, {len(pairs):,} items each: {took:.2f} s")
    return took <= 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=40, help="per task")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    config = yaml.safe_load((resource("configs") / "corpus/local_text.yaml").read_text())
    corpus = corpus_of(config).prepare()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1), Sandbox() as sandbox:
        short = shortened(corpus, options.items, Path(folder))
        good = [evaluations(short, options.repeats, sandbox), start_up(short), standard_errors()]
    raise SystemExit(0 if all(good) else "A target is missed.")


if __name__ == "__main__":
    main()
