"""Blocks that look ahead are caught at the right unit; causal ones are not accused."""

from __future__ import annotations

import pytest

from genesys.errors import ConfigError
from genesys.records import CheckReport, ErrorKind, Issue
from genesys.sandbox import Sandbox
from genesys_checkers.causality import CausalityChecker

from .conftest import design, errors, root_over, unit
from .zoo import ACROSS_ROWS, CAUSAL, LEAKY


@pytest.fixture(scope="module")
def checker() -> CausalityChecker:
    return CausalityChecker(widths=[32])


def only_issue(report: CheckReport) -> Issue:
    assert errors(report) == [("causality", "Mixer")], report.issues
    return report.issues[0]


@pytest.mark.parametrize("name", LEAKY)
def test_leak_is_caught_at_its_unit(name: str, checker: CausalityChecker, sandbox: Sandbox) -> None:
    issue = only_issue(checker.check(root_over(unit(*LEAKY[name])), sandbox))
    assert issue.kind is ErrorKind.CAUSALITY
    assert "positions from" in issue.message


@pytest.mark.parametrize("name", ACROSS_ROWS)
def test_leak_across_rows_is_caught(name: str, checker: CausalityChecker, sandbox: Sandbox) -> None:
    issue = only_issue(checker.check(root_over(unit(*ACROSS_ROWS[name])), sandbox))
    assert issue.kind is ErrorKind.BATCH
    assert "other rows" in issue.message


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_block_is_not_accused(
    name: str, checker: CausalityChecker, sandbox: Sandbox
) -> None:
    report = checker.check(root_over(unit(*CAUSAL[name])), sandbox)
    assert report.valid and report.checked, report.issues
    assert [result.check for result in report.results] == ["causality"]


def test_leak_does_not_hide_in_a_tiny_channel(checker: CausalityChecker, sandbox: Sandbox) -> None:
    tiny = unit(
        "h = self.map(X)\nlast = 1e-10 * torch.tanh(h[..., -1:].flip(1))\n"
        "return torch.cat([h[..., :-1], last], -1)"
    )
    issue = only_issue(checker.check(design(tiny), sandbox))
    assert "only in channels 31 to 31 of 32" in issue.message


def test_block_that_takes_no_small_width_is_tried_at_a_larger_one(sandbox: Sandbox) -> None:
    def judged(forward: str) -> CheckReport:
        wide = unit(forward, "assert embed_dim % 64 == 0, 'heads of 64'")
        return CausalityChecker().check(root_over(wide), sandbox)

    assert judged("return self.map(X)").valid
    assert errors(judged("return self.map(X.flip(1))")) == [("causality", "Mixer")]


def test_block_cannot_answer_from_memory(checker: CausalityChecker, sandbox: Sandbox) -> None:
    cheat = unit(
        "Y = self.map(X) + X.mean(1, keepdim=True)\n"
        "for x, y in self.seen:\n"
        "    if x.shape == X.shape:\n"
        "        same = (x == X).all(-1, keepdim=True).cumprod(1).bool()\n"
        "        Y = torch.where(same, y, Y)\n"
        "self.seen.append((X, Y.clone()))\nreturn Y",
        "self.seen = []",
    )
    report = checker.check(design(cheat), sandbox)
    assert [issue.check for issue in report.issues] == ["causality"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mask off by one", "off by one"),
        ("mean", "All earlier positions"),
        ("intra-chunk", "within chunks of 16"),
        ("chunk state one early", "within chunks of 16"),
        ("convolution centred", "off by one"),
        ("pooled and spread again", "up to 3 ahead"),
        ("shift that wraps around", "wraps around"),
        ("behind a zero gate", "a flip"),
    ],
)
def test_hint_names_the_usual_cause(
    name: str, hint: str, checker: CausalityChecker, sandbox: Sandbox
) -> None:
    assert hint in only_issue(checker.check(root_over(unit(*LEAKY[name])), sandbox)).hint


def test_message_says_where_and_how_much(checker: CausalityChecker, sandbox: Sandbox) -> None:
    message = only_issue(
        checker.check(root_over(unit(*LEAKY["first position only"])), sandbox)
    ).message
    assert message.startswith(
        "The output at position 0 changes when positions from 1 on are replaced (by 0."
    )
    assert "L = 127, float64, training mode" in message


def test_block_that_cannot_be_repeated_is_not_called_leaky(
    checker: CausalityChecker, sandbox: Sandbox
) -> None:
    counting = unit("self.calls.append(0)\nreturn self.map(X) * len(self.calls)", "self.calls = []")
    issue = checker.check(design(counting), sandbox).issues[0]
    assert issue.kind is ErrorKind.NONDETERMINISTIC


def test_block_that_gives_no_numbers_is_not_let_through(
    checker: CausalityChecker, sandbox: Sandbox
) -> None:
    hiding = unit(
        "if X.dtype is torch.float32 and L < 256:\n    return self.map(X)\n"
        "return self.map(X) * float('nan')"
    )
    issue = checker.check(design(hiding), sandbox).issues[0]
    assert issue.kind is ErrorKind.NOT_FINITE


def test_value_out_of_range_names_the_setting() -> None:
    with pytest.raises(ConfigError, match=r"checker\.causality\.blocks"):
        CausalityChecker(blocks=0)


def test_no_width_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"checker\.causality\.widths"):
        CausalityChecker(widths=[])
