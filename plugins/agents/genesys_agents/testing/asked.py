"""What a prompt of the team asks for, read from the conversation as it arrives."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from random import Random

from genesys.gau.tree import GAUTree, reachable
from genesys.gau.unit import parse_unit
from genesys.records import Operator
from genesys.testing.llm_server import ChatRequest

_ROLE = re.compile(r"You are the (\w+) of a team")
_AGAIN = re.compile(r"^I could not use that answer:$", re.MULTILINE)
_PARENTS = re.compile(r"^## (?:The|Its) parents?$", re.MULTILINE)
_DESIGN = re.compile(r"^#### (\S+)$", re.MULTILINE)
_UNIT = re.compile(
    r"^Unit (\w+):\n\n(?P<fence>`{3,})python\n(.*?)\n(?P=fence)$", re.MULTILINE | re.DOTALL
)
_WRITE = re.compile(r"^Write the (?:unit (?!that comes)(\w+)|unit that|root unit|whole)", re.M)
_DEBUG = re.compile(r"^(\w+) did not pass, and nothing of it was kept", re.MULTILINE)
_FOUND = re.compile(r"^\[([a-z]\w*:\S+)\] from .*:$", re.MULTILINE)
_OPERATORS = re.compile(r"(?:Propose a(?: block from)?|It is a) (mutation|crossover|scratch)")


@dataclass(frozen=True)
class Asked:
    """A conversation, and what its last message asks for.

    Attributes:
        messages: With ``role`` and ``content``; the first is the system prompt.
    """

    messages: tuple[tuple[str, str], ...]

    @classmethod
    def by(cls, request: ChatRequest) -> Asked:
        """What a request asks for."""
        return cls(tuple((str(m["role"]), str(m.get("content") or "")) for m in request.messages))

    @cached_property
    def role(self) -> str:
        """Who is asked; empty if this is no prompt of the team."""
        found = _ROLE.search(self.system)
        return found[1] if found else ""

    @property
    def system(self) -> str:
        """The system prompt."""
        return next((text for author, text in self.messages if author == "system"), "")

    @property
    def said(self) -> list[str]:
        """What was said to the model after the system prompt."""
        return [text for author, text in self.messages if author == "user"]

    @property
    def answers(self) -> int:
        """How often the model has answered."""
        return sum(author == "assistant" for author, _ in self.messages)

    @property
    def last(self) -> str:
        """The last task that was set, not counting that an answer could not be used."""
        tasks = [text for text in self.said if not _AGAIN.search(text)]
        return tasks[-1] if tasks else ""

    @cached_property
    def operator(self) -> Operator:
        """How the child is to be made."""
        found = _OPERATORS.search("\n".join((self.system, *self.said)))
        return Operator(found[1]) if found else Operator.SCRATCH

    @cached_property
    def parents(self) -> dict[str, GAUTree]:
        """The parents' trees by name, from the code that is shown of them; without arguments."""
        shown = "".join(self.said[:1]) if self.role == "proposer" else self.system
        start = _PARENTS.search(shown)
        parts = _DESIGN.split(shown[start.end() :] if start else "")
        trees: dict[str, GAUTree] = {}
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            units = [parse_unit(f"{code}\n", unit) for unit, _, code in _UNIT.findall(text)]
            if units:
                called = {unit.name: unit for unit in units}
                trees.setdefault(name, GAUTree(units[0].name, reachable(units[0].name, called)))
        return trees

    @property
    def targets(self) -> list[str]:
        """Units that a mutation may replace."""
        return self._listed(r"^Units that you may replace: (.*)\.$")

    @property
    def open_units(self) -> list[str]:
        """Units that the planner may pick from."""
        return self._listed(r"^Still to write: (.*)\. Pick one")

    @property
    def unit(self) -> str:
        """The unit that the coder is to write; empty for the first of the design."""
        found = _DEBUG.search(self.last) or _WRITE.search(self.last)
        name = (found[1] or "") if found else ""
        return "" if name == "It" else name

    @property
    def whole(self) -> bool:
        """Whether the coder is to write all units in one answer."""
        return any(re.search("^Write the whole design", t, re.MULTILINE) for t in self.said)

    @property
    def standing(self) -> set[str]:
        """Units of the tree as it stands, where it is shown."""
        shown = next((t for t in reversed(self.said) if "The tree as it stands:" in t), "")
        tree = shown.partition("The tree as it stands:")[2].partition("\nWrite the ")[0]
        return {unit for unit, _, _ in _UNIT.findall(tree)}

    @property
    def found(self) -> list[str]:
        """Ids of the passages that were shown."""
        return list(dict.fromkeys(_FOUND.findall("\n".join(self.said))))

    def _listed(self, pattern: str) -> list[str]:
        found = re.findall(pattern, "\n".join(self.said), re.MULTILINE)
        return found[-1].split(", ") if found else []

    def random(self, seed: int) -> Random:
        """Randomness that hangs off the whole conversation."""
        told = json.dumps([seed, *self.messages]).encode()
        return Random(hashlib.sha256(told).hexdigest())
