"""What does not learn or costs too much is found, what is merely unusual is not, every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from genesys.errors import ConfigError, SandboxError
from genesys.gau.folder import load_tree
from genesys.records import CheckReport, Design, ErrorKind
from genesys.resources import resource
from genesys.sandbox import Sandbox
from genesys_checkers.effectiveness import EffectivenessChecker

from .conftest import failed, root_over, unit

PLAIN = "return self.map(X)"
SCALE = "self.scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))"
FLIP = """
class Flip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, X):
        return X.clone()

    @staticmethod
    def backward(ctx, gradient):
        return -30 * gradient


return Flip.apply(X + self.map(X))
"""
LOOP = """
state, out = X[:, 0] * 0, []
for x in self.map(X).unbind(1):
    for _ in range({times}):
        state = 0.9 * state + 0.1 * torch.tanh(x + state)
    out.append(state)
return torch.stack(out, 1)
"""
SCORES = "A = (self.map(X) @ X.mT / D).tril().clamp(-1, 1)\n"

# name: kind, unit at fault, lines of _forward, more lines of __init__
FAULTS = {
    "learns backwards": (ErrorKind.NO_LEARNING, "", FLIP, ""),
    "loss is NaN after some steps": (
        ErrorKind.DIVERGENCE,
        "Mixer",
        "return self.map(X) * self.scale + (6e-5 - (self.scale - 1).square().amax()).sqrt()",
        SCALE,
    ),
    "gradient is NaN": (
        ErrorKind.DIVERGENCE,
        "Mixer",
        "return self.map(X) + (self.scale * 0).sqrt()",
        SCALE,
    ),
    "gradient explodes": (
        ErrorKind.DIVERGENCE,
        "Mixer",
        "return torch.sin(1e6 * self.map(X))",
        "",
    ),
    "sixty operations per position": (ErrorKind.COST, "Mixer", LOOP.format(times=15), ""),
    "one layer a hundred times": (
        ErrorKind.COST,
        "Mixer",
        "h = self.map(X)\nfor _ in range(100):\n    h = (h + self.map(h)).tanh()\nreturn h",
        "",
    ),
    "products of scores": (
        ErrorKind.SCALING,
        "Mixer",
        f"{SCORES}for _ in range(4):\n    A = (A @ A / L).tril()\nreturn self.map(X) + A @ X",
        "",
    ),
    "largest of all sums of three": (
        ErrorKind.SCALING,
        "Mixer",
        f"{SCORES}A = (A[:, :, None, ::16] + A[:, None, :, ::16]).amax(-1).tril()\n"
        "return self.map(X) + A @ X / L",
        "",
    ),
    "inverse of scores": (
        ErrorKind.SCALING,
        "Mixer",
        f"{SCORES}A = torch.linalg.inv(torch.eye(L) + 0.1 * A.tanh())\nreturn self.map(X) + A @ X",
        "",
    ),
    "a vector for each pair": (
        ErrorKind.MEMORY,
        "",
        "h = self.map(X)\npairs = (h[:, :, None] + X[:, None]).relu() * X[:, None]\n"
        "return pairs.sum(2) / L",
        "",
    ),
}
VALID = {
    "learns slowly": "return self.map(X) + 300 * self.map(torch.ones_like(X))",
    "drops much": "return functional.dropout(self.map(X), 0.8, self.training)",
    "loop over positions": LOOP.format(times=1),
    "loop that indexes": (
        "h, s, out = self.map(X), X[:, 0] * 0, []\n"
        "for t in range(L):\n    s = 0.9 * s + h[:, t]\n    out.append(s)\n"
        "return torch.stack(out, 1)"
    ),
    "all pairs": f"{SCORES}return self.map(X) + A.softmax(-1) @ X",
    "triangular system": (
        f"{SCORES}A = torch.eye(L) + A / L\n"
        "return torch.linalg.solve_triangular(A, self.map(X), upper=False)"
    ),
    "eight numbers for each pair": (
        "w = torch.linspace(0, 1, L)\n"
        "k = self.map(X)[..., :8]\n"
        "e = torch.exp((w[:, None] - w)[None, :, :, None] + k[:, None].tanh())\n"
        "return X + self.map(X) * (e.sum(2) / L).mean(-1, keepdim=True)"
    ),
}


Thrice = Callable[[Design], list[CheckReport]]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EffectivenessChecker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENESYS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield EffectivenessChecker()


@pytest.fixture
def thrice(checker: EffectivenessChecker, sandbox: Sandbox) -> Thrice:
    """Checks a design three times."""
    return lambda design: [checker.check(design, sandbox) for _ in range(3)]


def slow_ones(cases: dict[str, object]) -> list[object]:
    marks = {"sixty operations per position": pytest.mark.slow}
    return [pytest.param(name, marks=marks.get(name, ())) for name in cases]


@pytest.mark.parametrize("name", slow_ones(FAULTS))
def test_fault_is_found_every_time(name: str, thrice: Thrice) -> None:
    kind, at, forward, init = FAULTS[name]
    reports = thrice(root_over(unit(forward, init)))
    for report in reports:
        assert failed(report) == ["effectiveness"]
        assert [(i.kind, i.unit) for i in report.issues] == [(kind, at)], report.issues
        assert report.issues[0].hint
    assert len({report.issues[0].message for report in reports}) == 1


@pytest.mark.parametrize("name", VALID)
def test_unusual_design_passes_every_time(name: str, thrice: Thrice) -> None:
    for report in thrice(root_over(unit(VALID[name]))):
        assert report.valid, report.issues


@pytest.mark.parametrize("seed", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_seed_passes(seed: str, checker: EffectivenessChecker, sandbox: Sandbox) -> None:
    report = checker.check(load_tree(resource("seeds") / seed).as_design(name=seed), sandbox)
    assert report.valid, report.issues
    assert [result.check for result in report.results] == ["effectiveness"]


# What a hostile unit puts in the place of a method that answers for it.
LIES = {
    "logits of another shape": ("logits", "{'logits': np.zeros((1, 2, 3), 'f4')}", "shape"),
    "no logits": ("logits", "{'logits': 'good ones'}", "no tensor of floats"),
    "logits that are infinite": (
        "logits",
        "{'logits': np.full((4, 256, 256), np.inf, 'f4')}",
        "not finite",
    ),
    "a norm that is a word": ("step", "{'norm': 'small', 'unit': ''}", "what measures it"),
    "less than no work": ("work", "{'flops': -1, 'elements': 0, 'unit': ''}", "what measures it"),
}


@pytest.mark.parametrize("name", LIES)
def test_answer_of_another_form_is_a_fault(
    name: str, checker: EffectivenessChecker, sandbox: Sandbox
) -> None:
    method, answer, says = LIES[name]
    init = (
        "import numpy as np\nfrom genesys_checkers.guest_training import TrainingOps\n"
        f"TrainingOps.{method} = lambda *_, **__: {answer}"
    )
    report = checker.check(root_over(unit(PLAIN, init)), sandbox)
    assert failed(report) == ["effectiveness"]
    assert says in report.issues[0].message


def test_what_was_measured_is_in_the_output_and_not_in_the_message(
    checker: EffectivenessChecker, sandbox: Sandbox
) -> None:
    _, _, forward, init = FAULTS["a vector for each pair"]
    issue = checker.check(root_over(unit(forward, init)), sandbox).issues[0]
    assert "MiB" in issue.output and "MiB" not in issue.message
    assert "step 3: loss" in issue.output


def test_machine_fault_is_no_verdict(
    checker: EffectivenessChecker, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise SandboxError("no room for a guest")

    monkeypatch.setattr(sandbox, "open", broken)
    report = checker.check(root_over(unit(PLAIN)), sandbox)
    assert not report.checked and not report.valid
    assert "no room" in report.issues[0].message


@pytest.mark.parametrize("wrong", [{"width": 0}, {"steps": 1}, {"memory_mb": 3}, {"flop_ratio": 0}])
def test_wrong_parameter_is_named(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=rf"checker\.effectiveness\.{next(iter(wrong))}"):
        EffectivenessChecker(**wrong)
