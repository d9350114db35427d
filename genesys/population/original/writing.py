"""Writes a design in the original system's form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genesys.files import write_text
from genesys.gau.decl import UnitDecl
from genesys.gau.tree import GAUTree
from genesys.population.original.forms import (
    IMPLEMENTATION,
    METADATA,
    PROPOSAL,
    RESULTS,
    VERIFICATIONS,
)
from genesys.population.original.reading import FINISHED
from genesys.population.original.units import to_original
from genesys.records import Design, Score, VerificationReport

METRIC = {"scaled_mcc": "mcc"}  # that has another name there
FILTER = "none"  # of the answers: none


def write_original(design: Design, reports: Iterable[VerificationReport], folder: Path) -> None:
    """Write the files of a design.

    Args:
        design: A whole tree. Its arguments are written as those of its root unit.
        reports: On it, one a scale at most; those that ended well.
        folder: Made when absent.

    Raises:
        TreeError, UnitError: Its tree cannot be read.
        OSError: The disk refuses.
    """
    tree = GAUTree.of(design)
    (folder / VERIFICATIONS).mkdir(parents=True)
    proposal, review = design.proposal, design.review
    said = proposal.document if proposal else ""
    rating, judged = (review.rating, review.text) if review else (None, None)
    _write(
        folder / METADATA,
        {
            "title": proposal.abstract if proposal else design.name,
            "acronym": design.name,
            "seed_ids": design.parents,
        },
    )
    if proposal:
        _write(
            folder / PROPOSAL,
            {
                "modelname": design.name,
                "variantname": proposal.name,
                "proposal": said,
                "abstract": proposal.abstract,
                "selection": proposal.target or None,
                "review": judged,
                "rating": rating,
                "passed": True,
            },
        )
    implementation = {
        "root": tree.root,
        "name": design.name,
        "units": {name: _unit(tree, name) for name in tree.order()},
        "declares": _declares(tree),
        "proposal": said,
        "review": judged,
        "rating": rating,
    }
    content = {"implementation": implementation, "status": FINISHED, "history": []}
    _write(folder / IMPLEMENTATION, content)
    for report in reports:
        results = {score.task: _result(score) for score in report.scores}
        told = {"scale": report.scale, "verification_report": {RESULTS: {"results": results}}}
        _write(folder / VERIFICATIONS / f"{report.scale}.json", told)


def _unit(tree: GAUTree, name: str) -> dict[str, Any]:
    unit = tree.units[name]
    code, tests = to_original(unit)
    spec = {"unitname": name, "document": unit.docstring, "inputs": ["X"], "outputs": ["Y"]}
    return {
        "code": code,
        "spec": json.dumps(spec),
        "children": list(tree.children(name)),
        "args": dict(tree.args) if name == tree.root else {},
        "gautests": tests,
        "desc": "",
        "reuse_from": None,
        "requirements": None,
        "rating": None,
        "review": None,
        "suggestions": None,
        "design_traces": None,
    }


def _declares(tree: GAUTree) -> dict[str, str]:
    """What is said of each unit by the first that calls it."""
    found: dict[str, UnitDecl] = {}
    for caller in tree.order():
        for decl in tree.declarations(caller):
            found.setdefault(decl.unitname, decl)
    return {name: json.dumps(vars(decl)) for name, decl in found.items()}


def _result(score: Score) -> dict[str, Any]:
    name = METRIC.get(score.metric, score.metric)
    scale = 2 if score.metric in METRIC else 1
    value = score.value * scale - (scale - 1)
    error = None if score.stderr is None else score.stderr * scale
    return {
        "alias": score.task,
        f"{name},{FILTER}": value,
        f"{name}_stderr,{FILTER}": "N/A" if error is None else error,
    }


def _write(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")
