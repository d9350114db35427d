"""The reference units: published mechanisms as unit files, ready to be used in designs.

They lie in ``units/<role>/<Name>.py`` in the template of all units. A role says where a unit may
stand; a unit calls other reference units by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from genesys.errors import TreeError, UnknownNameError
from genesys.gau.folder import load_tree, load_unit
from genesys.gau.tree import GAUTree, reachable
from genesys.gau.unit import UnitSource
from genesys.resources import resource

HOST = "gpt2"
# The unit of the host seed that a reference unit takes the place of.
PLACES = {"token": "MHA", "channel": "GatedMLP", "norm": "RMSNorm"}
# A block is a root unit; a part is called by other units only.
ROLES = (*PLACES, "block", "part")

_SOURCE = re.compile(r"^Source:\s*(.+?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_KEYS = re.compile(r"\[([a-z0-9]+)\]")


@dataclass(frozen=True)
class ReferenceUnit:
    """A published mechanism as a unit.

    Attributes:
        role: One of :data:`ROLES`.
        unit: Its file.
    """

    role: str
    unit: UnitSource

    @property
    def name(self) -> str:
        """Of the unit's class and file."""
        return self.unit.name

    @property
    def code(self) -> str:
        """The file as it was written."""
        return self.unit.code

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return self.unit.docstring.partition("\n")[0]

    @property
    def source(self) -> str:
        """Where it is published, in one line; empty when its docstring does not say."""
        found = _SOURCE.search(self.unit.docstring)
        return " ".join(found[1].split()).rstrip(".") if found else ""

    @property
    def works(self) -> tuple[str, ...]:
        """Keys of its works in the reference library, which its source names in brackets."""
        return tuple(_KEYS.findall(self.source))


@cache
def reference_units() -> Mapping[str, ReferenceUnit]:
    """All reference units by name, role by role.

    Raises:
        TreeError: A file has another name than its unit, or two units have one name.
        UnitError: A file does not follow the template.
    """
    found: dict[str, ReferenceUnit] = {}
    for role in ROLES:
        for path in sorted((resource("units") / role).glob("*.py")):
            unit = load_unit(path)
            if unit.name in found:
                raise TreeError(f"{path}: there is a {found[unit.name].role} of that name already.")
            found[unit.name] = ReferenceUnit(role, unit)
    return found


def reference_unit(name: str) -> ReferenceUnit:
    """One reference unit.

    Raises:
        UnknownNameError: There is none of that name.
    """
    units = reference_units()
    if name not in units:
        raise UnknownNameError("reference unit", name, units)
    return units[name]


def reference_tree(name: str) -> GAUTree:
    """A reference unit with all that it calls.

    Raises:
        UnknownNameError: There is none of that name.
    """
    reference_unit(name)
    units = {other: entry.unit for other, entry in reference_units().items()}
    return GAUTree(name, reachable(name, units))


def hosted(name: str) -> GAUTree:
    """A whole block to try a reference unit in.

    A token mixer, channel mixer or norm takes its place in the GPT seed; a block is its own root.

    Raises:
        UnknownNameError: There is no reference unit of that name.
        TreeError: It is a part, which only its callers can use.
    """
    tree, role = reference_tree(name), reference_unit(name).role
    if role == "block":
        return tree
    if role not in PLACES:
        callers = [n for n, entry in reference_units().items() if _calls(entry, name)]
        raise TreeError(f"{name} is a part of other units: try {', '.join(callers) or 'none'}.")
    return load_tree(resource("seeds") / HOST).replace(PLACES[role], tree)


def _calls(entry: ReferenceUnit, name: str) -> bool:
    return any(child.unitname == name for child in entry.unit.children)
