"""Breaks the code of answers, so that the checkers have something to find."""

from __future__ import annotations

import re
from collections.abc import Sequence

from genesys.testing.llm_server import ChatRequest
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.misdeeds import Answer

_FORWARD = re.compile(r"^    def _forward\(self, X[^)]*\):\n", re.MULTILINE)
_UNIT = re.compile(r"^```python\n.*?^```$", re.MULTILINE | re.DOTALL)
_FIRST_LINES = {
    "shape": "        X = X[..., :-1]\n",
    "leak": "        X = X + X.mean(dim=1, keepdim=True)\n",
    "crash": "        X = X @ X\n",
}
KINDS = ("shape", "leak", "syntax", "crash")


def broken(text: str, kind: str) -> str:
    """An answer whose first unit is broken; as it was if it holds no unit.

    Args:
        text: An answer of the coder.
        kind: One of ``KINDS``.
    """
    if kind == "syntax":
        return _FORWARD.sub(lambda found: found[0].replace("):", ")"), text, count=1)
    return _FORWARD.sub(lambda found: found[0] + _FIRST_LINES[kind], text, count=1)


def faulty(answer: Answer, p: float, seed: int = 0, kinds: Sequence[str] = KINDS) -> Answer:
    """Breaks each unit in answers of the coder with probability ``p``.

    Which of them, and how, follows from the conversation and the seed.

    Args:
        answer: What answers.
        p: Probability, from 0 to 1.
        seed: Of the draws.
        kinds: Of breaking, to draw from.
    """

    def breaks(request: ChatRequest) -> str:
        text, asked = answer(request), Asked.by(request)
        if asked.role != "coder":
            return text
        rng = asked.random(seed)

        def spoilt(unit: re.Match[str]) -> str:
            return broken(unit[0], rng.choice(kinds)) if rng.random() < p else unit[0]

        return _UNIT.sub(spoilt, text)

    return breaks
