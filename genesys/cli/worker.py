"""``genesys worker``: joins a run that is under way, from another terminal or machine."""

from __future__ import annotations

import os
import platform
import re
import signal
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from genesys.cli.errors import INTERRUPTED
from genesys.cli.roles import Role
from genesys.cli.runs import find_run
from genesys.errors import ConfigError
from genesys.evolution.executors.hub_file import HubFile
from genesys.evolution.executors.link import Link
from genesys.evolution.executors.protocol import LONGEST, Invitation
from genesys.evolution.worker import serve
from genesys.population.ledger import JobKind
from genesys.records import first_problem

KEY = "GENESYS_WORKER_KEY"


KINDS = {
    Role.DESIGNER: [JobKind.SESSION],
    Role.VERIFIER: [JobKind.VERIFICATION],
    Role.BOTH: [JobKind.SESSION, JobKind.VERIFICATION],
}


def work(
    run: Path | None, role: Role, connect: str, key_file: Path | None, threads: int | None
) -> int:
    """Do jobs of a run until it is over.

    Args:
        run: Its folder, where that can be reached from here; None for the newest one.
        role: What to do.
        connect: ``host:port`` of the run; empty for what its folder says.
        key_file: With the run's key; None for the environment's or the folder's.
        threads: CPU threads of guests that bring no limits of their own; None for the config's.

    Returns:
        The exit status: 0 when the run was over or the worker was let go, 130 when it was
        interrupted in its job.

    Raises:
        ConfigError: The run cannot be joined.
        GenesysError: Its config does not work here, or its coordinator has died.
    """
    invitation = _invitation(run, role, connect, key_file, threads)
    console = Console()
    try:
        serve(invitation, lambda link: _joined(link, invitation, console))
    except KeyboardInterrupt:
        console.print("Left in the middle of a job; another worker will do it.")
        return INTERRUPTED
    console.print("The run is over, or has let this worker go.")
    return 0


def _joined(link: Link, invitation: Invitation, console: Console) -> None:
    """The first interrupt asks the run to be let go; the next one ends the process."""

    def leave(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        link.leave()
        console.print("Leaving once the job under way is done; interrupt again to leave now.")

    signal.signal(signal.SIGINT, leave)
    console.print(f"Joined the run at {invitation.address} as {link.welcome.name}.")


def _invitation(
    run: Path | None, role: Role, connect: str, key_file: Path | None, threads: int | None
) -> Invitation:
    key = _key(key_file)
    if not (connect and key):
        published = HubFile.read(find_run(run))
        connect, key = connect or published.address, key or published.key
    host = re.sub(r"[^\w.@-]", "-", platform.node())
    number = f"-{os.getpid()}"
    name = host[: LONGEST - len(number)] + number
    try:
        return Invitation(address=connect, key=key, name=name, roles=KINDS[role], threads=threads)
    except ValidationError as error:
        raise ConfigError(f"The run cannot be joined with this: {first_problem(error)}.") from None


def _key(file: Path | None) -> str:
    if file is None:
        return os.environ.get(KEY, "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"The key cannot be read from {file}: {error}.") from None
