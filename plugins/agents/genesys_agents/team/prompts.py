"""Prompts: one file each, one folder per role, with Jinja2."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from genesys_agents.team.views import quoted

FOLDER = Path(__file__).parent / "prompts"


def render(name: str, **values: Any) -> str:
    """The prompt ``<role>/<purpose>``, filled in.

    Raises:
        jinja2.UndefinedError: It needs a value that is not given.
    """
    return _environment().get_template(f"{name}.md.jinja").render(values).strip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quoted"] = quoted
    return environment
