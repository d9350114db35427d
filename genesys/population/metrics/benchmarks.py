"""Which tasks tell designs apart (app. E.3.1, table 16)."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

DEVIATION, GAIN, ITEMS = 0.01, 0.05, 200  # the paper's thresholds


@dataclass(frozen=True)
class TaskStatistics:
    """What all verifications scored on a task.

    Attributes:
        task: Its name.
        deviation: Standard deviation of the scores.
        mean: Of the scores.
        least: The lowest score.
        most: The highest score.
        chance: What guessing gives; None if it is not known.
        items: Of the task; None if not known.
    """

    task: str
    deviation: float
    mean: float
    least: float
    most: float
    chance: float | None = None
    items: int | None = None

    @property
    def selected(self) -> bool | None:
        """Whether a comparison should use the task.

        Scores must spread by more than 0.01, the best must lie 5% above guessing, and there must be
        more than 200 items. What is not known is not asked for; None if none of the last two is.
        """
        if self.deviation <= DEVIATION:
            return False
        known = []
        if self.chance is not None:
            known.append(self.most > (1 + GAIN) * self.chance)
        if self.items is not None:
            known.append(self.items > ITEMS)
        return all(known) if known else None


def task_statistics(scores: pa.Table) -> list[TaskStatistics]:
    """Statistics of each task, those that spread most first.

    Args:
        scores: By the schema ``SCORES``.
    """
    deviation = ("value", "stddev", pc.VarianceOptions(ddof=0))
    others = [("value", "mean"), ("value", "min"), ("value", "max")]
    known = [("chance", "max"), ("items", "max")]  # the same in all rows that have it
    found = scores.group_by("task").aggregate([deviation, *others, *known])
    statistics = [
        TaskStatistics(
            task=row["task"],
            deviation=row["value_stddev"],
            mean=row["value_mean"],
            least=row["value_min"],
            most=row["value_max"],
            chance=row["chance_max"],
            items=row["items_max"],
        )
        for row in found.to_pylist()
    ]
    return sorted(statistics, key=lambda one: (-one.deviation, one.task))
