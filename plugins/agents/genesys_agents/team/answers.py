"""Reads what language models answer. Nothing in here raises on garbage: it says what is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

F = TypeVar("F", bound="Form")

# A fence of backticks or tildes with its language; the block ends at a fence as long, or with the
# text, which a cut answer does.
_FENCE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^\n]*\n"
    r"(?P<body>.*?)"
    r"(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_MOST_PROBLEMS = 5


class Form(BaseModel):
    """The part of an answer that is a JSON object. Keys that nobody asked for are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @classmethod
    def schema_of_all(cls) -> dict[str, Any]:
        """The JSON schema that asks for every key and allows no other, as providers want it."""
        schema = cls.model_json_schema()
        for key in schema["properties"].values():
            key.pop("default", None)
        return schema | {"required": list(schema["properties"]), "additionalProperties": False}


@dataclass(frozen=True)
class Unread:
    """An answer that is not what was asked for: what is wrong with it, for who wrote it."""

    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.problems)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where the fences begin and end."""

    language: str
    text: str
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks of an answer; the last one may lack its end."""
    return [
        Block(found["language"].lower(), found["body"], found.start(), found.end())
        for found in _FENCE.finditer(text)
    ]


def read_form(text: str, form: type[F]) -> F | Unread:
    """The one JSON object of an answer: in a fence, or the whole of it.

    Several objects that say the same are one; of several that differ none is taken.
    """
    found: list[F] = []
    problems: list[str] = []
    for candidate in _candidates(text):
        try:
            value = json.loads(candidate, strict=False)
        except (ValueError, RecursionError) as error:
            problems.append(f"the JSON cannot be read: {error}")
            continue
        read = _validated(value, form)
        if isinstance(read, Unread):
            problems += read.problems
        elif read not in found:
            found.append(read)
    if len(found) == 1:
        return found[0]
    if found:
        return Unread((f"there are {len(found)} answers that differ; give one",))
    wanted = ", ".join(form.model_fields)
    return Unread(tuple(problems[:_MOST_PROBLEMS]) or (f"there is no JSON object with {wanted}",))


def read_code(text: str) -> list[str] | Unread:
    """The Python files of an answer, each in a fence of its own."""
    found = [block.text for block in blocks(text) if block.language in {"python", "py", ""}]
    code = [body.strip() + "\n" for body in found if body.strip()]
    return code or Unread(("there is no ```python block with code",))


def without_form(text: str) -> str:
    """An answer without the fence that its JSON object is in."""
    for block in blocks(text):
        if block.language == "json":
            return (text[: block.start] + text[block.end :]).strip()
    return text.strip()


def _candidates(text: str) -> list[str]:
    """Texts that may be the JSON object, most likely first."""
    fenced = [b.text for b in blocks(text) if b.language in {"json", ""} and "{" in b.text]
    if fenced:
        return fenced
    start, end = text.find("{"), text.rfind("}")
    return [text[start : end + 1]] if 0 <= start < end else []


def _validated(value: Any, form: type[F]) -> F | Unread:
    if not isinstance(value, dict):
        return Unread(("the JSON is no object",))
    try:
        return form.model_validate(value)
    except ValidationError as error:
        told = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}"
            for problem in error.errors()
        ]
        return Unread(tuple(told[:_MOST_PROBLEMS]))
    except RecursionError:
        return Unread(("the JSON is nested too deep",))
