"""The run's clock: attempts and presence of workers out of a ledger."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.metrics.presence import clocked

OPENED, CLOSED, JOINED, LEFT = (
    EntryKind.OPENED,
    EntryKind.CLOSED,
    EntryKind.JOINED,
    EntryKind.LEFT,
)


def entry(time, kind, **fields):
    return Entry(time=time, kind=kind, **fields)


def ended(time, worker, seconds, kind=EntryKind.ENDED):
    known = {"work": JobKind.SESSION, "outcome": "accepted"}
    return entry(time, kind, worker=worker, seconds=seconds, **known)


def spans(presence):
    return [(row["worker"], row["joined"], row["left"]) for row in presence.to_pylist()]


def test_workers_come_and_go():
    attempts, presence = clocked(
        [
            entry(1000, OPENED),
            entry(1010, JOINED, worker="a"),
            entry(1010, JOINED, worker="b"),
            ended(1040, "a", 20),
            entry(1050, LEFT, worker="b"),
            entry(1100, CLOSED),
        ]
    )
    assert spans(presence) == [("b", 10, 50), ("a", 10, 100)]
    (attempt,) = attempts.to_pylist()
    assert (attempt["began"], attempt["ended"], attempt["counts"]) == (20, 40, True)


def test_the_clock_stands_still_between_two_coordinators():
    entries = [
        entry(1000, OPENED),
        entry(1000, JOINED, worker="a"),
        entry(1060, EntryKind.BEGUN, job=0),  # killed; nobody knows when
        entry(9000, OPENED),
        entry(9010, JOINED, worker="a"),
        ended(9030, "a", 500, EntryKind.FAILED),  # cannot have begun before the coordinator
        entry(9040, CLOSED),
    ]
    attempts, presence = clocked(entries)
    assert spans(presence) == [("a", 0, 60), ("a", 70, 100)]
    (attempt,) = attempts.to_pylist()
    assert (attempt["began"], attempt["ended"], attempt["counts"]) == (60, 90, False)


def test_a_clock_that_is_put_back_moves_nothing():
    entries = [entry(1000, OPENED), ended(1010, "", 10), ended(400, "", 5), entry(405, CLOSED)]
    attempts, presence = clocked(entries)
    # A worker that never joined is the coordinator itself.
    assert spans(presence) == [("", 0, 15)]
    assert attempts["ended"].to_pylist() == [10, 10]


def test_the_coordinator_itself_is_there_where_it_works():
    entries = [entry(0, OPENED), ended(10, "inline", 10), entry(20, CLOSED), entry(50, OPENED)]
    entries += [entry(50, JOINED, worker="a"), entry(60, LEFT, worker="a"), ended(65, "a", 15)]
    _, presence = clocked([*entries, entry(70, CLOSED)])
    assert spans(presence) == [("inline", 0, 20), ("a", 20, 30)]


def test_no_ledger_tells_nothing():
    assert [found.num_rows for found in clocked([])] == [0, 0]


STEPS = st.tuples(
    st.floats(-1e6, 1e6),
    st.sampled_from([OPENED, CLOSED, JOINED, LEFT, EntryKind.ENDED, EntryKind.FAILED]),
    st.sampled_from(["", "a", "b"]),
    st.floats(0, 1e4),
)


@given(st.lists(STEPS, max_size=25))
def test_times_are_in_order_whatever_the_ledger_says(steps):
    attempts, presence = clocked(
        Entry(time=time, kind=kind, worker=worker, seconds=seconds, work=JobKind.SESSION)
        for time, kind, worker, seconds in steps
    )
    for row in presence.to_pylist():
        assert 0 <= row["joined"] <= row["left"]
    for row in attempts.to_pylist():
        assert 0 <= row["began"] <= row["ended"]
        assert row["ended"] - row["began"] <= row["seconds"] + 1e-6
