"""Whether what a run's tables say fits together, which it does unless somebody has edited them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from genesys.errors import GenesysError, StoreError
from genesys.gau.folder import DESIGN_FILE, load_tree
from genesys.gau.structure import structural_hash
from genesys.gau.tree import GAUTree
from genesys.population.population import Population
from genesys.records import Design, Operator, SessionEnd

DESIGNS = "designs"
MOST = 3  # faults that an error names


def check_references(population: Population, folder: Path) -> None:
    """See that all names in a population are those of its designs; costs no reading of code.

    Args:
        population: Of a run.
        folder: Of the run.

    Raises:
        StoreError: They are not; says which, and in which table.
    """
    found = list(islice(references(population), MOST + 1))
    if found:
        more = " There is more." if len(found) > MOST else ""
        raise StoreError(
            f"The tree in {folder} does not fit together: {' '.join(found[:MOST])}{more} Its "
            "tables are written by Genesys alone; restore the folder from a copy. `genesys audit` "
            "lists all that is wrong."
        )


def references(population: Population) -> Iterator[str]:
    """What is wrong with the names and numbers in a population, in sentences."""
    designs, sessions, reports = population.designs, population.sessions, population.reports
    names = {"", *(design.name for design in designs)}
    # Sets first, since there is hardly ever something to tell and there may be 100,000 of each.
    parents = {parent for design in designs for parent in design.parents} - names
    made = {session.design for session in sessions} - names
    verified = {report.design for report in reports} - names
    yield from _twice([design.name for design in designs], "designs are called")
    yield from _twice([design.index for design in designs], "designs have the index")
    yield from _twice([session.index for session in sessions], "sessions have the index")
    for design in designs if parents else ():
        for parent in parents.intersection(design.parents):
            yield f"Design {design.name!r} has a parent {parent!r}, which is no design."
    for session in sessions:
        if session.design in made:
            yield f"Session {session.index} made {session.design!r}, which is no design."
        if (session.design == "") is (session.end is SessionEnd.ACCEPTED):
            made_what = repr(session.design) if session.design else "no design"
            yield f"Session {session.index} ended {session.end.value} and made {made_what}."
    for report in reports if verified else ():
        if report.design in verified:
            yield f"A report at {report.scale} is on {report.design!r}, which is no design."


def contents(population: Population, folder: Path) -> Iterator[str]:
    """What is wrong with what sessions began with, designs' code and their folders; reads it all.

    Nothing reads a design's folder but people, so an edit of one changes no result.

    Args:
        population: Of a run.
        folder: Of the run.
    """
    for session in population.sessions:
        for parent in session.selection.designs:
            if parent not in population.by_name:
                yield f"Session {session.index} began with {parent!r}, which is no design."
    for design in population.designs:
        where = f"Design {design.name!r}"
        try:
            tree = GAUTree.of(design)
        except GenesysError as error:
            yield f"{where} is no tree: {error}"
            continue
        if structural_hash(tree) != design.structural_hash:
            yield f"{where} has other code than it was committed with: its hash does not fit."
        if design.operator is not Operator.SEED and design.proposal is None:
            yield f"{where} has no proposal, and is no seed."
        yield from _folder(design, tree, folder / DESIGNS / design.name)


def _folder(design: Design, tree: GAUTree, home: Path) -> Iterator[str]:
    if not (home / DESIGN_FILE).is_file():
        return  # it is written again when the run is opened
    try:
        there = load_tree(home)
    except GenesysError as error:
        yield f"The folder of {design.name!r} was edited: {error}"
        return
    for name in sorted(tree.units.keys() | there.units.keys()):
        ours, theirs = tree.units.get(name), there.units.get(name)
        if not (ours and theirs and ours.code == theirs.code):
            yield (
                f"{home / 'units' / name}.py was edited: the run goes on with what was committed. "
                f"Delete {home} to have it written anew, or copy it to use it as a seed."
            )


def _twice(keys: Sequence[Hashable], told: str) -> Iterator[str]:
    if len(set(keys)) < len(keys):
        for key, number in Counter(keys).items():
            if number > 1:
                yield f"{number} {told} {key!r}."
