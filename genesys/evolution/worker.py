"""A worker: does the jobs of a run, in the coordinator's process or in one of its own.

``python -m genesys.evolution.worker`` is a process of its own, which reads its invitation from
standard input; with ``--tied`` it dies with the thread that has started it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import traceback
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from genesys.errors import GenesysError
from genesys.evolution.designer import Designer
from genesys.evolution.events import Event, Observer
from genesys.evolution.executors.link import Link
from genesys.evolution.executors.protocol import (
    Fault,
    Finished,
    Growth,
    Hello,
    Invitation,
    KeepAnswer,
    KeepCall,
    Order,
    Ready,
    Release,
    Reserve,
    Spent,
    Told,
    our_version,
)
from genesys.evolution.jobs import Done, Faulty, Task
from genesys.evolution.settings import EvolutionSettings
from genesys.evolution.verifier import Verifier
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.tape import Answer, Call, Tape

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox

TIED = "--tied"
# The plugins that each kind of job calls.
CALLED = {
    JobKind.SESSION: ("agent", "checker", "knowledge"),
    JobKind.VERIFICATION: ("verifier",),
}


class Worker:
    """Does jobs, one after the other; nothing is committed but what a session's tape keeps.

    Args:
        plugins: Of the run.
        sandbox: Where generated code runs.
        settings: Of the run.
        observe: Is told of everything that happens.
        name: Of the worker, in the run.
    """

    def __init__(
        self,
        plugins: Plugins,
        sandbox: Sandbox,
        settings: EvolutionSettings,
        observe: Observer,
        name: str,
    ) -> None:
        self.name = name
        self._designer = Designer(plugins, sandbox, settings, observe)
        self._verifier = Verifier(plugins, sandbox, settings, observe)

    def do(self, task: Task) -> Done | Faulty:
        """Do a job; what would end every further one too comes back as a fault."""
        started = monotonic()
        job = task.job
        try:
            if task.design and task.scale:
                report = self._verifier.verify(task.design, task.scale)
                return Done(job, self.name, monotonic() - started, report=report)
            assert task.tape is not None and job.selection is not None
            session, design = self._designer.run(task.population, task.tape, job.selection)
            return Done(job, self.name, monotonic() - started, session=session, design=design)
        except GenesysError as error:
            return Faulty(job, self.name, error)


def serve(invitation: Invitation, joined: Callable[[Link], None] = lambda link: None) -> None:
    """Join a run, and do its jobs until it is over or wants this worker no more.

    Plugins and sandbox are made from the run's config. When the coordinator goes away in the middle
    of a job, the process ends at once, and its sandbox with it.

    Args:
        invitation: To the run.
        joined: Is given the link once there is one, e.g. to leave by it.

    Raises:
        ConfigError: The run cannot be joined.
        GenesysError: The config does not work here, or the coordinator is gone.
    """
    from genesys.evolution.run import sandbox_of
    from genesys.registry import load

    link = Link(invitation, _hello(invitation))
    joined(link)
    try:
        config = _fitted(json.loads(link.welcome.config), invitation.threads)
        kinds = [kind for role in invitation.roles for kind in CALLED[role]]
        try:
            plugins = load(config, kinds)
            plugins.ready()
            sandbox = sandbox_of(config.get("sandbox"))
            settings = EvolutionSettings.of(config.get("evolution"))
        except GenesysError as error:
            link.give_up(error)
            raise
        with sandbox:
            name = link.welcome.name

            def tell(event: Event) -> None:
                link.say(Told.of(event))

            worker = Worker(plugins, sandbox, settings, tell, name)
            link.say(Ready())
            _work(link, worker)
    except OSError as error:
        raise GenesysError(f"The run's coordinator is gone: {error}") from None
    finally:
        link.close()


def _hello(invitation: Invitation) -> Hello:
    from genesys.sandbox.devices import gpus

    return Hello(
        version=our_version(),
        name=invitation.name,
        roles=invitation.roles,
        devices=len(gpus(visible=os.environ.get("CUDA_VISIBLE_DEVICES"))),
        host=platform.node(),
        pid=os.getpid(),
    )


def _fitted(config: dict[str, Any], threads: int | None) -> dict[str, Any]:
    """The config with so many threads for guests that bring no limits of their own."""
    if threads is None:
        return config
    sandbox: Mapping[str, Any] = config.get("sandbox") or {}
    limits = {**(sandbox.get("limits") or {}), "threads": threads}
    return {**config, "sandbox": {**sandbox, "limits": limits}}


def _work(link: Link, worker: Worker) -> None:
    """Do what is ordered, one job after the other."""
    replica = Replica()
    while (order := link.order()) is not None:
        if isinstance(order, Growth):
            replica.grow(order)
        else:
            link.say(_result(worker, _task(order, replica, link)))


def _result(worker: Worker, task: Task) -> Finished | Fault:
    try:
        ended = worker.do(task)
    except Exception as error:  # the coordinator decides what it means for the run
        traceback.print_exc()
        return Fault.of(error, task.job.number)
    if isinstance(ended, Faulty):
        return Fault.of(ended.error, task.job.number)
    return Finished(
        job=task.job.number,
        seconds=ended.seconds,
        session=ended.session,
        design=ended.design,
        report=ended.report,
    )


class Replica:
    """A copy of the run's population, which grows as the coordinator tells of more."""

    def __init__(self) -> None:
        self._population = Population()

    def grow(self, growth: Growth) -> None:
        """Add what is new."""
        self._population = self._population.grown(growth.designs, growth.reports, growth.sessions)

    def of(self, weights: Mapping[str, float]) -> Population:
        """The copy, with these weights of the fitness's terms."""
        own = self._population
        if own.weights != weights:
            self._population = Population(own.designs, own.reports, own.sessions, weights)
        return self._population


def _task(order: Order, replica: Replica, link: Link) -> Task:
    tape = None if order.job.session is None else _tape(order.job.session, order, link)
    population = order.job.extent.part(replica.of(order.weights))
    return Task(order.job, population, tape, order.design, order.scale)


def _tape(session: int, order: Order, link: Link) -> Tape:
    """The tape of a session, all of whose keeping is done by the coordinator."""

    def keep_call(call: Call) -> None:
        link.ask(KeepCall(call=call))

    def keep_answer(answer: Answer) -> None:
        link.ask(KeepAnswer(answer=answer))

    def reserve(usd: float, tokens: int) -> int:
        return link.ask(Reserve(usd=usd, tokens=tokens)).ticket

    def release(ticket: int) -> None:
        link.ask(Release(ticket=ticket))

    def usd_of_run() -> float:
        return link.ask(Spent()).usd

    kept = order.calls, order.answers
    return Tape(
        session, *kept, keep_call, keep_answer, usd_of_run, reserve, release, live=order.live
    )


def main() -> None:
    """Serve whoever started this process; with ``--tied``, as long as that lives at most.

    The invitation comes by standard input, where no list of processes shows the key.
    """
    if TIED in sys.argv[1:]:
        from genesys.sandbox.confine import tie_to

        tie_to(os.getppid())  # a process that is stopped could not see its connection end
    try:
        serve(Invitation.model_validate_json(sys.stdin.buffer.read()))
    except GenesysError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
