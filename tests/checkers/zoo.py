"""Blocks that look ahead or aside, and some that only seem to: ``_forward`` and ``__init__``."""

from __future__ import annotations

Zoo = dict[str, tuple[str, str]]

MASK = "mask = torch.ones(L, L, dtype=torch.bool, device=X.device).tril()\n"
SCORES = MASK + "q, k, v = self.map(X), self.k(X), X\ns = q @ k.mT / D**0.5\n"
K = "self.k = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)"
GATE = "self.gate = nn.Parameter(torch.full((embed_dim,), {value}, **self.factory_kwargs))"
NORM = "self.norm = nn.BatchNorm1d(embed_dim, **self.factory_kwargs)"
CONV = "self.conv = nn.Conv1d(embed_dim, embed_dim, 3, padding={pad}, **self.factory_kwargs)"
MEAN = "X.mean(1, keepdim=True)"
# A kernel that decays, by Fourier transforms of h.
FOURIER = (
    "n = 2 * L\nk = torch.arange(L, dtype=h.dtype).neg().exp()[:, None]\n"
    "Y = torch.fft.irfft(torch.fft.rfft(h, n, 1) * torch.fft.rfft(k, n, 0), n, 1)[:, :L]\n"
)


def _mean_if(condition: str) -> tuple[str, str]:
    return f"return self.map(X) + ({MEAN} if {condition} else 0)", ""


LEAKY: Zoo = {
    # Plain mistakes.
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
    "attention that is not causal": (
        "return functional.scaled_dot_product_attention(self.map(X), X, X)",
        "",
    ),
    "one head without mask": (
        SCORES + "a = s.masked_fill(~mask, float('-inf')).softmax(-1) @ v\n"
        "return torch.cat([a[..., 4:], (s.softmax(-1) @ v)[..., :4]], -1)",
        K,
    ),
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
    "pooled and spread again": (
        "P = functional.pad(self.map(X), (0, 0, 0, -L % 4)).view(B, -1, 4, D).mean(2)\n"
        "return P.repeat_interleave(4, 1)[:, :L]",
        "",
    ),
    "convolution centred": ("return self.conv(self.map(X).mT).mT", CONV.format(pad=1)),
    "shift the wrong way": ("return self.map(X) + X.roll(-1, 1)", ""),
    "shift that wraps around": ("return self.map(X) + X.roll(1, 1)", ""),
    "circular FFT": (
        "h = self.map(X)\n"
        "k = torch.linspace(1, 0, L, device=X.device, dtype=X.dtype)[:, None]\n"
        "return torch.fft.irfft(torch.fft.rfft(h, dim=1) * torch.fft.rfft(k, dim=0), n=L, dim=1)",
        "",
    ),
    "mean": (f"return self.map(X) + {MEAN}", ""),
    "detached mean": (f"return self.map(X) + {MEAN}.detach()", ""),
    "sign of mean": (f"return self.map(X) * {MEAN}.sign()", ""),
    "gate of all positions": (f"return self.map(X) * {MEAN}.sigmoid()", ""),
    "norm over length": ("return functional.layer_norm(self.map(X), (L, D))", ""),
    "instance norm": ("return functional.instance_norm(self.map(X).mT).mT if L > 1 else X", ""),
    "sum normaliser": ("h = self.map(X).exp()\nreturn h / h.sum(1, keepdim=True)", ""),
    "max over time": ("return self.map(X) + X.amax(1, keepdim=True)", ""),
    "rank among all": ("return self.map(X) + X.argsort(1).argsort(1) / L", ""),
    "top-k over time": (
        "s = X.sum(-1)\nkept = s >= s.topk(max(1, L // 2), dim=1).values[:, -1:]\n"
        "return self.map(X) * kept[..., None]",
        "",
    ),
    "reversed scan": ("return self.map(X).flip(1).cumsum(1).flip(1)", ""),
    # Behind something.
    "behind a zero gate": ("return self.map(X) + self.gate * X.flip(1)", GATE.format(value=0.0)),
    "behind a gate of about zero": (
        "return self.map(X) + self.gate * X.flip(1)",
        GATE.format(value=1e-12),
    ),
    "once the weights have moved": (
        "return self.map(X) + (self.map.weight - self.start).abs().mean() * X.flip(1)",
        "self.register_buffer('start', self.map.weight.detach().clone())",
    ),
    "only when an input exceeds 50": (
        "return self.map(X) + (X.amax(1, keepdim=True) > 50).to(X.dtype)",
        "",
    ),
    "only when inputs are much alike": (
        "alike = (X - X[:, :1]).abs().amax((1, 2), keepdim=True) < 0.1\n"
        f"return self.map(X) + {MEAN} * alike",
        "",
    ),
    "only when a token comes again": (
        "s = X.sum(-1)\nsame = (s[:, :, None] == s[:, None]).triu(1).any(-1)\n"
        "return self.map(X) + same[..., None]",
        "",
    ),
    "a millionth of the mean": (f"return self.map(X) + 1e-6 * {MEAN}", ""),
    "in one channel": ("h = self.map(X)\nh[..., 3] += X[..., 3].flip(1)\nreturn h", ""),
    "last position only": (
        "h = self.map(X)\nreturn torch.cat([h[:, :1] + h[:, -1:], h[:, 1:]], 1)",
        "",
    ),
    "first position only": (
        "h = self.map(X)\nreturn torch.cat([h[:, :1] + h[:, :2].sum(1, True), h[:, 1:]], 1)",
        "",
    ),
    "in one row of the batch": (
        f"last = torch.arange(B) == B - 1\nreturn self.map(X) + {MEAN} * last[:, None, None]",
        "",
    ),
    # Only sometimes.
    "only at great length": _mean_if("L > 300"),
    "only at greater length": _mean_if("L > 1000"),
    "only at greater length, without bfloat16": (
        "h = torch.fft.irfft(torch.fft.rfft(self.map(X)), D)\n"
        f"return h + ({MEAN} if L > 1000 else 0)",
        "",
    ),
    "only in short sequences": _mean_if("L < 16"),
    "only at odd length": _mean_if("L % 2"),
    "only at length 64 times n": _mean_if("L % 64 == 0"),
    "only in a batch of one": _mean_if("B == 1"),
    "only in evaluation": _mean_if("not self.training"),
    "only with gradients": _mean_if("torch.is_grad_enabled()"),
    "only if X has a gradient": _mean_if("X.requires_grad"),
    "only in large batches": _mean_if("B > 40"),
    "only at a larger width": _mean_if("D >= 64"),
    "only in training": _mean_if("self.training"),
    "in float32 only": _mean_if("X.dtype is torch.float32"),
    "in bfloat16 only": _mean_if("X.dtype is torch.bfloat16"),
    "only beyond length 256, by chunks": (
        "if L <= 256:\n    return self.map(X)\n"
        "C = functional.pad(self.map(X), (0, 0, 0, -L % 256)).view(B, -1, 256, D)\n"
        "return (C + C.mean(2, keepdim=True)).flatten(1, 2)[:, :L]",
        "",
    ),
    "off by one in float32 and at length only": (
        "h = self.map(X)\n"
        "if X.dtype is torch.float32 and L > 200:\n"
        "    return h + functional.pad(X[:, 1:], (0, 0, 0, 1))\n"
        "return h",
        "",
    ),
    "only beyond a window": (
        "h = self.map(X)\nreturn h + functional.pad(X[:, 201:], (0, 0, 200, 1))[:, -L:] if L > 201 "
        "else h",
        "",
    ),
    "only at the edge of a chunk of 128": (
        "h = self.map(X)\n"
        "two = h[:, 127:129].sum(1, True)\n"
        "return torch.cat([h[:, :127], two, h[:, 128:]], 1) if L > 128 else h",
        "",
    ),
    # Between blocks.
    "through Z of the block before": (
        "seen = Z.get('seen', torch.zeros_like(X))\nreturn self.map(X) + seen, {'seen': X.flip(1)}",
        "",
    ),
    "through Z of three blocks before": (
        "seen = [*Z.get('seen', []), X.flip(1)]\n"
        "return self.map(X) + (seen[0] if len(seen) > 3 else 0), {'seen': seen}",
        "",
    ),
    "only in the last block": _mean_if("self.block_loc[0] == self.block_loc[1] - 1"),
}

ACROSS_ROWS: Zoo = {
    "mean": ("return self.map(X) + X.mean(0, keepdim=True)", ""),
    "mean in evaluation": (
        "return self.map(X) + (0 if self.training else X.mean(0, keepdim=True))",
        "",
    ),
    "mean in float32": (
        "return self.map(X) + (X.mean(0, keepdim=True) if X.dtype is torch.float32 else 0)",
        "",
    ),
    "detached mean": ("return self.map(X) + X.mean(0, keepdim=True).detach()", ""),
    "BatchNorm in training": ("return self.norm(self.map(X).mT).mT", NORM),
    "largest of all": ("return self.map(X) / X.abs().max()", ""),
    "softmax": ("return self.map(X) * X.softmax(0)", ""),
    "sum of the rows before": ("return self.map(X) + X.cumsum(0)", ""),
    "the row before": ("return self.map(X) + X.roll(1, 0)", ""),
    "the row after, in the first rows": (
        "return self.map(X) + functional.pad(X[1:], (0, 0, 0, 0, 0, 1))",
        "",
    ),
    "order of the rows": ("return self.map(X) + X.argsort(0).to(X.dtype)", ""),
    "attention with the axes swapped": (
        "h = self.map(X).transpose(0, 1)\n"
        "return functional.scaled_dot_product_attention(h, h, h).transpose(0, 1)",
        "",
    ),
    "one scan over all rows": (
        "h = torch.tanh(self.map(X))\nreturn h.reshape(B * L, D).cumsum(0).view(B, L, D)",
        "",
    ),
    "a convolution over all rows": (
        "h = self.map(X).reshape(1, B * L, D)\n"
        "return self.conv(h.mT)[..., : B * L].mT.view(B, L, D)",
        CONV.format(pad=2),
    ),
    "capacity shared by the rows": (
        "h, chosen = self.map(X), X[..., 0] > 0\n"
        "place = chosen.flatten().cumsum(0).view(B, L)\n"
        "return h * (chosen & (place < B * L // 4))[..., None]",
        "",
    ),
}

CAUSAL: Zoo = {
    "attention": (SCORES + "return s.masked_fill(~mask, float('-inf')).softmax(-1) @ v", K),
    "fused attention": (
        "h = self.map(X)[:, None]\n"
        "return functional.scaled_dot_product_attention(h, h, h, is_causal=True)[:, 0]",
        "",
    ),
    "attention in a window": (
        SCORES + "near = mask & mask.mT.tril(9).mT\n"
        "return s.masked_fill(~near, float('-inf')).softmax(-1) @ v",
        K,
    ),
    "the best of the past": (
        SCORES + "s = s.masked_fill(~mask, float('-inf'))\n"
        "least = s.topk(min(4, L), -1).values[..., -1:]\n"
        "return s.masked_fill(s < least, float('-inf')).softmax(-1) @ v",
        K,
    ),
    "a mask that is kept as a parameter": (
        "return self.mask[:L, :L] @ self.map(X) / L",
        "mask = torch.ones(1200, 1200, **self.factory_kwargs).tril()\n"
        "self.mask = nn.Parameter(mask, requires_grad=False)",
    ),
    "running mean": (
        "n = torch.arange(1, L + 1, device=X.device, dtype=X.dtype)[:, None]\n"
        "return self.map(X).cumsum(1) / n",
        "",
    ),
    "running maximum": ("return self.map(X).cummax(1).values", ""),
    "running sums of large values": ("return (1e6 * self.map(X)).cumsum(1)", ""),
    "sums of the past as all less the rest": (
        "h = self.map(X)\nreturn h.sum(1, True) - h.flip(1).cumsum(1).flip(1) + h",
        "",
    ),
    "growing with time": (
        "t = 0.05 * torch.arange(L, dtype=X.dtype)[:, None]\n"
        "return t.clamp(max=60).exp() * self.map(X)",
        "",
    ),
    "convolution": ("return self.conv(self.map(X).mT)[..., :L].mT", CONV.format(pad=2)),
    "chunks": (
        "P = functional.pad(self.map(X), (0, 0, 0, -L % 16)).view(B, -1, 16, D)\n"
        "S = functional.pad(P.sum(2).cumsum(1), (0, 0, 1, 0))[:, :-1, None]\n"
        "return (S + P.cumsum(2)).flatten(1, 2)[:, :L] / 100",
        "",
    ),
    "dropout": ("return functional.dropout(self.map(X), 0.1, self.training)", ""),
    "running statistics": (
        "scale = self.scale.clone()\n"
        "if self.training:\n    self.scale.lerp_(X.abs().mean(), 0.1)\n"
        "return self.map(X) / scale",
        "self.register_buffer('scale', torch.ones((), **self.factory_kwargs))",
    ),
    "drifting by rounding": (
        "self.calls.append(0)\nreturn self.map(X) * (1 + 1e-11 * len(self.calls))",
        "self.calls = []",
    ),
    "computed in float32": (
        "h = self.map(X).float()\nreturn (h * torch.rsqrt(h.square().mean(-1, True) + 1e-6)).to(X)",
        "",
    ),
    "zero gate, causal": (
        "return self.map(X) + self.gate * X.cumsum(1)",
        GATE.format(value=0.0),
    ),
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
    "Fourier transform": ("h = self.map(X)\n" + FOURIER + "return Y", ""),
    "Fourier transform in float32": ("h = self.map(X).float()\n" + FOURIER + "return Y.to(X)", ""),
    "Fourier transform of a cube": ("h = self.map(X) ** 3\n" + FOURIER + "return Y", ""),
    "long Fourier kernel in float32": (
        "h, n = self.map(X).float(), 2 * L\nk = torch.arange(L).float().mul(13).sin()[:, None]\n"
        "Y = torch.fft.rfft(h, n, 1) * torch.fft.rfft(k, n, 0)\n"
        "return torch.fft.irfft(Y, n, 1)[:, :L].to(X)",
        "",
    ),
    "masked products of exponentials": (
        MASK + "s = (self.map(X).exp() @ X.exp().mT) * mask\nreturn (s @ X) / s.sum(-1, True)",
        "",
    ),
    "experts chosen at each position": (
        "Y, chosen = torch.zeros_like(X), X[..., :4].argmax(-1)\n"
        "for i in range(4):\n    Y[chosen == i] = i * self.map(X[chosen == i])\nreturn Y",
        "",
    ),
    "one position, chosen by the best score": (
        SCORES + "s = s.masked_fill(~mask, float('-inf'))\n"
        "return functional.one_hot(s.argmax(-1), L).to(X.dtype) @ v",
        K,
    ),
    "scan step by step": (
        "state, states = torch.zeros_like(X[:, 0]), []\n"
        "for x in self.map(X).unbind(1):\n"
        "    state = torch.tanh(state + x)\n    states.append(state)\n"
        "return torch.stack(states, 1)",
        "",
    ),
    "two ways, chosen at each position": (
        "h = self.map(X)\nreturn torch.where(X[..., :1] > 0, h, -2 * X)",
        "",
    ),
    "experts that are full in time": (
        "chosen = X[..., 0] > 0\nroom = chosen & (chosen.cumsum(1) < 9)\n"
        "Y = torch.zeros_like(X)\nY[room] = self.map(X[room])\nreturn Y",
        "",
    ),
    "Z of the block before": (
        "seen = Z.get('seen', torch.zeros_like(X))\n"
        "return self.map(X) + 0.1 * seen, {'seen': X.cumsum(1)}",
        "",
    ),
}
