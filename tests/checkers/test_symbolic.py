"""Every check finds its faults, at the right unit and line; the seeds have none."""

from __future__ import annotations

import json

import pytest

from genesys.errors import ConfigError, SandboxError
from genesys.gau.folder import load_tree
from genesys.records import Argument, Design, Severity, Unit
from genesys.resources import resource
from genesys.sandbox import JobResult, JobStatus, Limits, Sandbox
from genesys_checkers.symbolic import SymbolicChecker

from .conftest import Check, design, errors, failed, line_of, root_over, unit

PLAIN = "return self.map(X)"
PARAMETER = "self.{name} = nn.Parameter(torch.{value}(embed_dim, **self.factory_kwargs))"

# name: (check, forward, init, test, text of the line at fault or None)
FAULTS = {
    "init raises": (
        "initialization",
        PLAIN,
        "raise ValueError('no such width')",
        "assert True",
        "raise",
    ),
    "init asks for an odd width": (
        "initialization",
        PLAIN,
        "assert embed_dim % 7 == 0, 'D must divide by 7'",
        "assert True",
        "assert embed_dim",
    ),
    "parameters start infinite": (
        "initialization",
        PLAIN,
        PARAMETER.format(name="w", value="ones") + "\nself.w.data /= 0",
        "assert True",
        None,
    ),
    "name that does not exist": ("forward", "return self.mapp(X)", "", "assert True", "self.mapp"),
    "shapes that do not fit": (
        "forward",
        "return X @ torch.ones(D + 1, D, device=X.device)",
        "",
        "assert True",
        "D + 1",
    ),
    "other shape out": ("forward", "return self.map(X)[:, :, :4]", "", "assert True", None),
    "length one fails": (
        "forward",
        "assert L > 1, 'too short'\nreturn self.map(X)",
        "",
        "assert True",
        "too short",
    ),
    "odd length fails": (
        "forward",
        "return self.map(X).view(B, L // 2, 2, D).flip(2).view(B, L, D)",
        "",
        "assert True",
        "L // 2",
    ),
    "second width fails": (
        "forward",
        "return self.map(X) @ torch.eye(32, device=X.device)",
        "",
        "assert True",
        "eye(32",
    ),
    "not finite": ("forward", "return self.map(X) / 0", "", "assert True", None),
    "random in evaluation": (
        "forward",
        "return self.map(X) + torch.rand_like(X)",
        "",
        "assert True",
        None,
    ),
    "leaves the interpreter": ("forward", "raise SystemExit(0)", "", "assert True", "SystemExit"),
    "own test fails": ("unit_tests", PLAIN, "", "assert 1 + 1 == 3, 'sums'", "1 + 1 == 3"),
    "own test raises": ("unit_tests", PLAIN, "", "print('so far'); [][1]", "[][1]"),
    "infinite slope": (
        "backward",
        "return self.map(X) + (self.w * 0).sqrt()",
        PARAMETER.format(name="w", value="ones"),
        "assert True",
        None,
    ),
    "written in place": (
        "backward",
        "h = self.map(X).exp()\nh[:, 0] = 0\nreturn h",
        "",
        "assert True",
        None,
    ),
    "unused parameter": (
        "differentiability",
        PLAIN,
        PARAMETER.format(name="idle", value="ones"),
        "assert True",
        None,
    ),
    "detached": ("differentiability", "return X + self.map(X).detach()", "", "assert True", None),
    "rounded": ("differentiability", "return X + self.map(X).round()", "", "assert True", None),
    "too slow": (
        "effectiveness",
        "s, out = X[:, 0] * 0, []\nfor x in self.map(X).unbind(1):\n"
        "    for _ in range(5):\n        s = 0.9 * s + 0.1 * torch.tanh(x + s)\n"
        "    out.append(s)\nreturn torch.stack(out, 1)",
        "",
        "assert True",
        None,
    ),
    "too many FLOPs": (
        "effectiveness",
        "h = self.map(X)\n"
        "for _ in range(100):\n    h = functional.rms_norm(h + self.map(h), (D,))\nreturn h",
        "",
        "assert True",
        None,
    ),
    "gradients explode": (
        "effectiveness",
        "return torch.sin(1e6 * self.map(X))",
        "",
        "assert True",
        None,
    ),
}


# These show in the block as a whole: no unit can be named.
OF_THE_WHOLE = {
    "random in evaluation",
    "written in place",
    "too slow",
    "too many FLOPs",
    "gradients explode",
}


@pytest.mark.parametrize("seed", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_seed_is_valid(seed: str, check: Check) -> None:
    report = check(load_tree(resource("seeds") / seed).as_design(name=seed))
    assert report.valid, report.issues
    assert [result.check for result in report.results] == [
        "parser",
        "formatter",
        "initialization",
        "forward",
        "unit_tests",
        "backward",
        "causality",
        "differentiability",
        "effectiveness",
    ]


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_where_it_is(name: str, sandbox: Sandbox) -> None:
    expected, forward, init, test, text = FAULTS[name]
    child = unit(forward, init, test=test)
    checker = SymbolicChecker(lengths=[1, 7, 20], widths=[32, 64])
    report = checker.check(root_over(child), sandbox)
    assert failed(report) == [expected], report.issues
    issue = report.issues[-1]
    assert issue.unit == ("" if name in OF_THE_WHOLE else "Mixer"), issue
    assert issue.line == (line_of(child, text) if text else issue.line), issue
    assert issue.message and issue.hint


def test_output_of_a_failed_test_is_kept(check: Check) -> None:
    report = check(root_over(unit(PLAIN, test="print('so far'); raise KeyError('x')")))
    assert "so far" in report.issues[0].output
    assert "Mixer.py, line" in report.issues[0].output


# The format rules forbid the plain way to it.
BUILTINS = "getattr(nn.Module.__init__, '__glo' 'bals__')['__builtins__']"


@pytest.mark.parametrize(
    ("forward", "says"),
    [
        ("while True: pass", "does not come to an end"),
        ("return X + torch.ones(30 * 2**28).sum()", "too much memory"),
        ("import os; os._exit(0)", "ends its process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ends its process"),
    ],
)
def test_design_that_stops_the_worker_is_at_fault(
    forward: str, says: str, sandbox: Sandbox
) -> None:
    # The format rules would forbid most of it: hide it from them.
    hidden = f"{BUILTINS}['exec']({forward!r})\nreturn self.map(X)"
    hidden = hidden if "import" in forward else f"{forward}\nreturn self.map(X)"
    report = SymbolicChecker(seconds=3, memory_mb=1024).check(design(unit(hidden)), sandbox)
    assert report.checked and not report.valid
    assert failed(report) == ["forward"]
    assert says in report.issues[0].message


# Format rules forbid the plain forms.
SYS = f"{BUILTINS}['__import__']('sys').modules"
TRICKS = {
    "torch.equal": "setattr(torch, 'equal', lambda a, b: True)",
    "adds Tensor.isfinite": "setattr(torch.Tensor, 'isfinite', lambda self: torch.ones(1).bool())",
    "hooks into": "nn.modules.module.register_module_forward_hook(lambda *_: None)",
    "mode of torch": "torch.overrides.BaseTorchFunctionMode().__enter__()",
    "passes.tokens": f"{SYS}['genesys_checkers.passes'].tokens = lambda *_: torch.zeros(1)",
    "adds genesys_checkers.passes.any": f"{SYS}['genesys_checkers.passes'].any = lambda _: True",
}


@pytest.mark.parametrize("says", TRICKS)
def test_design_that_replaces_what_measures_it_is_at_fault(says: str, sandbox: Sandbox) -> None:
    plain = unit("return X + self.map(X)")
    code = plain.code.replace("\n\nclass Mixer", f"\n\n{TRICKS[says]}\n\n\nclass Mixer", 1)
    report = SymbolicChecker().check(design(Unit(name="Mixer", code=code)), sandbox)
    assert failed(report) == ["initialization"]
    assert says in report.issues[0].message


def test_unit_that_hides_its_parameters_is_at_fault(check: Check) -> None:
    plain = unit(PLAIN)
    hidden = "    def named_modules(self, *args):\n        return iter(())\n\n    def _forward("
    code = plain.code.replace("    def _forward(", hidden, 1)
    report = check(root_over(Unit(name="Mixer", code=code)))
    assert errors(report) == [("initialization", "Mixer")]
    assert "named_modules" in report.issues[0].message


def test_tensor_that_answers_for_itself_is_a_fault(check: Check) -> None:
    forward = (
        "class Quiet(torch.Tensor):\n    pass\n"
        "return (X + self.map(X).mean(1, keepdim=True)).as_subclass(Quiet)"
    )
    report = check(design(unit(forward)))
    assert failed(report) == ["forward"]
    assert "returns a Quiet" in report.issues[0].message


@pytest.mark.parametrize(
    "value",
    [
        {},
        {
            "results": [{"check": "initialization", "passed": False, "seconds": 0.1}],
            "issues": [{"check": "initialization", "severity": "warning", "message": "x"}],
        },
        {
            "results": [{"check": "initialization", "passed": False, "seconds": 0.1}],
            "issues": [{"check": "parser", "message": "x"}],
        },
        {
            "results": [{"check": "initialization", "passed": False, "seconds": "nan"}],
            "issues": [{"check": "initialization", "message": "x"}],
        },
        {"results": [], "issues": []},
        {"results": [{"check": "forward", "passed": True, "seconds": 0.1}], "issues": []},
        {"results": [{"check": "initialization", "passed": True, "seconds": 0.1}], "issues": []},
    ],
)
def test_report_that_is_not_whole_is_not_believed(
    value: dict[str, object], monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    forged = JobResult(status=JobStatus.OK, value=value)
    monkeypatch.setattr(sandbox, "run", lambda *_: forged)
    report = SymbolicChecker().check(design(unit(PLAIN)), sandbox)
    assert not report.valid
    assert "no report" in report.issues[0].message


def test_report_is_cleaned(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    told = {"check": "initialization", "unit": "\x1b[2J", "message": "\x1b" + "x" * 10**6}
    failure = {"check": "initialization", "passed": False, "seconds": 0.1}
    forged = JobResult(status=JobStatus.OK, value={"results": [failure], "issues": [told]})
    monkeypatch.setattr(sandbox, "run", lambda *_: forged)
    (issue,) = SymbolicChecker().check(design(unit(PLAIN)), sandbox).issues
    assert issue.unit == ""
    assert "\x1b" not in issue.message
    assert len(issue.message) < 10**4


def test_machine_fault_is_no_verdict(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    def broken(*_: object) -> None:
        raise SandboxError("no room for a worker")

    monkeypatch.setattr(sandbox, "run", broken)
    report = SymbolicChecker().check(design(unit(PLAIN)), sandbox)
    assert not report.checked and not report.valid
    assert "no room" in report.issues[0].message


def test_same_design_gets_the_same_verdict(check: Check) -> None:
    child = unit("return self.map(X) + X.mean(1, keepdim=True)")
    first, second = check(root_over(child)), check(root_over(child))
    assert first.issues == second.issues


def test_arguments_reach_the_units(check: Check) -> None:
    gauge = unit(PLAIN, "assert kwarg_all['head_dim'] == kwargs['head_dim'] == 16")
    given = design(gauge).model_copy(
        update={"args": [Argument(name="head_dim", json_value=json.dumps(16))]}
    )
    assert check(given).valid
    assert failed(check(design(gauge))) == ["initialization"]


def test_placeholders_can_be_let_pass(check: Check, sandbox: Sandbox) -> None:
    parent = root_over(unit(PLAIN))
    alone = Design(name="alone", root="Root", units=parent.units[:1])
    assert errors(check(alone)) == [("formatter", "Mixer")]
    report = SymbolicChecker(placeholders="warning").check(alone, sandbox)
    assert report.valid
    assert [(i.severity, i.unit) for i in report.issues] == [(Severity.WARNING, "Mixer")]


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ConfigError, match=r"checker.symbolic.widths"):
        SymbolicChecker(widths=[])
    with pytest.raises(ConfigError, match="placeholders"):
        SymbolicChecker(placeholders="maybe")


def test_syntax_error_of_a_unit_is_the_parsers() -> None:
    broken = Unit(name="Mixer", code="# GAU_IMPLEMENTATION_FILE\nclass Mixer(GAUBase:\n")
    with Sandbox(Limits()) as unused:
        report = SymbolicChecker().check(Design(name="x", root="Mixer", units=[broken]), unused)
    assert failed(report) == ["parser"]
    assert (report.issues[0].unit, report.issues[0].line) == ("Mixer", 2)
