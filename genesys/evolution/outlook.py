"""What a run will have spent and reached when it is done, as far as it can be told by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf, sqrt

from genesys.evolution.budget import HOUR, BudgetSettings
from genesys.evolution.settings import EvolutionSettings
from genesys.evolution.tally import Sample, Tally, nearest
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import Scale

NORMAL_95 = 1.96


@dataclass(frozen=True)
class Estimate:
    """A value with its 95% interval; None where there is too little to tell from."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Outlook:
    """What a run will come to; spending so far is included, time is what is still to come.

    Attributes:
        usd: Of calls of language models; None while nothing is known, as the others.
        tokens: Of these calls, in and out.
        device_hours: Of verifications.
        seconds: Of wall time from now on; None while nothing is known.
        designs: New designs that do not fail by their own fault.
        verifications: That will have been made, by scale.
        ends_by: The cap that ends the run before it has reached its goal, e.g. ``budget.usd``;
            empty if none will.
    """

    usd: Estimate | None
    tokens: Estimate | None
    device_hours: Estimate | None
    seconds: float | None
    designs: float
    verifications: Mapping[str, float]
    ends_by: str


@dataclass(frozen=True)
class Goal:
    """What a run is to reach in the end.

    Attributes:
        scales: The ladder, with the trials of all generations.
        designs: New designs that do not fail by their own fault.
        max_sessions: Sessions after which no more designs are tried for.
    """

    scales: Sequence[Scale]
    designs: int
    max_sessions: int

    @classmethod
    def of(cls, settings: EvolutionSettings, scales: Sequence[Scale], generations: int) -> Goal:
        """That of a run of so many generations, from the settings and ladder of one."""
        several = settings.times(generations)
        grown = [s.model_copy(update={"trials": generations * s.trials}) for s in scales]
        return cls(grown, several.designs, several.max_sessions)


def outlook(
    population: Population,
    tally: Tally,
    goal: Goal,
    caps: BudgetSettings,
    usd: float = 0.0,
    tokens: int = 0,
) -> Outlook:
    """What a run will have spent and reached, from the means and spreads of what it did so far.

    Sessions to come: the designs that are missing over the share of sessions that make one that
    lasts. Verifications to come: on each rung what the rung below will release, as far as there are
    designs. Both are cut where a cap ends them.

    Args:
        population: As it is now.
        tally: Of the ledger.
        goal: Of the run.
        caps: Of the run.
        usd: That calls of language models have cost so far.
        tokens: That they have taken so far, in and out.
    """
    sessions, ends_by = _sessions(population, tally, goal, caps, usd, tokens)
    lasting = _share(population, population.sound_children)
    made = sessions * _share(population, len(population.children))
    left = _verifications(population, goal, len(population.designs) + made)
    samples = {name: nearest(tally.verifications, name, goal.scales) for name in left}
    used, most = tally.device_seconds / HOUR, caps.device_hours
    wanted = sum(left[name] * sample.mean for name, sample in samples.items() if sample) / HOUR
    if most is not None and wanted and used + wanted > most:
        share = max(0.0, most - used) / wanted
        left = {name: share * count for name, count in left.items()}
        ends_by = ends_by or "budget.device_hours"
    hours = [(count, samples[name]) for name, count in left.items()]
    noise = sessions * (1 - lasting) / lasting if lasting else 0.0  # negative binomial
    return Outlook(
        usd=_estimate(usd, [(sessions, tally.usd)], caps.usd, noise),
        tokens=_estimate(tokens, [(sessions, tally.tokens)], caps.tokens, noise),
        device_hours=_estimate(used, hours, most, unit=HOUR),
        seconds=_wall(tally, goal, sessions, left),
        designs=population.sound_children + sessions * lasting,
        verifications={s.name: population.used(s.name) + left[s.name] for s in goal.scales},
        ends_by=ends_by,
    )


def _share(population: Population, of: int) -> float:
    """So many of the sessions that were held; all while none was."""
    held = len(population.sessions)
    return of / held if held else 1.0


def _sessions(
    population: Population,
    tally: Tally,
    goal: Goal,
    caps: BudgetSettings,
    usd: float,
    tokens: int,
) -> tuple[float, str]:
    """Sessions to come, and the cap that keeps them below what is wanted."""
    sound = population.sound_children
    missing, share = max(0, goal.designs - sound), _share(population, sound)
    wanted = float(max(0, goal.max_sessions - len(population.sessions))) if missing else 0.0
    if share:
        wanted = min(wanted, missing / share)
    ends_by = ""
    for key, most, so_far, each in (
        ("budget.usd", caps.usd, usd, tally.usd.mean),
        ("budget.tokens", caps.tokens, tokens, tally.tokens.mean),
    ):
        if most is not None and wanted * each and so_far + wanted * each > most:
            wanted, ends_by = max(0.0, most - so_far) / each, key
    return wanted, ends_by


def _verifications(population: Population, goal: Goal, designs: float) -> dict[str, float]:
    """Verifications to come on each rung: no more than are released, and than there are designs."""
    left: dict[str, float] = {}
    most, below = designs, 0
    for scale in goal.scales:
        released = floor(most * scale.trials / below + 1e-9) if below else designs
        most, below = min(float(scale.trials), released), scale.trials
        left[scale.name] = max(0.0, most - population.used(scale.name))
    return left


def _estimate(
    so_far: float,
    parts: Sequence[tuple[float, Sample | None]],
    most: float | None,
    noise: float = 0.0,
    unit: float = 1.0,
) -> Estimate | None:
    """A sum that is known, and of each part so many values more; None where nothing is known of it.

    Args:
        so_far: What is known.
        parts: How many more of each, and what is known of one of them.
        most: What the sum will not pass.
        noise: Variance of these numbers.
        unit: Of the samples, in that of the sum.
    """
    coming = [(count, sample or Sample()) for count, sample in parts if count]
    if not all(sample.n for _, sample in coming):
        return None
    ceiling = inf if most is None else max(most, so_far)
    value = so_far + sum(count * sample.mean for count, sample in coming) / unit
    if any(sample.n == 1 for _, sample in coming):
        return Estimate(min(value, ceiling))
    # What the values to come scatter by, what their mean may be wrong by, and how many they are.
    variance = sum(
        count * (1 + count / sample.n) * sample.deviation**2 + noise * sample.mean**2
        for count, sample in coming
    )
    error = NORMAL_95 * sqrt(variance) / unit
    low, high = max(so_far, value - error), value + error
    return Estimate(min(value, ceiling), min(low, ceiling), min(high, ceiling))


def _wall(
    tally: Tally, goal: Goal, sessions: float, verifications: Mapping[str, float]
) -> float | None:
    """Seconds until all is done by the workers that there are.

    Each kind of work waits for those that do it, and all of it for all of them.
    """
    parts = [
        (count, nearest(tally.verifying, name, goal.scales) or Sample())
        for name, count in verifications.items()
    ]
    if any(count and not sample.n for count, sample in [*parts, (sessions, tally.designing)]):
        return None
    designing = sessions * tally.designing.mean
    verifying = sum(count * sample.mean for count, sample in parts)
    roles = [kinds or set(JobKind) for kinds in tally.workers.values()] or [set(JobKind)]
    of = {kind: sum(kind in kinds for kinds in roles) for kind in JobKind}
    return max(
        designing / max(1, of[JobKind.SESSION]),
        verifying / max(1, of[JobKind.VERIFICATION]),
        (designing + verifying) / len(roles),
    )
