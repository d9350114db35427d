"""A double of a language model that knows its trade: designs come of it with no key.

    with LLMServer(Competent(seed=0)) as server: ...

It reads the prompts of the team as any model would, draws ideas with the offline designer, and
keeps nothing between requests: equal conversations get equal answers.
"""

from __future__ import annotations

import json
from typing import Any

from genesys.errors import GenesysError
from genesys.testing.llm_server import ChatRequest
from genesys_agents.offline.judge import BEST
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.idea import Idea, conceive
from genesys_agents.testing.writing import files, tree_of

LOST = "I cannot tell what is asked of me; I only know the prompts of the team."
STUCK = "I have no answer to this."


class Competent:
    """Answers what any role of the team is asked.

    Args:
        seed: Doubles with other seeds have other ideas.
        searches: Rounds after which it knows enough, at most.
        turns_down: Share of the proposals that the reviewer rates too low for building them.
        opinion: Rating of each unit by the observer.
    """

    def __init__(
        self, seed: int = 0, searches: int = 1, turns_down: float = 0.0, opinion: float = 4.0
    ) -> None:
        self._seed, self._searches = seed, searches
        self._turns_down, self._opinion = turns_down, opinion

    def __call__(self, request: ChatRequest) -> str:
        """The answer to a request."""
        asked = Asked.by(request)
        roles = {
            "proposer": self._propose,
            "reviewer": self._review,
            "planner": self._plan,
            "coder": self._write,
            "observer": self._observe,
        }
        if asked.role not in roles:
            return LOST
        try:
            return roles[asked.role](asked)
        except GenesysError as error:
            return f"{STUCK} {error}"

    def _propose(self, asked: Asked) -> str:
        if "Now write your proposal." not in asked.last:
            return self._search(asked)
        form, text = conceive(asked, self._seed)
        return f"{_json(form)}\n\n{text}"

    def _search(self, asked: Asked) -> str:
        names = " and ".join(asked.parents) or "known blocks"
        return _json(
            {
                "notes": f"{asked.answers} searches so far; I build on what {names} do well.",
                "keywords": ["linear attention", "gated recurrence", "language model"],
                "description": "A token mixer that costs O(L) and recalls as well as attention.",
                "instruction": "",
                "ready": asked.answers + 1 >= self._searches,
            }
        )

    def _review(self, asked: Asked) -> str:
        if "Now give your verdict" not in asked.last:
            return self._search(asked)
        idea = Idea.of("".join(asked.said[:1]))
        if idea is None:
            return _json({"rating": 2.0, "critique": "It has no plan.", "suggestions": "Add one."})
        rating = max(0.0, BEST - sum(doubt.points for doubt in idea.doubts))
        critique = [f"- {doubt.text}" for doubt in idea.doubts] or ["- Nothing speaks against it."]
        if asked.random(self._seed).random() < self._turns_down:
            rating = min(rating, 3.0)
            critique.append("- The step is too much like known ones.")
        suggestions = "Say which experiment would tell whether it helps."
        verdict = {"rating": rating, "critique": "\n".join(critique), "suggestions": suggestions}
        return _json(verdict)

    def _plan(self, asked: Asked) -> str:
        if not asked.open_units:
            return LOST
        idea, unit = Idea.of(asked.system), asked.open_units[0]
        known = tree_of(idea.plan, asked).units if idea else {}
        told = known[unit].docstring if unit in known else f"Write {unit} as proposed."
        return _json({"unit": unit, "plan": told})

    def _write(self, asked: Asked) -> str:
        idea = Idea.of(asked.system)
        if idea is None:
            return f"{STUCK} The proposal has no plan."
        return "\n\n".join(f"```python\n{code}```" for code in files(idea.plan, asked))

    def _observe(self, asked: Asked) -> str:
        feedback = "It does what was proposed; shapes, initial values and tests are in order."
        return _json({"rating": self._opinion, "feedback": feedback})


def _json(value: dict[str, Any]) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```"
