"""Checks ``initialization``, ``forward`` and ``backward``, and the units' own tests."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from genesys.gau import GAM, GAUBase
from genesys_checkers.faults import Fault
from genesys_checkers.subject import SEED, Subject, loss_of, through_blocks, tokens, unit_of

BATCHES = (2, 1, 3)
# Through these a module could answer for itself what it holds and does.
_SPECIAL = frozenset(
    {"__call__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__new__"}
)


def check_initialization(subject: Subject) -> None:
    """Build the model at every width.

    Raises:
        Fault: A block has no parameters or is not finite, or a unit redefines ``nn.Module``.
    """
    for unit in vars(subject.module).values():
        if isinstance(unit, type) and issubclass(unit, GAUBase) and unit is not GAUBase:
            _check_overrides(unit)
    for width in subject.settings.widths:
        model = subject.model(width)
        if not any(True for _ in model.blocks.parameters()):
            raise Fault("The block has no parameters.", hint="Give it something to learn.")
        for name, value in model.blocks.named_parameters():
            if not value.isfinite().all():
                unit = unit_of(model.blocks, name)
                raise Fault(f"Parameter {name} starts out with NaN or infinity.", unit)


def check_forward(subject: Subject) -> None:
    """Run the model at every width and length, and twice on one input.

    Raises:
        Fault: The output has a wrong shape, is not finite, or differs between two runs.
    """
    for width in subject.settings.widths:
        model = subject.model(width)
        for position, length in enumerate(subject.settings.lengths):
            ids = tokens(BATCHES[position % len(BATCHES)], length)
            _check_output(model, ids, width)
    model = subject.model(subject.width).eval()
    ids = tokens(2, max(subject.settings.lengths))
    with torch.no_grad():
        if not torch.equal(model.hidden(ids), model.hidden(ids)):
            raise Fault(
                "Two runs on one input differ in evaluation mode.",
                hint="Draw random numbers in training only, and keep no state between calls.",
            )


def check_unit_tests(subject: Subject) -> None:
    """Run every function that a unit marks with ``gau_test``."""
    for test in subject.tests:
        torch.manual_seed(SEED)
        print(f"{test.unit}.{test.name}")
        function = getattr(subject.module, test.function)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(device=torch.device("cpu"), dtype=torch.float32)
            except AssertionError as error:
                # Most say nothing but where; the line comes from the traceback.
                what = f"{test.name} failed. {error}".strip()
                raise AssertionError(what).with_traceback(error.__traceback__) from None


def check_backward(subject: Subject) -> None:
    """Differentiate the loss at every length.

    Raises:
        Fault: The loss or a gradient is not finite, or no gradient reaches the input.
    """
    for length in subject.settings.lengths:
        model = subject.model(subject.width)
        loss = loss_of(model, tokens(2, length + 1))
        loss.backward()  # type: ignore[no-untyped-call]
        for name, parameter in model.named_parameters():
            if parameter.grad is not None and not parameter.grad.isfinite().all():
                unit = unit_of(model, name)
                raise Fault(f"The gradient of {name} has NaN or infinity at L = {length}.", unit)


def _check_overrides(unit: type) -> None:
    for name in vars(unit):
        public = not name.startswith("__") and name != "extra_repr"
        if hasattr(nn.Module, name) and (public or name in _SPECIAL):
            raise Fault(
                f"{unit.__name__} redefines {name} of torch.nn.Module.",
                unit.__name__,
                "Call it otherwise: counting, training and moving a model rely on it.",
            )


def _check_output(model: GAM, ids: Tensor, width: int) -> None:
    with torch.no_grad():
        X = through_blocks(model, model.embedding(ids))
    if not X.isfinite().all():
        shape = (*ids.shape, width)
        raise Fault(f"Y has NaN or infinity for X of shape {shape}.", _first_bad_unit(model, ids))


def _first_bad_unit(model: GAM, ids: Tensor) -> str:
    """Class name of the first unit whose output is not finite."""
    bad: list[str] = []

    def look(module: nn.Module, _: object, output: tuple[Tensor, object]) -> None:
        if not output[0].isfinite().all():
            bad.append(type(module).__name__)

    handles = [m.register_forward_hook(look) for m in model.modules() if isinstance(m, GAUBase)]
    with torch.no_grad():
        model.hidden(ids)
    for handle in handles:
        handle.remove()
    return bad[0] if bad else ""
