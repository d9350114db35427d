"""What is sent arrives as it was, and what is no message is none."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import ConfigError, GenesysError, UnitError
from genesys.evolution import events
from genesys.evolution.executors.protocol import (
    EVENTS,
    FROM_HUB,
    FROM_WORKER,
    Fault,
    FromHub,
    FromWorker,
    Hello,
    Invitation,
    Told,
    UnreadableError,
    other_version,
    our_version,
    raised,
    read,
    written,
)
from genesys.population.ledger import JobKind
from genesys.records import CurvePoint, Found, Operator, Proposal, Review, Scale, Selection
from genesys.session import UnitAttempt
from genesys.tape import Call

# Of the coordinator alone.
OWN = {
    "RunOpened",
    "SessionEnded",
    "VerificationEnded",
    "Reported",
    "WorkersChanged",
    "Held",
    "RunEnded",
}
SCALE = Scale(name="s0", n_block=1, d_model=16, tokens=100, learning_rate=1e-3, trials=1)
CALL = Call(session=0, role="proposer", purpose="search", model="m", messages=[], usd=0.1)
PROPOSAL = Proposal(name="x", abstract="a", text="t", operator=Operator.SCRATCH, parents=[])
TOLD: list[events.Event] = [
    events.SessionStarted(3, Selection(operator=Operator.SCRATCH, designs=[]), 0.5),
    events.StageEntered("check", "x"),
    events.Called(CALL, 0.1, 0.2),
    events.Searched(3, Found()),
    events.Reviewed(3, PROPOSAL, Review(rating=4, text="Seen."), True),
    events.UnitTried(3, UnitAttempt("X", 1, False, 2.5, "why not")),
    events.VerificationStarted("x", SCALE),
    events.TrainingProgress(CurvePoint(step=1, tokens=10, loss=2.0, grad_norm=1.0)),
]


def test_every_event_is_either_a_workers_or_the_coordinators() -> None:
    assert {kind.__name__ for kind in get_args(events.Event)} == OWN | EVENTS.keys()
    assert {type(event).__name__ for event in TOLD} == EVENTS.keys()


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_an_event_arrives_as_it_was(event: events.Event) -> None:
    told = read(FROM_WORKER, written(Told.of(event)))
    assert isinstance(told, Told)
    assert told.read == event


@given(
    st.binary() | st.text().map(str.encode) | st.from_type(dict[str, int]).map(str).map(str.encode)
)
def test_what_is_no_message_is_unreadable(frame: bytes) -> None:
    for form in (FROM_WORKER, FROM_HUB):
        with pytest.raises(UnreadableError):
            read(form, frame)
    assert other_version(frame) == ""


def test_kinds_tell_messages_apart() -> None:
    for union in (FromWorker, FromHub):
        members = get_args(union)
        kinds = [member.model_fields["kind"].default for member in members]
        assert len(set(kinds)) == len(members)


def test_a_hello_of_another_version_is_told_whatever_else_it_says() -> None:
    hello = Hello(version=our_version(), name="w", roles=[JobKind.SESSION])
    assert other_version(written(hello)) == ""
    assert other_version(b'{"version": "9.9", "shoe_size": 44}') == "9.9"


def test_an_error_arrives_as_its_class() -> None:
    for error in (ConfigError("a"), UnitError("Unit", "a", 3), GenesysError("a")):
        fault = Fault.of(error, 1)
        again = raised(fault.error, fault.message)
        assert type(again) is type(error)
        assert str(again) == str(error)
    for name in ("ValueError", "TYPE_CHECKING", "get_close_matches", ""):
        assert type(raised(name, "a")) is GenesysError


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("/tmp/hub.sock", "/tmp/hub.sock"),
        ("/tmp/12:30", "/tmp/12:30"),
        ("hub", "hub"),
        ("node-1:7000", ("node-1", 7000)),
    ],
)
def test_addresses(address: str, where: object) -> None:
    invitation = Invitation(address=address, key="ab" * 16, name="w", roles=[JobKind.SESSION])
    assert invitation.where == where
