"""Several seeds: one verification of trainings that differ in the seed only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import hypot
from statistics import fmean

from genesys.records import CurvePoint, Outcome, Scale, Score, VerificationReport
from genesys_verifiers.checkpoints.finished import Finished

SEEDS = 2**63  # so many there are

Progress = Callable[[CurvePoint], None]
Done = Callable[[VerificationReport], None]
Train = Callable[[int, Progress, Done], VerificationReport]


def repeated(
    train: Train,
    scale: Scale,
    seed: int,
    finished: Callable[[int], Finished],
    progress: Progress,
) -> VerificationReport:
    """One report on all seeds of a scale: ``seed`` and those that follow it.

    The first that does not end well ends it.

    Args:
        train: Verifies a design with one seed. It calls its third argument with a report that is
            good, before it gives up what it could go on from.
        scale: With the number of seeds.
        seed: The first.
        finished: Keeps the report of a seed.
        progress: Told of the training curves, one going on where the other ends.
    """
    if scale.seeds == 1:
        return train(seed, progress, lambda report: None)
    seeds = [(seed + place) % SEEDS for place in range(scale.seeds)]
    parts = [finished(own) for own in seeds]
    reports: list[VerificationReport] = []
    for own, part in zip(seeds, parts, strict=True):
        reports.append(part.read() or train(own, _after(reports, scale, progress), part.write))
        if reports[-1].outcome is not Outcome.OK:
            break
    whole = joined(reports)
    if whole.outcome is not Outcome.MACHINE_ERROR:
        for part in parts:
            part.remove()
    return whole


def joined(reports: Sequence[VerificationReport]) -> VerificationReport:
    """What the reports of several seeds say together.

    Scores and speed are means and seconds a sum; the rest is that of the first seed. If the last
    report is of a failure, so is the whole, and tells the seed.
    """
    first, last = reports[0], reports[-1]
    seconds = sum(report.seconds for report in reports)
    if last.outcome is not Outcome.OK:
        told = f"with seed {last.seed}: {last.error}"
        return last.model_copy(update={"seed": first.seed, "error": told, "seconds": seconds})
    tasks = zip(*(report.scores for report in reports), strict=True)
    return first.model_copy(
        update={
            "scores": [mean_of(scores) for scores in tasks],
            "tokens_per_second": fmean(report.tokens_per_second for report in reports),
            "seconds": seconds,
        }
    )


def mean_of(scores: Sequence[Score]) -> Score:
    """The mean score of several seeds on one task.

    All seeds answer the same items, so the error that comes from the items is that of one seed.
    Independent of it is the spread over seeds, which a mean of many makes smaller.
    """
    value = fmean(score.value for score in scores)
    mean = scores[0].model_copy(
        update={
            "value": value,
            "untrained": _mean([score.untrained for score in scores]),
            "by_seed": [score.value for score in scores],
        }
    )
    items = _mean([score.stderr for score in scores])
    error = None if items is None else hypot(items, mean.seed_error)
    return mean.model_copy(update={"stderr": error})


def _after(reports: Sequence[VerificationReport], scale: Scale, progress: Progress) -> Progress:
    """Tells of a curve as if it went on from those of the reports."""
    steps = sum(report.curve[-1].step for report in reports if report.curve)
    tokens = scale.tokens * len(reports)

    def tell(point: CurvePoint) -> None:
        moved = {"step": point.step + steps, "tokens": point.tokens + tokens}
        progress(point.model_copy(update=moved))

    return tell


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None
