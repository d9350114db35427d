"""Holds one unit to the rules, and mends it where that leaves its meaning as it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from genesys.errors import UnitError
from genesys.gau.unit import UnitSource, parse_module, parse_unit
from genesys.records import ErrorKind, Repair
from genesys_checkers.repair import apply, repair
from genesys_checkers.rules import RULES
from genesys_checkers.rules.finding import Finding
from genesys_checkers.rules.source import Signature, UnitFile

# One repair can make room for another; more rounds than kinds of edits are never needed.
ROUNDS = 4
TOO_LONG = "Assign values to names, not hundreds of names to each other."


def mend(
    source: UnitSource, module: ast.Module, units: Mapping[str, Signature]
) -> tuple[list[Finding], Repair | None]:
    """Apply the rules, and the repairs they offer, until nothing more can be mended.

    Args:
        source: The unit.
        module: Its code, parsed.
        units: Of the design, written or not: how each is made.

    Returns:
        What is wrong with the unit as mended, and how it was mended; None if it was not.
    """
    before, reasons = source.code, []
    findings = _findings(source, module, units)
    for _ in range(ROUNDS):
        edits = [f.edit for f in findings if f.edit is not None]
        mended = _mended(source, apply(source.code, edits)) if edits else source
        if mended is source:
            break
        reasons += [f.message for f in findings if f.edit is not None]
        source = mended
        findings = _findings(source, parse_module(source.code, source.name), units)
    done = repair(source.name, before, source.code, reasons) if reasons else None
    return findings, done


def _findings(
    source: UnitSource, module: ast.Module, units: Mapping[str, Signature]
) -> list[Finding]:
    file = UnitFile(source, module, units)
    try:
        found = [finding for rule in RULES for finding in rule(file)]
    except RecursionError:
        found = [Finding(ErrorKind.TEMPLATE, "Names lead on to names without an end.", TOO_LONG)]
    return [replace(f, node=f.node or file.cls) for f in found]


def _mended(source: UnitSource, code: str) -> UnitSource:
    """The unit with other code, if that still is the same unit."""
    try:
        new = parse_unit(code, source.name)
    except UnitError:
        return source
    same = (new.name, new.children, new.tests) == (source.name, source.children, source.tests)
    return new if same and code != source.code else source
