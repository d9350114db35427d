"""Reads a design's folder that somebody else wrote, with what it says beside the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from genesys.errors import GenesysError, TreeError
from genesys.gau.folder import DESIGN_FILE, UNITS_FOLDER, load_tree, read_design_file
from genesys.population.folders import REPORTS
from genesys.population.original.forms import read_plain
from genesys.population.original.reading import Read
from genesys.records import Operator, Proposal, Review, VerificationReport, first_problem
from genesys.text import one_line

MOST = 2**20  # bytes of a file
_REVIEW = re.compile(r"Rating: ([0-9.]+) of 5\n\n(.*)\n", re.DOTALL)


class _About(BaseModel):
    """What ``design.yaml`` says beside the tree."""

    title: str = ""
    operator: Operator = Operator.SCRATCH
    parents: list[str] = []


def read_folder(folder: Path, name: str, named: Callable[[str], str]) -> Read:
    """Read a design's folder in the form of a run's; its code is parsed, never run.

    Args:
        folder: Of the design.
        name: What to call it.
        named: Gives the names of its parents here.

    Raises:
        GenesysError: A file cannot be read, or the tree is not whole; says which.
    """
    _look_at(folder)
    tree, about, notes = load_tree(folder), read_design_file(folder), list[str]()
    if missing := sorted(tree.placeholders()):
        raise TreeError(f"Unit {missing[0]!r} has no file {UNITS_FOLDER}/{missing[0]}.py.")
    try:
        said = _said(folder, _About.model_validate(about), name, named)
        design = tree.as_design(name, **said)
    except ValidationError as error:
        raise TreeError(f"{DESIGN_FILE}: {first_problem(error)}") from None
    return Read(design, list(_reports(folder / REPORTS, name, notes)), notes)


def _look_at(folder: Path) -> None:
    """See that all that is going to be read are files, and none so large that it harms."""
    text = read_plain(folder / DESIGN_FILE, MOST)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise TreeError(f"{DESIGN_FILE} has YAML aliases, which are not read.")
    except yaml.YAMLError as error:
        raise TreeError(f"{DESIGN_FILE} is no YAML: {one_line(str(error))}") from None
    if (folder / UNITS_FOLDER).is_symlink():
        raise GenesysError(f"{UNITS_FOLDER} is a symbolic link.")
    for path in (folder / UNITS_FOLDER).glob("*.py"):
        read_plain(path, MOST)


def _said(folder: Path, about: _About, name: str, named: Callable[[str], str]) -> dict[str, Any]:
    """What is said of a design that is no seed."""
    if not (folder / "proposal.md").exists():
        return {}
    said: dict[str, Any] = {"operator": about.operator}
    said["parents"] = [named(parent) for parent in about.parents]
    text = _text(folder / "proposal.md").removesuffix("\n")
    said["proposal"] = Proposal(name=name, abstract=about.title, text=text, **said)
    review = folder / "review.md"
    if review.exists() and (found := _REVIEW.fullmatch(_text(review))):
        said["review"] = Review(rating=float(found[1]), text=found[2])
    return said


def _reports(folder: Path, name: str, notes: list[str]) -> Iterator[VerificationReport]:
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in sorted(folder.glob("*.json")):
        try:
            report = VerificationReport.model_validate_json(read_plain(path))
        except (GenesysError, ValidationError) as error:
            told = first_problem(error) if isinstance(error, ValidationError) else str(error)
            notes.append(f"Left out: {path.name}: {one_line(told, 200)}")
            continue
        yield report.model_copy(update={"design": name, "scale": path.stem})


def _text(path: Path) -> str:
    try:
        return read_plain(path, MOST).decode("utf-8")
    except UnicodeDecodeError as error:
        raise TreeError(f"{path.name} is no text: {error}") from None
