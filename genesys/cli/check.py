"""``genesys check``: is a design folder, a unit file or a composed block valid?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from genesys.cli.findings import findings, place
from genesys.errors import GenesysError, TreeError, UnitError
from genesys.gau.folder import DESIGN_FILE, UNITS_FOLDER, load_tree, load_unit, read_design_file
from genesys.gau.parse import parse_block, sections
from genesys.gau.tree import GAUTree
from genesys.gau.unit import SECTION, parse_unit
from genesys.records import CheckReport, CheckResult, Design, Issue
from genesys.text import one_line

VALID, INVALID, NOT_CHECKED = 0, 1, 2
Checker = Callable[[Design], CheckReport]


def check(
    path: Path, checker: Checker, as_json: bool = False, console: Console | None = None
) -> int:
    """Check what lies at ``path`` and print a report.

    Args:
        path: A design folder, a composed ``gab.py``, or a unit file; a unit is checked as the root
            of a block, with the files beside it for what it calls.
        checker: Runs the checkers of the configuration; may raise ``GenesysError``.
        as_json: Print the ``CheckReport`` as JSON.
        console: Where to print; standard output when not given.

    Returns:
        The exit code: 0 valid, 1 invalid, 2 could not be checked.
    """
    console = console or Console()
    report = examine(path, checker)
    if as_json:
        # ASCII only: what a design put into a message cannot reach the terminal as it is.
        console.out(json.dumps(report.model_dump(mode="json"), indent=2), highlight=False)
    else:
        console.print(Text(one_line(str(path), 200), "bold"))
        console.print(findings(report, lambda issue: _where(path, issue)))
    if not report.checked:
        return NOT_CHECKED
    return VALID if report.valid else INVALID


def examine(path: Path, checker: Checker) -> CheckReport:
    """The report on what lies at ``path``; never raises ``GenesysError``."""
    try:
        design = read_design(path)
    except (UnitError, TreeError) as error:
        result = CheckResult(check="parser", passed=False, seconds=0.0)
        return CheckReport(results=[result], issues=[Issue.of(error)])
    except (GenesysError, OSError, UnicodeDecodeError) as error:
        return CheckReport(checked=False, issues=[Issue(check="reading", message=str(error))])
    try:
        return checker(design)
    except GenesysError as error:
        return CheckReport(checked=False, issues=[Issue(check="checker", message=str(error))])


def read_design(path: Path) -> Design:
    """The design at ``path``, read as text.

    Raises:
        UnitError: A unit does not follow the template.
        TreeError: The tree is not whole.
        GenesysError: There is no design.
        OSError: The file cannot be read.
        UnicodeDecodeError: It is no text.
    """
    if path.is_dir():
        if not (path / DESIGN_FILE).is_file():
            raise GenesysError(f"{path} is no design folder: it has no {DESIGN_FILE}.")
        tree, name = load_tree(path), str(read_design_file(path)["name"])
        if missing := sorted(tree.placeholders()):
            raise TreeError(
                f"Declared units without a file in {UNITS_FOLDER}/: {', '.join(missing)}."
            )
    elif path.exists():
        tree = _read_file(path)
        name = tree.root
    else:
        raise GenesysError(f"There is no {path}.")
    try:
        return tree.as_design(name=name)
    except ValidationError as error:
        raise TreeError(f"{path}: {error.errors()[0]['msg']}: {name!r}") from None


def _read_file(path: Path) -> GAUTree:
    """A composed block, or a unit with what it calls of the files beside it."""
    code = path.read_bytes().decode("utf-8")
    if _is_composed(code):
        return parse_block(code)
    unit = parse_unit(code, str(path))
    units = {unit.name: unit}
    missing = [child.unitname for child in unit.children]
    while missing:
        file = path.parent / f"{missing.pop()}.py"
        if file.stem not in units and file.is_file():
            child = load_unit(file)
            units[child.name] = child
            missing += [decl.unitname for decl in child.children]
    return GAUTree(unit.name, units)


def _is_composed(code: str) -> bool:
    return any(line.startswith(SECTION) for line in code.split("\n"))


def _where(path: Path, issue: Issue) -> str:
    """The issue's place as ``file:line``, so that editors and terminals can jump to it."""
    if issue.unit.endswith(".py"):
        return place(issue)
    # Only what can be a unit's name may become part of a path.
    if issue.unit.isidentifier() and len(issue.unit) <= 64:
        file = (path / UNITS_FOLDER if path.is_dir() else path.parent) / f"{issue.unit}.py"
        if file.is_file():
            return str(file) if issue.line is None else f"{file}:{issue.line}"
    if path.is_file() and issue.line is not None:
        return f"{path}:{_line_of_file(path, issue)}"
    return place(issue) or str(path)


def _line_of_file(path: Path, issue: Issue) -> int:
    """In a composed block a unit's own line 1 lies further down."""
    code = path.read_text("utf-8", errors="replace")
    starts = {s.name: s.line for s in sections(code)} if _is_composed(code) else {}
    return starts.get(issue.unit, 1) + (issue.line or 1) - 1
