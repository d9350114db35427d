"""The handle of a block: what it asks, what it believes, and whom it blames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from genesys.gau.folder import load_tree
from genesys.records import ErrorKind, Unit
from genesys.resources import resource
from genesys.sandbox import Sandbox
from genesys_checkers.block import Block, open_block
from genesys_checkers.claims import Place
from genesys_checkers.faults import Fault
from genesys_checkers.report import run_checks

from .conftest import design, line_of, root_over, unit

PLAIN = "return self.map(X)"
WIDTH, LENGTH, CUT = 32, 20, 9


@pytest.fixture
def gpt2(sandbox: Sandbox) -> Iterator[Block]:
    seed = load_tree(resource("seeds") / "gpt2").as_design(name="gpt2")
    with open_block(seed, sandbox) as block:
        yield block


@contextmanager
def opened(sandbox: Sandbox, *units: Unit) -> Iterator[Block]:
    with open_block(design(*units), sandbox) as block:
        block.build(WIDTH, dtype="float64")
        yield block


def noise(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).standard_normal(shape)


def replaced() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """An input, and the same with another suffix."""
    X = noise(2, LENGTH, WIDTH)
    X2 = X.copy()
    X2[:, CUT:] = noise(2, LENGTH - CUT, WIDTH)
    return X, X2


def culprit(block: Block) -> Place:
    return block.blame(*replaced(), row=1, cut=CUT, tolerance=1e-9)


def test_model_starts_alike_each_time(gpt2: Block) -> None:
    X = noise(2, 12, 64)
    gpt2.build(64, dtype="float64")
    first = gpt2.forward(X)
    gpt2.build(128)
    gpt2.build(64, dtype="float64")
    assert np.array_equal(first, gpt2.forward(X))


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_output_has_the_shape_and_dtype_of_the_input(gpt2: Block, dtype: str) -> None:
    gpt2.build(64, dtype=dtype)
    X = noise(2, 12, 64).astype("float64" if dtype == "float64" else "float32")
    Y = gpt2.forward(X)
    assert (Y.shape, Y.dtype) == (X.shape, X.dtype)
    assert not np.array_equal(X, Y)


def test_parameters_are_counted_without_being_made(gpt2: Block) -> None:
    count = gpt2.build(64, blocks=2)
    assert count > 0
    assert gpt2.build(64, blocks=2, device="meta") == count
    final_norm = 2 * 64
    assert gpt2.build(64, blocks=4, device="meta") == 2 * count - final_norm
    assert gpt2.build(8192, blocks=96, device="meta") > 10**10


def test_gates_are_opened(sandbox: Sandbox) -> None:
    gate = "self.gate = nn.Parameter(torch.zeros(embed_dim, **self.factory_kwargs))"
    with opened(sandbox, unit("return self.gate * X", gate)) as block:
        X = noise(1, 4, WIDTH)
        assert not block.forward(X).any()
        block.build(WIDTH, dtype="float64", open_gates=True)
        assert block.forward(X).all()


def test_innermost_unit_that_looks_ahead_is_blamed(sandbox: Sandbox) -> None:
    child = unit("return X + self.map(X).mean(1, keepdim=True)")
    with opened(sandbox, *_tree(child)) as block:
        assert culprit(block) == Place(unit="Mixer", path="blocks.0.root.child")


def test_unit_that_writes_what_looks_ahead_is_blamed(sandbox: Sandbox) -> None:
    root = unit(
        "state = Z.get('state', X[:, -1])\nY, Z = self.child(X, **Z)\n"
        "return X + Y + state[:, None], Z",
        "self.child = Mixer(**common, **kwarg_all)",
        name="Root",
        children=("Mixer",),
    )
    child = unit("return self.map(X), {'state': self.map(X)[:, -1]}")
    # The first block looks ahead by itself: let it take nothing.
    root = Unit(name="Root", code=root.code.replace("X[:, -1])\n", "0 * X[:, 0])\n"))
    with opened(sandbox, root, child) as block:
        assert culprit(block).unit == "Mixer"


def test_nobody_is_blamed_for_nothing(gpt2: Block) -> None:
    gpt2.build(WIDTH, dtype="float64")
    assert culprit(gpt2) == Place()


def test_exception_names_unit_line_and_the_frames_of_units(sandbox: Sandbox) -> None:
    child = unit("return self.map(X) @ X")
    with opened(sandbox, *_tree(child)) as block, pytest.raises(Fault) as caught:
        block.forward(noise(1, LENGTH, WIDTH))
    fault = caught.value
    assert (fault.unit, fault.line) == ("Mixer", line_of(child, "@ X"))
    assert fault.message.startswith("RuntimeError")
    assert fault.output.count(", in _forward") == 2
    assert "site-packages" not in fault.output


def test_helpers_that_were_renamed_are_tested(sandbox: Sandbox) -> None:
    helper = "def test_it(device=None, dtype=None) -> None:\n    print('{}')"
    helper = f"\n\n@gau_test\n{helper}\n\n\n@gau_test"
    root, child = (
        Unit(name=u.name, code=u.code.replace("\n\n@gau_test", helper.format(u.name), 1))
        for u in _tree(unit(PLAIN))
    )
    with opened(sandbox, root, child) as block:
        for name in ("Root", "Mixer"):
            block.guest.output()
            block.call("run_test", function=block.tests(name)["test_it"])
            assert block.guest.output() == f"{name}\n"


FORGERIES = {
    "no array": "lambda *_, **__: {'Y': 3, 'kind': 'float32'}",
    "nothing": "lambda *_, **__: {}",
    "other shape": "lambda *_, **__: {'Y': np.zeros((9, 9)), 'kind': 'float32'}",
    "integers": "lambda s, X, **__: {'Y': np.zeros(X.shape, 'int64'), 'kind': 'float32'}",
    "a claim of another kind": "lambda s, X, **__: {'Y': X, 'kind': ['x']}",
    "no dict": "lambda *_, **__: 3",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_answer_of_another_form_is_the_designs_fault(name: str, sandbox: Sandbox) -> None:
    forged = "import numpy as np\nfrom genesys_checkers.guest import BlockGuest\n"
    forged += f"BlockGuest.forward = {FORGERIES[name]}\n"
    with _forging(sandbox, forged) as block, pytest.raises(Fault):
        block.forward(noise(1, 4, WIDTH).astype("float32"))


def test_claims_of_another_form_are_the_designs_fault(sandbox: Sandbox) -> None:
    forged = "from genesys_checkers.guest import BlockGuest\n"
    forged += "BlockGuest.blame = lambda *_, **__: {'unit': 7}\n"
    forged += "BlockGuest.build = lambda *_, **__: {'parameters': -1}\n"
    with _forging(sandbox, forged, build=False) as block:
        for ask in (lambda: culprit(block), lambda: block.build(WIDTH)):
            with pytest.raises(Fault) as caught:
                ask()
            assert caught.value.kind is ErrorKind.CRASH


def test_what_a_guest_says_is_cleaned(sandbox: Sandbox) -> None:
    forged = "from genesys_checkers.guest import BlockGuest\n"
    forged += (
        "BlockGuest.describe = lambda *_: "
        "{'unit': '\\x1b[2J', 'line': 10**6, 'trace': '\\x1b' + 'x' * 10**5}\n"
    )
    child = unit("raise ValueError('\\x1b' + 'x' * 10**5)")
    code = child.code.replace("\n\nclass Mixer", f"\n{forged}\n\nclass Mixer", 1)

    def look(block: Block) -> None:
        block.build(WIDTH)
        block.forward(noise(1, 4, WIDTH).astype("float32"))

    hostile = design(Unit(name="Mixer", code=code))
    (issue,) = run_checks([("forward", look)], hostile, sandbox).issues
    assert (issue.unit, issue.line) == ("", None)
    for text in (issue.message, issue.output):
        assert "\x1b" not in text
        assert len(text) <= 4000


@contextmanager
def _forging(sandbox: Sandbox, forged: str, build: bool = True) -> Iterator[Block]:
    plain = unit(PLAIN)
    code = plain.code.replace("\n\nclass Mixer", f"\n{forged}\n\nclass Mixer", 1)
    with open_block(design(Unit(name="Mixer", code=code)), sandbox) as block:
        if build:
            block.build(WIDTH)
        yield block


def _tree(child: Unit) -> list[Unit]:
    return root_over(child).units
