"""Taking positions one by one in a loop is a warning; other loops are none."""

from __future__ import annotations

import pytest

from genesys.records import ErrorKind, Issue, Severity, Unit
from genesys_checkers.format import FormatChecker

from .conftest import design, line_of, unit


def issues_of(unit: Unit) -> list[Issue]:
    return FormatChecker().check(design(unit)).issues


# Each takes a position of X, h or x in the line that ends in "# here".
SLOW = {
    "index": "for t in range(L):\n    X[:, t]  # here",
    "slice of one": "for t in range(L):\n    X[:, t : t + 1]  # here",
    "slice of one before": "for t in range(1, L):\n    X[:, t - 1 : t]  # here",
    "slice of one, turned round": "for t in range(1, L):\n    X[:, t : 1 + t]  # here",
    "all channels": "for t in range(L):\n    X[:, t, :]  # here",
    "any axes": "for t in range(L):\n    X[..., t, :]  # here",
    "one row": "for b in range(B):\n    for t in range(L):\n        X[b, t]  # here",
    "heads": "h = X.view(B, L, 4, -1).transpose(1, 2)\nfor t in range(L):\n    h[:, :, t]  # here",
    "neighbour": "for t in range(1, L):\n    X[:, t - 1]  # here",
    "from the end": "for t in range(L):\n    X[:, L - 1 - t]  # here",
    "another name": "for t in range(L):\n    s = t + 1\n    X[:, s - 1]  # here",
    "list of one": "for t in range(L):\n    X[:, [t]]  # here",
    "downwards": "for t in range(L - 1, -1, -1):\n    X[:, t]  # here",
    "reversed": "for t in reversed(range(L)):\n    X[:, t]  # here",
    "written": "Y = X.clone()\nfor t in range(L):\n    Y[:, t] = 0  # here",
    "select": "for t in range(L):\n    X.select(1, t)  # here",
    "select by name": "for t in range(L):\n    X.select(dim=1, index=t)  # here",
    "torch.select": "for t in range(L):\n    torch.select(X, 1, t)  # here",
    "narrow": "for t in range(L):\n    X.narrow(1, t, 1)  # here",
    "shape": "for t in range(X.shape[1]):\n    X[:, t]  # here",
    "shape from the end": "for t in range(X.shape[-2]):\n    X[:, t]  # here",
    "size": "for t in range(X.size(1)):\n    X[:, t]  # here",
    "size by name": "for t in range(X.size(dim=1)):\n    X[:, t]  # here",
    "another tensor": "h = self.map(X)\nfor t in range(h.shape[1]):\n    h[:, t]  # here",
    "part of it": "q, k = self.map(X).chunk(2, -1)\nfor t in range(q.shape[1]):\n"
    "    q[:, t]  # here",
    "number": "n = X.shape[1]\nfor t in range(n):\n    X[:, t]  # here",
    "number of a number": "n = int(X.size(1))\nm = n - 1\nfor t in range(m):\n    X[:, t]  # here",
    "unpacked": "b, n, d = X.size()\nfor t in range(n):\n    X[:, t]  # here",
    "unpacked in part": "b, n = X.shape[:2]\nfor t in range(n):\n    X[:, t]  # here",
    "unpacked shape": "s = X.shape\nb, n, d = s\nfor t in range(n):\n    X[:, t]  # here",
    "walrus": "for t in range(n := X.shape[1]):\n    X[:, t]  # here",
    "range by name": "steps = range(L)\nfor t in steps:\n    X[:, t]  # here",
    "arange": "for t in torch.arange(L):\n    X[:, t]  # here",
    "enumerate": "Y = X * 1\nfor t, x in enumerate(X.unbind(1)):\n    Y[:, t] = x  # here",
    "enumerated range": "for i, t in enumerate(range(L)):\n    X[:, t]  # here",
    "zip": "for t, x in zip(range(L), X.unbind(1)):\n    X[:, t] + x  # here",
    "comprehension": "a = [X[:, t] for t in range(L)]  # here",
    "generator": "a = sum(X[:, t] for t in range(L))  # here",
    "while": "t = 0\nwhile t < L:\n    X[:, t]  # here\n    t += 1",
    "while with assignment": "t = 0\nwhile t != L:\n    X[:, t]  # here\n    t = t + 1",
    "while downwards": "t = L - 1\nwhile t >= 0:\n    X[:, t]  # here\n    t -= 1",
    "while until broken": "t = 0\nwhile True:\n    if t >= L:\n"
    "        break\n    X[:, t]  # here\n    t += 1",
    "time first": "h = X.transpose(0, 1)\nfor t in range(L):\n    h[t]  # here",
    "time first, copied": "h = X.transpose(0, 1).contiguous()\n"
    "for t in range(L):\n    h[t]  # here",
    "inner function": "def f(t):\n    return t\nfor t in range(L):\n    f(X[:, t])  # here",
}
# None of these takes positions one by one.
FAST = {
    "unbind": "for x in X.unbind(1):\n    x * 2",
    "list of positions": "xs = X.unbind(1)\nfor t in range(L):\n    xs[t]",
    "list of positions, time first": "xs = X.transpose(0, 1).unbind(0)\n"
    "for t in range(L):\n    xs[t]",
    "heads": "h = X.view(B, L, 4, -1)\nfor i in range(4):\n    h[:, :, i]",
    "heads by attribute": "for i in range(self.heads):\n    X[:, i]",
    "heads by shape": "h = X.view(B, L, 4, -1).transpose(1, 2)\n"
    "for i in range(h.shape[1]):\n    h[:, i]",
    "heads unpacked": "h = X.view(B, L, 4, -1).transpose(1, 2)\nb, n, l, d = h.shape\n"
    "for i in range(n):\n    h[:, i]",
    "each part reshaped": "q, k = (x.view(B, L, 4, -1).transpose(1, 2) for x in (X, X))\n"
    "for i in range(q.shape[1]):\n    q[:, i]",
    "layers": "for layer in self.children():\n    layer",
    "L that counts layers": "T = 3\nfor t in range(T):\n    X[:, t]",
    "taps": "for i in range(3):\n    X[:, i : i + 2]",
    "taps of a weight": "for i in range(self.w.shape[1]):\n    self.w[:, i]",
    "taps of a cast weight": "w = self.w.to(X.dtype)\nfor i in range(w.shape[1]):\n    w[:, i]",
    "channels": "for d in range(D):\n    X[..., d]",
    "chunks": "for t in range(0, L, 8):\n    X[:, t : t + 8]",
    "chunk by number": "for c in range(L // 8):\n    X[:, c * 8 : (c + 1) * 8]",
    "chunks unfolded": "h = X[:, : L // 8 * 8].unflatten(1, (-1, 8))\n"
    "for c in range(h.shape[1]):\n    h[:, c]",
    "number of chunks": "n = L // 8\nfor c in range(n):\n    X[:, c]",
    "chunks, rounded up": "n = -(-L // 8)\nfor c in range(n):\n    X[:, c]",
    "while over chunks": "t = 0\nwhile t < L:\n    X[:, t : t + 8]\n    t += 8",
    "doubling": "t = 1\nwhile t < L:\n    X[:, t]\n    t *= 2",
    "batch": "for b in range(B):\n    X[b]",
    "constant position": "for t in range(L):\n    X[:, 0]",
    "row of a table": "table = torch.zeros(64)\nfor t in range(L):\n    table[t]",
    "positions without a loop": "t = L - 1\nX[:, t]",
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_loop_is_a_warning_with_its_line(name: str) -> None:
    slow = unit(f"{SLOW[name]}\nreturn self.map(X)")
    issues = issues_of(slow)
    assert [(i.severity, i.kind) for i in issues] == [(Severity.WARNING, ErrorKind.SLOW_LOOP)]
    assert issues[0].line == line_of(slow, "# here")
    assert "unbind" in issues[0].hint


@pytest.mark.parametrize("name", FAST)
def test_other_loop_is_none(name: str) -> None:
    assert issues_of(unit(f"{FAST[name]}\nreturn self.map(X)")) == []


HELPER = "def scan(x, length):\n    return [x[:, t] for t in range(length)]\n\n\n"


def with_helper(helper: str, where: str, use: str) -> Unit:
    base = unit("return self.map(X)")
    code = base.code.replace("class Mixer", f"{helper}class Mixer", 1).replace(where, use, 1)
    return Unit(name="Mixer", code=code)


def test_loop_of_a_helper_is_found() -> None:
    slow = with_helper(HELPER, "return self.map(X)", "return scan(X, L)")
    assert [i.line for i in issues_of(slow)] == [line_of(slow, "for t in range(length)")]


@pytest.mark.parametrize(
    ("argument", "given"), [("weight", "X"), ("w", "self.w"), ("w", "self.w.exp()")]
)
def test_taps_of_a_helper_are_none(argument: str, given: str) -> None:
    helper = (
        f"def conv(x, {argument}):\n    length, taps = x.shape[1], {argument}.shape[1]\n"
        f"    return sum(x * {argument}[:, i] for i in range(taps))\n\n\n"
    )
    used = with_helper(helper, "return self.map(X)", f"return conv(X, {given})")
    assert issues_of(used) == []


def test_reference_of_a_test_is_none() -> None:
    used = with_helper(HELPER, "assert True", "assert scan(torch.ones(1, 3, 2), 3)")
    assert issues_of(used) == []


def test_loop_of_a_test_is_none() -> None:
    looped = unit(
        "return self.map(X)",
        test="x = torch.ones(2, 3)\n    assert [x[:, t] for t in range(len(x))]",
    )
    assert issues_of(looped) == []


def test_tables_of_init_are_none() -> None:
    made = "length = 8\ntable = torch.zeros(2, 8)\nfor t in range(length):\n    table[:, t] = t"
    assert issues_of(unit("return self.map(X)", made)) == []


def test_names_of_one_function_mean_nothing_in_another() -> None:
    helper = "def mix(x, n):\n    return sum(x[:, h] for h in range(n))\n\n\n"
    used = with_helper(helper, "return self.map(X)", "n = X.shape[1]\n        return mix(X, 1) * n")
    assert issues_of(used) == []


def test_warning_does_not_fail_a_design() -> None:
    slow = unit("for t in range(L):\n    X[:, t]\nreturn self.map(X)")
    assert FormatChecker().check(design(slow)).valid
