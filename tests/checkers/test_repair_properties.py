"""Whatever is dropped from a valid unit of what a repair can add, the repair brings it back."""

from __future__ import annotations

import ast
import re
from functools import cache
from time import process_time

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.tree import GAUTree
from genesys.records import Design, Found, Operator, Unit
from genesys.resources import resource
from genesys.session import SessionContext
from genesys_agents.offline.designer import OfflineDesigner
from genesys_checkers.format import FormatChecker

from .conftest import unit as unit_of

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
UNITS = [(seed, unit) for seed in range(5) for unit in range(7)]
# What may be dropped from a file: text, and what is left of it.
DROPS = (
    (r"(?<=kwarg_all), device=None, dtype=None(?=[,)])", ""),
    (r"^ +device=None,\n +dtype=None,\n", ""),
    (r"(?<=dtype=None), dtype=None", ""),
    (r"(?m)^    def __init__\(.*(, \*\*kwargs)\)", ", **kwargs"),
    (r"(?m)^ +\*\*kwargs,\n(?=    \):)", ""),
    (r"(?m)^ +self\.factory_kwargs = .*\n", ""),
    (r"(?<=super\(\).__init__\()embed_dim, block_loc, kwarg_all(?=\))", ""),
    (r"(?<=super\(\).__init__\(embed_dim), block_loc, kwarg_all(?=\))", ""),
    (r"(?<=nn\.Linear\()([^()]*), \*\*self\.factory_kwargs(?=\))", r"\1"),
    (r"(?<=Parameter\(torch\.ones\()([^()]*), \*\*self\.factory_kwargs(?=\))", r"\1"),
    (r"(?<=Parameter\(torch\.empty\()([^()]*), \*\*self\.factory_kwargs(?=\))", r"\1"),
    (r"(?<=\(\*\*common), \*\*self\.factory_kwargs(?=, \*\*kwarg_all\))", ""),
    (r"(?m)(?<=            kwarg_all=kwarg_all,\n) +\*\*self\.factory_kwargs,\n", ""),
    (r"(?m)^ +(block_loc=block_loc|kwarg_all=kwarg_all|embed_dim=embed_dim),\n", ""),
    (r"(?<=\()device=None, dtype=None(?=\) -> None:)", ""),
    (r"(?<=\(device=None), dtype=None(?=\) -> None:)", ""),
)


@cache
def seed_of(name: str) -> Design:
    return load_tree(resource("seeds") / name).as_design(name)


@st.composite
def broken_seeds(draw: st.DrawFn) -> tuple[Design, Design]:
    """A seed, and the seed with some of its units cut."""
    whole = seed_of(draw(st.sampled_from(SEEDS)))
    units = []
    for unit in whole.units:
        code = unit.code
        for index in draw(st.lists(st.sampled_from(range(len(DROPS))), max_size=6, unique=True)):
            found = list(re.finditer(DROPS[index][0], code))
            for match in reversed(found):
                if draw(st.booleans()):
                    code = code[: match.start()] + kept(index, match) + code[match.end() :]
        units.append(Unit(name=unit.name, code=code))
    return whole, whole.model_copy(update={"units": units})


def kept(index: int, match: re.Match[str]) -> str:
    """What a drop leaves of the text it matched."""
    pattern, left = DROPS[index]
    if left == ", **kwargs":
        return match[0].replace(left, "")
    return match.expand(left) if "(" in pattern and left else left


def normal(code: str) -> str:
    """Code as text, whatever the order of its named arguments."""
    module = ast.parse(code)
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            node.keywords.sort(key=ast.dump)
        elif isinstance(node, ast.arguments):
            count = len(node.args) - len(node.defaults)
            pairs = list(zip(node.args[count:], node.defaults, strict=True))
            pairs.sort(key=lambda pair: pair[0].arg)
            node.args[count:] = [arg for arg, _ in pairs]
            node.defaults[:] = [default for _, default in pairs]
    return ast.unparse(module)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken_seeds())
def test_repair_brings_back_what_was_dropped(pair: tuple[Design, Design]) -> None:
    whole, broken = pair
    report = FormatChecker().check(broken)
    assert (report.valid, report.issues) == (True, [])
    repaired = report.repaired(broken)
    for before, after in zip(whole.units, repaired.units, strict=True):
        assert normal(after.code) == normal(before.code)
    changed = {u.name for u, v in zip(whole.units, broken.units, strict=True) if u != v}
    assert {repair.unit for repair in report.repairs} == changed
    again = FormatChecker().check(repaired)
    assert (again.issues, again.repairs) == ([], [])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(UNITS), st.data())
def test_any_file_gets_a_verdict_and_repairs_settle(
    at: tuple[int, int], data: st.DataObject
) -> None:
    whole = seed_of(SEEDS[at[0]])
    unit = whole.units[at[1] % len(whole.units)]
    lines = unit.code.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(lines) - 1))
        line = lines[where]
        cut = sorted(data.draw(st.lists(st.integers(0, len(line)), min_size=2, max_size=2)))
        filler = data.draw(st.sampled_from(("", "self", "**", ",", "(", "\t", "ĝ", "\x00", "\r")))
        lines[where] = line[: cut[0]] + filler + line[cut[1] :]
    mangled = Unit(name=unit.name, code="\n".join(lines))
    assume(mangled != unit)
    units = [mangled if u.name == unit.name else u for u in whole.units]
    design = whole.model_copy(update={"units": units})
    report = FormatChecker().check(design)
    again = FormatChecker().check(report.repaired(design))
    assert again.repairs == []
    assert again.issues == report.issues


@pytest.mark.parametrize("name", SEEDS)
def test_repaired_seed_computes_the_same(name: str) -> None:
    whole = seed_of(name)
    units = []
    for unit in whole.units:
        code = unit.code
        for index in range(len(DROPS)):
            for match in reversed(list(re.finditer(DROPS[index][0], code))):
                code = code[: match.start()] + kept(index, match) + code[match.end() :]
        units.append(Unit(name=unit.name, code=code))
    broken = whole.model_copy(update={"units": units})
    report = FormatChecker().check(broken)
    assert len(report.repairs) == len(whole.units)
    assert torch.equal(output_of(report.repaired(broken)), output_of(whole))


def output_of(design: Design) -> torch.Tensor:
    module = load_block(compose(GAUTree.of(design)))
    torch.manual_seed(0)
    block = module.GAB(embed_dim=64, block_loc=(0, 1), dtype=torch.float64, **module.gab_config)
    return block(torch.randn(2, 9, 64, dtype=torch.float64))[0]


# Code that makes a careless reader follow the same names again and again.
DOUBLED = "\n".join(f"n{i + 1} = n{i} + n{i}; s{i + 1} = s{i}; s{i + 1} = s{i}" for i in range(60))
HOSTILE = {
    "names that double": f"n0 = s0 = X.shape\n{DOUBLED}\nfor t in range(s60[1] + n60): X[:, t]",
    "a chain of names": "\n".join(f"a{i + 1} = a{i}" for i in range(3000))
    + "\nfor t in range(a3000): X[:, t]",
    "dicts of dicts": "\n".join(f"d{i + 1} = {{**d{i}, **d{i}}}" for i in range(60))
    + "\nself.map(**d60)",
    "loops in loops": "while i < L: i += 1; X[:, i]\n" * 2000,
    "brackets": "y = " + "[" * 60 + "0" + "]" * 60,
    "many layers": "\n".join("nn.Linear(2, 2)" for _ in range(2000)),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("method", ["forward", "init"])
def test_hostile_code_is_read_in_time(name: str, method: str) -> None:
    code = f"{HOSTILE[name]}\nreturn self.map(X)"
    hostile = unit_of(code) if method == "forward" else unit_of("return X", HOSTILE[name])
    began = process_time()
    FormatChecker().check(Design(name="x", root="Mixer", units=[hostile]))
    assert process_time() - began < 20


@pytest.mark.parametrize("number", range(12))
def test_offline_design_is_left_as_it_is(number: int) -> None:
    operator = (Operator.MUTATION, Operator.CROSSOVER, Operator.SCRATCH)[number % 3]
    count = {Operator.MUTATION: 1, Operator.CROSSOVER: 2, Operator.SCRATCH: 0}[operator]
    context = SessionContext(
        index=number,
        seed=number,
        operator=operator,
        parents=tuple(seed_of(SEEDS[(number + i) % len(SEEDS)]) for i in range(count)),
        references=(),
        siblings=(),
        search=lambda query: Found(),
        check=lambda design: pytest.fail("a first draft is not checked"),
        is_new=lambda design: True,
    )
    agent = OfflineDesigner(attempts=1)
    report = FormatChecker().check(agent.implement(context, agent.propose(context)))
    assert (report.issues, report.repairs) == ([], [])
