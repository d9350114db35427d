"""Reads a design of the original system."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import ValidationError

from genesys.errors import GenesysError, TreeError
from genesys.gau.tree import TAKEN_ARGS, GAUTree
from genesys.gau.unit import UnitSource
from genesys.population.metrics.published import METRICS
from genesys.population.original.forms import (
    IMPLEMENTATION,
    METADATA,
    PROPOSAL,
    RESULTS,
    VERIFICATIONS,
    Idea,
    Implementation,
    Metadata,
    TreeForm,
    Verification,
    read_form,
)
from genesys.population.original.units import from_original
from genesys.records import (
    Design,
    Operator,
    Proposal,
    Review,
    Score,
    VerificationReport,
    first_problem,
)
from genesys.text import one_line

# Tasks that are means over the subtasks whose names begin so, as in the paper.
GROUPS = ("blimp", "inverse_scaling")
FINISHED = "implemented"
_SCALE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True)
class Read:
    """A design that was read.

    Attributes:
        design: The design.
        reports: On it, one a scale.
        notes: What of it was left out or changed, in sentences.
    """

    design: Design
    reports: list[VerificationReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_original(folder: Path, name: str, named: Callable[[str], str]) -> Read:
    """Read a design of the original system; its code is parsed, never run.

    Args:
        folder: Of the design.
        name: What to call it.
        named: Gives the names of its parents here.

    Raises:
        GenesysError: Files are missing or have another form, or the tree is not whole; says which.
    """
    notes: list[str] = []
    found = read_form(folder / IMPLEMENTATION, Implementation)
    if found.status not in ("", FINISHED):
        notes.append(f"The original calls it {one_line(found.status, 40)!r}.")
    tree = _tree(found.implementation, notes)
    about = Metadata()
    if (folder / METADATA).exists():
        about = read_form(folder / METADATA, Metadata)
    parents = list(dict.fromkeys(named(parent) for parent in about.seed_ids))
    said: dict[str, Any] = {}
    if (folder / PROPOSAL).exists():
        said = _said(read_form(folder / PROPOSAL, Idea), about, name, parents, notes)
    try:
        design = tree.as_design(name, **said)
    except ValidationError as error:
        raise TreeError(first_problem(error)) from None
    return Read(design, list(_reports(folder / VERIFICATIONS, name, notes)), notes)


def _tree(form: TreeForm, notes: list[str]) -> GAUTree:
    units: dict[str, UnitSource] = {}
    pending = [form.root]
    while pending:
        name = pending.pop()
        if name in units:
            continue
        if name not in form.units:
            raise TreeError(f"Unit {name!r} has no code.")
        units[name] = from_original(name, form)
        pending += [decl.unitname for decl in units[name].children]
    if unused := sorted(form.units.keys() - units.keys()):
        notes.append(f"No unit calls {one_line(', '.join(unused))}: left out.")
    return GAUTree(form.root, units, _arguments(form, list(units), notes))


def _arguments(form: TreeForm, units: list[str], notes: list[str]) -> dict[str, Any]:
    """Those of all units: a block has one set; callers go before those they call."""
    args: dict[str, Any] = {}
    for unit in units:
        for name, value in form.units[unit].args.items():
            if name in TAKEN_ARGS or not name.isidentifier():
                notes.append(f"Argument {one_line(name, 40)!r} of {unit} is left out.")
            elif args.setdefault(name, value) != value:
                others = one_line(repr(args[name]), 40)
                notes.append(f"Argument {name!r} is {others} for all units; {unit} has another.")
    return args


def _said(
    idea: Idea, about: Metadata, name: str, parents: list[str], notes: list[str]
) -> dict[str, Any]:
    """The proposal with its review, and what a design says of its descent."""
    takes = {0: Operator.SCRATCH, 1: Operator.MUTATION}.get(len(parents), Operator.CROSSOVER)
    abstract = about.title or idea.abstract
    said: dict[str, Any] = {"operator": takes, "parents": parents}
    said["proposal"] = Proposal(
        name=name,
        abstract=abstract,
        text=idea.proposal,
        operator=takes,
        parents=parents,
        target=idea.selection if takes is Operator.MUTATION else "",
    )
    if idea.rating is not None and 0 <= idea.rating <= 5:
        said["review"] = Review(rating=idea.rating, text=idea.review)
    else:
        notes.append(f"The rating {idea.rating} is none of 0 to 5: its review is left out.")
    return said


def _reports(folder: Path, name: str, notes: list[str]) -> Iterator[VerificationReport]:
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in sorted(folder.glob("*.json")):
        try:
            form = read_form(path, Verification)
            if not _SCALE.fullmatch(form.scale):
                raise GenesysError(f"{path.name}: {one_line(form.scale, 40)!r} names no scale.")
            scores = list(_scores(form))
            if not scores:
                raise GenesysError(f"{path.name} has no scores.")
            yield VerificationReport(design=name, scale=form.scale, scores=scores)
        except (GenesysError, ValidationError) as error:
            notes.append(f"Left out: {one_line(str(error), 200)}")


def _scores(form: Verification) -> Iterator[Score]:
    told = form.verification_report.get(RESULTS)
    results = told.get("results") if isinstance(told, dict) else None
    grouped: dict[tuple[str, str], list[tuple[float, float | None]]] = defaultdict(list)
    for task, found in (results if isinstance(results, dict) else {}).items():
        if isinstance(found, dict) and (best := _best(found)):
            metric, value, error = best
            group = next((group for group in GROUPS if task.startswith(f"{group}_")), task)
            grouped[group, metric].append((value, error))
    for (task, metric), values in grouped.items():
        errors = [error for _, error in values if error is not None]
        alone = errors[0] if len(values) == len(errors) == 1 else None
        yield Score(task=task, metric=metric, value=fmean(v for v, _ in values), stderr=alone)


def _best(found: Mapping[str, Any]) -> tuple[str, float, float | None] | None:
    """The metric that counts of a task's, its value and its standard error."""
    for metric in (*METRICS, "bits_per_byte"):
        value = _number(found, metric)
        if value is not None:
            error = _number(found, f"{metric}_stderr")
            if metric == "mcc":
                return "scaled_mcc", (value + 1) / 2, error and error / 2
            return metric, value, error
    return None


def _number(found: Mapping[str, Any], metric: str) -> float | None:
    """The first finite value of a metric; of several filters the strict one's."""
    for key, value in sorted(found.items(), key=lambda item: "flexible" in item[0]):
        if key.split(",")[0] == metric and type(value) in (int, float) and math.isfinite(value):
            return float(value)
    return None
