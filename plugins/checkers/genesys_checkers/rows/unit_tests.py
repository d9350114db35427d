"""Row ``unit_tests``: the units' own tests pass."""

from __future__ import annotations

from genesys_checkers.block import Block
from genesys_checkers.faults import Fault


def check(block: Block) -> None:
    """Run each function that a unit marks with ``gau_test``, leaves of the tree first.

    Raises:
        Fault: One raises or does not end; its output is what it printed.
    """
    for unit in reversed(block.tree.order()):
        for test, function in block.tests(unit).items():
            block.guest.output()  # what was printed before is not this test's
            try:
                block.call("run_test", function=function)
            except Fault as fault:
                fault.unit = fault.unit or unit
                fault.message = f"{test}: {fault.message}"
                raise
