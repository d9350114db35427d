"""What a unit says about the children it calls (app. B.3, fig. 16)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class UnitDecl:
    """Declaration of one child unit.

    A unit lists these in ``CHILDREN_DECLARATIONS``. A declared child that has no code yet
    is filled with a placeholder when the tree is composed.

    Attributes:
        unitname: Class name of the child unit.
        requirements: What the child has to do, in prose.
        inputs: Names the child reads: ``X`` and entries of ``Z``.
        outputs: Names the child gives: ``Y`` and entries of ``Z``.
    """

    unitname: str
    requirements: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
