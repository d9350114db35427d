"""``genesys verify``: tunes, trains and evaluates one design at one scale, without a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from rich.console import Console
from rich.text import Text

from genesys.cli.designs import find_design
from genesys.cli.errors import INTERRUPTED, print_error
from genesys.cli.findings import findings
from genesys.cli.scales import compose_with_scale, scales_of
from genesys.cli.scores import scores
from genesys.cli.training import TrainingDisplay
from genesys.errors import GenesysError, SandboxError, TreeError, UnitError
from genesys.evolution.run import sandbox_of
from genesys.evolution.settings import settings_of
from genesys.files import write_text
from genesys.records import CheckReport, Design, Outcome, Record, Scale, VerificationReport
from genesys.registry import load

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox

FOLDER = "runs/verify"  # what a verification keeps lies there, unless the config says otherwise
VERIFIED, FAULTY, NOT_VERIFIED = 0, 1, 2
GO_ON = "Interrupted. The same command goes on from its last checkpoint, if there is one."
STATUS = {
    Outcome.OK: VERIFIED,
    Outcome.DESIGN_ERROR: FAULTY,
    Outcome.MACHINE_ERROR: NOT_VERIFIED,
}


class Wanted(Record):
    """What stands in no config group: the seed of initialisation and data order."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


def verify(
    where: str,
    overrides: Sequence[str] = (),
    run: Path | None = None,
    checked: bool = True,
    as_json: bool = False,
    output: Path | None = None,
) -> int:
    """Verify a design and print its report; progress goes to standard error.

    Args:
        where: A seed, a path, or a design of a run; see :func:`genesys.cli.designs.find_design`.
        overrides: Of the config; besides, ``scale=NAME``.
        run: Folder of the run that has the design.
        checked: Whether to check the design first.
        as_json: Print the report as JSON.
        output: A file for the report as JSON.

    Returns:
        The exit code: 0 verified, 1 the design is at fault, 2 it could not be verified, 130
        interrupted.
    """
    return ended(lambda: _report(where, overrides, run, checked, output), as_json, output)


def ended(
    made: Callable[[], VerificationReport], as_json: bool = False, output: Path | None = None
) -> int:
    """Print the report that is made, or why there is none; the exit code.

    Args:
        made: Makes the report.
        as_json: Print it as JSON.
        output: A file for it as JSON.
    """
    try:
        report = made()
        _print(report, as_json)
        if output:
            _write(report, output)
    except (TreeError, UnitError) as error:
        print_error(error)
        return FAULTY
    except GenesysError as error:
        print_error(error)
        return NOT_VERIFIED
    except KeyboardInterrupt:
        Console(stderr=True).print(Text(GO_ON), soft_wrap=True)
        return INTERRUPTED
    return STATUS[report.outcome]


def _report(
    where: str, overrides: Sequence[str], run: Path | None, checked: bool, output: Path | None
) -> VerificationReport:
    config = compose_with_scale([f"folder={FOLDER}", *overrides])
    scale = scales_of(config)[0]
    seed = settings_of("verify", Wanted, {"seed": config.get("seed")}).seed
    if output and not output.absolute().parent.is_dir():
        raise GenesysError(f"There is no folder {output.parent} to write the report to.")
    design = find_design(where, run)
    plugins = load(config, ("checker", "verifier") if checked else ("verifier",))
    plugins.require("verify")
    console = Console(stderr=True)
    with (
        sandbox_of(config.get("sandbox")) as sandbox,
        TrainingDisplay(console, f"{design.name} at {scale.name}", scale.total_tokens) as display,
    ):
        if checked:
            display.enter("checking")
            checks, design = _check(plugins, design, sandbox)
            if not checks.valid:
                console.print(findings(checks, design))
                return _invalid(design, scale, seed, checks)
        display.enter("preparing and tuning")
        report = plugins.verify(design, scale, seed, sandbox, display)
    if plugins.offers("kept") and (kept := plugins.offer("kept", report=report)):
        console.print(Text(f"The model is kept in {kept}"), soft_wrap=True)
    return report


def _invalid(design: Design, scale: Scale, seed: int, checks: CheckReport) -> VerificationReport:
    return VerificationReport(
        design=design.name,
        scale=scale.name,
        seed=seed,
        outcome=Outcome.DESIGN_ERROR,
        error=f"check: {checks.summary}",
    )


def _check(plugins: Plugins, design: Design, sandbox: Sandbox) -> tuple[CheckReport, Design]:
    """What the checkers say, and the design as they have repaired it."""
    report = plugins.check(design, sandbox)
    if not report.checked:
        raise SandboxError(report.summary)
    return report, report.repaired(design)


def _print(report: VerificationReport, as_json: bool) -> None:
    console = Console()
    if as_json:
        # ASCII only: what a design put into a message cannot reach the terminal as it is.
        console.out(json.dumps(report.model_dump(mode="json"), indent=2), highlight=False)
    else:
        console.print(Text(report.design, "bold magenta"), scores(report), sep="\n")


def _write(report: VerificationReport, path: Path) -> None:
    try:
        write_text(path, report.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise GenesysError(f"The report cannot be written to {path}: {error}") from None
