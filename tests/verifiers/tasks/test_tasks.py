from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from lm_eval.api.instance import Instance
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.evaluate import Evaluator
from genesys_verifiers.evaluation.likelihood import Array, LikelihoodModel
from genesys_verifiers.evaluation.requests import Planner
from genesys_verifiers.tasks.item import Item, rows
from genesys_verifiers.tasks.overlap import Overlap

LENGTH = 64


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads wait for each other where the test's neighbours keep the cores busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer(corpus: Corpus) -> Tokenizer:
    return Tokenizer.from_file(str(corpus.tokenizer_file))


@pytest.fixture(scope="module")
def evaluator(corpus: Corpus) -> Evaluator:
    return Evaluator(corpus, LENGTH)


class Local:
    """What a guest answers, from a model in this process."""

    def __init__(self, gam: GAM) -> None:
        self._gam = gam

    def head(self) -> Array:
        return self._gam.head.detach().numpy()

    @torch.no_grad()
    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        found = self._gam.eval().hidden(torch.tensor(ids))
        return found[torch.tensor(rows), torch.tensor(columns)].numpy()


@pytest.fixture
def model(tokenizer: Tokenizer) -> GAM:
    torch.manual_seed(0)
    block = load_block(compose(load_tree(resource("seeds") / "gpt2")))
    return GAM(block.GAB, 32, 1, tokenizer.get_vocab_size(), block.gab_config)


def items(corpus: Corpus, task: str) -> list[dict[str, Any]]:
    lines = (corpus.tasks_folder / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def two_way(corpus: Corpus) -> list[str]:
    return sorted(p.stem for p in corpus.tasks_folder.glob("*.jsonl") if p.stem != "bits_per_byte")


def likelihoods(model: GAM, tokenizer: Tokenizer) -> LikelihoodModel:
    return LikelihoodModel(Local(model), Planner(tokenizer, LENGTH, 0))


def test_each_task_gives_one_score(corpus: Corpus, evaluator: Evaluator, model: GAM) -> None:
    tasks = two_way(corpus)
    assert len(tasks) >= 6
    assert [s.task for s in evaluator(Local(model))[0]] == sorted([*tasks, "bits_per_byte"])


def test_items_are_as_many_as_asked_and_balanced(corpus: Corpus) -> None:
    asked = corpus.manifest()["config"]["items_per_task"]
    for task in two_way(corpus):
        labels = Counter(row["label"] for row in items(corpus, task))
        assert labels == {0: asked / 2, 1: asked / 2}, task


def test_choices_differ_and_have_as_many_tokens(corpus: Corpus, tokenizer: Tokenizer) -> None:
    for task in two_way(corpus):
        for row in items(corpus, task):
            one, other = (tokenizer.encode(choice).ids for choice in row["choices"])
            assert len(one) == len(other), (task, row)
            assert one != other


def test_an_untrained_model_is_at_chance(evaluator: Evaluator, model: GAM) -> None:
    scores = [s for s in evaluator(Local(model))[0] if s.metric == "acc"]
    assert all(s.chance == 0.5 for s in scores)
    mean = sum(s.value for s in scores) / len(scores)
    error = 0.5 / math.sqrt(12 * len(scores))
    assert abs(mean - 0.5) < 3 * error


def test_an_untrained_model_guesses_all_tokens_alike(evaluator: Evaluator, model: GAM) -> None:
    (score,) = [s for s in evaluator(Local(model))[0] if s.metric == "bits_per_byte"]
    assert 2 < score.value < 9  # nine bits a token


def test_an_oracle_scores_one(
    corpus: Corpus, evaluator: Evaluator, model: GAM, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {
        (row["context"], row["choices"][row["label"]])
        for task in two_way(corpus)
        for row in items(corpus, task)
    }

    def knows(self: LikelihoodModel, requests: Sequence[Instance]) -> list[Any]:
        known = [float(request.args in right) for request in requests]
        return [
            (k, False) if len(request.args) == 2 else -5.0 * len(request.args[0])
            for k, request in zip(known, requests, strict=True)
        ]

    monkeypatch.setattr(LikelihoodModel, "answer", knows)
    assert {s.value for s in evaluator(Local(model))[0] if s.metric == "acc"} == {1.0}


def test_likelihoods_are_those_of_a_plain_forward(tokenizer: Tokenizer, model: GAM) -> None:
    pairs = [("We must", " remember that"), ("In this case the law", " is"), ("We must", " not")]
    wanted = [_plain(model, tokenizer, *pair) for pair in pairs]
    requests = [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]
    found = likelihoods(model, tokenizer).loglikelihood(requests)
    assert [value for value, _ in found] == pytest.approx(wanted, abs=1e-4)


def test_a_long_text_is_scored_to_its_end(tokenizer: Tokenizer, model: GAM) -> None:
    text = "the laws of the nation and the duties of all men " * 12
    count = len(tokenizer.encode(text).ids)
    assert count > 2 * LENGTH
    requests = [Instance("loglikelihood_rolling", {}, (text,), 0)]
    (value,) = likelihoods(model, tokenizer).loglikelihood_rolling(requests)
    assert -value / count == pytest.approx(math.log(tokenizer.get_vocab_size()), rel=0.2)


def _plain(model: GAM, tokenizer: Tokenizer, before: str, after: str) -> float:
    first, second = tokenizer.encode(before).ids, tokenizer.encode(after).ids
    tokens = torch.tensor([[0, *first, *second]])
    with torch.no_grad():
        logs: Tensor = functional.log_softmax(model.eval()(tokens[:, :-1])[0], dim=-1)
    chosen = logs.gather(1, tokens[0, 1:, None])[len(first) :]
    return float(chosen.sum())


def test_overlap_finds_sixteen_tokens_in_a_row(tokenizer: Tokenizer) -> None:
    text = "the quick brown fox jumps over the lazy dog and runs into the dark forest at night"
    overlap = Overlap(np.array(tokenizer.encode(text * 3).ids, dtype=np.uint16), tokenizer)
    assert overlap(f"Once more {text}")
    assert not overlap("the quick brown fox")
    assert not overlap("a text that says something else altogether, and goes on for quite a while")


def test_rows_put_the_real_one_first_in_every_other() -> None:
    laid = list(rows([Item("c", f"good{i}", f"bad{i}") for i in range(6)], Random(0)))
    assert all(row["choices"][row["label"]].startswith("good") for row in laid)
