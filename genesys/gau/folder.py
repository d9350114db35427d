"""A design as a folder that a person can open: ``design.yaml`` and ``units/<Unit>.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from genesys.errors import GenesysError, TreeError
from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, parse_unit

DESIGN_FILE = "design.yaml"
UNITS_FOLDER = "units"


def read_design_file(folder: Path) -> dict[str, Any]:
    """The contents of a folder's ``design.yaml``: at least ``name`` and ``root``.

    Raises:
        TreeError: There is none, or it is not YAML of that form.
    """
    path = folder / DESIGN_FILE
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise TreeError(f"{folder} is no design: it has no {DESIGN_FILE}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise TreeError(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("root"), str):
        raise TreeError(f"{path} must be a mapping with 'name' and 'root', the root unit's name.")
    if not isinstance(data.get("name"), str):
        raise TreeError(f"{path} must give the design's 'name'.")
    if not isinstance(data.get("args") or {}, dict):
        raise TreeError(f"{path}: 'args' must be a mapping.")
    return data


def load_tree(folder: Path) -> GAUTree:
    """Read the tree of a design folder.

    Declared children without a file are placeholders: see ``GAUTree.placeholders``.

    Raises:
        TreeError: A file is missing or misnamed, or the tree is not whole.
        UnitError: A unit does not follow the template.
    """
    data = read_design_file(folder)
    units: dict[str, UnitSource] = {}
    for path in sorted((folder / UNITS_FOLDER).glob("*.py")):
        unit = load_unit(path)
        units[unit.name] = unit
    try:
        return GAUTree(data["root"], units, data.get("args") or {})
    except TreeError as error:
        raise TreeError(f"{folder}: {error}") from None


def load_unit(path: Path) -> UnitSource:
    """Read a unit from the file that bears its name.

    Raises:
        TreeError: The file cannot be read or has another name than its unit.
        UnitError: The unit does not follow the template.
    """
    unit = parse_unit(_read(path), str(path))
    if unit.name == path.stem:
        return unit
    other = path.with_name(f"{unit.name}.py")
    if other.exists():
        raise TreeError(f"Two files define the unit {unit.name!r}, {path} and {other}; rename one.")
    raise TreeError(f"{path} defines {unit.name!r}: file and unit must have one name.")


def save_tree(tree: GAUTree, folder: Path, **about: Any) -> None:
    """Write ``design.yaml`` (with the entries ``about``, e.g. ``name``) and the unit files."""
    units = folder / UNITS_FOLDER
    units.mkdir(parents=True, exist_ok=True)
    for unit in tree.units.values():
        _write(units / f"{unit.name}.py", unit.code)
    data = {**about, "root": tree.root, "args": dict(tree.args)}
    _write(folder / DESIGN_FILE, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise TreeError(f"{path} is no text: {error}") from None
    except OSError as error:
        raise GenesysError(f"{path} cannot be read: {error}") from None


def _write(path: Path, text: str) -> None:
    # Bytes, so that line ends stay as they are.
    path.write_bytes(text.encode("utf-8"))
