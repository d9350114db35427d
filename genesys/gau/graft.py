"""Puts a subtree in the place of a unit: the mechanics of ``GAUTree.replace``."""

from __future__ import annotations

from collections.abc import Container
from itertools import count

from genesys.gau.rename import rename
from genesys.gau.tree import GAUTree, reachable
from genesys.gau.unit import UnitSource, parse_unit


def graft(tree: GAUTree, target: str, scion: GAUTree) -> GAUTree:
    """``tree`` with ``target`` replaced by ``scion``; see :meth:`GAUTree.replace`."""
    if target == tree.root:
        return GAUTree(scion.root, scion.units, {**scion.args, **tree.args})
    others = {name: unit for name, unit in tree.units.items() if name != target}
    kept = reachable(tree.root, others)
    called = {child for name in kept for child in tree.children(name)} - {target}
    # Units above the target are about to change: no incoming unit may pass for one of them.
    stable = {name: unit for name, unit in kept.items() if target not in tree.subtree(name).order()}
    names, incoming = _fit(scion, stable, called | set(kept))
    root = names.get(scion.root, scion.root)
    units = {
        name: _renamed(unit, {target: root}) if target in tree.children(name) else unit
        for name, unit in kept.items()
    }
    return GAUTree(tree.root, {**units, **incoming}, {**scion.args, **tree.args})


def _fit(
    scion: GAUTree, shareable: dict[str, UnitSource], taken: set[str]
) -> tuple[dict[str, str], dict[str, UnitSource]]:
    """Give the incoming units names that are not taken, or share a unit of equal code.

    Leaves first: when a child is renamed its caller's code changes, so that the caller is not
    taken for the unit of its name any more.
    """
    names: dict[str, str] = {}
    incoming: dict[str, UnitSource] = {}
    for name in reversed(scion.order()):
        unit = _renamed(scion.units[name], names) if name in scion.units else None
        if unit is not None and unit == shareable.get(name):
            continue
        if name in taken:
            names[name] = _free(name, {*taken, *names.values(), *scion.order()})
            unit = unit and _renamed(unit, {name: names[name]})
        if unit is not None:
            incoming[unit.name] = unit
    return names, incoming


def _free(name: str, taken: Container[str]) -> str:
    stem = name.rstrip("0123456789")
    return next(f"{stem}{n}" for n in count(2) if f"{stem}{n}" not in taken)


def _renamed(unit: UnitSource, names: dict[str, str]) -> UnitSource:
    relevant = {unit.name, *(decl.unitname for decl in unit.children)}
    changes = {old: new for old, new in names.items() if old in relevant and old != new}
    return parse_unit(rename(unit.code, changes), unit.name) if changes else unit
