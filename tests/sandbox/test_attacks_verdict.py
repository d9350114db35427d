"""Attacks on the verdict: a guest answers with numbers, and what they mean is decided outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.sandbox import Guest, GuestEnded, GuestRaised, Job, Sandbox
from genesys_checkers.causality import CausalityChecker

from .conftest import CONFINED, hostile

LEAKY = '''\
import numpy
from hostile_jobs import *
class Leaky:
    """Each output holds the mean of all inputs, later ones too."""
    def forward(self, X):
        ATTACK
        return {"Y": X + X.mean(1, keepdims=True)}
os.leaky = Leaky()
'''
ATTACKS = {
    "nothing": "pass",
    "prints": 'print(\'{"kind": "answer", "body": {"causal": true}, "arrays": []}\')',
    "forges an answer": "write_all(4, forged(b'answer', b'{\"causal\": true}'))",
    "forges a call": "write_all(4, forged(b'call', b'{\"method\": \"x\"}'))",
    "forges garbage": "write_all(4, b'x' * 9999)",
    "forges a giant": "write_all(4, struct.pack('>4sIQ', b'GAU1', 99, 2**28)); os._exit(0)",
    "answers twice": "threading.Thread(target=write_all, "
    "args=(4, forged(b'answer', b'{\"causal\": true}') * 99)).start()",
    "closes its channel": "os.close(4)",
    "closes everything": "os.closerange(0, 99)",
    "floods events": "write_all(4, forged(b'event', b'{}') * 20_000)",
    "floods its output": "write_all(1, b'x' * 2**24)",
    "exits": "os._exit(0)",
    "dies": "os.kill(os.getpid(), signal.SIGKILL)",
    "raises": "raise SystemExit('causal')",
    "answers with objects": "return {'Y': Evil()}",
    "answers with an array of objects": "return {'Y': numpy.array([Evil()])}",
    "answers with more": "return {'Y': X.tolist() and 'causal', 'causal': True}",
    "patches the wire": "sys.modules['genesys.sandbox.child'].encode = lambda f: [b'causal']",
    "walks the frames": """
        frame = sys._getframe()
        while frame:
            for name, value in frame.f_locals.items():
                if isinstance(value, dict): value.update(causal=True)
            frame = frame.f_back""",
    "walks the heap": """
        for thing in __import__('gc').get_objects():
            if type(thing).__name__ in ('Guest', 'Sandbox', 'HostProcess'): thing.causal = True
            if type(thing) is dict and 'causal' in thing: thing['causal'] = True""",
}
EVIL = """
class Evil:
    def __reduce__(self): return os.system, ('touch TARGET',)
    def __repr__(self): return 'causal'
    def tolist(self): return True
"""


class Judge:
    """The trusted half: draws inputs and decides from the outputs."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def is_causal(self) -> bool:
        X = np.random.default_rng(0).standard_normal((2, 8, 4))
        changed = X.copy()
        changed[:, 5:] += 1
        Y, moved = (self._guest.call("forward", X=x)["Y"] for x in (X, changed))
        return all(isinstance(a, np.ndarray) and a.shape == X.shape for a in (Y, moved)) and bool(
            np.array_equal(Y[:, :5], moved[:, :5])
        )


@pytest.mark.parametrize("attack", ATTACKS)
def test_answer_is_no_verdict(attack: str, confined: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "unpickled"
    code = LEAKY.replace("ATTACK", ATTACKS[attack]) + EVIL.replace("TARGET", str(target))
    limits = confined.limits.model_copy(update={"seconds": 2})
    job = Job(entry="hostile_jobs:Told", payload={"code": code}, limits=limits)
    verdict = None
    try:
        with confined.open(job) as guest:
            verdict = Judge(guest).is_causal()
    except (GuestEnded, GuestRaised, KeyError):
        verdict = False
    assert verdict is False
    assert not target.exists()
    with confined.open(hostile(confined)) as guest:
        assert guest.call("echo", a=1) == {"a": 1}


UNIT = '''\
# GAU_IMPLEMENTATION_FILE
"""A unit that attacks what judges it."""

import gc
import os
import sys
import types

import torch
from genesys.gau import GAUBase, UnitDecl, gau_test


class Leaky(GAUBase):
    """Each output holds the mean of all inputs, later ones too."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = torch.nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)

    def _forward(self, X, **Z):
        ATTACK
        return self.map(X) + X.mean(1, keepdim=True)


@gau_test
def test_leaky_runs(device=None, dtype=None) -> None:
    assert True


CHILDREN_DECLARATIONS = []
'''
ON_CHECKERS = {
    "nothing": "pass",
    "patches the checkers": """
        for name, module in list(sys.modules.items()):
            if name.startswith(("genesys_checkers", "genesys.records", "genesys.sandbox.guest")):
                for key, value in list(vars(module).items()):
                    if isinstance(value, types.FunctionType) and "guest" not in value.__module__:
                        setattr(module, key, lambda *_, **__: None)""",
    "patches all of its guest": """
        for name, module in list(sys.modules.items()):
            if name.startswith("genesys"):
                for key, value in list(vars(module).items()):
                    if isinstance(value, types.FunctionType):
                        setattr(module, key, lambda *_, **__: None)""",
    "replaces the reports": """
        import genesys.records
        genesys.records.CheckReport.valid = True
        genesys.records.CheckReport.issues = []""",
    "walks the heap": """
        for thing in gc.get_objects():
            try:
                if isinstance(thing, dict) and thing.keys() & {"passed", "issues", "results"}:
                    thing.update(passed=True, issues=[], valid=True)
            except Exception:
                pass""",
    "forges an answer": """
        header = b'{"kind": "answer", "body": {"passed": true, "valid": true}, "arrays": []}'
        os.write(4, b"GAU1" + len(header).to_bytes(4, "big") + bytes(8) + header)""",
    "exits": "os._exit(0)",
}


@pytest.fixture(scope="module", params=CONFINED)
def with_torch(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(backend=request.param) as sandbox:
        yield sandbox


@pytest.mark.parametrize("attack", ON_CHECKERS)
def test_checker_cannot_be_talked_out_of_its_verdict(attack: str, with_torch: Sandbox) -> None:
    unit = parse_unit(UNIT.replace("ATTACK", ON_CHECKERS[attack]), "leaky.py")
    design = GAUTree("Leaky", {"Leaky": unit}).as_design(name="leaky")
    report = CausalityChecker(widths=[16], blocks=1, seconds=20).check(design, with_torch)
    assert report.checked
    assert not report.valid
    assert [result.passed for result in report.results] == [False]
    if attack in ("nothing", "replaces the reports", "walks the heap"):
        assert report.issues[0].unit == "Leaky"
