"""Reads the designs that a run starts from."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from genesys.errors import TreeError, UnknownNameError
from genesys.gau.folder import load_tree, read_design_file
from genesys.gau.tree import GAUTree
from genesys.records import Design, first_problem
from genesys.resources import resource


def load_seed(where: str) -> Design:
    """Read a seed: a shipped one by name, or any design folder by path.

    Its code is parsed, never run.

    Raises:
        UnknownNameError: No seed is called so, and there is no such folder.
        TreeError: The folder's tree is not whole; the message names the file and the unit.
        UnitError: A unit does not follow the template; with file and line.
    """
    folder = _find(where)
    tree = load_tree(folder)
    if missing := sorted(tree.placeholders()):
        raise TreeError(f"{folder}: {_missing(tree, missing[0])}")
    try:
        return tree.as_design(read_design_file(folder)["name"])
    except ValidationError as error:
        raise TreeError(f"{folder}: {first_problem(error)}") from None


def seed_names() -> list[str]:
    """Names of the shipped seeds."""
    return sorted(folder.name for folder in resource("seeds").iterdir() if folder.is_dir())


def _find(where: str) -> Path:
    if where in seed_names():
        return resource("seeds") / where
    if Path(where).is_dir():
        return Path(where)
    raise UnknownNameError("seed", where, seed_names(), "Or give the path of a design folder.")


def _missing(tree: GAUTree, name: str) -> str:
    callers = ", ".join(tree.parents(name))
    return f"unit {name!r}, a child of {callers}, has no file units/{name}.py."
