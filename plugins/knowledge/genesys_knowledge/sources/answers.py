"""Answers as data: strict about what is needed, lenient about the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from genesys.records import first_problem
from genesys_knowledge.sources.http import MalformedError

T = TypeVar("T")


class Answer(BaseModel):
    """A part of an answer; fields that nobody needs are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def parser(kind: type[T]) -> Callable[[bytes], T]:
    """A function that reads JSON as such data.

    It raises ``MalformedError`` with the name of the first field that is not as documented.
    """
    adapter = TypeAdapter(kind)

    def parse(body: bytes) -> T:
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            raise MalformedError(first_problem(error)) from None

    return parse
