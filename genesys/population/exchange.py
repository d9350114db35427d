"""Designs from and to folders: ours, and those of the original system."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from genesys.errors import GenesysError, StoreError
from genesys.gau.folder import DESIGN_FILE
from genesys.population.folders import REPORTS, export_design
from genesys.population.original.forms import IMPLEMENTATION
from genesys.population.original.reading import Read, read_original
from genesys.population.original.writing import write_original
from genesys.population.plain_folder import read_folder
from genesys.population.population import Population
from genesys.records import Outcome, Record, VerificationReport

LONGEST = 64  # of a name


class Form(StrEnum):
    """Of designs on disk: folders as a run keeps them, or the original system's JSON."""

    FOLDERS = "folders"
    ORIGINAL = "original"


class Imported(Record):
    """What came of one design.

    Attributes:
        source: Its folder.
        name: What it is called now; empty if it was not imported.
        error: Why it was not imported; else empty.
        notes: What of it was left out or changed, in sentences.
    """

    source: str
    name: str = ""
    error: str = ""
    notes: list[str] = Field(default_factory=list)


def export_designs(population: Population, names: Iterable[str], out: Path, form: Form) -> None:
    """Write designs, a folder each, with their reports.

    Args:
        population: That they are of.
        names: Of the designs.
        out: New or empty; it appears whole or not at all.
        form: Of the folders.

    Raises:
        UnknownNameError: There is no such design.
        StoreError: ``out`` is not empty, or the disk refuses.
    """
    designs = [population.design(name) for name in dict.fromkeys(names)]
    with _storing(out), _fresh(out) as draft:
        for design in designs:
            latest = {report.scale: report for report in population.reports_of(design.name)}
            home = draft / design.name
            if form is Form.ORIGINAL:
                well = [r for r in latest.values() if r.outcome is Outcome.OK]
                write_original(design, well, home)
            else:
                _write_ours(Read(design, list(latest.values())), home)


def import_designs(source: Path, out: Path) -> list[Imported]:
    """Make design folders, which can be given as seeds, of designs in either form.

    No code is run. A design that cannot be imported keeps no other from it. One whose name is
    taken in ``out`` is not imported again.

    Args:
        source: A design's folder, or a folder of such.
        out: Made when absent. Each design's folder appears whole or not at all.

    Returns:
        What came of each design, by the names of their folders.

    Raises:
        StoreError: There are no designs in ``source``, or the disk refuses.
    """
    folders = _designs_in(source)
    names = _names([folder.name for folder in folders])
    with _storing(out):
        out.mkdir(parents=True, exist_ok=True)
        return [_import(folder, names, out) for folder in folders]


def as_name(text: str) -> str:
    """A valid name of a design that is like a text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_")
    return (name if name[:1].isalpha() else f"design-{name}".rstrip("-"))[:LONGEST]


def _import(folder: Path, names: dict[str, str], out: Path) -> Imported:
    name = names[folder.name]
    try:
        if (out / name).exists():
            raise GenesysError(f"{out / name} is there already.")
        found = _reader(folder)(folder, name, lambda parent: names.get(parent) or as_name(parent))
        with _fresh(out / name) as home:
            _write_ours(found, home)
    except StoreError:
        raise
    except (GenesysError, SyntaxError, ValueError, RecursionError) as error:
        return Imported(source=folder.name, error=str(error))
    return Imported(source=folder.name, name=name, notes=found.notes)


def _reader(folder: Path) -> Callable[[Path, str, Callable[[str], str]], Read]:
    if folder.is_symlink():
        raise GenesysError("The folder is a symbolic link, which is not followed.")
    return read_folder if (folder / DESIGN_FILE).exists() else read_original


def _write_ours(found: Read, home: Path) -> None:
    (home / REPORTS).mkdir(parents=True)
    export_design(found.design, home)
    for report in found.reports:
        _write_report(report, home)


def _write_report(report: VerificationReport, home: Path) -> None:
    path = home / REPORTS / f"{report.scale}.json"
    path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _designs_in(source: Path) -> list[Path]:
    """The folder itself, or those in it."""
    if _is_design(source):
        return [source.resolve()]
    try:
        found = sorted(path for path in source.iterdir() if path.is_dir() and _is_design(path))
    except OSError as error:
        raise StoreError(f"{source} cannot be read: {error.strerror}.") from None
    if not found:
        raise StoreError(
            f"There are no designs in {source}: no folder with {DESIGN_FILE} or {IMPLEMENTATION}."
        )
    return found


def _is_design(folder: Path) -> bool:
    return any((folder / name).exists() for name in (DESIGN_FILE, IMPLEMENTATION))


def _names(folders: Iterable[str]) -> dict[str, str]:
    """A valid name for each folder, no two alike; those that are valid keep theirs."""
    names: dict[str, str] = {}
    for folder in sorted(folders, key=lambda folder: as_name(folder) != folder):
        name, number = as_name(folder), 1
        while name in names.values():
            number += 1
            name = f"{as_name(folder)[: LONGEST - 6]}-{number}"
        names[folder] = name
    return names


@contextmanager
def _storing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"Cannot write to {out}: {error.strerror}.") from None


@contextmanager
def _fresh(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of a new or empty one once that is done."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} is not empty. Choose an empty or a new folder.")
    draft = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
