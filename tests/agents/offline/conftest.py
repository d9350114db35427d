"""Seeds as parents, sessions, and what every written block has to satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
import torch

from genesys.cli.config import compose as compose_config
from genesys.evolution.seeds import load_seed
from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.gau.testing import is_gau_test
from genesys.gau.tree import GAUTree
from genesys.records import CheckReport, Design, Found, Operator
from genesys.session import SessionContext

MakeContext = Callable[..., SessionContext]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors: threads would only get in each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def seeds() -> list[Design]:
    """The seeds of a run by default, as designs."""
    return [load_seed(name) for name in compose_config([])["evolution"]["seeds"]]


@pytest.fixture
def context() -> MakeContext:
    """Makes a session around parents; everything is new and valid unless told otherwise."""

    def make(
        operator: Operator, parents: Sequence[Design] = (), seed: int = 0, **fields: object
    ) -> SessionContext:
        given = {
            "references": (),
            "siblings": (),
            "search": lambda query: Found(),
            "check": lambda design: CheckReport(),
            "is_new": lambda design: True,
            **fields,
        }
        return SessionContext(
            index=0, seed=seed, operator=operator, parents=tuple(parents), **given
        )

    return make


@pytest.fixture
def assert_works() -> Callable[[GAUTree, int, Sequence[int]], None]:
    """Holds a tree to the contract of blocks: causal in float64, all parameters used."""

    def hold(tree: GAUTree, width: int = 48, lengths: Sequence[int] = (1, 7, 37)) -> None:
        torch.manual_seed(0)
        module = load_block(compose(tree))
        for value in vars(module).values():
            if is_gau_test(value):
                value(device=None, dtype=None)
        model = GAM(module.GAB, width, 1, 11, module.gab_config, dtype=torch.float64)
        for length in lengths:
            assert_causal(model.blocks[0], torch.randn(2, length, width, dtype=torch.float64))
        ids = torch.randint(0, 11, (2, lengths[-1]))
        loss = torch.nn.functional.cross_entropy(
            model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
        )
        loss.backward()
        idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert not idle, f"no gradient reaches {idle}"
        assert all(p.grad.isfinite().all() for p in model.parameters())

    return hold


def assert_causal(block: torch.nn.Module, X: torch.Tensor) -> None:
    Y, _ = block(X)
    for cut in {1, X.shape[1] // 2, X.shape[1] - 1} - {0, X.shape[1]}:
        changed = torch.cat((X[:, :cut], 10 * torch.randn_like(X[:, cut:])), dim=1)
        Y_changed, _ = block(changed)
        assert torch.allclose(
            Y[:, :cut], Y_changed[:, :cut], rtol=0, atol=1e-9 * Y.abs().max().item()
        )
        assert not torch.allclose(Y[:, cut:], Y_changed[:, cut:])
