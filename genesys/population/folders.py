"""A folder per design, for people: derived from the evolution tree and never read back.

``designs/<name>/`` holds ``design.yaml`` and ``units/*.py`` in the form of a seed, and beside them
``gab.py``, ``proposal.md``, ``review.md`` and ``reports/<scale>.json``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genesys.gau.folder import save_tree
from genesys.gau.tree import GAUTree
from genesys.population.population import Population
from genesys.records import Design, VerificationReport

REPORTS = "reports"


class DesignFolders:
    """Writes the folders. A folder appears whole or not at all.

    Args:
        folder: Holds one folder per design.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write_design(self, design: Design) -> None:
        """Write a design's folder unless it is there.

        Raises:
            OSError: Nothing is left behind but a draft, which the next write replaces.
        """
        home = self._folder / design.name
        if home.is_dir():
            return
        draft = self._folder / f".{design.name}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        (draft / REPORTS).mkdir(parents=True)
        export_design(design, draft)
        draft.replace(home)

    def write_report(self, report: VerificationReport) -> None:
        """Write a report, in place of an earlier one at the same scale.

        In one step, but without waiting for the disk: nothing is lost with it.
        """
        path = self._folder / report.design / REPORTS / f"{report.scale}.json"
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f".{path.name}.tmp")
        draft.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    def restore(self, population: Population, recent: Iterable[VerificationReport] = ()) -> None:
        """Write what is missing, e.g. after the process was killed between two writes.

        Args:
            population: Of the run; folders that are missing are written, with their reports.
            recent: Reports that a killed process may not have written.
        """
        self._folder.mkdir(exist_ok=True)
        present = {entry.name for entry in os.scandir(self._folder)}
        for design in population.designs:
            if design.name not in present:
                self.write_design(design)
                for report in population.reports_of(design.name):
                    self.write_report(report)
        for report in recent:
            self.write_report(report)


def export_design(design: Design, folder: Path) -> None:
    """Write a design's files into a folder, which can be given as a seed then."""
    from genesys.gau.compose import compose  # it takes long to import: libcst

    tree = GAUTree.of(design)
    about: dict[str, Any] = {"name": design.name}
    if design.proposal:
        about |= {"title": design.proposal.abstract, "operator": design.operator.value}
        about |= {"parents": list(design.parents)}
    save_tree(tree, folder, **about)
    (folder / "gab.py").write_text(compose(tree), encoding="utf-8")
    if design.proposal:
        (folder / "proposal.md").write_text(design.proposal.document + "\n", encoding="utf-8")
    if design.review:
        review = f"Rating: {design.review.rating:g} of 5\n\n{design.review.text}\n"
        (folder / "review.md").write_text(review, encoding="utf-8")
