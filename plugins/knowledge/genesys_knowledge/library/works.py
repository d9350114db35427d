"""The works of the library: what they are, who wrote them, and what they cite (app. B.1.1)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from genesys.errors import UnknownNameError

Tag = Literal[
    "adaptation",
    "analysis",
    "attention",
    "channel_mixing",
    "compression",
    "convolution",
    "depth",
    "distillation",
    "evaluation",
    "expressivity",
    "gating",
    "generation",
    "hardware",
    "hashing",
    "hierarchy",
    "hybrid",
    "inference",
    "initialization",
    "kv_cache",
    "linear_attention",
    "long_context",
    "memory",
    "mixture_of_experts",
    "multimodal",
    "nas",
    "normalization",
    "optimization",
    "parallelism",
    "position",
    "pretraining",
    "quantization",
    "recurrence",
    "residual",
    "retrieval",
    "scaling",
    "sparse_attention",
    "state_space",
    "survey",
    "test_time_learning",
    "token_mixing",
    "tokenization",
]
FILE = "works.jsonl"


class Work(BaseModel):
    """A published work.

    Attributes:
        key: By which it is cited.
        title: As published.
        authors: In order.
        year: Of publication.
        venue: Where; empty if unknown.
        s2_id: Of the paper at Semantic Scholar.
        has_code: Whether the authors of the paper had its code.
        cites: Keys of works in the library that it cites.
        summary: The mechanism, and what is claimed of it, in our words.
        verified: Whether the summary says more than the title supports, by somebody who knows.
        tags: What it is about.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    title: str
    authors: list[str]
    year: int
    venue: str
    s2_id: str
    has_code: bool
    cites: list[str]
    summary: Annotated[str, Field(min_length=1)]
    verified: bool
    tags: Annotated[list[Tag], Field(min_length=1)]

    @property
    def citation(self) -> str:
        """Authors, year and title on a line, with the key in brackets."""
        who = self.authors[0] if self.authors else "Anonymous"
        others = " et al." if len(self.authors) > 1 else ""
        return f"[{self.key}] {who}{others} ({self.year}): {self.title}"


def work(key: str) -> Work:
    """The work of a key.

    Raises:
        UnknownNameError: There is none.
    """
    for found in works():
        if found.key == key:
            return found
    hint = "'genesys library search' finds keys by a description."
    raise UnknownNameError("work of the library", key, [w.key for w in works()], hint)


def citing(key: str) -> list[str]:
    """Keys of the works in the library that cite a work."""
    return [work.key for work in works() if key in work.cites]


@cache
def works() -> tuple[Work, ...]:
    """All works, by key."""
    text = files("genesys_knowledge.library").joinpath(FILE).read_text("utf-8")
    return tuple(Work.model_validate_json(line) for line in text.splitlines())
