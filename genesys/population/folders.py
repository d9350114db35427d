"""A folder per design, for people: derived from the evolution tree and never read back.

``designs/<name>/`` holds ``design.yaml`` and ``units/*.py`` in the form of a seed, and beside them
``gab.py``, ``proposal.md``, ``review.md`` and ``reports/<scale>.json``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from genesys.files import write_text
from genesys.gau.compose import compose
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
        """Write a report, in place of an earlier one at the same scale."""
        path = self._folder / report.design / REPORTS / f"{report.scale}.json"
        text = report.model_dump_json(indent=2) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            write_text(path, text)

    def restore(self, population: Population) -> None:
        """Write whatever is missing, e.g. after the process was killed between two writes."""
        for design in population.designs:
            self.write_design(design)
        latest = {(report.design, report.scale): report for report in population.reports}
        for report in latest.values():
            self.write_report(report)


def export_design(design: Design, folder: Path) -> None:
    """Write a design's files into a folder, which can be given as a seed then."""
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
