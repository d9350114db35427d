from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from lm_eval.api.instance import Instance
from lm_eval.evaluator import evaluate
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.evaluate import Evaluator
from genesys_verifiers.evaluation.likelihood import Array, LikelihoodModel, Scorer
from genesys_verifiers.evaluation.plan import BATCH_TOKENS, Batch, Part, Plan
from genesys_verifiers.evaluation.requests import Planner
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.tasks.config import TaskSet
from genesys_verifiers.tasks.sets import load

LENGTH, WIDTH = 48, 16


class Hashing:
    """A causal model: each hidden state depends on all tokens up to there, and on nothing else."""

    def __init__(self, vocabulary: int) -> None:
        rng = np.random.default_rng(1)
        self._embedding = rng.normal(size=(vocabulary, WIDTH)).astype(np.float32)
        self._head = rng.normal(size=(vocabulary, WIDTH)).astype(np.float32)
        self.shapes: list[tuple[int, ...]] = []
        self.places = 0

    def head(self) -> Array:
        return self._head

    def states(self, ids: Array) -> Array:
        return np.tanh(np.cumsum(self._embedding[ids] * np.arange(1, ids.shape[1] + 1)[:, None], 1))

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        self.shapes.append(ids.shape)
        self.places += len(rows)
        found: Array = self.states(ids)[rows, columns]
        return found

    def log_softmax(self, tokens: Sequence[int]) -> Array:
        logits = (self.states(np.array([tokens]))[0] @ self._head.T).astype(np.float64)
        found: Array = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return found


@pytest.fixture(scope="module")
def tokenizer(corpus: Corpus) -> Tokenizer:
    return Tokenizer.from_file(str(corpus.tokenizer_file))


@pytest.fixture
def model(tokenizer: Tokenizer) -> Hashing:
    return Hashing(tokenizer.get_vocab_size())


def ask(model: Hashing, tokenizer: Tokenizer, *texts: tuple[str, ...]) -> list[tuple[float, bool]]:
    likelihoods = LikelihoodModel(model, Planner(tokenizer, LENGTH, 0))
    return likelihoods.loglikelihood([Instance("loglikelihood", {}, t, 0) for t in texts])


def plain(model: Hashing, tokenizer: Tokenizer, before: str, after: str) -> tuple[float, bool]:
    first, second = tokenizer.encode(before).ids, tokenizer.encode(after).ids
    tokens = [0, *first, *second][-LENGTH - 1 :]
    logs = model.log_softmax(tokens[:-1])[-len(second) :]
    chosen = logs[np.arange(len(second)), second]
    return float(chosen.sum()), bool((logs.argmax(1) == second).all())


def test_likelihoods_are_those_of_single_texts(model: Hashing, tokenizer: Tokenizer) -> None:
    texts = [
        ("We must", " remember that"),
        ("We must", " remember"),
        ("", "We must remember that the law"),
        ("", "We must remember"),
        ("We must", " not"),
        ("We must", " remember that"),
        (30 * " the law of the land", " is"),
    ]
    found = ask(model, tokenizer, *texts)
    wanted = [plain(model, tokenizer, *text) for text in texts]
    assert [v for v, _ in found] == pytest.approx([v for v, _ in wanted], abs=1e-4)
    assert [g for _, g in found] == [g for _, g in wanted]


def test_the_likeliest_continuation_is_told(model: Hashing, tokenizer: Tokenizer) -> None:
    start = [0, *tokenizer.encode("We must").ids]
    likeliest = int(model.log_softmax(start)[-1].argmax())
    part = Part((*start, likeliest), 1)
    other = Part((*start, (likeliest + 1) % tokenizer.get_vocab_size()), 1)
    plan = Plan([[part], [other], [part, other]])
    scorer = Scorer(model)
    _, greedy = plan.collect([scorer.ranked(batch) for batch in plan.batches])
    assert greedy.tolist() == [True, False, False]


def test_a_model_that_is_indifferent_is_not_always_right(tokenizer: Tokenizer) -> None:
    class Indifferent(Hashing):
        def head(self) -> Array:
            return np.zeros_like(self._head)

    model = Indifferent(tokenizer.get_vocab_size())
    found = ask(model, tokenizer, *[("We must", word) for word in (" the", " of", " law")])
    assert [greedy for _, greedy in found] == [False] * 3


def test_white_space_at_the_end_of_a_context_belongs_to_the_continuation(
    model: Hashing, tokenizer: Tokenizer
) -> None:
    one, other = ask(model, tokenizer, ("We must ", "remember"), ("We must", " remember"))
    assert one == other


def test_what_texts_share_is_asked_once(model: Hashing, tokenizer: Tokenizer) -> None:
    context = "It is well known that the laws of the nation"
    choices = [(context, word) for word in (" are", " are", " have been", " have not", " is")]
    ask(model, tokenizer, *choices)
    one, other = (tokenizer.encode(text).ids for text in (" have been", " have not"))
    assert model.shapes[0][0] == len(model.shapes) == 1 + (len(one) > 2 or len(other) > 2)
    assert model.places == len(
        {tuple(one[:i]) for i in range(len(one))} | {tuple(other[:i]) for i in range(len(other))}
    )


def test_batches_hold_so_many_tokens_and_do_not_depend_on_the_order(tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(0)
    parts = [[Part((0, *rng.integers(1, 500, n).tolist()), 1)] for n in rng.integers(2, 200, 300)]
    plan, turned = Plan(parts), Plan(parts[::-1])
    assert all(b.ids.size <= BATCH_TOKENS for b in plan.batches)
    assert sum(b.ids.size for b in plan.batches) < 1.2 * sum(len(p.tokens) for (p,) in parts)
    assert all(
        np.array_equal(one.ids, other.ids)
        for one, other in zip(plan.batches, turned.batches, strict=True)
    )


def test_a_text_is_scored_in_windows_that_see_one_token_before(
    model: Hashing, tokenizer: Tokenizer
) -> None:
    text = "the laws of the nation and the duties of all men " * 12
    likelihoods = LikelihoodModel(model, Planner(tokenizer, LENGTH, 0))
    (found,) = likelihoods.loglikelihood_rolling(
        [Instance("loglikelihood_rolling", {}, (text,), 0)]
    )
    tokens = [0, *tokenizer.encode(text).ids]
    wanted = 0.0
    for start in range(0, len(tokens) - 1, LENGTH):
        window = tokens[start : start + LENGTH + 1]
        logs = model.log_softmax(window[:-1])
        wanted += sum(logs[i, token] for i, token in enumerate(window[1:]))
    assert found == pytest.approx(wanted, abs=1e-3)


def test_text_is_not_written(model: Hashing, tokenizer: Tokenizer) -> None:
    request = Instance("generate_until", {}, ("Question:", {}), 0, metadata=("quiz", 0, 1))
    with pytest.raises(GenesysError, match="'quiz' lets the model write text"):
        LikelihoodModel(model, Planner(tokenizer, LENGTH, 0)).generate_until([request])


def test_likelihoods_that_are_no_numbers_are_the_designs_fault(model: Hashing) -> None:
    model.head()[:] = math.nan
    batch = Batch(np.zeros((1, 2), int), *(np.zeros(1, int) for _ in range(3)))
    with pytest.raises(DesignFaultError, match="not finite"):
        Scorer(model)(batch)


def test_scores_are_those_of_lm_eval_itself(
    corpus: Corpus, model: Hashing, tokenizer: Tokenizer
) -> None:
    tasks = load(TaskSet(), corpus.tasks_folder)
    likelihoods = LikelihoodModel(model, Planner(tokenizer, LENGTH, 0))
    flat = {task.task_name: task for parts in tasks.values() for task in parts}
    wanted = evaluate(likelihoods, {"tasks": flat}, bootstrap_iters=0, log_samples=False)["results"]
    scores, _ = Evaluator(corpus, LENGTH)(model)
    for score in scores:
        value = wanted[f"genesys_{score.task}"][f"{score.metric},none"]
        assert score.value == pytest.approx(value, abs=1e-9), score.task
