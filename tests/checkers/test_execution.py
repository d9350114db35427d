"""The execution check finds its faults at the right row, unit and line; the seeds have none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genesys.errors import ConfigError, SandboxError
from genesys.gau.folder import load_tree
from genesys.records import CheckReport, Design, ErrorKind, Unit
from genesys.resources import resource
from genesys.sandbox import Sandbox
from genesys_checkers.execution import ExecutionChecker

from .conftest import design, failed, line_of, root_over, unit

PLAIN = "return self.map(X)"
PARAMETER = "self.{name} = nn.Parameter(torch.{value}(embed_dim, **self.factory_kwargs))"
ROWS = ["initialization", "forward", "unit_tests", "backward", "differentiability"]

# name: (row, kind, forward, init, text of the line at fault or None)
FAULTS = {
    "another width": (
        "initialization",
        ErrorKind.INITIALIZATION,
        PLAIN,
        "assert embed_dim < 100, 'too wide'",
        "too wide",
    ),
    "fails in a later block": (
        "initialization",
        ErrorKind.INITIALIZATION,
        PLAIN,
        "assert block_loc[0] < 5, 'too deep'",
        "too deep",
    ),
    "ignores the dtype": (
        "initialization",
        ErrorKind.DTYPE,
        PLAIN + " * self.scale",
        "self.scale = nn.Parameter(torch.ones(embed_dim, device=device))",
        "self.scale =",
    ),
    "ignores the device": (
        "initialization",
        ErrorKind.INITIALIZATION,
        PLAIN + " * self.scale",
        "self.scale = nn.Parameter(torch.ones(embed_dim, dtype=dtype))",
        "self.scale =",
    ),
    "computes on two devices": (
        "initialization",
        ErrorKind.INITIALIZATION,
        PLAIN + " * self.scale",
        "scale = torch.ones(embed_dim, device=device, dtype=dtype) * torch.arange(embed_dim)\n"
        "self.scale = nn.Parameter(scale.to(dtype))",
        "torch.arange",
    ),
    "long sequences": (
        "forward",
        ErrorKind.FORWARD,
        "assert L < 300, 'too long'\n" + PLAIN,
        "",
        "too long",
    ),
    "not in bfloat16": (
        "forward",
        ErrorKind.FORWARD,
        "assert X.dtype != torch.bfloat16, 'narrow'\n" + PLAIN,
        "",
        "narrow",
    ),
    "float32 for bfloat16": (
        "forward",
        ErrorKind.DTYPE,
        "return self.map(X).float()",
        "",
        None,
    ),
    "shorter": ("forward", ErrorKind.SHAPE, "return self.map(X)[:, :, 1:]", "", None),
    "not finite": ("forward", ErrorKind.NOT_FINITE, "return self.map(X) / 0", "", None),
    "counts its calls": (
        "forward",
        ErrorKind.NONDETERMINISTIC,
        "self.n += 1\nreturn self.map(X) * (1 if self.n < 3 else 2)",
        "self.n = 0",
        None,
    ),
    "random in evaluation": (
        "forward",
        ErrorKind.NONDETERMINISTIC,
        "return self.map(X) + torch.rand_like(X)",
        "",
        None,
    ),
    "mean over the batch": (
        "forward",
        ErrorKind.BATCH,
        "return self.map(X) + X.mean(0, keepdim=True)",
        "",
        None,
    ),
    "Z holds a function": (
        "forward",
        ErrorKind.STATE,
        "return self.map(X), {'state': [None, print]}",
        "",
        None,
    ),
    "Z has infinity": (
        "forward",
        ErrorKind.STATE,
        "return self.map(X), {'state': X / 0}",
        "",
        None,
    ),
    "Z has lost the batch": (
        "forward",
        ErrorKind.STATE,
        "return self.map(X), {'state': X[0]}",
        "",
        None,
    ),
    "Z doubles": (
        "forward",
        ErrorKind.STATE,
        "Z = Z.get('state', X)\nreturn self.map(X), {'state': torch.cat([Z, Z], -1)}",
        "",
        None,
    ),
    "Z under a number": (
        "forward",
        ErrorKind.STATE,
        "return self.map(X), {1: X}",
        "",
        None,
    ),
    "root at zero": (
        "backward",
        ErrorKind.NOT_FINITE,
        "h = self.map(X)\nreturn h + (h * 0).sqrt()",
        "",
        ".sqrt()",
    ),
    "written in place": (
        "backward",
        ErrorKind.BACKWARD,
        "h = self.map(X).exp()\nh[:, 0] = 0\nreturn h",
        "",
        ".exp()",
    ),
    "unused parameter": (
        "differentiability",
        ErrorKind.UNUSED_PARAMETER,
        PLAIN,
        PARAMETER.format(name="idle", value="ones"),
        "self.idle",
    ),
    "rounded": (
        "differentiability",
        ErrorKind.ZERO_GRADIENT,
        "return X + self.map(X).round()",
        "",
        "self.map =",
    ),
}


Check = Callable[[Design], CheckReport]


@pytest.fixture(scope="module")
def execute(sandbox: Sandbox) -> Check:
    checker = ExecutionChecker()
    return lambda design: checker.check(design, sandbox)


@pytest.mark.parametrize("seed", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_seed_passes_every_row(seed: str, execute: Check) -> None:
    report = execute(load_tree(resource("seeds") / seed).as_design(name=seed))
    assert report.valid, report.issues
    assert [result.check for result in report.results] == ROWS


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_where_it_is(name: str, execute: Check) -> None:
    row, kind, forward, init, text = FAULTS[name]
    child = unit(forward, init)
    report = execute(root_over(child))
    assert failed(report) == [row], report.issues
    (issue,) = report.issues
    assert (issue.unit, issue.kind) == ("Mixer", kind), issue
    assert issue.line == (line_of(child, text) if text else None), issue
    assert issue.message and issue.hint


VALID = {
    "float32 inside": ("return (self.map(X).float().exp() + 1).log().to(X.dtype)", ""),
    "used in every fourth block": (
        "return self.map(X) * (self.scale if block_is_fourth(self) else 1.0)",
        PARAMETER.format(name="scale", value="ones"),
    ),
    "reads values while it starts": (
        PLAIN,
        "self.rank = int(torch.linalg.matrix_rank(self.map.weight.float()))",
    ),
    "a mask in Z": (
        "mask = torch.full((L, L), float('-inf'), device=X.device).triu(1)\n"
        "return self.map(X), {'mask': mask}",
        "",
    ),
    "all that was before in Z": (
        "seen = [*Z.get('seen', []), X]\nreturn self.map(X) + sum(seen), {'seen': seen}",
        "",
    ),
    "shared parameters": ("return self.map(X) + self.again(X)", "self.again = self.map"),
}


@pytest.mark.parametrize("name", VALID)
def test_what_is_legal_passes(name: str, execute: Check) -> None:
    plain = unit(*VALID[name])
    fourth = "\n\ndef block_is_fourth(unit):\n    return unit.block_loc[0] % 4 == 3\n\n\n@gau_test"
    child = Unit(name=plain.name, code=plain.code.replace("\n\n@gau_test", fourth, 1))
    report = execute(root_over(child))
    assert report.valid, report.issues


def test_each_own_test_is_named_with_what_it_printed(execute: Check) -> None:
    child = unit(PLAIN, test="print('so far'); assert 1 + 1 == 3, 'sums'")
    (issue,) = execute(root_over(child)).issues
    assert (issue.check, issue.unit) == ("unit_tests", "Mixer")
    assert issue.line == line_of(child, "1 + 1 == 3")
    assert issue.message == "test_mixer_runs: AssertionError: sums"
    assert "so far" in issue.output and "Mixer.py, line" in issue.output


def test_own_test_that_hangs_is_the_units(sandbox: Sandbox) -> None:
    child = unit(PLAIN, test="print('begun', flush=True)\n    while True: pass")
    (issue,) = ExecutionChecker(seconds=4).check(root_over(child), sandbox).issues
    assert (issue.check, issue.unit, issue.kind) == ("unit_tests", "Mixer", ErrorKind.TIMEOUT)
    assert issue.output == "begun\n"


def test_own_test_that_changes_settings_of_torch_harms_nothing(execute: Check) -> None:
    test = "torch.set_grad_enabled(False); torch.set_default_dtype(torch.float64)"
    assert execute(root_over(unit(PLAIN, test=test))).valid


@pytest.mark.parametrize(
    ("forward", "kind"),
    [
        ("while True: pass", ErrorKind.TIMEOUT),
        ("torch.ones(30 * 2**28)", ErrorKind.MEMORY),
        ("import os; os._exit(0)", ErrorKind.CRASH),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", ErrorKind.CRASH),
    ],
)
def test_design_that_ends_its_guest_is_at_fault(
    forward: str, kind: ErrorKind, sandbox: Sandbox
) -> None:
    checker = ExecutionChecker(seconds=4, memory_mb=1024)
    report = checker.check(root_over(unit(f"{forward}\n{PLAIN}")), sandbox)
    assert report.checked and failed(report) == ["forward"]
    assert (report.issues[0].unit, report.issues[0].kind) == ("Mixer", kind)


def test_measures_that_a_design_replaces_are_taken_outside(execute: Check) -> None:
    plain = unit("return self.map(X) / 0")
    replaced = "\n\ntorch.isfinite = torch.Tensor.isfinite = torch.ones_like\n\n\nclass Mixer"
    code = plain.code.replace("\n\nclass Mixer", replaced, 1)
    (issue,) = execute(root_over(Unit(name="Mixer", code=code))).issues
    assert (issue.check, issue.kind) == ("forward", ErrorKind.NOT_FINITE)


def test_code_that_does_not_load_is_at_fault(execute: Check) -> None:
    plain = unit(PLAIN)
    code = plain.code.replace("\n\nclass Mixer", "\n\nSIZE = 1 / 0\n\n\nclass Mixer", 1)
    broken = Unit(name="Mixer", code=code)
    (issue,) = execute(root_over(broken)).issues
    assert (issue.check, issue.kind) == ("initialization", ErrorKind.LOADING)
    assert (issue.unit, issue.line) == ("Mixer", line_of(broken, "1 / 0"))


def test_unit_that_hides_its_parameters_is_at_fault(execute: Check) -> None:
    hidden = "    def named_modules(self, *args):\n        return iter(())\n\n    def _forward("
    code = unit(PLAIN).code.replace("    def _forward(", hidden, 1)
    child = Unit(name="Mixer", code=code)
    (issue,) = execute(root_over(child)).issues
    assert (issue.unit, issue.line) == ("Mixer", line_of(child, "def named_modules"))
    assert "named_modules" in issue.message


def test_block_without_parameters_is_at_fault(execute: Check) -> None:
    code = unit("return X").code.replace("self.map = nn", "_ = nn")
    (issue,) = execute(design(Unit(name="Mixer", code=code))).issues
    assert (issue.check, issue.message) == ("initialization", "The block has no parameters.")


def test_block_that_ignores_its_input_is_at_fault(execute: Check) -> None:
    (issue,) = execute(design(unit("return X.detach() + self.map(X.detach())"))).issues
    assert issue.check == "differentiability"
    assert "No gradient reaches X" in issue.message


def test_machine_fault_is_no_verdict(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    def broken(*_: object) -> None:
        raise SandboxError("no room for a guest")

    monkeypatch.setattr(sandbox, "open", broken)
    report = ExecutionChecker().check(design(unit(PLAIN)), sandbox)
    assert not report.checked and not report.valid
    assert "no room" in report.issues[0].message


def test_same_design_gets_the_same_verdict(execute: Check) -> None:
    child = unit("return self.map(X) + X.mean(0, keepdim=True)")
    assert execute(root_over(child)).issues == execute(root_over(child)).issues


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ConfigError, match=r"checker.execution.widths"):
        ExecutionChecker(widths=[])


def test_claims_that_no_arithmetic_bears_are_the_designs_fault(execute: Check) -> None:
    leaf = "dict(block=7, key='k', path='k', kind='tensor', odd=False, digest='', unit='Mixer'"
    forged = (
        "from genesys_checkers.guest import BlockGuest\n"
        f"BlockGuest.carry = lambda s, X: {{'leaves': [{leaf}, shape=[2**61] * 5000)]}}"
    )
    code = unit(PLAIN).code.replace("\n\nclass Mixer", f"\n\n{forged}\n\n\nclass Mixer", 1)
    (issue,) = execute(design(Unit(name="Mixer", code=code))).issues
    assert (issue.check, issue.kind) == ("forward", ErrorKind.CRASH)


def test_claims_without_sense_are_the_designs_fault(execute: Check) -> None:
    leaf = "dict(block=7, key='k', path='k', kind='tensor', odd=False, digest='', unit='Mixer'"
    forged = (
        "from genesys_checkers.guest import BlockGuest\n"
        f"BlockGuest.carry = lambda s, X: {{'leaves': [{leaf}, shape=[0 if len(X) == 2 else 5])]}}"
    )
    code = unit(PLAIN).code.replace("\n\nclass Mixer", f"\n\n{forged}\n\n\nclass Mixer", 1)
    (issue,) = execute(design(Unit(name="Mixer", code=code))).issues
    assert (issue.check, issue.unit, issue.kind) == ("forward", "Mixer", ErrorKind.STATE)
