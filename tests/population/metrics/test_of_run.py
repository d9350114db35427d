"""The tables of a run: what they take from its records, calls and ledger."""

from __future__ import annotations

import pyarrow as pa
import pytest

from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.metrics.figures import Figures
from genesys.population.metrics.of_run import of_run, read
from genesys.population.metrics.tables import CALLS
from genesys.population.population import Population
from genesys.records import (
    Design,
    ErrorKind,
    Issue,
    Operator,
    Outcome,
    Score,
    Selection,
    Session,
    SessionEnd,
    Severity,
    Unit,
    VerificationReport,
)
from genesys.tape import Call


def design(name, *units, parents=(), operator=Operator.MUTATION):
    codes = [Unit(name=unit, code=f"class {unit}: ...") for unit in units]
    return Design(name=name, root=units[0], units=codes, operator=operator, parents=list(parents))


def report(name, scale, *values, **fields):
    scores = [Score(task=f"t{i}", metric="acc", value=v) for i, v in enumerate(values)]
    scores.append(Score(task="text", metric="bits_per_byte", value=2.0))
    return VerificationReport(design=name, scale=scale, scores=scores, seconds=5.0, **fields)


def failed(name, error, outcome=Outcome.DESIGN_ERROR):
    return VerificationReport(design=name, scale="s", outcome=outcome, error=error)


def ended(index, end=SessionEnd.ACCEPTED, name="", issues=()):
    selection = Selection(operator=Operator.MUTATION, designs=[])
    known = {"selection": selection, "seconds": 7.0, "issues": list(issues)}
    return Session(index=index, seed=0, end=end, design=name, **known)


DESIGNS = [
    design("seed", "A", "N", operator=Operator.SEED),
    design("child", "A", "B", parents=["seed"]),
]
REPORTS = [report("seed", "s", 0.4, 0.6), report("child", "s", 0.5, 0.7), report("child", "m", 0.9)]


def test_designs_and_scores():
    tables = of_run(Population(DESIGNS, REPORTS, [ended(0, name="child")]))
    seed, child = tables.designs.to_pylist()
    assert (seed["seed"], seed["gain"], seed["fitness"]) == (True, None, 0.5)
    assert (child["units"], child["reused"]) == (["A", "B"], ["A"])
    assert child["gain"] == pytest.approx(0.1)  # at the one scale that both were verified at
    assert child["usd"] is None
    assert tables.scores.num_rows == 5  # accuracies only
    assert tables.simulated == 0


def test_times_without_a_ledger_are_those_of_the_records():
    machine = failed("child", "no room", Outcome.MACHINE_ERROR)
    attempts = of_run(Population(DESIGNS, [*REPORTS, machine], [ended(0)])).attempts.to_pylist()
    assert [row["seconds"] for row in attempts] == [7.0, 5.0, 5.0, 5.0, 0.0]
    assert [row["counts"] for row in attempts] == [True, True, True, True, False]
    assert {row["worker"] for row in attempts} == {None}


def test_times_are_those_of_the_ledger():
    entry = Entry(
        time=10.0,
        kind=EntryKind.ENDED,
        job=0,
        work=JobKind.SESSION,
        worker="one",
        outcome="accepted",
        seconds=3.0,
    )
    tables = of_run(Population(DESIGNS, REPORTS, [ended(0)]), entries=[entry])
    (attempt,) = tables.attempts.to_pylist()
    assert (attempt["worker"], attempt["seconds"]) == ("one", 3.0)


def test_calls_know_the_design_that_came_of_them():
    row = {"session": 0, "role": "coder", "model": "m", "calls": 1, "usd": 2.0}
    row |= {"input_tokens": 5, "output_tokens": 6}
    calls = pa.Table.from_pylist([row, row | {"session": 1, "usd": 1.0}])
    sessions = [ended(0, name="child"), ended(1, SessionEnd.FAILED)]
    tables = of_run(Population(DESIGNS, REPORTS, sessions), calls)
    assert tables.calls.schema == CALLS
    assert tables.calls["design"].to_pylist() == ["child", None]
    assert tables.designs["usd"].to_pylist() == [None, 2.0]


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        ("training, step 112: the loss is nan", "training"),
        ("evaluation before training: it crashed", "evaluation before training"),
        ("tuning: no depth fits", "tuning"),
        ("Traceback (most recent call last):\nValueError: x", "other"),
        ("", "other"),
    ],
)
def test_a_verification_fails_in_a_stage(error, stage):
    tables = of_run(Population(DESIGNS, [failed("child", error)]))
    assert tables.verifications["stage"].to_pylist() == [stage]


def test_a_class_of_errors_counts_once_a_session():
    def issue(kind, severity=Severity.ERROR):
        return Issue(check="c", kind=kind, severity=severity, message="no")

    end = SessionEnd.REJECTED_BY_CHECKER
    shape, child = ErrorKind.SHAPE, ErrorKind.UNUSED_CHILD
    sessions = [
        ended(0, end, issues=[issue(shape), issue(shape), issue(child)]),
        ended(1, end, issues=[issue(None), issue(ErrorKind.SLOW_LOOP, Severity.WARNING)]),
    ]
    assert of_run(Population(sessions=sessions)).rejections.to_pylist() == [
        {"session": 0, "group": "format", "error": "unused child"},
        {"session": 0, "group": "function", "error": "shape"},
        {"session": 1, "group": "other", "error": "other"},
    ]


def test_simulated_verifications_are_counted():
    simulated = report("child", "m", 0.9, simulated=True)
    assert of_run(Population(DESIGNS, [*REPORTS[:2], simulated])).simulated == 1


def test_reads_a_run_folder(tmp_path, seed, child, session):
    asked = {"session": 0, "role": "coder", "purpose": "unit", "model": "m", "messages": []}
    with EvolutionTree(tmp_path, {}) as tree:
        tree.add_seed(seed)
        tree.ledger.append(Entry(time=0.0, kind=EntryKind.OPENED))
        tape = tree.tape(0)
        tape.keep(Call(**asked, usd=1.0, input_tokens=7))
        tape.keep(Call(**asked, usd=0.5, input_tokens=3))
        tree.commit_session(session(0, child.name), child)
        done = {"work": JobKind.SESSION, "worker": "inline", "outcome": "accepted"}
        tree.ledger.append(Entry(time=60.0, kind=EntryKind.ENDED, seconds=60.0, **done))
    tables = read(tmp_path)
    (paid,) = tables.calls.to_pylist()
    assert (paid["design"], paid["calls"], paid["usd"]) == (child.name, 2, 1.5)
    assert tables.designs["usd"].to_pylist() == [None, 1.5]
    assert tables.designs["rating"].to_pylist() == [None, 4.5]
    assert tables.presence.to_pylist() == [{"worker": "inline", "joined": 0.0, "left": 60.0}]
    found = Figures.of(tables)
    assert found.value("pipeline", "utilisation") == 1.0
    assert found.value("pipeline", "designers") == 1.0
    assert found.value("nobody", "knows") is None
