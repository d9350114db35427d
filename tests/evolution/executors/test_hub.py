"""The hub, with workers that say what a test has them say."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from puppet import Puppet, ended, until

from genesys.errors import BudgetError, ConfigError, GenesysError, StoreError, UnknownNameError
from genesys.evolution.events import Reported, StageEntered, WorkersChanged
from genesys.evolution.executors.door import MOST_STRANGERS
from genesys.evolution.executors.hub import Hub
from genesys.evolution.executors.protocol import (
    MOST_RECORDS,
    Beat,
    Denied,
    Fault,
    Finished,
    Granted,
    KeepAnswer,
    KeepCall,
    Leaving,
    Order,
    Ready,
    Refused,
    Release,
    Reserve,
    Spent,
    Stop,
    Told,
)
from genesys.evolution.jobs import Done, Extent, Faulty, Job, Lost, Task
from genesys.evolution.seeds import load_seed
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import (
    Operator,
    Scale,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)
from genesys.tape import Answer, Call, Tape

SCALE = Scale(name="s0", n_block=1, d_model=16, tokens=100, learning_rate=1e-3, trials=1)
SELECTION = Selection(operator=Operator.MUTATION, designs=["seed1001"])
LEASE = 60.0


class Watched(list[Any]):
    """What the hub tells, and notes."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[str, bool, str]] = []

    def note(self, *note: Any) -> None:
        self.notes.append(note)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def hub(watched: Watched) -> Iterator[Hub]:
    with Hub({"seed": float("inf")}, watched.append, watched.note, LEASE) as hub:
        yield hub


@pytest.fixture
def population(seeds: list[str]) -> Population:
    return Population([load_seed(path) for path in seeds], weights={"accuracy": 2.0})


def verification(population: Population, number: int = 0, **more: Any) -> Task:
    name = "seed1001"
    extent = Extent.of(population)
    job = Job(number=number, kind=JobKind.VERIFICATION, extent=extent, design=name, scale="s0")
    return Task(job, population, design=population.design(name), scale=SCALE, **more)


def session(population: Population, tape: Tape, number: int = 0) -> Task:
    kind, extent = JobKind.SESSION, Extent.of(population)
    job = Job(number=number, kind=kind, extent=extent, session=tape.session, selection=SELECTION)
    return Task(job, population, tape)


def report(**changes: Any) -> VerificationReport:
    return VerificationReport(**{"design": "seed1001", "scale": "s0"} | changes)


def call(session: int = 0, usd: float = 0.5) -> Call:
    return Call(session=session, role="proposer", purpose="search", model="m", messages=[], usd=usd)


def test_a_job_is_done_by_a_worker_that_has_joined(
    hub: Hub, watched: Watched, population: Population
) -> None:
    assert hub.room(JobKind.VERIFICATION) == 0
    worker = Puppet(hub, "v", [JobKind.VERIFICATION]).join()
    assert worker.welcome.config == '{"seed": Infinity}'
    assert watched.notes == [("v", True, "verification")]
    assert watched == [WorkersChanged(("v",))]
    assert (hub.room(JobKind.VERIFICATION), hub.room(JobKind.SESSION)) == (1, 0)
    task = verification(population)
    hub.submit(task)
    assert hub.room(JobKind.VERIFICATION) == 0
    order = worker.work()
    assert (order.job, order.design, order.scale) == (task.job, task.design, SCALE)
    assert not worker.growths
    worker.say(Told.of(StageEntered("check", "x")))
    worker.finish(order, report=report())
    done = ended(hub)
    assert isinstance(done, Done)
    assert (done.job, done.worker, done.report) == (task.job, "v", report())
    assert 0 < done.seconds <= 0.01
    assert watched[1:] == [Reported("v", StageEntered("check", "x"))]
    assert hub.room(JobKind.VERIFICATION) == 1


def test_a_job_waits_for_a_worker(hub: Hub, population: Population) -> None:
    hub.submit(verification(population, 0))
    hub.submit(verification(population, 1))
    worker = Puppet(hub).join()
    assert hub.room(JobKind.VERIFICATION) == 0
    for number in (0, 1):
        order = worker.work()
        assert order.job.number == number
        worker.finish(order, report=report())
        assert ended(hub).job.number == number


def test_who_does_one_thing_only_goes_first(hub: Hub, population: Population) -> None:
    versatile, special = Puppet(hub).join(), Puppet(hub, "v", [JobKind.VERIFICATION]).join()
    hub.submit(verification(population))
    special.work()
    assert versatile.says_nothing()


def test_a_worker_is_told_of_the_population_but_once(hub: Hub, population: Population) -> None:
    worker = Puppet(hub).join()
    ends = {"seed": 1, "selection": SELECTION, "end": SessionEnd.FAILED}
    many = [Session(index=index, **ends) for index in range(2 * MOST_RECORDS + 1)]
    sizes = []
    for number, held in enumerate((0, 2 * MOST_RECORDS, 1, 2 * MOST_RECORDS + 1)):
        hub.submit(session(population.grown(sessions=many[:held]), Tape(number), number))
        order = worker.work()
        assert order.job.extent == Extent(designs=2, reports=0, sessions=held)
        assert order.weights == {"accuracy": 2.0}
        sizes.append([(len(g.designs), len(g.sessions)) for g in worker.growths])
        worker.finish(order, session=Session(index=number, **ends))
        assert isinstance(ended(hub), Done)
    new = [(0, MOST_RECORDS), (0, MOST_RECORDS)]
    assert sizes == [[(2, 0)], new, [], [(0, 1)]]


def test_what_a_tape_keeps_is_committed_before_the_worker_goes_on(
    hub: Hub, population: Population
) -> None:
    kept: list[Any] = []
    tickets: list[Any] = []

    def reserve(usd: float, tokens: int) -> int:
        if usd > 1:
            raise BudgetError("no more money")
        tickets.append((usd, tokens))
        return 7

    old = Answer(session=3, kind="check", key="k", json_value="1")
    usd = lambda: sum(c.usd for c in kept if isinstance(c, Call))  # noqa: E731
    tape = Tape(
        3, [call(3)], [old], kept.append, kept.append, usd, reserve, tickets.remove, live=False
    )
    worker = Puppet(hub).join()
    hub.submit(session(population, tape))
    order = worker.work()
    assert (order.calls, order.answers, order.live) == ([call(3)], [old], False)

    def ask(question: Any) -> Any:
        worker.say(question)
        until(hub, worker.connection.poll)
        return worker.hear()

    assert ask(KeepCall(call=call(3, 0.25))) == Granted(usd=0.25)
    assert ask(KeepAnswer(answer=old)) == Granted(usd=0.25)
    assert kept == [call(3, 0.25), old]
    assert (tape.calls, tape.answers) == ([call(3), call(3, 0.25)], [old, old])
    assert ask(Spent()).usd == 0.25
    assert ask(Reserve(usd=0.5, tokens=9)).ticket == 7
    assert tickets == [(0.5, 9)]
    assert ask(Reserve(usd=2, tokens=9)) == Denied(error="BudgetError", message="no more money")


def test_what_cannot_be_kept_is_denied(hub: Hub, population: Population) -> None:
    def refuse(_: object) -> None:
        raise StoreError("the disk is full")

    worker = Puppet(hub).join()
    hub.submit(session(population, Tape(0, keep_call=refuse)))
    worker.work()
    worker.say(KeepCall(call=call()))
    until(hub, worker.connection.poll)
    assert worker.hear() == Denied(error="StoreError", message="the disk is full")


def test_what_a_lost_session_has_set_aside_is_given_back(hub: Hub, population: Population) -> None:
    released: list[int] = []
    tape = Tape(0, reserve=lambda usd, tokens: 7, release=released.append)
    worker = Puppet(hub).join()
    hub.submit(session(population, tape))
    worker.work()
    worker.say(Reserve(usd=1, tokens=1))
    until(hub, worker.connection.poll)
    worker.connection.close()
    assert isinstance(ended(hub), Lost)
    assert released == [7]


def test_a_worker_that_goes_has_lost_its_job(
    hub: Hub, watched: Watched, population: Population
) -> None:
    first, second = Puppet(hub, "a", devices=2).join(), Puppet(hub, "b").join()
    hub.submit(verification(population, avoid=frozenset("b")))
    first.work()
    first.connection.close()
    lost = ended(hub)
    assert isinstance(lost, Lost)
    assert (lost.job.number, lost.worker, lost.devices) == (0, "a", 2)
    assert lost.reason == "Its connection has ended."
    assert watched[-1] == WorkersChanged(("b",))
    assert watched.notes[-1] == ("a", False, "Its connection has ended.")
    hub.submit(verification(population, avoid=frozenset("a")))
    second.finish(second.work(), report=report())
    done = ended(hub)
    assert isinstance(done, Done)
    assert done.devices == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b'{"kind": "order"}',
        b'{"kind": "told", "event": "RunEnded", "json_value": "{}"}',
        b'{"kind": "told", "event": "StageEntered", "json_value": "nothing"}',
        Finished(job=1, seconds=0, report=report()),
        Finished(job=0, seconds=0, report=report(scale="s1")),
        Finished(job=0, seconds=0, report=report(design="seed1002")),
        Finished(job=0, seconds=0),
        KeepCall(call=call()),
        Spent(),
        Release(ticket=1),
        Ready(),
    ],
    ids=str,
)
def test_garbage_costs_a_worker_its_place(hub: Hub, population: Population, garbage: Any) -> None:
    worker = Puppet(hub).join()
    hub.submit(verification(population))
    worker.work()
    if isinstance(garbage, bytes):
        worker.connection.send_bytes(garbage)
    else:
        worker.say(garbage)
    lost = ended(hub)
    assert isinstance(lost, Lost)
    assert "what no worker says" in lost.reason
    assert not hub.members
    with pytest.raises((EOFError, OSError)):
        worker.hear()


def test_a_session_is_held_to_its_own_tape_and_selection(
    hub: Hub, population: Population, fakes: ModuleType
) -> None:
    ends = {"index": 4, "seed": 1, "selection": SELECTION, "end": SessionEnd.FAILED}
    other = SELECTION.model_copy(update={"designs": ["seed1002"]})
    design = fakes.block(3).as_design("x")
    for said in (
        KeepCall(call=call(5)),
        KeepAnswer(answer=Answer(session=5, kind="k", key="k", json_value="1")),
        Finished(job=0, seconds=0, session=Session(**ends | {"index": 5})),
        Finished(job=0, seconds=0, session=Session(**ends | {"selection": other})),
        Finished(job=0, seconds=0, session=Session(**ends), design=design),
        Finished(job=0, seconds=0, report=report()),
    ):
        worker = Puppet(hub).join()
        hub.submit(session(population, Tape(4)))
        worker.work()
        worker.say(said)
        assert isinstance(ended(hub), Lost)


def test_faults_come_back_as_their_class(hub: Hub, population: Population) -> None:
    worker = Puppet(hub).join()
    for error, kind in (
        (ConfigError("wrong"), ConfigError),
        (UnknownNameError("seed", "x", ["y"]), UnknownNameError),
        (ZeroDivisionError("by me"), GenesysError),
    ):
        hub.submit(verification(population))
        worker.work()
        worker.say(Fault.of(error, 0))
        faulty = ended(hub)
        assert isinstance(faulty, Faulty)
        assert type(faulty.error) is kind
        assert str(error) in str(faulty.error)
        assert faulty.worker == "puppet"


def test_a_silent_worker_is_lost_when_its_lease_ends(
    watched: Watched, population: Population
) -> None:
    with Hub({}, watched.append, watched.note, 0.4) as hub:
        silent, beating = Puppet(hub, "silent").join(), Puppet(hub, "beating").join()
        assert silent.welcome.beat_seconds == pytest.approx(0.1)
        hub.submit(verification(population))
        silent.work()
        lost: list[Any] = []
        while not lost:
            beating.say(Beat())
            lost += hub.wait(0.05)
        assert (lost[0].worker, lost[0].reason) == ("silent", "It was silent for 0.4 seconds.")
        assert [member.name for member in hub.members] == ["beating"]
        beating.connection.close()


def test_time_in_which_the_hub_was_not_asked_counts_for_nobody(watched: Watched) -> None:
    with Hub({}, watched.append, watched.note, 0.2) as hub:
        worker = Puppet(hub).join()
        time.sleep(0.3)
        hub.wait(0)
        assert hub.members[0].name == worker.name
        until(hub, lambda: not hub.members)


def test_strangers_disturb_nobody(hub: Hub, watched: Watched, population: Population) -> None:
    worker = Puppet(hub).join()
    strangers = []
    for said in [b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x04abcd", b"\xff" * 1000]:
        stranger = socket.socket(socket.AF_UNIX)
        stranger.connect(hub.address)
        stranger.sendall(said)
        strangers.append(stranger)
    with pytest.raises(AuthenticationError):
        Client(hub.address, authkey=b"another key")
    hub.submit(verification(population))
    worker.finish(worker.work(), report=report())
    assert isinstance(ended(hub), Done)
    assert len(watched.notes) == 1
    for stranger in strangers:
        stranger.close()


def test_only_so_many_strangers_are_listened_to(hub: Hub) -> None:
    strangers = [socket.socket(socket.AF_UNIX) for _ in range(MOST_STRANGERS + 1)]
    for stranger in strangers:
        stranger.connect(hub.address)
    strangers[-1].settimeout(5)
    assert strangers[-1].recv(1) == b""
    for stranger in strangers:
        stranger.close()


def test_who_knows_the_key_but_says_no_hello_is_nobody(hub: Hub, watched: Watched) -> None:
    for said in (b"hello", b"{}", b'{"kind": "ready"}', b'{"kind": "hello", "version": 3}'):
        connection = Client(hub.address, authkey=bytes.fromhex(hub.key))
        connection.send_bytes(said)
        with pytest.raises((EOFError, OSError)):
            connection.recv_bytes()
    hub.wait(0)
    assert not hub.members
    assert not watched.notes


def test_another_version_is_refused(hub: Hub, watched: Watched) -> None:
    stranger = Puppet(hub, version="0.0.1")
    refusal = stranger.hear()
    assert isinstance(refusal, Refused)
    assert "a worker of another version: 0.0.1" in refusal.reason
    until(hub, lambda: watched.notes)
    name, joined, why = watched.notes[0]
    assert (name, joined) == ("a stranger", False)
    assert "a worker of another version" in why
    assert not hub.members


def test_names_are_told_apart(hub: Hub, watched: Watched) -> None:
    workers = [Puppet(hub, "w" * 64).join() for _ in range(3)]
    assert [worker.name for worker in workers] == ["w" * 64, "w" * 62 + "-2", "w" * 62 + "-3"]


def test_who_has_failed_at_a_job_gets_it_only_where_there_is_nobody_else(
    hub: Hub, population: Population
) -> None:
    a = Puppet(hub, "a").join()
    hub.expected = {"b": [JobKind.VERIFICATION], "d": [JobKind.SESSION]}
    avoiding = {"avoid": frozenset("a")}
    hub.submit(verification(population, 0, **avoiding))
    hub.submit(verification(population, 1))
    assert a.work().job.number == 1  # the other waits for b
    b = Puppet(hub, "b").join()
    assert b.work().job.number == 0
    b.finish(_order(0, population), report=report())
    ended(hub)
    hub.expected = {}
    b.connection.close()
    until(hub, lambda: len(hub.members) == 1)
    hub.submit(verification(population, 2, **avoiding))
    a.finish(_order(1, population), report=report())
    ended(hub)
    assert a.work().job.number == 2


def _order(number: int, population: Population) -> Order:
    return Order(job=verification(population, number).job)


def test_who_leaves_does_what_it_has_and_no_more(
    hub: Hub, watched: Watched, population: Population
) -> None:
    worker, idle = Puppet(hub, "a").join(), Puppet(hub, "b").join()
    hub.submit(verification(population))
    order = worker.work()
    for leaving in (worker, idle):
        leaving.say(Leaving())
    until(hub, idle.connection.poll)
    assert isinstance(idle.hear(), Stop)
    hub.submit(verification(population, 1))
    worker.finish(order, report=report())
    assert isinstance(ended(hub), Done)
    assert isinstance(worker.hear(), Stop)
    worker.connection.close()
    idle.connection.close()
    until(hub, lambda: not hub.members)
    left = {("a", False, "It was let go."), ("b", False, "It was let go.")}
    assert {note for note in watched.notes if not note[1]} == left


def test_who_cannot_work_is_dropped(hub: Hub, watched: Watched) -> None:
    worker = Puppet(hub, "w")
    until(hub, worker.connection.poll)
    worker.say(Fault.of(ConfigError("no such thing here")))
    until(hub, lambda: not hub.members)
    assert watched.notes == [("w", False, "It cannot work: no such thing here")]


def test_nothing_is_left_of_a_hub(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesys.evolution.executors.hub.STOP_SECONDS", 0.1)
    with Hub({}, watched.append, watched.note, LEASE) as hub:
        folder = Path(hub.address).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        worker = Puppet(hub).join()
    assert isinstance(worker.hear(), Stop)
    assert not folder.exists()
    with pytest.raises((EOFError, OSError)):
        worker.hear()


def test_a_hub_for_other_machines(watched: Watched) -> None:
    with Hub({}, watched.append, watched.note, LEASE, "127.0.0.1:0") as hub:
        host, _, port = hub.address.rpartition(":")
        key = bytes.fromhex(hub.key)
        with Client((host, int(port)), authkey=key) as connection:
            assert not connection.closed
        with (
            pytest.raises(ConfigError, match="cannot be waited for"),
            Hub({}, watched.append, watched.note, LEASE, hub.address),
        ):
            pass
    for wrong in ("7000", "here:", "127.0.0.1:99999"):
        with pytest.raises(ConfigError), Hub({}, watched.append, watched.note, LEASE, wrong):
            pass
