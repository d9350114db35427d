"""Blocks that look ahead are caught at the right unit; causal ones are not accused."""

from __future__ import annotations

import pytest

from genesys.sandbox import Sandbox
from genesys_checkers.symbolic import SymbolicChecker

from .conftest import errors, root_over, unit

MASK = "mask = torch.ones(L, L, dtype=torch.bool, device=X.device).tril()\n"
SCORES = MASK + "q, k, v = self.map(X), self.k(X), X\ns = q @ k.mT / D**0.5\n"
K = "self.k = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)"
GATE = "self.gate = nn.Parameter(torch.zeros(embed_dim, **self.factory_kwargs))"
NORM = "self.norm = nn.BatchNorm1d(embed_dim, **self.factory_kwargs)"
SCALE = "self.scale = nn.Parameter(torch.ones(embed_dim, **self.factory_kwargs))"
CONV = "self.conv = nn.Conv1d(embed_dim, embed_dim, 3, padding={pad}, **self.factory_kwargs)"

LEAKY = {
    "in float32 only": (
        "return self.map(X) + (X.dtype is torch.float32) * X.mean(1, keepdim=True)",
        "",
    ),
    "no mask": (SCORES + "return s.softmax(-1) @ v", K),
    "mask off by one": (
        SCORES.replace("tril()", "tril(1)")
        + "return s.masked_fill(~mask, float('-inf')).softmax(-1) @ v",
        K,
    ),
    "softmax over queries": (
        SCORES + "return s.masked_fill(~mask, float('-inf')).softmax(-2).nan_to_num() @ v",
        K,
    ),
    "mask after softmax": (SCORES + "return (s.softmax(-1) * mask) @ v", K),
    "intra-chunk": (
        "P = functional.pad(self.map(X), (0, 0, 0, -L % 16))\n"
        "C = P.view(B, -1, 16, D)\n"
        "return (C + C.mean(2, keepdim=True)).flatten(1, 2)[:, :L]",
        "",
    ),
    "chunk state one early": (
        "P = functional.pad(self.map(X), (0, 0, 0, -L % 16))\n"
        "S = P.view(B, -1, 16, D).sum(2).cumsum(1)\n"
        "return X + S.repeat_interleave(16, 1)[:, :L]",
        "",
    ),
    "convolution centred": (
        "return self.conv(self.map(X).mT).mT",
        CONV.format(pad=1),
    ),
    "circular FFT": (
        "h = self.map(X)\n"
        "k = torch.linspace(1, 0, L, device=X.device, dtype=X.dtype)[:, None]\n"
        "return torch.fft.irfft(torch.fft.rfft(h, dim=1) * torch.fft.rfft(k, dim=0), n=L, dim=1)",
        "",
    ),
    "mean": ("return self.map(X) + X.mean(1, keepdim=True)", ""),
    "detached mean": ("return self.map(X) + X.mean(1, keepdim=True).detach()", ""),
    "sign of mean": ("return self.map(X) * X.mean(1, keepdim=True).sign()", ""),
    "norm over length": ("return functional.layer_norm(self.map(X), (L, D))", ""),
    "sum normaliser": ("h = self.map(X).exp()\nreturn h / h.sum(1, keepdim=True)", ""),
    "max over time": ("return self.map(X) + X.amax(1, keepdim=True)", ""),
    "top-k over time": (
        "s = X.sum(-1)\nkept = s >= s.topk(max(1, L // 2), dim=1).values[:, -1:]\n"
        "return self.map(X) * kept[..., None]",
        "",
    ),
    "behind a zero gate": ("return self.map(X) + self.gate * X.flip(1)", GATE),
    "only when an input exceeds 50": (
        "return self.map(X) + (X.amax(1, keepdim=True) > 50).to(X.dtype)",
        "",
    ),
    "a millionth of the mean": ("return self.map(X) + 1e-6 * X.mean(1, keepdim=True)", ""),
    "last position only": (
        "h = self.map(X)\nreturn torch.cat([h[:, :1] + h[:, -1:], h[:, 1:]], 1)",
        "",
    ),
    "only at great length": (
        "return self.map(X) + (X.mean(1, keepdim=True) if L > 300 else 0)",
        "",
    ),
    "only in evaluation": (
        "return self.map(X) + (0 if self.training else X.mean(1, keepdim=True))",
        "",
    ),
    "through Z of the block before": (
        "seen = Z.get('seen', torch.zeros_like(X))\nreturn self.map(X) + seen, {'seen': X.flip(1)}",
        "",
    ),
    "reversed scan": ("return self.map(X).flip(1).cumsum(1).flip(1)", ""),
}

ACROSS_ROWS = {
    "across the batch": ("return self.map(X) + X.mean(0, keepdim=True)", ""),
    "across the batch in evaluation": (
        "return self.map(X) + (0 if self.training else X.mean(0, keepdim=True))",
        "",
    ),
    "BatchNorm in training": ("return self.norm(self.map(X).mT).mT", NORM),
}

CAUSAL = {
    "attention": (
        SCORES + "return s.masked_fill(~mask, float('-inf')).softmax(-1) @ v",
        K,
    ),
    "running mean": (
        "n = torch.arange(1, L + 1, device=X.device, dtype=X.dtype)[:, None]\n"
        "return self.map(X).cumsum(1) / n",
        "",
    ),
    "running maximum": ("return self.map(X).cummax(1).values", ""),
    "convolution": ("return self.conv(self.map(X).mT)[..., :L].mT", CONV.format(pad=2)),
    "chunks": (
        "P = functional.pad(self.map(X), (0, 0, 0, -L % 16)).view(B, -1, 16, D)\n"
        "S = functional.pad(P.sum(2).cumsum(1), (0, 0, 1, 0))[:, :-1, None]\n"
        "return (S + P.cumsum(2)).flatten(1, 2)[:, :L] / 100",
        "",
    ),
    "dropout": ("return functional.dropout(self.map(X), 0.1, self.training)", ""),
    "computed in float32": (
        "h = self.map(X).float()\nreturn (h * torch.rsqrt(h.square().mean(-1, True) + 1e-6)).to(X)",
        "",
    ),
    "zero gate, causal": ("return self.map(X) + self.gate * X.cumsum(1)", GATE),
    "insists on float32": (
        "state = torch.zeros(B, D, dtype=torch.float32)\n"
        "state.addmm_(X[:, 0], self.map.weight)\nreturn self.map(X) + state[:, None]",
        "",
    ),
    "detached running mean": ("return self.map(X) + 0.1 * X.cumsum(1).detach()", ""),
    "exponentials": (
        "w = (0.1 * self.map(X)).clamp(-20, 20).exp()\nreturn (w * X).cumsum(1) / w.cumsum(1)",
        "",
    ),
    "Fourier transform": (
        "n, h = 2 * L, self.map(X)\nk = torch.arange(L, dtype=X.dtype).neg().exp()[:, None]\n"
        "Y = torch.fft.rfft(h, n, 1) * torch.fft.rfft(k, n, 0)\n"
        "return torch.fft.irfft(Y, n, 1)[:, :L]",
        "",
    ),
    "Z of the block before": (
        "seen = Z.get('seen', torch.zeros_like(X))\n"
        "return self.map(X) + 0.1 * seen, {'seen': X.cumsum(1)}",
        "",
    ),
}


@pytest.fixture(scope="module")
def quick() -> SymbolicChecker:
    return SymbolicChecker(lengths=[7], widths=[32], steps=4, step_time_ratio=50, flop_ratio=50)


@pytest.mark.parametrize("name", LEAKY)
def test_leak_is_caught_at_its_unit(name: str, quick: SymbolicChecker, sandbox: Sandbox) -> None:
    forward, init = LEAKY[name]
    report = quick.check(root_over(unit(forward, init)), sandbox)
    assert errors(report) == [("causality", "Mixer")], report.issues
    assert "positions from" in report.issues[0].message


@pytest.mark.parametrize("name", ACROSS_ROWS)
def test_leak_across_rows_is_caught(name: str, quick: SymbolicChecker, sandbox: Sandbox) -> None:
    forward, init = ACROSS_ROWS[name]
    report = quick.check(root_over(unit(forward, init)), sandbox)
    assert errors(report) == [("causality", "Mixer")], report.issues
    assert "other rows" in report.issues[0].message


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_block_is_not_accused(name: str, quick: SymbolicChecker, sandbox: Sandbox) -> None:
    forward, init = CAUSAL[name]
    report = quick.check(root_over(unit(forward, init)), sandbox)
    assert report.valid, report.issues
