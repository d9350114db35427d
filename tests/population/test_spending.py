"""What the calls of a run cost, summed up."""

import pytest

from genesys.errors import StoreError
from genesys.population.by import By
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.spending import Spending, Spent
from genesys.records import Operator, Selection, Session, SessionEnd
from genesys.tape import Call, CallEnd, Message

HELLO = [Message(author="user", text="hello")]


def call(session, role, usd, end=CallEnd.ANSWERED, seconds=2.0, model="a/b"):
    return Call(
        session=session,
        role=role,
        purpose="unit",
        model=model,
        messages=HELLO,
        end=end,
        input_tokens=100,
        cached_tokens=40,
        output_tokens=10,
        usd=usd,
        seconds=seconds,
    )


def session(index, end):
    selection = Selection(operator=Operator.SCRATCH, designs=[])
    return Session(index=index, seed=0, selection=selection, end=end)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    with EvolutionTree(folder, {}) as tree:
        tapes = [tree.tape(index) for index in range(3)]
        tapes[0].keep(call(0, "coder", 0.3, CallEnd.RETRIED))
        tapes[0].keep(call(0, "coder", 0.2))
        tree.commit_session(session(0, SessionEnd.ACCEPTED), None)
        tapes[1].keep(call(1, "observer", 0.4, model="c/d"))
        tapes[1].keep(call(1, "coder", 0.0, CallEnd.FAILED, seconds=0.0))
        tree.commit_session(session(1, SessionEnd.NOT_IMPLEMENTED), None)
        tapes[2].keep(call(2, "coder", 0.1))
    return folder


def test_the_total(folder):
    total = Spending.read(folder).total
    assert (total.calls, total.tries) == (4, 4)
    assert (total.input_tokens, total.cached_tokens, total.output_tokens) == (500, 200, 50)
    assert total.usd == pytest.approx(1.0)
    assert total.seconds == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("by", "usd"),
    [
        (By.ROLE, {"coder": 0.6, "observer": 0.4}),
        (By.MODEL, {"a/b": 0.6, "c/d": 0.4}),
        (By.PURPOSE, {"unit": 1.0}),
        (By.SESSION, {"0": 0.5, "1": 0.4, "2": 0.1}),
        (By.OUTCOME, {"accepted": 0.5, "not_implemented": 0.4, "under_way": 0.1}),
    ],
)
def test_calls_are_told_apart(folder, by, usd):
    found = {name: spent.usd for name, spent in Spending.read(folder).by(by).items()}
    assert found == pytest.approx(usd)
    assert list(found) == list(usd)


def test_what_came_of_the_money(folder):
    spending = Spending.read(folder)
    assert spending.designs == 1
    assert spending.usd_per_design == pytest.approx(1.0)
    assert spending.usd_in_vain == pytest.approx(0.4)


def test_one_session(folder):
    spent = Spending.read(folder).of_session(0)
    assert (spent.calls, spent.tries, spent.usd) == (1, 2, pytest.approx(0.5))
    assert Spending.read(folder).of_session(9) == Spent()


def test_nothing_was_spent(tmp_path):
    with EvolutionTree(tmp_path, {}):
        pass
    spending = Spending.read(tmp_path)
    assert (spending.total, spending.by(By.ROLE), spending.usd_per_design) == (Spent(), {}, None)


def test_no_run(tmp_path):
    with pytest.raises(StoreError, match="no run folder"):
        Spending.read(tmp_path)
